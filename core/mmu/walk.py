# SPDX-License-Identifier: Apache-2.0
"""The page-table walker: one algorithm, used for S-stage, VS-stage and G-stage (priv, Virtual Address Translation
Process; norm:H_vm_twostage, norm:H_vm_gpatrans).

Parameters that go through all functions:

- va, access: the original access, for tval and the cause; `info`: TrapInfo bits for the trap it may end in.
- address, want: what is being translated now and the permission it needs. The G-stage translates guest physical
  addresses, also those of VS-stage page-table entries, for which it needs read or (A/D update) write permission:
  norm:H_vm_gpapriv.
- regime: the rights of the original access (core.mmu.modes.Regime).
"""

from __future__ import annotations

from core.csr.config import Henvcfg, Menvcfg, shadow_stacks
from core.csr.translation import Hgatp, Satp
from core.features import Feature
from core.hart import Hart, state
from core.isa.intrinsics import (
    Trap,
    code_written,
    cold,
    get,
    in_ram,
    is_code_page,
    isset,
    ram_read,
    ram_write,
    u64,
    warn,
)
from core.mmu import watch
from core.mmu.modes import Access, Regime, Stage, address_fits, is_shadow, levels_of, table_index
from core.mmu.physical import access_fault, guest_page_fault, page_fault
from core.mmu.pmp import pmp_allows
from core.mmu.pte import (
    EXTENSION_BITS,
    PTE_SIZE,
    READ_WRITE,
    SHADOW_PAGE,
    Pte,
    Verdict,
    is_access_fault,
    judge,
    leaf_target,
    missing_ad,
)
from core.tolerance import Tolerance
from core.trap.causes import TrapInfo

state("walk_super", doc="1 when the S- or VS-stage leaf of the last walk was a superpage", architectural=False)

IMPLICIT = int(TrapInfo.IMPLICIT_READ | TrapInfo.IMPLICIT_WRITE)
EXPLICIT = ((1 << 64) - 1) & ~IMPLICIT
"""IMPLICIT_READ and IMPLICIT_WRITE are for guest-page faults only (norm:H_trap_xtinst_guestpage)."""
S_LEVEL = 1
"""The privilege with which PMP sees accesses to page tables (norm:pmp_check_pagetable_access)."""


@cold
def translate(h: Hart, va: u64, access: u64, regime: u64, info: u64) -> u64:
    """The supervisor physical address of `va`, after all checks of address translation (not of PMP on the result).

    Raises Trap: page fault, guest-page fault, or access fault when a page table is not in accessible RAM. `info` goes
    into the Trap; GVA is added here (norm:hstatus_gva_op).
    """
    h.walk_super = 0
    if is_shadow(access):
        demand_paging(h, va, access, regime, info)
    if get(regime, Regime.PRIV) == 3:
        return va
    if not isset(regime, Regime.V):
        return walk(h, Stage.S, va, access, va, access, regime, info)
    guest_info = info | TrapInfo.GVA
    gpa = walk_vs(h, va, access, regime, guest_info)
    spa = walk(h, Stage.G, gpa, access, va, access, regime, guest_info)
    if h.watch_gpa != 0:
        watch.saw(h, va, gpa)
    return spa


@cold
def demand_paging(h: Hart, va: u64, access: u64, regime: u64, info: u64) -> None:
    """Shadow-stack instructions raise an access fault with the rights of M-mode, and where the first stage is Bare
    (norm:ssmp_ssamoswap, norm:satp_mode_bare)."""
    guest = isset(regime, Regime.V)
    mode = get(h.vsatp if guest else h.satp, Satp.MODE)
    if get(regime, Regime.PRIV) == 3 or mode == 0:
        raise Trap(access_fault(access), va, 0, info | TrapInfo.GVA if guest else info)


def walk(h: Hart, stage: u64, address: u64, want: u64, va: u64, access: u64, regime: u64, info: u64) -> u64:
    """Translate by satp (Stage.S) or hgatp (Stage.G): page tables at physical addresses."""
    atp = h.hgatp if stage == Stage.G else h.satp
    levels = levels_of(get(atp, Satp.MODE))
    if levels == 0:
        return address
    if not address_fits(address, levels, stage):
        return fail(h, stage, address, va, access, info)
    table = get(atp, Hgatp.PPN)
    remaining = levels
    while remaining != 0:
        level = u64(remaining - 1)
        slot = u64(u64(table << 12) + PTE_SIZE * table_index(address, level, levels, stage))
        pte = read_pte(h, slot, va, access, info)
        verdict = judge_at(h, stage, pte, level, want, regime, info)
        if verdict == Verdict.POINTER:
            table = get(pte, Pte.PPN)
            remaining = level
        elif verdict != Verdict.LEAF:
            return refuse(h, stage, verdict, address, va, access, info)
        else:
            missing = missing_ad(pte, want)
            if missing != 0:
                if not hardware_ad(h, stage):
                    return fail(h, stage, address, va, access, info)
                update_pte(h, stage, slot, slot, pte | missing, va, access, info)
            if stage == Stage.S and level != 0:
                h.walk_super = 1
            return leaf_target(pte, level, address)
    return fail(h, stage, address, va, access, info)


