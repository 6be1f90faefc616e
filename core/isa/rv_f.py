# SPDX-License-Identifier: Apache-2.0
"""F, floating point (unpriv, F Extension for Single-Precision Floating-Point), and what D and Zfh have just alike.

These define the same instructions for their formats by reference to F (norm:D_computational_instrs, norm:D_compare_instrs,
norm:Zfh_computational_instrs, norm:Zfh_compare_instrs), so a function here carries out an instruction in all three,
written with fmt in its name. Loads, stores and moves are in rv_f_transfer.
"""

from __future__ import annotations

from core.csr.unprivileged import Fcsr
from core.hart import Hart
from core.isa.encoding import alias, instruction
from core.isa.float_unit import (
    FORMATS,
    float_instruction,
    hosted,
    hosted_rounding,
    operand,
    require_unit,
    rounding,
    value,
    write_boxed,
    write_float,
    write_hosted,
    write_integer,
)
from core.isa.intrinsics import FReg, Reg, cold, isset, s32, s64, u32, u64
from core.softfloat.arithmetic import add, divide, multiply, multiply_add, square_root
from core.softfloat.compare import EQ, LT, MAX, classify, compare, extreme, sign_injected
from core.softfloat.convert import LONG, LONG_UNSIGNED, WORD, convert, from_integer, to_integer
from core.softfloat.fast import BIAS, LEAST, SIGN, WHOLE, certain, field, is_zero, product_is_exact, sum_is_exact, widened
from core.softfloat.formats import HALF, NX, RTZ, outcome
from core.softfloat.host import (
    host_add,
    host_divide,
    host_equal,
    host_from_integer,
    host_less,
    host_multiply,
    host_multiply_add,
    host_square_root,
    host_to_integer,
)
from core.softfloat.number import negated

# Arithmetic


@float_instruction("0000 minus[0]=0 fmt rs2 rs1 rm rd 1010011", "fadd.fmt")
@float_instruction("0000 minus[0]=1 fmt rs2 rs1 rm rd 1010011", "fsub.fmt")
def fadd(h: Hart, fmt: u64, rd: FReg, rs1: FReg, rs2: FReg, rm: u64, minus: u64) -> None:
    """FADD.fmt, rs1 + rs2 (norm:fadd-s_fmul-s_op); FSUB.fmt, rs1 - rs2 (norm:fsub-s_op)."""
    if hosted_rounding(h, fmt, rm):
        a = widened(h.f[rs1], fmt)
        b = widened(h.f[rs2], fmt) ^ u64(minus << 63)
        r = host_add(a, b)
        if certain(r, fmt) or is_zero(r):  # a sum does not underflow to zero
            write_hosted(h, fmt, rd, r, isset(h.fcsr, Fcsr.NX) or sum_is_exact(a, b, r))
            return
    mode = rounding(h, rm)
    write_float(h, fmt, rd, add(operand(h, fmt, rs1), negated(operand(h, fmt, rs2), minus), fmt, mode))


@float_instruction("00010 fmt rs2 rs1 rm rd 1010011", "fmul.fmt")
def fmul(h: Hart, fmt: u64, rd: FReg, rs1: FReg, rs2: FReg, rm: u64) -> None:
    """FMUL.fmt, rs1 * rs2 (norm:fadd-s_fmul-s_op)."""
    if hosted_rounding(h, fmt, rm):
        a = widened(h.f[rs1], fmt)
        b = widened(h.f[rs2], fmt)
        r = host_multiply(a, b)
        if certain(r, fmt) or (is_zero(r) and (is_zero(a) or is_zero(b))):
            write_hosted(h, fmt, rd, r, isset(h.fcsr, Fcsr.NX) or product_is_exact(a, b, r))
            return
    mode = rounding(h, rm)
    write_float(h, fmt, rd, multiply(operand(h, fmt, rs1), operand(h, fmt, rs2), fmt, mode))


@float_instruction("00011 fmt rs2 rs1 rm rd 1010011", "fdiv.fmt")
def fdiv(h: Hart, fmt: u64, rd: FReg, rs1: FReg, rs2: FReg, rm: u64) -> None:
    """FDIV.fmt, rs1 / rs2 (norm:fdiv-s_op)."""
    if hosted_rounding(h, fmt, rm):
        a = widened(h.f[rs1], fmt)
        b = widened(h.f[rs2], fmt)
        r = host_divide(a, b)
        if certain(r, fmt) and field(a) >= LEAST:
            write_hosted(h, fmt, rd, r, isset(h.fcsr, Fcsr.NX) or product_is_exact(r, b, a))
            return
    mode = rounding(h, rm)
    write_float(h, fmt, rd, divide(operand(h, fmt, rs1), operand(h, fmt, rs2), fmt, mode))


