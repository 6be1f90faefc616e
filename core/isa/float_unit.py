# SPDX-License-Identifier: Apache-2.0
"""What floating-point instructions have in common: registers, rounding mode, flags, and the state of the unit.

What many of them do is cold, which here only means never inlined: native code stays small, and is made sooner.
"""

from __future__ import annotations

from collections.abc import Callable

from core.csr.unprivileged import Fcsr, dirty_fp, fp_rule
from core.hart import Hart
from core.isa.encoding import Function, instruction
from core.isa.intrinsics import FReg, Reg, Trap, cold, get, inline, isset, u64, u128
from core.softfloat.fast import CUT
from core.softfloat.formats import DOUBLE, DYN, HALF, NX, RMM, RNE, SINGLE, box_mask, unboxed
from core.softfloat.host import host_floats, host_narrow
from core.softfloat.number import unpack
from core.trap.causes import Cause

FORMATS = {"s": (SINGLE, "F"), "d": (DOUBLE, "D"), "h": (HALF, "Zfh")}
"""Formats by their letter in mnemonics, with the extension that computes in them."""


def float_instruction(drawing: str, name: str, *, ext: str = "") -> Callable[[Function], Function]:
    """Declare an instruction in every format: `fmt` in the drawing and in the name stands for each.

    It needs the format's extension, and `ext` besides.
    """

    def register(function: Function) -> Function:
        for letter, (fmt, needed) in FORMATS.items():
            drawn = drawing.replace(" fmt ", f" fmt={fmt} ")
            instruction(drawn, ext=f"{needed} {ext}", name=name.replace("fmt", letter))(function)
        return function

    return register


@inline
def require_unit(h: Hart) -> None:
    """Floating point with FS off is illegal, with V=1 whichever FS that is (norm:H_illegalinst_xstatus_fs_vs)."""
    cause = fp_rule(h)
    if cause != 0:
        raise Trap(cause)


@cold
def rounding(h: Hart, rm: u64) -> u64:
    """The rounding mode an instruction asks for (norm:roundingmode_dynamic); raises Trap if the unit is off.

    Reserved modes are illegal, also where there is nothing to round (norm:roundingmode_rsv).
    """
    require_unit(h)
    mode = get(h.fcsr, Fcsr.FRM) if rm == DYN else rm
    if mode > RMM:
        raise Trap(Cause.ILLEGAL_INSTRUCTION)
    return mode


@inline
def hosted(h: Hart, fmt: u64) -> bool:
    """Whether to try the host's floats (core.softfloat.fast): for single or double precision, if the unit is on."""
    return host_floats() and fmt != HALF and fp_rule(h) == 0


@inline
def hosted_rounding(h: Hart, fmt: u64, rm: u64) -> bool:
    """`hosted`, and the rounding mode is the host's: to nearest, ties to even; dynamic if asked for as frm stands."""
    return hosted(h, fmt) and not RNE < rm < DYN and get(h.fcsr, Fcsr.FRM) == RNE


@inline
def value(h: Hart, fmt: u64, register: FReg) -> u64:
    """The bits of an operand."""
    return h.f[register] if fmt == DOUBLE else unboxed(h.f[register], fmt)


@cold
def operand(h: Hart, fmt: u64, register: FReg) -> u128:
    """An operand as a number."""
    return unpack(unboxed(h.f[register], fmt), fmt)


@inline
def write_boxed(h: Hart, fmt: u64, rd: FReg, bits: u64) -> None:
    """Write a register, NaN-boxed (norm:fp_nan-boxing)."""
    h.f[rd] = bits | box_mask(fmt)
    dirty_fp(h)


@cold
def write_float(h: Hart, fmt: u64, rd: FReg, result: u128) -> None:
    """Write a result that is in a format, and accrue its flags."""
    h.fcsr |= u64(result >> 64)
    write_boxed(h, fmt, rd, u64(result))


@inline
def write_hosted(h: Hart, fmt: u64, rd: FReg, result: u64, exact: bool) -> None:
    """Write a result that the host has as a double, certain in `fmt`; `exact`: nothing was rounded yet, or NX is set."""
    bits = result
    inexact = not exact
    if fmt != DOUBLE:
        bits = host_narrow(result) | box_mask(SINGLE)
        inexact = inexact or result & CUT != 0
    h.f[rd] = bits
    if inexact and not isset(h.fcsr, Fcsr.NX):
        h.fcsr |= NX
    dirty_fp(h)


@inline
def write_integer(h: Hart, rd: Reg, result: u128) -> None:
    """Write a result that is an integer, and accrue its flags; without any, the unit's state stays clean."""
    h.x[rd] = u64(result)
    flags = u64(result >> 64)
    if flags != 0:
        h.fcsr |= flags
        dirty_fp(h)
