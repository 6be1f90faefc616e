# SPDX-License-Identifier: Apache-2.0
"""What debuggers know about worlds: who was left where, with which registers, and what happened before. Kernel subset.

The host world is V=0, each guest (V=1, told apart by hgatp) a world of its own. The hooks here are called where traps are
taken and returned from (core.trap.targets, core.trap.ret), before the mode changes: they keep the registers of the world
that is being left, count, and write a line of history. Nothing here is the machine's state.
"""

from __future__ import annotations

from collections.abc import Callable

from core.hart import Hart, state
from core.isa.intrinsics import cold, retired, u64
from core.kernel import make_kernel
from core.mmu.watch import GUEST_WORLD
from core.trap.catches import AT_RETURNS, AT_TRAPS, Caught, catch_kind, catch_return, catch_trap

GUESTS = 16
"""Guests a hart knows at once; of more, the one not entered for the longest time is forgotten."""
CAUSES = 128
"""Counters of a guest: exceptions by number, interrupts from 64 on."""
HISTORY = 4096
"""Events kept. A power of two."""
LINE = 8
"""Words of an event: tag, pc, world, tval, gpa, retired, idle, inst."""
GUEST_PAGE_FAULTS = 1 << 20 | 1 << 21 | 1 << 23
"""Exceptions that have a guest physical address."""
TRAP, EXIT, ENTRY = 1, 2, 3
"""Kinds of events, in bits 7:0 of the tag; then from-mode in 15:8, to-mode in 23:16 (M 3, HS 1, U 0, V adds 4), cause
from 32 on, with bit 63 for interrupts."""
CAUSE_SIGN = 1 << 63
"""The interrupt bit, the same in a tag as in xcause."""
HOST = 1
"""The world of V=0 in history, as core.mmu.watch.HOST_WORLD."""

state("guest_count", doc="guests in use: the first entries of the arrays", architectural=False)
state("guest_now", doc="entry of the guest entered last", architectural=False)
state("guest_key", GUESTS, "hgatp of the guest with GUEST_WORLD set", architectural=False)
state("guest_x", 32 * GUESTS, "integer registers at its last exit", architectural=False)
state("guest_pc", GUESTS, "pc at its last exit", architectural=False)
state("guest_mode", GUESTS, "nominal privilege at its last exit", architectural=False)
state("guest_cause", GUESTS, "xcause of its last exit", architectural=False)
state("guest_tval", GUESTS, "xtval of its last exit", architectural=False)
state("guest_gpa", GUESTS, "guest physical address of its last exit", architectural=False)
state("guest_vsatp", GUESTS, "vsatp at its last exit", architectural=False)
state("guest_vsstatus", GUESTS, "vsstatus at its last exit", architectural=False)
state("guest_vstvec", GUESTS, "vstvec at its last exit", architectural=False)
state("guest_vsscratch", GUESTS, "vsscratch at its last exit", architectural=False)
state("guest_vsepc", GUESTS, "vsepc at its last exit", architectural=False)
state("guest_vscause", GUESTS, "vscause at its last exit", architectural=False)
state("guest_vstval", GUESTS, "vstval at its last exit", architectural=False)
state("guest_vstimecmp", GUESTS, "vstimecmp at its last exit", architectural=False)
state("guest_entries", GUESTS, "VM entries", architectural=False)
state("guest_exits", GUESTS, "VM exits", architectural=False)
state("guest_retired", GUESTS, "instructions retired in it, up to its last exit", architectural=False)
state("guest_units", GUESTS, "units of time spent in it, up to its last exit", architectural=False)
state("guest_entered", GUESTS, "time in units of its last entry", architectural=False)
state("guest_causes", CAUSES * GUESTS, "exits by cause", architectural=False)
state("guest_costs", CAUSES * GUESTS, "instructions of the host from an exit to the next entry, by cause", architectural=False)

