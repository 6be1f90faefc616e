# SPDX-License-Identifier: Apache-2.0
"""Accesses by shadow-stack instructions (priv, Shadow Stack Memory Protection).

They need address translation, a shadow-stack page, idempotent memory, which is RAM, and faults are a store's, also those
of loads (norm:ss_fault_exception_code). They go without the TLB, whose entries tell what ordinary accesses may do.
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.intrinsics import Trap, cold, u64
from core.mmu.modes import Access
from core.mmu.physical import read_ram, write_ram
from core.mmu.regime import masked, settle_data
from core.mmu.slow import checked, demand_ram, gva_info, locate, written
from core.mmu.tlb import VOID
from core.trap.causes import Cause


def locate_shadow(h: Hart, va: u64, size: u64, access: u64) -> u64:
    """The physical address of an aligned access, with all checks done (norm:ssmp_ss_idempotent_memory)."""
    spa = locate(h, va, size, access, h.regime_data, VOID, 0)
    demand_ram(h, spa, size, va, access, h.regime_data, 0)
    return spa


@cold
def shadow_load(h: Hart, va: u64) -> u64:
    """The 64 bits at `va`, which is aligned. Raises Trap: store/AMO page fault, guest-page fault or access fault."""
    settle_data(h)
    spa = locate_shadow(h, va, 8, Access.SHADOW_READ)
    checked(h, va, spa, 8, False, h.regime_data)
    return read_ram(h, spa, 8)


@cold
def shadow_store(h: Hart, va: u64, size: u64, value: u64) -> None:
    """Store 4 or 8 bytes at `va`, which is aligned. Raises Trap as `shadow_load`, before anything is written."""
    settle_data(h)
    spa = locate_shadow(h, va, size, Access.SHADOW_WRITE)
    write_ram(h, spa, size, value)
    written(h, va, spa, size, h.regime_data, VOID)


@cold
def shadow_swap(h: Hart, va: u64, size: u64, value: u64) -> u64:
    """Exchange 4 or 8 bytes at `va` for `value`; what was there, zero-extended. Misaligned: store/AMO address misaligned, as
    with AMOs; else Traps as in `shadow_store`."""
    settle_data(h)
    if va & u64(size - 1) != 0:
        raise Trap(Cause.STORE_ADDRESS_MISALIGNED, masked(h, va, h.regime_data), 0, gva_info(h.regime_data))
    spa = locate_shadow(h, va, size, Access.SHADOW_WRITE)
    old = read_ram(h, spa, size)
    checked(h, va, spa, size, False, h.regime_data)
    write_ram(h, spa, size, value)
    written(h, va, spa, size, h.regime_data, VOID)
    return old
