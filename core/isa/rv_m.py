# SPDX-License-Identifier: Apache-2.0
"""M, integer multiplication and division (unpriv, M Extension for Integer Multiplication and Division)."""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.intrinsics import Reg, inline, s32, s64, s128, sext32, u32, u64, u128

ALL_ONES = 0xFFFF_FFFF_FFFF_FFFF


@inline
def magnitude(v: u64) -> u64:
    """Absolute value of a signed 64-bit value; 2**63 for the most negative one."""
    return u64(-v) if s64(v) < 0 else v


@inline
def quotient(a: u64, b: u64) -> u64:
    """a / b unsigned; all ones when b is 0 (norm:div_by_zero)."""
    if b == 0:
        return ALL_ONES
    return a // b


@inline
def remainder(a: u64, b: u64) -> u64:
    """Remainder of a / b unsigned; a when b is 0 (norm:rem_by_zero)."""
    if b == 0:
        return a
    return a % b


@inline
def signed_quotient(a: u64, b: u64) -> u64:
    """a / b signed, towards zero; -1 when b is 0, and a when it overflows (norm:signed_div_overflow)."""
    q = quotient(magnitude(a), magnitude(b))
    if b != 0 and (s64(a) < 0) != (s64(b) < 0):
        return u64(-q)
    return q


@inline
def signed_remainder(a: u64, b: u64) -> u64:
    """Remainder of a / b signed, with the sign of a; a when b is 0, 0 when it overflows (norm:rem_result_sign)."""
    r = remainder(magnitude(a), magnitude(b))
    return u64(-r) if s64(a) < 0 else r


# Multiplication Operations


@instruction("0000001 rs2 rs1 000 rd 0110011", ext="M")
def mul(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """MUL, low 64 bits of the product (norm:mul_op)."""
    h.x[rd] = u64(h.x[rs1] * h.x[rs2])


@instruction("0000001 rs2 rs1 001 rd 0110011", ext="M")
def mulh(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """MULH, high 64 bits of signed times signed (norm:mulh_mulhu_mulhsu_op)."""
    h.x[rd] = u64(s128(s64(h.x[rs1]) * s64(h.x[rs2])) >> 64)


@instruction("0000001 rs2 rs1 010 rd 0110011", ext="M")
def mulhsu(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """MULHSU, high 64 bits of signed rs1 times unsigned rs2 (norm:mulh_mulhu_mulhsu_op)."""
    h.x[rd] = u64(s128(s64(h.x[rs1]) * h.x[rs2]) >> 64)


@instruction("0000001 rs2 rs1 011 rd 0110011", ext="M")
def mulhu(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """MULHU, high 64 bits of unsigned times unsigned (norm:mulh_mulhu_mulhsu_op)."""
    h.x[rd] = u64(u128(h.x[rs1] * h.x[rs2]) >> 64)


@instruction("0000001 rs2 rs1 000 rd 0111011", ext="M")
def mulw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """MULW, low 32 bits of the product, sign-extended (norm:mulw_op)."""
    h.x[rd] = u64(s32(h.x[rs1] * h.x[rs2]))


# Division Operations


@instruction("0000001 rs2 rs1 100 rd 0110011", ext="M")
def div(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """DIV, signed quotient towards zero (norm:div_divu_op)."""
    h.x[rd] = signed_quotient(h.x[rs1], h.x[rs2])


@instruction("0000001 rs2 rs1 101 rd 0110011", ext="M")
def divu(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """DIVU, unsigned quotient (norm:div_divu_op)."""
    h.x[rd] = quotient(h.x[rs1], h.x[rs2])


@instruction("0000001 rs2 rs1 110 rd 0110011", ext="M")
def rem(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """REM, signed remainder (norm:rem_remu_op)."""
    h.x[rd] = signed_remainder(h.x[rs1], h.x[rs2])


@instruction("0000001 rs2 rs1 111 rd 0110011", ext="M")
def remu(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """REMU, unsigned remainder (norm:rem_remu_op)."""
    h.x[rd] = remainder(h.x[rs1], h.x[rs2])


@instruction("0000001 rs2 rs1 100 rd 0111011", ext="M")
def divw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """DIVW, signed quotient of the low 32 bits, sign-extended (norm:divw_divuw_op)."""
    h.x[rd] = sext32(signed_quotient(sext32(h.x[rs1]), sext32(h.x[rs2])))


@instruction("0000001 rs2 rs1 101 rd 0111011", ext="M")
def divuw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """DIVUW, unsigned quotient of the low 32 bits, sign-extended (norm:divw_divuw_op)."""
    h.x[rd] = sext32(quotient(u32(h.x[rs1]), u32(h.x[rs2])))


@instruction("0000001 rs2 rs1 110 rd 0111011", ext="M")
def remw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """REMW, signed remainder of the low 32 bits, sign-extended (norm:remw_remuw_op)."""
    h.x[rd] = sext32(signed_remainder(sext32(h.x[rs1]), sext32(h.x[rs2])))


@instruction("0000001 rs2 rs1 111 rd 0111011", ext="M")
def remuw(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """REMUW, unsigned remainder of the low 32 bits, sign-extended (norm:remw_remuw_result_sign)."""
    h.x[rd] = sext32(remainder(u32(h.x[rs1]), u32(h.x[rs2])))
