# SPDX-License-Identifier: Apache-2.0
"""Running and stopping.

The console reports every stop by itself, whoever resumed the machine, so these commands print no summary when the
console waits for the stop at its prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from cli.commands.breakpoints import event_of, place_of
from cli.context import CommandError, Context
from cli.format import clip
from cli.registry import command
from cli.stepping import finish_frame, next_line, step_line
from cli.summary import stop_summary
from cli.typed import Typed, show_value

MODES = ("M", "HS", "U", "VS", "VU")
EVENTS = {"entry": "vmentry", "vmentry": "vmentry", "exit": "vmexit", "vmexit": "vmexit"}


def settle(context: Context, timeout: float | None) -> Iterator[str]:
    """Wait for the machine to stop, at most `timeout` seconds (None: for ever), and report the stop."""
    stop = context.debugger.wait(timeout)
    if stop is not None and not context.debugger.running:
        context.reported = stop
        yield from stop_summary(context, stop)


def wait_time(context: Context) -> float | None:
    """How long a command that let the machine go waits for its stop."""
    return None if context.blocking else context.patience


@command(
    "step [N]",
    aliases=("s", "si", "stepi"),
    help="execute one instruction of the current hart, or N",
    example="step 10",
    console_only=True,
    repeats=True,
)
def step(context: Context, count: int | None) -> Iterator[str]:
    """Steps follow the hart wherever it goes: into traps, across sret into a guest and back out of it."""
    if count == 0:
        raise CommandError("step: N is at least 1")
    context.debugger.resume(hart=context.hart, steps=1 if count is None else count)
    yield from settle(context, wait_time(context))


@command(
    "next",
    aliases=("n", "ni", "nexti"),
    help="go on to the next source line, over calls (and over what a call does in guests)",
    example="next",
    console_only=True,
    repeats=True,
)
def next_(context: Context) -> Iterator[str]:
    """Without source lines, to the next instruction. A call is run to its return, also when guests run meanwhile."""
    next_line(context)
    yield from settle(context, None)


@command(
    "into",
    help="go on to another source line, into calls, traps and guests",
    example="into",
    console_only=True,
    repeats=True,
)
def into(context: Context) -> Iterator[str]:
    """As gdb's `step`. Without source lines, one instruction."""
    step_line(context)
    yield from settle(context, wait_time(context))


@command(
    "finish",
    aliases=("fin",),
    help="run until the function at pc has returned",
    example="finish",
    console_only=True,
)
def finish(context: Context) -> Iterator[str]:
    """Where it returns to is known from the call frame information, else it is taken to be in ra. What it returns is
    shown by its type.
    """
    program = context.program()
    kind = program[1].returns(context.value("pc")) if program else None
    number = finish_frame(context)
    yield from settle(context, wait_time(context))
    stop = context.debugger.stop
    if not context.debugger.running and stop.number == number and kind is not None and kind.kind in ("base", "pointer", "enum"):
        value = Typed(kind, None, context.value("a0").to_bytes(8, "little"))
        yield f"returned ({kind.name}) {show_value(context, value)}"
    _forget(context, number)


@command(
    "until PLACE",
    aliases=("advance", "runto"),
    help="run to an address, to the next VM `entry` or `exit`, or to a mode (M HS U VS VU)",
    example="until exit",
    console_only=True,
    repeats=True,
)
def until(context: Context, text: str) -> Iterator[str]:
    """An address, symbol or FILE:LINE is met in whatever world; breakpoints on the way stop the machine, too. `entry`
    and `exit` mean those of guests; causes and a world may follow: until exit load_guest_page_fault in guest2.
    """
    debugger = context.debugger
    first, *rest = text.split()
    own: dict[str, Any] = {"owner": context.front, "temporary": True, "label": "reached"}
    if first.lower() in EVENTS:
        if len(rest) == 1 and is_world(rest[0]):
            rest.insert(0, "in")
        spec, world = event_of(context, [EVENTS[first.lower()], *rest])
        number = debugger.add_catch(spec, world=world, **own).number
    elif first.upper() in MODES and not rest:
        number = debugger.add_catch(f"mode any {first.upper()}", **own).number
    else:
        number = debugger.add_breakpoint(place_of(context, text), **own).number
    try:
        debugger.resume()
        yield from settle(context, wait_time(context))
    finally:
        _forget(context, number)


def is_world(word: str) -> bool:
    """Whether a word names a guest: guest, guest2."""
    return re.fullmatch(r"guests?:?\d*", word.lower()) is not None


def _forget(context: Context, number: int) -> None:
    """Remove a temporary breakpoint that something else has forestalled. While the machine runs it stays."""
    from core.debug.target import DebugError

    with suppress(DebugError):
        if not context.debugger.running and any(p.number == number for p in context.debugger.breakpoints()):
            context.debugger.remove_breakpoint(number)


@command(
    "continue",
    aliases=("c", "cont", "run", "r"),
    help="let the machine run until something stops it",
    example="continue",
    console_only=True,
    repeats=True,
)
def continue_(context: Context) -> Iterator[str]:
    """A breakpoint, a watchpoint, a catch, the end of the program or Ctrl-C (or `stop`) stops it."""
    context.debugger.resume()
    yield from settle(context, wait_time(context))


@command(
    "stop",
    aliases=("interrupt",),
    help="stop the running machine (as Ctrl-C does)",
    example="stop",
    console_only=True,
)
def stop(context: Context) -> Iterator[str]:
    """Does nothing when the machine stands still."""
    if not context.debugger.running:
        yield "the machine stands still already"
        return
    context.debugger.interrupt()
    yield from settle(context, 2.0)


@command("reset", help="put the machine back into its state at the start, stopped", example="reset")
def reset(context: Context) -> Iterator[str]:
    """Memory is loaded anew, breakpoints stay. From gdb's monitor, `maintenance flush register-cache` should follow."""
    if context.debugger.running:
        context.debugger.interrupt()
        context.debugger.wait(2.0)
    context.debugger.reset()
    context.reported = context.debugger.stop
    yield from stop_summary(context, context.debugger.stop)


@command("hart [N]", help="show the harts, or choose the one that commands look at", example="hart 1")
def hart(context: Context, index: int | None) -> Iterator[str]:
    """Registers, CSRs, addresses and steps are those of the chosen hart."""
    debugger = context.debugger
    if index is not None:
        if index >= debugger.harts:
            last = debugger.harts - 1
            raise CommandError(f"no hart {index}; there is hart 0" + (f" to {last}" if last else " only"))
        context.hart = index
    for number in range(debugger.harts):
        mark = "*" if number == context.hart else " "
        where = debugger.place(debugger.read_register("pc", number), hart=number)
        world = debugger.current_world(number).name
        machine = debugger.machine
        stopped = machine.firmware.hart_state(number).name == "STOPPED"
        state = "  stopped (until sbi_hart_start)" if stopped else "  in WFI" if machine.harts[number].wfi else ""
        yield clip(f"{mark} hart {number}  {debugger.mode_name(number):<2}  {world:<18} {where}{state}", context.width)
