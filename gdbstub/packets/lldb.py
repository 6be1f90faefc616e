# SPDX-License-Identifier: Apache-2.0
"""What LLDB asks beyond gdb's protocol."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gdbstub.grammar import packet
from gdbstub.interface import TargetError

if TYPE_CHECKING:
    from gdbstub.session import Session

NO_MORE_REGISTERS = 0x45


def _pairs(pairs: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{key}:{value};" for key, value in pairs).encode()


@packet("qHostInfo")
def host_info(session: Session) -> bytes:
    """What the machine is."""
    return _pairs(session.target.host().items())


@packet("qProcessInfo")
def process_info(session: Session) -> bytes:
    """The process of the selected thread, on such a machine."""
    return _pairs({"pid": f"{session.thread.process:x}", **session.target.host()}.items())


@packet("qRegisterInfo", "{index:hex}")
def register_info(session: Session, index: int) -> bytes:
    """One register's description, for an LLDB that does not read the target description."""
    registers = session.target.registers()
    if index >= len(registers):
        raise TargetError("there are no more registers", NO_MORE_REGISTERS)
    register = registers[index]
    offset = sum(before.width for before in registers[:index])
    keys = {
        "name": register.name,
        "bitsize": str(8 * register.width),
        "offset": str(offset),
        "encoding": "uint",
        "format": "hex",
        "set": register.group,
        "gcc": str(register.number),
        "dwarf": str(register.number),
        **({"generic": register.generic} if register.generic else {}),
    }
    return _pairs(keys.items())


@packet("qMemoryRegionInfo", ":{address:hex}")
def memory_region(session: Session, address: int) -> bytes:
    """The range around an address with the same rights, as the selected thread sees it."""
    region = session.target.region(session.thread, address)
    keys = {"start": f"{region.start:x}", "size": f"{region.size:x}"}
    if region.permissions:
        keys["permissions"] = region.permissions
    if region.name:
        keys["name"] = region.name.encode().hex()
    return _pairs(keys.items())
