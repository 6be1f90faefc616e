# SPDX-License-Identifier: Apache-2.0
"""Address translation."""

from __future__ import annotations

from collections.abc import Iterator

from cli.commands.machine import csr_in_short
from cli.commands.memory import symbol_lookup
from cli.context import Context
from cli.format import pte_bits, place
from cli.registry import command

ACCESS = {"r": "load", "w": "store", "x": "fetch"}


@command(
    "translate ADDR [r|w|x] [--space gva|gpa|hva]",
    aliases=("tr",),
    help="walk the page tables for an address, showing every step of both stages",
    example="translate 0x80400000 w",
)
def translate(context: Context, address: int, access: str | None, space: str | None) -> Iterator[str]:
    """Each step shows where the PTE lies, its value and its bits; the end is the physical address or the bit that is
    missing. r, w and x say for what access (r unless told). Without --space the address is what the hart would load
    from now; gva goes through both stages (vsatp, hgatp), gpa through the G-stage, hva through satp.
    """
    how = access or "r"
    walk = context.debugger.translate(address, access=how, space=space or "current", hart=context.hart)
    chosen = space or ("gva" if context.debugger.mode_name(context.hart).startswith("V") else "hva")
    tables = {"gva": ("vsatp", "hgatp"), "gpa": ("hgatp",), "hva": ("satp",)}[chosen]
    shown = place(address, symbol_lookup(context)(address))
    yield f"{ACCESS[how]} at {chosen.upper()} {shown}"
    for name in tables:
        yield f"  {name}: {csr_in_short(context, name)}"
    for step in walk.steps:
        indent = "    " if step.stage == "G" and chosen == "gva" else "  "
        mark = "" if step.ok else "  <-- fails here"
        yield (
            f"{indent}{step.stage:<2} level {step.level}  PTE at {step.pte_address:#x} = {step.pte:#018x}"
            f"  {pte_bits(step.pte)}{mark}"
        )
        if step.text:
            yield f"{indent}   {step.text}"
    if walk.fault is not None:
        number = f"cause {walk.cause}, " if walk.cause is not None else ""
        yield f"fault: {number}{walk.fault}"
        return
    if chosen == "gva" and walk.gpa is not None:
        yield f"GPA {walk.gpa:#x}"
    if walk.spa is not None:
        yield f"SPA {walk.spa:#x}"
