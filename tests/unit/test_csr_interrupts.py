# SPDX-License-Identifier: Apache-2.0
"""mip, mie and their views: which bit is which, what can be written, what comes from timers and lines."""

from __future__ import annotations

import pytest

from core.csr.registry import CSRS_BY_NAME
from core.features import DEFAULT_FEATURES, Feature
from core.trap.causes import Interrupt
from core.trap.interrupts import set_line
from tests.unit.test_csr_support import ONES, bit, enter, make_hart, read, write, written

SSI, VSSI, MSI, STI, VSTI, MTI, SEI, VSEI, MEI, SGEI, LCOFI = (1 << i for i in (1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 13))
STCE = bit("menvcfg", "STCE")


def test_bits_are_the_interrupt_numbers() -> None:
    """norm:mip_mie_enc_txt."""
    for name in ("mip", "mie", "sip", "sie", "hip", "hie", "hvip", "mideleg", "hideleg"):
        for field in CSRS_BY_NAME[name].fields:
            assert field.mask == 1 << Interrupt[field.name.removesuffix("P").removesuffix("E")], field


def test_mip_latches() -> None:
    """norm:mip_ssip_acc, norm:mip_seip_acc, norm:mip_stip_no_stimecmp_acc, norm:mip_lcofip_acc; the others are read-only."""
    h = make_hart()
    assert written(h, "mip", ONES) == SSI | VSSI | STI | SEI | LCOFI
    assert written(h, "mip", 0) == 0


def test_mip_stip_with_sstc() -> None:
    """norm:mip_stip_stimecmp_acc: STIP shows stimecmp alone while menvcfg.STCE=1, and the latch again after."""
    h = make_hart()
    write(h, "mip", STI)
    write(h, "menvcfg", STCE)
    assert read(h, "mip") == 0
    write(h, "mip", STI)
    assert read(h, "mip") == 0
    write(h, "stimecmp", 0)
    assert read(h, "mip") == STI
    assert written(h, "mip", 0) == STI
    write(h, "stimecmp", 1)
    assert read(h, "mip") == 0
    write(h, "menvcfg", 0)
    assert read(h, "mip") == STI, "norm:menvcfg_stce_op2"


def test_lines() -> None:
    """norm:mip_meip_rdonly, norm:mip_msip_rdonly, norm:intr_sei_op."""
    h = make_hart(mideleg=0x666)
    for interrupt in (Interrupt.MEI, Interrupt.MSI, Interrupt.SEI):
        set_line(h, interrupt, True)
    assert read(h, "mip") == MEI | MSI | SEI
    assert h.left == 1
    write(h, "mip", 0)
    assert read(h, "mip") == MEI | MSI | SEI
    assert read(h, "sip") == SEI
    write(h, "sip", 0)
    assert read(h, "sip") == SEI, "norm:sip_seip_sie_seie"
    set_line(h, Interrupt.SEI, False)
    set_line(h, Interrupt.MEI, False)
    assert read(h, "mip") == MSI


def test_mtip_compares() -> None:
    """norm:mip_mtip_rdonly."""
    h = make_hart(mtimecmp=5, idle=49)
    assert read(h, "mip") == 0
    h.idle = 50
    assert read(h, "mip") == MTI
    h.time_offset = ONES
    assert read(h, "mip") == 0


@pytest.mark.parametrize("delegated", [0, SSI, STI, SEI, SSI | STI | SEI])
def test_sip_and_sie_show_what_is_delegated(delegated: int) -> None:
    """norm:sip_sie; bits that mideleg does not delegate are read-only zero."""
    h = make_hart(mip=SSI | STI | SEI, mie=0xEEE)
    write(h, "mideleg", delegated)
    assert read(h, "sip") == read(h, "sie") == delegated
    write(h, "sip", 0)
    assert read(h, "mip") == (SSI | STI | SEI) & ~(SSI & delegated)
    write(h, "sie", 0)
    assert read(h, "mie") == 0xEEE & ~delegated
    write(h, "sip", ONES)
    assert read(h, "mip") & SSI == SSI


