# SPDX-License-Identifier: Apache-2.0
"""A whole machine: harts, RAM, devices and firmware, run by one of the engines.

Everything here is deterministic: time derives from retired instructions, harts take turns of fixed length, and input from
outside enters between turns. One thread at a time may run a machine; `console_input`, `request_stop` may come from any.
"""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import core.engine.decoded  # noqa: F401  declares state slots, which must be before the first Hart
from core.boot.firmware import Firmware, start_hart
from core.boot.loader import BootConfig, BootPlan, prepare
from core.boot.sbi import BuiltinSbi
from core.boot.sbi.host import HartState
from core.devices.board import RAM_BASE, Board
from core.devices.device import Services
from core.devices.htif import Htif
from core.devices.uart16550 import Uart16550
from core.engine.boundary import NEVER, units_until
from core.engine.reference import ReferenceEngine
from core.events import Event
from core.features import DEFAULT_FEATURES, Feature
from core.hart import Hart
from core.isa.intrinsics import Trap, end_slice, now, retired
from core.memory.bus import Bus, BusError
from core.memory.ram import Ram
from core.mmu.watch import add_watch, hit_kind
from core.tolerance import WARNINGS, Tolerance
from core.trap.causes import Interrupt
from core.trap.interrupts import next_deadline, wakes
from core.trap.reset import reset_hart

TURN = 10_000
"""Units of time that one of several harts runs before the next."""
LINES = {"M": Interrupt.MEI, "S": Interrupt.SEI}


class Outcome(Enum):
    """Why `Machine.run` returned."""

    BUDGET = "the units asked for are used up"
    STOPPED = "somebody asked for a stop"
    BREAKPOINT = "about to execute an instruction with a breakpoint"
    WATCHPOINT = "an access hit a watchpoint"
    EBREAK = "an ebreak was executed"
    IDLE = "every hart waits for an interrupt and nothing is due"
    EXITED = "the machine is switched off"
    RESET = "the machine was reset"


@dataclass(frozen=True)
class MachineConfig:
    """What a machine is made of. memory: bytes of RAM; harts: number of harts; engine: "native" or "reference"."""

    boot: BootConfig
    memory: int = 128 << 20
    harts: int = 1
    features: Feature = DEFAULT_FEATURES
    strict: bool = False
    engine: str = "native"


def _ignore(*arguments: object) -> None:
    """Default of the callbacks."""


