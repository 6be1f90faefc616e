# SPDX-License-Identifier: Apache-2.0
"""Main memory: one block of zero-initialised host memory that Python and native code share."""

from __future__ import annotations

import ctypes
import mmap
import re
import sys
from pathlib import Path

PAGE_SIZE = 4096
"""Granule of RAM sizes, in bytes."""
PAGEMAP, PAGEMAP_ENTRY = Path("/proc/self/pagemap"), 8
"""What Linux knows of each page of this process (its Documentation/admin-guide/mm/pagemap.rst), and the bytes per page."""
IN_USE = bytes(bits >> 6 != 0 for bits in range(256))
"""By the uppermost byte of an entry: whether the page is present (bit 63) or swapped out (bit 62)."""


class BusError(Exception):
    """No memory and no device answers an access: it becomes an access fault of the hart that made it.

    address: physical address; size: bytes; reason: why, in words.
    """

    def __init__(self, address: int, size: int, reason: str) -> None:
        super().__init__(f"{reason} at {address:#x} ({size} byte{'s' if size != 1 else ''})")
        self.address, self.size, self.reason = address, size, reason


class Ram:
    """`size` bytes of RAM at physical address `base`.

    base: physical address of the first byte, aligned to 4 KiB; size: bytes, a multiple of 4 KiB. Pages of the host are
    only used once something is stored in them. Raises ValueError for a bad size or alignment and when the host has no
    such room.
    """

    def __init__(self, base: int, size: int) -> None:
        if size <= 0 or size % PAGE_SIZE or base % PAGE_SIZE or base < 0:
            raise ValueError(f"RAM of {size:#x} bytes at {base:#x}: base and size must be multiples of 4 KiB")
        self.base = base
        """Physical address of the first byte."""
        self.size = size
        """Number of bytes."""
        try:
            self._block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except (OSError, OverflowError, MemoryError) as error:
            raise ValueError(f"the host cannot provide {size >> 20} MiB of RAM") from error
        self.view = memoryview(self._block)
        """All bytes, writable; index 0 is address `base`."""
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._block))
        """Host address of the first byte, for native code. Valid while this object lives."""

    @property
    def end(self) -> int:
        """Physical address just behind the last byte."""
        return self.base + self.size

    def contains(self, address: int, length: int = 1) -> bool:
        """Whether the `length` bytes from physical `address` on all lie in this RAM."""
        return self.base <= address and address + length <= self.end

    def _offset(self, address: int, length: int) -> int:
        if not self.contains(address, length):
            raise BusError(address, length, "no RAM")
        return address - self.base

    def read(self, address: int, size: int) -> int:
        """The little-endian unsigned value of `size` bytes at physical `address`, of any alignment. Raises BusError
        outside."""
        offset = self._offset(address, size)
        return int.from_bytes(self.view[offset : offset + size], "little")

    def write(self, address: int, size: int, value: int) -> None:
        """Store the low `size` bytes of `value`, little-endian, at physical `address`. Raises BusError outside."""
        offset = self._offset(address, size)
        self.view[offset : offset + size] = (value & ((1 << (8 * size)) - 1)).to_bytes(size, "little")

    def read_bytes(self, address: int, length: int) -> bytes:
        """A copy of `length` bytes from physical `address` on. Raises BusError when any of them is outside."""
        offset = self._offset(address, length)
        return bytes(self.view[offset : offset + length])

    def write_bytes(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Store `data` from physical `address` on. Raises BusError, with nothing stored, when any of it is outside."""
        offset = self._offset(address, len(data))
        self.view[offset : offset + len(data)] = data

    def zero(self, address: int, length: int) -> None:
        """Make `length` bytes from physical `address` on zero. Raises BusError when any of them is outside."""
        offset = self._offset(address, length)
        zeros = bytes(1 << 20)
        for start in range(offset, offset + length, len(zeros)):
            size = min(len(zeros), offset + length - start)
            self.view[start : start + size] = zeros[:size]

    def used(self) -> list[tuple[int, int]]:
        """Offsets (first, end) of the parts outside which nothing was ever stored; of all where the host does not tell."""
        pages = -(-self.size // mmap.PAGESIZE)
        try:
            with PAGEMAP.open("rb", buffering=0) as file:
                file.seek(self.address // mmap.PAGESIZE * PAGEMAP_ENTRY)
                entries = file.read(pages * PAGEMAP_ENTRY)
        except OSError:
            return [(0, self.size)]
        if len(entries) != pages * PAGEMAP_ENTRY:
            return [(0, self.size)]
        used = entries[PAGEMAP_ENTRY - 1 :: PAGEMAP_ENTRY].translate(IN_USE)
        runs = (run.span() for run in re.finditer(rb"\x01+", used))
        return [(first * mmap.PAGESIZE, min(end * mmap.PAGESIZE, self.size)) for first, end in runs]

    def clear(self) -> None:
        """Make every byte zero again, giving used pages back to the host where it can do that."""
        if sys.platform == "linux":
            self._block.madvise(mmap.MADV_DONTNEED)
        else:
            self.zero(self.base, self.size)
