# SPDX-License-Identifier: Apache-2.0
"""Breakpoints and watchpoints.

gdb and the console share one list; each sees what the other has set. They never change guest memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.context import HOST, CommandError, Context
from cli.expression import ExpressionError
from cli.format import plural
from cli.points import point_words, split_hits, world_number
from cli.registry import command

if TYPE_CHECKING:
    from core.debug.target import Breakpoint

KINDS = {"break": "breakpoint", "watch": "write watchpoint", "rwatch": "read watchpoint", "awatch": "access watchpoint"}
ADDRESS_BEHIND = {"gpa": 1, "csr": 2}
"""Events with numbers that can be addresses, and how many of their words stand before those."""


def _list(context: Context) -> Iterator[str]:
    points = context.debugger.breakpoints()
    if not points:
        yield "no breakpoints; 'break ADDR' sets one"
        return
    rows = []
    for point in points:
        what = KINDS.get(point.kind, point.kind)
        where = getattr(point, "text", "") or _place(context, point.address, point.space, point.world)
        if point.kind in ("watch", "rwatch", "awatch"):
            where += f", {plural(point.length, 'byte')}"
        where += _words(context, point)
        rows.append((point, what, where))
    kind = max(len("What"), *(len(what) for _, what, _ in rows))
    wide = max(len("Where"), *(len(where) for *_, where in rows))
    yield f"Num  {'What':<{kind}}  {'Where':<{wide}}  Hits  Owner"
    for point, what, where in rows:
        yield f"{point.number:<4} {what:<{kind}}  {where:<{wide}}  {point.hits:>4}  {point.owner}"


@command(
    "break [PLACE]",
    aliases=("b", "br"),
    help="set a breakpoint at an address, symbol or FILE:LINE; without one list them",
    example="break guest_entry",
)
def break_(context: Context, text: str | None) -> Iterator[str]:
    """The machine stops before it executes the instruction there, in whatever world it meets it. Behind the place may
    stand `in WORLD`, `on hart N`, `ignore N` (let so many hits pass), `once` and last `if EXPR`: break trap_vector in
    host if $scause == 21.
    """
    if text is None:
        yield from _list(context)
        return
    yield from _set(context, text, temporary=False)


def _set(context: Context, text: str, temporary: bool) -> Iterator[str]:
    place, hits = split_hits(context, text)
    address = place_of(context, place, hits.world)
    temporary = temporary or hits.once
    point = context.debugger.add_breakpoint(
        address,
        owner=context.front,
        world=hits.world,
        hart=hits.hart,
        condition=hits.condition,
        ignore=hits.ignore,
        temporary=temporary,
    )
    kind = "temporary breakpoint" if temporary else "breakpoint"
    yield f"{kind} {point.number} at {named(context, address, hits.world)}{_words(context, point, once=False)}"


def _place(context: Context, address: int, space: str, world: int | None) -> str:
    return named(context, address, world) if space == "virtual" else f"{space.upper()} {address:#x}"


def named(context: Context, address: int, world: int | None) -> str:
    """A breakpoint's address in words: by the symbols of its world; of any world, by those of the world the hart is in or
    else of the first that has one there, which is named. Those of a guest that is still to come are taken to be the
    program's.
    """
    known = context.debugger.worlds_known
    if world is not None and world not in known.numbers() and known.symbols_of(world)[0] is None:
        world = HOST
    if world is not None or context.symbol_at(address):
        return context.place(address, world)
    found = ((number, context.symbol_at(address, number)) for number in known.numbers())
    return next((f"{address:#x} <{name} of {known.name(each)}>" for each, name in found if name), f"{address:#x}")


def _words(context: Context, point: Breakpoint, *, once: bool = True) -> str:
    """What narrows a point; of a virtual address also that nothing does, where worlds have programs of their own."""
    several = any(number != HOST for number in context.debugger.worlds_known.symbols)
    anywhere = several and point.world is None and point.kind != "catch" and point.space == "virtual"
    return (", in any world" if anywhere else "") + point_words(context, point, once=once)


def place_of(context: Context, text: str, world: int | None = None) -> int:
    """The address meant by an expression, or by FILE:LINE, LINE behind a colon or *ADDR as gdb writes them; names are
    those of `world`, None: of the world the hart is in, and of others for what is not there.
    """
    from core.debug.places import file_line, line_address

    text = text.strip()
    context.names_of = world
    try:
        if line := file_line(text):
            return line_address((sources for sources, _ in context.programs(world)), *line)
        return context.evaluate(text.removeprefix("*"))
    except ExpressionError as problem:
        raise CommandError(str(problem)) from None
    finally:
        context.names_of = None


@command(
    "tbreak PLACE",
    aliases=("tb",),
    help="set a breakpoint that goes away when it is hit",
    example="tbreak trap_vector",
)
def tbreak(context: Context, text: str) -> Iterator[str]:
    """As `break`, for one stop."""
    yield from _set(context, text, temporary=True)


@command(
    "catch [SPEC]",
    help="stop at an event: VM entry or exit, trap, interrupt, mode change, CSR access, SBI call, fence; or list them",
    example="catch vmexit load_guest_page_fault",
)
def catch(context: Context, text: str | None) -> Iterator[str]:
    """The machine stops after the event: at the handler's or the guest's first instruction, or behind the CSR
    instruction. `gpa START END` are guest page faults at an address from START to END, both included (START alone: 8
    bytes). Without SPEC the events are listed. At its end may stand `in WORLD` (where the event began; guest2 may be
    entered later), `on hart N`, `ignore N` (let so many pass), `once`, and last `if EXPR` (when it is not 0).
    """
    from core.debug.specs import FORMS, GPA_BYTES

    if text is None:
        yield "catch what?"
        for form in FORMS.values():
            yield f"  catch {form}"
        yield "CAUSE is a number or a name such as load_guest_page_fault, sti; `break` lists what is set"
        yield f"START, END: first and last address; START alone: {GPA_BYTES} bytes"
        return
    what, hits = split_hits(context, text)
    point = context.debugger.add_catch(
        event_of(context, what.split())[0],
        owner=context.front,
        world=hits.world,
        hart=hits.hart,
        condition=hits.condition,
        ignore=hits.ignore,
        temporary=hits.once,
    )
    yield f"catch {point.number}: {point.text}{hits.words(context)}"


def event_of(context: Context, words: list[str]) -> tuple[str, int | None]:
    """(event, world) out of words that may end in `in WORLD`."""
    world = None
    if len(words) > 2 and words[-2] == "in":
        world = world_number(context, words[-1])
        words = words[:-2]
    csr = "".join(words[1:2]) if words[0] == "csr" else ""
    named = "." in csr or csr.lower().endswith("cause")  # its values have words of their own
    kept = len(words) if named else ADDRESS_BEHIND.get(words[0], len(words))
    return " ".join([*words[:kept], *(_address(context, word) for word in words[kept:])]), world


def _address(context: Context, word: str) -> str:
    """A symbol's address in the place of its name, where an event wants one."""
    address = None if word in ("read", "write") else context.symbol(word)
    return word if address is None else f"{address:#x}"


