# SPDX-License-Identifier: Apache-2.0
"""The guest's UART on a terminal of our own."""

from __future__ import annotations

import os
import pty
import struct
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.escape import Key
from cli.launch import Options
from cli.stdio import StdioFront
from core.debug.target import Debugger, Stop, StopKind
from tests.console.driver import MEMORY
from tests.console.test_command_line import ECHO
from tests.console.test_prompt import until


@pytest.fixture
def echo(tmp_path: Path) -> Debugger:
    """A guest that sends back what it receives until a q comes."""
    image = tmp_path / "echo.bin"
    image.write_bytes(struct.pack(f"<{len(ECHO)}I", *ECHO))
    return Options(file=image, bios="none", engine="reference", memory=MEMORY).make()


class Uart:
    """A front end on a pseudo-terminal, on a thread of its own."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.keyboard, self.slave = pty.openpty()
        self.output = bytearray()
        self.stops: list[Stop] = []
        self.result: list[Key | None] = []
        debugger.machine.console_output = self.output.extend
        self.before = termios.tcgetattr(self.slave)
        front = StdioFront(
            debugger, ends=lambda stop, ended: stop.kind is StopKind.EXITED, stopped=self.stops.append, input_fd=self.slave
        )
        self._thread = threading.Thread(target=lambda: self.result.append(front.run(debugger.resume)), daemon=True)
        self._thread.start()
        until(lambda: debugger.running)

    def type(self, data: bytes) -> None:
        """Press keys."""
        os.write(self.keyboard, data)

    def end(self) -> Key | None:
        """What the front end returned; the terminal must be as it was."""
        self._thread.join(20)
        assert termios.tcgetattr(self.slave) == self.before
        return self.result[0]

    def close(self) -> None:
        """End the machine and the terminal."""
        self.debugger.close()
        os.close(self.keyboard)
        os.close(self.slave)


@pytest.fixture
def uart(echo: Debugger) -> Iterator[Uart]:
    """The echoing guest on a terminal."""
    made = Uart(echo)
    yield made
    made.close()


def test_every_key_goes_to_the_guest_at_once(uart: Uart) -> None:
    until(lambda: not termios.tcgetattr(uart.slave)[3] & termios.ICANON)
    uart.type(b"a\r\x03\x04\x1a\x01\x01")
    until(lambda: len(uart.output) == 6)
    assert uart.output == b"a\r\x03\x04\x1a\x01"
    uart.type(b"q")
    assert uart.end() is None
    assert uart.debugger.stop.exit_code == 0


@pytest.mark.parametrize(("letter", "key"), [(b"x", Key.QUIT), (b"c", Key.CONSOLE)])
def test_ctrl_a_keys_leave_the_machine_running(uart: Uart, letter: bytes, key: Key) -> None:
    uart.type(b"z\x01" + letter)
    assert uart.end() is key
    until(lambda: uart.output == b"z")
    assert uart.debugger.running


def test_a_stop_that_is_not_the_end_is_told_once(uart: Uart) -> None:
    uart.type(b"z")
    until(lambda: uart.output == b"z")  # it does run
    uart.debugger.interrupt()
    until(lambda: bool(uart.stops))
    assert [stop.kind for stop in uart.stops] == [StopKind.INTERRUPTED]
    uart.debugger.resume()
    uart.type(b"q")
    assert uart.end() is None
    assert len(uart.stops) == 1
