# SPDX-License-Identifier: Apache-2.0
"""Cache-block operations on memory (unpriv, Cache Management Operations).

The block is the one that contains the address given; faults tell that address itself (norm:fault_excep_csr), and there
is no alignment to demand (norm:no_addr_misaligned_excep). PMP sees one access of the whole block.
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.intrinsics import Trap, cold, device_read, get, in_ram, isset, ram_write, u64
from core.mmu.modes import Access, Regime
from core.mmu.physical import access_fault
from core.mmu.pmp import pmp_allows
from core.mmu.regime import masked, settle_data
from core.mmu.slow import gva_info, locate, written
from core.mmu.tlb import VOID

BLOCK = 64
"""Bytes of a cache block (norm:zic64b_cache_block_size)."""
BLOCK_MASK = (1 << 64) - BLOCK


def locate_block(h: Hart, va: u64, access: u64, base: u64) -> u64:
    """The physical address of the block that contains `va`, with all checks of translation and PMP done."""
    spa = locate(h, va, 1, access, h.regime_data, base, 0) & BLOCK_MASK
    if not pmp_allows(h, spa, BLOCK, access, get(h.regime_data, Regime.PRIV)):
        raise Trap(access_fault(access), masked(h, va, h.regime_data), 0, gva_info(h.regime_data))
    return spa


@cold
def zero_block(h: Hart, va: u64) -> None:
    """Store zeros to a block, with the rights of a store (norm:cbz_access). Only RAM supports it (norm:cbz_unperm_fault)."""
    settle_data(h)
    spa = locate_block(h, va, Access.WRITE, h.tlb_write)
    if not in_ram(h, spa, BLOCK):
        raise Trap(access_fault(Access.WRITE), masked(h, va, h.regime_data), 0, gva_info(h.regime_data))
    for offset in range(0, BLOCK, 8):
        ram_write(h, u64(spa + offset), 8, 0)
    written(h, va & BLOCK_MASK, spa, BLOCK, h.regime_data, h.tlb_write)


@cold
def manage_block(h: Hart, va: u64) -> None:
    """Clean, flush or invalidate a block: allowed where a load is, and faults are a store's (norm:cbm_access,
    norm:cbm_unperm_fault). As there is no cache, nothing follows.

    Where a store is allowed, a load is too: page-table entries with W and without R are reserved or of shadow-stack pages.
    Those are read but not managed (norm:ssmp_ss_cache_block_access_fault), so where they may be the TLB does not know.
    """
    settle_data(h)
    spa = locate_block(h, va, Access.MANAGE, VOID if isset(h.regime_data, Regime.SSE) else h.tlb_read)
    if not in_ram(h, spa, BLOCK):
        h.bus_error = 0
        device_read(h, spa, 0)
        if h.bus_error != 0:
            raise Trap(access_fault(Access.MANAGE), masked(h, va, h.regime_data), 0, gva_info(h.regime_data))
