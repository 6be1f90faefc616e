# SPDX-License-Identifier: Apache-2.0
"""Which interrupt is taken, by whom and when; timers."""

from __future__ import annotations

import itertools

import pytest

from core.hart import Hart
from core.trap.causes import Interrupt
from core.trap.interrupts import NEVER, next_deadline, pending_interrupt, take_interrupt, wakes
from core.trap.start import start_supervisor
from tests.unit.test_csr_support import INTERRUPT, MODES, ONES, bit, field, make_hart, where

MIE, SIE, STCE = bit("mstatus", "MIE"), bit("mstatus", "SIE"), bit("menvcfg", "STCE")
ORDER = ["MEI", "MSI", "MTI", "SEI", "SSI", "STI", "SGEI", "VSEI", "VSSI", "VSTI", "LCOFI"]
"""From the highest priority down (norm:intr_M_mode_pri, norm:hsint_priority)."""
S_ONLY, VS_ONLY = 0x2222, 0x444


def raise_(h: Hart, *names: str) -> Hart:
    """Make interrupts pending and enabled, each by its own source."""
    for name in names:
        number = Interrupt[name]
        h.mie |= 1 << number
        if name in ("MEI", "MSI", "SEI"):
            h.irq_lines |= 1 << number
        elif name == "MTI":
            h.mtimecmp = 0
        elif name == "SGEI":
            h.hgeip, h.hgeie = 2, 2
        elif name in ("VSTI", "VSEI"):
            h.hvip |= 1 << number
        else:
            h.mip |= 1 << number
    return h


def hart(mode: str, *pending: str, mideleg: int = S_ONLY | VS_ONLY | 1 << 12, hideleg: int = 0, status: int = 0) -> Hart:
    h = make_hart(mode, geilen=3, hideleg=hideleg)
    h.mideleg = mideleg
    h.mstatus |= status
    h.mtvec, h.stvec, h.vstvec = 0x1000, 0x2000, 0x3000
    return raise_(h, *pending)


def taken(h: Hart) -> tuple[str, str] | None:
    """(interrupt, mode that handles it) of the interrupt that is taken, None if none is."""
    if not take_interrupt(h):
        return None
    target = where(h)
    cause = {"M": h.mcause, "HS": h.scause, "VS": h.vscause}[target]
    assert cause & INTERRUPT
    return Interrupt(cause & ~INTERRUPT).name, target


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(ORDER, 2)))
def test_h053_priorities(first: str, second: str) -> None:
    """norm:hsint_priority, norm:intr_M_mode_highest_pri."""
    assert taken(hart("U", second, first)) == (first, "M" if first[0] == "M" else "HS")


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(ORDER[:6], 2)))
def test_priorities_in_m_mode(first: str, second: str) -> None:
    """norm:intr_M_mode_pri, when nothing is delegated."""
    assert taken(hart("M", second, first, mideleg=VS_ONLY, status=MIE)) == (first, "M")


@pytest.mark.parametrize("status", [0, MIE, SIE, MIE | SIE])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("delegated", [0, 1])
def test_global_enables(status: int, mode: str, delegated: int) -> None:
    """norm:intr_mip_mie_op, norm:sie_sip_supervisor_strap: enabled below the handling mode, never above."""
    h = hart(mode, "SSI", mideleg=VS_ONLY | 2 * delegated, status=status)
    if not delegated:
        expected = ("SSI", "M") if mode != "M" or status & MIE else None
    else:
        expected = None if mode == "M" or (mode == "HS" and not status & SIE) else ("SSI", "HS")
    assert taken(h) == expected


