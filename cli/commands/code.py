# SPDX-License-Identifier: Apache-2.0
"""Code and symbols."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from cli.context import CommandError, Context
from cli.format import code_line
from cli.registry import command

LISTED = 200
"""Symbols that `symbols` prints before it asks for a narrower pattern."""


def code_lines(context: Context, address: int, count: int) -> Iterator[str]:
    """`count` instructions from `address` on, the one at pc marked."""
    pc = context.debugger.read_register("pc", context.hart)
    for line in context.debugger.disassemble(address, count, hart=context.hart):
        yield code_line(line, at_pc=line.address == pc, width=context.width)


@command(
    "disassemble [ADDR] [N]",
    aliases=("disas", "u"),
    help="show N instructions (10) from an address or symbol, or from pc",
    example="disassemble guest_main 20",
    repeats=True,
)
def disassemble(context: Context, address: int | None, count: int | None) -> Iterator[str]:
    """Reads the hart's current address space: guest code while a guest runs."""
    if address is None:
        address = context.debugger.read_register("pc", context.hart)
    yield from code_lines(context, address, 10 if count is None else max(1, min(count, 1000)))


@command(
    "symbols [PATTERN]",
    aliases=("sym",),
    help="list symbols whose name contains, or matches, a pattern",
    example="symbols guest_*",
)
def symbols(context: Context, pattern: str | None) -> Iterator[str]:
    """Capital and small letters are the same. `*` and `?` stand for any text and any character."""
    table = context.debugger.symbols
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
