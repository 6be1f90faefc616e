# SPDX-License-Identifier: Apache-2.0
"""Who may access which CSR, and whether a refusal is an illegal or a virtual instruction."""

from __future__ import annotations

from typing import Any

import pytest

from core.csr.access import BANKED
from core.csr.registry import CSRS_BY_ADDRESS, CSRS_BY_NAME
from core.features import DEFAULT_FEATURES, Feature
from core.isa.zicsr import csrrc, csrrs, csrrsi, csrrw
from tests.unit.test_csr_support import (
    ALL,
    ILLEGAL,
    IMSIC,
    MODES,
    ONES,
    VIRTUAL,
    address,
    bit,
    cause,
    enter,
    make_hart,
    read,
    set_bits,
    traps,
    write,
    written,
)

TVM, VTVM, TM, STCE = bit("mstatus", "TVM"), bit("hstatus", "VTVM"), bit("mcounteren", "TM"), bit("menvcfg", "STCE")
SSE = bit("menvcfg", "SSE")

MATRIX: dict[str, tuple[str | int, dict[str, int]]] = {  # kind of CSR: (an example, cause by mode for reads)
    "unprivileged": ("cycle", {"M": 0, "HS": 0, "U": 0, "VS": 0, "VU": 0}),
    "supervisor": ("sscratch", {"M": 0, "HS": 0, "U": ILLEGAL, "VS": 0, "VU": VIRTUAL}),
    "supervisor without a twin": ("senvcfg", {"M": 0, "HS": 0, "U": ILLEGAL, "VS": 0, "VU": VIRTUAL}),
    "hypervisor": ("hstatus", {"M": 0, "HS": 0, "U": ILLEGAL, "VS": VIRTUAL, "VU": VIRTUAL}),
    "VS": ("vsscratch", {"M": 0, "HS": 0, "U": ILLEGAL, "VS": VIRTUAL, "VU": VIRTUAL}),
    "machine": ("mscratch", {"M": 0, "HS": ILLEGAL, "U": ILLEGAL, "VS": ILLEGAL, "VU": ILLEGAL}),
    "absent": (0x7C0, dict.fromkeys(MODES, ILLEGAL)),
    "absent, of hypervisor level": (0x6FF, dict.fromkeys(MODES, ILLEGAL)),
    "high half": (0x615, dict.fromkeys(MODES, ILLEGAL)),
    "debug": (0x7B0, dict.fromkeys(MODES, ILLEGAL)),
}


@pytest.mark.parametrize("kind", MATRIX)
@pytest.mark.parametrize("mode", MODES)
def test_access_matrix(kind: str, mode: str) -> None:
    csr, expected = MATRIX[kind]
    h = make_hart(mode, mcounteren=ONES, hcounteren=ONES, scounteren=ONES)
    assert cause(h, csr) == expected[mode]
    if kind != "unprivileged":
        assert cause(h, csr, write=True) == expected[mode]


@pytest.mark.parametrize("name", sorted(CSRS_BY_NAME.keys() - {"seed"}))  # which has rules of its own
def test_every_csr_obeys_the_privilege_in_its_address(name: str) -> None:
    csr = CSRS_BY_NAME[name]
    slots: dict[str, Any] = {"mcounteren": ONES, "hcounteren": ONES, "scounteren": ONES}
    slots |= {"henvcfg": STCE | SSE, "menvcfg": STCE | SSE, "senvcfg": SSE}
    h = make_hart(features=ALL, **slots | IMSIC)
    h.mstatus |= bit("mstatus", "FS")
    h.vsstatus |= bit("vsstatus", "FS")
    table = {0: (0, 0, 0, 0, 0), 1: (0, 0, 2, 0, 22), 2: (0, 0, 2, 22, 22), 3: (0, 2, 2, 2, 2)}[csr.privilege]
    assert tuple(cause(enter(h, mode), name) for mode in MODES) == table
    if csr.read_only:
        assert [cause(enter(h, mode), name, write=True) for mode in MODES] == [ILLEGAL] * 5


