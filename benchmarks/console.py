# SPDX-License-Identifier: Apache-2.0
"""The console in a terminal, by the clock: from the command to the prompt, and from Enter to the stop on the screen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import termios
import time
from pathlib import Path

from benchmarks.measure import BenchmarkError, Row, hartline, spread, table

RUNS, STOPS = 5, 30
START_AIM, STOP_AIM = 0.5, 0.05
COLUMNS, ROWS = 80, 24
PATIENCE = 30.0
PROMPT = b"(hartline)"
SEQUENCES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b.")
HELLO = Path(__file__).resolve().parents[1] / "examples" / "prebuilt" / "hello.elf"


class Console:
    """A console on a pseudo-terminal."""

    def __init__(self, env: dict[str, str]) -> None:
        self.terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        command = [*hartline(HELLO), "--console"]
        self._begun = time.perf_counter()
        self._process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, env=env, start_new_session=True)
        os.close(inner)
        self._text = b""
        self.started = self._sees(PROMPT, self._begun)

    def _sees(self, wanted: bytes, begun: float) -> float:
        """Seconds since `begun` until a text is shown; what comes before it is forgotten."""
        while wanted not in (plain := SEQUENCES.sub(b"", self._text)):
            ready, _, _ = select.select([self.terminal], [], [], PATIENCE)
            if not ready:
                raise BenchmarkError(f"the console has not shown {wanted.decode()!r}")
            try:
                self._text += os.read(self.terminal, 1 << 16)
            except OSError:
                raise BenchmarkError("the console has ended") from None
        self._text = plain[plain.index(wanted) + len(wanted) :]
        return time.perf_counter() - begun

    def command(self, line: str, shows: bytes) -> float:
        """Seconds from Enter to the answer and the prompt behind it."""
        os.write(self.terminal, line.encode())
        self._sees(line.encode()[-4:] if line else b"", time.perf_counter())
        time.sleep(0.05)  # a person's fingers
        begun = time.perf_counter()
        os.write(self.terminal, b"\r")
        self._sees(shows, begun)
        return self._sees(PROMPT, begun)

    def close(self) -> float:
        """End it; seconds of processor time that it has taken in all."""
        os.write(self.terminal, b"\x15quit\r")
        while True:  # what it still has to say must go somewhere
            pid, _, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                break
            if select.select([self.terminal], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    os.read(self.terminal, 1 << 16)
        self._process.returncode = 0
        os.close(self.terminal)
        return usage.ru_utime + usage.ru_stime


def run() -> str:
    """Measure and return the table."""
    env = dict(os.environ) | {"HARTLINE_HISTORY": "", "TERM": "xterm"}
    env["PROMPT_TOOLKIT_NO_CPR"] = "1"  # nobody here answers where the cursor is
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    Console(env).close()  # fills the caches
    starts, work = [], []
    for _ in range(RUNS):
        console = Console(env)
        starts.append(console.started)
        work.append(console.close())
    console = Console(env)
    console.command("until entry", b"=> 0x")
    steps = [console.command("step", b"=> 0x") for _ in range(STOPS)]
    exits = [console.command("until exit", b"=> 0x") for _ in range(10)]
    console.close()
    return table(
        "Console in a terminal: from the command to the prompt, from Enter to the stop and the prompt below it",
        [
            Row("start, warm cache", spread(starts), f"under {START_AIM} s", statistics.median(starts) < START_AIM),
            Row("its processor time, with the end", spread(work)),
            Row("step", spread(steps), f"under {STOP_AIM} s", statistics.median(steps) < STOP_AIM),
            Row("until exit", spread(exits), f"under {STOP_AIM} s", statistics.median(exits) < STOP_AIM),
        ],
    )
