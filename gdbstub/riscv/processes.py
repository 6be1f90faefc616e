# SPDX-License-Identifier: Apache-2.0
"""Worlds as processes: which ones a debugger knows of, and which world and hart a thread of its means.

Separate: the host is process 1, guests are 2, 3, ... (the numbers of `core.debug.worlds`); harts are their threads. A
guest is listed only after the debugger has been told of it by an exec event: only then does it fetch a target description
and symbols. Until then, and always when worlds are merged, what runs on hart N is seen through thread N of process 1. After a
reset the debugger still has the guests it was told of: they stay listed, without registers and memory, until they are entered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum

from core.boot.sbi.host import HartState
from core.debug.stops import Event, NewWorld, Resumed, Stop
from core.debug.target import Debugger
from core.debug.worlds import HOST, exit_words, guest_entry
from gdbstub.interface import TargetError, ThreadId


class Mode(Enum):
    """How worlds become processes."""

    SEPARATE = "separate"
    MERGED = "merged"
    AUTO = "auto"
    """Separate once symbols of a guest are known, merged until then."""


class Processes:
    """The processes of one debugger, and the threads in them."""

    def __init__(self, debugger: Debugger, mode: Mode) -> None:
        self.debugger = debugger
        self.mode = mode
        self._able = False
        self._told: dict[int, list[int]] = {}  # each with the harts it is known to have run on
        self._left: set[int] = set()
        self._host = [ThreadId(HOST, hart + 1) for hart in range(debugger.harts)]
        self._threads: list[ThreadId] | None = None
        self._current: dict[int, ThreadId] = {}
        debugger.subscribe(self._event)

    def meet(self, able: bool, kept: Collection[int] = ()) -> None:
        """A debugger begins; it can be told of new processes, or not. kept: those it has still got from before."""
        self._able = able
        self._told = {world: harts for world, harts in self._told.items() if world in kept}
        self._left.clear()
        self._changed()

    def choose(self, mode: Mode) -> None:
        """Change how worlds become processes, from the next stop on. What the debugger has met it keeps until it lets go."""
        self.mode = mode
        self._changed()

    @property
    def separate(self) -> bool:
        """Whether guests become processes of their own for the present debugger."""
        if not self._able or self.mode is Mode.MERGED:
            return False
        return self.mode is Mode.SEPARATE or any(world != HOST for world in self.debugger.worlds_known.symbols)

    def guests(self) -> list[int]:
        """The guests that have been entered since the machine's last reset."""
        return [number for number in self.debugger.worlds_known.numbers() if number != HOST]

    def begun(self, world: int) -> bool:
        """Whether a world has been entered since the machine's last reset."""
        return world == HOST or world in self.guests()

    def newcomer(self) -> ThreadId | None:
        """A thread of a guest that the debugger has to be told of; it counts as told from here on."""
        if not self.separate or self.debugger.running:
            return None
        for world in self.guests():
            harts = self._harts(world)
            if world not in (*self._told, *self._left) and harts:
                self._told[world] = harts
                self._changed()
                here = self.debugger.stop.hart
                return ThreadId(world, (here if here in harts else harts[0]) + 1)
        return None

    @property
    def unmet(self) -> bool:
        """Whether some hart is in a guest that the debugger has not been told of, and so sees through process 1."""
        harts = self.debugger.machine.harts
        return any(self.debugger.worlds_known.current(h) not in (HOST, self.of_hart(h.hartid).process) for h in harts)

    def take(self, world: int) -> None:
        """The debugger wants a world that it has let go of back."""
        self._left.discard(world)
        if world != HOST and self.separate and world in self.guests():
            self._told[world] = self._harts(world)
        self._changed()

    def part(self, world: int) -> None:
        """The debugger does not want to know this world any more: it is seen through process 1 again."""
        self._left.add(world)
        self._told.pop(world, None)
        self._changed()

    def threads(self) -> Sequence[ThreadId]:
        """All threads the debugger knows of. While the machine runs they are those of its last stop."""
        if not self._told:
            return self._host
        threads = self._threads  # another thread may set it to None at any time
        if threads is None:
            self._told |= {world: self._harts(world) for world in self.guests() if world in self._told}
            told = sorted(self._told.items())
            threads = self._host + [ThreadId(world, hart + 1) for world, harts in told for hart in harts]
            self._threads = threads
        return threads

    def of_hart(self, hart: int) -> ThreadId:
        """The thread that a hart is in now."""
        thread = self._current.get(hart)
        if thread is None:
            running = self.debugger.running
            thread = ThreadId(self.debugger.worlds_known.current(self.debugger.machine.harts[hart]), hart + 1)
            if thread.process != HOST and thread not in self.threads():
                thread = self._host[hart]
            if not running:
                self._current[hart] = thread
        return thread

    def is_current(self, thread: ThreadId) -> bool:
        """Whether a thread is what its hart is in now."""
        return self.of_hart(thread.thread - 1) == thread

    def world(self, thread: ThreadId) -> int | None:
        """The world a thread means, None for the one its hart is in now. TargetError for a thread that is gone."""
        if thread not in self.threads():
            raise TargetError(f"there is no thread {thread.process}.{thread.thread} any more")
        return None if self.is_current(thread) else thread.process

    def describe(self, thread: ThreadId, stop: Stop) -> str:
        """What a thread is and does, in a few words. `stop`: the latest one, as gdb has been told of it."""
        hart = thread.thread - 1
        if self.debugger.running:
            return f"hart {hart}, running"
        if self.is_current(thread):
            name = "" if thread.process == HOST else f"{self.debugger.worlds_known.name(thread.process)}, "
            why = f"stopped: {stop.kind.value}" if stop.hart == hart else self._waits(hart)
            return f"{name}{self.debugger.mode_name(hart)}, hart {hart}, {why}"
        if not self.begun(thread.process):
            return f"guest {thread.process - HOST}, hart {hart}, not entered since the reset"
        return f"{self.debugger.worlds_known.name(thread.process)}, hart {hart}, {self._why_not_running(thread)}"

    def _waits(self, hart: int) -> str:
        """What a hart would do that has not caused the stop."""
        machine = self.debugger.machine
        if machine.firmware.hart_state(hart) is HartState.STOPPED:
            return "waits for sbi_hart_start"
        return "stopped in WFI" if machine.harts[hart].wfi else "stopped"

    def _why_not_running(self, thread: ThreadId) -> str:
        state, worlds = self.debugger.machine.harts[thread.thread - 1], self.debugger.worlds_known
        if thread.process == HOST:
            return f"VM entry: it has entered {worlds.name(worlds.current(state))}"
        slot = guest_entry(state, worlds.key_of(thread.process))
        return "not entered here" if slot is None else exit_words(state, slot)

    def _harts(self, world: int) -> list[int]:
        """The harts that have run a guest."""
        key = self.debugger.worlds_known.key_of(world)
        return [hart.hartid for hart in self.debugger.machine.harts if guest_entry(hart, key) is not None]

    def _event(self, event: Event) -> None:
        if isinstance(event, NewWorld):  # after a reset the number may have been another guest's
            self._told.pop(event.world.number, None)
            self._left.discard(event.world.number)
        if not isinstance(event, Resumed):
            self._changed()

    def _changed(self) -> None:
        self._threads = None
        self._current = {}
