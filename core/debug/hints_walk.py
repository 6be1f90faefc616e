# SPDX-License-Identifier: Apache-2.0
"""Hints about page tables: what a failed translation usually means. See core.debug.hints."""

from __future__ import annotations

from core.csr.hypervisor import Hstatus
from core.csr.translation import Hgatp
from core.csr.vs import Vsstatus
from core.debug.facts import Facts
from core.debug.hints_pmp import any_entry
from core.mmu.modes import MODES, Access
from core.mmu.pte import Pte, Verdict
from core.trap.causes import Cause


def gstage_user(facts: Facts) -> str | None:
    """U missing in a G-stage leaf."""
    step = facts.leaf
    if step and step.stage == "G" and not step.pte & Pte.U.mask:
        return (
            f"set U in the G-stage entry at {step.pte_spa:#x}, as in every G-stage leaf: the G-stage checks all accesses of a "
            "guest as if made in U-mode (norm:H_vm_gpapriv)"
        )
    return None


def not_executable(facts: Facts) -> str | None:
    """X missing."""
    step = facts.leaf
    user = step is None or step.stage != "G" or step.pte & Pte.U.mask
    if step and user and facts.trap.access in (Access.FETCH, Access.HLVX) and not step.pte & Pte.X.mask:
        return f"set X in the {step.stage}-stage entry at {step.pte_spa:#x}: instructions are fetched from there"
    return None


def accessed_dirty(facts: Facts) -> str | None:
    """A or D clear, and hardware leaves that to software."""
    step = facts.leaf
    if step is None or "hardware does not set it" not in step.text:
        return None
    needed = "A and D" if facts.trap.access in (Access.WRITE, Access.SHADOW_WRITE) else "A"
    enable = "henvcfg.ADUE (and menvcfg.ADUE)" if step.stage == "VS" else "menvcfg.ADUE"
    return (
        f"set {needed} in the entry at {step.pte_spa:#x} when making it, or handle this fault by setting them, or let "
        f"hardware do it by {enable} (norm:svade_access_ad_bit_clear)"
    )


def guest_tables(facts: Facts) -> str | None:
    """The G-stage faults on a VS-stage page-table entry."""
    if facts.walk is None or facts.walk.implicit is None or facts.walk.fault_gpa is None:
        return None
    done = "read the guest's page table" if facts.walk.implicit == "read" else "set A or D in the guest's page table"
    return (
        f"the walker could not {done} at GPA {facts.walk.fault_gpa:#x}: guest memory that holds page tables must be mapped "
        "readable and writable in the G-stage (norm:H_vm_gpapriv)"
    )


def gstage_unmapped(facts: Facts) -> str | None:
    """Nothing mapped at the GPA; perhaps the root is not where software thinks it is."""
    step, trap = facts.failed, facts.trap
    if step is None or step.stage != "G" or step.pte & Pte.V.mask:
        return None
    mode = MODES[Hgatp.MODE.of(trap.hart.trap_hgatp)]
    if step.level == mode.levels - 1:
        for pages in (1, 2, 3):
            place = step.pte_spa + pages * 4096
            found = trap.view().read(place)
            if found is not None and found & Pte.V.mask and found & Pte.RESERVED.mask == 0 and step.pte == 0:
                root = (Hgatp.PPN.of(trap.hart.trap_hgatp) << 12) + pages * 4096
                return (
                    f"the root table seems to be at {root:#x}; it has 16 KiB and must be aligned to that: hgatp.PPN[1:0] "
                    "are read as zero (norm:hgatp_ppn_op)"
                )
    gpa = facts.walk.fault_gpa if facts.walk and facts.walk.fault_gpa is not None else trap.line.gpa
    return (
        f"the G-stage maps nothing at GPA {gpa:#x}: if a device is to be there, emulate the access; if it is the guest's "
        "memory, a mapping is missing"
    )


def gstage_bare(facts: Facts) -> str | None:
    """A guest without G-stage translation."""
    trap, walk = facts.trap, facts.walk
    if walk is not None and walk.denied is not None and not any_entry(trap.hart):
        return None  # PMP allows no address at all
    if facts.failed is not None and facts.failed.verdict is not None and facts.failed.verdict >= Verdict.NOT_USER:
        return None  # the tables are those that were meant
    if trap.access is not None and trap.rights[1] and Hgatp.MODE.of(trap.hart.trap_hgatp) == 0:
        return (
            "hgatp.MODE is Bare: guest physical addresses are used as physical ones. Was hgatp written, and with a MODE that "
            "the hart has? An unsupported one is not taken (norm:hgatp_mode_warl)"
        )
    return None


def stale_translation(facts: Facts) -> str | None:
    """The walk succeeds."""
    walk, trap = facts.walk, facts.trap
    if walk is None or walk.fault is not None or trap.line.cause in (Cause.LOAD_ACCESS_FAULT, Cause.STORE_ACCESS_FAULT):
        return None
    if walk.spa is not None and trap.line.cause == Cause.INSTRUCTION_ACCESS_FAULT:
        return None
    fence = "HFENCE.GVMA or HFENCE.VVMA" if trap.rights[1] else "SFENCE.VMA"
    return f"the walk succeeds now: the tables were changed since, or before it without {fence}"


def nothing_there(facts: Facts) -> str | None:
    """An access fault at a physical address without memory."""
    walk, trap = facts.walk, facts.trap
    machine = facts.debugger.machine
    if walk is None or walk.spa is None or machine.ram.contains(walk.spa, 1):
        return None
    if trap.access == Access.FETCH:
        kind = "is not RAM, and instructions are fetched from RAM only"
    elif found := machine.bus.find(walk.spa):
        return (
            f"a device is at physical address {walk.spa:#x} ({found.base:#x} to {found.end - 1:#x}): it takes loads and stores "
            "at multiples of their size, not each size everywhere, and no LR, SC, AMO or CBO.ZERO"
        )
    else:
        kind = "is not RAM"
    return f"physical address {walk.spa:#x} {kind}: RAM is {machine.ram.base:#x} to {machine.ram.end - 1:#x}"


def guest_access_rights(facts: Facts) -> str | None:
    """HLV and HSV with the wrong SPVP."""
    trap, step = facts.trap, facts.leaf
    if not trap.through_guest or trap.access is None:
        return None
    spvp = Hstatus.SPVP.of(trap.hart.trap_old[6])
    if step and step.stage == "VS" and not step.pte & Pte.U.mask and not spvp:
        return "hstatus.SPVP is 0: HLV and HSV act as VU-mode, which may not use this page; set SPVP=1 (norm:hlsv_priv)"
    if step and step.stage == "VS" and step.pte & Pte.U.mask and spvp and not Vsstatus.SUM.of(trap.hart.trap_vsstatus):
        return "hstatus.SPVP is 1, and this is a user page: set SPVP=0, or vsstatus.SUM (norm:hlsv_priv, norm:mstatus_sum_op)"
    return None


def user_page(facts: Facts) -> str | None:
    """A supervisor meets a user page, or the other way round, in the first stage."""
    trap, step = facts.trap, facts.leaf
    if step is None or step.stage == "G" or trap.through_guest:
        return None
    user = bool(step.pte & Pte.U.mask)
    if user and trap.rights[0] == 1:
        if trap.access == Access.FETCH:
            return "U=1 in this entry: S-mode never executes user pages; clear U for the kernel's own pages"
        status = "vsstatus" if trap.rights[1] else "sstatus"
        return f"U=1 in this entry: S-mode needs {status}.SUM=1 to access user pages (norm:mstatus_sum_op)"
    return None
