# SPDX-License-Identifier: Apache-2.0
"""`hartline lockstep` beside another stub: here our own server, in another process."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from examples import elf


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def other(program: str) -> Iterator[int]:
    """Our gdb server on another program, paused at reset; yields its port."""
    port = free_port()
    command = [sys.executable, "-m", "cli", "run", str(elf(program)), "--gdb", str(port), "--wait"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        time.sleep(0.3)  # the probe's connection is closed again
        yield port
    finally:
        process.kill()
        process.wait()


def lockstep(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "cli", "lockstep", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_the_same_program_has_no_difference() -> None:
    with other("hello") as port:
        status, output = lockstep(str(elf("hello")), "--with", str(port), "--steps", "300")
    assert output.splitlines()[-1] == "no difference in 300 steps"
    assert status == 0


def test_a_difference_is_shown_with_both_states() -> None:
    with other("loop") as port:
        status, output = lockstep(str(elf("hello")), "--with", str(port), "--steps", "3000")
    assert status == 1
    assert "difference after step" in output
    last = output.splitlines()[-1]
    assert "ours 0x" in last
    assert "theirs 0x" in last


def test_nobody_there_is_one_line() -> None:
    port = free_port()
    status, output = lockstep(str(elf("hello")), "--with", str(port))
    assert status == 1
    assert output == f"hartline: no gdb stub at 127.0.0.1:{port}: Connection refused\n"


def test_the_other_one_does_not_come_to_the_start() -> None:
    """It ends, or runs somewhere else for ever."""
    with other("hello") as port:
        status, output = lockstep(str(elf("hello")), "--with", str(port), "--from", "0x80205ff0")
    assert status == 1
    said = f"hartline: 127.0.0.1:{port} has not come to [^ ]+ \\(0x80205ff0\\): 127.0.0.1:{port} has ended \\(W00"
    assert re.search(said, output), output


@pytest.mark.parametrize("start", ["zz", "-1", "0x1" + "0" * 16])
def test_where_to_start_is_an_address(start: str) -> None:
    status, output = lockstep(str(elf("hello")), "--with", "1", f"--from={start}")
    assert (status, output) == (2, f"hartline: --from: {start!r} is not an address such as 0x80200000\n")
