# SPDX-License-Identifier: Apache-2.0
"""Virtual interrupts for supervisor and VS level, and the top interrupt of each level.

Source: The RISC-V Advanced Interrupt Architecture 1.0, chapters Interrupts for Machine and Supervisor Levels and
Interrupts for Virtual Machines (VS Level). What of this other CSRs show is in core.csr.interrupts.
"""

from __future__ import annotations

from core.csr.config import sstc_enabled
from core.csr.csr import Csr, Effect
from core.csr.fields import ro, rw
from core.csr.hypervisor import Hstatus
from core.csr.imsic import MACHINE, SUPERVISOR, guest_file, imsic_top
from core.csr.interrupts import LOCAL, M_LEVEL, SEIP, SSIP, STIP, Hie, Hip, Sie, Sip, Vsie, Vsip, pending
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import cold, ctz64, get, isset, u64
from core.trap.causes import Interrupt
from core.trap.priority import EXTERNAL_256, NOTHING, order, rank, shown

AIA_SLOTS = ("sie_virtual", "vsie_virtual", "miprio0", "miprio2", "siprio0", "siprio2")
"""State that is no CSR's slot and is zero after reset."""


class TopFields:
    """The top interrupt of a level."""

    IID = ro(27, 16, "number of the interrupt")
    IPRIO = ro(7, 0, "its priority")


class Mvien(Csr, address=0x308, ext="Smaia", effects=Effect.INTERRUPT):
    """mvien, Machine Virtual Interrupt Enables (AIA, Interrupt filtering and virtual interrupts for supervisor level)."""

    LOCAL = rw(63, 13, "local interrupts: sip shows mvip where mideleg is 0")
    SEI = rw(9, "sip.SEIP is that of mvip where mideleg is 0; S-mode's interrupt file is M-mode's")
    SSI = rw(1, "sip.SSIP is that of mvip where mideleg is 0")


class Mvip(Csr, address=0x309, ext="Smaia", effects=Effect.INTERRUPT):
    """mvip, Machine Virtual Interrupt-Pending (AIA, Interrupt filtering and virtual interrupts for supervisor level)."""

    LOCAL = rw(63, 13, "local interrupts")
    SEIP = rw(9, "supervisor external interrupt, as software has set it")
    STIP = rw(5, "that of mip; zero with Sstc")
    SSIP = rw(1, "supervisor software interrupt; that of mip unless mvien.SSI")

    @staticmethod
    def read(h: Hart) -> u64:
        """SEIP is the software-writable bit of mip in any case, SSIP and STIP are those of mip."""
        own = LOCAL | (h.mvien & SSIP)
        alias: u64 = SEIP | SSIP if sstc_enabled(h) else SEIP | SSIP | STIP
        return u64((h.mvip & own) | (h.mip & alias & u64(~own)))

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """As read: own bits here, the others in mip."""
        own = LOCAL | (h.mvien & SSIP)
        alias: u64 = SEIP | SSIP if sstc_enabled(h) else SEIP | SSIP | STIP
        alias &= u64(~own)
        h.mvip = (h.mvip & u64(~own)) | (value & own)
        h.mip = (h.mip & u64(~alias)) | (value & alias)


class Hvien(Csr, address=0x608, ext="H Ssaia", effects=Effect.INTERRUPT):
    """hvien, Hypervisor Virtual Interrupt Enables (AIA, Virtual interrupts for VS level)."""

    LOCAL = rw(63, 13, "local interrupts: vsip shows hvip where hideleg is 0")


class Hvictl(Csr, address=0x609, ext="H Ssaia", effects=Effect.INTERRUPT):
    """hvictl, Hypervisor Virtual Interrupt Control (AIA, Virtual interrupts for VS level)."""

    VTI = rw(30, "the guest's accesses to sip and sie trap; IID takes the place of its other interrupts")
    IID = rw(21, 16, "number of an interrupt for the guest, 9 for none")
    DPR = rw(9, "that interrupt has lower default priority than an external one")
    IPRIOM = rw(8, "vstopi tells priorities")
    IPRIO = rw(7, 0, "priority of the interrupt")


class Hviprio1(Csr, address=0x646, ext="H Ssaia", effects=Effect.INTERRUPT):
    """hviprio1, Hypervisor VS-level Interrupt Priorities (AIA, Configuring priorities of major interrupts at VS level)."""

    PRIO15 = rw(63, 56, "of interrupt 15")
    PRIO14 = rw(55, 48, "of interrupt 14")
    PRIO13 = rw(47, 40, "of the counter overflow interrupt")
    PRIO5 = rw(31, 24, "of the supervisor timer interrupt")
    PRIO1 = rw(15, 8, "of the supervisor software interrupt")


class Hviprio2(Csr, address=0x647, ext="H Ssaia", effects=Effect.INTERRUPT):
    """hviprio2, Hypervisor VS-level Interrupt Priorities (AIA, Configuring priorities of major interrupts at VS level)."""

    PRIORITIES = rw(63, 0, "of interrupts 23 to 16, one byte each")


# What is pending and enabled at each level


def machine_bits(h: Hart) -> u64:
    """Interrupts for M-mode; with the built-in SBI there are none of its own."""
    bits = u64(pending(h) & h.mie & u64(~h.mideleg))
    return bits & u64(~M_LEVEL) if h.builtin_sbi != 0 else bits


