# SPDX-License-Identifier: Apache-2.0
"""Page tables as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.context import HOST, CommandError, Context
from cli.format import clip, plural
from cli.registry import command

if TYPE_CHECKING:
    from core.debug.maps import StageMap

FROM_TO = {"S": ("HVA", "SPA"), "VS": ("GVA", "GPA"), "G": ("GPA", "SPA")}
UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def size_text(size: int) -> str:
    """`16 KiB`, `2 MiB`."""
    for unit, name in UNITS:
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} B"


@command(
    "map [WORLD]",
    help="list all that the page tables of a world map, each stage merged to ranges",
    example="map guest",
)
def map_(context: Context, world: str | None) -> Iterator[str]:
    """WORLD is a number of `worlds`, host, guest or guest2; without one, the world the hart is in. Permissions are those
    of the leaves: rwx, u (user; every G-stage leaf needs it), g (global), a and d (accessed, dirty).
    """
    from core.debug.maps import maps_of

    number = context.debugger.current_world(context.hart).number if world is None else context.world(world)
    context.progress("reading page tables")
    stages = maps_of(context.debugger, number, context.hart)
    context.progress("")
    yield f"{context.debugger.worlds_known.name(number)}:"
    for stage in stages:
        yield from _stage(stage, context.width)


def _stage(stage: StageMap, width: int) -> Iterator[str]:
    source, target = FROM_TO[stage.stage]
    if stage.mode == "Bare":
        yield f"{stage.stage}-stage: Bare, every {source} is the {target}"
        return
    yield f"{stage.stage}-stage: {stage.mode}, root table at {stage.root:#x}, {plural(len(stage.ranges), 'range')}"
    for each in stage.ranges:
        last = each.start + each.size - 1
        span = f"{source} {each.start:#x}-{last:#x} -> {target} {each.target:#x}"
        pages = "" if each.leaf == each.size else f" in pages of {size_text(each.leaf)}"
        yield clip(f"  {span:<47} {each.flags}  {size_text(each.size)}{pages}", width)
    if not stage.complete:
        yield "  ... too many tables; do they point to each other?"


@command(
    "whomaps ADDR",
    help="list every mapping, of all worlds, that leads to a physical address",
    example="whomaps guest_data",
)
def whomaps(context: Context, address: int) -> Iterator[str]:
    """ADDR is a physical address (SPA). Found are HVAs by satp, GPAs by each guest's G-stage, GVAs by its VS-stage."""
    from core.debug.maps import who_maps

    context.progress("reading page tables")
    found = who_maps(context.debugger, address, context.hart)
    context.progress("")
    yield f"SPA {address:#x}:"
    names = {world.number: world.name for world in context.debugger.worlds()}
    for alias in found:
        yield f"  {names[alias.world]}: {FROM_TO[alias.stage][0]} {alias.address:#x}  {alias.flags}"
    host = context.debugger.read_register("satp", context.hart) >> 60
    if not host:
        yield f"  host: HVA {address:#x}, satp is Bare"
    elif not found:
        raise CommandError("nobody maps it")


@command("tlb", help="show what the TLB of the hart holds, by rights and root tables", example="tlb")
def tlb(context: Context) -> Iterator[str]:
    """Hartline's own TLB: translations found since the last fence. A real hart may hold fewer, or, without the fences it
    needs, others. `slow`: watched, decoded as code or a device, so that each access is looked at.
    """
    from core.debug.tlbs import banks

    modes = {(0, False): "U", (1, False): "HS", (3, False): "M", (0, True): "VU", (1, True): "VS"}
    worlds = {world.hgatp: world.number for world in context.debugger.worlds() if world.number != HOST}
    empty = True
    for bank in banks(context.debugger.machine.harts[context.hart]):
        if not bank.pages:
            continue
        empty = False
        roots = [f"{n}={v:#x}" for n, v in (("satp", bank.satp), ("vsatp", bank.vsatp), ("hgatp", bank.hgatp)) if v]
        now = ", in use" if bank.current else ""
        yield clip(f"{modes.get((bank.priv, bank.v), '?')}-mode {bank.access} {' '.join(roots) or 'Bare'}{now}", context.width)
        world = worlds.get(bank.hgatp) if bank.v else HOST
        for pages in bank.pages:
            slow = "  slow" if pages.slow else ""
            place = context.symbol_at(pages.start, world) if world else None
            span = f"{pages.start:#x} -> {pages.spa:#x}, {plural(pages.count, 'page')}{slow}"
            yield clip(f"  {span}" + (f"  {place}" if place else ""), context.width)
    if empty:
        yield "the TLB is empty"
