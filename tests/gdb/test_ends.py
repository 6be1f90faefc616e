# SPDX-License-Identifier: Apache-2.0
"""Ends and new beginnings with guests as inferiors: the machine's end, kill, detach, reconnecting, resets."""

from __future__ import annotations

import pytest

from core.debug.target import StopKind
from tests.gdb.driver import Gdb, GdbError, Starter, batch, frames, inferior
from tests.gdb.machine import Server


def test_a_guest_after_a_reset(twins: Gdb) -> None:
    """gdb still has its inferior: what is asked of it is not answered with the host's, and its breakpoint is its own."""
    twins("break user_main")
    twins("continue")
    twins("monitor reset")
    assert twins.value("$vmid") == "<unavailable>"
    with pytest.raises(GdbError, match="Cannot access memory at address 0x80300000"):
        twins("set var *(long*)0x80300000 = 5")
    assert "guest 1, hart 0, not entered since the reset" in twins("info threads")
    output = twins("continue")
    assert "hit Breakpoint 1, user_main ()" in output and "armed in all guests" not in output
    assert inferior(twins) == "2"
    twins("inferior 1")
    assert twins.number("*(long*)0x80300000") == 0
    twins("monitor reset")  # from here, with inferior 2 looked at
    twins("info threads")
    assert "hit Breakpoint 1, user_main ()" in twins("continue")
    twins("delete")
    twins("inferior 1")
    assert "exited normally" in twins("continue")


def test_the_end_of_the_machine_ends_all(twins: Gdb) -> None:
    output = twins("continue")
    assert "[Inferior 1 (process 1) exited normally]" in output
    twins("inferior 2")
    assert "[Inferior 2 (process 2) exited normally]" in twins("continue")
    twins("inferior 3")
    assert "[Inferior 3 (process 3) exited normally]" in twins("continue")
    assert "No threads." in twins("info threads")


def test_detaching_from_all_lets_the_machine_run_on(serve_twins: Server) -> None:
    served = serve_twins()
    output = batch("set breakpoint pending on", served.remote, "break user_main", "continue", elf=served.elf)
    assert "Thread 2.1 hit Breakpoint 1" in output
    served.debugger.wait(60)
    assert served.debugger.stop.kind is StopKind.EXITED
    assert served.debugger.breakpoints() == []
    assert b"both guests have ended" in served.output


def test_reconnecting_in_a_guest(serve_twins: Server, gdb: Starter) -> None:
    served = serve_twins()
    first = gdb(served.elf)
    first("set breakpoint pending on")
    first(served.remote)
    first("break user_main")
    first("continue")
    first("disconnect")
    second = gdb(served.elf)
    second(served.remote)
    assert (inferior(second), second.value("$mode")) == ("1", "VU")
    pc = second.number("$pc")
    output = second("stepi")
    assert "process 2 is executing new program: " in output
    assert (inferior(second), second.value("$mode")) == ("2", "VU")
    assert second.number("$pc") != pc
    assert frames(second)[0] == "user_main"


def test_kill_of_a_guest_is_refused(twins: Gdb) -> None:
    twins("break user_main")
    twins("continue")
    with pytest.raises(GdbError, match="Can't kill process"):
        twins("kill")
    twins("stepi")
    assert inferior(twins) == "2"


def test_run_begins_again(serve_twins: Server, gdb: Starter) -> None:
    served = serve_twins()
    one = gdb(served.elf)
    one("set breakpoint pending on")
    one(served.remote.replace("remote", "extended-remote"))
    one("break user_main")
    one("continue")
    assert inferior(one) == "2"
    one("inferior 1")
    one("run")
    assert inferior(one) == "2"
    assert frames(one)[0] == "user_main"
    one("delete")
    one("inferior 1")
    assert "exited normally" in one("continue")  # no breakpoint of the first run is left
