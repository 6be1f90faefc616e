# SPDX-License-Identifier: Apache-2.0
"""Where slices end: budgets, traps, timers to the very instruction, and WFI, on both engines."""

from __future__ import annotations

import pytest

from core.machine import Outcome
from tests.unit.test_engine_support import BUFFER, ENGINES, Box, asm, count, jump

MTIMECMP = 0x0200_4000
MTI, STI, VSTI = 7, 5, 6
STCE = 1 << 63
MIE, SIE = 1 << 3, 1 << 1
MINSTRET, INSTRET, MEPC, STIMECMP, VSTIMECMP = 0xB02, 0xC02, 0x341, 0x14D, 0x24D
TICK = 10
LOOP = [count(5), count(6), count(7), jump(-12)]
RETURN_BEHIND = [
    asm("csrrs", rd=10, csr=MEPC),
    asm("addi", rd=10, rs1=10, imm=4),
    asm("csrrw", rs1=10, csr=MEPC),
    asm("mret"),
]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine."""
    return str(request.param)


# -- budgets --------------------------------------------------------------------------------------------------------------


def test_a_run_stops_after_exactly_the_units_asked_for(engine: str) -> None:
    box = Box(engine, LOOP)
    total = 0
    for units in (1, 1, 2, 3, 4, 5, 63, 1, 64, 65, 1000, 1, 12345):
        assert box.run(units) is Outcome.BUDGET
        total += units
        assert (box.retired, box.offset) == (total, total % 4 * 4)
        assert box.x(5) + box.x(6) + box.x(7) == total - total // 4
        assert (box.h.left, box.h.budget, box.h.idle) == (0, 0, 0)


def test_a_run_of_no_units_does_nothing(engine: str) -> None:
    box = Box(engine, LOOP)
    assert box.run(0) is Outcome.BUDGET
    assert (box.retired, box.offset) == (0, 0)


def test_an_engine_alone_uses_up_its_budget(engine: str) -> None:
    box = Box(engine, LOOP)
    for units in (1, 2, 999, 5000):
        before = box.retired
        box.h.budget = units
        box.machine.engine.run(box.h)
        assert (box.retired - before, box.h.budget, box.h.left, box.h.event) == (units, 0, 0, 0)


def test_instructions_that_end_the_slice_change_no_count(engine: str) -> None:
    box = Box(engine, [count(5), asm("csrrs", rd=8, csr=0x304), asm("csrrw", rs1=8, csr=0x304), asm("fence.i"), jump(-16)])
    for units in (1, 2, 3, 4, 5, 6, 100, 1001):
        before = box.retired
        assert box.run(units) is Outcome.BUDGET
        assert box.retired - before == units
        assert box.offset == box.retired % 5 * 4


def test_a_trap_takes_one_unit_and_retires_nothing(engine: str) -> None:
    box = Box(engine, [count(5), asm("ecall"), count(6), jump(-12)], RETURN_BEHIND)
    cycle = [0, 4, 0x200, 0x204, 0x208, 0x20C, 8, 12]
    for units in range(200):
        assert box.offset == cycle[units % 8]
        assert box.h.idle == (units + 6) // 8, "one unit of each ecall"
        assert box.retired + box.h.idle == units
        assert box.run(1) is Outcome.BUDGET


@pytest.mark.parametrize("part", [1, 7, 8, 1000])
def test_parts_of_any_size_make_the_same_whole(engine: str, part: int) -> None:
    whole, parts = (Box(engine, [count(5), asm("ecall"), count(6), jump(-12)], RETURN_BEHIND) for _ in range(2))
    whole.run(4000)
    for _ in range(4000 // part):
        parts.run(part)
    parts.run(4000 % part)
    assert parts.state() == whole.state()


# -- timers ---------------------------------------------------------------------------------------------------------------


def timed(engine: str, interrupt: int, first: int, period: int, phase: int) -> Box:
    """A program whose timer handler notes the instructions retired so far, and sets the next deadline.

    first: the deadline in ticks; period: ticks between deadlines; phase: units of time that have passed before.
    """
    note = [asm("sd", rs1=8, rs2=10), asm("addi", rd=8, rs1=8, imm=8)]
    add = asm("add", rd=11, rs1=11, rs2=18)
    if interrupt == MTI:
        handler = [
            asm("csrrs", rd=10, csr=MINSTRET),
            *note,
            asm("ld", rd=11, rs1=9),
            add,
            asm("sd", rs1=9, rs2=11),
            asm("mret"),
        ]
    else:
        csr = STIMECMP if interrupt == STI else VSTIMECMP
        again = [asm("csrrs", rd=11, csr=csr), add, asm("csrrw", rs1=11, csr=csr), asm("sret")]
        handler = [asm("csrrs", rd=10, csr=INSTRET), *note, *again]
    box = Box(engine, LOOP, handler, supervisor=interrupt != MTI)
    box.h.x[8], box.h.x[9], box.h.x[18] = BUFFER, MTIMECMP, period
    box.h.idle = phase
    box.h.mie |= 1 << interrupt
    if interrupt == MTI:
        box.h.mtimecmp = first
        box.set("mstatus", box.h.mstatus | MIE)
        return box
    box.set("menvcfg", box.h.menvcfg | STCE)
    box.set("henvcfg", box.h.henvcfg | STCE)
    box.set("sstatus", SIE)
    if interrupt == STI:
        box.h.stimecmp = first
    else:
        box.h.htimedelta = 777
        box.h.vstimecmp = first + 777
    return box


@pytest.mark.parametrize("interrupt", [MTI, STI, VSTI])
@pytest.mark.parametrize("phase", range(TICK))
def test_a_timer_interrupt_comes_before_the_first_instruction_at_its_time(engine: str, interrupt: int, phase: int) -> None:
    for first, period, part in ((2, 3, 400), (5, 1, 400), (40, 7, 11), (41, 2, 1)):
        box = timed(engine, interrupt, first, period, phase)
        taken = 30 if part > 1 else 8
        while box.h.x[8] < BUFFER + 8 * taken:
            assert box.run(part) is Outcome.BUDGET
        for number, retired in enumerate(box.words(BUFFER, taken)):
            units = retired + phase + number  # an interrupt takes a unit, too
            assert units == (first + period * number) * TICK


@pytest.mark.parametrize("interrupt", [MTI, STI, VSTI])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_run_ends_on_either_side_of_a_deadline(engine: str, interrupt: int, before: int) -> None:
    box = timed(engine, interrupt, 6, 100, 0)
    box.run(60 - before)
    assert (box.offset, box.h.idle) == (box.retired % 4 * 4, 0)
    for left in range(before, -1, -1):
        assert box.h.idle == 0
        box.run(1)
        assert box.offset == (0x200 if left == 0 else box.retired % 4 * 4)
    assert (box.retired, box.h.idle, box.units) == (60, 1, 61)


def test_a_deadline_in_the_past_is_due_at_once(engine: str) -> None:
    box = timed(engine, MTI, 0, 1000, 0)
    box.run(2)
    assert (box.offset, box.retired, box.h.mepc) == (0x204, 1, box.start)


def test_a_disabled_timer_is_not_taken_and_costs_nothing(engine: str) -> None:
    box = timed(engine, MTI, 6, 1, 0)
    box.set("mstatus", 0)
    box.run(1000)
    assert (box.retired, box.h.idle) == (1000, 0)
    box.set("mstatus", MIE)
    box.run(1)
    assert (box.offset, box.h.mepc, box.h.mcause) == (0x200, box.start, 1 << 63 | MTI)


def test_enabling_an_interrupt_takes_it_before_the_next_instruction(engine: str) -> None:
    code = [count(5), asm("csrrs", rs1=9, csr=0x300), count(6), jump(0)]
    box = Box(engine, code, RETURN_BEHIND)
    box.h.x[9], box.h.mtimecmp, box.h.mie = MIE, 0, 1 << MTI
    box.run(3)
    assert (box.offset, box.h.mepc, box.retired) == (0x200, box.start + 8, 2)


def test_the_time_is_a_tenth_of_the_units(engine: str) -> None:
    box = Box(engine, [asm("csrrs", rd=5, csr=0xC01), jump(-4)])
    for _ in range(100):
        before = box.units
        box.run(2)
        assert box.x(5) == before // TICK


# -- WFI ------------------------------------------------------------------------------------------------------------------

WAITING = [asm("wfi"), count(5), jump(-8)]


def test_wfi_lets_time_pass_until_the_deadline(engine: str) -> None:
    box = Box(engine, WAITING, RETURN_BEHIND)
    box.h.mie, box.h.mtimecmp = 1 << MTI, 123
    box.set("mstatus", MIE)
    assert box.run(2) is Outcome.BUDGET
    assert (box.offset, box.h.mepc, box.retired, box.time) == (0x200, box.start + 4, 1, 123)
    assert box.units == 1231, "the interrupt took the first unit of the tick"


def test_wfi_ends_though_interrupts_are_disabled(engine: str) -> None:
    box = Box(engine, WAITING)
    box.h.mie, box.h.mtimecmp = 1 << MTI, 123
    assert box.run(2) is Outcome.BUDGET
    assert (box.offset, box.retired, box.units, box.x(5)) == (8, 2, 1231, 1)
    assert box.run(50) is Outcome.BUDGET
    assert box.units == 1281, "WFI does not wait while an interrupt is pending"


def test_wfi_with_nothing_due_is_idle(engine: str) -> None:
    box = Box(engine, WAITING)
    for _ in range(3):
        assert box.run(1000) is Outcome.IDLE
        assert (box.offset, box.h.wfi, box.retired, box.h.idle) == (4, 1, 1, 0)


def test_a_pending_interrupt_ends_wfi_at_once(engine: str) -> None:
    box = Box(engine, WAITING)
    box.h.mie = 1 << 1
    box.set("mip", 1 << 1)
    assert box.run(1000) is Outcome.BUDGET
    assert (box.retired, box.h.idle, box.x(5)) == (1000, 0, 333)


@pytest.mark.parametrize("part", [1, 2, 3, 17, 1000])
def test_time_skipped_in_wfi_uses_no_units(engine: str, part: int) -> None:
    handler = [asm("ld", rd=11, rs1=9), asm("add", rd=11, rs1=11, rs2=18), asm("sd", rs1=9, rs2=11), asm("mret")]
    box = Box(engine, WAITING, handler)
    box.h.x[9], box.h.x[18], box.h.mtimecmp, box.h.mie = MTIMECMP, 1000, 1000, 1 << MTI
    box.set("mstatus", MIE)
    for _ in range(1000 // part):
        assert box.run(part) is Outcome.BUDGET
    rounds, rest = divmod(1000 // part * part, 8)  # wfi, the interrupt, four of the handler, two
    assert box.x(5) == rounds + (rest > 6)
    assert box.time == 1000 * (rounds + (rest > 1))


def test_both_engines_end_alike_after_all_this() -> None:
    for interrupt in (MTI, STI, VSTI):
        states = []
        for name in ENGINES:
            box = timed(name, interrupt, 13, 3, 4)
            for part in (1, 129, 7, 1000, 2, 501):
                box.run(part)
            states.append(box.state())
        assert states[0] == states[1]
