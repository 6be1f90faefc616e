# SPDX-License-Identifier: Apache-2.0
"""Address translation."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from cli.commands.machine import csr_in_short
from cli.context import Context
from cli.format import walk_lines
from cli.registry import command

TABLES = {"gva": ("vsatp", "hgatp"), "gpa": ("hgatp",), "hva": ("satp",)}
"""The CSRs that point to the tables of each address space."""
ACCESS = {"r": "load", "w": "store", "x": "fetch"}


@command(
    "translate ADDR [r|w|x] [--space gva|gpa|hva]",
    aliases=("tr",),
    help="walk the page tables for an address, showing every step of both stages",
    example="translate guest_data w",
)
def translate(context: Context, address: int, access: str | None, space: str | None) -> Iterator[str]:
    """Each step shows where the PTE lies, its value and its bits; the end is the physical address or the bit that is
    missing. r, w and x say for what access (r unless told). Without --space the address is what the hart would load
    from now; gva goes through both stages (vsatp, hgatp), gpa through the G-stage, hva through satp.
    """
    how = access or "r"
    walk = context.debugger.translate(address, access=how, space=space or "current", hart=context.hart)
    chosen = space or ("gva" if context.debugger.mode_name(context.hart).startswith("V") else "hva")
    yield f"{ACCESS[how]} at {chosen.upper()} {context.place(address)}"
    if context.debugger.mode_name(context.hart) == "M" and space is None:
        yield "  M-mode does not translate (unless mstatus.MPRV says so)"
    else:
        for name in TABLES[chosen]:
            yield f"  {name}: {csr_in_short(context, name)}"
    yield from walk_lines(walk, two_stages=chosen == "gva")
    if walk.fault is not None:
        number = f"cause {walk.cause}, " if walk.cause is not None else ""
        yield from textwrap.wrap(f"fault: {number}{walk.fault}", max(40, context.width), subsequent_indent="  ")
        return
    if chosen == "gva" and walk.gpa is not None:
        yield f"GPA {walk.gpa:#x}"
    if walk.spa is not None:
        yield f"SPA {walk.spa:#x}"
