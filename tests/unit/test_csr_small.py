# SPDX-License-Identifier: Apache-2.0
"""Extensions of a few lines: Zihpm, Svvptc, and Sdtrig without triggers."""

from __future__ import annotations

import pytest

from core.features import DEFAULT_FEATURES, Feature
from core.mmu import access as memory
from tests.unit.test_csr_support import ILLEGAL, MODES, ONES, cause, enter, make_hart, read, write, written
from tests.unit.test_mmu_support import AD, RAM, RWX, SV39, Bench, V, no_trap, trap_of

TRIGGERS = ("tselect", "tdata1", "tdata2", "tdata3", "tinfo")


@pytest.mark.parametrize("feature", [Feature.ZIHPM, Feature.SVVPTC, Feature.SDTRIG])
def test_they_are_there_by_default(feature: Feature) -> None:
    assert feature in DEFAULT_FEATURES


@pytest.mark.parametrize("number", [3, 17, 31])
def test_hpmcounters_need_zihpm(number: int) -> None:
    """Those of M-mode are there in any case."""
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.ZIHPM)
    assert cause(h, f"hpmcounter{number}") == ILLEGAL
    assert cause(h, f"mhpmcounter{number}") == cause(h, f"mhpmevent{number}") == 0
    assert read(make_hart(), f"hpmcounter{number}") == 0


def test_probing_for_triggers_finds_none() -> None:
    """Debug Specification, Enumeration: tselect does not keep what was written, and trigger 0 has type 0."""
    h = make_hart()
    assert written(h, "tselect", 1) == 0 and written(h, "tselect", ONES) == 0
    write(h, "tdata1", 6 << 60 | 0x4F)
    assert read(h, "tdata1") >> 60 == 0
    assert written(h, "tdata2", ONES) == written(h, "tdata3", ONES) == 0
    assert read(h, "tinfo") & 0xFFFF == 1


def test_trigger_csrs_are_for_m_mode_only() -> None:
    h = make_hart()
    for name in TRIGGERS:
        assert [cause(enter(h, mode), name) for mode in MODES] == [0] + 4 * [ILLEGAL]
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.SDTRIG)
    assert {cause(h, name) for name in TRIGGERS} == {ILLEGAL}


def test_entries_made_valid_need_no_fence() -> None:
    """norm:Svvptc_explicit_stores_update_valid_bit: what is not valid is never remembered."""
    bench = Bench()
    root = bench.new_table()
    slot = bench.map(root, SV39, 0x40_0000, RAM, RWX | AD)
    bench.set(satp=bench.satp(SV39, root))
    bench.mode(1)
    assert trap_of(lambda: memory.load(bench.h, 0x40_0000, 8)) == (13, 0x40_0000, 0, 0)
    bench.put(slot, bench.word(slot) | V)
    assert no_trap(lambda: memory.load(bench.h, 0x40_0000, 8))