def test_h045_hvip_and_hip() -> None:
    """norm:hip_vssip_vssie_op, norm:hip_vstip_vstie_acc_op, norm:hip_vseip_vseie_op."""
    h = make_hart("HS")
    write(h, "hvip", VSSI | VSTI | VSEI)
    assert read(h, "hip") == read(h, "hvip") == VSSI | VSTI | VSEI
    assert (h.mip, h.hvip) == (VSSI, VSTI | VSEI), "one latch for each"
    write(h, "hip", 0)
    assert read(h, "hip") == read(h, "hvip") == VSTI | VSEI, "VSSIP is one bit under two names"
    write(h, "hip", VSSI)
    assert read(h, "hvip") == VSSI | VSTI | VSEI
    write(h, "hvip", 0)
    assert read(h, "hip") == read(enter(h, "M"), "mip") == 0


def test_h046_read_only_bits_of_hip() -> None:
    """norm:hip_acc, norm:hvip_acc."""
    h = make_hart("HS", geilen=3)
    assert written(h, "hip", ONES) == VSSI
    assert written(h, "hvip", ONES) == VSSI | VSTI | VSEI
    assert read(h, "hip") == VSSI | VSTI | VSEI


def test_h047_mip_and_mie_alias_hip_and_hie() -> None:
    """norm:mip_mie_alias."""
    h = make_hart(geilen=1)
    h.mideleg = 0x1444
    write(h, "mie", VSSI | VSEI | MEI)
    assert read(h, "hie") == VSSI | VSEI
    write(h, "hie", VSTI | SGEI | SSI | MSI)
    assert read(h, "mie") == VSTI | SGEI | MEI, "hie reaches only its own bits"
    write(h, "mip", VSSI)
    assert read(h, "hip") == read(h, "hvip") == VSSI
    write(h, "hvip", VSTI)
    assert read(h, "mip") == VSTI
    write(h, "mip", 0)
    assert read(h, "mip") == VSTI, "VSTIP is read-only in mip as it is in hip"


def test_h048_vs_level_interrupts_are_always_delegated() -> None:
    """norm:mideleg_acc_h."""
    h = make_hart()
    assert written(h, "mideleg", 0) == VSSI | VSTI | VSEI
    h.geilen = 5
    assert written(h, "mideleg", 0) == VSSI | VSTI | VSEI | SGEI
    assert written(h, "mideleg", ONES) == VSSI | VSTI | VSEI | SGEI | SSI | STI | SEI | LCOFI
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.H)
    assert written(h, "mideleg", 0) == 0


@pytest.mark.parametrize("delegated", [0, VSSI, VSTI, VSEI, VSSI | VSTI | VSEI])
@pytest.mark.parametrize("mode", ["HS", "VS"])
def test_h049_vsip_and_vsie_are_hip_and_hie_shifted(delegated: int, mode: str) -> None:
    """norm:vsip_vsie_sei, norm:vsip_vsie_sti, norm:vsip_vsie_ssi: read-only zero where hideleg is 0, from HS-mode too."""
    names = ("vsip", "vsie") if mode == "HS" else ("sip", "sie")
    h = make_hart(hideleg=delegated, mip=VSSI, hvip=VSTI | VSEI, mie=VSSI | VSTI | VSEI | SEI)
    enter(h, mode)
    assert read(h, names[0]) == read(h, names[1]) == delegated >> 1
    write(h, names[1], 0)
    assert h.mie == (VSSI | VSTI | VSEI) & ~delegated | SEI
    write(h, names[1], ONES)
    assert h.mie == VSSI | VSTI | VSEI | SEI
    write(h, names[0], 0)
    assert (h.mip, h.hvip) == (VSSI & ~delegated, VSTI | VSEI)
    write(h, names[0], ONES)
    assert (h.mip, h.hvip) == (VSSI, VSTI | VSEI)


def test_h050_a_guest_writing_sip_ssip_sets_hip_vssip() -> None:
    """norm:vsip_vsie_ssi."""
    h = make_hart("VS", hideleg=VSSI)
    write(h, "sip", SSI)
    assert read(h, "sip") == SSI
    enter(h, "HS")
    assert (read(h, "vsip"), read(h, "hip"), read(h, "hvip"), read(h, "sip")) == (SSI, VSSI, VSSI, 0)


