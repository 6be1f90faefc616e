# SPDX-License-Identifier: Apache-2.0
"""CLINT, test finisher, real-time clock, HTIF, and the board that joins them."""

from __future__ import annotations

import pytest

from core.devices.aclint import Aclint
from core.devices.board import VIRT, Board, Line, lines_of
from core.devices.config import Aia, BoardConfig
from core.devices.device import Services
from core.devices.fw_cfg import FwCfg
from core.devices.goldfish_rtc import GoldfishRtc
from core.devices.htif import Htif
from core.devices.plic import Plic
from core.devices.syscon import Finisher
from core.devices.uart16550 import Uart16550
from core.devices.virtio_mmio import VirtioMmio
from core.hart import Hart
from core.memory.bus import Bus, BusError
from core.memory.ram import Ram

ALL_ONES = (1 << 64) - 1


class Machine:
    """Just enough of a machine to watch what devices do to it."""

    def __init__(self, harts: int = 1, epoch: int = 0) -> None:
        self.time = 0  # ticks since power-on
        self.software: dict[int, bool] = {}
        self.external: dict[tuple[int, str], bool] = {}
        self.finished: list[int] = []
        self.resets = self.changes = 0
        self.output = bytearray()
        self.services = Services(
            harts=[Hart(i) for i in range(harts)],
            now=self.now,
            changed=self.changed,
            set_external=lambda hart, mode, level: self.external.update({(hart, mode): level}),
            set_software=lambda hart, level: self.software.update({hart: level}),
            console_output=self.output.extend,
            finish=self.finished.append,
            reset=self.reset,
            epoch=epoch,
        )

    def now(self) -> int:
        return int(self.time + self.services.harts[0].time_offset) & ALL_ONES

    def changed(self) -> None:
        self.changes += 1

    def reset(self) -> None:
        self.resets += 1


# CLINT


def test_msip_has_one_bit_per_hart() -> None:
    machine = Machine(harts=2)
    clint = Aclint(machine.services, 0x0200_0000)
    assert machine.software == {0: False, 1: False}
    clint.write(4, 4, 0xFFFF_FFFF)
    assert machine.software == {0: False, 1: True}
    assert (clint.read(0, 4), clint.read(4, 4)) == (0, 1)
    clint.write(4, 4, 0xFFFF_FFFE)
    assert machine.software[1] is False
    clint.write(8, 4, 1)  # a hart that does not exist
    assert clint.read(8, 4) == 0
    assert machine.software == {0: False, 1: False}


def test_mtimecmp_is_hart_state_and_may_be_written_by_halves() -> None:
    machine = Machine(harts=2)
    clint = Aclint(machine.services, 0x0200_0000)
    hart = machine.services.harts[1]
    assert hart.mtimecmp == ALL_ONES
    before = machine.changes
    clint.write(0x4008, 8, 0x1122334455667788)
    assert hart.mtimecmp == 0x1122334455667788
    assert machine.changes == before + 1
    clint.write(0x4008, 4, 0xAAAAAAAA)
    clint.write(0x400C, 4, 0xBBBBBBBB)
    assert hart.mtimecmp == 0xBBBBBBBB_AAAAAAAA
    assert (clint.read(0x4008, 4), clint.read(0x400C, 4)) == (0xAAAAAAAA, 0xBBBBBBBB)
    assert machine.services.harts[0].mtimecmp == ALL_ONES
    assert clint.read(0x4010, 8) == 0


def test_mtime_reads_the_time_and_writing_it_moves_all_harts() -> None:
    machine = Machine(harts=2)
    clint = Aclint(machine.services, 0x0200_0000)
    machine.time = 0x1_0000_0005
    assert clint.read(0xBFF8, 8) == 0x1_0000_0005
    assert (clint.read(0xBFF8, 4), clint.read(0xBFFC, 4)) == (5, 1)
    clint.write(0xBFF8, 8, 3)
    assert clint.read(0xBFF8, 8) == 3
    machine.time += 10
    assert clint.read(0xBFF8, 8) == 13
    clint.write(0xBFFC, 4, 7)
    assert clint.read(0xBFF8, 8) == 7 << 32 | 13
    assert machine.services.harts[0].time_offset == machine.services.harts[1].time_offset


def test_clint_refuses_odd_sizes() -> None:
    clint = Aclint(Machine().services, 0x0200_0000)
    for offset, size in ((0, 1), (0, 8), (0x4000, 2), (0xBFF8, 1)):
        with pytest.raises(BusError):
            clint.read(offset, size)
    assert clint.read(0xFFF8, 8) == 0  # nothing there, but inside the device


# Test finisher


@pytest.mark.parametrize(
    ("value", "finished", "resets"),
    [
        (0x5555, [0], 0),
        (0x0003_3333, [3], 0),
        (0x3333, [1], 0),
        (0xFFFF_3333, [0xFFFF], 0),
        (0x7777, [], 1),
        (0, [], 0),
        (0x1234, [], 0),
    ],
)
def test_finisher(value: int, finished: list[int], resets: int) -> None:
    machine = Machine()
    device = Finisher(machine.services, 0x10_0000)
    device.write(0, 4, value)
    assert (machine.finished, machine.resets) == (finished, resets)
    assert device.read(0, 4) == 0


