# SPDX-License-Identifier: Apache-2.0
"""Split virtqueues, seen from the device.

Source: Virtual I/O Device (VIRTIO) Version 1.2, section 2.7 (Split Virtqueues). What a driver puts into a ring is not
trusted: every index, length and address is checked, and what does not hold raises QueueError.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from core.devices.dma import Dma

MAXIMUM_SIZE = 1024
"""Largest Queue Size, and most descriptors of one chain."""
DESCRIPTOR_SIZE = 16
# "The Virtqueue Descriptor Table" (2.7.5): flags of a descriptor
NEXT, WRITE, INDIRECT = 1, 2, 4
NO_INTERRUPT = 1
"""Flag of the available ring (2.7.6): the driver wants no interrupt."""
INDEX_MASK = 0xFFFF


class QueueError(Exception):
    """The driver broke a rule of virtqueues; str() says which."""


@dataclass
class Buffers:
    """Pieces of memory that follow each other in a chain. They were checked when the chain was taken."""

    dma: Dma
    pieces: list[tuple[int, int]]
    """(physical address, length)."""

    @property
    def length(self) -> int:
        """Bytes of all pieces."""
        return sum(length for _, length in self.pieces)

    def split(self, count: int) -> tuple[Buffers, Buffers]:
        """The first `count` bytes, and what follows them."""
        first: list[tuple[int, int]] = []
        rest: list[tuple[int, int]] = []
        for address, length in self.pieces:
            part = min(length, count)
            count -= part
            if part:
                first.append((address, part))
            if part < length:
                rest.append((address + part, length - part))
        return Buffers(self.dma, first), Buffers(self.dma, rest)

    def read(self, limit: int | None = None) -> bytes:
        """All bytes, or the first `limit` of them."""
        chosen = self if limit is None else self.split(limit)[0]
        return b"".join(self.dma.read(address, length) for address, length in chosen.pieces)

    def write(self, data: bytes) -> int:
        """Store bytes from the beginning on, as far as there is room; how many that were."""
        done = 0
        for address, length in self.pieces:
            part = data[done : done + length]
            self.dma.write(address, part)
            done += len(part)
        return done


@dataclass
class Chain:
    """One descriptor chain: what the driver wants to be read and where it wants the answer."""

    head: int
    """Index of the first descriptor: names the chain in the used ring."""
    readable: Buffers
    writable: Buffers


class Virtqueue:
    """A split virtqueue. The transport fills in where it is; `pop` takes chains, `push` gives them back."""

    def __init__(self, dma: Dma) -> None:
        self._dma = dma
        self.indirect = self.event_index = False
        """Whether VIRTIO_F_INDIRECT_DESC and VIRTIO_F_EVENT_IDX have been negotiated."""
        self.reset()

    def reset(self) -> None:
        """As after a device reset: not in use."""
        self.size = MAXIMUM_SIZE
        self.descriptors = self.driver = self.device = 0
        """Addresses of the descriptor table, the available ring and the used ring."""
        self.ready = False
        self.rewind()

    def rewind(self) -> None:
        """Begin with empty rings."""
        self._taken = 0  # available-ring entries consumed
        self._used = 0  # used-ring entries made
        self._told = 0  # used-ring entries made when the driver was interrupted last

    def check(self) -> None:
        """Raise QueueError unless the rings lie in memory as the rules want it (2.7)."""
        if self.size == 0 or self.size > MAXIMUM_SIZE or self.size & (self.size - 1):
            raise QueueError(f"queue size {self.size} is no power of 2 up to {MAXIMUM_SIZE}")
        for name, address, alignment, length in (
            ("descriptor table", self.descriptors, 16, DESCRIPTOR_SIZE * self.size),
            ("available ring", self.driver, 2, 6 + 2 * self.size),
            ("used ring", self.device, 4, 6 + 8 * self.size),
        ):
            if address % alignment:
                raise QueueError(f"the {name} at {address:#x} is not aligned to {alignment}")
            if not self._dma.contains(address, length):
                raise QueueError(f"the {name} at {address:#x} is not in RAM")

    def pop(self) -> Chain | None:
        """The next available chain, None when there is none. Raises QueueError."""
        waiting = (self._dma.load(self.driver + 2, 2) - self._taken) & INDEX_MASK
        if waiting == 0:
            return None
        if waiting > self.size:
            raise QueueError(f"the available ring of {self.size} entries claims to have {waiting} new ones")
        head = self._dma.load(self.driver + 4 + 2 * (self._taken % self.size), 2)
        chain = self._follow(head)
        self._taken = (self._taken + 1) & INDEX_MASK
        if self.event_index:  # avail_event (2.7.10): tell about the next one
            self._dma.store(self.device + 4 + 8 * self.size, 2, self._taken)
        return chain

    def push(self, chain: Chain, written: int) -> None:
        """Give a chain back (2.7.8); `written`: how many bytes of its writable part hold an answer."""
        entry = self.device + 4 + 8 * (self._used % self.size)
        self._dma.write(entry, struct.pack("<II", chain.head, written))
        self._used = (self._used + 1) & INDEX_MASK
        self._dma.store(self.device + 2, 2, self._used)

    def wants_interrupt(self) -> bool:
        """Whether the driver is to be interrupted for what has been given back since it was last (2.7.7)."""
        if self._used == self._told:
            return False
        if not self.event_index:
            wanted = not self._dma.load(self.driver, 2) & NO_INTERRUPT
        else:
            event = self._dma.load(self.driver + 4 + 2 * self.size, 2)  # used_event
            wanted = (self._used - event - 1) & INDEX_MASK < (self._used - self._told) & INDEX_MASK
        self._told = self._used
        return wanted

    def _follow(self, head: int) -> Chain:
        """The chain that begins with descriptor `head` (2.7.5)."""
        readable: list[tuple[int, int]] = []
        writable: list[tuple[int, int]] = []
        table, entries, index, count = self.descriptors, self.size, head, 0
        inside = False  # an indirect table
        while True:
            if index >= entries:
                raise QueueError(f"descriptor {index} does not exist: the table has {entries}")
            if count == MAXIMUM_SIZE:
                raise QueueError(f"the descriptor chain at {head} has no end")
            raw = self._dma.read(table + DESCRIPTOR_SIZE * index, DESCRIPTOR_SIZE)
            address, length, flags, following = struct.unpack("<QIHH", raw)
            if flags & INDIRECT:
                if inside:
                    raise QueueError("an indirect table refers to an indirect table")
                table, entries = self._indirect(address, length, flags)
                index, inside = 0, True
                continue
            if length and not self._dma.contains(address, length):
                raise QueueError(f"descriptor {index}: {length} bytes at {address:#x} are not in RAM")
            if writable and not flags & WRITE:
                raise QueueError(f"descriptor {index} is to be read but follows one to be written")
            if length:
                (writable if flags & WRITE else readable).append((address, length))
            count += 1
            if not flags & NEXT:
                return Chain(head, Buffers(self._dma, readable), Buffers(self._dma, writable))
            index = following

    def _indirect(self, address: int, length: int, flags: int) -> tuple[int, int]:
        """Where an indirect table is and how many descriptors it has (2.7.5.3)."""
        if not self.indirect:
            raise QueueError("an indirect descriptor, which has not been negotiated")
        if flags & NEXT:
            raise QueueError("an indirect descriptor with another one behind it")
        if length == 0 or length % DESCRIPTOR_SIZE:
            raise QueueError(f"an indirect table of {length} bytes")
        if not self._dma.contains(address, length):
            raise QueueError(f"the indirect table at {address:#x} is not in RAM")
        return address, length // DESCRIPTOR_SIZE
