# SPDX-License-Identifier: Apache-2.0
"""Registers for gdb, by their numbers in the target description, of the world that a thread means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from core.debug.registers import SPECIAL
from core.debug.target import Debugger, UnknownRegister, UnknownWorld
from core.hart import Hart
from gdbstub.interface import RegisterInfo, TargetError, ThreadId
from gdbstub.riscv.description import Description, Register
from gdbstub.riscv.processes import Processes
from gdbstub.riscv.regnums import CSR0, FP, MODE, PC, RA, SP

GENERAL_WIDTH: Final = 8 * (PC + 1)
"""Bytes of x0 to x31 and pc."""
EXPEDITED: Final = (PC, SP, FP, RA, MODE)
"""What gdb asks for first at each stop. A debugger that has not read our description knows those up to PC only: to be sent the
number of another one ends its session."""
GENERIC: Final = {PC: "pc", SP: "sp", FP: "fp", RA: "ra", **{10 + n: f"arg{n + 1}" for n in range(8)}}


class Registers:
    """Reads and writes. Raises DebugError, and TargetError for a number that is not described."""

    def __init__(self, debugger: Debugger, processes: Processes, description: Description) -> None:
        self._debugger = debugger
        self._processes = processes
        self._described = description.registers
        self._general = [self.described(number) for number in range(PC + 1)]
        self.introduce(False)

    def introduce(self, known: bool) -> None:
        """Whether the debugger knows our description."""
        self._expedited = [self.described(number) for number in EXPEDITED if known or number <= PC]
        self._short = [(r.number, r.width, _reader(r)) for r in self._expedited]

    def described(self, number: int) -> Register:
        """The register of that number."""
        register = self._described.get(number)
        if register is None:
            raise TargetError(f"there is no register number {number}")
        return register

    def all(self) -> Sequence[RegisterInfo]:
        """Every register, by number."""
        return [
            RegisterInfo(number, register.name, register.width, _group(number), GENERIC.get(number, ""))
            for number, register in sorted(self._described.items())
        ]

    def read_general(self, thread: ThreadId) -> bytes | None:
        """x0 to x31 and pc; None of a guest that has not been entered since the reset."""
        try:
            return b"".join(self._read(thread, self._general))
        except UnknownWorld:
            return None

    def write_general(self, thread: ThreadId, data: bytes) -> None:
        """Write them."""
        if len(data) != GENERAL_WIDTH:
            raise TargetError(f"the general registers have {GENERAL_WIDTH} bytes, not {len(data)}")
        for number in range(1, PC + 1):
            self.write(thread, number, data[8 * number : 8 * number + 8])

    def expedited(self, thread: ThreadId) -> Sequence[tuple[int, bytes]]:
        """What goes with a stop report."""
        if self._processes.world(thread) is None and not self._debugger.running:  # at every stop: the short way
            state = self._debugger.machine.harts[thread.thread - 1]
            return [(number, read(state).to_bytes(width, "little")) for number, width, read in self._short]
        return self._numbered(self._read(thread, self._expedited))

    def inside(self, thread: ThreadId) -> Sequence[tuple[int, bytes]]:
        """The same of a world that was left, with a pc inside the instruction that did it."""
        values = [self._debugger.read_register(r.source, thread.thread - 1, world=thread.process) for r in self._expedited]
        values[EXPEDITED.index(PC)] += 1
        return self._numbered(_contents(values, self._expedited))

    def _numbered(self, contents: Sequence[bytes]) -> Sequence[tuple[int, bytes]]:
        return [(register.number, value) for register, value in zip(self._expedited, contents, strict=True)]

    def read_or_nothing(self, thread: ThreadId, number: int) -> bytes | None:
        """One register; None when it has no value: gdb insists that it is described, as fcsr, or the world does not run."""
        try:
            return self._read(thread, [self.described(number)])[0]
        except (UnknownRegister, UnknownWorld):
            return None

    def write(self, thread: ThreadId, number: int, data: bytes) -> None:
        """Write one register."""
        name, value = self.described(number).source, int.from_bytes(data, "little")
        self._debugger.write_register(name, value, thread.thread - 1, world=self._processes.world(thread))

    def _read(self, thread: ThreadId, registers: Sequence[Register]) -> list[bytes]:
        world, hart = self._processes.world(thread), thread.thread - 1
        values = [self._debugger.read_register(register.source, hart, world=world) for register in registers]
        return _contents(values, registers)


def _reader(register: Register) -> Callable[[Hart], int]:
    """How to read a register of a hart that stands still."""
    number = register.number
    return SPECIAL[register.source].read if number >= PC else lambda h: int(h.x[number])


def _contents(values: Sequence[int], registers: Sequence[Register]) -> list[bytes]:
    return [value.to_bytes(8, "little")[: r.width] for value, r in zip(values, registers, strict=True)]


def _group(number: int) -> str:
    """The heading of a register in LLDB."""
    if number <= PC:
        return "General Purpose Registers"
    return "Floating Point Registers" if number < CSR0 else "Control and Status Registers"
