# SPDX-License-Identifier: Apache-2.0
"""The console is there at once: measured in processor time, so that a busy machine does not matter."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from cli.context import Context
from cli.summary import stop_summary
from core.debug.target import Debugger
from examples import elf

ROOT = Path(__file__).resolve().parents[2]
START, STOP = 0.5, 0.05
TRIES = 3
PROGRAM = """
import resource, sys
from cli.__main__ import main
main(["run", sys.argv[1], "--console", "--engine", "reference"])
usage = resource.getrusage(resource.RUSAGE_SELF)
print(usage.ru_utime)
"""


def test_start() -> None:
    command = [sys.executable, "-c", PROGRAM, str(elf("hello"))]
    found = []
    for _ in range(TRIES):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
        found.append(float(done.stdout.split()[-1]))
    assert min(found) < START


def test_a_stop_is_drawn_quickly(hello: Debugger) -> None:
    context = Context(hello)
    list(stop_summary(context, hello.stop))
    hello.add_catch("vmexit", owner="test")
    found = []
    for _ in range(TRIES):
        hello.resume()
        stop = hello.wait(60)
        assert stop is not None
        begin = time.process_time()
        lines = list(stop_summary(context, stop))
        found.append(time.process_time() - begin)
        assert len(lines) < 24
    assert min(found) < STOP
