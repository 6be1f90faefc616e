# SPDX-License-Identifier: Apache-2.0
"""Memory, as the selected thread sees it, or physical when the debugger has asked for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdbstub.framing import Hexadecimal
from gdbstub.grammar import packet
from gdbstub.interface import TargetError
from gdbstub.packets.queries import PACKET_SIZE
from gdbstub.replies import OK

if TYPE_CHECKING:
    from gdbstub.session import Session


@packet("m", "{address:hex},{length:hex}")
def read(session: Session, address: int, length: int) -> bytes:
    """Read, in hexadecimal, rows of zeros as run lengths. The reply may be shorter than asked for."""
    data = _read(session, address, length, (PACKET_SIZE - 1) // 2).hex().encode()
    return Hexadecimal(data) if "swbreak" in session.client else data  # gdb; of others one cannot know


@packet("x", "{address:hex},{length:hex}", supported="binary-upload+")
def read_binary(session: Session, address: int, length: int) -> bytes:
    """Read, as bytes behind a `b`."""
    return b"b" + _read(session, address, length, (PACKET_SIZE - 1) // 2)  # every byte may need an escape


@packet("M", "{address:hex},{length:hex}:{data:bytes}")
def write(session: Session, address: int, length: int, data: bytes) -> bytes:
    """Write, in hexadecimal."""
    return _write(session, address, length, data)


@packet("X", "{address:hex},{length:hex}:{data:binary}")
def write_binary(session: Session, address: int, length: int, data: bytes) -> bytes:
    """Write bytes. A write of nothing is how debuggers find out whether this packet exists."""
    return _write(session, address, length, data)


def _read(session: Session, address: int, length: int, limit: int) -> bytes:
    return session.target.read_memory(session.thread, address, min(length, limit), physical=session.physical)


def _write(session: Session, address: int, length: int, data: bytes) -> bytes:
    if len(data) != length:
        raise TargetError(f"{length} bytes announced, {len(data)} sent")
    if data:
        session.target.write_memory(session.thread, address, data, physical=session.physical)
    return OK
