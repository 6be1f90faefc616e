# SPDX-License-Identifier: Apache-2.0
"""Pointer masking (priv, Pointer Masking Extensions): which accesses, by whose setting, and what becomes of addresses."""

from __future__ import annotations

import pytest

from core.csr.registry import CSRS_BY_NAME, write_csr
from core.hart import Hart
from core.isa.decode import encode
from core.mmu.fence import sfence_vma
from core.mmu.watch import ON_WRITE, add_watch
from tests.support.engines import LEAF, MODES, PAGE, RAM, SV39, Engines
from tests.unit.test_csr_support import ONES, make_hart, write, written

FIELDS = {"senvcfg": 32, "menvcfg": 32, "henvcfg": 32, "mseccfg": 32, "hstatus": 48}
"""Where PMM (HUPMM) is."""
GOVERNS = {"M": "mseccfg", "HS": "menvcfg", "U": "senvcfg", "VS": "henvcfg", "VU": "senvcfg"}
LENGTHS = {2: 7, 3: 16}
OTHERS_OFF = dict.fromkeys(GOVERNS.values(), 0)
DATA = RAM + 0x2000
FS, MXR, MPRV, SPVP = 1 << 13, 1 << 19, 1 << 17, 1 << 8
VALUE = 0x1122_3344_5566_7788
LOAD_MISALIGNED, LOAD_FAULT, STORE_FAULT, FETCH_PAGE_FAULT, LOAD_PAGE_FAULT = 4, 5, 7, 12, 13
LD, SD = encode("ld", rd=10, rs1=11, imm=0), encode("sd", rs1=11, rs2=12, imm=0)


@pytest.fixture(scope="module")
def engines() -> Engines:
    return Engines()


def tag(length: int, value: int = 0x55AA) -> int:
    """Something in the upper bits, among them the highest and the lowest of them."""
    ends = 1 << 63 | 1 << (64 - length)
    return (value << 48 | ends) & (ONES << (64 - length)) & ONES


def begin(engines: Engines, mode: str, code: list[int], *, paged: int = 0, **settings: int) -> None:
    """Code in a mode, VALUE at DATA and, paged, at PAGE; settings: PMM by CSR, or slots."""
    pmm = {f"{name}": value << FIELDS[name] for name, value in settings.items() if name in FIELDS}
    slots = {name: value for name, value in settings.items() if name not in FIELDS}
    if "hstatus_bits" in slots:
        pmm["hstatus"] = pmm.get("hstatus", 0) | slots.pop("hstatus_bits")
    slots = {"mstatus": FS, "vsstatus": FS, "mtvec": RAM + 0x800} | slots
    if paged:
        slots |= {"vsatp": SV39} if MODES[mode][1] else {"satp": SV39}
    engines.begin(mode, **slots)
    engines.map(DATA, 0xDF)
    for machine in engines.machines:
        for name, value in pmm.items():
            write_csr(machine.harts[0], name, value)
    engines.write(DATA, VALUE.to_bytes(8, "little") + bytes(120))
    engines.code(RAM, code, above=0x4000_0000 if paged and mode in ("HS", "VS") else 0)


def trapped(h: Hart) -> tuple[int, int]:
    """(cause, tval) of the trap that went to M-mode."""
    assert h.mode == 3
    return h.mcause, h.mtval


def test_fields_hold_what_there_is() -> None:
    """norm:menvcfg_pmm_enc, norm:mseccfg_pmm_enc: 1 is reserved and leaves the old value."""
    h = make_hart()
    for name, lsb in FIELDS.items():
        for value in (2, 3, 0, 3):
            assert written(h, name, value << lsb) >> lsb & 3 == value
        assert written(h, name, 1 << lsb) >> lsb & 3 == 3


