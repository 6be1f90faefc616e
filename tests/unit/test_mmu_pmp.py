# SPDX-License-Identifier: Apache-2.0
"""Physical memory protection: matching, priority, locking, Smepmp."""

from __future__ import annotations

import pytest

from core.features import Feature
from core.mmu import access as memory
from core.mmu.modes import Access
from core.mmu.pmp import allowed_now, pmp_allows, refresh
from core.mmu.tlb import flush_all
from tests.unit.test_mmu_support import AD, RAM, RWX, SV39, Bench, V, no_trap, trap_of

PR, PW, PX, L = 1, 2, 4, 0x80
TOR, NA4, NAPOT = 1 << 3, 2 << 3, 3 << 3
READ, WRITE, FETCH, HLVX = Access.READ, Access.WRITE, Access.FETCH, Access.HLVX


def napot(base: int, size: int) -> int:
    """The pmpaddr of a naturally aligned region."""
    return base >> 2 | (size >> 3) - 1


def bench(*entries: tuple[int, int], mseccfg: int = 0) -> Bench:
    """A bench with (pmpcfg, pmpaddr) entries from number 0 on."""
    made = Bench()
    made.h.pmpcfg[0] = 0
    for number, (config, address) in enumerate(entries):
        made.h.pmpcfg[number], made.h.pmpaddr[number] = config, address
    made.h.mseccfg = mseccfg
    if mseccfg:
        made.h.features |= Feature.SMEPMP
    flush_all(made.h)
    return made


def allows(made: Bench, spa: int, size: int = 8, access: int = READ, priv: int = 1) -> bool:
    """`pmp_allows` by fresh settings."""
    refresh(made.h)
    return pmp_allows(made.h, spa, size, access, priv)


def test_without_a_match_only_m_mode_may() -> None:
    made = bench()
    assert [allows(made, RAM, priv=priv) for priv in (0, 1, 3)] == [False, False, True]
    made = bench((NAPOT | PR, napot(RAM, 0x1000)))
    assert [allows(made, RAM + 0x1000, priv=priv) for priv in (0, 1, 3)] == [False, False, True]


def test_one_open_entry_costs_nothing() -> None:
    made = bench((NAPOT | PR | PW | PX, (1 << 54) - 1))
    refresh(made.h)
    assert made.h.pmp_active == 0
    for entries in (
        [(NAPOT | PR | PW, (1 << 54) - 1)],
        [(NAPOT | PR | PW | PX, (1 << 54) - 1 & ~(1 << 52))],
        [(NAPOT, napot(RAM, 0x1000)), (NAPOT | PR | PW | PX, (1 << 54) - 1)],
    ):
        made = bench(*entries)
        refresh(made.h)
        assert made.h.pmp_active == 1
    made = bench((0, 5), (NAPOT | PR | PW | PX, (1 << 54) - 1), (NAPOT, napot(RAM, 0x1000)))
    refresh(made.h)
    assert (made.h.pmp_active, made.h.pmp_count) == (0, 3)


@pytest.mark.parametrize("size", [8, 16, 4096, 1 << 20])
def test_napot_matches_its_region(size: int) -> None:
    made = bench((NAPOT | PR, napot(RAM + size, size)))
    assert allows(made, RAM + size) and allows(made, RAM + 2 * size - 8)
    assert not allows(made, RAM + size - 8) and not allows(made, RAM + 2 * size)


def test_na4_and_tor() -> None:
    made = bench((NA4 | PR, RAM >> 2))
    assert allows(made, RAM, 4) and not allows(made, RAM + 4, 4) and not allows(made, RAM, 8)
    made = bench((TOR | PR, (RAM + 0x100) >> 2))
    assert allows(made, 0) and allows(made, RAM + 0xF8) and not allows(made, RAM + 0x100)
    made = bench((0, RAM >> 2), (TOR | PR, (RAM + 0x100) >> 2))
    assert allows(made, RAM) and not allows(made, RAM - 8) and not allows(made, RAM + 0xFC)
    made = bench((0, (RAM + 0x100) >> 2), (TOR | PR, (RAM + 0x100) >> 2), (NAPOT | PR, (1 << 54) - 1))
    assert allows(made, RAM + 0xF8) and allows(made, RAM + 0x100)  # an empty range matches nothing
    made = bench((TOR, 0), (NAPOT | PR, (1 << 54) - 1))
    assert allows(made, 0)


def test_the_lowest_entry_that_matches_any_byte_decides() -> None:
    made = bench((NA4 | PR | PW, (RAM + 0xC) >> 2), (NAPOT | PR, napot(RAM, 0x1000)))
    assert not allows(made, RAM + 8, 8)  # the manual's example: it matches only half of the access
    assert allows(made, RAM + 0xC, 4, WRITE) and not allows(made, RAM + 8, 4, WRITE)
    assert not allows(made, RAM + 8, 8, priv=3)  # irrespective of L


