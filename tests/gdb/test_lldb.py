# SPDX-License-Identifier: Apache-2.0
"""LLDB: another debugger's reading of the same protocol. Collected where one is installed (conftest.py)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.gdb.driver import lldb_path
from tests.gdb.machine import Served

LLDB = lldb_path()


@pytest.fixture
def hello() -> Iterator[Served]:
    served = Served("hello", "native")
    yield served
    served.close()


def lldb(served: Served, *commands: str) -> str:
    """Everything LLDB prints that is given the program and these commands."""
    assert LLDB
    arguments = [LLDB, "--no-lldbinit", "--batch"]
    for command in (f"gdb-remote {served.server.port}", *commands):
        arguments += ["-o", command]
    done = subprocess.run(
        [*arguments, str(served.elf)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return done.stdout.decode(errors="replace")


def test_a_session(hello: Served) -> None:
    output = lldb(
        hello, "breakpoint set --name guest_entry", "continue", "register read mode hgatp", "stepi", "thread list",
        "breakpoint set --name trap_vector", "continue", "bt", "register read scause", "register write a7 0x42",
        "register read a7", "memory read --format x --size 4 --count 2 `$pc`", "memory region `$pc`",
    )  # fmt: skip
    assert "hello.elf`_start at start.S" in output
    assert "stop reason = breakpoint 1.1" in output
    assert "mode = 0x05" in output
    assert re.search(r"\(MODE = Sv39x4, VMID = 1, PPN = \d+\)", output)
    assert "stop reason = instruction step into" in output
    assert re.search(r"frame #1: .*vcpu_run\(vcpu=0x\w+\) at vcpu\.c", output)
    assert re.search(r"frame #2: .*main at main\.c", output)
    assert "scause = 0x000000000000000a" in output
    assert "a7 = 0x0000000000000042" in output
    assert re.search(r"\[0x0000000080000000-0x\w+\) rwx", output)
    assert "error" not in output


def test_watchpoint_and_end(hello: Served) -> None:
    output = lldb(
        hello, "breakpoint set --name main", "continue", "watchpoint set variable vcpu.scause", "continue",
        "watchpoint delete --force", "breakpoint delete --force", "continue",
    )  # fmt: skip
    assert re.search(r"Watchpoint 1 hit:\s+old value: 0\s+new value: 10", output)
    assert "exited with status = 0" in output


def test_guests_do_not_confuse_it() -> None:
    """It knows no exec events, so it sees one process, whatever is known of the guests."""
    served = Served("twins", "native", symbols={"guest:*": "twins-guest"})
    try:
        output = lldb(served, "breakpoint set --address 0x10000", "continue", "register read mode", "thread list")
        assert "mode = 0x04" in output
        assert len(re.findall(r"thread #\d: tid", output)) == 1
    finally:
        served.close()
