# SPDX-License-Identifier: Apache-2.0
"""RV64I, computation (unpriv, RV32I and RV64I Base Integer Instruction Sets, Integer Computational Instructions)."""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import alias, instruction
from core.isa.intrinsics import Reg, s32, s64, sext32, u32, u64

# Integer Register-Immediate Instructions


@instruction("imm[31:12] rd 0110111", ext="I", syntax="rd, imm[31:12]")
def lui(h: Hart, rd: Reg, imm: s64) -> None:
    """LUI, load upper immediate (norm:lui_op_rv64i)."""
    h.x[rd] = u64(imm)


@instruction("imm[31:12] rd 0010111", ext="I", syntax="rd, imm[31:12]")
def auipc(h: Hart, rd: Reg, imm: s64) -> None:
    """AUIPC, add upper immediate to pc (norm:auipc_op_rv64i)."""
    h.x[rd] = u64(h.pc + imm)


@instruction("imm[11:0] rs1 000 rd 0010011", ext="I")
def addi(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """ADDI (norm:addi_op)."""
    h.x[rd] = u64(h.x[rs1] + imm)


@instruction("imm[11:0] rs1 010 rd 0010011", ext="I")
def slti(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """SLTI, set if less than immediate, signed (norm:slti_sltiu_op)."""
    h.x[rd] = u64(s64(h.x[rs1]) < imm)


@instruction("imm[11:0] rs1 011 rd 0010011", ext="I")
def sltiu(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """SLTIU, set if less than the sign-extended immediate, both unsigned (norm:slti_sltiu_op)."""
    h.x[rd] = u64(h.x[rs1] < u64(imm))


@instruction("imm[11:0] rs1 100 rd 0010011", ext="I")
def xori(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """XORI (norm:andi_ori_xori_op)."""
    h.x[rd] = h.x[rs1] ^ u64(imm)


@instruction("imm[11:0] rs1 110 rd 0010011", ext="I")
def ori(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """ORI (norm:andi_ori_xori_op)."""
    h.x[rd] = h.x[rs1] | u64(imm)


@instruction("imm[11:0] rs1 111 rd 0010011", ext="I")
def andi(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """ANDI (norm:andi_ori_xori_op)."""
    h.x[rd] = h.x[rs1] & u64(imm)


@instruction("000000 shamt[5:0] rs1 001 rd 0010011", ext="I")
def slli(h: Hart, rd: Reg, rs1: Reg, shamt: u64) -> None:
    """SLLI, shift left logical by 0 to 63 (norm:slli_op)."""
    h.x[rd] = u64(h.x[rs1] << shamt)


@instruction("000000 shamt[5:0] rs1 101 rd 0010011", ext="I")
def srli(h: Hart, rd: Reg, rs1: Reg, shamt: u64) -> None:
    """SRLI, shift right logical by 0 to 63 (norm:srli_op)."""
    h.x[rd] = h.x[rs1] >> shamt


@instruction("010000 shamt[5:0] rs1 101 rd 0010011", ext="I")
def srai(h: Hart, rd: Reg, rs1: Reg, shamt: u64) -> None:
    """SRAI, shift right arithmetic by 0 to 63 (norm:srai_op)."""
    h.x[rd] = u64(s64(h.x[rs1]) >> shamt)


@instruction("imm[11:0] rs1 000 rd 0011011", ext="I")
def addiw(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """ADDIW, 32-bit sum, sign-extended (norm:addiw_op)."""
    h.x[rd] = u64(s32(h.x[rs1] + imm))


@instruction("0000000 shamt[4:0] rs1 001 rd 0011011", ext="I")
def slliw(h: Hart, rd: Reg, rs1: Reg, shamt: u64) -> None:
    """SLLIW, 32-bit shift left by 0 to 31, sign-extended (norm:slliw_srliw_sraiw_op)."""
    h.x[rd] = u64(s32(h.x[rs1] << shamt))


@instruction("0000000 shamt[4:0] rs1 101 rd 0011011", ext="I")
def srliw(h: Hart, rd: Reg, rs1: Reg, shamt: u64) -> None:
    """SRLIW, 32-bit shift right logical, sign-extended (norm:slliw_srliw_sraiw_op)."""
    h.x[rd] = sext32(u32(h.x[rs1]) >> shamt)


@instruction("0100000 shamt[4:0] rs1 101 rd 0011011", ext="I")
def sraiw(h: Hart, rd: Reg, rs1: Reg, shamt: u64) -> None:
    """SRAIW, 32-bit shift right arithmetic, sign-extended (norm:slliw_srliw_sraiw_op)."""
    h.x[rd] = u64(s32(h.x[rs1]) >> shamt)


# Integer Register-Register Instructions


@instruction("0000000 rs2 rs1 000 rd 0110011", ext="I")
def add(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """ADD (norm:add_op)."""
    h.x[rd] = u64(h.x[rs1] + h.x[rs2])


@instruction("0100000 rs2 rs1 000 rd 0110011", ext="I")
def sub(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SUB (norm:sub_op)."""
    h.x[rd] = u64(h.x[rs1] - h.x[rs2])


@instruction("0000000 rs2 rs1 001 rd 0110011", ext="I")
def sll(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SLL, shift left by the low 6 bits of rs2 (norm:sll_srl_sra_op, norm:sll_srl_sra_sh_amt_rv64i)."""
    h.x[rd] = u64(h.x[rs1] << (h.x[rs2] & 63))


@instruction("0000000 rs2 rs1 010 rd 0110011", ext="I")
def slt(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SLT, set if less than, signed (norm:slt_sltu_op)."""
    h.x[rd] = u64(s64(h.x[rs1]) < s64(h.x[rs2]))


@instruction("0000000 rs2 rs1 011 rd 0110011", ext="I")
def sltu(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SLTU, set if less than, unsigned (norm:slt_sltu_op)."""
    h.x[rd] = u64(h.x[rs1] < h.x[rs2])


@instruction("0000000 rs2 rs1 100 rd 0110011", ext="I")
def xor(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """XOR (norm:and_or_xor_op)."""
    h.x[rd] = h.x[rs1] ^ h.x[rs2]


@instruction("0000000 rs2 rs1 101 rd 0110011", ext="I")
def srl(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SRL, shift right logical by the low 6 bits of rs2 (norm:sll_srl_sra_op, norm:sll_srl_sra_sh_amt_rv64i)."""
    h.x[rd] = h.x[rs1] >> (h.x[rs2] & 63)


@instruction("0100000 rs2 rs1 101 rd 0110011", ext="I")
def sra(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SRA, shift right arithmetic by the low 6 bits of rs2 (norm:sll_srl_sra_op, norm:sll_srl_sra_sh_amt_rv64i)."""
    h.x[rd] = u64(s64(h.x[rs1]) >> (h.x[rs2] & 63))


@instruction("0000000 rs2 rs1 110 rd 0110011", ext="I")
def or_(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """OR (norm:and_or_xor_op)."""
    h.x[rd] = h.x[rs1] | h.x[rs2]


@instruction("0000000 rs2 rs1 111 rd 0110011", ext="I")
def and_(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AND (norm:and_or_xor_op)."""
    h.x[rd] = h.x[rs1] & h.x[rs2]


@instruction("0000000 rs2 rs1 000 rd 0111011", ext="I")
def addw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """ADDW, 32-bit sum, sign-extended (norm:addw_subw_op)."""
    h.x[rd] = u64(s32(h.x[rs1] + h.x[rs2]))


@instruction("0100000 rs2 rs1 000 rd 0111011", ext="I")
def subw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SUBW, 32-bit difference, sign-extended (norm:addw_subw_op)."""
    h.x[rd] = u64(s32(h.x[rs1] - h.x[rs2]))


@instruction("0000000 rs2 rs1 001 rd 0111011", ext="I")
def sllw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SLLW, 32-bit shift left by the low 5 bits of rs2, sign-extended (norm:sllw_srlw_sraw_op)."""
    h.x[rd] = u64(s32(h.x[rs1] << (h.x[rs2] & 31)))


@instruction("0000000 rs2 rs1 101 rd 0111011", ext="I")
def srlw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SRLW, 32-bit shift right logical by the low 5 bits of rs2, sign-extended (norm:sllw_srlw_sraw_op)."""
    h.x[rd] = sext32(u32(h.x[rs1]) >> (h.x[rs2] & 31))


@instruction("0100000 rs2 rs1 101 rd 0111011", ext="I")
def sraw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SRAW, 32-bit shift right arithmetic by the low 5 bits of rs2, sign-extended (norm:sllw_srlw_sraw_op)."""
    h.x[rd] = u64(s32(h.x[rs1]) >> (h.x[rs2] & 31))


alias("nop", "addi x0, x0, 0")
alias("li rd, imm", "addi rd, x0, imm")
alias("mv rd, rs1", "addi rd, rs1, 0")
alias("seqz rd, rs1", "sltiu rd, rs1, 1")
alias("not rd, rs1", "xori rd, rs1, -1")
alias("zext.b rd, rs1", "andi rd, rs1, 255")
alias("sext.w rd, rs1", "addiw rd, rs1, 0")
alias("neg rd, rs2", "sub rd, x0, rs2")
alias("negw rd, rs2", "subw rd, x0, rs2")
alias("snez rd, rs2", "sltu rd, x0, rs2")
alias("sltz rd, rs1", "slt rd, rs1, x0")
alias("sgtz rd, rs2", "slt rd, x0, rs2")
