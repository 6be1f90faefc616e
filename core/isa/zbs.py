# SPDX-License-Identifier: Apache-2.0
"""Zbs, single bits told by their number (unpriv, Zbs)."""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.intrinsics import Reg, u64


@instruction("0100100 rs2 rs1 001 rd 0110011", ext="Zbs")
def bclr(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """BCLR, clear the bit told by the low 6 bits of rs2 (norm:bclr_op)."""
    h.x[rd] = h.x[rs1] & u64(~(1 << (h.x[rs2] & 63)))


@instruction("010010 shamt[5:0] rs1 001 rd 0010011", ext="Zbs")
def bclri(h: Hart, rd: Reg, rs1: Reg, shamt: u64) -> None:
    """BCLRI, clear a bit (norm:bclri_op)."""
    h.x[rd] = h.x[rs1] & u64(~(1 << shamt))


@instruction("0100100 rs2 rs1 101 rd 0110011", ext="Zbs")
def bext(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """BEXT, the bit told by the low 6 bits of rs2 (norm:bext_op)."""
    h.x[rd] = (h.x[rs1] >> (h.x[rs2] & 63)) & 1


@instruction("010010 shamt[5:0] rs1 101 rd 0010011", ext="Zbs")
def bexti(h: Hart, rd: Reg, rs1: Reg, shamt: u64) -> None:
    """BEXTI, a bit (norm:bexti_op)."""
    h.x[rd] = (h.x[rs1] >> shamt) & 1


@instruction("0110100 rs2 rs1 001 rd 0110011", ext="Zbs")
def binv(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """BINV, invert the bit told by the low 6 bits of rs2 (norm:binv_op)."""
    h.x[rd] = h.x[rs1] ^ u64(1 << (h.x[rs2] & 63))


@instruction("011010 shamt[5:0] rs1 001 rd 0010011", ext="Zbs")
def binvi(h: Hart, rd: Reg, rs1: Reg, shamt: u64) -> None:
    """BINVI, invert a bit (norm:binvi_op)."""
    h.x[rd] = h.x[rs1] ^ u64(1 << shamt)


@instruction("0010100 rs2 rs1 001 rd 0110011", ext="Zbs")
def bset(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """BSET, set the bit told by the low 6 bits of rs2 (norm:bset_op)."""
    h.x[rd] = h.x[rs1] | u64(1 << (h.x[rs2] & 63))


@instruction("001010 shamt[5:0] rs1 001 rd 0010011", ext="Zbs")
def bseti(h: Hart, rd: Reg, rs1: Reg, shamt: u64) -> None:
    """BSETI, set a bit (norm:bseti_op)."""
    h.x[rd] = h.x[rs1] | u64(1 << shamt)
