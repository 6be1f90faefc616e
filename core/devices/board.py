# SPDX-License-Identifier: Apache-2.0
"""The board: which device sits at which address, with which interrupt. The map is that of QEMU's `virt` machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core.boot.fdt import Node
from core.devices.aclint import Aclint
from core.devices.device import Device, Services
from core.devices.goldfish_rtc import GoldfishRtc
from core.devices.plic import Plic
from core.devices.syscon import Finisher
from core.devices.uart16550 import Uart16550
from core.memory.bus import Bus

RAM_BASE = 0x8000_0000
"""Physical address at which RAM begins."""


@dataclass(frozen=True)
class Line:
    """A device on the board: its class, physical base address and interrupt number (0: none)."""

    device: type[Device]
    base: int
    irq: int = 0


VIRT = (
    Line(Finisher, 0x0010_0000),
    Line(GoldfishRtc, 0x0010_1000, irq=11),
    Line(Aclint, 0x0200_0000),
    Line(Plic, 0x0C00_0000),
    Line(Uart16550, 0x1000_0000, irq=10),
)
"""The devices of the virt machine. Its eight virtio-mmio slots belong at 0x10001000 + 0x1000*n with interrupts 1 to
8."""

D = TypeVar("D", bound=Device)


class Board:
    """The devices of one machine, made from the lines and wired to the interrupt controller.

    Raises ValueError when a device has an interrupt and the board no controller.
    """

    def __init__(self, services: Services, lines: Sequence[Line] = VIRT) -> None:
        self.services = services
        self._wired = False
        self.devices = tuple(line.device(services, line.base, line.irq, self._wire(line.irq)) for line in lines)
        """All devices, in the order of the lines."""
        self._controller = self.find(Plic)
        self._wired = True

    def _wire(self, irq: int) -> Callable[[bool], None]:
        def drive(level: bool) -> None:
            if irq and self._wired:
                self.set_level(irq, level)

        return drive

    def find(self, kind: type[D]) -> D:
        """The board's device of class `kind`. Raises LookupError when it has none."""
        for device in self.devices:
            if isinstance(device, kind):
                return device
        raise LookupError(f"the board has no {kind.__name__}")

    def attach(self, bus: Bus) -> None:
        """Put all devices on the bus. Raises ValueError when two overlap."""
        for device in self.devices:
            bus.attach(device.base, device.length, device)

    def reset(self) -> None:
        """Reset all devices; the interrupt controller first, so that it sees the lines of the others fall."""
        for device in sorted(self.devices, key=lambda device: device is not self._controller):
            device.reset()

    def set_level(self, irq: int, level: bool) -> None:
        """Drive interrupt line `irq` of the controller."""
        self._controller.set_level(irq, level)

    def deadline(self) -> int | None:
        """mtime (ticks) at which some device next does something by itself; None: never."""
        return min((due for device in self.devices if (due := device.deadline()) is not None), default=None)

    def advance(self) -> None:
        """Let all devices do what is due now."""
        for device in self.devices:
            device.advance()

    def soc_nodes(self) -> list[Node]:
        """Device-tree nodes under /soc."""
        return [node for device in self.devices for node in device.nodes()]

    def root_nodes(self) -> list[Node]:
        """Device-tree nodes under the root."""
        return [node for device in self.devices for node in device.root_nodes()]
