# SPDX-License-Identifier: Apache-2.0
"""The breakpoints, watchpoints and catches that are set: how the harts are told of them, and whether a hit counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.debug.catches import Catch, arm_catches, event_world, words
from core.debug.errors import DebugError, TooMany
from core.debug.stops import WATCH_KINDS, Breakpoint
from core.debug.walk import View, debug_translate
from core.debug.worlds import GUESTS, HOST, Worlds
from core.engine.breakpoints import CAPACITY, holds
from core.engine.conditions import CODE_BYTES, END
from core.hart import Hart
from core.machine import Machine
from core.mmu.modes import PAGE_SIZE
from core.mmu.tlb import tlb_refresh_flags
from core.mmu.watch import ANY_WORLD, COUNT, GUEST_PHYSICAL, GUEST_WORLD, ON_READ, ON_WRITE, PHYSICAL

if TYPE_CHECKING:
    from core.debug.target import Debugger

ACCESSES = {"watch": ON_WRITE, "rwatch": ON_READ, "awatch": ON_READ | ON_WRITE}
SPACES = {"virtual": 0, "gpa": GUEST_PHYSICAL, "spa": PHYSICAL}
WORD_MASK = (1 << 64) - 1
RESOLVED = 4
"""Pages of a guest physical range that are also watched where they lie in physical memory."""


@dataclass(frozen=True)
class Hit:
    """What stops the machine: the points that do, in words; for a watchpoint the address and kind of access; for a catch
    the world it is about; what went wrong with a condition."""

    points: tuple[Breakpoint, ...]
    text: str = ""
    address: int | None = None
    kind: str | None = None
    world: int = HOST
    problem: str = ""


@dataclass(frozen=True)
class WatchEntry:
    """A watchpoint entry of the harts, for a point."""

    point: Breakpoint
    start: int
    last: int
    kind: int
    world: int


def physical_ranges(view: View, address: int, length: int) -> Iterator[tuple[int, int]]:
    """(physical address, bytes) of what is mapped of a range's first RESOLVED pages."""
    for _ in range(RESOLVED):
        part = min(length, PAGE_SIZE - address % PAGE_SIZE)
        spa = debug_translate(view, address)
        if spa is not None:
            yield spa, part
        address, length = address + part, length - part
        if length <= 0:
            return


