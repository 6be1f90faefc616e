# SPDX-License-Identifier: Apache-2.0
"""Usage lines as grammar: what they accept, what they hand over, what they say when it does not fit."""

from __future__ import annotations

import pytest

from cli.usage import UsageError, bind, parse_usage, split_words


def take(usage: str, text: str, fmt: str | None = None) -> list[object]:
    parsed = parse_usage(usage)
    return list(bind(parsed, fmt, split_words(text, parsed)))


TRANSLATE = "translate ADDR [r|w|x] [--space gva|gpa|hva]"


@pytest.mark.parametrize(
    ("usage", "text", "fmt", "values"),
    [
        ("mode", "", None, []),
        ("step [N]", "", None, [None]),
        ("step [N]", "2 * 5", None, ["2*5"]),
        (TRANSLATE, "main", None, ["main", None, None]),
        (TRANSLATE, "sp + 8 w", None, ["sp+8", "w", None]),
        (TRANSLATE, "--space gpa ( sp + 8 ) x", None, ["(sp+8)", "x", "gpa"]),
        (TRANSLATE, "main x --space=gva", None, ["main", "x", "gva"]),
        ("x[/FMT] [ADDR] [--space gva|gpa]", "*ptr", "4gx", ["4gx", "*ptr", None]),
        ("csr [CSR] [= VALUE]", "hstatus.SPV=1", None, ["hstatus.SPV", "1"]),
        ("csr [CSR] [= VALUE]", "sepc = guest_entry + 4", None, ["sepc", "guest_entry+4"]),
        ("csr [CSR] [= VALUE]", "sepc = -1", None, ["sepc", "-1"]),
        ("delete [NUMBER...]", "1 2 3", None, [["1", "2", "3"]]),
        ("uart [TEXT]", "ls  -l = x", None, ["ls  -l = x"]),
        ("symbols [PATTERN]", "guest*", None, ["guest*"]),
    ],
)
def test_binding(usage: str, text: str, fmt: str | None, values: list[object]) -> None:
    assert take(usage, text, fmt) == values


@pytest.mark.parametrize(
    ("usage", "text", "fmt", "line"),
    [
        ("mode", "now", None, "'now' is too much"),
        (TRANSLATE, "", None, "ADDR is missing"),
        (TRANSLATE, "main q", None, "'q' is none of r, w, x"),
        (TRANSLATE, "main --space", None, "--space needs gva|gpa|hva"),
        (TRANSLATE, "main --space moon", None, "'moon' is none of gva, gpa, hva"),
        (TRANSLATE, "main --spice gva", None, "no option --spice; there is --space"),
        ("mode", "--fast", None, "no option --fast"),
        ("mode", "", "x", "it takes no /x"),
        ("csr [CSR] [= VALUE]", "sepc =", None, "VALUE is missing after '='"),
    ],
)
def test_what_does_not_fit(usage: str, text: str, fmt: str | None, line: str) -> None:
    with pytest.raises(UsageError) as caught:
        take(usage, text, fmt)
    assert str(caught.value) == line


@pytest.mark.parametrize("usage", ["", "Step [N]", "step [BANANA]", "x [ADDR N M]"])
def test_wrong_declarations_are_refused(usage: str) -> None:
    with pytest.raises(ValueError, match="usage line"):
        parse_usage(usage)
