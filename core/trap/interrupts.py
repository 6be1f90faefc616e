# SPDX-License-Identifier: Apache-2.0
"""Which interrupt is taken and when; what devices and engines need to know about interrupts and timers."""

from __future__ import annotations

from core.csr.aia import guest_top, machine_bits, machine_top, supervisor_bits, supervisor_top
from core.csr.config import sstc_enabled, vs_sstc_enabled
from core.csr.counting import running_cycles, units_to_overflow
from core.csr.interrupts import M_LEVEL, MTIP, STIP, VSTIP, VTI, guest_time, pending
from core.csr.machine import LCOFI, Mstatus
from core.csr.rnmi import nmis_off
from core.csr.vs import Vsstatus
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import TICK, cold, end_slice, isset, now, u64
from core.trap.causes import INTERRUPT_BIT, Cause, Interrupt
from core.trap.delegation import Target, target_of
from core.trap.rnmi import enter_rnmi
from core.trap.targets import critical, enter_hs, enter_m, enter_vs, unexpected

NEVER = (1 << 64) - 1
"""A deadline that does not come."""
FAR = 1 << 62
AIA = Feature.SMAIA | Feature.SSAIA
UNSEEN = AIA | Feature.SMRNMI
"""With these there can be interrupts that mip and mie do not show."""


def recheck(h: Hart) -> None:
    """An interrupt may be takeable now: look before the next instruction."""
    end_slice(h)


def highest(bits: u64) -> u64:
    """The number of the interrupt with the highest priority of several (norm:intr_M_mode_pri, norm:hsint_priority)."""
    if bits & (1 << 11) != 0:
        return Interrupt.MEI
    if bits & (1 << 3) != 0:
        return Interrupt.MSI
    if bits & (1 << 7) != 0:
        return Interrupt.MTI
    if bits & (1 << 9) != 0:
        return Interrupt.SEI
    if bits & (1 << 1) != 0:
        return Interrupt.SSI
    if bits & (1 << 5) != 0:
        return Interrupt.STI
    if bits & (1 << 12) != 0:
        return Interrupt.SGEI
    if bits & (1 << 10) != 0:
        return Interrupt.VSEI
    if bits & (1 << 2) != 0:
        return Interrupt.VSSI
    return Interrupt.VSTI if bits & (1 << 6) != 0 else Interrupt.LCOFI


def enabled_pending(h: Hart) -> u64:
    """Interrupts that are pending and enabled one by one; with the built-in SBI none is M-mode's."""
    bits = u64(pending(h) & h.mie)
    return bits & u64(~M_LEVEL) if h.builtin_sbi != 0 else bits


@cold
def aia_target(h: Hart) -> u64:
    """The `Target` of the interrupt to be taken now with AIA, 0 if none: the most privileged level that has one pending
    and enabled (AIA 1.0, Machine top interrupt CSR, Supervisor top interrupt CSR, Interrupt traps to VS-mode)."""
    if (h.mode != 3 or isset(h.mstatus, Mstatus.MIE)) and machine_top(h) != 0:
        return Target.M
    if h.mode == 3:
        return 0
    if (h.v != 0 or h.mode == 0 or isset(h.mstatus, Mstatus.SIE)) and supervisor_top(h) != 0:
        return Target.HS
    if h.v != 0 and (h.mode == 0 or isset(h.vsstatus, Vsstatus.SIE)) and guest_top(h) != 0:
        return Target.VS
    return 0


@cold
def aia_interrupt(h: Hart) -> u64:
    """As pending_interrupt, with AIA. A guest's interrupt is one higher than the guest knows it, but for local ones."""
    target = aia_target(h)
    if target == 0:
        return 0
    if target == Target.M:
        return u64((INTERRUPT_BIT | (machine_top(h) >> 16)) + 1)
    if target == Target.HS:
        return u64((INTERRUPT_BIT | (supervisor_top(h) >> 16)) + 1)
    number = guest_top(h) >> 16
    return u64((INTERRUPT_BIT | number) + 1) if number >= Interrupt.LCOFI else u64((INTERRUPT_BIT | number) + 2)


def guest_number(h: Hart, cause: u64) -> u64:
    """The xcause value with which a guest gets the interrupt that is `cause` to the hart (norm:hideleg_trans)."""
    if h.features & AIA != 0:
        return INTERRUPT_BIT | (guest_top(h) >> 16)
    return cause if cause == INTERRUPT_BIT | Interrupt.LCOFI else u64(cause - 1)


def virtual(h: Hart) -> bool:
    """Whether there can be interrupts that mip and mie do not show."""
    return u64(h.features & AIA) != 0 and u64(h.mvien | h.hvien | (h.hvictl & VTI)) != 0


