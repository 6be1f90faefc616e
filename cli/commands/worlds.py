# SPDX-License-Identifier: Apache-2.0
"""Worlds and their history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cli.context import CommandError, Context
from cli.format import clip, folded, plural, wrapped
from cli.registry import command
from cli.timeline import duration_text

if TYPE_CHECKING:
    from core.debug.target import World

SHOWN = 20
"""Events that `history` shows unless told."""
UNBROKEN = "\N{NO-BREAK SPACE}"
"""Between words that stay in one line."""
ROOT = (1 << 44) - 1
"""hgatp.PPN."""
PLACES = 10
"""Places that `stats` shows."""


@command(
    "worlds [separate|merged|auto]",
    aliases=("w",),
    help="list the host and the guests: where each is, and why",
    example="worlds",
)
def worlds(context: Context, choice: str | None) -> Iterator[str]:
    """World 1 is the host, guests follow in the order of their first entry, told apart by hgatp. Of a world that does not
    run, pc and mode are those it was left with. With a word, for gdb's `monitor`: separate makes guests inferiors of
    their own, merged shows all worlds in one inferior, auto is separate once symbols of a guest are known.
    """
    if choice is not None:
        if context.choose_worlds is None:
            raise CommandError(f"`worlds {choice}` is about gdb's inferiors: type `monitor worlds {choice}` there")
        yield from context.choose_worlds(choice)
        return
    debugger = context.debugger
    current = debugger.current_world(context.hart).number
    harts = [debugger.current_world(hart).number for hart in range(debugger.harts)]
    for world in debugger.worlds():
        mark = "*" if world.number == current else " "
        on = ", ".join(f"hart {hart}" for hart, number in enumerate(harts) if number == world.number and len(harts) > 1)
        state = f"{world.state} on {on}" if on else world.state
        yield f"{mark} {world.number}  {world.name}: {state}" + (f" ({world.why})" if world.why else "")
        yield from _where(context, world, harts)


def _where(context: Context, world: World, harts: list[int]) -> Iterator[str]:
    """Where a world is, or was left, on the chosen hart or else on one that knows."""
    from core.debug.target import DebugError

    debugger, pc, where = context.debugger, None, ""
    known = [hart for hart, number in enumerate(harts) if number == world.number]
    for hart in dict.fromkeys([*([context.hart] if context.hart in known else known), context.hart, *range(len(harts))]):
        chosen = None if harts[hart] == world.number else world.number
        try:
            pc = debugger.read_register("pc", hart, world=chosen)
            where = f"{debugger.mode_name(hart, world=chosen)}-mode at {context.place(pc, world.number)}"
            break
        except DebugError as problem:
            where = where or str(problem)
    more = f"; {plural(world.entries, 'entry').replace('entrys', 'entries')}, {plural(world.exits, 'exit')}"
    root = f"; hgatp root {(world.hgatp & ROOT) << 12:#x}" if world.number != 1 else ""
    yield from wrapped(f"{where}{more}{root}", context.width, " " * 5)
    if world.origin:
        yield from wrapped(f"symbols found in {world.origin}", context.width, " " * 5)
    elif world.number != 1 and pc is not None and not context.symbol_at(pc, world.number):
        yield f"     no symbols; `symfile guest{world.number - 1} FILE` takes them from its ELF file"


@command(
    "symfile WORLD FILE",
    help="take symbols and source lines of a world from an ELF file",
    example="symfile host examples/prebuilt/hello.elf",
)
def symfile(context: Context, which: str, file: str) -> Iterator[str]:
    """WORLD is host, guest1, guest2 ... (it need not have run yet), or guest for all guests."""
    word = which.lower().replace(":", "")
    if word == "host":
        name = "host"
    elif word in ("guest", "guest*", "guests"):
        name = "guest:*"
    elif word.startswith("guest") and word[5:].isdecimal():
        name = f"guest:{word[5:]}"
    else:
        raise CommandError(f"{which!r} names no world; possible: host, guest1, guest2 ..., guest for all")
    context.debugger.set_symbols(name, Path(file).expanduser())
    yield f"symbols of {which} from {file}"


@command(
    "history [N] [--perfetto FILE] [--svg FILE]",
    help="list the last N (20) world switches and traps, or write all that are kept to a file",
    example="history 5",
)
def history(context: Context, count: int | None, perfetto: str | None, svg: str | None) -> Iterator[str]:
    """Each line: when, what, where, and how long until the next one. When is the number of instructions retired; with
    several harts it is the time since reset, which they share. --perfetto writes a trace that ui.perfetto.dev opens, with
    a track for each hart and world; --svg a timeline picture.
    """
    from cli import timeline

    events = timeline.all_events(context.debugger)
    if perfetto is not None:
        yield _written(perfetto, timeline.perfetto(context.debugger, events), len(events))
    if svg is not None:
        yield _written(svg, timeline.svg(context.debugger, events), len(events))
    if perfetto is not None or svg is not None:
        return
    if not events:
        yield "no trap has been taken and no guest entered since reset"
        return
    shown = events[-(SHOWN if count is None else count) :] if count != 0 else []
    names = {world.number: world.name.partition(" (")[0] for world in context.debugger.worlds()}  # `worlds` has the VMIDs
    if shown:
        yield f"{timeline.moment_title(context.debugger)}  event, and how long until the next"
    for event in shown:
        what = {"entry": "enter", "exit": "exit ", "trap": "trap "}[event.kind]
        cause = "" if event.kind == "entry" else f": {event.text}"
        gpa = f", GPA {event.gpa:#x}" if event.gpa else ""
        world = 1 if event.kind == "entry" else event.world
        place = context.debugger.place(event.pc, world)
        span = f"  {duration_text(event.duration)}" if event.duration is not None else ""
        when = timeline.moment(context.debugger, event)
        where = f"at {place}{span}".replace(" ", UNBROKEN)
        for line in folded(f"{when}  {what} {names[event.world]}{cause}{gpa} {where}", context.width):
            yield line.replace(UNBROKEN, " ")
    if len(shown) < len(events):
        yield f"({len(events) - len(shown)} earlier ones are kept; history {len(events)} shows all)"


def _written(file: str, text: str, count: int) -> str:
    try:
        Path(file).expanduser().write_text(text, "utf-8")
    except OSError as problem:
        raise CommandError(f"{file}: cannot be written: {problem.strerror}") from None
    return f"{plural(count, 'event')} written to {file}"


@command("stats", help="count instructions by world, and VM exits by cause and place with their cost", example="stats")
def stats(context: Context) -> Iterator[str]:
    """Since reset. Cost: instructions of the host from an exit to the next entry. Places are those of the exits that
    history still has.
    """
    from core.debug.statistics import statistics

    debugger, names = context.debugger, context.debugger.worlds_known
    found = statistics(names, debugger.machine.harts)
    total = sum(world.retired for world in found.worlds) or 1
    yield "World                     Entries   Instructions"
    for use in found.worlds:
        yield f"{use.name:<24} {use.entries:>8,} {use.retired:>14,}  {100 * use.retired / total:>5.1f} %"
    if found.exits:
        yield "VM exits by cause                                   Count   Host instructions each"
        for exit_ in found.exits:
            name = clip(f"{names.name(exit_.world)}: {exit_.text}", 50)
            yield f"{name:<50} {exit_.count:>7,}  {exit_.average:>10,.1f}"
        yield f"VM exits by place, of the last {found.kept:,} events"
    for place in found.places[:PLACES]:
        where = f"{names.name(place.world)}, {debugger.place(place.pc, place.world)}"
        yield clip(f"{place.count:>9,}  {where}: {place.text}", context.width)
    if len(found.places) > PLACES:
        yield f"           ... and {len(found.places) - PLACES} more places"
