# SPDX-License-Identifier: Apache-2.0
"""What the TLB may keep, and what fences take away: rules 97 to 103 of the hypervisor checklist, by what an access finds."""

from __future__ import annotations

import pytest

from core.mmu import access as memory
from core.mmu.fence import hfence_gvma, hfence_vvma, sfence_vma
from core.mmu.tlb import BANKS, FLAG, VOID, entry_of, flag_code_page, flush_all, tlb_refresh_flags
from tests.unit.test_mmu_support import (
    AD,
    DEVICE,
    RAM,
    RWX,
    SUM,
    SV39,
    Bench,
    R,
    U,
    V,
    W,
    no_trap,
    trap_of,
)

VA = 0x4000_0000
OLD, NEW = RAM + 0x8000, RAM + 0x9000


class Fenced(Bench):
    """VA is mapped to OLD, was read through the TLB, and its entry then changed to NEW behind the hart's back."""

    def __init__(self, world: str = "host", asid: int = 7, vmid: int = 3, level: int = 0) -> None:
        super().__init__()
        self.put(OLD, 1)
        self.put(NEW, 2)
        self.guest = world == "guest"
        root = self.new_table()
        target = OLD if level == 0 else OLD >> 21 << 21
        self.slot = self.map(root, SV39, VA, target, V | RWX | AD, level)
        self.va = VA + (OLD - target)
        if self.guest:
            self.set(vsatp=self.satp(SV39, root, asid), hgatp=vmid << 44)
            self.mode(1, 1)
        else:
            self.set(satp=self.satp(SV39, root, asid))
            self.mode(1, 0)
        assert self.seen() == 1
        if level == 0:
            self.put(self.slot, NEW >> 2 | V | RWX | AD)
        else:
            self.put(OLD, 2)  # what matters is only whether the entry is still used
            self.put(self.slot, 0)

    def seen(self) -> int:
        """1: the old translation is in use, 2: the new one, 0: none."""
        if not no_trap(lambda: memory.load(self.h, self.va, 8)):
            return 0
        return memory.load(self.h, self.va, 8)


def test_a_translation_is_kept_until_a_fence() -> None:
    bench = Fenced()
    assert bench.seen() == 1
    sfence_vma(bench.h, 0, 0, False, False)
    assert bench.seen() == 2


@pytest.mark.parametrize(("va", "asid", "gone"), [(VA, 7, True), (VA, None, True), (None, 7, True), (None, 8, False)])
def test_sfence_by_address_and_asid(va: int | None, asid: int | None, gone: bool) -> None:
    bench = Fenced()
    sfence_vma(bench.h, va or 0, asid or 0, va is not None, asid is not None)
    assert bench.seen() == (2 if gone else 1)


def test_sfence_of_another_page_or_asid_may_keep() -> None:
    bench = Fenced()
    sfence_vma(bench.h, VA + 0x1000, 0, True, False)
    sfence_vma(bench.h, VA, 9, True, True)
    assert bench.seen() == 1


def test_sfence_ignores_unimplemented_asid_bits() -> None:
    bench = Fenced()
    sfence_vma(bench.h, 0, 7 | 0xABCD << 16, False, True)
    assert bench.seen() == 2


def test_h097_sfence_in_v1_acts_on_this_vm_only() -> None:
    bench = Fenced("guest")
    sfence_vma(bench.h, 0, 0, False, False)
    assert bench.seen() == 2
    bench = Fenced("guest")
    bench.set(hgatp=4 << 44)  # another VM executes the fence
    sfence_vma(bench.h, 0, 0, False, False)
    bench.set(hgatp=3 << 44)
    assert bench.seen() == 1
    bench = Fenced("host")
    bench.mode(1, 1)
    sfence_vma(bench.h, 0, 0, False, False)
    bench.mode(1, 0)
    assert bench.seen() == 1


def test_h097_sfence_in_v0_leaves_guests_alone() -> None:
    bench = Fenced("guest")
    bench.mode(1, 0)
    sfence_vma(bench.h, 0, 0, False, False)
    bench.mode(1, 1)
    assert bench.seen() == 1


@pytest.mark.parametrize(("vmid", "gone"), [(3, True), (4, False)])
def test_h098_hfence_vvma_uses_the_current_vmid_also_when_hgatp_is_bare(vmid: int, gone: bool) -> None:
    bench = Fenced("guest")
    bench.mode(1, 0)
    bench.set(hgatp=vmid << 44)
    hfence_vvma(bench.h, VA, 7, True, True)
    bench.set(hgatp=3 << 44)
    bench.mode(1, 1)
    assert bench.seen() == (2 if gone else 1)


@pytest.mark.parametrize(("gpa", "vmid", "gone"), [(None, None, True), (None, 3, True), (0x123, 3, True), (None, 4, False)])
def test_h099_hfence_gvma_drops_what_came_through_the_g_stage(gpa: int | None, vmid: int | None, gone: bool) -> None:
    bench = Fenced("guest")
    bench.mode(1, 0)
    hfence_gvma(bench.h, gpa or 0, vmid or 0, gpa is not None, vmid is not None)
    bench.mode(1, 1)
    assert bench.seen() == (2 if gone else 1)


