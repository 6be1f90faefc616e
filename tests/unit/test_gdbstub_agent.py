# SPDX-License-Identifier: Apache-2.0
"""Agent bytecode: every operation, what is refused, and random code."""

from __future__ import annotations

import random

import pytest

from gdbstub.agent import CODE_LIMIT, MASK, OPERATIONS, AgentError, compile_expression
from gdbstub.agent_printf import format_printf


class Around:
    """Register N holds 100 + N, each byte of memory its address."""

    def __init__(self) -> None:
        self.printed: list[str] = []

    def register(self, number: int) -> int:
        return 100 + number

    def memory(self, address: int, size: int) -> int:
        return int.from_bytes(bytes((address + n) & 0xFF for n in range(size)), "little")

    def print(self, text: str) -> None:
        self.printed.append(text)


def run(code: str) -> int:
    """The value of an expression written in hexadecimal; `|` and spaces only help to read it."""
    return compile_expression(bytes.fromhex(code.replace("|", " ")))(Around())


MINUS_2 = "22 02 | 22 00 2b 03 "  # 2, 0, swap, sub


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("22 05 27", 5),
        ("23 1234 27", 0x1234),
        ("24 12345678 27", 0x12345678),
        ("25 8000000000000001 27", 0x8000000000000001),
        ("26 000a 27", 110),
        ("27", 0),
        ("22 05 22 07 02 27", 12),
        ("25 ffffffffffffffff 22 02 02 27", 1),
        ("22 05 22 07 03 27", MASK - 1),
        ("22 05 22 07 04 27", 35),
        (MINUS_2 + "22 07 2b 05 27", MASK - 2),  # 7 / -2 = -3
        (MINUS_2 + "22 07 05 27", 0),  # -2 / 7
        (MINUS_2 + "22 02 06 27", MASK >> 1),
        ("22 07 " + MINUS_2 + "07 27", 1),  # 7 % -2
        (MINUS_2 + "22 07 07 27", MASK - 1),  # -2 % 7
        ("22 09 22 05 08 27", 4),
        ("22 03 22 04 09 27", 48),
        ("22 03 22 40 09 27", 0),
        (MINUS_2 + "22 01 0a 27", MASK),
        (MINUS_2 + "22 ff 0a 27", MASK),
        (MINUS_2 + "22 3f 0b 27", 1),
        (MINUS_2 + "22 ff 0b 27", 0),
        ("22 00 0e 27", 1),
        ("22 09 0e 27", 0),
        ("22 0c 22 0a 0f 27", 8),
        ("22 0c 22 0a 10 27", 14),
        ("22 0c 22 0a 11 27", 6),
        ("22 00 12 27", MASK),
        ("22 05 22 05 13 27", 1),
        ("22 05 22 06 13 27", 0),
        (MINUS_2 + "22 05 14 27", 1),
        ("22 05 " + MINUS_2 + "14 27", 0),
        (MINUS_2 + "22 05 15 27", 0),
        ("22 80 16 08 27", MASK - 127),
        ("22 7f 16 08 27", 127),
        ("22 7f 16 40 27", 127),
        ("22 7f 16 00 27", 127),
        ("23 1234 2a 08 27", 0x34),
        ("22 10 17 27", 0x10),
        ("22 10 18 27", 0x1110),
        ("22 10 19 27", 0x13121110),
        ("22 10 1a 27", 0x1716151413121110),
        ("22 05 28 02 27", 10),
        ("22 05 22 06 29 27", 5),
        ("22 05 22 07 2b 03 27", 2),
        ("22 05 22 06 22 07 32 02 27", 5),
        ("22 05 22 06 22 07 33 27", 6),  # the top goes below the two others
        ("22 05 22 06 22 07 33 29 29 27", 7),
        ("21 0004 27 22 05 27", 5),
        ("22 01 20 0007 22 02 22 03 27", 3),
        ("22 00 20 0008 22 02 27 22 03 27", 2),
        ("22 01 20 0008 22 02 27 22 03 27", 3),
        ("22 05 22 01 20 000a 22 06 02 27 27", 5),  # a value left on the stack crosses the jump
    ],
)  # fmt: skip
def test_operations(code: str, value: int) -> None:
    assert run(code) == value


