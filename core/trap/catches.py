# SPDX-License-Identifier: Apache-2.0
"""What a debugger wants to be told of beside breakpoints: VM entries and exits, traps, changes of mode, CSR accesses, SBI
calls, fences. Kernel subset.

A few words say coarsely what is wanted; while none is set, each place pays one test. What matches ends the slice with
Event.CATCH, so the machine stops after the event: at the first instruction of the handler or of the guest, or behind the
instruction. The debugger then looks closer (world, values, conditions) and goes on when the event is not one it meant.
"""

from __future__ import annotations

from enum import IntFlag

from core.events import Event
from core.hart import Hart, state
from core.isa.intrinsics import cold, end_slice, u64
from core.trap.causes import Cause

CSR_CATCHES = 16
"""CSRs that can be watched at once."""
ON_READ, ON_WRITE = 1, 2
"""Bits of h.catch_csr_kind and h.caught_access."""


class Caught(IntFlag):
    """Kinds of events: which are wanted (h.catches), and which have happened (h.caught)."""

    ENTRY = 1 << 0  # V became 1
    EXIT = 1 << 1  # V became 0, by a trap in h.catch_exits
    TRAP = 1 << 2  # a trap in h.catch_traps, whoever takes it
    MODE = 1 << 3  # a change of mode in h.catch_modes
    CSR = 1 << 4  # an instruction accessed a CSR in h.catch_csr
    SBI = 1 << 5  # an ecall from S-level of either world
    FENCE = 1 << 6  # SFENCE.VMA, HFENCE.*, or their Svinval parts
    NEW_WORLD = 1 << 7  # a guest that this hart does not know was entered


AT_TRAPS = int(Caught.EXIT | Caught.TRAP | Caught.MODE | Caught.SBI)
AT_RETURNS = int(Caught.ENTRY | Caught.MODE)
"""Kinds to look for where traps are taken, and where they are returned from."""


state("catches", doc="core.trap.catches.Caught bits that are wanted", architectural=False)
state("catch_exits", 2, "wanted VM exits: a bit for each exception, a bit for each interrupt", architectural=False)
state("catch_traps", 2, "wanted traps, the same", architectural=False)
state("catch_modes", doc="wanted changes of mode: bit 8 * from + to, modes as mode_number() says", architectural=False)
state("catch_csr_count", doc="entries in use of the two arrays", architectural=False)
state("catch_csr", CSR_CATCHES, "address of a CSR by its own name (vs* for a guest's)", architectural=False)
state("catch_csr_kind", CSR_CATCHES, "1 reads, 2 writes", architectural=False)
state("caught", doc="Caught bits that have happened, until the host clears them", architectural=False)
state("caught_pc", doc="address of the instruction that did it", architectural=False)
state("caught_from", doc="mode_number() before a trap or return", architectural=False)
state("caught_to", doc="mode_number() after it", architectural=False)
state("caught_csr", doc="the CSR accessed", architectural=False)
state("caught_value", doc="the value read, else the one written", architectural=False)
state("caught_written", doc="the value written to it", architectural=False)
state("caught_access", doc="1 read, 2 written, 3 both", architectural=False)


def mode_number(mode: u64, v: u64) -> u64:
    """Privilege and V as one number: 0 U, 1 HS, 3 M, 4 VU, 5 VS."""
    return mode | u64(v << 2)


def change_wanted(h: Hart, mode: u64, v: u64) -> bool:
    """Whether h.catch_modes has the change from the present mode to another one."""
    return bool((h.catch_modes >> u64(8 * mode_number(h.mode, h.v) + mode_number(mode, v))) & 1 != 0)


@cold
def catch(h: Hart, kind: u64) -> None:
    """Something wanted has happened: leave the engine after this instruction."""
    h.caught |= kind
    h.caught_pc = h.pc
    h.event |= Event.CATCH
    end_slice(h)


@cold
def catch_trap(h: Hart, cause: u64, mode: u64, v: u64) -> None:
    """A trap from the present mode is being taken in another one; h.catches has some of AT_TRAPS."""
    kind = cause >> 63
    number = cause & 63
    found: u64 = 0
    if h.v != v and (h.catch_exits[kind] >> number) & 1 != 0:
        found |= Caught.EXIT
    if (h.catch_traps[kind] >> number) & 1 != 0:
        found |= Caught.TRAP
    if cause == Cause.ECALL_VS or cause == Cause.ECALL_S:
        found |= Caught.SBI
    if change_wanted(h, mode, v):
        found |= Caught.MODE
    found &= h.catches
    if found != 0:
        h.caught_from = mode_number(h.mode, h.v)
        h.caught_to = mode_number(mode, v)
        catch(h, found)


@cold
def catch_return(h: Hart, mode: u64, v: u64) -> None:
    """MRET or SRET goes from the present mode to another one; h.catches has some of AT_RETURNS."""
    found: u64 = 0
    if h.v != v:
        found |= Caught.ENTRY
    if change_wanted(h, mode, v):
        found |= Caught.MODE
    found &= h.catches
    if found != 0:
        h.caught_from = mode_number(h.mode, h.v)
        h.caught_to = mode_number(mode, v)
        catch(h, found)


@cold
def catch_csr(h: Hart, csr: u64, value: u64, kind: u64) -> None:
    """An instruction reads or writes a CSR (address after banking); h.catches has CSR."""
    for i in range(h.catch_csr_count):
        if h.catch_csr[i] == csr and h.catch_csr_kind[i] & kind != 0:
            note_csr(h, csr, value, kind)
            return


def note_csr(h: Hart, csr: u64, value: u64, kind: u64) -> None:
    """Keep what the debugger will ask for."""
    if h.caught & Caught.CSR == 0:
        h.caught_access = 0
    h.caught_access |= kind
    h.caught_csr = csr
    if kind == ON_WRITE:
        h.caught_written = value
    else:
        h.caught_value = value
    catch(h, Caught.CSR)


def catch_kind(h: Hart, kind: u64) -> None:
    """An event of this kind happens."""
    if h.catches & kind != 0:
        catch(h, kind)


def catch_sbi(h: Hart) -> None:
    """HS-mode calls the built-in SBI."""
    if h.catches & Caught.SBI != 0:
        h.caught_from = 1
        h.caught_to = 3
        catch(h, Caught.SBI)
