# SPDX-License-Identifier: Apache-2.0
"""RV64I, loads, stores and their ordering (unpriv, Load and Store Instructions; Memory Ordering Instructions)."""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import alias, instruction
from core.isa.intrinsics import Reg, s8, s16, s64, sext32, u64
from core.mmu.access import load, store


@instruction("imm[11:0] rs1 000 rd 0000011", ext="I", syntax="rd, imm(rs1)")
def lb(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """LB, load 8-bit value, sign-extended (norm:lh_lhu_lb_lbu_op_rv64i)."""
    h.x[rd] = u64(s8(load(h, u64(h.x[rs1] + imm), 1)))


@instruction("imm[11:0] rs1 001 rd 0000011", ext="I", syntax="rd, imm(rs1)")
def lh(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """LH, load 16-bit value, sign-extended (norm:lh_lhu_lb_lbu_op_rv64i)."""
    h.x[rd] = u64(s16(load(h, u64(h.x[rs1] + imm), 2)))


@instruction("imm[11:0] rs1 010 rd 0000011", ext="I", syntax="rd, imm(rs1)")
def lw(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """LW, load 32-bit value, sign-extended (norm:lw_op_rv64i)."""
    h.x[rd] = sext32(load(h, u64(h.x[rs1] + imm), 4))


@instruction("imm[11:0] rs1 011 rd 0000011", ext="I", syntax="rd, imm(rs1)")
def ld(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """LD, load 64-bit value (norm:ld_op_rv64i)."""
    h.x[rd] = load(h, u64(h.x[rs1] + imm), 8)


@instruction("imm[11:0] rs1 100 rd 0000011", ext="I", syntax="rd, imm(rs1)")
def lbu(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """LBU, load 8-bit value, zero-extended (norm:lh_lhu_lb_lbu_op_rv64i)."""
    h.x[rd] = load(h, u64(h.x[rs1] + imm), 1)


@instruction("imm[11:0] rs1 101 rd 0000011", ext="I", syntax="rd, imm(rs1)")
def lhu(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """LHU, load 16-bit value, zero-extended (norm:lh_lhu_lb_lbu_op_rv64i)."""
    h.x[rd] = load(h, u64(h.x[rs1] + imm), 2)


@instruction("imm[11:0] rs1 110 rd 0000011", ext="I", syntax="rd, imm(rs1)")
def lwu(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """LWU, load 32-bit value, zero-extended (norm:lwu_op)."""
    h.x[rd] = load(h, u64(h.x[rs1] + imm), 4)


@instruction("imm[11:5] rs2 rs1 000 imm[4:0] 0100011", ext="I", syntax="rs2, imm(rs1)")
def sb(h: Hart, rs1: Reg, rs2: Reg, imm: s64) -> None:
    """SB, store the low 8 bits of rs2 (norm:sd_sw_sh_sb_op_rv64i)."""
    store(h, u64(h.x[rs1] + imm), 1, h.x[rs2])


@instruction("imm[11:5] rs2 rs1 001 imm[4:0] 0100011", ext="I", syntax="rs2, imm(rs1)")
def sh(h: Hart, rs1: Reg, rs2: Reg, imm: s64) -> None:
    """SH, store the low 16 bits of rs2 (norm:sd_sw_sh_sb_op_rv64i)."""
    store(h, u64(h.x[rs1] + imm), 2, h.x[rs2])


@instruction("imm[11:5] rs2 rs1 010 imm[4:0] 0100011", ext="I", syntax="rs2, imm(rs1)")
def sw(h: Hart, rs1: Reg, rs2: Reg, imm: s64) -> None:
    """SW, store the low 32 bits of rs2 (norm:sd_sw_sh_sb_op_rv64i)."""
    store(h, u64(h.x[rs1] + imm), 4, h.x[rs2])


@instruction("imm[11:5] rs2 rs1 011 imm[4:0] 0100011", ext="I", syntax="rs2, imm(rs1)")
def sd(h: Hart, rs1: Reg, rs2: Reg, imm: s64) -> None:
    """SD, store the 64 bits of rs2 (norm:sd_sw_sh_sb_op_rv64i)."""
    store(h, u64(h.x[rs1] + imm), 8, h.x[rs2])


@instruction("(fm) (pred) (succ) ..... 000 ..... 0001111", ext="I", syntax="pred, succ")
def fence(h: Hart) -> None:
    """FENCE (norm:fence_op): memory accesses happen in program order here, so nothing is left to do.

    PAUSE and FENCE.TSO are among its encodings (norm:pause_op, norm:fence-tso_op); reserved ones count as FENCE.
    """


alias("pause", "fence 1, 0", fm=0)
alias("fence.tso", "fence 3, 3", fm=8)
alias("fence", "fence 15, 15", fm=0)
