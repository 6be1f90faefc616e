# SPDX-License-Identifier: Apache-2.0
"""IMSIC devices, and boards with an APLIC and IMSICs."""

from __future__ import annotations

import pytest

from core.boot.devicetree import device_tree
from core.boot.fdt import flatten
from core.devices.board import Board, lines_of
from core.devices.config import Aia, BoardConfig
from core.devices.device import Services
from core.devices.dma import Dma
from core.devices.imsic import Imsic
from core.devices.uart16550 import Uart16550
from core.hart import Hart
from core.memory.bus import Bus, BusError
from core.memory.ram import Ram
from tests.unit.test_boot_fdt import decompile, node_of

DOMAIN, TARGET, SETIENUM, IE, LEVEL1 = 0, 0x3000, 0x1EDC, 1 << 8, 6
IMSIC_M, IMSIC_S = 0x2400_0000, 0x2800_0000


def test_interrupt_files_in_memory() -> None:
    harts = [Hart(i) for i in range(2)]
    services = Services(harts=harts)
    machine = Imsic(services, IMSIC_M, level="M")
    supervisor = Imsic(services, IMSIC_S, level="S", guests=5)
    assert (machine.size, supervisor.size) == (0x2000, 0x10000)
    machine.write(0x1000, 4, 3)
    supervisor.write(0x8000, 4, 64)
    supervisor.write(0x8000 + 5 * 0x1000, 4, 255)
    supervisor.write(0x8000 + 6 * 0x1000, 4, 1)  # guest 6 does not exist
    supervisor.write(4, 4, 1)  # big-endian
    supervisor.write(0x10, 4, 1)
    assert list(harts[0].imsic_eip) == [0] * 36
    assert {i: word for i, word in enumerate(harts[1].imsic_eip) if word} == {0: 1 << 3, 5: 1, 27: 1 << 63}
    assert supervisor.read(0x8000, 4) == supervisor.peek(0x8001, 3) == 0
    for offset, size in ((0x10000, 4), (0, 8), (0, 1)):
        with pytest.raises(BusError):
            supervisor.read(offset, size)
        with pytest.raises(BusError):
            supervisor.write(offset, size, 1)
    assert (harts[0].geilen, harts[0].imsic) == (5, 1)
    supervisor.reset()
    assert list(harts[1].imsic_eip) == [0] * 36
    with pytest.raises(ValueError, match="at most 7"):
        Imsic(services, IMSIC_S, guests=8)


def board_of(aia: Aia, supervisor: bool = False) -> tuple[Board, list[Hart]]:
    harts = [Hart(i) for i in range(2)]
    return Board(Services(harts=harts), lines_of(BoardConfig(aia=aia), supervisor)), harts


def test_from_the_serial_port_to_a_guest_interrupt_file() -> None:
    board, harts = board_of(Aia.APLIC_IMSIC, supervisor=True)
    bus = Bus(Ram(0x8000_0000, 0x1000))
    board.attach(bus)
    board.hand_over()
    for offset, value in ((4 * 10, LEVEL1), (TARGET + 40, 1 << 18 | 3 << 12 | 21), (SETIENUM, 10), (DOMAIN, IE)):
        bus.write(0x0D00_0000 + offset, 4, value)
    bus.write(0x1000_0001, 1, 1)
    board.find(Uart16550).receive(b"!")
    assert harts[1].imsic_eip[4 * (1 + 3)] == 1 << 21


def test_messages_to_memory_and_to_nowhere() -> None:
    reports: list[str] = []
    ram = Ram(0x8000_0000, 0x1000)
    services = Services(harts=[Hart(0)], dma=Dma(ram), report=reports.append)
    board = Board(services, lines_of(BoardConfig(aia=Aia.APLIC_IMSIC)))
    board.send_msi(0x8000_0010, 0x1234_5678)
    assert ram.read(0x8000_0010, 4) == 0x1234_5678
    board.send_msi(0x1000, 1)
    board.send_msi(IMSIC_M + 0x1000, 1)
    assert reports == [
        "a message-signaled interrupt is lost: no RAM for a device at 0x1000 (4 bytes)",
        f"a message-signaled interrupt is lost: no interrupt file at {IMSIC_M + 0x1000:#x} (4 bytes)",
    ]


def tree(aia: Aia, supervisor: bool) -> str:
    board, _ = board_of(aia, supervisor)
    source, complaints = decompile(flatten(device_tree(board, 0x8000_0000, 128 << 20, ("I", "Smaia"))))
    assert complaints == ""
    return source


def test_device_tree_with_imsics() -> None:
    source = tree(Aia.APLIC_IMSIC, supervisor=False)
    root, child = node_of(source, "aplic@c000000"), node_of(source, "aplic@d000000")
    machine, supervisor = node_of(source, "imsics@24000000"), node_of(source, "imsics@28000000")
    assert root["compatible"] == child["compatible"] == '"riscv,aplic"'
    assert (root["msi-parent"], child["msi-parent"]) == (machine["phandle"], supervisor["phandle"])
    handle = child["phandle"].strip("<>")
    assert root["riscv,children"] == child["phandle"]
    assert root["riscv,delegate"] == root["riscv,delegation"] == f"<{handle} 0x01 0x60>"
    assert child["riscv,num-sources"] == "<0x60>"
    assert supervisor["reg"] == "<0x00 0x28000000 0x00 0x10000>"
    assert supervisor["riscv,guest-index-bits"] == "<0x03>"
    assert machine["reg"] == "<0x00 0x24000000 0x00 0x2000>"
    assert machine["riscv,num-ids"] == "<0xff>"
    assert "riscv,guest-index-bits" not in machine and "status" not in machine
    serial = node_of(source, "serial@10000000")
    assert (serial["interrupts"], serial["interrupt-parent"]) == ("<0x0a 0x04>", child["phandle"])
    assert node_of(tree(Aia.APLIC_IMSIC, supervisor=True), "imsics@24000000")["status"] == '"disabled"'


def test_device_tree_with_direct_delivery() -> None:
    source = tree(Aia.APLIC, supervisor=True)
    root, child = node_of(source, "aplic@c000000"), node_of(source, "aplic@d000000")
    assert "msi-parent" not in child
    assert root["interrupts-extended"].strip("<>").split()[1::2] == ["0x0b", "0x0b"]
    assert child["interrupts-extended"].strip("<>").split()[1::2] == ["0x09", "0x09"]
    assert root["status"] == '"disabled"'
    assert "imsics" not in source
