# SPDX-License-Identifier: Apache-2.0
"""A virtio driver in Python, for tests: it does by hand what a guest's driver does, and breaks rules when told to."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from core.devices.device import Services
from core.devices.dma import Dma
from core.devices.virtio_function import VirtioFunction
from core.devices.virtio_mmio import VirtioMmio
from core.memory.ram import Ram

BASE = 0x8000_0000
RAM_SIZE = 1 << 20
BUFFERS = BASE + 0x8_0000
"""Where the driver's buffers begin; queue n has its rings in the page n pages behind the start of RAM."""
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET = 1, 2, 4, 8, 64
VERSION_1, INDIRECT, EVENT_INDEX = 1 << 32, 1 << 28, 1 << 29
NEXT, WRITE, TABLE = 1, 2, 4
STATUS, NOTIFY = 0x70, 0x50


@dataclass
class Ring:
    """The driver's side of one queue."""

    index: int
    size: int
    table: int
    driver: int
    device: int
    free: int = 0
    added: int = 0
    seen: int = 0


@dataclass
class Driver:
    """A slot with a device in it, RAM, and everything the device tells the machine."""

    function: VirtioFunction | None
    legacy: bool = False
    console: bytearray = field(default_factory=bytearray)
    reports: list[str] = field(default_factory=list)
    written: list[tuple[int, int]] = field(default_factory=list)
    """(address, length) of everything the device stored in RAM."""
    line: bool = False
    rings: dict[int, Ring] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ram = Ram(BASE, RAM_SIZE)
        services = Services(
            console_output=self.console.extend,
            report=self.reports.append,
            dma=Dma(self.ram, lambda address, length: self.written.append((address, length))),
        )
        self.slot = VirtioMmio(services, 0x1000_1000, 1, self.drive, self.function, self.legacy)
        self._buffers = BUFFERS

    def drive(self, level: bool) -> None:
        self.line = level

    def get(self, offset: int, size: int = 4) -> int:
        return self.slot.read(offset, size)

    def put(self, offset: int, value: int, size: int = 4) -> None:
        self.slot.write(offset, size, value)

    def offered(self) -> int:
        self.put(0x14, 1)
        high = self.get(0x10)
        self.put(0x14, 0)
        return high << 32 | self.get(0x10)

    def negotiate(self, features: int = VERSION_1) -> bool:
        """Reset, then features (VIRTIO 1.2, 3.1.1 up to step 6); whether the device agreed."""
        self.put(STATUS, 0)
        self.put(STATUS, ACKNOWLEDGE)
        self.put(STATUS, ACKNOWLEDGE | DRIVER)
        for word in (0, 1):
            self.put(0x24, word)
            self.put(0x20, features >> (32 * word) & 0xFFFF_FFFF)
        self.put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK)
        return bool(self.get(STATUS) & FEATURES_OK)

    def add_queue(self, index: int, size: int = 8) -> Ring:
        """Give the device a queue."""
        page = BASE + 0x1000 * (index + 1)
        ring = self.rings[index] = Ring(index, size, page, page + 16 * size, page + 0x800)
        self.put(0x30, index)
        self.put(0x38, size)
        if self.legacy:
            self.put(0x28, 0x1000)
            self.put(0x3C, 128)
            self.put(0x40, page >> 12)
            ring.device = (ring.driver + 6 + 2 * size + 127) // 128 * 128
            return ring
        for offset, address in ((0x80, ring.table), (0x90, ring.driver), (0xA0, ring.device)):
            self.put(offset, address & 0xFFFF_FFFF)
            self.put(offset + 4, address >> 32)
        self.put(0x44, 1)
        return ring

    def start(self, features: int = VERSION_1, queues: int = 1, size: int = 8) -> None:
        """Everything up to DRIVER_OK."""
        assert self.negotiate(features) or self.legacy
        for index in range(queues):
            self.add_queue(index, size)
        self.put(STATUS, ACKNOWLEDGE | DRIVER | DRIVER_OK | (0 if self.legacy else FEATURES_OK))

    def buffer(self, content: bytes | int) -> tuple[int, int]:
        """(address, length) of a new buffer with these bytes, or with room for so many."""
        data = content if isinstance(content, bytes) else b"\xee" * content
        address, self._buffers = self._buffers, self._buffers + len(data)
        self.ram.write_bytes(address, data)
        return address, len(data)

    def describe(self, ring: Ring, index: int, address: int, length: int, flags: int = 0, following: int = 0) -> None:
        self.ram.write_bytes(ring.table + 16 * index, struct.pack("<QIHH", address, length, flags, following))

    def offer(self, ring: Ring, head: int) -> None:
        """Put a chain into the available ring."""
        self.ram.write(ring.driver + 4 + 2 * (ring.added % ring.size), 2, head)
        ring.added = (ring.added + 1) & 0xFFFF
        self.ram.write(ring.driver + 2, 2, ring.added)

    def add(self, index: int, readable: list[bytes], writable: list[int]) -> list[int]:
        """Make a chain and offer it; the addresses of its buffers."""
        ring = self.rings[index]
        pieces = [(*self.buffer(data), 0) for data in readable] + [(*self.buffer(room), WRITE) for room in writable]
        places = [(ring.free + i) % ring.size for i in range(len(pieces))]
        ring.free = (ring.free + len(pieces)) % ring.size
        for i, (address, length, flags) in enumerate(pieces):
            last = i == len(pieces) - 1
            self.describe(ring, places[i], address, length, flags | (0 if last else NEXT), 0 if last else places[i + 1])
        self.offer(ring, places[0])
        return [address for address, _, _ in pieces]

    def notify(self, index: int) -> None:
        self.put(NOTIFY, index)

    def used(self, index: int) -> list[tuple[int, int]]:
        """(head, bytes written) of what the device has given back since the last look."""
        ring = self.rings[index]
        found = []
        while ring.seen != self.ram.read(ring.device + 2, 2):
            entry = ring.device + 4 + 8 * (ring.seen % ring.size)
            found.append((self.ram.read(entry, 4), self.ram.read(entry + 4, 4)))
            ring.seen = (ring.seen + 1) & 0xFFFF
        return found

    def acknowledge(self) -> int:
        """Take the interrupt: its causes."""
        causes = self.get(0x60)
        self.put(0x64, causes)
        return causes
