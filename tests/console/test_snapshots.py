# SPDX-License-Identifier: Apache-2.0
"""What every command shows, beside what was reviewed: tests/console/snapshots. HARTLINE_UPDATE=1 writes them anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.registry import load_commands
from tests.console.driver import Typist, machine

FOLDER = Path(__file__).parent / "snapshots"
UPDATE = bool(os.environ.get("HARTLINE_UPDATE"))
EXIT = ("catch vmexit load_guest_page_fault once", "continue")
GUEST = ("tbreak guest_main", "continue")
RUN = ("tbreak vcpu_run", "continue")

SESSIONS: dict[str, tuple[str, ...]] = {
    "stop_in_host": RUN,
    "stop_at_exit": EXIT,
    "stop_at_sret": ("tbreak *(vm_enter + 144)", "continue"),
    "stop_in_guest": GUEST,
    "mode": (*EXIT, "mode"),
    "csr": (*EXIT, "csr hstatus", "csr scause", "csr hga*", "csr hstatus.SPV = 0"),
    "regs": (*GUEST, "regs", "set $a0 = 5"),
    "trap": (*EXIT, "trap", "explain"),
    "irq": (*EXIT, "csr hvip = 0x44", "csr hie = 4", "csr hideleg = 0x444", "csr stimecmp = 1", "csr sie = 0x20", "irq", "nmi"),
    "worlds": (*EXIT, "worlds"),
    "history": (*EXIT, "history 6"),
    "stats": (*EXIT, "stats"),
    "map": (*EXIT, "map guest", "map host", "whomaps guest_data"),
    "tlb": (*GUEST, "tlb"),
    "translate": (*EXIT, "translate 0x40000000 --world guest", "translate guest_main x --world guest", "translate $pc"),
    "views": (
        *EXIT,
        "spaces",
        "walk 0x40000000 --world guest --access w",
        "xp/2gx guest_text",
        "xg/2gx guest_text",
        "xv/2gx guest_text --world guest",
    ),
    "diff": (*RUN, "save here", *EXIT, "diff", "diff here", "diff entry", "diff nowhere"),
    "print": (*RUN, "p vcpu", "p *vcpu", "p vcpu->guest_physical.scheme->levels", "p $pc", "p/t 5", "p vcpu->nothing"),
    "locals": (*RUN, "locals"),
    "list": (*RUN, "list", "list", "list vcpu.c:40", "list main"),
    "backtrace": (*EXIT, "backtrace", "bt guest", "bt nobody"),
    "worlds_memory": (
        *EXIT,
        "x/2i load_unmapped --world guest",
        "x/2gx guest_data --space spa",
        "dump guest_main 32 --world guest",
    ),
    "finish": (*RUN, "finish", "next", "into", "until guest_sbi_call", "finish"),
    "until": ("until entry", "until exit", "until VS", "until unmapped_load"),
    "memory": (*GUEST, "dump $pc 32", "search guest_text 256 0x8082 --size 2", "x/3i $pc", "x/2gx $sp - 16", "poke $sp 7"),
    "breakpoints": (
        "break main",
        "tbreak vcpu.c:83",
        "break guest_main in guest1",
        "watch vcpu 8",
        "rwatch vcpu 8",
        "awatch vcpu 8",
        "catch csr hgatp write on hart 0 ignore 2",
        "watch 0x80201000 --space gpa --world guest1",
        "catch",
        "break",
        "delete",
    ),
    "conditions": ("break vcpu_run if *vcpu == 0", "catch vmexit if $scause == 21", "continue", "continue", "break"),
    "disassemble": (*GUEST, "disassemble", "symbols guest_*", "hart", "gdb"),
    "scripting": ("define two csr $1; p $2", "two hgatp 1+1", "define", "python reg('pc') + 1", "python 1/0", "save x"),
    "help": ("help", "help translate", "help catch"),
    "step": ("step 3", "step", "stop", "reset"),
    "twins": ("until 0x1", "worlds", "stats"),
    "symfile": ("symfile host examples/prebuilt/hello.elf", "symfile nobody x", "source nowhere.txt", "info mode", "uart x"),
}
SHOWN_ELSEWHERE = {"quit", "layout"}


def shown(name: str) -> str:
    """The session as a text."""
    lines = SESSIONS[name]
    debugger = machine("twins" if name == "twins" else "hello")
    debugger.limit = 400_000
    try:
        typist = Typist(debugger)
        parts = []
        for line in lines:
            parts.append(f"(hartline) {line}\n{typist.lines(line)}")
        return "".join(parts)
    finally:
        debugger.close()


@pytest.mark.parametrize("name", SESSIONS)
def test_output_is_as_reviewed(name: str) -> None:
    text, file = shown(name), FOLDER / f"{name}.txt"
    if UPDATE:
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert "internal error" not in text
    assert text == file.read_text("utf-8")


def test_every_command_is_shown() -> None:
    def first_words() -> Iterator[str]:
        from cli.registry import find, split_line

        for lines in SESSIONS.values():
            for line in lines:
                name = split_line(line)[0]
                if name != "two":
                    yield find(name).name

    assert set(load_commands()) - SHOWN_ELSEWHERE == set(first_words())
