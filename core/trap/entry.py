# SPDX-License-Identifier: Apache-2.0
"""Taking an exception (priv, Trap Entry). Interrupts are in core.trap.interrupts."""

from __future__ import annotations

from core.events import Event
from core.hart import Hart, state
from core.isa.intrinsics import cold, end_slice, u64
from core.trap.catches import catch_sbi
from core.trap.causes import Cause, TrapInfo
from core.trap.delegation import Target, target_of
from core.trap.targets import critical, enter_hs, enter_m, enter_vs, unexpected
from core.trap.tinst import is_guest_page_fault, tinst_of

state("ebreak_tval_zero", doc="1: xtval is 0 for EBREAK, 0: its address (norm:stval_op_breakpoint)", architectural=False)

EBREAK, C_EBREAK = 0x0010_0073, 0x9002


@cold
def take_trap(h: Hart) -> None:
    """Take the exception in h.trap_* that the instruction h.inst at h.pc raised; h.npc is where execution goes on.

    Illegal and virtual instructions give their bits in xtval (norm:H_virtinst_xtval). mtval2 / htval get the guest
    physical address of guest-page faults, else 0 (norm:htval_trapval, norm:mtval2_trapval). With the built-in SBI an
    ecall of HS-mode is no trap but Event.SBI; pc stays at the ecall.
    """
    cause: u64 = h.trap_cause
    tval: u64 = h.trap_tval
    info: u64 = h.trap_info
    h.wfi = 0
    target = target_of(h, cause)
    if target == Target.M and h.builtin_sbi != 0:
        h.event |= Event.SBI
        end_slice(h)
        catch_sbi(h)
        h.npc = h.pc
        return
    gva = info & TrapInfo.GVA != 0
    if cause == Cause.ILLEGAL_INSTRUCTION or cause == Cause.VIRTUAL_INSTRUCTION:
        tval = h.inst
        gva = False
    elif cause == Cause.BREAKPOINT and h.ebreak_tval_zero != 0 and (h.inst == EBREAK or h.inst == C_EBREAK):
        tval = 0
        gva = False
    tval2: u64 = 0
    if is_guest_page_fault(cause):
        tval2 = h.trap_gpa >> 2
    if critical(h, target, cause):
        end_slice(h)
    elif unexpected(h, target):
        enter_m(h, Cause.DOUBLE_TRAP, tval, cause, tinst_of(h, cause, info), gva)
    elif target == Target.VS:
        enter_vs(h, cause, tval, cause)
    elif target == Target.HS:
        enter_hs(h, cause, tval, tval2, tinst_of(h, cause, info), gva)
    else:
        enter_m(h, cause, tval, tval2, tinst_of(h, cause, info), gva)
