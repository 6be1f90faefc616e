# SPDX-License-Identifier: Apache-2.0
"""virtio transport and virtqueues: set-up, features, rings, interrupts, and drivers that break the rules."""

from __future__ import annotations

import random
import struct

import pytest

from core.boot.errors import BootError
from core.devices.board import Board, lines_of
from core.devices.config import BoardConfig
from core.devices.device import Services
from core.devices.virtio_console import VirtioConsole
from core.devices.virtio_function import VirtioFunction
from core.devices.virtio_mmio import VirtioMmio
from core.devices.virtio_queue import MAXIMUM_SIZE
from core.memory.bus import BusError
from tests.support.virtio_driver import (
    ACKNOWLEDGE,
    BASE,
    BUFFERS,
    DRIVER,
    DRIVER_OK,
    EVENT_INDEX,
    FEATURES_OK,
    INDIRECT,
    NEEDS_RESET,
    NEXT,
    NOTIFY,
    RAM_SIZE,
    STATUS,
    TABLE,
    VERSION_1,
    WRITE,
    Driver,
)

END = BASE + RAM_SIZE


class Upper(VirtioFunction):
    """Answers every chain with what it reads, in capitals."""

    device_id = 42
    name = "upper"
    features = 1 << 3

    def configuration(self) -> bytes:
        return bytes(range(1, 8))

    def notified(self, queue: int) -> None:
        for chain in self.chains(queue):
            self.give_back(queue, chain, chain.writable.write(chain.readable.read().upper()))


@pytest.fixture
def driver() -> Driver:
    return Driver(Upper())


def test_identity_of_a_slot(driver: Driver) -> None:
    assert driver.get(0x00).to_bytes(4, "little") == b"virt"
    assert [driver.get(0x04), driver.get(0x08), driver.get(0x0C)] == [2, 42, 0x554D4551]
    assert driver.get(0x34) == MAXIMUM_SIZE
    driver.put(0x30, 1)
    assert driver.get(0x34) == 0
    driver.put(0x30, 0xFFFF_FFFF)
    assert driver.get(0x34) == 0


def test_an_empty_slot_has_device_id_0() -> None:
    empty = Driver(None)
    assert [empty.get(0x00), empty.get(0x04), empty.get(0x08)] == [0x74726976, 2, 0]
    empty.put(STATUS, 1)
    assert empty.get(STATUS) == 0
    assert empty.offered() == 0
    assert empty.get(0x100) == 0


def test_a_request_and_its_answer(driver: Driver) -> None:
    driver.start()
    addresses = driver.add(0, [b"hello, ", b"world"], [5, 100])
    assert driver.used(0) == []
    driver.notify(0)
    assert driver.ram.read_bytes(addresses[2], 5) == b"HELLO"
    assert driver.ram.read_bytes(addresses[3], 8) == b", WORLD\xee"
    assert driver.used(0) == [(0, 12)]
    assert driver.line
    assert driver.acknowledge() == 1
    assert not driver.line
    ring = driver.rings[0]
    assert driver.written == [(addresses[2], 5), (addresses[3], 7), (ring.device + 4, 8), (ring.device + 2, 2)]


def test_rings_wrap_around(driver: Driver) -> None:
    driver.start(size=2)
    for turn in range(0x10003):
        if turn == 5:  # not all of it, for speed: as if 65,530 requests had been made
            driver.slot.queues[0]._taken = driver.slot.queues[0]._used = 0xFFFE
            driver.slot.queues[0]._told = 0xFFFE
            driver.rings[0].added = driver.rings[0].seen = 0xFFFE
        elif turn == 10:
            break
        (address, answer) = driver.add(0, [b"%d" % turn], [4])
        driver.notify(0)
        assert driver.used(0) == [((2 * turn) % 2, len(b"%d" % turn))]
        assert driver.ram.read_bytes(answer, 1) == b"%d" % turn
        assert address