def test_finisher_takes_halfwords() -> None:
    machine = Machine()
    Finisher(machine.services, 0x10_0000).write(0, 2, 0x5555)
    assert machine.finished == [0]


# Real-time clock

NOON = 1_700_000_000_123_456_700
LOW, HIGH, ALARM_LOW, ALARM_HIGH, ENABLED, CLEAR_ALARM, STATUS, CLEAR_INTERRUPT = range(0, 0x20, 4)


def rtc_of(machine: Machine) -> tuple[GoldfishRtc, list[bool]]:
    line: list[bool] = []
    return GoldfishRtc(machine.services, 0x10_1000, 11, line.append), line


def read_time(rtc: GoldfishRtc) -> int:
    low = rtc.read(LOW, 4)
    return low | rtc.read(HIGH, 4) << 32


def test_rtc_time_is_epoch_plus_machine_time() -> None:
    machine = Machine(epoch=NOON)
    rtc, _ = rtc_of(machine)
    assert read_time(rtc) == NOON
    machine.time = 10_000_000
    assert read_time(rtc) == NOON + 1_000_000_000
    machine.services.harts[0].time_offset = 12345  # mtime was written: the wall clock does not care
    assert read_time(rtc) == NOON + 1_000_000_000


def test_rtc_high_half_belongs_to_the_last_low_half() -> None:
    machine = Machine(epoch=0xFFFF_FFFF)
    rtc, _ = rtc_of(machine)
    low = rtc.read(LOW, 4)
    machine.time = 1
    assert rtc.peek(LOW, 4) == 99
    assert (low, rtc.read(HIGH, 4)) == (0xFFFF_FFFF, 0)
    assert (rtc.read(LOW, 4), rtc.read(HIGH, 4)) == (99, 1)


def test_rtc_can_be_set() -> None:
    machine = Machine(epoch=NOON)
    machine.time = 777
    rtc, _ = rtc_of(machine)
    rtc.write(HIGH, 4, 5)
    rtc.write(LOW, 4, 6)
    assert read_time(rtc) == 5 << 32 | 6
    machine.time += 2
    assert read_time(rtc) == 5 << 32 | 206


def test_rtc_alarm() -> None:
    machine = Machine(epoch=NOON)
    rtc, line = rtc_of(machine)
    assert rtc.deadline() is None
    alarm = NOON + 1050
    rtc.write(ENABLED, 4, 1)
    rtc.write(ALARM_HIGH, 4, alarm >> 32)
    rtc.write(ALARM_LOW, 4, alarm & 0xFFFF_FFFF)
    assert (rtc.read(STATUS, 4), rtc.deadline()) == (1, 11)
    machine.time = 10
    rtc.advance()
    assert line[-1] is False
    machine.time = 11
    rtc.advance()
    assert line[-1] is True
    assert (rtc.read(STATUS, 4), rtc.deadline()) == (0, None)
    rtc.write(ENABLED, 4, 0)
    assert line[-1] is False
    rtc.write(ENABLED, 4, 1)
    assert line[-1] is True
    rtc.write(CLEAR_INTERRUPT, 4, 1)
    assert line[-1] is False


def test_rtc_alarm_in_the_past_goes_off_at_once_and_can_be_cleared_before() -> None:
    machine = Machine(epoch=NOON)
    rtc, line = rtc_of(machine)
    rtc.write(ENABLED, 4, 1)
    rtc.write(ALARM_HIGH, 4, (NOON >> 32) + 1)
    rtc.write(ALARM_LOW, 4, 0)
    rtc.write(CLEAR_ALARM, 4, 0)
    assert (rtc.deadline(), line[-1]) == (None, False)
    rtc.write(ALARM_HIGH, 4, 0)
    rtc.write(ALARM_LOW, 4, 1)
    assert line[-1] is True


def test_rtc_deadline_is_in_mtime() -> None:
    machine = Machine(epoch=NOON)
    rtc, _ = rtc_of(machine)
    machine.services.harts[0].time_offset = 1000
    rtc.write(ALARM_HIGH, 4, NOON + 500 >> 32)
    rtc.write(ALARM_LOW, 4, (NOON + 500) & 0xFFFF_FFFF)
    assert rtc.deadline() == 1005


# HTIF

TOHOST, FROMHOST = 0x8000_1000, 0x8000_1040


def htif_of(machine: Machine) -> tuple[Htif, Ram, list[str]]:
    ram, reports = Ram(0x8000_0000, 0x2000), list[str]()
    return Htif(ram, TOHOST, FROMHOST, machine.services, reports.append), ram, reports


