# SPDX-License-Identifier: Apache-2.0
"""The debugger's view of a machine, shared by the gdb server and the console.

Whoever resumes the machine, every subscriber hears of it and of the stop that follows. Long runs go on a thread of their
own; short steps run at once on the caller's thread. State can be read and written only while the machine stands still.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.boot.symbols import SymbolTable
from core.csr.csr import Csr
from core.csr.registry import CSRS_BY_NAME
from core.csr.translation import Satp
from core.debug import registers, spaces
from core.debug.catches import Catch
from core.debug.contexts import Context, context
from core.debug.control import Control
from core.debug.errors import (
    BadValue,
    DebugError,
    MachineClosed,
    MachineEnded,
    MachineRunning,
    MemoryUnreadable,
    ReadOnlyRegister,
    TooMany,
    UnknownRegister,
    UnknownWorld,
    WorldNotCurrent,
)
from core.debug.history import Switch, switches
from core.debug.lines import Line, disassemble
from core.debug.loops import trap_loop
from core.debug.naming import NO_SYMBOLS
from core.debug.specs import parse
from core.debug.statistics import Statistics, statistics
from core.debug.stops import (
    WATCH_KINDS,
    Breakpoint,
    Condition,
    Event,
    NewWorld,
    Resumed,
    StateChanged,
    Stop,
    StopKind,
    Stopped,
)
from core.debug.walk import Walk, WalkStep
from core.debug.worlds import GUESTS, HOST, World, set_symbols
from core.hart import Hart
from core.machine import Machine
from core.mmu.watch import GUEST_WORLD
from core.trap.worlds import HISTORY

__all__ = [
    "GUESTS",
    "HOST",
    "BadValue",
    "Breakpoint",
    "Catch",
    "Condition",
    "DebugError",
    "Debugger",
    "Event",
    "Line",
    "MachineClosed",
    "MachineEnded",
    "MachineRunning",
    "MemoryUnreadable",
    "NewWorld",
    "ReadOnlyRegister",
    "Resumed",
    "StateChanged",
    "Statistics",
    "Stop",
    "StopKind",
    "Stopped",
    "Switch",
    "SymbolTable",
    "TooMany",
    "UnknownRegister",
    "UnknownWorld",
    "Walk",
    "WalkStep",
    "World",
    "WorldNotCurrent",
]


class Debugger(Control):
    """Controls one machine.

    waits_for_input: when every hart waits in WFI and nothing is due, wait for console input instead of stopping with
    IDLE. limit: instructions after which the machine stops with LIMIT, None for no limit. stop_on_new_world: stop before
    the first instruction of a guest that is entered for the first time.

    `world` parameters are numbers of worlds (1 the host, guests from 2 on); None means the world the hart is in.
    """

    def __init__(self, machine: Machine, symbols: SymbolTable | None = None) -> None:
        super().__init__(machine, symbols)
        self.elf_path = machine.config.boot.program

    # -- worlds -------------------------------------------------------------------------------------------------------

    def worlds(self) -> list[World]:
        """Every world that has been entered, by number."""
        self._require_stopped()
        return [self.worlds_known.describe(number) for number in self.worlds_known.numbers()]

    def current_world(self, hart: int = 0) -> World:
        """The world a hart is in."""
        return self.worlds_known.describe(self.worlds_known.current(self._hart(hart)))

    def loaded_guest(self, hart: int = 0) -> int | None:
        """The number of the guest that hgatp names, whether it runs or not; None when none such has been entered."""
        key = self._hart(hart).hgatp | GUEST_WORLD
        return next((n for n in self.worlds_known.numbers() if n != HOST and self.worlds_known.key_of(n) == key), None)

    def set_symbols(self, which: str, path: Path) -> None:
        """Symbols for "host", "guest:N" (N counts from 1 in order of first entry) or "guest:*". Raises DebugError."""
        set_symbols(self.worlds_known, which, path)
        self.naming.forget()
        if which == "host":
            self.symbols, self.elf_path = self.worlds_known.symbols[HOST][0], path

    def _world(self, hart: int, world: int | None) -> Context | None:
        """A world that is not current, None for the current one. Raises UnknownWorld, UnknownRegister."""
        return None if world is None else context(self.worlds_known, self._hart(hart), world)

    def address_space(self, name: str, hart: int, world: int | None) -> spaces.Space:
        """An address space; a world that this hart has not run is taken from a hart that has. Raises DebugError for one
        that the world does not have."""
        if world is not None and name in (("gva", "gpa") if world == HOST else ("hva",)):
            whose = "the host" if world == HOST else self.worlds_known.name(world)
            raise DebugError(f"{whose} has no {spaces.WORDS[name]}es; its own are {'hva' if world == HOST else 'gva and gpa'}")
        problem: UnknownRegister | None = None
        for each in [hart, *(other for other in range(self.harts) if other != hart)] if world is not None else [hart]:
            try:
                return spaces.Space(self._hart(each), name, self._world(each, world))
            except UnknownRegister as found:
                problem = problem or found
        raise problem or DebugError("no hart")

    # -- registers ----------------------------------------------------------------------------------------------------

    def _hart(self, index: int) -> Hart:
        self._require_stopped()
        return self.machine.harts[self.require_hart(index)]

    def register_names(self) -> list[str]:
        """Every register's name: general by ABI name, f0 to f31, pc, virt, mode, priv, all CSRs."""
        return registers.register_names(self.machine.harts[0])

    def read_register(self, name: str, hart: int = 0, *, world: int | None = None) -> int:
        """A register's value; of a world that does not run, the one it was left with (see core.debug.contexts).

        Raises UnknownRegister, UnknownWorld, MachineRunning.
        """
        left = self._world(hart, world)
        return registers.read_register(self._hart(hart), name) if left is None else left.read(name)

    def write_register(self, name: str, value: int, hart: int = 0, *, world: int | None = None) -> int:
        """Write a register; returns what legalization made of it.

        Raises ReadOnlyRegister, WorldNotCurrent where the world that was left would not notice, and as `read_register`.
        """
        left = self._world(hart, world)
        state = self._hart(hart)
        result = registers.write_register(state, name, value) if left is None else left.write(name, value)
        self._tell(StateChanged(name))
        return result

    def csrs(self) -> Sequence[type[Csr]]:
        """The CSRs of the machine's harts."""
        return [CSRS_BY_NAME[name] for name in registers.present_csrs(self.machine.harts[0])]

    def mode_name(self, hart: int = 0, *, world: int | None = None) -> str:
        """ "M", "HS", "U", "VS" or "VU": of a world that does not run, the mode it was left in."""
        mode = self.read_register("mode", hart, world=world)
        return registers.MODE_NAMES.get((mode & 3, mode >> 2), "?")

    def retired(self, hart: int = 0) -> int:
        """Instructions retired."""
        return self.machine.retired(hart)

    # -- memory -------------------------------------------------------------------------------------------------------

    def read_memory(
        self, address: int, length: int, *, space: str = "current", hart: int = 0, world: int | None = None
    ) -> bytes:
        """Bytes of an address space (see core.debug.spaces), whatever the permissions. Raises MemoryUnreadable."""
        return spaces.read(self.address_space(space, hart, world), address, length)

    def write_memory(
        self, address: int, data: bytes, *, space: str = "current", hart: int = 0, world: int | None = None
    ) -> None:
        """Write bytes of an address space; all or nothing. Raises MemoryUnreadable."""
        spaces.write(self.address_space(space, hart, world), address, data)
        self._tell(StateChanged("memory"))

    def translate(
        self,
        address: int,
        *,
        access: str = "r",
        space: str = "current",
        hart: int = 0,
        world: int | None = None,
        mode: str | None = None,
    ) -> Walk:
        """The walk that a load ("r"), store ("w") or fetch ("x") would make now, step by step.

        mode: "HS", "U", "VS" or "VU", None for the one that the hart or the world is in. Raises DebugError for one that
        does not make such accesses.
        """
        if mode is not None and world is not None and mode.startswith("V") != (world != HOST):
            raise DebugError(f"{self.worlds_known.name(world)} has no {mode}-mode")
        return spaces.walk(self.address_space(space, hart, world), address, access, mode)

    def disassemble(
        self, address: int, count: int, *, space: str = "current", hart: int = 0, world: int | None = None
    ) -> list[Line]:
        """`count` instructions from `address` on as a world sees them. Raises MemoryUnreadable at the first."""
        chosen, owner = self.address_space(space, hart, world), self.space_owner(space, hart, world)

        def symbols(at: int) -> SymbolTable:
            return NO_SYMBOLS if owner is None else self.symbols_at(at, owner, hart)

        return disassemble(chosen, address, count, symbols)

    def space_owner(self, space: str, hart: int = 0, world: int | None = None) -> int | None:
        """The world whose program has the addresses of a space, None where no program has."""
        if space == "spa":
            return None if Satp.MODE.of(self._hart(hart).satp) else HOST
        if space == "current":
            return self.worlds_known.current(self._hart(hart)) if world is None else world
        return {"gva": world or self.loaded_guest(hart), "hva": HOST}.get(space)

    def instruction_text(self, hart: Hart, address: int) -> str:
        """The instruction at an address as the hart sees it, "?" where nothing is mapped."""
        try:
            return disassemble(spaces.Space(hart), address, 1, lambda at: self.symbols_at(at, hart=hart.hartid))[0].text
        except MemoryUnreadable:
            return "?"

    # -- explaining ---------------------------------------------------------------------------------------------------

    def explain(self, hart: int = 0) -> list[str]:
        """The last trap of a hart in words, line by line: who took it and why, what it wrote, the failed walk, hints."""
        from core.debug.explain import explain_last_trap  # its tables are made when somebody asks

        self._hart(hart)
        return explain_last_trap(self, hart)

    def history(self, count: int = HISTORY, *, hart: int = 0, traps: bool = True) -> list[Switch]:
        """The last `count` world switches (and other traps) of a hart, oldest first."""
        return switches(self.worlds_known, self._hart(hart), count, traps=traps)

    def statistics(self) -> Statistics:
        """Who has run for how long, which VM exits there were, and what they cost."""
        self._require_stopped()
        return statistics(self.worlds_known, self.machine.harts)

    def trap_loop(self, hart: int = 0) -> str | None:
        """Why a hart gets nowhere (it only takes traps, or a guest exits at one instruction for ever), None if it does."""
        return trap_loop(self, self._hart(hart))

    # -- breakpoints --------------------------------------------------------------------------------------------------

    def add_breakpoint(
        self,
        address: int,
        *,
        owner: str,
        temporary: bool = False,
        world: int | None = None,
        hart: int | None = None,
        condition: Condition | None = None,
        code: bytes | None = None,
        ignore: int = 0,
        label: str = "",
    ) -> Breakpoint:
        """Stop before the instruction at a virtual address; it need not be mapped yet.

        world: None for any, GUESTS for every guest; it may be one that is not known yet. condition(debugger, hart): hits
        for which it is false do not count; code: the same as bytecode (core.engine.conditions), which engines evaluate
        without leaving; where they cannot tell, condition decides. ignore: go on for so many that do count. label: as
        in Breakpoint. Raises TooMany, MachineRunning.
        """
        self._require_stopped()
        number = self.points.new_number()
        point = Breakpoint(
            number, "break", address, 1, owner, temporary, 0, world, hart, condition, ignore, code=code, label=label
        )
        return self.points.place(point)

    def add_watchpoint(
        self,
        address: int,
        length: int,
        kind: str,
        *,
        owner: str,
        space: str = "virtual",
        world: int | None = None,
        hart: int | None = None,
        condition: Condition | None = None,
        ignore: int = 0,
    ) -> Breakpoint:
        """Stop after an access: "watch" writes, "rwatch" reads, "awatch" both.

        space: "virtual", "gpa" (accesses of guests through the G-stage) or "spa" (whoever makes them); the rest as for
        `add_breakpoint`. Raises TooMany, MachineRunning.
        """
        self._require_stopped()
        number = self.points.new_number()
        point = Breakpoint(number, kind, address, length, owner, False, 0, world, hart, condition, ignore, space)
        if kind not in WATCH_KINDS:
            raise DebugError(f"no such kind of watchpoint: {kind}")
        return self.points.place(point)

    def add_catch(
        self,
        spec: str,
        *,
        owner: str,
        world: int | None = None,
        hart: int | None = None,
        condition: Condition | None = None,
        ignore: int = 0,
        temporary: bool = False,
        label: str = "",
    ) -> Catch:
        """Stop after an event (the words are in core.debug.specs). Raises DebugError for what cannot be caught."""
        self._require_stopped()
        found = parse(spec)
        if found.csr is not None and not registers.has_csr(self.machine.harts[0], found.csr.name):
            raise registers.missing(self.machine.harts[0], found.csr.name)
        catch = Catch(
            self.points.new_number(),
            "catch",
            found.first,
            found.last - found.first + 1,
            owner,
            temporary,
            0,
            world,
            hart,
            condition,
            ignore,
            "gpa" if found.event == "gpa" else "virtual",
            spec=found,
            label=label,
        )
        self.points.place(catch)
        return catch

    def remove_breakpoint(self, number: int) -> None:
        """Remove a breakpoint, watchpoint or catch. Raises DebugError when there is none of that number."""
        self._require_stopped()
        self.points.remove(number)

    def breakpoints(self) -> list[Breakpoint]:
        """All breakpoints, watchpoints and catches, by number."""
        return self.points.all()
