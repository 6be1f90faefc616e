# SPDX-License-Identifier: Apache-2.0
"""What is told after each stop: mode and world, why, where, the instruction there, and a trap just taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.context import Context
from cli.format import clip, code_line
from cli.remarks import remark
from cli.state import look

if TYPE_CHECKING:
    from core.debug.target import Stop

BANKS = {"M": "m", "HS": "s", "VS": "vs"}
"""Prefix of the trap CSRs of each mode that takes traps."""
INTERRUPT_BIT = 1 << 63


def stop_summary(context: Context, stop: Stop) -> Iterator[str]:
    """Lines about `stop`, and about the hart it happened on, which becomes the context's hart."""
    from core.debug.target import DebugError, StopKind

    if stop.kind is StopKind.EXITED:
        yield stop.text
        return
    context.hart = stop.hart
    try:
        state = look(context)
        hart = f"hart {stop.hart}, " if context.debugger.harts > 1 else ""
        yield clip(f"{hart}{state.mode}-mode, {state.world}: {stop.text}", max(context.width, 40) * 2)
        yield from trap_lines(context, state.mode, state.pc)
        yield from instruction_at(context, state.pc)
    except DebugError as problem:  # resumed by somebody meanwhile
        yield f"{stop.text} ({problem})"


def instruction_at(context: Context, pc: int) -> Iterator[str]:
    """The instruction at pc, or why there is none to see."""
    from core.debug.target import DebugError

    try:
        lines = context.debugger.disassemble(pc, 1, hart=context.hart)
    except DebugError as problem:
        yield f"=> {pc:#x}: {problem}"
        return
    for line in lines[:1]:
        yield code_line(line, at_pc=True, width=context.width)


def trap_lines(context: Context, mode: str, pc: int) -> Iterator[str]:
    """If the hart stands at its trap vector: the trap it has just taken."""
    bank = BANKS.get(mode)
    if bank is None:
        return
    cause, vector = context.value(f"{bank}cause"), context.value(f"{bank}tvec")
    base = vector & ~3
    vectored = vector & 3 == 1 and cause & INTERRUPT_BIT
    if base == 0 or pc != base + (4 * (cause & ~INTERRUPT_BIT) if vectored else 0):
        return
    epc, value = context.value(f"{bank}epc"), context.value(f"{bank}tval")
    number = cause & ~INTERRUPT_BIT
    kind = "interrupt" if cause & INTERRUPT_BIT else "cause"
    came = trap_origin(context, bank)
    yield f"trap: {remark('scause', cause, context.symbol_at)} ({bank}cause: {kind} {number})"
    yield f"  from {came}-mode at {context.place(epc)} ({bank}epc)"
    details = [f"{bank}tval={value:#x}"]
    if bank != "vs":
        gpa, instruction = ("htval", "htinst") if bank == "s" else ("mtval2", "mtinst")
        if number in (20, 21, 23) and not cause & INTERRUPT_BIT:
            fault = (context.value(gpa) << 2) | (value & 3)
            yield f"  guest physical address {fault:#x} ({gpa} << 2)"
        if inst := context.value(instruction):
            words = remark("htinst", inst, context.symbol_at)
            details.append(f"{instruction}={inst:#x}" + (f" ({words})" if words else ""))
        if bank == "s":
            flags = [n for n in ("SPV", "SPVP", "GVA") if context.field(f"hstatus.{n}")]
            details.append("hstatus: " + (" ".join(flags) or "SPV=0"))
    yield "  " + "  ".join(details)


def trap_origin(context: Context, bank: str) -> str:
    """The mode a trap came from, by what the trap entry left in the status CSRs."""
    if bank == "vs":
        return "VS" if context.field("vsstatus.SPP") else "VU"
    if bank == "s":
        supervisor, virtual = context.field("sstatus.SPP"), context.field("hstatus.SPV")
    else:
        previous = context.field("mstatus.MPP")
        if previous == 3:
            return "M"
        supervisor, virtual = previous == 1, context.field("mstatus.MPV")
    if virtual:
        return "VS" if supervisor else "VU"
    return "HS" if supervisor else "U"
