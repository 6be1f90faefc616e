# SPDX-License-Identifier: Apache-2.0
"""Which symbols are true at an address of a world.

A guest with symbols of its own has those. One without them is named by the host's program only where both see the same
memory at that address (a guest that is linked into the hypervisor): anywhere else the host's names would be lies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.boot.symbols import SymbolTable
from core.debug.contexts import context
from core.debug.errors import DebugError
from core.debug.walk import View, debug_translate
from core.debug.worlds import HOST, Worlds
from core.hart import Hart
from core.mmu.watch import GUEST_WORLD

if TYPE_CHECKING:
    from core.machine import Machine

NO_SYMBOLS = SymbolTable()
PAGE_BITS = 12


class Naming:
    """Answers for one machine. What it finds out about a page is kept until `forget`."""

    def __init__(self, machine: Machine, worlds: Worlds) -> None:
        self._machine, self._worlds = machine, worlds
        self._shared: dict[tuple[int, int], bool] = {}

    def forget(self) -> None:
        """The machine has run, or somebody has written to it: page tables may have changed."""
        self._shared.clear()

    def table(self, address: int, world: int, program: SymbolTable) -> SymbolTable:
        """The symbols for an address of a world, by its number; program: those of what the machine was loaded with."""
        own = self._worlds.symbols_of(world)[0]
        if own is not None:
            return own
        return program if world == HOST or self.shares(address, world) else NO_SYMBOLS

    def shares(self, address: int, world: int) -> bool:
        """Whether a guest sees at a virtual address the memory that the host sees there."""
        key = (world, address >> PAGE_BITS)
        if key not in self._shared:
            self._shared[key] = self._ask(address, world)
        return self._shared[key]

    def _ask(self, address: int, world: int) -> bool:
        if world not in self._worlds.numbers():  # not entered yet
            return False
        for hart in self._machine.harts:
            view = self._view(hart, world)
            if view is not None:
                spa = debug_translate(view, address)
                return spa is not None and spa == debug_translate(View.host(hart), address)
        return False

    def _view(self, hart: Hart, world: int) -> View | None:
        """How a guest translates by what a hart knows of it; None when that is nothing."""
        if hart.hgatp | GUEST_WORLD == self._worlds.key_of(world):
            return View.guest(hart)
        try:
            left = context(self._worlds, hart, world)
        except DebugError:
            return None
        return None if left is None else left.view()
