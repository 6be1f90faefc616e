# SPDX-License-Identifier: Apache-2.0
"""Conversions between formats and integers (unpriv, Floating-Point Conversion and Move Instructions; Zfa)."""

from __future__ import annotations

from core.isa.intrinsics import M32, M64, clz64, cold, s64, sext32, u32, u64, u128
from core.softfloat.arithmetic import nan_of, signed
from core.softfloat.formats import NV, NX, RNE, RTZ, fraction_width, infinity, outcome
from core.softfloat.number import NAN, addition, exponent_of, kind_of, rounded, sign_of

WORD, WORD_UNSIGNED, LONG, LONG_UNSIGNED = 0, 1, 2, 3
"""Integer types as rs2 encodes them: bit 0 unsigned, bit 1 long."""
HALF_UNIT = 1 << 63
"""One half, where 64 bits are behind the point."""


@cold
def convert(n: u128, fmt: u64, rm: u64) -> u128:
    """The number in another format (norm:fcvt-s-d_fcvt-d-s_op)."""
    if kind_of(n) & NAN != 0:
        return nan_of(kind_of(n), fmt)
    if kind_of(n) != 0:
        return signed(sign_of(n), infinity(fmt), fmt)
    if u64(n) == 0:
        return signed(sign_of(n), 0, fmt)
    return rounded(sign_of(n), exponent_of(n), u64(n), fmt, rm)


@cold
def from_magnitude(sign: u64, magnitude: u64, fmt: u64, rm: u64) -> u128:
    """An integer in a format."""
    if magnitude == 0:
        return signed(sign, 0, fmt)
    up = clz64(magnitude)
    top = u64(magnitude << up)
    return rounded(sign, s64(63 - up), (top >> 1) | (top & 1), fmt, rm)


def from_integer(value: u64, kind: u64, fmt: u64, rm: u64) -> u128:
    """The integer in a register, of type `kind`, in a format (norm:fcvt-s-w_fcvt-s-l_op)."""
    if kind == WORD:
        value = sext32(value)
    if kind == WORD_UNSIGNED:
        value = u64(u32(value))
    negative = kind & 1 == 0 and s64(value) < 0
    return from_magnitude(u64(negative), u64(-value) if negative else value, fmt, rm)


@cold
def integral(n: u128, rm: u64) -> u128:
    """The magnitude of a finite number rounded to an integer, and NX; all ones and NV where that has over 64 bits."""
    exponent = exponent_of(n)
    if exponent > 63:
        return outcome(M64, NV)
    fixed = u128(u64(n) != 0)
    if exponent >= -2:
        fixed = u128(u128(u64(n)) << u64(exponent + 2))
    rest = u64(fixed)
    whole = u64(u128(fixed + addition(sign_of(n), HALF_UNIT, rm)) >> 64)
    if rm == RNE and rest == HALF_UNIT:
        whole = whole & u64(~1)
    return outcome(whole, NX if rest != 0 else 0)


def largest(kind: u64, negative: bool) -> u64:
    """The largest magnitude of an integer type."""
    top = u64(M64 >> 1) if kind & LONG != 0 else M32 >> 1
    if kind & 1 == 0:
        return u64(top + negative)
    return 0 if negative else u64(2 * top + 1)


@cold
def to_integer(n: u128, kind: u64, rm: u64) -> u128:
    """The number as an integer of type `kind`, clipped to its range (norm:fcvt_unrepresentable_nv).

    A NaN counts as plus infinity (norm:fcvt_int_float_valid_input). 32-bit results are sign-extended.
    """
    negative = sign_of(n) != 0 and kind_of(n) & NAN == 0
    limit = largest(kind, negative)
    found = integral(n, rm)
    magnitude = u64(found)
    flags = u64(found >> 64)
    if kind_of(n) != 0 or flags == NV or magnitude > limit:
        magnitude = limit
        flags = NV
    value = u64(-magnitude) if negative else magnitude
    return outcome(value if kind & LONG != 0 else sext32(value), flags)


@cold
def to_word_modular(n: u128) -> u128:
    """The low 32 bits of the integer part, flags as `to_integer` has them (norm:fcvtmod-w-d_op, norm:fcvtmod-w-d_flags)."""
    flags = u64(to_integer(n, WORD, RTZ) >> 64)
    if kind_of(n) != 0:
        return outcome(0, flags)
    exponent = exponent_of(n)
    magnitude = u64(n) >> u64(62 - exponent) if exponent <= 62 else u64(u64(n) << u64(exponent - 62))
    return outcome(sext32(u64(-magnitude)) if sign_of(n) != 0 else sext32(magnitude), flags)


@cold
def round_to_integral(n: u128, fmt: u64, rm: u64, exact: u64) -> u128:
    """The number rounded to an integer in the same format (norm:fround-s_op); with `exact`, NX if that changed it."""
    if kind_of(n) != 0 or exponent_of(n) >= s64(fraction_width(fmt)):
        return convert(n, fmt, rm)
    found = integral(n, rm)
    return from_magnitude(sign_of(n), u64(found), fmt, rm) | outcome(0, u64(found >> 64) if exact != 0 else 0)
