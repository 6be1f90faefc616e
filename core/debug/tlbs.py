# SPDX-License-Identifier: Apache-2.0
"""What a hart's software TLB holds, for looking at."""

from __future__ import annotations

from dataclasses import dataclass

from core.hart import Hart
from core.mmu.modes import Regime
from core.mmu.tlb import ARRAY_WORDS, BANKS, DATA_BANKS, FLAG, INVALID, array_of

MASK = (1 << 64) - 1
PAGE = 4096


@dataclass(frozen=True)
class Pages:
    """Neighbouring pages: addresses from `start` on, physical ones from `spa` on; slow: not on the fast path (devices,
    watched pages, decoded code)."""

    start: int
    spa: int
    count: int
    slow: bool


@dataclass(frozen=True)
class Bank:
    """Translations made under one set of rights. access: "load", "store" or "fetch"; mode: as in Regime."""

    number: int
    access: str
    priv: int
    v: bool
    satp: int
    vsatp: int
    hgatp: int
    current: bool
    pages: tuple[Pages, ...]


def banks(h: Hart) -> list[Bank]:
    """All banks in use, each access by itself."""
    found = []
    for number in range(BANKS):
        regime = h.bank_regime[number]
        if not regime:
            continue
        data = number < DATA_BANKS
        for index, access in enumerate(("load", "store") if data else ("fetch",)):
            base = array_of(number) + index * ARRAY_WORDS
            current = base in (h.tlb_read, h.tlb_write, h.tlb_fetch)
            found.append(
                Bank(
                    number,
                    access,
                    Regime.PRIV.of(regime),
                    bool(Regime.V.of(regime)),
                    h.bank_satp[number],
                    h.bank_vsatp[number],
                    h.bank_hgatp[number],
                    current,
                    tuple(_pages(h, base)),
                )
            )
    return found


def _pages(h: Hart, base: int) -> list[Pages]:
    entries = []
    for entry in range(base, base + ARRAY_WORDS, 2):
        tag = h.tlb[entry]
        if tag & INVALID != INVALID:
            page = tag & ~(PAGE - 1)
            entries.append((page, (page + h.tlb[entry + 1]) & MASK, bool(tag & FLAG)))
    found: list[Pages] = []
    for page, spa, slow in sorted(entries):
        last = found[-1] if found else None
        if last and (page, spa, slow) == (last.start + PAGE * last.count, last.spa + PAGE * last.count, last.slow):
            found[-1] = Pages(last.start, last.spa, last.count + 1, slow)
        else:
            found.append(Pages(page, spa, 1, slow))
    return found
