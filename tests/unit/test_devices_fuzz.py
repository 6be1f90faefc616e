# SPDX-License-Identifier: Apache-2.0
"""Garbage in every register of every device, as a program with a wild pointer writes it: nothing breaks, in any order."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from core.boot.loader import BootConfig
from core.devices.config import Aia, BoardConfig, Drive
from core.devices.device import Device
from core.devices.virtio import KINDS
from core.devices.virtio_mmio import VirtioMmio
from core.machine import Machine, MachineConfig, Outcome
from core.memory.bus import BusError
from examples import elf
from tests.support.engines import RAM

SEEDS = range(4)
ACCESSES = 4000
MEMORY = 16 << 20
TABLES = RAM + 0x10_0000
"""Where garbage in RAM looks most like descriptors and rings."""


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[Aia, bool], Machine]:
    """Makes a machine with everything on its board, and a bundled hypervisor as its program."""

    def make(aia: Aia, legacy: bool) -> Machine:
        disk = tmp_path / "disk.img"
        disk.write_bytes(bytes(8192))
        kinds = tuple(kind for kind in KINDS if kind != "net-loopback")
        board = BoardConfig(drives=(Drive(disk),), virtio=(*kinds, "net-loopback"), aia=aia, legacy=legacy)
        return Machine(MachineConfig(BootConfig(elf("hello")), memory=MEMORY, harts=2, board=board))

    return make


def some_value(source: random.Random, size: int) -> int:
    """Numbers that mean something: small, page numbers and addresses of RAM, bits, all ones; or nothing at all."""
    near = TABLES + source.randrange(0, 0x4000, 8)
    some = (
        source.getrandbits(64),
        source.randrange(20),
        1 << source.randrange(64),
        (1 << 64) - 1,
        near,
        near >> 12,
        near >> 32,
        RAM + MEMORY - source.randrange(64),
    )
    return source.choice(some) & (1 << 8 * size) - 1


def some_place(source: random.Random, device: Device, size: int) -> int:
    """The offset of a register, or any."""
    if device.registers and source.random() < 0.8:
        register = source.choice(device.registers)
        offset = register.offset + register.step * min(source.randrange(1, 40), register.count) - register.step
    else:
        offset = source.randrange(device.length)
    return min(offset, device.length - size) & -size


def access(machine: Machine, source: random.Random) -> None:
    """One read, write or look at a device, or something else that may happen to devices."""
    device = source.choice(machine.board.devices)
    size = source.choice((1, 2, 4, 4, 4, 8))
    address = device.base + some_place(source, device, size)
    try:
        action = source.random()
        if action < 0.6:
            machine.bus.write(address, size, some_value(source, size))
        elif action < 0.8:
            assert 0 <= machine.bus.read(address, size) < 1 << 8 * size
        elif action < 0.85:
            assert 0 <= machine.bus.peek(address, size) < 1 << 8 * size
        elif action < 0.9:
            machine.board.console_input(source.randbytes(5))
        elif action < 0.95:
            machine.ram.write_bytes(TABLES + source.randrange(0, 0x4000, 8), some_value(source, 8).to_bytes(8, "little"))
        else:
            machine.board.advance()
    except BusError:
        pass
    machine.board.deadline()


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("aia", Aia)
@pytest.mark.parametrize("seed", SEEDS)
def test_garbage_everywhere(machine: Callable[[Aia, bool], Machine], aia: Aia, legacy: bool, seed: int) -> None:
    """Afterwards a reset makes it a machine as good as new."""
    made, source = machine(aia, legacy), random.Random(seed)
    reports: list[str] = []
    made.warning = reports.append
    for _ in range(ACCESSES):
        access(made, source)
    assert all("\n" not in line and line for line in reports)
    made.reset()
    assert made.run(20_000_000) is Outcome.EXITED and made.exit_code == 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("slot", range(1 + len(KINDS)))
def test_garbage_in_queues_that_are_in_use(machine: Callable[[Aia, bool], Machine], slot: int, seed: int) -> None:
    """The driver has set up its device as it should; only what it puts into the rings makes no sense."""
    made, source = machine(Aia.NONE, False), random.Random(seed)
    reports: list[str] = []
    made.warning = reports.append
    device = [each for each in made.board.devices if isinstance(each, VirtioMmio)][slot]
    for _ in range(30):
        for offset, value in ((0x70, 0), (0x70, 3), (0x24, 1), (0x20, 1), (0x70, 11)):  # version 1, features, FEATURES_OK
            device.write(offset, 4, value)
        for queue in range(2):
            places = (TABLES + 0x3000 * queue + part for part in (0, 0x1000, 0x2000))
            registers = zip((0x80, 0x90, 0xA0), places, strict=True)
            for offset, value in ((0x30, queue), (0x38, 16), *registers, (0x44, 1)):
                device.write(offset, 4, value)
        device.write(0x70, 4, 15)
        garbage = bytearray()
        for _ in range(0x6000 // 16):
            address = source.choice((TABLES, TABLES + 0x8000, RAM + MEMORY - 8, 0x1000_0000, source.getrandbits(64)))
            garbage += address.to_bytes(8, "little") + source.choice((0, 1, 16, 512, 1 << 31)).to_bytes(4, "little")
            garbage += source.randrange(8).to_bytes(2, "little") + source.randrange(17).to_bytes(2, "little")
        made.ram.write_bytes(TABLES, bytes(garbage))
        for ring in (TABLES + 0x1000, TABLES + 0x4000):  # one that claims too much would end it at once
            entries = [0, source.randrange(17), *(source.choice((0, 1, 2, 3, 16)) for _ in range(16))]
            made.ram.write_bytes(ring, b"".join(entry.to_bytes(2, "little") for entry in entries))
        device.write(0x50, 4, source.randrange(3))
        made.board.console_input(b"typed")
        assert device.read(0x70, 4) & 4 == 4
    assert reports and all("needs a reset" in line for line in reports)
