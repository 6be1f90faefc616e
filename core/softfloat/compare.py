# SPDX-License-Identifier: Apache-2.0
"""Comparisons, minimum and maximum, classification and sign injection: operations that look at bits and do not round.

What to do is said as the instructions say it, in funct3.
"""

from __future__ import annotations

from core.isa.intrinsics import cold, s64, u64, u128
from core.softfloat.formats import NV, bias, canonical_nan, infinity, outcome, sign_bit, width
from core.softfloat.number import NAN, SIGNALING, exponent_of, kind_of, sign_of

LE, LT, EQ, QUIET = 0, 1, 2, 4
"""Comparisons; QUIET is added for those that NaNs do not make invalid."""
MAX, NAN_WINS = 1, 2
"""Minimum is 0; NAN_WINS is added where a NaN operand makes the result a NaN."""


def order_key(bits: u64, fmt: u64) -> s64:
    """A number that compares as the value does, -0 below +0."""
    top = u64(bits << u64(64 - width(fmt)))
    return s64(top ^ 0x7FFF_FFFF_FFFF_FFFF) if top >> 63 != 0 else s64(top)


def nan_kind(bits: u64, fmt: u64) -> u64:
    """0 if no NaN, NAN, or NAN | SIGNALING."""
    magnitude = bits & u64(sign_bit(fmt) - 1)
    if magnitude <= infinity(fmt):
        return 0
    return NAN if magnitude >= canonical_nan(fmt) else NAN | SIGNALING


@cold
def compare(a: u64, b: u64, fmt: u64, how: u64) -> u128:
    """1 if the comparison holds (norm:feq-s_flt-s_fle-s_op), 0 if not or unordered (norm:feq-s_flt-s_fle-s_NaN_input).

    A signaling NaN is invalid, and any NaN for LT and LE that are not QUIET (norm:flt-s_fle-s_signaling).
    """
    nans = nan_kind(a, fmt) | nan_kind(b, fmt)
    if nans != 0:
        return outcome(0, NV if nans & SIGNALING != 0 or how < EQ else 0)
    equal = a == b or (a | b) & u64(sign_bit(fmt) - 1) == 0
    if how == EQ:
        return outcome(u64(equal), 0)
    less = order_key(a, fmt) < order_key(b, fmt) and not equal
    return outcome(u64(less or (equal and how & LT == 0)), 0)


@cold
def extreme(a: u64, b: u64, fmt: u64, how: u64) -> u128:
    """The smaller or the larger (norm:fmin-s_fmax-s_op), the operand that is a number (norm:fmin-s_fmax-s_one_nan_input)."""
    kind_a = nan_kind(a, fmt)
    kind_b = nan_kind(b, fmt)
    flags = NV if (kind_a | kind_b) & SIGNALING != 0 else 0
    if (kind_a != 0 and kind_b != 0) or (how & NAN_WINS != 0 and (kind_a | kind_b) != 0):
        return outcome(canonical_nan(fmt), flags)
    if kind_a != 0:
        return outcome(b, flags)
    if kind_b != 0 or (order_key(a, fmt) < order_key(b, fmt)) == (how & MAX == 0):
        return outcome(a, flags)
    return outcome(b, 0)


@cold
def classify(n: u128, fmt: u64) -> u64:
    """The one bit of the ten that says what a number is (norm:fclass-s_op)."""
    if kind_of(n) & NAN != 0:
        return 1 << 8 if kind_of(n) & SIGNALING != 0 else 1 << 9
    negative: u64 = 1 << 3
    positive: u64 = 1 << 4
    if kind_of(n) != 0:
        negative = 1 << 0
        positive = 1 << 7
    elif u64(n) != 0:
        normal = exponent_of(n) > s64(0 - bias(fmt))
        negative = 1 << 1 if normal else 1 << 2
        positive = 1 << 6 if normal else 1 << 5
    return negative if sign_of(n) != 0 else positive


def sign_injected(a: u64, b: u64, fmt: u64, how: u64) -> u64:
    """a with the sign of b (0), the opposite (1), or both signs combined (2) (norm:fsgnj-s_fsgnjn-s_fsgnjx-s_op)."""
    sign = b if how == 0 else a ^ b if how == 2 else u64(~b)
    return (a & u64(sign_bit(fmt) - 1)) | (sign & sign_bit(fmt))
