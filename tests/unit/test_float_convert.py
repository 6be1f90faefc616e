# SPDX-License-Identifier: Apache-2.0
"""Soft-float conversions on both engines, against exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from core.isa.intrinsics import u64, u128
from core.softfloat import convert as conversions
from core.softfloat.constants import constant, constant_text
from core.softfloat.number import unpack
from tests.support import exact_float as exact
from tests.support.exact_float import DOUBLE, FORMATS, HALF, MODES, NV, NX, RNE, RTZ, SINGLE, Format
from tests.support.native_call import NativeModule

M32, M64 = (1 << 32) - 1, (1 << 64) - 1
KINDS = {"w": (0, 32, True), "wu": (1, 32, False), "l": (2, 64, True), "lu": (3, 64, False)}
"""Integer types: code, bits, whether signed."""


def convert(a: u64, source: u64, fmt: u64, rm: u64) -> u128:
    """From a format to another."""
    return conversions.convert(unpack(a, source), fmt, rm)


def to_integer(a: u64, fmt: u64, kind: u64, rm: u64) -> u128:
    """To an integer."""
    return conversions.to_integer(unpack(a, fmt), kind, rm)


def from_integer(a: u64, kind: u64, fmt: u64, rm: u64) -> u128:
    """From an integer."""
    return conversions.from_integer(a, kind, fmt, rm)


def modular(a: u64, fmt: u64) -> u128:
    """To 32 bits, modulo 2**32."""
    return conversions.to_word_modular(unpack(a, fmt))


def round_to_integral(a: u64, fmt: u64, rm: u64, exact: u64) -> u128:
    """To an integer in the same format."""
    return conversions.round_to_integral(unpack(a, fmt), fmt, rm, exact)


@pytest.fixture(scope="module")
def native() -> NativeModule:
    return NativeModule((convert, to_integer, from_integer, modular, round_to_integral, constant))


def run(native: NativeModule, operation: exact.Operation, *arguments: int) -> tuple[int, int]:
    """Value and flags, the same from both engines."""
    value = native.check(operation, *arguments).value
    assert value is not None
    return value & M64, value >> 64


def near_integers(fmt: Format, rng: Random, count: int) -> list[int]:
    """Numbers of all kinds, most of them such that rounding to an integer has something to decide."""
    found = [fmt.random(rng) for _ in range(count)]
    for _ in range(2 * count):
        value = Fraction(rng.getrandbits(rng.randrange(1, 67)), rng.choice((1, 2, 4, 8, 1 << rng.randrange(16))))
        found.append(exact.rounded(rng.choice((value, -value)), fmt, rng.choice(MODES))[0])
    for bits in (31, 32, 63, 64):
        for nearby in (0, Fraction(1, 2), 1, Fraction(-1, 2), -1, Fraction(-1, 4)):
            found += [exact.rounded(sign * (Fraction(1 << bits) + nearby), fmt, RTZ)[0] for sign in (1, -1)]
    return found


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
@pytest.mark.parametrize("source", FORMATS, ids=lambda f: f.letter)
def test_between_formats(native: NativeModule, source: Format, fmt: Format) -> None:
    rng = Random(source.letter + fmt.letter)
    for _ in range(300):
        a = source.random(rng)
        if rng.random() < 0.5:  # where the narrower format has its limits
            exponent = rng.choice((1, -1)) * (fmt.emax + rng.randrange(-1, fmt.fraction + 2))
            field = min(max(exponent + source.emax, 0), 2 * source.emax)
            a = a & ~(source.infinity) | field << source.fraction
        for rm in MODES:
            assert run(native, convert, a, source.code, fmt.code, rm) == exact.convert(source.value(a), fmt, rm), (hex(a), rm)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
@pytest.mark.parametrize("name", KINDS)
def test_to_integers(native: NativeModule, name: str, fmt: Format) -> None:
    kind, bits, signed = KINDS[name]
    for a in near_integers(fmt, Random(name), 100):
        for rm in MODES:
            value, flags = exact.integer(fmt.value(a), bits, signed, rm)
            if bits == 32:  # norm:fcvt-wu-s_fcvt-lu-s_fcvt-s-wu_fcvt-s-lu_op: sign-extended, unsigned ones too
                value = ((value & M32) ^ 1 << 31) - (1 << 31)
            assert run(native, to_integer, a, fmt.code, kind, rm) == (value & M64, flags), (hex(a), rm)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
@pytest.mark.parametrize("name", KINDS)
def test_from_integers(native: NativeModule, name: str, fmt: Format) -> None:
    kind, bits, signed = KINDS[name]
    rng = Random(name)
    for _ in range(200):
        register = rng.getrandbits(64) >> rng.randrange(64)
        register = rng.choice((register, -register & M64, 1 << rng.randrange(64), (1 << rng.randrange(65)) - 1))
        value = register & (1 << bits) - 1
        if signed and value >> (bits - 1):
            value -= 1 << bits
        for rm in MODES:
            expected = exact.rounded(Fraction(value), fmt, rm)
            assert run(native, from_integer, register, kind, fmt.code, rm) == expected, (hex(register), rm)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
def test_round_to_integral(native: NativeModule, fmt: Format) -> None:
    """norm:fround-s_op, norm:fround-s_zero_inf, norm:fround-s_nan_nv, norm:froundnx-s_op."""
    for a in near_integers(fmt, Random(fmt.letter), 150):
        for rm in MODES:
            value, flags = exact.integral(fmt.value(a), fmt, rm)
            assert run(native, round_to_integral, a, fmt.code, rm, 1) == (value, flags), (hex(a), rm)
            assert run(native, round_to_integral, a, fmt.code, rm, 0) == (value, flags & NV), (hex(a), rm)


def test_modular(native: NativeModule) -> None:
    """norm:fcvtmod-w-d_op, norm:fcvtmod-w-d_flags."""
    rng = Random(0)
    cases = near_integers(DOUBLE, rng, 150)
    cases += [exact.rounded(Fraction(rng.getrandbits(53) << rng.randrange(90)), DOUBLE, RNE)[0] for _ in range(100)]
    for a in [*cases, *(a ^ DOUBLE.sign for a in cases)]:
        value, (_, flags) = DOUBLE.value(a), exact.integer(DOUBLE.value(a), 32, True, RTZ)
        whole = exact.to_integer(exact.number(value), RTZ) if not exact.is_infinite(value) else 0
        expected = ((whole & M32) ^ 1 << 31) - (1 << 31) & M64
        assert run(native, modular, a, DOUBLE.code) == (expected, flags), hex(a)


def test_integers_at_the_limits(native: NativeModule) -> None:
    """The rows of the manual's table of invalid inputs (norm:fcvt_int_float_valid_input)."""
    inf = SINGLE.infinity
    minus_inf = inf | SINGLE.sign
    rows = {"w": (-(1 << 31), (1 << 31) - 1), "wu": (0, -1), "l": (-(1 << 63), (1 << 63) - 1), "lu": (0, -1)}
    for name, (low, high) in rows.items():
        kind = KINDS[name][0]
        assert run(native, to_integer, minus_inf, SINGLE.code, kind, RNE) == (low & M64, NV)
        for a in (inf, SINGLE.nan, SINGLE.nan | SINGLE.sign, inf | 1):
            assert run(native, to_integer, a, SINGLE.code, kind, RNE) == (high & M64, NV)
    minus_half = SINGLE.emax - 1 << SINGLE.fraction | SINGLE.sign
    assert run(native, to_integer, minus_half, SINGLE.code, 1, RNE) == (0, NX), "rounded to 0 first, which is valid"


