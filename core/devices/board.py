# SPDX-License-Identifier: Apache-2.0
"""The board: which device sits at which address, with which interrupt. The map is that of QEMU's `virt` machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from core.boot.fdt import Node
from core.devices.aclint import Aclint
from core.devices.aplic import LEVEL_HIGH, Aplic
from core.devices.config import USUAL_BOARD, Aia, BoardConfig
from core.devices.device import Device, Services
from core.devices.fw_cfg import FwCfg
from core.devices.goldfish_rtc import GoldfishRtc
from core.devices.imsic import Imsic
from core.devices.plic import Plic
from core.devices.syscon import Finisher
from core.devices.uart16550 import Uart16550
from core.devices.virtio import functions
from core.devices.virtio_console import VirtioConsole
from core.devices.virtio_mmio import VirtioMmio
from core.features import Feature
from core.memory.bus import Bus, BusError

RAM_BASE = 0x8000_0000
"""Physical address at which RAM begins."""


@dataclass(frozen=True)
class Line:
    """A device on the board: how to make it (its class, as a rule), physical base address, interrupt (0: none)."""

    device: Callable[..., Device]
    base: int
    irq: int = 0


VIRT = (
    Line(Finisher, 0x0010_0000),
    Line(GoldfishRtc, 0x0010_1000, irq=11),
    Line(Aclint, 0x0200_0000),
    Line(Uart16550, 0x1000_0000, irq=10),
    Line(FwCfg, 0x1010_0000),
)
"""The devices that every virt machine has."""
PLIC_BASE, APLIC_M_BASE, APLIC_S_BASE = 0x0C00_0000, 0x0C00_0000, 0x0D00_0000
IMSIC_M_BASE, IMSIC_S_BASE = 0x2400_0000, 0x2800_0000
VIRTIO_BASE, VIRTIO_STEP, VIRTIO_IRQ = 0x1000_1000, 0x1000, 1
"""Address and interrupt of the first virtio slot, and from one slot to the next."""


def _controllers(config: BoardConfig, supervisor: bool) -> tuple[Line, ...]:
    """The interrupt controllers."""
    if config.aia is Aia.NONE:
        return (Line(Plic, PLIC_BASE),)
    msi = config.aia is Aia.APLIC_IMSIC
    domains = (
        Line(partial(Aplic, level="M", msi=msi, hidden=supervisor), APLIC_M_BASE),
        Line(partial(Aplic, level="S", msi=msi), APLIC_S_BASE),
    )
    if not msi:
        return domains
    return (
        Line(partial(Imsic, level="M", hidden=supervisor), IMSIC_M_BASE),
        Line(partial(Imsic, level="S", guests=config.guests), IMSIC_S_BASE),
        *domains,
    )


def features_of(config: BoardConfig) -> Feature:
    """What the harts have because of the board."""
    return Feature.SMAIA | Feature.SSAIA if config.aia is Aia.APLIC_IMSIC else Feature(0)


def lines_of(config: BoardConfig, supervisor: bool = False) -> tuple[Line, ...]:
    """All devices of a virt machine.

    supervisor: the device tree is for software in S-mode, as no other firmware hides from it what M-mode keeps. Raises
    BootError when a device cannot be had.
    """
    slots = (
        Line(
            partial(VirtioMmio, function=function, legacy=config.legacy),
            VIRTIO_BASE + slot * VIRTIO_STEP,
            VIRTIO_IRQ + slot,
        )
        for slot, function in enumerate(functions(config))
    )
    return (*VIRT, *_controllers(config, supervisor), *slots)


D = TypeVar("D", bound=Device)


class Board:
    """The devices of one machine, made from the lines and wired to the interrupt controller.

    Raises LookupError when there is none.
    """

    def __init__(self, services: Services, lines: Sequence[Line] | None = None) -> None:
        self.services = services
        lines = lines_of(USUAL_BOARD) if lines is None else lines
        self._wired = False
        self.devices = tuple(line.device(services, line.base, line.irq, self._wire(line.irq)) for line in lines)
        self._timed = [device for device in self.devices if type(device).deadline is not Device.deadline]
        """All devices, in the order of the lines."""
        self._controller = self._find_controller()
        self._wired = True
        services.send_msi = self.send_msi
        if isinstance(self._controller, Aplic):
            services.interrupt_cells = (LEVEL_HIGH,)

    def _find_controller(self) -> Plic | Aplic:
        """What the devices' lines go to: the PLIC, or the root domain of the APLIC."""
        for device in self.devices:
            if isinstance(device, Plic):
                return device
        root, child = (
            next((device for device in self.devices if isinstance(device, Aplic) and device.level == level), None)
            for level in "MS"
        )
        if root is None or child is None:
            raise LookupError("the board has no interrupt controller")
        root.adopt(child)
        return root

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

    def send_msi(self, address: int, data: int) -> None:
        """A message-signaled interrupt: a 32-bit write to an interrupt file, or to memory."""
        try:
            for device in self.devices:
                if isinstance(device, Imsic) and device.base <= address < device.base + device.length:
                    device.write(address - device.base, 4, data)
                    return
            self.services.dma.store(address, 4, data)
        except BusError as error:
            self.services.report(f"a message-signaled interrupt is lost: {error}")

    def hand_over(self) -> None:
        """After a reset, what firmware in M-mode does to the interrupt controllers before it starts an operating
        system."""
        root = self._controller
        if not isinstance(root, Aplic):
            return
        root.delegate_all()
        if root.msi:
            files = {device.level: device for device in self.devices if isinstance(device, Imsic)}
            root.place_messages(files["M"].base, files["S"].base, files["S"].guest_bits)

    def console_input(self, data: bytes) -> None:
        """Bytes typed by the user: for the virtio console that a driver listens to, else for the serial port."""
        for device in self.devices:
            if isinstance(device, VirtioMmio) and isinstance(device.function, VirtioConsole) and device.function.listening:
                device.function.receive(data)
                return
        self.find(Uart16550).receive(data)

    def deadline(self) -> int | None:
        """mtime (ticks) at which some device next does something by itself; None: never."""
        first = None
        for device in self._timed:
            due = device.deadline()
            if due is not None and (first is None or due < first):
                first = due
        return first

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
