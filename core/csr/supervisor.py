# SPDX-License-Identifier: Apache-2.0
"""Supervisor CSRs besides those about interrupts and translation (priv, Supervisor CSRs)."""

from __future__ import annotations

from core.csr.config import Hcounteren, Mcounteren, sstc_enabled, vs_sstc_enabled
from core.csr.csr import Csr, Effect
from core.csr.fields import Field
from core.csr.interrupts import emulated
from core.csr.machine import CauseFields, HostStatusFields, Mstatus, StatusFields, VectorFields, legal_epc, with_sd
from core.hart import Hart
from core.isa.intrinsics import M64, isset, u64
from core.trap.causes import Cause

_FIELDS = [*vars(StatusFields).values(), HostStatusFields.SDT]
SSTATUS: int = sum(field.mask for field in _FIELDS if isinstance(field, Field))
"""The bits of mstatus that sstatus shows."""


class Sstatus(HostStatusFields, Csr, address=0x100, slot=False, effects=Effect.TRANSLATION | Effect.INTERRUPT):
    """sstatus, Supervisor Status: a part of mstatus (norm:sstatus)."""

    @staticmethod
    def read(h: Hart) -> u64:
        """The visible part of mstatus."""
        return u64(with_sd(h.mstatus) & SSTATUS)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Write the visible part, leave the rest."""
        Mstatus.write(h, (h.mstatus & u64(~SSTATUS)) | (value & SSTATUS))


class Stvec(VectorFields, Csr, address=0x105):
    """stvec, Supervisor Trap Vector Base Address (norm:stvec)."""


class Sscratch(Csr, address=0x140):
    """sscratch, Supervisor Scratch (norm:sscratch)."""


class Sepc(Csr, address=0x141):
    """sepc, Supervisor Exception Program Counter (norm:sepc)."""

    legalize = staticmethod(legal_epc)


class Scause(CauseFields, Csr, address=0x142):
    """scause, Supervisor Cause (norm:scause)."""


class Stval(Csr, address=0x143):
    """stval, Supervisor Trap Value (norm:stval)."""


class Stimecmp(Csr, address=0x14D, ext="Sstc", effects=Effect.INTERRUPT):
    """stimecmp, Supervisor Timer: STIP is pending from this time on (norm:stimecmp_stimecmph_sz_acc)."""

    reset = M64

    @staticmethod
    def rule(h: Hart) -> u64:
        """M-mode allows it with mcounteren.TM and menvcfg.STCE, to a guest HS-mode with the same bits of its own."""
        if h.mode == 3:
            return 0
        if not isset(h.mcounteren, Mcounteren.TM) or not sstc_enabled(h):
            return Cause.ILLEGAL_INSTRUCTION
        if h.v != 0 and (not isset(h.hcounteren, Hcounteren.TM) or not vs_sstc_enabled(h)):
            return Cause.VIRTUAL_INSTRUCTION
        return 0

    @staticmethod
    def write_rule(h: Hart) -> u64:
        """A guest's write could clear a pending interrupt, which hvictl.VTI leaves to the hypervisor."""
        return emulated(h)
