# SPDX-License-Identifier: Apache-2.0
"""Worlds as processes on the real machine: registers, memory, files, modes of telling them apart."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

import pytest

from core.debug.target import MemoryUnreadable
from gdbstub.framing import Deframer, Packet, frame
from gdbstub.interface import Cause, Point, StopReport, TargetError, ThreadId
from gdbstub.riscv.processes import Mode
from gdbstub.riscv.programs import empty_elf
from gdbstub.riscv.regnums import MODE, PC, csr_number
from gdbstub.session import Session
from tests.gdb.machine import PREBUILT
from tests.support.world_targets import (
    ENTRY,
    GUEST,
    HOST,
    SECOND,
    UNMAPPED,
    Targets,
    enter_guest,
    go,
    register,
    symbol,
)  # fmt: skip
from tests.unit.test_gdbstub_fuzz import INPUTS, SILENT, random_body

SOFTWARE = Point.SOFTWARE_BREAKPOINT


@pytest.fixture
def make() -> Iterator[Targets]:
    """Makes targets, and ends their machines after the test."""
    targets = Targets()
    yield targets
    targets.close()


def test_a_guest_appears_when_it_is_entered(make: Targets) -> None:
    target = make()
    assert list(target.threads()) == [HOST]
    go(target)
    report = target.stop_report()
    assert (report.thread, report.passing, report.remark) == (HOST, True, "")
    newcomer = target.newcomer()
    assert newcomer is not None
    assert (newcomer.thread, newcomer.program) == (GUEST, "/hartline/guest-1")
    assert list(target.threads()) == [HOST, GUEST]
    assert target.stop_report().thread == GUEST
    assert (target.file("/hartline/guest-1"), target.file("/etc/passwd")) == (empty_elf(), None)
    assert target.describe(GUEST) == "guest 1 (vmid 1), VS, hart 0, stopped: new world"
    assert target.describe(HOST) == "host, hart 0, VM entry: it has entered guest 1 (vmid 1)"


def test_programs_are_named_and_served(make: Targets) -> None:
    target = make(Mode.AUTO, symbols="guest:1")
    host, guest = (PREBUILT / "twins.elf").resolve(), (PREBUILT / "twins-guest.elf").resolve()
    assert target.program(1) == str(host)
    assert target.program(2) is None
    enter_guest(target)
    assert target.program(2) == str(guest)
    assert (target.file(str(host)), target.file(str(guest))) == (host.read_bytes(), guest.read_bytes())
    assert target.file(str(PREBUILT / "hello.elf")) is None


def test_both_worlds_keep_their_registers(make: Targets) -> None:
    target = make()
    enter_guest(target)
    sret = register(target, HOST, PC)
    assert target.read_memory(HOST, sret, 4) == (0x10200073).to_bytes(4, "little")
    assert (register(target, HOST, MODE), register(target, GUEST, MODE)) == (1, 5)
    assert register(target, GUEST, PC) == ENTRY
    host, guest = target.read_general(HOST), target.read_general(GUEST)
    assert host and guest and len(host) == len(guest) == 33 * 8
    assert host != guest
    target.insert(HOST, SOFTWARE, symbol(target, "trap_vector"), 4)
    go(target, GUEST)
    assert target.stop_report().thread == HOST
    assert register(target, HOST, PC) == symbol(target, "trap_vector")
    assert register(target, GUEST, PC) == register(target, HOST, csr_number(0x141))  # sepc
    assert target.describe(GUEST) == "guest 1 (vmid 1), hart 0, VM exit: environment call from VS-mode"
    assert target.describe(HOST) == "HS, hart 0, stopped: breakpoint"


def test_what_does_not_run_is_written_only_where_that_is_true(make: Targets) -> None:
    target = make()
    enter_guest(target)
    with pytest.raises(TargetError, match="host does not run on hart 0"):
        target.write_register(HOST, 10, bytes(8))
    target.write_register(GUEST, 10, (7).to_bytes(8, "little"))
    assert register(target, GUEST, 10) == 7


def test_memory_is_each_worlds_own(make: Targets) -> None:
    target = make()
    enter_guest(target)
    host, guest = target.read_memory(HOST, ENTRY, 64), target.read_memory(GUEST, ENTRY, 64)
    assert host != guest
    assert target.read_memory(GUEST, ENTRY, 64) == guest
    target.write_memory(GUEST, ENTRY + 0x2800, b"hartline")
    assert target.read_memory(HOST, ENTRY + 0x2800, 8) != b"hartline"
    assert target.read_memory(GUEST, ENTRY + 0x2800, 8) == b"hartline"
    assert target.read_memory(GUEST, 0x80000000, 4, physical=True) == target.read_memory(HOST, 0x80000000, 4)


def test_detaching_from_a_guest_shows_it_through_the_host(make: Targets) -> None:
    target = make()
    enter_guest(target)
    target.insert(GUEST, SOFTWARE, ENTRY + 8, 4)
    target.part(2)
    assert target.debugger.breakpoints() == []
    assert list(target.threads()) == [HOST]
    assert register(target, HOST, MODE) == 5
    assert target.newcomer() is None
    with pytest.raises(TargetError, match=r"no thread 2\.1 any more"):
        target.read_register(GUEST, PC)


@pytest.mark.parametrize(
    ("mode", "symbols", "separate"),
    [
        (Mode.AUTO, None, False),
        (Mode.AUTO, "guest:*", True),
        (Mode.AUTO, "guest:2", True),
        (Mode.AUTO, "host", False),
        (Mode.MERGED, "guest:*", False),
        (Mode.SEPARATE, None, True),
    ],
)
def test_when_worlds_are_separate(make: Targets, mode: Mode, symbols: str | None, separate: bool) -> None:
    target = make(mode, symbols=symbols)
    target.insert(HOST, SOFTWARE, UNMAPPED, 4)
    go(target)
    assert (target.newcomer() is not None) is separate
    assert target.stop_report().passing is separate
    assert [point.world for point in target.debugger.breakpoints()] == ([-1] if separate else [None])
    if not separate:  # the classic habit: the breakpoint set in the only inferior stops in the guest
        assert target.stop_report().cause is Cause.SOFTWARE_BREAKPOINT
        assert register(target, HOST, MODE) == 4


def test_worlds_can_be_separated_and_merged_in_a_session(make: Targets) -> None:
    target = make(Mode.MERGED)
    target.insert(HOST, SOFTWARE, UNMAPPED, 4)
    go(target)
    target.processes.choose(Mode.SEPARATE)
    newcomer = target.newcomer()
    assert newcomer is not None
    assert newcomer.thread == GUEST
    assert register(target, HOST, MODE) == 1
    target.processes.choose(Mode.MERGED)
    assert list(target.threads()) == [HOST, GUEST]  # the debugger has met it, and would lose it amid its work
    assert register(target, HOST, MODE) == 1
    target.part(GUEST.process)
    assert list(target.threads()) == [HOST]
    assert register(target, HOST, MODE) == 4


def test_after_a_reset_guests_are_told_again(make: Targets) -> None:
    target = make()
    enter_guest(target)
    target.reset()
    assert list(target.threads()) == [HOST, GUEST]  # the debugger still has it
    enter_guest(target)


def test_after_a_reset_a_guest_has_neither_registers_nor_memory(make: Targets) -> None:
    """The host's must not be taken for them."""
    target = make()
    enter_guest(target)
    target.reset()
    assert target.describe(GUEST) == "guest 1, hart 0, not entered since the reset"
    assert target.read_general(GUEST) is None
    assert target.read_register(GUEST, PC) is target.read_register(GUEST, MODE) is None
    never = "guest 1 has not been entered yet"
    with pytest.raises(TargetError, match=never):
        target.write_register(GUEST, 10, bytes(8))
    with pytest.raises(TargetError, match=never):
        target.read_memory(GUEST, ENTRY, 4)
    with pytest.raises(TargetError, match=never):
        target.write_memory(GUEST, ENTRY, bytes(4))
    target.insert(GUEST, SOFTWARE, ENTRY + 8, 4)
    (point,) = target.debugger.breakpoints()
    assert (point.address, point.world) == (ENTRY + 8, 2)
    go(target, GUEST)
    assert target.stop_report().passing
    newcomer = target.newcomer()
    assert newcomer is not None and newcomer.thread == GUEST
    go(target, GUEST)
    assert target.stop_report() == StopReport(GUEST, cause=Cause.SOFTWARE_BREAKPOINT)


