# SPDX-License-Identifier: Apache-2.0
"""Drives a real gdb: in batch mode for scripts, through its machine interface where a test must react."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pygdbmi.gdbcontroller import GdbController

GDB = "gdb-multiarch"
TIMEOUT = 30.0


class GdbError(Exception):
    """gdb answered a command with an error; `str()` is its message."""


def gdb_path() -> str:
    """The gdb to test with. Its absence is a failure, never a reason to skip."""
    path = shutil.which(GDB)
    assert path, f"{GDB} is not installed; install it with: apt-get install gdb-multiarch"
    return path


def batch(*commands: str, elf: Path | None = None, timeout: float = TIMEOUT) -> str:
    """Everything a gdb prints that is given `commands` on its command line and no other setting."""
    arguments = [gdb_path(), "-nx", "-q", "-batch"]
    for command in commands:
        arguments += ["-ex", command]
    if elf:
        arguments.append(str(elf))
    done = subprocess.run(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=timeout,
        check=False,
    )
    return done.stdout.decode(errors="replace")


class Gdb:
    """One gdb that lives for several commands."""

    def __init__(self, elf: Path | None = None) -> None:
        command = [gdb_path(), "-nx", "-q", "--interpreter=mi3", *([str(elf)] if elf else [])]
        self._mi = GdbController(command, time_to_check_for_additional_output_sec=0.0005)
        self._records: list[dict[str, Any]] = []
        self("set pagination off")
        self("set confirm off")

    def __call__(self, command: str, *, wait: bool = True) -> str:
        """What a command prints. If it resumes the target, waits (unless told not to) until it stops again."""
        self._write(command)
        text, running, deadline = "", False, time.monotonic() + TIMEOUT
        while True:
            record = self._next(deadline, command)
            kind, message, payload = record["type"], record["message"], record["payload"]
            if kind in ("console", "target", "log"):
                text += "" if kind == "log" and payload.strip() == command else payload
            elif kind == "result" and message == "error":
                raise GdbError(payload["msg"])
            elif kind == "result":
                running = running or message == "running"
                if not running or not wait:
                    return text
            elif kind == "notify" and message == "stopped" and running:
                return text

    def send(self, text: str) -> None:
        """Type something and wait for nothing."""
        self._write(text)

    def wait_for_stop(self) -> dict[str, Any]:
        """The fields of the next stop."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            record = self._next(deadline, "waiting for a stop")
            if record["type"] == "notify" and record["message"] == "stopped":
                payload: dict[str, Any] = record["payload"] or {}
                return payload

    def interrupt(self) -> dict[str, Any]:
        """Ctrl-C, as from the terminal."""
        assert self._mi.gdb_process is not None
        self._mi.gdb_process.send_signal(signal.SIGINT)
        return self.wait_for_stop()

    def value(self, expression: str) -> str:
        """The value of an expression, as `print` shows it."""
        return self(f"print {expression}").strip().partition(" = ")[2]

    def number(self, expression: str) -> int:
        """The value of an expression as a number."""
        return int(self(f"print/x (unsigned long)({expression})").strip().rpartition(" ")[2], 16)

    def vanish(self) -> None:
        """The gdb process is killed: no goodbye on the connection."""
        process = self._mi.gdb_process
        assert process is not None
        process.kill()
        process.wait()

    def close(self) -> None:
        """End gdb if it still lives."""
        self._mi.exit()

    def _write(self, command: str) -> None:
        self._mi.write(command, read_response=False)

    def _next(self, deadline: float, what: str) -> dict[str, Any]:
        while not self._records:
            assert time.monotonic() < deadline, f"gdb did not answer in {TIMEOUT} s: {what}"
            self._records += self._mi.get_gdb_response(timeout_sec=0.5, raise_error_on_timeout=False)
        return self._records.pop(0)


def frames(gdb: Gdb) -> list[str]:
    """The functions of a backtrace."""
    return re.findall(r"^#\d+ .*?(\w+) \(", gdb("bt"), re.MULTILINE)


def inferior(gdb: Gdb) -> str:
    """The number of the selected inferior."""
    return gdb.value("$_inferior")


Starter = Callable[..., Gdb]
"""Starts a gdb, on an ELF file or none."""
