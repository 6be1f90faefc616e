# SPDX-License-Identifier: Apache-2.0
"""Whether a hart gets nowhere: traps that only lead to traps, a guest that exits at one instruction for ever."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from core.debug.history import backwards, last_line, repeated_exits
from core.hart import Hart
from core.isa.intrinsics import retired
from core.trap.causes import describe
from core.trap.tinst import is_guest_page_fault

if TYPE_CHECKING:
    from core.debug.target import Debugger

LOOP = 1000
"""Exceptions in a row by one instruction, never got past, that make a loop."""
EXITS = 100
"""VM exits of a guest at one instruction that make a loop."""
HANDLER = 10_000
"""Instructions that handling an exception may take."""
RECENT = 16
"""Lines of history among which the last exception of a loop is found."""


def trap_loop(debugger: Debugger, h: Hart) -> str | None:
    """Why a hart gets nowhere, in one line; None when nothing points to it."""
    worlds = debugger.worlds_known
    if h.history_next and last_line(h).kind != "trap":
        exits = list(repeated_exits(h))
        if len(exits) >= EXITS:
            line, world = exits[0], worlds.number_of(exits[0].world)
            gpa = f", GPA {line.gpa:#x}," if is_guest_page_fault(line.cause) else ""
            return (
                f"{worlds.name(world)} gets nowhere: {describe(line.cause)}{gpa} at {debugger.place(line.pc, world)}, "
                f"{len(exits)} times in a row at least, without an instruction of its own in between"
            )
    if h.streak < LOOP or _past(h):
        return None
    return f"trap loop at {_place(debugger, h)}: {describe(h.streak_cause)} taken {h.streak} times in a row"


def _past(h: Hart) -> bool:
    """Whether the hart has got past the instruction after all: what it returned to has executed, or a lot has."""
    done = retired(h)
    return bool(h.return_retired > h.streak_retired and h.return_retired != done) or done - h.streak_retired > HANDLER


def _place(debugger: Debugger, h: Hart) -> str:
    """Where the exceptions come from, in the symbols of the world it was."""
    for line in islice(backwards(h), RECENT):
        if line.pc == h.streak_pc and line.cause == h.streak_cause:
            return debugger.place(line.pc, debugger.worlds_known.number_of(line.world))
    return f"{h.streak_pc:#x}"