def pending_interrupt(h: Hart) -> u64:
    """The xcause value + 1 of the interrupt to be taken now, 0 if none.

    M-mode's come first (norm:intr_M_mode_highest_pri, norm:intr_mip_mie_op), then those HS-mode handles
    (norm:hideleg_hs), then, with V=1, the guest's own. Before all of them comes an RNMI (norm:rnmi_priority); without
    NMIE there is none (norm:mnstatus_nmie_disable).
    """
    bits = enabled_pending(h)
    if bits == 0 and h.features & UNSEEN == 0:
        return 0
    if h.features & Feature.SMRNMI != 0 and nmis_off(h):
        return 0
    if h.rnmi != 0:
        return u64((INTERRUPT_BIT | Interrupt.RNMI) + 1)
    if bits == 0 and not virtual(h):
        return 0
    if h.features & AIA != 0:
        return aia_interrupt(h)
    chosen = bits & u64(~h.mideleg)
    if chosen != 0 and h.mode == 3 and not isset(h.mstatus, Mstatus.MIE):
        chosen = 0
    if chosen == 0 and h.mode != 3:
        if h.v != 0 or h.mode == 0 or isset(h.mstatus, Mstatus.SIE):
            chosen = bits & h.mideleg & u64(~h.hideleg)
        if chosen == 0 and h.v != 0 and (h.mode == 0 or isset(h.vsstatus, Vsstatus.SIE)):
            chosen = bits & h.mideleg & h.hideleg
    return u64((INTERRUPT_BIT | highest(chosen)) + 1) if chosen != 0 else 0


@cold
def take_interrupt(h: Hart) -> bool:
    """Take the interrupt that is due, if any; h.npc is then where execution goes on.

    h.pc is the address of the instruction that would have been next. An interrupt writes 0 to xtval, mtval2 / htval
    and mtinst / htinst (norm:H_trap_xtinst_interrupt).
    """
    found = pending_interrupt(h)
    if found == 0:
        return False
    cause = u64(found - 1)
    h.inst = 0
    h.trap_info = 0
    h.trap_gpa = 0
    if cause == INTERRUPT_BIT | Interrupt.RNMI:
        h.rnmi = 0
        h.wfi = 0
        enter_rnmi(h, cause, h.mode, h.v)
        return True
    target = target_of(h, cause)
    if h.features & AIA != 0:
        target = aia_target(h)
    h.wfi = 0
    if critical(h, target, cause):
        return True
    if unexpected(h, target):
        enter_m(h, Cause.DOUBLE_TRAP, 0, cause, 0, False)
    elif target == Target.VS:
        enter_vs(h, cause, 0, guest_number(h, cause))
    elif target == Target.HS:
        enter_hs(h, cause, 0, 0, 0, False)
    else:
        enter_m(h, cause, 0, 0, 0, False)
    return True


def wakes(h: Hart) -> bool:
    """Whether WFI ends: an interrupt is pending and enabled one by one, whatever the global enables (norm:wfi_op).

    With AIA that is so if one is pending at any level (AIA 1.0, WFI (Wait for Interrupt) instruction). NMIE is one of the
    global enables (norm:mnstatus_wfi).
    """
    if h.rnmi != 0:
        return True
    if virtual(h):
        return machine_bits(h) != 0 or supervisor_bits(h) != 0 or (h.features & Feature.H != 0 and guest_top(h) != 0)
    return enabled_pending(h) != 0


def next_deadline(h: Hart) -> u64:
    """The time (mtime) at which the next enabled timer or counter interrupt becomes pending, NEVER if none will."""
    time = now(h)
    best: u64 = NEVER
    if h.mie & MTIP != 0 and h.mtimecmp > time:
        best = h.mtimecmp
    if h.mie & STIP != 0 and sstc_enabled(h) and h.stimecmp > time and h.stimecmp < best:
        best = h.stimecmp
    if h.mie & VSTIP != 0 and vs_sstc_enabled(h) and h.vstimecmp > guest_time(h):
        due = u64(time + u64(h.vstimecmp - guest_time(h)))
        if due > time and due < best:
            best = due
    return overflow_deadline(h, best) if h.hpm_armed != 0 and h.mie & LCOFI != 0 else best


@cold
def overflow_deadline(h: Hart, best: u64) -> u64:
    """`best`, or the time at which a counter overflows even while waiting in WFI, if that comes before."""
    units = units_to_overflow(h, True)
    if units >= FAR:
        return best
    due = u64(u64(u64(running_cycles(h) + units) + TICK - 1) // TICK + h.time_offset)
    return due if due > now(h) and due < best else best


def set_line(h: Hart, interrupt: Interrupt, level: bool) -> None:
    """Plain Python, for devices: drive the line of MSI, MEI or SEI."""
    bit = 1 << int(interrupt)
    h.irq_lines = h.irq_lines | bit if level else h.irq_lines & ~bit
    recheck(h)


def signal_rnmi(h: Hart) -> None:
    """Plain Python: an RNMI comes in; the hart, which has Smrnmi, takes it before its next instruction if NMIE is 1."""
    h.rnmi = 1
    recheck(h)
