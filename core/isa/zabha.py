# SPDX-License-Identifier: Apache-2.0
"""Zabha, atomic operations on bytes and halfwords; the result is sign-extended (unpriv, Zabha).

Of rs2, and of rd in a compare-and-swap, only the low 8 or 16 bits count (norm:Zabha_rd_sign_extension,
norm:Zabha_amocas-BH_ignore_bits). Compare-and-swap needs Zacas too. These are rare, and all of them begin in the slow
path: that saves compiling as many copies of the fast one.
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.intrinsics import Reg, s8, s16, u8, u16, u64
from core.mmu.slow import amo_load_slow, store_slow


@instruction("00001 (aq) (rl) rs2 rs1 000 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amoswap_b(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOSWAP.B, 8-bit swap (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 1)
    store_slow(h, h.x[rs1], 1, h.x[rs2])
    h.x[rd] = u64(s8(old))


@instruction("00000 (aq) (rl) rs2 rs1 000 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amoadd_b(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOADD.B, 8-bit sum (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 1)
    store_slow(h, h.x[rs1], 1, u64(old + h.x[rs2]))
    h.x[rd] = u64(s8(old))


@instruction("00100 (aq) (rl) rs2 rs1 000 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amoxor_b(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOXOR.B, 8-bit exclusive or (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 1)
    store_slow(h, h.x[rs1], 1, old ^ h.x[rs2])
    h.x[rd] = u64(s8(old))


@instruction("01100 (aq) (rl) rs2 rs1 000 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amoand_b(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOAND.B, 8-bit and (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 1)
    store_slow(h, h.x[rs1], 1, old & h.x[rs2])
    h.x[rd] = u64(s8(old))


@instruction("01000 (aq) (rl) rs2 rs1 000 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amoor_b(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOOR.B, 8-bit or (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 1)
    store_slow(h, h.x[rs1], 1, old | h.x[rs2])
    h.x[rd] = u64(s8(old))


@instruction("10000 (aq) (rl) rs2 rs1 000 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amomin_b(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMIN.B, 8-bit signed minimum (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 1)
    store_slow(h, h.x[rs1], 1, old if s8(old) < s8(h.x[rs2]) else h.x[rs2])
    h.x[rd] = u64(s8(old))


@instruction("10100 (aq) (rl) rs2 rs1 000 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amomax_b(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMAX.B, 8-bit signed maximum (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 1)
    store_slow(h, h.x[rs1], 1, old if s8(old) > s8(h.x[rs2]) else h.x[rs2])
    h.x[rd] = u64(s8(old))


@instruction("11000 (aq) (rl) rs2 rs1 000 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amominu_b(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMINU.B, 8-bit unsigned minimum (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 1)
    store_slow(h, h.x[rs1], 1, old if old < u8(h.x[rs2]) else h.x[rs2])
    h.x[rd] = u64(s8(old))


@instruction("11100 (aq) (rl) rs2 rs1 000 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amomaxu_b(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMAXU.B, 8-bit unsigned maximum (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 1)
    store_slow(h, h.x[rs1], 1, old if old > u8(h.x[rs2]) else h.x[rs2])
    h.x[rd] = u64(s8(old))


@instruction("00101 (aq) (rl) rs2 rs1 000 rd 0101111", ext="Zabha Zacas", syntax="rd, rs2, (rs1)")
def amocas_b(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOCAS.B, 8-bit compare-and-swap (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 1)
    if old == u8(h.x[rd]):
        store_slow(h, h.x[rs1], 1, h.x[rs2])
    h.x[rd] = u64(s8(old))


@instruction("00001 (aq) (rl) rs2 rs1 001 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amoswap_h(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOSWAP.H, 16-bit swap (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 2)
    store_slow(h, h.x[rs1], 2, h.x[rs2])
    h.x[rd] = u64(s16(old))


@instruction("00000 (aq) (rl) rs2 rs1 001 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amoadd_h(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOADD.H, 16-bit sum (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 2)
    store_slow(h, h.x[rs1], 2, u64(old + h.x[rs2]))
    h.x[rd] = u64(s16(old))


@instruction("00100 (aq) (rl) rs2 rs1 001 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amoxor_h(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOXOR.H, 16-bit exclusive or (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 2)
    store_slow(h, h.x[rs1], 2, old ^ h.x[rs2])
    h.x[rd] = u64(s16(old))


@instruction("01100 (aq) (rl) rs2 rs1 001 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amoand_h(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOAND.H, 16-bit and (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 2)
    store_slow(h, h.x[rs1], 2, old & h.x[rs2])
    h.x[rd] = u64(s16(old))


@instruction("01000 (aq) (rl) rs2 rs1 001 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amoor_h(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOOR.H, 16-bit or (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 2)
    store_slow(h, h.x[rs1], 2, old | h.x[rs2])
    h.x[rd] = u64(s16(old))


@instruction("10000 (aq) (rl) rs2 rs1 001 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amomin_h(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMIN.H, 16-bit signed minimum (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 2)
    store_slow(h, h.x[rs1], 2, old if s16(old) < s16(h.x[rs2]) else h.x[rs2])
    h.x[rd] = u64(s16(old))


@instruction("10100 (aq) (rl) rs2 rs1 001 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amomax_h(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMAX.H, 16-bit signed maximum (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 2)
    store_slow(h, h.x[rs1], 2, old if s16(old) > s16(h.x[rs2]) else h.x[rs2])
    h.x[rd] = u64(s16(old))


@instruction("11000 (aq) (rl) rs2 rs1 001 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amominu_h(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMINU.H, 16-bit unsigned minimum (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 2)
    store_slow(h, h.x[rs1], 2, old if old < u16(h.x[rs2]) else h.x[rs2])
    h.x[rd] = u64(s16(old))


@instruction("11100 (aq) (rl) rs2 rs1 001 rd 0101111", ext="Zabha", syntax="rd, rs2, (rs1)")
def amomaxu_h(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOMAXU.H, 16-bit unsigned maximum (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 2)
    store_slow(h, h.x[rs1], 2, old if old > u16(h.x[rs2]) else h.x[rs2])
    h.x[rd] = u64(s16(old))


@instruction("00101 (aq) (rl) rs2 rs1 001 rd 0101111", ext="Zabha Zacas", syntax="rd, rs2, (rs1)")
def amocas_h(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """AMOCAS.H, 16-bit compare-and-swap (unpriv, Zabha)."""
    old = amo_load_slow(h, h.x[rs1], 2)
    if old == u16(h.x[rd]):
        store_slow(h, h.x[rs1], 2, h.x[rs2])
    h.x[rd] = u64(s16(old))
