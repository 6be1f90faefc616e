# SPDX-License-Identifier: Apache-2.0
"""Transfers of F, D and Zfh: loads, stores and moves (unpriv, NaN Boxing of Narrower Values).

They move bits into and out of floating-point registers whatever these are; into them NaN-boxed
(norm:FP_transfer_instrs_narrow_transfer_in), out of them boxed or not (norm:FP_transfer_instrs_narrow_transfer_out). Those
of half precision belong to Zfhmin too (norm:zfhmin).
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.float_unit import require_unit, write_boxed
from core.isa.intrinsics import Const, FReg, Reg, inline, s64, u64
from core.mmu.access import load, store
from core.softfloat.formats import DOUBLE, HALF, SINGLE, sign_extended


@inline
def load_float(h: Hart, fmt: u64, rd: FReg, address: u64, size: Const) -> None:
    """Load `size` bytes."""
    require_unit(h)
    write_boxed(h, fmt, rd, load(h, address, size))


@inline
def store_float(h: Hart, rs2: FReg, address: u64, size: Const) -> None:
    """Store the low `size` bytes."""
    require_unit(h)
    store(h, address, size, h.f[rs2])


@instruction("imm[11:0] rs1 001 rd 0000111", ext="Zfhmin", syntax="rd, imm(rs1)")
def flh(h: Hart, rd: FReg, rs1: Reg, imm: s64) -> None:
    """FLH, load 16 bits (norm:fsh_flh_op)."""
    load_float(h, HALF, rd, u64(h.x[rs1] + imm), 2)


@instruction("imm[11:0] rs1 010 rd 0000111", ext="F", syntax="rd, imm(rs1)")
def flw(h: Hart, rd: FReg, rs1: Reg, imm: s64) -> None:
    """FLW, load 32 bits (norm:fsw_flw_op)."""
    load_float(h, SINGLE, rd, u64(h.x[rs1] + imm), 4)


@instruction("imm[11:0] rs1 011 rd 0000111", ext="D", syntax="rd, imm(rs1)")
def fld(h: Hart, rd: FReg, rs1: Reg, imm: s64) -> None:
    """FLD, load 64 bits (norm:fld_op)."""
    load_float(h, DOUBLE, rd, u64(h.x[rs1] + imm), 8)


@instruction("imm[11:5] rs2 rs1 001 imm[4:0] 0100111", ext="Zfhmin", syntax="rs2, imm(rs1)")
def fsh(h: Hart, rs1: Reg, rs2: FReg, imm: s64) -> None:
    """FSH, store 16 bits (norm:fsh_flh_op)."""
    store_float(h, rs2, u64(h.x[rs1] + imm), 2)


@instruction("imm[11:5] rs2 rs1 010 imm[4:0] 0100111", ext="F", syntax="rs2, imm(rs1)")
def fsw(h: Hart, rs1: Reg, rs2: FReg, imm: s64) -> None:
    """FSW, store 32 bits (norm:fsw_flw_op)."""
    store_float(h, rs2, u64(h.x[rs1] + imm), 4)


@instruction("imm[11:5] rs2 rs1 011 imm[4:0] 0100111", ext="D", syntax="rs2, imm(rs1)")
def fsd(h: Hart, rs1: Reg, rs2: FReg, imm: s64) -> None:
    """FSD, store 64 bits (norm:fsd_op)."""
    store_float(h, rs2, u64(h.x[rs1] + imm), 8)


@instruction("11100 fmt=0 00000 rs1 000 rd 1010011", ext="F", name="fmv.x.w")
@instruction("11100 fmt=1 00000 rs1 000 rd 1010011", ext="D", name="fmv.x.d")
@instruction("11100 fmt=2 00000 rs1 000 rd 1010011", ext="Zfhmin", name="fmv.x.h")
def fmv_to_integer(h: Hart, fmt: u64, rd: Reg, rs1: FReg) -> None:
    """FMV.X.W, FMV.X.D, FMV.X.H, sign-extended (norm:fmv-x-w_op, norm:fmv-x-d_op, norm:fmv-x-h_op)."""
    require_unit(h)
    h.x[rd] = sign_extended(h.f[rs1], fmt)


@instruction("11110 fmt=0 00000 rs1 000 rd 1010011", ext="F", name="fmv.w.x")
@instruction("11110 fmt=1 00000 rs1 000 rd 1010011", ext="D", name="fmv.d.x")
@instruction("11110 fmt=2 00000 rs1 000 rd 1010011", ext="Zfhmin", name="fmv.h.x")
def fmv_to_float(h: Hart, fmt: u64, rd: FReg, rs1: Reg) -> None:
    """FMV.W.X, FMV.D.X, FMV.H.X (norm:fmv-w-x_op, norm:fmv-d-x_op, norm:fmv-h-x_op)."""
    require_unit(h)
    write_boxed(h, fmt, rd, h.x[rs1])
