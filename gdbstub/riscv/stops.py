# SPDX-License-Identifier: Apache-2.0
"""From the debugger's stops to what gdb is told of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from core.debug.stops import Stop, StopKind
from gdbstub.interface import Cause, Signal, StopReport, ThreadId
from gdbstub.riscv.points import CAUSES, WATCH_KINDS, Points

EXPLAINED: Final = (StopKind.RESET, StopKind.INTERRUPTED, StopKind.NEW_WORLD)
"""Stops that need no words in gdb's window."""

SIGNALS: Final = {StopKind.INTERRUPTED: Signal.INT, StopKind.RESET: Signal.TRAP}


def report(stop: Stop, thread: ThreadId, stepped: ThreadId | None, points: Points, away: bool = False) -> StopReport:
    """A stop as gdb is to see it. `thread`: where the hart is now; `stepped`: the thread gdb has stepped, if it has, and
    `away`: the hart is now in another world than that thread's.

    A breakpoint is reported as one only if gdb has set it in this very process: otherwise gdb would go on without a word.
    What gdb cannot know of comes with a remark and no signal: gdb then stops even in the middle of a step of its own,
    which it would otherwise take this for.
    """
    if stop.kind is StopKind.STEP:
        return _step(thread, stepped not in (None, thread), away and stepped is not None)
    cause = _cause(stop, thread, points)
    if cause is not Cause.PLAIN:
        remark = stop.text if stop.kind is StopKind.EBREAK else ""
        return StopReport(thread, Signal.TRAP, cause, stop.watch_address, remark=remark)
    signal = SIGNALS.get(stop.kind, Signal.NONE)
    remark = "" if stop.kind in EXPLAINED else _remark(stop, thread, points)
    passing = stop.kind is StopKind.NEW_WORLD
    return StopReport(thread, signal, cause, stop.watch_address, stop.exit_code, remark, passing)


@lru_cache(64)
def _step(thread: ThreadId, elsewhere: bool, away: bool) -> StopReport:
    """The end of a step; elsewhere: it went into another world."""
    return StopReport(thread, Signal.NONE if elsewhere else Signal.TRAP, away=away)


def _cause(stop: Stop, thread: ThreadId, points: Points) -> Cause:
    if stop.kind is StopKind.EBREAK:
        return Cause.SOFTWARE_BREAKPOINT
    if stop.kind in (StopKind.BREAKPOINT, StopKind.WATCHPOINT):
        ours = sorted(key.point for key, _ in points.hit(stop) if key.process == thread.process)
        if ours:
            return CAUSES[ours[0]]
    return Cause.PLAIN


def _remark(stop: Stop, thread: ThreadId, points: Points) -> str:
    for key, _ in points.hit(stop):
        if key.point in WATCH_KINDS:
            return f"the watchpoint of inferior {key.process} at {key.address:#x}: {stop.text.partition(': ')[2]}"
        return f"the breakpoint of inferior {key.process} at {stop.text.partition(' at ')[2]}"
    return stop.text
