# SPDX-License-Identifier: Apache-2.0
"""Code and symbols."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from cli.context import CommandError, Context
from cli.format import code_line, folded
from cli.registry import command

if TYPE_CHECKING:
    from core.debug.target import Line

LISTED = 200
MOST = 1000
"""Instructions that `disassemble` shows at once."""
"""Symbols that `symbols` prints before it asks for a narrower pattern."""


def code_lines(context: Context, lines: Iterable[Line], world: int | None) -> Iterator[str]:
    """Instructions of a world, the one at its pc marked; None: at addresses that are no world's."""
    pc = None if world is None else context.debugger.read_register("pc", context.hart, world=world)
    for line in lines:
        yield from folded(code_line(line, at_pc=line.address == pc, width=context.width), context.width)


@command(
    "disassemble [ADDR] [N] [--world WORLD]",
    aliases=("disas", "u"),
    help="show N instructions (10) from an address or symbol, or from pc",
    example="disassemble guest_main 20",
    repeats=True,
)
def disassemble(context: Context, address: int | None, count: int | None, world: str | None) -> Iterator[str]:
    """Reads the hart's current address space, guest code while a guest runs, or that of another world as it was left."""
    number = context.debugger.current_world(context.hart).number if world is None else context.world(world)
    other = None if number == context.debugger.current_world(context.hart).number else number
    if address is None:
        address = context.debugger.read_register("pc", context.hart, world=other)
    length = 10 if count is None else max(1, min(count, MOST))
    lines = context.debugger.disassemble(address, length, hart=context.hart, world=other)
    yield from code_lines(context, lines, number)
    if count is not None and count > length:
        yield f"... {length} instructions at most; `disassemble {lines[-1].address + lines[-1].length:#x}` goes on"


@command(
    "symbols [PATTERN] [--world WORLD]",
    aliases=("sym",),
    help="list symbols whose name contains, or matches, a pattern",
    example="symbols guest_*",
)
def symbols(context: Context, pattern: str | None, world: str | None) -> Iterator[str]:
    """Capital and small letters are the same. `*` and `?` stand for any text and any character. They are the program's
    own, or with --world those of a guest.
    """
    own = None if world is None else context.debugger.worlds_known.symbols_of(context.world_to_come(world))[0]
    table = context.debugger.symbols if own is None else own
    wanted = (pattern or "").lower()
    globbing = any(c in wanted for c in "*?[")
    found = []
    for name in table.names():
        lowered = name.lower()
        if fnmatchcase(lowered, wanted) if globbing else wanted in lowered:
            found.append((table.address_of(name) or 0, name))
    if not found:
        raise CommandError(f"no symbol matches {pattern!r}" if pattern else "the machine was loaded without symbols")
    found.sort()
    for address, name in found[:LISTED]:
        yield f"{address:#018x}  {name}"
    if len(found) > LISTED:
        yield f"... and {len(found) - LISTED} more; give a narrower pattern"
