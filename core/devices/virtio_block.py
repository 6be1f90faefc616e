# SPDX-License-Identifier: Apache-2.0
"""virtio block device.

Source: Virtual I/O Device (VIRTIO) Version 1.2, section 5.2 (Block Device). Requests are done before the notification
that brought them returns.
"""

from __future__ import annotations

import struct
from typing import ClassVar

from core.devices.disk import SECTOR, Disk
from core.devices.virtio_function import VirtioFunction, need
from core.devices.virtio_queue import MAXIMUM_SIZE, Buffers, Chain

# "Feature bits" (5.2.3)
SEG_MAX, READ_ONLY, BLK_SIZE, FLUSH = 1 << 2, 1 << 5, 1 << 6, 1 << 9
# "Device Operation" (5.2.6): types of requests, status
IN, OUT, FLUSH_REQUEST, GET_ID = 0, 1, 4, 8
OK, IOERR, UNSUPP = 0, 1, 2
HEADER = struct.Struct("<IIQ")
ID_LENGTH = 20
AT_ONCE = 2048
"""Sectors moved in one go."""


class VirtioBlock(VirtioFunction):
    """A disk. identity: the text GET_ID gives, at most 20 bytes."""

    device_id: ClassVar[int] = 2
    name: ClassVar[str] = "block"

    def __init__(self, disk: Disk, identity: str) -> None:
        self.disk, self.identity = disk, identity.encode()[:ID_LENGTH]
        self.features = SEG_MAX | BLK_SIZE | FLUSH | (READ_ONLY if disk.readonly else 0)

    def power_on(self) -> None:
        """A disk that keeps writes in memory is as the file again."""
        self.disk.forget()

    def configuration(self) -> bytes:
        """struct virtio_blk_config up to blk_size (5.2.4): capacity, size_max, seg_max, geometry, blk_size."""
        return struct.pack("<QIIHBBI", self.disk.sectors, 0, MAXIMUM_SIZE - 2, 0, 0, 0, SECTOR)

    def notified(self, queue: int) -> None:
        """Do all requests."""
        for chain in self.chains(queue):
            self.give_back(queue, chain, self._serve(chain))

    def _serve(self, chain: Chain) -> int:
        """Do one request; how many bytes were written in answer, the status among them."""
        room = chain.writable.length
        need(chain.readable.length >= HEADER.size, "a block request without a whole header")
        need(room > 0, "a block request without a place for the status")
        header, data = chain.readable.split(HEADER.size)
        answer, status = chain.writable.split(room - 1)
        kind, _, sector = HEADER.unpack(header.read())
        written = 0
        try:
            if kind == IN:
                result, written = self._read(sector, answer)
            elif kind == OUT:
                result = self._write(sector, data)
            elif kind == FLUSH_REQUEST:
                self.disk.flush()
                result = OK
            elif kind == GET_ID:
                result, written = OK, answer.write(self.identity.ljust(ID_LENGTH, b"\0"))
            else:
                result = UNSUPP
        except OSError as error:
            self.slot.services.report(f"virtio block at {self.slot.base:#x}: {error.strerror or error}")
            result = IOERR
        status.write(bytes((result,)))
        return written + 1

    def _inside(self, sector: int, length: int) -> bool:
        return length % SECTOR == 0 and sector + length // SECTOR <= self.disk.sectors

    def _read(self, sector: int, answer: Buffers) -> tuple[int, int]:
        length = answer.length
        if not self._inside(sector, length):
            return IOERR, 0
        rest = answer
        for start in range(0, length // SECTOR, AT_ONCE):
            count = min(AT_ONCE, length // SECTOR - start)
            part, rest = rest.split(count * SECTOR)
            part.write(self.disk.read(sector + start, count))
        return OK, length

    def _write(self, sector: int, data: Buffers) -> int:
        length = data.length
        if self.disk.readonly or not self._inside(sector, length):
            return IOERR
        rest = data
        for start in range(0, length // SECTOR, AT_ONCE):
            count = min(AT_ONCE, length // SECTOR - start)
            part, rest = rest.split(count * SECTOR)
            self.disk.write(sector + start, part.read())
        return OK
