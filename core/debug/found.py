# SPDX-License-Identifier: Apache-2.0
"""A guest's program, found where its hypervisor has it: an ELF file that lies whole in RAM (embedded, an initial RAM disk,
read from a disk) and whose code the guest has in its memory. Its symbols and lines become the guest's."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.boot.elf import HEADER_SIZE, MAGIC, PROGRAM_HEADER_SIZE, SECTION_HEADER_SIZE, ElfProgram, read_elf
from core.boot.errors import BootError
from core.debug.errors import DebugError
from core.memory.ram import Ram

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from core.debug.target import Debugger

BEGINNING = re.compile(re.escape(MAGIC + b"\x02\x01\x01"))
"""64 bits, little-endian, version 1 (ELF-64 Object File Format 1.5, ELF Identification)."""
BLOCK = 1 << 16
ZEROS = bytes(BLOCK)
COMPARED = 256
"""Bytes of code from the entry point on that the guest must have."""
TRIED = 32
SECTIONS = 4096
"""So many files, and sections of one, are looked at: what only looks like a header must not keep the machine."""
NO_BITS = 8
"""sh_type of a section without bytes in the file."""


def images(ram: Ram) -> Iterator[tuple[int, bytes]]:
    """The ELF files in RAM with their physical addresses, as long as their headers say they are; TRIED at most."""
    tried = 0
    for start in _beginnings(ram):
        length = _length(ram.view[start:])
        if length is not None:
            yield ram.base + start, bytes(ram.view[start : start + length])
            tried += 1
            if tried == TRIED:
                return


def _beginnings(ram: Ram) -> Iterator[int]:
    """Offsets of what an ELF file begins with. Pages that were never written are left out; zeros are passed over five times
    as fast as the rest."""
    for first, end in ram.used():
        for start in range(first, end, BLOCK):
            size = min(BLOCK, end - start)
            piece = bytes(ram.view[start : start + size])
            if piece != ZEROS:
                piece += bytes(ram.view[start + size :][:HEADER_SIZE])
                yield from (start + found.start() for found in BEGINNING.finditer(piece) if found.start() < size)


def _length(image: memoryview) -> int | None:
    """Bytes of an ELF file that begins here, None when it does not lie whole in what follows."""
    if len(image) < HEADER_SIZE:
        return None
    programs, sections = struct.unpack_from("<QQ", image, 32)
    program_count, section_count = (struct.unpack_from("<H", image, at)[0] for at in (56, 60))
    length = max(programs + program_count * PROGRAM_HEADER_SIZE, sections + section_count * SECTION_HEADER_SIZE, HEADER_SIZE)
    if length > len(image) or section_count > SECTIONS:
        return None
    for header in range(sections, sections + section_count * SECTION_HEADER_SIZE, SECTION_HEADER_SIZE):
        kind, offset, size = struct.unpack_from("<4xI16xQQ", image, header)
        length = max(length, 0 if kind == NO_BITS else offset + size)
    return length if length <= len(image) else None


def program_of(debugger: Debugger, number: int, hart: int) -> tuple[int, bytes] | None:
    """The ELF file whose code a guest has in its physical memory, and its own physical address; None when there is none with
    symbols in RAM."""
    for address, data in images(debugger.machine.ram):
        try:
            program = read_elf("image", data)
        except BootError:  # what looked like one, or is damaged
            continue
        if program.symbols.symbols and _loaded(debugger, program, number, hart):
            return address, data
    return None


def _loaded(debugger: Debugger, program: ElfProgram, number: int, hart: int) -> bool:
    segment = next(each for each in program.segments if each.address <= program.entry < each.address + each.size)
    code = segment.data[program.entry - segment.address :][:COMPARED]
    world = None if debugger.worlds_known.current(debugger.machine.harts[hart]) == number else number
    try:
        return bool(code) and debugger.read_memory(program.entry, len(code), space="gpa", hart=hart, world=world) == code
    except DebugError:
        return False


class Found:
    """The programs found for a machine's guests, as files: front ends read lines from them and hand them to gdb."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._said: set[tuple[int, str]] = set()
        self._folder: TemporaryDirectory[str] | None = None
        self.wanted = False
        """Whether somebody wants guests' symbols; else nothing is searched."""

    def look(self, number: int, hart: int) -> None:
        """Search for the program of a guest that has no symbols yet."""
        known = self._debugger.worlds_known
        if not self.wanted or known.symbols_of(number)[0] is not None:
            return
        found = program_of(self._debugger, number, hart)
        if found is None:
            return
        address, data = found
        if self._folder is None:
            from tempfile import TemporaryDirectory  # most runs need none, and it takes a while

            self._folder = TemporaryDirectory(prefix="hartline-", ignore_cleanup_errors=True)
        path = Path(self._folder.name) / f"guest-{zlib.crc32(data):08x}.elf"
        path.write_bytes(data)
        self._debugger.set_symbols(f"guest:{number - 1}", path)
        origin = known.origins[number] = f"RAM at {address:#x}{self._loaded_with(address)}"
        if (number, origin) not in self._said:  # once, however often the machine is reset
            self._said.add((number, origin))
            self._debugger.machine.warning(f"{known.name(number)}: symbols found in {origin}")

    def _loaded_with(self, address: int) -> str:
        """What the machine was loaded with there, in words."""
        pieces = self._debugger.machine.plan.pieces
        names = (each.name for each in pieces if each.address <= address < each.address + len(each.data))
        return next((f" ({name})" for name in names), "")

    def forget(self) -> None:
        """The machine was reset: its guests may be others."""
        self._debugger.worlds_known.drop_found()
