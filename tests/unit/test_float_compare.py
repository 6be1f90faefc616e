# SPDX-License-Identifier: Apache-2.0
"""Soft-float comparison, minimum and maximum, classification and sign injection, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from random import Random

import pytest

from core.isa.intrinsics import u64
from core.softfloat import compare as operations
from core.softfloat.compare import EQ, LE, LT, MAX, NAN_WINS, QUIET, compare, extreme, sign_injected
from core.softfloat.number import unpack
from tests.support import exact_float as exact
from tests.support.exact_float import FORMATS, NV, Format
from tests.support.native_call import NativeModule

M64 = (1 << 64) - 1


def classify(a: u64, fmt: u64) -> u64:
    """What a is."""
    return operations.classify(unpack(a, fmt), fmt)


@pytest.fixture(scope="module")
def native() -> NativeModule:
    return NativeModule((compare, extreme, classify, sign_injected))


def run(native: NativeModule, operation: exact.Operation, *arguments: int) -> tuple[int, int]:
    """Value and flags, the same from both engines."""
    value = native.check(operation, *arguments).value
    assert value is not None
    return value & M64, value >> 64


def pairs(fmt: Format) -> Iterator[tuple[int, int]]:
    """Pairs of numbers: all of the interesting ones with each other, neighbours, random ones."""
    rng = Random(fmt.letter)
    some = [0, 1, (1 << fmt.fraction) - 1, 1 << fmt.fraction, fmt.emax << fmt.fraction, fmt.infinity - 1, fmt.infinity]
    some += [fmt.infinity | 1, fmt.nan - 1, fmt.nan, fmt.sign - 1]
    some += [value | fmt.sign for value in some]
    yield from ((a, b) for a in some for b in some)
    for _ in range(300):
        a = fmt.random(rng)
        yield a, rng.choice((a, a ^ fmt.sign, a ^ 1, fmt.random(rng)))


def order(a: exact.Value) -> tuple[int, Fraction]:
    """A key that puts numbers and infinities in order."""
    return {"-inf": -1, "inf": 1}.get(str(a), 0), exact.number(a)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
def test_comparisons(native: NativeModule, fmt: Format) -> None:
    for a, b in pairs(fmt):
        values = fmt.value(a), fmt.value(b)
        unordered, signaling = {"nan", "snan"} & set(values), "snan" in values
        x, y = order(values[0]), order(values[1])
        for how, holds in ((EQ, x == y), (LT, x < y), (LE, x <= y), (LT | QUIET, x < y), (LE | QUIET, x <= y)):
            noisy = signaling or (unordered and how in (LT, LE))
            expected = (int(holds and not unordered), NV if noisy else 0)
            assert run(native, compare, a, b, fmt.code, how) == expected, (hex(a), hex(b), how)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
def test_minimum_and_maximum(native: NativeModule, fmt: Format) -> None:
    """norm:fmin-s_fmax-s_zero_compare, norm:fmin-s_fmax-s_both_nan_input, norm:fmin-s_fmax-s_signaling_nan_nv."""
    for a, b in pairs(fmt):
        values = fmt.value(a), fmt.value(b)
        numbers = [bits for bits, value in zip((a, b), values, strict=True) if value not in ("nan", "snan")]
        numbers.sort(key=lambda bits: (order(fmt.value(bits)), not bits & fmt.sign))
        flags = NV if "snan" in values else 0
        for how, wanted in ((0, 0), (MAX, -1)):
            expected = numbers[wanted] if numbers else fmt.nan
            assert run(native, extreme, a, b, fmt.code, how) == (expected, flags), (hex(a), hex(b), how)
            strict = expected if len(numbers) == 2 else fmt.nan
            assert run(native, extreme, a, b, fmt.code, how | NAN_WINS) == (strict, flags), (hex(a), hex(b), how)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
def test_classes(native: NativeModule, fmt: Format) -> None:
    """norm:fclass-s_op: the manual's table, bit by bit."""
    least = 1 << fmt.fraction
    positive = {4: [0], 5: [1, least - 1], 6: [least, fmt.infinity - 1], 7: [fmt.infinity]}
    for bit, numbers in positive.items():
        for a in numbers:
            assert run(native, classify, a, fmt.code)[0] == 1 << bit
            assert run(native, classify, a | fmt.sign, fmt.code)[0] == 1 << (7 - bit)
    for sign in (0, fmt.sign):
        assert run(native, classify, fmt.infinity | 1 | sign, fmt.code)[0] == 1 << 8
        assert run(native, classify, fmt.nan | sign, fmt.code)[0] == 1 << 9
        assert run(native, classify, fmt.nan | 1 | sign, fmt.code)[0] == 1 << 9


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
def test_signs(native: NativeModule, fmt: Format) -> None:
    for a, b in pairs(fmt):
        rest, signs = a & ~fmt.sign, (b & fmt.sign, ~b & fmt.sign, (a ^ b) & fmt.sign)
        for how, sign in enumerate(signs):
            assert native.check(sign_injected, a, b, fmt.code, how).value == rest | sign
