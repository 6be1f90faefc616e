# SPDX-License-Identifier: Apache-2.0
"""The console through prompt_toolkit's pipe input, and with lines from a pipe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from cli.console import Console
from core.debug.target import Debugger
from tests.console.driver import Typist, machine


def test_a_session(typist: Typist) -> None:
    typist.context.patience = 60  # the lines are typed ahead
    assert typist.type("tbreak guest_entry\rc\rcsr hgatp.VMID\rquit\r") == "quit"
    lines = typist.text.splitlines()
    assert lines[:3] == [
        "HS-mode, host: the machine is at reset",
        "  examples/common/start.S:13   la sp, stack_top",
        "=> 0x80200000 <_start>                00004117  auipc sp,0x4",
    ]
    assert lines[7:10] == [
        "temporary breakpoint 1 at 0x80205000 <guest_entry>",
        "VS-mode, guest 1 (vmid 1): breakpoint 1 at guest_entry",
        "  examples/common/guest/guest_start.S:13   la sp, guest_stack_top",
    ]
    assert "=> 0x80205000 <guest_entry>           00002117  auipc sp,0x2" in lines
    assert lines[-1] == "hgatp.VMID = 1   virtual machine identifier"


def test_ctrl_d_leaves(typist: Typist) -> None:
    assert typist.type("\x04") == "quit"


def test_ctrl_a_keys(typist: Typist) -> None:
    assert typist.type("\x01c") == "uart"
    assert typist.type("half a line\x01x") == "quit"
    assert typist.type("\x01h\x04") == "quit"
    assert "Ctrl-A x  end the machine and leave" in typist.text


def test_an_empty_line_repeats(typist: Typist) -> None:
    typist.type("s\r\r\rquit\r")
    assert typist.debugger.retired() == 3
    typist.type("x/2wx guest_entry\r\rmode\r\rquit\r")
    assert "0x80205008 <guest_entry+8>:  0x00000097" in typist.text
    assert typist.text.count("hart 0: HS-mode") == 1


def test_nonsense_does_not_end_the_console(typist: Typist) -> None:
    assert typist.type("foo\r\x1b[A\x00\xff\r)(\rx/zz 1\rquit\r") == "quit"
    assert "unknown command 'foo'; 'help' lists all" in typist.text
    assert "Traceback" not in typist.text and "internal error" not in typist.text


def test_piped_lines_wait_for_each_stop(typist: Typist) -> None:
    shown = typist.lines("# a comment", "", "tbreak guest_entry", "continue", "mode", "quit", "mode")
    assert shown.count("hart 0: VS-mode") == 1


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition that another thread makes true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


class LivePrompt:
    """A console at its prompt on a thread of its own, with keys typed one after the other."""

    def __init__(self, debugger: Debugger) -> None:
        self.typist = Typist(debugger)
        self.debugger = debugger
        self._pipe = create_pipe_input()
        self.keyboard = self._pipe.__enter__()
        self.console = Console(
            self.typist.context, self.typist.screen, input=self.keyboard, output=DummyOutput(), gdb_client=lambda: None
        )
        self._thread = threading.Thread(target=self.console.run, daemon=True)
        self._thread.start()
        self.sees("the machine is at reset")

    def sees(self, text: str) -> None:
        """Wait until the text is on the screen."""
        until(lambda: text in self.typist.text)

    @property
    def line(self) -> str:
        """What stands on the input line."""
        assert self.console.session is not None
        return self.console.session.default_buffer.text

    def end(self) -> None:
        """Leave the console."""
        self.keyboard.send_text("\x03\x03\x15quit\r")
        self._thread.join(10)
        self._pipe.__exit__(None, None, None)
        assert not self._thread.is_alive()


@pytest.fixture
def spinning() -> Debugger:
    """A guest that loops for ever, at reset."""
    return machine("loop")


def test_the_prompt_stays_while_the_machine_runs_and_ctrl_c_stops_it(spinning: Debugger) -> None:
    prompt = LivePrompt(spinning)
    try:
        prompt.keyboard.send_text("c\r")
        prompt.sees("uart| loop: the guest at")
        until(lambda: prompt.console.toolbar() == " running (Ctrl-C stops)")
        prompt.keyboard.send_text("mode\r")
        prompt.sees("the machine is running; stop it first (Ctrl-C)")
        prompt.keyboard.send_text("\x03")
        prompt.sees("VS-mode, guest 1 (vmid 1): stopped at ")
        until(lambda: prompt.console.toolbar().startswith(" VS-mode | guest 1 (vmid 1) | spin"))
        prompt.keyboard.send_text("mode\r")
        prompt.sees("hart 0: VS-mode")
    finally:
        prompt.end()
        spinning.close()


def test_tab_completes(hello: Debugger) -> None:
    prompt = LivePrompt(hello)
    try:
        prompt.keyboard.send_text("disas guest_mai\t")
        until(lambda: prompt.line == "disas guest_main")
        prompt.keyboard.send_text(" 1\r")
        prompt.sees("0x80205104 <guest_main>")
    finally:
        prompt.end()


def test_stops_made_by_another_front_end_are_reported(hello: Debugger) -> None:
    prompt = LivePrompt(hello)
    try:
        point = hello.add_breakpoint(0x80205000, owner="gdb")
        hello.resume()
        prompt.sees("VS-mode, guest 1 (vmid 1): breakpoint 1 at guest_entry")
        hello.remove_breakpoint(point.number)
        hello.resume(steps=1)
        prompt.sees("stepped to guest_entry+4")
    finally:
        prompt.end()


def test_a_flood_of_small_steps_is_reported_once(hello: Debugger) -> None:
    prompt = LivePrompt(hello)
    try:
        for _ in range(50):
            hello.resume(steps=1)
        prompt.sees("stepped to ")
        time.sleep(0.2)
        assert prompt.typist.text.count("stepped to ") <= 3
    finally:
        prompt.end()


def test_guest_output_goes_above_the_prompt_in_order(hello: Debugger) -> None:
    prompt = LivePrompt(hello)
    try:
        for number in range(2000):
            hello.machine.console_output(b"line %d\n" % number)
        hello.machine.console_output(b"unfinished")
        prompt.sees("uart| unfinished\n")
        numbers = [int(line.split()[2]) for line in prompt.typist.text.splitlines() if line.startswith("uart| line ")]
        assert numbers == list(range(2000))
    finally:
        prompt.end()
