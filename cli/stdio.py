# SPDX-License-Identifier: Apache-2.0
"""The guest's UART on standard input and output: raw mode at a terminal, a plain pipe elsewhere."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cli.escape import HELP, EscapeFilter, Key
from cli.output import write

if TYPE_CHECKING:
    from core.debug.target import Debugger, Event, Stop

CHUNK = 4096


@contextlib.contextmanager
def raw_terminal(descriptor: int) -> Iterator[None]:
    """While inside, the terminal hands over every key as it is typed, Ctrl-C too. Output is treated as before.

    A shell that takes the terminal back meanwhile (SIGSTOP, Ctrl-Z elsewhere) gives it back changed: SIGCONT says when.
    """
    import signal
    import termios

    try:
        saved = termios.tcgetattr(descriptor)
    except termios.error:  # no terminal
        yield
        return
    raw = termios.tcgetattr(descriptor)
    raw[0] &= ~(termios.BRKINT | termios.ICRNL | termios.INLCR | termios.IGNCR | termios.INPCK)
    raw[0] &= ~(termios.ISTRIP | termios.IXON)
    raw[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN | termios.ISIG)
    raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0

    def enter(number: int = 0, frame: object = None) -> None:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, raw)

    process = threading.current_thread() is threading.main_thread()  # which alone may ask for signals
    previous = signal.signal(signal.SIGCONT, enter) if process else None
    try:
        enter()
        yield
    finally:
        if process:
            signal.signal(signal.SIGCONT, previous)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, saved)


class Stdout:
    """The guest's output on standard output, byte for byte. `lost` is called, once, when it cannot be written any more."""

    def __init__(self, lost: Callable[[OSError], None]) -> None:
        self._lost = lost
        self._gone = False

    def __call__(self, data: bytes) -> None:
        """Write. Called on the machine's thread."""
        view = memoryview(data)
        while view and not self._gone:
            try:
                view = view[os.write(1, view) :]
            except BlockingIOError:  # the terminal is set to non-blocking by somebody who shares it
                select.select([], [1], [], 1.0)
            except OSError as problem:
                self._gone = True
                self._lost(problem)


def _stepped(stop: Stop) -> bool:
    """Whether it is the end of a step: gdb's own affair, and there may be thousands in a second."""
    from core.debug.stops import StopKind

    return stop.kind is StopKind.STEP


class StdioFront:
    """Feeds the keyboard to the guest until the machine ends or the user asks for something else."""

    def __init__(
        self,
        debugger: Debugger,
        *,
        ends: Callable[[Stop, bool], bool],
        stopped: Callable[[Stop], None] = lambda stop: None,
        input_fd: int = 0,
    ) -> None:
        """`ends(stop, input_ended)` says whether a stop is the end of the run; `stopped` is told of every other one."""
        self._debugger = debugger
        self._ends = ends
        self._stopped = stopped
        self._fd = input_fd
        self._filter = EscapeFilter()
        self._input_ended = False
        self._wake: Callable[[], None] = lambda: None

    def run(self, start: Callable[[], None]) -> Key | None:
        """Call `start`, then pass input on. Returns the key that ended it, or None for a stop that `ends`."""
        from core.debug.stops import Resumed, Stopped

        reader, writer = os.pipe()
        os.set_blocking(writer, False)

        def wake(event: Event | None = None) -> None:
            if isinstance(event, Resumed) or (isinstance(event, Stopped) and _stepped(event.stop)):
                return
            with contextlib.suppress(OSError):  # a full pipe wakes as well as one more byte
                os.write(writer, b"!")

        unsubscribe = self._debugger.subscribe(wake)
        self._wake = wake
        try:
            self._debugger.waits_for_input = not self._input_ended
            self._debugger.machine.paced = os.isatty(self._fd)
            seen = None if self._debugger.running else self._debugger.stop
            with raw_terminal(self._fd):
                start()
                return self._loop(reader, seen)
        finally:
            self._debugger.waits_for_input = self._debugger.machine.paced = False
            unsubscribe()
            self._wake = lambda: None
            os.close(reader)
            os.close(writer)

    def wake(self) -> None:
        """Look again whether the run has ended; from any thread."""
        self._wake()

    def _loop(self, reader: int, seen: Stop | None) -> Key | None:
        """`seen`: the stop that the user knows of; the machine may have stopped again by now."""
        terminal = os.isatty(self._fd)
        while True:
            stop = None if self._debugger.running else self._debugger.stop
            if stop is not None and self._ends(stop, self._input_ended):
                return None
            if stop is not None and stop is not seen and not _stepped(stop):
                self._stopped(stop)
            seen = stop or seen
            sources = [reader] if self._input_ended else [reader, self._fd]
            ready, _, _ = select.select(sources, [], [])
            if reader in ready:
                os.read(reader, CHUNK)
            if self._fd in ready:
                key = self._typed(os.read(self._fd, CHUNK), terminal)
                if key is not None:
                    return key

    def _typed(self, data: bytes, terminal: bool) -> Key | None:
        if not data:
            self._input_ended = True
            self._debugger.waits_for_input = False
            return None
        if not terminal:
            self._debugger.machine.console_input(data)
            return None
        for part in self._filter.feed(data):
            if isinstance(part, bytes):
                self._debugger.machine.console_input(part)
            elif part is Key.HELP:
                write(f"\n{HELP}\n", sys.stderr)
            else:
                return part
        return None