@pytest.mark.parametrize(
    ("scause", "sepc", "x3", "a0", "holds"),
    [(10, 1, 3, 9, 1), (10, 1, 4, 0, 0), (10, 0, 9, 3, 1), (10, 0, 0, 5, 0), (11, 1, 0, 0, 0)],
)
def test_a_real_condition(scause: int, sepc: int, x3: int, a0: int, holds: int) -> None:
    """vcpu->scause == 10 && (vcpu->sepc ? vcpu->x[3] : $a0) < 4, as gdb 13 writes it (vcpu is in a0, too)."""
    code = (
        "26000a2a40230120021a220a2a401320001521004926000a2a40230108021a0e20003426000a2a402203220804022a401a21003926000a16"
        "4022042a4015200044210049220121004b220027"
    )
    around = Around()
    around.register = lambda number: a0  # type: ignore[method-assign]
    words = {a0 + 0x120: scause, a0 + 0x108: sepc, a0 + 24: x3}
    around.memory = lambda address, size: words[address]  # type: ignore[method-assign]
    assert compile_expression(bytes.fromhex(code))(around) == holds


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "runs past its end"),
        ("22", "operand is cut off"),
        ("22 05", "runs past its end"),
        ("02 27", "value is missing"),
        ("01 27", "bytecode 0x01 is not supported"),
        ("2c 0001 27", "bytecode 0x2c is not supported"),
        ("ff", "bytecode 0xff is not supported"),
        ("32 03 27", "pick 3 from a stack of 0"),
        ("21 0100", "runs past its end"),
        ("22 01 20 0000 27", None),  # a loop that leaves nothing on the stack
        ("22 01 22 01 20 0000 27", "not of one depth"),
        ("28 27", "value is missing"),
        ("22 00 " + "28" * 300 + "27", "grows too deep"),
        ("34 00 00ff 41", "text of a printf is cut off"),
    ],
)
def test_what_is_refused(code: str, message: str | None) -> None:
    if message is None:
        compile_expression(bytes.fromhex(code))
        return
    with pytest.raises(AgentError, match=message):
        compile_expression(bytes.fromhex(code))


def test_an_expression_too_long_is_refused() -> None:
    with pytest.raises(AgentError, match="too long"):
        compile_expression(b"\x22\x00\x29" * CODE_LIMIT)


@pytest.mark.parametrize(("code", "message"), [("22 05 22 00 05 27", "division by zero"), ("21 0000", "come to an end")])
def test_what_fails_when_it_runs(code: str, message: str) -> None:
    with pytest.raises(AgentError, match=message):
        run(code)


def test_printf() -> None:
    around = Around()
    text = b"at %#lx: %d\n\0"
    arguments = "22 03 23 1000 22 00 22 00"  # the last value first, then channel and function
    code = bytes.fromhex(arguments) + bytes([0x34, 2]) + len(text).to_bytes(2, "big") + text + b"\x27"
    compile_expression(code)(around)
    assert around.printed == ["at 0x1000: 3\n"]


@pytest.mark.parametrize(
    ("text", "values", "shown"),
    [
        ("%d %i %u", [MASK, 0xFFFFFFFF, MASK], "-1 -1 4294967295"),
        ("%ld %llu %hhd %hx", [MASK, MASK, 0xFF, 0x12345], "-1 18446744073709551615 -1 2345"),
        ("%x|%X|%#x|%#o|%o", [10, 10, 10, 8, 8], "a|A|0xa|010|10"),
        ("[%5d|%-5d|%05d|%+d|% d|%.3d]", [7, 7, 7, 7, 7, 7], "[    7|7    |00007|+7| 7|007]"),
        ("%c%c", [65, 66], "AB"),
        ("%p", [0x80000000], "0x80000000"),
        ("%s and %.2s|%6s|", [0, 0, 0], "text and te|  text|"),
        ("100%% %d %d", [1], "100% 1 %d"),
        (r"\t%d\n\\ \"\101\"", [1], '\t1\n\\ "A"'),
        ("%f %q", [1], "%f %q"),
        ("%999999999d %d", [1], "%999999999d 1"),  # no such width: one packet must not take all memory
    ],
)
def test_printf_directives(text: str, values: list[int], shown: str) -> None:
    assert format_printf(text, values, lambda address, size: b"text\0"[address]) == shown


@pytest.mark.parametrize("seed", range(3))
def test_random_code_is_run_or_refused(seed: int) -> None:
    source = random.Random(seed)
    numbers = [*OPERATIONS, 0x22, 0x22, 0x26, 0x28]
    ran = 0
    for _ in range(3000):
        code = b"".join(
            bytes([number]) + bytes(source.choices((0, 0, 0, 1, 2, 5, 255), k=OPERATIONS[number].operand))
            for number in source.choices(numbers, k=source.randrange(1, 12))
        )
        try:
            value = compile_expression(code + b"\x27")(Around())
        except AgentError:
            continue
        ran += 1
        assert 0 <= value <= MASK, code.hex()
    assert ran > 100