def test_h100_hfence_gvma_leaves_v0_entries() -> None:
    bench = Fenced("host")
    hfence_gvma(bench.h, 0, 0, False, False)
    assert bench.seen() == 1


@pytest.mark.parametrize("world", ["host", "guest"])
@pytest.mark.parametrize("page", [0, 0x1000, 0x1F_F000])
def test_h100_a_fence_anywhere_in_a_superpage_drops_all_of_it(world: str, page: int) -> None:
    bench = Fenced(world, level=1)
    assert bench.seen() == 2
    sfence_vma(bench.h, VA + page, 0, True, False)
    assert bench.seen() == 0


def test_h101_pmp_changes_reach_cached_translations() -> None:
    bench = Fenced("guest")
    bench.h.pmpcfg[0] = 0x18
    flush_all(bench.h)  # what a write of a PMP CSR does
    assert trap_of(lambda: memory.load(bench.h, VA, 8))[0] == 5


def test_h102_worlds_with_the_same_asid_do_not_hit_each_other() -> None:
    bench = Bench()
    pages = {}
    for number, (mode, v, vmid) in enumerate([(1, 0, 0), (1, 1, 1), (1, 1, 2), (0, 1, 1), (0, 0, 0)]):
        root = bench.new_table()
        page = RAM + 0x1_0000 + 0x1000 * number
        bench.put(page, number)
        bench.map(root, SV39, VA, page, V | RWX | AD | (0 if mode else U))
        pages[number] = (mode, v, vmid, root)
    for _ in range(3):
        for number, (mode, v, vmid, root) in pages.items():
            atp = bench.satp(SV39, root, 5)
            bench.set(vsatp=atp, hgatp=vmid << 44) if v else bench.set(satp=atp)
            bench.mode(mode, v)
            assert memory.load(bench.h, VA, 8) == number


def test_h102_sum_and_mxr_take_effect_at_once() -> None:
    bench = Bench()
    root = bench.new_table()
    bench.map(root, SV39, VA, OLD, V | R | W | U | AD)
    bench.set(satp=bench.satp(SV39, root), mstatus=SUM)
    bench.mode(1)
    assert no_trap(lambda: memory.load(bench.h, VA, 8)) and no_trap(lambda: memory.store(bench.h, VA, 8, 0))
    bench.set(mstatus=0)
    assert trap_of(lambda: memory.load(bench.h, VA, 8))[0] == 13
    assert trap_of(lambda: memory.store(bench.h, VA, 8, 0))[0] == 15
    bench.set(mstatus=SUM)
    assert no_trap(lambda: memory.load(bench.h, VA, 8))


def test_more_worlds_than_banks() -> None:
    bench = Bench()
    roots = []
    for number in range(BANKS + 3):
        roots.append(bench.new_table())
        bench.map(roots[-1], SV39, VA, RAM + 0x1000 * (number + 1), V | RWX | AD)
        bench.put(RAM + 0x1000 * (number + 1), number)
    bench.mode(1)
    for _ in range(2):
        for number, root in enumerate(roots):
            bench.set(satp=bench.satp(SV39, root))
            assert memory.load(bench.h, VA, 8) == number
            bench.h.pc = VA
            assert memory.fetch(bench.h) == number


def test_read_permission_does_not_give_write_permission() -> None:
    bench = Bench()
    root = bench.new_table()
    bench.map(root, SV39, VA, OLD, V | R | AD)
    bench.set(satp=bench.satp(SV39, root))
    bench.mode(1)
    assert no_trap(lambda: memory.load(bench.h, VA, 8))
    assert trap_of(lambda: memory.store(bench.h, VA, 8, 0))[0] == 15
    bench.h.pc = VA
    assert trap_of(lambda: memory.fetch(bench.h))[0] == 12


def test_only_plain_ram_gets_a_fast_entry() -> None:
    bench = Bench()
    h = bench.h
    page = RAM + 0x1000
    memory.load(h, page, 8)
    memory.load(h, DEVICE, 8)
    assert h.tlb[entry_of(h.tlb_read, page)] == page
    assert h.tlb[entry_of(h.tlb_read, DEVICE)] == DEVICE | FLAG
    before = len(bench.machine.log)
    memory.load(h, DEVICE, 8)
    assert len(bench.machine.log) == before + 1
    memory.store(h, page, 8, 1)
    flag_code_page(h, page + 0x123)
    assert h.tlb[entry_of(h.tlb_write, page)] == page | FLAG and h.tlb[entry_of(h.tlb_read, page)] == page
    memory.store(h, page, 8, 2)
    assert bench.word(page) == 2
    tlb_refresh_flags(h)
    assert h.tlb_read == VOID
    memory.store(h, page, 8, 3)
    assert h.tlb[entry_of(h.tlb_write, page)] == page


def test_page_zero_is_not_found_in_an_empty_tlb() -> None:
    bench = Bench()
    for _ in range(2):
        assert trap_of(lambda: memory.load(bench.h, 0, 8)) == (5, 0, 0, 0)
        assert trap_of(lambda: memory.store(bench.h, 0, 8, 0)) == (7, 0, 0, 0)
        assert trap_of(lambda: memory.fetch(bench.h)) == (1, 0, 0, 0)
