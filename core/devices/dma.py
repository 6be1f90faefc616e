# SPDX-License-Identifier: Apache-2.0
"""Memory as devices reach it: every access is checked, and every write is made known to the engine."""

from __future__ import annotations

from collections.abc import Callable

from core.memory.ram import BusError, Ram


def _unnoticed(address: int, length: int) -> None:
    """Default of `changed`: nobody keeps anything made from memory."""


class Dma:
    """RAM for devices that read and write it by themselves.

    ram: None for a machine without memory; changed(address, length) is called after each write, so that decoded
    instructions and load reservations stay right.
    """

    def __init__(self, ram: Ram | None = None, changed: Callable[[int, int], None] = _unnoticed) -> None:
        self._ram, self._changed = ram, changed

    def contains(self, address: int, length: int) -> bool:
        """Whether `length` bytes from physical `address` on are all RAM."""
        return self._ram is not None and self._ram.contains(address, length)

    def _memory(self, address: int, length: int) -> Ram:
        if self._ram is None or not self._ram.contains(address, length):
            raise BusError(address, length, "no RAM for a device")
        return self._ram

    def read(self, address: int, length: int) -> bytes:
        """Bytes from physical `address` on. Raises BusError when any of them is not RAM."""
        return self._memory(address, length).read_bytes(address, length)

    def write(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Store bytes from physical `address` on. Raises BusError, with nothing stored, when any of it is not RAM."""
        if len(data):
            self._memory(address, len(data)).write_bytes(address, data)
            self._changed(address, len(data))

    def load(self, address: int, size: int) -> int:
        """The little-endian number of `size` bytes. Raises BusError as `read` does."""
        return int.from_bytes(self.read(address, size), "little")

    def store(self, address: int, size: int, value: int) -> None:
        """Store a little-endian number of `size` bytes. Raises BusError as `write` does."""
        self.write(address, value.to_bytes(size, "little"))
