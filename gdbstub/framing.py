# SPDX-License-Identifier: Apache-2.0
"""Packet framing of the GDB remote serial protocol: `$body#checksum`, acknowledgements, escapes and the interrupt byte.

Bytes in, frames out; no socket and no meaning. What a peer sends can be cut anywhere, damaged or hostile: the deframer
answers every stream with frames, finds the next good packet after garbage and never holds more than its limit.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

PACKET_LIMIT: Final = 0x20000
"""Longest packet body accepted, in bytes as they are on the wire."""

INTERRUPT: Final = 0x03
CHUNK: Final = 65520 // 255
ASCII_CHUNK: Final = 65520 // 127
"""Bytes whose sum is below 65521, any or ASCII."""

RUN_LIMIT: Final = 97
"""Repetitions that one run length can stand for."""
SHORTEST_RUN: Final = 64
"""Zeros that are worth it: looking for them costs time, too."""
UNFIT: Final = b"#$+-*}"
"""Characters that must not be a run length, or that a peer might take for something else."""

_ZEROS = re.compile(rb"0+")
_CONTROL = re.compile(rb"[+\-\x03]")
_WHOLE = re.compile(rb"\$([^$#}]*)#([0-9a-fA-F]{2})")
_HEX_PAIR = re.compile(rb"[0-9a-fA-F]{2}")
_ESCAPED = re.compile(rb"\}(.)", re.DOTALL)
_WELL_ESCAPED = re.compile(rb"(?:[^}]++|\}.)*+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet whose checksum is right; `body` is unescaped."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Corrupt:
    """Something that was meant as a packet and is not one; `reason` in words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ack:
    """`+`: the peer got our last packet."""


