# SPDX-License-Identifier: Apache-2.0
"""Zawrs: when waiting for a reservation traps, and that it ends at once otherwise; on both engines."""

from __future__ import annotations

import itertools

import pytest

from core.hart import Hart
from core.isa.decode import encode
from tests.support.engines import MODES, RAM, Engines

CODE, DATA = RAM + 0x1000, RAM + 0x2080
NTO, STO = 0x00D0_0073, 0x01D0_0073
TW, VTW = 1 << 21, 1 << 21
ILLEGAL, VIRTUAL = 2, 22


@pytest.fixture(scope="module")
def engines() -> Engines:
    """Both engines."""
    return Engines()


def wait(engines: Engines, word: int, mode: str, *, reserve: bool = True, **slots: int) -> Hart:
    """LR.D, if asked for, then the instruction."""
    engines.begin(mode, **slots)
    engines.code(CODE, [encode("lr.d", rd=10, rs1=11) if reserve else encode("addi"), word])
    h = engines.run(x11=DATA)
    assert (h.mcause, h.pc, h.res_valid) == (0, CODE + 4, int(reserve))
    return engines.run()


@pytest.mark.parametrize("mode", MODES)
def test_tw_and_vtw(engines: Engines, mode: str) -> None:
    """norm:Zawrs_priv_illegal_instr_excp, norm:Zawrs_virtual_instr_excp: unlike WFI in U-mode too only when told to."""
    for tw, vtw in itertools.product((0, TW), (0, VTW)):
        h = wait(engines, NTO, mode, mstatus=tw, hstatus=2 << 32 | vtw)
        expected = 0
        if mode != "M":
            expected = ILLEGAL if tw else VIRTUAL if vtw and mode in ("VS", "VU") else 0
        assert (h.mcause, h.mtval) == (expected, NTO if expected else 0)
        assert (h.mepc if expected else h.pc) == CODE + (4 if expected else 8)


@pytest.mark.parametrize("mode", MODES)
def test_without_a_reservation_there_is_nothing_to_wait_for(engines: Engines, mode: str) -> None:
    h = wait(engines, NTO, mode, reserve=False, mstatus=TW, hstatus=VTW)
    assert (h.mcause, h.pc) == (0, CODE + 8)


@pytest.mark.parametrize(("mode", "bit"), [("HS", 1 << 1), ("VS", 1 << 2)])
def test_a_pending_interrupt_ends_the_wait(engines: Engines, mode: str, bit: int) -> None:
    """norm:Zawrs_exec_resume_rules: one that is enabled in mie, while the global enable keeps it from being taken."""
    for mie, expected in ((bit, 0), (0, ILLEGAL)):
        h = wait(engines, NTO, mode, mstatus=TW, mideleg=1 << 1 | 0x444, hideleg=1 << 2, mip=bit, hvip=bit & 4, mie=mie)
        assert (h.mcause, h.mtval) == (expected, NTO if expected else 0)


@pytest.mark.parametrize("mode", MODES)
def test_a_short_wait_never_traps(engines: Engines, mode: str) -> None:
    """norm:Zawrs_wrs-sto_stall_duration: TW and VTW say nothing about WRS.STO."""
    h = wait(engines, STO, mode, mstatus=TW, hstatus=VTW)
    assert (h.mcause, h.pc) == (0, CODE + 8)
