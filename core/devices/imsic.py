# SPDX-License-Identifier: Apache-2.0
"""IMSIC: where messages for the harts' interrupt files arrive.

Source: The RISC-V Advanced Interrupt Architecture 1.0, Memory region for an interrupt file, and Arrangement of the memory
regions of multiple interrupt files. One device has the M-mode files of all harts, one the S-mode and guest files. The
files themselves are in the harts (core.csr.imsic).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from core.boot.fdt import Node, Ref, Value, wide
from core.csr.imsic import FILES, IDENTITIES, MACHINE, MOST_GUESTS, SUPERVISOR, WORDS, imsic_receive
from core.devices.device import Device, Services
from core.errors import BadValue
from core.isa.intrinsics import end_slice
from core.memory.ram import BusError
from core.trap.causes import Interrupt

PAGE = 0x1000
SETEIPNUM_LE = 0
IPI_IDENTITY = 1
"""Identity that the device tree proposes for interprocessor interrupts."""


def clear_files(hart: object) -> None:
    """All interrupt files as after power-on: nothing pending, enabled or delivered."""
    for name, count in (("eip", FILES * WORDS), ("eie", FILES * WORDS), ("delivery", FILES), ("threshold", FILES)):
        slot = getattr(hart, f"imsic_{name}")
        for index in range(count):
            slot[index] = 0


class Imsic(Device):
    """The files of one level: level "M" or "S". guests: number of guest files of each hart, in the S-mode device.

    Each hart has one page for M-mode; for S-mode as many as its own and the guest files need, rounded up to a power of 2,
    its own first.
    """

    length: ClassVar[int] = 0x400_0000

    def __init__(
        self,
        services: Services,
        base: int,
        irq: int = 0,
        interrupt: Callable[[bool], None] = lambda level: None,
        level: str = "S",
        guests: int = 0,
        hidden: bool = False,
    ) -> None:
        if not 0 <= guests <= MOST_GUESTS:
            raise BadValue(f"an IMSIC with {guests} guest interrupt files: at most {MOST_GUESTS}")
        self.level, self.guests, self.hidden = level, guests, hidden
        self.guest_bits = guests.bit_length()
        """Bits of the page number that choose among a hart's files."""
        super().__init__(services, base, irq, interrupt)

    def reset(self) -> None:
        """The first file of a hart clears all."""
        for hart in self.services.harts:
            hart.imsic = 1
            if self.level == "S":
                hart.geilen = self.guests
                hart.hgeip = 0
                clear_files(hart)

    @property
    def size(self) -> int:
        """Bytes that the files take, from the base on."""
        return (len(self.services.harts) << self.guest_bits) * PAGE

    def address(self, hart: int, guest: int = 0) -> int:
        """Physical address of the page of a file."""
        return self.base + ((hart << self.guest_bits) + guest) * PAGE

    def _check(self, offset: int, size: int) -> None:
        if offset + size > self.size:
            raise BusError(self.base + offset, size, "no interrupt file")

    def read(self, offset: int, size: int) -> int:
        """Always zero."""
        self._check(offset, size)
        if size != 4:
            raise BusError(self.base + offset, size, "interrupt files do not support this access size")
        return 0

    def peek(self, offset: int, size: int) -> int:
        """Always zero."""
        self._check(offset, size)
        return 0

    def write(self, offset: int, size: int, value: int) -> None:
        """A message in seteipnum_le; there is no other register, as there is no big-endian software."""
        self.read(offset, size)
        page, register = divmod(offset, PAGE)
        index, guest = page >> self.guest_bits, page & ((1 << self.guest_bits) - 1)
        if register != SETEIPNUM_LE or guest > self.guests:
            return
        hart = self.services.harts[index]
        imsic_receive(hart, MACHINE if self.level == "M" else SUPERVISOR + guest, value)
        end_slice(hart)

    def nodes(self) -> list[Node]:
        """The node of "riscv,imsics" of this level."""
        interrupt = Interrupt.MEI if self.level == "M" else Interrupt.SEI
        wires = [item for hart in range(len(self.services.harts)) for item in (Ref(f"cpu{hart}_intc"), int(interrupt))]
        properties: dict[str, Value] = {
            "compatible": "riscv,imsics",
            "reg": wide(self.base, self.size),
            "interrupts-extended": wires,
            "interrupt-controller": True,
            "#interrupt-cells": 0,
            "#address-cells": 0,
            "msi-controller": True,
            "riscv,num-ids": IDENTITIES,
            "riscv,ipi-id": IPI_IDENTITY,
        }
        if self.guest_bits:
            properties["riscv,guest-index-bits"] = self.guest_bits
        if self.hidden:
            properties["status"] = "disabled"
        return [Node(f"imsics@{self.base:x}", properties, label=f"imsic_{self.level.lower()}")]
