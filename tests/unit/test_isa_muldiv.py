# SPDX-License-Identifier: Apache-2.0
"""M: the corner cases the manual lists, and random products and quotients against Python's own arithmetic."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from core.hart import Hart
from core.isa.decode import decode, encode

MAX = 0x7FFF_FFFF_FFFF_FFFF
MIN = 0x8000_0000_0000_0000
ONES = 0xFFFF_FFFF_FFFF_FFFF
MIN32 = 0xFFFF_FFFF_8000_0000
"""The most negative 32-bit value, sign-extended."""


def run(name: str, a: int, b: int) -> int:
    """The result of instruction `name` on these register values."""
    h = Hart()
    h.x[11], h.x[12] = a, b
    found = decode(encode(name, rd=10, rs1=11, rs2=12))
    found.function(h, *found.args)
    assert (h.x[11], h.x[12]) == (a, b)
    return int(h.x[10])


def signed(value: int, bits: int = 64) -> int:
    """The low bits of a value read as two's complement."""
    value %= 1 << bits
    return value - (1 << bits) if value >> (bits - 1) else value


def unsigned(value: int) -> int:
    return value % (1 << 64)


@pytest.mark.parametrize(
    ("name", "a", "b", "result"),
    [
        # division by zero: quotient all ones, remainder the dividend (norm:div_by_zero, norm:rem_by_zero)
        ("div", 7, 0, ONES),
        ("div", MIN, 0, ONES),
        ("div", 0, 0, ONES),
        ("divu", 7, 0, ONES),
        ("divu", ONES, 0, ONES),
        ("rem", 7, 0, 7),
        ("rem", MIN, 0, MIN),
        ("rem", ONES - 6, 0, ONES - 6),
        ("remu", 7, 0, 7),
        ("remu", ONES, 0, ONES),
        ("divw", 7, 1 << 32, ONES),
        ("divw", MIN32, 0, ONES),
        ("divuw", 7, 1 << 32, ONES),
        ("remw", 0x1_8000_0000, 0, MIN32),
        ("remw", 7, 1 << 32, 7),
        ("remuw", 0x8000_0000, 0, MIN32),
        ("remuw", 0xFFFF_FFFF_0000_0007, 0, 7),
        # overflow: the dividend, remainder 0 (norm:signed_div_overflow)
        ("div", MIN, ONES, MIN),
        ("rem", MIN, ONES, 0),
        ("divw", MIN32, ONES, MIN32),
        ("divw", 0x8000_0000, 0xFFFF_FFFF, MIN32),
        ("remw", MIN32, ONES, 0),
        # rounding towards zero, remainder with the dividend's sign (norm:rem_result_sign)
        ("div", 7, ONES - 1, ONES - 2),
        ("div", ONES - 6, 2, ONES - 2),
        ("div", ONES - 6, ONES - 1, 3),
        ("rem", 7, ONES - 1, 1),
        ("rem", ONES - 6, 2, ONES),
        ("rem", ONES - 6, ONES - 1, ONES),
        ("div", MIN, 1, MIN),
        ("div", MIN, MIN, 1),
        ("div", MAX, MIN, 0),
        ("rem", MAX, MIN, MAX),
        ("divu", MIN, ONES, 0),
        ("divu", ONES, 1, ONES),
        ("remu", MIN, ONES, MIN),
        ("divuw", 0xFFFF_FFFF_8000_0000, 1, MIN32),
        ("divuw", 0xFFFF_FFFF, 1, ONES),
        ("remuw", 0xFFFF_FFFF, 0x8000_0000, 0x7FFF_FFFF),
        # products
        ("mul", MIN, ONES, MIN),
        ("mul", ONES, ONES, 1),
        ("mul", 1 << 32, 1 << 32, 0),
        ("mulh", MIN, MIN, 1 << 62),
        ("mulh", MIN, MAX, 0xC000_0000_0000_0000),
        ("mulh", ONES, ONES, 0),
        ("mulh", ONES, 1, ONES),
        ("mulhu", ONES, ONES, ONES - 1),
        ("mulhu", MIN, 2, 1),
        ("mulhsu", ONES, ONES, ONES),
        ("mulhsu", MIN, ONES, MIN),
        ("mulhsu", 1, ONES, 0),
        ("mulhsu", MAX, ONES, MAX - 1),
        ("mulw", 0x8000_0000, 0xFFFF_FFFF, MIN32),
        ("mulw", 0x1_0000_0003, 0x1_0000_0005, 15),
        ("mulw", 0x10000, 0x8000, MIN32),
    ],
)
def test_corner_cases(name: str, a: int, b: int, result: int) -> None:
    assert f"{run(name, a, b):#x}" == f"{result:#x}"


def values(rng: random.Random) -> int:
    """A register value, often near a power of two or small."""
    if rng.random() < 0.3:
        return unsigned((1 << rng.randrange(64)) + rng.randrange(-2, 3))
    return unsigned(rng.getrandbits(rng.randrange(1, 65)) * rng.choice((1, -1)))


def test_random_values() -> None:
    rng = random.Random(3)
    for _ in range(400):
        a, b = values(rng), values(rng)
        sa, sb = signed(a), signed(b)
        product = {"mul": sa * sb, "mulh": sa * sb >> 64, "mulhsu": sa * b >> 64, "mulhu": a * b >> 64}
        for name, expected in product.items():
            assert run(name, a, b) == unsigned(expected), (name, a, b)
        assert run("mulw", a, b) == unsigned(signed(a * b, 32))
        for suffix, bits in (("", 64), ("w", 32)):
            low_a, low_b = a % (1 << bits), b % (1 << bits)
            if low_b == 0:
                continue
            quotient = int(Fraction(signed(a, bits), signed(b, bits)))  # int() of a fraction rounds towards zero
            rest = signed(a, bits) - quotient * signed(b, bits)
            assert run("div" + suffix, a, b) == unsigned(signed(quotient, bits)), (suffix, a, b)
            assert run("rem" + suffix, a, b) == unsigned(signed(rest, bits)), (suffix, a, b)
            assert run("divu" + suffix, a, b) == unsigned(signed(low_a // low_b, bits)), (suffix, a, b)
            assert run("remu" + suffix, a, b) == unsigned(signed(low_a % low_b, bits)), (suffix, a, b)


def test_result_may_replace_an_operand() -> None:
    h = Hart()
    h.x[5], h.x[6] = 17, 5
    for name, rd in (("divu", 5), ("remu", 6)):
        found = decode(encode(name, rd=rd, rs1=5, rs2=6))
        found.function(h, *found.args)
    assert (h.x[5], h.x[6]) == (3, 3)
