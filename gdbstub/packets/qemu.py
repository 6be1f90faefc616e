# SPDX-License-Identifier: Apache-2.0
"""Packets of QEMU's own that scripts rely on: the view of physical memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdbstub.grammar import packet
from gdbstub.replies import OK

if TYPE_CHECKING:
    from gdbstub.session import Session


@packet("qqemu.PhyMemMode")
def physical_memory_mode(session: Session) -> bytes:
    """Whether memory packets mean physical addresses (1) or what the selected thread sees (0)."""
    return b"1" if session.physical else b"0"


@packet("Qqemu.PhyMemMode", ":{on:hex}")
def set_physical_memory_mode(session: Session, on: int) -> bytes:
    """Let memory packets mean physical addresses, or not: gdb's `maint packet Qqemu.PhyMemMode:1`."""
    session.physical = on != 0
    return OK
