# SPDX-License-Identifier: Apache-2.0
"""The sessions in docs/gdb.md are what a real gdb shows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.console.test_docs import ROOT, fits
from tests.gdb.driver import batch
from tests.gdb.machine import Served

PROMPT = "(gdb) "
PASSING = re.compile(r"\[(?:New Thread|Switching to) ")
"""What each gdb words in its own way."""


def told() -> list[str]:
    """The lines of all sessions; they are one."""
    blocks = re.findall(r"^```\n(.*?)^```$", (ROOT / "docs" / "gdb.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [line for block in blocks if PROMPT in block for line in block.splitlines() if not line.startswith("$ ")]


def test_the_sessions_in_the_documentation() -> None:
    served = Served("twins", "native", symbols={"guest:*": "twins-guest"})
    try:
        typed = []
        for line in told():
            if line.startswith(PROMPT):
                command = line.removeprefix(PROMPT)
                typed += [f"echo {line}\\n", served.remote if command == "target remote :1234" else command]
        shown = batch(*typed).replace(served.remote, "target remote :1234")
    finally:
        served.close()
    shown = re.sub(r"/\S*(?=/examples/prebuilt/)", "...", shown).partition("[Inferior 1 (process 1) detached]")[0]
    lines = [line.rstrip() for line in shown.rstrip().splitlines()]
    found, expected = list(parts(lines)), list(parts(told()))
    assert len(expected) > 8
    assert [command for command, _ in found] == [command for command, _ in expected]
    for (command, output), (_, document) in zip(found, expected, strict=True):
        assert fits(output, document), "\n".join([command, *output])


def parts(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Every command with what it shows, but for what each gdb words in its own way."""
    command, output = "", list[str]()
    for line in lines:
        if line.startswith(PROMPT):
            yield command, output
            command, output = line, []
        elif not PASSING.match(line):
            output.append(line)
    yield command, output
