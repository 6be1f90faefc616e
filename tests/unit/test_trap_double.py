# SPDX-License-Identifier: Apache-2.0
"""Ssdbltrp: double traps of S- and VS-mode go to M-mode. Rules 108 to 110 of the hypervisor checklist."""

from __future__ import annotations

import pytest

from core.features import DEFAULT_FEATURES, Feature
from core.hart import Hart
from core.trap.causes import Cause
from core.trap.interrupts import take_interrupt
from core.trap.ret import do_mret, do_sret
from tests.unit.test_csr_support import (
    ILLEGAL,
    INTERRUPT,
    ONES,
    bit,
    cause,
    enter,
    field,
    make_hart,
    read,
    trap,
    where,
    write,
    written,
)

DTE, SDT, SIE = bit("menvcfg", "DTE"), bit("mstatus", "SDT"), bit("mstatus", "SIE")
DOUBLE = Cause.DOUBLE_TRAP


def double(mode: str, *, guest: bool = True, **slots: int) -> Hart:
    """A hart with DTE in menvcfg, with guest in henvcfg too; everything is delegated."""
    h = make_hart("M", menvcfg=DTE, henvcfg=DTE if guest else 0, **slots)
    write(h, "medeleg", ONES)
    write(h, "hedeleg", ONES)
    return enter(h, mode)


def test_it_is_there_by_default() -> None:
    assert Feature.SSDBLTRP in DEFAULT_FEATURES


def test_h108_sdt_is_read_only_zero_without_dte() -> None:
    """norm:menvcfg_dte_op, norm:henvcfg_dte_op."""
    h = make_hart()
    for name in ("mstatus", "sstatus", "vsstatus"):
        assert written(h, name, SDT) & SDT == 0
    write(h, "menvcfg", DTE)
    assert written(h, "mstatus", SDT) & read(h, "sstatus") & SDT == SDT
    assert written(h, "vsstatus", SDT) & SDT == 0
    write(h, "henvcfg", DTE)
    assert written(h, "vsstatus", SDT) & SDT == SDT


@pytest.mark.parametrize(("name", "left"), [("henvcfg", (SDT, 0)), ("menvcfg", (0, 0))])
def test_h108_sdt_goes_when_dte_does(name: str, left: tuple[int, int]) -> None:
    h = double("M")
    write(h, "mstatus", SDT)
    write(h, "vsstatus", SDT)
    write(h, name, 0)
    assert (read(h, "mstatus") & SDT, read(h, "vsstatus") & SDT) == left


def test_dte_needs_ssdbltrp() -> None:
    """norm:menvcfg_dte_op: read-only zero."""
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.SSDBLTRP)
    assert written(h, "menvcfg", ONES) & DTE == written(h, "henvcfg", ONES) & DTE == 0
    assert written(h, "sstatus", ONES) & SDT == 0


@pytest.mark.parametrize("name", ["mstatus", "sstatus", "vsstatus"])
def test_sie_is_zero_with_sdt(name: str) -> None:
    """norm:sstatus_sdt_sstatus_sie_overwrite."""
    h = double("M")
    assert written(h, name, SDT | SIE) & (SDT | SIE) == SDT
    assert written(h, name, SIE) & (SDT | SIE) == SIE


def test_traps_set_sdt() -> None:
    """norm:sstatus_sdt_trap."""
    h = trap(double("U"), Cause.ECALL_U)
    assert where(h) == "HS" and field(h, "sstatus", "SDT") == 1 and field(h, "vsstatus", "SDT") == 0
    h = trap(double("VU"), Cause.BREAKPOINT, 0x40)
    assert where(h) == "VS" and field(h, "vsstatus", "SDT") == 1 and field(h, "sstatus", "SDT") == 0
    h = trap(double("VU", guest=False), Cause.BREAKPOINT, 0x40)
    assert where(h) == "VS" and field(h, "vsstatus", "SDT") == 0


def test_h110_a_double_trap_in_hs_mode() -> None:
    """norm:sstatus_sdt_trap, norm:mtval2_Ssdbltrap: as if taken to M-mode, but for mcause and mtval2."""
    h = double("HS", mtvec=0x9000, stvec=0x100, scause=77, sepc=0x88)
    h.mstatus |= SDT
    trap(h, Cause.LOAD_PAGE_FAULT, 0x1234)
    assert where(h) == "M" and h.npc == 0x9000
    assert (h.mcause, h.mtval2, h.mtval, h.mepc) == (DOUBLE, Cause.LOAD_PAGE_FAULT, 0x1234, 0x8000_1000)
    assert (field(h, "mstatus", "MPP"), field(h, "mstatus", "MPV"), field(h, "mstatus", "SDT")) == (1, 0, 1)
    assert (h.scause, h.sepc) == (77, 0x88)


