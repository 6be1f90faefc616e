# SPDX-License-Identifier: Apache-2.0
"""Breakpoints as both engines match them: by world and virtual address, never by changing memory. Kernel subset.

Offsets within a page survive translation, so one bit per halfword offset of a page says whether any breakpoint can be there;
the native engine looks further only at instructions at such offsets. What is not set costs nothing.
"""

from __future__ import annotations

from core.engine.conditions import FALSE, evaluate
from core.hart import Hart, state
from core.isa.intrinsics import cold, u64
from core.mmu.watch import GUEST_WORLD, HOST_WORLD, covers

CAPACITY = 256

state("break_count", doc="breakpoints set", architectural=False)
state("break_address", CAPACITY, "their virtual addresses", architectural=False)
state("break_world", CAPACITY, "their world, as h.watch_world has it", architectural=False)
state("break_code", CAPACITY, "1 + where their condition begins in h.cond_code, 0 for none", architectural=False)
state("break_offsets", 32, "one bit per halfword of a page: a breakpoint may be there", architectural=False)
state("range_start", doc="first address of the range being stepped through", architectural=False)
state("range_size", doc="its bytes; then slices are single instructions and leaving it is Event.RANGE", architectural=False)
state("break_skip", doc="1: execute the instruction at pc although it has a breakpoint", architectural=False)


def world_key(h: Hart) -> u64:
    """Which world the hart is in, as watchpoints know it too: V=0, or a guest told apart by VMID and root."""
    return HOST_WORLD if h.v == 0 else h.hgatp | GUEST_WORLD


def may_stop_at(h: Hart) -> bool:
    """Whether a breakpoint can be at h.pc, judged by its offset in the page."""
    offset = (h.pc & 0xFFF) >> 1
    return bool((h.break_offsets[offset >> 6] >> (offset & 63)) & 1 != 0)


def holds(h: Hart, code: u64) -> bool:
    """Whether the condition of a breakpoint holds, or there is none, or the debugger must find out."""
    return code == 0 or evaluate(h, u64(code - 1)) != FALSE


@cold
def breakpoint_here(h: Hart) -> bool:
    """Whether a breakpoint of the current world is at h.pc."""
    world = world_key(h)
    found = False
    for i in range(h.break_count):
        if h.break_address[i] == h.pc and covers(h.break_world[i], world) and holds(h, h.break_code[i]):
            found = True
    return found


def stops_here(h: Hart) -> bool:
    """Whether to stop before the instruction at h.pc; the first instruction after a resume is let through."""
    if h.break_skip != 0:
        h.break_skip = 0
        return False
    return breakpoint_here(h)