@pytest.mark.parametrize(("value", "code"), [(1, 0), (3, 1), (0x2A << 1 | 1, 42)])
def test_htif_exit(value: int, code: int) -> None:
    machine = Machine()
    htif, ram, _ = htif_of(machine)
    assert htif.poll() is False
    ram.write(TOHOST, 8, value)
    assert htif.poll() is True
    assert machine.finished == [code]
    assert ram.read(TOHOST, 8) == value


def test_htif_console() -> None:
    machine = Machine()
    htif, ram, reports = htif_of(machine)
    for byte in b"ok":
        ram.write(TOHOST, 8, 1 << 56 | 1 << 48 | byte)
        assert htif.poll()
        assert ram.read(TOHOST, 8) == 0
    assert bytes(machine.output) == b"ok"
    ram.write(TOHOST, 8, 1 << 56)
    htif.poll()
    assert ram.read(FROMHOST, 8) == 0
    htif.receive(b"yz")
    assert ram.read(FROMHOST, 8) == 1 << 56 | 0x100 | ord("y")
    ram.write(TOHOST, 8, 1 << 56)
    htif.poll()  # the first answer has not been taken yet
    ram.write(FROMHOST, 8, 0)
    htif.poll()
    assert ram.read(FROMHOST, 8) == 1 << 56 | 0x100 | ord("z")
    assert reports == []


def test_htif_says_once_what_it_does_not_serve() -> None:
    htif, ram, reports = htif_of(Machine())
    for request in (0x8000_1100, 0x8000_1200, 5 << 56):
        ram.write(TOHOST, 8, request)
        assert htif.poll()
        assert ram.read(TOHOST, 8) == 0
    assert reports == ["HTIF request 0x80001100 in tohost ignored: system calls by proxy are not supported"]


# Board


def test_board_is_the_virt_map() -> None:
    board, bus = Board(Machine().services), Bus(Ram(0x8000_0000, 0x1000))
    board.attach(bus)
    where = {mapping.base: type(mapping.device) for mapping in bus.mappings}
    assert where == {
        0x0010_0000: Finisher,
        0x0010_1000: GoldfishRtc,
        0x0200_0000: Aclint,
        0x0C00_0000: Plic,
        0x1000_0000: Uart16550,
        0x1010_0000: FwCfg,
    } | {0x1000_1000 + 0x1000 * slot: VirtioMmio for slot in range(8)}
    assert {line.device: line.irq for line in VIRT if line.irq} == {GoldfishRtc: 11, Uart16550: 10}
    assert [device.irq for device in board.devices if isinstance(device, VirtioMmio)] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_board_wires_devices_to_the_plic() -> None:
    machine = Machine()
    board, bus = Board(machine.services), Bus(Ram(0x8000_0000, 0x1000))
    board.attach(bus)
    bus.write(0x0C00_0000 + 40, 4, 1)
    bus.write(0x0C00_2080, 4, 1 << 10)
    bus.write(0x1000_0001, 1, 1)
    board.find(Uart16550).receive(b"!")
    assert machine.external[0, "S"] is True
    assert bus.read(0x0C20_1004, 4) == 10
    assert bus.read(0x1000_0000, 1) == ord("!")
    bus.write(0x0C20_1004, 4, 10)
    assert machine.external[0, "S"] is False
    board.find(Uart16550).receive(b"?")
    assert machine.external[0, "S"] is True
    board.reset()
    assert machine.external[0, "S"] is False
    assert bus.read(0x0C00_1000, 4) == 0


def test_board_knows_the_next_deadline() -> None:
    machine = Machine()
    board = Board(machine.services)
    assert board.deadline() is None
    board.find(GoldfishRtc).write(ALARM_LOW, 4, 700)
    assert board.deadline() == 7
    machine.time = 7
    board.advance()
    assert board.deadline() is None


def test_board_without_a_controller() -> None:
    with pytest.raises(LookupError, match="no interrupt controller"):
        Board(Services(), [Line(Finisher, 0x10_0000)])


@pytest.mark.parametrize("aia", Aia)
def test_every_device_survives_every_access(aia: Aia) -> None:
    """Whatever is read or written anywhere: a value within range or a BusError, and nothing else."""
    machine = Machine(harts=2)
    board = Board(machine.services, lines_of(BoardConfig(aia=aia, virtio=("console", "rng", "net"))))
    for device in board.devices:
        ends = [register.end for register in device.registers]
        offsets = {o + d for o in (0, device.length, *ends, *(r.offset for r in device.registers)) for d in range(-8, 8)}
        for offset in sorted(o for o in offsets if 0 <= o < device.length):
            for size in (1, 2, 4, 8):
                if offset % size or offset + size > device.length:
                    continue
                for value in (0, (1 << 8 * size) - 1, 0x5A5A5A5A5A5A5A5A & (1 << 8 * size) - 1):
                    try:
                        device.write(offset, size, value)
                        assert 0 <= device.read(offset, size) < 1 << 8 * size
                    except BusError:
                        pass
