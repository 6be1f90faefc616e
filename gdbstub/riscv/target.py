# SPDX-License-Identifier: Apache-2.0
"""The machine behind the protocol: `Debugger` as the target of a gdb session. One process, one thread per hart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from core.debug.target import (
    DebugError,
    Debugger,
    Event,
    MachineEnded,
    MachineRunning,
    MemoryUnreadable,
    Stop,
    StopKind,
    Stopped,
    UnknownRegister,
)
from gdbstub.interface import (
    Action,
    Cause,
    Motion,
    Point,
    Signal,
    StopReport,
    TargetError,
    TargetRunning,
    ThreadId,
)
from gdbstub.riscv.description import Register, describe
from gdbstub.riscv.regnums import FP, MODE, PC, RA, SP

OWNER: Final = "gdb"
"""Whose breakpoints ours are, in the debugger's list."""

BAD_ADDRESS: Final = 14
EXPEDITED: Final = (PC, SP, FP, RA, MODE)
WATCH_KINDS: Final = {Point.WRITE_WATCH: "watch", Point.READ_WATCH: "rwatch", Point.ACCESS_WATCH: "awatch"}
CAUSES: Final = {
    Point.SOFTWARE_BREAKPOINT: Cause.SOFTWARE_BREAKPOINT,
    Point.HARDWARE_BREAKPOINT: Cause.HARDWARE_BREAKPOINT,
    Point.WRITE_WATCH: Cause.WRITE_WATCH,
    Point.READ_WATCH: Cause.READ_WATCH,
    Point.ACCESS_WATCH: Cause.ACCESS_WATCH,
}
EXPLAINED: Final = (StopKind.RESET, StopKind.STEP, StopKind.INTERRUPTED)
"""Stops that need no words in gdb's window."""

P = ParamSpec("P")
R = TypeVar("R")


def in_our_words(method: Callable[P, R]) -> Callable[P, R]:
    """Turn the debugger's errors into the protocol's."""

    @wraps(method)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except MachineRunning as problem:
            raise TargetRunning(str(problem)) from None
        except MemoryUnreadable as problem:
            raise TargetError(str(problem), BAD_ADDRESS) from None
        except DebugError as problem:
            raise TargetError(str(problem)) from None

    return wrapped


