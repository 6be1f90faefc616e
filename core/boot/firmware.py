# SPDX-License-Identifier: Apache-2.0
"""What the built-in SBI asks of the machine, and how harts start under it (or bare, or under firmware of the
user's)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.boot.loader import BootPlan
from core.boot.sbi.host import HartState
from core.csr.registry import CSRS_BY_NAME
from core.engine.boundary import deliver
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import Trap, end_slice
from core.mmu.access import load
from core.mmu.tlb import flush_all
from core.trap.causes import Interrupt
from core.trap.start import start_supervisor

if TYPE_CHECKING:
    from core.machine import Machine

A0, A1, A2 = 10, 11, 12


def start_hart(hart: Hart, plan: BootPlan) -> None:
    """Registers of a hart that has just been reset, as the boot plan has them."""
    if plan.supervisor:
        start_supervisor(hart)
    hart.pc = plan.entry
    hart.x[A0], hart.x[A1], hart.x[A2] = hart.hartid, plan.dtb, plan.dynamic_info


class Firmware:
    """The machine as the built-in SBI sees it (core.boot.sbi.host.SbiHost)."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.reset()

    def reset(self) -> None:
        """Power-on state: hart 0 runs, the others wait to be started when the built-in SBI is in charge."""
        plan = getattr(self.machine, "plan", None)
        supervised = plan is not None and plan.supervisor
        self._states = [HartState.STOPPED if supervised and index else HartState.STARTED for index in range(len(self.harts))]

    @property
    def harts(self) -> Sequence[Hart]:
        """All harts."""
        return self.machine.harts

    @property
    def machine_ids(self) -> tuple[int, int, int]:
        """mvendorid, marchid, mimpid."""
        ids = [CSRS_BY_NAME[name].read(self.harts[0]) for name in ("mvendorid", "marchid", "mimpid")]
        return ids[0], ids[1], ids[2]

    def has_memory(self, address: int, length: int) -> bool:
        """Whether these bytes are RAM."""
        return self.machine.ram.contains(address, length)

    def read_memory(self, address: int, length: int) -> bytes:
        """Bytes of RAM."""
        return self.machine.ram.read_bytes(address, length)

    def write_memory(self, address: int, data: bytes) -> None:
        """Store into RAM."""
        self.machine.ram.write_bytes(address, data)
        self.machine.memory_changed(address, len(data))

    def read_virtual(self, hart: int, address: int, size: int) -> int:
        """A load as the hart would make it now."""
        return int(load(self.harts[hart], address, size))

    def deliver(self, hart: Hart, trap: Trap) -> None:
        """A Trap raised on behalf of the caller."""
        trap.put(hart)
        hart.limit += 1
        hart.left = 1
        deliver(hart)
        hart.pc = hart.npc

    def console_write(self, data: bytes) -> None:
        """Bytes for the console."""
        self.machine.console_output(data)

    def console_read(self, limit: int) -> bytes:
        """Typed bytes out of the serial port's queue, as firmware would take them."""
        return self.machine.uart.take(limit)

    def set_timer(self, hart: int, deadline: int) -> None:
        """Through stimecmp where that exists, else as firmware does: by the machine's timer, which then raises STIP."""
        h = self.harts[hart]
        if h.features & Feature.SSTC:
            h.stimecmp = deadline
        else:
            h.mtimecmp = deadline
            h.mie |= 1 << Interrupt.MTI
        end_slice(h)

    def send_ipi(self, harts: Sequence[int]) -> None:
        """Make SSIP pending."""
        for index in harts:
            hart = self.harts[index]
            hart.mip |= 1 << Interrupt.SSI
            end_slice(hart)

    def clear_ipi(self, hart: int) -> bool:
        """Clear SSIP."""
        h = self.harts[hart]
        was = bool(h.mip >> Interrupt.SSI & 1)
        h.mip &= ~(1 << Interrupt.SSI)
        return was

    def flush(self, harts: Sequence[int]) -> None:
        """Forget all translations. Decoded instructions follow memory by themselves."""
        for index in harts:
            flush_all(self.harts[index])

    def hart_state(self, hart: int) -> HartState:
        """The state of a hart; one that was suspended is started again once an interrupt has woken it."""
        if self._states[hart] is HartState.SUSPENDED and not self.harts[hart].wfi:
            self._states[hart] = HartState.STARTED
        return self._states[hart]

    def hart_start(self, hart: int, address: int, opaque: int) -> None:
        """Start a hart in HS-mode."""
        h = self.harts[hart]
        self._states[hart] = HartState.STARTED
        self._begin(h, address, opaque)

    def _begin(self, h: Hart, address: int, opaque: int) -> None:
        start_supervisor(h)
        h.wfi = 0
        h.pc, h.x[A0], h.x[A1] = address, h.hartid, opaque

    def hart_stop(self, hart: int) -> None:
        """Stop the calling hart."""
        self._states[hart] = HartState.STOPPED
        self.harts[hart].wfi = 1

    def hart_suspend(self, hart: int, resume: tuple[int, int] | None) -> None:
        """Let the calling hart wait for an interrupt, then go on behind its ecall or begin anew."""
        h = self.harts[hart]
        self._states[hart] = HartState.SUSPENDED
        if resume is not None:
            self._begin(h, *resume)
        h.wfi = 1

    def shutdown(self, code: int) -> None:
        """Switch the machine off."""
        self.machine.finish(code)

    def reboot(self) -> None:
        """Reset the machine."""
        self.machine.request_reset()
