# SPDX-License-Identifier: Apache-2.0
"""The host's floats in place of the soft-float: the primitives, what is said of their results, and the instructions.

The instructions run natively with the host's floats and in CPython with the soft-float, whose results have tests of their own.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from random import Random

import pytest
from llvmlite import binding

from core.csr.machine import Mstatus
from core.csr.vs import Vsstatus
from core.hart import Hart
from core.isa import rv_f
from core.isa.intrinsics import Trap, cold, s64, u64
from core.softfloat import fast, host
from core.softfloat.formats import HALF, RMM, RNE, RTZ
from tests.support.exact_float import DOUBLE, FORMATS, NX, SINGLE, UF, Format
from tests.support.native_call import NativeModule

DYN = 7
M64 = (1 << 64) - 1
ROUNDING: dict[str, tuple[Callable[..., None], int]] = {
    "add": (rv_f.fadd, 2),
    "mul": (rv_f.fmul, 2),
    "div": (rv_f.fdiv, 2),
    "sqrt": (rv_f.fsqrt, 1),
    "madd": (rv_f.fmadd, 3),
    "msub": (rv_f.fmsub, 3),
    "nmadd": (rv_f.fnmadd, 3),
    "nmsub": (rv_f.fnmsub, 3),
}
"""Kernel functions that get fmt, rd, the source registers and rm, with how many sources."""
OTHERS = (rv_f.fmin, rv_f.fle, rv_f.fcvt_to_integer, rv_f.fcvt_from_integer, rv_f.fcvt, rv_f.fsgnj)


def uses_host() -> bool:
    """The primitive by itself."""
    return host.host_floats()


def host_add(a: u64, b: u64) -> u64:
    """The primitive by itself, as are the next."""
    return host.host_add(a, b)


def host_multiply(a: u64, b: u64) -> u64:
    return host.host_multiply(a, b)


def host_divide(a: u64, b: u64) -> u64:
    return host.host_divide(a, b)


def host_square_root(a: u64) -> u64:
    return host.host_square_root(a)


def host_multiply_add(a: u64, b: u64, c: u64) -> u64:
    return host.host_multiply_add(a, b, c)


def host_less(a: u64, b: u64) -> bool:
    return host.host_less(a, b)


def host_equal(a: u64, b: u64) -> bool:
    return host.host_equal(a, b)


def host_widen(a: u64) -> u64:
    return host.host_widen(a)


def host_narrow(a: u64) -> u64:
    return host.host_narrow(a)


def host_from_integer(v: s64) -> u64:
    return host.host_from_integer(v)


def host_to_integer(a: u64) -> s64:
    return host.host_to_integer(a)


PRIMITIVES = (
    uses_host, host_add, host_multiply, host_divide, host_square_root, host_multiply_add, host_less, host_equal, host_widen,
    host_narrow, host_from_integer, host_to_integer,
)  # fmt: skip


@pytest.fixture(scope="module")
def native() -> NativeModule:
    instructions = (*(function for function, _ in ROUNDING.values()), *OTHERS)
    return NativeModule((*PRIMITIVES, fast.sum_is_exact, fast.product_is_exact, *instructions))


def ordinary(rng: Random, spread: int = 40, fmt: Format = DOUBLE) -> int:
    """A number of a magnitude near 1, often one with few digits."""
    exponent = min(max(fmt.emax + rng.randrange(-spread, spread + 1), 1), 2 * fmt.emax)
    digits = rng.getrandbits(fmt.fraction) & -1 << rng.choice((0, 0, fmt.fraction - 4, rng.randrange(fmt.fraction)))
    return rng.choice((0, fmt.sign)) | exponent << fmt.fraction | digits & (1 << fmt.fraction) - 1


def exact(bits: int) -> Fraction:
    """The value of a finite double."""
    return Fraction(struct.unpack("<d", struct.pack("<Q", bits))[0])


def test_the_host_is_used_where_it_has_a_fused_multiply_add(native: NativeModule) -> None:
    arm = binding.get_process_triple().startswith(("aarch64", "arm64"))
    assert native(uses_host).value == (arm or bool(binding.get_host_cpu_features()["fma"]))
    assert not uses_host(), "CPython checks it with the soft-float"


def test_primitives(native: NativeModule) -> None:
    rng = Random(1)
    for _ in range(1000):
        a, b, c = (ordinary(rng) for _ in range(3))
        for function in (host_add, host_multiply, host_divide, host_less, host_equal):
            native.check(function, a, b)
        assert native.check(host_equal, a, a).value == 1
        native.check(host_multiply_add, a, b, c)
        native.check(host_multiply_add, a, b, host.host_multiply(a, b) ^ DOUBLE.sign)  # what one rounding leaves
        native.check(host_square_root, a & ~DOUBLE.sign)
        native.check(host_widen, ordinary(rng, fmt=SINGLE) | rng.getrandbits(32) << 32)
        native.check(host_narrow, a)
        native.check(host_to_integer, a)
        native.check(host_from_integer, rng.getrandbits(rng.randrange(1, 64)) * rng.choice((1, -1)))
    for nan in (DOUBLE.nan, DOUBLE.infinity | 1):
        assert not native.check(host_less, nan, 0).value
        assert not native.check(host_equal, nan, nan).value
    assert native.check(host_equal, 0, DOUBLE.sign).value


def test_exactness(native: NativeModule) -> None:
    """What is said of sums, products, quotients and roots is so, by rational arithmetic."""
    rng = Random(2)
    told: dict[str, set[bool]] = {"sum": set(), "product": set(), "quotient": set(), "root": set()}
    for _ in range(2000):
        a, b = ordinary(rng), ordinary(rng)
        total, product, quotient = host.host_add(a, b), host.host_multiply(a, b), host.host_divide(a, b)
        square = host.host_multiply(a, a)
        root = host.host_square_root(square)
        for name, found, is_so in (
            ("sum", native(fast.sum_is_exact, a, b, total), exact(a) + exact(b) == exact(total)),
            ("product", native(fast.product_is_exact, a, b, product), exact(a) * exact(b) == exact(product)),
            ("quotient", native(fast.product_is_exact, quotient, b, a), exact(quotient) * exact(b) == exact(a)),
            ("root", native(fast.product_is_exact, root, root, square), exact(root) ** 2 == exact(square)),
        ):
            assert found.value == is_so, (name, hex(a), hex(b))
            told[name].add(is_so)
    assert all(answers == {False, True} for answers in told.values())


def hart(rng: Random, fmt: Format, numbers: list[int]) -> Hart:
    """f1, f2... hold numbers of a format, boxed; the rounding mode is to nearest; some flags are set, and FS is mostly on."""
    h = Hart()
    h.v = rng.choice((0, 0, 1))
    h.mstatus = rng.choice((0, 1, 2, 2, 3, 3, 3)) << Mstatus.FS.lsb
    h.vsstatus = rng.choice((0, 1, 2, 2, 3, 3, 3)) << Vsstatus.FS.lsb
    h.fcsr = rng.choice((0, NX, rng.randrange(32)))
    for number, bits in enumerate(numbers, 1):
        h.f[number] = bits | M64 & -1 << fmt.width
        h.x[number] = bits
    return h


def numbers(rng: Random, fmt: Format, count: int) -> list[int]:
    """Operands: any, ordinary, or such that the result is near an edge of what the host may do."""
    kind = rng.randrange(6)
    if kind == 0:
        return [fmt.random(rng) for _ in range(count)]
    if kind == 1:  # results near the least exponents and the largest
        edge = rng.choice((1 - fmt.emax, fast.LEAST - 1023 if fmt is DOUBLE else 3 - fmt.emax, fmt.emax))
        half = edge // 2 + rng.randrange(-3, 4)
        powers = [half, edge - half + rng.randrange(-2, 3), edge + rng.randrange(-3, 4)]
        return [
            rng.choice((0, fmt.sign))
            | min(max(power + fmt.emax, 0), 2 * fmt.emax) << fmt.fraction
            | rng.choice((0, (1 << fmt.fraction) - 1, rng.getrandbits(fmt.fraction)))
            for power in powers[:count]
        ]
    if kind == 2:  # much cancels, or all
        first = ordinary(rng, fmt=fmt)
        return [first, first ^ fmt.sign ^ rng.randrange(3), ordinary(rng, fmt=fmt)][:count]
    if kind == 3:  # few digits: exact results, and such in the middle of two numbers
        return [ordinary(rng, 3, fmt) & -1 << fmt.fraction // 2 - 1 for _ in range(count)]
    found = [ordinary(rng, rng.choice((3, 30, fmt.fraction + 3)), fmt) for _ in range(count)]
    if kind == 4:
        found[rng.randrange(count)] &= fmt.sign  # a zero
    return found


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
@pytest.mark.parametrize("name", ROUNDING)
def test_arithmetic(native: NativeModule, name: str, fmt: Format) -> None:
    """Registers, flags and FS are the soft-float's."""
    rng = Random(f"{name} {fmt.letter}")
    function, count = ROUNDING[name]
    for number in range(250):
        h = hart(rng, fmt, numbers(rng, fmt, count))
        h.fcsr |= (0 if number % 8 else rng.randrange(8)) << 5
        if number % 16 == 1:
            h.f[1] &= rng.getrandbits(64)  # not boxed
        rm = rng.choice((RNE, DYN, DYN, rng.randrange(8)))
        native.check(function, fmt.code, 4, *range(1, count + 1), rm, *((number & 1,) if name == "add" else ()), hart=h)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
