# SPDX-License-Identifier: Apache-2.0
"""Device trees: written as Python data, flattened to a blob (DTB).

Source: Devicetree Specification v0.4, chapter 5 (Flattened Devicetree Format), version 17 of the format.

The libraries on PyPI (`pyfdt`, `fdt`) parse and edit blobs, carry no type annotations and have stood still for years;
only writing is needed here, which takes fewer lines than using one of them would.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

MAGIC = 0xD00DFEED
VERSION, COMPATIBLE_VERSION = 17, 16
BEGIN_NODE, END_NODE, PROP, END = 1, 2, 3, 9
"""Tokens of the structure block."""


@dataclass(frozen=True)
class Ref:
    """Stands for the phandle of the node that has this label."""

    label: str


Value: TypeAlias = bool | int | str | bytes | Ref | Sequence[str] | Sequence["int | Ref"]
"""A property's value: True = present and empty; int or Ref = one 32-bit cell; str = string; bytes = as they stand; a
sequence of strings = string list; a sequence of ints and Refs = 32-bit cells, big-endian."""


@dataclass
class Node:
    """A node: name (with unit address), properties in order, children in order, and a label that a Ref may name."""

    name: str
    properties: Mapping[str, Value] = field(default_factory=dict)
    children: Sequence[Node] = ()
    label: str = ""

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()


def wide(*values: int) -> list[int]:
    """64-bit values as pairs of cells, for `reg` where #address-cells and #size-cells are 2."""
    return [cell for value in values for cell in (value >> 32, value & 0xFFFF_FFFF)]


def _phandles(root: Node) -> dict[str, int]:
    """Phandles for every label that is referred to, counting from 1 in document order."""
    labels = [node.label for node in root.walk() if node.label]
    wanted = set()
    for node in root.walk():
        for value in node.properties.values():
            items = [value] if isinstance(value, Ref) else value if isinstance(value, Sequence) else []
            wanted |= {item.label for item in items if isinstance(item, Ref)}
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(f"device tree: label {label!r} is given to two nodes")
    for label in sorted(wanted):
        if label not in labels:
            raise ValueError(f"device tree: reference to label {label!r}, which no node has")
    return {label: number for number, label in enumerate((label for label in labels if label in wanted), 1)}


def _encode(value: Value, phandles: Mapping[str, int]) -> bytes:
    if isinstance(value, bool):
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode() + b"\0"
    items = [value] if isinstance(value, int | Ref) else value
    encoded = b""
    for item in items:
        if isinstance(item, str):
            encoded += item.encode() + b"\0"
        else:
            encoded += struct.pack(">I", phandles[item.label] if isinstance(item, Ref) else item)
    return encoded


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def flatten(root: Node, *, reserved: Sequence[tuple[int, int]] = (), boot_hart: int = 0) -> bytes:
    """The tree as a DTB.

    root: a node named ""; reserved: (address, size) of memory that must not be used; boot_hart: hart id that boots. A
    property whose value is False is left out. Nodes that are referred to get a `phandle`. Raises ValueError for a label
    given twice or a Ref without its node, struct.error for a cell that is not within 0..2**32-1.
    """
    phandles = _phandles(root)
    strings: dict[str, int] = {}
    string_block, structure = bytearray(), bytearray()

    def add(node: Node) -> None:
        structure.extend(struct.pack(">I", BEGIN_NODE) + _padded(node.name.encode() + b"\0"))
        properties: dict[str, Value] = dict(node.properties)
        if node.label in phandles:
            properties["phandle"] = phandles[node.label]
        for name, value in properties.items():
            if value is False:
                continue
            if name not in strings:
                strings[name] = len(string_block)
                string_block.extend(name.encode() + b"\0")
            data = _encode(value, phandles)
            structure.extend(struct.pack(">III", PROP, len(data), strings[name]) + _padded(data))
        for child in node.children:
            add(child)
        structure.extend(struct.pack(">I", END_NODE))

    add(root)
    structure.extend(struct.pack(">I", END))
    reservations = b"".join(struct.pack(">QQ", *entry) for entry in (*reserved, (0, 0)))
    at_reservations = 40
    at_structure = at_reservations + len(reservations)
    at_strings = at_structure + len(structure)
    total = at_strings + len(string_block)
    header = struct.pack(
        ">10I",
        MAGIC,
        total,
        at_structure,
        at_strings,
        at_reservations,
        VERSION,
        COMPATIBLE_VERSION,
        boot_hart,
        len(string_block),
        len(structure),
    )
    return header + reservations + bytes(structure) + bytes(string_block)
