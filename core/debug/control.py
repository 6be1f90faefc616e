# SPDX-License-Identifier: Apache-2.0
"""Running a machine for front ends: resume, interrupt, and from the end of a run to a Stop in words.

Whoever resumes the machine, every subscriber hears of it and of the stop that follows. Long runs go on a thread of their
own; short steps run at once on the caller's thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from core.boot.sbi.host import HartState
from core.boot.symbols import SymbolTable
from core.debug.catches import Catch
from core.debug.errors import DebugError, MachineClosed, MachineEnded, MachineRunning
from core.debug.found import Found
from core.debug.loops import trap_loop
from core.debug.naming import Naming
from core.debug.points import Hit, Points
from core.debug.stops import Event, NewWorld, Resumed, StateChanged, Stop, StopKind, Stopped
from core.debug.worlds import HOST, Worlds
from core.engine.breakpoints import breakpoint_here
from core.events import Event as Attention
from core.features import Feature
from core.hart import Hart
from core.machine import Machine
from core.scheduler import Outcome
from core.trap.catches import Caught
from core.trap.causes import Interrupt

INLINE_STEPS = 256
"""Up to so many steps run on the caller's thread."""
FEW_STEPS = 16
"""So many steps leave page tables as they are, as far as names of addresses go."""
CHUNK = 1 << 40
"""Units of one `Machine.run` while stepping through a range; it returns earlier when asked to stop."""
LOOK = 16
"""Slices of the engine after which a machine that runs is looked at: does it get anywhere?"""
EXTERNAL = 1 << Interrupt.SEI | 1 << Interrupt.VSEI | 1 << Interrupt.MEI | 1 << Interrupt.SGEI
INPUT_WAIT = 0.2
"""Seconds between looks at a stop request while waiting for input."""
NOWHERE = -1
STEPPED = (Outcome.BUDGET, Outcome.RANGE)
SIMPLE_STOPS = {
    Outcome.STOPPED: (StopKind.INTERRUPTED, "stopped at {where}"),
    Outcome.EBREAK: (StopKind.EBREAK, "ebreak at {where}"),
    Outcome.IDLE: (StopKind.IDLE, "all harts wait in WFI and nothing can wake them"),
    Outcome.RESET: (StopKind.RESET, "the machine was reset"),
}


