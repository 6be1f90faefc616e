# SPDX-License-Identifier: Apache-2.0
"""A real gdb is killed in each state of its work: the machine stands still, nothing of it is left, the next is served."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gdb.driver import Gdb
from tests.gdb.machine import Served


def standing_in_a_guest(gdb: Gdb, folder: Path) -> None:
    """Both inferiors are there, and a breakpoint."""
    gdb("break user_main")
    gdb("continue")


def at_a_catch(gdb: Gdb, folder: Path) -> None:
    """A catch, which no gdb knows of, is set as well."""
    standing_in_a_guest(gdb, folder)
    gdb("monitor catch vmexit")
    gdb("continue")


def on_the_way_to_the_end(gdb: Gdb, folder: Path) -> None:
    """It meets the guests and waits for a stop, which will be the machine's end."""
    gdb("break user_main if $a0 == 12345")
    gdb("continue", wait=False)


def stepping(gdb: Gdb, folder: Path) -> None:
    """One step after the other."""
    gdb.send("while 1\nstepi\nend")
    time.sleep(0.3)


def printing(gdb: Gdb, folder: Path) -> None:
    """Texts of dprintfs on our side may still be on their way."""
    gdb("set dprintf-style agent")
    gdb('dprintf *0x80200000,"%lx\\n", $pc')
    gdb('dprintf trap_vector,"exit: %ld\\n", (long)$scause')
    gdb("continue", wait=False)


def dumping(gdb: Gdb, folder: Path) -> None:
    """It reads all memory."""
    gdb.send(f"dump binary memory {folder}/memory 0x80000000 0x80f00000")
    time.sleep(0.1)


STATES = [standing_in_a_guest, at_a_catch, on_the_way_to_the_end, stepping, printing, dumping]


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served("twins", "native", symbols={"guest:*": "twins-guest"})
    yield served
    served.close()


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_death(served: Served, gdb: Callable[..., Gdb], state: Callable[[Gdb, Path], None], tmp_path: Path) -> None:
    one = gdb(served.elf)
    one("set breakpoint pending on")
    one(served.remote)
    state(one, tmp_path)
    one.vanish()
    deadline = time.monotonic() + 10
    while served.server.client or served.debugger.running or served.debugger.breakpoints():
        assert time.monotonic() < deadline, "something of the dead gdb is left"
        time.sleep(0.01)
    again = gdb(served.elf)
    again(served.remote)
    assert again.number("$pc") == served.debugger.machine.harts[0].pc
