# SPDX-License-Identifier: Apache-2.0
"""Two-stage translation: rules 68 to 90 of the hypervisor checklist, by value."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.mmu import access as memory
from core.mmu.fence import hfence_gvma, sfence_vma
from core.mmu.modes import MODES
from core.tolerance import Tolerance
from tests.unit.test_mmu_support import (
    AD,
    ADUE,
    BARE,
    DEVICE,
    GVA,
    HAS_GPA,
    IMPLICIT_READ,
    IMPLICIT_WRITE,
    LEVELS,
    MPRV,
    MPV,
    MXR,
    RAM,
    RAM_SIZE,
    RW,
    RWX,
    RX,
    SPVP,
    SUM,
    SV39,
    SV48,
    SV57,
    A,
    Bench,
    D,
    G,
    R,
    U,
    V,
    W,
    X,
    no_trap,
    trap_of,
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


@pytest.mark.parametrize("vmode", [BARE, SV39, SV48, SV57])
@pytest.mark.parametrize("gmode", [BARE, SV39, SV48, SV57])
def test_h068_any_mixture_of_modes_works(vmode: int, gmode: int) -> None:
    world = World(vmode, gmode)
    world.put(RAM + PAGE + 8, 0xABCD)
    va = world.target() if vmode == BARE else VA
    assert world.load(va + 8) == 0xABCD
    assert no_trap(lambda: world.store(va)) and no_trap(lambda: world.fetch(va))
    if vmode != BARE:
        assert trap_of(lambda: world.load(VA + 0x1000)) == (13, VA + 0x1000, 0, GVA)


def test_h069_bare_vsatp_still_has_the_g_stage() -> None:
    world = World(vmode=BARE)
    for action, _, guest_fault in world.actions():
        assert trap_of(lambda a=action: a(0x123_4564)) == (guest_fault, 0x123_4564, 0x123_4564, GUEST)  # type: ignore[misc]


@pytest.mark.parametrize(("gmode", "bits"), [(SV39, 41), (SV48, 50), (SV57, 59)])
def test_h070_wide_guest_physical_addresses_fault(gmode: int, bits: int) -> None:
    world = World(vmode=BARE, gmode=gmode)
    for gpa in (GPA | 1 << bits, GPA | 1 << 63, (1 << 64) - 0x1000):
        assert trap_of(lambda g=gpa: world.load(g)) == (21, gpa, gpa, GUEST)  # type: ignore[misc]
    top = (1 << bits) - 0x1000  # not sign-extended: a good address
    world.map(world.groot, gmode, top, RAM + PAGE, world.gbits, stage="G")
    assert no_trap(lambda: world.load(top))


def test_h070_implicit_accesses_are_checked_too() -> None:
    world = World()
    wide = 1 << 41
    world.set(vsatp=world.satp(SV39, wide))
    gpa = wide + 8 * (VA >> 30)
    assert trap_of(world.store) == (23, VA, gpa, GUEST | IMPLICIT_READ)
    world.set(vsatp=world.satp(SV39, world.gpa(world.vroot)))
    world.put(world.slot, wide >> 2 | V | RWX | AD)
    assert trap_of(lambda: world.load(VA + 4)) == (21, VA + 4, wide + 4, GUEST)


@pytest.mark.parametrize("gmode", [SV39, SV48, SV57])
def test_h071_the_root_table_is_four_times_as_large(gmode: int) -> None:
    world = World(vmode=BARE, gmode=gmode)
    shift = 12 + 9 * (LEVELS[gmode] - 1)
    for index in (0x200, 0x7FF, 0x5A5):
        gpa = index << shift
        world.map(world.groot, gmode, gpa, RAM + PAGE, world.gbits, stage="G")
        assert world.word(world.groot + 8 * index) & V
        assert no_trap(lambda g=gpa: world.load(g))  # type: ignore[misc]
    below = 1 << (shift - 9 + 9 - 1)  # the level below still has 9 bits: bit 9 of its index belongs to the root's
    assert trap_of(lambda: world.load((0x5A5 << shift) | below))[0] == 21


@pytest.mark.parametrize(("status", "vstatus"), [(0, 0), (SUM, SUM)])
def test_h072_g_stage_leaves_need_u(status: int, vstatus: int) -> None:
    world = World()
    world.set(mstatus=status, vsstatus=vstatus)
    world.put(world.gslot, world.word(world.gslot) & ~U)
    assert trap_of(world.load) == (21, VA, GPA, GUEST)
    world.put(world.gslot, world.word(world.gslot) | U)
    assert no_trap(world.load)


def test_h073_g_bit_of_g_stage_entries_is_ignored() -> None:
    world = World(gbits=V | RWX | U | G | AD)
    assert no_trap(world.load)


def test_h074_reading_a_vs_entry_needs_r_and_reports_the_original_access() -> None:
    world = World()
    entry = world.gentry(world.gpa(world.slot))
    gpa = world.gpa(world.slot)
    for bits in (X, 0, W, V):
        world.put(entry, world.word(entry) & ~0xF | (V if bits else 0) | (bits & ~V))
        for action, _, guest_fault in world.actions():
            assert trap_of(action) == (guest_fault, VA, gpa, GUEST | IMPLICIT_READ)
    world.put(entry, world.word(entry) & ~0xF | V | R)  # a readable page is enough, whatever the access
    assert all(no_trap(action) for action, _, _ in world.actions())


def test_h074_mxr_does_not_act_on_implicit_accesses() -> None:
    world = World()
    entry = world.gentry(world.gpa(world.slot))
    world.put(entry, world.word(entry) & ~(R | W))
    world.set(mstatus=MXR, vsstatus=MXR)
    assert trap_of(world.load) == (21, VA, world.gpa(world.slot), GUEST | IMPLICIT_READ)


def test_h075_gpa_is_that_of_the_data_or_of_the_entry() -> None:
    world = World()
    world.put(world.gslot, 0)
    for action, _, guest_fault in world.actions():
        assert trap_of(lambda a=action: a(VA + 0x124)) == (guest_fault, VA + 0x124, GPA + 0x124, GUEST)  # type: ignore[misc]
    world.set(vsatp=world.satp(SV39, 0x10_0000))  # a root table in a hole
    gpa = 0x10_0000 + 8 * (VA >> 30)
    assert trap_of(lambda: world.load(VA + 0x124)) == (21, VA + 0x124, gpa, GUEST | IMPLICIT_READ)


def test_h076_no_gpa_with_other_faults() -> None:
    world = World()
    world.put(world.slot, 0)
    assert trap_of(world.load) == (13, VA, 0, GVA)
    world.put(world.slot, world.target() >> 2 | V | RWX | AD)
    world.put(world.gslot, (RAM + RAM_SIZE) >> 2 | V | RWX | U | AD)
    assert trap_of(world.load) == (5, VA, 0, GVA)
    assert trap_of(world.store) == (7, VA, 0, GVA)
    assert trap_of(world.fetch) == (1, VA, 0, GVA)


def test_h077_the_half_that_faults_is_reported() -> None:
    world = World()
    beyond = VA + 0x1000
    world.map_vs(beyond, GPA_BASE + 0x9000, V | RWX | AD)
    world.put(world.gentry(GPA_BASE + 0x9000), 0)
    world.fence()
    world.put(RAM + PAGE + 0xFFE, 0x0003, 2)  # low half of a 32-bit instruction
    assert trap_of(lambda: world.fetch(VA + 0xFFE)) == (20, beyond, GPA_BASE + 0x9000, GUEST)
    offset = 5 << 8
    assert trap_of(lambda: world.load(VA + 0xFFB)) == (21, beyond, GPA_BASE + 0x9000, GUEST | offset)
    before = bytes(world.machine.ram_view[PAGE : PAGE + 0x1000])
    assert trap_of(lambda: world.store(VA + 0xFFB)) == (23, beyond, GPA_BASE + 0x9000, GUEST | offset)
    assert bytes(world.machine.ram_view[PAGE : PAGE + 0x1000]) == before
    world.put(world.gslot, 0)
    world.fence()
    assert trap_of(lambda: world.load(VA + 0xFFB)) == (21, VA + 0xFFB, GPA + 0xFFB, GUEST)


def test_h078_superpages_of_either_stage_combine() -> None:
    world = World()
    base = VA & ~0x1F_FFFF
    big = World(vmode=BARE)
    big.map(big.groot, SV39, 1 << 35, RAM, V | RWX | U | AD, 1, stage="G")  # G-stage 2 MiB, VS-stage bare
    big.put(RAM + 0x1_2340, 4711)
    assert big.load((1 << 35) + 0x1_2340) == 4711
    world.map_vs(base + 0x20_0000, GPA_BASE, V | RWX | AD, 1)  # VS-stage 2 MiB over G-stage 4 KiB pages
    for offset in (0x1000, 0x1_2340, 0x12_3458):
        world.put(RAM + offset, offset)
        assert world.load(base + 0x20_0000 + offset) == offset
    world.put(world.gentry(GPA_BASE + 0x2000), (RAM + 0x1000) >> 2 | world.gbits)
    assert world.load(base + 0x20_2000) == 0x1000
    world.put(world.gentry(GPA_BASE + 0x3000), 0)
    va = base + 0x20_3008
    assert trap_of(lambda: world.load(va)) == (21, va, GPA_BASE + 0x3008, GUEST)


def test_h079_misaligned_superpages_in_both_stages() -> None:
    world = World()
    base = VA & ~0x1F_FFFF
    va = base + 0x20_0000
    world.map_vs(va, GPA_BASE + 0x1000, V | RWX | AD, 1)
    assert trap_of(lambda: world.load(va)) == (13, va, 0, GVA)
    world = World(vmode=BARE)
    world.map(world.groot, SV39, 1 << 35, RAM + 0x1000, V | RWX | U | AD, 1, stage="G")
    assert trap_of(lambda: world.load(1 << 35)) == (21, 1 << 35, 1 << 35, GUEST)


MXR_CASES = [
    # VS leaf, G leaf, vsstatus.MXR, sstatus.MXR, cause of a load's fault (0: none)
    (X, RX, 0, 0, 13),
    (X, RX, MXR, 0, 0),
    (X, RX, 0, MXR, 0),
    (RX, X, 0, 0, 21),
    (RX, X, MXR, 0, 21),
    (RX, X, 0, MXR, 0),
    (X, X, MXR, 0, 21),
    (X, X, 0, MXR, 0),
    (X, X, MXR, MXR, 0),
    (RX, RW, MXR, 0, 0),
]


@pytest.mark.parametrize(("vs_bits", "g_bits", "vmxr", "mxr", "cause"), MXR_CASES)
def test_h080_mxr_of_either_level(vs_bits: int, g_bits: int, vmxr: int, mxr: int, cause: int) -> None:
    world = World(bits=V | AD | vs_bits)
    world.put(world.gslot, (RAM + PAGE) >> 2 | V | AD | U | g_bits)
    world.set(vsstatus=vmxr, mstatus=mxr)
    if cause:
        assert trap_of(world.load)[0] == cause
    else:
        assert no_trap(world.load)


@pytest.mark.parametrize(("vsum", "hsum", "allowed"), [(0, 0, 0), (0, SUM, 0), (SUM, 0, 1), (SUM, SUM, 1)])
def test_h081_only_vsstatus_sum_governs_a_guest(vsum: int, hsum: int, allowed: bool) -> None:
    world = World(bits=V | RW | U | AD)
    world.set(vsstatus=vsum, mstatus=hsum, hstatus=SPVP)
    assert no_trap(world.load) == allowed
    world.mode(1, 0)
    assert no_trap(lambda: memory.guest_load(world.h, VA, 8)) == allowed
    assert no_trap(lambda: memory.guest_store(world.h, VA, 8, 0)) == allowed


HLVX_CASES = [(RX, RX, 0), (X, X, 0), (RW, RX, 13), (RX, RW, 21), (X, RX, 0), (R, R, 13)]


@pytest.mark.parametrize(("vs_bits", "g_bits", "cause"), HLVX_CASES)
def test_h082_hlvx_needs_x_in_both_stages_and_faults_as_a_load(vs_bits: int, g_bits: int, cause: int) -> None:
    world = World(bits=V | AD | vs_bits)
    world.put(world.gslot, (RAM + PAGE) >> 2 | V | AD | U | g_bits)
    world.put(RAM + PAGE, 0x1234_5678)
    world.mode(1, 0)
    world.set(hstatus=SPVP)
    if cause:
        gpa = GPA if cause == 21 else 0
        assert trap_of(lambda: memory.guest_fetch_load(world.h, VA, 4)) == (cause, VA, gpa, GUEST if gpa else GVA)
    else:
        assert memory.guest_fetch_load(world.h, VA, 4) == 0x1234_5678


def test_h082_hlvx_needs_memory_that_can_be_executed() -> None:
    world = World()
    world.put(world.gslot, DEVICE >> 2 | V | AD | U | RWX)
    world.mode(1, 0)
    world.set(hstatus=SPVP)
    assert no_trap(lambda: memory.guest_load(world.h, VA, 4))
    assert trap_of(lambda: memory.guest_fetch_load(world.h, VA, 4)) == (5, VA, 0, GVA)


@pytest.mark.parametrize("spvp", [0, SPVP])
@pytest.mark.parametrize("user", [0, U])
@pytest.mark.parametrize("mprv", [0, MPRV, MPRV | 1 << 11, MPRV | MPV | 3 << 11])
def test_h083_guest_accesses_use_spvp_and_not_mprv(spvp: int, user: int, mprv: int) -> None:
    world = World(bits=V | RWX | AD | user)
    world.put(RAM + PAGE, 5)
    for mode in (1, 3):
        world.mode(mode, 0)
        world.set(hstatus=spvp, mstatus=mprv)
        assert no_trap(lambda: memory.guest_load(world.h, VA, 8)) == (bool(spvp) != bool(user))
    world.mode(3)
    world.set(mstatus=0)
    assert world.load(RAM + PAGE) == 5  # nothing of it is left for the next access


def test_h084_mprv_with_mpv_is_two_stage_unless_mpp_is_m() -> None:
    world = World()
    world.put(RAM + PAGE, 5)
    world.mode(3)
    world.set(mstatus=MPRV | MPV | 1 << 11)
    assert world.load() == 5
    assert trap_of(lambda: world.load(VA + 0x1000)) == (13, VA + 0x1000, 0, GVA)
    assert world.fetch(RAM + PAGE) == 5  # fetches stay M-mode's
    assert trap_of(lambda: world.fetch(1 << 40)) == (1, 1 << 40, 0, 0)  # and their faults have no guest address
    world.set(mstatus=MPRV | MPV)  # VU: the page is not for user mode
    assert trap_of(world.load) == (13, VA, 0, GVA)
    world.set(mstatus=MPRV | MPV | 3 << 11)
    assert world.load(RAM + PAGE) == 5
    world.set(mstatus=MPRV | 1 << 11)  # MPV=0: HS-mode by satp, which is Bare
    assert world.load(RAM + PAGE) == 5


def test_h085_hu_is_not_looked_at() -> None:
    world = World(bits=V | RWX | U | AD)
    world.mode(0, 0)
    world.set(hstatus=0)
    assert no_trap(lambda: memory.guest_load(world.h, VA, 8))


def test_h086_pmp_applies_to_the_final_address() -> None:
    world = World()
    world.h.pmpaddr[0], world.h.pmpcfg[0] = (RAM + PAGE) >> 2 | 0x1FF, 0x18  # nothing allowed in this page
    world.h.pmpaddr[1], world.h.pmpcfg[1] = (1 << 54) - 1, 0x1F
    world.h.pmp_stale = 1
    world.fence()
    for action, cause in ((world.fetch, 1), (world.load, 5), (world.store, 7)):
        assert trap_of(lambda a=action: a(VA + 4)) == (cause, VA + 4, 0, GVA)  # type: ignore[misc]
    world.h.pmpaddr[0] = world.slot >> 2 | 0x1FF  # a page table
    world.fence()
    for action, cause in ((world.fetch, 1), (world.load, 5), (world.store, 7)):
        assert trap_of(action) == (cause, VA, 0, GVA)


@pytest.mark.parametrize(("menvcfg", "henvcfg"), [(0, 0), (ADUE, 0), (0, ADUE), (ADUE, ADUE)])
def test_h087_adue_of_each_stage(menvcfg: int, henvcfg: int) -> None:
    world = World(bits=V | RWX)
    world.set(menvcfg=menvcfg, henvcfg=henvcfg)
    before = world.word(world.slot)
    if menvcfg and henvcfg:
        world.store()
        assert world.word(world.slot) == before | AD
    else:
        for action, page_fault, _ in world.actions():
            assert trap_of(action) == (page_fault, VA, 0, GVA)
        assert world.word(world.slot) == before
    world = World()
    world.put(world.gslot, world.word(world.gslot) & ~AD)
    world.set(menvcfg=menvcfg, henvcfg=henvcfg)
    before = world.word(world.gslot)
    if menvcfg:
        world.load()
        assert world.word(world.gslot) == before | A
        world.store()
        assert world.word(world.gslot) == before | AD
    else:
        for action, _, guest_fault in world.actions():
            assert trap_of(action) == (guest_fault, VA, GPA, GUEST)


def test_h088_updating_a_vs_entry_is_a_store_in_the_g_stage() -> None:
    world = World(bits=V | RWX, gbits=V | RWX | U | A)
    world.set(menvcfg=ADUE, henvcfg=ADUE, strict=0)
    entry = world.gentry(world.gpa(world.slot))
    world.load()
    assert world.word(world.slot) & AD == A
    assert world.word(entry) & D  # the page table itself was written to
    assert [code for code, _ in world.machine.warnings] == [Tolerance.AD_UPDATE_G, Tolerance.AD_UPDATE_VS]
    world = World(bits=V | RWX)
    world.set(menvcfg=ADUE, henvcfg=ADUE)
    entry = world.gentry(world.gpa(world.slot))
    world.put(entry, world.word(entry) & ~W)
    for action, _, guest_fault in world.actions():
        assert trap_of(action) == (guest_fault, VA, world.gpa(world.slot), GUEST | IMPLICIT_WRITE)
    assert world.word(world.slot) & AD == 0


def test_h088_permission_comes_before_a_and_d() -> None:
    world = World(bits=V | R)
    world.set(menvcfg=ADUE, henvcfg=ADUE)
    entry = world.gentry(world.gpa(world.slot))
    world.put(entry, world.word(entry) & ~W)
    assert trap_of(world.store) == (15, VA, 0, GVA)
    assert world.word(world.slot) & AD == 0


def test_h088_an_entry_that_maps_its_own_page() -> None:
    world = World()
    world.set(menvcfg=ADUE, henvcfg=ADUE, vsatp=world.satp(SV39, GPA_BASE + 0x10_0000))
    tables = [RAM + 0x10_0000 + 0x1000 * n for n in range(2)]
    world.put(tables[0] + 8 * (VA >> 30), (tables[1] - RAM + GPA_BASE) >> 2 | V)
    leaf = tables[1] + 8 * (VA >> 21 & 0x1FF)
    shared = world.gentry(world.gpa(leaf))  # make the G-stage's leaf table the VS-stage's level-1 table
    world.put(tables[1] + 8 * (VA >> 21 & 0x1FF), world.gpa(shared & ~0xFFF) >> 2 | V)
    index = VA >> 12 & 0x1FF
    world.put((shared & ~0xFFF) + 8 * index, (RAM + PAGE) >> 2 | V | RWX)
    assert trap_of(world.load)[0] in (13, 21)  # PPN means RAM as a GPA: unmapped, but nobody hangs


def test_h089_d_of_the_vs_leaf_may_be_set_though_the_g_stage_faults() -> None:
    world = World(bits=V | RWX)
    world.set(menvcfg=ADUE, henvcfg=ADUE)
    world.put(world.gslot, 0)
    assert trap_of(world.store) == (23, VA, GPA, GUEST)
    assert world.word(world.slot) & AD in (0, AD)


@pytest.mark.parametrize("bit", [61, 62, 63])
def test_h090_memory_types_and_n_are_reserved_without_their_extensions(bit: int) -> None:
    world = World()
    world.put(world.slot, world.word(world.slot) | 1 << bit)
    assert trap_of(world.load) == (13, VA, 0, GVA)
    world = World()
    world.put(world.gslot, world.word(world.gslot) | 1 << bit)
    assert trap_of(world.load) == (21, VA, GPA, GUEST)


def test_vu_mode_needs_u_in_the_vs_stage() -> None:
    world = World()
    world.mode(0, 1)
    assert trap_of(world.load) == (13, VA, 0, GVA)
    world.put(world.slot, world.word(world.slot) | U)
    assert no_trap(world.load)
    world.mode(1, 1)
    sfence_vma(world.h, 0, 0, False, False)
    assert trap_of(world.fetch) == (12, VA, 0, GVA)
    assert MODES[world.vmode].levels == 3
