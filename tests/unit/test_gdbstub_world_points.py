# SPDX-License-Identifier: Apache-2.0
"""Breakpoints, watchpoints, conditions and steps in separate worlds, on the real machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.debug.target import StopKind
from gdbstub.interface import ALWAYS, BreakpointProgram, Cause, Motion, Point, Signal, TargetError
from gdbstub.riscv.regnums import PC, csr_number
from tests.support.world_targets import ENTRY, GUEST, HOST, UNMAPPED, Targets, enter_guest, go, register, symbol

SOFTWARE = Point.SOFTWARE_BREAKPOINT


@pytest.fixture
def make() -> Iterator[Targets]:
    """Makes targets, and ends their machines after the test."""
    targets = Targets()
    yield targets
    targets.close()


def test_breakpoints_at_one_address_in_two_worlds(make: Targets) -> None:
    target = make()
    enter_guest(target)
    target.insert(HOST, SOFTWARE, ENTRY, 4)
    target.insert(GUEST, SOFTWARE, ENTRY + 8, 4)
    assert [point.world for point in target.debugger.breakpoints()] == [1, 2]
    go(target, GUEST)
    report = target.stop_report()
    assert (report.thread, report.cause, report.remark) == (GUEST, Cause.SOFTWARE_BREAKPOINT, "")
    assert register(target, GUEST, PC) == ENTRY + 8
    target.remove(GUEST, SOFTWARE, ENTRY + 8, 4)
    target.insert(HOST, SOFTWARE, ENTRY + 8, 4)  # the guest passes here again and again
    go(target, GUEST)
    assert target.stop_report().passing  # the second guest begins: nothing has stopped the first


def test_a_breakpoint_at_the_first_instruction_is_hit_at_once(make: Targets) -> None:
    target = make()
    enter_guest(target)
    target.insert(GUEST, SOFTWARE, ENTRY, 4)
    go(target, GUEST)
    report = target.stop_report()
    assert (report.thread, report.cause) == (GUEST, Cause.SOFTWARE_BREAKPOINT)
    assert register(target, GUEST, PC) == ENTRY
    assert target.debugger.breakpoints()[0].hits == 1
    go(target, GUEST)
    assert register(target, target.stop_report().thread, PC) == ENTRY
    assert target.stop_report().passing


def test_a_breakpoint_the_host_can_never_reach_is_for_the_guests(make: Targets) -> None:
    target = make()
    said: list[str] = []
    target.subscribe(lambda: None, said.append)
    for _ in range(2):
        target.insert(HOST, SOFTWARE, UNMAPPED, 4)
    assert [point.world for point in target.debugger.breakpoints()] == [-1]
    assert said == [
        "The breakpoint at 0x10000 is armed in all guests: the host cannot execute that address."
        " (Set it in a guest's inferior to have it there alone.)"
    ]
    enter_guest(target)
    go(target, GUEST)
    report = target.stop_report()
    # not as a breakpoint: gdb has none in inferior 2 and would go on without a word
    assert (report.thread, report.signal, report.cause) == (GUEST, Signal.NONE, Cause.PLAIN)
    assert report.remark == "the breakpoint of inferior 1 at 0x10000"


def test_watchpoints_belong_to_their_world(make: Targets) -> None:
    target = make()
    enter_guest(target)
    stack = register(target, HOST, 2)
    target.insert(HOST, Point.WRITE_WATCH, stack & ~7, 8)
    target.insert(GUEST, Point.ACCESS_WATCH, ENTRY + 0x1000, 0x1000)
    assert [(point.kind, point.world) for point in target.debugger.breakpoints()] == [("watch", 1), ("awatch", 2)]
    go(target, GUEST)
    report = target.stop_report()
    assert (report.thread, report.cause) == (GUEST, Cause.ACCESS_WATCH)
    assert report.address is not None
    assert ENTRY + 0x1000 <= report.address < ENTRY + 0x2000


def test_steps_go_where_the_hart_goes(make: Targets) -> None:
    target = make()
    sret = symbol(target, "vm_enter") + 0x90
    assert target.read_memory(HOST, sret, 4) == (0x10200073).to_bytes(4, "little")
    target.insert(HOST, SOFTWARE, sret, 4)
    go(target)
    target.remove(HOST, SOFTWARE, sret, 4)
    go(target, HOST, Motion.STEP)
    assert target.stop_report().thread == HOST  # the debugger does not know of the guest yet
    assert target.newcomer() is not None
    assert (target.stop_report().thread, target.stop_report().signal) == (GUEST, Signal.NONE)
    go(target, GUEST, Motion.STEP)
    assert (target.stop_report().thread, target.stop_report().signal) == (GUEST, Signal.TRAP)


def test_a_step_of_what_does_not_run_waits_for_it(make: Targets) -> None:
    target = make()
    enter_guest(target)
    assert (target.current(HOST), target.current(GUEST)) == (False, True)
    go(target, HOST, Motion.STEP)
    report = target.stop_report()
    assert (report.thread, report.signal, report.cause, report.remark) == (HOST, Signal.TRAP, Cause.PLAIN, "")
    assert register(target, HOST, PC) == symbol(target, "trap_vector")
    before = register(target, GUEST, PC)
    go(target, GUEST, Motion.STEP)
    assert target.stop_report().thread == GUEST
    assert register(target, GUEST, PC) == before + 4  # behind the ecall: the exit was handled
    assert target.debugger.breakpoints() == []


def test_a_catch_of_the_users_own_stops_such_a_step(make: Targets) -> None:
    target = make()
    enter_guest(target)
    target.debugger.add_catch("vmexit", owner="console")
    go(target, HOST, Motion.STEP)
    report = target.stop_report()
    assert (report.thread, report.signal, report.cause) == (HOST, Signal.NONE, Cause.PLAIN)
    assert "VM exit" in report.remark
    assert [point.owner for point in target.debugger.breakpoints()] == ["console"]


def test_conditions_run_on_our_side(make: Targets) -> None:
    target = make(example="hello")
    vector = symbol(target, "trap_vector")
    condition = bytes.fromhex("26018322151327")  # $scause == 21
    target.insert(HOST, SOFTWARE, vector, 4, BreakpointProgram((condition,)))
    enter_guest(target)
    go(target, GUEST)
    assert target.stop_report().cause is Cause.SOFTWARE_BREAKPOINT
    assert register(target, HOST, csr_number(0x142)) == 21
    assert target.debugger.breakpoints()[0].hits == 1


def test_a_condition_that_cannot_be_worked_out_stops(make: Targets) -> None:
    target = make(example="hello")
    vector = symbol(target, "trap_vector")
    target.insert(HOST, SOFTWARE, vector, 4, BreakpointProgram((bytes.fromhex("22001a27"),)))  # *(long *) 0
    enter_guest(target)
    go(target, GUEST)
    assert target.stop_report().cause is Cause.SOFTWARE_BREAKPOINT


def test_commands_print_and_go_on(make: Targets) -> None:
    target = make(example="hello")
    said: list[str] = []
    target.subscribe(lambda: None, said.append)
    text = b"cause %ld\n\0"
    command = bytes.fromhex("260183 2200 2200 3401") + len(text).to_bytes(2, "big") + text + b"\x27"
    odd = bytes.fromhex("260183 2201 0f 27")  # $scause & 1
    target.insert(HOST, SOFTWARE, symbol(target, "trap_vector"), 4, BreakpointProgram((), (command,)))
    target.insert(HOST, SOFTWARE, symbol(target, "trap_vector") + 4, 4, BreakpointProgram((odd,), (command,)))
    enter_guest(target)
    go(target, GUEST)
    assert target.debugger.stop.kind is StopKind.EXITED
    assert said.count("cause 10\n") > 3
    assert said.count("cause 21\n") == 2


def test_bad_bytecode_is_refused(make: Targets) -> None:
    target = make()
    with pytest.raises(TargetError, match="condition or command cannot be run here: bytecode 0x01"):
        target.insert(HOST, SOFTWARE, ENTRY, 4, BreakpointProgram((b"\x01\x27",)))
    assert target.debugger.breakpoints() == []


def test_what_gdb_puts_back_unchanged_stays(make: Targets) -> None:
    target = make()
    for program, kept in ((ALWAYS, True), (BreakpointProgram((b"\x22\x01\x27",)), False)):
        target.insert(HOST, SOFTWARE, ENTRY + 0x40, 4)
        number = target.debugger.breakpoints()[0].number
        target.remove(HOST, SOFTWARE, ENTRY + 0x40, 4)
        target.insert(HOST, SOFTWARE, ENTRY + 0x40, 4, program)
        (point,) = target.debugger.breakpoints()
        assert (point.number == number) is kept


def test_stepping_a_hart_in_wfi_returns(make: Targets) -> None:
    target = make(example="hello")
    pc = register(target, HOST, PC)
    target.write_memory(HOST, pc, (0x10500073).to_bytes(4, "little"))
    for _ in range(3):
        go(target, HOST, Motion.STEP)
        assert not target.running
