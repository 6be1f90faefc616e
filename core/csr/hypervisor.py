# SPDX-License-Identifier: Apache-2.0
"""Hypervisor CSRs besides those about interrupts and translation (priv, Hypervisor and Virtual Supervisor CSRs)."""

from __future__ import annotations

from core.csr.csr import Csr, Effect
from core.csr.fields import PMM, PRIVILEGES, XLENS, ro, rw, warl, wlrl
from core.csr.machine import DelegationFields
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import put, u64, warn
from core.tolerance import Tolerance


class Hstatus(Csr, address=0x600, ext="H", effects=Effect.TRANSLATION | Effect.INTERRUPT):
    """hstatus, Hypervisor Status (norm:hstatus_sz_acc_op)."""

    HUPMM = warl(49, 48, "pointer masking of HLV and HSV from U-mode as VU-mode", values=PMM, needs=Feature.SSNPM)
    VSXL = ro(33, 32, "XLEN in VS-mode", reset=2, values=XLENS)
    VTSR = rw(22, "trap SRET in VS-mode")
    VTW = rw(21, "trap WFI in VS-mode")
    VTVM = rw(20, "trap satp and SFENCE.VMA in VS-mode")
    VGEIN = wlrl(17, 12, "guest external interrupt that makes VSEIP, 0 for none")
    HU = rw(9, "HLV, HLVX and HSV may be used in U-mode")
    SPVP = rw(8, "privilege before the trap from V=1; that of HLV and HSV", values=PRIVILEGES)
    SPV = rw(7, "virtualization mode before the trap into HS-mode")
    GVA = rw(6, "stval holds a guest virtual address")
    VSBE = ro(5, "VS-mode is big-endian")

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """VGEIN holds 0 to GEILEN; a larger value leaves it (norm:hstatus_vgein_op)."""
        new = Hstatus.legalize(h, h.hstatus, value)
        if (new >> Hstatus.VGEIN.lsb) & 63 > h.geilen:
            new = put(new, Hstatus.VGEIN, (h.hstatus >> Hstatus.VGEIN.lsb) & 63)
        h.hstatus = new


class Hedeleg(DelegationFields, Csr, address=0x602, ext="H"):
    """hedeleg, Hypervisor Exception Delegation: which exceptions of a guest it handles itself (norm:hedeleg_acc).

    The manual's table leaves bit 0 free on a hart with C; it is writable here. What VS-mode cannot handle (9 to 11,
    16, 20 to 23) is read-only zero.
    """


class Hideleg(Csr, address=0x603, ext="H", effects=Effect.INTERRUPT):
    """hideleg, Hypervisor Interrupt Delegation: which VS-level interrupts a guest handles itself (norm:hideleg_acc)."""

    LCOFI = rw(13, "local counter overflow interrupt", needs=Feature.SHLCOFIDELEG)  # norm:vsip_vsie_lcofi
    VSEI = rw(10, "virtual supervisor external interrupt")
    VSTI = rw(6, "virtual supervisor timer interrupt")
    VSSI = rw(2, "virtual supervisor software interrupt")


class Htimedelta(Csr, address=0x605, ext="H", effects=Effect.INTERRUPT):
    """htimedelta, Hypervisor Time Delta: added to time when V=1 (norm:htimedelta_sz_acc_op)."""


class Htval(Csr, address=0x643, ext="H"):
    """htval, Hypervisor Trap Value: faulting guest physical address shifted right by 2 (norm:htval_sz_acc_op)."""


class Htinst(Csr, address=0x64A, ext="H"):
    """htinst, Hypervisor Trap Instruction (norm:htinst_sz_acc_op)."""

    @staticmethod
    def read(h: Hart) -> u64:
        """The slot. An instruction that finds a transformed instruction in it leans on what hardware need not give."""
        value = u64(h.htinst)
        if value & 1 != 0 and h.warned & (1 << Tolerance.HTINST_ALWAYS) == 0:
            h.warned |= 1 << Tolerance.HTINST_ALWAYS
            warn(h, Tolerance.HTINST_ALWAYS, value)
        return value

    @staticmethod
    def peek(h: Hart) -> u64:
        """The slot."""
        return u64(h.htinst)
