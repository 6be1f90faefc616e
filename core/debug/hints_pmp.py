# SPDX-License-Identifier: Apache-2.0
"""Hints about physical memory protection: which entry decided, and what it lacks. See core.debug.hints."""

from __future__ import annotations

from core.csr.pmp import OFF, PMP_ENTRIES, TOR, Mseccfg, Pmp
from core.debug.facts import Facts
from core.debug.walk import Denied
from core.hart import Hart
from core.mmu.modes import Access
from core.mmu.pmp import M_MODE, allowed_now, first_of, is_empty, last_of, locked_down, rights_locked_down
from core.trap.causes import Cause

SIZES = (2, 4, 8)
"""Of accesses that may reach out of what an entry matches."""
RIGHTS = {field.name: field for field in (Pmp.R, Pmp.W, Pmp.X)}
NEEDED = {Access.WRITE: "W", Access.FETCH: "X", Access.HLVX: "RX", Access.SHADOW_READ: "RW", Access.SHADOW_WRITE: "RW"}
"""Rights that an access needs; all others need R."""
ACCESS_FAULTS = (Cause.INSTRUCTION_ACCESS_FAULT, Cause.LOAD_ACCESS_FAULT, Cause.STORE_ACCESS_FAULT)
BELOW = "S-mode, U-mode and guests"


def denied_by_pmp(facts: Facts) -> str | None:
    """The entry that denies an access, or that there is none."""
    wanted, h = _denied(facts), facts.trap.hart
    if wanted is None:
        return None
    entry = deciding(h, wanted.spa, wanted.size)
    if entry is None:
        return _no_entry(h, wanted)
    low, high = bounds(h, entry)
    where = f"PMP entry {entry}, from {low:#x} to {high:#x},"
    if not low <= wanted.spa or wanted.spa + wanted.size - 1 > high:
        return f"{where} matches only some of the {wanted.size} bytes at {wanted.spa:#x} (norm:pmp_full_match_required)"
    config = int(h.pmpcfg[entry])
    machine = wanted.priv == M_MODE
    if locked_down(h):
        rights = rights_locked_down(config, machine)
        given = "".join(name for name, field in RIGHTS.items() if field.of(rights)) or "nothing"
        who = "M-mode" if machine else BELOW
        return f"{where} decides, and gives {who} {given} while mseccfg.MML is 1 (norm:mml_truth_table)"
    missing = [name for name in NEEDED.get(wanted.access, "R") if not RIGHTS[name].of(config)]
    bits = " and ".join(f"PMP{entry}{name}" for name in missing)
    return (
        f"{where} decides about {wanted.spa:#x}, as the first that matches it, and lacks {' and '.join(missing)}: set {bits} "
        f"in pmpcfg{entry // 8 * 2}, or put an entry that has it before this one (norm:pmp_entry_priority)"
    )


def _no_entry(h: Hart, wanted: Denied) -> str:
    """No entry matches: fatal below M-mode, and with some bits of Smepmp in M-mode too."""
    if wanted.priv == M_MODE:
        field = Mseccfg.MMWP if Mseccfg.MMWP.of(h.mseccfg) else Mseccfg.MML
        what = "access" if field is Mseccfg.MMWP else "execute"
        rule = "norm:mseccfg_mmwp_op_warl" if field is Mseccfg.MMWP else "norm:mseccfg_mml_exec_code"
        return f"mseccfg.{field.name} is 1: M-mode too may {what} only what a PMP entry lets it ({rule})"
    if not any_entry(h):
        return (
            f"no PMP entry is set, and so {BELOW} may access nothing: before leaving M-mode set pmpaddr0 to all ones and "
            "pmpcfg0 to 0x1f (NAPOT, RWX), or entries of your own (norm:pmp_no_entry_match)"
        )
    return (
        f"no PMP entry matches {wanted.spa:#x}: {BELOW} may access only what an entry lets them (norm:pmp_no_entry_match); "
        "`csr pmp*` shows the entries"
    )


def _denied(facts: Facts) -> Denied | None:
    """What PMP has stopped: an access that the walk has found, or one that goes beyond the byte which that looked at."""
    walk, access = facts.walk, facts.trap.access
    if walk is None or walk.denied is not None or walk.spa is None or access is None:
        return walk.denied if walk else None
    if facts.trap.line.cause not in ACCESS_FAULTS or not facts.debugger.machine.ram.contains(walk.spa, 1):
        return None
    h, priv = facts.trap.hart, facts.trap.rights[0]
    return next((Denied(walk.spa, n, access, priv) for n in SIZES if not allowed_now(h, walk.spa, n, access, priv)), None)


def any_entry(h: Hart) -> bool:
    """Whether a PMP entry is set."""
    return any(Pmp.A.of(h.pmpcfg[entry]) != OFF for entry in range(PMP_ENTRIES))


def bounds(h: Hart, entry: int) -> tuple[int, int]:
    """The first and last physical address of an entry that is set."""
    matching = Pmp.A.of(h.pmpcfg[entry])
    return int(first_of(h, entry, matching)), int(last_of(h, entry, matching))


def deciding(h: Hart, spa: int, size: int) -> int | None:
    """The first entry that matches any byte of an access (norm:pmp_entry_priority)."""
    for entry in range(PMP_ENTRIES):
        matching = Pmp.A.of(h.pmpcfg[entry])
        if matching != OFF and not (matching == TOR and is_empty(h, entry)):
            low, high = bounds(h, entry)
            if spa <= high and spa + size > low:
                return entry
    return None
