# SPDX-License-Identifier: Apache-2.0
"""Single-stage translation: modes, entries, permissions, A and D, page tables out of reach."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.hart import Hart
from core.mmu import access as memory
from core.mmu.fence import sfence_vma
from core.mmu.modes import MODES, SV39, SV48, SV57, Stage, levels_of
from core.tolerance import Tolerance
from tests.unit.test_mmu_support import (
    AD,
    ADUE,
    DEVICE,
    LEVELS,
    MPRV,
    MXR,
    RAM,
    RAM_SIZE,
    RW,
    RWX,
    RX,
    SUM,
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

PAGED = [SV39.value, SV48.value, SV57.value]
VA = 0x12_3456_7000 & (1 << 38) - 1
PAGE = RAM + 0x5000


def load(h: Hart, va: int) -> int:
    return memory.load(h, va, 8)


def store(h: Hart, va: int) -> None:
    memory.store(h, va, 8, 0)


def fetch(h: Hart, va: int) -> int:
    h.pc = va
    return memory.fetch(h)


ACTIONS: dict[str, tuple[Callable[[Hart, int], object], int, int]] = {
    "fetch": (fetch, 12, 1),
    "load": (load, 13, 5),
    "store": (store, 15, 7),
}
"""Access: what does it, its page-fault cause, its access-fault cause."""


def paged(mode: int = SV39.value, bits: int = V | RWX | AD, level: int = 0, priv: int = 1) -> tuple[Bench, int]:
    """A bench with VA mapped at PAGE (or at the start of RAM for a superpage); returns the entry's address too."""
    bench = Bench()
    root = bench.new_table()
    target = PAGE if level == 0 else RAM >> (12 + 9 * level) << (12 + 9 * level)
    slot = bench.map(root, mode, VA, target, bits, level)
    bench.set(satp=bench.satp(mode, root))
    bench.mode(priv)
    return bench, slot


def test_modes_are_those_of_the_manual() -> None:
    assert {value: (mode.levels, mode.bits) for value, mode in MODES.items()} == {
        0: (0, 64),
        8: (3, 39),
        9: (4, 48),
        10: (5, 57),
    }
    assert [levels_of(value) for value in range(16)] == [0] * 8 + [3, 4, 5] + [0] * 5
    assert [SV39.name_at(Stage.G), SV39.bits_at(Stage.G), SV39.bits_at(Stage.VS)] == ["Sv39x4", 41, 39]


@pytest.mark.parametrize("mode", PAGED)
@pytest.mark.parametrize("access", ACTIONS)
def test_a_page_is_found(mode: int, access: str) -> None:
    bench, _ = paged(mode)
    bench.put(PAGE + 8, 0x1122_3344_5566_7788)
    assert load(bench.h, VA + 8) == 0x1122_3344_5566_7788
    assert fetch(bench.h, VA + 10) == 0x3344_5566 & 0xFFFF  # low bits 10: a 16-bit instruction
    memory.store(bench.h, VA + 16, 4, 0xAABB_CCDD_EEFF_0011)
    assert bench.word(PAGE + 16) == 0xEEFF_0011
    action, page_fault, _ = ACTIONS[access]
    assert trap_of(lambda: action(bench.h, VA + 0x1008)) == (page_fault, VA + 0x1008, 0, 0)


@pytest.mark.parametrize("mode", PAGED)
def test_superpages_keep_the_low_bits(mode: int) -> None:
    for level in range(1, LEVELS[mode]):
        bench, _ = paged(mode, level=level)
        size = 1 << (12 + 9 * level)
        within = (VA & (size - 1)) + (RAM >> (12 + 9 * level) << (12 + 9 * level))
        target = RAM + 0x1234 * 8
        va = VA + target - within
        if va >> (12 + 9 * level) == VA >> (12 + 9 * level):
            bench.put(target, 99)
            assert load(bench.h, va) == 99, level


@pytest.mark.parametrize("mode", PAGED)
def test_upper_address_bits_repeat_the_highest(mode: int) -> None:
    bench, _ = paged(mode)
    bits = MODES[mode].bits
    for bad in (VA | 1 << bits, VA | 1 << 63, VA | 1 << (bits - 1), (1 << 64) - (1 << bits)):
        assert trap_of(lambda bad=bad: load(bench.h, bad)) == (13, bad, 0, 0)  # type: ignore[misc]
    root = (bench.h.satp & (1 << 44) - 1) << 12
    high = (1 << 64) - 0x1000
    bench.map(root, mode, high, PAGE, V | R | A)
    assert no_trap(lambda: load(bench.h, high))


