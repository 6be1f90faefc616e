# SPDX-License-Identifier: Apache-2.0
"""The software TLB: translations kept for use without a walk, in the state buffer so that both engines share them.

`h.tlb` holds arrays of 256 entries of two words, indexed by address bits 19:12:

    word 0  tag: page address; with FLAG when the page must be accessed the slow way (device, watched, decoded code,
            PMP within the page), with WATCHED too when only watchpoints are the reason; INVALID when empty
    word 1  addend: physical page minus virtual page, modulo 2**64

Array 0 (`VOID`) is always empty. The others belong to banks, each filled under one regime: privilege, V, SUM, MXR and
the translation CSRs. Data banks (the first half) have an array for reads and one for writes, fetch banks have one.
`update_regime` only points the hart to VOID; the next access then misses, and `core.mmu.regime` picks the bank. M-mode
and Bare translations are kept here like any other.
"""

from __future__ import annotations

from core.hart import Hart, state
from core.isa.intrinsics import u64
from core.mmu.modes import PAGE_MASK

ARRAY_WORDS = 512
DATA_BANKS = 8
BANKS = 16
"""Data banks and as many fetch banks."""
VOID = 0
"""Word index of the empty array: what h.tlb_read, h.tlb_write and h.tlb_fetch say until the regime is settled."""
FLAG = 1 << 11
"""In a tag: the page goes the slow way. The fast path never matches such a tag."""
WATCHED = 1 << 10
"""In a tag beside FLAG: an access that touches no watchpoint may be made at once."""
FLAGS = FLAG | WATCHED
INVALID = FLAG | 1
"""A tag that matches nothing."""
INDEX_MASK = ARRAY_WORDS - 2
"""After shifting an address right by 11: the word index of its entry."""

state("tlb", ARRAY_WORDS * (1 + DATA_BANKS + BANKS), "entries of all banks", architectural=False)
state("tlb_read", doc="word index of the current read array", architectural=False)
state("tlb_write", doc="word index of the current write array", architectural=False)
state("tlb_fetch", doc="word index of the current fetch array", architectural=False)
state("data_bank", doc="the bank of tlb_read and tlb_write, when they are not VOID", architectural=False)
state("fetch_bank", doc="the bank of tlb_fetch, when it is not VOID", architectural=False)
state("bank_turn", doc="counts banks given away", architectural=False)
state("bank_regime", BANKS, "Regime word of a bank with bit 63 set; 0 when it is free", architectural=False)
state("bank_satp", BANKS, "satp of a bank, 0 when it does not matter", architectural=False)
state("bank_vsatp", BANKS, "vsatp of a bank, 0 when it does not matter", architectural=False)
state("bank_hgatp", BANKS, "hgatp of a bank, 0 when it does not matter", architectural=False)
state("bank_super", BANKS, "1 when a bank holds parts of an S- or VS-stage superpage", architectural=False)
state("regime_data", doc="Regime word of loads and stores, when tlb_read is not VOID", architectural=False)
state("regime_fetch", doc="Regime word of instruction fetches, when tlb_fetch is not VOID", architectural=False)
state("pmp_stale", doc="1 when pmp_active must be found again", architectural=False)


def update_regime(h: Hart) -> None:
    """Privilege, V or a CSR that governs translation may have changed: find the bank again at the next access."""
    h.tlb_read = VOID
    h.tlb_write = VOID
    h.tlb_fetch = VOID
    h.tlb[VOID] = INVALID


def flush_all(h: Hart) -> None:
    """Forget all translations, those of M-mode included. A new hart needs it, and so does a change of PMP."""
    for bank in range(BANKS):
        h.bank_regime[bank] = 0
    h.pmp_stale = 1
    update_regime(h)


def tlb_refresh_flags(h: Hart) -> None:
    """Watchpoints or code pages have changed: find out again which pages go the slow way."""
    flush_all(h)


def flag_code_page(h: Hart, spa: u64) -> None:
    """The page of `spa` now has decoded code: stores to it must go the slow way, through whatever mapping."""
    page = spa & PAGE_MASK
    for bank in range(DATA_BANKS):
        if h.bank_regime[bank] != 0:
            writes = u64(array_of(bank) + ARRAY_WORDS)
            for entry in range(writes, u64(writes + ARRAY_WORDS), 2):
                if u64((h.tlb[entry] & u64(~FLAGS)) + h.tlb[entry | 1]) == page:
                    h.tlb[entry] = (h.tlb[entry] & u64(~FLAGS)) | FLAG


def array_of(bank: u64) -> u64:
    """Word index of the array of a bank; in a data bank, that for reads, with that for writes behind it."""
    if bank < DATA_BANKS:
        return u64(ARRAY_WORDS * (1 + 2 * bank))
    return u64(ARRAY_WORDS * (1 + DATA_BANKS + bank))


def entry_of(base: u64, va: u64) -> u64:
    """Word index of the entry for `va` in the array at `base`."""
    return base | ((va >> 11) & INDEX_MASK)


def put_entry(h: Hart, base: u64, va: u64, spa: u64, flags: u64) -> None:
    """Remember that the page of `va` is at the page of `spa`. flags: 0, FLAG, or FLAGS when only watched."""
    entry = entry_of(base, va)
    page = va & PAGE_MASK
    h.tlb[entry] = page | flags
    h.tlb[entry | 1] = u64((spa & PAGE_MASK) - page)


def clear_bank(h: Hart, bank: u64) -> None:
    """Empty a bank."""
    first = array_of(bank)
    words: u64 = 2 * ARRAY_WORDS if bank < DATA_BANKS else ARRAY_WORDS
    for entry in range(first, u64(first + words), 2):
        h.tlb[entry] = INVALID
    h.bank_super[bank] = 0


def drop_bank(h: Hart, bank: u64) -> None:
    """Forget a bank; if it is a current one, the regime is settled again."""
    h.bank_regime[bank] = 0
    if bank == h.data_bank or bank == h.fetch_bank:
        update_regime(h)


def drop_page(h: Hart, bank: u64, va: u64) -> None:
    """Forget what a bank knows about the page of `va`."""
    entry = entry_of(array_of(bank), va)
    h.tlb[entry] = INVALID
    if bank < DATA_BANKS:
        h.tlb[u64(entry + ARRAY_WORDS)] = INVALID
