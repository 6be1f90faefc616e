# SPDX-License-Identifier: Apache-2.0
"""The address-translation CSRs of the three worlds: satp, vsatp and hgatp."""

from __future__ import annotations

from core.csr.csr import Csr, Effect
from core.csr.fields import rw, warl
from core.csr.hypervisor import Hstatus
from core.csr.machine import Mstatus
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import get, isset, u64, warn
from core.tolerance import Tolerance
from core.trap.causes import Cause

BARE, SV39, SV48, SV57 = 0, 8, 9, 10
MODES = {BARE: "Bare", SV39: "Sv39", SV48: "Sv48", SV57: "Sv57"}
MODES_X4 = {BARE: "Bare", SV39: "Sv39x4", SV48: "Sv48x4", SV57: "Sv57x4"}


def mode_supported(h: Hart, mode: u64) -> bool:
    """Whether this hart has a translation scheme; hgatp has the x4 variants of the same (norm:satp_mode_sxlen64)."""
    features: u64 = h.features
    if mode == SV48:
        return features & Feature.SV48 != 0
    if mode == SV57:
        return features & Feature.SV57 != 0
    if mode == SV39:
        return True
    return mode == BARE


def legal_mode(h: Hart, old: u64, new: u64) -> u64:
    """A scheme the hart does not have leaves the old one (norm:hgatp_mode_warl)."""
    return new if mode_supported(h, new) else old


def legal_satp(h: Hart, old: u64, new: u64) -> u64:
    """A write with an unsupported MODE changes nothing at all (norm:satp_mode_op_unsupported)."""
    return new if mode_supported(h, get(new, Satp.MODE)) else old


class SatpFields:
    """satp and vsatp (norm:satp)."""

    MODE = warl(63, 60, "translation scheme", legal=legal_mode, values=MODES)
    ASID = rw(59, 44, "address-space identifier")
    PPN = rw(43, 0, "page number of the root page table")


class Satp(SatpFields, Csr, address=0x180, effects=Effect.TRANSLATION):
    """satp, Supervisor Address Translation and Protection (norm:satp)."""

    legalize = staticmethod(legal_satp)

    @staticmethod
    def rule(h: Hart) -> u64:
        """TVM stops HS-mode (norm:mstatus_tvm_warl_op), VTVM stops VS-mode (norm:hstatus_vtvm_op)."""
        if h.mode != 1:
            return 0
        if h.v == 0:
            return Cause.ILLEGAL_INSTRUCTION if isset(h.mstatus, Mstatus.TVM) else 0
        return Cause.VIRTUAL_INSTRUCTION if isset(h.hstatus, Hstatus.VTVM) else 0


class Vsatp(SatpFields, Csr, address=0x280, ext="H", group="VS", effects=Effect.TRANSLATION):
    """vsatp, Virtual Supervisor Address Translation and Protection (norm:vsatp_sz_acc_op).

    Of the two ways norm:vsatp_mode_unsupported_v0 leaves open, writes from V=0 are ignored like those from V=1.
    """

    legalize = staticmethod(legal_satp)


class Hgatp(Csr, address=0x680, ext="H", effects=Effect.TRANSLATION):
    """hgatp, Hypervisor Guest Address Translation and Protection (norm:hgatp_sz_acc_op).

    The root page table has 16 KiB, so PPN[1:0] is zero (norm:hgatp_ppn_op). Unless the hart is strict, these two bits
    are kept with a warning when a scheme is selected: some hypervisors align the root to 4 KiB only.
    """

    MODE = warl(63, 60, "translation scheme", legal=legal_mode, values=MODES_X4)
    VMID = rw(57, 44, "virtual machine identifier")
    PPN = rw(43, 0, "page number of the root page table")

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Fields are WARL one by one: an unsupported MODE does not void the write (norm:hgatp_mode_warl)."""
        new = Hgatp.legalize(h, h.hgatp, value)
        if new & 3 != 0:
            if h.strict != 0 or get(new, Hgatp.MODE) == BARE:
                new &= u64(~3)
            elif h.warned & (1 << Tolerance.GSTAGE_ROOT_4K) == 0:
                h.warned |= 1 << Tolerance.GSTAGE_ROOT_4K
                warn(h, Tolerance.GSTAGE_ROOT_4K, new)
        h.hgatp = new

    @staticmethod
    def rule(h: Hart) -> u64:
        """TVM stops HS-mode (norm:hgatp_tvm_illegal)."""
        return Cause.ILLEGAL_INSTRUCTION if h.mode == 1 and h.v == 0 and isset(h.mstatus, Mstatus.TVM) else 0