@pytest.mark.parametrize("mode", ["VS", "VU"])
def test_h108_a_double_trap_in_a_guest(mode: str) -> None:
    """norm:vsstatus_sdt_op."""
    h = double(mode, vscause=77)
    h.vsstatus |= SDT
    trap(h, Cause.STORE_PAGE_FAULT, 0x5678, info=1)
    assert where(h) == "M"
    assert (h.mcause, h.mtval2, h.mtval, h.vscause) == (DOUBLE, Cause.STORE_PAGE_FAULT, 0x5678, 77)
    assert (field(h, "mstatus", "MPV"), field(h, "mstatus", "GVA")) == (1, 1)


def test_h108_sstatus_does_not_stop_traps_of_the_guest() -> None:
    h = double("VS")
    h.mstatus |= SDT
    assert where(trap(h, Cause.BREAKPOINT)) == "VS"
    h = double("VS")
    h.vsstatus |= SDT
    trap(h, Cause.ECALL_VS)
    assert where(h) == "HS" and h.scause == Cause.ECALL_VS
    assert (field(h, "vsstatus", "SDT"), field(h, "sstatus", "SDT")) == (1, 1)


def test_traps_to_m_mode_are_never_double() -> None:
    h = double("HS")
    h.mstatus |= SDT
    write(enter(h, "M"), "medeleg", 0)
    trap(enter(h, "HS"), Cause.ECALL_S)
    assert h.mcause == Cause.ECALL_S and field(h, "mstatus", "SDT") == 1


def test_an_interrupt_can_be_the_unexpected_trap() -> None:
    """mtval2 is what mcause would have been, with bit 63; mtval is 0."""
    h = double("VU", mie=1 << 2, mip=1 << 2, hideleg=1 << 2)
    h.vsstatus |= SDT
    assert take_interrupt(h)
    assert where(h) == "M" and (h.mcause, h.mtval2, h.mtval) == (DOUBLE, INTERRUPT | 2, 0)


def test_h109_sret_clears_sdt() -> None:
    """norm:sstatus_sdt_sret, norm:sret_dt."""
    spv, spp = bit("hstatus", "SPV"), bit("sstatus", "SPP")
    for hstatus, status, left in ((0, 0, 1), (0, spp, 1), (spv, spp, 1), (spv, 0, 0)):
        h = double("HS", hstatus=hstatus)
        h.mstatus |= SDT | status
        h.vsstatus |= SDT
        do_sret(h)
        assert (field(h, "sstatus", "SDT"), field(h, "vsstatus", "SDT")) == (0, left), (hstatus, status)
    h = double("VS")
    h.mstatus |= SDT
    h.vsstatus |= SDT
    do_sret(h)
    assert (field(h, "sstatus", "SDT"), field(h, "vsstatus", "SDT")) == (1, 0)


def test_mret_leaves_sdt() -> None:
    """Only with Smdbltrp it does not (norm:sstatus_sdt_clr_mret_sret)."""
    h = double("M")
    h.mstatus |= SDT
    do_mret(h)
    assert where(h) == "U" and field(h, "sstatus", "SDT") == 1


def test_double_traps_are_not_delegated() -> None:
    """norm:medeleg_16_no_rd0."""
    h = double("M")
    assert read(h, "medeleg") & 1 << 16 == read(h, "hedeleg") & 1 << 16 == 0


def test_mtval2_comes_with_either_extension() -> None:
    """norm:mtval2_Ssdbltrap."""
    assert cause(make_hart(features=DEFAULT_FEATURES & ~Feature.H), "mtval2") == 0
    assert cause(make_hart(features=DEFAULT_FEATURES & ~Feature.SSDBLTRP), "mtval2") == 0
    assert cause(make_hart(features=DEFAULT_FEATURES & ~(Feature.H | Feature.SSDBLTRP)), "mtval2") == ILLEGAL
    h = make_hart("HS", features=DEFAULT_FEATURES & ~Feature.H, menvcfg=DTE, medeleg=1 << 3)
    h.mstatus |= SDT
    trap(h, Cause.BREAKPOINT)
    assert (h.mcause, h.mtval2) == (DOUBLE, Cause.BREAKPOINT)


def test_without_the_hypervisor_extension_a_guest_has_no_sdt() -> None:
    h = double("M")
    h.vsstatus |= SDT
    write(h, "misa", read(h, "misa") & ~bit("misa", "H"))
    assert h.vsstatus & SDT == 0
