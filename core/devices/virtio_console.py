# SPDX-License-Identifier: Apache-2.0
"""virtio console device, with one port.

Source: Virtual I/O Device (VIRTIO) Version 1.2, section 5.3 (Console Device). Its output goes where the serial port's
goes; once a driver is ready, it gets the input in the serial port's place.
"""

from __future__ import annotations

import struct
from typing import ClassVar

from core.devices.virtio_function import VirtioFunction

RECEIVE, TRANSMIT = 0, 1
EMERG_WRITE = 1 << 2
EMERG_WRITE_OFFSET = 8
"""Of emerg_wr in the configuration space (5.3.4)."""


class VirtioConsole(VirtioFunction):
    """The console. `receive` takes input."""

    device_id: ClassVar[int] = 3
    name: ClassVar[str] = "console"
    queues: ClassVar[int] = 2
    features = EMERG_WRITE

    def __init__(self) -> None:
        self._waiting = bytearray()

    def configuration(self) -> bytes:
        """struct virtio_console_config (5.3.4): cols, rows, max_nr_ports, emerg_wr."""
        return struct.pack("<HHII", 0, 0, 1, 0)

    def configure(self, offset: int, data: bytes) -> None:
        """A byte for the console from a driver in distress (5.3.6, emergency write)."""
        if offset == EMERG_WRITE_OFFSET:
            self.slot.services.console_output(data[:1])

    @property
    def listening(self) -> bool:
        """Whether a driver is there to take input."""
        return self.slot.driver_ready and self.slot.queue(RECEIVE) is not None

    def receive(self, data: bytes) -> None:
        """Input from outside: into the driver's buffers, the rest as buffers come."""
        self._waiting += data
        self.slot.run(self._fill)

    def notified(self, queue: int) -> None:
        """New buffers for input, or output."""
        if queue == RECEIVE:
            self._fill()
            return
        for chain in self.chains(TRANSMIT):
            self.slot.services.console_output(chain.readable.read())
            self.give_back(TRANSMIT, chain)

    def _fill(self) -> None:
        if not self._waiting:
            return
        for chain in self.chains(RECEIVE):
            done = chain.writable.write(bytes(self._waiting))
            del self._waiting[:done]
            self.give_back(RECEIVE, chain, done)
            if not self._waiting:
                return
