# SPDX-License-Identifier: Apache-2.0
"""Zba, Zbb, Zbs, Zbc, Zicond, Zimop and the short forms in Zcb: results on edge values and random ones, in Python and
natively, against expectations worked out on bit strings, byte strings and unbounded integers."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from core.features import Feature
from core.hart import Hart
from core.isa.decode import decode, encode
from core.isa.encoding import BY_NAME, COMPRESSED_BY_NAME, INSTRUCTIONS
from tests.support.native_call import NativeModule

ONES = (1 << 64) - 1
MIN, MAX = 1 << 63, (1 << 63) - 1
EXTENSIONS = Feature.ZBA | Feature.ZBB | Feature.ZBS | Feature.ZBC | Feature.ZICOND | Feature.ZIMOP
RECORDS = [record for record in INSTRUCTIONS if record.ext & EXTENSIONS]
EDGES = (
    0, 1, 2, 3, 5, 31, 32, 33, 63, 64, 65, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
    0x1_0000_0000, 0x8000_0000_0000_0080, 0x0102_0304_0506_0708, 0xFF00_0000_00FF_0001, MAX, MIN, ONES - 1, ONES,
)  # fmt: skip


def signed(value: int, bits: int) -> int:
    """The low bits of a value as a signed number."""
    low = value & (1 << bits) - 1
    return low - (1 << bits) if low >> (bits - 1) else low


def extended(value: int, bits: int) -> int:
    """The low bits of a value, sign-extended to 64."""
    return signed(value, bits) % 2**64


def text(value: int, bits: int = 64) -> str:
    """The low bits of a value as zeros and ones, most significant first."""
    return f"{value % 2**bits:0{bits}b}"


def rotated(value: int, left: int, bits: int) -> int:
    """Rotation, by cutting a string in two."""
    digits, left = text(value, bits), left % bits
    return int(digits[left:] + digits[:left], 2)


def position(digits: str) -> int:
    """Where the first 1 stands; the length if there is none."""
    return digits.find("1") if "1" in digits else len(digits)


def carryless(a: int, b: int) -> int:
    """The product without carries: ordinary multiplication with eight bits of room for each digit, then parities."""
    wide_a, wide_b = (int("".join(f"0{digit}" for digit in text(value)), 16) for value in (a, b))
    digits = f"{wide_a * wide_b:0256x}"
    return int("".join(str(int(digits[i : i + 2], 16) % 2) for i in range(0, 256, 2)), 2)


def with_bit(value: int, number: int, new: str | None) -> int:
    """One bit replaced, or inverted for None."""
    digits = [*reversed(text(value))]
    old = digits[number % 64]
    digits[number % 64] = new or ("0" if old == "1" else "1")
    return int("".join(reversed(digits)), 2)


EXPECTED: dict[str, Callable[[int, int], int]] = {
    "add.uw": lambda a, b: a % 2**32 + b,
    "sh1add": lambda a, b: 2 * a + b,
    "sh2add": lambda a, b: 4 * a + b,
    "sh3add": lambda a, b: 8 * a + b,
    "sh1add.uw": lambda a, b: 2 * (a % 2**32) + b,
    "sh2add.uw": lambda a, b: 4 * (a % 2**32) + b,
    "sh3add.uw": lambda a, b: 8 * (a % 2**32) + b,
    "slli.uw": lambda a, n: a % 2**32 * 2**n,
    "andn": lambda a, b: a & (ONES - b),
    "orn": lambda a, b: a | (ONES - b),
    "xnor": lambda a, b: int("".join("01"[x == y] for x, y in zip(text(a), text(b), strict=True)), 2),
    "clz": lambda a, _: position(text(a)),
    "clzw": lambda a, _: position(text(a, 32)),
    "ctz": lambda a, _: position(text(a)[::-1]),
    "ctzw": lambda a, _: position(text(a, 32)[::-1]),
    "cpop": lambda a, _: text(a).count("1"),
    "cpopw": lambda a, _: text(a, 32).count("1"),
    "max": lambda a, b: max(signed(a, 64), signed(b, 64)),
    "min": lambda a, b: min(signed(a, 64), signed(b, 64)),
    "maxu": lambda a, b: max(a, b),
    "minu": lambda a, b: min(a, b),
    "sext.b": lambda a, _: extended(a, 8),
    "sext.h": lambda a, _: extended(a, 16),
    "zext.h": lambda a, _: a % 2**16,
    "rol": lambda a, b: rotated(a, b, 64),
    "ror": lambda a, b: rotated(a, -b, 64),
    "rori": lambda a, n: rotated(a, -n, 64),
    "rolw": lambda a, b: extended(rotated(a, b, 32), 32),
    "rorw": lambda a, b: extended(rotated(a, -b, 32), 32),
    "roriw": lambda a, n: extended(rotated(a, -n, 32), 32),
    "orc.b": lambda a, _: int.from_bytes(bytes(255 if byte else 0 for byte in a.to_bytes(8, "big")), "big"),
    "rev8": lambda a, _: int.from_bytes(a.to_bytes(8, "big"), "little"),
    "bclr": lambda a, b: with_bit(a, b, "0"),
    "bclri": lambda a, b: with_bit(a, b, "0"),
    "bset": lambda a, b: with_bit(a, b, "1"),
    "bseti": lambda a, b: with_bit(a, b, "1"),
    "binv": lambda a, b: with_bit(a, b, None),
    "binvi": lambda a, b: with_bit(a, b, None),
    "bext": lambda a, b: int(text(a)[63 - b % 64]),
    "bexti": lambda a, b: int(text(a)[63 - b % 64]),
    "clmul": lambda a, b: carryless(a, b) % 2**64,
    "clmulh": lambda a, b: carryless(a, b) // 2**64,
    "clmulr": lambda a, b: carryless(a, b) // 2**63 % 2**64,
    "czero.eqz": lambda a, b: a if b else 0,
    "czero.nez": lambda a, b: 0 if b else a,
    "mop.r": lambda a, _: 0,
    "mop.rr": lambda a, _: 0,
}


@pytest.fixture(scope="module")
def native() -> NativeModule:
    """All these instructions compiled."""
    return NativeModule(record.function for record in RECORDS)


def both(native: NativeModule, word: int, registers: dict[int, int]) -> Hart:
    """Execute an instruction in Python and natively, which must do the same to the registers."""
    found = decode(word)
    harts = Hart(), Hart()
    for h in harts:
        h.x[:] = memoryview(bytearray(range(256))).cast("Q")
        h.x[0] = 0
        for number, value in registers.items():
            h.x[number] = value
    found.function(harts[0], *found.args)
    native(found.function, harts[1], *found.args)
    for h in harts:
        h.x[0] = 0
    assert harts[0].x == harts[1].x, f"{word:#x}: natively {harts[1].x.tolist()}"
    return harts[0]


def pairs(name: str, second_bits: int) -> list[tuple[int, int]]:
    """Operands: edges with edges, and random ones; the second has so many bits, none for instructions with one."""
    rng = random.Random(name)
    if second_bits == 0:
        return [(a, 0) for a in (*EDGES, *(rng.getrandbits(64) >> rng.randrange(64) for _ in range(40)))]
    if second_bits < 64:
        return [(a, n) for n in range(1 << second_bits) for a in (MIN, 0xFFFF_FFFF_8000_0001, rng.getrandbits(64))]
    found = [(a, b) for a in EDGES for b in rng.sample(EDGES, 8)]
    return found + [(rng.getrandbits(64), rng.getrandbits(64) >> rng.randrange(64)) for _ in range(60)]


def test_every_instruction_has_an_expectation() -> None:
    assert {record.name for record in RECORDS} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_results(native: NativeModule, name: str) -> None:
    operands = {operand.name: operand for operand in BY_NAME[name].fields}
    shift = operands["shamt"].width if "shamt" in operands else 0
    for a, b in pairs(name, shift or (64 if "rs2" in operands else 0)):
        given = {"rd": 10, "rs1": 11, "rs2": 12, "shamt": b}
        word = encode(name, **{operand: given[operand] for operand in operands})
        h = both(native, word, {11: a, 12: b})
        assert h.x[10] == EXPECTED[name](a, b) % 2**64, f"{name} {a:#x} {b:#x}"
        assert (h.x[11], h.x[12]) == (a, b)


@pytest.mark.parametrize("name", EXPECTED)
def test_operands_may_coincide(native: NativeModule, name: str) -> None:
    value = 0x8123_4567_89AB_CDEF
    operands = {operand.name for operand in BY_NAME[name].fields}
    fixed = {"shamt": 9} if "shamt" in operands else {}
    b = 9 if "shamt" in operands else value
    word = encode(name, **fixed, **dict.fromkeys(operands & {"rd", "rs1", "rs2"}, 11))
    assert both(native, word, {11: value}).x[11] == EXPECTED[name](value, b) % 2**64
    word = encode(name, **fixed, **dict.fromkeys(operands & {"rs1", "rs2"}, 11), rd=0)
    assert both(native, word, {11: value}).x[0] == 0


@pytest.mark.parametrize(
    ("half", "a", "b", "result"),
    [
        (0x9C61, 0x1234_56FF, 0, 0xFF),  # c.zext.b s0
        (0x9C65, 0x1234_5680, 0, ONES - 0x7F),  # c.sext.b s0
        (0x9C69, 0x1234_F680, 0, 0xF680),  # c.zext.h s0
        (0x9C6D, 0x1234_8000, 0, ONES - 0x7FFF),  # c.sext.h s0
        (0x9C71, ONES, 0, 0xFFFF_FFFF),  # c.zext.w s0
        (0x9C75, 0xFF, 0, ONES - 0xFF),  # c.not s0
        (0x9C45, ONES, 5, ONES - 4),  # c.mul s0, s1
    ],
)
def test_short_forms(half: int, a: int, b: int, result: int) -> None:
    h = Hart()
    h.x[8], h.x[9] = a, b
    found = decode(half)
    found.function(h, *found.args)
    assert (found.length, h.x[8], h.x[9]) == (2, result, b)


def test_every_may_be_operation(native: NativeModule) -> None:
    """norm:Zimop_mop-r_op, norm:Zimop_mop-rr_op, norm:Zcmop_instr_write."""
    for n in range(32):
        assert both(native, encode("mop.r", n=n, rd=10, rs1=11), {10: ONES, 11: ONES}).x[10] == 0
    for n in range(8):
        assert both(native, encode("mop.rr", n=n, rd=10, rs1=11, rs2=12), {10: ONES, 11: ONES}).x[10] == 0
    for n in range(1, 16, 2):
        h = Hart()
        h.x[:] = memoryview(bytearray(b"\x01" * 256)).cast("Q")
        h.x[0] = 0
        before = h.snapshot()
        found = decode(0x6081 | (n >> 1) << 8)
        assert found.instruction is COMPRESSED_BY_NAME["c.mop"].base
        found.function(h, *found.args)
        h.x[0] = 0
        assert h.snapshot() == before
