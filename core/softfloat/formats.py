# SPDX-License-Identifier: Apache-2.0
"""Floating-point formats, rounding modes and exception flags (unpriv, F, D and Zfh; IEEE 754-2008 binary16, 32 and 64).

A format is the number that instructions have for it in fmt; its widths follow from that, so the same code serves all three.
"""

from __future__ import annotations

from core.isa.intrinsics import M64, s64, u64, u128

SINGLE, DOUBLE, HALF = 0, 1, 2
"""Formats as fmt encodes them (norm:F_fmt_single)."""
WIDTHS = 32 | 64 << 8 | 16 << 16
EXPONENT_WIDTHS = 8 | 11 << 8 | 5 << 16

RNE, RTZ, RDN, RUP, RMM, DYN = 0, 1, 2, 3, 4, 7
"""Rounding modes as instructions and frm encode them (norm:dyn_round_enc)."""
NV, DZ, OF, UF, NX = 16, 8, 4, 2, 1
"""Exception flags: their bits in fflags (norm:fcsr_fflags_op)."""


def width(fmt: u64) -> u64:
    """Bits of a format."""
    return (WIDTHS >> (u64(fmt << 3) & 31)) & 0xFF


def exponent_width(fmt: u64) -> u64:
    """Bits of its exponent field."""
    return (EXPONENT_WIDTHS >> (u64(fmt << 3) & 31)) & 0xFF


def fraction_width(fmt: u64) -> u64:
    """Bits of its fraction field."""
    return u64(width(fmt) - exponent_width(fmt) - 1)


def bias(fmt: u64) -> u64:
    """What is added to the exponent of a normal number for the field: the largest exponent."""
    return u64(u64(1 << u64(exponent_width(fmt) - 1)) - 1)


def sign_bit(fmt: u64) -> u64:
    """The sign."""
    return u64(1 << u64(width(fmt) - 1))


def infinity(fmt: u64) -> u64:
    """Plus infinity: exponent field all ones, fraction zero."""
    return u64(sign_bit(fmt) - u64(1 << fraction_width(fmt)))


def canonical_nan(fmt: u64) -> u64:
    """The NaN that operations give (norm:F_canonical_NaN, norm:D_canonical_NaN, norm:Zfh_canonical_NaN)."""
    return u64(sign_bit(fmt) - u64(1 << u64(fraction_width(fmt) - 1)))


def box_mask(fmt: u64) -> u64:
    """The bits of an f register above a value: all ones in a valid one (norm:fp_nan-boxing)."""
    return u64(M64 << width(fmt))


def unboxed(register: u64, fmt: u64) -> u64:
    """The value in an f register; the canonical NaN if not boxed (norm:FP_nontransfer_instrs_improper_nan-boxed_input)."""
    mask = box_mask(fmt)
    return register & u64(~mask) if register & mask == mask else canonical_nan(fmt)


def sign_extended(register: u64, fmt: u64) -> u64:
    """The low bits of an f register, as many as the format has, sign-extended."""
    up = u64(64 - width(fmt))
    return u64(s64(u64(register << up)) >> up)


def outcome(value: u64, flags: u64) -> u128:
    """What an operation gives: the bits of its result, and above those 64 the flags it raises."""
    return u128(value) | u128(u128(flags) << 64)
