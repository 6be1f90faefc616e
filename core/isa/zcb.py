# SPDX-License-Identifier: Apache-2.0
"""Zcb, more compressed instructions, as expansions (unpriv, Zcb).

What one expands to may belong to M, Zba or Zbb and then needs that extension too (unpriv, Zcb, Prerequisites).
"""

from __future__ import annotations

from core.isa import rv_i, rv_i_memory, rv_m, zba, zbb  # noqa: F401 (declare what is expanded to)
from core.isa.encoding import compressed

compressed("c.lbu", "100 000 rs1' uimm[0|1] rd' 00", "lbu rd', uimm(rs1')", ext="Zcb C")  # norm:c-lbu_op
compressed("c.lhu", "100 001 rs1' 0 uimm[1] rd' 00", "lhu rd', uimm(rs1')", ext="Zcb C")  # norm:c-lhu_op
compressed("c.lh", "100 001 rs1' 1 uimm[1] rd' 00", "lh rd', uimm(rs1')", ext="Zcb C")  # norm:c-lh_op
compressed("c.sb", "100 010 rs1' uimm[0|1] rs2' 00", "sb rs2', uimm(rs1')", ext="Zcb C")  # norm:c-sb_op
compressed("c.sh", "100 011 rs1' 0 uimm[1] rs2' 00", "sh rs2', uimm(rs1')", ext="Zcb C")  # norm:c-sh_op

compressed("c.zext.b", "100 111 rd' 11 000 01", "andi rd', rd', 255", ext="Zcb C")  # norm:c-zext-b_op
compressed("c.sext.b", "100 111 rd' 11 001 01", "sext.b rd', rd'", ext="Zcb C")  # norm:c-sext-b_op
compressed("c.zext.h", "100 111 rd' 11 010 01", "zext.h rd', rd'", ext="Zcb C")  # norm:c-zext-h_op
compressed("c.sext.h", "100 111 rd' 11 011 01", "sext.h rd', rd'", ext="Zcb C")  # norm:c-sext-h_op
compressed("c.zext.w", "100 111 rd' 11 100 01", "add.uw rd', rd', x0", ext="Zcb C")  # norm:c-zext-w_op
compressed("c.not", "100 111 rd' 11 101 01", "xori rd', rd', -1", ext="Zcb C")  # norm:c-not_op
compressed("c.mul", "100 111 rd' 10 rs2' 01", "mul rd', rd', rs2'", ext="Zcb C")  # norm:c-mul_op
