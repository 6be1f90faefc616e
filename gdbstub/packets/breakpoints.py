# SPDX-License-Identifier: Apache-2.0
"""Breakpoints and watchpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdbstub.grammar import packet
from gdbstub.interface import Point
from gdbstub.replies import OK, UNSUPPORTED

if TYPE_CHECKING:
    from gdbstub.session import Session

_KINDS = frozenset(int(point) for point in Point)


@packet("Z", "{kind:hex},{address:hex},{length:hex}")
def insert(session: Session, kind: int, address: int, length: int) -> bytes:
    """Set a breakpoint (kind 0, 1) or watchpoint (2 write, 3 read, 4 access) in the selected thread's process."""
    if kind not in _KINDS:
        return UNSUPPORTED
    session.target.insert(session.thread, Point(kind), address, length)
    return OK


@packet("z", "{kind:hex},{address:hex},{length:hex}")
def remove(session: Session, kind: int, address: int, length: int) -> bytes:
    """Remove what the Z packet of the same arguments has set."""
    if kind not in _KINDS:
        return UNSUPPORTED
    session.target.remove(session.thread, Point(kind), address, length)
    return OK
