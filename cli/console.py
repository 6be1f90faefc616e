# SPDX-License-Identifier: Apache-2.0
"""The console: a prompt on the machine, or commands from a pipe. Reports every stop, whoever resumed the machine."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from cli.context import CommandError, Context
from cli.format import wrapped
from cli.output import dumb, write
from cli.pager import Enough, Pager, Progress, ask_key
from cli.registry import execute, find, internal_error, split_line
from cli.screen import Screen, style_of
from cli.state import HartState, look
from cli.summary import notice, stop_summary
from cli.toolbar import toolbar_text

if TYPE_CHECKING:
    import asyncio

    from prompt_toolkit import PromptSession
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

    from core.debug.target import Event

PROMPT = "(hartline) "
RC = ".hartlinerc"
SETTLE = 0.05
"""Seconds the machine must stand still before the prompt reports it: gdb's own small steps are passed over."""
GOES_ON = ("x", "dump", "list")
"""Commands that, repeated by an empty line, go on where they ended instead of showing the same again."""
KEYS_HELP = """\
Ctrl-A c  to the guest's UART (and back here)
Ctrl-A x  end the machine and leave
Ctrl-C    stop the machine; at a stopped machine, clear the line
Tab       complete a command, CSR or symbol
'help' lists the commands"""


class Console:
    """One console on one machine. `run` is for people at a terminal, `run_lines` for commands from elsewhere."""

    def __init__(
        self,
        context: Context,
        screen: Screen,
        *,
        gdb_client: Callable[[], str | None] = lambda: None,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self.context = context
        self.screen = screen
        self._gdb_client = gdb_client
        self._input, self._output = input, output
        self.session: PromptSession[str] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._state: HartState | None = None
        self._last_repeat = ""
        self._pager: Pager | None = None
        if input is None and sys.stdin.isatty() and sys.stdout.isatty():
            self._pager = Pager(self._terminal_size, lambda: ask_key(None, output))
            if not dumb():
                context.progress = Progress(lambda text: write(text, sys.stderr))
        self._unsubscribe: Callable[[], None] = lambda: None

    # Commands

    def execute(self, line: str) -> None:
        """Run one line and show what comes of it, errors included. Ctrl-C meanwhile stops the machine."""
        from core.debug.target import DebugError

        try:
            if self._pager is not None:
                self._pager.start()
            for text in execute(line, self.context):
                if self._pager is not None and not self.context.blocking:
                    self._pager.line(text)
                self.screen.say([text], style_of(text))
        except Enough:
            pass
        except (CommandError, DebugError) as problem:
            self.screen.say(wrapped(str(problem), self.context.width), "error")
        except Exception as problem:
            self.screen.say([internal_error(line, problem)], "error")
        except KeyboardInterrupt:
            if self.context.blocking:  # nobody at a prompt: Ctrl-C ends the whole run
                raise
            self.context.debugger.interrupt()
            self.context.debugger.wait(2.0)

    def report(self) -> None:
        """Show the latest stop unless that has been done."""
        stop = self.context.debugger.stop
        if self.context.debugger.running or stop is self.context.reported:
            return
        self.context.reported = stop
        headline, *rest = stop_summary(self.context, stop)
        self.screen.say([headline], "headline")
        for text in rest:
            self.screen.say([text], style_of(text))

    def run_lines(self, lines: Iterable[str]) -> None:
        """Execute each line, waiting for the stop of each `continue`, until the lines end or one says quit."""
        self.context.blocking = True
        self.context.reported = self.context.debugger.stop
        self._notice()
        for line in lines:
            self.execute(line)
            self.report()
            if self.context.request:
                break
        self.screen.finish()

    def _notice(self) -> None:
        """Keep the registers as they are at a stop that is not shown, to have something to compare the next with."""
        from core.debug.target import DebugError

        with suppress(DebugError):
            notice(self.context, self.context.debugger.stop)

    # The prompt

    def run(self) -> str:
        """Prompt until the user leaves: "quit" or "uart" (the terminal is to be the guest's)."""
        self.context.blocking = False
        self.context.request = None
        session = self.session = self.session or self._make_session()
        self._unsubscribe = self.context.debugger.subscribe(self._event)
        try:
            while self.context.request is None:
                self._measure()
                self.report()
                self._refresh()
                try:
                    line = self._read(session)
                except KeyboardInterrupt:
                    self.context.debugger.interrupt()
                    continue
                except EOFError:
                    line = "quit"
                finally:
                    self._loop = None
                    self.screen.detach()
                if self.context.request is None:  # else a key has made it
                    self.execute(self._repeated(line))
                if self.context.request == "layout":
                    self._full_screen()
        finally:
            self._unsubscribe()
        return self.context.request

    def _full_screen(self) -> None:
        """The other view, until the user comes back; then the stop is shown here, too."""
        from cli.layout import FullScreen

        self.context.request = None
        view = FullScreen(self.context, self._input, self._output, self.screen.recent)
        view.run()
        if view.said:
            self.screen.guest("".join(f"{line}\n" for line in view.said).encode())
        if view.message:
            self.screen.say([view.message], "error")
        self.context.reported = None

    def _read(self, session: PromptSession[str]) -> str:
        """One line of input; a backslash at the end of one joins the next to it."""
        line = session.prompt(pre_run=self._prompt_up)
        while line.endswith("\\"):
            line = line[:-1] + session.prompt("... ", pre_run=self._prompt_up)
            session.message = [("class:prompt", PROMPT)]
        return line

    def start_files(self) -> None:
        """Run the user's ~/.hartlinerc. One in the current folder is only named: it may be anybody's."""
        home = os.path.join(os.path.expanduser("~"), RC)
        if os.path.isfile(home):
            self.execute(f"source {home}")
        if os.path.isfile(RC) and not (os.path.isfile(home) and os.path.samefile(RC, home)):
            self.screen.say([f"there is a {RC} in this folder; `source {RC}` runs it"])

    def _repeated(self, line: str) -> str:
        """What an empty line stands for: the last command, if it is one of those that people repeat."""
        if not line.strip():
            return self._last_repeat
        try:
            repeats = find(split_line(line)[0].lower()).repeats
        except CommandError:
            repeats = False
        name, fmt, _ = split_line(line)
        again = line.strip()
        if repeats and find(name.lower()).name in GOES_ON:
            again = f"{name}/{fmt}" if fmt else name
        self._last_repeat = again if repeats else ""
        return line

    def _terminal_size(self) -> tuple[int, int]:
        if self._output is not None:
            size = self._output.get_size()
            return size.columns, size.rows
        columns, rows = shutil.get_terminal_size((80, 24))
        return columns, rows

    def _measure(self) -> None:
        self.context.width, self.context.height = self._terminal_size()

    def _make_session(self) -> PromptSession[str]:
        from cli.prompt import make_session

        return make_session(self, self._input, self._output)

    def _prompt_up(self) -> None:
        import asyncio

        from prompt_toolkit.application import get_app

        self._loop = asyncio.get_running_loop()
        self.screen.attach(get_app(), self._loop)
        if self.context.debugger.stop is not self.context.reported:  # it stopped between report() and now
            self._loop.call_soon(self._look_again)

    # Events, from the machine's thread

    def _event(self, event: Event) -> None:
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._look_again)
            except RuntimeError:  # the prompt has just gone; the main loop looks anyway
                return

    def _look_again(self) -> None:
        """On the prompt's loop: something happened to the machine."""
        self._refresh()
        if self._loop is not None and not self.context.debugger.running:
            self._loop.call_later(SETTLE, self._report_at_prompt, self.context.debugger.stop)
        self._invalidate()

    def _report_at_prompt(self, stop: Any) -> None:
        if self._loop is not None and stop is self.context.debugger.stop:
            self.report()
            self._refresh()
            self._invalidate()

    def _invalidate(self) -> None:
        if self.session is not None:
            self.session.app.invalidate()

    # What the prompt shows and does

    def _refresh(self) -> None:
        from core.debug.target import DebugError

        try:
            self._state = None if self.context.debugger.running else look(self.context)
        except DebugError:
            self._state = None

    def toolbar(self) -> str:
        """The bottom line."""
        gdb = ""
        if self.context.gdb_address is not None:
            gdb = "gdb attached" if self._gdb_client() else "no gdb"
        stop = self.context.debugger.stop
        status = "ended" if stop.kind.name == "EXITED" else "stopped"
        self._measure()
        return toolbar_text(self._state, status, gdb, self.context.width)

    def interrupt(self) -> bool:
        """Stop the machine; False when it stands still."""
        if not self.context.debugger.running:
            return False
        self.context.debugger.interrupt()
        return True

    def warn(self, text: str) -> None:
        """Show that a tolerance was used."""
        self.screen.say(wrapped(f"warning: {text}", self.context.width), "warning")

    def keys_help(self) -> None:
        """Say what the keys do."""
        self.screen.say(KEYS_HELP.splitlines())


def run_piped(console: Console, stream: TextIO) -> None:
    """Commands from a pipe or a file, one a line."""
    console.run_lines(line.rstrip("\n") for line in stream)
