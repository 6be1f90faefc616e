# SPDX-License-Identifier: Apache-2.0
"""RAM and the bus: byte order, bounds, routing to devices, and what is refused."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from core.memory.bus import Bus, BusError
from core.memory.ram import Ram

BASE = 0x8000_0000


class Recorder:
    """A device that answers with a constant and records what reaches it."""

    def __init__(self) -> None:
        self.log: list[tuple[str, int, int, int]] = []

    def read(self, offset: int, size: int) -> int:
        self.log.append(("read", offset, size, 0))
        return 0x5A

    def write(self, offset: int, size: int, value: int) -> None:
        self.log.append(("write", offset, size, value))

    def peek(self, offset: int, size: int) -> int:
        return 0xA5


def test_ram_is_little_endian_and_zero_at_first() -> None:
    ram = Ram(BASE, 0x2000)
    assert ram.read(BASE + 8, 8) == 0
    ram.write(BASE + 8, 8, 0x1122334455667788)
    assert bytes(ram.view[8:16]) == bytes.fromhex("8877665544332211")
    assert [ram.read(BASE + 8, size) for size in (1, 2, 4)] == [0x88, 0x7788, 0x55667788]
    assert ram.read(BASE + 11, 4) == 0x22334455  # any alignment


def test_ram_write_takes_the_low_bytes_only() -> None:
    ram = Ram(BASE, 0x1000)
    ram.write(BASE, 8, (1 << 64) - 1)
    ram.write(BASE + 1, 2, 0xABCD1234)
    assert ram.read(BASE, 8) == 0xFFFF_FFFF_FF12_34FF


def test_native_code_sees_the_same_bytes() -> None:
    ram = Ram(BASE, 0x1000)
    ram.write(BASE + 0x10, 4, 0xDEADBEEF)
    assert ctypes.c_uint32.from_address(ram.address + 0x10).value == 0xDEADBEEF
    ctypes.c_uint32.from_address(ram.address + 0x20).value = 0xCAFE
    assert ram.read(BASE + 0x20, 8) == 0xCAFE


@pytest.mark.parametrize(("pagemap", "known"), [("/proc/self/pagemap", True), ("/nothing", False), ("/dev/null", False)])
def test_parts_of_ram_that_were_written(pagemap: str, known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing outside of them is anything but zero. (/dev/null: a host that tells less than was asked for.)"""
    monkeypatch.setattr("core.memory.ram.PAGEMAP", Path(pagemap))
    ram = Ram(BASE, 4 << 20)
    places = [0, 0x10_5FFF, 0x3F_FFFF]
    for place in places:
        ram.view[place] = 1
    used = ram.used()
    assert all(any(first <= place < end for first, end in used) for place in places)
    assert used == sorted(used) and used[-1][1] == ram.size
    assert (used == [(0, ram.size)]) != known


@pytest.mark.parametrize(("address", "size"), [(BASE - 1, 1), (BASE - 4, 8), (BASE + 0x1000, 1), (BASE + 0xFFF, 2)])
def test_ram_refuses_what_is_not_wholly_inside(address: int, size: int) -> None:
    ram = Ram(BASE, 0x1000)
    with pytest.raises(BusError) as error:
        ram.read(address, size)
    assert (error.value.address, error.value.size) == (address, size)
    with pytest.raises(BusError):
        ram.write(address, size, 0)
    with pytest.raises(BusError):
        ram.write_bytes(address, bytes(size))


def test_ram_bulk_access_and_clearing() -> None:
    ram = Ram(BASE, 0x3000)
    ram.write_bytes(BASE + 0xFFE, b"across pages")
    assert ram.read_bytes(BASE + 0xFFE, 12) == b"across pages"
    ram.zero(BASE + 0x1000, 3)
    assert ram.read_bytes(BASE + 0xFFE, 12) == b"ac\0\0\0s pages"
    ram.clear()
    assert bytes(ram.view) == bytes(0x3000)


@pytest.mark.parametrize(("base", "size"), [(BASE, 0), (BASE, 100), (BASE + 1, 0x1000), (BASE, -0x1000), (BASE, 1 << 62)])
def test_impossible_ram_is_a_value_error(base: int, size: int) -> None:
    with pytest.raises(ValueError, match="RAM"):
        Ram(base, size)


def test_bus_routes_by_address() -> None:
    bus, first, second = Bus(Ram(BASE, 0x1000)), Recorder(), Recorder()
    bus.attach(0x1000_0000, 0x100, first)
    bus.attach(0x0C00_0000, 0x1000, second)
    assert bus.read(0x1000_0008, 4) == 0x5A
    bus.write(0x0C00_0FF8, 8, 1 << 64 | 7)
    bus.write(BASE + 4, 4, 99)
    assert first.log == [("read", 8, 4, 0)]
    assert second.log == [("write", 0xFF8, 8, 7)]
    assert bus.read(BASE, 8) == 99 << 32
    assert [mapping.base for mapping in bus.mappings] == [0x0C00_0000, 0x1000_0000]


@pytest.mark.parametrize(
    ("address", "size"),
    [
        (0, 8),
        (0xFFFF_FFF0, 4),
        (0x1000_0100, 1),  # just behind the device
        (0x1000_00FF, 2),  # across its end
        (0x1000_0002, 4),  # misaligned
        (0x1000_0000, 3),
        (0x1000_0000, 16),
        (BASE + 0xFFC, 8),  # across the end of RAM
        ((1 << 64) - 8, 8),
    ],
)
def test_bus_error_where_nothing_answers(address: int, size: int) -> None:
    bus, device = Bus(Ram(BASE, 0x1000)), Recorder()
    bus.attach(0x1000_0000, 0x100, device)
    with pytest.raises(BusError, match=f"{address:#x}"):
        bus.read(address, size)
    with pytest.raises(BusError):
        bus.write(address, size, 0)
    assert device.log == []


def test_a_read_of_nothing_asks_who_answers() -> None:
    bus, device = Bus(Ram(BASE, 0x1000)), Recorder()
    bus.attach(0x1000_0000, 0x100, device)
    assert [bus.read(address, 0) for address in (BASE, 0x1000_0000, 0x1000_00FF)] == [0, 0, 0]
    with pytest.raises(BusError):
        bus.read(0x1000_0100, 0)
    assert device.log == []


def test_peek_has_no_effect_and_no_alignment() -> None:
    bus, device = Bus(Ram(BASE, 0x1000)), Recorder()
    bus.attach(0x1000_0000, 0x100, device)
    bus.write(BASE + 1, 2, 0x1234)
    assert bus.peek(BASE + 1, 2) == 0x1234
    assert bus.peek(0x1000_0001, 4) == 0xA5
    assert device.log == []
    with pytest.raises(BusError, match="nothing answers"):
        bus.peek(0x2000_0000, 1)


@pytest.mark.parametrize(
    ("base", "length", "text"),
    [
        (BASE - 0x10, 0x20, "overlaps RAM"),
        (0x1000_00F0, 0x20, "overlaps the device at 0x10000000"),
        (0x0FFF_FFF0, 0x20, "overlaps the device at 0x10000000"),
        (0x2000_0000, 0, "empty"),
    ],
)
def test_ranges_may_not_overlap(base: int, length: int, text: str) -> None:
    bus = Bus(Ram(BASE, 0x1000))
    bus.attach(0x1000_0000, 0x100, Recorder())
    with pytest.raises(ValueError, match=text):
        bus.attach(base, length, Recorder())