def test_features_must_be_offered_and_modern(driver: Driver) -> None:
    assert driver.offered() == VERSION_1 | INDIRECT | EVENT_INDEX | 1 << 3
    assert driver.negotiate(VERSION_1)
    assert driver.negotiate(VERSION_1 | 1 << 3)
    assert not driver.negotiate(VERSION_1 | 1 << 4)
    assert not driver.negotiate(1 << 3)
    assert driver.get(STATUS) == ACKNOWLEDGE | DRIVER
    assert driver.negotiate(VERSION_1)
    driver.put(0x24, 0)
    driver.put(0x20, 1 << 4)  # too late
    assert not driver.slot.has(1 << 4)
    driver.put(0x14, 2)
    assert driver.get(0x10) == 0


def test_nothing_happens_before_driver_ok(driver: Driver) -> None:
    driver.negotiate()
    driver.add_queue(0)
    driver.add(0, [b"x"], [1])
    driver.notify(0)
    assert driver.used(0) == []
    driver.put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK)
    driver.notify(0)
    assert driver.used(0) == [(0, 1)]


def test_status_zero_resets(driver: Driver) -> None:
    driver.start()
    driver.add(0, [b"x"], [1])
    driver.notify(0)
    assert driver.line
    driver.put(STATUS, 0)
    assert [driver.get(STATUS), driver.get(0x60), driver.get(0x44), driver.line] == [0, 0, 0, False]
    driver.start()
    driver.add(0, [b"x"], [1])
    driver.notify(0)
    assert driver.ram.read(driver.rings[0].device + 2, 2) == 1  # begins at the ring's start again


def test_a_driver_that_wants_no_interrupts(driver: Driver) -> None:
    driver.start()
    driver.ram.write(driver.rings[0].driver, 2, 1)
    driver.add(0, [b"x"], [1])
    driver.notify(0)
    assert driver.used(0) == [(0, 1)]
    assert not driver.line


def test_event_index_asks_for_one_interrupt(driver: Driver) -> None:
    driver.start(VERSION_1 | EVENT_INDEX)
    ring = driver.rings[0]
    used_event, avail_event = ring.driver + 4 + 2 * ring.size, ring.device + 4 + 8 * ring.size
    driver.ram.write(used_event, 2, 1)  # tell about the second
    lines = []
    for _ in range(3):
        driver.add(0, [b"x"], [1])
        driver.notify(0)
        lines.append(driver.line)
        driver.acknowledge()
    assert lines == [False, True, False]
    assert driver.ram.read(avail_event, 2) == 3
    driver.ram.write(used_event, 2, 4)
    for _ in range(2):  # a batch that passes the event
        driver.add(0, [b"x"], [1])
    driver.notify(0)
    assert driver.line


def test_indirect_descriptors(driver: Driver) -> None:
    driver.start(VERSION_1 | INDIRECT)
    ring = driver.rings[0]
    text, answer = driver.buffer(b"indirect"), driver.buffer(8)
    table, length = driver.buffer(struct.pack("<QIHHQIHH", *text, NEXT, 1, *answer, WRITE, 0))
    driver.describe(ring, 3, table, length, TABLE)
    driver.offer(ring, 3)
    driver.notify(0)
    assert driver.used(0) == [(3, 8)]
    assert driver.ram.read_bytes(answer[0], 8) == b"INDIRECT"
    first = driver.buffer(b"not ")  # a direct descriptor in front
    driver.describe(ring, 0, *first, NEXT, 3)
    driver.offer(ring, 0)
    driver.notify(0)
    assert driver.used(0) == [(0, 8)]
    assert driver.ram.read_bytes(answer[0], 8) == b"NOT INDI"


def break_and_check(driver: Driver, reason: str) -> None:
    driver.notify(0)
    assert driver.get(STATUS) & NEEDS_RESET
    assert driver.acknowledge() == 2
    assert driver.reports == [f"virtio upper at 0x10001000 needs a reset: {reason}"]
    assert driver.used(0) == []
    driver.offer(driver.rings[0], 0)
    driver.notify(0)  # nothing more is done
    assert len(driver.reports) == 1
    driver.put(STATUS, 0)
    assert driver.get(STATUS) == 0


