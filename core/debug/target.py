# SPDX-License-Identifier: Apache-2.0
"""The debugger's view of a machine, shared by the gdb server and the console.

Whoever resumes the machine, every subscriber hears of it and of the stop that follows. Long runs go on a thread of their
own; short steps run at once on the caller's thread. State can be read and written only while the machine stands still.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from core.boot.symbols import SymbolTable
from core.csr.csr import Csr
from core.csr.registry import CSRS_BY_NAME
from core.debug import registers, spaces
from core.debug.errors import (
    DebugError,
    MachineEnded,
    MachineRunning,
    MemoryUnreadable,
    ReadOnlyRegister,
    TooMany,
    UnknownRegister,
)
from core.debug.lines import Line, disassemble
from core.debug.points import Points
from core.debug.stops import Breakpoint, Event, Resumed, StateChanged, Stop, StopKind, Stopped
from core.debug.walk import Walk, WalkStep
from core.engine.breakpoints import breakpoint_here
from core.hart import Hart
from core.machine import Machine
from core.scheduler import Outcome

__all__ = [
    "Breakpoint",
    "DebugError",
    "Debugger",
    "Event",
    "Line",
    "MachineEnded",
    "MachineRunning",
    "MemoryUnreadable",
    "ReadOnlyRegister",
    "Resumed",
    "StateChanged",
    "Stop",
    "StopKind",
    "Stopped",
    "SymbolTable",
    "TooMany",
    "UnknownRegister",
    "Walk",
    "WalkStep",
]

INLINE_STEPS = 256
"""Up to so many steps run on the caller's thread."""
CHUNK = 1 << 40
"""Units of one `Machine.run` while continuing; it returns earlier when asked to stop."""
INPUT_WAIT = 0.2
"""Seconds between looks at a stop request while waiting for input."""


