# SPDX-License-Identifier: Apache-2.0
"""virtio entropy device. Its bytes follow from a seed, so that a run can be repeated; they are not for secrets.

Source: Virtual I/O Device (VIRTIO) Version 1.2, section 5.4 (Entropy Device).
"""

from __future__ import annotations

import random
from typing import ClassVar

from core.devices.virtio_function import VirtioFunction, need

MOST = 4096
"""Bytes given for one request; a device may give fewer than there is room for (5.4.6.2)."""


class VirtioRng(VirtioFunction):
    """The entropy device."""

    device_id: ClassVar[int] = 4
    name: ClassVar[str] = "rng"

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._source = random.Random(seed)

    def power_on(self) -> None:
        """The same bytes again."""
        self._source.seed(self._seed)

    def notified(self, queue: int) -> None:
        """Fill every buffer."""
        for chain in self.chains(queue):
            need(not chain.readable.length, "an entropy request with something to read")
            count = min(chain.writable.length, MOST)
            self.give_back(queue, chain, chain.writable.write(self._source.randbytes(count)))
