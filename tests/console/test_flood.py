# SPDX-License-Identifier: Apache-2.0
"""A guest that prints as fast as it can, in a real terminal: the prompt stays whole, lines are not torn, Ctrl-C works."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

from tests.console.test_terminal import Terminal, terminal

__all__ = ["terminal"]

PRINTS = (  # every character from ! to ~, a newline, and again
    0x1000_02B7,  #    lui  t0, 0x10000
    0x0210_0313,  # 2: li   t1, '!'
    0x07F0_0393,  #    li   t2, 0x7f
    0x0062_8023,  # 1: sb   t1, 0(t0)
    0x0013_0313,  #    addi t1, t1, 1
    0xFE73_1CE3,  #    bne  t1, t2, 1b
    0x00A0_0313,  #    li   t1, '\n'
    0x0062_8023,  #    sb   t1, 0(t0)
    0xFE5F_F06F,  #    j    2b
)
ALL = "".join(map(chr, range(0x21, 0x7F)))
PREFIX = "uart| "


def test_a_flood_does_not_garble_the_prompt(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    image = tmp_path / "flood.bin"
    image.write_bytes(struct.pack(f"<{len(PRINTS)}I", *PRINTS))
    screen = terminal(120, 30)
    screen.start("run", str(image), "--console")
    screen.sees("(hartline)", "0 retired")
    screen.type("continue", "Enter")
    screen.sees(PREFIX + ALL)
    for part, line in (("p 6", "p 6"), ("*", "p 6*"), ("7", "p 6*7")):  # typed while lines come in above
        screen.type(part)
        screen.sees(f"(hartline) {line}")
    screen.type("Enter")
    screen.finds("(hartline) p 6*7\n")
    screen.finds("\n0x2a = 42\n")
    screen.type("C-c")
    screen.sees("HS-mode, host: stopped at 0x802000", "| stopped |")
    rows = [row.rstrip() for row in screen.all.splitlines()]
    flood = [row.removeprefix(PREFIX) for row in rows if row.startswith(PREFIX)]
    assert len(flood) > 50
    assert [row for row in flood if row not in ALL] == []  # each is a piece of a line, in order
    assert sum(row == ALL for row in flood) > 0.9 * len(flood)
    others = [row for row in rows if row and not row.startswith((PREFIX, "(hartline) ", "0x2a", "=> ", "   0x", "  changed:"))]
    torn = [row for row in others if re.search(r"[!-~]{40}", row) and row in ALL]
    assert torn == []
    screen.type("quit", "Enter")
    screen.sees("status 0")
