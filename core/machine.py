# SPDX-License-Identifier: Apache-2.0
"""A whole machine: harts, RAM, devices and firmware, run by one of the engines.

Everything here is deterministic: time derives from retired instructions, harts take turns of fixed length, and input from
outside enters between turns. One thread at a time may run a machine; `console_input`, `request_stop` may come from any.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import core.engine.decoded  # noqa: F401  declares state slots, which must be before the first Hart
from core.boot.errors import BootError
from core.boot.firmware import Firmware, start_hart
from core.boot.images import read_file
from core.boot.loader import Bios, BootConfig, BootPlan, prepare
from core.boot.sbi import BuiltinSbi
from core.csr.seed import start_of_entropy
from core.devices.board import RAM_BASE, Board, features_of, lines_of
from core.devices.config import USUAL_BOARD, BoardConfig
from core.devices.device import Services
from core.devices.dma import Dma
from core.devices.fw_cfg import FwCfg
from core.devices.htif import Htif
from core.devices.uart16550 import Uart16550
from core.engine.boundary import NEVER
from core.engine.reference import ReferenceEngine
from core.errors import BadValue
from core.events import Event
from core.features import DEFAULT_FEATURES, Feature, consistent, isa_names
from core.hart import Hart
from core.isa.intrinsics import end_slice, now, retired
from core.memory.bus import Bus, BusError
from core.memory.ram import PAGE_SIZE, Ram
from core.mmu.watch import add_watch, hit_kind
from core.options import ENGINES, MOST_HARTS
from core.scheduler import Outcome, Scheduler
from core.suggest import did_you_mean
from core.tolerance import WARNINGS, Tolerance
from core.trap.causes import Interrupt
from core.trap.interrupts import set_line, signal_rnmi
from core.trap.reset import reset_hart

__all__ = ["Machine", "MachineConfig", "Outcome"]

LINES = {"M": Interrupt.MEI, "S": Interrupt.SEI}


@dataclass(frozen=True)
class MachineConfig:
    """What a machine is made of. memory: bytes of RAM; harts: number of harts; engine: one of ENGINES; board: devices
    besides the usual ones. Raises BadValue for what no machine can have."""

    boot: BootConfig
    memory: int = 128 << 20
    harts: int = 1
    features: Feature = DEFAULT_FEATURES
    strict: bool = False
    engine: str = "native"
    board: BoardConfig = USUAL_BOARD
    rnmi_vectors: tuple[int, int] = (0, 0)
    """Where Smrnmi's traps go: the RNMI trap handler, the RNMI exception trap handler. 0 is QEMU's default, too."""
    reboot: bool = True
    """Whether a reset that the program asks for is done; otherwise the machine ends with 0, as QEMU's with -no-reboot."""

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            hint = did_you_mean(str(self.engine), ENGINES) or f"; there are {', '.join(ENGINES)}"
            raise BadValue(f"no engine {self.engine!r}{hint}")
        if not isinstance(self.harts, int) or not 1 <= self.harts <= MOST_HARTS:
            raise BadValue(f"a machine has 1 to {MOST_HARTS} harts, not {self.harts!r}")
        if not isinstance(self.memory, int) or self.memory < PAGE_SIZE or self.memory % PAGE_SIZE:
            raise BadValue(f"memory comes in whole pages of {PAGE_SIZE} bytes, at least one; not {self.memory!r} bytes")


def _ignore(*arguments: object) -> None:
    """Default of the callbacks."""


