# SPDX-License-Identifier: Apache-2.0
"""virtio console, entropy and network devices."""

from __future__ import annotations

import random

import pytest

from core.devices.board import Board, lines_of
from core.devices.config import BoardConfig
from core.devices.device import Services
from core.devices.network import Loopback
from core.devices.uart16550 import Uart16550
from core.devices.virtio_console import VirtioConsole
from core.devices.virtio_mmio import VirtioMmio
from core.devices.virtio_net import VirtioNet
from core.devices.virtio_rng import VirtioRng
from tests.support.virtio_driver import NEEDS_RESET, STATUS, VERSION_1, Driver

RECEIVE, TRANSMIT = 0, 1


# Console


def console_of() -> tuple[Driver, VirtioConsole]:
    console = VirtioConsole()
    return Driver(console), console


def test_console_output() -> None:
    driver, _ = console_of()
    assert driver.get(0x08) == 3
    driver.start(queues=2)
    driver.add(TRANSMIT, [b"Hello, ", b"virtio\n"], [])
    driver.add(TRANSMIT, [b"again"], [])
    driver.notify(TRANSMIT)
    assert driver.console == b"Hello, virtio\nagain"
    assert driver.used(TRANSMIT) == [(0, 0), (2, 0)]


def test_console_input_fills_buffers_as_they_come() -> None:
    driver, console = console_of()
    assert not console.listening
    driver.start(queues=2)
    assert console.listening
    console.receive(b"early")
    assert not driver.line
    first, second = driver.add(RECEIVE, [], [3])[0], driver.add(RECEIVE, [], [3])[0]
    driver.notify(RECEIVE)
    assert driver.ram.read_bytes(first, 3) + driver.ram.read_bytes(second, 2) == b"early"
    assert driver.used(RECEIVE) == [(0, 3), (1, 2)]
    assert driver.acknowledge() == 1
    third = driver.add(RECEIVE, [], [10])[0]
    driver.notify(RECEIVE)
    assert driver.used(RECEIVE) == []
    console.receive(b"late")
    assert driver.line
    assert driver.used(RECEIVE) == [(2, 4)]
    assert driver.ram.read_bytes(third, 4) == b"late"


def test_console_emergency_write() -> None:
    driver, _ = console_of()
    assert driver.offered() & 0xFFFF == 1 << 2
    assert driver.get(0x104) == 1  # max_nr_ports
    driver.put(0x108, ord("!"))
    driver.put(0x104, ord("?"))
    assert driver.console == b"!"


def test_input_goes_to_the_serial_port_until_a_driver_listens() -> None:
    board = Board(Services(), lines_of(BoardConfig(virtio=("console",))))
    uart = board.find(Uart16550)
    board.console_input(b"a")
    assert uart.take(1) == b"a"
    console = board.find(VirtioMmio).function
    driver = Driver(console)
    driver.start(queues=2)
    address = driver.add(RECEIVE, [], [8])[0]
    board.console_input(b"bc")
    assert uart.take(1) == b""
    assert driver.ram.read_bytes(address, 2) == b"bc"


# Entropy


def test_rng_gives_what_its_seed_says() -> None:
    expected = random.Random(7)
    driver = Driver(VirtioRng(7))
    assert driver.get(0x08) == 4
    driver.start()
    first = driver.add(0, [], [10, 6])
    driver.notify(0)
    assert driver.used(0) == [(0, 16)]
    assert driver.ram.read_bytes(first[0], 16) == expected.randbytes(16)
    second = driver.add(0, [], [8])[0]
    driver.notify(0)
    assert driver.ram.read_bytes(second, 8) == expected.randbytes(8)
    driver.slot.reset()
    driver.start()
    again = driver.add(0, [], [16])[0]
    driver.notify(0)
    assert driver.ram.read_bytes(again, 16) == random.Random(7).randbytes(16)


