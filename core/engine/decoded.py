# SPDX-License-Identifier: Apache-2.0
"""The decoded-instruction cache of the native engine, in the kernel subset; only native code runs these functions.

For each page of RAM with executed instructions there is a block of entries, one for every halfword of the page and two
sentinels behind the last. An entry is 16 bytes: operation (2), operands (6), immediate (4), raw bits (4).
An empty entry has operation DECODE, so that executing it decodes; the sentinels have LOOKUP, so that running off the page
looks the next one up. Entries follow memory exactly: a store to such a page takes the slow way and empties what it touches.
"""

from __future__ import annotations

from core.engine.breakpoints import may_stop_at
from core.hart import Hart, state
from core.isa.intrinsics import Const, cold, in_ram, inline, primitive, u64
from core.mmu.modes import PAGE_MASK
from core.mmu.tlb import ARRAY_WORDS, DATA_BANKS, FLAG, WATCHED, array_of, flag_code_page

ENTRY_SHIFT = 3
"""An entry is 16 bytes and stands for 2 bytes of memory: addresses of memory shifted left by this."""
PAGE_ENTRIES = 2048
PAGE_BYTES = (PAGE_ENTRIES + 2) * 16

DECODE, LOOKUP, CHECK, ILLEGAL, FIRST_INSTRUCTION = range(5)
"""Operations that are not instructions; instruction number i is operation FIRST_INSTRUCTION + 2*i, or one
more where it stands in 16 bits."""

state("code_table", doc="host address of one word per page of RAM: 0 or where its entries are", architectural=False)
state("code_pool", doc="host address of two words: the next free block of entries, the end", architectural=False)
state("code_start", doc="host address of the first block of entries", architectural=False)
state("code_scratch", doc="host address of entries for an instruction that crosses a page", architectural=False)
state("code_epoch", doc="host address of a word counting blocks made, so that other harts notice", architectural=False)


@primitive
def host_load(address: u64, size: Const) -> u64:
    """`size` bytes at a host address."""
    raise NotImplementedError("native code only")


@primitive
def host_store(address: u64, size: Const, value: u64) -> None:
    """Store at a host address."""
    raise NotImplementedError("native code only")


@inline
def table_slot(h: Hart, spa: u64) -> u64:
    """Host address of the table's word for the page of `spa`, which is RAM."""
    return u64(h.code_table + ((u64(spa - h.ram_base) >> 12) << 3))


def has_code(h: Hart, spa: u64) -> bool:
    """Whether instructions of the page of `spa` are cached."""
    return host_load(table_slot(h, spa), 8) != 0


@inline
def entry_of(h: Hart, spa: u64) -> u64:
    """Host address of the entry for the instruction at `spa`, which is RAM."""
    slot = table_slot(h, spa)
    page = host_load(slot, 8)
    if page == 0:
        page = new_page(h, spa, slot)
    return u64(page + ((spa & 0xFFE) << ENTRY_SHIFT))


@cold
def new_page(h: Hart, spa: u64, slot: u64) -> u64:
    """Make a block of empty entries; when there is no room all blocks are dropped first."""
    page = host_load(h.code_pool, 8)
    if page >= host_load(u64(h.code_pool + 8), 8):
        forget_all(h)
        page = h.code_start
    host_store(h.code_pool, 8, u64(page + PAGE_BYTES))
    host_store(u64(page + PAGE_ENTRIES * 16), 2, LOOKUP)
    host_store(u64(page + (PAGE_ENTRIES + 1) * 16), 2, LOOKUP)
    host_store(slot, 8, page)
    host_store(h.code_epoch, 8, u64(host_load(h.code_epoch, 8) + 1))
    flag_code_page(h, spa)
    return page


@cold
def flag_all(h: Hart) -> None:
    """Another hart has decoded instructions: let this hart's stores to any such page go the slow way."""
    for bank in range(DATA_BANKS):
        base = u64(array_of(bank) + ARRAY_WORDS)
        for entry in range(base, u64(base + ARRAY_WORDS), 2):
            page = u64(h.tlb[entry] + h.tlb[entry | 1]) & PAGE_MASK
            if h.tlb[entry] & u64(WATCHED - 1) == 0 and in_ram(h, page, 8) and has_code(h, page):
                h.tlb[entry] = (h.tlb[entry] & PAGE_MASK) | FLAG


@cold
def forget_all(h: Hart) -> None:
    """Drop all blocks (there are none before the engine has made room)."""
    if h.code_table == 0:
        return
    for offset in range(h.ram_size >> 12):
        host_store(u64(h.code_table + (offset << 3)), 8, 0)
    used = u64(host_load(h.code_pool, 8) - h.code_start)
    for offset in range(used >> 3):
        host_store(u64(h.code_start + (offset << 3)), 8, 0)
    host_store(h.code_pool, 8, h.code_start)


@cold
def forget(h: Hart, spa: u64, size: u64) -> None:
    """Empty the entries of instructions that may contain any of the bytes written."""
    page = host_load(table_slot(h, spa), 8)
    if page != 0:
        first = spa & 0xFFF
        last = u64(first + size - 1)
        first = 0 if first < 2 else u64(first - 2) & 0xFFE
        for offset in range(first, u64(last + 1), 2):
            host_store(u64(page + (offset << ENTRY_SHIFT)), 2, DECODE)


@cold
def forget_offset(h: Hart, offset: u64) -> None:
    """Empty the entry at an offset in every page: a breakpoint at such an address came or went."""
    page = h.code_start
    end = host_load(h.code_pool, 8)
    while page < end:
        host_store(u64(page + ((offset & 0xFFE) << ENTRY_SHIFT)), 2, DECODE)
        page = u64(page + PAGE_BYTES)


def fill(entry: u64, operation: u64, operands: u64, immediate: u64, raw: u64) -> None:
    """Write an entry."""
    host_store(entry, 8, operation | u64(operands << 16))
    host_store(u64(entry + 8), 8, (immediate & 0xFFFFFFFF) | u64(raw << 32))


def guarded(h: Hart, operation: u64) -> u64:
    """The operation to cache for the instruction at h.pc: CHECK where a breakpoint may be."""
    return CHECK if may_stop_at(h) else operation