@pytest.mark.parametrize("setting", LENGTHS)
@pytest.mark.parametrize("mode", MODES)
def test_each_mode_has_its_setting(engines: Engines, mode: str, setting: int) -> None:
    """norm:pm_per_mode_control, norm:ssnpm_definition, norm:smnpm_definition, norm:smmpm_definition; addresses here are
    physical or guest physical ones."""
    pointer = DATA | tag(LENGTHS[setting])
    begin(engines, mode, [LD, SD, LD], **{GOVERNS[mode]: setting})
    h = engines.run(3, x11=pointer, x12=77)
    assert (h.mcause, h.x[10], engines.read(DATA)) == (0, 77, 77)
    begin(engines, mode, [LD], **{name: setting for name in GOVERNS.values() if name != GOVERNS[mode]})
    assert trapped(engines.run(1, x11=pointer)) == (LOAD_FAULT, pointer)


@pytest.mark.parametrize("setting", LENGTHS)
@pytest.mark.parametrize("mode", ["HS", "U", "VS", "VU"])
def test_virtual_addresses_are_sign_extended(engines: Engines, mode: str, setting: int) -> None:
    """norm:pm_ignore_va; what a fault tells has been masked (norm:pm_csr_hw_apply)."""
    length = LENGTHS[setting]
    settings = {GOVERNS[mode]: setting}
    if mode in ("U", "VU"):
        begin(engines, mode, [LD], paged=1, **settings)
        assert engines.run(1, x11=PAGE | tag(length)).x[10] == VALUE
    begin(engines, mode, [LD], paged=1, **settings)
    assert trapped(engines.run(1, x11=0x7000_0000 | tag(length))) == (LOAD_PAGE_FAULT, 0x7000_0000)
    begin(engines, mode, [LD], paged=1, **settings)
    low = 1 << (63 - length)
    assert trapped(engines.run(1, x11=low | 0x123 << length)) == (LOAD_PAGE_FAULT, -low & ONES | low | 0x123 << length)


@pytest.mark.parametrize("setting", LENGTHS)
def test_physical_addresses_are_zero_extended(engines: Engines, setting: int) -> None:
    """norm:pm_ignore_pa: also where the highest bit left is 1."""
    length = LENGTHS[setting]
    begin(engines, "M", [LD], mseccfg=setting)
    high = 1 << (63 - length)
    assert trapped(engines.run(1, x11=high | tag(length))) == (LOAD_FAULT, high)


ACCESSES = {
    "lb": encode("lb", rd=10, rs1=11, imm=0),
    "fld": encode("fld", rd=10, rs1=11, imm=0),
    "fsw": encode("fsw", rs1=11, rs2=12, imm=0),
    "amoadd.d": encode("amoadd.d", rd=10, rs1=11, rs2=12, aq=0, rl=0),
    "amocas.d": encode("amocas.d", rd=10, rs1=11, rs2=12, aq=0, rl=0),
    "lr.w": encode("lr.w", rd=10, rs1=11, aq=0, rl=0),
    "cbo.zero": encode("cbo.zero", rs1=11),
    "cbo.flush": encode("cbo.flush", rs1=11),
}


@pytest.mark.parametrize("name", ACCESSES)
def test_every_explicit_access_is_masked(engines: Engines, name: str) -> None:
    """norm:pm_apply_explicit; cache-block operations too (priv, Memory Accesses Subject to Pointer Masking)."""
    begin(engines, "M", [ACCESSES[name]] * 2, mseccfg=2)
    assert engines.run(2, x11=DATA | tag(7)).mcause == 0
    begin(engines, "M", [ACCESSES[name]], mseccfg=0)
    assert engines.run(1, x11=DATA | tag(7)).mcause in (LOAD_FAULT, STORE_FAULT)


def test_sc_and_lr_may_have_different_tags(engines: Engines) -> None:
    code = [encode("lr.d", rd=10, rs1=11, aq=0, rl=0), encode("sc.d", rd=13, rs1=14, rs2=12, aq=0, rl=0)]
    begin(engines, "M", code, mseccfg=2)
    h = engines.run(2, x11=DATA | 5 << 57, x12=99, x13=7, x14=DATA | 9 << 57)
    assert (h.x[10], h.x[13], engines.read(DATA)) == (VALUE, 0, 99)


