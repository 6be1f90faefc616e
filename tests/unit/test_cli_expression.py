# SPDX-License-Identifier: Apache-2.0
"""The console's expressions."""

from __future__ import annotations

import pytest

from cli.expression import ExpressionError, evaluate


class Names:
    """Three symbols, three registers, memory in which every word is its address doubled."""

    def symbol(self, name: str) -> int | None:
        return {"guest_entry": 0x80201000, "sepc": 0x1111, "f.part.0": 0x2222}.get(name)

    def register(self, name: str) -> int | None:
        return {"sp": 0x80010000, "hgatp": 0x8000100000080304, "sepc": 0x9999, "hstatus.SPV": 1}.get(name)

    def variable(self, text: str) -> int | None:
        return {"vcpu->sepc": 0x1000, "table[2].ppn": 9, "table[a->b]": 3, "local": 4, "s.member": 5}.get(text)

    def load(self, address: int) -> int:
        return address * 2

    def hint(self, name: str, *, registers_only: bool) -> str:
        return f"; did you mean {'$sp' if registers_only else 'guest_entry'}?"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0x10", 16),
        ("0b101", 5),
        ("1_000", 1000),
        ("010", 10),
        ("guest_entry", 0x80201000),
        ("guest_entry+8", 0x80201008),
        ("guest_entry - 4 + 2 * 8", 0x8020100C),
        ("$sp", 0x80010000),
        ("sp", 0x80010000),
        ("sepc", 0x1111),
        ("$sepc", 0x9999),
        ("$hstatus.SPV", 1),
        ("f.part.0", 0x2222),
        ("*($sp + 16)", 0x100020020),
        ("**0x10", 0x40),
        ("hgatp & 0xfff", 0x304),
        ("1 << 12 | 3", 0x1003),
        ("-1", (1 << 64) - 1),
        ("~0 >> 60", 15),
        ("(2 + 3) * 4", 20),
        ("7 / 2", 3),
        ("7 % 4", 3),
        ("6 ^ 3", 5),
        ("0xffffffffffffffff + 2", 1),
        ("1 << 64", 0),
        ("(1 << 64) - 1 == ~0", 1),
        ("vcpu->sepc", 0x1000),
        ("vcpu->sepc + 4 == 0x1004", 1),
        ("table[2].ppn << 12", 0x9000),
        ("table[a->b]-1", 2),
        ("local", 4),
        ("s.member * 2", 10),
    ],
)
def test_values(text: str, value: int) -> None:
    assert evaluate(text, Names()) == value


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "an expression is missing (a number, symbol or $register)"),
        ("1 +", "'1 +' ends where a number, symbol or $register should follow"),
        ("1 2", "'2' does not belong where it is in '1 2'"),
        ("(1", "a closing ) is missing in '(1'"),
        (")", "')' does not belong where it is in ')'"),
        ("1 / 0", "division by zero in '1 / 0'"),
        ("gest_entry", "no symbol or register 'gest_entry'; did you mean guest_entry?"),
        ("$spp", "no register '$spp'; did you mean $sp?"),
        ("1 << 65", "a shift by 65 in '1 << 65': values have 64 bits"),
        ("8 >> -1", "a shift by 18446744073709551615 in '8 >> -1': values have 64 bits"),
        ("0x1ffffffffffffffff", "0x1ffffffffffffffff does not fit into 64 bits"),
        ("a ? b", "cannot read '? b' in expression 'a ? b'"),
        ("vcpu->scause", "no variable 'vcpu->scause' is known here"),
        ("12ab", "cannot read '12ab' in expression '12ab'"),
        ("0x", "cannot read '0x' in expression '0x'"),
        ("\x00", "cannot read '\\x00' in expression '\\x00'"),
    ],
)
def test_errors_are_one_line(text: str, line: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, Names())
    assert str(caught.value) == line


def test_deep_nesting_is_an_error_not_a_crash() -> None:
    with pytest.raises(ExpressionError, match="too deep"):
        evaluate("(" * 100_000, Names())
