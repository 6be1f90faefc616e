# SPDX-License-Identifier: Apache-2.0
"""Physical memory protection: may this access touch this physical memory? (priv, Physical Memory Protection;
norm:H_pmp)

`h.pmp_active` is 0 while one entry opens everything to everybody, which is the case that costs nothing.
"""

from __future__ import annotations

from core.csr.pmp import NAPOT, OFF, PMP_ENTRIES, TOR, Mseccfg, Pmp
from core.features import Feature
from core.hart import Hart, state
from core.isa.intrinsics import cold, get, inline, isset, u64
from core.mmu.modes import Access

state("pmp_active", doc="0 when PMP allows everything, 1 when entries must be looked at", architectural=False)
state("pmp_count", doc="entries worth looking at: 1 + the last that is not OFF", architectural=False)

RWX = Pmp.R.mask | Pmp.W.mask | Pmp.X.mask
LAST_ADDRESS = (1 << 56) - 1
"""Physical addresses have 56 bits (norm:pmp_addr_encoding)."""
M_MODE = 3


@inline
def pmp_allows(h: Hart, spa: u64, size: u64, access: u64, priv: u64) -> bool:
    """Whether an access of an effective privilege may touch all of `size` bytes at a physical address.

    A page of which this is true for the whole need not be asked about again: the entry that matches all of it has the
    lowest number of all that match any byte of it (norm:pmp_entry_priority, norm:pmp_full_match_required).
    """
    return bool(h.pmp_active == 0 or search(h, spa, size, access, priv))


def refresh(h: Hart) -> None:
    """Find pmp_active and pmp_count again after PMP CSRs have changed."""
    h.pmp_active = 1
    h.pmp_count = 0
    for reverse in range(PMP_ENTRIES):
        entry = u64(PMP_ENTRIES - 1 - reverse)
        matching = get(h.pmpcfg[entry], Pmp.A)
        if matching != OFF:
            if h.pmp_count == 0:
                h.pmp_count = u64(entry + 1)
            everything = matching == NAPOT and first_of(h, entry, matching) == 0
            opens = everything and last_of(h, entry, matching) >= LAST_ADDRESS and h.pmpcfg[entry] & RWX == RWX
            h.pmp_active = 0 if opens and not locked_down(h) else 1


def locked_down(h: Hart) -> bool:
    """Whether mseccfg.MML gives L, R, W and X their other meaning."""
    return h.features & Feature.SMEPMP != 0 and isset(h.mseccfg, Mseccfg.MML)


def first_of(h: Hart, entry: u64, matching: u64) -> u64:
    """The first physical address an entry matches."""
    address = h.pmpaddr[entry]
    if matching == TOR:
        return u64(h.pmpaddr[u64(entry - 1)] << 2) if entry != 0 else 0
    if matching == NAPOT:
        return u64((address & u64(address + 1)) << 2)
    return u64(address << 2)


def last_of(h: Hart, entry: u64, matching: u64) -> u64:
    """The last physical address an entry matches; below `first_of` when it matches none."""
    address = h.pmpaddr[entry]
    if matching == TOR:
        return u64((address << 2) - 1) if address != 0 else 0
    if matching == NAPOT:
        return u64((address | u64(address + 1)) << 2) | 3
    return u64(address << 2) | 3


@cold
def search(h: Hart, spa: u64, size: u64, access: u64, priv: u64) -> bool:
    """`pmp_allows` by the entries: the lowest-numbered that matches any byte decides."""
    last = u64(spa + size - 1)
    for entry in range(h.pmp_count):
        config = h.pmpcfg[entry]
        matching = get(config, Pmp.A)
        if matching != OFF and not (matching == TOR and is_empty(h, entry)):
            low = first_of(h, entry, matching)
            high = last_of(h, entry, matching)
            if spa <= high and last >= low:
                return spa >= low and last <= high and permits(h, config, access, priv == M_MODE)
    if priv != M_MODE:
        return False  # norm:pmp_no_entry_match
    if h.features & Feature.SMEPMP == 0:
        return True
    return not isset(h.mseccfg, Mseccfg.MMWP) and not (isset(h.mseccfg, Mseccfg.MML) and access == Access.FETCH)


def is_empty(h: Hart, entry: u64) -> bool:
    """Whether a TOR entry matches nothing: its bottom is not below its top (norm:pmp_a_field_tor)."""
    bottom = h.pmpaddr[u64(entry - 1)] if entry != 0 else 0
    return bool(bottom >= h.pmpaddr[entry])


def permits(h: Hart, config: u64, access: u64, machine: bool) -> bool:
    """Whether the entry that matches allows the access (norm:pmp_rwx_check). HLVX needs R and X (norm:hlsv_u_op),
    shadow-stack instructions R and W (priv, Shadow Stack Memory Protection)."""
    rights = config & RWX
    if locked_down(h):
        rights = rights_locked_down(config, machine)
    elif machine and not isset(config, Pmp.L):
        return True
    needed: u64 = Pmp.R.mask
    if access == Access.WRITE:
        needed = Pmp.W.mask
    elif access == Access.FETCH:
        needed = Pmp.X.mask
    elif access == Access.HLVX:
        needed = Pmp.R.mask | Pmp.X.mask
    elif access >= Access.SHADOW_READ:
        needed = Pmp.R.mask | Pmp.W.mask
    return rights & needed == needed


def rights_locked_down(config: u64, machine: bool) -> u64:
    """R, W and X that an entry gives while mseccfg.MML is set (norm:mml_truth_table)."""
    locked = isset(config, Pmp.L)
    executable = isset(config, Pmp.X)
    if config & RWX == RWX and locked:
        return Pmp.R.mask
    if isset(config, Pmp.W) and not isset(config, Pmp.R):
        if not locked:
            return Pmp.R.mask | Pmp.W.mask if machine or executable else Pmp.R.mask
        return Pmp.R.mask | Pmp.X.mask if machine and executable else Pmp.X.mask
    return config & RWX if locked == machine else 0


def allowed_now(h: Hart, spa: u64, size: u64, access: u64, priv: u64) -> bool:
    """`pmp_allows` for debuggers: by the CSRs as they are, also before the hart has looked at them."""
    if h.pmp_stale != 0:
        refresh(h)
    return pmp_allows(h, spa, size, access, priv)
