# SPDX-License-Identifier: Apache-2.0
"""Zbb, basic bit manipulation (unpriv, Zbb)."""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.intrinsics import Reg, clz64, ctz64, inline, popcount64, s8, s16, s64, sext32, u16, u32, u64


@inline
def rotate_right(v: u64, amount: u64) -> u64:
    """64 bits rotated right by 0 to 63 (norm:zbb_rotate_semantics)."""
    return (v >> amount) | u64(v << (u64(64 - amount) & 63))


@inline
def rotate_right_word(v: u32, amount: u64) -> u64:
    """32 bits rotated right by 0 to 31, sign-extended (norm:zbb_rotate_semantics)."""
    return sext32((v >> amount) | u32(v << (u64(32 - amount) & 31)))


# Logical with Negate


@instruction("0100000 rs2 rs1 111 rd 0110011", ext="Zbb")
def andn(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """ANDN, rs1 and not rs2 (norm:andn_op)."""
    h.x[rd] = h.x[rs1] & u64(~h.x[rs2])


@instruction("0100000 rs2 rs1 110 rd 0110011", ext="Zbb")
def orn(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """ORN, rs1 or not rs2 (norm:orn_op)."""
    h.x[rd] = h.x[rs1] | u64(~h.x[rs2])


@instruction("0100000 rs2 rs1 100 rd 0110011", ext="Zbb")
def xnor(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """XNOR, exclusive nor (norm:xnor_op)."""
    h.x[rd] = u64(~(h.x[rs1] ^ h.x[rs2]))


# Count Leading/Trailing Zero Bits, Count Population


@instruction("0110000 00000 rs1 001 rd 0010011", ext="Zbb")
def clz(h: Hart, rd: Reg, rs1: Reg) -> None:
    """CLZ, zero bits above the highest set bit; 64 for 0 (norm:clz_op)."""
    h.x[rd] = clz64(h.x[rs1])


@instruction("0110000 00000 rs1 001 rd 0011011", ext="Zbb")
def clzw(h: Hart, rd: Reg, rs1: Reg) -> None:
    """CLZW, as CLZ of the low 32 bits; 32 for 0 (norm:clzw_op)."""
    h.x[rd] = u64(clz64(u32(h.x[rs1])) - 32)


@instruction("0110000 00001 rs1 001 rd 0010011", ext="Zbb")
def ctz(h: Hart, rd: Reg, rs1: Reg) -> None:
    """CTZ, zero bits below the lowest set bit; 64 for 0 (norm:ctz_op)."""
    h.x[rd] = ctz64(h.x[rs1])


@instruction("0110000 00001 rs1 001 rd 0011011", ext="Zbb")
def ctzw(h: Hart, rd: Reg, rs1: Reg) -> None:
    """CTZW, as CTZ of the low 32 bits; 32 for 0 (norm:ctzw_op)."""
    h.x[rd] = ctz64(h.x[rs1] | 1 << 32)


@instruction("0110000 00010 rs1 001 rd 0010011", ext="Zbb")
def cpop(h: Hart, rd: Reg, rs1: Reg) -> None:
    """CPOP, set bits (norm:cpop_op)."""
    h.x[rd] = popcount64(h.x[rs1])


@instruction("0110000 00010 rs1 001 rd 0011011", ext="Zbb")
def cpopw(h: Hart, rd: Reg, rs1: Reg) -> None:
    """CPOPW, set bits of the low 32 (norm:cpopw_op)."""
    h.x[rd] = popcount64(u32(h.x[rs1]))


# Integer Minimum/Maximum


@instruction("0000101 rs2 rs1 110 rd 0110011", ext="Zbb")
def max_(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """MAX, the larger, signed (norm:max_op)."""
    h.x[rd] = h.x[rs2] if s64(h.x[rs1]) < s64(h.x[rs2]) else h.x[rs1]


@instruction("0000101 rs2 rs1 111 rd 0110011", ext="Zbb")
def maxu(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """MAXU, the larger, unsigned (norm:maxu_op)."""
    h.x[rd] = h.x[rs2] if h.x[rs1] < h.x[rs2] else h.x[rs1]


@instruction("0000101 rs2 rs1 100 rd 0110011", ext="Zbb")
def min_(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """MIN, the smaller, signed (norm:min_op)."""
    h.x[rd] = h.x[rs1] if s64(h.x[rs1]) < s64(h.x[rs2]) else h.x[rs2]


@instruction("0000101 rs2 rs1 101 rd 0110011", ext="Zbb")
def minu(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """MINU, the smaller, unsigned (norm:minu_op)."""
    h.x[rd] = h.x[rs1] if h.x[rs1] < h.x[rs2] else h.x[rs2]


# Sign Extension and Zero Extension


@instruction("0110000 00100 rs1 001 rd 0010011", ext="Zbb")
def sext_b(h: Hart, rd: Reg, rs1: Reg) -> None:
    """SEXT.B, the low 8 bits, sign-extended (norm:sext_b_op)."""
    h.x[rd] = u64(s8(h.x[rs1]))


@instruction("0110000 00101 rs1 001 rd 0010011", ext="Zbb")
def sext_h(h: Hart, rd: Reg, rs1: Reg) -> None:
    """SEXT.H, the low 16 bits, sign-extended (norm:sext_h_op)."""
    h.x[rd] = u64(s16(h.x[rs1]))


@instruction("0000100 00000 rs1 100 rd 0111011", ext="Zbb")
def zext_h(h: Hart, rd: Reg, rs1: Reg) -> None:
    """ZEXT.H, the low 16 bits, zero-extended (norm:zext_h_op)."""
    h.x[rd] = u16(h.x[rs1])


# Bitwise Rotation


@instruction("0110000 rs2 rs1 001 rd 0110011", ext="Zbb")
def rol(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """ROL, rotate left by the low 6 bits of rs2 (norm:rol_op)."""
    h.x[rd] = rotate_right(h.x[rs1], u64(-h.x[rs2]) & 63)


@instruction("0110000 rs2 rs1 001 rd 0111011", ext="Zbb")
def rolw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """ROLW, rotate 32 bits left by the low 5 bits of rs2, sign-extended (norm:rolw_op)."""
    h.x[rd] = rotate_right_word(u32(h.x[rs1]), u64(-h.x[rs2]) & 31)


@instruction("0110000 rs2 rs1 101 rd 0110011", ext="Zbb")
def ror(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """ROR, rotate right by the low 6 bits of rs2 (norm:ror_op)."""
    h.x[rd] = rotate_right(h.x[rs1], h.x[rs2] & 63)


@instruction("011000 shamt[5:0] rs1 101 rd 0010011", ext="Zbb")
def rori(h: Hart, rd: Reg, rs1: Reg, shamt: u64) -> None:
    """RORI, rotate right by 0 to 63 (norm:rori_op)."""
    h.x[rd] = rotate_right(h.x[rs1], shamt)


@instruction("0110000 shamt[4:0] rs1 101 rd 0011011", ext="Zbb")
def roriw(h: Hart, rd: Reg, rs1: Reg, shamt: u64) -> None:
    """RORIW, rotate 32 bits right by 0 to 31, sign-extended (norm:roriw_op)."""
    h.x[rd] = rotate_right_word(u32(h.x[rs1]), shamt)


@instruction("0110000 rs2 rs1 101 rd 0111011", ext="Zbb")
def rorw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """RORW, rotate 32 bits right by the low 5 bits of rs2, sign-extended (norm:rorw_op)."""
    h.x[rd] = rotate_right_word(u32(h.x[rs1]), h.x[rs2] & 31)


# OR Combine, Byte-Reverse


@instruction("001010 000111 rs1 101 rd 0010011", ext="Zbb")
def orc_b(h: Hart, rd: Reg, rs1: Reg) -> None:
    """ORC.B, each byte all ones unless it is zero (norm:orc_b_op)."""
    value = h.x[rs1]
    result: u64 = 0
    for at in range(0, 64, 8):
        if (value >> at) & 0xFF != 0:
            result |= u64(0xFF << at)
    h.x[rd] = result


@instruction("011010 111000 rs1 101 rd 0010011", ext="Zbb")
def rev8(h: Hart, rd: Reg, rs1: Reg) -> None:
    """REV8, the bytes in reverse order (norm:rev8_rv64_enc, norm:rev8_op)."""
    value = h.x[rs1]
    result: u64 = 0
    for at in range(0, 64, 8):
        result = u64(result << 8) | ((value >> at) & 0xFF)
    h.x[rd] = result