def test_misaligned_accesses(engines: Engines) -> None:
    """norm:pm_misaligned_equivalence: each byte is masked by itself, across pages and at the very end of the tag."""
    edge = RAM + 0x3000
    begin(engines, "M", [LD, SD, LD], mseccfg=2)
    engines.write(edge - 3, bytes(range(1, 9)))
    h = engines.run(3, x11=(edge - 3) | tag(7), x12=VALUE)
    assert h.x[10] == engines.read(edge - 3) == VALUE
    begin(engines, "M", [encode("lr.d", rd=10, rs1=11, aq=0, rl=0)], mseccfg=2)
    assert trapped(engines.run(1, x11=DATA + 4 | tag(7))) == (LOAD_MISALIGNED, DATA + 4)
    begin(engines, "M", [LD], mseccfg=2)
    last = (1 << 57) - 4
    assert trapped(engines.run(1, x11=last | 1 << 63)) == (LOAD_FAULT, last)


def test_fetches_are_not_masked(engines: Engines) -> None:
    """norm:pm_not_apply_implicit, norm:pm_no_trap_vector_mask."""
    begin(engines, "U", [encode("jalr", rd=1, rs1=11, imm=0)], paged=1, senvcfg=2)
    assert trapped(engines.run(2, x11=RAM | tag(7))) == (FETCH_PAGE_FAULT, RAM | tag(7))


def test_no_masking_while_mxr_acts(engines: Engines) -> None:
    """norm:pm_mxr_exception: below M-mode, translation or not; a guest's MXR is that of either level."""
    pointer = DATA | tag(7)
    for mode, status in (("HS", "mstatus"), ("U", "mstatus"), ("VS", "mstatus"), ("VS", "vsstatus"), ("VU", "vsstatus")):
        begin(engines, mode, [LD], **{GOVERNS[mode]: 2, status: MXR})
        assert trapped(engines.run(1, x11=pointer)) == (LOAD_FAULT, pointer), (mode, status)
    for mode, status in (("M", "mstatus"), ("U", "vsstatus")):
        begin(engines, mode, [LD], **{GOVERNS[mode]: 2, status: MXR})
        assert engines.run(1, x11=pointer).x[10] == VALUE, (mode, status)


@pytest.mark.parametrize("mode", ["HS", "U", "VS", "VU"])
def test_mprv_brings_the_setting_of_its_mode(engines: Engines, mode: str) -> None:
    """norm:pm_mprv_spvp."""
    priv, v = MODES[mode]
    status = MPRV | priv << 11 | v << 39
    pointer = DATA | tag(7)
    begin(engines, "M", [LD], mstatus=status, **{GOVERNS[mode]: 2})
    assert engines.run(1, x11=pointer).x[10] == VALUE
    begin(engines, "M", [LD], mstatus=status, mseccfg=2)
    assert trapped(engines.run(1, x11=pointer)) == (LOAD_FAULT, pointer)


@pytest.mark.parametrize("mode", ["M", "HS", "U"])
@pytest.mark.parametrize("spvp", [0, SPVP])
def test_h111_hlv_and_hsv_go_by_the_guests_setting(engines: Engines, mode: str, spvp: int) -> None:
    """norm:henvcfg_pmm_op, norm:pm_mprv_spvp: as VS-mode henvcfg.PMM, as VU-mode senvcfg.PMM, or HUPMM from U-mode."""
    governing = "henvcfg" if spvp else "hstatus" if mode == "U" else "senvcfg"
    hlv, hsv = encode("hlv.d", rd=10, rs1=11), encode("hsv.d", rs1=11, rs2=12)
    pointer = DATA | tag(7)
    bits = spvp | 1 << 9  # HU
    begin(engines, mode, [hlv, hsv], hstatus_bits=bits, **{governing: 2})
    h = engines.run(2, x11=pointer, x12=5)
    assert (h.mcause, h.x[10], engines.read(DATA)) == (0, VALUE, 5)
    others = {name: 2 for name in FIELDS if name != governing}
    begin(engines, mode, [hlv], hstatus_bits=bits, **others)
    assert trapped(engines.run(1, x11=pointer)) == (LOAD_FAULT, pointer)


