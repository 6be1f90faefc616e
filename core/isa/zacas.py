# SPDX-License-Identifier: Apache-2.0
"""Zacas, atomic compare-and-swap: if memory holds what rd holds, store rs2; rd gets what was there (unpriv, Zacas).

Write permission is needed even where nothing is stored (norm:Zacas_amocas_w_permission).
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.intrinsics import Reg, sext32, u32, u64
from core.mmu.access import amo_load, store
from core.mmu.slow import amo_load_slow, translate_amo


@instruction("00101 (aq) (rl) rs2 rs1 010 rd 0101111", ext="Zacas", syntax="rd, rs2, (rs1)")
def amocas_w(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOCAS.W, 32 bits, the result sign-extended (norm:Zacas_rv64_amocas-w_op)."""
    old = amo_load(h, h.x[rs1], 4)
    if old == u32(h.x[rd]):
        store(h, h.x[rs1], 4, h.x[rs2])
    h.x[rd] = sext32(old)


@instruction("00101 (aq) (rl) rs2 rs1 011 rd 0101111", ext="Zacas", syntax="rd, rs2, (rs1)")
def amocas_d(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOCAS.D, 64 bits (norm:Zacas_rv64_amocas-d_op)."""
    old = amo_load(h, h.x[rs1], 8)
    if old == h.x[rd]:
        store(h, h.x[rs1], 8, h.x[rs2])
    h.x[rd] = old


def upper(h: Hart, first: Reg) -> u64:
    """The upper half of the register pair that begins with `first`; 0 for x0 (norm:Zacas_rv64_amocas-q_rs2_frst_reg_x0)."""
    return h.x[first | 1] if first != 0 else 0


@instruction("00101 (aq) (rl) rs2[4:1] 0 rs1 100 rd[4:1] 0 0101111", ext="Zacas", syntax="rd, rs2, (rs1)")
def amocas_q(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOCAS.Q, 128 bits in pairs of registers, the first of them even (norm:Zacas_rv64_amocas-q_op).

    Odd registers are reserved, here illegal (norm:Zacas_rv64_amocas-q_frst_pair_entry_reg_even).
    """
    address = h.x[rs1]
    translate_amo(h, address, 16)
    low = amo_load_slow(h, address, 8)
    high = amo_load_slow(h, u64(address + 8), 8)
    if low == h.x[rd] and high == upper(h, rd):
        store(h, address, 8, h.x[rs2])
        store(h, u64(address + 8), 8, upper(h, rs2))
    if rd != 0:
        h.x[rd] = low
        h.x[rd | 1] = high
