# SPDX-License-Identifier: Apache-2.0
"""Zbc, carry-less multiplication: the product of polynomials over GF(2) (unpriv, Zbc)."""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.intrinsics import Reg, ctz64, u64, u128


def carryless_product(a: u64, b: u64) -> u128:
    """All bits of the product: `a` shifted by the place of every bit set in `b`, added without carries."""
    product: u128 = 0
    rest = b
    while rest != 0:
        product ^= u128(u128(a) << ctz64(rest))
        rest &= u64(rest - 1)
    return product


@instruction("0000101 rs2 rs1 001 rd 0110011", ext="Zbc")
def clmul(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """CLMUL, low 64 bits of the product (norm:clmul_op)."""
    h.x[rd] = u64(carryless_product(h.x[rs1], h.x[rs2]))


@instruction("0000101 rs2 rs1 011 rd 0110011", ext="Zbc")
def clmulh(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """CLMULH, high 64 bits of the product (norm:clmulh_op)."""
    h.x[rd] = u64(carryless_product(h.x[rs1], h.x[rs2]) >> 64)


@instruction("0000101 rs2 rs1 010 rd 0110011", ext="Zbc")
def clmulr(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """CLMULR, bits 126 to 63 of the product (norm:clmulr_op, norm:zbc_clmulr_results)."""
    h.x[rd] = u64(carryless_product(h.x[rs1], h.x[rs2]) >> 63)
