# SPDX-License-Identifier: Apache-2.0
"""Hypervisor CSRs: hstatus, delegation, hgatp and vsatp, henvcfg, counters, tolerances."""

from __future__ import annotations

import pytest

from core.csr.registry import read_csr
from core.features import DEFAULT_FEATURES, Feature
from core.tolerance import WARNINGS, Tolerance
from tests.unit.test_csr_support import ALL, ONES, bit, enter, field, make_hart, read, write, written

SV39, SV48, SV57 = 8, 9, 10
BARE_39 = DEFAULT_FEATURES & ~(Feature.SV48 | Feature.SV57)


def atp(mode: int, ppn: int, asid: int = 0) -> int:
    return mode << 60 | asid << 44 | ppn


def test_h015_what_can_be_delegated_to_a_guest() -> None:
    """norm:hedeleg_acc, norm:hideleg_acc: the table of hedeleg bits; bit 0 is free with C and writable here."""
    h = make_hart("HS")
    writable = {0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 15, 18, 19}
    assert written(h, "hedeleg", ONES) == sum(1 << n for n in writable)
    assert written(h, "hideleg", ONES) == 1 << 2 | 1 << 6 | 1 << 10 | 1 << 13
    assert written(h, "hedeleg", 0) == written(h, "hideleg", 0) == 0


def test_h037_virtual_instruction_cannot_be_delegated() -> None:
    """norm:hedeleg_acc; from M-mode to HS-mode it can."""
    assert written(make_hart("HS"), "hedeleg", 1 << 22) == 0
    assert written(make_hart(), "medeleg", 1 << 22) == 1 << 22


def test_guest_page_faults_and_vs_ecalls_can_go_to_hs() -> None:
    h = make_hart()
    for number in (10, 20, 21, 22, 23):
        assert written(h, "medeleg", 1 << number) == 1 << number


def test_h054_no_guest_external_interrupts_no_vgein() -> None:
    """norm:hstatus_vgein_op."""
    assert written(make_hart("HS"), "hstatus", 63 << 12) == 2 << 32


@pytest.mark.parametrize("strict", [False, True])
def test_h055_unsupported_hgatp_mode_does_not_void_the_write(strict: bool) -> None:
    """norm:hgatp_mode_warl: MODE keeps its value, VMID and PPN are written."""
    h = make_hart("HS", strict=strict)
    write(h, "hgatp", atp(SV39, 0x80004, 1))
    assert written(h, "hgatp", atp(15, 0x80008, 2)) == atp(SV39, 0x80008, 2)
    assert written(h, "hgatp", atp(1, 0x8000C, 3)) == atp(SV39, 0x8000C, 3)


@pytest.mark.parametrize("name", ["hgatp", "satp", "vsatp"])
def test_supported_modes(name: str) -> None:
    """norm:shgatpa_satp_hgatp_mode_support, norm:shvsatpa_satp_vsatp_modes: all three support the same."""
    h = make_hart("HS")
    held = {mode for mode in range(16) if written(h, name, mode << 60) >> 60 == mode}
    assert held == {0, SV39, SV48, SV57}
    h = make_hart("HS", features=BARE_39)
    assert {mode for mode in range(16) if written(h, name, mode << 60) >> 60 == mode} == {0, SV39}


def test_h056_hgatp_root_is_16_kib() -> None:
    """norm:hgatp_ppn_op: strict, PPN[1:0] reads as zero."""
    h = make_hart("HS")
    assert written(h, "hgatp", atp(SV39, 0x80007)) == atp(SV39, 0x80004)
    assert h.machine.warnings == []


def test_h056_tolerated_root_of_4_kib() -> None:
    h = make_hart("HS", strict=False)
    assert written(h, "hgatp", atp(SV48, 0x80004)) == atp(SV48, 0x80004)
    assert written(h, "hgatp", ONES) & 3 == 3, "the mode in force is Sv48x4"
    assert h.machine.warnings == [(Tolerance.GSTAGE_ROOT_4K, read(h, "hgatp"))]
    write(h, "hgatp", atp(SV39, 0x80001))
    assert len(h.machine.warnings) == 1, "one warning is enough"


def test_h056_probing_a_bare_hgatp_is_no_misuse() -> None:
    h = make_hart("HS", strict=False)
    assert written(h, "hgatp", atp(15, 7, 0x3FFF)) == atp(0, 4, 0x3FFF)
    assert h.machine.warnings == []


def test_h057_vmid_and_asid_width() -> None:
    """norm:hgatp_vmid_lsbs, norm:asidlen: 14 bits of VMID, 16 of ASID."""
    h = make_hart("HS")
    assert written(h, "hgatp", atp(SV39, 0) | 0xFFFF << 44) == atp(SV39, 0, 0x3FFF)
    assert written(h, "satp", atp(SV39, 0, 0xFFFF)) == atp(SV39, 0, 0xFFFF)
    assert written(h, "vsatp", atp(SV39, 0, 0xFFFF)) == atp(SV39, 0, 0xFFFF)


def test_h058_unsupported_satp_mode_voids_the_write() -> None:
    """norm:satp_mode_op_unsupported, norm:vsatp_mode_unsupported_v1, norm:vsatp_mode_unsupported_v0."""
    for mode, name in (("HS", "satp"), ("VS", "satp"), ("HS", "vsatp")):
        h = make_hart(mode)
        write(h, name, atp(SV39, 0x80000, 1))
        assert written(h, name, atp(11, 0x90000, 2)) == atp(SV39, 0x80000, 1)


