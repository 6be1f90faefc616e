# SPDX-License-Identifier: Apache-2.0
"""One run of a machine with its front ends: the guest's UART on stdio, the console, the gdb server, in one process."""

from __future__ import annotations

import errno
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from cli.context import Context
from cli.escape import Key
from cli.launch import LaunchError, warn
from cli.output import PIPE_STATUS, error, wants_colour, write
from cli.stdio import StdioFront, Stdout

if TYPE_CHECKING:
    from cli.console import Console
    from cli.signature import Signature
    from core.debug.target import Debugger, Stop
    from gdbstub.server import GdbServer

LIMIT_STATUS = 124
"""Exit status when --max-instructions is reached (as timeout(1) has it)."""
IDLE_STATUS = 125
"""Exit status when every hart waits for an interrupt that cannot come."""
START_STATUS = 1
"""Exit status when the machine cannot be started."""
TERMINATED_STATUS = 143
LOST_STATUS = 1
"""Exit status when the output cannot be written for another reason."""

STATUS_HELP = f"""\
exit status:
  the guest's own (test finisher, HTIF, SBI reset); {START_STATUS} the machine cannot start;
  2 wrong command line; {LIMIT_STATUS} --max-instructions reached;
  {IDLE_STATUS} all harts wait for an interrupt that cannot come; 130 Ctrl-C"""


@dataclass(frozen=True)
class Fronts:
    """What the user wants to sit in front of the machine."""

    console: bool = False
    """Begin in the console, with the machine paused."""
    gdb: tuple[str, int] | None = None
    """(host, port) for the gdb server."""
    gdb_option: str = "--gdb [HOST:]PORT"
    """How the command line says that."""
    wait: bool = False
    """Stay paused until a debugger resumes."""
    worlds: str = "auto"
    """How worlds become gdb's inferiors, see gdbstub.riscv.processes.Mode."""
    greeting: tuple[str, ...] = ()
    """Lines shown first, before the gdb command."""


def machine_status(stop: Stop) -> int:
    """The process's exit status for the machine's exit code: the low byte, but never 0 for a failure."""
    code = stop.exit_code or 0
    return code & 0xFF or int(code != 0)


class LogHandler(logging.Handler):
    """What the log says goes to the user through a session, one line each, instead of anywhere on the screen."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record; of an exception its last line."""
        problem = record.exc_info[1] if record.exc_info else None
        self._tell(record.getMessage() + (f": {type(problem).__name__}: {problem}" if problem else ""))