state("host_left", doc="1: the host's registers have been kept", architectural=False)
state("host_x", 32, "the host's integer registers at the last VM entry", architectural=False)
state("host_pc", doc="address of the sret or mret of the last VM entry", architectural=False)
state("host_mode", doc="nominal privilege before the last VM entry", architectural=False)
state("host_retired", doc="instructions retired in the host, up to the last VM entry", architectural=False)
state("host_units", doc="units of time spent in it, up to the last VM entry", architectural=False)

state("switch_retired", doc="instructions retired when the present world was entered", architectural=False)
state("switch_idle", doc="h.idle then", architectural=False)
state("exit_slot", doc="1 + CAUSES * guest + cause of the exit that the host is handling", architectural=False)
state("exit_mode", doc="3 while only M-mode has run since the last exit, else 0", architectural=False)

state("history", LINE * HISTORY, "the last events", architectural=False)
state("history_next", doc="events so far; the next one goes to this number modulo HISTORY", architectural=False)
state("streak", doc="exceptions in a row by one instruction that was not got past in between", architectural=False)
state("streak_pc", doc="that instruction", architectural=False)
state("streak_cause", doc="the exception", architectural=False)
state("streak_retired", doc="instructions retired when it was last raised", architectural=False)
state("return_retired", doc="instructions retired after the last MRET or SRET", architectural=False)

OLD = ("status", "epc", "cause", "tval", "tval2", "tinst", "hstatus")
state("trap_from", doc="mode_number() before the last trap", architectural=False)
state("trap_to", doc="nominal privilege that took the last trap; VS-mode adds 4", architectural=False)
state("trap_serial", doc="history_next after the last trap; 0 if there was none", architectural=False)
state("trap_inst", doc="raw bits of the instruction that trapped last, 0 if none or an interrupt", architectural=False)
state("trap_bits", doc="TrapInfo of the last trap", architectural=False)
state("trap_old", len(OLD), "what the CSRs in OLD held before the last trap", architectural=False)
state("trap_mstatus", doc="mstatus before the last trap", architectural=False)
state("trap_vsstatus", doc="vsstatus before the last trap", architectural=False)
state("trap_satp", doc="satp at the last trap", architectural=False)
state("trap_vsatp", doc="vsatp at the last trap", architectural=False)
state("trap_hgatp", doc="hgatp at the last trap", architectural=False)


def _unrolled(name: str, parameter: str, target: str) -> Callable[..., None]:
    """A kernel function that keeps the integer registers: without a loop, as every world switch pays for it."""
    copies = "".join(f"    h.{target.format(i=i)} = h.x[{i}]\n" for i in range(1, 32))
    return make_kernel(name, f"def {name}(h: Hart{parameter}) -> None:\n{copies}")


keep_guest_x = _unrolled("keep_guest_x", ", first: u64", "guest_x[u64(first + {i})]")
keep_host_x = _unrolled("keep_host_x", "", "host_x[{i}]")


@cold
def guest_slot(h: Hart, key: u64) -> u64:
    """The entry of a guest; a new one if the hart does not know it."""
    for known in range(h.guest_count):
        if h.guest_key[known] == key:
            return known
    slot: u64 = h.guest_count
    if slot < GUESTS:
        h.guest_count = u64(slot + 1)
    else:
        slot = 0
        for other in range(1, GUESTS):
            if h.guest_entered[other] < h.guest_entered[slot]:
                slot = other
    h.guest_key[slot] = key
    h.guest_entries[slot] = 0
    h.guest_exits[slot] = 0
    h.guest_retired[slot] = 0
    h.guest_units[slot] = 0
    for cause in range(u64(CAUSES * slot), u64(CAUSES * slot + CAUSES)):
        h.guest_causes[cause] = 0
        h.guest_costs[cause] = 0
    catch_kind(h, Caught.NEW_WORLD)
    return slot


