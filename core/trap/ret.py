# SPDX-License-Identifier: Apache-2.0
"""Returning from traps: MRET, SRET (priv, Trap Return) and MNRET (priv, Smrnmi)."""

from __future__ import annotations

from core.csr.counting import settle
from core.csr.hypervisor import Hstatus
from core.csr.machine import Mstatus, legal_epc
from core.csr.rnmi import Mnstatus
from core.csr.vs import Vsstatus
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import Trap, cold, end_slice, get, isset, put, u64
from core.mmu.tlb import update_regime
from core.trap.causes import Cause
from core.trap.landing import take_pelp
from core.trap.worlds import returning


def go_on(h: Hart, epc: u64, mode: u64, v: u64) -> None:
    """Continue at `epc` in another mode; below M-mode MPRV ends (norm:mstatus_mprv_clr_mret_sret_less_priv)."""
    if mode != 3:
        h.mstatus = put(h.mstatus, Mstatus.MPRV, 0)
    h.npc = legal_epc(h, 0, epc)
    returning(h, mode, v)
    if h.filtered != 0:
        settle(h, mode, v, 1)
    h.mode = mode
    h.v = v
    update_regime(h)
    end_slice(h)


def do_mret(h: Hart) -> None:
    """MRET (norm:mret_h): MPV and MPP tell where to, MPV is ignored when MPP is M. Illegal below M-mode."""
    if h.mode != 3:
        raise Trap(Cause.ILLEGAL_INSTRUCTION)
    mode = get(h.mstatus, Mstatus.MPP)
    v = get(h.mstatus, Mstatus.MPV) if mode != 3 else 0
    status = put(h.mstatus, Mstatus.MIE, get(h.mstatus, Mstatus.MPIE))
    status = put(status, Mstatus.MPIE, 1)
    status = put(status, Mstatus.MPP, 0)
    if h.features & Feature.ZICFILP != 0:
        status = take_pelp(h, status, Mstatus.MPELP.mask, mode, v)
    h.mstatus = put(status, Mstatus.MPV, 0)
    if h.features & Feature.SMDBLTRP != 0:
        machine_return(h, mode, v)
    go_on(h, h.mepc, mode, v)


def do_mnret(h: Hart) -> None:
    """MNRET: to what MNPV and MNPP say, NMIE := 1 (norm:mnret_restore). Illegal below M-mode (norm:mnret_mode).

    Below M-mode MPRV and MDT become 0, and SDT as by MRET (norm:mnret_mprv, norm:mstatus_mdt_clr_mnret,
    norm:sstatus_sdt_clr_mnret, norm:vsstatus_sdt_clr_mnret). ELP comes back as by MRET (norm:mnret_zicfilp); as that does
    with its own, it clears MNPELP, of which the manual says nothing.
    """
    if h.mode != 3:
        raise Trap(Cause.ILLEGAL_INSTRUCTION)
    mode = get(h.mnstatus, Mnstatus.MNPP)
    v = get(h.mnstatus, Mnstatus.MNPV) if mode != 3 else 0
    if h.features & Feature.ZICFILP != 0:
        h.mnstatus = take_pelp(h, h.mnstatus, Mnstatus.MNPELP.mask, mode, v)
    h.mnstatus = put(h.mnstatus, Mnstatus.NMIE, 1)
    if mode != 3 and h.features & Feature.SMDBLTRP != 0:
        machine_return(h, mode, v)
    go_on(h, h.mnepc, mode, v)


@cold
def machine_return(h: Hart, mode: u64, v: u64) -> None:
    """What Smdbltrp adds to a return from M-mode: MDT := 0 (norm:mstatus_mdt_clr_mret_sret), and where it leads to U-mode or
    a guest SDT := 0 (norm:sstatus_sdt_clr_mret_sret), for VU-mode that of vsstatus too (norm:vsstatus_sdt_clr_mret_sret)."""
    h.mstatus = put(h.mstatus, Mstatus.MDT, 0)
    if mode == 0 or (mode == 1 and v != 0):
        h.mstatus = put(h.mstatus, Mstatus.SDT, 0)
    if mode == 0 and v != 0:
        h.vsstatus = put(h.vsstatus, Vsstatus.SDT, 0)


def do_sret(h: Hart) -> None:
    """SRET: in M- and HS-mode norm:sret_v0, in VS-mode norm:sret_v1.

    Refused: U-mode, HS-mode with TSR (illegal); VU-mode, VS-mode with VTSR (virtual: norm:hstatus_vtsr_op).
    """
    if h.v != 0:
        if h.mode == 0 or isset(h.hstatus, Hstatus.VTSR):
            raise Trap(Cause.VIRTUAL_INSTRUCTION)
        vs_return(h)
    else:
        if h.mode == 0 or (h.mode == 1 and isset(h.mstatus, Mstatus.TSR)):
            raise Trap(Cause.ILLEGAL_INSTRUCTION)
        hs_return(h)


def hs_return(h: Hart) -> None:
    """SRET with V=0: to what SPV and SPP say; SPV, SPP := 0, SIE := SPIE, SPIE := 1 (norm:sret_v0).

    SDT := 0 (norm:sstatus_sdt_sret), on the way to VU-mode that of vsstatus, too (norm:sret_dt).
    """
    mode = get(h.mstatus, Mstatus.SPP)
    v = get(h.hstatus, Hstatus.SPV)
    h.hstatus = put(h.hstatus, Hstatus.SPV, 0)
    status = put(h.mstatus, Mstatus.SIE, get(h.mstatus, Mstatus.SPIE))
    status = put(status, Mstatus.SPIE, 1)
    status = put(status, Mstatus.SDT, 0)
    if h.features & Feature.ZICFILP != 0:
        status = take_pelp(h, status, Mstatus.SPELP.mask, mode, v)
    h.mstatus = put(status, Mstatus.SPP, 0)
    if v != 0 and mode == 0:
        h.vsstatus = put(h.vsstatus, Vsstatus.SDT, 0)
    if h.mode == 3 and h.features & Feature.SMDBLTRP != 0:
        machine_return(h, mode, v)
    go_on(h, h.sepc, mode, v)


def vs_return(h: Hart) -> None:
    """SRET with V=1: to what vsstatus.SPP says, V stays 1, hstatus as it is (norm:sret_v1); SDT := 0 (norm:sret_dt)."""
    mode = get(h.vsstatus, Vsstatus.SPP)
    status = put(h.vsstatus, Vsstatus.SIE, get(h.vsstatus, Vsstatus.SPIE))
    status = put(status, Vsstatus.SPIE, 1)
    status = put(status, Vsstatus.SDT, 0)
    if h.features & Feature.ZICFILP != 0:
        status = take_pelp(h, status, Vsstatus.SPELP.mask, mode, 1)
    h.vsstatus = put(status, Vsstatus.SPP, 0)
    go_on(h, h.vsepc, mode, 1)
