# SPDX-License-Identifier: Apache-2.0
"""Zba, address generation: shifted and 32-bit indices added to a base (unpriv, Zba)."""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import alias, instruction
from core.isa.intrinsics import Reg, u32, u64


@instruction("0000100 rs2 rs1 000 rd 0111011", ext="Zba")
def add_uw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """ADD.UW, rs2 plus the low 32 bits of rs1, zero-extended (norm:add_uw_op)."""
    h.x[rd] = u64(h.x[rs2] + u32(h.x[rs1]))


@instruction("0010000 rs2 rs1 010 rd 0110011", ext="Zba")
def sh1add(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SH1ADD, rs2 plus rs1 shifted left by 1 (norm:sh1add_op)."""
    h.x[rd] = u64(h.x[rs2] + (h.x[rs1] << 1))


@instruction("0010000 rs2 rs1 010 rd 0111011", ext="Zba")
def sh1add_uw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SH1ADD.UW, as SH1ADD with the low 32 bits of rs1 (norm:sh1add_uw_op)."""
    h.x[rd] = u64(h.x[rs2] + (u32(h.x[rs1]) << 1))


@instruction("0010000 rs2 rs1 100 rd 0110011", ext="Zba")
def sh2add(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SH2ADD, rs2 plus rs1 shifted left by 2 (norm:sh2add_op)."""
    h.x[rd] = u64(h.x[rs2] + (h.x[rs1] << 2))


@instruction("0010000 rs2 rs1 100 rd 0111011", ext="Zba")
def sh2add_uw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SH2ADD.UW, as SH2ADD with the low 32 bits of rs1 (norm:sh2add_uw_op)."""
    h.x[rd] = u64(h.x[rs2] + (u32(h.x[rs1]) << 2))


@instruction("0010000 rs2 rs1 110 rd 0110011", ext="Zba")
def sh3add(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SH3ADD, rs2 plus rs1 shifted left by 3 (norm:sh3add_op)."""
    h.x[rd] = u64(h.x[rs2] + (h.x[rs1] << 3))


@instruction("0010000 rs2 rs1 110 rd 0111011", ext="Zba")
def sh3add_uw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SH3ADD.UW, as SH3ADD with the low 32 bits of rs1 (norm:sh3add_uw_op)."""
    h.x[rd] = u64(h.x[rs2] + (u32(h.x[rs1]) << 3))


@instruction("000010 shamt[5:0] rs1 001 rd 0011011", ext="Zba")
def slli_uw(h: Hart, rd: Reg, rs1: Reg, shamt: u64) -> None:
    """SLLI.UW, the low 32 bits of rs1 shifted left by 0 to 63 (norm:slli_uw_op)."""
    h.x[rd] = u64(u32(h.x[rs1]) << shamt)


alias("zext.w rd, rs1", "add.uw rd, rs1, x0")
