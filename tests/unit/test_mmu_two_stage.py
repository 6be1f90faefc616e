# SPDX-License-Identifier: Apache-2.0
"""Two-stage translation, where it leads and what faults report: rules 68 to 79 of the hypervisor checklist."""

from __future__ import annotations

import pytest

from tests.unit.test_mmu_support import (
    AD,
    BARE,
    GVA,
    IMPLICIT_READ,
    LEVELS,
    MXR,
    RAM,
    RAM_SIZE,
    RWX,
    SUM,
    SV39,
    SV48,
    SV57,
    G,
    R,
    U,
    V,
    W,
    X,
    no_trap,
    trap_of,
)
from tests.unit.test_mmu_world import GPA, GPA_BASE, GUEST, PAGE, VA, World


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