class Control:
    """The part of `Debugger` that runs the machine."""

    def __init__(self, machine: Machine, symbols: SymbolTable | None = None) -> None:
        self.machine = machine
        self.symbols = symbols if symbols is not None else machine.plan.symbols
        self.waits_for_input = False
        self.stop_on_new_world = False
        self.limit: int | None = None
        self.worlds_known = Worlds(machine)
        self.naming = Naming(machine, self.worlds_known)
        debugger: Any = self
        self.found = Found(debugger)
        self.points = Points(machine, self.worlds_known)
        self.running = self.closed = False
        self.stop = Stop(StopKind.RESET, 0, machine.harts[0].pc, "the machine is at reset")
        self._lock = threading.RLock()
        self._state = threading.Condition(self._lock)
        self._telling: list[int] = []
        """The threads that tell listeners of a stop."""
        self._listeners: list[Callable[[Event], None]] = []
        self._interrupted = False
        self._thread: threading.Thread | None = None
        self._hit: Hit | None = None
        self._judge = NOWHERE
        """The thread that looks at a hit and may read state meanwhile."""
        machine.scheduler.stops = self._attend
        self.points.arm()

    # -- events -------------------------------------------------------------------------------------------------------

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` with every event, on the thread that runs the machine. Returns a function that ends this."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def _tell(self, event: Event) -> None:
        if isinstance(event, StateChanged):
            self.naming.forget()
        for listener in list(self._listeners):
            listener(event)

    def find_symbols(self) -> None:
        """From now on, and for the guests there are, take symbols that nobody has given from ELF files in RAM."""
        self.found.wanted = True
        for number in self.worlds_known.numbers() if self.readable else ():
            for hart in range(self.harts) if number != HOST else ():
                self.found.look(number, hart)

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
        alone: bool = False,
    ) -> None:
        """Let the machine run; returns at once, the stop comes as an event (short steps are over on return).

        steps: so many instructions of `hart` while the others stand still (an instruction that traps counts: it ends at
        the handler); step_range: step `hart` while start <= pc < end, at least once; neither: run on, with `alone` that
        hart only. Raises MachineRunning, MachineEnded, MachineClosed, DebugError for a hart that is not there.
        """
        chosen = self.require_hart(self.stop.hart if hart is None else hart)
        with self._lock:
            if self.running:
                raise MachineRunning
            if self.closed:
                raise MachineClosed
            if self.machine.exit_code is not None:
                raise MachineEnded
            self.running = True
            self._interrupted = False
            self.machine.take_stop_request()
        self._tell(Resumed())
        job = (chosen, steps, step_range, alone)
        if steps is None or steps > FEW_STEPS:
            self.naming.forget()
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

    def nmi(self, hart: int) -> str | None:
        """Signal an RNMI to a hart, which takes it between two instructions; why it does not, or None. A machine that runs
        takes it in before its next turn."""
        state = self.machine.harts[self.require_hart(hart)]
        if not self.machine.features & Feature.SMRNMI:
            return "no NMI: the machine has no Smrnmi (--cpu rv64,smrnmi=on)"
        if state.builtin_sbi:
            return "no NMI: M-mode is the built-in SBI, which has no RNMI trap handler (--bios none or a firmware)"
        self.machine.signal_nmi(hart)
        if not self.running:
            self.machine.take_input()
            self._tell(StateChanged("rnmi"))
        return None

    def wait(self, timeout: float | None = None) -> Stop | None:
        """Wait until the machine stands still and everybody has been told; None when `timeout` seconds were not enough.

        A listener that is being told may call this, too.
        """
        with self._state:
            return self.stop if self._state.wait_for(self._told, timeout) else None

    def _told(self) -> bool:
        return not self.running and all(thread == threading.get_ident() for thread in self._telling)

    def reset(self) -> None:
        """Power-on state, the program loaded again. Breakpoints stay; no guest is known."""
        self._require_stopped()
        self.machine.reset()
        self._after_reset()
        self._finish(Stop(StopKind.RESET, 0, self.machine.harts[0].pc, "the machine was reset"))

    def _after_reset(self) -> None:
        self.worlds_known.forget()
        self.found.forget()
        self.naming.forget()
        self.points.arm()

    def close(self) -> None:
        """Stop the machine for good: nothing is read from it or done with it any more."""
        self.interrupt()
        self.wait(5)
        self._listeners.clear()
        self.closed = True

    @property
    def readable(self) -> bool:
        """Whether state can be read: the machine stands still, or it waits for a condition on this very thread."""
        return not self.running or threading.get_ident() == self._judge

    def _require_stopped(self) -> None:
        if not self.readable:
            raise MachineRunning
        if self.closed:
            raise MachineClosed

    def require_hart(self, index: int) -> int:
        """The number of a hart that there is. Raises DebugError for another."""
        if index not in range(self.harts):
            raise DebugError(f"there is no hart {index}; the machine has {self.harts}")
        return index

    # -- on the machine's thread --------------------------------------------------------------------------------------

    def _work(self, hart: int, steps: int | None, step_range: tuple[int, int] | None, alone: bool) -> None:
        try:
            stop = self._run(hart, steps, step_range, alone)
        except Exception as problem:  # whoever waits for the stop must not wait for ever
            self._finish(self._stop(StopKind.INTERRUPTED, hart, f"internal error: {problem!r}"))
            raise
        self._finish(stop)

    def _run(self, hart: int, steps: int | None, step_range: tuple[int, int] | None, alone: bool) -> Stop:
        self.points.refresh()
        stopped_at = self.machine.harts[self.stop.hart]
        if stopped_at.pc == self.stop.pc and breakpoint_here(stopped_at):
            stopped_at.break_skip = 1
        try:
            if step_range is not None:
                return self._step_range(hart, *step_range)
            if steps is not None:
                return self._explain(self.machine.run(steps, hart), hart, StopKind.STEP, alone=True)
            return self._continue(hart if alone else None)
        finally:
            for each in self.machine.harts:
                each.break_skip = each.range_size = 0

    def _finish(self, stop: Stop) -> None:
        me = threading.get_ident()
        with self._lock:
            self.stop = stop
            self._telling.append(me)
            self.running = False
        try:
            self._tell(Stopped(stop))
        finally:
            with self._lock:
                self._telling.remove(me)
                self._state.notify_all()

    def _step_range(self, hart: int, start: int, end: int) -> Stop:
        """In single steps of the engine's own, unless the range is left at once."""
        state = self.machine.harts[hart]
        outcome = Outcome.BUDGET if start <= state.pc < end else self.machine.run(1, hart)
        if outcome is Outcome.BUDGET and start <= state.pc < end and not self._interrupted:
            state.range_start, state.range_size = start, end - start
            while outcome is Outcome.BUDGET:
                outcome = Outcome.STOPPED if self._interrupted else self.machine.run(CHUNK, hart)
        return self._explain(outcome, hart, StopKind.STEP, alone=True)

    def _continue(self, only: int | None) -> Stop:
        told = False
        look = LOOK * self.machine.engine.slice_units
        while True:
            before = self._retired()
            left = look if self.limit is None else max(0, self.limit - max(before))
            outcome = self.machine.run(min(left, look), only) if left else Outcome.BUDGET
            if self._interrupted and outcome in (Outcome.BUDGET, Outcome.IDLE):
                outcome = Outcome.STOPPED
            hart = self.machine.current.hartid
            if outcome is Outcome.RESET:
                self._after_reset()
            elif outcome is Outcome.IDLE and self.waits_for_input and self._wakes_on_input():
                self.machine.wait_for_input(INPUT_WAIT)
            elif outcome is Outcome.BUDGET and self.limit is not None and max(self._retired()) >= self.limit:
                return self._stop(StopKind.LIMIT, hart, f"{self.limit} instructions are over")
            elif outcome is not Outcome.BUDGET:
                return self._explain(outcome, hart, StopKind.LIMIT, alone=only is not None)
            elif found := next(filter(None, map(self._nowhere, self.machine.harts)), None):
                if not told:
                    told = True
                    self.machine.warning(found)
                if self.limit is not None and self._retired() == before:
                    return self._stop(StopKind.LIMIT, hart, f"the limit of {self.limit} instructions is never reached: {found}")

    def _retired(self) -> list[int]:
        return [self.machine.retired(index) for index in range(self.harts)]

    def _nowhere(self, hart: Hart) -> str | None:
        """Why a hart gets nowhere, see core.debug.loops."""
        debugger: Any = self
        text = trap_loop(debugger, hart)
        return text and (f"{text}, on hart {hart.hartid}" if self.harts > 1 else text)

    def _wakes_on_input(self) -> bool:
        """Whether an external interrupt could end the WFI of some hart."""
        return any(hart.mie & EXTERNAL for hart in self.machine.harts)

    def _attend(self, hart: Hart, event: Attention) -> Outcome | None:
        """Asked by the scheduler: the outcome to stop with, None to go on."""
        self._judge = threading.get_ident()
        try:
            return self._decide(hart, event)
        finally:
            self._judge = NOWHERE

    def _decide(self, hart: Hart, event: Attention) -> Outcome | None:
        debugger: Any = self
        outcome = Outcome.EBREAK if event & Attention.EBREAK else None
        if event & Attention.BREAKPOINT:
            self._hit = self.points.breakpoint_hit(debugger, hart)
            outcome = Outcome.BREAKPOINT if self._hit else None
            if not self._hit:
                hart.break_skip = 1
        if event & Attention.CATCH:
            new_world = self._new_worlds(hart) if hart.caught & Caught.NEW_WORLD else False
            self._hit = self.points.catch_hit(debugger, hart)
            if self._hit or new_world:
                outcome = Outcome.CATCH
        if event & Attention.WATCHPOINT:
            hit = self.points.watchpoint_hit(debugger, hart)
            if hit is not None:
                self._hit, outcome = hit, Outcome.WATCHPOINT
        return outcome

    def _new_worlds(self, hart: Hart) -> bool:
        """A guest is being entered for the first time: tell. Whether to stop for it."""
        new = self.worlds_known.update()
        if new:
            self.points.arm()
        for number in new:
            self.found.look(number, hart.hartid)
            self._tell(NewWorld(self.worlds_known.describe(number)))
        return bool(new) and self.stop_on_new_world

    # -- from outcomes to stops ---------------------------------------------------------------------------------------

    def place(self, address: int, world: int | None = None, hart: int = 0) -> str:
        """An address in words, by the symbols of a world (None: the one the hart is in)."""
        return self.symbols_at(address, world, hart).format(address)

    def symbols_at(self, address: int, world: int | None = None, hart: int = 0) -> SymbolTable:
        """The symbols that hold at an address of a world (None: the one the hart is in); an empty table where none do."""
        number = self.worlds_known.current(self.machine.harts[hart]) if world is None else world
        return self.naming.table(address, number, self.symbols)

    def _stop(self, kind: StopKind, hart: int, text: str, **more: Any) -> Stop:
        state = self.machine.harts[hart]
        return Stop(kind, hart, state.pc, text, **{"world": self.worlds_known.current(state)} | more)

    def _stepped(self, kind: StopKind, hart: int) -> Stop:
        """The stop nobody may ask words of: gdb's steps come by the thousand."""
        state = self.machine.harts[hart]
        pc, world = state.pc, self.worlds_known.current(state)
        return Stop(kind, hart, pc, lambda: f"stepped to {self.place(pc, world)}", world=world)

    def _explain(self, outcome: Outcome, hart: int, budget: StopKind, *, alone: bool = False) -> Stop:
        """A Stop for an outcome; `budget` is what running out of units means; alone: the other harts stood still."""
        if outcome in STEPPED:
            return self._stepped(budget, hart)
        where = self.place(self.machine.harts[hart].pc, hart=hart)
        if outcome in (Outcome.BREAKPOINT, Outcome.WATCHPOINT, Outcome.CATCH):
            return self._explain_hit(outcome, hart, where)
        if outcome is Outcome.EXITED:
            code = self.machine.exit_code or 0
            return self._stop(StopKind.EXITED, hart, f"the machine switched itself off with status {code}", exit_code=code)
        if outcome is Outcome.RESET:
            self._after_reset()
        kind, text = SIMPLE_STOPS[outcome]
        if outcome is Outcome.IDLE and alone:
            stopped = self.machine.firmware.hart_state(hart) is HartState.STOPPED
            text = "hart {hart} " + ("is stopped: it runs after sbi_hart_start" if stopped else "waits in WFI at {where}")
        if outcome is Outcome.IDLE and (dead := [str(each.hartid) for each in self.machine.harts if each.critical]):
            text = f"hart {', '.join(dead)}: critical error, nothing but a reset helps"
        return self._stop(kind, hart, text.format(where=where, hart=hart))

    def _explain_hit(self, outcome: Outcome, hart: int, where: str) -> Stop:
        hit, self._hit = self._hit, None
        if hit is None:
            world = self.worlds_known.current(self.machine.harts[hart])
            name = self.worlds_known.name(world)
            return self._stop(StopKind.NEW_WORLD, hart, f"{name} is entered for the first time, at {where}")
        numbers = tuple(point.number for point in hit.points)
        found: dict[str, Any] = {"number": numbers[0], "numbers": numbers}
        if outcome is Outcome.BREAKPOINT:
            head = hit.points[0].label or f"breakpoint {numbers[0]} at"
            return self._stop(StopKind.BREAKPOINT, hart, f"{head} {where}{hit.problem}", **found)
        if outcome is Outcome.WATCHPOINT and hit.address is not None:
            text = f"{hit.text}, now at {where}{hit.problem}"
            if isinstance(hit.points[0], Catch):
                return self._stop(StopKind.CATCH, hart, f"catch {numbers[0]}: {text}", **found)
            found |= {"watch_address": hit.address, "watch_kind": hit.kind}
            return self._stop(StopKind.WATCHPOINT, hart, f"watchpoint {numbers[0]}: {text}", **found)
        return self._stop(StopKind.CATCH, hart, hit.text + hit.problem, **found | {"world": hit.world})
