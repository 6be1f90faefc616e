# SPDX-License-Identifier: Apache-2.0
"""A target in memory for tests of the gdb server: enough of a machine to be stepped, broken into and looked at.

Every instruction is `pc += 4`, wrapping at the end of memory. By default nothing runs by itself: the test ends a run
with `stop`. With `live=True` a thread executes, as a real machine does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from gdbstub.interface import (
    ALWAYS,
    Action,
    BreakpointProgram,
    Cause,
    Motion,
    Newcomer,
    Point,
    Region,
    RegisterInfo,
    Signal,
    StopReport,
    TargetError,
    TargetRunning,
    ThreadId,
)
from gdbstub.riscv.description import Register, describe
from gdbstub.riscv.regnums import FP, MODE, PC, RA, SP

BASE = 0x80000000
SIZE = 0x10000


def csr(name: str, address: int, *fields: tuple[str, int, int] | tuple[str, int, int, dict[int, str]]) -> Any:
    """Something that looks like a CSR to the description."""
    return SimpleNamespace(
        name=name,
        address=address,
        fields=[SimpleNamespace(name=f[0], msb=f[1], lsb=f[2], values=f[3] if len(f) == 4 else None) for f in fields],
    )


HSTATUS = csr("hstatus", 0x600, ("VSXL", 33, 32, {1: "32", 2: "64"}), ("VTSR", 22, 22), ("VGEIN", 17, 12), ("SPV", 7, 7))
HGATP = csr("hgatp", 0x680, ("MODE", 63, 60, {0: "Bare", 8: "Sv39x4"}), ("VMID", 57, 44), ("PPN", 43, 0))
CSRS = [HSTATUS, HGATP, csr("sepc", 0x141), csr("sscratch", 0x140), csr("fflags", 1, ("NX", 0, 0))]


class FakeTarget:
    """One process with `threads` threads. What the debugger does to it is recorded in `calls`.

    Further processes come into being with `add_process`, with one thread each and registers of their own.
    """

    def __init__(self, threads: int = 1, *, live: bool = False) -> None:
        self.description = describe(CSRS)
        self.memory = bytearray(b"\x13\0\0\0" * (SIZE // 4))
        self.values = [dict.fromkeys(self.description.registers, 0) for _ in range(threads)]
        for values in self.values:
            values[PC], values[SP], values[MODE] = BASE, BASE + 0x8000, 1
        self.points: set[tuple[Point, int, int]] = set()
        self.programs: dict[int, BreakpointProgram] = {}
        self.others: dict[ThreadId, dict[int, int]] = {}
        self.coming: list[Newcomer] = []
        self.waiting: set[int] = set()  # processes that have not begun again
        self.files: dict[str, bytes] = {"/host.elf": b"\x7fELF host"}
        self.meets = False
        self.calls: list[object] = []
        self.running = False
        self.live = live
        self._report = StopReport(ThreadId(1, 1))
        self._listeners: list[Callable[[], None]] = []
        self._readers: list[Callable[[str], None]] = []
        self._interrupted = threading.Event()

    # For tests

    def stop(self, report: StopReport) -> None:
        """End the run."""
        self._report, self.running = report, False
        for listener in list(self._listeners):
            listener()

    def say(self, text: str) -> None:
        """Something for the user."""
        for reader in list(self._readers):
            reader(text)

    def add_process(self, number: int, program: str = "/guest.elf", contents: bytes = b"\x7fELF guest") -> ThreadId:
        """A new process, which the debugger is told of when it can be."""
        self.files[program] = contents
        self.coming.append(Newcomer(ThreadId(number, 1), program))
        return ThreadId(number, 1)

    # Target

    def stop_report(self) -> StopReport:
        known = self._report.thread in self.threads()
        return self._report if known else replace(self._report, thread=ThreadId(1, 1))

    def subscribe(self, stopped: Callable[[], None], said: Callable[[str], None]) -> Callable[[], None]:
        self._listeners.append(stopped)
        self._readers.append(said)

        def end() -> None:
            self._listeners.remove(stopped)
            self._readers.remove(said)

        return end

    def meet(self, newcomers: bool, kept: Collection[int] = ()) -> None:
        self.meets = newcomers

    def newcomer(self) -> Newcomer | None:
        if not self.meets or not self.coming:
            return None
        newcomer = self.coming.pop(0)
        self.others[newcomer.thread] = dict(self.values[0])
        return newcomer

    def part(self, process: int) -> None:
        self.calls.append(f"part {process}")
        self.others = {thread: values for thread, values in self.others.items() if thread.process != process}

    def take(self, process: int) -> None:
        self.calls.append(f"take {process}")
        if process > 1:
            self.others[ThreadId(process, 1)] = dict(self.values[0])

    def end(self, process: int) -> None:
        raise TargetError(f"process {process} ends with the machine only")

    def threads(self) -> Sequence[ThreadId]:
        return [*(ThreadId(1, number + 1) for number in range(len(self.values))), *self.others]

    def begun(self, process: int) -> bool:
        return process not in self.waiting

    def current(self, thread: ThreadId) -> bool:
        return thread.process == self._report.thread.process

    def describe(self, thread: ThreadId) -> str:
        return f"HS, hart {thread.thread - 1}"

    def document(self, kind: str, annex: str) -> bytes | None:
        documents = {("features", "target.xml"): self.description.xml, ("osdata", ""): b"<osdata/>"}
        return documents.get((kind, annex))

    def program(self, process: int) -> str | None:
        return {1: "/host.elf", 2: "/guest.elf"}.get(process)

    def file(self, path: str) -> bytes | None:
        return self.files.get(path)

    def host(self) -> Mapping[str, str]:
        return {"triple": b"riscv64-unknown-unknown-elf".hex(), "endian": "little", "ptrsize": "8"}

    def registers(self) -> Sequence[RegisterInfo]:
        return [RegisterInfo(r.number, r.name, r.width, "general") for r in self.description.registers.values()]

    def region(self, thread: ThreadId, address: int) -> Region:
        return Region(BASE, SIZE, "rwx") if BASE <= address < BASE + SIZE else Region(0, BASE)

    @property
    def general_width(self) -> int:
        return 8 * 33

    def read_general(self, thread: ThreadId) -> bytes:
        self._standing()
        return b"".join(self._of(thread)[n].to_bytes(8, "little") for n in range(33))

    def write_general(self, thread: ThreadId, data: bytes) -> None:
        for n in range(33):
            self.write_register(thread, n, data[8 * n : 8 * n + 8])

    def read_register(self, thread: ThreadId, number: int) -> bytes | None:
        self._standing()
        register = self._register(number)
        return self._of(thread)[number].to_bytes(register.width, "little")

    def write_register(self, thread: ThreadId, number: int, data: bytes) -> None:
        self._standing()
        if self._register(number).name == "virt":
            raise TargetError("register virt is read-only")
        self._of(thread)[number] = int.from_bytes(data, "little")

    def write_pc(self, thread: ThreadId, address: int) -> None:
        self._of(thread)[PC] = address

    def expedited(self, thread: ThreadId) -> Sequence[tuple[int, bytes]]:
        values = self._of(thread)
        return [(n, values[n].to_bytes(self._register(n).width, "little")) for n in (PC, SP, FP, RA, MODE)]

    def register_width(self, number: int) -> int:
        return self._register(number).width

    def read_memory(self, thread: ThreadId, address: int, length: int, *, physical: bool = False) -> bytes:
        self._standing()
        address += BASE if physical else 0
        if not BASE <= address < BASE + SIZE:
            raise TargetError(f"no memory at {address:#x}", 14)
        return bytes(self.memory[address - BASE :][:length])

    def write_memory(self, thread: ThreadId, address: int, data: bytes, *, physical: bool = False) -> None:
        self._standing()
        address += BASE if physical else 0
        if not BASE <= address <= BASE + SIZE - len(data):
            raise TargetError(f"no memory at {address:#x}", 14)
        self.memory[address - BASE : address - BASE + len(data)] = data

    def insert(self, thread: ThreadId, point: Point, address: int, length: int, program: BreakpointProgram = ALWAYS) -> None:
        self.points.add((point, address, length))
        self.programs[address] = program

    def remove(self, thread: ThreadId, point: Point, address: int, length: int) -> None:
        self.points.discard((point, address, length))

    def inside(self, thread: ThreadId) -> Sequence[tuple[int, bytes]]:
        return [
            (n, (int.from_bytes(raw, "little") ^ (n == PC)).to_bytes(len(raw), "little")) for n, raw in self.expedited(thread)
        ]

    def resume(self, actions: Mapping[ThreadId, Action], *, settle: bool = True) -> None:
        self._standing()
        self.calls.append(dict(actions))
        self.running = True
        if self.live:
            self._interrupted.clear()
            threading.Thread(target=self._run, args=(dict(actions),), daemon=True).start()

    def interrupt(self) -> None:
        self.calls.append("interrupt")
        self._interrupted.set()

    def reset(self) -> None:
        self.calls.append("reset")
        for values in self.values:
            values[PC] = BASE

    def release(self) -> None:
        self.calls.append("release")
        self.points.clear()

    # Inside

    def _of(self, thread: ThreadId) -> dict[int, int]:
        return self.others[thread] if thread.process > 1 else self.values[thread.thread - 1]

    def _standing(self) -> None:
        if self.running:
            raise TargetRunning

    def _register(self, number: int) -> Register:
        if number not in self.description.registers:
            raise TargetError(f"no register {number}")
        return self.description.registers[number]

    def _run(self, actions: dict[ThreadId, Action]) -> None:
        moving = list(actions.items())
        thread, action = next((pair for pair in moving if pair[1].motion is not Motion.CONTINUE), moving[0])
        values = self._of(thread)
        while True:
            if values[PC] % 0x400 == 0:
                time.sleep(0.001)
            values[PC] = BASE + (values[PC] + 4 - BASE) % SIZE
            if self._interrupted.is_set():
                return self.stop(StopReport(thread, Signal.INT))
            if any(address == values[PC] and point is Point.SOFTWARE_BREAKPOINT for point, address, _ in self.points):
                return self.stop(StopReport(thread, cause=Cause.SOFTWARE_BREAKPOINT))
            if action.motion is Motion.STEP:
                return self.stop(StopReport(thread))
            if action.motion is Motion.RANGE and not action.start <= values[PC] < action.end:
                return self.stop(StopReport(thread))
