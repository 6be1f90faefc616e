# SPDX-License-Identifier: Apache-2.0
"""Running the harts of a machine: turns, sleep, and what to do when an engine returns with an event."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from core.boot.sbi.host import HartState
from core.devices.device import TIMEBASE
from core.engine.boundary import NEVER, units_until
from core.events import Event
from core.hart import Hart
from core.isa.intrinsics import M64, Trap, now
from core.trap.catches import Caught
from core.trap.interrupts import next_deadline, wakes

if TYPE_CHECKING:
    from core.machine import Machine

TURN = 10_000
"""Units of time that one of several harts runs before the next."""
FAR = 1 << 48
"""Ticks, most of a year: a timer further away than that never goes off."""


class Outcome(Enum):
    """Why running ended."""

    BUDGET = "the units asked for are used up"
    STOPPED = "somebody asked for a stop"
    BREAKPOINT = "about to execute an instruction with a breakpoint"
    WATCHPOINT = "an access hit a watchpoint"
    CATCH = "something the debugger wants to know of has happened"
    RANGE = "the pc has left the range being stepped through"
    EBREAK = "an ebreak was executed"
    IDLE = "every hart waits for an interrupt and nothing is due"
    EXITED = "the machine is switched off"
    RESET = "the machine was reset"


OUTCOMES = {
    Event.BREAKPOINT: Outcome.BREAKPOINT,
    Event.WATCHPOINT: Outcome.WATCHPOINT,
    Event.EBREAK: Outcome.EBREAK,
    Event.CATCH: Outcome.CATCH,
}
FOR_DEBUGGER = Event.BREAKPOINT | Event.WATCHPOINT | Event.EBREAK | Event.CATCH | Event.RANGE


class Scheduler:
    """Gives the harts of a machine their turns."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.stops: Callable[[Hart, Event], Outcome | None] | None = None
        """Asked about events that may interest a debugger: the outcome to stop with, or None to go on."""

        self._paced = False
        """Whether harts that sleep do so as long as a clock would: not while a debugger steps one of them."""

    def run(self, units: int, hart: int | None) -> Outcome:
        """See Machine.run."""
        harts = self.machine.harts
        self._paced = self.machine.paced and hart is None
        if self.machine.exit_code is not None:
            return Outcome.EXITED
        if hart is not None or len(harts) == 1:
            return self._run_alone(harts[hart or 0], units)
        return self._run_turns(units)

    def _run_alone(self, hart: Hart, units: int) -> Outcome:
        while units > 0:
            if self.machine.take_stop_request():
                return Outcome.STOPPED
            part = min(units, self.machine.engine.slice_units)
            outcome, used = self._turn(hart, part)
            units -= used
            if outcome is Outcome.IDLE and self._wake(hart):
                continue
            if outcome is not Outcome.BUDGET:
                return outcome
        return Outcome.BUDGET

    def _wake(self, hart: Hart) -> bool:
        """A hart running alone is idle: whether it goes on after time has passed or input has come."""
        return not self._stopped(hart) and (self._sleep([hart]) or self.machine.has_input)

    def _stopped(self, hart: Hart) -> bool:
        """Whether nothing that comes from outside sets a hart going: the SBI has stopped it, or a critical error."""
        return bool(hart.critical) or self.machine.firmware.hart_state(hart.hartid) is HartState.STOPPED

    def _run_turns(self, units: int) -> Outcome:
        while units > 0:
            idle = True
            for hart in self.machine.harts:
                if self.machine.take_stop_request():
                    return Outcome.STOPPED
                self._switch(hart)
                outcome, used = self._turn(hart, TURN)
                hart.idle += TURN - used
                if outcome is Outcome.BUDGET:
                    idle = False
                elif outcome is not Outcome.IDLE:
                    return outcome
            units -= TURN
            if idle and not self._sleep(self.machine.harts) and not self.machine.has_input:
                return Outcome.IDLE
        return Outcome.BUDGET

    def _switch(self, hart: Hart) -> None:
        """Another hart's turn: reservations do not outlast it."""
        if hart is not self.machine.current:
            self.machine.current.res_valid = 0
            self.machine.current = hart

    def _turn(self, hart: Hart, units: int) -> tuple[Outcome, int]:
        """Run one hart for up to `units`; why it ended and how much it used."""
        self.machine.current = hart
        if self.machine.firmware.hart_state(hart.hartid) is HartState.STOPPED:
            return Outcome.IDLE, 0
        self.machine.take_input()
        due = self._advance(hart)
        if due is not None:
            units = min(units, units_until(hart, due))
        hart.budget = units
        while True:
            self.machine.engine.run(hart)
            outcome = None
            if event := hart.event:
                hart.event = 0
                outcome = self._attend(hart, Event(event))
            if outcome is not None or hart.budget == 0 or self.machine.stop_requested:
                return outcome or Outcome.BUDGET, units - hart.budget

    def _attend(self, hart: Hart, event: Event) -> Outcome | None:
        """Deal with the events of a hart; None when it can go on."""
        if event & Event.HOST:
            if self.machine.exit_code is not None:
                return Outcome.EXITED
            if self.machine.reset_requested:
                self.machine.reset()
                return Outcome.RESET
        if event & Event.SBI:
            self._serve(hart)
            if self.machine.exit_code is not None:
                hart.event = 0
                return Outcome.EXITED
            if self.machine.firmware.hart_state(hart.hartid) is HartState.STOPPED:
                return Outcome.IDLE
        if event & Event.WATCHPOINT and self._poll_htif(hart):
            event &= ~Event.WATCHPOINT
        if event & FOR_DEBUGGER:
            outcome = self._for_debugger(hart, event)
            if outcome is not None:
                return outcome
        if event & Event.WFI:
            return Outcome.IDLE
        return Outcome.EXITED if self.machine.exit_code is not None else None

    def _for_debugger(self, hart: Hart, event: Event) -> Outcome | None:
        """The outcome of an event for the debugger; None when it does not want to stop for it."""
        if event & Event.RANGE:
            return Outcome.RANGE
        if self.stops is not None:
            return self.stops(hart, event)
        if hart.caught == Caught.NEW_WORLD:
            event &= ~Event.CATCH
        hart.caught = 0
        return next((outcome for bit, outcome in OUTCOMES.items() if event & bit), None)

    def _serve(self, hart: Hart) -> None:
        """The built-in SBI's part: the ecall retires like an instruction, unless it raised a Trap of the caller."""
        pc = hart.pc
        try:
            self.machine.sbi.call(hart)
        except Trap as trap:
            self.machine.firmware.deliver(hart, trap)
            return
        hart.limit += 1
        if hart.pc == pc:
            hart.pc = (pc + 4) & M64

    def _poll_htif(self, hart: Hart) -> bool:
        """Whether the watchpoint was the machine's own on tohost."""
        if self.machine.htif is None or hart.watch_hit != 1:
            return False
        hart.watch_hit = 0
        self.machine.htif.poll()
        return True

    def _advance(self, hart: Hart) -> int | None:
        """Let devices do what is due; when the next thing is due, see Board.deadline."""
        board = self.machine.board
        due = board.deadline()
        if due is not None and due <= now(hart):
            board.advance()
            due = board.deadline()
        return due

    def _sleep(self, harts: list[Hart]) -> bool:
        """All `harts` wait for an interrupt: let time pass until something is due. False when nothing is."""
        started = [hart for hart in harts if not self._stopped(hart)]
        if any(wakes(hart) for hart in started if hart.wfi):
            return True
        dues = [due for hart in started if (due := next_deadline(hart)) != NEVER]
        device = self.machine.board.deadline()
        if device is not None:
            dues.append(device)
        if not dues:
            return False
        first = min(dues)
        if first - now(self.machine.current) > FAR:
            return False
        ticks = first - now(self.machine.current)
        if self._paced and ticks > 0 and not self.machine.pass_time(ticks / TIMEBASE):
            return True  # not yet
        for hart in self.machine.harts:
            if first > now(hart):
                hart.idle = (hart.idle + units_until(hart, first)) & M64
        return True
