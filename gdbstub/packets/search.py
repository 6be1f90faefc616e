# SPDX-License-Identifier: Apache-2.0
"""Looking through memory on our side: gdb's `find` and `compare-sections`."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from gdbstub.grammar import packet
from gdbstub.interface import TargetError

if TYPE_CHECKING:
    from gdbstub.session import Session

CHUNK: Final = 1 << 16
LIMIT: Final = 1 << 28
"""Bytes looked through for one packet: more would keep the debugger waiting beyond its patience."""

_BITS_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Crc:
    """The protocol's CRC-32: most significant bit first, no inversion at the end. That is zlib's, mirrored.

    >>> crc = Crc()
    >>> crc.update(b"123456789")
    >>> hex(crc.value)
    '0x376e6e7'
    """

    def __init__(self) -> None:
        self._mirrored = 0

    def update(self, data: bytes) -> None:
        """Take in the next bytes."""
        self._mirrored = zlib.crc32(data.translate(_BITS_REVERSED), self._mirrored)

    @property
    def value(self) -> int:
        """The CRC of all bytes so far."""
        return int(f"{self._mirrored ^ 0xFFFFFFFF:032b}"[::-1], 2)


def _chunks(session: Session, address: int, length: int) -> Iterator[tuple[int, bytes]]:
    """Memory in pieces. TargetError where it cannot be read."""
    if length > LIMIT:
        raise TargetError(f"{length} bytes are too many at once; no more than {LIMIT}")
    thread, end = session.thread, address + length
    while address < end:
        data = session.target.read_memory(thread, address, min(CHUNK, end - address), physical=session.physical)
        yield address, data
        address += len(data)


@packet("qCRC", ":{address:hex},{length:hex}")
def checksum(session: Session, address: int, length: int) -> bytes:
    """The CRC-32 of memory, for comparing it with a program's sections."""
    crc = Crc()
    for _, data in _chunks(session, address, length):
        crc.update(data)
    return b"C%x" % crc.value


@packet("qSearch", ":memory:{address:hex};{length:hex};{pattern:binary}")
def search(session: Session, address: int, length: int, pattern: bytes) -> bytes:
    """The first place of `pattern` in a range, if there is one."""
    if not pattern:
        raise TargetError("nothing to search for")
    tail = b""
    for at, data in _chunks(session, address, length):
        window = tail + data
        found = window.find(pattern)
        if found >= 0:
            return b"1,%x" % (at - len(tail) + found)
        tail = window[len(window) - len(pattern) + 1 :] if len(pattern) > 1 else b""
    return b"0"
