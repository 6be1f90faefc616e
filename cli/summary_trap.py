# SPDX-License-Identifier: Apache-2.0
"""The part of a stop summary about a trap that has just been taken: shown at the trap vector."""

from __future__ import annotations

from collections.abc import Iterator

from cli.context import Context
from cli.remarks import remark

BANKS = {"M": "m", "HS": "s", "VS": "vs"}
"""Prefix of the trap CSRs of each mode that takes traps."""
INTERRUPT_BIT = 1 << 63


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
    world = context.debugger.loaded_guest(context.hart) if came.startswith("V") and bank != "vs" else None
    yield f"  from {came}-mode at {context.place(epc, world)} ({bank}epc)"
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