PERMISSIONS = [
    # bits beside V|A|D, privilege, status, what is allowed of fetch, load, store
    (RWX, 1, 0, "fetch load store"),
    (RWX, 0, 0, ""),
    (RWX | U, 0, 0, "fetch load store"),
    (RWX | U, 1, 0, ""),
    (RWX | U, 1, SUM, "load store"),
    (RWX, 0, SUM, ""),
    (R, 1, 0, "load"),
    (RX, 1, 0, "fetch load"),
    (X, 1, 0, "fetch"),
    (X, 1, MXR, "fetch load"),
    (X | U, 1, MXR, ""),
    (X | U, 1, MXR | SUM, "load"),
    (RW, 1, MXR, "load store"),
    (RWX | G, 1, 0, "fetch load store"),
    (RWX | 3 << 8, 1, 0, "fetch load store"),  # bits for software
    (W, 1, 0, ""),
    (W | X, 1, 0, ""),
    (RWX | 1 << 63, 1, 0, ""),
    (RWX | 1 << 61, 1, 0, ""),
    (RWX | 1 << 62, 1, 0, ""),
    (RWX | 1 << 60, 1, 0, ""),
    (RWX | 1 << 54, 1, 0, ""),
]


@pytest.mark.parametrize(("bits", "priv", "status", "allowed"), PERMISSIONS)
@pytest.mark.parametrize("access", ACTIONS)
def test_permissions(bits: int, priv: int, status: int, allowed: str, access: str) -> None:
    bench, _ = paged(bits=V | AD | bits, priv=priv)
    bench.set(mstatus=status)
    action, page_fault, _ = ACTIONS[access]
    if access in allowed.split():
        assert no_trap(lambda: action(bench.h, VA))
    else:
        assert trap_of(lambda: action(bench.h, VA + 4)) == (page_fault, VA + 4, 0, 0)


@pytest.mark.parametrize("bits", [0, RWX | AD, V | A, V | D, V | U, V | 1 << 63, V | 1 << 54, V])
def test_bad_entries_fault(bits: int) -> None:
    bench, slot = paged()
    bench.put(slot, bench.word(slot) & ~0x3FF | bits)
    assert trap_of(lambda: load(bench.h, VA)) == (13, VA, 0, 0)


@pytest.mark.parametrize("bits", [A, D, U, 1 << 54, 1 << 61, 1 << 63])
def test_reserved_bits_of_pointers_fault(bits: int) -> None:
    bench, _ = paged()
    root = (bench.h.satp & (1 << 44) - 1) << 12
    entry = root + 8 * (VA >> 30)
    bench.put(entry, bench.word(entry) | bits)
    assert trap_of(lambda: store(bench.h, VA)) == (15, VA, 0, 0)


def test_g_bit_of_a_pointer_is_allowed() -> None:
    bench, _ = paged()
    root = (bench.h.satp & (1 << 44) - 1) << 12
    entry = root + 8 * (VA >> 30)
    bench.put(entry, bench.word(entry) | G)
    assert no_trap(lambda: load(bench.h, VA))


def test_h079_misaligned_superpage_is_a_page_fault() -> None:
    bench, slot = paged(level=1)
    bench.put(slot, bench.word(slot) | 1 << 10)
    for access, (action, page_fault, _) in ACTIONS.items():
        assert trap_of(lambda action=action: action(bench.h, VA))[0] == page_fault, access  # type: ignore[misc]


@pytest.mark.parametrize(("bits", "faulting"), [(0, "fetch load store"), (A, "store"), (AD, ""), (D, "fetch load store")])
def test_h087_svade_faults_where_a_or_d_is_clear(bits: int, faulting: str) -> None:
    for access, (action, page_fault, _) in ACTIONS.items():
        bench, slot = paged(bits=V | RWX | bits)
        before = bench.word(slot)
        if access in faulting.split():
            assert trap_of(lambda a=action, b=bench: a(b.h, VA))[:2] == (page_fault, VA)  # type: ignore[misc]
        else:
            assert no_trap(lambda a=action, b=bench: a(b.h, VA))  # type: ignore[misc]
        assert bench.word(slot) == before


