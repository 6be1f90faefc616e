# SPDX-License-Identifier: Apache-2.0
"""Serial port: an NS16550A with FIFOs.

Source: National Semiconductor PC16550D data sheet ("UART with FIFOs"); section names below are its own. Two things
differ from the chip because the line has no speed here: a byte is on its way out the moment it is written, so the
transmitter is always empty; and input arrives at once, so the four character times of the receiver time-out are over as
soon as no more input waits. Input beyond the FIFO's room waits in a queue instead of overrunning the FIFO.
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from core.boot.fdt import Node, Value, wide
from core.devices.device import Device, Register

CLOCK = 3_686_400
"""Input clock in Hz, of which the divisor makes 16 times the baud rate."""
FIFO_SIZE = 16
TRIGGER_LEVELS = (1, 4, 8, 14)
"""Bytes in the receive FIFO that raise the interrupt, by FCR bits 7:6 ("FIFO Control Register")."""

# IER, "Interrupt Enable Register"
IER_RECEIVED, IER_THR_EMPTY, IER_LINE_STATUS, IER_MODEM_STATUS = 1, 2, 4, 8
# IIR, "Interrupt Identification Register": the values for each source, highest priority first
IIR_LINE_STATUS, IIR_RECEIVED, IIR_TIMEOUT, IIR_THR_EMPTY, IIR_MODEM_STATUS, IIR_NONE = 0x6, 0x4, 0xC, 0x2, 0x0, 0x1
IIR_FIFOS_ENABLED = 0xC0
# FCR, "FIFO Control Register"
FCR_ENABLE, FCR_CLEAR_RECEIVER = 1, 2
# LCR, "Line Control Register"
LCR_DLAB = 0x80
# MCR, "Modem Control Register"
MCR_DTR, MCR_RTS, MCR_OUT1, MCR_OUT2, MCR_LOOP, MCR_MASK = 1, 2, 4, 8, 16, 31
# LSR, "Line Status Register"
LSR_DATA_READY, LSR_OVERRUN, LSR_THR_EMPTY, LSR_TRANSMITTER_EMPTY = 1, 2, 0x20, 0x40
# MSR, "Modem Status Register": the lines; the low half tells which of them changed
MSR_CTS, MSR_DSR, MSR_RI, MSR_DCD = 0x10, 0x20, 0x40, 0x80
MSR_CONNECTED = MSR_CTS | MSR_DSR | MSR_DCD
LOOPED = ((MCR_RTS, MSR_CTS), (MCR_DTR, MSR_DSR), (MCR_OUT1, MSR_RI), (MCR_OUT2, MSR_DCD))
"""Which output is wired to which input while MCR_LOOP is set."""

RESET_DIVISOR = 12
ANY_WIDTH = (2, 4, 8)
"""Wider accesses reach one register, as on QEMU's virt machine."""


