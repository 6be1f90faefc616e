# SPDX-License-Identifier: Apache-2.0
"""What happens between slices of instructions, in the kernel subset: both engines call these very functions.

A slice ends when `left` is 0. Its length is chosen so that a timer comes due exactly at its end; anything else that may
change what happens next (CSR writes, devices, events) ends the slice early through `end_slice`. So between two boundaries an
engine need not look at anything. Time is counted in units of one instruction; a trap takes one unit and retires nothing.
"""

from __future__ import annotations

from core.csr.counting import count_overflows, units_to_overflow
from core.engine.breakpoints import may_stop_at, stops_here
from core.events import Event
from core.hart import Hart
from core.isa.intrinsics import TICK, Trap, cold, now, retired, u64
from core.mmu.access import fetch
from core.trap.causes import Cause, SoftwareCheck
from core.trap.entry import take_trap
from core.trap.interrupts import next_deadline, take_interrupt, wakes
from core.trap.landing import enforced, is_landing_pad

NEVER = (1 << 64) - 1


@cold
def deliver(h: Hart) -> None:
    """Take the trap in h.trap_*; afterwards h.npc is where execution goes on."""
    h.break_skip = 0
    take_trap(h)
    h.limit = u64(h.limit - 1)
    h.left = u64(h.left - 1)
    h.idle = u64(h.idle + 1)


@cold
def abandon(h: Hart) -> None:
    """Give the rest of the slice back to the budget."""
    h.budget = u64(h.budget + h.left)
    h.limit = retired(h)
    h.left = 0


def units_until(h: Hart, deadline: u64) -> u64:
    """Units of time until mtime reaches `deadline`, at least 1."""
    ticks = u64(deadline - now(h))
    if ticks > (1 << 48):
        return 1 << 48
    part = u64(retired(h) + h.idle) % TICK
    units = u64(ticks * TICK)
    return u64(units - part) if units > part else 1


@cold
def boundary(h: Hart) -> bool:
    """Called when h.left is 0: take an interrupt, begin the next slice. True when the engine must return instead."""
    while True:
        if h.hpm_armed != 0:
            count_overflows(h)
        if h.event != 0 or h.budget == 0:
            return True
        if h.critical != 0:
            h.event |= Event.WFI
            return True
        if h.range_size != 0 and u64(h.pc - h.range_start) >= h.range_size:
            h.event |= Event.RANGE
            return True
        if h.wfi != 0:
            if not wakes(h):
                h.event |= Event.WFI
                return True
            h.wfi = 0
        if not take_interrupt(h):
            break
        h.break_skip = 0
        h.pc = h.npc
        h.budget = u64(h.budget - 1)
        h.idle = u64(h.idle + 1)
    deadline = next_deadline(h)
    units: u64 = 1 if h.range_size != 0 else h.budget
    if deadline != NEVER:
        due = units_until(h, deadline)
        if due < units:
            units = due
    if h.hpm_armed != 0:
        due = units_to_overflow(h, False)
        if due < units:
            units = due
    h.limit = u64(retired(h) + units)
    h.left = units
    h.budget = u64(h.budget - units)
    return False


@cold
def land(h: Hart) -> bool:
    """With ELP, before the first instruction of a slice: whether a breakpoint stops it.

    Raises Trap where it is no landing pad, behind the faults of its fetch, before the rest (norm:Zicfilp_exception_priority);
    h.inst then has its bits. Label and alignment the landing pad looks at itself. ELP that a debugger has carried to where
    landing pads are not enforced is dropped (norm:menvcfg_lpe_op_list).
    """
    if not enforced(h, h.mode, h.v):
        h.elp = 0
        return False
    h.inst = 0
    raw = fetch(h)
    if is_landing_pad(raw):
        return False
    if may_stop_at(h) and stops_here(h):
        return True
    h.inst = raw
    raise Trap(Cause.SOFTWARE_CHECK, SoftwareCheck.LANDING_PAD)
