# SPDX-License-Identifier: Apache-2.0
"""Worlds: which there are, and their registers and memory whether they run or not."""

from __future__ import annotations

import pytest

from core.debug.target import GUESTS, HOST, Debugger, NewWorld, StopKind, UnknownRegister, UnknownWorld, WorldNotCurrent
from core.hart import Hart
from core.mmu.watch import GUEST_WORLD
from core.trap import worlds as kernel
from core.trap.causes import Cause
from core.trap.entry import take_trap
from core.trap.ret import do_mret, do_sret
from tests.support.debugged import ENGINES, OWNER, address, debugger, general, go

pytestmark = pytest.mark.parametrize("engine", ENGINES)
GUEST_1, GUEST_2 = 2, 3


def to_guest_2(engine: str) -> Debugger:
    """twins at the first entry of its second guest."""
    d = debugger("twins", engine)
    d.stop_on_new_world = True
    go(d)
    assert go(d).world == GUEST_2
    d.stop_on_new_world = False
    return d


def test_only_the_host_at_reset(engine: str) -> None:
    d = debugger("hello", engine)
    (host,) = d.worlds()
    assert (host.number, host.name, host.vmid, host.hgatp, host.state, host.why) == (1, "host", None, 0, "running", "")
    assert (d.current_world(), host.entries, host.exits) == (host, 0, 0)
    with pytest.raises(UnknownWorld, match="guest 1 has not been entered yet"):
        d.read_register("pc", world=GUEST_1)
    with pytest.raises(UnknownWorld, match="no world 0"):
        d.read_register("pc", world=0)


def test_guests_by_order_of_entry(engine: str) -> None:
    d = debugger("twins", engine)
    told: list[NewWorld] = []
    d.subscribe(lambda event: told.append(event) if isinstance(event, NewWorld) else None)
    d.stop_on_new_world = True
    stops = [go(d), go(d), go(d)]
    assert [(stop.kind, stop.world, stop.text) for stop in stops[:2]] == [
        (StopKind.NEW_WORLD, 2, "guest 1 (vmid 1) is entered for the first time, at guest_entry"),
        (StopKind.NEW_WORLD, 3, "guest 2 (vmid 2) is entered for the first time, at guest_entry"),
    ]
    assert stops[2].kind is StopKind.EXITED
    assert [(event.world.number, event.world.vmid, event.world.entries) for event in told] == [(2, 1, 1), (3, 2, 1)]
    host, first, second = d.worlds()
    assert (host.state, first.state, second.state) == ("switched off", "exited", "exited")
    assert first.why == second.why == "VM exit: environment call from VS-mode"
    assert first.entries == first.exits and host.entries == first.exits + second.exits
    assert first.hgatp != second.hgatp and first.vmid == first.hgatp >> 44 & 0x3FFF


def test_a_new_world_is_stopped_at_before_its_first_instruction(engine: str) -> None:
    d = debugger("hello", engine)
    d.stop_on_new_world = True
    assert go(d).pc == address(d, "guest_entry")
    guest = d.current_world()
    assert (guest.number, guest.state, guest.entries, guest.exits) == (GUEST_1, "running", 1, 0)
    assert d.worlds()[0].why == "VM entry: it has entered guest 1 (vmid 1)"
    assert d.read_register("pc", world=GUEST_1) == d.read_register("pc")


def test_reset_forgets_guests_and_breakpoints_of_theirs_wait(engine: str) -> None:
    d = debugger("hello", engine)
    d.add_breakpoint(address(d, "guest_entry"), owner=OWNER, world=GUEST_1)
    assert go(d).world == GUEST_1
    d.reset()
    assert [world.number for world in d.worlds()] == [1] and not d.history()
    assert go(d).world == GUEST_1


def test_the_host_as_it_entered_the_guest(engine: str) -> None:
    """What the hart held at the SRET, gathered by stopping there, is what the host's context says afterwards."""
    d = debugger("hello", engine)
    d.add_breakpoint(address(d, "guest_entry"), owner=OWNER)
    go(d)
    sret = d.read_register("pc", world=HOST)
    d.reset()
    d.add_breakpoint(sret, owner=OWNER, world=HOST)
    assert go(d).pc == sret
    expected, retired = general(d), d.retired()
    go(d, steps=1)
    assert d.mode_name() == "VS" and d.retired() == retired + 1
    go(d, steps=6)
    assert d.mode_name() == "VS" and general(d) != expected
    assert general(d, HOST) == expected
    assert [d.read_register(name, world=HOST) for name in ("pc", "virt", "mode", "vmid")] == [sret, 0, 1, 1]
    assert d.mode_name(world=HOST) == "HS" and d.mode_name(world=GUEST_1) == "VS"
    assert d.read_register("sscratch", world=HOST) == d.read_register("sscratch") == address(d, "vcpu")


