# SPDX-License-Identifier: Apache-2.0
"""The full-screen view in a real terminal."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from examples import elf
from tests.console.test_terminal import Terminal, terminal

__all__ = ["terminal"]  # a fixture
START = ("run", str(elf("hello")), "--console", "--engine", "reference", "--memory", "16M")


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 50)])
def test_panes_follow_the_machine(terminal: Callable[..., Terminal], columns: int, rows: int) -> None:
    screen = terminal(columns, rows)
    screen.start(*START)
    screen.sees("(hartline)")
    screen.type("layout", "Enter")
    shown = screen.sees(" Code", "│ Registers", "│ CSRs", " World switches", "│ UART", "HS-mode | host | _start")
    assert len(shown.splitlines()) <= rows
    screen.type("e")
    shown = screen.sees("VS-mode | guest 1 (vmid 1) | guest_entry", "=> 0x80205000")
    screen.type("s", "s")
    screen.sees("guest_entry+8")
    screen.type("x")
    shown = screen.sees("HS-mode | host | trap_vector", "*sepc", "<- guest 1 environment call")
    screen.type("c")
    screen.sees("Still in VS-mode", "retired")
    screen.type("s")
    screen.sees("`reset` starts it again")
    screen.type("q")
    screen.sees("(hartline)", "the machine switched itself off with status 0")
    screen.type("quit", "Enter")
    screen.sees("status 0")


def test_the_uart_pane_begins_with_what_was_said(terminal: Callable[..., Terminal]) -> None:
    screen = terminal(100, 30)
    screen.start(*START)
    screen.sees("(hartline)")
    screen.type("until exit load_guest_page_fault", "Enter")
    screen.sees("uart| Now a load from where there is no memory:")
    screen.type("layout", "Enter")
    screen.sees("│ UART", "│Now a load from where there is no memory:", "scause    0x15 load guest-page fault")
    screen.type("c")
    screen.sees("│Still in VS-mode. Good bye!")
    screen.type("q")
    screen.finds("uart| Still in VS-mode. Good bye!")  # and here, too
    screen.type("quit", "Enter")
    screen.sees("status 0")
