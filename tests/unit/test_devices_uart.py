# SPDX-License-Identifier: Apache-2.0
"""NS16550A: register file, FIFO thresholds, interrupt identification, loopback, back-pressure."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from core.devices.device import Services
from core.devices.uart16550 import Uart16550
from core.memory.bus import BusError

RBR = THR = DLL = 0
IER = DLM = 1
IIR = FCR = 2
LCR, MCR, LSR, MSR, SCR = 3, 4, 5, 6, 7


@dataclass
class Port:
    """A UART with what it sent and the history of its interrupt line."""

    sent: bytearray = field(default_factory=bytearray)
    line: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.uart = Uart16550(Services(console_output=self.sent.extend), 0x1000_0000, 10, self.line.append)

    def get(self, register: int) -> int:
        return self.uart.read(register, 1)

    def put(self, register: int, value: int) -> None:
        self.uart.write(register, 1, value)

    @property
    def interrupt(self) -> bool:
        return self.line[-1]


@pytest.fixture
def port() -> Port:
    return Port()


def test_reset_values(port: Port) -> None:
    assert [port.get(r) for r in (RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR)] == [0, 0, 1, 0, 0, 0x60, 0xB0, 0]
    assert port.interrupt is False


def test_bytes_written_are_sent_at_once(port: Port) -> None:
    for byte in b"Hi\n":
        assert port.get(LSR) & 0x20
        port.put(THR, byte)
    assert bytes(port.sent) == b"Hi\n"
    assert port.get(LSR) == 0x60


def test_divisor_latch_hides_data_and_ier(port: Port) -> None:
    port.put(IER, 0x05)
    port.put(LCR, 0x83)
    port.put(DLL, 0x34)
    port.put(DLM, 0x12)
    assert (port.get(DLL), port.get(DLM)) == (0x34, 0x12)
    port.put(LCR, 0x03)
    assert (port.get(RBR), port.get(IER), port.get(LCR)) == (0, 0x05, 0x03)
    assert port.sent == b""


def test_scratch_and_unused_bits(port: Port) -> None:
    port.put(SCR, 0xA5)
    port.put(IER, 0xFF)
    port.put(MCR, 0xEF)
    assert (port.get(SCR), port.get(IER), port.get(MCR)) == (0xA5, 0x0F, 0x0F)


def test_without_fifos_one_byte_is_available_at_a_time(port: Port) -> None:
    port.uart.receive(b"abc")
    assert port.uart.backlog == 3
    assert port.get(LSR) & 1
    assert port.get(IIR) & 0xC0 == 0
    assert [port.get(RBR), port.get(RBR), port.get(RBR)] == list(b"abc")
    assert port.get(LSR) == 0x60
    assert port.get(RBR) == 0


@pytest.mark.parametrize(("bits", "level"), [(0x00, 1), (0x40, 4), (0x80, 8), (0xC0, 14)])
def test_fifo_trigger_levels(port: Port, bits: int, level: int) -> None:
    port.put(FCR, bits | 1)
    port.put(IER, 1)
    for count in range(1, 17):
        port.uart.receive(b"x")
        expected = 0xC4 if count >= level else 0xCC  # received data, or character time-out below the level
        assert port.get(IIR) == expected, count
        assert port.interrupt
    for count in range(15, 0, -1):
        port.get(RBR)
        assert port.get(IIR) == (0xC4 if count >= level else 0xCC), count
    port.get(RBR)
    assert port.get(IIR) == 0xC1
    assert not port.interrupt


def test_input_beyond_the_fifo_is_kept_in_order(port: Port) -> None:
    port.put(FCR, 1)
    data = bytes(range(256)) * 4
    port.uart.receive(data)
    assert port.uart.backlog == 1024
    assert bytes(port.get(RBR) for _ in range(1024)) == data
    assert port.get(LSR) == 0x60  # no overrun was ever reported


def test_clearing_the_fifo_loses_no_input(port: Port) -> None:
    port.uart.receive(b"early")
    port.put(FCR, 1)  # switching FIFOs on clears them
    port.put(FCR, 0x07)
    assert bytes(port.get(RBR) for _ in range(5)) == b"early"


def test_fcr_trigger_is_programmed_only_with_bit_0(port: Port) -> None:
    port.put(FCR, 0x81)
    port.put(FCR, 0xC0)  # FIFOs off; trigger bits are not taken over
    assert port.get(IIR) == 0x01
    port.put(FCR, 0x81)
    port.put(IER, 1)
    port.uart.receive(bytes(8))
    assert port.get(IIR) == 0xC4


def test_thr_empty_interrupt(port: Port) -> None:
    port.put(IER, 2)
    assert port.interrupt  # enabling it with an empty THR raises it
    assert port.get(IIR) == 0x02  # reading IIR clears it
    assert not port.interrupt
    assert port.get(IIR) == 0x01
    port.put(THR, ord("x"))
    assert port.interrupt
    port.put(IER, 0)
    assert not port.interrupt


def test_priorities(port: Port) -> None:
    port.put(MCR, 0x10)  # loopback: the modem lines fall, which is a modem status change
    port.put(THR, 1)
    port.put(THR, 2)  # overrun of the single receive register
    port.put(IER, 0x0F)
    assert port.get(IIR) == 0x06
    assert port.get(LSR) == 0x63
    assert port.get(IIR) == 0x04
    assert port.get(RBR) == 2
    assert port.get(IIR) == 0x02
    assert port.get(IIR) == 0x00
    assert port.get(MSR) == 0x0B
    assert port.get(IIR) == 0x01


def test_loopback_joins_outputs_to_inputs(port: Port) -> None:
    for mcr, msr in ((0x11, 0x20), (0x12, 0x10), (0x14, 0x40), (0x18, 0x80), (0x1F, 0xF0), (0x10, 0)):
        port.put(MCR, mcr)
        assert port.get(MSR) & 0xF0 == msr
    port.put(MCR, 0)
    port.get(MSR)
    assert port.get(MSR) == 0xB0


def test_ring_indicator_tells_its_trailing_edge(port: Port) -> None:
    port.put(MCR, 0x1F)
    port.get(MSR)
    port.put(MCR, 0x1B)
    assert port.get(MSR) == 0xB4
    port.put(MCR, 0x1F)
    assert port.get(MSR) == 0xF0


def test_loopback_cuts_the_line_off(port: Port) -> None:
    port.put(FCR, 1)
    port.put(MCR, 0x10)
    port.uart.receive(b"outside")
    for byte in range(20):
        port.put(THR, byte)
    assert port.sent == b""
    assert port.get(LSR) == 0x63  # the FIFO kept 16 and lost 4
    assert [port.get(RBR) for _ in range(16)] == list(range(16))
    port.put(MCR, 0)
    assert bytes(port.get(RBR) for _ in range(7)) == b"outside"


def test_peek_changes_nothing(port: Port) -> None:
    port.put(IER, 3)
    port.uart.receive(b"q")
    before = port.uart.peek(0, 8)
    assert before == int.from_bytes(bytes((ord("q"), 3, 0x04, 0, 0, 0x61, 0xB0, 0)), "little")
    assert port.uart.peek(0, 8) == before
    assert port.get(RBR) == ord("q")
    assert port.uart.peek(2, 1) == 0x02
    assert port.get(IIR) == 0x02


def test_wide_accesses_reach_one_register(port: Port) -> None:
    port.uart.write(THR, 4, 0x4241)
    port.uart.write(SCR - 3, 4, 0xFFFFFF00)
    assert bytes(port.sent) == b"A"
    assert port.uart.read(4, 4) == 0
    assert port.uart.read(0x20, 1) == 0  # behind the registers
    with pytest.raises(BusError, match="LSR"):
        port.uart.read(LSR, 16)


def test_reset_keeps_unread_input(port: Port) -> None:
    port.put(FCR, 1)
    port.put(IER, 1)
    port.uart.receive(b"abc")
    port.uart.reset()
    assert not port.interrupt
    assert (port.get(IER), port.get(IIR)) == (0, 1)
    assert bytes(port.get(RBR) for _ in range(3)) == b"abc"


def test_firmware_takes_what_the_guest_has_not_read(port: Port) -> None:
    port.put(IER, 1)
    port.uart.receive(b"abcdef")
    assert port.get(RBR) == ord("a")
    assert port.uart.take(3) == b"bcd"
    assert (port.uart.backlog, port.interrupt) == (2, True)
    assert port.uart.take(9) == b"ef"
    assert (port.uart.take(9), port.interrupt) == (b"", False)


def test_device_tree_node(port: Port) -> None:
    (node,) = port.uart.nodes()
    assert node.name == "serial@10000000"
    assert node.properties["compatible"] == "ns16550a"
    assert node.properties["interrupts"] == [10]
    assert node.properties["clock-frequency"] == 3686400
