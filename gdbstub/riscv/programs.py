# SPDX-License-Identifier: Apache-2.0
"""The programs of the worlds, as files that gdb can read from us, and their code where no memory is mapped yet.

A guest whose ELF nobody has named gets a stand-in: an ELF file with nothing in it but the architecture.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Final

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from core.debug.target import Debugger
from core.debug.worlds import HOST

STAND_IN: Final = "/hartline/guest-{}"
MAGIC: Final = b"\x7fELF"

EXECUTABLE, RISCV, VERSION, HEADER, PROGRAM_HEADER, SECTION_HEADER = 2, 243, 1, 64, 56, 64


def empty_elf() -> bytes:
    """An RV64 ELF file without sections."""
    identification = MAGIC + bytes((2, 1, VERSION)) + bytes(9)  # 64 bits, little-endian
    flags = 0
    return identification + struct.pack(
        "<HHIQQQIHHHHHH",
        *(EXECUTABLE, RISCV, VERSION, 0, 0, 0, flags, HEADER, PROGRAM_HEADER, 0, SECTION_HEADER, 0, 0),
    )


class Programs:
    """What runs in each world, by path and by contents."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._code: dict[Path, list[tuple[int, bytes]]] = {}

    def path(self, world: int) -> str | None:
        """The path of a world's program; None for a host that is no ELF file."""
        elf = self._elf(world)
        if elf is not None:
            return str(elf)
        return None if world == HOST else STAND_IN.format(world - HOST)

    def contents(self, path: str) -> bytes | None:
        """A program that `path` has named, None for any other file."""
        for world in [HOST, *(w for w in self._debugger.worlds_known.numbers() if w != HOST)]:
            if self.path(world) == path:
                elf = self._elf(world)
                return empty_elf() if elf is None else elf.read_bytes()
        return None

    def code(self, world: int, address: int, length: int) -> bytes:
        """Up to `length` bytes of a program's code, as its ELF has it; nothing where there is none."""
        elf = self._elf(world)
        if elf is None:
            return b""
        if elf not in self._code:
            self._code[elf] = _code_sections(elf)
        for start, data in self._code[elf]:
            if start <= address < start + len(data):
                return data[address - start : address - start + length]
        return b""

    def _elf(self, world: int) -> Path | None:
        _, path = self._debugger.worlds_known.symbols_of(world)
        if path is None and world == HOST:
            path = self._debugger.elf_path
        if path is None:
            return None
        path = path.resolve()
        try:
            with path.open("rb") as file:
                return path if file.read(4) == MAGIC else None
        except OSError:
            return None


def _code_sections(path: Path) -> list[tuple[int, bytes]]:
    """Address and contents of each executable section."""
    try:
        elf = ELFFile(io.BytesIO(path.read_bytes()))
        return [
            (int(section["sh_addr"]), bytes(section.data()))
            for section in elf.iter_sections()
            if section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR and section["sh_type"] == "SHT_PROGBITS"
        ]
    except Exception:  # the library raises all sorts of things for damaged files
        return []