def test_the_guest_as_it_exited(engine: str) -> None:
    d = debugger("hello", engine)
    d.add_catch("vmexit load_guest_page_fault", owner=OWNER)
    stop = go(d)
    expected = general(d)  # the handler has not executed anything
    assert general(d, GUEST_1) == expected and general(d, HOST) == expected
    pc = address(d, "unmapped_load")
    go(d, steps=60)
    assert general(d) != expected and general(d, GUEST_1) == expected
    assert [d.read_register(name, world=GUEST_1) for name in ("pc", "virt", "mode", "vmid")] == [pc, 1, 5, 1]
    assert d.current_world().number == HOST and stop.world == GUEST_1


def test_registers_of_a_guest_that_is_not_loaded(engine: str) -> None:
    """twins loads its second guest's vs* CSRs; those of the first are as it left them."""
    d = debugger("twins", engine)
    d.add_catch("vmexit sti", owner=OWNER, world=GUEST_1)
    go(d)
    names = ("vsatp", "vsstatus", "vstvec", "vsscratch", "vsepc", "vscause", "vstval", "hgatp")
    expected = [d.read_register(name) for name in names]
    assert expected[0] >> 60 == 8
    d.add_catch("vmentry", owner=OWNER, world=GUEST_2)
    go(d)
    assert [d.read_register(name) for name in names] != expected
    assert [d.read_register(name, world=GUEST_1) for name in names] == expected
    assert d.read_register("hstatus", world=GUEST_1) == d.read_register("hstatus")
    with pytest.raises(UnknownRegister, match=r"vsie of guest 1 .* is not known while another guest is loaded"):
        d.read_register("vsie", world=GUEST_1)
    with pytest.raises(UnknownRegister, match="no register 'nothing'"):
        d.read_register("nothing", world=GUEST_1)


def test_memory_of_each_world_at_equal_addresses(engine: str) -> None:
    d = to_guest_2(engine)
    start = address(d, "guest_entry", GUEST_1)
    code = d.read_memory(start, 16, world=GUEST_1)
    assert code == d.read_memory(start, 16, world=GUEST_2) == d.read_memory(start, 16) != d.read_memory(start, 16, world=HOST)
    rounds = start + 0x3000
    d.write_memory(rounds, b"first...", world=GUEST_1)
    d.write_memory(rounds, b"second..", world=GUEST_2)
    d.write_memory(rounds, b"host....", world=HOST)
    read = [d.read_memory(rounds, 8, world=world) for world in (GUEST_1, GUEST_2, HOST, None)]
    assert read == [b"first...", b"second..", b"host....", b"second.."]
    places = [d.translate(rounds, world=world).spa for world in (GUEST_1, GUEST_2, HOST)]
    assert len(set(places)) == 3 and places[2] == rounds
    assert d.read_memory(rounds, 8, space="gpa", world=GUEST_1) == b"first..."
    lines = d.disassemble(start, 1, world=GUEST_1), d.disassemble(start, 1, world=HOST)
    assert lines[0][0].symbol == "guest_entry" and lines[0][0].text != lines[1][0].text


def test_reading_another_world_changes_nothing(engine: str) -> None:
    d = to_guest_2(engine)
    hart = d.machine.harts[0]
    before = hart.snapshot(), bytes(d.machine.ram_view)
    for world in (HOST, GUEST_1, GUEST_2):
        general(d, world)
        d.translate(0x8020_0000, world=world)
        d.read_memory(0x8020_0000, 64, world=world)
    assert (hart.snapshot(), bytes(d.machine.ram_view)) == before


