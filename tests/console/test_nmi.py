# SPDX-License-Identifier: Apache-2.0
"""The command `nmi`: a resumable non-maskable interrupt from the console, and what the others then say about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.launch import Options
from core.debug.target import Debugger
from tests.console.driver import MEMORY, ask
from tests.support.bare_metal import assemble

HANDLER, BAD, EXCEPTIONS = 0x8000_0100, 0x8000_0140, 0x8000_0180
PROGRAM = """
    csrwi 0x340, 1
    csrsi 0x744, 8      # mnstatus.NMIE
1:  addi s1, s1, 1
    j 1b
    .org 0x100
rnmi:
    addi s0, s0, 1
    .word 0x70200073    # mnret
    .org 0x140
bad:
    addi s0, s0, 1
    ecall
    .org 0x180
lost:
    j lost
"""
REFUSED = "no NMI: the machine has no Smrnmi (--cpu rv64,smrnmi=on)"


def made(folder: Path, handler: int = HANDLER, engine: str = "reference", harts: int = 1) -> Debugger:
    cpu = {"smrnmi": True, "rnmi-interrupt-vector": handler, "rnmi-exception-vector": EXCEPTIONS}
    program = assemble(folder, PROGRAM)
    return Options(program, bios="none", cpu=cpu, memory=MEMORY, engine=engine, harts=harts).make()


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Debugger]:
    debugger = made(tmp_path)
    yield debugger
    debugger.close()


def test_an_nmi_is_taken_before_the_next_instruction(counting: Debugger) -> None:
    counting.resume(steps=4)
    assert ask(counting, "nmi") == ["hart 0: an RNMI is signalled; its handler is at 0x80000100 <rnmi>"]
    irq = ask(counting, "irq")
    assert " 0  RNMI  yes      M        signalled; can be taken" in irq
    expected = "next: resumable non-maskable interrupt, taken before the next instruction in M-mode at 0x80000100 <rnmi>"
    assert " ".join(" ".join(irq).split()).endswith(expected)
    pc = counting.read_register("pc")
    counting.resume(steps=1)
    assert (counting.read_register("pc"), counting.read_register("mnepc")) == (HANDLER, pc)
    assert f"  mnret        would go to M-mode at {pc:#x} <_start+{pc - 0x8000_0000}>" in ask(counting, "mode")
    assert " 0  RNMI  -        M        -" in ask(counting, "irq")
    assert ask(counting, "trap") == [
        "resumable non-maskable interrupt (interrupt 0), no instruction executed since",
        f"  in M-mode of host, at {pc:#x} <_start+{pc - 0x8000_0000}>",
        "",
        "taken in M-mode, because:",
        "  an RNMI always goes there, to a handler of its own (norm:rnmi_enter_mmode)",
        "",
        "it wrote:",
        "  mnstatus 0x8 -> 0x1800 (MNPP 0 -> 3 M, NMIE 1 -> 0)",
        f"  mnepc    0x0 -> {pc:#x}",
        "  mncause  0x0 -> 0x8000000000000000 (resumable non-maskable interrupt)",
        f"  pc       {pc:#x} -> the handler, rnmi-interrupt-vector = 0x80000100",
    ]
    assert ask(counting, "nmi") == ["hart 0: an RNMI is signalled; it waits until software sets mnstatus.NMIE"]
    counting.resume(steps=2)
    assert counting.read_register("pc") == pc
    counting.resume(steps=1)
    assert (counting.read_register("pc"), counting.read_register("s0")) == (HANDLER, 1)


def test_the_return_is_announced(counting: Debugger) -> None:
    counting.resume(steps=2)
    ask(counting, "nmi")
    counting.resume(steps=1)
    assert any(line.startswith("mnret: will go to M-mode at 0x80000008") for line in ask(counting, "step"))


def test_an_exception_in_the_handler(tmp_path: Path) -> None:
    debugger = made(tmp_path, BAD)
    debugger.resume(steps=2)
    ask(debugger, "nmi")
    debugger.resume(steps=3)
    assert debugger.read_register("pc") == EXCEPTIONS
    lines = ask(debugger, "trap", width=200)
    assert "  mnstatus.NMIE was 0: the RNMI exception trap handler gets it (norm:rnmi_exception_nmie0)" in lines
    assert lines[-1] == "  pc       0x80000142 -> the handler, rnmi-exception-vector = 0x80000180"


def test_a_handler_that_is_nowhere(tmp_path: Path) -> None:
    debugger = made(tmp_path, 0)
    debugger.resume(steps=2)
    assert ask(debugger, "nmi") == ["hart 0: an RNMI is signalled; its handler is at 0x0"]
    debugger.resume(steps=1)
    hint = "  rnmi-interrupt-vector is 0: say where the handler is: --cpu rv64,smrnmi=on,rnmi-interrupt-vector=ADDRESS"
    assert ask(debugger, "trap", width=200)[-1] == hint


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_a_running_machine_takes_it_in(tmp_path: Path, engine: str) -> None:
    debugger = made(tmp_path, engine=engine)
    debugger.add_breakpoint(HANDLER, owner="test")
    debugger.resume()
    assert ask(debugger, "nmi") == ["hart 0: an RNMI is signalled"]
    stop = debugger.wait(20)
    assert stop is not None and stop.pc == HANDLER
    assert debugger.read_register("mncause") == 1 << 63
    debugger.close()


def test_of_another_hart(tmp_path: Path) -> None:
    debugger = made(tmp_path, harts=2)
    for hart in (0, 1):
        debugger.resume(hart=hart, steps=3)
    assert ask(debugger, "nmi 1") == ["hart 1: an RNMI is signalled; its handler is at 0x80000100 <rnmi>"]
    for hart in (0, 1):
        debugger.resume(hart=hart, steps=1)
    assert [debugger.read_register("pc", hart) == HANDLER for hart in (0, 1)] == [False, True]
    assert ask(debugger, "nmi 2") == ["no hart 2; there is hart 0 to 1"]


def test_without_it(hello: Debugger) -> None:
    assert ask(hello, "nmi") == [REFUSED]
    assert ask(hello, "nmi", front="monitor") == [REFUSED]
    assert not any(line.startswith(" 0  RNMI") for line in ask(hello, "irq"))
    builtin = Options(Path(hello.elf_path or ""), cpu={"smrnmi": True}, engine="reference").make()
    assert ask(builtin, "nmi") == [
        "no NMI: M-mode is the built-in SBI, which has no RNMI trap handler (--bios none or a firmware)"
    ]
