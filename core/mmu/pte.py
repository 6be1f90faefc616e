# SPDX-License-Identifier: Apache-2.0
"""A page-table entry, the same for both stages: its bits, and what is to be thought of one found at some level.

`judge` is the only statement of the rules for a single entry; the walker acts on its verdict, the debugger puts it in
words.
"""

from __future__ import annotations

from enum import IntEnum

from core.csr.fields import rw
from core.isa.intrinsics import cold, get, isset, u64
from core.mmu.modes import Access, is_shadow

PTE_SIZE = 8
"""Bytes of an entry (norm:Sv39_PTESIZE)."""


MEMORY_TYPES = {0: "PMA", 1: "NC", 2: "IO", 3: "reserved"}
"""Words for Pte.PBMT (priv, Svpbmt)."""


class Pte:
    """Fields of an entry (priv, Sv39; Sv48 and Sv57 are alike)."""

    N = rw(63, "naturally aligned power-of-two range (Svnapot)")
    PBMT = rw(62, 61, "memory type (Svpbmt)", values=MEMORY_TYPES)
    RESERVED = rw(60, 54, "reserved for future standard use")
    PPN = rw(53, 10, "physical page number")
    RSW = rw(9, 8, "for software")
    D = rw(7, "dirty")
    A = rw(6, "accessed")
    G = rw(5, "global")
    U = rw(4, "user")
    X = rw(3, "executable")
    W = rw(2, "writable")
    R = rw(1, "readable")
    V = rw(0, "valid")


FIELDS = tuple(value for value in vars(Pte).values() if hasattr(value, "mask"))
"""The fields, most significant first."""
READ_WRITE = Pte.R.mask | Pte.W.mask
PERMISSIONS = READ_WRITE | Pte.X.mask
"""An entry with none of these is a pointer to the next table."""
SHADOW_PAGE = Pte.W.mask
"""The PERMISSIONS of a shadow-stack page (norm:ss_page_enc). In the word `known`: such entries mean something."""
EXTENSION_BITS = Pte.N.mask | Pte.PBMT.mask
"""Bits that mean something in leaves when their extension is there, and never in pointers."""
RESERVED_BITS = EXTENSION_BITS | Pte.RESERVED.mask
"""Bits that no entry may have set without an extension (norm:Sv39_pte_svnapot_rsv, norm:Sv39_pte_svpbmt_rsv,
norm:Sv39_pte_future_rsv)."""
NAPOT_PAGES, NAPOT_SIZE_BITS = 0xF, 0x8
"""Page number bits that come from the address in a 64 KiB range, and what an entry of one has in them: the only size
there is (norm:Svnapot_valid_encoding)."""
POINTER_RESERVED_BITS = Pte.D.mask | Pte.A.mask | Pte.U.mask
"""Bits that an entry pointing to a further table may not have set."""


