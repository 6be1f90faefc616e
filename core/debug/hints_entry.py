# SPDX-License-Identifier: Apache-2.0
"""Hints about page-table entries: what to do about each verdict on one. See core.debug.hints.

What depends on who made the access, and A and D, is in core.debug.hints_walk; shadow stacks in core.debug.hints_shadow.
"""

from __future__ import annotations

from collections.abc import Callable

from core.csr.config import TranslationEnvcfgFields
from core.csr.translation import Satp
from core.debug.facts import Facts
from core.debug.walk import SIZES, TABLE_RULE, WalkStep
from core.features import Feature
from core.mmu.modes import MODES, PAGE_SIZE
from core.mmu.pte import PERMISSIONS, PTE_SIZE, Pte, Verdict

ATP = {"S": "satp", "VS": "vsatp", "G": "hgatp"}
ENTRIES = 512
FIRST_PAGE = 4096
"""Addresses below it are most often a null pointer, or a member of what one points at."""


def entry(facts: Facts) -> str | None:
    """The entry itself is wrong."""
    step = facts.failed
    advice = ADVICE.get(step.verdict) if step is not None and step.verdict is not None else None
    return advice(facts, step) if advice and step else None


def table_not_in_ram(facts: Facts) -> str | None:
    """A table is not where memory is: most often an address that was not shifted."""
    walk, machine = facts.walk, facts.debugger.machine
    if walk is None or walk.rule != TABLE_RULE or walk.denied is not None:
        return None
    step, view = walk.steps[-1] if walk.steps else None, facts.trap.view()
    if step is not None and step.pte & PERMISSIONS:
        return "the G-stage maps the guest's page table to where there is no RAM"
    if step is not None:
        place, name, what = Pte.PPN.of(step.pte), "the entry", "bits 53:10 of an entry hold"
    else:
        name = "satp" if not facts.trap.rights[1] else "hgatp" if Satp.MODE.of(view.hgatp) else "vsatp"
        place, what = Satp.PPN.of(getattr(view, name)), f"{name}.PPN holds"
    if machine.ram.contains(place, PTE_SIZE):
        return f"{what} a page number, an address shifted right by 12: {name} seems to hold the address {place:#x} itself"
    return f"the table would be at {place << 12:#x}, which is not RAM: {what} a page number, an address shifted right by 12"


def _not_valid(facts: Facts, step: WalkStep) -> str | None:
    """Nothing mapped; the G-stage has a hint of its own."""
    if step.stage == "G" and not step.pte:
        return None
    if step.pte:
        return f"V is 0 in an entry that is not empty, {step.pte:#x} at {step.pte_spa:#x}: set V, if the page is to be there"
    name, view, address = ATP[step.stage], facts.trap.view(), facts.trap.line.tval
    root = Satp.PPN.of(getattr(view, name)) << 12
    if step.level == MODES[Satp.MODE.of(getattr(view, name))].levels - 1 and step.stage == "S":
        empty = not any(view.read(root + PTE_SIZE * index) for index in range(ENTRIES))
        if empty:
            return f"the root table at {root:#x} is empty: is {name}.PPN right, and was the table written before?"
    null = ": a null pointer?" if address < FIRST_PAGE else ": a mapping is missing, or the pointer is wrong"
    return f"{name}'s tables map nothing at {address:#x}{null}"


def _write_without_read(facts: Facts, step: WalkStep) -> str | None:
    if facts.trap.hart.features & Feature.ZICFISS and step.stage != "G":
        return None  # core.debug.hints_shadow
    return f"a page that is written must be readable, too: set R in the entry at {step.pte_spa:#x} (norm:H_vm_gpatrans)"


def _reserved(facts: Facts, step: WalkStep) -> str | None:
    """Bits that need an extension, or none may set."""
    if step.pte & Pte.RESERVED.mask:
        return (
            f"bits 60:54 of {step.pte:#x} must be zero: bits 53:10 of an entry hold the page number, which is an address "
            "shifted right by 12"
        )
    h = facts.trap.hart
    if step.pte & Pte.PBMT.mask and h.features & Feature.SVPBMT:
        field = TranslationEnvcfgFields.PBMTE
        names = ("menvcfg", "henvcfg")[: 1 + (step.stage == "VS")]
        off = " and ".join(f"{name}.PBMTE" for name in names if not field.of(getattr(h, name)))
        return f"PBMT is set, which means something only with {off} (norm:menvcfg_pbmte_op, norm:henvcfg_pbmte_op)"
    extension = "Svnapot" if step.pte & Pte.N.mask else "Svpbmt"
    return f"the hart has no {extension}, without which these bits must be zero"


def _misaligned(facts: Facts, step: WalkStep) -> str:
    size, place = PAGE_SIZE << 9 * step.level, Pte.PPN.of(step.pte) << 12
    return (
        f"R, W or X make the entry at level {step.level} a leaf for a {SIZES[step.level]}, whose physical address, {place:#x}, "
        f"must be a multiple of {size:#x}; a pointer to a table has none of them"
    )


def _not_user(facts: Facts, step: WalkStep) -> str | None:
    if step.stage == "G" or facts.trap.through_guest:
        return None  # core.debug.hints_walk
    who = "VU" if facts.trap.rights[1] else "U"
    return f"U=0 in this entry: set U in pages that {who}-mode is to use"


def _not_readable(facts: Facts, step: WalkStep) -> str:
    if step.pte & Pte.X.mask:
        which = "sstatus.MXR" if step.stage != "VS" else "vsstatus.MXR or sstatus.MXR"
        return f"set R in the {step.stage}-stage entry at {step.pte_spa:#x}, or {which} to read code (norm:mstatus_mxr_op)"
    return f"set R in the {step.stage}-stage entry at {step.pte_spa:#x}"


def _not_writable(facts: Facts, step: WalkStep) -> str:
    if step.stage == "G":
        return (
            f"set W in the G-stage entry at {step.pte_spa:#x}, unless the page is protected on purpose (to log writes, to make "
            "a copy)"
        )
    return f"set W in the {step.stage}-stage entry at {step.pte_spa:#x}, or the pointer is wrong"


ADVICE: dict[Verdict, Callable[[Facts, WalkStep], str | None]] = {
    Verdict.NOT_VALID: _not_valid,
    Verdict.WRITE_WITHOUT_READ: _write_without_read,
    Verdict.RESERVED: _reserved,
    Verdict.POINTER_RESERVED: lambda facts, step: f"a pointer to a table has V alone: clear D, A and U in {step.pte:#x}",
    Verdict.NO_LEAF: lambda facts, step: f"set R, W or X in {step.pte:#x}: at level 0 there are pages only",
    Verdict.MISALIGNED: _misaligned,
    Verdict.POINTER_TYPE: lambda facts, step: "PBMT and N belong to leaves: clear them in pointers",
    Verdict.MEMORY_TYPE: lambda facts, step: "PBMT is 0 (as the memory is), 1 (NC) or 2 (IO)",
    Verdict.NAPOT: lambda facts, step: "N=1 is for the sixteen entries of a 64 KiB range at level 0, all with PPN[3:0] = 8",
    Verdict.NOT_USER: _not_user,
    Verdict.NOT_READABLE: _not_readable,
    Verdict.NOT_WRITABLE: _not_writable,
}
"""What to do about an entry."""
