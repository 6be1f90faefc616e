# SPDX-License-Identifier: Apache-2.0
"""Symbols of programs: from a name to its address and from an address to the nearest name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

NESTING = 16
"""How many symbols back a lookup searches for one that reaches as far as the address."""


class SymbolKind(Enum):
    """What a symbol names."""

    FUNCTION = "function"
    OBJECT = "object"
    LABEL = "label"
    CONSTANT = "constant"


@dataclass(frozen=True)
class Symbol:
    """A symbol: its (virtual) address, its size in bytes (0: not stated), its kind, whether it is global.

    end: just behind what an address may be described as belonging to it: its own end or, without a size, its section's.
    """

    name: str
    address: int
    size: int = 0
    kind: SymbolKind = SymbolKind.LABEL
    is_global: bool = False
    end: int = 0


def _rank(symbol: Symbol) -> tuple[int, bool, bool, bool, bool]:
    """Order by address; among symbols at one address the most telling last: what begins there before what ends there."""
    begins = not symbol.name.endswith("end")
    return (symbol.address, symbol.kind is SymbolKind.FUNCTION, begins, symbol.is_global, symbol.size > 0)


class SymbolTable:
    """Symbols of one or several programs. Constants are found by name only."""

    def __init__(self, symbols: Iterable[Symbol] = ()) -> None:
        self.symbols = tuple(sorted(symbols, key=_rank))
        """All symbols, by ascending address."""
        self._by_name: dict[str, Symbol] = {}
        for symbol in self.symbols:
            known = self._by_name.get(symbol.name)
            if known is None or symbol.is_global or not known.is_global:
                self._by_name[symbol.name] = symbol
        self._places = [symbol for symbol in self.symbols if symbol.kind is not SymbolKind.CONSTANT]
        self._addresses = [symbol.address for symbol in self._places]

    def __add__(self, other: SymbolTable) -> SymbolTable:
        """Both tables' symbols; for a name in both, the other's."""
        mine = [symbol for symbol in self.symbols if symbol.name not in other._by_name]
        return SymbolTable((*mine, *other.symbols))

    def lookup(self, address: int) -> tuple[str, int] | None:
        """The symbol that `address` lies in and the offset in bytes from its start; None when there is none.

        That is the last symbol at or before the address, unless it states a size and ends earlier: then an enclosing
        one.
        """
        index = bisect_right(self._addresses, address)
        nearest = True
        for symbol in reversed(self._places[max(0, index - NESTING) : index]):
            if address == symbol.address or (address < symbol.end and (symbol.size or nearest)):
                return symbol.name, address - symbol.address
            nearest = nearest and symbol.end <= symbol.address  # an end label encloses nothing and hides nothing
        return None

    def at(self, address: int) -> Symbol | None:
        """The most telling symbol that begins at an address."""
        index = bisect_right(self._addresses, address) - 1
        return self._places[index] if index >= 0 and self._addresses[index] == address else None

    def address_of(self, name: str) -> int | None:
        """The address (or constant value) that `name` stands for; None when there is no such symbol."""
        symbol = self._by_name.get(name)
        return None if symbol is None else symbol.address

    def names(self) -> Iterable[str]:
        """All names, each once, in alphabetical order."""
        return sorted(self._by_name)

    def format(self, address: int) -> str:
        """The address in words, e.g. "guest_entry" or "guest_entry+8"; hexadecimal when no symbol reaches it."""
        found = self.lookup(address)
        if found is None:
            return f"{address:#x}"
        name, offset = found
        return f"{name}+{offset}" if offset else name