def test_h059_vsepc_and_vscause() -> None:
    """norm:vsepc_warl, norm:vscause_wlrl."""
    h = make_hart("HS")
    assert written(h, "vsepc", 0x8000_0003) == 0x8000_0002
    for value in range(32):
        assert written(h, "vscause", value) == value
        assert written(h, "vscause", 1 << 63 | value) == 1 << 63 | value


def test_h060_h062_hcounteren_and_htimedelta_exist() -> None:
    """norm:hcounteren_warl, norm:time_htimedelta_req; norm:shcounterenw_hpmcounter_hcounteren."""
    h = make_hart("HS")
    assert written(h, "hcounteren", ONES) == 0xFFFF_FFFF
    assert written(h, "htimedelta", ONES) == ONES


def test_h066_henvcfg_is_limited_by_menvcfg() -> None:
    """norm:menvcfg_adue_henvcfg_adue_rdonly0, norm:menvcfg_pbmte_henvcfg_pbmte_rdonly0, norm:menvcfg_stce_op2."""
    parental = 7 << 61
    h = make_hart(features=ALL)
    assert written(h, "henvcfg", ONES) & parental == 0
    write(h, "menvcfg", ONES)
    assert read(h, "henvcfg") & parental == 0, "nothing had been set"
    for name in ("STCE", "PBMTE", "ADUE"):
        mask = bit("menvcfg", name)
        write(h, "menvcfg", mask)
        assert written(h, "henvcfg", ONES) & parental == mask
        write(h, "menvcfg", 0)
        assert read(h, "henvcfg") & parental == 0
    write(h, "menvcfg", ONES)
    assert read(h, "henvcfg") & parental == parental, "what was set shows again"


def test_h067_environment_fields_depend_on_extensions() -> None:
    """norm:henvcfg_fiom_op, norm:henvcfg_cbie, norm:henvcfg_cbcfe, norm:henvcfg_cbze."""
    for name in ("menvcfg", "henvcfg", "senvcfg"):
        h = make_hart(features=DEFAULT_FEATURES & ~(Feature.ZICBOM | Feature.ZICBOZ))
        assert written(h, name, 0xFF) == 1
        h = make_hart(features=ALL)
        assert written(h, name, 0xFF) & ~0xC == 0xF1, "without LPE and SSE"
        assert written(h, name, 0x20) & 0x30 == 0x30, "CBIE=2 is reserved"


def test_htinst_read_by_a_hypervisor_is_worth_a_warning() -> None:
    h = make_hart("HS", strict=False, htinst=0x3000)
    assert (read(h, "htinst"), h.machine.warnings) == (0x3000, []), "a pseudoinstruction is guaranteed"
    h.htinst = 0x2003
    assert read_csr(h, "htinst") == 0x2003 and h.machine.warnings == []
    assert read(h, "htinst") == read(h, "htinst") == 0x2003
    assert h.machine.warnings == [(Tolerance.HTINST_ALWAYS, 0x2003)]


def test_software_that_sets_adue_needs_no_warning() -> None:
    h = make_hart(strict=False)
    adue = bit("menvcfg", "ADUE")
    write(h, "henvcfg", 0)
    write(h, "henvcfg", adue)
    assert h.warned == 1 << Tolerance.AD_UPDATE_VS
    write(h, "menvcfg", 0)
    write(h, "menvcfg", adue)
    assert h.warned == 1 << Tolerance.AD_UPDATE_VS | 1 << Tolerance.AD_UPDATE_S | 1 << Tolerance.AD_UPDATE_G


def test_every_tolerance_has_a_text() -> None:
    assert set(WARNINGS) == set(Tolerance)
    assert all("{detail:#x}" in text and "norm:" in text and "\n" not in text for text in WARNINGS.values())
    assert all("0x12" in text.format(detail=0x12) for text in WARNINGS.values())


def test_h043_vsstatus_and_sstatus_are_apart() -> None:
    """norm:vsstatus_v0: writing one through the guest leaves the other."""
    h = make_hart("VS")
    write(h, "sstatus", bit("sstatus", "SIE") | bit("sstatus", "MXR"))
    enter(h, "HS")
    assert (field(h, "sstatus", "SIE"), field(h, "sstatus", "MXR")) == (0, 0)
    assert (field(h, "vsstatus", "SIE"), field(h, "vsstatus", "MXR")) == (1, 1)


@pytest.mark.parametrize(("csr", "lsb"), [("menvcfg", 32), ("henvcfg", 32), ("senvcfg", 32), ("hstatus", 48), ("mseccfg", 32)])
def test_h111_no_pointer_masking_without_its_extensions(csr: str, lsb: int) -> None:
    """norm:henvcfg_pmm_op: without Ssnpm, Smnpm and Smmpm every PMM field is read-only zero."""
    h = make_hart(features=DEFAULT_FEATURES & ~(Feature.SSNPM | Feature.SMNPM | Feature.SMMPM) | Feature.SMEPMP)
    for mode in range(4):
        assert written(h, csr, mode << lsb) >> lsb & 3 == 0
