# SPDX-License-Identifier: Apache-2.0
"""Running: stepping through ranges of addresses, interrupting, and what front ends are told."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from core.debug.target import Debugger, Event, Resumed, StopKind, Stopped
from core.machine import Machine
from tests.support.debugged import CODE, ENGINES, OWNER, debugger, go, place

pytestmark = pytest.mark.parametrize("engine", ENGINES)
NOP, ILLEGAL, ECALL, LOOP, BACK = 0x13, 0, 0x73, 0x6F, 0xFFDF_F06F
"""BACK: j .-4"""
TURNS = 500
COUNT_DOWN = [0x0000_0013 | TURNS << 20 | 13 << 7, 0xFFF6_8693, 0xFE06_9EE3, NOP, NOP]
"""li a3, TURNS; addi a3, a3, -1; bnez a3, .-4; nop; nop"""


def at(engine: str, words: Sequence[int]) -> Debugger:
    d = debugger("loop", engine)
    place(d, words)
    d.write_register("stvec", CODE + 0x800)
    return d


def test_range_with_a_loop_is_one_stop(engine: str) -> None:
    d = at(engine, COUNT_DOWN)
    before = d.retired()
    stop = go(d, step_range=(CODE, CODE + 12))
    assert (stop.kind, stop.pc, d.read_register("a3")) == (StopKind.STEP, CODE + 12, 0)
    assert d.retired() - before == 1 + 2 * TURNS
    assert d.machine.harts[0].range_size == 0


def test_range_is_as_many_steps(engine: str) -> None:
    """The same state as single steps give."""
    ranged, stepped = at(engine, COUNT_DOWN), at(engine, COUNT_DOWN)
    go(ranged, step_range=(CODE + 4, CODE + 12))
    for _ in range(1 + 2 * TURNS):
        go(stepped, steps=1)
    first = go(ranged, step_range=(CODE + 4, CODE + 12)) if ranged.stop.pc < CODE + 12 else ranged.stop
    assert first.pc == stepped.stop.pc == CODE + 12
    assert ranged.machine.harts[0].snapshot() == stepped.machine.harts[0].snapshot()


def test_range_is_left_once_at_least(engine: str) -> None:
    """From outside the range it is one step."""
    d = at(engine, [NOP, NOP, NOP, NOP])
    assert go(d, step_range=(CODE + 8, CODE + 16)).pc == CODE + 4
    assert go(d, step_range=(CODE + 8, CODE + 16)).pc == CODE + 16


def test_calls_and_traps_leave_a_range(engine: str) -> None:
    d = at(engine, [NOP, 0x0FC0_00EF, ILLEGAL, NOP])  # jal ra, .+0xfc
    assert go(d, step_range=(CODE, CODE + 16)).pc == CODE + 0x100
    d.write_register("pc", CODE + 8)
    stop = go(d, step_range=(CODE, CODE + 16))
    assert (stop.kind, stop.pc, d.read_register("scause")) == (StopKind.STEP, CODE + 0x800, 2)


def test_an_interrupt_leaves_a_range(engine: str) -> None:
    d = at(engine, [LOOP])
    for name, value in (("sie", 1 << 5), ("stimecmp", d.read_register("time") + 50), ("sstatus", 2)):
        d.write_register(name, value)
    stop = go(d, step_range=(CODE, CODE + 4))
    assert (stop.pc, d.read_register("sepc"), d.read_register("scause")) == (CODE + 0x800, CODE, 1 << 63 | 5)


def test_breakpoints_within_a_range(engine: str) -> None:
    d = at(engine, COUNT_DOWN)
    point = d.add_breakpoint(CODE + 8, owner=OWNER, ignore=9)
    stop = go(d, step_range=(CODE, CODE + 12))
    assert (stop.kind, stop.number, d.read_register("a3"), point.hits) == (StopKind.BREAKPOINT, 1, TURNS - 10, 10)
    assert go(d, step_range=(CODE, CODE + 12)).number == 1
    d.remove_breakpoint(1)
    assert go(d, step_range=(CODE, CODE + 12)).pc == CODE + 12


def test_wfi_in_a_range(engine: str) -> None:
    d = at(engine, [0x1050_0073, NOP, NOP])
    for name, value in (("sie", 1 << 5), ("stimecmp", d.read_register("time") + 1000)):
        d.write_register(name, value)
    assert go(d, step_range=(CODE, CODE + 8)).pc == CODE + 8
    d.write_register("sie", 0)
    d.write_register("pc", CODE)
    assert go(d, step_range=(CODE, CODE + 8)).kind is StopKind.IDLE


STORMS = {
    "a loop": [LOOP],
    "traps": [ILLEGAL],
    "SBI calls": [ECALL, BACK],
    "device accesses": [0x1000_0537, 0x0055_4583, BACK],  # lui a0, 0x10000; lbu a1, 5(a0)
    "WFI": [0x1050_0073, BACK],
}


@pytest.mark.parametrize("storm", STORMS)
@pytest.mark.parametrize("how", ["continue", "range"])
def test_interrupting_takes_no_time(engine: str, storm: str, how: str) -> None:
    """How little time it takes, `python -m benchmarks debugging` measures; here is room for a busy machine."""
    d = at(engine, STORMS[storm])
    d.write_register("a7", 0x10)
    d.write_register("stvec", CODE)
    d.write_register("sie", 1 << 5)
    d.write_register("stimecmp", 0)
    d.resume(step_range=(CODE, CODE + 0x100) if how == "range" else None)
    time.sleep(0.05)
    assert d.running
    began = time.monotonic()
    d.interrupt()
    stop = d.wait(10)
    assert stop is not None and stop.kind is StopKind.INTERRUPTED
    assert time.monotonic() - began < 5


def test_interrupting_a_storm_of_hits(engine: str) -> None:
    d = at(engine, [NOP, BACK])
    d.add_breakpoint(CODE, owner=OWNER, condition=lambda d, hart: False)
    d.resume()
    time.sleep(0.05)
    began = time.monotonic()
    d.interrupt()
    assert d.wait(10) is not None and time.monotonic() - began < 5


def test_a_breakpoint_is_not_lost_to_an_interrupt(engine: str) -> None:
    """Asked to stop just as a breakpoint is hit: the breakpoint is what is told, and nothing lingers."""
    d = at(engine, [NOP, NOP, NOP, LOOP])

    def ask(d: Debugger, hart: int) -> bool:
        d.interrupt()
        return True

    d.add_breakpoint(CODE + 8, owner=OWNER, condition=ask)
    assert go(d).kind is StopKind.BREAKPOINT
    d.remove_breakpoint(1)
    assert go(d, steps=1).kind is StopKind.STEP


def test_an_error_inside_ends_the_run(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the stop gets one."""
    d = at(engine, [LOOP])

    def broken(self: Machine, units: int, hart: int | None = None) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(Machine, "run", broken)
    with pytest.raises(KeyError):
        d.resume(steps=1)
    assert not d.running and d.stop.text == "internal error: KeyError('lost')"


def test_events_in_order(engine: str) -> None:
    d = at(engine, [NOP, NOP])
    told: list[object] = []
    d.subscribe(told.append)
    stop = go(d, steps=1)
    assert told == [Resumed(), Stopped(stop)]


def test_waiting_ends_when_everybody_has_been_told(engine: str) -> None:
    """Else whoever waits would meet front ends that still hold the state from before the run."""
    d = at(engine, [LOOP])
    told, go_on = threading.Event(), threading.Event()
    from_inside: list[object] = []

    def listener(event: Event) -> None:
        if isinstance(event, Stopped):
            from_inside.append(d.wait(0))
            told.set()
            go_on.wait(20)

    d.subscribe(listener)
    d.resume()
    d.interrupt()
    assert told.wait(20)
    assert d.wait(0.05) is None
    go_on.set()
    assert d.wait(20) is d.stop
    assert from_inside == [d.stop]
