# SPDX-License-Identifier: Apache-2.0
"""RV64I, jumps, branches and calls of the environment (unpriv, Control Transfer Instructions; Environment Call).

Instructions may be 16 bits long, so every even target is fine and jumps never trap (norm:Zca_no_misaligned).
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import alias, instruction
from core.isa.intrinsics import Reg, Trap, s64, u64
from core.trap.causes import Cause, TrapInfo

EVEN = 0xFFFF_FFFF_FFFF_FFFE
PRV_U, PRV_S = 0, 1


@instruction("imm[20|10:1|11|19:12] rd 1101111", ext="I", syntax="rd, pc+imm")
def jal(h: Hart, rd: Reg, imm: s64) -> None:
    """JAL, jump and link (norm:jal_op, norm:jal_target)."""
    link = h.npc
    h.npc = u64(h.pc + imm)
    h.x[rd] = link


@instruction("imm[11:0] rs1 000 rd 1100111", ext="I", syntax="rd, imm(rs1)")
def jalr(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """JALR, jump and link register; bit 0 of the target becomes 0 (norm:jalr_op, norm:jalr_target)."""
    link = h.npc
    h.npc = u64(h.x[rs1] + imm) & EVEN
    h.x[rd] = link


@instruction("imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011", ext="I", syntax="rs1, rs2, pc+imm")
def beq(h: Hart, rs1: Reg, rs2: Reg, imm: s64) -> None:
    """BEQ, branch if equal (norm:beq_bne_op, norm:br_target)."""
    if h.x[rs1] == h.x[rs2]:
        h.npc = u64(h.pc + imm)


@instruction("imm[12|10:5] rs2 rs1 001 imm[4:1|11] 1100011", ext="I", syntax="rs1, rs2, pc+imm")
def bne(h: Hart, rs1: Reg, rs2: Reg, imm: s64) -> None:
    """BNE, branch if unequal (norm:beq_bne_op, norm:br_target)."""
    if h.x[rs1] != h.x[rs2]:
        h.npc = u64(h.pc + imm)


@instruction("imm[12|10:5] rs2 rs1 100 imm[4:1|11] 1100011", ext="I", syntax="rs1, rs2, pc+imm")
def blt(h: Hart, rs1: Reg, rs2: Reg, imm: s64) -> None:
    """BLT, branch if less than, signed (norm:blt_bltu_op, norm:br_target)."""
    if s64(h.x[rs1]) < s64(h.x[rs2]):
        h.npc = u64(h.pc + imm)


@instruction("imm[12|10:5] rs2 rs1 101 imm[4:1|11] 1100011", ext="I", syntax="rs1, rs2, pc+imm")
def bge(h: Hart, rs1: Reg, rs2: Reg, imm: s64) -> None:
    """BGE, branch if greater or equal, signed (norm:bge_bgeu_op, norm:br_target)."""
    if s64(h.x[rs1]) >= s64(h.x[rs2]):
        h.npc = u64(h.pc + imm)


@instruction("imm[12|10:5] rs2 rs1 110 imm[4:1|11] 1100011", ext="I", syntax="rs1, rs2, pc+imm")
def bltu(h: Hart, rs1: Reg, rs2: Reg, imm: s64) -> None:
    """BLTU, branch if less than, unsigned (norm:blt_bltu_op, norm:br_target)."""
    if h.x[rs1] < h.x[rs2]:
        h.npc = u64(h.pc + imm)


@instruction("imm[12|10:5] rs2 rs1 111 imm[4:1|11] 1100011", ext="I", syntax="rs1, rs2, pc+imm")
def bgeu(h: Hart, rs1: Reg, rs2: Reg, imm: s64) -> None:
    """BGEU, branch if greater or equal, unsigned (norm:bge_bgeu_op, norm:br_target)."""
    if h.x[rs1] >= h.x[rs2]:
        h.npc = u64(h.pc + imm)


@instruction("000000000000 00000 000 00000 1110011", ext="I")
def ecall(h: Hart) -> None:
    """ECALL, request of the environment; the cause tells the mode it came from (norm:ecall_op1, norm:H_cause_ecall)."""
    if h.mode == PRV_U:
        raise Trap(Cause.ECALL_U)
    if h.mode == PRV_S:
        if h.v != 0:
            raise Trap(Cause.ECALL_VS)
        raise Trap(Cause.ECALL_S)
    raise Trap(Cause.ECALL_M)


@instruction("000000000001 00000 000 00000 1110011", ext="I")
def ebreak(h: Hart) -> None:
    """EBREAK, call of the debugger; xtval is its address, a guest's if V=1 (norm:ebreak_op1, norm:hstatus_gva_op)."""
    if h.v != 0:
        raise Trap(Cause.BREAKPOINT, h.pc, 0, TrapInfo.GVA)
    raise Trap(Cause.BREAKPOINT, h.pc, 0, 0)


alias("j pc+imm", "jal x0, pc+imm")
alias("jal pc+imm", "jal x1, pc+imm")
alias("ret", "jalr x0, 0(x1)")
alias("jr rs1", "jalr x0, 0(rs1)")
alias("jr imm(rs1)", "jalr x0, imm(rs1)")
alias("jalr rs1", "jalr x1, 0(rs1)")
alias("jalr imm(rs1)", "jalr x1, imm(rs1)")
alias("jalr rd, rs1", "jalr rd, 0(rs1)")
alias("beqz rs1, pc+imm", "beq rs1, x0, pc+imm")
alias("bnez rs1, pc+imm", "bne rs1, x0, pc+imm")
alias("bltz rs1, pc+imm", "blt rs1, x0, pc+imm")
alias("bgtz rs2, pc+imm", "blt x0, rs2, pc+imm")
alias("blez rs2, pc+imm", "bge x0, rs2, pc+imm")
alias("bgez rs1, pc+imm", "bge rs1, x0, pc+imm")