class Verdict(IntEnum):
    """What an entry is. All from NOT_VALID on are page faults, but those from SHADOW_STORE to NOT_SHADOW access faults.
    `words` says why; `rule` is where the manual says so."""

    words: str
    rule: str

    def __new__(cls, value: int, words: str, rule: str) -> Verdict:
        """Make the member `value` and keep its words and rule."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.words, member.rule = words, rule
        return member

    POINTER = 0, "pointer to the next level", "priv, Virtual Address Translation Process, step 4"
    LEAF = 1, "leaf", "norm:Sv39_leaf_any_level"
    NOT_VALID = 2, "V=0: not valid", "priv, Virtual Address Translation Process, step 3"
    WRITE_WITHOUT_READ = 3, "W=1 with R=0 is reserved", "priv, Virtual Address Translation Process, step 3"
    RESERVED = 4, "reserved bits 63:54 are set", "norm:Sv39_pte_future_rsv"
    POINTER_RESERVED = 5, "pointer with D, A or U set", "priv, Virtual Address Translation Process, step 3"
    NO_LEAF = 6, "a pointer where only a leaf can be", "priv, Virtual Address Translation Process, step 4"
    MISALIGNED = 7, "superpage not aligned to its size", "norm:Sv39_superpage_align_fault"
    POINTER_TYPE = 8, "pointer with PBMT or N set", "norm:Svpbmt_nonleaf_pte_pbmt_must_be_zero"
    MEMORY_TYPE = 9, "PBMT=3 is reserved", "norm:Svpbmt_leaf_pte_pbmt_reserved_3_fault"
    NAPOT = 10, "N=1 in an entry that is not one of a 64 KiB range", "norm:Svnapot_reserved_encoding_fault"
    NOT_USER = 11, "U=0: not for user-level accesses", "priv, Virtual Address Translation Process, step 6"
    USER_PAGE = 12, "U=1: a user page, with SUM=0 or fetched from", "norm:mstatus_sum_op"
    NOT_READABLE = 13, "R=0: not readable", "norm:load_page_fault_no_r"
    NOT_WRITABLE = 14, "W=0: not writable", "norm:store_page_fault_no_w"
    NOT_EXECUTABLE = 15, "X=0: not executable", "norm:fetch_page_fault_no_x"
    SHADOW_STORE = 16, "a shadow-stack page (W=1 alone): no ordinary store or AMO", "norm:ssmp_ss_page_access_fault"
    SHADOW_BLOCK = 17, "a shadow-stack page (W=1 alone): no cache-block instruction", "norm:ssmp_ss_cache_block_access_fault"
    SHADOW_FETCH = 18, "a shadow-stack page (W=1 alone): no instruction fetch", "norm:ssmp_ss_implicit_access_fault"
    NOT_SHADOW = 19, "no shadow-stack page (that is W=1 alone)", "norm:ssmp_ss_page_illegeal_access"
    SHADOW_READ_ONLY = 20, "a read-only page, no shadow-stack page (that is W=1 alone)", "norm:ssmp_ss_read_only_page"


def judge(pte: u64, level: u64, access: u64, known: u64, supervisor: bool, sum_set: bool, mxr_set: bool) -> u64:
    """The Verdict on an entry found at `level` for an access; A and D are looked at apart (`missing_ad`).

    access: Access; known: those of EXTENSION_BITS that mean something in this stage, and SHADOW_PAGE if that does;
    supervisor: the access counts as S-level (G-stage: never, norm:H_vm_gpapriv); sum_set, mxr_set: SUM and MXR as they act
    on this access and stage (norm:mstatus_sum_op, norm:mstatus_mxr_op). The G-stage knows no shadow stacks: there SHADOW_READ
    and SHADOW_WRITE are to be judged as WRITE. Steps 3 to 8 of priv, Virtual Address Translation Process.
    """
    if not isset(pte, Pte.V):
        return Verdict.NOT_VALID
    if pte & READ_WRITE == Pte.W.mask and (known & SHADOW_PAGE == 0 or isset(pte, Pte.X)):
        return Verdict.WRITE_WITHOUT_READ
    if pte & RESERVED_BITS & u64(~known) != 0:
        return Verdict.RESERVED
    if pte & PERMISSIONS == 0:
        if pte & EXTENSION_BITS != 0:
            return Verdict.POINTER_TYPE
        if pte & POINTER_RESERVED_BITS != 0:
            return Verdict.POINTER_RESERVED
        return Verdict.POINTER if level != 0 else Verdict.NO_LEAF
    if get(pte, Pte.PPN) & superpage_mask(level) != 0:
        return Verdict.MISALIGNED
    if get(pte, Pte.PBMT) == 3:
        return Verdict.MEMORY_TYPE
    if isset(pte, Pte.N) and (level != 0 or get(pte, Pte.PPN) & NAPOT_PAGES != NAPOT_SIZE_BITS):
        return Verdict.NAPOT
    if not isset(pte, Pte.U):
        if not supervisor:
            return Verdict.NOT_USER
    elif supervisor and (access == Access.FETCH or not sum_set):
        return Verdict.USER_PAGE
    return judge_permission(pte, access, mxr_set)


def judge_permission(pte: u64, access: u64, mxr_set: bool) -> u64:
    """LEAF, or which of R, W, X is missing for an access; HLVX needs X only (norm:hlsv_u_op)."""
    if pte & PERMISSIONS == SHADOW_PAGE or is_shadow(access):
        return judge_shadow(pte, access)
    if access == Access.READ or access == Access.MANAGE:
        if not isset(pte, Pte.R) and not (mxr_set and isset(pte, Pte.X)):
            return Verdict.NOT_READABLE
    elif access == Access.WRITE:
        if not isset(pte, Pte.W):
            return Verdict.NOT_WRITABLE
    elif not isset(pte, Pte.X):
        return Verdict.NOT_EXECUTABLE
    return Verdict.LEAF


@cold
def judge_shadow(pte: u64, access: u64) -> u64:
    """The same for shadow-stack pages, and for shadow-stack instructions, which access no others (norm:ssmp_ss_load,
    norm:ssmp_ss_page_access_fault). An HLVX does not fetch, it only needs what a fetch needs."""
    verdict: u64 = Verdict.LEAF
    if is_shadow(access):
        if pte & PERMISSIONS != SHADOW_PAGE:
            verdict = Verdict.SHADOW_READ_ONLY if pte & PERMISSIONS == Pte.R.mask else Verdict.NOT_SHADOW
    elif access == Access.WRITE:
        verdict = Verdict.SHADOW_STORE
    elif access == Access.MANAGE:
        verdict = Verdict.SHADOW_BLOCK
    elif access == Access.FETCH:
        verdict = Verdict.SHADOW_FETCH
    elif access == Access.HLVX:
        verdict = Verdict.NOT_EXECUTABLE
    return verdict


def is_access_fault(verdict: u64) -> bool:
    """Whether a verdict is an access fault (priv, Virtual Address Translation Process, step 7)."""
    return verdict >= Verdict.SHADOW_STORE and verdict <= Verdict.NOT_SHADOW


def superpage_mask(level: u64) -> u64:
    """The page number bits that come from the address when a leaf stands at `level`; 0 for a 4 KiB page."""
    return u64((1 << u64(9 * level)) - 1)


def missing_ad(pte: u64, access: u64) -> u64:
    """The A and D bits that the access needs and a leaf lacks (norm:svade_access_ad_bit_clear)."""
    writes = access == Access.WRITE or access == Access.SHADOW_WRITE
    needed = u64(Pte.A.mask | Pte.D.mask) if writes else u64(Pte.A.mask)
    return needed & u64(~pte)


def leaf_target(pte: u64, level: u64, address: u64) -> u64:
    """The address that a leaf at `level` makes of `address`; in a 64 KiB range, the low bits of the page number come from
    the address (norm:Svnapot_implicit_read_ppn_subst)."""
    mask: u64 = NAPOT_PAGES if isset(pte, Pte.N) else superpage_mask(level)
    page = (get(pte, Pte.PPN) & u64(~mask)) | ((address >> 12) & mask)
    return u64(page << 12) | (address & 0xFFF)
