# SPDX-License-Identifier: Apache-2.0
"""What can sit in a virtio slot: base of the block device, the console and so on.

Source: Virtual I/O Device (VIRTIO) Version 1.2, chapter 5 (Device Types).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from core.devices.virtio_queue import Chain, QueueError

if TYPE_CHECKING:
    from core.devices.virtio_mmio import VirtioMmio


class VirtioFunction:
    """A device type. Subclasses say what they are and what a notification makes them do."""

    device_id: ClassVar[int]
    """Number of the device type (5)."""
    name: ClassVar[str]
    """What to call it in messages."""
    queues: ClassVar[int] = 1
    """Number of its virtqueues."""
    features: int = 0
    """Feature bits of the device type that it offers."""

    slot: VirtioMmio

    def connect(self, slot: VirtioMmio) -> None:
        """It has been put into a slot."""
        self.slot = slot

    def power_on(self) -> None:
        """The machine is reset; `reset` follows."""

    def reset(self) -> None:
        """The driver resets the device."""

    def configuration(self) -> bytes:
        """The device-specific configuration space."""
        return b""

    def configure(self, offset: int, data: bytes) -> None:
        """The driver writes to the configuration space."""

    def notified(self, queue: int) -> None:
        """The driver has put something into a queue. Raises QueueError when it broke a rule."""

    def chains(self, index: int) -> Iterator[Chain]:
        """What is available in a queue, one after the other, each taken as it is asked for."""
        queue = self.slot.queue(index)
        while queue is not None and (chain := queue.pop()) is not None:
            yield chain

    def give_back(self, index: int, chain: Chain, written: int = 0) -> None:
        """A chain is done; `written` bytes of it hold an answer."""
        self.slot.queues[index].push(chain, written)


def need(condition: bool, what: str) -> None:
    """Raise QueueError(what) unless the condition holds."""
    if not condition:
        raise QueueError(what)