@pytest.mark.parametrize("csr", sorted(address for address in CSRS_BY_ADDRESS if address >> 8 & 3 == 2))
@pytest.mark.parametrize("mode", ["VS", "VU"])
def test_h021_hypervisor_and_vs_csrs_from_a_guest(csr: int, mode: str) -> None:
    """What HS-mode could do is a virtual instruction (norm:H_virtinst_vu_vs_nonhigh_allowedhs_tvm0)."""
    h = make_hart(mode, features=ALL, mcounteren=ONES, menvcfg=STCE, **IMSIC)
    for writes in (False, True):
        allowed_in_hs = cause(enter(h, "HS"), csr, writes) == 0
        assert allowed_in_hs == (not (writes and csr >> 10 == 3))
        assert cause(enter(h, mode), csr, writes) == (VIRTUAL if allowed_in_hs else ILLEGAL)


def test_h021_tvm_does_not_matter_for_hgatp_from_a_guest() -> None:
    assert cause(make_hart("VS", mstatus=TVM), "hgatp") == VIRTUAL


def test_h022_supervisor_csrs_from_vu() -> None:
    """norm:H_virtinst_vu_nonhigh_supervisor_allowedhs_tvm0."""
    h = make_hart("VU", mstatus=TVM)
    names = "sstatus sie stvec scounteren senvcfg sscratch sepc scause stval sip satp"
    assert {cause(h, name, writes) for name in names.split() for writes in (False, True)} == {VIRTUAL}
    assert cause(enter(h, "U"), "sstatus") == ILLEGAL


def test_h023_write_to_read_only_csr_is_illegal() -> None:
    """HS-mode could not do it either, so it is not virtual (norm:H_cause_virtual_instruction)."""
    h = make_hart("VS", mcounteren=ONES)
    assert [cause(h, name, write=True) for name in ("hgeip", "cycle", "time")] == [ILLEGAL] * 3
    assert cause(h, "hgeip") == VIRTUAL and cause(h, "time") == VIRTUAL
    assert cause(make_hart("M"), "mhartid", write=True) == ILLEGAL


@pytest.mark.parametrize("number", [0x615, 0x612, 0x61A, 0x31A, 0xC80, 0xC81, 0xC82, 0xB80, 0x15D, 0x25D, 0x310, 0x3A1])
@pytest.mark.parametrize("mode", MODES)
def test_h024_high_half_csrs_are_illegal(number: int, mode: str) -> None:
    """norm:H_illegal_high_half; the odd pmpcfg are not there either (norm:pmp_cfg_rv64_illegal)."""
    assert cause(make_hart(mode), number) == ILLEGAL


COUNTERS = {"cycle": 0, "time": 1, "instret": 2, "hpmcounter3": 3, "hpmcounter31": 31}


@pytest.mark.parametrize("name", COUNTERS)
@pytest.mark.parametrize("m", [0, 1])
@pytest.mark.parametrize("hs", [0, 1])
@pytest.mark.parametrize("s", [0, 1])
def test_h025_h026_counters(name: str, m: int, hs: int, s: int) -> None:
    """norm:H_virtinst_vs_nonhighctr_h0_m1, norm:H_virtinst_vu_nonhighctr_h0_s0_m1, norm:mcounteren_clr_ill_inst_exc."""
    n = COUNTERS[name]
    h = make_hart(mcounteren=m << n, hcounteren=hs << n, scounteren=s << n)
    expected = {
        "M": 0,
        "HS": 0 if m else ILLEGAL,
        "U": 0 if m and s else ILLEGAL,
        "VS": ILLEGAL if not m else 0 if hs else VIRTUAL,
        "VU": ILLEGAL if not m else 0 if hs and s else VIRTUAL,
    }
    assert {mode: cause(enter(h, mode), name) for mode in MODES} == expected