class Uart16550(Device):
    """The serial port. Bytes sent go to `services.console_output`; `receive` takes input."""

    length: ClassVar[int] = 0x100

    def __post_init__(self) -> None:
        self._waiting: deque[int] = deque()
        self._fifo: deque[int] = deque()
        self._mcr = 0
        super().__post_init__()

    def reset(self) -> None:
        """Master reset ("Registers", table of reset functions). Input that nobody has read yet stays available."""
        self._take_back()
        self._ier = self._lcr = self._mcr = self._scratch = 0
        self._divisor = RESET_DIVISOR
        self._fifos_enabled = False
        self._trigger = TRIGGER_LEVELS[0]
        self._overrun = False
        self._thr_empty_pending = False
        self._modem_changes = 0
        self._update()

    @property
    def backlog(self) -> int:
        """Bytes of input that the guest has not read yet."""
        return len(self._waiting) + len(self._fifo)

    def receive(self, data: bytes) -> None:
        """Input from outside: into the FIFO as far as there is room, the rest as room appears. Nothing is dropped."""
        self._waiting.extend(data)
        self._update()

    def take(self, limit: int) -> bytes:
        """Up to `limit` unread bytes, for firmware that shares the port with the guest (as OpenSBI's console does)."""
        taken = bytearray()
        while self._fifo and len(taken) < limit and not self._mcr & MCR_LOOP:
            taken.append(self._fifo.popleft())
            self._update()
        return bytes(taken)

    def _take_back(self) -> None:
        """Empty the receive FIFO. What was in it counts as not having arrived yet, except what came by loopback."""
        if not self._mcr & MCR_LOOP:
            self._waiting.extendleft(reversed(self._fifo))
        self._fifo.clear()

    def _room(self) -> int:
        return (FIFO_SIZE if self._fifos_enabled else 1) - len(self._fifo)

    def _source(self) -> int:
        """The pending interrupt of highest priority, as IIR shows it ("Interrupt Identification Register")."""
        if self._ier & IER_LINE_STATUS and self._overrun:
            return IIR_LINE_STATUS
        if self._ier & IER_RECEIVED and self._fifo:
            enough = not self._fifos_enabled or len(self._fifo) >= self._trigger
            return IIR_RECEIVED if enough else IIR_TIMEOUT
        if self._ier & IER_THR_EMPTY and self._thr_empty_pending:
            return IIR_THR_EMPTY
        if self._ier & IER_MODEM_STATUS and self._modem_changes:
            return IIR_MODEM_STATUS
        return IIR_NONE

    def _update(self) -> None:
        """Let waiting input in (unless looped back, which cuts the line off) and set the interrupt line."""
        if not self._mcr & MCR_LOOP:
            while self._waiting and self._room() > 0:
                self._fifo.append(self._waiting.popleft())
        self.interrupt(self._source() != IIR_NONE)

    # Offset 0: RBR, THR, and the divisor's low half while DLAB is set
    def _peek_data(self, index: int) -> int:
        if self._lcr & LCR_DLAB:
            return self._divisor & 0xFF
        return self._fifo[0] if self._fifo else 0

    def _read_data(self, index: int) -> int:
        value = self._peek_data(index)
        if not self._lcr & LCR_DLAB and self._fifo:
            self._fifo.popleft()
            self._update()
        return value

    def _write_data(self, index: int, value: int) -> None:
        if self._lcr & LCR_DLAB:
            self._divisor = (self._divisor & 0xFF00) | value
            return
        if self._mcr & MCR_LOOP:
            self._loop(value)
        else:
            self.services.console_output(bytes((value,)))
        self._thr_empty_pending = True
        self._update()

    def _loop(self, value: int) -> None:
        """A byte sent while looped back: when there is no room, a FIFO keeps what it has, the single register the new
        byte."""
        if self._room() <= 0:
            self._overrun = True
            if self._fifos_enabled:
                return
            self._fifo.clear()
        self._fifo.append(value)

    # Offset 1: IER, and the divisor's high half
    def _read_ier(self, index: int) -> int:
        return self._divisor >> 8 if self._lcr & LCR_DLAB else self._ier

    def _write_ier(self, index: int, value: int) -> None:
        if self._lcr & LCR_DLAB:
            self._divisor = (self._divisor & 0xFF) | (value << 8)
            return
        if (value ^ self._ier) & IER_THR_EMPTY:
            self._thr_empty_pending = bool(value & IER_THR_EMPTY)
        self._ier = value & 0xF
        self._update()

    # Offset 2: IIR and FCR
    def _peek_iir(self, index: int) -> int:
        return self._source() | (IIR_FIFOS_ENABLED if self._fifos_enabled else 0)

    def _read_iir(self, index: int) -> int:
        value = self._peek_iir(index)
        if value & 0xF == IIR_THR_EMPTY:
            self._thr_empty_pending = False
            self._update()
        return value

    def _write_fcr(self, index: int, value: int) -> None:
        enable = bool(value & FCR_ENABLE)
        if enable != self._fifos_enabled or value & FCR_CLEAR_RECEIVER:
            self._take_back()
        self._fifos_enabled = enable
        if enable:  # the other bits are not programmed unless bit 0 is written as 1
            self._trigger = TRIGGER_LEVELS[value >> 6]
        self._update()

    # Offsets 3, 4 and 7: LCR, MCR, SCR
    def _read_lcr(self, index: int) -> int:
        return self._lcr

    def _write_lcr(self, index: int, value: int) -> None:
        self._lcr = value

    def _read_mcr(self, index: int) -> int:
        return self._mcr

    def _write_mcr(self, index: int, value: int) -> None:
        before = self._modem_lines()
        value &= MCR_MASK
        if (value ^ self._mcr) & MCR_LOOP:
            self._take_back()
        self._mcr = value
        after = self._modem_lines()
        changed = (before ^ after) & (MSR_CTS | MSR_DSR | MSR_DCD)
        changed |= before & ~after & MSR_RI  # the ring indicator tells its trailing edge only
        self._modem_changes |= changed >> 4
        self._update()

    def _read_scratch(self, index: int) -> int:
        return self._scratch

    def _write_scratch(self, index: int, value: int) -> None:
        self._scratch = value

    # Offset 5: LSR
    def _peek_lsr(self, index: int) -> int:
        value = LSR_THR_EMPTY | LSR_TRANSMITTER_EMPTY
        return value | (LSR_DATA_READY if self._fifo else 0) | (LSR_OVERRUN if self._overrun else 0)

    def _read_lsr(self, index: int) -> int:
        value = self._peek_lsr(index)
        if self._overrun:
            self._overrun = False
            self._update()
        return value

    # Offset 6: MSR
    def _modem_lines(self) -> int:
        if not self._mcr & MCR_LOOP:
            return MSR_CONNECTED
        return sum(line for output, line in LOOPED if self._mcr & output)

    def _peek_msr(self, index: int) -> int:
        return self._modem_lines() | self._modem_changes

    def _read_msr(self, index: int) -> int:
        value = self._peek_msr(index)
        if self._modem_changes:
            self._modem_changes = 0
            self._update()
        return value

    registers: ClassVar[tuple[Register, ...]] = (
        Register("RBR/THR/DLL", 0, 1, _read_data, _write_data, _peek_data, widths=ANY_WIDTH),
        Register("IER/DLM", 1, 1, _read_ier, _write_ier, pure=True, widths=ANY_WIDTH),
        Register("IIR/FCR", 2, 1, _read_iir, _write_fcr, _peek_iir, widths=ANY_WIDTH),
        Register("LCR", 3, 1, _read_lcr, _write_lcr, pure=True, widths=ANY_WIDTH),
        Register("MCR", 4, 1, _read_mcr, _write_mcr, pure=True, widths=ANY_WIDTH),
        Register("LSR", 5, 1, _read_lsr, None, _peek_lsr, widths=ANY_WIDTH),
        Register("MSR", 6, 1, _read_msr, None, _peek_msr, widths=ANY_WIDTH),
        Register("SCR", 7, 1, _read_scratch, _write_scratch, pure=True, widths=ANY_WIDTH),
    )

    def nodes(self) -> list[Node]:
        """The node of a "ns16550a"."""
        properties: dict[str, Value] = {
            "compatible": "ns16550a",
            "reg": wide(self.base, self.length),
            "clock-frequency": CLOCK,
            **self.wiring(),
        }
        return [Node(f"serial@{self.base:x}", properties, label="uart")]