def record(h: Hart, tag: u64, world: u64, tval: u64, gpa: u64, inst: u64, done: u64) -> None:
    """Write a line of history; done: instructions retired before what comes next."""
    line = u64(LINE * (h.history_next & (HISTORY - 1)))
    h.history[line] = tag
    h.history[u64(line + 1)] = h.pc
    h.history[u64(line + 2)] = world
    h.history[u64(line + 3)] = tval
    h.history[u64(line + 4)] = gpa
    h.history[u64(line + 5)] = done
    h.history[u64(line + 6)] = h.idle
    h.history[u64(line + 7)] = inst
    h.history_next = u64(h.history_next + 1)


def leave_guest(h: Hart, cause: u64, tval: u64, gpa: u64, mode: u64) -> None:
    """A VM exit: keep what the guest leaves behind. mode: who takes the trap."""
    key = h.hgatp | GUEST_WORLD
    slot = h.guest_now
    if h.guest_key[slot] != key:
        slot = guest_slot(h, key)
        h.guest_now = slot
    keep_guest_x(h, u64(32 * slot))
    h.guest_pc[slot] = h.pc
    h.guest_mode[slot] = h.mode
    h.guest_cause[slot] = cause
    h.guest_tval[slot] = tval
    h.guest_gpa[slot] = gpa
    h.guest_vsatp[slot] = h.vsatp
    h.guest_vsstatus[slot] = h.vsstatus
    h.guest_vstvec[slot] = h.vstvec
    h.guest_vsscratch[slot] = h.vsscratch
    h.guest_vsepc[slot] = h.vsepc
    h.guest_vscause[slot] = h.vscause
    h.guest_vstval[slot] = h.vstval
    h.guest_vstimecmp[slot] = h.vstimecmp
    h.guest_exits[slot] = u64(h.guest_exits[slot] + 1)
    done = u64(retired(h) - h.switch_retired)
    h.guest_retired[slot] = u64(h.guest_retired[slot] + done)
    h.guest_units[slot] = u64(h.guest_units[slot] + done + u64(h.idle - h.switch_idle))
    counter = u64(CAUSES * slot) | (cause & 63) | u64((cause >> 63) << 6)
    h.guest_causes[counter] = u64(h.guest_causes[counter] + 1)
    h.exit_slot = u64(counter + 1)
    h.exit_mode = mode
    h.switch_retired = retired(h)
    h.switch_idle = h.idle


def enter_guest(h: Hart) -> None:
    """A VM entry by the SRET or MRET at h.pc: keep what the host leaves behind.

    Firmware that took a trap from the guest and returns to it leaves the hypervisor's registers as they were kept.
    """
    key = h.hgatp | GUEST_WORLD
    slot = h.guest_now
    if h.guest_key[slot] != key:
        slot = guest_slot(h, key)
        h.guest_now = slot
    if h.mode != 3 or h.exit_mode != 3 or h.host_left == 0:
        keep_host_x(h)
        h.host_pc = h.pc
        h.host_mode = h.mode
        h.host_left = 1
    done = u64(retired(h) + 1)
    spent = u64(done - h.switch_retired)
    if h.exit_slot != 0:
        counter = u64(h.exit_slot - 1)
        h.guest_costs[counter] = u64(h.guest_costs[counter] + spent)
        h.exit_slot = 0
    h.host_retired = u64(h.host_retired + spent)
    h.host_units = u64(h.host_units + spent + u64(h.idle - h.switch_idle))
    h.guest_entries[slot] = u64(h.guest_entries[slot] + 1)
    h.guest_entered[slot] = u64(done + h.idle)
    h.switch_retired = done
    h.switch_idle = h.idle


