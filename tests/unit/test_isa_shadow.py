# SPDX-License-Identifier: Apache-2.0
"""Zicfiss, shadow stacks: where they are active, what their instructions do and which pages they need; both engines."""

from __future__ import annotations

import itertools

import pytest

from core.features import DEFAULT_FEATURES, Feature, consistent
from core.hart import Hart
from core.isa.decode import encode
from core.mmu.tlb import update_regime
from core.mmu.watch import add_watch, hit_kind, remove_watch
from tests.support.engines import HIGHER, LEAF, MODES, PAGE, RAM, SV39, TABLES, Engines

CODE, DATA = RAM + 0x1000, RAM + 0x2000
SSPUSH_RA, SSPUSH_T0 = 0xCE10_4073, 0xCE50_4073
SSPOPCHK_RA, SSPOPCHK_T0 = 0xCDC0_C073, 0xCDC2_C073
SSRDP_A0 = 0xCDC0_4573
C_SSPUSH_RA, C_SSPOPCHK_T0 = 0x6081, 0x6281
SSAMOSWAP_W, SSAMOSWAP_D = 0x48C5_A52F, 0x48C5_B52F
"""a0 gets what was at a1, which gets a2."""
SSE = 1 << 3
ALL_SSE = {"menvcfg": SSE, "henvcfg": SSE, "senvcfg": SSE}
V, R, W, X, U, A, D = 1, 2, 4, 8, 16, 64, 128
AD = A | D
SHADOW = V | W | AD
ILLEGAL, VIRTUAL, SOFTWARE_CHECK = 2, 22, 18
WAS = 0x0807_0605_0403_0201
NOISE = bytes(range(1, 33))
LINK = 0x1234_5678_9ABC_DEF0


@pytest.fixture(scope="module")
def engines() -> Engines:
    """Both engines, with Zicfiss."""
    return Engines(DEFAULT_FEATURES | Feature.ZICFISS)


def execute(engines: Engines, word: int, mode: str = "HS", pte: int = SHADOW, units: int = 1, **slots: int) -> Hart:
    """One instruction with x1 = x5 = x12 = LINK, a1 = PAGE and ssp = PAGE + 8 unless slots say otherwise; NOISE in the page,
    which an entry with these low bits maps (U is added for U- and VU-mode). Traps go to M-mode."""
    user = mode in ("U", "VU")
    atp = "vsatp" if mode[0] == "V" else "satp"
    engines.begin(mode, **({atp: SV39, "ssp": PAGE + 8} | ALL_SSE | slots))
    engines.map(DATA, pte | (U if user else 0))
    engines.write(DATA, NOISE)
    engines.code(CODE, [word], 0 if user or mode == "M" else HIGHER)
    return engines.run(units, x1=LINK, x5=LINK, x10=7, x11=PAGE, x12=LINK)


def active(mode: str, menvcfg: int, henvcfg: int, senvcfg: int) -> bool:
    """xSSE by the manual's table, where a bit is read-only zero while the one above it is 0."""
    guest = henvcfg and menvcfg
    user = senvcfg and (guest if mode == "VU" else menvcfg)
    return bool({"M": 0, "HS": menvcfg, "VS": guest, "U": user, "VU": user}[mode])


def refusal(mode: str, menvcfg: int, henvcfg: int, senvcfg: int) -> int:
    """The cause with which ssp and SSAMOSWAP are refused (norm:zicfiss_ssp_csr)."""
    if mode == "M":
        return 0
    if not menvcfg or (mode == "U" and not senvcfg):
        return ILLEGAL
    if (mode == "VS" and not henvcfg) or (mode == "VU" and not (senvcfg and henvcfg)):
        return VIRTUAL
    return 0


def test_it_is_off_by_default_and_needs_others() -> None:
    assert Feature.ZICFISS not in DEFAULT_FEATURES
    for needed in (Feature.ZIMOP, Feature.A, Feature.S):
        assert Feature.ZICFISS not in consistent((DEFAULT_FEATURES | Feature.ZICFISS) & ~needed)


