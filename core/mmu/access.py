# SPDX-License-Identifier: Apache-2.0
"""What instructions use to reach memory: loads, stores, fetches, LR/SC, AMOs and the hypervisor's guest accesses.

The fast path is one comparison with a TLB tag; everything else is in `core.mmu.slow`.
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.intrinsics import Const, inline, ram_read, ram_write, u64
from core.mmu.modes import OFFSET_MASK, PAGE_MASK, Access, Regime
from core.mmu.regime import guest_regime, settle_data
from core.mmu.slow import (
    amo_load_slow,
    fetch_half,
    fetch_slow,
    load_reserved_slow,
    load_slow,
    load_through,
    store_slow,
    store_through,
    translate_amo,
)
from core.mmu.tlb import INDEX_MASK, VOID

UNMASKED = ((1 << 64) - 1) & ~Regime.PMM.mask
"""A regime without pointer masking."""


@inline
def load(h: Hart, va: u64, size: Const) -> u64:
    """The zero-extended value of `size` bytes (1, 2, 4, 8) at a virtual address. Misaligned is fine in RAM.

    Raises Trap: load page fault, load guest-page fault, load access fault.
    """
    entry = h.tlb_read | ((va >> 11) & INDEX_MASK)
    if h.tlb[entry] == va & (PAGE_MASK | (size - 1)):
        return ram_read(h, u64(va + h.tlb[entry | 1]), size)
    return load_slow(h, va, size)


@inline
def store(h: Hart, va: u64, size: Const, value: u64) -> None:
    """Store the low `size` bytes of `value` at a virtual address. Misaligned is fine in RAM.

    Raises Trap before anything is written: store/AMO page fault, guest-page fault or access fault.
    """
    entry = h.tlb_write | ((va >> 11) & INDEX_MASK)
    if h.tlb[entry] == va & (PAGE_MASK | (size - 1)):
        ram_write(h, u64(va + h.tlb[entry | 1]), size, value)
    else:
        store_slow(h, va, size, value)


def fetch(h: Hart) -> u64:
    """The instruction at h.pc: 16 or 32 bits. Raises Trap, with tval in the half that faults (norm:H_straddle)."""
    pc = h.pc
    entry = h.tlb_fetch | ((pc >> 11) & INDEX_MASK)
    if h.tlb[entry] == pc & PAGE_MASK and pc & OFFSET_MASK <= OFFSET_MASK - 3:
        word = ram_read(h, u64(pc + h.tlb[entry | 1]), 4)
        return word if word & 3 == 3 else word & 0xFFFF
    return fetch_slow(h, pc)


@inline
def fetch_page(h: Hart, va: u64) -> u64:
    """The physical address from which the instruction at `va` is executed; its first 16 bits are in RAM.

    Raises Trap: instruction page fault, guest-page fault, access fault. What holds for this address holds for the page
    unless `fetch_differs` says otherwise.
    """
    entry = h.tlb_fetch | ((va >> 11) & INDEX_MASK)
    if h.tlb[entry] == va & PAGE_MASK:
        return u64(va + h.tlb[entry | 1])
    return fetch_half(h, va)


def fetch_differs(h: Hart, va: u64) -> bool:
    """After `fetch_page`: whether PMP treats parts of the page differently, so that `fetch` must see every instruction."""
    return bool(h.tlb[h.tlb_fetch | ((va >> 11) & INDEX_MASK)] != va & PAGE_MASK)


def load_reserved(h: Hart, va: u64, size: u64) -> u64:
    """LR: load 4 or 8 bytes and reserve them. Misaligned: load address misaligned; not RAM: load access fault."""
    return load_reserved_slow(h, va, size)


def store_conditional(h: Hart, va: u64, size: Const, value: u64) -> u64:
    """SC: 0 when stored, 1 when the reservation is gone, which it is after any SC. The address is translated in both
    cases."""
    spa = translate_amo(h, va, size)
    held = h.res_valid != 0 and h.res_addr == spa and h.res_size == size
    h.res_valid = 0
    if not held:
        return 1
    store(h, va, size, value)
    return 0


@inline
def amo_load(h: Hart, va: u64, size: Const) -> u64:
    """The first half of an AMO: the zero-extended value, after all checks of the store that follows.

    Raises Trap as a store does; misaligned: store/AMO address misaligned; not RAM: store/AMO access fault.
    """
    entry = h.tlb_write | ((va >> 11) & INDEX_MASK)
    if h.tlb[entry] == va & (PAGE_MASK | (size - 1)):
        return ram_read(h, u64(va + h.tlb[entry | 1]), size)
    return amo_load_slow(h, va, size)


def guest_load(h: Hart, va: u64, size: u64) -> u64:
    """HLV: load as the guest in hstatus.SPVP would (norm:hlsv_priv, norm:hlsv_trans)."""
    settle_data(h)
    return load_through(h, va, size, Access.READ, guest_regime(h), VOID)


def guest_fetch_load(h: Hart, va: u64, size: u64) -> u64:
    """HLVX: as `guest_load`, with execute permission in the place of read permission (norm:hlsv_u_op), and without pointer
    masking, which hstatus.HUPMM and its like bring to HLV and HSV only."""
    settle_data(h)
    return load_through(h, va, size, Access.HLVX, guest_regime(h) & UNMASKED, VOID)


def guest_store(h: Hart, va: u64, size: u64, value: u64) -> None:
    """HSV: store as the guest in hstatus.SPVP would (norm:hlsv_priv, norm:hlsv_trans)."""
    settle_data(h)
    store_through(h, va, size, value, guest_regime(h), VOID)
