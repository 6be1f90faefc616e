# SPDX-License-Identifier: Apache-2.0
"""Steps of one thread while gdb holds all others, which is how it gets off a breakpoint, that end in another process.

gdb accepts no stop of another thread then: finish_step_over of its infrun.c asserts that it is the stepped one's. A signal of
the stepped thread, though, may come at any time. So gdb first hears of one that it passes on in silence, with a pc inside the
instruction. If the user wanted more than to get off the breakpoint (stepi, next), it now lets the thread run to where it
thinks that the signal's handler returns, and is told of the true stop. If not (continue), it tries the step again, and the
machine goes on instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gdbstub.interface import Action, Motion, Signal, StopReport, ThreadId

SILENT = Signal.URG
"""gdb neither stops for it nor prints it, unless told to."""


@dataclass
class StepOff:
    """Where the exchange is."""

    lone: bool = False
    """Whether what gdb has asked for last moves what it names and nothing else."""
    alone: ThreadId | None = None
    """The thread that has been resumed alone, for one instruction."""
    away: ThreadId | None = None
    """The same after its step has ended in another process and gdb was given a signal instead."""
    further: bool = False
    """Whether that was all that has happened: nothing else is lost if the machine goes on."""
    going_on: bool = False
    """Whether the machine is about to go on from there."""

    def resumed(self, actions: Mapping[ThreadId, Action]) -> bool:
        """The machine is resumed. Whether the breakpoints that gdb has taken out are gone, and not just for this step."""
        self.alone = None
        if self.lone and len(actions) == 1:
            ((thread, action),) = actions.items()
            self.alone = thread if action.motion is Motion.STEP else None
        gone = self.alone is None and not self.going_on
        self.away, self.going_on = None, False
        return gone

    def ends(self, report: StopReport) -> ThreadId | None:
        """The thread gdb must hear of first, if `report` is none of the stepped thread in its own process."""
        thread, self.alone = self.alone, None
        if thread is None or report.exit_code is not None or not (report.away or report.thread != thread):
            return None
        self.away, self.further = thread, report.away
        return thread

    def goes_on(self, actions: Mapping[ThreadId, Action]) -> bool:
        """Whether gdb, having heard of the signal, only wants to get off the breakpoint."""
        away, self.away = self.away, None
        if away is None or not self.further:
            return False
        self.going_on = actions == {away: Action(Motion.STEP)}
        return self.going_on
