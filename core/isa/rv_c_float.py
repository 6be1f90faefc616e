# SPDX-License-Identifier: Apache-2.0
"""Zcd, compressed loads and stores of double precision, as expansions (unpriv, Zcd); RV64 has none of single precision."""

from __future__ import annotations

from core.isa import rv_f_transfer  # noqa: F401 (declare what is expanded to)
from core.isa.encoding import compressed

compressed("c.fld", "001 uimm[5:3] rs1' uimm[7:6] rd' 00", "fld rd', uimm(rs1')", ext="C")  # norm:c-fld_op
compressed("c.fsd", "101 uimm[5:3] rs1' uimm[7:6] rs2' 00", "fsd rs2', uimm(rs1')", ext="C")  # norm:c-fsd_op
compressed("c.fldsp", "001 uimm[5] rd uimm[4:3|8:6] 10", "fld rd, uimm(x2)", ext="C")  # norm:c-fldsp_op
compressed("c.fsdsp", "101 uimm[5:3|8:6] rs2 10", "fsd rs2, uimm(x2)", ext="C")  # norm:c-fsdwsp_op
