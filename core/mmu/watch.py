# SPDX-License-Identifier: Apache-2.0
"""Watchpoints: what the debugger wants to know about data accesses.

A watchpoint covers virtual addresses of one world, or physical addresses. Pages with a watchpoint go the slow way;
accesses to other pages do not pay for it.
"""

from __future__ import annotations

from core.csr.translation import Hgatp
from core.events import Event
from core.hart import Hart, state
from core.isa.intrinsics import end_slice, isset, u64
from core.mmu.modes import OFFSET_MASK, PAGE_MASK, PAGE_SIZE, Regime
from core.mmu.tlb import tlb_refresh_flags

COUNT = 16
"""Watchpoints a hart can have."""
ON_READ = 1
ON_WRITE = 2
PHYSICAL = 4
GUEST_PHYSICAL = 8
HOST_WORLD = 1
"""The world of V=0 in h.watch_world."""
GUEST_WORLD = 1 << (Hgatp.VMID.msb + 1)
"""Set in the world of a guest beside its hgatp, in which this bit is always zero."""
ANY_WORLD = 0
ANY_GUEST = 2
"""In the place of a world: whatever guest runs."""
NO_WORLD = 4
"""In the place of a world: a guest that has not been entered yet."""
UNSEEN = 1
"""In h.seen_page: nothing."""

state("watch_count", doc="watchpoints in use: the first entries of the arrays", architectural=False)
state("watch_start", COUNT, "first address", architectural=False)
state("watch_last", COUNT, "last address", architectural=False)
state("watch_kind", COUNT, "1 reads, 2 writes, 4 the addresses are physical, 8 guest physical", architectural=False)
state("watch_world", COUNT, "0 any, else as world_of() says", architectural=False)
state("watch_gpa", doc="1 when there is a watchpoint on guest physical addresses", architectural=False)
state("seen_page", 2, "virtual pages of the last accesses of guests that were walked", architectural=False)
state("seen_gpa", 2, "their guest physical pages", architectural=False)
state("seen_turn", doc="which of the two was written last", architectural=False)
state("watch_hit", doc="1 + index of the watchpoint hit, until the host clears it", architectural=False)
state("watch_va", doc="first address of the access that hit it", architectural=False)
state("watch_write", doc="1 when that was a write", architectural=False)


def hit_kind(*, read: bool = False, write: bool = False, physical: bool = False) -> int:
    """The h.watch_kind of a watchpoint."""
    return (ON_READ if read else 0) | (ON_WRITE if write else 0) | (PHYSICAL if physical else 0)


def covers(wanted: u64, world: u64) -> bool:
    """Whether the world that a watchpoint or breakpoint was set in includes a world."""
    if wanted == ANY_WORLD:
        return True
    return world != HOST_WORLD if wanted == ANY_GUEST else world == wanted


def add_watch(h: Hart, start: int, length: int, kind: int, world: int = 0) -> int:
    """Watch `length` bytes from address `start` on; returns its index, which is h.watch_hit - 1 when it is hit.

    kind: see `hit_kind`; world: see `world_of`, 0 for any. Raises ValueError when all watchpoints are in use.
    """
    free = [index for index in range(COUNT) if index >= h.watch_count or h.watch_kind[index] == 0]
    if not free:
        raise ValueError(f"a hart has no more than {COUNT} watchpoints")
    index = free[0]
    h.watch_start[index], h.watch_last[index] = start, start + length - 1
    h.watch_kind[index], h.watch_world[index] = kind, world
    h.watch_count = max(h.watch_count, index + 1)
    tlb_refresh_flags(h)
    return index


def remove_watch(h: Hart, index: int) -> None:
    """Stop watching; the other watchpoints keep their indices."""
    h.watch_kind[index] = 0
    while h.watch_count and h.watch_kind[h.watch_count - 1] == 0:
        h.watch_count -= 1
    tlb_refresh_flags(h)


def world_of(h: Hart, regime: u64) -> u64:
    """The world an access belongs to: HOST_WORLD, or the guest that hgatp means (see GUEST_WORLD)."""
    return h.hgatp | GUEST_WORLD if isset(regime, Regime.V) else HOST_WORLD


def saw(h: Hart, va: u64, gpa: u64) -> None:
    """A walk has translated `va` of a guest by way of `gpa`. An access has two pages at most, so two are remembered."""
    h.seen_turn ^= 1
    h.seen_page[h.seen_turn] = va & PAGE_MASK
    h.seen_gpa[h.seen_turn] = gpa & PAGE_MASK


def unsee(h: Hart, va: u64) -> None:
    """The page of `va` is accessed without a walk, so no watchpoint lies in it."""
    for entry in range(2):
        if h.seen_page[entry] == va & PAGE_MASK:
            h.seen_page[entry] = UNSEEN


def touches(h: Hart, index: u64, first: u64, size: u64) -> bool:
    """Whether `size` bytes from `first` on are among the addresses of a watchpoint."""
    return bool(first <= h.watch_last[index] and u64(first + size - 1) >= h.watch_start[index])


def near(h: Hart, va: u64, spa: u64, size: u64) -> bool:
    """Whether an access touches the addresses of any watchpoint, of whatever world and kind. Not for guest physical ones."""
    found = False
    for index in range(h.watch_count):
        if touches(h, index, va if h.watch_kind[index] & PHYSICAL == 0 else spa, size):
            found = True
    return found


def overlaps(h: Hart, index: u64, va: u64, spa: u64, size: u64, world: u64) -> bool:
    """Whether an access touches a watchpoint."""
    if h.watch_kind[index] == 0 or not covers(h.watch_world[index], world):
        return False
    if h.watch_kind[index] & PHYSICAL != 0:
        return touches(h, index, spa, size)
    if h.watch_kind[index] & GUEST_PHYSICAL == 0:
        return touches(h, index, va, size)
    found = False
    for entry in range(2):
        if world != HOST_WORLD and h.seen_page[entry] == va & PAGE_MASK:
            found = found or touches(h, index, h.seen_gpa[entry] | (va & OFFSET_MASK), size)
    return found


def watches_page(h: Hart, va: u64, spa: u64, regime: u64) -> bool:
    """Whether any watchpoint lies in the page at `va`, `spa` (both page addresses)."""
    world = world_of(h, regime)
    found = False
    for index in range(h.watch_count):
        if overlaps(h, index, va, spa, PAGE_SIZE, world):
            found = True
    return found


def check(h: Hart, va: u64, spa: u64, size: u64, is_write: bool, regime: u64) -> None:
    """An access has been made: if it hit a watchpoint, stop after this instruction. The first hit is the one
    reported."""
    kind = ON_WRITE if is_write else ON_READ
    world = world_of(h, regime)
    for index in range(h.watch_count):
        if h.watch_kind[index] & kind != 0 and h.watch_hit == 0 and overlaps(h, index, va, spa, size, world):
            h.watch_hit = u64(index + 1)
            h.watch_va = va
            h.watch_write = u64(is_write)
            h.event |= Event.WATCHPOINT
            end_slice(h)
