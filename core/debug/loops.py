# SPDX-License-Identifier: Apache-2.0
"""Whether a hart gets nowhere: traps that only lead to traps, a guest that exits at one instruction for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.debug.history import last_line, line_at, repeated_exits, streak
from core.hart import Hart
from core.trap.causes import describe
from core.trap.tinst import is_guest_page_fault

if TYPE_CHECKING:
    from core.debug.target import Debugger

TRAPS = 1000
"""Traps without an instruction between them that make a loop."""
EXITS = 100
"""VM exits of a guest at one instruction that make a loop."""


def trap_loop(debugger: Debugger, h: Hart) -> str | None:
    """Why a hart gets nowhere, in one line; None when nothing points to it."""
    worlds = debugger.worlds_known
    count = streak(h)
    if count >= TRAPS:
        line = line_at(h, h.trap_serial - 1)
        place = debugger.place(line.pc, worlds.number_of(line.world))
        return f"trap loop at {place}: {describe(line.cause)} taken {count} times without an instruction retired"
    if not h.history_next or last_line(h).kind == "trap":
        return None
    exits = list(repeated_exits(h))
    if len(exits) >= EXITS:
        line, world = exits[0], worlds.number_of(exits[0].world)
        gpa = f", GPA {line.gpa:#x}," if is_guest_page_fault(line.cause) else ""
        return (
            f"{worlds.name(world)} gets nowhere: {describe(line.cause)}{gpa} at {debugger.place(line.pc, world)}, "
            f"{len(exits)} times in a row at least, without an instruction of its own in between"
        )
    return None
