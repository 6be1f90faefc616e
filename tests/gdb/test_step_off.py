# SPDX-License-Identifier: Apache-2.0
"""A real gdb goes on from breakpoints on instructions that leave their world: it steps that thread off them alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from cli.context import Context
from cli.registry import run_command
from core.debug.stops import StopKind
from tests.gdb.driver import Gdb
from tests.gdb.machine import Served

LINE = "world_switch.S:83"
"""The sret that enters guests."""


@pytest.fixture
def attach(gdb: Callable[..., Gdb]) -> Iterator[Callable[..., Gdb]]:
    """Starts an example with its guests' symbols known and a gdb on it that stands at a breakpoint."""
    started: list[Served] = []

    def start(example: str, symbols: str, place: str) -> Gdb:
        served = Served(example, "native", symbols={"guest:*": symbols})
        started.append(served)
        one = gdb(served.elf)
        one("set breakpoint pending on")
        one(served.remote)
        one(f"break {place}")
        one("continue")
        return one

    yield start
    for one in started:
        one.close()


def at(gdb: Gdb) -> tuple[str, str]:
    """The inferior and the function that gdb shows."""
    return gdb.value("$_inferior"), gdb("info symbol $pc").split()[0]


def test_continue_from_a_breakpoint_on_a_faulting_load(attach: Callable[..., Gdb]) -> None:
    one = attach("hello", "hello", "unmapped_load")
    assert at(one) == ("2", "load_unmapped")
    assert "exited normally" in one("continue")


@pytest.mark.parametrize("step", ["stepi", "nexti", "step"])
def test_a_step_from_there_arrives_at_the_trap_vector(attach: Callable[..., Gdb], step: str) -> None:
    one = attach("hello", "hello", "unmapped_load")
    assert "Thread 1.1 stopped." in one(step)
    assert at(one) == ("1", "trap_vector")
    assert one.number("$scause") == 21
    one("stepi")
    assert one.number("$pc") == one.number("(long)&trap_vector") + 4


def test_continue_from_the_first_entry_goes_to_the_second(attach: Callable[..., Gdb]) -> None:
    one = attach("twins", "twins-guest", LINE)
    for entries in (1, 2, 3):
        output = one("continue")
        assert "Thread 1.1 hit Breakpoint 1, vm_enter ()" in output
        assert ("[New inferior 2]" in output) == (entries == 1)
        assert exits(one("monitor worlds")) == entries


@pytest.mark.parametrize("entries", [0, 1])
def test_a_step_from_an_entry_arrives_in_the_guest(attach: Callable[..., Gdb], entries: int) -> None:
    one = attach("twins", "twins-guest", LINE)
    for _ in range(entries):
        one("continue")
    assert "Thread 2.1 stopped." in one("stepi")
    assert at(one)[0] == "2"
    before = one.number("$pc")
    one("stepi")
    assert at(one)[0] == "2" and one.number("$pc") > before


def test_a_breakpoint_on_the_way_is_not_lost(attach: Callable[..., Gdb]) -> None:
    """The handler's breakpoint is hit by the very step that gets off the guest's."""
    one = attach("hello", "hello", "unmapped_load")
    one("break trap_vector")
    assert "hit Breakpoint 2.1, trap_vector ()" in one("continue")
    assert one.number("$scause") == 21


def exits(text: str) -> int:
    """How often the first guest has been left, out of what `worlds` says."""
    found = re.search(r"guest 1 .*?(\d+) exit", text, re.DOTALL)
    assert found
    return int(found[1])


def without_gdb(address: int) -> list[int]:
    """The exits of the first guest at each hit of a breakpoint in it."""
    served = Served("twins", "native")
    try:
        context = Context(served.debugger)
        list(run_command("until VS", context))
        list(run_command(f"break {address:#x} in guest1", context))
        seen: list[int] = []
        while True:
            served.debugger.resume()
            stop = served.debugger.wait(20)
            if stop is None or stop.kind is not StopKind.BREAKPOINT:
                return seen
            seen.append(exits("\n".join(run_command("worlds", context))))
    finally:
        served.close()


def test_a_breakpoint_on_a_call_is_hit_every_time(attach: Callable[..., Gdb]) -> None:
    one = attach("twins", "twins-guest", "user_main")
    one("delete")
    one("monitor catch vmexit ecall_vs")
    one("continue")
    one("monitor delete")
    one("inferior 2")
    ecall = one.number("$sepc")
    one(f"break *{ecall:#x} thread 2.1")
    seen = []
    while "Thread 2.1 hit Breakpoint 2" in one("continue"):
        seen.append(exits(one("monitor worlds")))
    assert len(seen) > 2
    assert seen == without_gdb(ecall)[-len(seen) :]
