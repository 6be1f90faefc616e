# SPDX-License-Identifier: Apache-2.0
"""gdb's breakpoints and watchpoints, each in the world of the process it was set in.

gdb takes all its breakpoints out at every stop and puts them back before it resumes. What it takes out is therefore kept
until then: what comes back unchanged has cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from core.debug.stops import GDB, Stop
from core.debug.target import DebugError, Debugger
from core.debug.worlds import GUESTS, HOST
from gdbstub.interface import BreakpointProgram, Cause, Point
from gdbstub.riscv.conditions import Conditions
from gdbstub.riscv.processes import Processes

MONITOR: Final = "monitor"
"""The owner of what monitor commands have set, in the debugger's list."""

WATCH_KINDS: Final = {Point.WRITE_WATCH: "watch", Point.READ_WATCH: "rwatch", Point.ACCESS_WATCH: "awatch"}
CAUSES: Final = {
    Point.SOFTWARE_BREAKPOINT: Cause.SOFTWARE_BREAKPOINT,
    Point.HARDWARE_BREAKPOINT: Cause.HARDWARE_BREAKPOINT,
    Point.WRITE_WATCH: Cause.WRITE_WATCH,
    Point.READ_WATCH: Cause.READ_WATCH,
    Point.ACCESS_WATCH: Cause.ACCESS_WATCH,
}


@dataclass(frozen=True, slots=True)
class Key:
    """What gdb names one by."""

    process: int
    point: Point
    address: int
    length: int


@dataclass(slots=True)
class Placed:
    """One that is set: its number in the debugger's list and the world it is armed in (None: any)."""

    number: int
    world: int | None
    program: BreakpointProgram = field(default_factory=BreakpointProgram)
    leaving: bool = False


class Points:
    """All that gdb has set."""

    def __init__(self, debugger: Debugger, processes: Processes, conditions: Conditions, say: Callable[[str], None]) -> None:
        self._debugger = debugger
        self._processes = processes
        self._conditions = conditions
        self._say = say
        self._placed: dict[Key, Placed] = {}
        self._told: set[int] = set()

    def insert(self, key: Key, program: BreakpointProgram) -> None:
        """Set one, unless it is there already. Raises DebugError and TargetError."""
        world = self._world(key)
        placed = self._placed.get(key)
        if placed is not None:
            if (placed.world, placed.program) == (world, program) and self._exists(placed):
                placed.leaving = False
                return
            self._delete(key)
        condition = self._conditions.make(program)
        if key.point in WATCH_KINDS:
            new = self._debugger.add_watchpoint(
                key.address, key.length, WATCH_KINDS[key.point], owner=GDB, world=world, condition=condition
            )
        else:
            code = program.conditions[0] if len(program.conditions) == 1 else None
            new = self._debugger.add_breakpoint(key.address, owner=GDB, world=world, condition=condition, code=code)
        self._placed[key] = Placed(new.number, world, program)

    def remove(self, key: Key) -> None:
        """gdb has taken one out. It leaves when the machine goes on without gdb having put it back."""
        placed = self._placed.get(key)
        if placed is not None:
            placed.leaving = True

    def place_anew(self) -> None:
        """Guests have become processes: what was armed in all worlds until then belongs to its own."""
        for key, placed in list(self._placed.items()):
            leaving = placed.leaving
            self.insert(key, placed.program)
            self._placed[key].leaving = leaving

    def settle(self) -> None:
        """The machine is about to go on: what gdb has taken out goes."""
        for key in [key for key, placed in self._placed.items() if placed.leaving]:
            self._delete(key)

    def clear(self, process: int | None = None) -> None:
        """All of them go, or those of one process."""
        for key in [key for key in self._placed if process in (None, key.process)]:
            self._delete(key)

    def hit(self, stop: Stop) -> Iterator[tuple[Key, Placed]]:
        """Which ones a stop is due to."""
        numbers = stop.numbers or (stop.number,)
        return ((key, placed) for key, placed in self._placed.items() if placed.number in numbers)

    def _world(self, key: Key) -> int | None:
        """Where to arm one: in its process's world. What the host could never execute is meant for guests, and what is set
        while a guest is seen through process 1 may be."""
        if key.process == HOST and (not self._processes.separate or self._processes.unmet):
            return None
        if key.process != HOST or key.point in WATCH_KINDS or self._host_executes(key.address):
            return key.process
        if key.address not in self._told:
            self._told.add(key.address)
            self._say(
                f"The breakpoint at {key.address:#x} is armed in all guests: the host cannot execute that address."
                " (Set it in a guest's inferior to have it there alone.)"
            )
        return GUESTS

    def _host_executes(self, address: int) -> bool:
        try:
            spa = self._debugger.translate(address, access="x", world=HOST).spa
            return spa is not None and bool(self._debugger.machine.ram.contains(spa, 2))
        except DebugError:  # the host has not run yet on this hart
            return True

    def _exists(self, placed: Placed) -> bool:
        return any(point.number == placed.number for point in self._debugger.breakpoints())

    def _delete(self, key: Key) -> None:
        placed = self._placed.pop(key)
        if self._exists(placed):  # the console may have deleted it
            self._debugger.remove_breakpoint(placed.number)
