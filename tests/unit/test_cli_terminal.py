# SPDX-License-Identifier: Apache-2.0
"""The terminal's side without a terminal: Ctrl-A keys, the guest's lines, the bottom line, suggestions."""

from __future__ import annotations

import pytest

from cli.escape import EscapeFilter, Key
from cli.screen import GuestText, Screen
from cli.state import HartState
from cli.toolbar import toolbar_text
from core.suggest import did_you_mean, nearest

STATE = HartState(hart=0, mode="VS", vmid=1, pc=0x80201004, place="guest_entry+4", retired=12345, world="guest 1 (vmid 1)")


@pytest.mark.parametrize(
    ("chunks", "actions"),
    [
        ([b"hello"], [b"hello"]),
        ([b"a\x01xb"], [b"a", Key.QUIT, b"b"]),
        ([b"\x01", b"c"], [Key.CONSOLE]),
        ([b"\x01C"], [Key.CONSOLE]),
        ([b"\x01h\x01?"], [Key.HELP, Key.HELP]),
        ([b"\x01\x01"], [b"\x01"]),
        ([b"\x01z!"], [b"!"]),
        ([b"\x03\x04"], [b"\x03\x04"]),
    ],
)
def test_escape_keys(chunks: list[bytes], actions: list[bytes | Key]) -> None:
    keys = EscapeFilter()
    assert [action for chunk in chunks for action in keys.feed(chunk)] == actions


def test_guest_lines_are_whole_and_harmless() -> None:
    text = GuestText()
    assert text.feed(b"one\r\ntw") == ["one"]
    assert text.unfinished
    assert text.feed(b"o\n\x1b[31mred\x1b[0m\x07\n\x1b]0;title\x07x\n\xff\n") == ["two", "red", "x", "\ufffd"]
    assert text.feed(b"login: ") == []
    assert text.finish() == ["login: "]
    assert text.finish() == []


def test_the_screen_keeps_the_order_of_guest_and_console() -> None:
    shown: list[str] = []
    screen = Screen(shown.append)
    screen.guest(b"first\nunfinished")
    screen.say(["console"])
    screen.guest(b" more\n")
    assert "".join(shown) == "uart| first\nuart| unfinished\nconsole\nuart|  more\n"


def test_colours_only_when_wanted() -> None:
    shown: list[str] = []
    Screen(shown.append, colour=True).say(["oops"], "error")
    Screen(shown.append, colour=False).say(["oops"], "error")
    assert shown == ["\x1b[31moops\x1b[0m\n", "oops\n"]


def test_the_bottom_line() -> None:
    assert toolbar_text(STATE, "stopped", "no gdb", 120) == (
        " VS-mode | guest 1 (vmid 1) | guest_entry+4 | stopped | 12,345 retired | no gdb"
    )
    assert toolbar_text(None, "stopped", "gdb attached", 80) == " running (Ctrl-C stops) | gdb attached"


@pytest.mark.parametrize("width", range(4, 80))
def test_the_bottom_line_fits(width: int) -> None:
    assert len(toolbar_text(STATE, "stopped", "no gdb", width)) <= width


def test_suggestions() -> None:
    assert nearest("hstatsu", ["hstatus", "hgatp"]) == "hstatus"
    assert nearest("--eng", ["--engine", "--gdb"]) == "--engine"
    assert nearest("zzzz", ["hstatus", "hgatp"]) is None
    assert did_you_mean("HSTATU", ["hstatus"]) == "; did you mean hstatus?"
    assert did_you_mean("zzzz", ["hstatus"]) == ""
