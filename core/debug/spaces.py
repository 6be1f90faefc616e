# SPDX-License-Identifier: Apache-2.0
"""Address spaces of a machine, read and written as a debugger does: whatever the permissions, changing nothing else.

current  what a load of the hart would see now
gva      guest virtual: vsatp, then hgatp        gpa  guest physical: hgatp
hva      hypervisor virtual: satp                spa  supervisor physical: RAM and devices
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.debug.errors import DebugError, MemoryUnreadable
from core.debug.walk import ACCESS, View, Walk, debug_translate, explain
from core.hart import Hart
from core.memory.bus import BusError
from core.mmu.modes import Access

PAGE = 4096
WORD_MASK = (1 << 64) - 1
VIEWS: dict[str, Callable[[Hart], View | None]] = {
    "current": View.current,
    "gva": View.guest,
    "gpa": lambda h: View.guest(h).guest_physical(),
    "hva": View.host,
    "spa": lambda h: None,
}
"""How each space translates; None: addresses are physical already."""
WORDS = {
    "current": "address",
    "gva": "guest virtual address",
    "gpa": "guest physical address",
    "hva": "hypervisor virtual address",
    "spa": "physical address",
}


def view_of(hart: Hart, space: str) -> View | None:
    """The translation of a space. Raises DebugError for an unknown one."""
    if space not in VIEWS:
        raise DebugError(f"no address space {space!r}; there are {', '.join(VIEWS)}")
    return VIEWS[space](hart)


def physical_parts(hart: Hart, address: int, length: int, space: str) -> Iterator[tuple[int, int, int]]:
    """(address, physical address, bytes) for each page touched. Raises MemoryUnreadable where nothing is mapped."""
    view = view_of(hart, space)
    while length > 0:
        address &= WORD_MASK
        part = min(length, PAGE - address % PAGE)
        spa = address if view is None else debug_translate(view, address)
        if spa is None:
            raise MemoryUnreadable(f"{WORDS[space]} {address:#x} is not mapped; `translate {address:#x}` says why", address)
        yield address, spa, part
        address += part
        length -= part


def _peek(hart: Hart, address: int, spa: int, length: int) -> bytes:
    """Physical memory without side effects."""
    machine = hart.machine
    if machine.ram.contains(spa, length):
        return bytes(machine.ram.read_bytes(spa, length))
    try:
        return b"".join(int(machine.bus.peek(spa + i, 1)).to_bytes(1, "little") for i in range(length))
    except BusError as error:
        raise MemoryUnreadable(f"cannot read {address:#x}: {error}", address) from error


def read(hart: Hart, address: int, length: int, space: str) -> bytes:
    """Bytes of a space. Raises MemoryUnreadable when any of them cannot be read without side effects."""
    parts = physical_parts(hart, address, length, space)
    return b"".join(_peek(hart, at, spa, part) for at, spa, part in parts)


def write(hart: Hart, address: int, data: bytes, space: str) -> None:
    """Write bytes of a space: RAM, or one device register as the hart would. All or nothing."""
    machine = hart.machine
    parts = list(physical_parts(hart, address, len(data), space))
    for at, spa, part in parts:
        if not machine.ram.contains(spa, part) and len(parts) > 1:
            raise MemoryUnreadable(f"cannot write {at:#x}: not RAM", at)
    done = 0
    for at, spa, part in parts:
        piece = data[done : done + part]
        if machine.ram.contains(spa, part):
            machine.ram.write_bytes(spa, piece)
            machine.memory_changed(spa, part)
        else:
            try:
                machine.bus.write(spa, part, int.from_bytes(piece, "little"))
            except BusError as error:
                raise MemoryUnreadable(f"cannot write {at:#x}: {error}", at) from error
        done += part


def walk(hart: Hart, address: int, access: str, space: str) -> Walk:
    """The walk of an access, permissions included. Raises DebugError for an unknown access or space."""
    if access not in ACCESS:
        raise DebugError(f"no access {access!r}; there are r, w and x")
    kind = Access(ACCESS[access])
    view = View.current(hart, kind) if space == "current" else view_of(hart, space)
    if view is None:
        return Walk((), spa=address)
    return explain(view, address & WORD_MASK, kind)
