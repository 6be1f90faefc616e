# SPDX-License-Identifier: Apache-2.0
"""Bits 63:61 of page-table entries: Svnapot and Svpbmt in all stages."""

from __future__ import annotations

import pytest

from core.debug.walk import View, explain
from core.features import DEFAULT_FEATURES, Feature
from core.mmu import access as memory
from core.mmu.fence import hfence_gvma, sfence_vma
from core.mmu.modes import Access
from tests.unit.test_csr_support import ONES, bit, make_hart, written
from tests.unit.test_mmu_support import AD, ADUE, PBMTE, RAM, RWX, SV39, SV48, SV57, A, Bench, D, U, V, no_trap, trap_of
from tests.unit.test_mmu_world import GPA, GUEST, PAGE, VA, World

N = 1 << 63
PMA, NC, IO, TYPE_3 = (kind << 61 for kind in range(4))
RANGE = RAM + 0x5_0000
"""A 64 KiB range."""


def paged(mode: int, target: int, bits: int, level: int = 0, menvcfg: int = PBMTE) -> tuple[Bench, int]:
    """S-mode with one leaf at VA; returns where it is, too."""
    bench = Bench()
    root = bench.new_table()
    slot = bench.map(root, mode, VA & (1 << 38) - 1, target, V | RWX | AD | bits, level)
    bench.set(satp=bench.satp(mode, root), menvcfg=menvcfg)
    bench.mode(1)
    return bench, slot


def test_both_are_there_by_default() -> None:
    assert Feature.SVPBMT in DEFAULT_FEATURES and Feature.SVNAPOT in DEFAULT_FEATURES


@pytest.mark.parametrize("mode", [SV39, SV48, SV57])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_h090_memory_types_of_leaves(mode: int, level: int) -> None:
    """norm:Svpbmt_leaf_pte_pbmt_reserved_3_fault, at every level."""
    va = VA & (1 << 38) - 1 & ~((1 << (12 + 9 * level)) - 1)
    for kind in (PMA, NC, IO):
        bench, _ = paged(mode, RAM, kind, level)
        assert no_trap(lambda b=bench: memory.load(b.h, va, 8))  # type: ignore[misc]
        assert no_trap(lambda b=bench: memory.store(b.h, va, 8, 1))  # type: ignore[misc]
    bench, _ = paged(mode, RAM, TYPE_3, level)
    assert trap_of(lambda: memory.load(bench.h, va, 8)) == (13, va, 0, 0)
    assert trap_of(lambda: memory.store(bench.h, va, 8, 1)) == (15, va, 0, 0)


@pytest.mark.parametrize("kind", [NC, IO, TYPE_3])
def test_h090_memory_types_are_reserved_without_pbmte(kind: int) -> None:
    """norm:menvcfg_pbmte_op: as though Svpbmt were not there."""
    bench, _ = paged(SV39, RAM, kind, menvcfg=0)
    va = VA & (1 << 38) - 1
    assert trap_of(lambda: memory.load(bench.h, va, 8)) == (13, va, 0, 0)


@pytest.mark.parametrize("bits", [NC, IO, TYPE_3, N, N | NC])
def test_h090_pointers_have_no_type_and_no_range(bits: int) -> None:
    """norm:Svpbmt_nonleaf_pte_pbmt_must_be_zero."""
    bench, _ = paged(SV39, RAM, 0)
    va = VA & (1 << 38) - 1
    entry = ((bench.h.satp & (1 << 44) - 1) << 12) + 8 * (va >> 30)
    bench.put(entry, bench.word(entry) | bits)
    assert trap_of(lambda: memory.load(bench.h, va, 8)) == (13, va, 0, 0)
    walk = explain(View.current(bench.h), va)
    assert walk.cause == 13 and walk.fault and "pointer with PBMT or N" in walk.fault


@pytest.mark.parametrize("menvcfg", [0, PBMTE])
@pytest.mark.parametrize("henvcfg", [0, PBMTE])
def test_h090_each_stage_has_its_own_enable(menvcfg: int, henvcfg: int) -> None:
    """norm:henvcfg_pbmte_op for the VS-stage, norm:menvcfg_pbmte_op for the G-stage; both needed for the former."""
    world = World()
    world.set(menvcfg=menvcfg, henvcfg=henvcfg)
    world.put(world.slot, world.word(world.slot) | NC)
    if menvcfg and henvcfg:
        assert no_trap(world.load)
    else:
        assert trap_of(world.load) == (13, VA, 0, 1)
    world = World()
    world.set(menvcfg=menvcfg, henvcfg=henvcfg)
    world.put(world.gslot, world.word(world.gslot) | IO)
    if menvcfg:
        assert no_trap(world.load)
    else:
        assert trap_of(world.load) == (21, VA, GPA, GUEST)


