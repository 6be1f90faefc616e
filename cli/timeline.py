# SPDX-License-Identifier: Apache-2.0
"""World switches and traps for other programs: a trace for ui.perfetto.dev and a timeline picture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from core.debug.history import Switch
    from core.debug.target import Debugger

UNIT = 1e-8
"""Seconds of a unit of time: one instruction."""
MOMENT = 10
"""Columns for a number of instructions."""
MARGIN, LANE, WIDTH, TEXT = 150, 26, 1000, 12
COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#eeca3b", "#9d755d")
TRAP_COLOUR = "#c00000"


def all_events(debugger: Debugger) -> list[Switch]:
    """All that is kept, of all harts, by time."""
    from core.debug.history import switches

    found = [each for hart in debugger.machine.harts for each in switches(debugger.worlds_known, hart)]
    return sorted(found, key=lambda each: each.units)


def duration_text(units: int) -> str:
    """Units of 10 ns as time."""
    seconds = units * UNIT
    for scale, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {name}"
    return f"{units * 10} ns"


def moment(debugger: Debugger, event: Switch) -> str:
    """When, and with several harts on which: by the clock they share, as each counts instructions of its own."""
    if debugger.harts == 1:
        return f"{event.retired:>{MOMENT},}"
    return f"{event.units / 100:>{MOMENT + 4},.2f}  hart {event.hart}"


def moment_title(debugger: Debugger) -> str:
    """What the column that `moment` makes says."""
    return f"{'retired':>{MOMENT}}" if debugger.harts == 1 else f"{'time (us)':>{MOMENT + 4}}  hart  "


def spans(debugger: Debugger, events: list[Switch]) -> list[tuple[int, int, int, int, str]]:
    """(hart, world, begin, end, why it ended), in units: which world ran when, as far as the events tell."""
    found = []
    for hart in range(debugger.harts):
        mine = [event for event in events if event.hart == hart and event.kind != "trap"]
        state = debugger.machine.harts[hart]
        now = debugger.retired(hart) + int(state.idle)
        for index, event in enumerate(mine):
            world = event.world if event.kind == "entry" else 1
            following = mine[index + 1] if index + 1 < len(mine) else None
            end = following.units if following else max(now, event.units)
            why = following.text if following and following.kind == "exit" else ""
            found.append((hart, world, event.units, end, why))
    return found


def perfetto(debugger: Debugger, events: list[Switch]) -> str:
    """Chrome's trace format (JSON): a process for each hart, a track for each world, traps as instants."""
    names = {world.number: world.name for world in debugger.worlds()}
    out: list[dict[str, Any]] = []

    def microseconds(units: int) -> float:
        return units * UNIT * 1e6

    for hart in range(debugger.harts):
        out.append({"ph": "M", "pid": hart, "name": "process_name", "args": {"name": f"hart {hart}"}})
        for number, name in names.items():
            out.append({"ph": "M", "pid": hart, "tid": number, "name": "thread_name", "args": {"name": name}})
    for hart, world, begin, end, why in spans(debugger, events):
        span = {"ph": "X", "pid": hart, "tid": world, "name": names[world], "ts": microseconds(begin)}
        out.append(span | {"dur": microseconds(end - begin), "args": {"ended by": why} if why else {}})
    for event in events:
        if event.kind == "entry":
            continue
        world = event.world
        details = {"pc": f"{event.pc:#x}", "at": debugger.place(event.pc, world), "retired": event.retired}
        if event.gpa:
            details["GPA"] = f"{event.gpa:#x}"
        instant = {"ph": "i", "s": "t", "pid": event.hart, "tid": world, "name": event.text, "ts": microseconds(event.units)}
        out.append(instant | {"args": details})
    return json.dumps({"displayTimeUnit": "ns", "traceEvents": out}, indent=1)


def svg(debugger: Debugger, events: list[Switch]) -> str:
    """A timeline: a lane for each hart and world, a bar where it ran, a mark for each trap."""
    worlds = debugger.worlds()
    lanes = {(hart, world.number): i for i, (hart, world) in enumerate((h, w) for h in range(debugger.harts) for w in worlds)}
    first = events[0].units if events else 0
    ran = spans(debugger, events)
    last = max([first + 1, *(end for *_, end, _ in ran)])
    scale = WIDTH / (last - first)
    height = LANE * (len(lanes) + 2)

    def x(units: int) -> float:
        return MARGIN + (units - first) * scale

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{MARGIN + WIDTH + 20}" height="{height}" '
        f'font-family="sans-serif" font-size="{TEXT}">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for (hart, number), lane in lanes.items():
        name = next(world.name for world in worlds if world.number == number)
        label = f"hart {hart}, {name}" if debugger.harts > 1 else name
        parts.append(f'<text x="8" y="{LANE * lane + 18}">{escape(label)}</text>')
    for hart, number, begin, end, why in ran:
        lane, colour = lanes[hart, number], COLOURS[(number - 1) % len(COLOURS)]
        title = f"{duration_text(end - begin)}" + (f", ended by {why}" if why else "")
        parts.append(
            f'<rect x="{x(begin):.2f}" y="{LANE * lane + 6}" width="{max(0.5, (end - begin) * scale):.2f}" '
            f'height="{LANE - 10}" fill="{colour}"><title>{escape(title)}</title></rect>'
        )
    for event in events:
        if event.kind == "entry":
            continue
        lane, at = lanes[event.hart, event.world], x(event.units)
        title = f"{event.text} at {debugger.place(event.pc, event.world)}"
        parts.append(
            f'<line x1="{at:.2f}" x2="{at:.2f}" y1="{LANE * lane + 2}" y2="{LANE * (lane + 1) - 2}" stroke="{TRAP_COLOUR}" '
            f'stroke-width="0.7"><title>{escape(title)}</title></line>'
        )
    bottom = LANE * len(lanes) + 20
    parts.append(f'<text x="{MARGIN}" y="{bottom}">{duration_text(first)} after reset</text>')
    parts.append(f'<text x="{MARGIN + WIDTH}" y="{bottom}" text-anchor="end">{duration_text(last)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
