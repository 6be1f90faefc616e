# SPDX-License-Identifier: Apache-2.0
"""Address translation."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from cli.context import Context
from cli.format import csr_summary, place, walk_lines
from cli.registry import command

TABLES = {"gva": ("vsatp", "hgatp"), "gpa": ("hgatp",), "hva": ("satp",)}
"""The CSRs that point to the tables of each address space."""
ACCESS = {"r": "load", "w": "store", "x": "fetch", "ss": "shadow-stack store"}


@command(
    "translate ADDR [r|w|x|ss] [--space gva|gpa|hva] [--mode HS|U|VS|VU] [--world WORLD]",
    aliases=("tr",),
    help="walk the page tables for an address, showing every step of both stages",
    example="translate guest_data w",
)
def translate(
    context: Context, address: int, access: str | None, space: str | None, mode: str | None, world: str | None
) -> Iterator[str]:
    """Each step shows where the PTE lies, its value and its bits; the end is the physical address or the bit that is
    missing. r, w, x and ss (a push to a shadow stack) say for what access (r unless told). Without --space the address is
    what the hart would load from now; gva goes through both stages (vsatp, hgatp), gpa through the G-stage, hva through
    satp. --world takes the translation of a world that does not run now, as it was left: a number of `worlds`, host, guest
    or guest2. --mode says who makes the access, else the hart or the world as it is: pages of user mode are not for
    supervisor mode without SUM.
    """
    how, number = access or "r", None if world is None else context.world(world)
    debugger, hart = context.debugger, context.hart
    walk = debugger.translate(address, access=how, space=space or "current", hart=hart, world=number, mode=mode)
    chosen = space or ("gva" if walk.mode.startswith("V") else "hva")
    where = place(address, context.names_in(space, number)(address))
    yield f"{ACCESS[how]} at {chosen.upper()} {where}" + (f", as {walk.mode}-mode" if walk.mode else "")
    if number is not None:
        yield f"  of {debugger.worlds_known.name(number)}"
    if walk.mode == "M":
        yield "  M-mode does not translate (unless mstatus.MPRV says so)"
    else:
        for name in TABLES[chosen]:
            csr = context.csr(name)
            value = debugger.read_register(name, hart, world=number)
            yield f"  {name}: {csr_summary(csr, value) if csr else 'none'}"
    yield from walk_lines(walk, two_stages=chosen == "gva")
    if walk.fault is not None:
        cause = f"cause {walk.cause}, " if walk.cause is not None else ""
        yield from textwrap.wrap(f"fault: {cause}{walk.fault}", max(40, context.width), subsequent_indent="  ")
        return
    if chosen == "gva" and walk.gpa is not None:
        yield f"GPA {walk.gpa:#x}"
    if walk.spa is not None:
        yield f"SPA {walk.spa:#x}"


@command(
    "walk ADDR [--access r|w|x|ss] [--mode HS|U|VS|VU] [--world WORLD]",
    help="`translate` with its choices by name",
    example="walk 0x80200000 --world guest --access x",
)
def walk(context: Context, address: int, access: str | None, mode: str | None, world: str | None) -> Iterator[str]:
    """The same as `translate ADDR ACCESS`, with its options."""
    return translate(context, address, access, None, mode, world)


@command(
    "spaces", help="list the address spaces: physical, the host's, each guest's, and the tables behind them", example="spaces"
)
def spaces(context: Context) -> Iterator[str]:
    """`x`, `dump` and `poke` reach each with --space and --world, `translate` walks its tables."""
    ram = context.debugger.machine.ram
    yield f"spa  physical: RAM {ram.base:#x} to {ram.base + ram.size - 1:#x}, devices"
    for world in context.debugger.worlds():
        for name in ("hva",) if world.number == 1 else ("gpa", "gva"):
            stages = (_stage(context, csr, world.number) for csr in TABLES[name])
            yield f"{name}  {world.name}: {', then '.join(stages)}"


def _stage(context: Context, name: str, world: int) -> str:
    """A stage's CSR as a world has it or was left with it."""
    from core.debug.target import UnknownRegister

    csr = context.csr(name)
    try:
        value = context.debugger.read_register(name, context.hart, world=world)
    except UnknownRegister:
        return f"{name} not known"
    return f"{name} {csr_summary(csr, value) if csr else 'none'}"
