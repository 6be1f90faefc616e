# SPDX-License-Identifier: Apache-2.0
"""The slow path of memory accesses: TLB misses and fills, misaligned and page-crossing accesses, devices, PMP,
watched and code pages.

Here sizes are run-time values, so that each function exists once in native code. `base` is the TLB array to use, VOID
for none.
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.intrinsics import Trap, code_written, cold, get, in_ram, is_code_page, isset, ram_read, u64
from core.mmu import watch
from core.mmu.modes import OFFSET_MASK, PAGE_MASK, PAGE_SIZE, Access, Regime
from core.mmu.physical import access_fault, read_physical, read_ram, write_physical, write_ram
from core.mmu.pmp import pmp_allows
from core.mmu.regime import masked, settle_data, settle_fetch
from core.mmu.tlb import FLAG, FLAGS, VOID, entry_of, put_entry
from core.mmu.walk import translate
from core.trap.causes import OFFSET_LSB, Cause, TrapInfo


def gva_info(regime: u64) -> u64:
    """TrapInfo.GVA when addresses of this regime are guest virtual ones (norm:hstatus_gva_op)."""
    return TrapInfo.GVA if isset(regime, Regime.V) else 0


def locate(h: Hart, va: u64, size: u64, access: u64, regime: u64, base: u64, info: u64) -> u64:
    """The physical address of `size` bytes within one page, with all checks of translation and PMP done.

    va: as the instruction computed it. The TLB knows it by this address, walks and faults by the `masked` one.
    Raises Trap with `info` (where the fault lies in a misaligned access).
    """
    spa: u64 = 0
    found = False
    if base != VOID:
        entry = entry_of(base, va)
        page = va & PAGE_MASK
        if h.tlb[entry] & u64(~FLAGS) == page:
            spa = u64(va + h.tlb[entry | 1])
            if h.tlb[entry] == page:
                if h.watch_gpa != 0:
                    watch.unsee(h, masked(h, va, regime))
                return spa
            found = h.watch_gpa == 0  # a watchpoint on guest physical addresses needs the walk
    target = masked(h, va, regime)
    if not found:
        spa = translate(h, target, access, regime, info)
    if not pmp_allows(h, spa, size, access, get(regime, Regime.PRIV)):
        raise Trap(access_fault(access), target, 0, info | gva_info(regime))
    if not found and base != VOID:
        fill(h, va, spa, access, regime, base)
    return spa


def fill(h: Hart, va: u64, spa: u64, access: u64, regime: u64, base: u64) -> None:
    """Remember a translation, flagged when accesses to the page must all come through the slow path."""
    page = spa & PAGE_MASK
    slow = not in_ram(h, page, PAGE_SIZE) or not pmp_allows(h, page, PAGE_SIZE, access, get(regime, Regime.PRIV))
    if not slow and access == Access.WRITE:
        slow = is_code_page(h, page)
    flags: u64 = FLAG if slow else 0
    if h.watch_count != 0 and access != Access.FETCH and watch.watches_page(h, masked(h, va, regime) & PAGE_MASK, page, regime):
        flags |= FLAG if slow or h.watch_gpa != 0 else FLAGS  # guest physical addresses are known from walks only
    put_entry(h, base, va, spa, flags)
    bank = h.fetch_bank if access == Access.FETCH else h.data_bank
    h.bank_super[bank] |= h.walk_super


@cold
def load_slow(h: Hart, va: u64, size: u64) -> u64:
    """`load` where the fast path does not apply."""
    entry = entry_of(h.tlb_read, va)
    if h.tlb[entry] == (va & (PAGE_MASK | u64(size - 1))) | FLAGS:
        spa = u64(va + h.tlb[entry | 1])
        if not watch.near(h, masked(h, va, h.regime_data), spa, size):
            return read_ram(h, spa, size)
    settle_data(h)
    return load_through(h, va, size, Access.READ, h.regime_data, h.tlb_read)


def load_through(h: Hart, va: u64, size: u64, access: u64, regime: u64, base: u64) -> u64:
    """A load under a regime; a page-crossing one is translated in both pages before anything is read."""
    room = u64(PAGE_SIZE - (va & OFFSET_MASK))
    if size <= room:
        spa = locate(h, va, size, access, regime, base, 0)
        if access == Access.HLVX:
            demand_ram(h, spa, size, va, access, regime, 0)
        value = read_physical(h, spa, size)
        if h.bus_error != 0:
            raise Trap(access_fault(access), masked(h, va, regime), 0, gva_info(regime))
        checked(h, va, spa, size, False, regime)
        return value
    rest = u64(size - room)
    beyond = u64(va + room)
    info = u64(room << OFFSET_LSB)
    first = locate(h, va, room, access, regime, base, 0)
    demand_ram(h, first, room, va, access, regime, 0)
    second = locate(h, beyond, rest, access, regime, base, info)
    demand_ram(h, second, rest, beyond, access, regime, info)
    checked(h, va, first, room, False, regime)
    checked(h, beyond, second, rest, False, regime)
    return read_ram(h, first, room) | u64(read_ram(h, second, rest) << u64(8 * room))


@cold
def store_slow(h: Hart, va: u64, size: u64, value: u64) -> None:
    """`store` where the fast path does not apply."""
    entry = entry_of(h.tlb_write, va)
    if h.tlb[entry] == (va & (PAGE_MASK | u64(size - 1))) | FLAGS:
        spa = u64(va + h.tlb[entry | 1])
        if not watch.near(h, masked(h, va, h.regime_data), spa, size):
            write_ram(h, spa, size, value)
            return
    settle_data(h)
    store_through(h, va, size, value, h.regime_data, h.tlb_write)


def store_through(h: Hart, va: u64, size: u64, value: u64, regime: u64, base: u64) -> None:
    """A store under a regime; a page-crossing one is translated in both pages before anything is written."""
    room = u64(PAGE_SIZE - (va & OFFSET_MASK))
    if size <= room:
        spa = locate(h, va, size, Access.WRITE, regime, base, 0)
        write_physical(h, spa, size, value)
        if h.bus_error != 0:
            raise Trap(Cause.STORE_ACCESS_FAULT, masked(h, va, regime), 0, gva_info(regime))
        written(h, va, spa, size, regime, base)
        return
    rest = u64(size - room)
    beyond = u64(va + room)
    info = u64(room << OFFSET_LSB)
    first = locate(h, va, room, Access.WRITE, regime, base, 0)
    demand_ram(h, first, room, va, Access.WRITE, regime, 0)
    second = locate(h, beyond, rest, Access.WRITE, regime, base, info)
    demand_ram(h, second, rest, beyond, Access.WRITE, regime, info)
    write_ram(h, first, room, value)
    write_ram(h, second, rest, value >> u64(8 * room))
    written(h, va, first, room, regime, base)
    written(h, beyond, second, rest, regime, base)


def written(h: Hart, va: u64, spa: u64, size: u64, regime: u64, base: u64) -> None:
    """What follows a store: decoded instructions go, watchpoints are looked at, a page without code is fast again."""
    if in_ram(h, spa, size) and is_code_page(h, spa):
        code_written(h, spa, size)
        if base != VOID and not is_code_page(h, spa):
            fill(h, va, spa, Access.WRITE, regime, base)
    checked(h, va, spa, size, True, regime)


def checked(h: Hart, va: u64, spa: u64, size: u64, is_write: bool, regime: u64) -> None:
    """What watchpoints make of an access that has been made."""
    if h.watch_count != 0:
        watch.check(h, masked(h, va, regime), spa, size, is_write, regime)


def demand_ram(h: Hart, spa: u64, size: u64, va: u64, access: u64, regime: u64, info: u64) -> None:
    """Raise an access fault where only RAM can do what is asked."""
    if not in_ram(h, spa, size):
        raise Trap(access_fault(access), masked(h, va, regime), 0, info | gva_info(regime))


@cold
def fetch_slow(h: Hart, pc: u64) -> u64:
    """`fetch` where the fast path does not apply: each half is translated on its own."""
    low = ram_read(h, fetch_half(h, pc), 2)
    if low & 3 != 3:
        return low
    return low | u64(ram_read(h, fetch_half(h, u64(pc + 2)), 2) << 16)


@cold
def fetch_half(h: Hart, va: u64) -> u64:
    """The physical address from which the 16 bits at `va` are executed; it is RAM.

    Raises Trap: instruction page fault, guest-page fault, access fault.
    """
    settle_fetch(h)
    spa = locate(h, va, 2, Access.FETCH, h.regime_fetch, h.tlb_fetch, 0)
    demand_ram(h, spa, 2, va, Access.FETCH, h.regime_fetch, 0)
    return spa


@cold
def translate_amo(h: Hart, va: u64, size: u64) -> u64:
    """The physical address of an AMO or SC, after all checks of a store. It must be aligned and in RAM."""
    settle_data(h)
    if va & u64(size - 1) != 0:
        raise Trap(Cause.STORE_ADDRESS_MISALIGNED, masked(h, va, h.regime_data), 0, gva_info(h.regime_data))
    spa = locate(h, va, size, Access.WRITE, h.regime_data, h.tlb_write, 0)
    demand_ram(h, spa, size, va, Access.WRITE, h.regime_data, 0)
    return spa


@cold
def amo_load_slow(h: Hart, va: u64, size: u64) -> u64:
    """`amo_load` where the fast path does not apply."""
    spa = translate_amo(h, va, size)
    checked(h, va, spa, size, False, h.regime_data)
    return read_ram(h, spa, size)


@cold
def load_reserved_slow(h: Hart, va: u64, size: u64) -> u64:
    """LR. It must be aligned and in RAM."""
    settle_data(h)
    if va & u64(size - 1) != 0:
        raise Trap(Cause.LOAD_ADDRESS_MISALIGNED, masked(h, va, h.regime_data), 0, gva_info(h.regime_data))
    spa = locate(h, va, size, Access.READ, h.regime_data, h.tlb_read, 0)
    demand_ram(h, spa, size, va, Access.READ, h.regime_data, 0)
    h.res_valid = 1
    h.res_addr = spa
    h.res_size = size
    checked(h, va, spa, size, False, h.regime_data)
    return read_ram(h, spa, size)
