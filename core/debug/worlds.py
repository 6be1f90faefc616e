# SPDX-License-Identifier: Apache-2.0
"""Worlds: the host (V=0) and each guest, with the registers they had when they were left.

World 1 is the host; guests are 2, 3, ... in the order in which they are first entered, whichever hart enters them. A
guest is told apart by its hgatp: VMID and root of its G-stage tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.boot.elf import read_elf
from core.boot.errors import BootError
from core.boot.images import read_file
from core.boot.symbols import SymbolTable
from core.csr.translation import Hgatp
from core.debug.errors import DebugError, UnknownWorld
from core.engine.breakpoints import world_key
from core.hart import Hart
from core.machine import Machine
from core.mmu.watch import ANY_GUEST, ANY_WORLD, GUEST_WORLD, HOST_WORLD, NO_WORLD
from core.trap.causes import INTERRUPT_BIT, describe
from core.trap.tinst import is_guest_page_fault

HOST = 1
"""The number of the host world."""
GUESTS = -1
"""In the place of a world's number: every guest, also those not known yet."""


@dataclass(frozen=True)
class World:
    """A world as it is now.

    number: 1 for the host; key: as core.engine.breakpoints.world_key; vmid: None for the host; hgatp: 0 for the host;
    state: "running" (on some hart; also while the machine stands still there), "switched off" there, "exited" (somebody
    else runs), or "not entered"; why: what made it stand still, in words, "" for one that runs; entries, exits: of all
    harts together (a VM exit enters the host); origin: where symbols that nobody named were found, in words, else "".
    """

    number: int
    key: int
    vmid: int | None
    hgatp: int
    name: str
    symbols: SymbolTable | None
    elf: Path | None
    state: str
    why: str
    entries: int
    exits: int
    origin: str = ""


def guest_entry(h: Hart, key: int) -> int | None:
    """The place of a guest in a hart's table; None when it has not run there (or too long ago)."""
    return next((slot for slot in range(h.guest_count) if h.guest_key[slot] == key), None)


def exit_words(h: Hart, slot: int) -> str:
    """Why a guest exited last from a hart, e.g. "VM exit: load guest-page fault, GPA 0x40000000"."""
    cause = h.guest_cause[slot]
    gpa = f", GPA {h.guest_gpa[slot]:#x}" if not cause & INTERRUPT_BIT and is_guest_page_fault(cause) else ""
    return f"VM exit: {describe(cause)}{gpa}"


class Worlds:
    """All worlds of a machine, by number and by key."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._numbers: dict[int, int] = {HOST_WORLD: HOST}
        self.symbols: dict[int, tuple[SymbolTable, Path | None]] = {}
        """Symbols of single worlds by number; those of GUESTS are for guests without symbols of their own."""
        self.origins: dict[int, str] = {}
        """Of those that were found (core.debug.found): where, in words."""

    def forget(self) -> None:
        """The machine was reset: no guest is known. Symbols stay with their numbers."""
        self._numbers = {HOST_WORLD: HOST}

    def update(self) -> list[int]:
        """Take in guests that harts have entered; the numbers of those that are new."""
        new = []
        for hart in self.machine.harts:
            for slot in range(hart.guest_count):
                key = hart.guest_key[slot]
                if key not in self._numbers:
                    self._numbers[key] = len(self._numbers) + 1
                    new.append(self._numbers[key])
        return new

    def numbers(self) -> list[int]:
        """The numbers of all worlds that are known."""
        self.update()
        return sorted(self._numbers.values())

    def key_of(self, number: int) -> int:
        """The key of a world. Raises UnknownWorld when it has not been entered."""
        self.update()
        for key, known in self._numbers.items():
            if known == number:
                return key
        raise UnknownWorld(number)

    def armed_key(self, number: int | None) -> int:
        """What harts are told about a breakpoint of a world, of any (None), of all guests, or of one still unknown."""
        if number is None:
            return ANY_WORLD
        if number == GUESTS:
            return ANY_GUEST
        return next((key for key, known in self._numbers.items() if known == number), NO_WORLD)

    def number_of(self, key: int) -> int:
        """The number of a world by its key. A guest that is loaded by hand (by writing `mode`) becomes known here."""
        number = self._numbers.get(key)
        if number is None:
            self.update()
            number = self._numbers.setdefault(key, len(self._numbers) + 1)
        return number

    def current(self, hart: Hart) -> int:
        """The number of the world a hart is in."""
        return self.number_of(world_key(hart))

    def name(self, number: int) -> str:
        """ "host", or "guest 1 (vmid 3)"; guests are counted from 1, worlds from 2."""
        if number == HOST:
            return "host"
        return f"guest {number - 1} (vmid {Hgatp.VMID.of(self.key_of(number))})"

    def symbols_of(self, number: int) -> tuple[SymbolTable | None, Path | None]:
        """The symbols set for a world and the file they came from."""
        found = self.symbols.get(number)
        if found is None and number != HOST:
            found = self.symbols.get(GUESTS)
        return found or (None, None)

    def drop_found(self, number: int = GUESTS) -> None:
        """Forget the symbols that were found for a guest, or for all."""
        for guest in list(self.origins) if number == GUESTS else [number]:
            if self.origins.pop(guest, None) is not None:
                del self.symbols[guest]

    def describe(self, number: int) -> World:
        """A world as it is now. Raises UnknownWorld."""
        key = self.key_of(number)
        harts = self.machine.harts
        running = any(world_key(hart) == key for hart in harts)
        symbols, elf = self.symbols_of(number)
        entries = exits = 0
        why = ""
        for hart in harts:
            if number == HOST:
                entries += sum(hart.guest_exits[: hart.guest_count])
                exits += sum(hart.guest_entries[: hart.guest_count])
                if not running and hart.host_left:
                    why = f"VM entry: it has entered {self.name(self.current(hart))}"
            elif (slot := guest_entry(hart, key)) is not None:
                entries += hart.guest_entries[slot]
                exits += hart.guest_exits[slot]
                if not running and hart.guest_exits[slot]:
                    why = exit_words(hart, slot)
        now = "running" if self.machine.exit_code is None else "switched off"
        state = now if running else "exited" if entries or exits else "not entered"
        hgatp = 0 if number == HOST else key & ~GUEST_WORLD
        vmid = None if number == HOST else Hgatp.VMID.of(hgatp)
        origin = self.origins.get(number, "")
        return World(number, key, vmid, hgatp, self.name(number), symbols, elf, state, why, entries, exits, origin)


def set_symbols(worlds: Worlds, which: str, path: Path) -> None:
    """Take symbols from an ELF file for "host", "guest:N" or "guest:*". Raises DebugError."""
    number = HOST
    if which != "host":
        kind, _, place = which.partition(":")
        if kind != "guest" or not (place == "*" or (place.isdecimal() and int(place) > 0)):
            raise DebugError(f"{which!r} names no world; possible: host, guest:N (from 1 on), guest:*")
        number = GUESTS if place == "*" else int(place) + 1
    try:
        symbols = read_elf(path.name, read_file(path)).symbols
    except BootError as error:
        raise DebugError(str(error)) from error
    worlds.drop_found(number)
    worlds.symbols[number] = (symbols, path)