class Debugger:
    """Controls one machine.

    waits_for_input: when every hart waits in WFI and nothing is due, wait for console input instead of stopping with
    IDLE. limit: instructions after which the machine stops with LIMIT, None for no limit.
    """

    def __init__(self, machine: Machine, symbols: SymbolTable | None = None) -> None:
        self.machine = machine
        self.symbols = symbols if symbols is not None else machine.plan.symbols
        self.elf_path = machine.config.boot.program
        self.waits_for_input = False
        self.limit: int | None = None
        self.points = Points(machine)
        self.running = False
        self.stop = Stop(StopKind.RESET, 0, machine.harts[0].pc, "the machine is at reset")
        self._state = threading.Condition()
        self._listeners: list[Callable[[Event], None]] = []
        self._interrupted = False
        self._thread: threading.Thread | None = None

    # -- events -------------------------------------------------------------------------------------------------------

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` with every event, on the thread that runs the machine. Returns a function that ends this."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def _tell(self, event: Event) -> None:
        for listener in list(self._listeners):
            listener(event)

    # -- run control --------------------------------------------------------------------------------------------------

    @property
    def harts(self) -> int:
        """Number of harts."""
        return len(self.machine.harts)

    def resume(
        self,
        *,
        hart: int | None = None,
        steps: int | None = None,
        step_range: tuple[int, int] | None = None,
    ) -> None:
        """Let the machine run; returns at once, the stop comes as an event (short steps are over on return).

        steps: so many instructions of `hart` while the others stand still (an instruction that traps counts: it ends at
        the handler); step_range: step `hart` while start <= pc < end; neither: run on. Raises MachineRunning,
        MachineEnded.
        """
        with self._state:
            if self.running:
                raise MachineRunning
            if self.machine.exit_code is not None:
                raise MachineEnded
            self.running = True
            self._interrupted = False
            self.machine.take_stop_request()
        self._tell(Resumed())
        chosen = self.stop.hart if hart is None else hart
        job = (chosen, steps, step_range)
        if steps is not None and steps <= INLINE_STEPS:
            self._work(*job)
        else:
            self._thread = threading.Thread(target=self._work, args=job, name="machine", daemon=True)
            self._thread.start()

    def interrupt(self) -> None:
        """Stop the machine soon; does nothing when it stands still."""
        if self.running:
            self._interrupted = True
            self.machine.request_stop()

    def wait(self, timeout: float | None = None) -> Stop | None:
        """Wait until the machine stands still; None when `timeout` seconds were not enough."""
        with self._state:
            return self.stop if self._state.wait_for(lambda: not self.running, timeout) else None

    def reset(self) -> None:
        """Power-on state, the program loaded again. Breakpoints stay."""
        self._require_stopped()
        self.machine.reset()
        self.points.arm()
        self._finish(Stop(StopKind.RESET, 0, self.machine.harts[0].pc, "the machine was reset"))

    def close(self) -> None:
        """Stop the machine for good."""
        self.interrupt()
        self.wait(5)
        self._listeners.clear()

    def _work(self, hart: int, steps: int | None, step_range: tuple[int, int] | None) -> None:
        stopped_at = self.machine.harts[self.stop.hart]
        if stopped_at.pc == self.stop.pc and breakpoint_here(stopped_at):
            stopped_at.break_skip = 1
        if step_range is not None:
            stop = self._step_range(hart, *step_range)
        elif steps is not None:
            stop = self._explain(self.machine.run(steps, hart), hart, StopKind.STEP)
        else:
            stop = self._continue()
        for each in self.machine.harts:
            each.break_skip = 0
        self._finish(stop)

    def _finish(self, stop: Stop) -> None:
        with self._state:
            self.stop = stop
            self.running = False
            self._state.notify_all()
        self._tell(Stopped(stop))

    def _step_range(self, hart: int, start: int, end: int) -> Stop:
        state = self.machine.harts[hart]
        while True:
            outcome = self.machine.run(1, hart)
            if outcome is not Outcome.BUDGET or self._interrupted or not start <= state.pc < end:
                return self._explain(outcome, hart, StopKind.STEP)

    def _continue(self) -> Stop:
        while True:
            units = CHUNK if self.limit is None else max(0, self.limit - self.retired(self.machine.current.hartid))
            outcome = self.machine.run(units) if units else Outcome.BUDGET
            if self._interrupted:
                outcome = Outcome.STOPPED
            hart = self.machine.current.hartid
            if outcome is Outcome.IDLE and self.waits_for_input:
                self.machine.wait_for_input(INPUT_WAIT)
            elif outcome is Outcome.BUDGET and self.limit is not None and self.retired(hart) >= self.limit:
                return self._stop(StopKind.LIMIT, hart, f"{self.limit} instructions are over")
            elif outcome not in (Outcome.BUDGET, Outcome.RESET):
                return self._explain(outcome, hart, StopKind.LIMIT)

    def _stop(self, kind: StopKind, hart: int, text: str, **more: Any) -> Stop:
        return Stop(kind, hart, self.machine.harts[hart].pc, text, **more)

    def _explain(self, outcome: Outcome, hart: int, budget: StopKind) -> Stop:
        """A Stop for an outcome; `budget` is what running out of units means."""
        where = self.symbols.format(self.machine.harts[hart].pc)
        if outcome is Outcome.BREAKPOINT:
            number = self.points.hit_breakpoint(self.machine.harts[hart])
            return self._stop(StopKind.BREAKPOINT, hart, f"breakpoint {number} at {where}", number=number)
        if outcome is Outcome.WATCHPOINT:
            hit = self.points.hit_watchpoint(self.machine.harts[hart])
            text = f"watchpoint {hit.point.number}: {hit.text} at {hit.address:#x}, now at {where}"
            return self._stop(
                StopKind.WATCHPOINT, hart, text, watch_address=hit.address, watch_kind=hit.kind, number=hit.point.number
            )
        if outcome is Outcome.EXITED:
            code = self.machine.exit_code or 0
            return self._stop(StopKind.EXITED, hart, f"the machine switched itself off with status {code}", exit_code=code)
        kind, text = {
            Outcome.STOPPED: (StopKind.INTERRUPTED, f"stopped at {where}"),
            Outcome.EBREAK: (StopKind.EBREAK, f"ebreak at {where}"),
            Outcome.IDLE: (StopKind.IDLE, "every hart waits in WFI and nothing will wake it"),
            Outcome.RESET: (StopKind.RESET, "the machine was reset"),
        }.get(outcome, (budget, f"stepped to {where}"))
        return self._stop(kind, hart, text)

    # -- registers ----------------------------------------------------------------------------------------------------

    def _require_stopped(self) -> None:
        if self.running:
            raise MachineRunning

    def _hart(self, index: int) -> Hart:
        self._require_stopped()
        if not 0 <= index < self.harts:
            raise DebugError(f"there is no hart {index}; the machine has {self.harts}")
        return self.machine.harts[index]

    def register_names(self) -> list[str]:
        """Every register's name: general by ABI name, f0 to f31, pc, virt, mode, priv, all CSRs."""
        return registers.register_names(self.machine.harts[0])

    def read_register(self, name: str, hart: int = 0) -> int:
        """A register's value. Raises UnknownRegister, MachineRunning."""
        return registers.read_register(self._hart(hart), name)

    def write_register(self, name: str, value: int, hart: int = 0) -> int:
        """Write a register; returns what legalization made of it. Raises ReadOnlyRegister and as `read_register`."""
        result = registers.write_register(self._hart(hart), name, value)
        self._tell(StateChanged(name))
        return result

    def csrs(self) -> Sequence[type[Csr]]:
        """The CSRs of the machine's harts."""
        return [CSRS_BY_NAME[name] for name in registers.present_csrs(self.machine.harts[0])]

    def mode_name(self, hart: int = 0) -> str:
        """ "M", "HS", "U", "VS" or "VU"."""
        return registers.mode_name(self._hart(hart))

    def retired(self, hart: int = 0) -> int:
        """Instructions retired."""
        return self.machine.retired(hart)

    # -- memory -------------------------------------------------------------------------------------------------------

    def read_memory(self, address: int, length: int, *, space: str = "current", hart: int = 0) -> bytes:
        """Bytes of an address space (see core.debug.spaces), whatever the permissions. Raises MemoryUnreadable."""
        return spaces.read(self._hart(hart), address, length, space)

    def write_memory(self, address: int, data: bytes, *, space: str = "current", hart: int = 0) -> None:
        """Write bytes of an address space; all or nothing. Raises MemoryUnreadable."""
        spaces.write(self._hart(hart), address, data, space)
        self._tell(StateChanged("memory"))

    def translate(self, address: int, *, access: str = "r", space: str = "current", hart: int = 0) -> Walk:
        """The walk that a load ("r"), store ("w") or fetch ("x") would make now, step by step."""
        return spaces.walk(self._hart(hart), address, access, space)

    def disassemble(self, address: int, count: int, *, hart: int = 0) -> list[Line]:
        """`count` instructions from `address` on in the current space. Raises MemoryUnreadable at the first."""
        return disassemble(self._hart(hart), address, count, self.symbols)

    # -- breakpoints --------------------------------------------------------------------------------------------------

    def add_breakpoint(self, address: int, *, owner: str, temporary: bool = False) -> Breakpoint:
        """Stop before the instruction at a virtual address. Raises TooMany, MachineRunning."""
        self._require_stopped()
        return self.points.add("break", address, 1, owner, temporary)

    def add_watchpoint(self, address: int, length: int, kind: str, *, owner: str) -> Breakpoint:
        """Stop after an access: "watch" writes, "rwatch" reads, "awatch" both. Raises TooMany, MachineRunning."""
        self._require_stopped()
        return self.points.add(kind, address, length, owner)

    def remove_breakpoint(self, number: int) -> None:
        """Remove a breakpoint or watchpoint. Raises DebugError when there is none of that number."""
        self._require_stopped()
        self.points.remove(number)

    def breakpoints(self) -> list[Breakpoint]:
        """All breakpoints and watchpoints, by number."""
        return self.points.all()
