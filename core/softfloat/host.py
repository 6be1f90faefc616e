# SPDX-License-Identifier: Apache-2.0
"""The host's floating point, as primitives on the bits of doubles; core.softfloat.fast says when it may be used.

Everything is rounded to nearest, ties to even; which NaN comes out is left open. CPython never uses them but in tests, as
`host_floats` is false there: so the engines, when they run in step, check the host's results against the soft-float's.
"""

from __future__ import annotations

import math
import struct

from core.isa.intrinsics import primitive, s64, u64


def double(bits: int) -> float:
    """A double from its bits."""
    return float(struct.unpack("<d", struct.pack("<Q", bits))[0])


def bits_of(value: float) -> int:
    """The bits of a double."""
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


@primitive
def host_floats() -> bool:
    """Whether to use the host's floating point: natively where the processor has a fused multiply-add."""
    return False


@primitive
def host_add(a: u64, b: u64) -> u64:
    """a + b."""
    return bits_of(double(a) + double(b))


@primitive
def host_multiply(a: u64, b: u64) -> u64:
    """a * b."""
    return bits_of(double(a) * double(b))


@primitive
def host_divide(a: u64, b: u64) -> u64:
    """a / b; ZeroDivisionError in CPython where b is 0."""
    return bits_of(double(a) / double(b))


@primitive
def host_square_root(a: u64) -> u64:
    """The square root of a; ValueError in CPython where a is negative."""
    return bits_of(math.sqrt(double(a)))


@primitive
def host_multiply_add(a: u64, b: u64, c: u64) -> u64:
    """a * b + c rounded once; OverflowError in CPython where an operand or the result is infinite."""
    from fractions import Fraction  # takes long to import

    exact = Fraction(double(a)) * Fraction(double(b)) + Fraction(double(c))
    return bits_of(float(exact) if exact else double(a) * double(b) + double(c))


@primitive
def host_less(a: u64, b: u64) -> bool:
    """Whether a < b; false if either is a NaN."""
    return double(a) < double(b)


@primitive
def host_equal(a: u64, b: u64) -> bool:
    """Whether a == b; false if either is a NaN."""
    return double(a) == double(b)


@primitive
def host_widen(a: u64) -> u64:
    """The number of single precision in the low 32 bits."""
    return bits_of(struct.unpack("<f", struct.pack("<I", a & 0xFFFF_FFFF))[0])


@primitive
def host_narrow(a: u64) -> u64:
    """a in single precision, in the low 32 bits; OverflowError in CPython where it is too large for that."""
    return int(struct.unpack("<I", struct.pack("<f", double(a)))[0])


@primitive
def host_from_integer(v: s64) -> u64:
    """An integer as a double."""
    return bits_of(float(v))


@primitive
def host_to_integer(a: u64) -> s64:
    """The integer part of a, whose magnitude must be below 2**63."""
    return int(double(a))
