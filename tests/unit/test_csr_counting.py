# SPDX-License-Identifier: Apache-2.0
"""Event counters, overflow and mode filters (priv, Sscofpmf and Smcntrpmf), and LCOFI for guests (Shlcofideleg)."""

from __future__ import annotations

import pytest

from core.csr.registry import CSRS_BY_NAME, write_csr
from core.features import DEFAULT_FEATURES, Feature, consistent
from core.isa.decode import encode
from core.trap.causes import Interrupt
from core.trap.interrupts import take_interrupt
from tests.support.engines import RAM, Engines
from tests.unit.test_csr_support import ILLEGAL, INTERRUPT, ONES, VIRTUAL, bit, cause, enter, make_hart, read, write, written

CYCLES, INSTRUCTIONS = 1, 2
OF, MINH, SINH, UINH, VSINH, VUINH = (1 << n for n in range(63, 57, -1))
LCOFI = 1 << Interrupt.LCOFI
NOP, WFI, ECALL, MRET = (encode("addi", rd=0, rs1=0, imm=0), encode("wfi"), encode("ecall"), encode("mret"))
MEPC, MSCRATCH = 0x341, 0x340
HANDLER = RAM + 0x100
SKIP = [
    encode("csrrs", rd=5, rs1=0, csr=MEPC),
    encode("addi", rd=5, rs1=5, imm=4),
    encode("csrrw", rd=0, rs1=5, csr=MEPC),
    MRET,
]
"""A handler that goes on behind the instruction: four instructions."""


@pytest.fixture(scope="module")
def engines() -> Engines:
    return Engines()


def begin(engines: Engines, mode: str, code: list[int], **csrs: int) -> None:
    """Code in a mode with a handler for M-mode, and CSRs written between instructions."""
    engines.begin(mode, mtvec=HANDLER)
    engines.code(HANDLER, SKIP)
    engines.code(RAM, code)
    for machine in engines.machines:
        for name, value in csrs.items():
            write_csr(machine.harts[0], name, value)


def test_selectors_hold_events_there_are() -> None:
    """norm:mhpmevent_sz_warl_op: what there is not leaves the selector as it was."""
    h = make_hart()
    for event in (CYCLES, INSTRUCTIONS, 0):
        assert written(h, "mhpmevent3", event) == event
    write(h, "mhpmevent6", CYCLES)
    assert written(h, "mhpmevent6", 3) == written(h, "mhpmevent6", 1 << 55) == CYCLES
    assert written(h, "mhpmevent7", INSTRUCTIONS) == written(h, "mhpmevent31", ONES) == 0, "no such counters"


def test_bits_of_selectors_follow_the_extensions() -> None:
    """norm:mhpmevent_inh_op: there is none for a mode that there is not; norm:unimplemented_mode_bits."""
    h = make_hart()
    assert written(h, "mhpmevent3", ONES & ~7) == OF | MINH | SINH | UINH | VSINH | VUINH
    write(h, "mcyclecfg", ONES)
    write(h, "misa", 0)
    assert read(h, "mhpmevent3") == OF | MINH | SINH | UINH, "what H added is gone"
    assert read(h, "mcyclecfg") == written(h, "minstretcfg", ONES) == MINH | SINH | UINH
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.SSCOFPMF)
    assert written(h, "mhpmevent3", OF | MINH | CYCLES) == CYCLES


def test_csrs_follow_the_extensions() -> None:
    h = make_hart(features=DEFAULT_FEATURES & ~(Feature.SSCOFPMF | Feature.SMCNTRPMF))
    assert cause(h, "scountovf") == cause(h, "mcyclecfg") == cause(h, "minstretcfg") == ILLEGAL
    assert written(h, "mie", ONES) & LCOFI == written(h, "mip", ONES) & LCOFI == written(h, "mideleg", ONES) & LCOFI == 0
    assert Feature.SHLCOFIDELEG not in consistent(DEFAULT_FEATURES & ~Feature.SSCOFPMF)
    h = make_hart("HS", features=DEFAULT_FEATURES & ~Feature.SHLCOFIDELEG)
    assert written(h, "hideleg", ONES) & LCOFI == 0
    for name in ("mcyclecfg", "minstretcfg"):
        assert [cause(make_hart(mode), name) for mode in ("M", "HS", "U", "VS")] == [0, ILLEGAL, ILLEGAL, ILLEGAL]


