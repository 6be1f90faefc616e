# SPDX-License-Identifier: Apache-2.0
"""Soft-float arithmetic on both engines, against exact rational arithmetic and against the host's doubles."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from random import Random

import pytest

from core.isa.intrinsics import u64, u128
from core.softfloat import arithmetic, formats
from core.softfloat.number import NAN, SIGNALING, kind_of, negated, unpack
from tests.support import exact_float as exact
from tests.support.exact_float import (
    DOUBLE,
    DZ,
    FORMATS,
    HALF,
    MODES,
    NV,
    NX,
    OF,
    RDN,
    RNE,
    RTZ,
    RUP,
    SINGLE,
    UF,
    Format,
    Operation,
)
from tests.support.native_call import NativeModule


def add(a: u64, b: u64, fmt: u64, rm: u64) -> u128:
    """a + b, operands in their format."""
    return arithmetic.add(unpack(a, fmt), unpack(b, fmt), fmt, rm)


def subtract(a: u64, b: u64, fmt: u64, rm: u64) -> u128:
    """a - b."""
    return arithmetic.add(unpack(a, fmt), negated(unpack(b, fmt), 1), fmt, rm)


def multiply(a: u64, b: u64, fmt: u64, rm: u64) -> u128:
    """a * b."""
    return arithmetic.multiply(unpack(a, fmt), unpack(b, fmt), fmt, rm)


def divide(a: u64, b: u64, fmt: u64, rm: u64) -> u128:
    """a / b."""
    return arithmetic.divide(unpack(a, fmt), unpack(b, fmt), fmt, rm)


def square_root(a: u64, fmt: u64, rm: u64) -> u128:
    """The square root of a."""
    return arithmetic.square_root(unpack(a, fmt), fmt, rm)


def multiply_add(a: u64, b: u64, c: u64, fmt: u64, rm: u64) -> u128:
    """a * b + c."""
    return arithmetic.multiply_add(unpack(a, fmt), unpack(b, fmt), unpack(c, fmt), fmt, rm)


def kind(a: u64, fmt: u64) -> u64:
    """What kind of number."""
    return kind_of(unpack(a, fmt))


ONE = Fraction(1)
EXPECTED: dict[Operation, Callable[..., tuple[int, int]]] = {
    add: lambda a, b, fmt, rm: exact.multiply_add(a, ONE, b, fmt, rm),
    multiply: exact.multiply,
    divide: exact.divide,
    square_root: exact.square_root,
    multiply_add: exact.multiply_add,
}
OPERANDS: dict[Operation, int] = {add: 2, subtract: 2, multiply: 2, divide: 2, square_root: 1, multiply_add: 3}


@pytest.fixture(scope="module")
def native() -> NativeModule:
    return NativeModule((*OPERANDS, kind))


def run(native: NativeModule, operation: Operation, operands: list[int], fmt: Format, rm: int) -> tuple[int, int]:
    """Bits and flags, the same from both engines."""
    value = native.check(operation, *operands, fmt.code, rm).value
    assert value is not None and value >> 69 == 0
    return value & (1 << 64) - 1, value >> 64


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
@pytest.mark.parametrize("operation", EXPECTED, ids=lambda f: f.__name__)
def test_results_and_flags_are_exact(native: NativeModule, operation: Operation, fmt: Format) -> None:
    rng = Random(f"{operation.__name__} {fmt.letter}")
    for number in range(400):
        operands = [fmt.random(rng) for _ in range(OPERANDS[operation])]
        if operation is add and number & 1:  # close to each other, so that much cancels
            operands[1] = (operands[0] ^ fmt.sign) + rng.randrange(-3, 4) & (1 << fmt.width) - 1
        for rm in MODES:
            expected = EXPECTED[operation](*map(fmt.value, operands), fmt, rm)
            found = run(native, operation, operands, fmt, rm)
            assert found == expected, ([hex(o) for o in operands], rm, hex(found[0]), found[1], hex(expected[0]), expected[1])


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
def test_fused_sums_that_nearly_cancel(native: NativeModule, fmt: Format) -> None:
    """An addend close to minus the product: what is left is in the product's low half."""
    rng = Random(fmt.letter)
    for _ in range(300):
        a, b = fmt.random(rng), fmt.random(rng)
        near, _ = exact.multiply(fmt.value(a), fmt.value(b), fmt, rng.choice(MODES))
        c = (near ^ fmt.sign) + rng.randrange(-1, 2) & (1 << fmt.width) - 1
        for rm in (RNE, RDN, RTZ):
            expected = exact.multiply_add(fmt.value(a), fmt.value(b), fmt.value(c), fmt, rm)
            assert run(native, multiply_add, [a, b, c], fmt, rm) == expected, (hex(a), hex(b), hex(c), rm)


def doubles(rng: Random, count: int) -> list[float]:
    """Doubles of all magnitudes but no NaN."""
    values = [struct.unpack("<d", rng.getrandbits(64).to_bytes(8, "little"))[0] for _ in range(count)]
    return [value for value in values if value == value] + [rng.uniform(-9, 9) for _ in range(count)]


def bits(value: float) -> int:
    """A double's bits; the canonical NaN for any."""
    return DOUBLE.nan if value != value else int(struct.unpack("<Q", struct.pack("<d", value))[0])


