# SPDX-License-Identifier: Apache-2.0
"""Address spaces of a machine, read and written as a debugger does: whatever the permissions, changing nothing else.

current  what a load of the hart would see now
gva      guest virtual: vsatp, then hgatp        gpa  guest physical: hgatp
hva      hypervisor virtual: satp                spa  supervisor physical: RAM and devices
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.debug.contexts import Context
from core.debug.errors import BadValue, DebugError, MemoryUnreadable
from core.debug.registers import MODE_NAMES
from core.debug.walk import ACCESS, View, Walk, debug_translate, explain
from core.hart import Hart
from core.memory.bus import BusError
from core.memory.ram import Ram
from core.mmu.modes import Access

PAGE = 4096
WORD_MASK = (1 << 64) - 1
WORDS = {
    "current": "address",
    "gva": "guest virtual address",
    "gpa": "guest physical address",
    "hva": "hypervisor virtual address",
    "spa": "physical address",
}


@dataclass(frozen=True)
class Space:
    """An address space of a hart; `world`: as a world sees it that does not run now, None: as the hart does."""

    hart: Hart
    name: str = "current"
    world: Context | None = None

    def view(self, access: Access = Access.READ) -> View | None:
        """How it translates; None: addresses are physical already. Raises DebugError for an unknown space."""
        world = self.world
        if self.name not in WORDS:
            raise DebugError(f"no address space {self.name!r}; there are {', '.join(WORDS)}")
        if self.name == "spa":
            return None
        if self.name == "hva":
            return View.host(self.hart)
        if self.name == "current":
            return View.current(self.hart, access) if world is None else world.view()
        guest = View.guest(self.hart) if world is None or world.slot is None else world.view()
        return guest.guest_physical() if self.name == "gpa" else guest


def physical_parts(space: Space, address: int, length: int) -> Iterator[tuple[int, int, int]]:
    """(address, physical address, bytes) for each page touched. Raises MemoryUnreadable where nothing is mapped."""
    view = space.view()
    while length > 0:
        address &= WORD_MASK
        part = min(length, PAGE - address % PAGE)
        spa = address if view is None else debug_translate(view, address)
        if spa is None:
            whose = "" if space.world is None else f" of {space.world.name}"
            options = "" if space.name == "current" else f" --space {space.name}"
            options += "" if space.world is None else f" --world {space.world.number}"
            text = f"{WORDS[space.name]} {address:#x}{whose} is not mapped; `translate {address:#x}{options}` says why"
            raise MemoryUnreadable(text, address)
        yield address, spa, part
        address += part
        length -= part


def _peek(hart: Hart, address: int, spa: int, length: int) -> bytes:
    """Physical memory without side effects."""
    machine, data = hart.machine, b""
    if machine.ram.contains(spa, length):
        return bytes(machine.ram.read_bytes(spa, length))
    for at in range(spa, spa + length):
        try:
            data += int(machine.bus.peek(at, 1)).to_bytes(1, "little")
        except BusError as error:
            where = "" if spa == address else f", physical address {at:#x}"
            raise MemoryUnreadable(f"cannot read {address + at - spa:#x}{where}: {error.reason}", address + at - spa) from error
    return data


def read(space: Space, address: int, length: int) -> bytes:
    """Bytes of a space. Raises MemoryUnreadable when any of them cannot be read without side effects, or BadValue."""
    if length < 0:
        raise BadValue(f"{length} bytes cannot be read")
    parts = _joined(space.hart.machine.ram, physical_parts(space, address, length))
    return b"".join(_peek(space.hart, at, spa, part) for at, spa, part in parts)


def _joined(ram: Ram, parts: Iterator[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """The same, with pieces of RAM that are neighbours there, too, made one."""
    start = 0, 0, 0
    for at, spa, part in parts:
        if start[2] and spa == start[1] + start[2] and ram.contains(start[1], start[2] + part):
            start = start[0], start[1], start[2] + part
            continue
        if start[2]:
            yield start
        start = at, spa, part
    if start[2]:
        yield start


def write(space: Space, address: int, data: bytes) -> None:
    """Write bytes of a space: RAM, or one device register as the hart would. All or nothing."""
    machine = space.hart.machine
    parts = list(physical_parts(space, address, len(data)))
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


def walk(space: Space, address: int, access: str, mode: str | None = None) -> Walk:
    """The walk of an access, permissions included, made in a mode ("HS", "U", "VS", "VU"; None: the one that the hart or
    the world is in). Raises DebugError for an unknown access or space, and for a mode that has no such addresses."""
    if access not in ACCESS:
        raise DebugError(f"no access {access!r}; there are r, w, x and ss")
    kind = Access(ACCESS[access])
    view = space.view(kind)
    if mode is not None:
        view = _as_mode(space, view, mode)
    if view is None:
        return Walk((), spa=address)
    found = explain(view, address & WORD_MASK, kind)
    return found if space.name == "gpa" else replace(found, mode=MODE_NAMES[view.priv, int(view.v)])


def _as_mode(space: Space, view: View | None, mode: str) -> View:
    """The same translation, for accesses made in a mode."""
    virtual, user = mode.startswith("V"), mode.endswith("U")
    if space.name == "current" and (space.world is None or not (virtual or view is None or view.v)):
        view = View.guest(space.hart) if virtual else View.host(space.hart)
    if view is None or view.v != virtual or space.name == "gpa":
        raise DebugError(f"{mode}-mode accesses no {WORDS[space.name]}" + (f" of {space.world.name}" if space.world else ""))
    return replace(view, priv=0 if user else 1)