def test_encodings() -> None:
    """norm:zicfiss_sspush_enc, norm:zicfiss_sspopchk_enc, norm:zicfiss_ssrdp_enc, norm:zicfiss_c-sspush_enc,
    norm:zicfiss_c-sspopchk_enc."""
    assert [encode("sspush", rs2=n) for n in (1, 5)] == [SSPUSH_RA, SSPUSH_T0]
    assert [encode("sspopchk", rs1=n) for n in (1, 5)] == [SSPOPCHK_RA, SSPOPCHK_T0]
    assert encode("ssrdp", rd=10) == SSRDP_A0
    assert (encode("c.sspush"), encode("c.sspopchk")) == (C_SSPUSH_RA, C_SSPOPCHK_T0)
    assert encode("ssamoswap.w", rd=10, rs1=11, rs2=12) == SSAMOSWAP_W
    assert encode("ssamoswap.d", rd=10, rs1=11, rs2=12) == SSAMOSWAP_D
    with pytest.raises(ValueError, match=r"sspush with .* is reserved"):
        encode("sspush", rs2=2)


@pytest.mark.parametrize("mode", MODES)
def test_where_they_are_active(engines: Engines, mode: str) -> None:
    """Elsewhere SSRDP writes 0, the others nothing (norm:menvcfg_sse_op_list, norm:senvcfg_sse_Zicfilp,
    norm:henvcfg_sse_op); ssp and SSAMOSWAP trap (norm:zicfiss_ssp_csr)."""
    for bits in itertools.product((0, SSE), repeat=3):
        given = dict(zip(("menvcfg", "henvcfg", "senvcfg"), bits, strict=True))
        on = active(mode, *bits)
        h = execute(engines, SSRDP_A0, mode, **given)
        assert (h.x[10], h.mcause) == (PAGE + 8 if on else 0, 0), given
        for word in (SSPUSH_RA, SSPUSH_T0, C_SSPUSH_RA):
            h = execute(engines, word, mode, **given)
            assert (h.ssp, engines.read(DATA), h.mcause) == ((PAGE, LINK, 0) if on else (PAGE + 8, WAS, 0)), given
        for word in (SSPOPCHK_RA, SSPOPCHK_T0, C_SSPOPCHK_T0):
            h = execute(engines, word, mode, **given, ssp=PAGE)
            assert (h.ssp, h.mcause, h.mtval) == (PAGE, SOFTWARE_CHECK if on else 0, 3 if on else 0), given
        cause = refusal(mode, *bits)
        for word in (0x0110_2573, 0x0110_1073):  # csrr a0, ssp; csrw ssp, zero
            h = execute(engines, word, mode, **given)
            assert (h.mcause, h.mtval) == (cause, word if cause else 0), given
        for word in (SSAMOSWAP_W, SSAMOSWAP_D):
            h = execute(engines, word, mode, **given)
            assert h.mcause == (cause or (7 if mode == "M" else 0)), given  # norm:ssmp_ssamoswap


def test_the_pointer_is_aligned(engines: Engines) -> None:
    """norm:ssp-field_1_0, and of 64 bits norm:ssp_sz."""
    engines.begin("M", ssp=0)
    engines.code(CODE, [encode("csrrw", rd=0, rs1=1, csr=0x11), encode("csrrs", rd=2, rs1=0, csr=0x11)])
    assert engines.run(2, x1=(1 << 64) - 1).x[2] == (1 << 64) - 8


@pytest.mark.parametrize("mode", ["HS", "U", "VS", "VU"])
def test_push_and_pop(engines: Engines, mode: str) -> None:
    """norm:ss_push, norm:ss_pop, norm:sspop_increment."""
    h = execute(engines, SSPUSH_RA, mode)
    assert (h.ssp, engines.read(DATA), engines.read(DATA + 8)) == (PAGE, LINK, int.from_bytes(NOISE[8:16], "little"))
    for word in (SSPOPCHK_RA, SSPOPCHK_T0, C_SSPOPCHK_T0):
        engines.code(CODE, [word], 0 if mode in ("U", "VU") else HIGHER)
        engines.each(lambda h: setattr(h, "ssp", PAGE))
        h = engines.run(1, x1=LINK, x5=LINK)
        assert (h.ssp, h.mcause) == (PAGE + 8, 0)
        engines.code(CODE, [word], 0 if mode in ("U", "VU") else HIGHER)
    h = engines.run(1, x5=LINK ^ 1 << 63)  # what lies above was never pushed
    assert (h.mcause, h.mtval, h.ssp, h.mepc & 0xFFFF) == (SOFTWARE_CHECK, 3, PAGE + 8, CODE & 0xFFFF)
    assert h.mstatus >> 38 & 1 == 0, "xtval is no address"


