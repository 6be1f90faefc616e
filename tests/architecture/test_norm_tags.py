# SPDX-License-Identifier: Apache-2.0
"""Every `norm:` tag that the project cites exists in the manual."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.tree import files, listing, text

CITATION = re.compile(r"norm:([A-Za-z0-9_-]+)(\{?)")
TAGS = frozenset(
    line for line in (Path(__file__).parent / "norm_tags.txt").read_text().splitlines() if not line.startswith("#")
)
CITING = ("core", "gdbstub", "cli", "tests", "examples", "docs")


def exists(name: str, formatted: bool) -> bool:
    """Whether a tag exists; where a formatted string goes on, whether a tag begins so."""
    return any(tag.startswith(name) for tag in TAGS) if formatted else name in TAGS


def test_cited_tags_exist() -> None:
    wrong = []
    for path in files(*CITING, suffixes=(".py", ".md", ".c", ".S", ".h")):
        for number, line in enumerate(text(path).splitlines(), 1):
            for name, brace in CITATION.findall(line):
                if not exists(name, bool(brace)):
                    wrong.append(f"{path}:{number}: norm:{name}")
    assert not wrong, listing(wrong)


def test_the_list_of_tags_is_sorted_and_complete_enough() -> None:
    lines = (Path(__file__).parent / "norm_tags.txt").read_text().splitlines()
    assert lines[0].startswith("# ")
    assert lines[1:] == sorted(set(lines[1:]))
    assert {"hgatp_ppn_op", "wfi_op", "H_trap_xtinst", "mul_op"} <= TAGS
