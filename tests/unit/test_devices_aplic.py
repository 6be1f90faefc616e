# SPDX-License-Identifier: Apache-2.0
"""APLIC: sources, pending bits, direct delivery, messages, domains."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from core.devices.aplic import Aplic
from core.devices.device import Services
from core.hart import Hart
from core.memory.bus import BusError

DOMAIN, SOURCE, MSI_ADDRESS, SETIP, SETIPNUM, INPUT, CLRIPNUM = 0, 0, 0x1BC0, 0x1C00, 0x1CDC, 0x1D00, 0x1DDC
SETIE, SETIENUM, CLRIE, CLRIENUM, GENMSI, TARGET, IDC = 0x1E00, 0x1EDC, 0x1F00, 0x1FDC, 0x3000, 0x3000, 0x4000
DELIVERY, FORCE, THRESHOLD, TOP, CLAIM = 0, 4, 8, 0x18, 0x1C
IE, DELEGATE = 1 << 8, 1 << 10
DETACHED, EDGE1, EDGE0, LEVEL1, LEVEL0 = 1, 4, 5, 6, 7
IMSIC_M, IMSIC_S = 0x2400_0000, 0x2800_0000


@dataclass
class Rig:
    """Two domains, and what comes out of them."""

    msi: bool = False
    harts: int = 2
    out: dict[tuple[int, str], bool] = field(default_factory=dict)
    messages: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        services = Services(harts=[Hart(i) for i in range(self.harts)], set_external=self.drive)
        services.send_msi = lambda address, data: self.messages.append((address, data))
        self.root = Aplic(services, 0x0C00_0000, level="M", msi=self.msi)
        self.child = Aplic(services, 0x0D00_0000, level="S", msi=self.msi)
        self.root.adopt(self.child)

    def drive(self, hart: int, mode: str, level: bool) -> None:
        self.out[hart, mode] = level

    def wire(self, source: int, level: bool) -> None:
        self.root.set_level(source, level)

    def pulse(self, source: int) -> None:
        self.wire(source, True)
        self.wire(source, False)


def get(domain: Aplic, offset: int) -> int:
    return domain.read(offset, 4)


def put(domain: Aplic, offset: int, value: int) -> None:
    domain.write(offset, 4, value)


def configure(domain: Aplic, source: int, mode: int, target: int) -> None:
    """Make a source active, enabled, and go somewhere."""
    put(domain, SOURCE + 4 * source, mode)
    put(domain, TARGET + 4 * source, target)
    put(domain, SETIENUM, source)


def open_idc(domain: Aplic, hart: int) -> None:
    put(domain, DOMAIN, IE)
    put(domain, IDC + 32 * hart + DELIVERY, 1)


def idc(domain: Aplic, hart: int, register: int) -> int:
    return get(domain, IDC + 32 * hart + register)


# Registers


def test_domain_configuration() -> None:
    for msi, mode in ((False, 0), (True, 4)):
        rig = Rig(msi)
        assert get(rig.root, DOMAIN) == 0x8000_0000 | mode
        put(rig.root, DOMAIN, 0xFFFF_FFFF)
        assert get(rig.root, DOMAIN) == 0x8000_0100 | mode
    with pytest.raises(BusError, match="domaincfg does not support this access size"):
        rig.root.read(DOMAIN, 8)


def test_source_configuration() -> None:
    rig = Rig()
    for written, value in ((6, 6), (0x3F9, 1), (2, 0), (3, 0), (0x7FF, DELEGATE), (DELEGATE, DELEGATE), (7, 7)):
        put(rig.root, SOURCE + 4 * 96, written)
        assert get(rig.root, SOURCE + 4 * 96) == value
    put(rig.root, SOURCE + 4 * 97, 6)
    assert get(rig.root, SOURCE + 4 * 97) == 0
    put(rig.child, SOURCE + 4, LEVEL1)
    assert get(rig.child, SOURCE + 4) == 0  # not delegated
    put(rig.root, SOURCE + 4, DELEGATE)
    assert get(rig.child, SOURCE + 4) == 0
    put(rig.child, SOURCE + 4, LEVEL1)
    assert get(rig.child, SOURCE + 4) == LEVEL1
    put(rig.child, SOURCE + 4, DELEGATE)  # a leaf
    assert get(rig.child, SOURCE + 4) == 0


def test_inactive_sources_have_nothing() -> None:
    rig = Rig()
    put(rig.root, TARGET + 4 * 5, 0xFFFF_FFFF)
    put(rig.root, SETIPNUM, 5)
    put(rig.root, SETIENUM, 5)
    assert [get(rig.root, offset) for offset in (TARGET + 4 * 5, SETIP, SETIE)] == [0, 0, 0]
    put(rig.root, SOURCE + 4 * 5, DETACHED)
    assert get(rig.root, TARGET + 4 * 5) == 1  # priority number 0 is not legal
    put(rig.root, TARGET + 4 * 5, 1 << 18 | 0xF8)
    assert get(rig.root, TARGET + 4 * 5) == 1 << 18 | 1
    put(rig.root, SETIPNUM, 5)
    put(rig.root, SETIENUM, 5)
    assert [get(rig.root, SETIP), get(rig.root, SETIE)] == [1 << 5, 1 << 5]
    put(rig.root, SOURCE + 4 * 5, 0)
    put(rig.root, SOURCE + 4 * 5, DETACHED)
    assert [get(rig.root, SETIP), get(rig.root, SETIE)] == [0, 0]


def test_enable_and_pending_by_word_and_number() -> None:
    rig = Rig()
    for source in (33, 40, 64):
        put(rig.root, SOURCE + 4 * source, DETACHED)
    put(rig.root, SETIE + 4, 0xFFFF_FFFF)
    put(rig.root, SETIP + 4, 0xFFFF_FFFF)
    put(rig.root, SETIE, 0xFFFF_FFFF)
    put(rig.root, 0x2000, 64)  # setipnum_le
    assert [get(rig.root, SETIE + 4), get(rig.root, SETIP + 4), get(rig.root, SETIE), get(rig.root, SETIP + 8)] == [
        0x102, 0x102, 0, 1,
    ]  # fmt: skip
    put(rig.root, CLRIENUM, 40)
    put(rig.root, CLRIPNUM, 33)
    assert [get(rig.root, SETIE + 4), get(rig.root, SETIP + 4)] == [2, 0x100]
    put(rig.root, CLRIE + 4, 2)
    put(rig.root, INPUT + 4, 0x100)
    assert [get(rig.root, SETIE + 4), get(rig.root, SETIP + 4), get(rig.root, CLRIE + 4)] == [0, 0, 0]
    for number in (0, 97, 1023, 0xFFFF_FFFF):
        put(rig.root, SETIPNUM, number)
        put(rig.root, SETIENUM, number)
    assert get(rig.root, SETIP) == get(rig.root, SETIE) == 0


# Pending bits


@pytest.mark.parametrize(("mode", "rises"), [(EDGE1, True), (EDGE0, False)])
@pytest.mark.parametrize("msi", [False, True])
def test_edges(mode: int, rises: bool, msi: bool) -> None:
    rig = Rig(msi)
    rig.wire(7, not rises)
    put(rig.root, SOURCE + 4 * 7, mode)
    assert (get(rig.root, SETIP), get(rig.root, INPUT)) == (0, 0)
    rig.wire(7, rises)
    assert (get(rig.root, SETIP), get(rig.root, INPUT)) == (1 << 7, 1 << 7)
    rig.wire(7, not rises)
    assert (get(rig.root, SETIP), get(rig.root, INPUT)) == (1 << 7, 0)
    put(rig.root, CLRIPNUM, 7)
    assert get(rig.root, SETIP) == 0
    put(rig.root, SETIPNUM, 7)
    assert get(rig.root, SETIP) == 1 << 7


@pytest.mark.parametrize(("mode", "high"), [(LEVEL1, True), (LEVEL0, False)])
def test_levels_delivered_directly(mode: int, high: bool) -> None:
    rig = Rig()
    rig.wire(7, high)
    put(rig.root, SOURCE + 4 * 7, mode)
    assert get(rig.root, SETIP) == 1 << 7
    put(rig.root, CLRIPNUM, 7)
    assert get(rig.root, SETIP) == 1 << 7
    rig.wire(7, not high)
    assert (get(rig.root, SETIP), get(rig.root, INPUT)) == (0, 0)
    put(rig.root, SETIPNUM, 7)
    assert get(rig.root, SETIP) == 0


def test_levels_forwarded() -> None:
    rig = Rig(msi=True)
    put(rig.root, SOURCE + 4 * 7, LEVEL1)
    put(rig.root, SETIPNUM, 7)
    assert get(rig.root, SETIP) == 0
    rig.wire(7, True)
    assert get(rig.root, SETIP) == 1 << 7
    put(rig.root, CLRIPNUM, 7)
    assert get(rig.root, SETIP) == 0
    put(rig.root, SETIPNUM, 7)
    assert get(rig.root, SETIP) == 1 << 7
    rig.wire(7, False)
    assert get(rig.root, SETIP) == 0


def test_detached_sources_ignore_their_wire() -> None:
    rig = Rig()
    put(rig.root, SOURCE + 4, DETACHED)
    rig.pulse(1)
    rig.wire(1, True)
    assert (get(rig.root, SETIP), get(rig.root, INPUT)) == (0, 0)


def test_there_is_no_source_0_or_97() -> None:
    for source in (0, 97):
        with pytest.raises(ValueError, match="no source"):
            Rig().wire(source, True)


# Direct delivery


def test_from_wire_to_claim() -> None:
    rig = Rig()
    configure(rig.root, 10, LEVEL1, 1 << 18 | 3)
    assert rig.out == {(hart, mode): False for hart in (0, 1) for mode in "MS"}
    rig.wire(10, True)
    assert idc(rig.root, 1, TOP) == 10 << 16 | 3
    assert not rig.out[1, "M"]
    open_idc(rig.root, 1)
    assert rig.out[1, "M"] and not rig.out[0, "M"]
    assert idc(rig.root, 1, CLAIM) == 10 << 16 | 3
    assert rig.out[1, "M"]  # the level is still there
    rig.wire(10, False)
    assert not rig.out[1, "M"]
    assert idc(rig.root, 1, CLAIM) == 0


def test_priorities_and_threshold() -> None:
    rig = Rig()
    open_idc(rig.root, 0)
    for source, priority in ((20, 2), (21, 1), (22, 2), (23, 1)):
        configure(rig.root, source, EDGE1, priority)
        rig.pulse(source)
    assert rig.root.peek(IDC + CLAIM, 4) == 21 << 16 | 1
    put(rig.root, IDC + THRESHOLD, 1)
    assert idc(rig.root, 0, TOP) == 0
    assert not rig.out[0, "M"]
    put(rig.root, IDC + THRESHOLD, 2)
    assert [idc(rig.root, 0, CLAIM) for _ in range(3)] == [21 << 16 | 1, 23 << 16 | 1, 0]
    put(rig.root, IDC + THRESHOLD, 0xF8)
    assert idc(rig.root, 0, THRESHOLD) == 0
    assert [idc(rig.root, 0, CLAIM) for _ in range(3)] == [20 << 16 | 2, 22 << 16 | 2, 0]


def test_forced_interrupts_are_spurious() -> None:
    rig = Rig()
    open_idc(rig.root, 0)
    put(rig.root, IDC + FORCE, 1)
    assert rig.out[0, "M"]
    assert idc(rig.root, 0, CLAIM) == 0
    assert idc(rig.root, 0, FORCE) == 0
    assert not rig.out[0, "M"]


def test_harts_that_do_not_exist() -> None:
    rig = Rig()
    for register in (DELIVERY, FORCE, THRESHOLD, TOP, CLAIM):
        put(rig.root, IDC + 32 * 511 + register, 1)
        assert idc(rig.root, 511, register) == 0
    configure(rig.root, 1, LEVEL1, 0x3FFF << 18 | 1)
    rig.wire(1, True)
    assert not any(rig.out.values())


def test_delegated_sources_belong_to_the_child() -> None:
    rig = Rig()
    open_idc(rig.root, 0)
    open_idc(rig.child, 0)
    put(rig.root, SOURCE + 4 * 10, DELEGATE)
    configure(rig.child, 10, LEVEL1, 1)
    rig.wire(10, True)
    assert rig.out[0, "S"] and not rig.out[0, "M"]
    assert get(rig.root, SETIP) == 0
    configure(rig.root, 10, LEVEL1, 1)
    assert rig.out[0, "M"] and not rig.out[0, "S"]
    assert get(rig.child, SOURCE + 4 * 10) == 0
    rig.root.reset()
    assert not rig.out[0, "M"]


# Messages


def test_addresses_of_messages() -> None:
    rig = Rig(msi=True)
    for index, value in enumerate((IMSIC_M >> 12, 1 << 12, IMSIC_S >> 12, 3 << 20)):
        put(rig.root, MSI_ADDRESS + 4 * index, value)
        put(rig.child, MSI_ADDRESS + 4 * index, value)
        assert get(rig.root, MSI_ADDRESS + 4 * index) == value
        assert get(rig.child, MSI_ADDRESS + 4 * index) == 0
    put(rig.root, DOMAIN, IE)
    put(rig.child, DOMAIN, IE)
    configure(rig.root, 1, EDGE1, 1 << 18 | 2 << 12 | 77)
    assert get(rig.root, TARGET + 4) == 1 << 18 | 77
    put(rig.root, SOURCE + 8, DELEGATE)
    configure(rig.child, 2, EDGE1, 1 << 18 | 2 << 12 | 78)
    rig.pulse(1)
    rig.pulse(2)
    assert rig.messages == [(IMSIC_M + 0x1000, 77), (IMSIC_S + 0x8000 + 2 * 0x1000, 78)]
    assert get(rig.root, SETIP) == get(rig.child, SETIP) == 0


def test_messages_wait_for_everything_to_be_enabled() -> None:
    rig = Rig(msi=True)
    put(rig.root, SOURCE + 4, LEVEL1)
    rig.wire(1, True)
    put(rig.root, TARGET + 4, 5)
    put(rig.root, SETIENUM, 1)
    assert rig.messages == []
    put(rig.root, DOMAIN, IE)
    assert rig.messages == [(0, 5)]
    put(rig.root, SETIPNUM, 1)  # still high: asks again
    assert rig.messages == [(0, 5)] * 2
    rig.wire(1, False)
    rig.wire(1, True)
    assert rig.messages == [(0, 5)] * 3


def test_locked_addresses() -> None:
    rig = Rig(msi=True, harts=4)
    rig.root.place_messages(IMSIC_M, IMSIC_S, 2)
    put(rig.root, MSI_ADDRESS, 0)
    put(rig.root, MSI_ADDRESS + 12, 0)
    assert [get(rig.root, MSI_ADDRESS + 4 * index) for index in range(4)] == [
        IMSIC_M >> 12, 1 << 31 | 2 << 12, IMSIC_S >> 12, 2 << 20,
    ]  # fmt: skip


def test_groups_of_harts() -> None:
    rig = Rig(msi=True)
    put(rig.root, MSI_ADDRESS, 0x1000)
    put(rig.root, MSI_ADDRESS + 4, 2 << 24 | 1 << 20 | 1 << 16 | 2 << 12 | 0xABC)
    put(rig.root, GENMSI, 7 << 18 | 3)
    assert rig.messages == [((0xABC << 32 | 0x1000 | 1 << 14 | 3 << 1) << 12, 3)]


def test_extempore_messages() -> None:
    rig = Rig(msi=True)
    rig.root.place_messages(IMSIC_M, IMSIC_S, 3)
    put(rig.child, GENMSI, 1 << 18 | 0x1F << 12 | 9)
    assert rig.messages == [(IMSIC_S + 0x8000, 9)]
    assert get(rig.child, GENMSI) == 1 << 18 | 9  # not busy
    direct = Rig()
    put(direct.root, GENMSI, 9)
    assert (direct.messages, get(direct.root, GENMSI)) == ([], 0)