def test_h111_hlvx_is_never_masked(engines: Engines) -> None:
    """The manual names HLV and HSV only (priv, Hypervisor Status Register, HUPMM)."""
    pointer = DATA | tag(7)
    for mode, spvp in (("HS", 0), ("HS", SPVP), ("U", 0)):
        everything = dict.fromkeys(FIELDS, 2)
        begin(engines, mode, [encode("hlvx.wu", rd=10, rs1=11)], hstatus_bits=spvp | 1 << 9, **everything)
        assert trapped(engines.run(1, x11=pointer)) == (LOAD_FAULT, pointer)


def test_h111_no_masking_of_hlv_while_mxr_acts(engines: Engines) -> None:
    """norm:pm_mxr_exception."""
    pointer = DATA | tag(7)
    for status in ("mstatus", "vsstatus"):
        begin(engines, "U", [encode("hlv.d", rd=10, rs1=11)], hstatus_bits=1 << 9, hstatus=2, **{status: MXR})
        assert trapped(engines.run(1, x11=pointer)) == (LOAD_FAULT, pointer)


def test_a_change_takes_effect_at_once(engines: Engines) -> None:
    """norm:senvcfg_pmm_immediate: what is cached under one setting is not used under another."""
    csrw = encode("csrrw", rd=0, rs1=12, csr=CSRS_BY_NAME["mseccfg"].address)
    begin(engines, "M", [LD, csrw, LD], mseccfg=2)
    h = engines.run(3, x11=DATA | tag(7), x12=0)
    assert trapped(h) == (LOAD_FAULT, DATA | tag(7)) and h.mepc == RAM + 8
    begin(engines, "M", [LD, csrw, LD], mseccfg=3)
    assert trapped(engines.run(3, x11=DATA | tag(16), x12=2 << 32)) == (LOAD_FAULT, (DATA | tag(16)) & (1 << 57) - 1)


def test_a_fence_drops_what_tagged_pointers_found(engines: Engines) -> None:
    """Fences take addresses as they are, and those the page tables know."""
    begin(engines, "U", [LD, LD, LD], paged=1, senvcfg=2)
    assert engines.run(1, x11=PAGE | tag(7)).x[10] == VALUE
    engines.write(LEAF, bytes(8))
    assert engines.run(1).x[10] == VALUE and engines.hart.mcause == 0, "still cached"
    engines.each(lambda h: sfence_vma(h, PAGE, 0, True, False))
    assert trapped(engines.run(1)) == (LOAD_PAGE_FAULT, PAGE)


def test_code_changed_through_a_tagged_pointer(engines: Engines) -> None:
    nop, new = encode("addi", rd=0, rs1=0, imm=0), encode("addi", rd=10, rs1=0, imm=42)
    sw = encode("sw", rs1=11, rs2=12, imm=0)
    begin(engines, "M", [nop, nop, sw, encode("jal", rd=0, imm=-8)], mseccfg=2)
    assert engines.run(7, x11=(RAM + 4) | tag(7), x12=new, x10=0).x[10] == 42


def test_watchpoints_see_the_masked_address(engines: Engines) -> None:
    """norm:pm_debug_trigger, for our own watchpoints."""
    begin(engines, "M", [SD, SD], mseccfg=2)
    engines.each(lambda h: add_watch(h, DATA, 8, ON_WRITE, 0))
    h = engines.run(1, x11=DATA | tag(7))
    assert (h.watch_hit, h.watch_va) == (1, DATA)


def test_csrs_hold_addresses_as_written() -> None:
    """norm:pm_no_csr_sw."""
    h = make_hart(mseccfg=2 << 32)
    write(h, "mepc", DATA | tag(7))
    assert h.mepc == DATA | tag(7)
