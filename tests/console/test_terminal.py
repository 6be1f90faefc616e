# SPDX-License-Identifier: Apache-2.0
"""The console and the UART in a real terminal."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from examples import elf

ROOT = Path(__file__).resolve().parents[2]


class Terminal:
    """A shell in a tmux of its own."""

    def __init__(self, columns: int, rows: int) -> None:
        self._server = f"hartline-test-{os.getpid()}-{time.monotonic_ns()}"
        keep = ("-f", "/dev/null", "start-server", ";", "set-option", "-g", "history-limit", "200000", ";")
        self._tmux(*keep, "new-session", "-d", "-x", str(columns), "-y", str(rows), "sh")
        self.type("PS1='$ '; cd " + shlex.quote(str(ROOT)), "Enter")

    def _tmux(self, *arguments: str) -> str:
        environment = {k: v for k, v in os.environ.items() if k not in ("TMUX", "NO_COLOR")}
        environment |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        command = ["tmux", "-L", self._server, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    def type(self, *keys: str) -> None:
        """Press keys, by tmux's names, or type text."""
        self._tmux("send-keys", *keys)

    def start(self, *arguments: str) -> None:
        """Start hartline on an empty screen: what was there before must not be taken for what it shows."""
        self._tmux("send-keys", "-R")
        self._tmux("clear-history")
        self.type("clear; " + shlex.join([sys.executable, "-m", "cli", *arguments]) + "; echo status $?", "Enter")

    @property
    def screen(self) -> str:
        """What is to be seen."""
        return self._tmux("capture-pane", "-p")

    @property
    def all(self) -> str:
        """What is to be seen and what has scrolled away."""
        return self._tmux("capture-pane", "-p", "-S", "-")

    def finds(self, text: str, seconds: float = 40) -> None:
        """Wait until a text is on the screen or has been."""
        end = time.monotonic() + seconds
        while text not in self.all:
            assert time.monotonic() < end, f"{text!r} not in:\n{self.all}"
            time.sleep(0.05)

    def sees(self, *texts: str, seconds: float = 40) -> str:
        """Wait until all the texts are on the screen; the screen."""
        end = time.monotonic() + seconds
        while not all(text in self.screen for text in texts):
            assert time.monotonic() < end, f"{texts} not on the screen:\n{self.screen}"
            time.sleep(0.05)
        return self.screen

    @property
    def bottom(self) -> str:
        """The last line of the screen."""
        return self.screen.splitlines()[-1]

    def close(self) -> None:
        """End the shell and all in it."""
        self._tmux("kill-server")


@pytest.fixture
def terminal() -> Iterator[Callable[[int, int], Terminal]]:
    """Opens terminals of a given size."""
    if shutil.which("tmux") is None:
        pytest.fail("the terminal tests need tmux; install it with: sudo apt-get install tmux")
    opened: list[Terminal] = []

    def make(columns: int = 80, rows: int = 24) -> Terminal:
        opened.append(Terminal(columns, rows))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_the_demo(terminal: Callable[..., Terminal]) -> None:
    screen = terminal(80, 24)
    screen.start("demo", "--gdb", "0")
    shown = screen.sees("(hartline)", "0 retired")
    assert "gdb server on 127.0.0.1:" in shown
    assert "gdb-multiarch " in shown
    assert screen.bottom.startswith(" HS-mode | host | _start | stopped | 0 retired | no gdb")
    screen.type("tbreak guest_entry", "Enter", "continue", "Enter")
    screen.sees("VS-mode, guest 1 (vmid 1): breakpoint 1 at guest_entry", "VS-mode | guest 1 (vmid 1) | guest_entry | stopped")
    screen.type("csr hga", "Tab")
    screen.sees("csr hgatp")
    screen.type("Enter")
    screen.sees("translation scheme: Sv39x4")
    screen.type("break guest_s", "Tab", "Tab")
    screen.sees("guest_shutdown   0x80205098")  # the menu with the meaning beside each
    screen.type("C-c", "continue", "Enter")
    screen.sees("uart| Still in VS-mode. Good bye!", "the machine switched itself off with status 0", "| ended |")
    screen.type("C-d")
    screen.sees("status 0")


def test_uart_and_console_in_turn(terminal: Callable[..., Terminal]) -> None:
    screen = terminal(80, 24)
    screen.start("run", str(elf("loop")))
    screen.sees("loop: the guest at")
    screen.type("C-a", "h")
    screen.sees("Ctrl-A x       end the machine and leave")
    screen.type("C-a", "c")
    screen.sees("(hartline)", "running (Ctrl-C stops)")
    screen.type("C-c")
    screen.sees("VS-mode, guest 1 (vmid 1): stopped at ", "VS-mode | guest 1 (vmid 1) | spin")
    screen.type("continue", "Enter")
    screen.sees("running (Ctrl-C stops)")
    screen.type("C-a", "c")
    screen.sees("the guest's UART (Ctrl-A c goes back to the console)")
    screen.type("C-a", "x")
    screen.sees("status 0")
    screen.type("clear; stty -a", "Enter")
    shown = screen.sees("speed")
    assert {"icanon", "echo", "isig"} <= set(shown.replace(";", " ").split())


@pytest.mark.parametrize(("columns", "rows"), [(40, 10), (200, 50)])
def test_other_sizes(terminal: Callable[..., Terminal], columns: int, rows: int) -> None:
    screen = terminal(columns, rows)
    screen.start("run", str(elf("hello")), "--console")
    screen.sees("(hartline)", "HS-mode | host | _start")
    assert len(screen.bottom) <= columns
    screen.type("tbreak guest_entry", "Enter", "c", "Enter")
    screen.sees("VS-mode | guest 1 (vmid 1)")
    screen.type("C-a", "x")
    screen.sees("status 0")


def test_no_colour_and_dumb_terminals(terminal: Callable[..., Terminal]) -> None:
    screen = terminal(80, 24)
    screen.type("export NO_COLOR=1", "Enter")
    screen.start("run", str(elf("hello")), "--console")
    screen.sees("(hartline)")
    screen.type("nonsense", "Enter")
    screen.sees("unknown command 'nonsense'")
    assert "\x1b[31m" not in screen._tmux("capture-pane", "-p", "-e")
    screen.type("quit", "Enter")
    screen.sees("status 0")
    screen.type("export TERM=dumb", "Enter")
    screen.start("run", str(elf("hello")), "--console")
    screen.sees("(hartline)")
    screen.type("csr hgatp", "Enter")
    screen.sees("translation scheme: Bare")
    screen.type("layout", "Enter")
    screen.sees("layout needs a terminal that can move its cursor; TERM is dumb")
    screen.type("continue", "Enter")  # no keys of panes that nobody sees
    screen.sees("the machine switched itself off with status 0")
    screen.type("quit", "Enter")
    screen.sees("status 0")


@pytest.mark.parametrize(("columns", "rows"), [(20, 5), (10, 3)])
def test_completion_on_a_small_screen(terminal: Callable[..., Terminal], columns: int, rows: int) -> None:
    screen = terminal(columns, rows)
    screen.start("run", str(elf("hello")), "--console")
    screen.sees("(hartline)", " HS-mode")
    screen.type("csr hsta", "Tab")
    screen.sees(" hstatus")
    assert "too small" not in screen.screen
