# SPDX-License-Identifier: Apache-2.0
"""Small programs in memory on a machine with one engine, for the tests of how engines run."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path

from core.boot.loader import Bios, BootConfig
from core.debug.points import Points
from core.debug.registers import write_register
from core.isa.encoding import BY_NAME, COMPRESSED_BY_NAME
from core.isa.intrinsics import now
from core.machine import Machine, MachineConfig, Outcome

ENGINES = ("reference", "native")
RAM = 0x8000_0000
HANDLER = 0x200
"""Offset of the trap handler from the start of the program."""
BUFFER = RAM + 0x80_0000
"""Memory that programs use."""
PAGE = 0x1000


def asm(name: str, **operands: int) -> bytes:
    """The bytes of an instruction; operands that are not given are 0."""
    record = BY_NAME[name]
    word = record.match
    for operand in record.fields:
        word |= operand.insert(operands.pop(operand.name, 0))
    assert not operands, f"{name} has no {operands}"
    return struct.pack("<I", word)


def asm16(name: str, **operands: int) -> bytes:
    """The bytes of a compressed instruction."""
    record = COMPRESSED_BY_NAME[name]
    half = record.match
    for operand in record.fields:
        half |= operand.insert(operands[operand.name])
    return struct.pack("<H", half)


def count(register: int) -> bytes:
    """An instruction that adds 1 to a register."""
    return asm("addi", rd=register, rs1=register, imm=1)


def jump(distance: int) -> bytes:
    """A jump."""
    return asm("jal", imm=distance)


class Box:
    """A machine that stands before the first instruction of `code`, in M-mode, or in HS-mode on the built-in SBI."""

    def __init__(self, engine: str, code: Sequence[bytes], handler: Sequence[bytes] = (), supervisor: bool = False) -> None:
        body = b"".join(code)
        image = body + bytes(HANDLER - len(body)) + b"".join(handler) if handler else body
        with tempfile.NamedTemporaryFile(suffix=".bin") as file:
            file.write(image)
            file.flush()
            boot = BootConfig(Path(file.name), Bios.BUILTIN if supervisor else Bios.NONE)
            self.machine = Machine(MachineConfig(boot, memory=16 << 20, engine=engine))
        self.h = self.machine.harts[0]
        self.points = Points(self.machine)
        self.start = int(self.h.pc)
        self.set("stvec" if supervisor else "mtvec", self.start + HANDLER)

    def set(self, name: str, value: int) -> None:
        """Write a CSR as a debugger does."""
        write_register(self.h, name, value)

    def run(self, units: int) -> Outcome:
        """Run the machine."""
        return self.machine.run(units)

    @property
    def offset(self) -> int:
        """The pc, from the start of the program."""
        return int(self.h.pc) - self.start

    @property
    def retired(self) -> int:
        """Instructions retired."""
        return self.machine.retired()

    @property
    def units(self) -> int:
        """Time in units: instructions, traps, and what has been skipped in WFI."""
        return self.retired + int(self.h.idle)

    @property
    def time(self) -> int:
        """mtime."""
        return now(self.h)

    def x(self, number: int) -> int:
        """An integer register."""
        return int(self.h.x[number])

    def breakpoint(self, offset: int) -> int:
        """Set a breakpoint at an offset in the program; returns its number."""
        return self.points.add("break", self.start + offset, 1, "test").number

    def watch(self, kind: str, address: int, length: int) -> int:
        """Set a watchpoint; returns its number."""
        return self.points.add(kind, address, length, "test").number

    def words(self, address: int, number: int) -> list[int]:
        """64-bit words of RAM."""
        return list(struct.unpack(f"<{number}Q", self.machine.ram.read_bytes(address, 8 * number)))

    def state(self) -> dict[str, int | list[int]]:
        """All architectural state."""
        return self.h.snapshot()
