# SPDX-License-Identifier: Apache-2.0
"""Two-stage translation, rights, A and D: rules 80 to 90 of the hypervisor checklist."""

from __future__ import annotations

import pytest

from core.mmu import access as memory
from core.mmu.fence import sfence_vma
from core.mmu.modes import MODES
from core.tolerance import Tolerance
from tests.unit.test_mmu_support import (
    AD,
    ADUE,
    DEVICE,
    GVA,
    IMPLICIT_WRITE,
    MPRV,
    MPV,
    MXR,
    RAM,
    RW,
    RWX,
    RX,
    SPVP,
    SUM,
    SV39,
    A,
    D,
    R,
    U,
    V,
    W,
    X,
    no_trap,
    trap_of,
)
from tests.unit.test_mmu_world import GPA, GPA_BASE, GUEST, PAGE, VA, World

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
