# SPDX-License-Identifier: Apache-2.0
"""Windows to indirectly accessed registers: priorities of major interrupts, and the interrupt files of an IMSIC.

Source: The RISC-V Advanced Interrupt Architecture 1.0, chapter Control and Status Registers (CSRs) Added to Harts. Of the
iprio arrays, the bytes of interrupts 13 and above are read-only zero.
"""

from __future__ import annotations

from core.csr.csr import Csr, Effect
from core.csr.fields import rw
from core.csr.imsic import EIP, LAST, MACHINE, SUPERVISOR, file_read, file_write, guest_file
from core.csr.interrupts import SEIP
from core.hart import Hart, state
from core.isa.intrinsics import cold, u64
from core.trap.causes import Cause

IPRIO, IPRIO_LAST, EXTERNAL = 0x30, 0x3F, 0x70
"""Register numbers of the iprio array; the first one of an interrupt file."""


def _bytes(*interrupts: int) -> int:
    """The mask of these interrupts' priorities in iprio0 (0 to 7) or iprio2 (8 to 15)."""
    return sum(0xFF << (8 * (number & 7)) for number in interrupts)


MACHINE_0, MACHINE_2 = _bytes(1, 3, 5, 7), _bytes(9)
"""What can be set of M-mode's array: interrupts that mie can enable and that can come to M-mode, but not its own
external one (AIA, Configuring priorities of major interrupts at machine level)."""
SUPERVISOR_0, SUPERVISOR_2 = _bytes(1, 2, 5, 6), _bytes(10, 12)
"""What can be set of S-mode's array: interrupts that sie and hie can enable, but not its own external one."""

state("miprio0", doc="M-mode's priorities of interrupts 0 to 7")
state("miprio2", doc="M-mode's priorities of interrupts 8 to 15")
state("siprio0", doc="S-mode's priorities of interrupts 0 to 7")
state("siprio2", doc="S-mode's priorities of interrupts 8 to 15")


def selected(h: Hart, number: u64) -> u64:
    """0 when a *iselect CSR with this value selects a register that M-mode or S-mode has, else the cause: registers of
    32 bits do not exist at odd numbers, external interrupts only with an IMSIC."""
    if number >= IPRIO and number <= IPRIO_LAST:
        return 0 if number & 1 == 0 else Cause.ILLEGAL_INSTRUCTION
    if h.imsic != 0 and number >= EXTERNAL and number <= LAST and (number < EIP or number & 1 == 0):
        return 0
    return Cause.ILLEGAL_INSTRUCTION


def guest_selected(h: Hart) -> bool:
    """Whether vsiselect selects a register: one of the guest interrupt file that VGEIN chooses."""
    number: u64 = h.vsiselect
    if guest_file(h) == 0 or number < EXTERNAL or number > LAST:
        return False
    return number < EIP or number & 1 == 0


class SelectFields:
    """The number of a register."""

    NUMBER = rw(8, 0, "number of the register: 30-3F priorities, 70-FF interrupt file")


class Miselect(SelectFields, Csr, address=0x350, ext="Smaia"):
    """miselect, Machine Indirect Register Select (AIA, Machine-level CSRs)."""


class Siselect(SelectFields, Csr, address=0x150, ext="Ssaia"):
    """siselect, Supervisor Indirect Register Select (AIA, Supervisor-level CSRs)."""


class Vsiselect(SelectFields, Csr, address=0x250, ext="H Ssaia", group="VS"):
    """vsiselect, Virtual Supervisor Indirect Register Select (AIA, Hypervisor and VS CSRs)."""


class Mireg(Csr, address=0x351, ext="Smaia", slot=False, effects=Effect.INTERRUPT):
    """mireg, Machine Indirect Register Alias: what miselect selects (AIA, Machine-level CSRs)."""

    @staticmethod
    def rule(h: Hart) -> u64:
        """Illegal when nothing is selected."""
        return selected(h, h.miselect)

    @staticmethod
    @cold
    def read(h: Hart) -> u64:
        """The selected register; 0 when there is none."""
        number = h.miselect
        if selected(h, number) != 0:
            return 0
        if number >= EXTERNAL:
            return file_read(h, MACHINE, number)
        if number == IPRIO:
            return u64(h.miprio0)
        return u64(h.miprio2) if number == IPRIO + 2 else 0

    @staticmethod
    @cold
    def write(h: Hart, value: u64) -> None:
        """Write the selected register."""
        number = h.miselect
        if selected(h, number) != 0:
            return
        if number >= EXTERNAL:
            file_write(h, MACHINE, number, value)
        elif number == IPRIO:
            h.miprio0 = value & MACHINE_0
        elif number == IPRIO + 2:
            h.miprio2 = value & MACHINE_2


class Sireg(Csr, address=0x151, ext="Ssaia", slot=False, effects=Effect.INTERRUPT):
    """sireg, Supervisor Indirect Register Alias: what siselect selects (AIA, Supervisor-level CSRs)."""

    @staticmethod
    def rule(h: Hart) -> u64:
        """Illegal when nothing is selected, and for S-mode's interrupt file while mvien.SEI is 1 (AIA, Interrupt filtering
        and virtual interrupts for supervisor level). In a guest, where vsireg is meant, virtual (Hypervisor and VS CSRs)."""
        if h.v != 0:
            return 0 if guest_selected(h) else Cause.VIRTUAL_INSTRUCTION
        if h.mode != 3 and h.mvien & SEIP != 0 and h.siselect >= EXTERNAL:
            return Cause.ILLEGAL_INSTRUCTION
        return selected(h, h.siselect)

    @staticmethod
    @cold
    def read(h: Hart) -> u64:
        """The selected register; 0 when there is none."""
        number = h.siselect
        if selected(h, number) != 0:
            return 0
        if number >= EXTERNAL:
            return file_read(h, SUPERVISOR, number)
        if number == IPRIO:
            return u64(h.siprio0)
        return u64(h.siprio2) if number == IPRIO + 2 else 0

    @staticmethod
    @cold
    def write(h: Hart, value: u64) -> None:
        """Write the selected register."""
        number = h.siselect
        if selected(h, number) != 0:
            return
        if number >= EXTERNAL:
            file_write(h, SUPERVISOR, number, value)
        elif number == IPRIO:
            h.siprio0 = value & SUPERVISOR_0
        elif number == IPRIO + 2:
            h.siprio2 = value & SUPERVISOR_2


class Vsireg(Csr, address=0x251, ext="H Ssaia", slot=False, group="VS", effects=Effect.INTERRUPT):
    """vsireg, Virtual Supervisor Indirect Register Alias: what vsiselect selects (AIA, Hypervisor and VS CSRs)."""

    @staticmethod
    def rule(h: Hart) -> u64:
        """Illegal when nothing is selected; a guest may never name it."""
        return 0 if h.v != 0 or guest_selected(h) else Cause.ILLEGAL_INSTRUCTION

    @staticmethod
    @cold
    def read(h: Hart) -> u64:
        """The selected register; 0 when there is none."""
        return file_read(h, guest_file(h), h.vsiselect) if guest_selected(h) else 0

    @staticmethod
    @cold
    def write(h: Hart, value: u64) -> None:
        """Write the selected register."""
        if guest_selected(h):
            file_write(h, guest_file(h), h.vsiselect, value)
