# SPDX-License-Identifier: Apache-2.0
"""Code as it is shown around a place: instructions with symbols, where branches go, and whether one will be taken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from cli.context import Context
from cli.format import code_line, folded

if TYPE_CHECKING:
    from core.debug.target import Line

REACH = 8192
"""How far before pc a function may begin for the instructions before pc to be found."""
SIGN = 1 << 63

CONDITIONS: dict[str, Callable[[int, int], bool]] = {
    "beq": lambda a, b: a == b,
    "bne": lambda a, b: a != b,
    "blt": lambda a, b: a ^ SIGN < b ^ SIGN,
    "bge": lambda a, b: a ^ SIGN >= b ^ SIGN,
    "bltu": lambda a, b: a < b,
    "bgeu": lambda a, b: a >= b,
    "bgt": lambda a, b: a ^ SIGN > b ^ SIGN,
    "ble": lambda a, b: a ^ SIGN <= b ^ SIGN,
    "bgtu": lambda a, b: a > b,
    "bleu": lambda a, b: a <= b,
}


def branch_taken(text: str, register: Callable[[str], int]) -> bool | None:
    """Whether a conditional branch, in assembly text, will be taken; None for any other instruction."""
    match = re.match(r"(?:c\.)?(b[a-z]+?)(z?)\s+(\w+),(?:(\w+),)?", text)
    if match is None or match[1] not in CONDITIONS or bool(match[2]) == bool(match[4]):
        return None
    left = register(match[3])
    right = register(match[4]) if match[4] else 0
    return CONDITIONS[match[1]](left, right)


def lines_before(context: Context, pc: int, count: int) -> list[Line]:
    """The `count` instructions before pc, as far as the function it is in reaches: only from its start on is it known
    where instructions begin."""
    from core.debug.target import DebugError

    found = context.table(pc).lookup(pc)
    if found is None or not count or not 0 < found[1] <= REACH:
        return []
    start = pc - found[1]
    lines: list[Line] = []
    try:
        # Instructions have 2 or 4 bytes, so a synchronized beginning near pc would be a guess: read from the start.
        while start < pc:
            batch = context.debugger.disassemble(start, min(64, (pc - start + 1) // 2), hart=context.hart)
            if not batch:
                return []
            lines += batch
            start = batch[-1].address + batch[-1].length
    except DebugError:
        return []
    before = [line for line in lines if line.address < pc]
    return before[-count:] if before and before[-1].address + before[-1].length == pc else []


def code_around(context: Context, pc: int, before: int, after: int) -> Iterator[str]:
    """Instructions around pc, the one at pc marked, or why there is none to see."""
    from core.debug.target import DebugError

    try:
        lines = context.debugger.disassemble(pc, 1 + after, hart=context.hart)
    except DebugError as problem:
        yield f"=> {pc:#x}: {problem}"
        return
    for line in (*lines_before(context, pc, before), *lines):
        at_pc = line.address == pc
        taken = branch_taken(line.text, lambda name: context.register(name) or 0) if at_pc else None
        more = "" if taken is None else "   taken" if taken else "   not taken"
        yield from folded(code_line(line, at_pc=at_pc, width=context.width, more=more), context.width)
