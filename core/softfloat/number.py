# SPDX-License-Identifier: Apache-2.0
"""Numbers taken out of their format, and rounding back into one.

A number is one u128, so that functions can return it:

    63:0     significand: bit 62 is its leading one, so that sums of two fit; 0 for zero
    95:64    exponent + EXPONENT_BIAS: the value is significand * 2**(exponent - 62)
    98:96    kind: 0 or some of INFINITE, NAN, SIGNALING
    127      sign
"""

from __future__ import annotations

from core.isa.intrinsics import clz64, cold, s64, u64, u128
from core.softfloat.formats import (
    NX,
    OF,
    RDN,
    RNE,
    RUP,
    UF,
    bias,
    exponent_width,
    fraction_width,
    infinity,
    outcome,
    sign_bit,
    width,
)

LEADING = 1 << 62
"""The leading one of a significand."""
EXPONENT_BIAS = 1 << 20
ZERO_EXPONENT = -(1 << 16)
"""The exponent of zero, far below any other."""
INFINITE, NAN, SIGNALING = 1, 2, 4
ONE = EXPONENT_BIAS << 64 | LEADING
"""The number 1."""


def number(sign: u64, exponent: s64, significand: u64) -> u128:
    """Put a finite number together."""
    return u128(u128(u64(sign << 63) | u64(exponent + EXPONENT_BIAS)) << 64) | significand


def sign_of(n: u128) -> u64:
    """1 if negative."""
    return u64(n >> 127)


def exponent_of(n: u128) -> s64:
    """The exponent of the leading one."""
    return s64((u64(n >> 64) & 0xFFFF_FFFF) - EXPONENT_BIAS)


def kind_of(n: u128) -> u64:
    """0 if finite, INFINITE, NAN or NAN | SIGNALING."""
    return u64(n >> 96) & 7


def negated(n: u128, negate: u64) -> u128:
    """The number with its sign changed if `negate` is 1."""
    return n ^ u128(u128(negate) << 127)


def unpack(bits: u64, fmt: u64) -> u128:
    """The number that `bits` are in format `fmt`, subnormal ones normalized."""
    top = u64(bits << u64(64 - width(fmt)))
    sign = top >> 63
    field = u64(top << 1) >> u64(64 - exponent_width(fmt))
    fraction = u64(top << u64(exponent_width(fmt) + 1)) >> 2
    if field == 0:
        if fraction == 0:
            return number(sign, ZERO_EXPONENT, 0)
        up = u64(clz64(fraction) - 1)
        return number(sign, s64(1 - bias(fmt) - up), u64(fraction << up))
    if field == u64(2 * bias(fmt) + 1):
        kind = u64(INFINITE)
        if fraction != 0:
            kind = NAN if fraction & u64(LEADING >> 1) != 0 else NAN | SIGNALING
        return u128(u128(u64(sign << 63) | u64(kind << 32)) << 64)
    return number(sign, s64(field - bias(fmt)), fraction | LEADING)


def addition(sign: u64, half: u64, rm: u64) -> u64:
    """What rounding to a multiple of 2 * half adds before it cuts; that ties go to even is for the caller."""
    if rm & 3 == 0:  # RNE or RMM
        return half
    return u64(2 * half - 1) if rm == (RDN if sign != 0 else RUP) else 0


def shifted_right(v: u128, amount: u64) -> u128:
    """v >> amount, its lowest bit set if any bit that was lost is."""
    kept = v >> amount
    return kept | 1 if u128(kept << amount) != v else kept


@cold
def rounded(sign: u64, exponent: s64, significand: u64, fmt: u64, rm: u64) -> u128:
    """A finite number other than zero in format `fmt`, and its flags (norm:ieee_std_tininess: after rounding).

    The significand's lowest bit may stand for any amount below it.
    """
    down = u64(62 - fraction_width(fmt))
    half = u64(1 << u64(down - 1))
    add = addition(sign, half, rm)
    lowest = s64(1 - s64(bias(fmt)))
    field = u64(exponent - lowest)
    tiny = False
    if exponent < lowest:
        tiny = exponent < s64(lowest - 1) or u64(significand + add) >> 63 == 0
        significand = u64(shifted_right(significand, u64(lowest - exponent)))
        field = 0
    result = u64(significand + add) >> down
    rest = significand & u64(2 * half - 1)
    if rm == RNE and rest == half:
        result = result & u64(~1)
    result = u64(result + u64(field << fraction_width(fmt)))  # the leading one, or a carry, adds 1 to the field
    flags = u64(rest != 0)
    if result >= infinity(fmt):
        result = infinity(fmt) if add != 0 else u64(infinity(fmt) - 1)  # the largest number where rounding cuts
        flags = OF | NX
    elif tiny and rest != 0:
        flags = UF | NX
    return outcome(u64(sign_bit(fmt) * sign) | result, flags)
