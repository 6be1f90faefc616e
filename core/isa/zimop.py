# SPDX-License-Identifier: Apache-2.0
"""Zimop and Zcmop, may-be-operations: encodings that do next to nothing until an extension gives them a meaning
(unpriv, Zimop; unpriv, Zcmop)."""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import alias, compressed, instruction, shown
from core.isa.intrinsics import Reg


@instruction("1 (n[4]) 00 (n[3:2]) 0111 (n[1:0]) (rs1) 100 rd 1110011", ext="Zimop", syntax="rd, rs1")
def mop_r(h: Hart, rd: Reg) -> None:
    """MOP.R, MOP.R.n with n from 0 to 31: write 0 (norm:Zimop_mop-r_op)."""
    h.x[rd] = 0


@instruction("1 (n[2]) 00 (n[1:0]) 1 (rs2) (rs1) 100 rd 1110011", ext="Zimop", syntax="rd, rs1, rs2")
def mop_rr(h: Hart, rd: Reg) -> None:
    """MOP.RR, MOP.RR.n with n from 0 to 7: write 0 (norm:Zimop_mop-rr_op)."""
    h.x[rd] = 0


for _n in range(32):
    alias(f"mop.r.{_n} rd, rs1", "mop.r rd, rs1", n=_n)
for _n in range(8):
    alias(f"mop.rr.{_n} rd, rs1, rs2", "mop.rr rd, rs1, rs2", n=_n)

# C.MOP.n, n odd, writes no register (norm:Zcmop_instr_write); here n is without its bit 0
compressed("c.mop", "011 00 n[3:1] 1 00000 01", "addi x0, x0, 0", ext="Zcmop C")
shown("c.mop", *(f"c.mop.{_n + 1} if n={_n}" for _n in range(0, 16, 2)))
