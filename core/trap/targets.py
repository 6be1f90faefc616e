# SPDX-License-Identifier: Apache-2.0
"""What taking a trap writes, for each mode that can handle it (priv, Trap Entry).

tval2: value for mtval2 / htval; tinst: value for mtinst / htinst; gva: whether tval is a guest virtual address.
"""

from __future__ import annotations

from core.csr.config import double_traps, vs_double_traps
from core.csr.counting import settle
from core.csr.hypervisor import Hstatus
from core.csr.machine import Mstatus
from core.csr.rnmi import nmis_off
from core.csr.vs import Vsstatus
from core.features import Feature
from core.hart import Hart, state
from core.isa.intrinsics import cold, get, isset, put, u64, warn
from core.mmu.tlb import update_regime
from core.tolerance import Tolerance
from core.trap.causes import INTERRUPT_BIT, Cause
from core.trap.delegation import Target
from core.trap.landing import keep_elp
from core.trap.rnmi import enter_rnmi, exception_vector, in_handler
from core.trap.worlds import trapping

state("critical", doc="1 in the critical-error state, which only a reset ends (norm:trap_unexp_hndl_no_rnmi)")


def vector(tvec: u64, cause: u64) -> u64:
    """Where the handler is: BASE, for interrupts in Vectored mode BASE + 4 * cause (norm:mtvec_mode_vectored_op)."""
    base = tvec & u64(~3)
    if tvec & 1 != 0 and cause & INTERRUPT_BIT != 0:
        return u64(base + u64((cause & 63) << 2))
    return base


def unexpected(h: Hart, target: u64) -> bool:
    """Whether a trap comes where its `Target` is not ready for it: a double trap, which goes to M-mode with cause 16 and
    the cause of the unexpected trap in mtval2 (norm:sstatus_sdt_trap, norm:vsstatus_sdt_op).

    Each world has its own SDT: that of HS-mode does not stop a guest's traps, nor the other way round.
    """
    if target == Target.HS:
        return isset(h.mstatus, Mstatus.SDT)
    return target == Target.VS and isset(h.vsstatus, Vsstatus.SDT)


@cold
def critical(h: Hart, target: u64, cause: u64) -> bool:
    """Deal with a trap that comes where not even M-mode is ready for it, with the `Target` it would have; False if it is.

    With Smrnmi and NMIE=1 the RNMI trap handler gets it, with the cause mcause would have had, and as if from M-mode
    (norm:trap_unexp_hndl_rnmi). Else the hart is in the critical-error state: nothing has changed, pc included, and it
    does nothing more (norm:trap_unexp_hndl_no_rnmi).
    """
    if h.features & Feature.SMDBLTRP == 0 or not (isset(h.mstatus, Mstatus.MDT) or in_handler(h)):
        return False
    if target != Target.M and not unexpected(h, target):
        return False
    if h.features & Feature.SMRNMI != 0 and not nmis_off(h):
        enter_rnmi(h, Cause.DOUBLE_TRAP if unexpected(h, target) else cause, 3, 0)
        return True
    h.critical = 1
    h.npc = h.pc
    if h.warned & (1 << Tolerance.CRITICAL_ERROR) == 0:
        h.warned |= 1 << Tolerance.CRITICAL_ERROR
        warn(h, Tolerance.CRITICAL_ERROR, cause)
    return True


@cold
def enter_m(h: Hart, cause: u64, tval: u64, tval2: u64, tinst: u64, gva: bool) -> None:
    """Take a trap into M-mode (norm:H_trap_m_csrwrites, norm:mstatus_gva_op, norm:trap_exp)."""
    trapping(h, cause, tval, 3, 0)
    if h.filtered != 0:
        settle(h, 3, 0, 0)
    status = put(h.mstatus, Mstatus.MPIE, get(h.mstatus, Mstatus.MIE))
    status = put(status, Mstatus.MIE, 0)
    status = put(status, Mstatus.MPP, h.mode)
    if h.features & Feature.ZICFILP != 0:
        status = put(status, Mstatus.MPELP, keep_elp(h))
    if h.features & (Feature.H | Feature.SSDBLTRP) != 0:
        h.mtval2 = tval2
    if h.features & Feature.H != 0:
        status = put(status, Mstatus.MPV, h.v)
        status = put(status, Mstatus.GVA, u64(gva))
        h.mtinst = tinst
    h.mstatus = status
    h.mepc = h.pc
    h.mcause = cause
    h.mtval = tval
    h.npc = vector(h.mtvec, cause)
    if h.features & (Feature.SMRNMI | Feature.SMDBLTRP) != 0:
        later_extensions(h)
    h.v = 0
    h.mode = 3
    update_regime(h)


@cold
def later_extensions(h: Hart) -> None:
    """A trap into M-mode with Smdbltrp or Smrnmi: MDT := 1 (norm:trap_exp); exceptions of M-mode with NMIE=0 go elsewhere
    (norm:rnmi_exception_nmie0)."""
    if h.features & Feature.SMDBLTRP != 0:
        h.mstatus |= Mstatus.MDT.mask
    if h.mode == 3 and nmis_off(h):
        h.npc = exception_vector(h)


@cold
def enter_hs(h: Hart, cause: u64, tval: u64, tval2: u64, tinst: u64, gva: bool) -> None:
    """Take a trap into HS-mode (norm:H_trap_hs_csrwrites, norm:hstatus_spvp_op, norm:hstatus_gva_op)."""
    trapping(h, cause, tval, 1, 0)
    if h.filtered != 0:
        settle(h, 1, 0, 0)
    status = put(h.mstatus, Mstatus.SPIE, get(h.mstatus, Mstatus.SIE))
    status = put(status, Mstatus.SIE, 0)
    if h.features & Feature.ZICFILP != 0:
        status = put(status, Mstatus.SPELP, keep_elp(h))
    status = put(status, Mstatus.SDT, u64(double_traps(h)))
    h.mstatus = put(status, Mstatus.SPP, h.mode)
    if h.features & Feature.H != 0:
        hstatus = put(h.hstatus, Hstatus.SPV, h.v)
        if h.v != 0:
            hstatus = put(hstatus, Hstatus.SPVP, h.mode)
        h.hstatus = put(hstatus, Hstatus.GVA, u64(gva))
        h.htval = tval2
        h.htinst = tinst
    h.sepc = h.pc
    h.scause = cause
    h.stval = tval
    h.v = 0
    h.mode = 1
    h.npc = vector(h.stvec, cause)
    update_regime(h)


@cold
def enter_vs(h: Hart, cause: u64, tval: u64, number: u64) -> None:
    """Take a trap into VS-mode: V stays 1, hstatus and sstatus as they are (norm:H_trap_vs_csrwrites).

    number: the cause as the guest knows it: interrupts come with an S-level number (norm:hideleg_trans).
    """
    trapping(h, cause, tval, 1, 1)
    if h.filtered != 0:
        settle(h, 1, 1, 0)
    status = put(h.vsstatus, Vsstatus.SPIE, get(h.vsstatus, Vsstatus.SIE))
    status = put(status, Vsstatus.SIE, 0)
    if h.features & Feature.ZICFILP != 0:
        status = put(status, Vsstatus.SPELP, keep_elp(h))
    status = put(status, Vsstatus.SDT, u64(vs_double_traps(h)))
    h.vsstatus = put(status, Vsstatus.SPP, h.mode)
    h.vsepc = h.pc
    h.vscause = number
    h.vstval = tval
    h.mode = 1
    h.npc = vector(h.vstvec, number)
    update_regime(h)
