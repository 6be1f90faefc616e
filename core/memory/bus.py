# SPDX-License-Identifier: Apache-2.0
"""The physical address space: RAM and devices, each answering for its range of addresses."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Protocol

from core.memory.ram import BusError, Ram

__all__ = ["Bus", "BusDevice", "BusError", "Mapping"]


class BusDevice(Protocol):
    """What the bus needs from a device. Offsets are bytes from the device's base; `size` is 1, 2, 4 or 8 and the offset
    is a multiple of it. Each method may raise BusError for an access that the device does not support."""

    def read(self, offset: int, size: int) -> int:
        """The register's value, unsigned; may have side effects, as the hardware's read has."""

    def write(self, offset: int, size: int, value: int) -> None:
        """Store `value` (unsigned, below 2**(8 * size)) in the register, with its side effects."""

    def peek(self, offset: int, size: int) -> int:
        """What a read would give, without any side effect; `offset` and `size` may be anything inside the device."""


@dataclass(frozen=True)
class Mapping:
    """A device on the bus: it answers from `base` to just below `end`."""

    base: int
    end: int
    device: BusDevice


class Bus:
    """Physical memory accesses, to RAM or to the device registered for the address.

    RAM accesses may have any alignment. Device accesses must be naturally aligned and 1, 2, 4 or 8 bytes wide (priv,
    Physical Memory Attributes: I/O regions need not support more); everything else raises BusError.
    """

    def __init__(self, ram: Ram) -> None:
        self.ram = ram
        self.mappings: list[Mapping] = []
        """All devices, by ascending address."""
        self._bases: list[int] = []

    def attach(self, base: int, length: int, device: BusDevice) -> None:
        """Let `device` answer for `length` bytes from physical address `base` on.

        Raises ValueError when the range is empty or touches RAM or another device.
        """
        end = base + length
        if length <= 0 or base < 0:
            raise ValueError(f"device range {base:#x}..{end:#x} is empty")
        if base < self.ram.end and self.ram.base < end:
            raise ValueError(f"device range {base:#x}..{end:#x} overlaps RAM")
        for other in self.mappings:
            if base < other.end and other.base < end:
                raise ValueError(f"device range {base:#x}..{end:#x} overlaps the device at {other.base:#x}")
        index = bisect_right(self._bases, base)
        self.mappings.insert(index, Mapping(base, end, device))
        self._bases.insert(index, base)

    def find(self, address: int) -> Mapping | None:
        """The device that answers at physical `address`, or None."""
        index = bisect_right(self._bases, address) - 1
        if index >= 0 and address < self.mappings[index].end:
            return self.mappings[index]
        return None

    def _device(self, address: int, size: int) -> Mapping:
        mapping = self.find(address)
        if mapping is None or address + size > mapping.end:
            raise BusError(address, size, "nothing answers")
        return mapping

    def _access(self, address: int, size: int) -> Mapping:
        mapping = self._device(address, size)
        if size not in (1, 2, 4, 8) or address % size:
            raise BusError(address, size, "misaligned device access" if address % size else "unsupported access size")
        return mapping

    def read(self, address: int, size: int) -> int:
        """The unsigned little-endian value of `size` bytes at physical `address`; a device's read effects happen.

        A size of 0 only asks whether anything answers. Raises BusError when nothing does, or not with this size and
        alignment.
        """
        if self.ram.contains(address, size):
            return self.ram.read(address, size)
        if size == 0:
            self._device(address, 1)
            return 0
        mapping = self._access(address, size)
        return mapping.device.read(address - mapping.base, size)

    def write(self, address: int, size: int, value: int) -> None:
        """Store the low `size` bytes of `value` at physical `address`; a device's write effects happen.

        Raises BusError when nothing answers, or not with this size and alignment.
        """
        if self.ram.contains(address, size):
            self.ram.write(address, size, value)
            return
        mapping = self._access(address, size)
        mapping.device.write(address - mapping.base, size, value & ((1 << (8 * size)) - 1))

    def peek(self, address: int, size: int) -> int:
        """What a read would give, with no effect on any device and no rule of alignment: for debuggers.

        Raises BusError when nothing answers or the device cannot tell without an effect.
        """
        if self.ram.contains(address, size):
            return self.ram.read(address, size)
        mapping = self._device(address, size)
        return mapping.device.peek(address - mapping.base, size)
