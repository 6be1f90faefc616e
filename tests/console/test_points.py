# SPDX-License-Identifier: Apache-2.0
"""Which hits of breakpoints, watchpoints and catches count (world, hart, ignore, condition), and the views of memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.boot.symbols import Symbol, SymbolTable
from core.debug.target import Debugger, StopKind
from tests.console.driver import ask, machine


def ran(debugger: Debugger) -> str:
    """Run to the next stop; what it is."""
    debugger.resume()
    stop = debugger.wait(60)
    assert stop is not None
    return stop.text


@pytest.fixture
def twins() -> Iterator[Debugger]:
    debugger = machine("twins")
    yield debugger
    debugger.close()


def test_a_catch_that_lets_the_first_ones_pass(hello: Debugger) -> None:
    exits = []
    ask(hello, "catch vmexit")
    while ran(hello) and hello.stop.kind is StopKind.CATCH:
        exits.append(hello.stop.text.replace("catch 1", ""))
    assert len(exits) > 3
    hello.reset()
    ask(hello, "delete 1")
    assert ask(hello, "catch vmexit ignore 2") == ["catch 2: vmexit, not the next 2"]
    assert ran(hello).replace("catch 2", "") == exits[2]
    assert ran(hello).replace("catch 2", "") == exits[3]
    assert ask(hello, "break")[1].split() == ["2", "catch", "vmexit", "4", "console"]


def test_a_breakpoint_that_lets_the_first_ones_pass(hello: Debugger) -> None:
    place = f"{hello.symbols.address_of('vcpu_run'):#x} <vcpu_run>, not the next 3"
    assert ask(hello, "break vcpu_run ignore 3") == [f"breakpoint 1 at {place}"]
    assert ask(hello, "break")[1].split() == f"1 breakpoint {place} 0 console".split()
    ran(hello)
    assert hello.breakpoints()[0].hits == 4


def test_points_of_one_world_even_before_it_is_entered(twins: Debugger) -> None:
    assert ask(twins, "catch vmexit in guest2") == ["catch 1: vmexit, in guest 2"]
    assert ran(twins).startswith("catch 1: VM exit of guest 2 (vmid 2)")
    assert ask(twins, "break")[1].split()[2:6] == ["vmexit,", "in", "guest", "2"]
    ask(twins, "delete 1")
    lines = ask(twins, "catch vmexit in guest1 if $scause == 10")
    assert lines == ["catch 2: vmexit, in guest 1 (vmid 1), if $scause == 10"]
    assert ran(twins).startswith("catch 2: VM exit of guest 1 (vmid 1): environment call")
    assert "vmexit, in guest 1 (vmid 1), if $scause == 10" in ask(twins, "break")[1]
    assert ask(twins, "catch vmexit in nobody")[0].startswith("'nobody' names no world; there are 1 (host), ")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("if $scause == 10 once", "'once' must stand before 'if'"),
        ("if $scause == 10 ignore 2", "'ignore 2' must stand before 'if'"),
        ("if $scause ==", "'$scause ==' ends where a number, symbol or $register should follow"),
        ("if $nosuch == 1", "no register '$nosuch'"),
        ("ignore -1", "ignore: -1 is negative"),
        ("on hart -1", "on hart: -1 is negative"),
        ("ignore (", "'(' ends where a number, symbol or $register should follow"),
    ],
)
def test_what_cannot_be_understood_is_one_line(hello: Debugger, words: str, answer: str) -> None:
    for command in ("catch vmexit", "break vcpu_run"):
        lines = ask(hello, f"{command} {words}")
        assert len(lines) == 1
        assert lines[0].startswith(answer)
    assert hello.breakpoints() == []


@pytest.mark.parametrize(("command", "count"), [("step", "-1"), ("history", "-3"), ("hart", "-1"), ("delete", "0-1")])
def test_what_is_counted_is_not_negative(hello: Debugger, command: str, count: str) -> None:
    assert ask(hello, f"{command} {count}")[0].startswith(f"{command}: {count} is negative; usage: {command} [")


@pytest.mark.parametrize(
    ("typed", "last"), [("in", "in"), ("once in", "in"), ("on hart", "on hart"), ("ignore", "ignore"), ("if", "if")]
)
def test_what_is_unfinished_says_so(hello: Debugger, typed: str, last: str) -> None:
    said = f"something is missing behind {last!r}: [in WORLD] [on hart N] [ignore N] [once] [if EXPR]"
    assert ask(hello, f"catch fence {typed}") == ask(hello, f"break vcpu_run {typed}") == [said]


def test_guests_count_from_1(hello: Debugger) -> None:
    assert ask(hello, "catch fence in guest0") == ask(hello, "bt guest0") == ["guests count from 1; the hypervisor is `host`"]


def test_points_for_one_stop_say_so(hello: Debugger) -> None:
    assert ask(hello, "catch vmexit ignore 1 once if $scause == 10") == [
        "catch 1: vmexit, not the next 1, once, if $scause == 10"
    ]
    assert ask(hello, "break vcpu_run once")[0].startswith("temporary breakpoint 2 at ")
    assert ask(hello, "tbreak vcpu_run")[0] == f"temporary breakpoint 3 at {hello.symbols.address_of('vcpu_run'):#x} <vcpu_run>"
    listed = ask(hello, "break")
    assert listed[1].split()[1:] == "catch vmexit, not the next 1, once, if $scause == 10 0 console".split()
    assert all(", once" in line for line in listed[1:])


def test_names_of_symbols_stay_out_of_events(twins: Debugger) -> None:
    """twins has a function console_write; only numbers that can be addresses are looked up among symbols."""
    assert twins.symbols.address_of("console_write") is not None
    assert ask(twins, "catch sbi dbcn console_write") == ["catch 1: sbi dbcn console_write"]
    assert ran(twins).startswith("catch 1: SBI call DBCN console_write by guest 1 (vmid 1) at ")
    main = twins.symbols.address_of("main")
    assert main is not None
    assert ask(twins, "catch gpa main") == [f"catch 2: gpa {main:#x} to {main + 7:#x}"]
    assert ask(twins, "catch csr sepc write main") == [f"catch 3: csr sepc write {main:#x}"]
    specs = ["sbi time", "csr hgatp read", "csr hgatp.MODE write bare", "vmexit sti", "mode HS VS"]
    words = {word for spec in specs for word in spec.split()}
    twins.symbols += SymbolTable([Symbol(word, 0x1000, 8) for word in words])
    for number, spec in enumerate(specs, 4):
        assert ask(twins, f"catch {spec}") == [f"catch {number}: {spec}"]


def test_points_of_one_hart() -> None:
    debugger = machine("hello", harts=2)
    try:
        ask(debugger, "catch vmentry on hart 1")
        assert ask(debugger, "break")[1].split() == "1 catch vmentry, on hart 1 0 console".split()
        assert "catch" not in ran(debugger)
        assert ask(debugger, "catch vmentry on hart 7") == ["there is no hart 7; the machine has 2"]
    finally:
        debugger.close()


@pytest.mark.parametrize("space", ["gpa", "spa"])
def test_watchpoints_on_what_is_behind_the_translation(hello: Debugger, space: str) -> None:
    """Whoever writes there, under whatever virtual address."""
    entry = hello.symbols.address_of("guest_entry")
    assert entry is not None
    ask(hello, "tbreak guest_main")
    ran(hello)
    stack = hello.read_register("sp") - 8
    spa = hello.translate(stack, access="w").spa
    lines = ask(hello, f"watch {stack if space == 'gpa' else spa:#x} 8 --space {space}")
    assert lines[0].startswith(f"write watchpoint 2 on 8 bytes at {space.upper()} ")
    assert ran(hello).startswith(f"watchpoint 2: {space.upper()} ")
    assert f"at virtual address {stack:#x}" in hello.stop.text
    assert f"{space.upper()} " in ask(hello, "break")[1]


def test_a_watchpoint_of_one_world(twins: Debugger) -> None:
    place = twins.symbols.format(0x80201000)
    lines = ask(twins, "watch 0x80201000 4096 --world guest2")
    assert lines == [f"write watchpoint 1 on 4,096 bytes at {place}, in guest 2"]
    assert twins.breakpoints()[0].world == 3


def test_walk_is_translate_with_everything_named(in_guest: Debugger) -> None:
    assert ask(in_guest, "walk guest_entry --access x") == ask(in_guest, "translate guest_entry x")
    assert ask(in_guest, "walk guest_entry --world host") == ask(in_guest, "translate guest_entry r --world host")
    assert ask(in_guest, "walk guest_entry --access q")[0].startswith("walk: ")


def test_memory_by_the_kind_of_its_address(in_guest: Debugger) -> None:
    entry = in_guest.read_register("pc")
    spa = in_guest.translate(entry, access="x").spa
    assert spa is not None
    word = in_guest.read_memory(entry, 4)
    text = f"{int.from_bytes(word, 'little'):#010x}"
    assert text in ask(in_guest, "xv/1wx guest_entry")[0]
    assert text in ask(in_guest, "xg/1wx guest_entry")[0]
    assert text in ask(in_guest, f"xp/1wx {spa:#x}")[0]
    assert text in ask(in_guest, "x/1wx guest_entry --space gva --world guest")[0]
    assert ask(in_guest, "xg/1wx 0x40000000")[0].startswith("guest physical address 0x40000000 ")


def test_memory_of_a_world_that_does_not_run(twins: Debugger) -> None:
    twins.add_catch("vmexit", owner="test", world=3)
    ran(twins)
    first = ask(twins, "xv/4wx 0x80200000 --world guest1")
    assert first == ask(twins, "xv/4wx 0x80200000 --world guest2") != ask(twins, "x/4wx 0x80200000")
    one, two = (ask(twins, f"translate 0x80200000 --world guest{n}")[-1] for n in (1, 2))
    assert one != two and one.startswith("SPA ")


def test_spaces_says_what_translates_what(twins: Debugger) -> None:
    before = ask(twins, "spaces")
    assert before[0].split()[:2] == ["spa", "physical:"]
    assert "RAM 0x80000000 to 0x80ffffff" in before[0]
    assert before[1].split()[:2] == ["hva", "host:"]
    twins.add_catch("vmexit", owner="test", world=3)
    ran(twins)
    lines = ask(twins, "spaces")
    names = [f"{space}  guest {n} (vmid {n})" for n in (1, 2) for space in ("gpa", "gva")]
    assert [line.split(":")[0] for line in lines] == ["spa  physical", "hva  host", *names]
    assert "MODE=Sv39x4" in lines[2]
