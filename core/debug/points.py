# SPDX-License-Identifier: Apache-2.0
"""The breakpoints and watchpoints that are set, and how the harts are told of them."""

from __future__ import annotations

from dataclasses import dataclass

from core.debug.errors import DebugError, TooMany
from core.debug.stops import WATCH_KINDS, Breakpoint
from core.engine.breakpoints import CAPACITY
from core.hart import Hart
from core.machine import Machine
from core.mmu.tlb import tlb_refresh_flags
from core.mmu.watch import COUNT, ON_READ, ON_WRITE

ACCESSES = {"watch": ON_WRITE, "rwatch": ON_READ, "awatch": ON_READ | ON_WRITE}


@dataclass(frozen=True)
class WatchHit:
    """An access that hit a watchpoint: its address, whether a read or a write, in words."""

    point: Breakpoint
    address: int
    kind: str
    text: str


class Points:
    """All breakpoints and watchpoints of a machine, by number."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._points: dict[int, Breakpoint] = {}
        self._next = 1

    def all(self) -> list[Breakpoint]:
        """By number."""
        return [self._points[number] for number in sorted(self._points)]

    def _of(self, watch: bool) -> list[Breakpoint]:
        return [point for point in self.all() if (point.kind in WATCH_KINDS) == watch]

    def add(self, kind: str, address: int, length: int, owner: str, temporary: bool = False) -> Breakpoint:
        """Set one. Raises TooMany, or DebugError for an unknown kind or an empty range."""
        if kind != "break" and kind not in WATCH_KINDS:
            raise DebugError(f"no such kind of breakpoint: {kind}")
        if length < 1:
            raise DebugError("a watchpoint needs at least one byte")
        room = CAPACITY if kind == "break" else COUNT - self.machine.own_watchpoints
        if len(self._of(kind != "break")) >= room:
            raise TooMany(f"no room for more than {room} {'breakpoints' if kind == 'break' else 'watchpoints'}")
        point = Breakpoint(self._next, kind, address & ((1 << 64) - 1), length, owner, temporary)
        self._points[self._next] = point
        self._next += 1
        self.arm()
        self._changed(point)
        return point

    def remove(self, number: int) -> None:
        """Remove one. Raises DebugError when there is none of that number."""
        point = self._points.pop(number, None)
        if point is None:
            raise DebugError(f"there is no breakpoint {number}")
        self.arm()
        self._changed(point)

    def _changed(self, point: Breakpoint) -> None:
        if point.kind == "break":
            self.machine.engine.breakpoint_changed(point.address)

    def arm(self) -> None:
        """Write all points into the harts' state."""
        breaks, watches = self._of(False), self._of(True)
        own = self.machine.own_watchpoints
        for hart in self.machine.harts:
            hart.break_count = len(breaks)
            for word in range(len(hart.break_offsets)):
                hart.break_offsets[word] = 0
            for index, point in enumerate(breaks):
                hart.break_address[index] = point.address
                hart.break_world[index] = 0
                offset = (point.address & 0xFFF) >> 1
                hart.break_offsets[offset >> 6] |= 1 << (offset & 63)
            hart.watch_count = own + len(watches)
            for index, point in enumerate(watches, own):
                hart.watch_start[index] = point.address
                hart.watch_end[index] = (point.address + point.length) & ((1 << 64) - 1)
                hart.watch_kind[index] = ACCESSES[point.kind]
                hart.watch_world[index] = 0
            tlb_refresh_flags(hart)

    def hit_breakpoint(self, hart: Hart) -> int:
        """Count the hit of the breakpoints at a hart's pc; the number of the first. Temporary ones are removed."""
        here = [point for point in self._of(False) if point.address == hart.pc]
        for point in here:
            point.hits += 1
            if point.temporary:
                self.remove(point.number)
        return here[0].number if here else 0

    def hit_watchpoint(self, hart: Hart) -> WatchHit:
        """The watchpoint a hart has hit."""
        point = self._of(True)[hart.watch_hit - 1 - self.machine.own_watchpoints]
        hart.watch_hit = 0
        point.hits += 1
        kind = "a" if point.kind == "awatch" else WATCH_KINDS[point.kind]
        address = max(int(hart.watch_va), point.address)
        return WatchHit(point, address, kind, "written" if hart.watch_write else "read")
