# SPDX-License-Identifier: Apache-2.0
"""Zicond, integer conditional operations (unpriv, Zicond)."""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.intrinsics import Reg


@instruction("0000111 rs2 rs1 101 rd 0110011", ext="Zicond")
def czero_eqz(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """CZERO.EQZ, 0 if rs2 is 0, else rs1 (norm:czero-eqz_op)."""
    h.x[rd] = h.x[rs1] if h.x[rs2] != 0 else 0


@instruction("0000111 rs2 rs1 111 rd 0110011", ext="Zicond")
def czero_nez(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """CZERO.NEZ, 0 if rs2 is not 0, else rs1 (norm:czero-nez_op)."""
    h.x[rd] = h.x[rs1] if h.x[rs2] == 0 else 0
