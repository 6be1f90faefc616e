# SPDX-License-Identifier: Apache-2.0
"""Pending and enabled interrupts: mip, mie and the CSRs that are views of them.

Three slots hold what is latched: `mip` (bits software sets: SSIP, VSSIP, STIP without Sstc, SEIP, LCOFIP), `hvip` (VSTIP and
VSEIP of hvip) and `irq_lines` (what devices drive: MSIP, MEIP, SEIP). Timer interrupts are compared when looked at,
never latched. The one slot of enables is `mie`.

With the Advanced Interrupt Architecture (AIA 1.0; core.csr.aia) M-mode can show S-mode interrupts of its own making, which
come from `mvip` where mvien has a bit that mideleg has not, and likewise the hypervisor a guest (hvien, hideleg). Their
enables are separate: `sie_virtual` and `vsie_virtual`. Without AIA mvien and hvien are zero.
"""

from __future__ import annotations

from core.csr.config import sstc_enabled, vs_sstc_enabled
from core.csr.csr import Csr, Effect
from core.csr.fields import ro, rw
from core.csr.hypervisor import Hstatus
from core.csr.machine import LCOFI, S_LEVEL, VS_LEVEL, VS_ONLY, always_delegated, local
from core.features import Feature
from core.hart import Hart, state
from core.isa.intrinsics import M64, cold, get, inline, now, u64
from core.trap.causes import Cause

state("irq_lines", doc="interrupt lines driven by devices: bits MSI, MEI, SEI as in mip")

SSIP, VSSIP, MSIP, STIP, VSTIP, MTIP = 1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 6, 1 << 7
SEIP, VSEIP, MEIP, SGEIP = 1 << 9, 1 << 10, 1 << 11, 1 << 12
M_LEVEL = MSIP | MTIP | MEIP
LOCAL = M64 & ~0x1FFF
"""Interrupts 13 to 63: local ones and those for custom use."""
VTI = 1 << 30
"""hvictl.VTI."""

state("sie_virtual", doc="bits of sie that are not those of mie: where mvien has a bit that mideleg has not")
state("vsie_virtual", doc="bits of vsie that are not those of hie: where hvien has a bit that hideleg has not")


@inline
def guest_time(h: Hart) -> u64:
    """The time that V=1 sees: time + htimedelta (norm:htimedelta_sz_acc_op)."""
    return u64(now(h) + h.htimedelta)


def timers_pending(h: Hart) -> u64:
    """MTIP, STIP and VSTIP as far as a compare register makes them (norm:mip_sip_stip_op, norm:hip_vstip_op).

    Without Sstc firmware raises STIP when its timer interrupt comes; so does the built-in SBI while it has MTI enabled.
    """
    bits: u64 = 0
    if now(h) >= h.mtimecmp:
        bits |= MTIP
    if sstc_enabled(h):
        if now(h) >= h.stimecmp:
            bits |= STIP
    elif h.builtin_sbi != 0 and h.mie & bits & MTIP != 0:
        bits |= STIP
    if vs_sstc_enabled(h) and guest_time(h) >= h.vstimecmp:
        bits |= VSTIP
    return bits


@cold
def pending(h: Hart) -> u64:
    """All pending interrupts: the value of mip (norm:mip_sz_acc, norm:hip_op)."""
    bits: u64 = (h.mip & u64(~(h.mvien & SEIP))) | h.irq_lines
    if sstc_enabled(h):
        bits &= u64(~STIP)
    bits |= timers_pending(h)
    if h.features & Feature.H == 0:
        return bits & u64(~VS_LEVEL)
    bits |= h.hvip & VS_LEVEL
    vgein = get(h.hstatus, Hstatus.VGEIN)
    if vgein != 0 and (h.hgeip >> vgein) & 1 != 0:
        bits |= VSEIP
    if h.hgeip & h.hgeie != 0:
        bits |= SGEIP
    return bits


