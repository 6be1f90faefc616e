# SPDX-License-Identifier: Apache-2.0
"""A guest under two-stage translation, for the tests of it."""

from __future__ import annotations

from collections.abc import Callable

from core.mmu import access as memory
from core.mmu.fence import hfence_gvma
from tests.unit.test_mmu_support import (
    AD,
    BARE,
    GVA,
    HAS_GPA,
    LEVELS,
    RAM,
    RAM_SIZE,
    RWX,
    SV39,
    Bench,
    U,
    V,
)

VA = 0x15_5555_4000
GPA_BASE = 0x4000_0000
"""The guest's RAM: GPA_BASE + n lies at RAM + n."""
PAGE = 0x7000
"""Offset in RAM of the page at VA."""
GPA = GPA_BASE + PAGE
GUEST = GVA | HAS_GPA


class World(Bench):
    """A guest in VS-mode: VA -> GPA by vsatp, GPA_BASE... -> RAM by 4 KiB pages of hgatp, made when needed."""

    def __init__(self, vmode: int = SV39, gmode: int = SV39, bits: int = V | RWX | AD, gbits: int = V | RWX | U | AD):
        super().__init__()
        self.vmode, self.gmode, self.gbits = vmode, gmode, gbits
        self.groot = self.new_table(4)
        self.vroot = self.new_table()
        self.gslot = self.slot = 0
        if gmode != BARE:
            for offset in range(0, RAM_SIZE, 0x1000):  # page tables and data alike
                slot = self.map(self.groot, gmode, GPA_BASE + offset, RAM + offset, gbits, stage="G")
                if offset == PAGE:
                    self.gslot = slot
        self.offset = GPA_BASE - RAM if gmode != BARE else 0
        if vmode != BARE:
            self.slot = self.map_vs(VA, self.target(), bits)
        self.set(
            vsatp=self.satp(vmode, self.gpa(self.vroot)) if vmode != BARE else 0,
            hgatp=self.satp(gmode, self.groot, 5) if gmode != BARE else 0,
        )
        self.mode(1, 1)

    def map_vs(self, va: int, gpa: int, bits: int, level: int = 0) -> int:
        """Put a leaf into the VS-stage table; returns the physical address of the entry."""
        return self.map(self.gpa(self.vroot), self.vmode, va, gpa, bits, level, offset=self.offset)

    def gpa(self, spa: int) -> int:
        """The guest physical address of RAM."""
        return spa + self.offset

    def target(self) -> int:
        return self.gpa(RAM + PAGE)

    def gentry(self, gpa: int) -> int:
        """Physical address of the G-stage leaf entry for a guest physical address."""
        table = self.groot
        for level in range(LEVELS[self.gmode] - 1, 0, -1):
            wide = level == LEVELS[self.gmode] - 1
            table = self.word(table + 8 * (gpa >> (12 + 9 * level) & (0x7FF if wide else 0x1FF))) >> 10 << 12
        return table + 8 * (gpa >> 12 & 0x1FF)

    def fence(self) -> None:
        hfence_gvma(self.h, 0, 0, False, False)

    def load(self, va: int = VA) -> int:
        return memory.load(self.h, va, 8)

    def store(self, va: int = VA) -> None:
        memory.store(self.h, va, 8, 0)

    def fetch(self, va: int = VA) -> int:
        self.h.pc = va
        return memory.fetch(self.h)

    def actions(self) -> list[tuple[Callable[..., object], int, int]]:
        """(what, page-fault cause, guest-page-fault cause)."""
        return [(self.fetch, 12, 20), (self.load, 13, 21), (self.store, 15, 23)]


def test_world_maps_what_it_says() -> None:
    world = World()
    world.put(RAM + PAGE, 0x1234)
    assert world.load() == 0x1234 and world.fetch() == 0x1234
    assert world.word(world.gentry(GPA)) == world.word(world.gslot)