@command("delete [NUMBER...]", aliases=("d", "del"), help="remove breakpoints by number, or all", example="delete 2")
def delete(context: Context, numbers: list[int] | None) -> Iterator[str]:
    """Without a number those go that were set here: in the console, or by monitor commands. gdb's own are deleted in gdb,
    which would set them again.
    """
    from core.debug.stops import GDB

    owners = {point.number: point.owner for point in context.debugger.breakpoints()}
    wanted = numbers if numbers is not None else [number for number, owner in owners.items() if owner == context.front]
    for number in wanted:
        if number not in owners:
            raise CommandError(f"no breakpoint {number}; 'break' lists them")
        if owners[number] == GDB:
            raise CommandError(f"breakpoint {number} is gdb's own: delete it there ('info breakpoints' has its number)")
    for number in wanted:
        context.debugger.remove_breakpoint(number)
    yield f"removed {plural(len(wanted), 'breakpoint')}"


def _watch(
    context: Context, kind: str, address: int, length: int | None, space: str | None, world: str | None
) -> Iterator[str]:
    number = None if world is None else world_number(context, world)
    point = context.debugger.add_watchpoint(
        address, 8 if length is None else length, kind, owner=context.front, space=space or "virtual", world=number
    )
    where = _place(context, address, point.space, number)
    yield f"{KINDS[kind]} {point.number} on {plural(point.length, 'byte')} at {where}{_words(context, point)}"


@command(
    "watch ADDR [BYTES] [--space gpa|spa] [--world WORLD]",
    help="stop when memory is written (8 bytes unless told)",
    example="watch guest_data 4",
)
def watch(context: Context, address: int, length: int | None, space: str | None, world: str | None) -> Iterator[str]:
    """Stops after the instruction that stores into the range. The address is virtual; with --space it is guest-physical
    or physical, and whoever writes there is caught, under whatever virtual address. --world: in one world only.
    """
    return _watch(context, "watch", address, length, space, world)


@command(
    "rwatch ADDR [BYTES] [--space gpa|spa] [--world WORLD]",
    help="stop when memory is read",
    example="rwatch guest_data 4",
)
def rwatch(context: Context, address: int, length: int | None, space: str | None, world: str | None) -> Iterator[str]:
    """Stops after the instruction that loads from the range. Options as for `watch`."""
    return _watch(context, "rwatch", address, length, space, world)


@command(
    "awatch ADDR [BYTES] [--space gpa|spa] [--world WORLD]",
    help="stop when memory is read or written",
    example="awatch guest_data",
)
def awatch(context: Context, address: int, length: int | None, space: str | None, world: str | None) -> Iterator[str]:
    """Stops after the instruction that loads from or stores into the range. Options as for `watch`."""
    return _watch(context, "awatch", address, length, space, world)
