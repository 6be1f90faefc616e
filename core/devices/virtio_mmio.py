# SPDX-License-Identifier: Apache-2.0
"""virtio over MMIO: one slot of the board, with or without something in it.

Source: Virtual I/O Device (VIRTIO) Version 1.2, section 4.2 (Virtio Over MMIO), 2.1 (Device Status Field), 3.1 (Device
Initialization); 4.2.4 for the legacy interface. A slot without a function has device ID 0, which drivers skip. A driver
that breaks a rule of the queues finds DEVICE_NEEDS_RESET set, and the user is told why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from core.boot.fdt import Node, wide
from core.devices.device import Device, Register, Services
from core.devices.virtio_function import VirtioFunction
from core.devices.virtio_queue import MAXIMUM_SIZE, QueueError, Virtqueue

MAGIC = 0x7472_6976
VERSION, LEGACY_VERSION = 2, 1
VENDOR = 0x554D_4551
"""That of QEMU's devices, as some drivers look for it."""
CONFIG = 0x100
"""Offset of the configuration space (4.2.2)."""
LOW_HALF = (1 << 32) - 1
# "Device Status Field" (2.1)
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET, FAILED = 1, 2, 4, 8, 64, 128
DRIVER_BITS = ACKNOWLEDGE | DRIVER | DRIVER_OK | FEATURES_OK | FAILED
# InterruptStatus (4.2.2)
USED_BUFFER, CONFIGURATION_CHANGE = 1, 2
# "Reserved Feature Bits" (6); the first only for the legacy interface (6.3)
ANY_LAYOUT, INDIRECT_DESC, EVENT_IDX, VERSION_1 = 1 << 27, 1 << 28, 1 << 29, 1 << 32


