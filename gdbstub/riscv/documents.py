# SPDX-License-Identifier: Apache-2.0
"""What gdb's `info os` lists: the worlds, as tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from core.debug.target import Debugger
from core.debug.worlds import HOST, World

HOST_INFO: Final = {
    "triple": b"riscv64-unknown-unknown-elf".hex(),
    "endian": "little",
    "ptrsize": "8",
    "watchpoint_exceptions_received": "after",
}
"""LLDB's qHostInfo."""

Row = Sequence[tuple[str, str]]


def table(kind: str, rows: Iterable[Row]) -> bytes:
    """An osdata document of rows of (column, value)."""
    lines = ['<?xml version="1.0"?>', '<!DOCTYPE target SYSTEM "osdata.dtd">', f"<osdata type={quoteattr(kind)}>"]
    for row in rows:
        columns = "".join(f"<column name={quoteattr(name)}>{escape(value)}</column>" for name, value in row)
        lines.append(f"<item>{columns}</item>")
    return "\n".join([*lines, "</osdata>"]).encode()


def osdata(debugger: Debugger, annex: str, inferiors: Collection[int]) -> bytes | None:
    """The table of that name; the empty name is the table of tables. inferiors: those gdb has; other worlds are seen through
    the host's."""
    if annex == "":
        return table("types", [(("Type", "worlds"), ("Description", "The host and its guests"), ("Title", "Worlds"))])
    if annex == "worlds":
        worlds = [debugger.worlds_known.describe(number) for number in debugger.worlds_known.numbers()]
        return table("worlds", [_world(each, each.number if each.number in inferiors else HOST) for each in worlds])
    return None


def _world(world: World, inferior: int) -> Row:
    return (
        ("inferior", str(inferior)),
        ("world", world.name),
        ("vmid", "" if world.vmid is None else str(world.vmid)),
        ("hgatp", "" if world.number == HOST else f"{world.hgatp:#x}"),
        ("state", world.state),
        ("why", world.why),
        ("entries", str(world.entries)),
        ("exits", str(world.exits)),
        ("program", str(world.elf or "")),
    )
