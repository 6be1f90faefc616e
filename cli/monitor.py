# SPDX-License-Identifier: Apache-2.0
"""The gdb server of a session: gdb's `monitor` runs the console's commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cli.context import Context
from cli.registry import run_command
from core.debug.stops import Event, StateChanged, Stopped
from core.debug.worlds import HOST
from gdbstub.monitor import Monitor
from gdbstub.riscv.points import MONITOR
from gdbstub.riscv.processes import Mode
from gdbstub.riscv.target import RiscvTarget
from gdbstub.server import GdbServer

if TYPE_CHECKING:
    from core.debug.target import Debugger, Stop

STALE = "(gdb shows the registers it has until the next stop, or until `maint flush register-cache`)"
"""gdb cannot be told that a monitor command has changed some."""


class ConsoleMonitor(Monitor):
    """`monitor LINE` in gdb is LINE in the console, except for commands that gdb has itself.

    The hart that commands look at is the one that stopped, until `hart N` chooses another. (gdb does not tell which thread
    its user has selected.)
    """

    def __init__(self, context: Context, target: RiscvTarget) -> None:
        super().__init__()
        self._context = context
        self._target = target
        context.choose_worlds = self._choose
        self._stop: Stop | None = None

    def execute(self, line: str) -> Iterator[str]:
        """Run one command line and yield its output; what goes wrong is the last line."""
        if self._stop is not self._target.debugger.stop:
            self._stop = self._target.debugger.stop
            self._context.hart = self._stop.hart
        return self._run(line.strip() or "help")

    def _run(self, line: str) -> Iterator[str]:
        changes: list[Event] = []
        unsubscribe = self._target.debugger.subscribe(changes.append)
        try:
            yield from run_command(line, self._context)
        finally:
            unsubscribe()
        if any(map(_changes_registers, changes)):
            yield STALE

    def _choose(self, word: str) -> Iterator[str]:
        """`worlds separate` and its like: whether guests are inferiors of their own."""
        processes, mode = self._target.processes, Mode(word)
        processes.choose(mode)
        met = [f"{thread.process}" for thread in processes.threads() if thread.process != HOST]
        if processes.separate:
            yield "guests are inferiors of their own; gdb meets those that run already when the machine goes on"
        elif mode is Mode.AUTO:
            yield "one inferior for all worlds, until symbols of a guest are known (--symbols guest:N=FILE)"
        elif met:
            known = ", ".join(dict.fromkeys(met))
            yield f"further guests stay in inferior 1; `detach` lets go of those that gdb has met: {known}"
        else:
            yield "one inferior for all worlds"


def _changes_registers(event: Event) -> bool:
    return isinstance(event, Stopped) or (isinstance(event, StateChanged) and event.what not in ("memory", "rnmi"))


def make_server(
    debugger: Debugger,
    address: str,
    console: Context,
    *,
    on_kill: Callable[[], None],
    on_leave: Callable[[], None] | None = None,
    warn: Callable[[str], None],
    worlds: Mode = Mode.AUTO,
) -> GdbServer:
    """A gdb server on `debugger`, not started yet.

    console: the session's context, for what both share; worlds: how they become gdb's inferiors.
    """
    target = RiscvTarget(debugger, worlds)
    debugger.find_symbols()
    monitor = ConsoleMonitor(Context(debugger, front=MONITOR), target)
    return GdbServer(target, address, monitor=monitor, on_kill=on_kill, on_leave=on_leave, warn=warn)
