# SPDX-License-Identifier: Apache-2.0
"""The machine behind the protocol: `Debugger` as the target of a gdb session."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from core.debug.stops import GDB, Event, NewWorld, Resumed, Stop, StopKind, Stopped
from core.debug.target import DebugError, Debugger, MachineEnded, MachineRunning, MemoryUnreadable
from core.debug.worlds import HOST
from core.engine.breakpoints import breakpoint_here
from gdbstub.interface import (
    ALWAYS,
    Action,
    BreakpointProgram,
    Motion,
    Newcomer,
    Point,
    Region,
    RegisterInfo,
    StopReport,
    TargetError,
    TargetRunning,
    ThreadId,
)
from gdbstub.riscv.conditions import Conditions
from gdbstub.riscv.description import describe
from gdbstub.riscv.documents import HOST_INFO, osdata
from gdbstub.riscv.memory import Memory
from gdbstub.riscv.points import MONITOR, Key, Points
from gdbstub.riscv.processes import Mode, Processes
from gdbstub.riscv.programs import Programs
from gdbstub.riscv.registers import GENERAL_WIDTH, Registers
from gdbstub.riscv.regnums import PC
from gdbstub.riscv.stops import report

BAD_ADDRESS: Final = 14

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
    """What `gdbstub.interface.Target` asks for, done by a `Debugger`. `worlds`: how they become processes."""

    def __init__(self, debugger: Debugger, worlds: Mode = Mode.AUTO) -> None:
        self.debugger = debugger
        self.description = describe(debugger.csrs(), "elp" in debugger.register_names())
        self.processes = Processes(debugger, worlds)
        self.programs = Programs(debugger)
        self._registers = Registers(debugger, self.processes, self.description)
        self._memory = Memory(debugger, self.processes, self.programs)
        conditions = Conditions(debugger, self.description.registers, self._say)
        self._points = Points(debugger, self.processes, conditions, self._say)
        self._readers: list[Callable[[str], None]] = []
        self._release_when_stopped = False
        self._stepped: ThreadId | None = None
        self._from: int | None = None  # the world it was in
        self._return: int | None = None  # number of the catch that ends a step of a world that does not run
        self._continuing = False
        """Whether gdb lets the machine run on, and can be told of a new guest."""
        self._merged = self._divided = False
        """Whether worlds were merged when gdb last let the machine go; whether symbols found since then have ended that."""
        self._reported: tuple[Stop, ThreadId, StopReport] | None = None
        self._instead: Stop | None = None  # a stop of our own making, until the machine runs again
        self._standing = not debugger.running  # and what belongs to the stop is in place
        debugger.subscribe(self._event)

    # Stops

    @property
    def running(self) -> bool:
        return self.debugger.running or not self._standing

    def stop_report(self) -> StopReport:
        stop = self._instead or self.debugger.stop
        thread = self.processes.of_hart(stop.hart)
        if self._reported is None or self._reported[0] is not stop or self._reported[1] != thread:
            self._reported = (stop, thread, report(stop, thread, self._stepped, self._points, self._left(stop.hart)))
        return self._reported[2]

    def _left(self, hart: int) -> bool:
        """Whether a hart is in another world than that of the thread gdb has stepped, for which that thread stands."""
        if self._stepped is None or not self.processes.separate:
            return False
        here = self.debugger.worlds_known.current(self.debugger.machine.harts[hart])
        return self._stepped.process == self._from != here

    def subscribe(self, stopped: Callable[[], None], said: Callable[[str], None]) -> Callable[[], None]:
        def listener(event: Event) -> None:
            if isinstance(event, Stopped):
                stopped()

        unsubscribe = self.debugger.subscribe(listener)
        self._readers.append(said)

        def end() -> None:
            unsubscribe()
            self._readers.remove(said)

        return end

    def _say(self, text: str) -> None:
        for said in list(self._readers):
            said(text)

    def _event(self, event: Event) -> None:
        if isinstance(event, Resumed):
            self._standing = False
            self._instead = self._reported = None
        elif isinstance(event, NewWorld):  # with symbols that have just been found
            if event.world.origin:
                self._say(f"{event.world.name}: symbols found in {event.world.origin}")
            separate = self.processes.separate
            self._divided |= separate and self._merged
            if self._continuing:
                self.debugger.stop_on_new_world = separate
        elif isinstance(event, Stopped):
            self.debugger.stop_on_new_world = self._continuing = False
            try:
                self._step_ended()
            finally:
                self._standing = True
            if self._release_when_stopped:
                self.release()

    # Processes, threads and documents

    def meet(self, newcomers: bool, kept: Collection[int] = ()) -> None:
        self.processes.meet(newcomers, kept)

    def newcomer(self) -> Newcomer | None:
        thread = self.processes.newcomer()
        if thread is not None and self._divided:  # gdb leaves in place what it has set
            self._divided = False
            self._points.place_anew()
        return None if thread is None else Newcomer(thread, self.programs.path(thread.process) or "")

    def take(self, process: int) -> None:
        self.processes.take(process)

    @in_our_words
    def part(self, process: int) -> None:
        self._points.clear(process)
        self.processes.part(process)

    def end(self, process: int) -> None:
        raise TargetError(f"process {process} is a guest: only its hypervisor can end it; kill inferior 1 to end the machine")

    def threads(self) -> Sequence[ThreadId]:
        return self.processes.threads()

    def begun(self, process: int) -> bool:
        return self.processes.begun(process)

    def current(self, thread: ThreadId) -> bool:
        return self.processes.is_current(thread)

    def describe(self, thread: ThreadId) -> str:
        return self.processes.describe(thread, self._instead or self.debugger.stop)

    def document(self, kind: str, annex: str) -> bytes | None:
        if kind == "osdata":
            return osdata(self.debugger, annex, {thread.process for thread in self.processes.threads()})
        if (kind, annex) != ("features", "target.xml"):
            return None
        self._registers.introduce(True)
        return self.description.xml

    def program(self, process: int) -> str | None:
        return self.programs.path(process) if process in {thread.process for thread in self.threads()} else None

    def file(self, path: str) -> bytes | None:
        return self.programs.contents(path)

    def host(self) -> Mapping[str, str]:
        return HOST_INFO

    # Registers

    @property
    def general_width(self) -> int:
        return GENERAL_WIDTH

    @in_our_words
    def read_general(self, thread: ThreadId) -> bytes | None:
        return self._registers.read_general(thread)

    @in_our_words
    def write_general(self, thread: ThreadId, data: bytes) -> None:
        self._registers.write_general(thread, data)

    @in_our_words
    def read_register(self, thread: ThreadId, number: int) -> bytes | None:
        return self._registers.read_or_nothing(thread, number)

    @in_our_words
    def write_register(self, thread: ThreadId, number: int, data: bytes) -> None:
        self._registers.write(thread, number, data)

    @in_our_words
    def write_pc(self, thread: ThreadId, address: int) -> None:
        self._registers.write(thread, PC, address.to_bytes(8, "little"))

    @in_our_words
    def expedited(self, thread: ThreadId) -> Sequence[tuple[int, bytes]]:
        return self._registers.expedited(thread)

    @in_our_words
    def inside(self, thread: ThreadId) -> Sequence[tuple[int, bytes]]:
        return self._registers.inside(thread)

    def registers(self) -> Sequence[RegisterInfo]:
        return self._registers.all()

    def register_width(self, number: int) -> int:
        return self._registers.described(number).width

    # Memory

    @in_our_words
    def read_memory(self, thread: ThreadId, address: int, length: int, *, physical: bool = False) -> bytes:
        return self._memory.read(thread, address, length, physical)

    @in_our_words
    def write_memory(self, thread: ThreadId, address: int, data: bytes, *, physical: bool = False) -> None:
        self._memory.write(thread, address, data, physical)

    @in_our_words
    def region(self, thread: ThreadId, address: int) -> Region:
        return self._memory.region(thread, address)

    # Breakpoints

    @in_our_words
    def insert(self, thread: ThreadId, point: Point, address: int, length: int, program: BreakpointProgram = ALWAYS) -> None:
        self._points.insert(Key(thread.process, point, address, length), program)

    @in_our_words
    def remove(self, thread: ThreadId, point: Point, address: int, length: int) -> None:
        self._points.remove(Key(thread.process, point, address, length))

    def release(self) -> None:
        """Remove what gdb has set; while the machine runs, as soon as it stops."""
        self._release_when_stopped = self.debugger.running
        self.processes.meet(False)
        self._registers.introduce(False)
        if not self._release_when_stopped:
            self._points.clear()
            for point in self.debugger.breakpoints():
                if point.owner in (GDB, MONITOR):
                    self.debugger.remove_breakpoint(point.number)

    # Running

    @in_our_words
    def resume(self, actions: Mapping[ThreadId, Action], *, settle: bool = True) -> None:
        stepping = [(thread, action) for thread, action in actions.items() if action.motion is not Motion.CONTINUE]
        if self.debugger.running:
            raise TargetRunning
        if settle or not self.processes.separate:
            self._points.settle()
        self._stepped = stepping[0][0] if stepping else None
        self._from = self._world_of(self._stepped) if self._stepped else None
        self._merged = not self.processes.separate
        try:
            if stepping and self.processes.is_current(stepping[0][0]):  # the other harts stand still meanwhile
                self._step(*stepping[0])
            elif not stepping and not self._whole(actions):
                self._continue_one(actions)
            elif not self._stops_at_once(arrived=not settle):
                if stepping:
                    self._catch_return(stepping[0][0])
                self._continue()
        except MachineEnded:
            return  # the stop report says that it has

    def _world_of(self, thread: ThreadId) -> int:
        """The world that a thread shows: a guest that gdb has not met is seen through process 1."""
        if not self.processes.is_current(thread):
            return thread.process
        return self.debugger.worlds_known.current(self.debugger.machine.harts[thread.thread - 1])

    def _whole(self, moving: Collection[ThreadId]) -> bool:
        """Whether all threads of some process move: then the machine does."""
        chosen = {thread.process for thread in moving}
        return any(all(thread in moving for thread in self.threads() if thread.process == process) for process in chosen)

    def _continue(self, only: int | None = None) -> None:
        self.debugger.stop_on_new_world = self.processes.separate
        self._continuing = True
        self.debugger.resume(hart=only, alone=only is not None)

    def _continue_one(self, moving: Collection[ThreadId]) -> None:
        """gdb holds the other harts (`set scheduler-locking on`)."""
        if len({thread.thread for thread in moving}) > 1:
            raise TargetError("harts run all, or one alone")
        self._continue(next(iter(moving)).thread - 1)

    def _stops_at_once(self, arrived: bool) -> bool:
        """A guest was stopped before its first instruction so that gdb could set breakpoints, or the hart has only just
        `arrived` here by a step: is there one right here?"""
        stop = self.debugger.stop
        state = self.debugger.machine.harts[stop.hart]
        new = stop.kind is StopKind.NEW_WORLD or (arrived and stop.kind is StopKind.STEP)
        if not new or self._instead or state.pc != stop.pc or not breakpoint_here(state):
            return False
        hit = self.debugger.points.breakpoint_hit(self.debugger, state)
        if hit is not None:
            numbers = tuple(point.number for point in hit.points)
            where = self.debugger.place(stop.pc, hart=stop.hart)
            text = f"breakpoint {numbers[0]} at {where}"
            self._instead = Stop(StopKind.BREAKPOINT, stop.hart, stop.pc, text, number=numbers[0], numbers=numbers)
        return hit is not None

    def _step(self, thread: ThreadId, action: Action) -> None:
        if action.motion is Motion.RANGE:
            self.debugger.resume(hart=thread.thread - 1, step_range=(action.start, action.end))
        else:
            self.debugger.resume(hart=thread.thread - 1, steps=1)

    def _catch_return(self, thread: ThreadId) -> None:
        """A step of a world that does not run: its next instruction comes when it is entered again."""
        spec = "vmexit" if thread.process == HOST else "vmentry"
        world = None if thread.process == HOST else thread.process
        self._return = self.debugger.add_catch(spec, owner=GDB, hart=thread.thread - 1, world=world, label="step").number

    def _step_ended(self) -> None:
        number, self._return = self._return, None
        if number is None:
            return
        stop = self.debugger.stop
        with suppress(DebugError):  # the console may have deleted it
            self.debugger.remove_breakpoint(number)
        if stop.kind is StopKind.CATCH and stop.numbers == (number,):
            self._instead = Stop(StopKind.STEP, stop.hart, stop.pc, "")

    def interrupt(self) -> None:
        self.debugger.interrupt()

    @in_our_words
    def reset(self) -> None:
        if self.debugger.running:
            self.debugger.interrupt()
            self.debugger.wait(5)
        self.debugger.reset()
