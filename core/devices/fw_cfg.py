# SPDX-License-Identifier: Apache-2.0
"""fw_cfg: what the machine tells firmware about itself, item by item.

Source: "QEMU Firmware Configuration (fw_cfg) Device" (docs/specs/fw_cfg.rst of QEMU), with the registers as on its virt
machine. As there, without flash, the items for a kernel are absent: it is in memory already. Nothing here can be written
by the guest.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import ClassVar

from core.boot.fdt import Node, Value, wide
from core.devices.device import Device, Register
from core.memory.ram import BusError

# "Register Locations" of MMIO boards; the data register is 8 bytes wide
DATA, SELECTOR, DMA_ADDRESS = 0, 8, 16
# Keys of items, as in QEMU's standard header qemu_fw_cfg.h
SIGNATURE, ID, NB_CPUS, MAX_CPUS = 0x00, 0x01, 0x05, 0x0F
FILE_DIRECTORY, FIRST_FILE = 0x19, 0x20
KEY_MASK = 0x3FFF
"""Bits 15 (specific to the architecture) and 14 (write, no longer used) choose among items we do not have."""
REVISION = 3
"""The ID item: the traditional interface and DMA."""
DMA_SIGNATURE = b"QEMU CFG"
# "Guest-side DMA Interface": bits of the control field
ERROR, READ, SKIP, SELECT, WRITE = 1, 2, 4, 8, 16
DMA_REQUEST = struct.Struct(">IIQ")
NAME_LENGTH = 56
AT_ONCE = 1 << 20
"""Bytes copied in one go."""


def directory(files: Mapping[str, bytes]) -> dict[int, bytes]:
    """The files as items, and the item that lists them ("File Directory")."""
    items, entries = {}, []
    for key, name in enumerate(sorted(files), FIRST_FILE):
        items[key] = files[name]
        entries.append(struct.pack(f">IHH{NAME_LENGTH}s", len(files[name]), key, 0, name.encode()[: NAME_LENGTH - 1]))
    items[FILE_DIRECTORY] = struct.pack(">I", len(entries)) + b"".join(entries)
    return items


class FwCfg(Device):
    """The device. Before the machine starts, `offer_files` adds to it."""

    length: ClassVar[int] = 0x18

    def __post_init__(self) -> None:
        harts = struct.pack("<H", len(self.services.harts))
        self._items = {SIGNATURE: b"QEMU", ID: struct.pack("<I", REVISION), NB_CPUS: harts, MAX_CPUS: harts, **directory({})}
        super().__post_init__()

    def offer_files(self, files: Mapping[str, bytes]) -> None:
        """Named items, which firmware finds by the directory."""
        self._items |= directory(files)

    def reset(self) -> None:
        """The signature is selected ("Selector (Control) Register")."""
        self._select(SIGNATURE)
        self._dma_high = 0

    def _select(self, key: int) -> None:
        self._item = self._items.get(key, b"")
        self._position = 0

    def _take(self, count: int) -> bytes:
        """The next bytes of the item; zeros behind its end."""
        part = self._item[self._position : self._position + count]
        self._position += count
        return part.ljust(count, b"\0")

    def read(self, offset: int, size: int) -> int:
        """The data register hands out as many bytes as are read, in their order ("Data Register")."""
        if offset < SELECTOR:
            return int.from_bytes(self._take(size), "little")
        if offset == DMA_ADDRESS and size == 8:
            return int.from_bytes(DMA_SIGNATURE, "little")
        return super().read(offset, size)

    def peek(self, offset: int, size: int) -> int:
        """As Device.peek; the data register cannot be looked at."""
        if offset < SELECTOR:
            raise BusError(self.base + offset, size, "the data register cannot be read without side effects")
        return super().peek(offset, size)

    def _write_selector(self, index: int, value: int) -> None:
        self._select(int.from_bytes(value.to_bytes(2, "little"), "big"))

    def _read_dma(self, index: int) -> int:
        return int.from_bytes(DMA_SIGNATURE[4 * index : 4 * index + 4], "little")

    def _write_dma(self, index: int, value: int) -> None:
        """The request's address, big-endian; its lower half, which comes last, starts the transfer."""
        half = int.from_bytes(value.to_bytes(4, "little"), "big")
        if index == 0:
            self._dma_high = half
            return
        address, self._dma_high = self._dma_high << 32 | half, 0
        try:
            control, length, target = DMA_REQUEST.unpack(self.services.dma.read(address, DMA_REQUEST.size))
            if control & SELECT:
                self._select(control >> 16)
            failed = control & WRITE or (control & READ and not self._transfer(target, length))
            if control & SKIP and not control & READ:
                self._position += length
            self.services.dma.write(address, struct.pack(">I", ERROR if failed else 0))
        except BusError as error:
            self.services.report(f"fw_cfg: DMA request out of reach: {error}")

    def _transfer(self, target: int, length: int) -> bool:
        if not self.services.dma.contains(target, length):
            return length == 0
        for done in range(0, length, AT_ONCE):
            self.services.dma.write(target + done, self._take(min(AT_ONCE, length - done)))
        return True

    registers: ClassVar[tuple[Register, ...]] = (
        Register("selector", SELECTOR, 2, write=_write_selector),
        Register("DMA address", DMA_ADDRESS, 4, _read_dma, _write_dma, pure=True, count=2),
    )

    def write(self, offset: int, size: int, value: int) -> None:
        """As Device.write; the DMA address may be written at once."""
        if offset == DMA_ADDRESS and size == 8:
            self.write(offset, 4, value & 0xFFFF_FFFF)
            self.write(offset + 4, 4, value >> 32)
        elif offset >= SELECTOR:
            super().write(offset, size, value)

    def root_nodes(self) -> list[Node]:
        """The node of a "qemu,fw-cfg-mmio"."""
        properties: dict[str, Value] = {"dma-coherent": True, "reg": wide(self.base, self.length)}
        properties["compatible"] = "qemu,fw-cfg-mmio"
        return [Node(f"fw-cfg@{self.base:x}", properties)]
