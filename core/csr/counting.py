# SPDX-License-Identifier: Apache-2.0
"""How counters count at no cost per instruction.

A counter that counts is its slot plus a number that grows by itself (its source): units of time or retired instructions. One
that stands still is its slot. `h.counting` says which count, in bits as in mcountinhibit; `settle` finds that out again
whenever a CSR or, if `h.filtered` says that it matters, the mode changes. Slices of instructions end where a counter may
overflow, so `count_overflows` at their end misses none (core.engine.boundary).

`offset` in all functions: what the current instruction will still add to the sources: 1 when it retires, else 0.
"""

from __future__ import annotations

from core.features import Feature
from core.hart import Hart, state
from core.isa.intrinsics import cold, end_slice, retired, u64

CY, IR = 1 << 0, 1 << 2
"""Bits of mcountinhibit."""
FIRST, COUNT = 3, 4
"""mhpmcounter3 to mhpmcounter6 can be programmed; the others are read-only zero (norm:mhpmcounter_mhpmevent_rdonly0)."""
PROGRAMMABLE = ((1 << COUNT) - 1) << FIRST
NO_EVENT, CYCLES, INSTRUCTIONS = 0, 1, 2
"""Events; what counts them are the sources of mcycle and minstret."""
OF, MINH, SINH, UINH, VSINH, VUINH = 1 << 63, 1 << 62, 1 << 61, 1 << 60, 1 << 59, 1 << 58
EVENT_MASK = (1 << 56) - 1
LCOFIP = 1 << 13
NEVER = (1 << 64) - 1

state("counting", doc="which counters count now, bits as in mcountinhibit")
state("filtered", doc="1 when some counter stands still in some modes")
state("hpm_count", COUNT, "slots of mhpmcounter3 and those after it")
state("hpm_event", COUNT, "mhpmevent3 and those after it")
state("hpm_seen", COUNT, "the counter when it or its selector was written last: a smaller value has overflowed")
state("hpm_armed", doc="1 when an overflow may come to pass that sets an OF bit")


def running_cycles(h: Hart) -> u64:
    """Cycles since reset, one for each unit of time, those of waiting in WFI included."""
    return u64(retired(h) + h.idle)


def source(h: Hart, event: u64) -> u64:
    """What grows by one whenever an event happens; `event` is an mhpmevent value."""
    return retired(h) if event & EVENT_MASK == INSTRUCTIONS else running_cycles(h)


@cold
def event_count(h: Hart, index: u64) -> u64:
    """The value of mhpmcounter3 + index."""
    if (h.counting >> u64(index + FIRST)) & 1 == 0:
        return u64(h.hpm_count[index])
    return u64(h.hpm_count[index] + source(h, h.hpm_event[index]))


@cold
def set_count(h: Hart, index: u64, value: u64, offset: u64) -> None:
    """Write mhpmcounter3 + index; overflow never results from that (norm:count_overflow_trigger)."""
    h.hpm_count[index] = value
    h.hpm_seen[index] = value
    if (h.counting >> u64(index + FIRST)) & 1 != 0:
        h.hpm_count[index] = u64(value - source(h, h.hpm_event[index]) - offset)


@cold
def set_event(h: Hart, index: u64, value: u64, offset: u64) -> None:
    """Write mhpmevent3 + index with a legal value; the counter keeps its value and goes on with the other event."""
    count = event_count(h, index)
    if (h.counting >> u64(index + FIRST)) & 1 != 0:
        count = u64(count + offset)
        h.counting &= u64(~u64(1 << u64(index + FIRST)))
    h.hpm_count[index] = count
    h.hpm_seen[index] = count
    h.hpm_event[index] = value
    settle(h, h.mode, h.v, offset)


@cold
def legal_event(h: Hart, old: u64, new: u64) -> u64:
    """mhpmevent: an event there is not leaves the old one; the bits of Sscofpmf are there with it, those of modes with the
    modes (norm:mhpmevent_sz_warl_op, norm:mhpmevent_inh_op)."""
    event = new & EVENT_MASK
    if event > INSTRUCTIONS:
        event = old & EVENT_MASK
    if h.features & Feature.SSCOFPMF == 0:
        return event
    kept: u64 = OF | MINH | SINH | UINH
    if h.features & Feature.H != 0:
        kept |= VSINH | VUINH
    return event | (new & kept)


