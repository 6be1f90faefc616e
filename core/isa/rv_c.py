# SPDX-License-Identifier: Apache-2.0
"""C, the compressed instructions of RV64 without floating point, as expansions (unpriv, Zca; norm:Zca_regs8).

Encodings left out here are illegal: the all-zero one (norm:Zca_illegal) and the reserved ones. HINTs expand to
instructions that change nothing (norm:Zca_hints).
"""

from __future__ import annotations

from core.isa import rv_i, rv_i_control, rv_i_memory  # noqa: F401 (declare what is expanded to)
from core.isa.encoding import compressed, shown

# Quadrant 0
compressed("c.addi4spn", "000 nzuimm[5:4|9:6|2|3] rd' 00", "addi rd', x2, nzuimm", ext="C")  # norm:c-addi4spn_op
compressed("c.lw", "010 uimm[5:3] rs1' uimm[2|6] rd' 00", "lw rd', uimm(rs1')", ext="C")  # norm:c-lw_op
compressed("c.ld", "011 uimm[5:3] rs1' uimm[7:6] rd' 00", "ld rd', uimm(rs1')", ext="C")  # norm:c-ld_op
compressed("c.sw", "110 uimm[5:3] rs1' uimm[2|6] rs2' 00", "sw rs2', uimm(rs1')", ext="C")  # norm:c-sw_op
compressed("c.sd", "111 uimm[5:3] rs1' uimm[7:6] rs2' 00", "sd rs2', uimm(rs1')", ext="C")  # norm:c-sd_op

# Quadrant 1
compressed("c.nop", "000 imm[5] 00000 imm[4:0] 01", "addi x0, x0, imm", ext="C")  # norm:c-nop_op
compressed("c.addi", "000 imm[5] rd!=0 imm[4:0] 01", "addi rd, rd, imm", ext="C")  # norm:c-addi_op
compressed("c.addiw", "001 imm[5] rd!=0 imm[4:0] 01", "addiw rd, rd, imm", ext="C")  # norm:c-addiw_op
compressed("c.li", "010 imm[5] rd imm[4:0] 01", "addi rd, x0, imm", ext="C")  # norm:c-li_op
compressed("c.addi16sp", "011 nzimm[9] 00010 nzimm[4|6|8:7|5] 01", "addi x2, x2, nzimm", ext="C")  # norm:c-addi16sp_op
compressed("c.lui", "011 nzimm[17] rd!=2 nzimm[16:12] 01", "lui rd, nzimm", ext="C")  # norm:c-lui_op
compressed("c.srli", "100 shamt[5] 00 rd' shamt[4:0] 01", "srli rd', rd', shamt", ext="C")  # norm:c-srli_op
compressed("c.srai", "100 shamt[5] 01 rd' shamt[4:0] 01", "srai rd', rd', shamt", ext="C")  # norm:c-srai_op
compressed("c.andi", "100 imm[5] 10 rd' imm[4:0] 01", "andi rd', rd', imm", ext="C")  # norm:c-andi_op
compressed("c.sub", "100 0 11 rd' 00 rs2' 01", "sub rd', rd', rs2'", ext="C")  # norm:c-sub_op
compressed("c.xor", "100 0 11 rd' 01 rs2' 01", "xor rd', rd', rs2'", ext="C")  # norm:c-xor_op
compressed("c.or", "100 0 11 rd' 10 rs2' 01", "or rd', rd', rs2'", ext="C")  # norm:c-or_op
compressed("c.and", "100 0 11 rd' 11 rs2' 01", "and rd', rd', rs2'", ext="C")  # norm:c-and_op
compressed("c.subw", "100 1 11 rd' 00 rs2' 01", "subw rd', rd', rs2'", ext="C")  # norm:c-subw_op
compressed("c.addw", "100 1 11 rd' 01 rs2' 01", "addw rd', rd', rs2'", ext="C")  # norm:c-addw_op
compressed("c.j", "101 imm[11|4|9:8|10|6|7|3:1|5] 01", "jal x0, pc+imm", ext="C")  # norm:c-j_op
compressed("c.beqz", "110 imm[8|4:3] rs1' imm[7:6|2:1|5] 01", "beq rs1', x0, pc+imm", ext="C")  # norm:c-beqz_op
compressed("c.bnez", "111 imm[8|4:3] rs1' imm[7:6|2:1|5] 01", "bne rs1', x0, pc+imm", ext="C")  # norm:c-bnez_op

# Quadrant 2
compressed("c.slli", "000 shamt[5] rd shamt[4:0] 10", "slli rd, rd, shamt", ext="C")  # norm:c-slli_op
compressed("c.lwsp", "010 uimm[5] rd!=0 uimm[4:2|7:6] 10", "lw rd, uimm(x2)", ext="C")  # norm:c-lwsp_op
compressed("c.ldsp", "011 uimm[5] rd!=0 uimm[4:3|8:6] 10", "ld rd, uimm(x2)", ext="C")  # norm:c-ldsp_op
compressed("c.jr", "100 0 rs1!=0 00000 10", "jalr x0, 0(rs1)", ext="C")  # norm:c-jr_op
compressed("c.mv", "100 0 rd rs2!=0 10", "add rd, x0, rs2", ext="C")  # norm:c-mv_op
compressed("c.ebreak", "100 1 00000 00000 10", "ebreak", ext="C")  # norm:c-ebreak_op
compressed("c.jalr", "100 1 rs1!=0 00000 10", "jalr x1, 0(rs1)", ext="C")  # norm:c-jalr_op
compressed("c.add", "100 1 rd rs2!=0 10", "add rd, rd, rs2", ext="C")  # norm:c-add_op
compressed("c.swsp", "110 uimm[5:2|7:6] rs2 10", "sw rs2, uimm(x2)", ext="C")  # norm:c-swsp_op
compressed("c.sdsp", "111 uimm[5:3|8:6] rs2 10", "sd rs2, uimm(x2)", ext="C")  # norm:c-sdsp_op

# The GNU tools show HINTs under their compressed names
shown("c.nop", "nop if imm=0", "c.nop imm")
shown("c.addi", "addi rd, rd, imm if imm=0")
shown("c.li", "c.li rd, imm if rd=0")
shown("c.lui", "c.lui rd, nzimm[31:12] if rd=0")
shown("c.srli", "c.srli64 rd if shamt=0")
shown("c.srai", "c.srai64 rd if shamt=0")
shown("c.slli", "c.slli64 rd if shamt=0", "c.slli rd, shamt if rd=0")
shown("c.mv", "c.mv rd, rs2 if rd=0", "mv rd, rs2")
shown(
    "c.add",
    "c.ntl.p1 if rd=0 rs2=2",  # norm:NTL-compressed_variants
    "c.ntl.pall if rd=0 rs2=3",
    "c.ntl.s1 if rd=0 rs2=4",
    "c.ntl.all if rd=0 rs2=5",
    "c.add rd, rs2 if rd=0",
)