@pytest.mark.parametrize("rights", range(8))
@pytest.mark.parametrize("locked", [0, L])
def test_rights(rights: int, locked: int) -> None:
    if rights & 3 == PW:
        return  # reserved
    made = bench((NAPOT | rights | locked, napot(RAM, 0x1000)))
    wanted = {READ: PR, WRITE: PW, FETCH: PX, HLVX: PR | PX}
    for access, needed in wanted.items():
        granted = rights & needed == needed
        assert allows(made, RAM, access=access) == granted
        assert allows(made, RAM, access=access, priv=3) == (granted or not locked)


def test_faults_and_pages_that_are_split() -> None:
    made = bench((NAPOT | PR, napot(RAM + 0x1000, 0x100)), (NAPOT | RWX >> 1, (1 << 54) - 1))
    made.mode(1)
    h = made.h
    for _ in range(2):
        assert no_trap(lambda: memory.load(h, RAM + 0x1000, 8))
        assert trap_of(lambda: memory.store(h, RAM + 0x1000, 8, 0)) == (7, RAM + 0x1000, 0, 0)
        assert no_trap(lambda: memory.store(h, RAM + 0x1100, 8, 0))
        h.pc = RAM + 0x1080
        assert trap_of(lambda: memory.fetch(h)) == (1, RAM + 0x1080, 0, 0)
        h.pc = RAM + 0x1100
        assert no_trap(lambda: memory.fetch(h))
        assert memory.fetch_page(h, RAM + 0x1100) == RAM + 0x1100 and memory.fetch_differs(h, RAM + 0x1100)
        assert not (memory.fetch_page(h, RAM) and memory.fetch_differs(h, RAM))
    made.mode(3)
    assert no_trap(lambda: memory.store(h, RAM + 0x1000, 8, 0))  # not locked


def test_page_table_accesses_count_as_s_mode() -> None:
    made = Bench()
    root = made.new_table()
    slot = made.map(root, SV39, 0x4000_0000, RAM, V | RWX | AD)
    made.set(satp=made.satp(SV39, root))
    made.mode(1)
    made.h.pmpcfg[0], made.h.pmpaddr[0] = NAPOT, napot(slot & ~0xFFF, 0x1000)
    made.h.pmpcfg[1], made.h.pmpaddr[1] = NAPOT | RWX >> 1, (1 << 54) - 1
    flush_all(made.h)
    assert trap_of(lambda: memory.store(made.h, 0x4000_0008, 8, 0)) == (7, 0x4000_0008, 0, 0)
    made.h.pmpcfg[0] = NAPOT | PR
    flush_all(made.h)
    assert no_trap(lambda: memory.store(made.h, 0x4000_0008, 8, 0))
    made.put(slot, made.word(slot) & ~AD)
    made.set(menvcfg=1 << 61)
    flush_all(made.h)
    assert trap_of(lambda: memory.load(made.h, 0x4000_0008, 8)) == (5, 0x4000_0008, 0, 0)  # A cannot be written


MML_TABLE = [
    # LRWX, M-mode, S/U-mode (priv, Smepmp truth table)
    ("0000", "", ""), ("0001", "", "x"), ("0010", "rw", "r"), ("0011", "rw", "rw"),
    ("0100", "", "r"), ("0101", "", "rx"), ("0110", "", "rw"), ("0111", "", "rwx"),
    ("1000", "", ""), ("1001", "x", ""), ("1010", "x", "x"), ("1011", "rx", "x"),
    ("1100", "r", ""), ("1101", "rx", ""), ("1110", "rw", ""), ("1111", "r", "r"),
]  # fmt: skip


@pytest.mark.parametrize(("bits", "machine", "lower"), MML_TABLE)
def test_machine_mode_lockdown(bits: str, machine: str, lower: str) -> None:
    locked, readable, writable, executable = (int(bit) for bit in bits)
    config = locked * L | readable * PR | writable * PW | executable * PX
    made = bench((NAPOT | config, napot(RAM, 0x1000)), mseccfg=1)
    for access, letter in ((READ, "r"), (WRITE, "w"), (FETCH, "x")):
        assert allows(made, RAM, access=access, priv=3) == (letter in machine)
        assert allows(made, RAM, access=access, priv=1) == (letter in lower)
        assert allows(made, RAM, access=access, priv=0) == (letter in lower)


def test_what_matches_nothing_under_smepmp() -> None:
    made = bench((NAPOT, napot(RAM, 0x1000)), mseccfg=1)
    assert allows(made, RAM + 0x1000, priv=3) and not allows(made, RAM + 0x1000, access=FETCH, priv=3)
    made = bench((NAPOT, napot(RAM, 0x1000)), mseccfg=2)
    assert not allows(made, RAM + 0x1000, priv=3)


def test_allowed_now_sees_changes_at_once() -> None:
    made = bench((NAPOT, (1 << 54) - 1))
    assert not allowed_now(made.h, RAM, 8, READ, 1)
    made.h.pmpcfg[0] |= PR
    assert allowed_now(made.h, RAM, 8, READ, 1)