def test_comparison_and_conversion(native: NativeModule, fmt: Format) -> None:
    rng = Random(fmt.letter)
    for _ in range(250):
        h = hart(rng, fmt, numbers(rng, fmt, 2))
        h.f[2] = rng.choice((h.f[1], h.f[2], h.f[2]))
        h.f[rng.choice((0, 0, 0, 1, 2))] = M64 & -1 << fmt.width | fmt.infinity | rng.choice((1, fmt.nan))
        h.x[1] = rng.getrandbits(rng.randrange(1, 65)) * rng.choice((1, -1)) & M64
        rm = rng.choice((RNE, RTZ, RTZ, DYN, RMM))
        native.check(rv_f.fle, fmt.code, 4, 1, 2, rng.choice((0, 1, 2, 4, 5)), hart=h)
        native.check(rv_f.fmin, fmt.code, 4, 1, 2, rng.randrange(4), hart=h)
        native.check(rv_f.fsgnj, fmt.code, 4, 1, 2, rng.randrange(3), hart=h)
        native.check(rv_f.fcvt_from_integer, fmt.code, rng.randrange(4), 4, 1, rm, hart=h)
        native.check(rv_f.fcvt_to_integer, fmt.code, rng.randrange(4), 4, 1, rm, hart=h)
        for to in FORMATS:
            native.check(rv_f.fcvt, to.code, fmt.code, 4, 1, rm, hart=h)


