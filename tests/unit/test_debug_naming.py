# SPDX-License-Identifier: Apache-2.0
"""Names of addresses: a guest's are never taken from a program that is not in its memory."""

from __future__ import annotations

import pytest

from core.boot.loader import BootConfig
from core.boot.symbols import Symbol, SymbolTable
from core.debug.target import HOST, Debugger, StopKind
from core.machine import Machine, MachineConfig
from examples import elf
from tests.support.debugged import ENGINES, address, debugger, go

GUEST_1 = 2


@pytest.mark.parametrize("engine", ENGINES)
def test_a_guest_elsewhere_is_not_named_after_the_host(engine: str) -> None:
    d = Debugger(Machine(MachineConfig(BootConfig(elf("twins")), memory=32 << 20, engine=engine)))
    d.stop_on_new_world = True
    stop = go(d)
    pc = d.read_register("pc")
    assert d.symbols.format(pc) == "_start"  # the host's, at the same virtual address
    assert (stop.kind, stop.text) == (StopKind.NEW_WORLD, f"guest 1 (vmid 1) is entered for the first time, at {pc:#x}")
    assert d.place(pc, HOST) == "_start" and d.place(pc) == f"{pc:#x}"
    (line,) = d.disassemble(pc, 1)
    assert line.symbol is None
    d.set_symbols("guest:1", elf("twins-guest"))
    assert d.place(pc) == "guest_entry" and d.place(pc, HOST) == "_start"
    (line,) = d.disassemble(pc, 1)
    assert line.symbol == "guest_entry"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_guest_within_the_host_has_its_names(engine: str) -> None:
    d = debugger("hello", engine)
    d.add_breakpoint(address(d, "guest_entry"), owner="test")
    assert go(d).text == "breakpoint 1 at guest_entry"
    assert d.place(address(d, "guest_main")) == "guest_main"
    main = address(d, "main")  # not in the guest's memory
    assert d.place(main) == f"{main:#x}" and d.place(main, HOST) == "main"


def test_page_tables_changed_by_hand_are_noticed() -> None:
    d = debugger("hello", "reference")
    d.add_breakpoint(address(d, "guest_entry"), owner="test")
    go(d)
    pc = d.read_register("pc")
    assert d.place(pc) == "guest_entry"
    d.write_register("hgatp", 0x8000_1000_0008_4000)  # an empty table
    assert d.place(pc) == f"{pc:#x}"


def test_the_guest_that_hgatp_names() -> None:
    d = debugger("twins", "reference")
    assert d.loaded_guest() is None
    d.stop_on_new_world = True
    go(d)
    assert d.loaded_guest() == GUEST_1


def test_what_begins_goes_before_what_ends() -> None:
    table = SymbolTable([Symbol("text_end", 0x2000, end=0x3000), Symbol("data", 0x2000, end=0x3000)])
    assert table.format(0x2010) == "data+16"