def test_writes_to_a_world_that_was_left(engine: str) -> None:
    d = debugger("hello", engine)
    d.add_breakpoint(address(d, "guest_entry"), owner=OWNER)
    go(d)
    for name in ("a0", "pc", "mode"):
        with pytest.raises(WorldNotCurrent, match=f"host does not run on hart 0: {name} is where the hypervisor has put it"):
            d.write_register(name, 4, world=HOST)
    for name in ("sscratch", "vsscratch", "hstatus"):  # the hart's own
        assert d.write_register(name, 0x1000, world=HOST) & 0x1000 == d.read_register(name) & 0x1000, name
    hgatp = d.read_register("hgatp")
    assert d.write_register("hgatp", 0, world=HOST) == d.read_register("hgatp") == 0
    d.write_register("hgatp", hgatp)
    assert d.write_register("a0", 7, world=GUEST_1) == d.read_register("a0") == 7


def test_a_guest_that_has_just_exited_can_be_written(engine: str) -> None:
    """Before the handler's first instruction its registers are still the hart's."""
    d = debugger("hello", engine)
    d.add_catch("vmexit load_guest_page_fault", owner=OWNER)
    go(d)
    d.write_register("a0", 0x8020_5000, world=GUEST_1)
    assert d.read_register("a0") == d.read_register("a0", world=GUEST_1) == 0x8020_5000
    d.write_register("pc", address(d, "unmapped_load") + 2, world=GUEST_1)
    assert d.read_register("sepc") == d.read_register("pc", world=GUEST_1) == address(d, "unmapped_load") + 2
    assert d.write_register("vsscratch", 5, world=GUEST_1) == d.read_register("vsscratch") == 5
    with pytest.raises(WorldNotCurrent, match=r"guest 1 \(vmid 1\) is the guest with that hgatp"):
        d.write_register("hgatp", 0, world=GUEST_1)
    go(d, steps=1)
    for name in ("a0", "pc"):
        with pytest.raises(WorldNotCurrent):
            d.write_register(name, 0, world=GUEST_1)
    d.write_register("hgatp", 0)
    with pytest.raises(WorldNotCurrent, match="vsscratch is where the hypervisor has put it"):
        d.write_register("vsscratch", 0, world=GUEST_1)


def test_symbols_of_worlds(engine: str) -> None:
    d = to_guest_2(engine)
    host, first, second = d.worlds()
    assert host.symbols is None and first.symbols is second.symbols is not None and first.elf is not None
    assert first.elf.name == "twins-guest.elf"
    assert (d.place(0x8020_0000, GUEST_1), d.place(0x8020_0000, HOST)) == ("guest_entry", "_start")
    d.set_symbols("guest:1", first.elf)
    assert d.worlds()[1].symbols is not d.worlds()[2].symbols
    for wrong in ("guest", "guest:0", "guest:x", "hosts"):
        with pytest.raises(Exception, match="names no world; possible: host, guest:N"):
            d.set_symbols(wrong, first.elf)


def test_a_stop_tells_its_world(engine: str) -> None:
    d = to_guest_2(engine)
    assert d.stop.world == GUEST_2
    assert go(d, steps=1).world == GUEST_2
    d.add_breakpoint(d.read_register("stvec"), owner=OWNER)
    assert go(d).world == HOST


# -- the kernel's part, on harts without a machine --------------------------------------------------------------------


def hart_in_hs(engine: str) -> Hart:
    """HS-mode, everything delegated, ready to enter a guest at 0x1000 (the engines share this code)."""
    d = debugger("loop", engine)
    h: Hart = d.machine.harts[0]
    h.builtin_sbi, h.medeleg, h.hgatp = 0, (1 << 64) - 1, 8 << 60 | 7 << 44 | 0x100
    h.hstatus |= 1 << 7
    h.mstatus |= 1 << 8
    h.sepc, h.mode, h.v, h.limit, h.left = 0x1000, 1, 0, 1000, 1000
    return h


def exception(h: Hart, cause: Cause) -> None:
    h.trap_cause, h.trap_tval, h.trap_gpa, h.trap_info, h.inst = int(cause), 0, 0, 0, 0x73
    take_trap(h)
    h.pc = h.npc