@pytest.mark.parametrize("mode", ["HS", "U", "VS", "VU"])
def test_swap(engines: Engines, mode: str) -> None:
    """norm:rv64_ssamoswap-w_op."""
    h = execute(engines, SSAMOSWAP_D, mode)
    assert (h.x[10], engines.read(DATA), h.mcause) == (WAS, LINK, 0)
    h = execute(engines, SSAMOSWAP_W, mode, ssp=0)
    assert (h.x[10], engines.read(DATA), h.ssp) == (WAS & 0xFFFF_FFFF, WAS >> 32 << 32 | LINK & 0xFFFF_FFFF, 0)
    engines.code(CODE, [SSAMOSWAP_W], 0 if mode in ("U", "VU") else HIGHER)
    assert engines.run(1, x11=PAGE).x[10] == LINK & 0xFFFF_FFFF | 0xFFFF_FFFF << 32, "sign-extended"
    h = execute(engines, SSAMOSWAP_D | 1 << 26 | 1 << 25, mode)  # aq, rl
    assert (h.x[10], engines.read(DATA)) == (WAS, LINK)


@pytest.mark.parametrize(("word", "offset"), [(SSAMOSWAP_D, 4), (SSAMOSWAP_D, 1), (SSAMOSWAP_W, 2)])
def test_a_swap_must_be_aligned(engines: Engines, word: int, offset: int) -> None:
    """norm:ssamoswap_address: as with AMOs."""
    execute(engines, word)
    engines.code(CODE, [word], HIGHER)
    h = engines.run(1, x11=PAGE + offset)
    assert (h.mcause, h.mtval) == (6, PAGE + offset)


ORDINARY = {
    "load": (encode("ld", rd=10, rs1=11, imm=0), "r"),
    "load reserved": (encode("lr.d", rd=10, rs1=11), "r"),
    "store": (encode("sb", rs2=12, rs1=11, imm=0), "w"),
    "atomic": (encode("amoor.d", rd=10, rs1=11, rs2=0), "w"),
    "compare and swap": (encode("amocas.d", rd=10, rs1=11, rs2=0), "w"),
    "store conditional": (encode("sc.d", rd=10, rs1=11, rs2=12), "w"),
    "zero": (encode("cbo.zero", rs1=11), "w"),
    "clean": (encode("cbo.clean", rs1=11), "m"),
    "invalidate": (encode("cbo.inval", rs1=11), "m"),
    "fetch": (encode("jalr", rd=0, rs1=11, imm=0), "x"),
}
SHADOWS = {"push": SSPUSH_RA, "pop": SSPOPCHK_RA, "swap": SSAMOSWAP_D, "narrow swap": SSAMOSWAP_W}


def verdict(pte: int, kind: str, sse: bool) -> int:
    """The cause for an entry's R, W and X (0: none), said as the manual says it; kind: r, w, x, m or s."""
    page, access = {"r": (13, 5), "x": (12, 1)}.get(kind, (15, 7))
    rwx = pte & (R | W | X)
    if rwx == W and sse:
        return {"r": 0, "s": 0}.get(kind, access)
    if rwx & (R | W) == W or rwx == 0:
        return page  # reserved, or a pointer at the last level
    if kind == "s":
        return page if rwx == R else access
    needed = {"r": R, "m": R, "w": W, "x": X}[kind]
    return 0 if rwx & needed else page


