# SPDX-License-Identifier: Apache-2.0
"""Under which rights the hart accesses memory now, and which TLB bank belongs to them."""

from __future__ import annotations

from core.csr.config import Henvcfg, Menvcfg, Senvcfg, shadow_stacks
from core.csr.hypervisor import Hstatus
from core.csr.machine import Mstatus
from core.csr.pmp import Mseccfg
from core.csr.rnmi import nmis_off
from core.csr.translation import BARE, Satp
from core.csr.vs import Vsstatus
from core.hart import Hart
from core.isa.intrinsics import cold, get, isset, put, s64, u64
from core.mmu import pmp
from core.mmu.modes import Regime
from core.mmu.tlb import ARRAY_WORDS, DATA_BANKS, VOID, array_of, clear_bank

M_MODE = 3
TAKEN = 1 << 63
"""Set in h.bank_regime of a bank in use."""
FETCH_BITS = Regime.PRIV.mask | Regime.V.mask | Regime.SSE.mask


def regime_of(h: Hart, mode: u64, v: u64) -> u64:
    """The Regime word of accesses with the given effective modes.

    V=1: vsstatus.SUM governs, vsstatus.MXR acts on the first stage and sstatus.MXR on both (norm:vsstatus_mxr_vm,
    norm:sstatus_mxr_vm, norm:hlsv_trans). Pointer masking goes by the same modes (norm:pm_mprv_spvp).
    """
    if mode == M_MODE:
        return put(M_MODE, Regime.PMM, get(h.mseccfg, Mseccfg.PMM))
    regime = mode
    if shadow_stacks(h, v):
        regime |= Regime.SSE.mask
    if v == 0:
        if isset(h.mstatus, Mstatus.SUM) and mode != 0:
            regime |= Regime.SUM.mask
        if isset(h.mstatus, Mstatus.MXR):
            return regime | Regime.MXR.mask
        return put(regime, Regime.PMM, get(h.senvcfg, Senvcfg.PMM) if mode == 0 else get(h.menvcfg, Menvcfg.PMM))
    regime |= Regime.V.mask
    if isset(h.vsstatus, Vsstatus.SUM) and mode != 0:
        regime |= Regime.SUM.mask
    if isset(h.mstatus, Mstatus.MXR):
        regime |= Regime.MXR.mask | Regime.GMXR.mask
    elif isset(h.vsstatus, Vsstatus.MXR):
        regime |= Regime.MXR.mask
    else:
        regime = put(regime, Regime.PMM, get(h.senvcfg, Senvcfg.PMM) if mode == 0 else get(h.henvcfg, Henvcfg.PMM))
    return regime


def data_regime(h: Hart) -> u64:
    """The regime of explicit loads and stores: MPRV puts MPP and MPV in the place of the current modes
    (norm:mstatus_mprv_ldst_op, norm:mstatus_mprv_hypervisor), unless NMIE is 0 (norm:mnstatus_mprv_clear)."""
    if isset(h.mstatus, Mstatus.MPRV) and not nmis_off(h):
        return regime_of(h, get(h.mstatus, Mstatus.MPP), get(h.mstatus, Mstatus.MPV))
    return regime_of(h, h.mode, h.v)


def guest_regime(h: Hart) -> u64:
    """The regime of HLV and HSV: V=1 and the privilege in hstatus.SPVP, whatever MPRV says (norm:hlsv_priv).

    From U-mode, HUPMM stands for the senvcfg.PMM of the guest (priv, Hypervisor Status Register).
    """
    regime = regime_of(h, get(h.hstatus, Hstatus.SPVP), 1)
    if h.mode == 0 and get(regime, Regime.PRIV) == 0 and not isset(regime, Regime.MXR):
        return put(regime, Regime.PMM, get(h.hstatus, Hstatus.HUPMM))
    return regime


def masked(h: Hart, va: u64, regime: u64) -> u64:
    """The address after pointer masking: the upper 7 or 16 bits repeat the bit below them, or are zero where the address
    is a physical or guest physical one (norm:pm_ignore_va, norm:pm_ignore_pa)."""
    setting = get(regime, Regime.PMM)
    return mask_pointer(h, va, regime, 7 if setting == 2 else 16) if setting != 0 else va


@cold
def mask_pointer(h: Hart, va: u64, regime: u64, length: u64) -> u64:
    """`masked` by so many bits."""
    atp: u64 = h.vsatp if isset(regime, Regime.V) else h.satp
    if get(regime, Regime.PRIV) == M_MODE or get(atp, Satp.MODE) == BARE:
        return u64(va << length) >> length
    return u64(s64(va << length) >> length)


def is_host(regime: u64) -> bool:
    """Whether satp translates accesses of a regime."""
    return regime & (Regime.V.mask | Regime.PRIV.mask) < 2


def is_guest(regime: u64) -> bool:
    """Whether vsatp and hgatp translate accesses of a regime."""
    return isset(regime, Regime.V)


@cold
def settle_data(h: Hart) -> None:
    """Find the regime of loads and stores and its bank, unless they are known. Leaves what fetches use alone."""
    if h.tlb_read == VOID:
        if h.pmp_stale != 0:
            pmp.refresh(h)
            h.pmp_stale = 0
        regime = data_regime(h)
        bank = find_bank(h, 0, h.data_bank, regime)
        h.regime_data = regime
        h.data_bank = bank
        h.tlb_read = array_of(bank)
        h.tlb_write = u64(array_of(bank) + ARRAY_WORDS)


@cold
def settle_fetch(h: Hart) -> None:
    """Find the regime of instruction fetches and its bank, unless they are known. MPRV, SUM and MXR do not act on them
    (norm:mstatus_mprv_inst_xlat_op)."""
    if h.tlb_fetch == VOID:
        if h.pmp_stale != 0:
            pmp.refresh(h)
            h.pmp_stale = 0
        regime = regime_of(h, h.mode, h.v) & FETCH_BITS
        bank = find_bank(h, DATA_BANKS, h.fetch_bank | DATA_BANKS, regime)
        h.regime_fetch = regime
        h.fetch_bank = bank
        h.tlb_fetch = array_of(bank)


def find_bank(h: Hart, first: u64, current: u64, regime: u64) -> u64:
    """The bank for a regime among the eight from `first` on, `current` most likely; when there is none, the one whose turn
    it is, emptied."""
    satp = h.satp if is_host(regime) else 0
    vsatp = h.vsatp if is_guest(regime) else 0
    hgatp = h.hgatp if is_guest(regime) else 0
    if belongs(h, current, regime, satp, vsatp, hgatp):
        return current
    for bank in range(first, u64(first + DATA_BANKS)):
        if belongs(h, bank, regime, satp, vsatp, hgatp):
            return bank
    victim = u64(first + h.bank_turn % DATA_BANKS)
    h.bank_turn = u64(h.bank_turn + 1)
    clear_bank(h, victim)
    h.bank_regime[victim] = regime | TAKEN
    h.bank_satp[victim] = satp
    h.bank_vsatp[victim] = vsatp
    h.bank_hgatp[victim] = hgatp
    return victim


def belongs(h: Hart, bank: u64, regime: u64, satp: u64, vsatp: u64, hgatp: u64) -> bool:
    """Whether a bank holds translations made under just these values."""
    if h.bank_regime[bank] != regime | TAKEN or h.bank_satp[bank] != satp:
        return False
    return bool(h.bank_vsatp[bank] == vsatp and h.bank_hgatp[bank] == hgatp)