class Mip(Csr, address=0x344, effects=Effect.INTERRUPT):
    """mip, Machine Interrupt-Pending (norm:mip_sz_acc)."""

    LCOFIP = rw(13, "local counter overflow interrupt (norm:mip_lcofip_acc)", needs=Feature.SSCOFPMF)
    SGEIP = ro(12, "supervisor guest external interrupt")
    MEIP = ro(11, "machine external interrupt")
    VSEIP = ro(10, "virtual supervisor external interrupt")
    SEIP = rw(9, "supervisor external interrupt")
    MTIP = ro(7, "machine timer interrupt")
    VSTIP = ro(6, "virtual supervisor timer interrupt")
    STIP = rw(5, "supervisor timer interrupt; read-only with Sstc")
    MSIP = ro(3, "machine software interrupt")
    VSSIP = rw(2, "virtual supervisor software interrupt", needs=Feature.H)
    SSIP = rw(1, "supervisor software interrupt")

    read = staticmethod(pending)

    @staticmethod
    def base(h: Hart) -> u64:
        """CSRRS and CSRRC see only the software-writable SEIP (norm:mip_seip_wrcsr)."""
        return u64((pending(h) & u64(~SEIP)) | (h.mip & SEIP))

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Set the latches; STIP is none of them with Sstc (norm:mip_stip_stimecmp_acc), SEIP none with mvien.SEI."""
        fixed: u64 = (h.mvien & SEIP) | STIP if sstc_enabled(h) else h.mvien & SEIP
        h.mip = (Mip.legalize(h, h.mip, value) & u64(~fixed)) | (h.mip & fixed)


class Mie(Csr, address=0x304, effects=Effect.INTERRUPT):
    """mie, Machine Interrupt-Enable (norm:mie_sz_acc)."""

    LCOFIE = rw(13, "local counter overflow interrupt", needs=Feature.SSCOFPMF)
    SGEIE = rw(12, "supervisor guest external interrupt")
    MEIE = rw(11, "machine external interrupt")
    VSEIE = rw(10, "virtual supervisor external interrupt")
    SEIE = rw(9, "supervisor external interrupt")
    MTIE = rw(7, "machine timer interrupt")
    VSTIE = rw(6, "virtual supervisor timer interrupt")
    STIE = rw(5, "supervisor timer interrupt")
    MSIE = rw(3, "machine software interrupt")
    VSSIE = rw(2, "virtual supervisor software interrupt")
    SSIE = rw(1, "supervisor software interrupt")

    @staticmethod
    def legalize(h: Hart, old: u64, new: u64) -> u64:
        """Enables exist for interrupts that can become pending (norm:mie_bits_wr)."""
        return new & (M_LEVEL | S_LEVEL | local(h) | always_delegated(h))


@inline
def virtual_s(h: Hart) -> u64:
    """Interrupts that are M-mode's making for S-mode (AIA, Interrupt filtering and virtual interrupts)."""
    return u64(h.mvien & u64(~h.mideleg))


@inline
def virtual_vs(h: Hart) -> u64:
    """Interrupts that are the hypervisor's making for the guest, besides those in hip (AIA, Virtual interrupts for VS
    level)."""
    return u64(h.hvien & u64(~h.hideleg))


def emulated(h: Hart) -> u64:
    """The rule of what a guest may not touch while hvictl.VTI is 1 (AIA, Virtual interrupts for VS level)."""
    return Cause.VIRTUAL_INSTRUCTION if h.v != 0 and h.hvictl & VTI != 0 else 0


def set_sip(h: Hart, value: u64, bits: u64) -> None:
    """Write `bits` of sip: SSIP (norm:sip_ssip_sie_ssie) and LCOFIP (norm:sip_sie_Sscofpmf) as far as mideleg delegates
    them, and what M-mode makes but SEIP."""
    mask = h.mideleg & (SSIP | LCOFI) & bits
    h.mip = (h.mip & u64(~mask)) | (value & mask)
    made = virtual_s(h) & u64(~SEIP) & bits
    h.mvip = (h.mvip & u64(~made)) | (value & made)


def set_sie(h: Hart, value: u64, bits: u64) -> None:
    """Write `bits` of sie, as far as they are delegated or made."""
    mask = h.mideleg & (S_LEVEL | LCOFI) & bits
    h.mie = (h.mie & u64(~mask)) | (value & mask)
    made = virtual_s(h) & bits
    h.sie_virtual = (h.sie_virtual & u64(~made)) | (value & made)