@dataclass(eq=False)
class Machine:
    """A machine, ready to run its program.

    console_output gets the bytes of the guest's serial console; warning gets one line for each tolerance used. Raises
    BootError (one line) when the program cannot be loaded, BadValue when the host has too little memory.
    """

    config: MachineConfig
    console_output: Callable[[bytes], None] = _ignore
    warning: Callable[[str], None] = _ignore
    exit_code: int | None = field(default=None, init=False)
    """Set when the machine switched itself off: 0 is success."""

    def __post_init__(self) -> None:
        try:
            self.ram = Ram(RAM_BASE, self.config.memory)
        except ValueError as problem:  # more than the host has
            raise BadValue(str(problem)) from None
        self.ram_view = self.ram.view
        self.features = consistent(self.config.features | features_of(self.config.board))
        if self.config.boot.bios is Bios.BUILTIN and Feature.S not in self.features:
            raise BootError(
                "the hart has no S-mode, where the built-in SBI starts programs; without firmware they start in M-mode"
            )
        self.harts = [Hart(index) for index in range(self.config.harts)]
        self.current = self.harts[0]
        self.services = Services(
            harts=self.harts,
            now=lambda: now(self.current),
            changed=lambda: end_slice(self.current),
            set_external=lambda hart, level, on: set_line(self.harts[hart], LINES[level], on),
            set_software=lambda hart, on: set_line(self.harts[hart], Interrupt.MSI, on),
            console_output=lambda data: self.console_output(data),
            finish=self.finish,
            reset=self.request_reset,
            report=lambda text: self.warning(text),
            dma=Dma(self.ram, self.memory_changed),
        )
        self.board = Board(self.services, lines_of(self.config.board, self.config.boot.bios is Bios.BUILTIN))
        self.bus = Bus(self.ram)
        self.board.attach(self.bus)
        self.uart = self.board.find(Uart16550)
        self.firmware = Firmware(self)
        self.sbi = BuiltinSbi(self.firmware)
        self.scheduler = Scheduler(self)
        self.stop_requested = False
        self.reset_requested = False
        self.paced = False
        """When all harts wait for a timer: pass the time as a clock does, instead of skipping it."""
        self._attention = threading.Event()
        self._input: deque[bytes] = deque()
        self._nmis: deque[int] = deque()
        self._keep: list[Any] = []
        self._warned: set[int] = set()
        for hart in self.harts:
            self._connect(hart)
        names = isa_names(self.features, self.config.strict)
        self.plan: BootPlan = prepare(self.config.boot, self.board, self.ram, names)
        files = {name: read_file(path) for name, path in self.config.board.files}
        self.board.find(FwCfg).offer_files(files)
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
        if self.stop_requested:
            self._leave()
        try:
            return self.bus.read(spa, size)
        except BusError:
            hart.bus_error = 1
            return 0

    def device_write(self, hart: Hart, spa: int, size: int, value: int) -> None:
        """A hart writes a device; h.bus_error = 1 when nothing answers."""
        if self.stop_requested:
            self._leave()
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

    # -- from outside -------------------------------------------------------------------------------------------------

    def console_input(self, data: bytes) -> None:
        """Bytes typed at the guest's console; taken in before the next turn. Any thread."""
        self._input.append(data)
        self._attention.set()

    def signal_nmi(self, hart: int) -> None:
        """An RNMI for a hart that has Smrnmi; it comes in before the next turn. Any thread."""
        self._nmis.append(hart)
        self._attention.set()

    def request_stop(self) -> None:
        """Make `run` return soon. Any thread."""
        self.stop_requested = True
        self._attention.set()

    def finish(self, code: int) -> None:
        """Switch the machine off with an exit status."""
        self.exit_code = code
        self._leave()

    def request_reset(self) -> None:
        """Reset the machine before the next instruction, or end it, as the configuration says."""
        if not self.config.reboot:
            self.finish(0)
            return
        self.reset_requested = True
        self._leave()

    def _leave(self) -> None:
        for hart in self.harts:
            hart.event |= Event.HOST
            end_slice(hart)

    def memory_changed(self, spa: int, size: int) -> None:
        """RAM was written other than by a hart: neither decoded instructions nor reservations there hold any more."""
        self.engine.memory_changed(spa, size)
        for hart in self.harts:
            if hart.res_valid and hart.res_addr < spa + size and spa < hart.res_addr + hart.res_size:
                hart.res_valid = 0

    def reset(self) -> None:
        """Power-on state: devices and harts reset, RAM cleared, the program loaded again."""
        self.exit_code = None
        self.reset_requested = False
        self.ram.clear()
        self.plan.install(self.ram)
        self.engine.forget_everything()
        self.board.reset()
        if self.plan.supervisor:
            self.board.hand_over()
        self.firmware.reset()
        for hart in self.harts:
            reset_hart(hart, self.features, strict=self.config.strict, builtin_sbi=self.plan.supervisor)
            hart.idle, hart.limit, hart.left, hart.event = 0, 0, 0, 0
            hart.irq_lines, hart.time_offset, hart.mtimecmp, hart.warned = 0, 0, NEVER, 0
            hart.rnmi_interrupt_vector, hart.rnmi_exception_vector = self.config.rnmi_vectors
            hart.entropy = start_of_entropy(self.config.board.seed, hart.hartid)
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
        with nothing due returns at once with IDLE.
        """
        return self.scheduler.run(units, hart)

    def take_stop_request(self) -> bool:
        """Whether somebody asked for a stop; asking again says no."""
        wanted, self.stop_requested = self.stop_requested, False
        return wanted

    @property
    def has_input(self) -> bool:
        """Whether typed bytes, or RNMIs, wait to be taken in."""
        return bool(self._input or self._nmis)

    def take_input(self) -> None:
        """Hand RNMIs to their harts, typed bytes to the serial port."""
        while self._nmis:
            signal_rnmi(self.harts[self._nmis.popleft()])
        while self._input:
            data = self._input.popleft()
            self.board.console_input(data)
            if self.htif is not None:
                self.htif.receive(data)

    @property
    def own_watchpoints(self) -> int:
        """How many of the first watchpoint entries of each hart are the machine's own (one on tohost)."""
        return 0 if self.htif is None else 1

    def wait_for_input(self, seconds: float) -> None:
        """Wait until console input or a stop request comes, at most `seconds`."""
        self._attention.wait(seconds)
        self._attention.clear()

    def pass_time(self, seconds: float) -> bool:
        """Wait so long; False when console input or a stop request came before the end."""
        end = time.monotonic() + seconds
        while not (self.has_input or self.stop_requested):
            left = end - time.monotonic()
            if left <= 0:
                return True
            self.wait_for_input(min(left, threading.TIMEOUT_MAX))
        return False

    def retired(self, hart: int = 0) -> int:
        """Instructions a hart has retired."""
        return retired(self.harts[hart])
