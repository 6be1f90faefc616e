# SPDX-License-Identifier: Apache-2.0
"""Breakpoints and watchpoints: per world also at equal addresses, conditions, ignore counts, address spaces."""

from __future__ import annotations

import hashlib

import pytest

from core.debug.target import GUESTS, HOST, DebugError, Debugger, MachineRunning, StopKind, TooMany
from tests.support.debugged import CODE, ENGINES, OWNER, address, debugger, go, place

pytestmark = pytest.mark.parametrize("engine", ENGINES)
GUEST_1, GUEST_2 = 2, 3
LOOP = (0x0015_0513, 0xFFDF_F06F)
"""addi a0, a0, 1; j .-4"""


def stops_until_the_end(d: Debugger) -> list[int]:
    """The worlds of all stops."""
    worlds = []
    while (stop := go(d)).kind is StopKind.BREAKPOINT:
        worlds.append(stop.world)
    assert stop.kind is StopKind.EXITED
    return worlds


def test_equal_addresses_in_three_worlds(engine: str) -> None:
    """0x80200000 is _start of the hypervisor and guest_entry of both guests; the host has passed it here."""
    d = debugger("twins", engine)
    go(d, steps=1)
    points = [d.add_breakpoint(0x8020_0000, owner=OWNER, world=world) for world in (HOST, GUEST_1, GUEST_2, GUESTS, None)]
    stops = [go(d), go(d)]
    assert [(stop.world, stop.numbers) for stop in stops] == [(GUEST_1, (2, 4, 5)), (GUEST_2, (3, 4, 5))]
    assert engine == "reference" or go(d).kind is StopKind.EXITED
    assert [point.hits for point in points] == [0, 1, 1, 2, 2]


def test_the_host_is_a_world_like_others(engine: str) -> None:
    """The hypervisor's trap vector, at an address where the guests' kernel has code, too."""
    d = debugger("twins", engine)
    where = address(d, "trap_vector")
    others = d.add_breakpoint(where, owner=OWNER, world=GUESTS, ignore=10**6)
    d.add_breakpoint(where, owner=OWNER, world=HOST)
    if engine == "reference":
        assert [go(d).world for _ in range(9)] == [HOST] * 9
        return
    worlds = stops_until_the_end(d)
    exits = sum(world.exits for world in d.worlds()[1:])
    assert worlds == [HOST] * exits and exits > 20
    assert others.hits > 0


def test_many_stops_in_the_second_guest_only(engine: str) -> None:
    d = debugger("twins", engine)
    handler = address(d, "kernel_trap_vector", GUEST_1)
    hits = {world: d.add_breakpoint(handler, owner=OWNER, world=world, ignore=10**6) for world in (HOST, GUEST_1, GUEST_2)}
    d.add_breakpoint(handler, owner=OWNER, world=GUEST_2, condition=lambda d, hart: d.read_register("vscause") == 8)
    first = go(d)
    assert (first.kind, first.world, first.text) == (StopKind.BREAKPOINT, GUEST_2, "breakpoint 4 at kernel_trap_vector")
    assert d.read_register("vscause") == 8
    assert hits[HOST].hits == 0 and hits[GUEST_1].hits > 0 and hits[GUEST_2].hits > 0
    if engine == "reference":
        return
    stops_until_the_end(d)
    assert hits[GUEST_1].hits == hits[GUEST_2].hits > 5


def test_set_before_the_page_is_mapped_or_loaded(engine: str) -> None:
    """user_main of the guest is mapped by the guest's kernel, long after the breakpoint was set at reset."""
    d = debugger("twins", engine)
    where = address(d, "user_main", GUEST_1)
    d.add_breakpoint(where, owner=OWNER, world=GUEST_2)
    stop = go(d)
    assert (stop.pc, stop.world, d.mode_name()) == (where, GUEST_2, "VU")


def test_memory_is_left_alone(engine: str) -> None:
    d = debugger("twins", engine)
    before = hashlib.sha256(d.machine.ram_view).digest()
    for world in (HOST, GUEST_1, None):
        d.add_breakpoint(0x8020_0000, owner=OWNER, world=world)
        d.add_watchpoint(0x8020_0000, 8, "awatch", owner=OWNER, world=world)
    assert hashlib.sha256(d.machine.ram_view).digest() == before