CASES: list[tuple[tuple[int, int, int, int], str]] = [
    ((END - 4, 8, 0, 0), f"descriptor 0: 8 bytes at {END - 4:#x} are not in RAM"),
    ((BASE - 8, 8, 0, 0), f"descriptor 0: 8 bytes at {BASE - 8:#x} are not in RAM"),
    (((1 << 64) - 4, 8, 0, 0), "descriptor 0: 8 bytes at 0xfffffffffffffffc are not in RAM"),
    ((BUFFERS, 0xFFFF_FFFF, 0, 0), f"descriptor 0: 4294967295 bytes at {BUFFERS:#x} are not in RAM"),
    ((BUFFERS, 1, NEXT, 9), "descriptor 9 does not exist: the table has 8"),
    ((BUFFERS, 1, NEXT, 0), "the descriptor chain at 0 has no end"),
    ((BUFFERS, 1, NEXT | WRITE, 1), "descriptor 1 is to be read but follows one to be written"),
    ((BUFFERS, 16, TABLE | NEXT, 1), "an indirect descriptor with another one behind it"),
    ((BUFFERS, 0, TABLE, 0), "an indirect table of 0 bytes"),
    ((BUFFERS, 17, TABLE, 0), "an indirect table of 17 bytes"),
    ((END, 16, TABLE, 0), f"the indirect table at {END:#x} is not in RAM"),
    ((BASE + 0x1000, 16, TABLE, 0), "an indirect table refers to an indirect table"),
]


@pytest.mark.parametrize(("descriptor", "reason"), CASES)
def test_bad_descriptors(driver: Driver, descriptor: tuple[int, int, int, int], reason: str) -> None:
    driver.start(VERSION_1 | INDIRECT)
    driver.describe(driver.rings[0], 0, *descriptor)
    driver.offer(driver.rings[0], 0)
    break_and_check(driver, reason)


def test_indirect_without_having_agreed(driver: Driver) -> None:
    driver.start()
    driver.describe(driver.rings[0], 0, BUFFERS, 16, TABLE)
    driver.offer(driver.rings[0], 0)
    break_and_check(driver, "an indirect descriptor, which has not been negotiated")


def test_bad_heads_and_indexes(driver: Driver) -> None:
    driver.start()
    driver.offer(driver.rings[0], 8)
    break_and_check(driver, "descriptor 8 does not exist: the table has 8")
    driver = Driver(Upper())
    driver.start()
    driver.ram.write(driver.rings[0].driver + 2, 2, 9)
    break_and_check(driver, "the available ring of 8 entries claims to have 9 new ones")


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (0x38, 7, "queue size 7 is no power of 2 up to 1024"),
        (0x38, 0, "queue size 0 is no power of 2 up to 1024"),
        (0x38, 2048, "queue size 2048 is no power of 2 up to 1024"),
        (0x80, BASE + 8, f"the descriptor table at {BASE + 8:#x} is not aligned to 16"),
        (0x90, BASE + 1, f"the available ring at {BASE + 1:#x} is not aligned to 2"),
        (0xA0, BASE + 2, f"the used ring at {BASE + 2:#x} is not aligned to 4"),
        (0x80, END - 16, f"the descriptor table at {END - 16:#x} is not in RAM"),
        (0x94, 1, "the available ring at 0x180001080 is not in RAM"),
        (0xA0, 0, "the used ring at 0x0 is not in RAM"),
    ],
)
def test_bad_queues(driver: Driver, offset: int, value: int, reason: str) -> None:
    driver.negotiate()
    driver.add_queue(0)
    driver.put(0x44, 0)
    driver.put(offset, value)
    driver.put(0x44, 1)
    assert driver.get(0x44) == 0
    assert driver.get(STATUS) & NEEDS_RESET
    assert driver.reports == [f"virtio upper at 0x10001000 needs a reset: {reason}"]
    assert not driver.line  # nobody to tell before DRIVER_OK


