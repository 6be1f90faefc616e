# SPDX-License-Identifier: Apache-2.0
"""A bare hart with a little RAM and page tables, for the tests of address translation.

PTE and CSR bits are spelled out here on purpose.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.csr import access, registry  # noqa: F401  (all CSRs are declared before the first Hart is made)
from core.csr.rnmi import Mnstatus
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import Trap
from core.mmu import access as memory
from core.mmu.tlb import flush_all, update_regime

RAM = 0x8000_0000
RAM_SIZE = 0x40_0000
DEVICE = 0x1000_0000
V, R, W, X, U, G, A, D = (1 << bit for bit in range(8))
RW, RX, RWX = R | W, R | X, R | W | X
AD = A | D
BARE, SV39, SV48, SV57 = 0, 8, 9, 10
LEVELS = {SV39: 3, SV48: 4, SV57: 5}
SUM, MXR, MPRV = 1 << 18, 1 << 19, 1 << 17
MPV = 1 << 39
ADUE, PBMTE = 1 << 61, 1 << 62
SPVP = 1 << 8
GVA, IMPLICIT_READ, IMPLICIT_WRITE, HAS_GPA = 1, 2, 4, 8
ALL_FEATURES = ~Feature.SMEPMP


class FakeMachine:
    """RAM and one device register of 64 bytes at DEVICE."""

    def __init__(self) -> None:
        self.ram_view = memoryview(bytearray(RAM_SIZE))
        self.device = bytearray(64)
        self.log: list[tuple[str, int, int]] = []
        self.warnings: list[tuple[int, int]] = []
        self.hart: Hart

    def device_read(self, h: Hart, spa: int, size: int) -> int:
        """Read the device; anything else is a bus error."""
        if not DEVICE <= spa <= DEVICE + 64 - size:
            h.bus_error = 1
            return 0
        self.log.append(("read", spa, size))
        return int.from_bytes(self.device[spa - DEVICE : spa - DEVICE + size], "little")

    def device_write(self, h: Hart, spa: int, size: int, value: int) -> None:
        """Write the device; anything else is a bus error."""
        if not DEVICE <= spa <= DEVICE + 64 - size:
            h.bus_error = 1
            return
        self.log.append(("write", spa, size))
        self.device[spa - DEVICE : spa - DEVICE + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")

    def warn(self, h: Hart, code: int, detail: int) -> None:
        """Keep a tolerance warning."""
        self.warnings.append((code, detail))


class Bench:
    """A hart in M-mode with PMP open, and a bump allocator for page tables at the end of RAM."""

    def __init__(self) -> None:
        self.h = h = Hart()
        self.machine = h.machine = FakeMachine()
        h.features = h.features_all = int(ALL_FEATURES) & ((1 << 63) - 1)
        h.ram_base, h.ram_size = RAM, RAM_SIZE
        h.strict = 1
        h.mnstatus = Mnstatus.NMIE.mask
        h.limit = h.left = 1000
        h.mode = 3
        h.pmpaddr[0], h.pmpcfg[0] = (1 << 54) - 1, 0x1F
        self.next_table = RAM + 0x20_0000
        flush_all(h)

    def mode(self, mode: int, v: int = 0) -> None:
        """Switch privilege."""
        self.h.mode, self.h.v = mode, v
        update_regime(self.h)

    def set(self, **slots: int) -> None:
        """Write CSR slots as a CSR write would."""
        for name, value in slots.items():
            setattr(self.h, name, value)
        update_regime(self.h)

    def word(self, spa: int) -> int:
        """64 bits of RAM."""
        return int.from_bytes(self.machine.ram_view[spa - RAM : spa - RAM + 8], "little")

    def put(self, spa: int, value: int, size: int = 8) -> None:
        """Write RAM behind the hart's back."""
        self.machine.ram_view[spa - RAM : spa - RAM + size] = value.to_bytes(size, "little")

    def new_table(self, pages: int = 1) -> int:
        """Zeroed memory for a page table, aligned to its size."""
        size = 4096 * pages
        table = (self.next_table + size - 1) // size * size
        self.next_table = table + size
        assert self.next_table <= RAM + RAM_SIZE
        return table

    def map(
        self,
        root: int,
        mode: int,
        address: int,
        target: int,
        bits: int,
        level: int = 0,
        *,
        stage: str = "S",
        offset: int = 0,
    ) -> int:
        """Put a leaf for `address` into the table at `root`, making tables as needed; returns where it is.

        Tables are named by their physical addresses plus `offset` (guest physical addresses in the VS-stage).
        """
        table = root
        for at in range(LEVELS[mode] - 1, level - 1, -1):
            wide = stage == "G" and at == LEVELS[mode] - 1
            index = address >> (12 + 9 * at) & (0x7FF if wide else 0x1FF)
            slot = table - offset + 8 * index
            if at == level:
                self.put(slot, (target >> 12) << 10 | bits)
                return slot
            entry = self.word(slot)
            if not entry & V:
                entry = (self.new_table() + offset >> 12) << 10 | V
                self.put(slot, entry)
            table = (entry >> 10) << 12
        raise AssertionError

    def satp(self, mode: int, root: int, asid: int = 0) -> int:
        """A value of satp, vsatp (asid) or hgatp (VMID): the fields lie alike."""
        return mode << 60 | asid << 44 | root >> 12


def trap_of(action: Callable[[], object]) -> tuple[int, int, int, int]:
    """(cause, tval, gpa, info) of the Trap that `action` raises."""
    with pytest.raises(Trap) as caught:
        action()
    trap = caught.value
    return trap.cause, trap.tval, trap.gpa, int(trap.info)


def no_trap(action: Callable[[], object]) -> bool:
    """Whether `action` runs without a Trap."""
    try:
        action()
    except Trap:
        return False
    return True


def test_bench_maps_what_it_says() -> None:
    bench = Bench()
    root = bench.new_table()
    slot = bench.map(root, SV39, 0x4000_1000, RAM + 0x3000, V | R | A)
    bench.set(satp=bench.satp(SV39, root))
    bench.mode(1)
    bench.put(RAM + 0x3010, 0x1122334455667788)
    assert bench.word(slot) == (RAM + 0x3000) >> 2 | V | R | A
    assert memory.load(bench.h, 0x4000_1010, 4) == 0x55667788
