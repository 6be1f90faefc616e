# SPDX-License-Identifier: Apache-2.0
"""Breakpoints and watchpoints stop both engines at the right instruction, and change nothing else."""

from __future__ import annotations

import pytest

from core.engine.breakpoints import breakpoint_here
from core.machine import Outcome
from tests.unit.test_engine_support import BUFFER, ENGINES, PAGE, RAM, Box, asm, asm16, count, jump

LOOP = [count(5), count(6), count(7), jump(-12)]
SKIP_ECALL = [
    asm("csrrs", rd=10, csr=0x341),
    asm("addi", rd=10, rs1=10, imm=4),
    asm("csrrw", rs1=10, csr=0x341),
    asm("mret"),
]
AGAIN = [asm("mret")]
MANY = 20_000
"""Units after which code surely counts as hot."""


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine."""
    return str(request.param)


def resume(box: Box, units: int = 1 << 20) -> Outcome:
    """Go on as a debugger does, over a breakpoint at pc."""
    box.h.break_skip = int(breakpoint_here(box.h))
    return box.run(units)


# -- breakpoints ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0, 4, 8, 12])
def test_a_breakpoint_stops_before_its_instruction(engine: str, offset: int) -> None:
    box = Box(engine, LOOP)
    box.breakpoint(offset)
    assert box.run(1000) is Outcome.BREAKPOINT
    assert (box.offset, box.retired, box.h.idle) == (offset, offset // 4, 0)


def test_it_stops_again_without_executing_anything(engine: str) -> None:
    box = Box(engine, LOOP)
    box.breakpoint(4)
    for _ in range(3):
        assert box.run(1000) is Outcome.BREAKPOINT
        assert (box.offset, box.retired) == (4, 1)


def test_the_first_instruction_after_a_resume_is_let_through(engine: str) -> None:
    box = Box(engine, LOOP)
    box.breakpoint(4)
    box.run(1000)
    for turn in range(1, 5):
        assert resume(box) is Outcome.BREAKPOINT
        assert (box.offset, box.retired, box.x(6), box.h.break_skip) == (4, 4 * turn + 1, turn, 0)


def test_stepping_from_a_breakpoint(engine: str) -> None:
    box = Box(engine, LOOP)
    box.breakpoint(4)
    box.breakpoint(8)
    box.run(1000)
    assert resume(box, 1) is Outcome.BUDGET
    assert (box.offset, box.retired) == (8, 2)
    assert box.run(1) is Outcome.BREAKPOINT
    assert (box.offset, box.retired) == (8, 2)


def test_a_jump_to_itself_stops_every_time(engine: str) -> None:
    box = Box(engine, [count(5), jump(0)])
    box.breakpoint(4)
    box.run(1000)
    for retired in range(1, 5):
        assert (box.offset, box.retired) == (4, retired)
        assert resume(box) is Outcome.BREAKPOINT


def test_a_trap_uses_the_skip_up(engine: str) -> None:
    box = Box(engine, [count(5), asm("ecall"), jump(-8)], AGAIN)
    box.breakpoint(4)
    box.run(1000)
    assert resume(box) is Outcome.BREAKPOINT
    assert (box.offset, box.retired, box.h.idle) == (4, 2, 1), "the handler went back to the instruction that trapped"


def test_the_first_instruction_of_a_handler(engine: str) -> None:
    box = Box(engine, [count(5), asm("ecall"), jump(-8)], SKIP_ECALL)
    box.breakpoint(0x200)
    for turn in range(1, 4):
        assert resume(box) is Outcome.BREAKPOINT
        assert (box.offset, box.x(5), box.h.mepc) == (0x200, turn, box.start + 4)


def test_an_interrupt_comes_before_a_breakpoint_at_the_same_place(engine: str) -> None:
    box = Box(engine, LOOP, AGAIN)
    box.h.mie, box.h.mtimecmp = 1 << 7, 2
    box.set("mstatus", 1 << 3)
    box.breakpoint(0)
    for retired in (0, 4, 8, 12, 16):
        assert box.run(1000) is Outcome.BREAKPOINT
        assert (box.offset, box.retired, box.h.idle) == (0, retired, 0)
        assert resume(box, 4) is Outcome.BUDGET
    assert box.run(1) is Outcome.BUDGET
    assert (box.offset, box.retired, box.h.idle) == (0x200, 20, 1)


def test_a_breakpoint_at_an_address_that_has_been_executed_often(engine: str) -> None:
    box = Box(engine, LOOP)
    box.run(MANY)
    box.breakpoint(8)
    assert box.run(MANY) is Outcome.BREAKPOINT
    assert (box.offset, box.retired) == (8, MANY + 2)
    assert resume(box) is Outcome.BREAKPOINT
    assert (box.offset, box.retired) == (8, MANY + 6)


def test_a_removed_breakpoint_is_gone(engine: str) -> None:
    box = Box(engine, LOOP)
    first, second = box.breakpoint(8), box.breakpoint(12)
    box.run(1000)
    box.points.remove(first)
    assert box.run(1000) is Outcome.BREAKPOINT
    assert (box.offset, box.retired) == (12, 3)
    box.points.remove(second)
    assert box.run(MANY) is Outcome.BUDGET
    assert box.retired == MANY + 3


def test_one_of_two_breakpoints_at_an_address_is_enough(engine: str) -> None:
    box = Box(engine, LOOP)
    number = box.breakpoint(8)
    box.breakpoint(8)
    box.points.remove(number)
    assert box.run(1000) is Outcome.BREAKPOINT
    assert box.offset == 8


def test_set_and_removed_again_and_again(engine: str) -> None:
    box = Box(engine, LOOP)
    for turn in range(20):
        number = box.breakpoint(turn % 4 * 4)
        assert box.run(1000) is Outcome.BREAKPOINT
        assert box.offset == turn % 4 * 4
        box.points.remove(number)
        assert box.run(100) is Outcome.BUDGET
    plain = Box(engine, LOOP)
    plain.run(box.retired)
    assert box.state() == plain.state()


def test_breakpoints_elsewhere_change_nothing(engine: str) -> None:
    box, plain = Box(engine, LOOP), Box(engine, LOOP)
    plain.run(MANY)
    box.run(MANY // 4)
    for offset in (PAGE, PAGE + 4, 2 * PAGE + 8, 2, 6, 10, 0x100, 1 << 40):  # also at the same place of other pages
        box.breakpoint(offset)
    assert box.run(MANY - MANY // 4) is Outcome.BUDGET
    assert box.state() == plain.state()


def test_a_compressed_instruction_and_the_middle_of_another(engine: str) -> None:
    code = [asm16("c.addi", rd=5, imm=1), count(6), asm16("c.addi", rd=7, imm=1), jump(-8)]
    box = Box(engine, code)
    for offset in (4, 10):
        box.breakpoint(offset)
    assert box.run(100) is Outcome.BUDGET
    for offset in (0, 2, 6, 8):
        number = box.breakpoint(offset)
        assert box.run(100) is Outcome.BREAKPOINT
        assert box.offset == offset
        box.points.remove(number)


def test_an_instruction_across_two_pages(engine: str) -> None:
    size = PAGE - 2
    code = [asm16("c.nop", imm=0)] * (size // 2) + [count(6), jump(-size - 4)]
    box = Box(engine, code)
    box.breakpoint(size)
    for turn in range(3):
        assert resume(box) is Outcome.BREAKPOINT
        assert (box.offset, box.x(6)) == (size, turn)
    number = box.breakpoint(PAGE)
    assert resume(box) is Outcome.BREAKPOINT
    assert box.offset == size, "an instruction begins before the page"
    box.points.remove(number)


def test_many_breakpoints(engine: str) -> None:
    box = Box(engine, [count(5 + n % 8) for n in range(200)] + [jump(-800)])
    for offset in range(0, 800, 4):
        box.breakpoint(offset)
    for retired in range(401):
        assert (box.offset, box.retired) == (retired % 201 * 4, retired)
        outcome = resume(box, 1)
        assert outcome is Outcome.BUDGET
    assert box.run(5) is Outcome.BREAKPOINT


# -- watchpoints ----------------------------------------------------------------------------------------------------------

STORES = [asm("sd", rs1=8, rs2=5, imm=8 * n) for n in range(4)] + [count(5), asm("ld", rd=6, rs1=8, imm=16), jump(-24)]


def storing(engine: str) -> Box:
    """A loop of four stores and a load."""
    box = Box(engine, STORES)
    box.h.x[8] = BUFFER
    return box


@pytest.mark.parametrize("warm", [0, MANY])
@pytest.mark.parametrize("number", range(4))
def test_a_write_watchpoint_stops_behind_the_store(engine: str, number: int, warm: int) -> None:
    box = storing(engine)
    box.run(warm // 7 * 7)
    box.watch("watch", BUFFER + 8 * number, 8)
    for turn in range(3):
        assert box.run(1000) is Outcome.WATCHPOINT
        assert (box.offset, box.retired) == (4 * number + 4, warm // 7 * 7 + 7 * turn + number + 1)
        assert (box.h.watch_hit, box.h.watch_va, box.h.watch_write) == (1, BUFFER + 8 * number, 1)
        assert box.words(BUFFER + 8 * number, 1) == [box.x(5)]
        box.h.watch_hit = 0


def test_a_read_watchpoint_stops_behind_the_load(engine: str) -> None:
    box = storing(engine)
    box.watch("rwatch", BUFFER + 16, 8)
    assert box.run(1000) is Outcome.WATCHPOINT
    assert (box.offset, box.retired, box.h.watch_write, box.x(6)) == (24, 6, 0, 0)


def test_an_access_watchpoint_stops_behind_both(engine: str) -> None:
    box = storing(engine)
    box.watch("awatch", BUFFER + 23, 1)
    for offset, write in ((12, 1), (24, 0), (12, 1)):
        assert box.run(1000) is Outcome.WATCHPOINT
        assert (box.offset, box.h.watch_write) == (offset, write)
        box.h.watch_hit = 0


def test_one_byte_of_an_access_is_enough(engine: str) -> None:
    code = [asm("sw", rs1=8, rs2=5, imm=imm) for imm in (0, 4, 8, 6)] + [jump(0)]
    for address, offsets in ((BUFFER + 7, [8, 16]), (BUFFER + 3, [4]), (BUFFER + 10, [12]), (BUFFER + 12, [])):
        box = Box(engine, code)
        box.h.x[8] = BUFFER
        box.watch("watch", address, 1)
        for offset in offsets:
            assert box.run(100) is Outcome.WATCHPOINT
            assert box.offset == offset
            box.h.watch_hit = 0
        assert box.run(100) is Outcome.BUDGET


def test_other_accesses_of_the_page_go_on(engine: str) -> None:
    box, plain = storing(engine), storing(engine)
    for address in (BUFFER - 1, BUFFER + 32, BUFFER + PAGE - 8):
        box.watch("awatch", address, 1)
    box.watch("rwatch", BUFFER, 16)
    box.watch("watch", RAM, 16)
    assert box.run(MANY) is plain.run(MANY) is Outcome.BUDGET
    assert box.state() == plain.state()


def test_a_removed_watchpoint_is_gone(engine: str) -> None:
    box = storing(engine)
    box.run(MANY)
    number = box.watch("watch", BUFFER, 8)
    assert box.run(MANY) is Outcome.WATCHPOINT
    box.h.watch_hit = 0
    box.points.remove(number)
    assert box.run(MANY) is Outcome.BUDGET


def test_a_store_to_a_watched_page_of_code_is_seen(engine: str) -> None:
    code = [asm("sw", rs1=8, rs2=9), count(5), asm("fence.i"), jump(-12)]
    box = Box(engine, code)
    box.h.x[8], box.h.x[9] = box.start + 4, int.from_bytes(count(6), "little")
    box.watch("watch", box.start + 4, 4)
    assert box.run(1000) is Outcome.WATCHPOINT
    assert (box.offset, box.retired, box.h.watch_va) == (4, 1, box.start + 4)
    box.h.watch_hit = 0
    assert box.run(3) is Outcome.BUDGET
    assert (box.x(5), box.x(6)) == (0, 1)


def test_breakpoints_and_watchpoints_take_turns(engine: str) -> None:
    box = storing(engine)
    box.watch("watch", BUFFER + 8, 8)
    box.breakpoint(16)
    for turn in range(5):
        assert resume(box) is Outcome.WATCHPOINT
        assert (box.offset, box.retired) == (8, 7 * turn + 2)
        box.h.watch_hit = 0
        assert resume(box) is Outcome.BREAKPOINT
        assert (box.offset, box.retired) == (16, 7 * turn + 4)
