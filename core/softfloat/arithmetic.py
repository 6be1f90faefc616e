# SPDX-License-Identifier: Apache-2.0
"""Addition, multiplication, both fused, division and square root (unpriv, Floating-Point Computational Instructions).

Operands are numbers (core.softfloat.number); results are bits in a format, with flags (`outcome`).
"""

from __future__ import annotations

from core.isa.intrinsics import clz64, cold, s64, u64, u128
from core.softfloat.formats import DZ, NV, RDN, canonical_nan, fraction_width, infinity, outcome, sign_bit
from core.softfloat.number import (
    INFINITE,
    NAN,
    ONE,
    SIGNALING,
    ZERO_EXPONENT,
    exponent_of,
    kind_of,
    number,
    rounded,
    shifted_right,
    sign_of,
)

DIGIT = 11
"""Bits of a quotient found at once: what a remainder of 53 bits leaves free in 64."""


def invalid_nan(fmt: u64) -> u128:
    """The result of an invalid operation."""
    return outcome(canonical_nan(fmt), NV)


def nan_of(kinds: u64, fmt: u64) -> u128:
    """The result where an operand is a NaN; `kinds` of all operands together."""
    return outcome(canonical_nan(fmt), NV if kinds & SIGNALING != 0 else 0)


def signed(sign: u64, magnitude: u64, fmt: u64) -> u128:
    """An exact result from its sign and other bits."""
    return outcome(u64(sign_bit(fmt) * sign) | magnitude, 0)


@cold
def multiply_add(a: u128, b: u128, c: u128, fmt: u64, rm: u64) -> u128:
    """a * b + c rounded once (norm:fmadd-s_op); infinity times zero is invalid whatever c is (norm:fma_nv_flag).

    The product has its leading one at bit 125 or 124, c at bit 125: what is shifted out below bit 0 cannot matter but by
    being there.
    """
    sign = sign_of(a) ^ sign_of(b)
    product = u128(u128(u64(a)) * u128(u64(b)))
    factors = kind_of(a) | kind_of(b)
    if (factors | kind_of(c)) != 0:
        if factors == INFINITE and (kind_of(a) | u64(a) == 0 or kind_of(b) | u64(b) == 0):
            return invalid_nan(fmt)
        if (factors | kind_of(c)) & NAN != 0:
            return nan_of(factors | kind_of(c), fmt)
        if factors != 0 and kind_of(c) != 0 and sign != sign_of(c):
            return invalid_nan(fmt)
        return signed(sign if factors != 0 else sign_of(c), infinity(fmt), fmt)
    addend = u128(u128(u64(c)) << 63)
    exponent = s64(exponent_of(a) + exponent_of(b) + 1)
    distance = s64(exponent - exponent_of(c))
    if distance > 0:
        addend = shifted_right(addend, u64(distance))
    else:
        product = shifted_right(product, u64(-distance))
        exponent = exponent_of(c)
    total = u128(product + addend)
    if sign != sign_of(c):
        total = u128(product - addend)
        if product < addend:
            total = u128(addend - product)
            sign = sign_of(c)
        elif product == addend:
            sign = u64(rm == RDN)
    if total == 0:
        return signed(sign, 0, fmt)
    high = u64(total >> 64)
    up = clz64(high)
    if high == 0:
        up = u64(clz64(u64(total)) + 64)
    total = u128(total << up)
    significand = u64(total >> 65) | u64(u128(total << 63) != 0)
    return rounded(sign, s64(exponent + 2 - up), significand, fmt, rm)


def add(a: u128, b: u128, fmt: u64, rm: u64) -> u128:
    """a + b (norm:fadd-s_fmul-s_op)."""
    return multiply_add(a, ONE, b, fmt, rm)


def multiply(a: u128, b: u128, fmt: u64, rm: u64) -> u128:
    """a * b (norm:fadd-s_fmul-s_op)."""
    return multiply_add(a, b, number(sign_of(a) ^ sign_of(b), ZERO_EXPONENT, 0), fmt, rm)


@cold
def divide(a: u128, b: u128, fmt: u64, rm: u64) -> u128:
    """a / b (norm:fdiv-s_op): long division, DIGIT bits at a time."""
    sign = sign_of(a) ^ sign_of(b)
    kinds = kind_of(a) | kind_of(b)
    if kinds & NAN != 0:
        return nan_of(kinds, fmt)
    if kind_of(a) != 0:
        return invalid_nan(fmt) if kind_of(b) != 0 else signed(sign, infinity(fmt), fmt)
    if kind_of(b) != 0:
        return signed(sign, 0, fmt)
    divisor = u64(b) >> 10
    if divisor == 0:
        return invalid_nan(fmt) if u64(a) == 0 else signed(sign, infinity(fmt), fmt) | outcome(0, DZ)
    if u64(a) == 0:
        return signed(sign, 0, fmt)
    quotient = u64(a) >> 10
    rest = quotient % divisor
    quotient = quotient // divisor
    digits = u64(fraction_width(fmt) + DIGIT + 2) // DIGIT
    for _ in range(digits):
        rest = u64(rest << DIGIT)
        quotient = u64(quotient << DIGIT) | (rest // divisor)
        rest = rest % divisor
    up = u64(clz64(quotient) - 1)
    exponent = s64(exponent_of(a) - exponent_of(b) + 62 - up - u64(DIGIT * digits))
    return rounded(sign, exponent, u64(quotient << up) | u64(rest != 0), fmt, rm)


@cold
def square_root(a: u128, fmt: u64, rm: u64) -> u128:
    """The square root of a (norm:fsqrt-s_op): bit by bit, two bits of the radicand for one of the root."""
    if kind_of(a) & NAN != 0:
        return nan_of(kind_of(a), fmt)
    if kind_of(a) | u64(a) == 0:
        return signed(sign_of(a), 0, fmt)
    if sign_of(a) != 0:
        return invalid_nan(fmt)
    if kind_of(a) != 0:
        return signed(0, infinity(fmt), fmt)
    exponent = exponent_of(a)
    radicand = u64(a) if exponent & 1 == 0 else u64(u64(a) << 1)
    count = u64(fraction_width(fmt) + 3)
    root: u64 = 0
    rest: u64 = 0
    for _ in range(count):
        rest = u64(rest << 2) | (radicand >> 62)
        radicand = u64(radicand << 2)
        trial = u64(root << 2) | 1
        root = u64(root << 1)
        if rest >= trial:
            rest = u64(rest - trial)
            root = root | 1
    return rounded(0, exponent >> 1, u64(root << u64(63 - count)) | u64(rest != 0), fmt, rm)