@dataclass(frozen=True, slots=True)
class Nak:
    """`-`: the peer wants our last packet again."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """A bare 0x03 between packets: the user pressed Ctrl-C."""


Frame = Packet | Corrupt | Ack | Nak | Interrupt


class Hexadecimal(bytes):
    """A body of hexadecimal digits for a peer that understands run lengths, as gdb and LLDB do: memory is full of zeros."""


def frame(body: bytes) -> bytes:
    """The packet that carries `body`, escaped where the protocol demands it.

    >>> frame(b"OK")
    b'$OK#9a'
    """
    wire = _shorten(body) if isinstance(body, Hexadecimal) else escape(body)
    return b"$%b#%02x" % (wire, checksum(wire))


def checksum(wire: bytes) -> int:
    """The sum of all bytes, modulo 256.

    Half of an Adler-32 is 1 + the sum, as long as that stays below 65521: the fastest way of the standard library.
    """
    size = ASCII_CHUNK if wire.isascii() else CHUNK
    if len(wire) <= size:
        return ((zlib.adler32(wire) & 0xFFFF) - 1) & 0xFF
    view, sums = memoryview(wire), 0
    for at in range(0, len(wire), size):
        sums += (zlib.adler32(view[at : at + size]) & 0xFFFF) - 1
    return sums & 0xFF


def escape(body: bytes) -> bytes:
    """`body` with `}`, `#`, `$` and `*` (which would begin a run length) replaced by `}` and the byte xor 0x20."""
    body = body.replace(b"}", b"}\x5d")
    return body.replace(b"#", b"}\x03").replace(b"$", b"}\x04").replace(b"*", b"}\x0a")


def _shorten(body: bytes) -> bytes:
    """Long rows of zeros as run lengths. (A regular expression for long rows would be slow where there are none.)"""
    parts, done, row = [], 0, b"0" * SHORTEST_RUN
    while (at := body.find(row, done)) >= 0:
        zeros = _ZEROS.match(body, at)
        assert zeros
        parts += [body[done:at], _run_lengths(len(zeros[0]))]
        done = zeros.end()
    return b"".join([*parts, body[done:]])


@lru_cache(4096)
def _run_lengths(count: int) -> bytes:
    """A row of zeros: a zero, `*`, and 29 more than how often it is repeated."""
    full, rest = divmod(count, RUN_LIMIT + 1)
    repeats = rest - 1
    while repeats >= 3 and repeats + 29 in UNFIT:
        repeats -= 1
    short = b"0*%c" % (repeats + 29) + b"0" * (rest - 1 - repeats) if repeats >= 3 else b"0" * rest
    return b"0*%c" % (RUN_LIMIT + 29) * full + short


def expand(wire: bytes) -> bytes:
    """What a peer makes of a body with run lengths.

    >>> expand(b"0* ")
    b'0000'
    """
    return re.sub(rb"(.)\*(.)", lambda run: run[1] * (run[2][0] - 28), wire, flags=re.DOTALL)


def unescape(wire: bytes) -> bytes | None:
    """The inverse of `escape`; None when the escape at the end has lost its byte."""
    if b"}" not in wire:
        return wire
    if not _WELL_ESCAPED.fullmatch(wire):
        return None
    return _ESCAPED.sub(lambda match: bytes((match[1][0] ^ 0x20,)), wire)


class Deframer:
    """Splits what arrives into frames, whatever the pieces it arrives in."""

    def __init__(self, limit: int = PACKET_LIMIT) -> None:
        self.limit = limit
        self._buffer = bytearray()
        self._scanned = 0  # bytes of the buffer known to hold no '#'
        self._discarding = False  # inside an oversized packet

    def feed(self, data: bytes) -> list[Frame]:
        """All frames that `data` completes, in order."""
        if not self._buffer and (body := _one_packet(data, self.limit)) is not None:
            return [Packet(body)]
        self._buffer += data
        frames: list[Frame] = []
        while self._buffer:
            progressed = self._discard() if self._discarding else self._take(frames)
            if not progressed:
                break
        return frames

    @property
    def pending(self) -> int:
        """Bytes held back: the beginning of a packet that is not complete yet."""
        return len(self._buffer)

    def _take(self, frames: list[Frame]) -> bool:
        """Take one frame, or the bytes between frames, off the front. False when more input is needed."""
        buffer = self._buffer
        if buffer[0] != ord("$"):
            start = buffer.find(b"$")
            between = bytes(buffer if start < 0 else buffer[:start])
            frames += map(_control_frame, _CONTROL.findall(between))
            self._drop(len(between))
            return True
        end = buffer.find(b"#", max(self._scanned, 1))
        restart = buffer.rfind(b"$", max(self._scanned, 1), len(buffer) if end < 0 else end)
        if restart > 0:
            frames.append(Corrupt("a packet began inside another one"))
            self._drop(restart)
            return True
        if (len(buffer) if end < 0 else end) > self.limit:
            frames.append(Corrupt(f"packet longer than {self.limit} bytes"))
            self._discarding = True
            return True
        if end < 0:
            self._scanned = len(buffer)
            return False
        if len(buffer) < end + 3:
            self._scanned = end
            return False
        self._packet(end, frames)
        return True

    def _packet(self, end: int, frames: list[Frame]) -> None:
        wire, stated = bytes(self._buffer[1:end]), bytes(self._buffer[end + 1 : end + 3])
        if not _HEX_PAIR.fullmatch(stated):
            frames.append(Corrupt("the checksum is not hexadecimal"))
            self._drop(end + 1)
            return
        self._drop(end + 3)
        if (right := checksum(wire)) != int(stated, 16):
            frames.append(Corrupt(f"checksum {stated.decode()} instead of {right:02x}"))
            return
        body = unescape(wire)
        frames.append(Corrupt("an escape at the end of the packet") if body is None else Packet(body))

    def _discard(self) -> bool:
        """Skip the rest of an oversized packet: up to its `#xx` or to the beginning of the next one."""
        buffer = self._buffer
        start, end = buffer.find(b"$", 1), buffer.find(b"#")
        if start > 0 and (end < 0 or start < end):
            self._drop(start)
        elif end < 0:
            buffer[:] = b"\0"  # keeps the place of the packet's beginning, which a '$' must not be mistaken for
            return False
        elif len(buffer) < end + 3:
            return False
        else:
            self._drop(end + 3)
        self._discarding = False
        return True

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._scanned = 0


def _one_packet(data: bytes, limit: int) -> bytes | None:
    """The body, if `data` is one whole packet and nothing else, as nearly always; else None."""
    whole = _WHOLE.fullmatch(data)
    if whole is None or len(data) > limit or checksum(whole[1]) != int(whole[2], 16):
        return None
    return whole[1]


def _control_frame(byte: bytes) -> Frame:
    if byte == b"+":
        return Ack()
    return Nak() if byte == b"-" else Interrupt()