def test_h052_hvip_does_not_depend_on_hideleg() -> None:
    """norm:hvip_sz_op."""
    for hideleg in (0, 0x444):
        h = make_hart("HS", hideleg=hideleg)
        assert written(h, "hvip", ONES) == VSSI | VSTI | VSEI


def test_h054_guest_external_interrupts() -> None:
    """norm:geilen, norm:hgeie_op, norm:hip_sgeip_sgeie_acc_op, norm:hip_vseip_vseie_op, norm:hstatus_vgein_op."""
    h = make_hart("HS", geilen=4)
    h.mideleg |= SGEI
    assert written(h, "hgeie", ONES) == 0b11110
    write(h, "hgeie", 0b00100)
    h.hgeip = 0b01000
    assert read(h, "hgeip") == 0b01000
    assert read(h, "hip") == 0
    h.hgeip = 0b00100
    assert read(h, "hip") == SGEI
    write(h, "hstatus", 2 << 12)
    assert read(h, "hip") == SGEI | VSEI
    write(h, "hgeie", 0)
    assert read(h, "hip") == VSEI, "hgeie has no say in VSEIP"
    write(h, "hstatus", 3 << 12)
    assert read(h, "hip") == 0
    write(h, "hstatus", 5 << 12)
    assert read(h, "hstatus") >> 12 & 63 == 3, "beyond GEILEN"
    for geilen, mask in ((0, 0), (1, 2), (63, ONES - 1)):
        assert written(make_hart("HS", geilen=geilen), "hgeie", ONES) == mask


def test_h061_guest_time() -> None:
    """norm:htimedelta_sz_acc_op."""
    h = make_hart(mcounteren=ONES, hcounteren=ONES, scounteren=ONES, idle=1000)
    write(h, "htimedelta", ONES - 9)
    assert {mode: read(enter(h, mode), "time") for mode in ("M", "HS", "U", "VS", "VU")} == {
        "M": 100,
        "HS": 100,
        "U": 100,
        "VS": 90,
        "VU": 90,
    }


@pytest.mark.parametrize("delta", [0, 50, -50])
def test_h063_vstip_compares_guest_time(delta: int) -> None:
    """norm:hip_vstip_op: time + htimedelta against vstimecmp, visible with V=0; hvip.VSTIP is ORed."""
    h = make_hart("HS", menvcfg=STCE, henvcfg=STCE, mcounteren=2, htimedelta=delta & ONES, idle=1000)
    write(h, "vstimecmp", 100 + delta + 1)
    assert read(h, "hip") == 0
    h.idle += 10
    assert read(h, "hip") == VSTI
    assert read(h, "hvip") == 0
    write(h, "vstimecmp", ONES)
    assert read(h, "hip") == 0
    write(h, "hvip", VSTI)
    assert read(h, "hip") == VSTI


def test_h063_guest_time_wraps_around() -> None:
    h = make_hart("HS", menvcfg=STCE, henvcfg=STCE, htimedelta=ONES - 4, vstimecmp=ONES - 2)
    assert read(h, "hip") == 0
    h.idle = 20
    assert read(h, "hip") == VSTI
    h.idle = 50
    assert read(h, "hip") == 0


def test_h064_without_stce_vstip_is_hvip_alone() -> None:
    """norm:henvcfg_stce, norm:menvcfg_stce_op2."""
    for menvcfg, henvcfg in ((0, STCE), (STCE, 0)):
        h = make_hart("HS", menvcfg=menvcfg, henvcfg=henvcfg, vstimecmp=0)
        assert read(h, "hip") == 0
        write(h, "hvip", VSTI)
        assert read(h, "hip") == VSTI


def test_mie_bits_that_exist() -> None:
    """norm:mie_bits_wr, norm:mie_bits_rdonly0."""
    assert written(make_hart(), "mie", ONES) == 0x2EEE
    assert written(make_hart(features=DEFAULT_FEATURES & ~Feature.H), "mie", ONES) == 0x2AAA
    assert written(make_hart(geilen=1), "mie", ONES) == 0x3EEE
