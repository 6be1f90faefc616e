# SPDX-License-Identifier: Apache-2.0
"""SFENCE.VMA, HFENCE.VVMA, HFENCE.GVMA: which cached translations go. Fencing more than asked for is legal
(priv, Supervisor Memory-Management Fence Instruction), fencing less never.

A TLB entry joins all stages, so a fence of one stage drops every entry that came through it. An address selects its
page only, unless the bank holds parts of a superpage: then any entry may come from the leaf in question and the whole
bank goes.
"""

from __future__ import annotations

from core.csr.translation import Hgatp, Satp
from core.hart import Hart
from core.isa.intrinsics import get, u64
from core.mmu.regime import is_guest, is_host
from core.mmu.tlb import BANKS, drop_bank, drop_page
from core.trap.catches import Caught, catch_kind

ASID_MASK = (1 << Satp.ASID.width) - 1
VMID_MASK = (1 << Hgatp.VMID.width) - 1


def serves_host(h: Hart, bank: u64) -> bool:
    """Whether a bank holds translations by satp."""
    return h.bank_regime[bank] != 0 and is_host(h.bank_regime[bank])


def serves_guest(h: Hart, bank: u64) -> bool:
    """Whether a bank holds translations by vsatp and hgatp."""
    return h.bank_regime[bank] != 0 and is_guest(h.bank_regime[bank])


def drop(h: Hart, bank: u64, va: u64, by_address: bool) -> None:
    """Drop a bank, or what it knows about one page when that is enough."""
    if by_address and h.bank_super[bank] == 0:
        drop_page(h, bank, va)
    else:
        drop_bank(h, bank)


def sfence_vma(h: Hart, va: u64, asid: u64, by_address: bool, by_asid: bool) -> None:
    """SFENCE.VMA: the S-stage when V=0, the VS-stage of the current VM when V=1 (norm:sfence_vma_v0,
    norm:sfence_vma_v1).

    by_address, by_asid: rs1 and rs2 are not x0.
    """
    if h.v != 0:  # which tells the debugger
        hfence_vvma(h, va, asid, by_address, by_asid)
        return
    catch_kind(h, Caught.FENCE)
    for bank in range(BANKS):
        if serves_host(h, bank) and (not by_asid or get(h.bank_satp[bank], Satp.ASID) == asid & ASID_MASK):
            drop(h, bank, va, by_address)


def hfence_vvma(h: Hart, va: u64, asid: u64, by_address: bool, by_asid: bool) -> None:
    """HFENCE.VVMA: the VS-stage of the VM that hgatp.VMID names now, also when hgatp is Bare.

    norm:hfence-vvma_limits.
    """
    catch_kind(h, Caught.FENCE)
    vmid = get(h.hgatp, Hgatp.VMID)
    for bank in range(BANKS):
        ours = serves_guest(h, bank) and get(h.bank_hgatp[bank], Hgatp.VMID) == vmid
        if ours and (not by_asid or get(h.bank_vsatp[bank], Satp.ASID) == asid & ASID_MASK):
            drop(h, bank, va, by_address)


def hfence_gvma(h: Hart, gpa: u64, vmid: u64, by_address: bool, by_vmid: bool) -> None:
    """HFENCE.GVMA: the G-stage of one VM or of all. Entries do not know their GPA, so the address (shifted right by 2
    in rs1) does not narrow it (norm:hfence-gvma_op)."""
    catch_kind(h, Caught.FENCE)
    for bank in range(BANKS):
        if serves_guest(h, bank) and (not by_vmid or get(h.bank_hgatp[bank], Hgatp.VMID) == vmid & VMID_MASK):
            drop_bank(h, bank)
