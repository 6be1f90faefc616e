# SPDX-License-Identifier: Apache-2.0
"""virtio network device.

Source: Virtual I/O Device (VIRTIO) Version 1.2, section 5.1 (Network Device): one pair of queues, no offloads. What is at
the other end of the cable is a `Network` (core.devices.network).
"""

from __future__ import annotations

import struct
from collections import deque
from typing import ClassVar

from core.devices.network import Network
from core.devices.virtio_function import VirtioFunction, need

RECEIVE, TRANSMIT = 0, 1
# "Feature bits" (5.1.3)
MAC, STATUS = 1 << 5, 1 << 16
LINK_UP = 1
HEADER, LEGACY_HEADER = 12, 10
"""Bytes of struct virtio_net_hdr (5.1.6); the legacy one ends before num_buffers."""
LONGEST = 1514
"""Bytes of a frame: what the smallest receive buffers that 5.1.6.3.1 allows have room for. Longer ones are lost."""
QUEUE = 256
"""Frames that wait for buffers; further ones are lost, as on a wire."""
ADDRESS = bytes.fromhex("525400123456")
"""MAC address, that of QEMU's first network device."""


class VirtioNet(VirtioFunction):
    """A network card with a cable to `network`."""

    device_id: ClassVar[int] = 1
    name: ClassVar[str] = "net"
    queues: ClassVar[int] = 2
    features = MAC | STATUS

    def __init__(self, network: Network) -> None:
        self.network = network
        self._waiting: deque[bytes] = deque()

    def power_on(self) -> None:
        """Both ends are as new."""
        self.network.reset()

    def reset(self) -> None:
        """Frames not taken are lost."""
        self._waiting.clear()

    def configuration(self) -> bytes:
        """struct virtio_net_config up to status (5.1.4): mac, status."""
        return ADDRESS + struct.pack("<H", LINK_UP)

    @property
    def _header(self) -> int:
        return LEGACY_HEADER if self.slot.legacy else HEADER

    def notified(self, queue: int) -> None:
        """New buffers for frames, or frames to send."""
        if queue == TRANSMIT:
            for chain in self.chains(TRANSMIT):
                length = chain.readable.length
                need(length >= self._header, "a frame without a whole header")
                if length - self._header <= LONGEST:
                    answers = self.network.exchange(chain.readable.split(self._header)[1].read())
                    self._waiting.extend(answers[: QUEUE - len(self._waiting)])
                self.give_back(TRANSMIT, chain)
        self._fill()

    def _fill(self) -> None:
        if not self._waiting:
            return
        for chain in self.chains(RECEIVE):
            header = bytes(LEGACY_HEADER) if self.slot.legacy else bytes(LEGACY_HEADER) + b"\1\0"  # num_buffers: 1
            packet = header + self._waiting.popleft()
            need(chain.writable.length >= len(packet), f"a receive buffer with no room for {len(packet)} bytes")
            self.give_back(RECEIVE, chain, chain.writable.write(packet))
            if not self._waiting:
                return
