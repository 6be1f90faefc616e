# SPDX-License-Identifier: Apache-2.0
"""Breakpoints and watchpoints.

gdb and the console share one list; each sees what the other has set. They never change guest memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from cli.context import CommandError, Context
from cli.format import plural
from cli.registry import command

KINDS = {"break": "breakpoint", "watch": "write watchpoint", "rwatch": "read watchpoint", "awatch": "access watchpoint"}


def _list(context: Context) -> Iterator[str]:
    points = context.debugger.breakpoints()
    if not points:
        yield "no breakpoints; 'break ADDR' sets one"
        return
    yield "Num  What               Where                                    Hits  Owner"
    for point in points:
        what = KINDS.get(point.kind, point.kind)
        where = context.place(point.address)
        if point.kind != "break":
            where += f", {plural(point.length, 'byte')}"
        yield f"{point.number:<4} {what:<18} {where:<40} {point.hits:>4}  {point.owner}"


@command(
    "break [ADDR]",
    aliases=("b", "br"),
    help="set a breakpoint at an address or symbol; without one list them",
    example="break guest_entry",
)
def break_(context: Context, address: int | None) -> Iterator[str]:
    """The machine stops before it executes the instruction there, in whatever world it meets it."""
    if address is None:
        yield from _list(context)
        return
    point = context.debugger.add_breakpoint(address, owner=context.front)
    yield f"breakpoint {point.number} at {context.place(address)}"


@command(
    "tbreak ADDR",
    aliases=("tb",),
    help="set a breakpoint that goes away when it is hit",
    example="tbreak trap_vector",
)
def tbreak(context: Context, address: int) -> Iterator[str]:
    """As `break`, for one stop."""
    point = context.debugger.add_breakpoint(address, owner=context.front, temporary=True)
    yield f"temporary breakpoint {point.number} at {context.place(address)}"


@command("delete [NUMBER...]", aliases=("d", "del"), help="remove breakpoints by number, or all", example="delete 2")
def delete(context: Context, numbers: list[int] | None) -> Iterator[str]:
    """Without a number those of the console go; gdb's own stay until they are named."""
    points = context.debugger.breakpoints()
    known = {point.number for point in points}
    wanted = numbers if numbers is not None else [p.number for p in points if p.owner == context.front]
    if missing := [n for n in wanted if n not in known]:
        raise CommandError(f"no breakpoint {missing[0]}; 'break' lists them")
    for number in wanted:
        context.debugger.remove_breakpoint(number)
    yield f"removed {plural(len(wanted), 'breakpoint')}"


def _watch(context: Context, kind: str, address: int, length: int | None) -> Iterator[str]:
    point = context.debugger.add_watchpoint(address, 8 if length is None else length, kind, owner=context.front)
    where = context.place(address)
    yield f"{KINDS[kind]} {point.number} on {plural(point.length, 'byte')} at {where}"


@command("watch ADDR [BYTES]", help="stop when memory is written (8 bytes unless told)", example="watch guest_data 4")
def watch(context: Context, address: int, length: int | None) -> Iterator[str]:
    """Stops after the instruction that stores into the range."""
    return _watch(context, "watch", address, length)


@command("rwatch ADDR [BYTES]", help="stop when memory is read", example="rwatch guest_data 4")
def rwatch(context: Context, address: int, length: int | None) -> Iterator[str]:
    """Stops after the instruction that loads from the range."""
    return _watch(context, "rwatch", address, length)


@command("awatch ADDR [BYTES]", help="stop when memory is read or written", example="awatch guest_data")
def awatch(context: Context, address: int, length: int | None) -> Iterator[str]:
    """Stops after the instruction that loads from or stores into the range."""
    return _watch(context, "awatch", address, length)
