# SPDX-License-Identifier: Apache-2.0
"""Zfa, additional floating-point instructions (unpriv, Zfa Extension for Additional Floating-Point Instructions).

FMINM, FMAXM, FLEQ and FLTQ stand beside their relatives in rv_f.
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.float_unit import float_instruction, operand, require_unit, rounding, write_boxed, write_float, write_integer
from core.isa.intrinsics import FReg, Reg, u64
from core.softfloat.constants import constant
from core.softfloat.convert import round_to_integral, to_word_modular
from core.softfloat.formats import DOUBLE


@float_instruction("11110 fmt 00001 value[4:0] 000 rd 1010011", "fli.fmt", ext="Zfa")
def fli(h: Hart, fmt: u64, rd: FReg, value: u64) -> None:
    """FLI.fmt, load one of 32 constants (norm:fli-s_op, norm:fli-d_op, norm:fli-h_op)."""
    require_unit(h)
    write_boxed(h, fmt, rd, constant(value, fmt))


@float_instruction("01000 fmt 0010 exact[0]=0 rs1 rm rd 1010011", "fround.fmt", ext="Zfa")
@float_instruction("01000 fmt 0010 exact[0]=1 rs1 rm rd 1010011", "froundnx.fmt", ext="Zfa")
def fround(h: Hart, fmt: u64, exact: u64, rd: FReg, rs1: FReg, rm: u64) -> None:
    """FROUND.fmt, round to an integer (norm:fround-s_op); FROUNDNX.fmt also says if inexact (norm:froundnx-s_op)."""
    mode = rounding(h, rm)
    write_float(h, fmt, rd, round_to_integral(operand(h, fmt, rs1), fmt, mode, exact))


@instruction("1100001 01000 rs1 001 rd 1010011", ext="D Zfa", syntax="rd, rs1, rtz")
def fcvtmod_w_d(h: Hart, rd: Reg, rs1: FReg) -> None:
    """FCVTMOD.W.D, the low 32 bits of the integer part, sign-extended (norm:fcvtmod-w-d_op)."""
    require_unit(h)
    write_integer(h, rd, to_word_modular(operand(h, DOUBLE, rs1)))