CONSTANTS = (
    "-1.0 min 0x1p-16 0x1p-15 0x1p-8 0x1p-7 0.0625 0.125 0.25 0.3125 0.375 0.4375 0.5 0.625 0.75 0.875 "
    "1.0 1.25 1.5 1.75 2.0 2.5 3 4 8 16 128 256 0x1p15 0x1p16 inf nan"
).split()
"""The table of norm:fli-s_op."""


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
def test_constants(native: NativeModule, fmt: Format) -> None:
    for number, text in enumerate(CONSTANTS):
        known = {"min": 1 << fmt.fraction, "inf": fmt.infinity, "nan": fmt.nan}
        if text not in known:
            known[text], _ = exact.rounded(Fraction(float.fromhex(text) if "0x" in text else float(text)), fmt, RNE)
        assert native.check(constant, number, fmt.code).value == known[text], text
    assert native.check(constant, 29, HALF.code).value == HALF.infinity, "2**16 is too large (norm:fli-h_op)"


def test_constants_as_text() -> None:
    texts = [constant_text(number) for number in range(32)]
    assert [texts[number] for number in (0, 1, 2, 9, 22, 29, 30, 31)] == [
        "-0x1p+0", "min", "0x1p-16", "0x1.4p-2", "0x1.8p+1", "0x1p+16", "inf", "nan",
    ]  # fmt: skip
    for number, text in enumerate(CONSTANTS):
        if texts[number] not in ("min", "inf", "nan"):
            assert float.fromhex(texts[number]) == (float.fromhex(text) if "0x" in text else float(text))
