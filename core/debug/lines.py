# SPDX-License-Identifier: Apache-2.0
"""Disassembly of memory for debuggers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.boot.symbols import SymbolTable
from core.debug import spaces
from core.debug.errors import MemoryUnreadable
from core.isa.disassemble import disassemble as in_words


@dataclass(frozen=True)
class Line:
    """One instruction: its address, raw bits (16 or 32) and length in bytes, assembly text, and the symbol it is in."""

    address: int
    raw: int
    length: int
    text: str
    symbol: str | None


def disassemble(space: spaces.Space, address: int, count: int, symbols: Callable[[int], SymbolTable]) -> list[Line]:
    """`count` instructions from `address` on; fewer where memory ends. symbols: the table for an address. Raises
    MemoryUnreadable at the first."""
    lines: list[Line] = []

    def name_of(target: int) -> str | None:
        table = symbols(target)
        return table.format(target) if table.lookup(target) else None

    while len(lines) < count:
        try:
            raw = int.from_bytes(spaces.read(space, address, 2), "little")
            length = 2 if raw & 3 != 3 else 4
            if length == 4:
                raw |= int.from_bytes(spaces.read(space, address + 2, 2), "little") << 16
        except MemoryUnreadable:
            if not lines:
                raise
            break
        lines.append(Line(address, raw, length, in_words(raw, address, name_of, space.hart.features), name_of(address)))
        address += length
    return lines