@pytest.mark.parametrize("name", ORDINARY)
@pytest.mark.parametrize("mode", ["HS", "VU"])
def test_what_pages_allow(engines: Engines, name: str, mode: str) -> None:
    """norm:ss_page_enc, norm:ssmp_ss_page_access_fault, norm:ssmp_ss_cache_block_access_fault,
    norm:ssmp_ss_implicit_access_fault, norm:ssmp_ss_load, norm:ssmp_menvcfg_sse, norm:ssmp_henvcfg_sse."""
    word, kind = ORDINARY[name]
    for rwx, sse in itertools.product(range(0, 16, 2), (0, SSE)):
        given = {"menvcfg": 0xF0 | SSE, "henvcfg": 0xF0 | sse, "senvcfg": 0xF0}
        if mode == "HS":
            given["menvcfg"] = 0xF0 | sse
        h = execute(engines, word, mode, V | AD | rwx, 1 + (kind == "x"), **given)
        cause = verdict(rwx, kind, bool(sse))
        assert (h.mcause, h.mtval) == (cause, PAGE if cause else 0), (rwx, sse)
        assert kind != "x" or cause or h.pc == PAGE + 2, "NOISE begins with a HINT"
        assert h.mstatus >> 38 & 1 == (mode == "VU" and cause != 0), "GVA"


@pytest.mark.parametrize("name", SHADOWS)
@pytest.mark.parametrize("mode", ["HS", "VS"])
def test_which_pages_shadow_stack_instructions_need(engines: Engines, name: str, mode: str) -> None:
    """norm:ssmp_ss_page_illegeal_access, norm:ssmp_ss_read_only_page, norm:ss_fault_exception_code."""
    for rwx in range(0, 16, 2):
        h = execute(engines, SHADOWS[name], mode, V | AD | rwx, ssp=PAGE if name == "pop" else PAGE + 8)
        cause = verdict(rwx, "s", True)
        assert h.mcause == (cause or (SOFTWARE_CHECK if name == "pop" else 0)), rwx
        assert h.ssp == (PAGE if name == "pop" or (name == "push" and not cause) else PAGE + 8), rwx
        if cause:
            assert (h.mtval, engines.read(DATA)) == (PAGE, WAS), rwx


def test_cached_translations_do_not_help(engines: Engines) -> None:
    """A load leaves a translation that neither other accesses nor the page type without SSE may use; and changes of SSE need
    no fence (priv, Shadow-Stack-Enabled (SSE) State)."""
    load, clean = (ORDINARY[name][0] for name in ("load", "clean"))
    csr = encode("csrrw", rd=0, rs1=13, csr=0x30A)
    for word, cause in ((clean, 7), (ORDINARY["store"][0], 7), (SSPUSH_RA, 0)):
        execute(engines, load, menvcfg=0xF0 | SSE)
        engines.code(CODE, [load, word], HIGHER)
        assert engines.run(2, x11=PAGE).mcause == cause
    execute(engines, load)
    assert engines.hart.x[10] == WAS
    engines.code(CODE, [csr, load, csr, load], 0)

    def as_supervisor(h: Hart) -> None:
        h.mode, h.mstatus = 3, 1 << 17 | 1 << 11  # MPRV, MPP
        update_regime(h)

    engines.each(as_supervisor)
    h = engines.run(2, x11=PAGE, x13=0)
    assert (h.mcause, h.mtval) == (13, PAGE)
    engines.each(lambda h: setattr(h, "pc", CODE + 8))
    engines.each(as_supervisor)
    h = engines.run(2, x10=0, x13=SSE)
    assert h.x[10] == WAS


@pytest.mark.parametrize("name", SHADOWS)
def test_translation_is_needed(engines: Engines, name: str) -> None:
    """norm:satp_mode_bare, for the VS-stage even where the G-stage translates."""
    for mode in ("HS", "VS"):
        engines.begin(mode, ssp=DATA if name == "pop" else DATA + 8, **ALL_SSE)
        engines.code(CODE, [SHADOWS[name]])
        h = engines.run(1, x11=DATA)
        assert (h.mcause, h.mtval) == (7, DATA)
        engines.begin(mode, ssp=PAGE if name == "pop" else PAGE + 8, hgatp=SV39, **ALL_SSE)
        engines.map(DATA, V | R | W | X | U | AD)
        engines.code(CODE, [SHADOWS[name]])
        h = engines.run(1, x11=PAGE)
        assert (h.mcause, h.mtval) == (7, PAGE)


