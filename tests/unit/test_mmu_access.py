# SPDX-License-Identifier: Apache-2.0
"""Loads, stores, fetches, LR/SC and AMOs: sizes, alignment, page crossing, devices, watchpoints."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.events import Event
from core.mmu import access as memory
from core.mmu.tlb import VOID
from core.mmu.watch import COUNT, HOST_WORLD, add_watch, hit_kind, remove_watch, world_of
from tests.unit.test_mmu_support import (
    AD,
    DEVICE,
    RAM,
    RAM_SIZE,
    RW,
    RWX,
    SV39,
    Bench,
    R,
    V,
    no_trap,
    trap_of,
)

VA = 0x4000_0000
FIRST, SECOND = RAM + 0x8000, RAM + 0x3000
"""The two pages at VA lie apart and in the other order."""


def paged(first: int = V | RWX | AD, second: int = V | RWX | AD, target: int = SECOND) -> Bench:
    bench = Bench()
    root = bench.new_table()
    bench.map(root, SV39, VA, FIRST, first)
    bench.map(root, SV39, VA + 0x1000, target, second)
    bench.set(satp=bench.satp(SV39, root))
    bench.mode(1)
    return bench


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("offset", range(9))
def test_any_alignment_within_a_page(size: int, offset: int) -> None:
    bench = paged()
    data = bytes(range(0x11, 0x11 + 32))
    bench.machine.ram_view[FIRST - RAM : FIRST - RAM + 32] = data
    for _ in range(2):
        assert memory.load(bench.h, VA + offset, size) == int.from_bytes(data[offset : offset + size], "little")
    for value in (0, (1 << 64) - 1):
        memory.store(bench.h, VA + offset, size, value)
        after = data[:offset] + (value & 0xFF).to_bytes(1, "little") * size + data[offset + size :]
        assert bytes(bench.machine.ram_view[FIRST - RAM : FIRST - RAM + 32]) == after


@pytest.mark.parametrize("size", [2, 4, 8])
def test_page_crossing(size: int) -> None:
    for before in range(1, size):
        bench = paged()
        va = VA + 0x1000 - before
        value = int.from_bytes(bytes(range(1, size + 1)), "little")
        for _ in range(2):
            memory.store(bench.h, va, size, value | 0xFF << 8 * size & (1 << 64) - 1)
            assert memory.load(bench.h, va, size) == value
        low = bytes(bench.machine.ram_view[FIRST - RAM + 0x1000 - before : FIRST - RAM + 0x1000])
        high = bytes(bench.machine.ram_view[SECOND - RAM : SECOND - RAM + size - before])
        assert low + high == value.to_bytes(size, "little")
        assert bench.machine.ram_view[SECOND - RAM + size - before] == 0


def test_page_crossing_faults_in_the_page_that_faults_and_writes_nothing() -> None:
    bench = paged(second=V | R | AD)
    assert trap_of(lambda: memory.store(bench.h, VA + 0xFFD, 8, 1)) == (15, VA + 0x1000, 0, 3 << 8)
    assert bench.word(FIRST + 0xFF8) == 0
    bench = paged(first=0)
    assert trap_of(lambda: memory.store(bench.h, VA + 0xFFD, 8, 1)) == (15, VA + 0xFFD, 0, 0)
    bench = paged(second=0)
    assert trap_of(lambda: memory.load(bench.h, VA + 0xFFE, 4)) == (13, VA + 0x1000, 0, 2 << 8)
    bench = paged(target=DEVICE)
    assert trap_of(lambda: memory.load(bench.h, VA + 0xFFE, 4)) == (5, VA + 0x1000, 0, 2 << 8)
    assert trap_of(lambda: memory.store(bench.h, VA + 0xFFE, 4, 0)) == (7, VA + 0x1000, 0, 2 << 8)
    assert bench.machine.log == []


def test_wrapping_around_the_address_space() -> None:
    bench = paged()
    bench.mode(3)
    assert trap_of(lambda: memory.load(bench.h, (1 << 64) - 4, 8))[:2] == (5, (1 << 64) - 4)


def test_devices_take_aligned_accesses_and_refuse_others() -> None:
    bench = Bench()
    memory.store(bench.h, DEVICE + 4, 4, 0xFFFF_FFFF_1234_5678)
    assert [memory.load(bench.h, DEVICE + 4, size) for size in (1, 2, 4)] == [0x78, 0x5678, 0x1234_5678]
    assert memory.load(bench.h, DEVICE, 8) == 0x1234_5678_0000_0000
    assert bench.machine.log[0] == ("write", DEVICE + 4, 4)
    seen = len(bench.machine.log)
    assert trap_of(lambda: memory.load(bench.h, DEVICE + 2, 4)) == (5, DEVICE + 2, 0, 0)
    assert trap_of(lambda: memory.store(bench.h, DEVICE + 1, 2, 0)) == (7, DEVICE + 1, 0, 0)
    assert len(bench.machine.log) == seen
    assert trap_of(lambda: memory.load(bench.h, DEVICE + 64, 8)) == (5, DEVICE + 64, 0, 0)  # nothing answers
    assert trap_of(lambda: memory.store(bench.h, 0x20, 8, 0)) == (7, 0x20, 0, 0)
    assert trap_of(lambda: memory.load(bench.h, 0, 8)) == (5, 0, 0, 0)


def test_the_ends_of_ram() -> None:
    bench = Bench()
    top = RAM + RAM_SIZE
    memory.store(bench.h, top - 8, 8, 1)
    assert memory.load(bench.h, top - 8, 8) == 1
    assert trap_of(lambda: memory.load(bench.h, top - 4, 8))[:2] == (5, top)
    assert trap_of(lambda: memory.load(bench.h, top, 1))[:2] == (5, top)
    assert trap_of(lambda: memory.load(bench.h, RAM - 1, 2))[:2] == (5, RAM - 1)
    assert trap_of(lambda: memory.load(bench.h, RAM - 8, 8))[:2] == (5, RAM - 8)


@pytest.mark.parametrize("offset", [0, 2, 0xFFC, 0xFFE])
def test_fetch(offset: int) -> None:
    bench = paged()
    bench.put(FIRST + 0x1000 - 4, 0x1111_1111, 4)
    bench.h.pc = VA + offset
    bench.put(FIRST + offset, 0x4505, 2)  # c.li
    assert memory.fetch(bench.h) == 0x4505
    assert memory.fetch(bench.h) == 0x4505
    bench.put(FIRST + offset, 0x0513, 2)
    bench.put(SECOND if offset == 0xFFE else FIRST + offset + 2, 0x0010, 2)
    assert memory.fetch(bench.h) == 0x0010_0513
    assert memory.fetch_page(bench.h, VA + offset) == FIRST + offset


def test_fetch_straddling_faults_at_the_second_half() -> None:
    bench = paged(second=V | RW | AD)
    bench.h.pc = VA + 0xFFE
    bench.put(FIRST + 0xFFE, 0x0513, 2)
    assert trap_of(lambda: memory.fetch(bench.h)) == (12, VA + 0x1000, 0, 0)
    bench.put(FIRST + 0xFFE, 0x4505, 2)
    assert memory.fetch(bench.h) == 0x4505  # 16 bits: the second page does not matter
    bench.h.pc = DEVICE
    bench.mode(3)
    assert trap_of(lambda: memory.fetch(bench.h)) == (1, DEVICE, 0, 0)
    bench.h.pc = RAM + RAM_SIZE - 2
    bench.put(RAM + RAM_SIZE - 2, 0x0513, 2)
    assert trap_of(lambda: memory.fetch(bench.h)) == (1, RAM + RAM_SIZE, 0, 0)


def test_load_reserved_and_store_conditional() -> None:
    bench = paged()
    h = bench.h
    bench.put(FIRST + 8, 0xFFFF_FFFF_8000_0001)
    assert memory.load_reserved(h, VA + 8, 4) == 0x8000_0001
    assert memory.store_conditional(h, VA + 8, 4, 5) == 0
    assert bench.word(FIRST + 8) == 0xFFFF_FFFF_0000_0005
    assert memory.store_conditional(h, VA + 8, 4, 6) == 1  # the reservation is gone
    assert memory.load_reserved(h, VA + 8, 8) == 0xFFFF_FFFF_0000_0005
    assert memory.store_conditional(h, VA + 16, 8, 6) == 1
    assert memory.store_conditional(h, VA + 8, 8, 6) == 1
    assert memory.load_reserved(h, VA + 8, 8) and memory.store_conditional(h, VA + 8, 4, 6) == 1
    assert bench.word(FIRST + 8) == 0xFFFF_FFFF_0000_0005


def test_atomics_fault_as_what_they_are() -> None:
    bench = paged(first=V | R | AD)
    h = bench.h
    assert no_trap(lambda: memory.load_reserved(h, VA, 8))
    assert trap_of(lambda: memory.store_conditional(h, VA, 8, 0)) == (15, VA, 0, 0)
    assert trap_of(lambda: memory.amo_load(h, VA, 8)) == (15, VA, 0, 0)
    assert trap_of(lambda: memory.load_reserved(h, VA + 2, 4)) == (4, VA + 2, 0, 0)
    assert trap_of(lambda: memory.store_conditional(h, VA + 4, 8, 0)) == (6, VA + 4, 0, 0)
    assert trap_of(lambda: memory.amo_load(h, VA + 1, 4)) == (6, VA + 1, 0, 0)
    bench.mode(3)
    assert trap_of(lambda: memory.load_reserved(h, DEVICE, 4)) == (5, DEVICE, 0, 0)
    assert trap_of(lambda: memory.amo_load(h, DEVICE, 4)) == (7, DEVICE, 0, 0)
    assert trap_of(lambda: memory.store_conditional(h, DEVICE, 4, 0)) == (7, DEVICE, 0, 0)
    assert bench.machine.log == []


def test_amo_load_checks_for_a_store() -> None:
    bench = paged()
    bench.put(FIRST + 16, 0x1122_3344_5566_7788)
    for _ in range(2):
        assert memory.amo_load(bench.h, VA + 16, 4) == 0x5566_7788
        memory.store(bench.h, VA + 16, 4, 0x5566_7788)
    assert trap_of(lambda: memory.amo_load(bench.h, VA + 18, 4))[:2] == (6, VA + 18)  # also when the TLB hits


WATCHED = [
    (hit_kind(write=True), "store", 1),
    (hit_kind(write=True), "load", 0),
    (hit_kind(read=True), "load", 1),
    (hit_kind(read=True), "store", 0),
    (hit_kind(read=True, write=True), "load", 1),
    (hit_kind(read=True), "amo", 1),
    (hit_kind(read=True), "lr", 1),
    (hit_kind(write=True), "amo", 0),
]


@pytest.mark.parametrize(("kind", "what", "hit"), WATCHED)
@pytest.mark.parametrize("physical", [False, True])
def test_watchpoints(kind: int, what: str, hit: int, physical: bool) -> None:
    bench = paged()
    h = bench.h
    actions: dict[str, Callable[[int], object]] = {
        "load": lambda va: memory.load(h, va, 4),
        "store": lambda va: memory.store(h, va, 4, 7),
        "amo": lambda va: memory.amo_load(h, va, 4),
        "lr": lambda va: memory.load_reserved(h, va, 4),
    }
    memory.load(h, VA, 4)
    memory.store(h, VA, 4, 1)  # the TLB knows the page already
    index = add_watch(h, (FIRST if physical else VA) + 0x104, 4, kind | (hit_kind(physical=True) if physical else 0))
    for offset in (0x100, 0x108, 0x204):
        actions[what](VA + offset)
        assert h.watch_hit == 0 and h.event == 0
    actions[what](VA + 0x104)
    assert h.watch_hit == (index + 1) * hit and bool(h.event & Event.WATCHPOINT) == bool(hit)
    if hit:
        assert (h.watch_va, h.watch_write, h.left) == (VA + 0x104, int(what == "store"), 1)
    if what == "store":
        assert bench.word(FIRST + 0x100) >> 32 == 7  # the access itself has been made
    h.watch_hit = h.event = 0
    remove_watch(h, index)
    actions[what](VA + 0x104)
    assert h.watch_hit == 0 and h.watch_count == 0


def test_a_watched_access_that_crosses_pages() -> None:
    bench = paged()
    add_watch(bench.h, VA + 0x1001, 1, hit_kind(write=True))
    memory.store(bench.h, VA + 0xFFD, 4, 0)
    assert bench.h.watch_hit == 0
    memory.store(bench.h, VA + 0xFFE, 4, 0)
    assert (bench.h.watch_hit, bench.h.watch_va) == (1, VA + 0x1000)


def test_a_faulting_access_hits_nothing() -> None:
    bench = paged(second=0)
    add_watch(bench.h, VA + 0xFFE, 2, hit_kind(write=True))
    assert trap_of(lambda: memory.store(bench.h, VA + 0xFFE, 4, 0))[0] == 15
    assert bench.h.watch_hit == 0


def test_watchpoints_of_a_world() -> None:
    bench = paged()
    h = bench.h
    assert world_of(h, 0) == HOST_WORLD
    guest = bench.satp(SV39, RAM + 0x4000, 3)
    bench.set(hgatp=guest)
    world = world_of(h, 4)
    assert world not in (0, HOST_WORLD) and world != world_of(Bench().h, 4)
    bench.set(hgatp=0)
    other = add_watch(h, VA, 8, hit_kind(read=True), world)
    memory.load(h, VA, 8)
    assert h.watch_hit == 0
    mine = add_watch(h, VA, 8, hit_kind(read=True), HOST_WORLD)
    memory.load(h, VA, 8)
    assert (other, mine, h.watch_hit) == (0, 1, 2)
    remove_watch(h, other)
    h.watch_hit = 0
    memory.load(h, VA, 8)
    assert h.watch_hit == 2  # indices stay
    for _ in range(COUNT - 1):
        add_watch(h, VA, 8, hit_kind(read=True))
    with pytest.raises(ValueError, match="no more than 16"):
        add_watch(h, VA, 8, hit_kind(read=True))


def test_guest_accesses_leave_the_tlb_alone() -> None:
    bench = paged()
    bench.put(FIRST, 1)
    bench.set(vsatp=bench.h.satp, hstatus=1 << 8)
    before = bench.h.tlb.tolist()
    assert memory.guest_load(bench.h, VA, 8) == 1
    memory.guest_store(bench.h, VA + 0xFFC, 8, 2)
    assert memory.guest_fetch_load(bench.h, VA + 0xFFC, 4) == 2
    assert [tag for tag in bench.h.tlb.tolist()[::2] if tag and not tag & 0x800] == []
    assert before[VOID] == bench.h.tlb[VOID]
