# SPDX-License-Identifier: Apache-2.0
"""A file on the host as the sectors of a disk."""

from __future__ import annotations

import os
import weakref

from core.boot.errors import BootError
from core.devices.config import Drive

SECTOR = 512


class Disk:
    """The sectors of a file; a file that ends within a sector counts as filled up with zeros.

    With `drive.snapshot` writes stay in memory until `forget`. Raises BootError (one line) when the file cannot be used.
    """

    def __init__(self, drive: Drive) -> None:
        self.readonly = drive.readonly
        try:
            if not drive.path.is_file():
                raise BootError(f"{drive.path}: no such file, or not a regular one, to be a disk")
            flags = os.O_RDONLY if drive.readonly or drive.snapshot else os.O_RDWR
            self._file = os.open(drive.path, flags | getattr(os, "O_CLOEXEC", 0))
        except (OSError, ValueError) as error:
            text = getattr(error, "strerror", None) or error
            hint = "; a read-only drive would do" if isinstance(error, PermissionError) and not drive.readonly else ""
            raise BootError(f"{drive.path}: cannot be opened as a disk: {text}{hint}") from error
        weakref.finalize(self, os.close, self._file)
        self.sectors = -(-os.fstat(self._file).st_size // SECTOR)
        """Number of sectors."""
        self._written: dict[int, bytes] | None = {} if drive.snapshot else None

    def forget(self) -> None:
        """Drop what was written, if that was kept in memory."""
        if self._written is not None:
            self._written.clear()

    def read(self, sector: int, count: int) -> bytes:
        """`count` sectors from `sector` on. Raises OSError when the host cannot read them."""
        data = bytearray(count * SECTOR)
        done = 0
        while done < len(data) and (part := os.pread(self._file, len(data) - done, sector * SECTOR + done)):
            data[done : done + len(part)] = part
            done += len(part)
        if self._written:
            for index in range(count):
                if (new := self._written.get(sector + index)) is not None:
                    data[index * SECTOR : (index + 1) * SECTOR] = new
        return bytes(data)

    def write(self, sector: int, data: bytes) -> None:
        """Store whole sectors from `sector` on. Raises OSError when the host cannot."""
        if self._written is not None:
            for index in range(len(data) // SECTOR):
                self._written[sector + index] = data[index * SECTOR : (index + 1) * SECTOR]
            return
        done = 0
        while done < len(data):
            done += os.pwrite(self._file, data[done:], sector * SECTOR + done)

    def flush(self) -> None:
        """Make the host's storage hold what was written. Raises OSError when it cannot."""
        if self._written is None and not self.readonly:
            os.fsync(self._file)