def test_a_and_d(engines: Engines) -> None:
    """A pop is a load: it needs A only (norm:sspopchk-c_load_op); the others need D (norm:svade_access_ad_bit_clear)."""
    adue = 1 << 61
    for name, word in SHADOWS.items():
        ssp = PAGE if name == "pop" else PAGE + 8
        for used in (0, A, D, AD):
            enough = used & A != 0 if name == "pop" else used == AD
            h = execute(engines, word, pte=V | W | used, ssp=ssp)
            assert h.mcause == (15 if not enough else SOFTWARE_CHECK if name == "pop" else 0), (name, used)
            assert engines.read(LEAF) & AD == used
            h = execute(engines, word, pte=V | W | used, menvcfg=adue | SSE, ssp=ssp)
            assert h.mcause == (SOFTWARE_CHECK if name == "pop" else 0), (name, used)
            assert engines.read(LEAF) & AD == (used | A if name == "pop" else AD)


def test_user_pages(engines: Engines) -> None:
    """U and SUM as for any access (priv, Shadow Stack Memory Protection); the page fault comes first."""
    assert execute(engines, SSPUSH_RA, "HS", SHADOW | U).mcause == 15
    assert execute(engines, SSPUSH_RA, "HS", SHADOW | U, mstatus=1 << 18).mcause == 0
    assert execute(engines, ORDINARY["store"][0], "HS", SHADOW | U).mcause == 15
    assert execute(engines, SSPUSH_RA, "U", SHADOW).mcause == 0


def test_mxr_does_not_matter(engines: Engines) -> None:
    assert execute(engines, SSPUSH_RA, "HS", V | X | AD, mstatus=1 << 19).mcause == 7
    assert execute(engines, ORDINARY["load"][0], "HS", SHADOW, mstatus=1 << 19).x[10] == WAS


def test_pointers_may_not_look_like_shadow_stack_pages(engines: Engines) -> None:
    """W=1 alone is a leaf at any level: a superpage must be aligned."""
    for entry, cause in ((SHADOW | DATA >> 2, 15), (SHADOW | (RAM + 0x20_0000) >> 2, 0)):
        execute(engines, SSPUSH_RA, units=0)
        engines.write(TABLES[0], entry.to_bytes(8, "little"))
        assert engines.run(1, x1=LINK).mcause == cause
        assert (engines.read(RAM + 0x20_0000) == LINK) == (cause == 0)


@pytest.mark.parametrize("name", SHADOWS)
def test_pmp_must_allow_reading_and_writing(engines: Engines, name: str) -> None:
    """priv, Shadow Stack Memory Protection; also for a pop."""
    execute(engines, SHADOWS[name])
    for rwx in range(8):
        engines.begin("HS", satp=SV39, ssp=PAGE if name == "pop" else PAGE + 8, **ALL_SSE)
        engines.map(DATA, SHADOW)
        engines.write(DATA, NOISE)
        engines.code(CODE, [SHADOWS[name]], HIGHER)

        def protect(h: Hart, rwx: int = rwx) -> None:
            h.pmpaddr[0], h.pmpcfg[0] = DATA >> 2 | 1, 0x18 | rwx
            h.pmpaddr[1], h.pmpcfg[1] = (1 << 54) - 1, 0x1F
            h.pmp_stale = 1

        engines.each(protect)
        h = engines.run(1, x11=PAGE)
        fine = SOFTWARE_CHECK if name == "pop" else 0
        assert (h.mcause, h.mtval) == ((fine, 3 if fine else 0) if rwx & 3 == 3 else (7, PAGE)), rwx


