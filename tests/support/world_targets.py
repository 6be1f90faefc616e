# SPDX-License-Identifier: Apache-2.0
"""Targets on real machines whose worlds are processes, for tests of the gdb server."""

from __future__ import annotations

from core.boot.loader import BootConfig
from core.debug.target import Debugger
from core.machine import Machine, MachineConfig
from gdbstub.interface import Action, Motion, ThreadId
from gdbstub.riscv.processes import Mode
from gdbstub.riscv.target import RiscvTarget
from tests.gdb.machine import PREBUILT

HOST, GUEST, SECOND = ThreadId(1, 1), ThreadId(2, 1), ThreadId(3, 1)
ENTRY = 0x80200000
"""Where twins' guests begin, and the hypervisor itself."""
UNMAPPED = 0x10000
"""VU-mode code of twins' guests: no memory is there for the host."""


class Targets:
    """Makes targets whose debugger can be told of new processes."""

    def __init__(self) -> None:
        self._made: list[Debugger] = []

    def __call__(
        self, mode: Mode = Mode.SEPARATE, *, symbols: str | None = None, example: str = "twins", harts: int = 1
    ) -> RiscvTarget:
        config = MachineConfig(BootConfig(PREBUILT / f"{example}.elf"), engine="reference", memory=16 << 20, harts=harts)
        debugger = Debugger(Machine(config))
        debugger.machine.console_output = lambda data: None
        self._made.append(debugger)
        if symbols:
            debugger.set_symbols(symbols, PREBUILT / "twins-guest.elf")
        target = RiscvTarget(debugger, mode)
        target.meet(True)
        return target

    def close(self) -> None:
        """End all machines."""
        for debugger in self._made:
            debugger.close()


def go(target: RiscvTarget, thread: ThreadId = HOST, motion: Motion = Motion.CONTINUE) -> None:
    """Resume as gdb does: one process, the others unnamed."""
    chosen = [t for t in target.threads() if t.process == thread.process]
    target.resume(dict.fromkeys(chosen, Action(motion)) if motion is Motion.CONTINUE else {thread: Action(motion)})
    assert target.debugger.wait(60) is not None


def enter_guest(target: RiscvTarget) -> None:
    """To the first guest's first instruction, with the debugger told of it."""
    go(target)
    assert target.stop_report().passing
    newcomer = target.newcomer()
    assert newcomer is not None
    assert newcomer.thread == GUEST
    assert target.newcomer() is None


def register(target: RiscvTarget, thread: ThreadId, number: int) -> int:
    contents = target.read_register(thread, number)
    assert contents is not None
    return int.from_bytes(contents, "little")


def symbol(target: RiscvTarget, name: str) -> int:
    found = target.debugger.symbols.address_of(name)
    assert found is not None
    return found
