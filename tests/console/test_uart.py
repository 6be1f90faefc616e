# SPDX-License-Identifier: Apache-2.0
"""The guest's UART on a terminal of our own."""

from __future__ import annotations

import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.escape import Key
from cli.launch import Options
from cli.stdio import StdioFront
from core.debug.target import Debugger, Stop, StopKind
from examples import elf
from tests.console.driver import MEMORY
from tests.console.test_command_line import ECHO, ROOT
from tests.console.test_prompt import until
from tests.support.bare_metal import FINISH, assemble


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


SLEEP = """
    li t0, 0x80
    csrw mie, t0
    li t0, 0x0200bff8           # mtime, mtimecmp
    ld t1, (t0)
    li t2, %d
    add t1, t1, t2
    li t0, 0x02004000
    sd t1, (t0)
    wfi
"""


def sleeper(folder: Path, ticks: int) -> Debugger:
    """A guest that sleeps for so many ticks of 100 ns and ends."""
    program = assemble(folder, SLEEP % ticks + FINISH)
    return Options(file=program, bios="none", engine="reference", memory=MEMORY).make()


def test_time_passes_as_on_a_clock_at_a_terminal(tmp_path: Path) -> None:
    begin = time.monotonic()
    uart = Uart(sleeper(tmp_path, 6_000_000))
    assert uart.end() is None
    assert time.monotonic() - begin >= 0.6
    assert uart.debugger.machine.time() >= 6_000_000 and not uart.debugger.machine.paced


def test_time_is_skipped_elsewhere(tmp_path: Path) -> None:
    debugger = sleeper(tmp_path, 10**10)  # 1000 s
    debugger.resume()
    stop = debugger.wait(60)
    assert stop is not None and stop.kind is StopKind.EXITED and debugger.machine.time() >= 10**10


def test_a_long_sleep_can_be_interrupted(tmp_path: Path) -> None:
    """Keys are taken in during it, and time stands still for them."""
    uart = Uart(sleeper(tmp_path, 10**10))
    uart.type(b"abc")
    until(lambda: uart.debugger.machine.uart.take(1) == b"a")
    uart.debugger.interrupt()
    stop = uart.debugger.wait(20)
    assert stop is not None and stop.kind is StopKind.INTERRUPTED and uart.debugger.machine.time() < 10**8
    uart.type(b"\x01x")
    assert uart.end() is Key.QUIT


def test_a_step_over_wfi_does_not_wait(tmp_path: Path) -> None:
    """Also while the terminal is the guest's: gdb may be what steps."""
    debugger = sleeper(tmp_path, 10**10)
    debugger.machine.paced = True
    while debugger.machine.time() < 10**10:
        debugger.resume(steps=1)
        stop = debugger.wait(20)
        assert stop is not None and stop.kind is StopKind.STEP


def test_a_terminal_that_was_given_back_is_raw_again() -> None:
    """After a stop by a signal and `fg`: shells set their own modes meanwhile."""
    keyboard, slave = pty.openpty()
    command = [sys.executable, "-m", "cli", "run", str(elf("loop")), "--engine", "reference", "--memory", "16M"]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=os.environ | {"PYTHONPATH": str(ROOT)})
    cooked = termios.tcgetattr(slave)

    def raw() -> bool:
        return not termios.tcgetattr(slave)[3] & termios.ICANON

    try:
        until(raw)
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        termios.tcsetattr(slave, termios.TCSANOW, cooked)
        assert not raw()
        process.send_signal(signal.SIGCONT)
        until(raw)
        os.write(keyboard, b"\x01x")
        assert process.wait(20) == 0
        assert not raw()
    finally:
        process.kill()
        process.wait()
        os.close(keyboard)
        os.close(slave)