def walk_vs(h: Hart, va: u64, access: u64, regime: u64, info: u64) -> u64:
    """Translate by vsatp to a guest physical address: page tables at guest physical addresses, each translated by the
    G-stage."""
    levels = levels_of(get(h.vsatp, Satp.MODE))
    if levels == 0:
        return va
    if not address_fits(va, levels, Stage.VS):
        return fail(h, Stage.VS, va, va, access, info)
    table = get(h.vsatp, Satp.PPN)
    remaining = levels
    while remaining != 0:
        level = u64(remaining - 1)
        slot = u64(u64(table << 12) + PTE_SIZE * table_index(va, level, levels, Stage.VS))
        place = walk(h, Stage.G, slot, Access.READ, va, access, regime, info | TrapInfo.IMPLICIT_READ)
        pte = read_pte(h, place, va, access, info)
        verdict = judge_at(h, Stage.VS, pte, level, access, regime, info)
        if verdict == Verdict.POINTER:
            table = get(pte, Pte.PPN)
            remaining = level
        elif verdict != Verdict.LEAF:
            return refuse(h, Stage.VS, verdict, va, va, access, info)
        else:
            missing = missing_ad(pte, access)
            if missing != 0:
                if not hardware_ad(h, Stage.VS):
                    return fail(h, Stage.VS, va, va, access, info)
                place = walk(h, Stage.G, slot, Access.WRITE, va, access, regime, info | TrapInfo.IMPLICIT_WRITE)
                if read_pte(h, place, va, access, info) != pte:
                    continue  # the G-stage's own A/D update changed it: step 9 says to look again
                update_pte(h, Stage.VS, slot, place, pte | missing, va, access, info)
            if level != 0:
                h.walk_super = 1
            return leaf_target(pte, level, va)
    return fail(h, Stage.VS, va, va, access, info)


def judge_at(h: Hart, stage: u64, pte: u64, level: u64, want: u64, regime: u64, info: u64) -> u64:
    """`judge` with the rights that the regime gives in a stage.

    The G-stage takes every access as user-level; MXR acts on explicit loads only (norm:H_vm_gpapriv,
    norm:hlsv_sstatus_mxr).
    """
    known: u64 = 0
    if pte & EXTENSION_BITS != 0 or pte & READ_WRITE == Pte.W.mask:
        known = known_bits(h, stage)
    if stage == Stage.G:
        right: u64 = Access.WRITE if is_shadow(want) else want  # norm:active_g_stage_pte
        return judge(pte, level, right, known, False, False, isset(regime, Regime.GMXR) and info & IMPLICIT == 0)
    supervisor = get(regime, Regime.PRIV) != 0
    return judge(pte, level, want, known, supervisor, isset(regime, Regime.SUM), isset(regime, Regime.MXR))


def known_bits(h: Hart, stage: u64) -> u64:
    """The bits of EXTENSION_BITS that mean something in a stage: N with Svnapot, PBMT with PBMTE of menvcfg, and for the
    VS-stage of henvcfg too (norm:Svnapot_hyp_gstage, norm:menvcfg_pbmte_op, norm:henvcfg_pbmte_op). SHADOW_PAGE among them
    when the stage has shadow-stack pages, which the G-stage never has (norm:ssmp_menvcfg_sse, norm:ssmp_henvcfg_sse)."""
    known: u64 = Pte.N.mask if h.features & Feature.SVNAPOT != 0 else 0
    if isset(h.menvcfg, Menvcfg.PBMTE) and (stage != Stage.VS or isset(h.henvcfg, Henvcfg.PBMTE)):
        known |= Pte.PBMT.mask
    if stage != Stage.G and shadow_stacks(h, u64(stage == Stage.VS)):
        known |= SHADOW_PAGE
    return known


def read_pte(h: Hart, spa: u64, va: u64, access: u64, info: u64) -> u64:
    """The entry at a physical address. Raises an access fault of the original type when it is not readable RAM (step
    2)."""
    if not in_ram(h, spa, PTE_SIZE) or not pmp_allows(h, spa, PTE_SIZE, Access.READ, S_LEVEL):
        raise Trap(access_fault(access), va, 0, info & EXPLICIT)
    return ram_read(h, spa, PTE_SIZE)


def hardware_ad(h: Hart, stage: u64) -> bool:
    """Whether hardware sets A and D in a stage's page tables: ADUE of menvcfg, and for the VS-stage of henvcfg too
    (norm:menvcfg_adue_op, norm:henvcfg_adue_op, norm:menvcfg_adue_henvcfg_adue_rdonly0)."""
    if not isset(h.menvcfg, Menvcfg.ADUE):
        return False
    return stage != Stage.VS or isset(h.henvcfg, Henvcfg.ADUE)


@cold
def update_pte(h: Hart, stage: u64, slot: u64, spa: u64, pte: u64, va: u64, access: u64, info: u64) -> None:
    """Store an entry with A or D newly set; `slot` is its address in the stage's own terms
    (norm:Svadu_hw_update_a_d_bits)."""
    if not pmp_allows(h, spa, PTE_SIZE, Access.WRITE, S_LEVEL):
        raise Trap(access_fault(access), va, 0, info & EXPLICIT)
    ram_write(h, spa, PTE_SIZE, pte)
    if is_code_page(h, spa):
        code_written(h, spa, PTE_SIZE)
    code = u64(Tolerance.AD_UPDATE_S + stage)
    if h.strict == 0 and h.warned & u64(1 << code) == 0:
        h.warned |= u64(1 << code)
        warn(h, code, slot)


@cold
def refuse(h: Hart, stage: u64, verdict: u64, address: u64, va: u64, access: u64, info: u64) -> u64:
    """Raise the fault of an entry that is neither pointer nor leaf for this access."""
    if is_access_fault(verdict):
        raise Trap(access_fault(access), va, 0, info & EXPLICIT)
    return fail(h, stage, address, va, access, info)


@cold
def fail(h: Hart, stage: u64, address: u64, va: u64, access: u64, info: u64) -> u64:
    """Raise the page fault of a stage, for the original access type (norm:H_vm_gpapriv); `address` is the GPA in the
    G-stage."""
    if stage == Stage.G:
        raise Trap(guest_page_fault(access), va, address, info | TrapInfo.HAS_GPA)
    raise Trap(page_fault(access), va, 0, info)