class Points:
    """All breakpoints, watchpoints and catches of a machine, by number."""

    def __init__(self, machine: Machine, worlds: Worlds | None = None) -> None:
        self.machine = machine
        self.worlds = Worlds(machine) if worlds is None else worlds
        self._points: dict[int, Breakpoint] = {}
        self._next = 1
        self._watched: list[Breakpoint] = []
        self._armed: list[WatchEntry] = []
        self._problem = ""

    def all(self) -> list[Breakpoint]:
        """By number."""
        return [self._points[number] for number in sorted(self._points)]

    def breaks(self) -> list[Breakpoint]:
        """The breakpoints."""
        return [point for point in self.all() if point.kind == "break"]

    def watches(self) -> list[Breakpoint]:
        """What occupies the harts' watchpoints: watchpoints, and catches of guest physical addresses."""
        return [point for point in self.all() if point.kind in WATCH_KINDS or (isinstance(point, Catch) and point.watches)]

    def catches(self) -> list[Catch]:
        """The catches."""
        return [point for point in self.all() if isinstance(point, Catch)]

    def new_number(self) -> int:
        """The number of the next point."""
        self._next += 1
        return self._next - 1

    def add(self, kind: str, address: int, length: int, owner: str, temporary: bool = False) -> Breakpoint:
        """Set a plain breakpoint or watchpoint, as `place`."""
        return self.place(Breakpoint(self.new_number(), kind, address, length, owner, temporary))

    def place(self, point: Breakpoint) -> Breakpoint:
        """Set one. Raises TooMany, or DebugError for an unknown kind, space or world, or a range that is empty
        or goes on behind the last address; else ranges may have any length."""
        if point.kind not in ("break", "catch", *WATCH_KINDS):
            raise DebugError(f"no such kind of breakpoint: {point.kind}")
        if point.space not in SPACES:
            raise DebugError(f"no address space {point.space!r} for a watchpoint; there are {', '.join(SPACES)}")
        if point.length < 1:
            raise DebugError("a watchpoint needs at least one byte")
        if point.world is not None and point.world != GUESTS and point.world < HOST:
            raise DebugError(f"there is no world {point.world}; 1 is the host, guests are 2, 3, ...")
        point.address &= WORD_MASK
        if point.address + point.length > WORD_MASK + 1:
            raise DebugError(f"{point.length:,} bytes from {point.address:#x} on reach beyond the last address")
        self._points[point.number] = point
        try:
            self._check_room(point)
            self.arm()
        except TooMany:
            del self._points[point.number]
            self.arm()
            raise
        self._changed(point)
        return point

    def _check_room(self, point: Breakpoint) -> None:
        watches = COUNT - self.machine.own_watchpoints
        for what, points, room in (("breakpoints", self.breaks(), CAPACITY), ("watchpoints", self.watches(), watches)):
            if point in points and len(points) > room:
                raise TooMany(f"no room for more than {room} {what}")

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
        breaks, watches, catches = self.breaks(), self.watches(), self.catches()
        for hart in self.machine.harts:
            hart.break_count = len(breaks)
            for word in range(len(hart.break_offsets)):
                hart.break_offsets[word] = 0
            codes = b""
            for index, point in enumerate(breaks):
                hart.break_address[index] = point.address
                hart.break_code[index] = 0
                if point.code is not None and len(codes) + len(point.code) < CODE_BYTES:  # else `condition` does it
                    hart.break_code[index] = len(codes) + 1
                    codes += point.code + bytes([END])
                hart.break_world[index] = self.worlds.armed_key(point.world)
                offset = (point.address & 0xFFF) >> 1
                hart.break_offsets[offset >> 6] |= 1 << (offset & 63)
            for word in range((len(codes) + 7) // 8):
                hart.cond_code[word] = int.from_bytes(codes[8 * word : 8 * word + 8], "little")
            arm_catches(hart, catches)
        self._arm_watches(watches)

    def refresh(self) -> None:
        """Before the machine runs: where guest physical addresses lie may have changed."""
        if self._watched and any(point.space == "gpa" for point in self._points.values()):
            self._arm_watches(self.watches())

    def _arm_watches(self, watches: list[Breakpoint]) -> None:
        own = self.machine.own_watchpoints
        entries = [self._entry(point) for point in watches]
        entries += [entry for point in watches if point.space == "gpa" for entry in self._physical_entries(point)]
        del entries[COUNT - own :]  # accesses past the G-stage are found as far as there is room
        self._watched = [entry.point for entry in entries]
        for hart in self.machine.harts:
            if entries == self._armed and hart.watch_count == own + len(entries):
                continue
            hart.watch_count = own + len(entries)
            hart.watch_gpa = int(any(entry.kind & GUEST_PHYSICAL for entry in entries))
            for index, entry in enumerate(entries, own):
                hart.watch_start[index], hart.watch_last[index] = entry.start, entry.last
                hart.watch_kind[index], hart.watch_world[index] = entry.kind, entry.world
            tlb_refresh_flags(hart)
        self._armed = entries

    def _entry(self, point: Breakpoint) -> WatchEntry:
        """What the harts get for a watchpoint."""
        access = ACCESSES.get(point.kind, ON_READ | ON_WRITE) | SPACES[point.space]
        return WatchEntry(point, point.address, point.address + point.length - 1, access, self.worlds.armed_key(point.world))

    def _physical_entries(self, point: Breakpoint) -> Iterator[WatchEntry]:
        """Where guest physical addresses lie now in physical memory, for accesses that do not go through the G-stage."""
        access = ACCESSES.get(point.kind, ON_READ | ON_WRITE) | PHYSICAL
        for number in self.worlds.numbers():
            if number != HOST and point.world in (None, GUESTS, number):
                hgatp = self.worlds.key_of(number) & ~GUEST_WORLD
                view = View.guest(self.machine.harts[0], vsatp=0, hgatp=hgatp).guest_physical()
                for spa, length in physical_ranges(view, point.address, point.length):
                    yield WatchEntry(point, spa, spa + length - 1, access, ANY_WORLD)

    # -- hits ---------------------------------------------------------------------------------------------------------

    def breakpoint_hit(self, debugger: Debugger, hart: Hart) -> Hit | None:
        """Count a hit of the breakpoints at a hart's pc; None when none of them stops."""
        here = [(index, point) for index, point in enumerate(self.breaks()) if point.address == hart.pc]
        return self._stopping(debugger, hart, [point for index, point in here if holds(hart, hart.break_code[index])])

    def watchpoint_hit(self, debugger: Debugger, hart: Hart) -> Hit | None:
        """The same for the watchpoint a hart has hit."""
        point = self._watched[hart.watch_hit - 1 - self.machine.own_watchpoints]
        hart.watch_hit = 0
        hit = self._stopping(debugger, hart, [point])
        if hit is None:
            return None
        kind = WATCH_KINDS.get(point.kind, "a")
        done, va = "written" if hart.watch_write else "read", int(hart.watch_va)
        if point.space == "virtual":
            address = max(va, point.address)
            return replace(hit, text=f"{done} at {address:#x}", address=address, kind=kind)
        text = f"{point.space.upper()} {point.address:#x}: {done} at virtual address {va:#x}"
        return replace(hit, text=text, address=point.address, kind=kind)

    def catch_hit(self, debugger: Debugger, hart: Hart) -> Hit | None:
        """The same for catches, when a hart has caught something; what it was is cleared."""
        matching = [catch for catch in self.catches() if catch.matches(debugger, hart)]
        hit = self._stopping(debugger, hart, matching)
        if hit is not None:
            first = next(catch for catch in matching if catch in hit.points)
            head = "" if first.label else f"catch {first.number}: "
            text = head + words(debugger, hart, first)
            hit = replace(hit, text=text, world=event_world(self.worlds, hart, first.spec))
        hart.caught = 0
        return hit

    def _stopping(self, debugger: Debugger, hart: Hart, points: Iterable[Breakpoint]) -> Hit | None:
        stopping = [point for point in points if self._counts(debugger, hart, point)]
        for point in stopping:
            if point.temporary:
                self.remove(point.number)
        problem, self._problem = self._problem, ""
        return Hit(tuple(stopping), problem=problem) if stopping else None

    def _counts(self, debugger: Debugger, hart: Hart, point: Breakpoint) -> bool:
        """Whether a hit of a point stops the machine; counts it."""
        if point.hart not in (None, hart.hartid):
            return False
        if not isinstance(point, Catch) and not self._in_world(point, hart):
            return False
        try:
            if point.condition is not None and not point.condition(debugger, hart.hartid):
                return False
        except Exception as problem:  # the user's own code: better a stop too many
            self._problem = f"; its {getattr(point.condition, 'what', 'condition')} failed: {problem}"
        point.hits += 1
        if point.ignore > 0:
            point.ignore -= 1
            return False
        return True

    def _in_world(self, point: Breakpoint, hart: Hart) -> bool:
        if point.world is None or point.kind != "break":  # the harts tell for watchpoints: HLV reaches other worlds
            return True
        current = self.worlds.current(hart)
        return current != HOST if point.world == GUESTS else current == point.world
