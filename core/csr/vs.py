# SPDX-License-Identifier: Apache-2.0
"""Virtual supervisor CSRs: what a guest sees as the supervisor CSRs (norm:H_vscsrs_sub)."""

from __future__ import annotations

from core.csr.config import Mcounteren, sstc_enabled, vs_double_traps
from core.csr.csr import Csr, Effect
from core.csr.fields import warl
from core.csr.machine import CauseFields, StatusFields, VectorFields, legal_epc, masked_by_sdt, with_sd
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import M64, isset, u64
from core.trap.causes import Cause


def legal_vs_sdt(h: Hart, old: u64, new: u64) -> u64:
    """SDT is read-only zero while DTE of menvcfg or henvcfg is 0 (norm:henvcfg_dte_op)."""
    return new if vs_double_traps(h) else 0


class Vsstatus(StatusFields, Csr, address=0x200, ext="H", group="VS", effects=Effect.TRANSLATION | Effect.INTERRUPT):
    """vsstatus, Virtual Supervisor Status (norm:vsstatus_sz_acc_op)."""

    SDT = warl(24, "a trap into VS-mode is a double trap (norm:vsstatus_sdt_op)", legal=legal_vs_sdt, needs=Feature.SSDBLTRP)

    @staticmethod
    def read(h: Hart) -> u64:
        """The slot and its own SD (norm:vsstatus_sd_xs_op)."""
        return with_sd(h.vsstatus)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Set the slot; SDT rules SIE."""
        h.vsstatus = masked_by_sdt(Vsstatus.legalize(h, h.vsstatus, value))


class Vstvec(VectorFields, Csr, address=0x205, ext="H", group="VS"):
    """vstvec, Virtual Supervisor Trap Vector Base Address (norm:vstvec_sz_acc_op)."""


class Vsscratch(Csr, address=0x240, ext="H", group="VS"):
    """vsscratch, Virtual Supervisor Scratch (norm:vsscratch_sz_acc_op)."""


class Vsepc(Csr, address=0x241, ext="H", group="VS"):
    """vsepc, Virtual Supervisor Exception Program Counter (norm:vsepc_warl)."""

    legalize = staticmethod(legal_epc)


class Vscause(CauseFields, Csr, address=0x242, ext="H", group="VS"):
    """vscause, Virtual Supervisor Cause (norm:vscause_sz_acc_op)."""


class Vstval(Csr, address=0x243, ext="H", group="VS"):
    """vstval, Virtual Supervisor Trap Value (norm:vstval_sz_acc_op)."""


class Vstimecmp(Csr, address=0x24D, ext="H Sstc", group="VS", effects=Effect.INTERRUPT):
    """vstimecmp, Virtual Supervisor Timer: hip.VSTIP is pending from this guest time on (norm:vstimecmp_sz)."""

    reset = M64

    @staticmethod
    def rule(h: Hart) -> u64:
        """HS-mode needs mcounteren.TM (norm:mcounteren_tm_clr) and, as Sstc is absent without it, menvcfg.STCE."""
        if h.mode == 3 or (isset(h.mcounteren, Mcounteren.TM) and sstc_enabled(h)):
            return 0
        return Cause.ILLEGAL_INSTRUCTION