def test_code_not_mapped_yet_is_read_from_the_elf(make: Targets) -> None:
    target = make(symbols="guest:1")
    enter_guest(target)
    with pytest.raises(MemoryUnreadable):
        target.debugger.read_memory(UNMAPPED, 4)
    assert target.read_memory(GUEST, UNMAPPED, 4) == target.programs.code(2, UNMAPPED, 4) != b""
    with pytest.raises(TargetError):  # only code, and only in its own world
        target.read_memory(GUEST, 0x30000, 4)
    with pytest.raises(TargetError):
        target.read_memory(HOST, UNMAPPED, 4)


def test_regions(make: Targets) -> None:
    target = make()
    enter_guest(target)
    region = target.region(GUEST, ENTRY + 8)
    assert (region.start, region.size, region.permissions) == (ENTRY, 0x1000, "rwx")
    hole = target.region(GUEST, 0x100)
    assert (hole.start, hole.permissions) == (0, "")
    assert hole.size in (1 << 21, 1 << 30)
    assert target.region(HOST, 0x100).permissions == ""


def test_osdata_lists_the_worlds(make: Targets) -> None:
    target = make(symbols="guest:1")
    enter_guest(target)
    worlds = (target.document("osdata", "worlds") or b"").decode()
    assert worlds.count("<item>") == 2
    guest = '<column name="inferior">{}</column><column name="world">guest 1 (vmid 1)</column>'
    assert guest.format(2) in worlds
    target.processes.part(2)  # detached: seen through the host's
    assert guest.format(1) in (target.document("osdata", "worlds") or b"").decode()
    assert '<column name="state">running</column>' in worlds
    assert b"worlds" in (target.document("osdata", "") or b"")
    assert target.document("osdata", "processes") is None