def test_h090_pbmte_exists_with_svpbmt_only() -> None:
    """norm:menvcfg_pbmte_rdonly0, norm:menvcfg_pbmte_henvcfg_pbmte_rdonly0."""
    for features, there in ((DEFAULT_FEATURES, True), (DEFAULT_FEATURES & ~Feature.SVPBMT, False)):
        h = make_hart(features=features)
        assert (written(h, "menvcfg", ONES) & bit("menvcfg", "PBMTE") != 0) is there
        assert (written(h, "henvcfg", ONES) & bit("henvcfg", "PBMTE") != 0) is there


def test_h090_the_reserved_type_faults_in_the_g_stage() -> None:
    world = World()
    world.set(menvcfg=PBMTE, henvcfg=PBMTE)
    world.put(world.gslot, world.word(world.gslot) | TYPE_3)
    assert trap_of(world.store) == (23, VA, GPA, GUEST)


@pytest.mark.parametrize("mode", [SV39, SV48, SV57])
def test_h090_a_64_kib_range(mode: int) -> None:
    """norm:Svnapot_implicit_read_ppn_subst: the low four bits of the page number come from the address."""
    bench, slot = paged(mode, RANGE | 0x8000, N)
    entry = bench.word(slot)
    first = VA & (1 << 38) - 1 & ~0xFFFF
    for page in range(16):
        bench.put(slot - 8 * (VA >> 12 & 15) + 8 * page, entry)
        bench.put(RANGE + 0x1000 * page + 0x18, 0x100 + page)
        assert memory.load(bench.h, first + 0x1000 * page + 0x18, 8) == 0x100 + page
        walk = explain(View.current(bench.h), first + 0x1000 * page + 0x18)
        assert walk.spa == RANGE + 0x1000 * page + 0x18 and "64 KiB range" in walk.steps[-1].text


@pytest.mark.parametrize("low", [low for low in range(16) if low != 8])
def test_h090_other_ranges_are_reserved(low: int) -> None:
    """norm:Svnapot_reserved_encoding_fault."""
    bench, _ = paged(SV39, RANGE | low << 12, N)
    va = VA & (1 << 38) - 1
    assert trap_of(lambda: memory.load(bench.h, va, 8)) == (13, va, 0, 0)


@pytest.mark.parametrize("level", [1, 2])
def test_h090_superpages_have_no_range(level: int) -> None:
    bench, slot = paged(SV39, RAM, N, level)
    va = VA & (1 << 38) - 1
    assert trap_of(lambda: memory.load(bench.h, va, 8)) == (13, va, 0, 0)
    bench.put(slot, bench.word(slot) | 8 << 10)
    assert trap_of(lambda: memory.load(bench.h, va, 8)) == (13, va, 0, 0)


def test_h090_n_is_reserved_without_svnapot() -> None:
    """norm:Sv39_pte_svnapot_rsv."""
    bench, _ = paged(SV39, RANGE | 0x8000, N)
    bench.set(features=int(DEFAULT_FEATURES & ~Feature.SVNAPOT))
    va = VA & (1 << 38) - 1
    assert trap_of(lambda: memory.load(bench.h, va, 8)) == (13, va, 0, 0)


def test_h090_ranges_in_both_stages() -> None:
    """norm:Svnapot_hyp_gstage."""
    world = World()
    frame = RAM + PAGE & ~0xFFFF
    world.put(RAM + PAGE, 0x77)
    world.put(world.gslot, (frame | 0x8000) >> 2 | N | V | RWX | U | AD)
    assert world.load() == 0x77
    world.put(world.slot, (world.gpa(frame) | 0x8000) >> 2 | N | V | RWX | AD)
    world.fence()
    world.put(RAM + (VA & 0xFFFF), 0x88)
    assert world.load() == 0x88
    walk = explain(View.current(world.h), VA)
    assert walk.gpa == world.gpa(frame) | VA & 0xFFFF
    world.put(world.gslot, (frame | 0x4000) >> 2 | N | V | RWX | U | AD)
    hfence_gvma(world.h, 0, 0, False, False)
    world.put(world.slot, world.target() >> 2 | V | RWX | AD)
    assert trap_of(world.load) == (21, VA, GPA, GUEST)


def test_h090_hardware_updates_the_entry_it_has_read() -> None:
    """A and D of one entry of a range; its N and page number stay."""
    bench, slot = paged(SV39, RANGE | 0x8000, N, menvcfg=PBMTE | ADUE)
    va = VA & (1 << 38) - 1
    bare = bench.word(slot) & ~AD
    bench.put(slot, bare)
    memory.load(bench.h, va, 8)
    assert bench.word(slot) == bare | A
    memory.store(bench.h, va, 8, 5)
    assert bench.word(slot) == bare | A | D


def test_h090_the_explaining_walk_tells_the_memory_type() -> None:
    bench, slot = paged(SV39, RAM, NC)
    va = VA & (1 << 38) - 1
    assert "memory type NC" in explain(View.current(bench.h), va).steps[-1].text
    bench.put(slot, bench.word(slot) | TYPE_3)
    sfence_vma(bench.h, 0, 0, False, False)
    walk = explain(View.current(bench.h), va, Access.WRITE)
    assert walk.cause == 15 and walk.rule == "norm:Svpbmt_leaf_pte_pbmt_reserved_3_fault"