def test_ignore_count_and_condition(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, LOOP)
    d.write_register("a0", 0)
    point = d.add_breakpoint(CODE + 4, owner=OWNER, ignore=5)
    assert go(d).number == point.number and d.read_register("a0") == 6
    assert (point.hits, point.ignore) == (6, 0)
    d.remove_breakpoint(point.number)
    seen: list[int] = []

    def every_hundred(d: Debugger, hart: int) -> bool:
        seen.append(d.read_register("a0", hart))
        assert d.read_memory(CODE, 4) == LOOP[0].to_bytes(4, "little")
        return seen[-1] % 100 == 0

    point = d.add_breakpoint(CODE + 4, owner=OWNER, condition=every_hundred)
    assert go(d).number == point.number and d.read_register("a0") == 100
    assert seen == list(range(7, 101)) and point.hits == 1
    assert go(d).number == point.number and d.read_register("a0") == 200


def test_a_condition_that_fails_stops_and_says_so(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, LOOP)
    d.add_breakpoint(CODE + 4, owner=OWNER, condition=lambda d, hart: d.read_register("nothing") == 1)
    stop = go(d)
    assert stop.kind is StopKind.BREAKPOINT and not d.running
    assert stop.text == f"breakpoint 1 at {CODE + 4:#x}; its condition failed: there is no register 'nothing'"


def test_steps_past_a_breakpoint_that_does_not_count(engine: str) -> None:
    """All steps asked for are taken."""
    d = debugger("loop", engine)
    place(d, LOOP)
    d.write_register("a0", 0)
    d.add_breakpoint(CODE + 4, owner=OWNER, condition=lambda d, hart: False)
    assert go(d, steps=20).kind is StopKind.STEP
    assert d.read_register("a0") == 10


def test_several_at_one_address(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, LOOP)
    never = d.add_breakpoint(CODE + 4, owner=OWNER, condition=lambda d, hart: False)
    once = d.add_breakpoint(CODE + 4, owner=OWNER, temporary=True)
    always = d.add_breakpoint(CODE + 4, owner=OWNER)
    assert go(d).numbers == (once.number, always.number)
    assert [point.number for point in d.breakpoints()] == [never.number, always.number]
    assert go(d).numbers == (always.number,)
    assert (never.hits, once.hits, always.hits) == (0, 1, 2)


def test_state_is_out_of_reach_while_running(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, LOOP)
    d.resume()
    for action in (d.worlds, d.history, d.explain, d.statistics, lambda: d.add_catch("fence", owner=OWNER)):
        with pytest.raises(MachineRunning):
            action()
    d.interrupt()
    stop = d.wait(10)
    assert stop is not None and stop.kind is StopKind.INTERRUPTED


def test_no_room(engine: str) -> None:
    d = debugger("loop", engine)
    for number in range(16):
        d.add_watchpoint(0x8100_0000 + 8 * number, 8, "watch", owner=OWNER)
    with pytest.raises(TooMany, match="no room for more than 16 watchpoints"):
        d.add_watchpoint(0x8200_0000, 8, "watch", owner=OWNER)
    with pytest.raises(TooMany):
        d.add_catch("gpa 0x1000", owner=OWNER)
    for number in range(256):
        d.add_breakpoint(4 * number, owner=OWNER)
    with pytest.raises(TooMany, match="no room for more than 256 breakpoints"):
        d.add_breakpoint(0x8020_0000, owner=OWNER)
    assert len(d.breakpoints()) == 272


def test_what_cannot_be_set(engine: str) -> None:
    d = debugger("loop", engine)
    with pytest.raises(DebugError, match="no such kind of watchpoint: break"):
        d.add_watchpoint(0, 8, "break", owner=OWNER)
    with pytest.raises(DebugError, match="at least one byte"):
        d.add_watchpoint(0, 0, "watch", owner=OWNER)
    with pytest.raises(DebugError, match="no address space 'gva' for a watchpoint"):
        d.add_watchpoint(0, 8, "watch", owner=OWNER, space="gva")
    with pytest.raises(DebugError, match="there is no world 0"):
        d.add_breakpoint(0, owner=OWNER, world=0)
    with pytest.raises(DebugError, match="there is no breakpoint 7"):
        d.remove_breakpoint(7)
    assert d.breakpoints() == []


# -- watchpoints ------------------------------------------------------------------------------------------------------


def test_watchpoint_of_one_guest(engine: str) -> None:
    """`ticks` of the guests' kernel lies at one virtual address in both."""
    d = debugger("twins", engine)
    ticks = address(d, "ticks", GUEST_1)
    point = d.add_watchpoint(ticks, 8, "watch", owner=OWNER, world=GUEST_2)
    values: list[int] = []
    while len(values) < 4 and (stop := go(d)).kind is StopKind.WATCHPOINT:
        assert (stop.world, stop.watch_address, stop.watch_kind) == (GUEST_2, ticks, "w")
        values.append(int.from_bytes(d.read_memory(ticks, 8), "little"))
    assert len(values) >= 3 and point.hits == len(values) and values[-2:] == sorted(values[-2:])