class Sip(Csr, address=0x144, slot=False, effects=Effect.INTERRUPT):
    """sip, Supervisor Interrupt-Pending: the delegated S-level bits of mip (norm:sip_sie)."""

    LCOFIP = rw(13, "local counter overflow interrupt", needs=Feature.SSCOFPMF)
    SEIP = ro(9, "supervisor external interrupt")
    STIP = ro(5, "supervisor timer interrupt")
    SSIP = rw(1, "supervisor software interrupt")

    @staticmethod
    def read(h: Hart) -> u64:
        """What mideleg delegates of mip, and what M-mode makes."""
        made = (h.mvip | (h.mip & SEIP)) & virtual_s(h)
        return u64((pending(h) & h.mideleg & (S_LEVEL | LCOFI)) | made)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """All that can be written."""
        set_sip(h, value, M64)

    @staticmethod
    def rule(h: Hart) -> u64:
        """The hypervisor emulates the guest's while hvictl.VTI is 1 (AIA, Virtual interrupts for VS level)."""
        return emulated(h)


class Sie(Csr, address=0x104, slot=False, effects=Effect.INTERRUPT):
    """sie, Supervisor Interrupt-Enable: the delegated S-level bits of mie (norm:sip_sie)."""

    LCOFIE = rw(13, "local counter overflow interrupt", needs=Feature.SSCOFPMF)
    SEIE = rw(9, "supervisor external interrupt")
    STIE = rw(5, "supervisor timer interrupt")
    SSIE = rw(1, "supervisor software interrupt")

    @staticmethod
    def read(h: Hart) -> u64:
        """What mideleg delegates of mie, and the enables of what M-mode makes."""
        return u64((h.mie & h.mideleg & (S_LEVEL | LCOFI)) | (h.sie_virtual & virtual_s(h)))

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """All that can be written."""
        set_sie(h, value, M64)

    @staticmethod
    def rule(h: Hart) -> u64:
        """The hypervisor emulates the guest's while hvictl.VTI is 1 (AIA, Virtual interrupts for VS level)."""
        return emulated(h)


class Hvip(Csr, address=0x645, ext="H", effects=Effect.INTERRUPT):
    """hvip, Hypervisor Virtual-Interrupt-Pending: interrupts injected into the guest (norm:hvip_acc)."""

    VSEIP = rw(10, "virtual supervisor external interrupt")
    VSTIP = rw(6, "virtual supervisor timer interrupt")
    VSSIP = rw(2, "virtual supervisor software interrupt; the same as hip.VSSIP")

    @staticmethod
    def read(h: Hart) -> u64:
        """Its own VSEIP and VSTIP; VSSIP is that of mip (norm:hip_vssip_vssie_op)."""
        return u64(h.hvip | (h.mip & VSSIP))

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Set the latches, whatever hideleg says."""
        h.hvip = value & (VSEIP | VSTIP | LOCAL) if h.features & Feature.SSAIA != 0 else value & (VSEIP | VSTIP)
        h.mip = (h.mip & u64(~VSSIP)) | (value & VSSIP)


class Hip(Csr, address=0x644, ext="H", slot=False, effects=Effect.INTERRUPT):
    """hip, Hypervisor Interrupt-Pending: the VS-level bits of mip (norm:hip_op)."""

    SGEIP = ro(12, "supervisor guest external interrupt")
    VSEIP = ro(10, "virtual supervisor external interrupt")
    VSTIP = ro(6, "virtual supervisor timer interrupt")
    VSSIP = rw(2, "virtual supervisor software interrupt")

    @staticmethod
    def read(h: Hart) -> u64:
        """The VS-level bits of mip."""
        return pending(h) & VS_LEVEL

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Only VSSIP can be written (norm:hip_vssip_vssie_op)."""
        h.mip = (h.mip & u64(~VSSIP)) | (value & VSSIP)


