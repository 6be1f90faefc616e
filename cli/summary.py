# SPDX-License-Identifier: Apache-2.0
"""Everything a stop needs on one screen: where, why, what has changed, the trap just taken or the return to come, code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.context import Context
from cli.format import clip, wrapped
from cli.listing import code_around
from cli.snapshot import Change, changes, remember
from cli.state import look
from cli.summary_return import return_lines
from cli.summary_trap import trap_lines

if TYPE_CHECKING:
    from core.debug.target import Stop

CHANGED_LINES = 2
"""Lines for changed registers, and as many for changed CSRs."""
LOW = 16
"""Below so many rows only the essential is shown."""
BEFORE, AFTER = 2, 4
"""Instructions shown around pc."""


def stop_summary(context: Context, stop: Stop) -> Iterator[str]:
    """Lines about `stop`, and about the hart it happened on, which becomes the context's hart."""
    from core.debug.target import DebugError, StopKind

    if stop.kind is StopKind.EXITED:
        yield stop.text
        return
    context.hart = stop.hart
    try:
        state = look(context)
        hart = f"hart {stop.hart}, " if context.debugger.harts > 1 else ""
        yield from wrapped(f"{hart}{state.mode}-mode, {state.world}: {stop.text}", context.width)
        notice(context, stop)
        yield from source_line(context, state.pc)
        if context.height >= LOW:
            yield from changed_lines(context)
        if stop.kind in (StopKind.INTERRUPTED, StopKind.LIMIT) and (loop := context.debugger.trap_loop(stop.hart)):
            yield from wrapped(f"note: {loop}", context.width)
        yield from trap_lines(context, state.mode, state.pc)
        yield from return_lines(context, state.mode, state.pc)
        stepped = stop.kind is StopKind.STEP
        low = context.height < LOW
        before, after = (0, 1) if low else (1, 2) if stepped else (BEFORE, AFTER)
        yield from code_around(context, state.pc, before, after)
    except DebugError as problem:  # resumed by somebody meanwhile
        yield f"{stop.text} ({problem})"


def notice(context: Context, stop: Stop) -> None:
    """Keep the registers at a stop, once, for the next stop to be compared with."""
    if context.noticed is not stop:
        context.noticed = stop
        remember(context.debugger, context.snapshots, stop.hart, context.table(stop.pc).format(stop.pc))


def source_line(context: Context, pc: int) -> Iterator[str]:
    """`file:line` and its text, if there is debugging information."""
    program = context.program()
    place = program[0].line_of(pc) if program else None
    if program and place:
        text = program[0].line_text(place)
        yield clip(f"  {place}" + (f"   {text}" if text else ""), context.width)


def changed_lines(context: Context) -> Iterator[str]:
    """What has changed since the stop before this one."""
    before, now = context.snapshots.get("before"), context.snapshots.get("stop")
    if before is None or now is None:
        return
    found = changes(before, now)
    yield from _change_lines("  changed: ", [c for c in found if c.general], context.width)
    yield from _change_lines("  CSRs:    ", [c for c in found if not c.general], context.width)


def _change_lines(head: str, found: list[Change], width: int) -> Iterator[str]:
    lines: list[list[str]] = [[]]
    used = len(head)
    for index, change in enumerate(found):
        word = f"{change.name}={change.new:#x}"
        more = f"... {len(found) - index} more (diff)"
        room = width - used - (len(more) if len(lines) == CHANGED_LINES else 0)
        if lines[-1] and len(word) + 2 > room:
            if len(lines) == CHANGED_LINES:
                lines[-1].append(more)
                break
            lines.append([])
            used = len(head)
        lines[-1].append(word)
        used += len(word) + 2
    for index, words in enumerate(line for line in lines if line):
        yield (head if index == 0 else " " * len(head)) + "  ".join(words)
