# SPDX-License-Identifier: Apache-2.0
"""docs/conformance.md: its column of tests, made from the names of the tests.

`python -m tests.support.conformance` writes it anew. A test of rules 5 and 9 is called `test_h005_h009_...`.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "conformance.md"
RULES = 112
STATUSES = ("holds", "absent")
TEST = re.compile(r"^ *def test((?:_h\d{3})+)_", re.MULTILINE)
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.*?) \| (.*?) \|(.*?)\|[^|]*\|$", re.MULTILINE)


@dataclass(frozen=True)
class Rule:
    """A row of the table: what it says, the manual's tags, its status and the choice, if there is one."""

    number: int
    text: str
    manual: str
    status: str
    choice: str


def rules(document: str) -> list[Rule]:
    """The rows of the table."""
    return [Rule(int(row[1]), *(row[index].strip() for index in range(2, 6))) for row in ROW.finditer(document)]


def named_after_rules() -> dict[int, Counter[str]]:
    """For each rule how many test functions are named after it, by file (relative to the repository)."""
    found: dict[int, Counter[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for names in TEST.findall(path.read_text(encoding="utf-8")):
            for number in re.findall(r"\d{3}", names):
                found.setdefault(int(number), Counter())[path.relative_to(ROOT).as_posix()] += 1
    return found


def with_tests(document: str) -> str:
    """The document with its column of tests as it must be."""
    found = named_after_rules()

    def row(match: re.Match[str]) -> str:
        files = found.get(int(match[1]), Counter())
        links = [f"[{Path(file).stem}](../{file})" + (f" {count}" if count > 1 else "") for file, count in files.items()]
        return f"{match[0][: match.end(5) - match.start()]}| {', '.join(links)} |"

    return ROW.sub(row, document)


def main() -> int:
    """Write the document."""
    DOCUMENT.write_text(with_tests(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
