# SPDX-License-Identifier: Apache-2.0
"""F, D, Zfh, Zfa and Zcd on machines with both engines: what an instruction does with registers, flags and mstatus.FS."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random

import pytest

from core.csr.registry import read_csr, write_csr
from core.features import DEFAULT_FEATURES, Feature, consistent
from core.hart import Hart
from core.isa.decode import decode, encode
from core.isa.encoding import BY_NAME, INSTRUCTIONS
from core.mmu.tlb import flush_all
from core.trap.causes import Cause
from tests.support import exact_float as exact
from tests.support.exact_float import DOUBLE, FORMATS, HALF, MODES, NV, NX, RDN, RNE, RTZ, RUP, SINGLE, Format
from tests.support.lockstep import Lockstep
from tests.support.programs import CODE, DATA, HANDLER
from tests.support.programs_profile import Profile, lockstep

M64 = (1 << 64) - 1
OFF, INITIAL, CLEAN, DIRTY = range(4)
FS = 13
SD = 1 << 63
DYN = 7
BYTES = bytes(range(0x81, 0x91))
FLOATING = [r for r in INSTRUCTIONS if r.ext & (Feature.F | Feature.D | Feature.ZFH | Feature.ZFHMIN | Feature.ZFA)]
ROUNDS = [record for record in FLOATING if any(field.name == "rm" for field in record.fields)]
FORMAT = {fmt.letter: fmt for fmt in FORMATS}


@pytest.fixture(scope="module")
def lock() -> Lockstep:
    return lockstep(Profile("float"))


def execute(lock: Lockstep, word: int, mode: int = 3, v: int = 0, fs: int = CLEAN, vs: int = CLEAN, **given: int) -> Hart:
    """Run one instruction on all machines, which must agree, and return the reference hart afterwards.

    mode, v: where; fs, vs: FS of mstatus and vsstatus; given: registers (x10, f11) and CSRs by name. At DATA is BYTES.
    """
    lock.reset()
    lock.write(CODE, word.to_bytes(4, "little"))
    lock.write(DATA, BYTES)

    def prepare(h: Hart) -> None:
        for name, value in {"pmpaddr15": (1 << 54) - 1, "pmpcfg2": 0x1F << 56, "mtvec": HANDLER}.items():
            write_csr(h, name, value)
        write_csr(h, "mstatus", fs << FS)
        write_csr(h, "vsstatus", vs << FS)
        h.mode, h.v, h.pc = mode, v, CODE
        for name, value in given.items():
            if name[1:].isdigit():
                (h.x if name[0] == "x" else h.f)[int(name[1:])] = value
            else:
                write_csr(h, name, value)
        flush_all(h)

    lock.change(prepare)
    lock.run(1)
    return lock.reference.harts[0]


def cause(h: Hart) -> int | None:
    """The cause of the trap it took, if any."""
    return h.mcause if h.pc == HANDLER else None


def fs_of(h: Hart) -> tuple[int, int]:
    """FS of mstatus and of vsstatus; SD must follow it."""
    for name in ("mstatus", "sstatus", "vsstatus"):
        value = read_csr(h, name)
        assert bool(value & SD) == (value >> FS & 3 == DIRTY), name
    return h.mstatus >> FS & 3, h.vsstatus >> FS & 3


def boxed(bits: int, fmt: Format) -> int:
    """A value in a register."""
    return bits | M64 & ~((1 << fmt.width) - 1)


Expected = Callable[[list[exact.Value], Format, int], tuple[int, int]]
ARITHMETIC: dict[str, Expected] = {
    "fadd": lambda v, fmt, rm: exact.multiply_add(v[0], Fraction(1), v[1], fmt, rm),
    "fmul": lambda v, fmt, rm: exact.multiply(v[0], v[1], fmt, rm),
    "fdiv": lambda v, fmt, rm: exact.divide(v[0], v[1], fmt, rm),
    "fsqrt": lambda v, fmt, rm: exact.square_root(v[0], fmt, rm),
    "fmadd": lambda v, fmt, rm: exact.multiply_add(v[0], v[1], v[2], fmt, rm),
    "fmsub": lambda v, fmt, rm: exact.multiply_add(v[0], v[1], minus(v[2]), fmt, rm),
    "fnmsub": lambda v, fmt, rm: exact.multiply_add(minus(v[0]), v[1], v[2], fmt, rm),
    "fnmadd": lambda v, fmt, rm: exact.multiply_add(minus(v[0]), v[1], minus(v[2]), fmt, rm),
    "fsub": lambda v, fmt, rm: exact.multiply_add(v[0], Fraction(1), minus(v[1]), fmt, rm),
    "froundnx": lambda v, fmt, rm: exact.integral(v[0], fmt, rm),
}


def minus(value: exact.Value) -> exact.Value:
    """The same with the other sign."""
    if isinstance(value, str):
        others: dict[str, exact.Value] = {"-0": Fraction(0), "inf": "-inf", "-inf": "inf"}
        return others.get(value, value)
    return "-0" if value == 0 else -value


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic(lock: Lockstep, name: str, fmt: Format) -> None:
    """Right operands to the right operation, rounded as rm or frm say, the result boxed, flags added to those there."""
    rng = Random(name + fmt.letter)
    record = BY_NAME[f"{name}.{fmt.letter}"]
    sources = [field.name for field in record.fields if field.name.startswith("rs")]
    for rm in MODES:
        operands = [fmt.random(rng) for _ in sources]
        expected, flags = ARITHMETIC[name]([fmt.value(bits) for bits in operands], fmt, rm)
        registers = {f"f{11 + i}": boxed(bits, fmt) for i, bits in enumerate(operands)}
        numbers = {source: 11 + i for i, source in enumerate(sources)}
        for static in (rm, DYN):
            word = encode(record.name, rd=10, rm=static, **numbers)
            h = execute(lock, word, fcsr=rm << 5 | 8 if static == DYN else 7 << 5 | 8, **registers)
            assert (cause(h), h.f[10], h.fcsr & 31) == (None, boxed(expected, fmt), flags | 8), (operands, rm, static)
            assert fs_of(h) == (DIRTY, CLEAN)


def test_a_register_may_be_source_and_destination(lock: Lockstep) -> None:
    two = 0x4000_0000_0000_0000
    assert execute(lock, encode("fmadd.d", rd=5, rs1=5, rs2=5, rs3=5, rm=0), f5=two).f[5] == 0x4018_0000_0000_0000
    assert execute(lock, encode("fadd.d", rd=0, rs1=0, rs2=0, rm=0), f0=two).f[0] == 0x4010_0000_0000_0000, "f0 is no zero"


@pytest.mark.parametrize(
    ("name", "given", "wanted", "flags"),
    [
        ("fcvt.w.s", SINGLE.emax << 23 | SINGLE.sign, -1, 0),
        ("fcvt.wu.s", SINGLE.emax << 23 | SINGLE.sign, 0, NV),
        ("fcvt.wu.d", 0x41EF_FFFF_FFE0_0000, -1, 0),  # 2**32 - 1, sign-extended
        ("fcvt.l.d", 0x43E0_0000_0000_0000, (1 << 63) - 1, NV),
        ("fcvt.lu.d", 0x43E0_0000_0000_0000, 1 << 63, 0),
        ("fcvt.w.h", 0x3E00, 2, NX),  # 1.5
        ("fcvtmod.w.d", 0x41F0_0000_0010_0000, 1, NV),  # 2**32 + 1
        ("fclass.h", 0x8001, 1 << 2, 0),
        ("fmv.x.w", 0x8000_0001, -(1 << 31) + 1, 0),
        ("fmv.x.h", 0x8001, -(1 << 15) + 1, 0),
        ("fmv.x.d", 0x8000_0000_0000_0001, -(1 << 63) + 1, 0),
    ],
)
def test_to_integer_registers(lock: Lockstep, name: str, given: int, wanted: int, flags: int) -> None:
    """With flags raised FS becomes Dirty; without, no floating-point state was written and it stays."""
    rm = {"rm": RNE} if BY_NAME[name] in ROUNDS else {}
    letter = name[-1] if name[-1] != "w" else "s"
    h = execute(lock, encode(name, rd=10, rs1=11, **rm), f11=boxed(given, FORMAT[letter]))
    assert (h.x[10], h.fcsr) == (wanted & M64, flags)
    assert fs_of(h) == (DIRTY if flags else CLEAN, CLEAN)


@pytest.mark.parametrize(
    ("name", "given", "wanted", "flags"),
    [
        ("fcvt.s.w", 0xFFFF_FFFF, SINGLE.emax << 23 | SINGLE.sign, 0),
        ("fcvt.s.wu", M64, 0x4F80_0000, NX),  # 2**32
        ("fcvt.d.l", 1 << 63, 0xC3E0_0000_0000_0000, 0),
        ("fcvt.d.lu", 1 << 63, 0x43E0_0000_0000_0000, 0),
        ("fcvt.h.l", 1 << 16, HALF.infinity, 5),
        ("fmv.w.x", 0x1234_5678_7FA0_0001, 0x7FA0_0001, 0),  # norm:fmv-w-x_op: a signaling NaN as it is
        ("fmv.h.x", 0xFFFF_7C01, 0x7C01, 0),
        ("fmv.d.x", 0x7FF0_0000_0000_0001, 0x7FF0_0000_0000_0001, 0),
    ],
)
def test_from_integer_registers(lock: Lockstep, name: str, given: int, wanted: int, flags: int) -> None:
    rm = {"rm": RNE} if BY_NAME[name] in ROUNDS else {}
    letter = name.split(".")[1].replace("w", "s")
    h = execute(lock, encode(name, rd=10, rs1=11, **rm), x11=given)
    assert (h.f[10], h.fcsr) == (boxed(wanted, FORMAT[letter]), flags)
    assert fs_of(h) == (DIRTY, CLEAN)


@pytest.mark.parametrize("name", ["fcvt.s.d", "fcvt.d.s", "fcvt.s.h", "fcvt.h.s", "fcvt.d.h", "fcvt.h.d"])
def test_between_formats(lock: Lockstep, name: str) -> None:
    rng = Random(name)
    to, source = FORMAT[name[5]], FORMAT[name[7]]
    for rm in MODES:
        bits = source.random(rng)
        expected, flags = exact.convert(source.value(bits), to, rm)
        h = execute(lock, encode(name, rd=10, rs1=11, rm=rm), f11=boxed(bits, source))
        assert (h.f[10], h.fcsr) == (boxed(expected, to), flags)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda f: f.letter)
def test_what_does_not_round(lock: Lockstep, fmt: Format) -> None:
    """Signs, minimum and maximum, comparison, constants: one case of each instruction."""
    one, nan = fmt.emax << fmt.fraction, fmt.nan
    less = one | fmt.sign
    rows = [
        ("fsgnj", 10, less, 0), ("fsgnjn", 10, one, 0), ("fsgnjx", 10, less, 0),
        ("fmin", 10, less, 0), ("fmax", 10, one, 0), ("fminm", 10, less, 0), ("fmaxm", 10, one, 0),
        ("fle", -10, 0, 0), ("flt", -10, 0, 0), ("feq", -10, 0, 0), ("fleq", -10, 0, 0), ("fltq", -10, 0, 0),
    ]  # fmt: skip
    for name, rd, wanted, flags in rows:
        h = execute(lock, encode(f"{name}.{fmt.letter}", rd=10, rs1=11, rs2=12), f11=boxed(one, fmt), f12=boxed(less, fmt))
        assert ((h.f[10] if rd > 0 else h.x[10]), h.fcsr) == (boxed(wanted, fmt) if rd > 0 else wanted, flags), name
        assert fs_of(h)[0] == (DIRTY if rd > 0 else CLEAN), name
    for name, wanted, flags in (("fmin", one, 0), ("fminm", nan, 0), ("fmax", one, 0), ("fmaxm", nan, 0)):
        h = execute(lock, encode(f"{name}.{fmt.letter}", rd=10, rs1=11, rs2=12), f11=boxed(one, fmt), f12=boxed(nan, fmt))
        assert (h.f[10], h.fcsr) == (boxed(wanted, fmt), flags), name
    for name, wanted, flags in (("fle", 0, NV), ("flt", 0, NV), ("feq", 0, 0), ("fleq", 0, 0), ("fltq", 0, 0)):
        h = execute(lock, encode(f"{name}.{fmt.letter}", rd=10, rs1=11, rs2=12), f11=boxed(one, fmt), f12=boxed(nan, fmt))
        assert (h.x[10], h.fcsr, fs_of(h)[0]) == (wanted, flags, DIRTY if flags else CLEAN), name
    for number, wanted in ((0, less), (16, one), (30, fmt.infinity), (31, nan)):
        h = execute(lock, encode(f"fli.{fmt.letter}", rd=10, value=number))
        assert (h.f[10], h.fcsr) == (boxed(wanted, fmt), 0)
    half, signaling = fmt.emax - 1 << fmt.fraction, fmt.infinity | 1
    for name, bits, wanted, flags in (
        ("fround", half, one, 0), ("froundnx", half, one, NX), ("fround", less, less, 0), ("fround", signaling, nan, NV),
    ):  # fmt: skip
        h = execute(lock, encode(f"{name}.{fmt.letter}", rd=10, rs1=11, rm=RUP), f11=boxed(bits, fmt))
        assert (h.f[10], h.fcsr) == (boxed(wanted, fmt), flags), name


def test_values_that_are_not_boxed_count_as_nan(lock: Lockstep) -> None:
    """norm:FP_nontransfer_instrs_improper_nan-boxed_input, for a half in what would be a boxed single, too."""
    one_single, one_half = SINGLE.emax << 23, HALF.emax << 10
    for f11 in (one_single, one_single | 0x7FFF_FFFF << 32, one_single | 0xFFFF_FFFE << 32):
        h = execute(lock, encode("fadd.s", rd=10, rs1=11, rs2=12, rm=0), f11=f11, f12=boxed(one_single, SINGLE))
        assert (h.f[10], h.fcsr) == (boxed(SINGLE.nan, SINGLE), 0)
    not_quite = boxed(one_half, SINGLE)
    assert execute(lock, encode("fcvt.s.h", rd=10, rs1=11), f11=not_quite).f[10] == boxed(SINGLE.nan, SINGLE)
    assert execute(lock, encode("feq.h", rd=10, rs1=11, rs2=11), f11=not_quite).x[10] == 0
    assert execute(lock, encode("fclass.h", rd=10, rs1=11), f11=not_quite).x[10] == 1 << 9
    assert execute(lock, encode("fsgnjx.s", rd=10, rs1=11, rs2=11), f11=1).f[10] == boxed(SINGLE.nan, SINGLE)
    assert execute(lock, encode("fmv.x.h", rd=10, rs1=11), f11=0x1_7C01).x[10] == 0x7C01, "moves take the bits that are there"
    assert execute(lock, encode("fcvt.d.s", rd=10, rs1=11), f11=boxed(one_half, HALF)).f[10] == DOUBLE.nan


@pytest.mark.parametrize("name", [record.name for record in ROUNDS])
def test_reserved_rounding_modes_are_illegal(lock: Lockstep, name: str) -> None:
    """norm:roundingmode_rsv, also for conversions that are always exact."""
    for rm, frm in ((5, 0), (6, 0), (DYN, 5), (DYN, 6), (DYN, 7)):
        h = execute(lock, encode(name, rm=rm, rd=10), fcsr=frm << 5, f10=123)
        assert (cause(h), h.f[10], fs_of(h)[0]) == (Cause.ILLEGAL_INSTRUCTION, 123, CLEAN)
    assert cause(execute(lock, encode(name, rm=4), fcsr=7 << 5)) is None, "frm does not matter"


def test_fcvtmod_knows_one_rounding_mode() -> None:
    """norm:fcvtmod-w-d_rsw."""
    word = encode("fcvtmod.w.d", rd=10, rs1=11)
    assert word >> 12 & 7 == RTZ
    assert all(decode(word ^ flip << 12).instruction is None for flip in range(1, 8))


@pytest.mark.parametrize("name", [record.name for record in FLOATING])
def test_h035_fp_with_fs_off_is_illegal(lock: Lockstep, name: str) -> None:
    """norm:mstatus_fs_vs_xs_off_op; norm:H_illegalinst_xstatus_fs_vs: with V=1 either FS, and never a virtual instruction."""
    word = encode(name)
    assert cause(execute(lock, word, fs=OFF)) == Cause.ILLEGAL_INSTRUCTION, "before any load or store"
    for fs, vs in ((OFF, OFF), (OFF, DIRTY), (DIRTY, OFF)):
        for mode in (0, 1):
            h = execute(lock, word, mode, 1, fs, vs)
            assert (cause(h), fs_of(h)) == (Cause.ILLEGAL_INSTRUCTION, (fs, vs))
    assert cause(execute(lock, word, 1, 0, INITIAL, OFF)) != Cause.ILLEGAL_INSTRUCTION, "with V=0 that of vsstatus is no matter"


WRITERS = ["fadd.d", "fsgnj.s", "fmv.d.x", "fcvt.s.w", "fli.h", "fld", "flw", "flh"]
OTHERS = ["fsd", "fsw", "fsh", "fmv.x.d", "fclass.s", "feq.d", "fle.d", "fcvt.w.d"]


@pytest.mark.parametrize("name", WRITERS + OTHERS)
def test_h041_what_writes_a_register_makes_both_fs_dirty(lock: Lockstep, name: str) -> None:
    """norm:vsstatus_fs_op."""
    dirty = name in WRITERS
    operands = {field.name: {"rs1": 8, "rm": RNE}.get(field.name, 9) for field in BY_NAME[name].fields if field.name != "imm"}
    for mode in (0, 1):
        for fs, vs in ((INITIAL, CLEAN), (CLEAN, INITIAL), (DIRTY, CLEAN)):
            h = execute(lock, encode(name, **operands), mode, 1, fs, vs, x8=DATA)
            assert (cause(h), fs_of(h)) == (None, (DIRTY, DIRTY) if dirty else (fs, vs))
            h = execute(lock, encode(name, **operands), mode, 0, fs, vs, x8=DATA)
            assert (cause(h), fs_of(h)) == (None, (DIRTY if dirty else fs, vs))


def test_h041_flags_make_both_fs_dirty(lock: Lockstep) -> None:
    h = execute(lock, encode("fle.d", rd=9, rs1=1, rs2=1), 1, 1, INITIAL, CLEAN, f1=DOUBLE.nan)
    assert (h.fcsr, fs_of(h)) == (NV, (DIRTY, DIRTY))


def test_h042_a_guest_changes_its_own_fs_only(lock: Lockstep) -> None:
    """norm:vsstatus_sd_xs_op: SD of each from its own FS."""
    h = execute(lock, encode("csrrw", rd=0, rs1=5, csr=0x100), 1, 1, INITIAL, OFF, x5=DIRTY << FS)
    assert (cause(h), fs_of(h)) == (None, (INITIAL, DIRTY))


@pytest.mark.parametrize(("name", "size"), [("d", 8), ("w", 4), ("h", 2)])
def test_loads_and_stores(lock: Lockstep, name: str, size: int) -> None:
    """norm:fsw_flw_bits_maintained: whatever the bits are; misaligned ones too."""
    for offset in (0, 3):
        h = execute(lock, encode(f"fl{name}", rd=9, rs1=8, imm=offset), x8=DATA)
        bits = int.from_bytes(BYTES[offset : offset + size], "little")
        assert (h.f[9], fs_of(h)[0]) == (bits | M64 & ~((1 << 8 * size) - 1), DIRTY)
        execute(lock, encode(f"fs{name}", rs2=9, rs1=8, imm=offset - 16), x8=DATA + 16, f9=0x0123_4567_89AB_CDEF)
        found = lock.reference.ram.read_bytes(DATA, 16)
        stored = 0x0123_4567_89AB_CDEF.to_bytes(8, "little")[:size]
        assert found == BYTES[:offset] + stored + BYTES[offset + size :]
    h = execute(lock, encode(f"fl{name}", rd=9, rs1=8), x8=1 << 40, f9=5)
    assert (cause(h), h.f[9], fs_of(h)[0]) == (Cause.LOAD_ACCESS_FAULT, 5, CLEAN), "nothing written"
    assert cause(execute(lock, encode(f"fs{name}", rs2=9, rs1=8), x8=1 << 40)) == Cause.STORE_ACCESS_FAULT


def test_compressed_loads_and_stores(lock: Lockstep) -> None:
    word, other = int.from_bytes(BYTES[8:], "little"), 0x1122_3344_5566_7788
    assert execute(lock, encode("c.fld", rd=9, rs1=8, uimm=248), x8=DATA - 240).f[9] == word
    assert execute(lock, encode("c.fldsp", rd=31, uimm=504), x2=DATA - 496).f[31] == word
    execute(lock, encode("c.fsd", rs1=8, rs2=15, uimm=8), x8=DATA, f15=other)
    assert lock.reference.ram.read(DATA + 8, 8) == other
    execute(lock, encode("c.fsdsp", rs2=31, uimm=8), x2=DATA, f31=other)
    assert lock.reference.ram.read(DATA + 8, 8) == other
    assert cause(execute(lock, encode("c.fldsp", rd=31), fs=OFF)) == Cause.ILLEGAL_INSTRUCTION


def test_features_decide() -> None:
    def there(name: str, features: Feature) -> bool:
        return decode(encode(name), int(features)).instruction is not None

    f, d, zfhmin, zfh, zfa = Feature.F, Feature.D, Feature.ZFHMIN, Feature.ZFH, Feature.ZFA
    rows = [
        ("fadd.s", f), ("fadd.d", d), ("fadd.h", zfh), ("flh", zfhmin), ("fmv.h.x", zfhmin), ("fcvt.s.h", zfhmin),
        ("fcvt.d.h", d | zfhmin), ("fli.s", f | zfa), ("fli.d", d | zfa), ("fli.h", zfh | zfa), ("fcvtmod.w.d", d | zfa),
    ]  # fmt: skip
    for name, needed in rows:
        assert there(name, needed)
        assert all(not there(name, (f | d | zfhmin | zfh | zfa) & ~missing) for missing in needed)


def test_features_that_depend_on_others() -> None:
    every = Feature.F | Feature.D | Feature.ZFHMIN | Feature.ZFH | Feature.ZFA
    assert every in DEFAULT_FEATURES and consistent(DEFAULT_FEATURES) == DEFAULT_FEATURES
    assert consistent(DEFAULT_FEATURES & ~Feature.F) == DEFAULT_FEATURES & ~every
    assert consistent(every & ~Feature.ZFHMIN) == every & ~(Feature.ZFHMIN | Feature.ZFH)
    assert consistent(every & ~Feature.D) == every & ~Feature.D


def test_rounding_of_a_sum_in_every_mode(lock: Lockstep) -> None:
    """1 + 2**-24 in single precision, and its negative: half an ulp."""
    one, small = SINGLE.emax << 23, SINGLE.emax - 24 << 23
    for rm, up, down in ((RNE, 0, 0), (RTZ, 0, 0), (RDN, 0, 1), (RUP, 1, 0), (4, 1, 1)):
        for sign, step in ((0, up), (SINGLE.sign, down)):
            given = {"f11": boxed(one | sign, SINGLE), "f12": boxed(small | sign, SINGLE)}
            h = execute(lock, encode("fadd.s", rd=10, rs1=11, rs2=12, rm=rm), **given)
            assert (h.f[10], h.fcsr) == (boxed(one + step | sign, SINGLE), NX)
