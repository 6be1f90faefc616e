# SPDX-License-Identifier: Apache-2.0
"""Debuggers on the bundled hypervisors, for tests."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from core.boot.loader import BootConfig
from core.debug.registers import ABI_NAMES
from core.debug.target import Debugger, Stop, SymbolTable
from core.machine import Machine, MachineConfig
from examples import elf

ENGINES = ("reference", "native")
OWNER = "test"
CODE = 0x8030_0000
"""Where `place` puts instructions."""


def debugger(name: str, engine: str, *, strict: bool = False, harts: int = 1) -> Debugger:
    """A machine at reset with the bundled hypervisor `name`; the symbols of twins' guests are set."""
    boot = BootConfig(elf(name))
    made = Debugger(Machine(MachineConfig(boot, memory=32 << 20, engine=engine, strict=strict, harts=harts)))
    if name == "twins":
        made.set_symbols("guest:*", elf("twins-guest"))
    return made


def go(debugger: Debugger, **how: object) -> Stop:
    """Resume and wait for the stop."""
    debugger.resume(**how)  # type: ignore[arg-type]
    stop = debugger.wait(60)
    assert stop is not None
    return stop


def address(debugger: Debugger, name: str, world: int | None = None) -> int:
    """The address of a symbol, of a world's own if given."""
    table: SymbolTable | None = debugger.symbols
    if world is not None:
        table = debugger.worlds_known.symbols_of(world)[0]
    found = table.address_of(name) if table is not None else None
    assert found is not None, name
    return found


def general(debugger: Debugger, world: int | None = None) -> list[int]:
    """x0 to x31."""
    return [debugger.read_register(name, world=world) for name in ABI_NAMES]


def place(debugger: Debugger, words: Iterable[int], at: int = CODE) -> None:
    """Put 32-bit instructions into RAM and let hart 0 go on there."""
    data = b"".join(struct.pack("<I", word) for word in words)
    debugger.write_memory(at, data, space="spa")
    debugger.write_register("pc", at)
