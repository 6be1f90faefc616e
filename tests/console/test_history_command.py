# SPDX-License-Identifier: Apache-2.0
"""`history`: one clock for all lines, and the place of each event whole, however long it is."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.launch import Options
from core.debug.target import Debugger
from tests.console.driver import MEMORY, Typist, ask

TRAPS = (0xFFFF_F2B7, 0x3052_9073, 0x0000_0000)
"""lui t0, 0xfffff; csrw mtvec, t0; an illegal instruction: then the fetch at mtvec fails, again and again."""
FAULT = "instruction access fault at 0xfffffffffffff000"


@pytest.fixture
def trapping(tmp_path: Path) -> Iterator[Callable[[int], Debugger]]:
    """Machines on which the first and the last hart have taken steps, all but two of them traps into M-mode."""

    made: list[Debugger] = []

    def make(harts: int) -> Debugger:
        path = tmp_path / "image.bin"
        path.write_bytes(struct.pack("<3I", *TRAPS))
        debugger = Options(file=path, engine="reference", memory=MEMORY, harts=harts, bios="none").make()
        Typist(debugger).lines("step 8", f"hart {harts - 1}", "step 8")
        made.append(debugger)
        return debugger

    yield make
    for debugger in made:
        debugger.close()


def test_one_hart_counts_instructions(trapping: Callable[[int], Debugger]) -> None:
    lines = ask(trapping(1), "history 2")
    assert lines[:3] == [
        "   retired  event, and how long until the next",
        f"         2  trap  host: {FAULT}  10 ns",
        f"         2  trap  host: {FAULT}",
    ]


def test_several_harts_share_a_clock(trapping: Callable[[int], Debugger]) -> None:
    lines = ask(trapping(2), "history 12", width=100)
    assert lines[:5] == [
        "     time (us)  hart    event, and how long until the next",
        "          0.02  hart 0  trap  host: illegal instruction at 0x80000008  10 ns",
        "          0.02  hart 1  trap  host: illegal instruction at 0x80000008  10 ns",
        f"          0.03  hart 0  trap  host: {FAULT}  10 ns",
        f"          0.03  hart 1  trap  host: {FAULT}  10 ns",
    ]
    assert lines[11] == f"          0.07  hart 0  trap  host: {FAULT}"


def test_long_lines_are_folded(trapping: Callable[[int], Debugger]) -> None:
    lines = ask(trapping(2), "history 1", width=80, front="monitor")
    what, _, where = FAULT.partition(" at ")
    assert lines[1:3] == [f"          0.07  hart 1  trap  host: {what}", f"{'':15}at {where}"]
