# SPDX-License-Identifier: Apache-2.0
"""The files a debugger has opened through vFile: programs the target itself has named, to be read and nothing else."""

from __future__ import annotations

import struct
from typing import Final

READ_ONLY: Final = 0
REGULAR_FILE: Final = 0o100444
BLOCK: Final = 512
OPEN_LIMIT: Final = 64

# The protocol's own error numbers
NO_ENTRY: Final = 2
BAD_FILE: Final = 9
ACCESS_DENIED: Final = 13
INVALID: Final = 22
TOO_MANY: Final = 24
UNKNOWN: Final = 9999


class FileError(Exception):
    """A file operation failed; `number` is the protocol's errno."""

    def __init__(self, number: int) -> None:
        super().__init__(f"file error {number}")
        self.number = number


class FileTable:
    """Open files by descriptor."""

    def __init__(self) -> None:
        self._open: dict[int, bytes] = {}

    def open(self, contents: bytes | None, flags: int) -> int:
        """A descriptor for `contents`, which are None when there is no such file."""
        if contents is None:
            raise FileError(NO_ENTRY)
        if flags != READ_ONLY:
            raise FileError(ACCESS_DENIED)
        if len(self._open) >= OPEN_LIMIT:
            raise FileError(TOO_MANY)
        descriptor = next(number for number in range(OPEN_LIMIT) if number not in self._open)
        self._open[descriptor] = contents
        return descriptor

    def read(self, descriptor: int, count: int, offset: int) -> bytes:
        """Up to `count` bytes from `offset` on; none at the end."""
        return self._contents(descriptor)[offset : offset + count]

    def status(self, descriptor: int) -> bytes:
        """The file's `struct stat` as the protocol lays it out."""
        return status(self._contents(descriptor))

    def close(self, descriptor: int) -> None:
        """The descriptor is free again."""
        self._contents(descriptor)
        del self._open[descriptor]

    def _contents(self, descriptor: int) -> bytes:
        if descriptor not in self._open:
            raise FileError(BAD_FILE)
        return self._open[descriptor]


def status(contents: bytes) -> bytes:
    """The protocol's `struct stat` of a file: big-endian, times unknown."""
    size = len(contents)
    device, inode, links, user, group, special = 0, 0, 1, 0, 0, 0
    blocks = -(-size // BLOCK)
    return struct.pack(">7I3Q3I", device, inode, REGULAR_FILE, links, user, group, special, size, BLOCK, blocks, 0, 0, 0)