def test_h033_satp_from_vs_with_vtvm() -> None:
    """norm:H_virtinst_vs_sfence_sinval_satp_vtvm1; TVM does not act in VS-mode (norm:mstatus_modes)."""
    h = make_hart("VS", hstatus=VTVM)
    assert cause(h, "satp") == cause(h, "satp", write=True) == VIRTUAL
    assert cause(make_hart("VS", mstatus=TVM), "satp", write=True) == 0
    assert cause(make_hart("HS", hstatus=VTVM), "satp") == 0
    assert cause(make_hart("HS", mstatus=TVM), "satp") == ILLEGAL
    assert cause(make_hart("M", mstatus=TVM), "satp") == 0


def test_h034_hgatp_with_tvm() -> None:
    """norm:hgatp_tvm_illegal; vsatp is not affected (norm:mstatus_tvm_hs)."""
    h = make_hart("HS", mstatus=TVM)
    assert cause(h, "hgatp") == cause(h, "hgatp", write=True) == ILLEGAL
    assert cause(h, "vsatp", write=True) == 0
    assert cause(enter(h, "M"), "hgatp", write=True) == 0


def test_h035_fp_csrs_with_fs_off_are_illegal() -> None:
    """norm:H_illegalinst_xstatus_fs_vs: never virtual, whichever FS is off."""
    fs = bit("mstatus", "FS")
    for mode in ("VS", "VU"):
        assert cause(make_hart(mode, mstatus=0, vsstatus=fs), "fcsr") == ILLEGAL
        assert cause(make_hart(mode, mstatus=fs, vsstatus=0), "fcsr") == ILLEGAL
        assert cause(make_hart(mode, mstatus=fs, vsstatus=fs), "fcsr", write=True) == 0
    assert cause(make_hart("M"), "frm") == ILLEGAL
    assert cause(make_hart("M", features=DEFAULT_FEATURES & ~Feature.F, mstatus=fs), "fcsr") == ILLEGAL, "no F"


def test_h038_a_csr_instruction_that_does_not_write_needs_no_right_to() -> None:
    """norm:csrrs_csrrc_rs1_x0: CSRRS with x0 reads only, so that it may read a read-only CSR."""
    h = make_hart("M")
    h.hartid = 5
    csrrs(h, 10, 0, address("mhartid"))
    assert h.x[10] == 5
    csrrsi(h, 11, 0, address("mhartid"))
    csrrc(h, 12, 0, address("mhartid"))
    assert (h.x[11], h.x[12]) == (5, 5)
    traps(ILLEGAL, csrrs, h, 10, 11, address("mhartid"))
    traps(ILLEGAL, csrrw, h, 0, 0, address("mhartid"))
    vs = make_hart("VS", mcounteren=ONES)
    traps(VIRTUAL, csrrs, vs, 10, 0, address("time"))
    traps(ILLEGAL, csrrs, vs, 10, 11, address("time"))


def test_h039_supervisor_csrs_mean_the_vs_ones_when_v_is_1() -> None:
    """norm:H_vscsrs_sub, norm:H_scsrs_nomatch."""
    names = ["sstatus", "sie", "stvec", "sscratch", "sepc", "scause", "stval", "sip", "stimecmp", "satp"]
    names += ["siselect", "sireg", "stopei", "stopi"]
    assert sorted(CSRS_BY_ADDRESS[a].name for a in BANKED) == sorted(names)
    assert {a: CSRS_BY_ADDRESS[b].name for a, b in BANKED.items()} == {a: "v" + CSRS_BY_ADDRESS[a].name for a in BANKED}
    h = make_hart("VS", hideleg=0x444)
    for name in ("stvec", "sscratch", "sepc", "stval"):
        own = getattr(h, name)
        write(h, name, 0x1230)
        assert (getattr(h, name), getattr(h, "v" + name), read(h, name)) == (own, 0x1230, 0x1230)
    write(h, "satp", 8 << 60 | 5)
    write(h, "sstatus", bit("sstatus", "SUM"))
    write(h, "scause", 9)
    write(h, "sie", 0x222)
    assert (h.satp, h.vsatp, h.scause, h.vscause, h.mie) == (0, 8 << 60 | 5, 0, 9, 0x444)
    assert (h.mstatus & bit("mstatus", "SUM"), h.vsstatus & bit("vsstatus", "SUM")) == (0, bit("sstatus", "SUM"))
    write(h, "scounteren", 5)
    write(h, "senvcfg", 1)
    assert (h.scounteren, h.senvcfg) == (5, 1)


