# SPDX-License-Identifier: Apache-2.0
"""History of world switches and traps, statistics, and harts that get nowhere."""

from __future__ import annotations

import pytest

from core.debug.target import Debugger, StopKind
from core.trap.worlds import HISTORY
from tests.support.debugged import CODE, ENGINES, OWNER, address, debugger, go, place

GUEST_1, GUEST_2 = 2, 3
EXAMPLES = ("enter", "hello", "mmio", "twins")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_first_switches(engine: str) -> None:
    """Entry, the guest's run, its exit, the host's work until the next entry: counted against stops made there."""
    d = debugger("hello", engine)
    d.add_catch("vmentry", owner=OWNER)
    d.add_catch("vmexit", owner=OWNER)
    times = []
    for _ in range(3):
        go(d)
        times.append((d.retired(), d.retired() + d.machine.harts[0].idle))
    entry, leave, again = d.history()
    assert [event.kind for event in (entry, leave, again)] == ["entry", "exit", "entry"]
    assert [(event.world, event.cause, event.text) for event in (entry, leave)] == [
        (GUEST_1, None, "VM entry"),
        (GUEST_1, 10, "environment call from VS-mode"),
    ]
    assert entry.pc == address(d, "vm_enter") + 144 and leave.pc + 4 == d.read_register("pc")
    assert (entry.from_mode, entry.to_mode, leave.from_mode, leave.to_mode) == (1, 5, 5, 1)
    assert (entry.retired, entry.units) == times[0] and again.retired == times[2][0]
    assert leave.retired == times[1][0] and leave.units == times[1][1] - 1  # taking the trap takes one unit
    assert (entry.duration, leave.duration, again.duration) == (leave.units - entry.units, again.units - leave.units, None)


def test_traps_within_worlds() -> None:
    d = debugger("twins", "native")
    go(d)
    kinds = [event.kind for event in d.history()]
    assert "trap" in kinds and [event.kind for event in d.history(traps=False)] == [kind for kind in kinds if kind != "trap"]
    system_calls = [event for event in d.history() if event.cause == 8]
    assert {(event.world, event.from_mode, event.to_mode) for event in system_calls} == {(GUEST_1, 4, 5), (GUEST_2, 4, 5)}
    assert d.history(3) == d.history()[-3:]
    assert d.history(2, traps=False) == d.history(traps=False)[-2:]
    times = [event.units for event in d.history()]
    assert times == sorted(times)


@pytest.mark.parametrize("name", EXAMPLES)
def test_both_engines_write_the_same(name: str) -> None:
    reference, native = (debugger(name, engine) for engine in ENGINES)
    for d in (reference, native):
        assert go(d).kind is StopKind.EXITED
    assert reference.history() == native.history()
    assert reference.statistics() == native.statistics()
    assert reference.explain() == native.explain()


@pytest.mark.parametrize("name", EXAMPLES)
def test_statistics_add_up(name: str) -> None:
    d = debugger(name, "native")
    for steps in (12_000, None):
        go(d, steps=steps) if steps else go(d)
        found = d.statistics()
        assert sum(world.retired for world in found.worlds) == d.retired()
        assert sum(world.units for world in found.worlds) == d.retired() + d.machine.harts[0].idle
        exits = {world.number: world.exits for world in d.worlds()[1:]}
        counted = {number: sum(use.count for use in found.exits if use.world == number) for number in exits}
        places = {number: sum(use.count for use in found.places if use.world == number) for number in exits}
        assert counted == places == exits
        entered = [event for event in d.history() if event.kind == "exit" and event.duration is not None]
        assert sum(use.cost for use in found.exits) <= sum(event.duration or 0 for event in entered)


@pytest.mark.parametrize("engine", ENGINES)
def test_cost_of_an_exit(engine: str) -> None:
    """The instructions from the handler's first to the SRET inclusive."""
    d = debugger("hello", engine)
    d.add_catch("vmexit", owner=OWNER, temporary=True)
    go(d)
    before = d.retired()
    d.add_catch("vmentry", owner=OWNER, temporary=True)
    go(d)
    (use,) = d.statistics().exits
    assert (use.text, use.count, use.cost) == ("environment call from VS-mode", 1, d.retired() - before)
    assert use.average == use.cost


@pytest.mark.parametrize("engine", ENGINES)
def test_the_ring_keeps_the_last(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, [0])
    d.write_register("stvec", CODE)
    go(d, steps=HISTORY + 100)
    events = d.history()
    assert len(events) == HISTORY and {event.pc for event in events} == {CODE}
    assert events[-1].units - events[0].units == HISTORY - 1
    assert events[0].duration == 1


# -- getting nowhere --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_trap_loop(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, [0x0000_0013, 0])
    d.write_register("stvec", CODE + 4)
    go(d, steps=900)
    assert d.trap_loop() is None
    d.resume(steps=2000)
    d.wait(60)
    assert d.trap_loop() == f"trap loop at {CODE + 4:#x}: illegal instruction taken 2899 times in a row"
    place(d, [0x0000_0013, 0x0000_006F])
    d.resume(steps=11_000)
    d.wait(60)
    assert d.trap_loop() is None


def stuck_guest(engine: str) -> Debugger:
    """hello's guest with a hypervisor that only executes SRET: its first ecall comes again and again."""
    d = debugger("hello", engine)
    d.stop_on_new_world = True
    go(d)
    d.write_memory(CODE, (0x1020_0073).to_bytes(4, "little"), space="spa")
    d.write_register("stvec", CODE)
    return d


@pytest.mark.parametrize("engine", ENGINES)
def test_guest_that_gets_nowhere(engine: str) -> None:
    d = stuck_guest(engine)
    d.resume(steps=1500)
    d.wait(60)
    text = d.trap_loop()
    assert text is not None
    start = "guest 1 (vmid 1) gets nowhere: environment call from VS-mode at "
    assert text.startswith(start) and text.endswith("without an instruction of its own in between")


@pytest.mark.parametrize("name", EXAMPLES)
def test_working_guests_are_not_suspected(name: str) -> None:
    d = debugger(name, "native")
    while go(d, steps=250).kind is StopKind.STEP:
        assert d.trap_loop() is None


@pytest.mark.parametrize("engine", ENGINES)
def test_reset_begins_anew(engine: str) -> None:
    d = debugger("hello", engine)
    go(d)
    d.reset()
    found = d.statistics()
    assert (d.history(), found.exits, found.places, [world.retired for world in found.worlds]) == ([], (), (), [0])
    assert d.trap_loop() is None and d.explain() == ["no trap has been taken since reset"]