@float_instruction("01011 fmt 00000 rs1 rm rd 1010011", "fsqrt.fmt")
def fsqrt(h: Hart, fmt: u64, rd: FReg, rs1: FReg, rm: u64) -> None:
    """FSQRT.fmt, the square root of rs1 (norm:fsqrt-s_op)."""
    if hosted_rounding(h, fmt, rm):
        a = widened(h.f[rs1], fmt)
        r = host_square_root(a)
        if certain(r, fmt) and field(a) >= LEAST:
            write_hosted(h, fmt, rd, r, isset(h.fcsr, Fcsr.NX) or product_is_exact(r, r, a))
            return
    mode = rounding(h, rm)
    write_float(h, fmt, rd, square_root(operand(h, fmt, rs1), fmt, mode))


@cold
def fused(h: Hart, fmt: u64, rd: FReg, rs1: FReg, rs2: FReg, rs3: FReg, rm: u64, minus: u64) -> None:
    """rs1 * rs2 + rs3, rounded once; bit 1 of `minus` negates the product, bit 0 the addend."""
    if hosted_rounding(h, fmt, rm) and isset(h.fcsr, Fcsr.NX):
        a = widened(h.f[rs1], fmt) ^ u64((minus >> 1) << 63)
        r = host_multiply_add(a, widened(h.f[rs2], fmt), widened(h.f[rs3], fmt) ^ u64((minus & 1) << 63))
        if certain(r, fmt):
            write_hosted(h, fmt, rd, r, True)
            return
    mode = rounding(h, rm)
    product = negated(operand(h, fmt, rs1), minus >> 1)
    addend = negated(operand(h, fmt, rs3), minus & 1)
    write_float(h, fmt, rd, multiply_add(product, operand(h, fmt, rs2), addend, fmt, mode))


@float_instruction("rs3 fmt rs2 rs1 rm rd 1000011", "fmadd.fmt")
def fmadd(h: Hart, fmt: u64, rd: FReg, rs1: FReg, rs2: FReg, rs3: FReg, rm: u64) -> None:
    """FMADD.fmt, rs1 * rs2 + rs3 (norm:fmadd-s_op)."""
    fused(h, fmt, rd, rs1, rs2, rs3, rm, 0)


@float_instruction("rs3 fmt rs2 rs1 rm rd 1000111", "fmsub.fmt")
def fmsub(h: Hart, fmt: u64, rd: FReg, rs1: FReg, rs2: FReg, rs3: FReg, rm: u64) -> None:
    """FMSUB.fmt, rs1 * rs2 - rs3 (norm:fmsub-s_op)."""
    fused(h, fmt, rd, rs1, rs2, rs3, rm, 1)


@float_instruction("rs3 fmt rs2 rs1 rm rd 1001011", "fnmsub.fmt")
def fnmsub(h: Hart, fmt: u64, rd: FReg, rs1: FReg, rs2: FReg, rs3: FReg, rm: u64) -> None:
    """FNMSUB.fmt, -(rs1 * rs2) + rs3 (norm:fnmsub-s_op)."""
    fused(h, fmt, rd, rs1, rs2, rs3, rm, 2)


@float_instruction("rs3 fmt rs2 rs1 rm rd 1001111", "fnmadd.fmt")
def fnmadd(h: Hart, fmt: u64, rd: FReg, rs1: FReg, rs2: FReg, rs3: FReg, rm: u64) -> None:
    """FNMADD.fmt, -(rs1 * rs2) - rs3 (norm:fnmadd-s_op)."""
    fused(h, fmt, rd, rs1, rs2, rs3, rm, 3)


# Signs, minimum and maximum, comparison, classification


@float_instruction("00100 fmt rs2 rs1 how[2:0]=0 rd 1010011", "fsgnj.fmt")
@float_instruction("00100 fmt rs2 rs1 how[2:0]=1 rd 1010011", "fsgnjn.fmt")
@float_instruction("00100 fmt rs2 rs1 how[2:0]=2 rd 1010011", "fsgnjx.fmt")
def fsgnj(h: Hart, fmt: u64, rd: FReg, rs1: FReg, rs2: FReg, how: u64) -> None:
    """FSGNJ.fmt, FSGNJN.fmt, FSGNJX.fmt, rs1 with another sign (norm:fsgnj-s_fsgnjn-s_fsgnjx-s_op)."""
    require_unit(h)
    write_boxed(h, fmt, rd, sign_injected(value(h, fmt, rs1), value(h, fmt, rs2), fmt, how))


