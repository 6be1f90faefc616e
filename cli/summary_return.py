# SPDX-License-Identifier: Apache-2.0
"""The part of a stop summary about a return from a trap that is about to be executed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.context import Context
from cli.format import columns, csr_summary, wrapped

if TYPE_CHECKING:
    from core.debug.returns import Return

RETURNS = {0x1020_0073: "sret", 0x3020_0073: "mret", 0x7020_0073: "mnret"}


def return_lines(context: Context, mode: str, pc: int) -> Iterator[str]:
    """If the instruction at pc is a return from a trap: where it will go, in what mode, and whether it can."""
    from core.debug.returns import trap_return
    from core.debug.target import DebugError

    if mode not in ("HS", "VS", "M"):
        return
    try:
        raw = context.debugger.read_memory(pc, 4, hart=context.hart)
    except DebugError:
        return
    instruction = RETURNS.get(int.from_bytes(raw, "little"))
    found = trap_return(context.debugger, context.hart) if instruction else None
    if found is not None and found.instruction == instruction:
        yield from target_lines(context, found)


def target_lines(context: Context, found: Return) -> Iterator[str]:
    """A return, in words."""
    world = context.debugger.loaded_guest(context.hart) if found.mode.startswith("V") else None
    yield f"{found.instruction}: will go to {found.mode}-mode at {context.place(found.pc, world)}"
    if found.mode.startswith("V") and not context.debugger.mode_name(context.hart).startswith("V"):
        csrs = []
        for name in ("hgatp", "vsatp", "hstatus"):
            csr = context.csr(name)
            if csr is not None:
                csrs.append(f"{name}: {csr_summary(csr, context.value(name)) or '0'}")
        yield from columns(csrs, context.width, "  ")
    if found.walk.fault is None:
        yield f"  fetch there: physical address {found.walk.spa or 0:#x}"
    else:
        yield from wrapped(f"fetch there fails: {found.walk.fault}", context.width, "  ")
    for note in (*found.notes, *found.last):
        yield from wrapped(f"note: {note}", context.width, "")