def keep_trap(h: Hart, mode: u64, v: u64, inst: u64) -> None:
    """Keep what the last trap is explained by: the CSRs it is about to write, and those that decided about it."""
    h.trap_from = h.mode | u64(h.v << 2)
    h.trap_to = mode | u64(v << 2)
    h.trap_inst = inst
    h.trap_bits = h.trap_info
    h.trap_mstatus = h.mstatus
    h.trap_vsstatus = h.vsstatus
    h.trap_satp = h.satp
    h.trap_vsatp = h.vsatp
    h.trap_hgatp = h.hgatp
    h.trap_old[6] = h.hstatus
    if mode == 3:
        h.trap_old[0] = h.mstatus
        h.trap_old[1] = h.mepc
        h.trap_old[2] = h.mcause
        h.trap_old[3] = h.mtval
        h.trap_old[4] = h.mtval2
        h.trap_old[5] = h.mtinst
    elif v == 0:
        h.trap_old[0] = h.mstatus
        h.trap_old[1] = h.sepc
        h.trap_old[2] = h.scause
        h.trap_old[3] = h.stval
        h.trap_old[4] = h.htval
        h.trap_old[5] = h.htinst
    else:
        h.trap_old[0] = h.vsstatus
        h.trap_old[1] = h.vsepc
        h.trap_old[2] = h.vscause
        h.trap_old[3] = h.vstval


def count_streak(h: Hart, cause: u64, done: u64) -> None:
    """An exception: the same as the one before, unless something was returned to since and has executed.

    So handlers that trap themselves are counted as well as those that return and change nothing.
    """
    past = h.return_retired > h.streak_retired and h.return_retired != done
    if past or h.streak_pc != h.pc or h.streak_cause != cause:
        h.streak = 0
        h.streak_pc = h.pc
        h.streak_cause = cause
    h.streak = u64(h.streak + 1)
    h.streak_retired = done


@cold
def trapping(h: Hart, cause: u64, tval: u64, mode: u64, v: u64) -> None:
    """A trap is about to be taken in the mode (mode, v); nothing has been written yet."""
    inst: u64 = 0
    if cause >> 63 == 0:
        inst = h.inst
    gpa: u64 = 0
    if cause >> 63 == 0 and u64(GUEST_PAGE_FAULTS >> (cause & 63)) & 1 != 0:
        gpa = h.trap_gpa
    keep_trap(h, mode, v, inst)
    kind: u64 = TRAP
    world: u64 = HOST
    if h.v != 0:
        world = h.hgatp | GUEST_WORLD
        if v == 0:
            kind = EXIT
            leave_guest(h, cause, tval, gpa, mode)
    done = retired(h)
    if cause >> 63 == 0:
        count_streak(h, cause, done)
    modes = u64((h.mode | u64(h.v << 2)) << 8) | u64((mode | u64(v << 2)) << 16)
    record(h, kind | modes | u64((cause & 63) << 32) | (cause & CAUSE_SIGN), world, tval, gpa, inst, done)
    h.trap_serial = h.history_next
    if h.catches & AT_TRAPS != 0:
        catch_trap(h, cause, mode, v)


@cold
def returning(h: Hart, mode: u64, v: u64) -> None:
    """MRET or SRET at h.pc is about to go to the mode (mode, v)."""
    h.return_retired = u64(retired(h) + 1)
    if h.v != v:
        enter_guest(h)
        modes = u64((h.mode | u64(h.v << 2)) << 8) | u64((mode | u64(v << 2)) << 16)
        record(h, ENTRY | modes, h.hgatp | GUEST_WORLD, h.npc, 0, 0, u64(retired(h) + 1))
    elif v == 0 and mode != 3:
        h.exit_mode = 0
    if h.catches & AT_RETURNS != 0:
        catch_return(h, mode, v)


def forget_worlds(h: Hart) -> None:
    """Plain Python, at reset: no guest is known, nothing has happened."""
    for name in ("guest_count", "guest_now", "host_left", "host_retired", "host_units", "switch_retired", "switch_idle"):
        setattr(h, name, 0)
    for name in ("exit_slot", "exit_mode", "history_next", "trap_serial", "caught"):
        setattr(h, name, 0)
    for name in ("streak", "streak_pc", "streak_cause", "streak_retired", "return_retired"):
        setattr(h, name, 0)
    for slot in range(GUESTS):
        h.guest_key[slot] = 0