@float_instruction("00101 fmt rs2 rs1 how[2:0]=0 rd 1010011", "fmin.fmt")
@float_instruction("00101 fmt rs2 rs1 how[2:0]=1 rd 1010011", "fmax.fmt")
@float_instruction("00101 fmt rs2 rs1 how[2:0]=2 rd 1010011", "fminm.fmt", ext="Zfa")
@float_instruction("00101 fmt rs2 rs1 how[2:0]=3 rd 1010011", "fmaxm.fmt", ext="Zfa")
def fmin(h: Hart, fmt: u64, rd: FReg, rs1: FReg, rs2: FReg, how: u64) -> None:
    """FMIN.fmt, FMAX.fmt (norm:fmin-s_fmax-s_op); FMINM.fmt, FMAXM.fmt, a NaN if either is (norm:fmaxm-s_fminm-s_op)."""
    if hosted(h, fmt):
        a = widened(h.f[rs1], fmt)
        b = widened(h.f[rs2], fmt)
        less = host_less(a, b)
        if less or host_less(b, a):
            write_boxed(h, fmt, rd, h.f[rs1 if less == (how & MAX == 0) else rs2])
            return
    require_unit(h)
    write_float(h, fmt, rd, extreme(value(h, fmt, rs1), value(h, fmt, rs2), fmt, how))


@float_instruction("10100 fmt rs2 rs1 how[2:0]=0 rd 1010011", "fle.fmt")
@float_instruction("10100 fmt rs2 rs1 how[2:0]=1 rd 1010011", "flt.fmt")
@float_instruction("10100 fmt rs2 rs1 how[2:0]=2 rd 1010011", "feq.fmt")
@float_instruction("10100 fmt rs2 rs1 how[2:0]=4 rd 1010011", "fleq.fmt", ext="Zfa")
@float_instruction("10100 fmt rs2 rs1 how[2:0]=5 rd 1010011", "fltq.fmt", ext="Zfa")
def fle(h: Hart, fmt: u64, rd: Reg, rs1: FReg, rs2: FReg, how: u64) -> None:
    """FLE.fmt, FLT.fmt, FEQ.fmt (norm:feq-s_flt-s_fle-s_op); FLEQ.fmt, FLTQ.fmt, the quiet ones (norm:fleq-s_fltq-s_op)."""
    if hosted(h, fmt):
        a = widened(h.f[rs1], fmt)
        b = widened(h.f[rs2], fmt)
        less = host_less(a, b)
        equal = host_equal(a, b)
        if less or equal or host_less(b, a):
            h.x[rd] = u64((less and how != EQ) or (equal and how & LT == 0))
            return
    require_unit(h)
    write_integer(h, rd, compare(value(h, fmt, rs1), value(h, fmt, rs2), fmt, how))


@float_instruction("11100 fmt 00000 rs1 001 rd 1010011", "fclass.fmt")
def fclass(h: Hart, fmt: u64, rd: Reg, rs1: FReg) -> None:
    """FCLASS.fmt, what rs1 is (norm:fclass-s_op)."""
    require_unit(h)
    h.x[rd] = classify(operand(h, fmt, rs1), fmt)


# Conversion


@float_instruction("11000 fmt 000 kind[1:0]=0 rs1 rm rd 1010011", "fcvt.w.fmt")
@float_instruction("11000 fmt 000 kind[1:0]=1 rs1 rm rd 1010011", "fcvt.wu.fmt")
@float_instruction("11000 fmt 000 kind[1:0]=2 rs1 rm rd 1010011", "fcvt.l.fmt")
@float_instruction("11000 fmt 000 kind[1:0]=3 rs1 rm rd 1010011", "fcvt.lu.fmt")
def fcvt_to_integer(h: Hart, fmt: u64, kind: u64, rd: Reg, rs1: FReg, rm: u64) -> None:
    """FCVT.W.fmt, FCVT.WU.fmt, FCVT.L.fmt, FCVT.LU.fmt, to an integer.

    (norm:fcvt-l-s_fcvt-w-s_op, norm:fcvt-wu-s_fcvt-lu-s_fcvt-s-wu_fcvt-s-lu_op)
    """
    if hosted(h, fmt) and rm == RTZ:
        a = widened(h.f[rs1], fmt)
        if field(a) < (BIAS + 63 if kind & LONG != 0 else BIAS + 31) and (kind & 1 == 0 or a & SIGN == 0):
            found = host_to_integer(a)
            write_integer(h, rd, outcome(u64(found), 0 if host_equal(host_from_integer(found), a) else NX))
            return
    mode = rounding(h, rm)
    write_integer(h, rd, to_integer(operand(h, fmt, rs1), kind, mode))