def test_a_hart_that_has_not_run_a_guest_has_no_thread_there(make: Targets) -> None:
    target = make(harts=2)
    enter_guest(target)
    assert list(target.threads()) == [HOST, ThreadId(1, 2), GUEST]
    go(target, GUEST)
    assert target.newcomer() is not None
    assert list(target.threads())[2:] == [GUEST, SECOND]


def test_random_packets_change_nothing_in_any_world(make: Targets) -> None:
    target = make(symbols="guest:*")
    session = Session(target)
    session.receive(frame(b"QStartNoAckMode") + frame(b"qSupported:multiprocess+;exec-events+;swbreak+"))
    target.meet(True)
    go(target)
    while target.newcomer() is None or len(target.threads()) < 3:
        go(target, GUEST)
    source, machine = random.Random(11), target.debugger.machine

    def state() -> tuple[object, str]:
        return machine.harts[0].snapshot(), hashlib.sha256(machine.ram_view).hexdigest()

    before = state()
    for _ in range(max(3000, INPUTS // 50)):
        body = random_body(source)
        if body[:1] in b"GPMXcCsSRDk" or (body.startswith(b"v") and not body.startswith(b"vFile")) or body[:2] == b"qR":
            continue
        if body.startswith(b"qSupported"):
            continue
        answered = any(isinstance(item, Packet) for item in Deframer(1 << 20).feed(session.receive(frame(body))))
        assert answered or body.startswith(SILENT), body
        assert not target.running, body
    target.processes.choose(Mode.MERGED)
    assert state() == before