def test_h040_vs_csrs_by_their_own_number() -> None:
    """norm:H_vscsrs_acc_m_hs: from M- and HS-mode they are themselves, and supervisor CSRs are themselves too."""
    for mode in ("M", "HS"):
        h = make_hart(mode)
        write(h, "vsscratch", 7)
        write(h, "sscratch", 8)
        assert (read(h, "vsscratch"), read(h, "sscratch")) == (7, 8)


@pytest.mark.parametrize("m_tm", [0, TM])
@pytest.mark.parametrize("m_stce", [0, STCE])
@pytest.mark.parametrize("h_tm", [0, TM])
@pytest.mark.parametrize("h_stce", [0, STCE])
def test_h060_h064_stimecmp(m_tm: int, m_stce: int, h_tm: int, h_stce: int) -> None:
    """norm:mcounteren_tm_clr, norm:hcounteren_acc, norm:menvcfg_stce_op2, norm:henvcfg_stce."""
    h = make_hart(mcounteren=m_tm, menvcfg=m_stce, hcounteren=h_tm, henvcfg=h_stce)
    m_allows, h_allows = bool(m_tm and m_stce), bool(h_tm and h_stce)
    expected = {
        "M": 0,
        "HS": 0 if m_allows else ILLEGAL,
        "U": ILLEGAL,
        "VS": ILLEGAL if not m_allows else 0 if h_allows else VIRTUAL,
        "VU": VIRTUAL if m_allows else ILLEGAL,
    }
    assert {mode: cause(enter(h, mode), "stimecmp", write=True) for mode in MODES} == expected
    expected |= {"VS": VIRTUAL if m_allows else ILLEGAL}
    assert {mode: cause(enter(h, mode), "vstimecmp") for mode in MODES} == expected


def test_h020_without_h_its_csrs_are_not_there() -> None:
    """norm:misa_h_op."""
    h = make_hart()
    write(h, "misa", read(h, "misa") & ~bit("misa", "H"))
    names = [csr.name for csr in CSRS_BY_NAME.values() if csr.privilege == 2] + ["mtinst"]
    assert {cause(h, name) for name in names} == {ILLEGAL}
    assert cause(h, "stimecmp") == 0


def test_no_sstc_no_stimecmp() -> None:
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.SSTC)
    assert cause(h, "stimecmp") == cause(h, "vstimecmp") == ILLEGAL
    assert written(h, "menvcfg", STCE) == 0


def test_csrrs_on_mip_takes_only_the_latch_of_seip() -> None:
    """norm:mip_seip_rdcsr, norm:mip_seip_wrcsr."""
    h = make_hart(irq_lines=1 << 9)
    assert set_bits(h, "mip", 1 << 1) == 1 << 9
    assert h.mip == 1 << 1
    h.irq_lines = 0
    assert set_bits(h, "mip", 1 << 9) == 1 << 1
    assert read(h, "mip") == 1 << 9 | 1 << 1


def test_writes_end_the_slice_when_interrupts_may_change() -> None:
    for name in [
        "mstatus",
        "mie",
        "mip",
        "mideleg",
        "sstatus",
        "sie",
        "sip",
        "hvip",
        "hip",
        "hie",
        "hideleg",
        "vsstatus",
        "vsie",
        "vsip",
        "stimecmp",
    ]:
        h = make_hart()
        write(h, name, 0)
        assert (h.left, h.budget) == (1, 999), name
    h = make_hart()
    write(h, "mscratch", 0)
    assert h.left == 1000