def test_rng_gives_a_page_at_most_and_reads_nothing() -> None:
    driver = Driver(VirtioRng(0))
    driver.start()
    driver.add(0, [], [10000])
    driver.notify(0)
    assert driver.used(0) == [(0, 4096)]
    driver.add(0, [b"?"], [1])
    driver.notify(0)
    assert driver.get(STATUS) & NEEDS_RESET


# Network


class Answers:
    """A network that answers every frame with prepared ones."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.sent, self.resets = list(answers), list[bytes](), 0

    def reset(self) -> None:
        self.resets += 1

    def exchange(self, frame: bytes) -> list[bytes]:
        self.sent.append(frame)
        return self.answers


def test_net_configuration() -> None:
    driver = Driver(VirtioNet(Loopback()))
    assert driver.get(0x08) == 1
    assert driver.offered() & 0xFFFF_FFFF & ~(3 << 28) == 1 << 5 | 1 << 16
    assert driver.get(0x100, 8) == int.from_bytes(bytes.fromhex("5254001234560100"), "little")


@pytest.mark.parametrize(("legacy", "header"), [(False, 12), (True, 10)])
def test_net_sends_and_receives(legacy: bool, header: int) -> None:
    network = Answers(b"first answer", b"second")
    driver = Driver(VirtioNet(network), legacy)
    driver.start(VERSION_1, queues=2)
    buffers = [driver.add(RECEIVE, [], [1526])[0] for _ in range(3)]
    driver.notify(RECEIVE)
    driver.add(TRANSMIT, [bytes(header), b"a frame"], [])
    driver.notify(TRANSMIT)
    assert network.sent == [b"a frame"]
    assert driver.used(TRANSMIT) == [(0, 0)]
    assert driver.used(RECEIVE) == [(0, header + 12), (1, header + 6)]
    count = b"" if legacy else b"\1\0"
    assert driver.ram.read_bytes(buffers[0], header + 12) == bytes(10) + count + b"first answer"
    assert driver.ram.read_bytes(buffers[1], header + 6) == bytes(10) + count + b"second"
    assert driver.line


def test_net_keeps_frames_until_there_are_buffers() -> None:
    driver = Driver(VirtioNet(Answers(b"x" * 100)))
    driver.start(queues=2)
    for _ in range(300):  # more than it keeps
        driver.add(TRANSMIT, [bytes(12) + b"y"], [])
        driver.notify(TRANSMIT)
    got = 0
    for _ in range(300):
        driver.add(RECEIVE, [], [1526])
        driver.notify(RECEIVE)
        got += len(driver.used(RECEIVE))
    assert got == 256
    assert driver.reports == []


def test_net_loses_what_is_too_long_and_forgets_at_reset() -> None:
    network = Answers(b"late")
    driver = Driver(VirtioNet(network))
    driver.start(queues=2)
    driver.add(TRANSMIT, [bytes(12 + 1515)], [])
    driver.add(TRANSMIT, [bytes(12 + 1514)], [])
    driver.notify(TRANSMIT)
    assert [len(frame) for frame in network.sent] == [1514]
    assert driver.used(TRANSMIT) == [(0, 0), (1, 0)]
    driver.start(queues=2)
    driver.add(RECEIVE, [], [1526])
    driver.notify(RECEIVE)
    assert driver.used(RECEIVE) == []
    before = network.resets
    driver.slot.reset()
    assert network.resets == before + 1


def test_net_buffers_without_room() -> None:
    driver = Driver(VirtioNet(Loopback()))
    driver.start(queues=2)
    driver.add(RECEIVE, [], [20])
    driver.add(TRANSMIT, [bytes(12 + 60)], [])
    driver.notify(TRANSMIT)
    assert driver.reports == ["virtio net at 0x10001000 needs a reset: a receive buffer with no room for 72 bytes"]
    driver = Driver(VirtioNet(Loopback()))
    driver.start(queues=2)
    driver.add(TRANSMIT, [bytes(11)], [])
    driver.notify(TRANSMIT)
    assert driver.reports == ["virtio net at 0x10001000 needs a reset: a frame without a whole header"]
