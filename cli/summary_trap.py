# SPDX-License-Identifier: Apache-2.0
"""The part of a stop summary about a trap that has just been taken."""

from __future__ import annotations

from collections.abc import Iterator

from cli.context import Context
from cli.format import columns
from cli.remarks import remark

BANKS = {"M": ("m", 3), "HS": ("s", 1), "VS": ("vs", 5)}
"""Prefix of the trap CSRs of each mode that takes traps, and its number in history (nominal privilege, plus 4 when V=1)."""
INTERRUPT_BIT = 1 << 63


def trap_lines(context: Context, mode: str, pc: int) -> Iterator[str]:
    """If a trap is the last thing the hart has done: that trap."""
    if mode not in BANKS:
        return
    bank, taker = BANKS[mode]
    cause, vector = context.value(f"{bank}cause"), context.value(f"{bank}tvec")
    vectored = vector & 3 == 1 and cause & INTERRUPT_BIT
    if pc != (vector & ~3) + (4 * (cause & ~INTERRUPT_BIT) if vectored else 0) or not _just_taken(context, taker):
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
    yield from columns(details, context.width, "  ")


def _just_taken(context: Context, mode: int) -> bool:
    """Whether the hart has taken a trap into `mode` and executed nothing since. That pc is at the vector does not say so:
    firmware leaves stvec at the entry of what it starts. An RNMI has CSRs of its own.
    """
    from core.debug.lasttrap import LastTrap
    from core.trap.rnmi import INTERRUPT

    trap = LastTrap.of(context.debugger.machine.harts[context.hart])
    return trap is not None and trap.ago == 0 and trap.line.to_mode == mode and trap.rnmi_kind != INTERRUPT


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