@pytest.mark.parametrize("name", ["VSSI", "VSTI", "VSEI"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sie", [0, SIE])
@pytest.mark.parametrize("vsie", [0, SIE])
def test_h051_vs_interrupts(name: str, mode: str, sie: int, vsie: int) -> None:
    """norm:hideleg_hs: not delegated they go to HS-mode, from V=1 whatever SIE says."""
    h = hart(mode, name, status=sie)
    h.vsstatus |= vsie
    assert taken(h) == ((name, "HS") if mode in ("VS", "VU", "U") or (mode == "HS" and sie) else None)


@pytest.mark.parametrize(("name", "seen"), [("VSSI", "SSI"), ("VSTI", "STI"), ("VSEI", "SEI")])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sie", [0, SIE])
@pytest.mark.parametrize("vsie", [0, SIE])
def test_h051_delegated_vs_interrupts_are_translated(name: str, seen: str, mode: str, sie: int, vsie: int) -> None:
    """norm:hideleg_trans: to VS-mode with the S-level number, when V=1 only."""
    h = hart(mode, name, hideleg=VS_ONLY, status=sie)
    h.vsstatus |= vsie
    h.vstvec |= 1
    expected = (seen, "VS") if mode == "VU" or (mode == "VS" and vsie) else None
    assert taken(h) == expected
    if expected:
        assert h.npc == 0x3000 + 4 * Interrupt[seen]
        assert (h.vsepc, h.vstval, field(h, "vsstatus", "SPP")) == (0x8000_1000, 0, MODES[mode][0])


def test_interrupts_for_hs_come_before_those_of_the_guest() -> None:
    h = hart("VU", "VSEI", "SSI", hideleg=VS_ONLY)
    assert taken(h) == ("SSI", "HS")
    assert taken(hart("VU", "VSSI", "VSTI", hideleg=1 << 6)) == ("VSSI", "HS"), "only VSTI is delegated"


@pytest.mark.parametrize("vectored", [0, 1])
def test_vectored(vectored: int) -> None:
    """norm:mtvec_mode_vectored_op."""
    h = hart("U", "MTI")
    h.mtvec |= vectored
    assert taken(h) == ("MTI", "M") and h.npc == 0x1000 + 28 * vectored
    h = hart("VS", "SEI")
    h.stvec |= vectored
    assert taken(h) == ("SEI", "HS") and h.npc == 0x2000 + 36 * vectored


def test_what_an_interrupt_writes() -> None:
    h = hart("VU", "SSI")
    h.htval = h.htinst = h.stval = 5
    assert taken(h) == ("SSI", "HS")
    assert (h.sepc, h.stval, h.htval, h.htinst) == (0x8000_1000, 0, 0, 0)
    assert (field(h, "hstatus", "SPV"), field(h, "hstatus", "SPVP"), field(h, "sstatus", "SPP")) == (1, 0, 0)


def test_not_enabled_is_not_taken() -> None:
    h = hart("U", "SSI")
    h.mie = 0
    assert pending_interrupt(h) == 0 and not take_interrupt(h) and not wakes(h)


@pytest.mark.parametrize("mode", MODES)
def test_wfi_ends_whatever_the_global_enables(mode: str) -> None:
    """norm:wfi_op."""
    for name in ORDER:
        assert wakes(hart(mode, name, hideleg=VS_ONLY))


def test_deadlines() -> None:
    h = make_hart("HS", menvcfg=STCE, henvcfg=STCE, mtimecmp=500, stimecmp=400, vstimecmp=300, idle=1000)
    assert next_deadline(h) == NEVER, "nothing is enabled"
    h.mie = 1 << 7
    assert next_deadline(h) == 500
    h.mie |= 1 << 5
    assert next_deadline(h) == 400
    h.mie |= 1 << 6
    assert next_deadline(h) == 300
    h.htimedelta = 50
    assert next_deadline(h) == 250
    h.htimedelta = ONES - 49
    assert next_deadline(h) == 350
    h.vstimecmp = 49
    assert next_deadline(h) == 400, "due already"
    h.idle = 4500
    assert next_deadline(h) == 500
    h.idle = 5000
    assert next_deadline(h) == NEVER


def test_deadlines_of_absent_timers() -> None:
    h = make_hart("HS", mie=1 << 5 | 1 << 6, stimecmp=400, vstimecmp=300)
    assert next_deadline(h) == NEVER
    h.menvcfg = STCE
    assert next_deadline(h) == 400


def test_a_guest_deadline_beyond_the_end_of_time() -> None:
    h = make_hart("HS", menvcfg=STCE, henvcfg=STCE, mie=1 << 6, vstimecmp=ONES, htimedelta=0, time_offset=ONES - 10)
    h.htimedelta = 20
    assert next_deadline(h) == NEVER


def test_builtin_sbi_has_no_machine_interrupts() -> None:
    h = make_hart("M", builtin_sbi=1)
    start_supervisor(h)
    raise_(h, "MEI", "MSI", "MTI")
    assert not take_interrupt(h) and not wakes(h)
    raise_(h, "SSI")
    assert wakes(h) and not take_interrupt(h)
    h.mstatus |= SIE
    assert taken(h) == ("SSI", "HS")
