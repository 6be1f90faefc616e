# SPDX-License-Identifier: Apache-2.0
"""fw_cfg: items by selector and data register, the file directory, DMA."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from core.boot.errors import BootError
from core.boot.loader import Bios, BootConfig
from core.devices.config import BoardConfig
from core.devices.device import Services
from core.devices.dma import Dma
from core.devices.fw_cfg import FwCfg
from core.hart import Hart
from core.machine import Machine, MachineConfig
from core.memory.bus import BusError
from core.memory.ram import Ram
from tests.support.bare_metal import assemble

BASE = 0x8000_0000


class Rig:
    """The device, RAM, and what the device tells."""

    def __init__(self) -> None:
        self.ram = Ram(BASE, 1 << 22)
        self.reports: list[str] = []
        self.written: list[tuple[int, int]] = []
        dma = Dma(self.ram, lambda address, length: self.written.append((address, length)))
        services = Services(harts=[Hart(0), Hart(1)], dma=dma, report=self.reports.append)
        self.device = FwCfg(services, 0x1010_0000)

    def select(self, key: int) -> None:
        self.device.write(8, 2, int.from_bytes(key.to_bytes(2, "big"), "little"))

    def item(self, key: int, count: int) -> bytes:
        self.select(key)
        return bytes(self.device.read(0, 1) for _ in range(count))

    def dma(self, control: int, length: int, target: int, at: int = BASE) -> int:
        """Make a request; the control field afterwards."""
        self.ram.write_bytes(at, struct.pack(">IIQ", control, length, target))
        self.device.write(16, 8, int.from_bytes(at.to_bytes(8, "big"), "little"))
        return int.from_bytes(self.ram.read_bytes(at, 4), "big")


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_items(rig: Rig) -> None:
    assert bytes(rig.device.read(0, 1) for _ in range(4)) == b"QEMU"  # selected after reset
    assert rig.item(0, 6) == b"QEMU\0\0"
    assert rig.item(1, 4) == b"\3\0\0\0"
    assert rig.item(5, 2) == rig.item(15, 2) == b"\2\0"
    assert rig.item(0x19, 4) == bytes(4)
    assert rig.item(0x1234, 8) == bytes(8)
    rig.select(0)
    assert rig.device.read(0, 2) == int.from_bytes(b"QE", "little")
    assert rig.device.read(0, 8) == int.from_bytes(b"MU", "little")


def test_the_data_register_is_not_for_looking_at_or_writing(rig: Rig) -> None:
    with pytest.raises(BusError, match="cannot be read without side effects"):
        rig.device.peek(0, 4)
    rig.device.write(0, 4, 0x1234)
    assert rig.item(0, 4) == b"QEMU"
    with pytest.raises(BusError, match="register selector does not support this access size"):
        rig.device.write(8, 4, 0)


def test_dma_register_has_a_signature(rig: Rig) -> None:
    assert rig.device.read(16, 8).to_bytes(8, "little") == b"QEMU CFG"
    assert rig.device.read(16, 4).to_bytes(4, "little") == b"QEMU"
    assert rig.device.peek(20, 4).to_bytes(4, "little") == b" CFG"


def test_dma_reads(rig: Rig) -> None:
    assert rig.dma(2 | 8 | 0 << 16, 6, BASE + 0x100) == 0
    assert rig.ram.read_bytes(BASE + 0x100, 6) == b"QEMU\0\0"
    assert rig.written == [(BASE + 0x100, 6), (BASE, 4)]
    assert rig.dma(8, 0, 0) == 0
    assert rig.dma(4, 2, 0) == 0  # skip
    assert rig.dma(2, 2, BASE + 0x200) == 0
    assert rig.ram.read_bytes(BASE + 0x200, 2) == b"MU"


def test_dma_address_in_two_halves(rig: Rig) -> None:
    rig.ram.write_bytes(BASE + 64, struct.pack(">IIQ", 2 | 8 | 1 << 16, 4, BASE + 0x100))
    rig.device.write(16, 4, 0)
    rig.device.write(20, 4, int.from_bytes((BASE + 64).to_bytes(4, "big"), "little"))
    assert rig.ram.read_bytes(BASE + 0x100, 4) == b"\3\0\0\0"


def test_dma_that_cannot_be(rig: Rig) -> None:
    assert rig.dma(2 | 8, 4, 0x1000) == 1
    assert rig.dma(2 | 8, 0xFFFF_FFFF, BASE) == 1
    assert rig.dma(2 | 8, 4, BASE + (1 << 22) - 2) == 1
    assert rig.dma(16 | 8, 4, BASE + 0x100) == 1  # nothing can be written
    rig.device.write(16, 8, (1 << 64) - 1)
    assert rig.reports == ["fw_cfg: DMA request out of reach: no RAM for a device at 0xffffffffffffffff (16 bytes)"]


def test_large_items_go_in_parts(rig: Rig) -> None:
    content = bytes(range(256)) * 6000
    rig.device.offer_files({"opt/large": content})
    assert rig.dma(2 | 8 | 0x20 << 16, len(content), BASE + 0x1000) == 0
    assert rig.ram.read_bytes(BASE + 0x1000, len(content)) == content


def test_files(rig: Rig) -> None:
    rig.device.offer_files({"opt/second": b"two", "opt/first": b"one!"})
    listing = rig.item(0x19, 4 + 2 * 64)
    assert listing[:4] == b"\0\0\0\2"
    rows = [struct.unpack_from(">IHH56s", listing, 4 + 64 * i) for i in range(2)]
    assert rows == [
        (4, 0x20, 0, b"opt/first".ljust(56, b"\0")),
        (3, 0x21, 0, b"opt/second".ljust(56, b"\0")),
    ]
    assert rig.item(0x21, 3) == b"two"


def test_files_of_the_user(rig: Rig, tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.write_bytes(b"content")
    program = assemble(tmp_path, "j .")
    board = BoardConfig(files=(("opt/x", first),))
    machine = Machine(MachineConfig(BootConfig(program, Bios.NONE), memory=1 << 22, engine="reference", board=board))
    device = machine.board.find(FwCfg)
    device.write(8, 2, 0x2000)
    assert bytes(device.read(0, 1) for _ in range(7)) == b"content"
    with pytest.raises(BootError, match="missing: cannot be read"):
        board = BoardConfig(files=(("opt/x", tmp_path / "missing"),))
        Machine(MachineConfig(BootConfig(program, Bios.NONE), memory=1 << 22, engine="reference", board=board))


def test_reset_selects_the_signature(rig: Rig) -> None:
    rig.item(5, 1)
    rig.device.reset()
    assert bytes(rig.device.read(0, 1) for _ in range(4)) == b"QEMU"


def test_device_tree_node(rig: Rig) -> None:
    (node,) = rig.device.root_nodes()
    assert node.name == "fw-cfg@10100000"
    assert node.properties == {"dma-coherent": True, "reg": [0, 0x1010_0000, 0, 0x18], "compatible": "qemu,fw-cfg-mmio"}
