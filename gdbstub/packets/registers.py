# SPDX-License-Identifier: Apache-2.0
"""Registers: all general ones at once, or one by its number in the target description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdbstub.grammar import packet
from gdbstub.interface import TargetError
from gdbstub.replies import OK, one_line

if TYPE_CHECKING:
    from gdbstub.session import Session


@packet("g")
def read_general(session: Session) -> bytes:
    """The general registers, in the order of the target description; a row of `x` when they have no values now."""
    contents = session.target.read_general(session.thread)
    if contents is None:
        return b"xx" * session.target.general_width
    return contents.hex().encode()


@packet("G", "{data:bytes}")
def write_general(session: Session, data: bytes) -> bytes:
    """Write the general registers."""
    session.target.write_general(session.thread, data)
    return OK


@packet("p", "{number:hex}")
def read_register(session: Session, number: int) -> bytes:
    """One register; a row of `x` when it has no value now."""
    contents = session.target.read_register(session.thread, number)
    return b"xx" * session.target.register_width(number) if contents is None else contents.hex().encode()


@packet("P", "{number:hex}={data:bytes}")
def write_register(session: Session, number: int, data: bytes) -> bytes:
    """Write one register."""
    width = session.target.register_width(number)
    if len(data) != width:
        raise TargetError(f"register {number} has {width} bytes, not {len(data)}")
    try:
        session.target.write_register(session.thread, number, data)
    except TargetError as problem:
        if "swbreak" in session.client:  # every gdb prints this reply as it is, also those that announce no error-message
            return b"E." + one_line(str(problem)).encode()
        raise
    return OK