class VirtioMmio(Device):
    """A slot. function: what sits in it, None for nothing; legacy: the interface of before VIRTIO 1.0."""

    length: ClassVar[int] = 0x1000

    def __init__(
        self,
        services: Services,
        base: int,
        irq: int = 0,
        interrupt: Callable[[bool], None] = lambda level: None,
        function: VirtioFunction | None = None,
        legacy: bool = False,
    ) -> None:
        self.function, self.legacy = function, legacy
        self.queues = [Virtqueue(services.dma) for _ in range(function.queues if function else 0)]
        if function is not None:
            function.connect(self)
        super().__init__(services, base, irq, interrupt)

    @property
    def offered(self) -> int:
        """The feature bits the device has."""
        if self.function is None:
            return 0
        ring = INDIRECT_DESC | EVENT_IDX | (ANY_LAYOUT if self.legacy else VERSION_1)
        return self.function.features | ring

    @property
    def active(self) -> bool:
        """Whether the device may use its queues (3.1.2): the driver is ready, and nothing went wrong."""
        wanted = 0 if self.legacy else DRIVER_OK
        return self._status & (wanted | NEEDS_RESET) == wanted

    @property
    def driver_ready(self) -> bool:
        """Whether a driver has finished its set-up."""
        return self._status & (DRIVER_OK | NEEDS_RESET) == DRIVER_OK

    def has(self, feature: int) -> bool:
        """Whether a feature has been negotiated."""
        return bool(self._accepted & feature)

    def reset(self) -> None:
        """Power-on state."""
        self._page_size = 0  # drivers set it once, before they reset the device
        if self.function is not None:
            self.function.power_on()
        self._reset_device()

    def _reset_device(self) -> None:
        """What writing 0 to the status does (2.1.2)."""
        self._status = self._accepted = self._pending = self._selected = 0
        self._offered_word = self._accepted_word = 0
        self._alignment = 0
        for queue in self.queues:
            queue.reset()
        if self.function is not None:
            self.function.reset()
        self.interrupt(False)

    # What the function uses

    def queue(self, index: int) -> Virtqueue | None:
        """A queue that may be used now."""
        queue = self.queues[index]
        return queue if self.active and queue.ready else None

    def settle(self) -> None:
        """Chains have been given back: interrupt the driver if it wants that."""
        wanting = [queue for queue in self.queues if queue.ready and queue.wants_interrupt()]
        if wanting:
            self._raise(USED_BUFFER)

    def run(self, work: Callable[[], None]) -> None:
        """Let the function work on its queues. When the driver broke a rule the device needs a reset."""
        try:
            work()
            self.settle()
        except QueueError as error:
            self._fail(str(error))

    def _fail(self, reason: str) -> None:
        if not self._status & NEEDS_RESET:
            name = self.function.name if self.function else "nothing"
            self.services.report(f"virtio {name} at {self.base:#x} needs a reset: {reason}")
        self._status |= NEEDS_RESET
        if self._status & DRIVER_OK:  # "MUST send a device configuration change notification" (2.1.2)
            self._raise(CONFIGURATION_CHANGE)

    def _raise(self, bits: int) -> None:
        self._pending |= bits
        self.interrupt(True)

    # Registers, in the order of the table in 4.2.2

    def _read_version(self, index: int) -> int:
        return LEGACY_VERSION if self.legacy else VERSION

    def _read_id(self, index: int) -> int:
        return self.function.device_id if self.function else 0

    def _read_features(self, index: int) -> int:
        return (self.offered >> (32 * self._offered_word)) & LOW_HALF if self._offered_word < 2 else 0

    def _select_offered(self, index: int, value: int) -> None:
        self._offered_word = value

    def _write_features(self, index: int, value: int) -> None:
        if self._accepted_word < 2 and not self._status & FEATURES_OK:
            shift = 32 * self._accepted_word
            self._accepted = (self._accepted & ~(LOW_HALF << shift)) | (value << shift)
            if self.legacy:  # nothing tells whether they were accepted
                self._accepted &= self.offered
                self._agree()

    def _select_accepted(self, index: int, value: int) -> None:
        self._accepted_word = value

    def _select_queue(self, index: int, value: int) -> None:
        self._selected = value

    def _chosen(self) -> Virtqueue | None:
        return self.queues[self._selected] if self._selected < len(self.queues) else None

    def _read_maximum(self, index: int) -> int:
        return MAXIMUM_SIZE if self._chosen() else 0

    def _write_size(self, index: int, value: int) -> None:
        queue = self._chosen()
        if queue is not None and not queue.ready:
            queue.size = value

    def _read_ready(self, index: int) -> int:
        queue = self._chosen()
        return int(queue is not None and queue.ready and not self.legacy)

    def _write_ready(self, index: int, value: int) -> None:
        queue = self._chosen()
        if queue is None or self.legacy:
            return
        if value & 1 and not queue.ready:
            queue.rewind()
            self._start(queue)
        elif not value & 1:
            queue.ready = False

    def _start(self, queue: Virtqueue) -> None:
        try:
            queue.check()
        except QueueError as error:
            self._fail(str(error))
        else:
            queue.ready = True

    def _notify(self, index: int, value: int) -> None:
        if value < len(self.queues) and self.queue(value) is not None and self.function is not None:
            function = self.function
            self.run(lambda: function.notified(value))

    def _read_pending(self, index: int) -> int:
        return self._pending

    def _acknowledge(self, index: int, value: int) -> None:
        self._pending &= ~value
        self.interrupt(bool(self._pending))

    def _read_status(self, index: int) -> int:
        return self._status

    def _write_status(self, index: int, value: int) -> None:
        if self.function is None:
            return
        if value & 0xFF == 0:
            self._reset_device()
            return
        value = (value & DRIVER_BITS) | (self._status & NEEDS_RESET)
        if value & FEATURES_OK and not self._status & FEATURES_OK and not self.legacy:
            if self._accepted & ~self.offered or not self._accepted & VERSION_1:
                value &= ~FEATURES_OK  # the driver reads it back and gives up (3.1.1, 6.1)
            else:
                self._agree()
        self._status = value

    def _agree(self) -> None:
        for queue in self.queues:
            queue.indirect = self.has(INDIRECT_DESC)
            queue.event_index = self.has(EVENT_IDX)

    def _write_address(self, index: int, value: int) -> None:
        """QueueDescLow/High, QueueDriverLow/High, QueueDeviceLow/High."""
        queue = self._chosen()
        if queue is None or queue.ready or self.legacy or index % 4 > 1:
            return
        name, shift = ("descriptors", "driver", "device")[index // 4], 32 * (index % 4)
        old = getattr(queue, name)
        setattr(queue, name, (old & ~(LOW_HALF << shift)) | (value << shift))

    def _no_shared_memory(self, index: int) -> int:
        return LOW_HALF  # length and address -1: no such region (4.2.2)

    # The legacy interface (4.2.4)

    def _write_page_size(self, index: int, value: int) -> None:
        self._page_size = value

    def _write_alignment(self, index: int, value: int) -> None:
        self._alignment = value

    def _read_page(self, index: int) -> int:
        queue = self._chosen()
        return queue.descriptors // self._page_size if queue and self.legacy and self._page_size else 0

    def _write_page(self, index: int, value: int) -> None:
        queue = self._chosen()
        if queue is None or not self.legacy:
            return
        queue.ready = False
        queue.rewind()
        queue.descriptors = value * self._page_size
        queue.driver = queue.descriptors + 16 * queue.size
        end, alignment = queue.driver + 6 + 2 * queue.size, max(self._alignment, 1)
        queue.device = -(-end // alignment) * alignment
        if value:
            self._start(queue)

    registers: ClassVar[tuple[Register, ...]] = (
        Register("MagicValue", 0x000, 4, lambda self, index: MAGIC, pure=True),
        Register("Version", 0x004, 4, _read_version, pure=True),
        Register("DeviceID", 0x008, 4, _read_id, pure=True),
        Register("VendorID", 0x00C, 4, lambda self, index: VENDOR, pure=True),
        Register("DeviceFeatures", 0x010, 4, _read_features, pure=True),
        Register("DeviceFeaturesSel", 0x014, 4, write=_select_offered),
        Register("DriverFeatures", 0x020, 4, write=_write_features),
        Register("DriverFeaturesSel", 0x024, 4, write=_select_accepted),
        Register("GuestPageSize", 0x028, 4, write=_write_page_size),
        Register("QueueSel", 0x030, 4, write=_select_queue),
        Register("QueueNumMax", 0x034, 4, _read_maximum, pure=True),
        Register("QueueNum", 0x038, 4, write=_write_size),
        Register("QueueAlign", 0x03C, 4, write=_write_alignment),
        Register("QueuePFN", 0x040, 4, _read_page, _write_page, pure=True),
        Register("QueueReady", 0x044, 4, _read_ready, _write_ready, pure=True),
        Register("QueueNotify", 0x050, 4, write=_notify),
        Register("InterruptStatus", 0x060, 4, _read_pending, pure=True),
        Register("InterruptACK", 0x064, 4, write=_acknowledge),
        Register("Status", 0x070, 4, _read_status, _write_status, pure=True),
        Register("QueueAddress", 0x080, 4, write=_write_address, count=10),
        Register("SHMSel", 0x0AC, 4),
        Register("SHM", 0x0B0, 4, _no_shared_memory, pure=True, count=4),
        Register("ConfigGeneration", 0x0FC, 4),
    )

    # The configuration space: bytes, read in any width

    def _configuration(self, offset: int, size: int) -> int:
        content = self.function.configuration() if self.function else b""
        return int.from_bytes(content[offset - CONFIG : offset - CONFIG + size], "little")

    def read(self, offset: int, size: int) -> int:
        """A register, or part of the configuration space."""
        return self._configuration(offset, size) if offset >= CONFIG else super().read(offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """A register, or part of the configuration space."""
        if offset < CONFIG:
            super().write(offset, size, value)
        elif self.function is not None:
            self.function.configure(offset - CONFIG, value.to_bytes(size, "little"))

    def peek(self, offset: int, size: int) -> int:
        """As Device.peek."""
        if offset >= CONFIG:
            return self._configuration(offset, size)
        count = min(size, CONFIG - offset)
        return super().peek(offset, count) | (self._configuration(CONFIG, size - count) << (8 * count))

    def nodes(self) -> list[Node]:
        """The node of a "virtio,mmio" slot, which drivers probe."""
        properties = {"compatible": "virtio,mmio", "reg": wide(self.base, self.length), **self.wiring()}
        return [Node(f"virtio_mmio@{self.base:x}", properties)]