def test_a_ready_queue_stays_as_it_is(driver: Driver) -> None:
    driver.start()
    driver.put(0x38, 4)
    driver.put(0x80, 0)
    driver.add(0, [b"still"], [5])
    driver.notify(0)
    assert driver.used(0) == [(0, 5)]


def test_configuration_space_in_any_width(driver: Driver) -> None:
    assert driver.get(0x100, 8) == 0x0007_0605_0403_0201
    assert driver.get(0x102, 2) == 0x0403
    assert driver.get(0x106, 1) == 7
    assert driver.get(0xFF8, 8) == 0
    assert driver.slot.peek(0xFE, 4) == 0x0201_0000
    driver.put(0x100, 99)
    assert driver.get(0x100, 1) == 1
    with pytest.raises(BusError, match="register Status does not support this access size"):
        driver.get(STATUS, 1)


def test_shared_memory_regions_do_not_exist(driver: Driver) -> None:
    assert [driver.get(offset) for offset in (0xB0, 0xB4, 0xB8, 0xBC, 0xFC)] == [0xFFFF_FFFF] * 4 + [0]


def test_legacy_interface() -> None:
    driver = Driver(Upper(), legacy=True)
    assert driver.get(0x04) == 1
    assert driver.offered() == 1 << 27 | INDIRECT | EVENT_INDEX | 1 << 3
    driver.start(1 << 3)
    assert driver.get(0x40) == (BASE + 0x1000) >> 12
    assert driver.get(0x44) == 0
    addresses = driver.add(0, [b"old"], [3])
    driver.notify(0)
    assert driver.used(0) == [(0, 3)]
    assert driver.ram.read_bytes(addresses[1], 3) == b"OLD"
    driver.put(0x40, 0)
    assert driver.get(0x40) == 0
    driver.put(STATUS, 0)
    driver.put(0x40, 0x8_0005)  # the page size outlives a device reset
    assert driver.get(0x40) == 0x8_0005


@pytest.mark.parametrize("legacy", [False, True])
def test_garbage_never_raises(legacy: bool) -> None:
    """Random registers, rings and descriptors: at worst the device needs a reset."""
    chance = random.Random(1)
    for function in (Upper(), VirtioConsole()):
        driver = Driver(function, legacy)
        for _ in range(300):
            driver.start(VERSION_1 | INDIRECT | EVENT_INDEX, function.queues)
            for ring in driver.rings.values():
                for index in range(8):
                    address = chance.choice((BASE, BUFFERS, END, 0)) + chance.randrange(-32, 32)
                    length = chance.choice((0, 1, 16, 64, 0xFFFF_FFFF))
                    driver.describe(ring, index, address % (1 << 64), length, chance.randrange(8), chance.randrange(9))
                driver.ram.write_bytes(ring.driver, chance.randbytes(2) + struct.pack("<H", chance.randrange(10)))
                driver.ram.write_bytes(ring.driver + 4, bytes(chance.randrange(9) if i % 2 == 0 else 0 for i in range(18)))
            for _ in range(4):
                driver.put(chance.choice((NOTIFY, NOTIFY, 4 * chance.randrange(64))), chance.choice((0, 1, 1 << 31)))


def test_slots_are_filled_in_order() -> None:
    board = Board(Services(), lines_of(BoardConfig(virtio=("rng", "console", "net"))))
    slots = [device for device in board.devices if isinstance(device, VirtioMmio)]
    assert [slot.read(8, 4) for slot in slots] == [4, 3, 1, 0, 0, 0, 0, 0]
    with pytest.raises(BootError, match="no virtio device 'sound'; there are console, rng, net, net-loopback, and drives"):
        lines_of(BoardConfig(virtio=("sound",)))
    with pytest.raises(BootError, match="9 virtio devices, but the board has 8 slots"):
        lines_of(BoardConfig(virtio=("rng",) * 9))