def test_counting_starts_and_stops_between_instructions() -> None:
    h = make_hart(idle=100)
    write_csr(h, "mhpmevent3", CYCLES)
    write_csr(h, "mhpmevent4", INSTRUCTIONS)
    h.limit += 7
    h.idle += 3
    assert (read(h, "mhpmcounter3"), read(h, "mhpmcounter4"), read(h, "hpmcounter4")) == (10, 7, 7)
    write_csr(h, "mcountinhibit", 1 << 3)
    h.limit += 5
    assert (read(h, "mhpmcounter3"), read(h, "mhpmcounter4")) == (10, 12)
    write_csr(h, "mhpmevent4", CYCLES)
    h.idle += 5
    assert read(h, "mhpmcounter4") == 17, "another event, the same count"
    write_csr(h, "mhpmcounter3", 1000)
    write_csr(h, "mcountinhibit", 0)
    h.limit += 1
    assert read(h, "hpmcounter3") == 1001


def test_scountovf_shows_what_may_be_read() -> None:
    """norm:scountovf_mmode_read_access, norm:scountovf_smode_read_access, norm:scountovf_vsmode_read_access."""
    h = make_hart(mcounteren=0, hcounteren=0)
    for number in (3, 5, 6):
        write(h, f"mhpmevent{number}", OF)
    assert read(h, "scountovf") == 0x68
    assert read(enter(h, "HS"), "scountovf") == 0
    h.mcounteren = 0x48
    assert read(h, "scountovf") == 0x48
    h.hcounteren = 0x60
    assert read(h, "scountovf") == 0x48
    assert read(enter(h, "VS"), "scountovf") == 0x40
    assert cause(enter(h, "U"), "scountovf") == ILLEGAL and cause(enter(h, "VU"), "scountovf") == VIRTUAL
    assert cause(enter(h, "M"), "scountovf", write=True) == ILLEGAL


def test_writes_never_overflow(engines: Engines) -> None:
    """norm:count_overflow_trigger: neither a smaller value, nor another event, nor a clear OF."""
    code = [encode("csrrw", rd=0, rs1=1, csr=CSRS_BY_NAME["mhpmcounter3"].address), NOP, NOP]
    begin(engines, "M", code, mhpmcounter3=ONES - 99, mhpmevent3=INSTRUCTIONS)
    engines.run(3, x1=0)
    engines.each(lambda h: write_csr(h, "mhpmevent3", CYCLES))
    engines.each(lambda h: write_csr(h, "mhpmcounter3", 1))
    h = engines.run(1)
    assert (read(h, "mhpmcounter3"), read(h, "mhpmevent3"), h.mip) == (2, CYCLES, 0)


@pytest.mark.parametrize("steps", [(7,), (1,) * 7])
@pytest.mark.parametrize("event", [CYCLES, INSTRUCTIONS])
def test_overflow_comes_behind_the_very_instruction(engines: Engines, steps: tuple[int, ...], event: int) -> None:
    """norm:mhpmevent_of_op, norm:count_overflow_interrupt, norm:LCOFIP_op; the count wraps and goes on."""
    begin(engines, "M", [NOP] * 30, mhpmcounter4=ONES - 4, mhpmevent4=event, mie=LCOFI, mstatus=8)
    for units in steps:
        h = engines.run(units)
        assert bool(h.mcause) == (h.pc >= HANDLER)
    assert (h.mcause, h.mepc) == (INTERRUPT | Interrupt.LCOFI, RAM + 4 * 5)
    assert read(h, "scountovf") == 1 << 4 and read(h, "mhpmevent4") == OF | event and h.mip == LCOFI


def test_a_counter_with_of_set_asks_for_nothing(engines: Engines) -> None:
    """norm:count_overflow_interrupt: OF disables the interrupt."""
    begin(engines, "M", [NOP] * 30, mhpmcounter4=ONES - 4, mhpmevent4=OF | INSTRUCTIONS, mie=LCOFI, mstatus=8)
    h = engines.run(20)
    assert (h.mcause, h.mip, read(h, "mhpmcounter4")) == (0, 0, 15)


def test_a_waiting_hart_is_woken_by_a_cycle_counter(engines: Engines) -> None:
    begin(engines, "M", [NOP, WFI, NOP, NOP], mhpmcounter3=ONES - 999, mhpmevent3=CYCLES, mie=LCOFI)
    h = engines.run(3)
    assert (h.wfi, h.pc, h.mip, read(h, "scountovf")) == (0, RAM + 12, LCOFI, 8)
    assert 998 <= h.idle < 1008, "time passes up to the next tick"


