# SPDX-License-Identifier: Apache-2.0
"""Calls by call frame information."""

from __future__ import annotations

from typing import Any

from core.debug.dwarf import Sources
from core.debug.frames import DEPTH, Frame, backtrace
from core.debug.target import HOST, Debugger, MemoryUnreadable
from examples import elf
from tests.support.debugged import address, debugger, go

SOURCES = Sources(elf("hello"))
KERNEL = Sources(elf("twins-guest"))


def frames(d: Debugger, world: int | None = None, program: Sources = SOURCES) -> tuple[list[Frame], str]:
    names = ["pc", *d.register_names()[:32]]

    def load(at: int) -> int | None:
        try:
            return int.from_bytes(d.read_memory(at, 8, world=world), "little")
        except MemoryUnreadable:
            return None

    registers = {name: d.read_register(name, world=world) for name in names}
    guest = (d.current_world().number if world is None else world) != HOST
    return backtrace(lambda at: program.dwarf, registers, lambda name: d.read_register(name, world=world), load, guest=guest)


def names(d: Debugger, found: list[Frame]) -> list[str]:
    return [d.symbols.format(frame.site).partition("+")[0] for frame in found]


def test_both_stacks_at_a_vm_exit() -> None:
    d = debugger("hello", "reference")
    d.add_catch("vmexit load_guest_page_fault", owner="test")
    go(d)
    host, end = frames(d)  # through an expression with sscratch in it
    assert (names(d, host), end) == (["trap_vector", "vcpu_run", "main", "_start"], "")
    guest, end = frames(d, 2)
    assert (names(d, guest), end) == (["load_unmapped", "guest_main", "guest_entry"], "")
    assert [frame.pc - frame.site for frame in guest] == [0, 1, 1]
    assert host[1].registers["s1"] == address(d, "vcpu")  # callee-saved, restored from the stack


def test_the_hypervisors_stack_while_the_guest_runs() -> None:
    d = debugger("hello", "reference")
    d.add_breakpoint(address(d, "guest_main"), owner="test")
    go(d)
    host, end = frames(d, 1)
    assert (names(d, host), end) == (["vm_enter", "vcpu_run", "main", "_start"], "")


def test_a_trap_in_the_hypervisor_is_a_frame() -> None:
    d = debugger("hello", "reference")
    d.add_breakpoint(address(d, "vcpu_run"), owner="test")
    go(d)
    here = d.read_register("pc")
    d.write_register("sepc", here)
    d.write_register("pc", address(d, "trap_from_hypervisor"))
    found, end = frames(d)
    assert names(d, found) == ["trap_from_hypervisor", "vcpu_run"]
    assert found[1].site == here  # the instruction that trapped, not the one before it
    assert end == f"the caller's frame is not known at {here:#x}"  # ra is overwritten by the handler


def test_a_trap_in_a_guest_is_a_frame() -> None:
    """The guest's program says sepc and sscratch, which are vsepc and vsscratch where it runs."""
    d = debugger("twins", "reference")
    d.set_symbols("guest:*", elf("twins-guest"))
    symbols = d.worlds_known.symbols_of(2)[0]
    assert symbols is not None
    vector = symbols.address_of("kernel_trap_vector")
    assert vector is not None
    d.add_breakpoint(vector, owner="test", world=2)
    go(d)
    for _ in range(35):  # all through the saving of registers
        found, _ = frames(d, program=KERNEL)
        names = [symbols.format(frame.site).partition("+")[0] for frame in found]
        assert names == ["kernel_trap_vector", "user_print", "user_main", "user_entry"], hex(found[0].pc)
        assert found[1].pc == found[1].site == d.read_register("vsepc")
        go(d, steps=1)


def test_why_there_are_no_more() -> None:
    d = debugger("hello", "reference")
    registers = {name: d.read_register(name) for name in ["pc", *d.register_names()[:32]]}

    def ask(**changed: int) -> tuple[int, str]:
        found, end = backtrace(lambda at: SOURCES.dwarf, registers | changed, d.read_register, lambda at: None)
        return len(found), end

    assert ask(pc=0x1234) == (1, "no call frame information at 0x1234")
    assert ask(pc=address(d, "vcpu_run"), ra=0) == (1, "")
    inside = address(d, "vcpu_run") + 10  # ra is on the stack, which is not there
    assert ask(pc=inside) == (1, f"the caller's frame is not known at {inside:#x}")
    assert ask(pc=address(d, "vcpu_run"), ra=address(d, "vcpu_run") + 1)[1] != ""


def test_an_endless_stack_ends() -> None:
    d = debugger("hello", "reference")
    inside = address(d, "vcpu_run") + 10
    registers: dict[str, Any] = dict.fromkeys(d.register_names()[:32], 0) | {"pc": inside, "s0": 64, "sp": 32}
    found, end = backtrace(lambda at: SOURCES.dwarf, registers, d.read_register, lambda at: inside + 1)
    assert len(found) <= DEPTH and end != ""