def supervisor_bits(h: Hart) -> u64:
    """Interrupts for S-mode (HS-mode): in sip and sie or hip and hie, and not delegated further."""
    bits = u64(Sip.read(h) & Sie.read(h))
    if h.features & Feature.H != 0:
        bits |= u64(Hip.read(h) & Hie.read(h))
    return bits & u64(~h.hideleg)


# The top interrupt of each level, as the *topi CSRs show it


@cold
def machine_top(h: Hart) -> u64:
    """The value of mtopi (AIA, Machine top interrupt CSR)."""
    bits = machine_bits(h)
    best: u64 = NOTHING
    found = u64(0)
    while bits != 0:
        number = ctz64(bits)
        bits &= u64(bits - 1)
        priority = priority_in(h.miprio0, h.miprio2, number)
        if number == Interrupt.MEI:
            priority = external_priority(h, MACHINE)
        place = order(priority, rank(number), rank(Interrupt.MEI))
        if place < best:
            best = place
            found = u64(number << 16) | shown(priority, rank(number), rank(Interrupt.MEI))
    return found


@cold
def supervisor_top(h: Hart) -> u64:
    """The value of stopi (AIA, Supervisor top interrupt CSR)."""
    bits = supervisor_bits(h)
    best: u64 = NOTHING
    found = u64(0)
    while bits != 0:
        number = ctz64(bits)
        bits &= u64(bits - 1)
        priority = priority_in(h.siprio0, h.siprio2, number)
        if number == Interrupt.SEI:
            priority = external_priority(h, SUPERVISOR)
        place = order(priority, rank(number), rank(Interrupt.SEI))
        if place < best:
            best = place
            found = u64(number << 16) | shown(priority, rank(number), rank(Interrupt.SEI))
    return found


def byte_of(word: u64, number: u64) -> u64:
    """The byte of an interrupt among eight."""
    return (word >> u64((number & 7) << 3)) & 0xFF


def priority_in(iprio0: u64, iprio2: u64, number: u64) -> u64:
    """The priority of an interrupt in an iprio array, of which only the first two registers are not zero."""
    if number >= 16:
        return 0
    return byte_of(iprio2, number) if number >= 8 else byte_of(iprio0, number)


def external_priority(h: Hart, file: u64) -> u64:
    """The priority number of a level's external interrupt: the identity, 256 when the interrupt file has none."""
    identity = imsic_top(h, file)
    return identity if identity != 0 else EXTERNAL_256


def guest_priority(h: Hart, number: u64) -> u64:
    """The priority that hviprio1 and hviprio2 give an interrupt of the guest (by the guest's number)."""
    if number >= 16 and number < 24:
        return byte_of(h.hviprio2, number)
    if number >= 13 and number < 16:
        return byte_of(h.hviprio1, number)
    if number == Interrupt.SSI:
        return byte_of(h.hviprio1, 1)
    return byte_of(h.hviprio1, 3) if number == Interrupt.STI else 0


def guest_external_priority(h: Hart) -> u64:
    """The priority of the guest's external interrupt."""
    file = guest_file(h)
    identity = imsic_top(h, file) if file != 0 else 0
    if identity != 0:
        return identity
    if get(h.hstatus, Hstatus.VGEIN) == 0 and get(h.hvictl, Hvictl.IID) == Interrupt.SEI and h.hvictl & 0xFF != 0:
        return get(h.hvictl, Hvictl.IPRIO)
    return EXTERNAL_256


@cold
def guest_top(h: Hart) -> u64:
    """The value of vstopi (AIA, Virtual supervisor top interrupt CSR)."""
    bits = u64(Vsip.read(h) & Vsie.read(h))
    best: u64 = NOTHING
    found = u64(0)
    if isset(h.hvictl, Hvictl.VTI):
        bits &= SEIP
        number = get(h.hvictl, Hvictl.IID)
        if number != Interrupt.SEI:
            below = get(h.hvictl, Hvictl.DPR)
            place = u64(rank(Interrupt.SEI) + 1) if below != 0 else u64(rank(Interrupt.SEI) - 1)
            best = order(h.hvictl & 0xFF, place, rank(Interrupt.SEI))
            found = u64(number << 16) | shown(h.hvictl & 0xFF, place, rank(Interrupt.SEI))
    while bits != 0:
        number = ctz64(bits)
        bits &= u64(bits - 1)
        priority = guest_external_priority(h) if number == Interrupt.SEI else guest_priority(h, number)
        place = order(priority, rank(number), rank(Interrupt.SEI))
        if place < best:
            best = place
            found = u64(number << 16) | shown(priority, rank(number), rank(Interrupt.SEI))
    if best != NOTHING and not isset(h.hvictl, Hvictl.IPRIOM):
        return (found & u64(~0xFF)) | 1
    return found


class Mtopi(TopFields, Csr, address=0xFB0, ext="Smaia", slot=False):
    """mtopi, Machine Top Interrupt (AIA, Machine top interrupt CSR)."""

    read = staticmethod(machine_top)


class Stopi(TopFields, Csr, address=0xDB0, ext="Ssaia", slot=False):
    """stopi, Supervisor Top Interrupt (AIA, Supervisor top interrupt CSR)."""

    read = staticmethod(supervisor_top)


class Vstopi(TopFields, Csr, address=0xEB0, ext="H Ssaia", slot=False, group="VS"):
    """vstopi, Virtual Supervisor Top Interrupt (AIA, Virtual supervisor top interrupt CSR)."""

    read = staticmethod(guest_top)
