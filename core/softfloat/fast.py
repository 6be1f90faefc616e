# SPDX-License-Identifier: Apache-2.0
"""When a result of the host's doubles is certain to be the soft-float's, and whether it is exact.

The mode is to nearest, ties to even. A result r that is finite and far from the least normal number did not overflow or
underflow, and no operand was infinite or a NaN, so NX is the only flag there can be. Single precision is computed in doubles
and rounded again: right unless r, itself rounded, lies in the middle of two numbers of single precision, as rounding to a
double never crosses such a middle.
"""

from __future__ import annotations

from core.isa.intrinsics import M32, inline, u64
from core.softfloat.formats import DOUBLE
from core.softfloat.host import host_add, host_multiply_add, host_widen

NOT_A_NUMBER = 0x7FF8 << 48
SIGN = 1 << 63
CUT = (1 << 29) - 1
"""The bits of a double's fraction that single precision has not."""
MIDDLE = 1 << 28
"""What these are in the middle of two numbers of single precision."""
BIAS = 1023
"""The exponent field of 1."""
WHOLE = 1 << 53
"""Integers up to this magnitude are doubles."""
LEAST, LEAST_SINGLE = 128, BIAS - 125
"""The least exponent field of a result. Doubles get room for twice their digits: no error is too small to see."""
FIELDS, FIELDS_SINGLE = 2047 - LEAST, 252
"""How many exponent fields there are from these on."""


def field(a: u64) -> u64:
    """The exponent field."""
    return (a >> 52) & 0x7FF


def is_zero(a: u64) -> bool:
    """Whether a is zero."""
    return u64(a << 1) == 0


@inline
def widened(register: u64, fmt: u64) -> u64:
    """What an f register holds, in double or single precision, as a double; a NaN if not boxed."""
    return register if fmt == DOUBLE else host_widen(register) if register >> 32 == M32 else NOT_A_NUMBER


@inline
def certain(r: u64, fmt: u64) -> bool:
    """Whether a rounded result is the soft-float's, without a flag but NX; fmt: double or single precision."""
    if fmt == DOUBLE:
        return u64(field(r) - LEAST) < FIELDS
    return u64(field(r) - LEAST_SINGLE) < FIELDS_SINGLE and r & CUT != MIDDLE


def sum_is_exact(a: u64, b: u64, r: u64) -> bool:
    """Whether r, the rounded a + b, is a + b.

    To take the larger of a and b from r is exact (Dekker), so it leaves the other just then; and if r is exact, so are both.
    """
    return is_zero(host_add(r, a ^ SIGN) ^ b) and is_zero(host_add(r, b ^ SIGN) ^ a)


def product_is_exact(a: u64, b: u64, r: u64) -> bool:
    """Whether r is a * b, where it is about that: a quotient or root is checked as a factor.

    The difference is rounded once, and so zero if and only if it is; LEAST keeps r above where it could underflow.
    """
    return is_zero(host_multiply_add(a, b, r ^ SIGN))