def test_integers_at_the_edges(native: NativeModule) -> None:
    rng = Random(3)
    for power in (24, 31, 32, 52, 53, 54, 63, 64):
        for offset in (*range(-3, 4), rng.randrange(-(1 << 20), 1 << 20)):
            integer = (1 << power) + offset
            h = hart(rng, DOUBLE, [0])
            for sign in (1, -1):
                h.x[1] = sign * integer & M64
                h.f[1] = struct.unpack("<Q", struct.pack("<d", sign * (integer + rng.choice((0, 0.5)))))[0]
                for kind in range(4):
                    for fmt in (SINGLE, DOUBLE):
                        native.check(rv_f.fcvt_from_integer, fmt.code, kind, 4, 1, RNE, hart=h)
                    native.check(rv_f.fcvt_to_integer, DOUBLE.code, kind, 4, 1, RTZ, hart=h)


def test_a_fused_result_in_single_precision_is_rounded_once(native: NativeModule) -> None:
    """(1 + 2**-12)**2 is in the middle of two numbers; an addend too small for a double decides which is nearer."""
    factor, tiny = 0x3F80_0800, (127 - 60) << 23
    for addend, expected in ((tiny, 0x3F80_1001), (tiny | SINGLE.sign, 0x3F80_1000), (0, 0x3F80_1000)):
        h = hart(Random(0), SINGLE, [factor, factor, addend])
        h.fcsr, h.mstatus, h.v = NX, Mstatus.FS.mask, 0
        found = native.check(rv_f.fmadd, SINGLE.code, 4, 1, 2, 3, RNE, hart=h)
        assert after(found.words) == (M64 & -1 << 32 | expected, NX)


def test_where_the_host_is_given_up(native: NativeModule) -> None:
    """A product that underflows to zero; a quotient whose error would; a single that is no half."""
    least, one = 1 << DOUBLE.fraction, DOUBLE.emax << DOUBLE.fraction
    for flags in (0, NX):
        h = hart(Random(0), DOUBLE, [least, least | DOUBLE.sign])
        h.fcsr, h.mstatus, h.v = flags, Mstatus.FS.mask, 0
        found = native.check(rv_f.fmul, DOUBLE.code, 4, 1, 2, RNE, hart=h)
        assert after(found.words) == (DOUBLE.sign, UF | NX)
        h.f[1], h.f[2] = least + 1, least + 2
        found = native.check(rv_f.fdiv, DOUBLE.code, 4, 1, 2, RNE, hart=h)
        assert after(found.words) == (one - 2, NX)
        h.f[1] = M64 & -1 << 32 | SINGLE.emax << SINGLE.fraction
        found = native.check(rv_f.fcvt, SINGLE.code, HALF, 4, 1, RNE, hart=h)
        assert after(found.words) == (M64 & -1 << 32 | SINGLE.nan, flags)


def after(words: bytes) -> tuple[int, int]:
    """f4 and the flags."""
    h = Hart()
    h.words[:] = memoryview(words).cast("Q")
    return h.f[4], h.fcsr & 31


@cold
def refused(h: Hart, rm: u64) -> u64:
    """In place of what the soft-float begins with."""
    if h.f[0] == 0:
        raise Trap(h.f[0])
    return rm


def test_ordinary_operands_do_not_reach_the_soft_float(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rv_f, "rounding", refused)
    functions = [function for function, _ in ROUNDING.values()]
    code = NativeModule((uses_host, *functions))
    without = not code(uses_host).value
    rng, h = Random(4), Hart()
    for fmt in FORMATS:
        soft = without or fmt.code == HALF
        for name, (function, count) in ROUNDING.items():
            for rm, flags, slow in ((RNE, NX, soft), (DYN, NX, soft), (RTZ, NX, True), (RNE, 0, soft or count == 3)):
                h.mstatus, h.fcsr = Mstatus.FS.mask, flags
                for register in (1, 2, 3):
                    h.f[register] = ordinary(rng, 2, fmt) & ~fmt.sign | 1 | M64 & -1 << fmt.width
                h.f[3] = h.f[1]
                found = code(function, h, fmt.code, 4, *range(1, count + 1), rm, *((0,) if name == "add" else ()))
                assert (found.trap is not None) == slow, (name, fmt.letter, rm, flags)