@float_instruction("11010 fmt 000 kind[1:0]=0 rs1 rm rd 1010011", "fcvt.fmt.w")
@float_instruction("11010 fmt 000 kind[1:0]=1 rs1 rm rd 1010011", "fcvt.fmt.wu")
@float_instruction("11010 fmt 000 kind[1:0]=2 rs1 rm rd 1010011", "fcvt.fmt.l")
@float_instruction("11010 fmt 000 kind[1:0]=3 rs1 rm rd 1010011", "fcvt.fmt.lu")
def fcvt_from_integer(h: Hart, fmt: u64, kind: u64, rd: FReg, rs1: Reg, rm: u64) -> None:
    """FCVT.fmt.W, FCVT.fmt.WU, FCVT.fmt.L, FCVT.fmt.LU, from an integer.

    (norm:fcvt-s-w_fcvt-s-l_op, norm:fcvt-wu-s_fcvt-lu-s_fcvt-s-wu_fcvt-s-lu_op)
    """
    if hosted_rounding(h, fmt, rm):
        whole = s64(h.x[rs1]) if kind == LONG else s64(s32(h.x[rs1])) if kind == WORD else s64(u32(h.x[rs1]))
        if kind != LONG_UNSIGNED and whole >= -WHOLE and whole <= WHOLE:
            write_hosted(h, fmt, rd, host_from_integer(whole), True)
            return
    mode = rounding(h, rm)
    write_float(h, fmt, rd, from_integer(h.x[rs1], kind, fmt, mode))


@instruction("01000 fmt=0 000 source[1:0]=1 rs1 rm rd 1010011", ext="D", name="fcvt.s.d")
@instruction("01000 fmt=1 000 source[1:0]=0 rs1 rm rd 1010011", ext="D", name="fcvt.d.s")
@instruction("01000 fmt=0 000 source[1:0]=2 rs1 rm rd 1010011", ext="Zfhmin", name="fcvt.s.h")
@instruction("01000 fmt=2 000 source[1:0]=0 rs1 rm rd 1010011", ext="Zfhmin", name="fcvt.h.s")
@instruction("01000 fmt=1 000 source[1:0]=2 rs1 rm rd 1010011", ext="D Zfhmin", name="fcvt.d.h")
@instruction("01000 fmt=2 000 source[1:0]=1 rs1 rm rd 1010011", ext="D Zfhmin", name="fcvt.h.d")
def fcvt(h: Hart, fmt: u64, source: u64, rd: FReg, rs1: FReg, rm: u64) -> None:
    """FCVT.S.D, FCVT.D.S, FCVT.S.H, FCVT.H.S, FCVT.D.H, FCVT.H.D, from another format.

    (norm:fcvt-s-d_fcvt-d-s_op, norm:fcvt-s-h_fcvt-h-s_op, norm:fcvt-d-h_fcvt-h-d_op)
    """
    if hosted_rounding(h, fmt, rm) and source != HALF:
        r = widened(h.f[rs1], source)
        if certain(r, fmt) or is_zero(r):
            write_hosted(h, fmt, rd, r, True)
            return
    mode = rounding(h, rm)
    write_float(h, fmt, rd, convert(operand(h, source, rs1), fmt, mode))


for _fmt in FORMATS:
    alias(f"fmv.{_fmt} rd, rs1", f"fsgnj.{_fmt} rd, rs1, rs1")
    alias(f"fneg.{_fmt} rd, rs1", f"fsgnjn.{_fmt} rd, rs1, rs1")
    alias(f"fabs.{_fmt} rd, rs1", f"fsgnjx.{_fmt} rd, rs1, rs1")
for _name in ("fcvt.d.s", "fcvt.s.h", "fcvt.d.h", "fcvt.d.w", "fcvt.d.wu"):  # exact, so assemblers write rne and do not say so
    alias(f"{_name} rd, rs1", f"{_name} rd, rs1, 0")
    alias(f"{_name} rd, rs1, dyn", f"{_name} rd, rs1, 7")
