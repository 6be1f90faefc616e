# SPDX-License-Identifier: Apache-2.0
"""A, atomic memory operations: read, compute, write back, result is what was read (unpriv, Zaamo).

The aq and rl bits need nothing: accesses happen in program order, one hart at a time (norm:amo_release_consistency).
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.intrinsics import Reg, s32, s64, sext32, u32, u64
from core.mmu.access import amo_load, store


@instruction("00001 (aq) (rl) rs2 rs1 010 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amoswap_w(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOSWAP.W, 32-bit swap (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 4)
    store(h, h.x[rs1], 4, h.x[rs2])
    h.x[rd] = sext32(old)


@instruction("00000 (aq) (rl) rs2 rs1 010 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amoadd_w(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOADD.W, 32-bit sum (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 4)
    store(h, h.x[rs1], 4, u64(old + h.x[rs2]))
    h.x[rd] = sext32(old)


@instruction("00100 (aq) (rl) rs2 rs1 010 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amoxor_w(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOXOR.W, 32-bit exclusive or (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 4)
    store(h, h.x[rs1], 4, old ^ h.x[rs2])
    h.x[rd] = sext32(old)


@instruction("01100 (aq) (rl) rs2 rs1 010 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amoand_w(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOAND.W, 32-bit and (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 4)
    store(h, h.x[rs1], 4, old & h.x[rs2])
    h.x[rd] = sext32(old)


@instruction("01000 (aq) (rl) rs2 rs1 010 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amoor_w(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOOR.W, 32-bit or (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 4)
    store(h, h.x[rs1], 4, old | h.x[rs2])
    h.x[rd] = sext32(old)


@instruction("10000 (aq) (rl) rs2 rs1 010 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amomin_w(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMIN.W, 32-bit signed minimum (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 4)
    store(h, h.x[rs1], 4, old if s32(old) < s32(h.x[rs2]) else h.x[rs2])
    h.x[rd] = sext32(old)


@instruction("10100 (aq) (rl) rs2 rs1 010 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amomax_w(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMAX.W, 32-bit signed maximum (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 4)
    store(h, h.x[rs1], 4, old if s32(old) > s32(h.x[rs2]) else h.x[rs2])
    h.x[rd] = sext32(old)


@instruction("11000 (aq) (rl) rs2 rs1 010 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amominu_w(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMINU.W, 32-bit unsigned minimum (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 4)
    store(h, h.x[rs1], 4, old if u32(old) < u32(h.x[rs2]) else h.x[rs2])
    h.x[rd] = sext32(old)


@instruction("11100 (aq) (rl) rs2 rs1 010 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amomaxu_w(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMAXU.W, 32-bit unsigned maximum (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 4)
    store(h, h.x[rs1], 4, old if u32(old) > u32(h.x[rs2]) else h.x[rs2])
    h.x[rd] = sext32(old)


@instruction("00001 (aq) (rl) rs2 rs1 011 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amoswap_d(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOSWAP.D, 64-bit swap (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 8)
    store(h, h.x[rs1], 8, h.x[rs2])
    h.x[rd] = old


@instruction("00000 (aq) (rl) rs2 rs1 011 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amoadd_d(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOADD.D, 64-bit sum (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 8)
    store(h, h.x[rs1], 8, u64(old + h.x[rs2]))
    h.x[rd] = old


@instruction("00100 (aq) (rl) rs2 rs1 011 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amoxor_d(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOXOR.D, 64-bit exclusive or (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 8)
    store(h, h.x[rs1], 8, old ^ h.x[rs2])
    h.x[rd] = old


@instruction("01100 (aq) (rl) rs2 rs1 011 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amoand_d(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOAND.D, 64-bit and (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 8)
    store(h, h.x[rs1], 8, old & h.x[rs2])
    h.x[rd] = old


@instruction("01000 (aq) (rl) rs2 rs1 011 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amoor_d(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOOR.D, 64-bit or (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 8)
    store(h, h.x[rs1], 8, old | h.x[rs2])
    h.x[rd] = old


@instruction("10000 (aq) (rl) rs2 rs1 011 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amomin_d(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMIN.D, 64-bit signed minimum (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 8)
    store(h, h.x[rs1], 8, old if s64(old) < s64(h.x[rs2]) else h.x[rs2])
    h.x[rd] = old


@instruction("10100 (aq) (rl) rs2 rs1 011 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amomax_d(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMAX.D, 64-bit signed maximum (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 8)
    store(h, h.x[rs1], 8, old if s64(old) > s64(h.x[rs2]) else h.x[rs2])
    h.x[rd] = old


@instruction("11000 (aq) (rl) rs2 rs1 011 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amominu_d(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMINU.D, 64-bit unsigned minimum (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 8)
    store(h, h.x[rs1], 8, old if old < h.x[rs2] else h.x[rs2])
    h.x[rd] = old


@instruction("11100 (aq) (rl) rs2 rs1 011 rd 0101111", ext="A", syntax="rd, rs2, (rs1)")
def amomaxu_d(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMAXU.D, 64-bit unsigned maximum (unpriv, Zaamo)."""
    old = amo_load(h, h.x[rs1], 8)
    store(h, h.x[rs1], 8, old if old > h.x[rs2] else h.x[rs2])
    h.x[rd] = old
