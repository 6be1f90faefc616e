# SPDX-License-Identifier: Apache-2.0
"""Steps by source line and by function, made of the debugger's ranges and temporary breakpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.context import CommandError, Context

if TYPE_CHECKING:
    from core.debug.target import Condition, Debugger, Stop

ROUNDS = 10_000
"""Calls passed over at most within one line."""


def line_range(context: Context, pc: int) -> tuple[int, int] | None:
    """The code of the source line at pc, None where no line is known."""
    program = context.program()
    line = program[0].line_of(pc) if program else None
    return (line.start, line.end) if line and line.start <= pc < line.end else None


def step_line(context: Context) -> None:
    """Let the hart go to another line, wherever that is."""
    pc = context.value("pc")
    here = line_range(context, pc)
    if here is None:
        context.debugger.resume(hart=context.hart, steps=1)
    else:
        context.debugger.resume(hart=context.hart, step_range=here)


def next_line(context: Context) -> None:
    """Go to the next line of this function or of its caller. Returns when the last run has begun or is over."""
    start, sp = context.value("pc"), context.value("sp")
    here = line_range(context, start)
    mode = context.debugger.mode_name(context.hart)
    for _ in range(ROUNDS):
        pc = context.value("pc")
        back = _call(context, pc)
        if back is not None:
            stop = _run_to(context, back, sp)
            if not _arrived(stop, back):
                return
        elif mode != "VS" and mode != "VU" and _is_entry(context, pc):
            context.debugger.resume(hart=context.hart, steps=1)  # into the guest: that is where it goes on
            return
        else:
            context.debugger.resume(hart=context.hart, steps=1)
            stop = context.debugger.wait(None)
            if stop is None or stop.kind.name != "STEP":
                return
        pc = context.value("pc")
        if here is None or not here[0] <= pc < here[1]:
            other = line_range(context, pc)
            if here is None or other is None or other[0] == pc or not _same_function(context, start, pc):
                return
            here = other


def _same_function(context: Context, one: int, other: int) -> bool:
    first, second = context.table(one).lookup(one), context.table(other).lookup(other)
    return first is not None and second is not None and one - first[1] == other - second[1]


def _text(context: Context, pc: int) -> tuple[str, int]:
    line = context.debugger.disassemble(pc, 1, hart=context.hart)[0]
    return line.text, line.length


def _is_entry(context: Context, pc: int) -> bool:
    return _text(context, pc)[0] == "sret" and bool(context.field("hstatus.SPV"))


def _call(context: Context, pc: int) -> int | None:
    """Where a call at pc returns to, None if there is no call: a jump that leaves its return address in ra."""
    text, length = _text(context, pc)
    name, _, operands = text.partition(" ")
    first = operands.partition(",")[0]
    known = name in ("call", "jal", "jalr", "c.jalr")
    if known and (first == "ra" or "," not in operands or name in ("call", "c.jalr")):
        return pc + length
    return None


def _run_to(context: Context, address: int, sp: int) -> Stop | None:
    """Run until this hart and frame come to an address, or something else stops the machine."""
    hart, debugger = context.hart, context.debugger
    world = debugger.current_world(hart).number

    def same_frame(other: Debugger, number: int) -> bool:
        return number == hart and other.read_register("sp", number) >= sp

    return _with_breakpoint(context, address, same_frame, world)


def _with_breakpoint(context: Context, address: int, condition: Condition, world: int) -> Stop | None:
    from core.debug.target import DebugError

    debugger = context.debugger
    point = debugger.add_breakpoint(
        address, owner=context.front, temporary=True, world=world, condition=condition, label="stepped to"
    )
    debugger.resume()
    try:
        return debugger.wait(None)
    finally:
        try:
            if any(each.number == point.number for each in debugger.breakpoints()):
                debugger.remove_breakpoint(point.number)
        except DebugError:
            debugger.interrupt()


def _arrived(stop: Stop | None, address: int) -> bool:
    return stop is not None and stop.kind.name == "BREAKPOINT" and stop.pc == address


def finish_frame(context: Context) -> int:
    """Let the machine run until the function at pc returns; the number of the temporary breakpoint there."""
    from core.debug.dwarf_places import canonical_frame, return_address
    from core.debug.target import MachineEnded

    pc, program, frame = context.value("pc"), context.program(), None
    target: int | None = context.value("ra")
    if program is not None and program[0].dwarf is not None:
        dwarf = program[0].dwarf
        place, value = return_address(dwarf, pc, context.value)
        frame = canonical_frame(dwarf, pc, context.value)
        if place is not None:
            target = context.load(place)
        elif value is not None:
            target = value
    if not target:
        raise CommandError("the function at pc has nowhere to return to (ra is 0)")
    hart, world = context.hart, context.debugger.current_world(context.hart).number
    least = frame or context.value("sp")

    def returned(other: Debugger, number: int) -> bool:
        return number == hart and other.read_register("sp", number) >= least

    found = context.table(pc).lookup(pc)
    label = f"{found[0] if found else 'the function'} has returned to"
    point = context.debugger.add_breakpoint(
        target, owner=context.front, temporary=True, world=world, condition=returned, label=label
    )
    try:
        context.debugger.resume()
    except MachineEnded:
        context.debugger.remove_breakpoint(point.number)
        raise
    return point.number