def test_doubles_are_the_hosts(native: NativeModule) -> None:
    """Round to nearest, as every host does it."""
    rng = Random(0)
    values = doubles(rng, 1500)
    for a in values:
        b = rng.choice(values)
        results = {add: a + b, subtract: a - b, multiply: a * b}
        if b != 0:
            results[divide] = a / b
        for operation, result in results.items():
            assert run(native, operation, [bits(a), bits(b)], DOUBLE, RNE)[0] == bits(result), (operation, a, b)
        if a >= 0:
            assert run(native, square_root, [bits(a)], DOUBLE, RNE)[0] == bits(math.sqrt(a)), a


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
def test_special_operands(native: NativeModule, fmt: Format) -> None:
    inf, nan, sign, one = fmt.infinity, fmt.nan, fmt.sign, fmt.emax << fmt.fraction
    signaling, least, most = inf | 1, 1, inf - 1
    rows: list[tuple[Operation, list[int], int, int, int]] = [
        (add, [inf, inf | sign], RNE, nan, NV),
        (subtract, [inf, inf], RNE, nan, NV),
        (subtract, [inf, inf | sign], RNE, inf, 0),
        (add, [one, one | sign], RNE, 0, 0),
        (add, [one, one | sign], RDN, sign, 0),
        (add, [0, sign], RNE, 0, 0),
        (add, [0, sign], RDN, sign, 0),
        (add, [sign, sign], RNE, sign, 0),
        (add, [nan | sign | 1, one], RNE, nan, 0),
        (add, [one, signaling], RNE, nan, NV),
        (add, [most, most], RNE, inf, OF | NX),
        (add, [most, most], RTZ, most, OF | NX),
        (add, [most | sign, most | sign], RUP, most | sign, OF | NX),
        (add, [most | sign, most | sign], RDN, inf | sign, OF | NX),
        (add, [least, least], RNE, 2, 0),
        (multiply, [inf, 0], RNE, nan, NV),
        (multiply, [inf, one | sign], RNE, inf | sign, 0),
        (multiply, [0, one | sign], RDN, sign, 0),
        (multiply, [least, least], RNE, 0, UF | NX),
        (multiply, [least, least], RUP, least, UF | NX),
        (multiply, [least, least | sign], RDN, least | sign, UF | NX),
        (divide, [one, 0], RNE, inf, DZ),
        (divide, [one | sign, 0], RNE, inf | sign, DZ),
        (divide, [0, 0], RNE, nan, NV),
        (divide, [inf, inf], RNE, nan, NV),
        (divide, [one, inf | sign], RNE, sign, 0),
        (divide, [inf, 0], RNE, inf, 0),
        (square_root, [sign], RNE, sign, 0),
        (square_root, [one | sign], RNE, nan, NV),
        (square_root, [inf], RNE, inf, 0),
        (square_root, [inf | sign], RNE, nan, NV),
        (square_root, [nan | sign], RNE, nan, 0),
        (multiply_add, [inf, 0, nan], RNE, nan, NV),  # norm:fma_nv_flag
        (multiply_add, [0, inf, one], RNE, nan, NV),
        (multiply_add, [inf, one, inf | sign], RNE, nan, NV),
        (multiply_add, [one, one, signaling], RNE, nan, NV),
        (multiply_add, [one, one, one | sign], RDN, sign, 0),
        (multiply_add, [0, one, 0], RNE, 0, 0),
        (multiply_add, [0, one, sign], RNE, 0, 0),
        (multiply_add, [0, one | sign, sign], RNE, sign, 0),
    ]
    for operation, operands, rm, value, flags in rows:
        assert run(native, operation, operands, fmt, rm) == (value, flags), (operation.__name__, operands, rm)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
def test_tininess_is_detected_after_rounding(native: NativeModule, fmt: Format) -> None:
    """norm:ieee_std_tininess: what rounds up to the least normal number at full precision is not tiny."""
    least, one = 1 << fmt.fraction, fmt.emax << fmt.fraction
    for rm, value, flags in ((RNE, least, NX), (RUP, least, NX), (RTZ, least - 1, UF | NX), (RDN, least - 1, UF | NX)):
        assert run(native, multiply, [one + 1, least - 1], fmt, rm) == (value, flags), "least * (1 - 2**(-2 * fraction))"
    assert run(native, multiply, [one - 1, least], fmt, RNE) == (least, UF | NX), (
        "one bit too long for a subnormal, yet no more"
    )


def test_formats_are_the_manuals() -> None:
    for fmt in FORMATS:
        assert formats.width(fmt.code) == fmt.width
        assert formats.fraction_width(fmt.code) == fmt.fraction
        assert formats.bias(fmt.code) == fmt.emax
        assert formats.infinity(fmt.code) == fmt.infinity
        assert formats.canonical_nan(fmt.code) == fmt.nan
    assert (HALF.nan, SINGLE.nan, DOUBLE.nan) == (0x7E00, 0x7FC0_0000, 0x7FF8_0000_0000_0000)


def test_kinds_of_nan(native: NativeModule) -> None:
    for fmt in FORMATS:
        for bits_, expected in ((fmt.nan, NAN), (fmt.infinity | 1, NAN | SIGNALING), (fmt.nan | 1, NAN), (1, 0), (0, 0)):
            assert native.check(kind, bits_, fmt.code).value == expected
