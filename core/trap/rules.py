# SPDX-License-Identifier: Apache-2.0
"""Who may execute privileged instructions, and whether a refusal is an illegal or a virtual instruction.

The rule behind it (norm:H_cause_virtual_instruction): with V=1, what HS-mode could execute is a virtual instruction.
"""

from __future__ import annotations

from core.csr.config import EnvcfgFields, envcfg_cause
from core.csr.hypervisor import Hstatus
from core.csr.machine import Mstatus
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import Trap, isset, u64
from core.trap.causes import Cause
from core.trap.interrupts import wakes


def require_wfi(h: Hart) -> None:
    """WFI: TW stops all modes below M, VTW stops VS-mode, U-mode and VU-mode never may (norm:mstatus_tw_op).

    A trap comes at once, even when an interrupt is pending (norm:mstatus_tw_always_illegal, norm:vtw_virtinstr).
    """
    if h.mode == 3:
        return
    if isset(h.mstatus, Mstatus.TW):
        raise Trap(Cause.ILLEGAL_INSTRUCTION)
    if h.v != 0 and (h.mode == 0 or isset(h.hstatus, Hstatus.VTW)):
        raise Trap(Cause.VIRTUAL_INSTRUCTION)
    if h.mode == 0:
        raise Trap(Cause.ILLEGAL_INSTRUCTION)


def require_wait(h: Hart) -> None:
    """WRS.NTO: where it would stall, TW stops all modes below M and VTW those with V=1, in this order and after no time
    at all (norm:Zawrs_priv_illegal_instr_excp, norm:Zawrs_virtual_instr_excp)."""
    if h.mode == 3 or h.res_valid == 0 or wakes(h):
        return
    if isset(h.mstatus, Mstatus.TW):
        raise Trap(Cause.ILLEGAL_INSTRUCTION)
    if h.v != 0 and isset(h.hstatus, Hstatus.VTW):
        raise Trap(Cause.VIRTUAL_INSTRUCTION)


def require_cbo(h: Hart, enable: u64) -> None:
    """Instructions for cache blocks: xenvcfg must have a bit of `enable` (the mask of CBIE, CBCFE or CBZE) set
    (norm:cbo-inval, norm:cbo-clean_cbo-flush, norm:cbo-zero_basedon_xenvcfg-CBZE)."""
    cause = envcfg_cause(h, enable)
    if cause != 0:
        raise Trap(cause)


def require_shadow_swap(h: Hart) -> None:
    """SSAMOSWAP: M-mode, and below it SSE of xenvcfg as for ssp (norm:menvcfg_sse_op_list, norm:senvcfg_sse_Zicfilp,
    norm:henvcfg_sse_op)."""
    cause = envcfg_cause(h, EnvcfgFields.SSE.mask)
    if cause != 0:
        raise Trap(cause)


def require_sfence(h: Hart) -> None:
    """SFENCE.VMA, SINVAL.VMA: S-mode unless TVM (HS) or VTVM (VS) (norm:mstatus_tvm_warl_op, norm:hstatus_vtvm_op)."""
    if h.v != 0:
        if h.mode == 0 or isset(h.hstatus, Hstatus.VTVM):
            raise Trap(Cause.VIRTUAL_INSTRUCTION)
    elif h.mode == 0 or (h.mode == 1 and isset(h.mstatus, Mstatus.TVM)):
        raise Trap(Cause.ILLEGAL_INSTRUCTION)


def require_sfence_inval(h: Hart) -> None:
    """SFENCE.W.INVAL and SFENCE.INVAL.IR: S-mode of either world (norm:Svinval_sfence_w_inval_inval_vu_mode)."""
    if h.mode == 0:
        if h.v != 0:
            raise Trap(Cause.VIRTUAL_INSTRUCTION)
        raise Trap(Cause.ILLEGAL_INSTRUCTION)


def require_hypervisor(h: Hart) -> None:
    """An instruction of the H extension: misa.H may have been cleared since it was decoded (norm:misa_h_op)."""
    if h.features & Feature.H == 0:
        raise Trap(Cause.ILLEGAL_INSTRUCTION)


def require_hfence_vvma(h: Hart) -> None:
    """HFENCE.VVMA, HINVAL.VVMA: M- and HS-mode; TVM does not matter (norm:hfence-vvma_mode, norm:hfence-vvma_tvm)."""
    require_hypervisor(h)
    if h.v != 0:
        raise Trap(Cause.VIRTUAL_INSTRUCTION)
    if h.mode == 0:
        raise Trap(Cause.ILLEGAL_INSTRUCTION)


def require_hfence_gvma(h: Hart) -> None:
    """HFENCE.GVMA and HINVAL.GVMA: M-mode, HS-mode unless TVM (norm:hfence-vvma_hfence-gvma_exceptions)."""
    require_hfence_vvma(h)
    if h.mode == 1 and isset(h.mstatus, Mstatus.TVM):
        raise Trap(Cause.ILLEGAL_INSTRUCTION)


def require_guest_access(h: Hart) -> None:
    """HLV, HLVX, HSV: M- and HS-mode, U-mode with hstatus.HU (norm:hlsv_virtinst, norm:hlsv_illegalinst)."""
    require_hypervisor(h)
    if h.v != 0:
        raise Trap(Cause.VIRTUAL_INSTRUCTION)
    if h.mode == 0 and not isset(h.hstatus, Hstatus.HU):
        raise Trap(Cause.ILLEGAL_INSTRUCTION)
