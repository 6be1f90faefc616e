# SPDX-License-Identifier: Apache-2.0
"""Memory for gdb: a world's own view of it at any time, or physical addresses."""

from __future__ import annotations

from typing import Final

from core.debug.target import Debugger, MemoryUnreadable
from core.debug.worlds import HOST
from gdbstub.interface import Region, ThreadId
from gdbstub.riscv.processes import Processes
from gdbstub.riscv.programs import Programs

ADDRESSES: Final = 1 << 64
PAGE_BITS: Final = 12
LEVEL_BITS: Final = 9
ACCESSES: Final = "rwx"
HALVES: Final = (ADDRESSES - (1 << 56), ADDRESSES - (1 << 47), ADDRESSES - (1 << 38), ADDRESSES)
"""Where the upper half of the addresses of Sv57, Sv48 and Sv39 begins."""


class Memory:
    """Reads and writes for a thread's world, scheduled or not; permissions do not count, nothing else changes."""

    def __init__(self, debugger: Debugger, processes: Processes, programs: Programs) -> None:
        self._debugger = debugger
        self._processes = processes
        self._programs = programs

    def read(self, thread: ThreadId, address: int, length: int, physical: bool) -> bytes:
        """Up to `length` bytes. Raises MemoryUnreadable when there is nothing at `address`."""
        length = min(length, ADDRESSES - address)
        try:
            return self._read(thread, address, length, physical)
        except MemoryUnreadable as problem:
            if address < problem.address < address + length:
                return self._read(thread, address, problem.address - address, physical)
            if data := self._unmapped_code(thread, address, length, physical):
                return data
            raise

    def write(self, thread: ThreadId, address: int, data: bytes, physical: bool) -> None:
        """Write all of `data`. Raises MemoryUnreadable."""
        world = None if physical else self._processes.world(thread)
        self._debugger.write_memory(address, data, space=_space(physical), hart=thread.thread - 1, world=world)

    def region(self, thread: ThreadId, address: int) -> Region:
        """The page around an address with its rights; where nothing is mapped, as far as the missing entry reaches."""
        hart, world = thread.thread - 1, self._processes.world(thread)
        walks = {access: self._debugger.translate(address, access=access, hart=hart, world=world) for access in ACCESSES}
        read = walks["r"]
        if not read.steps:
            return self._untranslated(address, bare=read.spa is not None)
        mapped = any(walk.spa is not None for walk in walks.values())
        size = 1 << PAGE_BITS + (0 if mapped else LEVEL_BITS * read.steps[-1].level)
        permissions = "".join(access for access, walk in walks.items() if walk.spa is not None and self._is_ram(walk.spa))
        return Region(address & -size, size, permissions)

    def _untranslated(self, address: int, *, bare: bool) -> Region:
        """Where no page table is looked at: all RAM without translation, or an address that is none (not sign-extended)."""
        ram = self._debugger.machine.ram
        edges = (ram.base, ram.base + ram.size, ADDRESSES) if bare else HALVES
        start = max((edge for edge in edges if edge <= address), default=0) if bare else address & -(1 << PAGE_BITS)
        end = min(edge for edge in edges if edge > address)
        return Region(start, end - start, ACCESSES if bare and self._is_ram(address) else "")

    def _is_ram(self, spa: int) -> bool:
        return bool(self._debugger.machine.ram.contains(spa, 1))

    def _read(self, thread: ThreadId, address: int, length: int, physical: bool) -> bytes:
        world = None if physical else self._processes.world(thread)
        return self._debugger.read_memory(address, length, space=_space(physical), hart=thread.thread - 1, world=world)

    def _unmapped_code(self, thread: ThreadId, address: int, length: int, physical: bool) -> bytes:
        """What the ELF of the thread's world has there, so that a breakpoint can be set in code not mapped yet."""
        if physical:
            return b""
        world = self._processes.world(thread)
        if world is None:
            world = self._debugger.worlds_known.current(self._debugger.machine.harts[thread.thread - 1])
        if world != thread.process and thread.process == HOST:  # a guest seen through process 1 has symbols of its own
            return b""
        return self._programs.code(world, address, length)


def _space(physical: bool) -> str:
    return "spa" if physical else "current"