class Hie(Csr, address=0x604, ext="H", slot=False, effects=Effect.INTERRUPT):
    """hie, Hypervisor Interrupt-Enable: the VS-level bits of mie (norm:hie_op)."""

    SGEIE = rw(12, "supervisor guest external interrupt")
    VSEIE = rw(10, "virtual supervisor external interrupt")
    VSTIE = rw(6, "virtual supervisor timer interrupt")
    VSSIE = rw(2, "virtual supervisor software interrupt")

    @staticmethod
    def read(h: Hart) -> u64:
        """The VS-level bits of mie."""
        return u64(h.mie & always_delegated(h))

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Write the VS-level bits of mie."""
        mask = always_delegated(h)
        h.mie = (h.mie & u64(~mask)) | (value & mask)


class Hgeip(Csr, address=0xE12, ext="H"):
    """hgeip, Hypervisor Guest External Interrupt-Pending (norm:hgeip_sz_acc_op)."""

    PENDING = ro(63, 1, "guest external interrupts 63 to 1")


class Hgeie(Csr, address=0x607, ext="H", effects=Effect.INTERRUPT):
    """hgeie, Hypervisor Guest External Interrupt-Enable (norm:hgeie_sz_acc_op)."""

    ENABLED = rw(63, 1, "guest external interrupts 63 to 1 make SGEIP")

    @staticmethod
    def legalize(h: Hart, old: u64, new: u64) -> u64:
        """Bits GEILEN to 1 exist (norm:geilen)."""
        return new & u64(u64(2 << h.geilen) - 2)


class Vsip(Csr, address=0x244, ext="H", slot=False, group="VS", effects=Effect.INTERRUPT):
    """vsip, Virtual Supervisor Interrupt-Pending: what hideleg delegates of hip, one bit lower (norm:vsip_vsie_ssi)."""

    LCOFIP = rw(13, "local counter overflow interrupt: that of sip", needs=Feature.SHLCOFIDELEG)  # norm:vsip_vsie_lcofi
    SEIP = ro(9, "external interrupt of the guest")
    STIP = ro(5, "timer interrupt of the guest")
    SSIP = rw(1, "software interrupt of the guest")

    @staticmethod
    def read(h: Hart) -> u64:
        """Delegated bits of hip, shifted, and what the hypervisor makes."""
        return u64(((pending(h) & h.hideleg & VS_ONLY) >> 1) | (h.hvip & virtual_vs(h)) | (Sip.read(h) & h.hideleg & LCOFI))

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Only SSIP and LCOFIP can be written: they are hip.VSSIP and sip.LCOFIP, if delegated; and what the hypervisor
        makes."""
        mask = h.hideleg & VSSIP
        h.mip = (h.mip & u64(~mask)) | (u64(value << 1) & mask)
        made = virtual_vs(h)
        h.hvip = (h.hvip & u64(~made)) | (value & made)
        set_sip(h, value, h.hideleg & LCOFI)


class Vsie(Csr, address=0x204, ext="H", slot=False, group="VS", effects=Effect.INTERRUPT):
    """vsie, Virtual Supervisor Interrupt-Enable: what hideleg delegates of hie, one bit lower (norm:vsip_vsie_ssi)."""

    LCOFIE = rw(13, "local counter overflow interrupt: that of sie", needs=Feature.SHLCOFIDELEG)  # norm:vsip_vsie_lcofi
    SEIE = rw(9, "external interrupt of the guest")
    STIE = rw(5, "timer interrupt of the guest")
    SSIE = rw(1, "software interrupt of the guest")

    @staticmethod
    def read(h: Hart) -> u64:
        """Delegated bits of hie, shifted, and the enables of what the hypervisor makes."""
        made = h.vsie_virtual & virtual_vs(h)
        return u64(((h.mie & h.hideleg & VS_ONLY) >> 1) | made | (Sie.read(h) & h.hideleg & LCOFI))

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Write the delegated bits of hie, and the enables of what the hypervisor makes."""
        mask = h.hideleg & VS_ONLY
        h.mie = (h.mie & u64(~mask)) | (u64(value << 1) & mask)
        made = virtual_vs(h)
        h.vsie_virtual = (h.vsie_virtual & u64(~made)) | (value & made)
        set_sie(h, value, h.hideleg & LCOFI)
