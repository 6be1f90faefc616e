# SPDX-License-Identifier: Apache-2.0
"""Calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cli.context import Context
from cli.format import clip, wrapped
from cli.registry import command


@command(
    "backtrace [WORLD]",
    aliases=("bt", "where"),
    help="show the calls that have led to pc, or to where a world was left",
    example="backtrace host",
)
def backtrace(context: Context, which: str | None) -> Iterator[str]:
    """While a guest runs, `bt host` shows the hypervisor's stack at its VM entry; in the trap handler `bt guest` shows the
    guest's at its exit. It follows the call frame information that compilers make with -g.
    """
    from core.debug import frames
    from core.debug.worlds import HOST

    debugger, hart = context.debugger, context.hart
    current = debugger.current_world(hart).number
    number = current if which is None else context.world(which)
    world = None if number == current else number
    names = ["pc", *debugger.register_names()[:32]]
    registers = {name: debugger.read_register(name, hart, world=world) for name in names}

    def dwarf_at(address: int) -> Any:
        program = context.program_at(address, number)
        return program[0].dwarf if program else None

    def csr(name: str) -> int:
        return debugger.read_register(name, hart, world=world)

    def load(address: int) -> int | None:
        from core.debug.target import MemoryUnreadable

        try:
            return int.from_bytes(debugger.read_memory(address, 8, hart=hart, world=world), "little")
        except MemoryUnreadable:
            return None

    if which is not None:
        yield f"{debugger.worlds_known.name(number)}:"
    found, end = frames.backtrace(dwarf_at, registers, csr, load, guest=number != HOST)
    for index, frame in enumerate(found):
        program = context.program_at(frame.site, number)
        line = program[0].line_of(frame.site) if program else None
        name = context.table(frame.site, number).lookup(frame.site)
        offset = frame.pc - frame.site + (name[1] if name else 0)
        where = " " + name[0] + (f"+{offset}" if offset else "") if name else ""
        yield clip(f"#{index:<2} {frame.pc:#x}{where}" + (f" at {line}" if line else ""), max(40, context.width))
    if end:
        known = context.place(found[-1].registers["ra"], number) if "ra" in found[-1].registers else "unknown"
        yield from wrapped(f"no further: {end}; ra is {known}", context.width)
