# SPDX-License-Identifier: Apache-2.0
"""Machines that get nowhere are said to, in words, by every front end: trap loops, and WFI that nothing can end."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.launch import Options
from core.debug.target import Debugger, StopKind
from tests.console.driver import MEMORY, Typist
from tests.console.test_command_line import hartline
from tests.console.test_terminal import Terminal, terminal

__all__ = ["terminal"]

LOOP = (0x0000_0297, 0x0102_8293, 0x1052_9073, 0x0000_0000, 0x0000_0000)  # stvec = the illegal instruction at +16
WAIT = (0x1050_0073, 0xFFDF_F06F)  # 1: wfi; j 1b
WORDS = "trap loop at 0x80200010: illegal instruction taken "
WAITING = "all harts wait in WFI and nothing can wake them"


@pytest.fixture
def image(tmp_path: Path) -> Callable[[tuple[int, ...]], Path]:
    """Raw images of a few instructions, which run in HS-mode."""

    def make(words: tuple[int, ...]) -> Path:
        path = tmp_path / "image.bin"
        path.write_bytes(struct.pack(f"<{len(words)}I", *words))
        return path

    return make


def machine(path: Path, engine: str, harts: int = 1) -> Debugger:
    return Options(file=path, engine=engine, memory=MEMORY, harts=harts).make()


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_a_trap_loop_is_told_while_the_machine_runs(image: Callable[[tuple[int, ...]], Path], engine: str) -> None:
    debugger = machine(image(LOOP), engine)
    warnings: list[str] = []

    def warn(text: str) -> None:
        warnings.append(text)
        debugger.interrupt()

    debugger.machine.warning = warn
    debugger.resume()
    stop = debugger.wait(60)
    assert stop is not None and stop.kind is StopKind.INTERRUPTED
    assert len(warnings) == 1 and warnings[0].startswith(WORDS)
    debugger.close()


@pytest.mark.parametrize("harts", [1, 2])
def test_a_limit_of_instructions_ends_it(image: Callable[[tuple[int, ...]], Path], harts: int) -> None:
    debugger = machine(image(LOOP), "reference", harts)
    debugger.limit = 1000
    debugger.resume()
    stop = debugger.wait(60)
    assert stop is not None and stop.kind is StopKind.LIMIT
    assert stop.text.startswith(f"the limit of 1000 instructions is never reached: {WORDS}")


def test_hartline_run(image: Callable[[tuple[int, ...]], Path]) -> None:
    path = str(image(LOOP))
    status, _, errors = hartline("run", path, "--engine", "reference", "--max-instructions", "1000")
    first, second = errors.splitlines()
    assert status == 124
    assert first.startswith(f"hartline: warning: {WORDS}")
    assert second.startswith(f"hartline: the limit of 1000 instructions is never reached: {WORDS}")
    status, _, errors = hartline("run", str(image(WAIT)), "--engine", "reference")
    assert (status, errors) == (125, f"hartline: {WAITING}\n")


def test_the_console_says_so_at_the_stop(image: Callable[[tuple[int, ...]], Path]) -> None:
    debugger = machine(image(LOOP), "reference")
    typist = Typist(debugger, 200)
    debugger.machine.warning = lambda text: debugger.interrupt()
    shown = typist.lines("continue")
    assert f"\nnote: {WORDS}" in shown
    debugger.close()
    debugger = machine(image(WAIT), "reference")
    assert f"HS-mode, host: {WAITING}\n" in Typist(debugger).lines("continue")
    debugger.close()


def test_a_terminal_is_told_that_no_key_can_help(
    image: Callable[[tuple[int, ...]], Path], terminal: Callable[..., Terminal]
) -> None:
    screen = terminal(120, 24)
    screen.start("run", str(image(WAIT)), "--engine", "reference")
    screen.sees(f"hartline: {WAITING} (Ctrl-A c opens the console)")
    screen.type("C-a", "x")
    screen.sees("status 0")


def test_a_hart_that_was_never_started(image: Callable[[tuple[int, ...]], Path]) -> None:
    debugger = machine(image(WAIT), "reference", harts=2)
    shown = Typist(debugger).lines("hart 1", "step", "hart")
    assert "hart 1, HS-mode, host: hart 1 is stopped: it runs after sbi_hart_start\n" in shown
    assert "* hart 1  HS  host               0x80200000  stopped (until sbi_hart_start)\n" in shown
    debugger.close()