@pytest.mark.parametrize(("access", "bits"), [("fetch", A), ("load", A), ("store", A | D)])
def test_h087_svadu_sets_what_is_needed(access: str, bits: int) -> None:
    bench, slot = paged(bits=V | RWX)
    bench.set(menvcfg=ADUE)
    before = bench.word(slot)
    ACTIONS[access][0](bench.h, VA)
    assert bench.word(slot) == before | bits
    assert bench.machine.warnings == []  # strict: the guest has asked for it itself


def test_svadu_sets_d_at_the_first_store_after_loads() -> None:
    bench, slot = paged(bits=V | RWX)
    bench.set(menvcfg=ADUE)
    load(bench.h, VA)
    assert bench.word(slot) & AD == A
    store(bench.h, VA)
    assert bench.word(slot) & AD == AD


def test_a_and_d_stay_when_permission_is_missing() -> None:
    bench, slot = paged(bits=V | R)
    bench.set(menvcfg=ADUE)
    assert trap_of(lambda: store(bench.h, VA))[0] == 15
    assert bench.word(slot) & AD == 0


def test_tolerant_machine_warns_of_the_first_update_only() -> None:
    bench, slot = paged(bits=V | RWX)
    bench.set(menvcfg=ADUE, strict=0)
    store(bench.h, VA)
    bench.map(bench.h.satp << 12 & (1 << 56) - 1, SV39.value, VA + 0x1000, PAGE, V | RW)
    store(bench.h, VA + 0x1000)
    assert bench.machine.warnings == [(Tolerance.AD_UPDATE_S, slot)]


@pytest.mark.parametrize("access", ACTIONS)
@pytest.mark.parametrize("table", [DEVICE, RAM + RAM_SIZE, 0, (1 << 56) - 0x1000])
def test_page_tables_outside_ram_are_access_faults(access: str, table: int) -> None:
    bench, _ = paged()
    bench.set(satp=bench.satp(SV39.value, table))
    action, _, fault = ACTIONS[access]
    assert trap_of(lambda: action(bench.h, VA)) == (fault, VA, 0, 0)


@pytest.mark.parametrize("access", ACTIONS)
def test_pages_outside_ram(access: str) -> None:
    bench, slot = paged()
    action, _, fault = ACTIONS[access]
    bench.put(slot, (RAM + RAM_SIZE) >> 2 | V | RWX | AD)
    assert trap_of(lambda: action(bench.h, VA)) == (fault, VA, 0, 0)
    bench.put(slot, DEVICE >> 2 | V | RWX | AD)
    sfence_vma(bench.h, 0, 0, False, False)
    if access == "fetch":
        assert trap_of(lambda: action(bench.h, VA)) == (1, VA, 0, 0)
    else:
        assert no_trap(lambda: action(bench.h, VA))


def test_m_mode_and_bare_do_not_translate() -> None:
    bench, _ = paged()
    bench.put(PAGE, 77)
    bench.mode(3)
    assert load(bench.h, PAGE) == 77
    bench.mode(1)
    assert trap_of(lambda: load(bench.h, PAGE))[0] == 13
    bench.set(satp=0)
    assert load(bench.h, PAGE) == 77
    assert trap_of(lambda: load(bench.h, 1 << 63)) == (5, 1 << 63, 0, 0)


def test_mprv_acts_on_data_only() -> None:
    bench, slot = paged(bits=V | RW | AD)
    bench.put(PAGE, 77)
    bench.mode(3)
    bench.set(mstatus=MPRV | 1 << 11)  # MPP=S
    assert load(bench.h, VA) == 77
    assert trap_of(lambda: load(bench.h, PAGE))[0] == 13
    assert fetch(bench.h, PAGE) == 77  # as M-mode
    bench.put(slot, bench.word(slot) | U)
    sfence_vma(bench.h, 0, 0, False, False)
    assert trap_of(lambda: load(bench.h, VA))[0] == 13
    bench.set(mstatus=MPRV | 1 << 11 | SUM)  # SUM is in effect (norm:mstatus_sum_op_mprv_mpp)
    assert load(bench.h, VA) == 77
    bench.set(mstatus=MPRV)  # MPP=U
    assert load(bench.h, VA) == 77
    bench.set(mstatus=MPRV | 3 << 11)
    assert load(bench.h, PAGE) == 77
