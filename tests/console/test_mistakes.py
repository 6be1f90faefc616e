# SPDX-License-Identifier: Apache-2.0
"""Each of the usual mistakes, made by a hypervisor in examples/mistakes: the console names it."""

from __future__ import annotations

import pytest

import examples
from tests.console.driver import MEMORY, Typist, machine

FAILS = ("break unexpected_exit", "break trap_in_hypervisor", "continue")
EXIT = ("until exit",)
RETURN = ("until exit", "break *(vm_enter + 144)", "continue")

NAMED = {
    "no_user_bit": ((*FAILS, "trap"), ["set U in the G-stage entry", "U=0: the G-stage takes every access as user-level"]),
    "no_execute_bit": ((*FAILS, "trap"), ["set X in the G-stage entry", "X=0: not executable"]),
    "unaligned_root": ((*FAILS,), ["the G-stage root page table has 16 KiB and must be aligned to that"]),
    "wrong_mode": ((*FAILS, "trap"), ["with hgatp.MODE = Sv39x4 the guest could execute at 0x80204000"]),
    "wrong_spvp": ((*FAILS, "trap"), ["hstatus.SPVP is 0: HLV and HSV act as VU-mode", "set SPVP=1"]),
    "no_hedeleg": ((*FAILS, "trap"), ["hedeleg bit 3 is 0", "set it for the guest's kernel to get it"]),
    "unaligned_stvec": ((*EXIT, "trap"), ["stvec points 2 bytes before handler: bits 1:0 are its MODE"]),
    "htinst_ignored": (RETURN, ["htinst=0x3501 (ld to x10, was 16 bits long)", "note: sepc is 4 bytes behind the instruction"]),
    "sepc_not_advanced": (RETURN, ["note: sepc is still at the ecall of guest_print+36", "go on at sepc + 4"]),
}


def plain(text: str) -> str:
    """A text as one line, to find what was wrapped."""
    return " ".join(text.split())


def test_every_mistake_is_here() -> None:
    assert [f"mistake_{name}" for name in NAMED] == examples.mistakes()


@pytest.mark.parametrize("name", NAMED)
def test_the_console_names_it(name: str) -> None:
    lines, texts = NAMED[name]
    debugger = machine(f"mistake_{name}")
    try:
        typist = Typist(debugger)
        debugger.machine.warning = lambda text: typist.shown.append(f"warning: {text}\n")
        shown = plain(typist.lines(*lines))
        for text in texts:
            assert text in shown
    finally:
        debugger.close()


def test_a_strict_machine_walks_the_other_root() -> None:
    from cli.launch import Options

    debugger = Options(file=examples.elf("mistake_unaligned_root"), engine="reference", memory=MEMORY, strict=True).make()
    try:
        shown = plain(Typist(debugger).lines(*FAILS, "trap"))
        assert "the guest could execute at 0x80204000: the root has 16 KiB and must be aligned" in shown
    finally:
        debugger.close()


@pytest.mark.parametrize("name", ["hello", "mmio"])
def test_what_is_no_mistake_is_not_named(name: str) -> None:
    debugger = machine(name)
    try:
        shown = Typist(debugger).lines("break *(vm_enter + 144)", *["continue"] * 6)
        assert shown.count("sret: will go to VS-mode") == 6
        assert "note:" not in shown
    finally:
        debugger.close()
