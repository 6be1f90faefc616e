# SPDX-License-Identifier: Apache-2.0
"""A, load-reserved and store-conditional (unpriv, Zalrsc).

The aq and rl bits need nothing: accesses happen in program order, one hart at a time (norm:amo_release_consistency).
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.intrinsics import Reg, sext32
from core.mmu.access import load_reserved, store_conditional


@instruction("00010 (aq) (rl) 00000 rs1 010 rd 0101111", ext="A", syntax="rd, (rs1)")
def lr_w(h: Hart, rd: Reg, rs1: Reg) -> None:
    """LR.W, load 32 bits and reserve them (norm:lr_w_op)."""
    h.x[rd] = sext32(load_reserved(h, h.x[rs1], 4))


@instruction("00011 (aq) (rl) rs2 rs1 010 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def sc_w(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SC.W, store 32 bits if the reservation holds; rd is 0 if it stored, 1 if not (norm:sc_w_success)."""
    h.x[rd] = store_conditional(h, h.x[rs1], 4, h.x[rs2])


@instruction("00010 (aq) (rl) 00000 rs1 011 rd 0101111", ext="A", syntax="rd, (rs1)")
def lr_d(h: Hart, rd: Reg, rs1: Reg) -> None:
    """LR.D, load 64 bits and reserve them (norm:lr_sc_rv64)."""
    h.x[rd] = load_reserved(h, h.x[rs1], 8)


@instruction("00011 (aq) (rl) rs2 rs1 011 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def sc_d(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SC.D, store 64 bits if the reservation holds; rd is 0 if it stored, 1 if not (norm:lr_sc_rv64)."""
    h.x[rd] = store_conditional(h, h.x[rs1], 8, h.x[rs2])
