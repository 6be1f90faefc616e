# SPDX-License-Identifier: Apache-2.0
"""What a stop tells of the trap that has just been taken, and only of that one."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.format import code_line, folded
from cli.launch import Options
from core.debug.target import Debugger, Line
from tests.console.driver import MEMORY, Typist

AT_ONCE = (0x0000_0297, 0x00C2_8293, 0x1052_9073, 0x0000_0013)
"""stvec = the nop at +12, which comes next: how OpenSBI leaves stvec to what it starts."""
ILLEGAL = (0x0000_0000,)
"""A trap before stvec is set goes to address 0."""


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Callable[..., Debugger]]:
    """Machines with a few instructions, which run in HS-mode."""
    made: list[Debugger] = []

    def make(*words: int) -> Debugger:
        path = tmp_path / "image.bin"
        path.write_bytes(struct.pack(f"<{len(words)}I", *words))
        made.append(Options(file=path, engine="reference", memory=MEMORY).make())
        return made[-1]

    yield make
    for debugger in made:
        debugger.close()


def test_a_vector_that_is_walked_into_is_no_trap(image: Callable[..., Debugger]) -> None:
    debugger = image(*AT_ONCE)
    shown = Typist(debugger).lines("step 3")
    assert debugger.read_register("pc") == debugger.read_register("stvec") == 0x8020000C
    assert "stepped to 0x8020000c\n" in shown
    assert "trap: " not in shown


def test_a_trap_to_address_0_is_told(image: Callable[..., Debugger]) -> None:
    shown = Typist(image(*ILLEGAL)).lines("step")
    assert "trap: illegal instruction (scause: cause 2)\n  from HS-mode at 0x80200000 (sepc)\n" in shown


@pytest.mark.parametrize("width", [80, 100])
def test_no_line_of_a_stop_is_cut_by_the_terminal(hello: Debugger, width: int) -> None:
    lines = Typist(hello, width).lines("until exit load_guest_page_fault").splitlines()
    assert max(map(len, lines)) <= width
    details = ["stval=0x40000000  htinst=0x3501 (ld to x10, was 16 bits long)", "hstatus: SPV SPVP GVA"]
    assert [line for line in lines if line.startswith("  stval")] == ["  " + "  ".join(details[: 1 + (width > 80)])]
    assert any(line.endswith("  " + details[1]) for line in lines)
    assert any(line.endswith("cd49      beqz a0,80200176 <trap_from_hypervisor>") for line in lines)


def test_long_code_lines() -> None:
    line = Line(0xFFFF_FFFF_80A0_2F3C, 0x8A2F_F0EF, 4, "jal ffffffff80a020de <arch_cpu_idle>", "default_idle_call+26")
    text = code_line(line, at_pc=True, more="   taken")
    assert folded(text, 80) == [
        "=> 0xffffffff80a02f3c <default_idle_call+26> 8a2ff0ef  jal ffffffff80a020de",
        "               <arch_cpu_idle>   taken",
    ]
    assert folded(text, 120) == [text]


@pytest.mark.parametrize(
    "command", ["until *(vm_enter + 144)", "until exit load_guest_page_fault", "mode", "help", "history", "list", "disassemble"]
)
def test_nothing_is_wider_than_the_terminal(hello: Debugger, command: str) -> None:
    lines = Typist(hello).lines("until exit load_guest_page_fault" if command.startswith(("mode", "hist")) else "mode", command)
    assert [line for line in lines.splitlines() if len(line) > 80] == []