@pytest.mark.parametrize("filters", [0, MINH, UINH, MINH | UINH, SINH | VSINH | VUINH])
@pytest.mark.parametrize("which", ["minstret", "mhpmcounter5"])
def test_instructions_count_for_the_mode_they_are_executed_in(engines: Engines, filters: int, which: str) -> None:
    """norm:instret_non_inhibited, norm:instret_exception, norm:instret_xret: ecall retires nothing, mret counts for M-mode."""
    selector = {"minstret": "minstretcfg", "mhpmcounter5": "mhpmevent5"}[which]
    event = INSTRUCTIONS if which == "mhpmcounter5" else 0
    begin(engines, "U", [NOP, NOP, ECALL, NOP, ECALL, NOP, NOP, NOP], **{selector: filters | event, which: 100})
    h = engines.run(3 + 4 + 2 + 4 + 2)
    user, machine = 2 + 1 + 2, 8
    assert (h.mode, h.pc) == (0, RAM + 4 * 7)
    assert read(enter(h, "M"), which) == 100 + (0 if filters & UINH else user) + (0 if filters & MINH else machine)


@pytest.mark.parametrize("mode", ["M", "HS", "U", "VS", "VU"])
def test_each_mode_has_its_filter(engines: Engines, mode: str) -> None:
    """norm:mhpmevent_inh_op, norm:counter_inhibited_behavior, norm:cycle_counting."""
    own = {"M": MINH, "HS": SINH, "U": UINH, "VS": VSINH, "VU": VUINH}[mode]
    others = (MINH | SINH | UINH | VSINH | VUINH) & ~own
    for filters, grown in ((own, 0), (others, 4)):
        begin(engines, mode, [NOP] * 8, mcyclecfg=filters, mhpmevent3=filters | CYCLES, mhpmcounter3=5, mcycle=7)
        h = engines.run(4)
        assert (read(enter(h, "M"), "mcycle"), read(h, "mhpmcounter3")) == (7 + grown, 5 + grown)


def test_a_counter_that_starts_with_a_mode_overflows_in_it(engines: Engines) -> None:
    """The slice that a trap begins in would be too long."""
    begin(engines, "U", [ECALL, NOP], mhpmcounter3=ONES - 1, mhpmevent3=UINH | INSTRUCTIONS)
    h = engines.run(3)
    assert (read(h, "mhpmcounter3"), read(h, "scountovf"), h.mip) == (0, 8, LCOFI)
    begin(engines, "U", [ECALL, NOP], mhpmcounter3=ONES - 1, mhpmevent3=UINH | INSTRUCTIONS)
    assert engines.run(2).mip == 0


@pytest.mark.parametrize("guest", [False, True])
def test_lcofi_goes_where_it_is_delegated(guest: bool) -> None:
    """norm:vsip_vsie_lcofi; the number is the same for the guest."""
    h = make_hart("VS", mie=LCOFI, mip=LCOFI, stvec=0x2000, vstvec=0x3001, vsstatus=2)
    h.mideleg |= LCOFI
    write(enter(h, "HS"), "hideleg", LCOFI if guest else 0)
    assert read(h, "vsip") == read(h, "vsie") == (LCOFI if guest else 0)
    assert take_interrupt(enter(h, "VS"))
    if guest:
        assert (h.vscause, h.npc, h.v) == (INTERRUPT | Interrupt.LCOFI, 0x3000 + 4 * 13, 1)
    else:
        assert (h.scause, h.npc, h.v) == (INTERRUPT | Interrupt.LCOFI, 0x2000, 0)


def test_the_guest_clears_and_masks_lcofi() -> None:
    """norm:vsip_vsie_lcofi: vsip.LCOFIP and vsie.LCOFIE are sip.LCOFIP and sie.LCOFIE."""
    h = make_hart("VS", mie=LCOFI, mip=LCOFI, hideleg=LCOFI, vsstatus=2)
    assert read(h, "sip") == read(h, "sie") == 0, "not delegated by mideleg"
    h.mideleg |= LCOFI
    assert read(h, "sip") == read(h, "sie") == LCOFI
    write(h, "sie", 0)
    assert h.mie == 0 and not take_interrupt(h)
    write(h, "sie", ONES)
    write(h, "sip", 0)
    assert h.mip == 0 and h.mie & LCOFI and not take_interrupt(h)
    assert written(h, "sip", ONES) & LCOFI == LCOFI == h.mip & LCOFI


def test_h053_lcofi_waits_for_its_guest() -> None:
    """What hideleg delegates is not taken while V=0."""
    h = make_hart("U", mie=LCOFI, mip=LCOFI, hideleg=LCOFI)
    h.mideleg |= LCOFI
    assert not take_interrupt(h)
    write_csr(h, "mideleg", 0)
    assert take_interrupt(h) and h.mode == 3 and bit("mip", "LCOFIP") == LCOFI