class Session:
    """Runs the front ends in turn on one machine until one of them ends it."""

    def __init__(self, debugger: Debugger, fronts: Fronts) -> None:
        self.debugger = debugger
        self.fronts = fronts
        self.context = Context(debugger)
        self.server: GdbServer | None = None
        self._console: Console | None = None
        self._stdio = StdioFront(debugger, ends=self._ends, stopped=self._stopped_at_uart)
        self._stdout = Stdout(self._output_lost)
        self._lost: OSError | None = None
        """Why standard output is no more."""
        self._killed: Stop | None = None
        """Where the machine stood when gdb killed it."""
        self._in_console = False
        self._told: Stop | None = None
        """The stop that the user has heard of while the terminal was the guest's."""

    def run(self) -> int:
        """The whole session; the exit status. Raises gdbstub.server.ServerError when the port is not to be had."""
        previous = signal.signal(signal.SIGTERM, _terminated)
        log = logging.getLogger("hartline")
        handler = LogHandler(self.warn)
        log.addHandler(handler)
        try:
            if self.fronts.gdb is not None:
                self._start_server(self.fronts.gdb)
            self._greet()
            return self._alternate(start_in_console=self.fronts.console)
        finally:
            signal.signal(signal.SIGTERM, previous)
            log.removeHandler(handler)
            if self.server is not None:
                self.server.stop()
            self.debugger.close()

    def warn(self, text: str) -> None:
        """Tell the user something, from any thread: above the console's prompt or on standard error."""
        if self._in_console and self._console is not None:
            self._console.warn(text)
        else:
            error(text)

    # gdb

    def _start_server(self, address: tuple[str, int]) -> None:
        from cli.monitor import make_server
        from gdbstub.riscv.processes import Mode

        host, port = address
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.server = make_server(
            self.debugger, shown, self.context,
            on_kill=self._on_kill, on_leave=self._on_leave, warn=self.warn, worlds=Mode(self.fronts.worlds),
        )  # fmt: skip
        self.server.start()
        self.context.gdb_address = (self.server.host, self.server.port)

    def _on_kill(self) -> None:
        """gdb's `kill`: the end of the machine. With a console it is reset instead, so that nothing is lost there."""
        self.debugger.interrupt()
        self.debugger.wait(2.0)
        if self._in_console:
            self.debugger.reset()
        else:
            self._killed = self.debugger.stop
            self._stdio.wake()

    def _on_leave(self) -> None:
        """gdb has gone. If it has left the machine standing, whoever sits at the UART wonders why."""
        stop = self.debugger.stop
        if not (self._in_console or self.debugger.running or self._ends(stop, input_ended=False)):
            error("the debugger has gone, and the machine stands still until one attaches again" + _way_to_console())
        self._stdio.wake()

    def _output_lost(self, problem: OSError) -> None:
        """Nobody can read what the guest prints. That is the end, unless there is a debugger's work to do."""
        self._lost = problem
        if self.server is not None or problem.errno != errno.EPIPE:
            error(f"standard output: {problem.strerror}; what the guest prints is lost")
        if self.server is None:
            self.debugger.interrupt()

    def _greet(self) -> None:
        lines: Sequence[str] = self.fronts.greeting
        if self.context.gdb_address is not None:
            from cli.commands.general import gdb_command

            host, port = self.context.gdb_address
            where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            command = gdb_command(self.context.gdb_address, str(self.debugger.elf_path or ""))
            paused = " (the machine waits for it)" if self.fronts.wait and not self.fronts.console else ""
            lines = (*lines, f"gdb server on {where}{paused}; attach in another terminal with:", f"  {command}")
        if lines:
            write("".join(f"{line}\n" for line in lines), sys.stderr)

    # Front ends

    def _alternate(self, start_in_console: bool) -> int:
        """The console and the UART in turn, as the user switches with Ctrl-A c."""
        if start_in_console and not interactive():
            return self._piped_console()
        in_console = start_in_console
        paused = start_in_console or self.fronts.wait
        while True:
            self._in_console = in_console
            if in_console:
                request = self._open_console()
                if request == "quit":
                    return self._status()
                in_console = False
                stopped = "" if self.debugger.running else "; the machine stands still"
                write(f"the guest's UART (Ctrl-A c goes back to the console{stopped})\n", sys.stderr)
            else:
                key = self._open_uart(paused)
                if key is not Key.CONSOLE:
                    return self._status() if key is None else 0
                in_console = True
            paused = True  # from here on it runs or stands as it was left

    def _open_uart(self, paused: bool) -> Key | None:
        self.debugger.machine.console_output = self._stdout
        self.debugger.machine.warning = warn

        def start() -> None:
            if not paused:
                self.debugger.resume()

        return self._stdio.run(start)

    def _make_console(self) -> Console:
        fresh = False
        if self._console is None:
            from cli.console import Console
            from cli.screen import Screen

            self.debugger.find_symbols()
            colour = wants_colour(sys.stdout)
            self._console = Console(self.context, Screen(write, colour), gdb_client=self._gdb_client)
            fresh = True
        self.debugger.machine.console_output = self._console.screen.guest
        self.debugger.machine.warning = self._console.warn
        if fresh and not self.debugger.running:
            self._console.start_files()
        return self._console

    def _open_console(self) -> str:
        console = self._make_console()
        if self.debugger.running:
            console.screen.say(["the machine is running: Ctrl-C stops it, Ctrl-A c goes back to its UART"])
        return console.run()

    def _piped_console(self) -> int:
        from cli.console import run_piped

        self._in_console = True
        run_piped(self._make_console(), sys.stdin)
        return self._status()

    def _gdb_client(self) -> str | None:
        return self.server.client if self.server is not None else None

    # The end

    def _ends(self, stop: Stop, input_ended: bool) -> bool:
        """Whether a stop ends a run without console: not one that a debugger made or can go on from.

        A gdb that is still there takes leave first: it has more inferiors to be told of, or begins again.
        """
        from core.debug.target import StopKind

        if self._lost and self.server is None:
            return True
        if stop is self._killed or stop.kind is StopKind.EXITED:
            return self._gdb_client() is None
        if stop.kind is StopKind.LIMIT:
            return True
        return stop.kind is StopKind.IDLE and input_ended and self.server is None

    def _stopped_at_uart(self, stop: Stop) -> None:
        """A stop that is not the end, while the terminal is the guest's. gdb tells its user itself."""
        if self._gdb_client() is None:
            self._told = stop
            error(stop.text + _way_to_console())

    def _status(self) -> int:
        from core.debug.target import StopKind

        stop = self.debugger.stop
        if self.debugger.running or stop is self._killed:
            return 0
        if self._lost and self.server is None:
            return PIPE_STATUS if self._lost.errno == errno.EPIPE else LOST_STATUS
        if stop.kind is StopKind.EXITED:
            return machine_status(stop)
        if self._in_console:
            return 0
        status = {StopKind.LIMIT: LIMIT_STATUS, StopKind.IDLE: IDLE_STATUS}.get(stop.kind, 0)
        if status and stop is not self._told:
            error(stop.text)
        return status


def _way_to_console() -> str:
    return " (Ctrl-A c opens the console)" if interactive() else ""


def interactive() -> bool:
    """Whether a person sits at both ends of the terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _terminated(number: int, frame: object) -> NoReturn:
    """SIGTERM: leave through the front ends' clean-up, so that the terminal is as it was."""
    raise SystemExit(TERMINATED_STATUS)


def run_session(make: Callable[[], Debugger], fronts: Fronts, signature: Signature | None = None) -> int:
    """Make the machine and run it; what cannot be started is one line and status 1."""
    try:
        debugger = make()
        if signature is not None:
            signature.check(debugger.machine)
    except LaunchError as problem:
        error(str(problem))
        return START_STATUS
    status = _serve(Session(debugger, fronts))
    try:
        if signature is not None:
            signature.write(debugger.machine)
    except LaunchError as problem:
        error(str(problem))
        return START_STATUS
    return status


def _serve(session: Session) -> int:
    """Run the session; the exit status."""
    if session.fronts.gdb is None:
        return session.run()
    from gdbstub.server import ServerError

    try:
        return session.run()
    except ServerError as problem:
        error(f"{problem} ({session.fronts.gdb_option})")
        return START_STATUS
