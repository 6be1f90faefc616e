# SPDX-License-Identifier: Apache-2.0
"""From files and options to the contents of RAM: everything that happens before the first instruction."""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from core.boot.devicetree import Chosen, device_tree
from core.boot.errors import BootError
from core.boot.fdt import flatten
from core.boot.images import KERNEL_OFFSET, Image, Layout, Piece, read_file, read_image
from core.boot.symbols import SymbolTable
from core.devices.board import Board
from core.memory.ram import Ram

DYNAMIC_INFO_MAGIC = 0x4942_534F
DYNAMIC_INFO_VERSION = 2
NEXT_MODE_S = 1
"""OpenSBI docs/firmware/fw_dynamic.md: what a2 points at when firmware starts."""


class Bios(Enum):
    """What stands below the kernel when it is not a firmware file."""

    BUILTIN = "builtin"
    NONE = "none"


@dataclass(frozen=True)
class BootConfig:
    """What the user asked for.

    program: the kernel or bare-metal program; bios: the built-in SBI, nothing, or a firmware file; initrd: a RAM disk
    file; bootargs: the kernel's command line; rng_seed: bytes for the device tree's rng-seed.
    """

    program: Path | None
    bios: Bios | Path = Bios.BUILTIN
    initrd: Path | None = None
    bootargs: str | None = None
    rng_seed: bytes | None = None


@dataclass(frozen=True)
class BootPlan:
    """A machine ready to start: what goes into RAM, and the registers of the hart that boots.

    supervisor: starts in HS-mode on the built-in SBI, else in M-mode; entry: physical address of the first instruction;
    dtb: address of the device tree (a1); dynamic_info: a2 for firmware, else 0.
    """

    supervisor: bool
    entry: int
    dtb: int
    dynamic_info: int = 0
    pieces: tuple[Piece, ...] = ()
    symbols: SymbolTable = field(default_factory=SymbolTable, repr=False)
    tohost: int | None = None
    fromhost: int | None = None
    signature: range | None = None

    def install(self, ram: Ram) -> None:
        """Store all pieces in RAM. What lies behind a piece's data, up to its size, becomes zero."""
        for piece in self.pieces:
            ram.write_bytes(piece.address, piece.data)
            if piece.size > len(piece.data):
                ram.zero(piece.address + len(piece.data), piece.size - len(piece.data))


def _programs(config: BootConfig, ram_base: int) -> tuple[Image | None, Image | None]:
    """The firmware, if a file is given, and the program."""
    firmware = read_image(config.bios, ram_base, ram_base) if isinstance(config.bios, Path) else None
    raw_address = ram_base if config.bios is Bios.NONE else ram_base + KERNEL_OFFSET
    program = None if config.program is None else read_image(config.program, raw_address, ram_base)
    return firmware, program


def _dynamic_info(next_address: int) -> bytes:
    """struct fw_dynamic_info: magic, version, next address, next mode, options, boot hart (hart 0)."""
    return struct.pack("<6Q", DYNAMIC_INFO_MAGIC, DYNAMIC_INFO_VERSION, next_address, NEXT_MODE_S, 0, 0)


def prepare(config: BootConfig, board: Board, ram: Ram, extensions: Collection[str]) -> BootPlan:
    """Read all files, find a place for each, and make the device tree. Nothing is stored yet.

    board, ram: the machine's; extensions: names of what the harts have, for the device tree. Raises BootError (one
    line) when a file is missing or unfit or does not fit, or nothing is given to run.
    """
    firmware, program = _programs(config, ram.base)
    first = firmware or program
    if first is None:
        raise BootError("nothing to run: give a program, or a firmware file")
    layout = Layout(ram.base, ram.size)
    for image in (firmware, program):
        for piece in image.pieces if image else ():
            layout.add(piece)
    initrd = None
    if config.initrd is not None:
        kernel = min(piece.address for piece in program.pieces) if program else ram.base + KERNEL_OFFSET
        placed = layout.add_initrd(config.initrd.name, read_file(config.initrd), kernel)
        initrd = (placed.address, placed.end)
    chosen = Chosen(config.bootargs, initrd, config.rng_seed)
    blob = flatten(device_tree(board, ram.base, ram.size, extensions, chosen))
    info = b"" if firmware is None else _dynamic_info(program.entry if program else 0)
    blob += bytes(-len(blob) % 8)
    dtb = layout.add_dtb(blob + info)
    symbols = (firmware.symbols if firmware else SymbolTable()) + (program.symbols if program else SymbolTable())
    return BootPlan(
        supervisor=config.bios is Bios.BUILTIN,
        entry=first.entry,
        dtb=dtb.address,
        dynamic_info=dtb.address + len(blob) if info else 0,
        pieces=tuple(layout.pieces),
        symbols=symbols,
        tohost=program.tohost if program else first.tohost,
        fromhost=program.fromhost if program else first.fromhost,
        signature=program.signature if program else first.signature,
    )