def inhibit_bit(mode: u64, v: u64) -> u64:
    """The bit that stops a counter in a mode, the same in mhpmevent, mcyclecfg and minstretcfg."""
    if mode == 3:
        return MINH
    if v != 0:
        return VSINH if mode == 1 else VUINH
    return SINH if mode == 1 else UINH


@cold
def settle(h: Hart, mode: u64, v: u64, offset: u64) -> None:
    """Let those counters count that should, in the mode given, which may be the one about to be entered.

    An instruction that ends a mode counts for it if it retires (norm:instret_xret, norm:instret_exception); the unit of time
    that a trap takes is counted for the mode it leads to (norm:cycle_counting).
    """
    bit = inhibit_bit(mode, v)
    stopped = h.mcountinhibit & (CY | IR | PROGRAMMABLE)
    filters = h.mcyclecfg | h.minstretcfg
    if h.mcyclecfg & bit != 0:
        stopped |= CY
    if h.minstretcfg & bit != 0:
        stopped |= IR
    for index in range(COUNT):
        event = h.hpm_event[index]
        filters |= event & u64(~u64(OF | EVENT_MASK))
        if event & bit != 0 or event & EVENT_MASK == NO_EVENT:
            stopped |= u64(1 << u64(index + FIRST))
    wanted = u64(~stopped) & (CY | IR | PROGRAMMABLE)
    changed = wanted ^ h.counting
    time = u64(running_cycles(h) + offset)
    done = u64(retired(h) + offset)
    if changed & CY != 0:
        h.mcycle = u64(h.mcycle - time) if wanted & CY != 0 else u64(h.mcycle + time)
    if changed & IR != 0:
        h.minstret = u64(h.minstret - done) if wanted & IR != 0 else u64(h.minstret + done)
    for index in range(COUNT):
        mask = u64(1 << u64(index + FIRST))
        if changed & mask != 0:
            grown = done if h.hpm_event[index] & EVENT_MASK == INSTRUCTIONS else time
            begins = wanted & mask != 0
            h.hpm_count[index] = u64(h.hpm_count[index] - grown) if begins else u64(h.hpm_count[index] + grown)
    h.counting = wanted
    h.filtered = u64(filters != 0)
    if wanted & PROGRAMMABLE != 0 and h.features & Feature.SSCOFPMF != 0:
        h.hpm_armed = 1
    if h.hpm_armed != 0:
        end_slice(h)  # what comes next may overflow; count_overflows finds out whether anything can


@cold
def count_overflows(h: Hart) -> None:
    """Set OF of counters that have overflowed, and LCOFIP with it (norm:mhpmevent_of_bit_set,
    norm:LCOFIP_op). A counter whose OF is set counts on and asks for no interrupt (norm:count_overflow_interrupt)."""
    h.hpm_armed = 0
    for index in range(COUNT):
        event = h.hpm_event[index]
        if event & OF == 0 and event & EVENT_MASK != NO_EVENT:
            if event_count(h, index) < h.hpm_seen[index]:
                h.hpm_event[index] = event | OF
                h.mip |= LCOFIP
            elif (h.counting >> u64(index + FIRST)) & 1 != 0:
                h.hpm_armed = 1


@cold
def units_to_overflow(h: Hart, waiting: bool) -> u64:
    """The fewest units of time after which OF may have to be set, NEVER if it will not be; waiting: in WFI, where no
    instructions retire."""
    best: u64 = NEVER
    for index in range(COUNT):
        event = h.hpm_event[index]
        if (h.counting >> u64(index + FIRST)) & 1 != 0 and event & OF == 0:
            left = u64(0 - event_count(h, index))
            if left != 0 and left < best and (not waiting or event & EVENT_MASK == CYCLES):
                best = left
    return best


def reset_counting(h: Hart) -> None:
    """mcycle and minstret count, nothing else does. Plain Python."""
    h.counting, h.filtered, h.hpm_armed = CY | IR, 0, 0
    for index in range(COUNT):
        h.hpm_count[index] = h.hpm_event[index] = h.hpm_seen[index] = 0