def test_firmware_between_does_not_hide_the_hypervisor(engine: str) -> None:
    """A trap that M-mode takes from the guest and returns from leaves the hypervisor's registers as they were kept."""
    h = hart_in_hs(engine)
    h.pc, h.x[5] = 0x8000, 55
    do_sret(h)
    h.pc, h.x[5] = h.npc, 66
    h.medeleg = 0
    exception(h, Cause.ILLEGAL_INSTRUCTION)
    assert (h.mode, h.v, h.guest_x[5], h.guest_pc[0]) == (3, 0, 66, 0x1000)
    h.x[5] = 77
    do_mret(h)
    assert (h.v, h.host_pc, h.host_mode, h.host_x[5], h.guest_entries[0]) == (1, 0x8000, 1, 55, 2)
    exception(h, Cause.ILLEGAL_INSTRUCTION)
    h.mstatus = 1 << 11 | (h.mstatus & ~(3 << 11) & ~(1 << 39))  # to HS-mode this time
    do_mret(h)
    h.pc, h.x[5] = 0x8100, 88
    h.hstatus, h.mstatus = 1 << 7, 1 << 8
    do_sret(h)
    assert (h.v, h.host_pc, h.host_x[5]) == (1, 0x8100, 88)


def test_an_m_mode_hypervisor_is_the_host(engine: str) -> None:
    h = hart_in_hs(engine)
    h.mode, h.pc, h.x[6] = 3, 0x4000, 6
    h.mstatus |= 1 << 11 | 1 << 39
    h.mepc = 0x2000
    do_mret(h)
    assert (h.v, h.host_pc, h.host_mode, h.host_x[6]) == (1, 0x4000, 3, 6)


def test_more_guests_than_a_hart_keeps(engine: str) -> None:
    """The one not entered for the longest time goes."""
    h = hart_in_hs(engine)
    for number in range(kernel.GUESTS + 2):
        h.hgatp, h.pc, h.sepc = 8 << 60 | number << 44, 0x8000, 0x1000 + number * 16
        h.hstatus, h.mstatus = 1 << 7, 1 << 8
        do_sret(h)
        h.pc = h.npc
        h.limit += 1  # an instruction was retired
        exception(h, Cause.ECALL_VS)
        if number == kernel.GUESTS - 1:  # guest 0 once more, so that guest 1 is the oldest
            h.hgatp, h.hstatus, h.mstatus = 8 << 60, 1 << 7, 1 << 8
            do_sret(h)
            exception(h, Cause.ECALL_VS)
    kept = {key & ~GUEST_WORLD & ~(8 << 60) for key in h.guest_key}
    assert kept == {n << 44 for n in range(kernel.GUESTS + 2) if n not in (1, 2)}
    slot = list(h.guest_key).index(GUEST_WORLD | 8 << 60)
    assert (h.guest_entries[slot], h.guest_exits[slot], h.guest_causes[kernel.CAUSES * slot + 10]) == (2, 2, 2)


def test_guests_is_no_number_of_a_world(engine: str) -> None:
    d = debugger("loop", engine)
    with pytest.raises(UnknownWorld):
        d.read_register("pc", world=GUESTS)


def test_a_guest_on_another_hart(engine: str) -> None:
    """Registers belong to a hart; memory is found through whichever hart knows the guest."""
    d = debugger("loop", engine, harts=2)
    h: Hart = d.machine.harts[1]
    h.builtin_sbi, h.hgatp, h.hstatus, h.mstatus = 0, 7 << 44, 1 << 7, 1 << 8
    h.sepc, h.mode, h.pc, h.x[9] = 0x8020_0000, 1, 0x8020_0040, 99
    do_sret(h)
    assert (d.current_world(1).number, d.current_world(0).number, d.worlds()[1].state) == (GUEST_1, HOST, "running")
    assert d.read_register("pc", 1, world=HOST) == 0x8020_0040
    h.pc, h.medeleg = h.npc, (1 << 64) - 1
    exception(h, Cause.ECALL_VS)
    assert (d.worlds()[1].state, d.worlds()[1].why) == ("exited", "VM exit: environment call from VS-mode")
    assert d.read_register("s1", 1, world=GUEST_1) == 99
    with pytest.raises(UnknownRegister, match=r"guest 1 \(vmid 7\) has not run on hart 0"):
        d.read_register("s1", 0, world=GUEST_1)
    assert d.read_memory(0x8020_0000, 8, world=GUEST_1, hart=0) == d.read_memory(0x8020_0000, 8, space="spa")
    assert d.history(hart=0) == [] and [event.kind for event in d.history(hart=1)] == ["entry", "exit"]
    assert [use.world for use in d.statistics().exits] == [GUEST_1]