def test_watchpoint_on_guest_physical_memory(engine: str) -> None:
    """Found whatever the guest's virtual address is; with a world, in that guest's physical memory only."""
    for world, expected in ((GUEST_1, {GUEST_1}), (None, {GUEST_1, GUEST_2}))[engine == "reference" :]:
        d = debugger("twins", engine)
        gpa = address(d, "ticks", GUEST_1)  # mapped one to one by the guest's kernel
        d.add_watchpoint(gpa, 8, "watch", owner=OWNER, space="gpa", world=world)
        worlds = []
        while (stop := go(d)).kind is StopKind.WATCHPOINT:
            assert stop.watch_address == gpa
            worlds.append(stop.world)
        assert set(worlds) - {HOST} == expected
        assert worlds.count(GUEST_1) >= 3


def test_guest_physical_watchpoint_sees_the_hypervisor(engine: str) -> None:
    """The hypervisor stores to guest memory through its own mapping, past the G-stage."""
    d = debugger("hello", engine)
    d.add_catch("vmexit", owner=OWNER, temporary=True)
    go(d)
    spa = d.translate(0x8020_5000, space="gpa", world=GUEST_1).spa
    assert spa is not None
    d.add_watchpoint(0x8020_5800, 8, "watch", owner=OWNER, space="gpa", world=GUEST_1)
    d.write_register("t0", spa + 0x800)
    place(d, [0x0062_B023, 0x0000_0013])  # sd t1, 0(t0); nop
    stop = go(d)
    assert (stop.kind, stop.world, stop.pc, stop.watch_address) == (StopKind.WATCHPOINT, HOST, CODE + 4, 0x8020_5800)
    assert stop.text == f"watchpoint 2: GPA 0x80205800: written at virtual address {spa + 0x800:#x}, now at {CODE + 4:#x}"


def test_physical_watchpoint_fires_whoever_writes(engine: str) -> None:
    d = debugger("twins", engine)
    d.stop_on_new_world = True
    go(d)
    d.stop_on_new_world = False
    gpa = address(d, "ticks", GUEST_1)
    spa = d.translate(gpa, space="gpa").spa
    assert spa is not None
    d.add_watchpoint(spa, 8, "watch", owner=OWNER, space="spa")
    worlds = []
    while (stop := go(d)).kind is StopKind.WATCHPOINT:
        worlds.append(stop.world)
    assert set(worlds) == {GUEST_1}


def test_misaligned_access_across_two_watched_pages(engine: str) -> None:
    """The guest physical address of each part is its own."""
    d = debugger("loop", engine)
    d.stop_on_new_world = True
    go(d)
    code = d.read_register("pc")
    step = d.translate(code, access="x").steps[-1]
    d.write_memory(step.pte_spa, (step.pte | 0x1F).to_bytes(8, "little"), space="spa")  # writable, too
    spa = d.translate(code).spa
    assert spa is not None
    page = code & ~0xFFF
    d.add_watchpoint(page + 0x108, 1, "watch", owner=OWNER, space="gpa")
    d.write_memory(code, bytes.fromhex("23b06200"))  # sd t1, 0(t0)
    d.write_register("t0", page + 0x101)
    stop = go(d, steps=1)
    assert (stop.kind, stop.watch_address) == (StopKind.WATCHPOINT, page + 0x108)
    d.write_register("pc", code)
    d.write_register("t0", page + 0x109)
    assert go(d, steps=1).kind is StopKind.STEP


def test_watchpoint_condition(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, [0x0015_0513, 0x00A2_B023, 0xFF9F_F06F])  # addi a0, a0, 1; sd a0, 0(t0); j .-8
    d.write_register("a0", 0)
    d.write_register("t0", CODE + 0x100)
    point = d.add_watchpoint(
        CODE + 0x100, 8, "watch", owner=OWNER, condition=lambda d, hart: d.read_register("a0") >= 40, ignore=2
    )
    stop = go(d)
    assert (stop.number, d.read_register("a0"), point.hits) == (point.number, 42, 3)


def test_reset_by_the_guest_keeps_points(engine: str) -> None:
    """An SBI reset clears the harts' state; points are set again."""
    d = debugger("loop", engine)
    d.add_watchpoint(CODE + 0x200, 8, "watch", owner=OWNER)
    reboot = address(d, "_start")
    d.add_breakpoint(reboot, owner=OWNER)
    place(d, [0x0000_0073])
    for name, value in (("a7", 0x5352_5354), ("a6", 0), ("a0", 1), ("a1", 0)):
        d.write_register(name, value)
    stop = go(d)
    assert (stop.kind, stop.pc) == (StopKind.BREAKPOINT, reboot)
    place(d, [0x0062_B023, 0x0000_0013])
    d.write_register("t0", CODE + 0x200)
    assert go(d).kind is StopKind.WATCHPOINT