@dataclass(eq=False)
class Machine:
    """A machine, ready to run its program.

    console_output gets the bytes of the guest's serial console; warning gets one line for each tolerance used. Raises
    BootError (one line) when the program cannot be loaded.
    """

    config: MachineConfig
    console_output: Callable[[bytes], None] = _ignore
    warning: Callable[[str], None] = _ignore
    exit_code: int | None = field(default=None, init=False)
    """Set when the machine switched itself off: 0 is success."""

    def __post_init__(self) -> None:
        self.ram = Ram(RAM_BASE, self.config.memory)
        self.ram_view = self.ram.view
        self.harts = [Hart(index) for index in range(self.config.harts)]
        self.current = self.harts[0]
        self.services = Services(
            harts=self.harts,
            now=lambda: now(self.current),
            changed=lambda: end_slice(self.current),
            set_external=self._set_external,
            set_software=self._set_software,
            console_output=lambda data: self.console_output(data),
            finish=self.finish,
            reset=self.request_reset,
        )
        self.board = Board(self.services)
        self.bus = Bus(self.ram)
        self.board.attach(self.bus)
        self.uart = self.board.find(Uart16550)
        self.firmware = Firmware(self)
        self.sbi = BuiltinSbi(self.firmware)
        self._stop_requested = False
        self._reset_requested = False
        self._attention = threading.Event()
        self._input: deque[bytes] = deque()
        self._keep: list[Any] = []
        self._warned: set[int] = set()
        for hart in self.harts:
            self._connect(hart)
        names = [str(feature.name) for feature in Feature if feature in self.config.features]
        self.plan: BootPlan = prepare(self.config.boot, self.board, self.ram, names)
        self.htif: Htif | None = None
        if self.config.engine == "native":
            from core.engine.native import NativeEngine  # the compiler is only loaded where it is used

            self.engine: NativeEngine | ReferenceEngine = NativeEngine(self.harts)
        else:
            self.engine = ReferenceEngine(self.harts)
        self.reset()

    # -- wiring -------------------------------------------------------------------------------------------------------

    def _connect(self, hart: Hart) -> None:
        """Give a hart its memory and the functions native code calls."""
        hart.machine = self
        hart.ram_base, hart.ram_size, hart.ram_host = self.ram.base, self.ram.size, self.ram.address
        hart.ram_bias = (self.ram.address - self.ram.base) & ((1 << 64) - 1)
        word, pointer = ctypes.c_uint64, ctypes.c_void_p

        def read(_: int, spa: int, size: int) -> int:
            return self.device_read(hart, spa, size)

        def write(_: int, spa: int, size: int, value: int) -> None:
            self.device_write(hart, spa, size, value)

        def warn(_: int, code: int, detail: int) -> None:
            self.warn(hart, code, detail)

        for slot, kind, function in (
            ("host_device_read", ctypes.CFUNCTYPE(word, pointer, word, word), read),
            ("host_device_write", ctypes.CFUNCTYPE(None, pointer, word, word, word), write),
            ("host_warn", ctypes.CFUNCTYPE(None, pointer, word, word), warn),
        ):
            callback = kind(function)
            self._keep.append(callback)
            setattr(hart, slot, ctypes.cast(callback, pointer).value or 0)

    def device_read(self, hart: Hart, spa: int, size: int) -> int:
        """A hart reads a device; h.bus_error = 1 when nothing answers."""
        try:
            return self.bus.read(spa, size)
        except BusError:
            hart.bus_error = 1
            return 0

    def device_write(self, hart: Hart, spa: int, size: int, value: int) -> None:
        """A hart writes a device; h.bus_error = 1 when nothing answers."""
        try:
            self.bus.write(spa, size, value)
        except BusError:
            hart.bus_error = 1

    def warn(self, hart: Hart, code: int, detail: int) -> None:
        """Report the first use of a tolerance."""
        if code not in self._warned:
            self._warned.add(code)
            place = self.plan.symbols.format(hart.pc)
            where = f"{hart.pc:#x}" + (f" ({place})" if not place.startswith("0x") else "")
            self.warning(f"pc {where}: {WARNINGS[Tolerance(code)].format(detail=detail)}")

    def _set_external(self, hart: int, level: str, on: bool) -> None:
        self._set_line(hart, LINES[level], on)

    def _set_software(self, hart: int, on: bool) -> None:
        self._set_line(hart, Interrupt.MSI, on)

    def _set_line(self, index: int, line: int, on: bool) -> None:
        hart = self.harts[index]
        hart.irq_lines = hart.irq_lines | (1 << line) if on else hart.irq_lines & ~(1 << line)
        end_slice(hart)

    # -- from outside -------------------------------------------------------------------------------------------------

    def console_input(self, data: bytes) -> None:
        """Bytes typed at the guest's console; taken in before the next turn. Any thread."""
        self._input.append(data)
        self._attention.set()

    def request_stop(self) -> None:
        """Make `run` return soon. Any thread."""
        self._stop_requested = True
        self._attention.set()

    def finish(self, code: int) -> None:
        """Switch the machine off with an exit status."""
        self.exit_code = code
        self._leave()

    def request_reset(self) -> None:
        """Reset the machine before the next instruction."""
        self._reset_requested = True
        self._leave()

    def _leave(self) -> None:
        for hart in self.harts:
            hart.event |= Event.HOST
            end_slice(hart)

    def memory_changed(self, spa: int, size: int) -> None:
        """RAM was written other than by a hart."""
        self.engine.memory_changed(spa, size)

    def reset(self) -> None:
        """Power-on state: devices and harts reset, RAM cleared, the program loaded again."""
        self.exit_code = None
        self._reset_requested = False
        self.ram.clear()
        self.plan.install(self.ram)
        self.engine.forget_everything()
        self.board.reset()
        self.firmware.reset()
        for hart in self.harts:
            reset_hart(hart, self.config.features, strict=self.config.strict, builtin_sbi=self.plan.supervisor)
            hart.idle, hart.limit, hart.left, hart.event = 0, 0, 0, 0
            hart.irq_lines, hart.time_offset, hart.mtimecmp, hart.warned = 0, 0, NEVER, 0
            start_hart(hart, self.plan)
        self.current = self.harts[0]
        if self.plan.tohost is not None:
            self.htif = Htif(self.ram, self.plan.tohost, self.plan.fromhost, self.services, self.warning)
            for hart in self.harts:
                hart.watch_count = 0
                add_watch(hart, self.plan.tohost, 8, hit_kind(write=True, physical=True))

    # -- running ------------------------------------------------------------------------------------------------------

    def time(self) -> int:
        """mtime, in ticks."""
        return now(self.current)

    def run(self, units: int, hart: int | None = None) -> Outcome:
        """Run for `units` units of time (instructions and traps), or until something wants attention.

        hart: only this one runs, the others stand still; None: all take turns. With `hart`, a hart that waits in WFI
        with no timer due returns at once with IDLE.
        """
        self._stop_requested = False
        if self.exit_code is not None:
            return Outcome.EXITED
        if hart is not None or len(self.harts) == 1:
            return self._run_alone(self.harts[hart or 0], units)
        return self._run_turns(units)

    def _run_alone(self, hart: Hart, units: int) -> Outcome:
        while units > 0:
            if self._stop_requested:
                return Outcome.STOPPED
            part = min(units, self.engine.slice_units)
            outcome, used = self._turn(hart, part)
            if outcome is Outcome.IDLE and self._wake(hart):
                continue
            if outcome is not Outcome.BUDGET:
                return outcome
            units -= used
        return Outcome.BUDGET

    def _wake(self, hart: Hart) -> bool:
        """A hart running alone is idle: whether it goes on after time has passed or input has come."""
        stopped = self.firmware.hart_state(hart.hartid) is HartState.STOPPED
        return not stopped and (self._sleep([hart]) or bool(self._input))

    def _run_turns(self, units: int) -> Outcome:
        while units > 0:
            idle = True
            for hart in self.harts:
                if self._stop_requested:
                    return Outcome.STOPPED
                self._switch(hart)
                outcome, used = self._turn(hart, TURN)
                hart.idle += TURN - used
                if outcome is Outcome.BUDGET:
                    idle = False
                elif outcome is not Outcome.IDLE:
                    return outcome
            units -= TURN
            if idle and not self._sleep(self.harts) and not self._input:
                return Outcome.IDLE
        return Outcome.BUDGET

    def _switch(self, hart: Hart) -> None:
        """Another hart's turn: reservations do not outlast it."""
        if hart is not self.current:
            self.current.res_valid = 0
            self.current = hart

    def _turn(self, hart: Hart, units: int) -> tuple[Outcome, int]:
        """Run one hart for up to `units`; why it ended and how much it used."""
        self.current = hart
        if self.firmware.hart_state(hart.hartid) is HartState.STOPPED:
            return Outcome.IDLE, 0
        while self._input:
            data = self._input.popleft()
            self.uart.receive(data)
            if self.htif is not None:
                self.htif.receive(data)
        self._advance(hart)
        due = self.board.deadline()
        if due is not None:
            units = min(units, units_until(hart, due))
        hart.budget = units
        while True:
            self.engine.run(hart)
            event, hart.event = Event(hart.event), 0
            outcome = self._attend(hart, event) if event else None
            if outcome is not None or hart.budget == 0:
                return outcome or Outcome.BUDGET, units - hart.budget

    def _attend(self, hart: Hart, event: Event) -> Outcome | None:
        """Deal with the events of a hart; None when it can go on."""
        if event & Event.HOST:
            if self.exit_code is not None:
                return Outcome.EXITED
            if self._reset_requested:
                self.reset()
                return Outcome.RESET
        if event & Event.SBI:
            self._serve(hart)
            if self.exit_code is not None:
                hart.event = 0
                return Outcome.EXITED
            if self.firmware.hart_state(hart.hartid) is HartState.STOPPED:
                return Outcome.IDLE
        if event & Event.BREAKPOINT:
            return Outcome.BREAKPOINT
        if event & Event.WATCHPOINT and not self._poll_htif(hart):
            return Outcome.WATCHPOINT
        if event & Event.EBREAK:
            return Outcome.EBREAK
        if event & Event.WFI:
            return Outcome.IDLE
        return Outcome.EXITED if self.exit_code is not None else None

    def _serve(self, hart: Hart) -> None:
        """The built-in SBI's part: the ecall retires like an instruction, unless it raised a Trap of the caller."""
        pc = hart.pc
        try:
            self.sbi.call(hart)
        except Trap as trap:
            self.firmware.deliver(hart, trap)
            return
        hart.limit += 1
        if hart.pc == pc:
            hart.pc = pc + 4

    def _poll_htif(self, hart: Hart) -> bool:
        """Whether the watchpoint was the machine's own on tohost."""
        if self.htif is None or hart.watch_hit != 1:
            return False
        hart.watch_hit = 0
        self.htif.poll()
        return True

    def _advance(self, hart: Hart) -> None:
        due = self.board.deadline()
        if due is not None and due <= now(hart):
            self.board.advance()

    def _sleep(self, harts: list[Hart]) -> bool:
        """All `harts` wait for an interrupt: let time pass until something is due. False when nothing is."""
        started = [hart for hart in harts if self.firmware.hart_state(hart.hartid) is not HartState.STOPPED]
        if any(wakes(hart) for hart in started if hart.wfi):
            return True
        dues = [due for hart in started if (due := next_deadline(hart)) != NEVER]
        device = self.board.deadline()
        if device is not None:
            dues.append(device)
        if not dues:
            return False
        first = min(dues)
        for hart in self.harts:
            if first > now(hart):
                hart.idle += units_until(hart, first)
        return True

    @property
    def own_watchpoints(self) -> int:
        """How many of the first watchpoint entries of each hart are the machine's own (one on tohost)."""
        return 0 if self.htif is None else 1

    def wait_for_input(self, seconds: float) -> None:
        """Wait until console input or a stop request comes, at most `seconds`."""
        self._attention.wait(seconds)
        self._attention.clear()

    def retired(self, hart: int = 0) -> int:
        """Instructions a hart has retired."""
        return retired(self.harts[hart])
