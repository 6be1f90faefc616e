# SPDX-License-Identifier: Apache-2.0
"""What has happened: the last world switches and traps of each hart, in the kernel's words and in the debugger's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.hart import Hart
from core.trap.causes import describe
from core.trap.worlds import CAUSE_SIGN, ENTRY, EXIT, HISTORY, LINE, TRAP

if TYPE_CHECKING:
    from core.debug.worlds import Worlds

KINDS = {TRAP: "trap", EXIT: "exit", ENTRY: "entry"}


@dataclass(frozen=True)
class Line:
    """A line of history as the kernel writes it.

    kind: "trap", "exit" or "entry"; world: key of the world that a trap or exit came from, for an entry of the guest;
    cause: xcause value; pc: of the instruction that trapped or returned; tval: for an entry, where the guest goes on;
    from_mode, to_mode: nominal privilege, plus 4 when V=1; retired: instructions retired when the world that follows
    begins; idle: units of time before it that were no instructions (traps, WFI); inst: raw bits of the instruction.
    """

    kind: str
    from_mode: int
    to_mode: int
    cause: int
    pc: int
    world: int
    tval: int
    gpa: int
    retired: int
    idle: int
    inst: int

    @property
    def interrupt(self) -> bool:
        """Whether the cause is an interrupt."""
        return bool(self.cause & CAUSE_SIGN)

    @property
    def units(self) -> int:
        """Time since reset, in units of one instruction (10 ns)."""
        return self.retired + self.idle


@dataclass(frozen=True)
class Switch:
    """A VM entry, a VM exit or another trap, for users.

    kind: "entry", "exit" or "trap"; world: number of the guest entered or left, of the world that a trap happened in;
    cause: xcause value, None for an entry; text: cause or "VM entry" in words; pc: of the instruction that trapped or
    returned; from_mode, to_mode as in Line; retired, units: when, as instructions and as time of this hart since reset;
    duration: units until the next switch of worlds (for a trap: until the next event), None for what still lasts.
    """

    kind: str
    hart: int
    world: int
    cause: int | None
    text: str
    pc: int
    tval: int
    gpa: int
    from_mode: int
    to_mode: int
    retired: int
    units: int
    duration: int | None


def line_at(h: Hart, serial: int) -> Line:
    """Line number `serial` of a hart's history, which must be one of the last HISTORY."""
    start = LINE * (serial % HISTORY)
    tag, pc, world, tval, gpa, done, idle, inst = h.history[start : start + LINE]
    cause = (tag >> 32 & 63) | (tag & CAUSE_SIGN)
    return Line(KINDS[tag & 0xFF], tag >> 8 & 7, tag >> 16 & 7, cause, pc, world, tval, gpa, done, idle, inst)


def last_line(h: Hart) -> Line:
    """The latest line; there must be one."""
    return line_at(h, h.history_next - 1)


def lines(h: Hart, count: int = HISTORY) -> list[Line]:
    """The last `count` lines that are kept, oldest first."""
    first = max(0, h.history_next - min(count, HISTORY))
    return [line_at(h, serial) for serial in range(first, h.history_next)]


def backwards(h: Hart) -> Iterator[Line]:
    """The lines that are kept, latest first."""
    for serial in range(h.history_next - 1, max(0, h.history_next - HISTORY) - 1, -1):
        yield line_at(h, serial)


def switches(worlds: Worlds, h: Hart, count: int = HISTORY, *, traps: bool = True) -> list[Switch]:
    """The last `count` events of a hart, oldest first; without `traps` only switches of worlds."""
    found: list[Switch] = []
    next_event = next_switch = None
    for line in reversed(lines(h)):
        switch = line.kind != "trap"
        if switch or traps:
            until = next_switch if switch else next_event
            duration = None if until is None else until - line.units
            found.append(_switch(worlds, h, line, duration))
        next_event = line.units
        next_switch = line.units if switch else next_switch
        if len(found) == count:
            break
    return found[::-1]


def _switch(worlds: Worlds, h: Hart, line: Line, duration: int | None) -> Switch:
    entry = line.kind == "entry"
    return Switch(
        line.kind,
        h.hartid,
        worlds.number_of(line.world),
        None if entry else line.cause,
        "VM entry" if entry else describe(line.cause, line.tval),
        line.pc,
        line.tval,
        line.gpa,
        line.from_mode,
        line.to_mode,
        line.retired,
        line.units,
        duration,
    )


def repeated_exits(h: Hart) -> Iterator[Line]:
    """Backwards from the last VM exit: exits from one instruction, for one reason, between which the guest did nothing."""
    last: Line | None = None
    after: Line | None = None
    for line in backwards(h):
        if line.kind == "trap":
            continue
        if line.kind == "entry":
            if after is not None and after.kind == "exit" and after.retired != line.retired:
                return  # the guest has executed something
        elif last is None:
            last = line
            yield line
        elif (line.pc, line.cause, line.tval, line.world) == (last.pc, last.cause, last.tval, last.world):
            yield line
        else:
            return
        after = line