class RiscvTarget:
    """What `gdbstub.interface.Target` asks for, done by a `Debugger`."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.description = describe(debugger.csrs())
        self._points: dict[tuple[Point, int, int], int] = {}
        self._release_when_stopped = False
        debugger.subscribe(self._event)

    # Stops

    @property
    def running(self) -> bool:
        return self.debugger.running

    def stop_report(self) -> StopReport:
        stop = self.debugger.stop
        signal = Signal.INT if stop.kind is StopKind.INTERRUPTED else Signal.TRAP
        cause = self._cause(stop)
        explained = stop.kind in EXPLAINED or (cause is not Cause.PLAIN and stop.kind is not StopKind.EBREAK)
        remark = "" if explained else stop.text
        return StopReport(_thread(stop.hart), signal, cause, stop.watch_address, stop.exit_code, remark)

    def _cause(self, stop: Stop) -> Cause:
        """A breakpoint is only reported as one if gdb has set it: otherwise gdb would go on without a word."""
        if stop.kind is StopKind.EBREAK:
            return Cause.SOFTWARE_BREAKPOINT
        if stop.kind is StopKind.BREAKPOINT:
            kinds = [point for point, address, _ in self._points if address == stop.pc and point not in WATCH_KINDS]
            return CAUSES[min(kinds)] if kinds else Cause.PLAIN
        if stop.kind is StopKind.WATCHPOINT:
            for (point, _, _), number in self._points.items():
                if number == stop.number:
                    return CAUSES[point]
        return Cause.PLAIN

    def subscribe(self, stopped: Callable[[], None]) -> Callable[[], None]:
        def listener(event: Event) -> None:
            if isinstance(event, Stopped):
                stopped()

        return self.debugger.subscribe(listener)

    # Threads and documents

    def threads(self) -> Sequence[ThreadId]:
        return [_thread(hart) for hart in range(self.debugger.harts)]

    def describe(self, thread: ThreadId) -> str:
        hart, stop = thread.thread - 1, self.debugger.stop
        if self.debugger.running:
            return f"hart {hart}, running"
        why = f"stopped: {stop.kind.value}" if stop.hart == hart else "stopped"
        return f"{self.debugger.mode_name(hart)}, hart {hart}, {why}"

    def document(self, kind: str, annex: str) -> bytes | None:
        return self.description.xml if (kind, annex) == ("features", "target.xml") else None

    # Registers

    @in_our_words
    def read_general(self, thread: ThreadId) -> bytes:
        return b"".join(self._read(thread, self._register(number)) for number in range(PC + 1))

    @in_our_words
    def write_general(self, thread: ThreadId, data: bytes) -> None:
        if len(data) != 8 * (PC + 1):
            raise TargetError(f"the general registers have {8 * (PC + 1)} bytes, not {len(data)}")
        for number in range(1, PC + 1):
            self.write_register(thread, number, data[8 * number : 8 * number + 8])

    @in_our_words
    def read_register(self, thread: ThreadId, number: int) -> bytes | None:
        register = self._register(number)
        try:
            return self._read(thread, register)
        except UnknownRegister:  # described because gdb insists, as fcsr is, but this hart has none
            return None

    @in_our_words
    def write_register(self, thread: ThreadId, number: int, data: bytes) -> None:
        self.debugger.write_register(self._register(number).source, int.from_bytes(data, "little"), thread.thread - 1)

    @in_our_words
    def write_pc(self, thread: ThreadId, address: int) -> None:
        self.debugger.write_register("pc", address, thread.thread - 1)

    @in_our_words
    def expedited(self, thread: ThreadId) -> Sequence[tuple[int, bytes]]:
        return [(number, self._read(thread, self._register(number))) for number in EXPEDITED]

    def register_width(self, number: int) -> int:
        return self._register(number).width

    def _register(self, number: int) -> Register:
        register = self.description.registers.get(number)
        if register is None:
            raise TargetError(f"there is no register number {number}")
        return register

    def _read(self, thread: ThreadId, register: Register) -> bytes:
        value = self.debugger.read_register(register.source, thread.thread - 1)
        return (value & ((1 << 8 * register.width) - 1)).to_bytes(register.width, "little")

    # Memory

    @in_our_words
    def read_memory(self, thread: ThreadId, address: int, length: int) -> bytes:
        length = min(length, (1 << 64) - address)
        try:
            return self.debugger.read_memory(address, length, hart=thread.thread - 1)
        except MemoryUnreadable as problem:
            if not address < problem.address < address + length:
                raise
            return self.debugger.read_memory(address, problem.address - address, hart=thread.thread - 1)

    @in_our_words
    def write_memory(self, thread: ThreadId, address: int, data: bytes) -> None:
        self.debugger.write_memory(address, data, hart=thread.thread - 1)

    # Breakpoints

    @in_our_words
    def insert(self, thread: ThreadId, point: Point, address: int, length: int) -> None:
        key = (point, address, length)
        if key in self._points:
            return
        if point in WATCH_KINDS:
            new = self.debugger.add_watchpoint(address, length, WATCH_KINDS[point], owner=OWNER)
        else:
            new = self.debugger.add_breakpoint(address, owner=OWNER)
        self._points[key] = new.number

    @in_our_words
    def remove(self, thread: ThreadId, point: Point, address: int, length: int) -> None:
        number = self._points.get((point, address, length))
        if number is not None:
            self._remove(number)
            del self._points[point, address, length]

    def release(self) -> None:
        """Remove what gdb has set; while the machine runs, as soon as it stops."""
        self._release_when_stopped = self.debugger.running
        if not self._release_when_stopped:
            self._release()

    def _release(self) -> None:
        self._release_when_stopped = False
        while self._points:
            self._remove(self._points.popitem()[1])

    def _remove(self, number: int) -> None:
        if any(point.number == number for point in self.debugger.breakpoints()):  # the console may have deleted it
            self.debugger.remove_breakpoint(number)

    def _event(self, event: Event) -> None:
        if isinstance(event, Stopped) and self._release_when_stopped:
            self._release()

    # Running

    @in_our_words
    def resume(self, actions: Mapping[ThreadId, Action]) -> None:
        moving = {thread: action for thread, action in actions.items() if action.motion is not Motion.HOLD}
        stepping = [(thread, action) for thread, action in moving.items() if action.motion is not Motion.CONTINUE]
        try:
            if stepping:  # the other harts stand still meanwhile
                thread, action = stepping[0]
                self._step(thread.thread - 1, action)
            elif len(moving) == self.debugger.harts:
                self.debugger.resume()
            else:
                raise TargetError("harts run all or none; only stepping moves one alone")
        except MachineEnded:
            return  # the stop report says that it has

    def _step(self, hart: int, action: Action) -> None:
        if action.motion is Motion.RANGE:
            self.debugger.resume(hart=hart, step_range=(action.start, action.end))
        else:
            self.debugger.resume(hart=hart, steps=1)

    def interrupt(self) -> None:
        self.debugger.interrupt()

    @in_our_words
    def reset(self) -> None:
        if self.debugger.running:
            self.debugger.interrupt()
            self.debugger.wait(5)
        self.debugger.reset()


def _thread(hart: int) -> ThreadId:
    return ThreadId(1, hart + 1)
