# SPDX-License-Identifier: Apache-2.0
"""The gdb server of a session: gdb's `monitor` runs the console's commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cli.context import Context
from cli.registry import run_command
from gdbstub.monitor import Monitor
from gdbstub.riscv.target import RiscvTarget
from gdbstub.server import GdbServer

if TYPE_CHECKING:
    from core.debug.target import Debugger


class ConsoleMonitor(Monitor):
    """`monitor LINE` in gdb is LINE in the console, except for commands that gdb has itself."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context

    def execute(self, line: str) -> Iterator[str]:
        """Run one command line and yield its output; what goes wrong is the last line."""
        return run_command(line.strip() or "help", self._context)


def make_server(
    debugger: Debugger, address: str, console: Context, *, on_kill: Callable[[], None], warn: Callable[[str], None]
) -> GdbServer:
    """A gdb server on `debugger`, not started yet. `console`: the session's context, for what both share."""
    context = Context(debugger, front="gdb")
    return GdbServer(RiscvTarget(debugger), address, monitor=ConsoleMonitor(context), on_kill=on_kill, warn=warn)