@pytest.mark.parametrize("name", SHADOWS)
def test_devices_hold_no_shadow_stacks(engines: Engines, name: str) -> None:
    """norm:ssmp_ss_idempotent_memory."""
    execute(engines, SHADOWS[name])
    engines.begin("HS", satp=SV39, ssp=PAGE if name == "pop" else PAGE + 8, **ALL_SSE)
    engines.map(0x1000_0000, SHADOW)
    engines.code(CODE, [SHADOWS[name]], HIGHER)
    h = engines.run(1, x11=PAGE)
    assert (h.mcause, h.mtval) == (7, PAGE)


def test_swap_through_mprv(engines: Engines) -> None:
    """M-mode swaps with the rights of another mode; without SSE the page type is reserved there, too."""
    h = execute(engines, SSAMOSWAP_D, "M", satp=SV39, mstatus=1 << 17 | 1 << 11, menvcfg=SSE)
    assert (h.x[10], engines.read(DATA)) == (WAS, LINK)
    h = execute(engines, SSAMOSWAP_D, "M", satp=SV39, mstatus=1 << 17 | 1 << 11, menvcfg=0)
    assert (h.mcause, h.mtval) == (15, PAGE)
    h = execute(engines, SSAMOSWAP_D, "M", V | R | W | AD, satp=SV39, mstatus=1 << 17 | 1 << 11, menvcfg=0)
    assert (h.mcause, h.mtval) == (7, PAGE)


def test_watchpoints_see_them(engines: Engines) -> None:
    def forget(h: Hart) -> None:
        h.watch_hit = h.event = 0
        remove_watch(h, 0)

    for word, read, write, ssp in (
        (SSPUSH_RA, False, True, PAGE + 8), (SSPOPCHK_RA, True, False, PAGE),
        (SSAMOSWAP_D, True, False, PAGE), (SSAMOSWAP_D, False, True, PAGE),
    ):  # fmt: skip
        for there in (True, False):
            execute(engines, word, units=0, ssp=ssp)
            kind = hit_kind(read=read if there else not read, write=write if there else not write)
            engines.each(lambda h, kind=kind: add_watch(h, PAGE, 8, kind))  # type: ignore[misc]
            h = engines.run(1, x1=LINK)
            assert (h.watch_hit != 0) == (there or word == SSAMOSWAP_D)
            engines.each(forget)


def test_pointer_masking_acts_on_them(engines: Engines) -> None:
    """norm:pm_apply_explicit; xtval has the masked address."""
    tagged = PAGE + 8 | 0x7F << 57
    h = execute(engines, SSPUSH_RA, menvcfg=SSE | 2 << 32, ssp=tagged)
    assert (h.mcause, engines.read(DATA), h.ssp) == (0, LINK, tagged - 8)
    h = execute(engines, SSPUSH_RA, pte=V | R | W | AD, menvcfg=SSE | 2 << 32, ssp=tagged)
    assert (h.mcause, h.mtval, h.ssp) == (7, PAGE, tagged)


def test_a_push_into_code_counts(engines: Engines) -> None:
    """Decoded instructions under a shadow-stack page go when it is written."""
    nop, addi = encode("addi", rd=0, rs1=0, imm=0), encode("addi", rd=10, rs1=10, imm=1)
    engines.begin("HS", satp=SV39, ssp=PAGE + 0x10, **ALL_SSE)
    engines.map(CODE, SHADOW)
    engines.code(CODE, [nop, nop, nop, nop, SSPUSH_RA], HIGHER)
    engines.run(5, x1=addi << 32 | addi)
    engines.each(lambda h: setattr(h, "pc", CODE + 8 + HIGHER))
    assert engines.run(2, x10=0).x[10] == 2


def test_tinst_is_zero_but_for_a_swap(engines: Engines) -> None:
    """There is no transformation of the may-be-operations; an SSAMOSWAP is an atomic instruction (norm:H_trap_xtinst)."""
    for word in (SSPUSH_RA, C_SSPUSH_RA, SSPOPCHK_RA, SSAMOSWAP_D):
        h = execute(engines, word, "VS", V | R | W | AD, strict=0)
        assert (h.mcause, h.mtinst) == (7, SSAMOSWAP_D & ~(31 << 15) if word == SSAMOSWAP_D else 0)
