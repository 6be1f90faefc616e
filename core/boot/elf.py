# SPDX-License-Identifier: Apache-2.0
"""ELF programs: what goes where in memory, where execution begins, and the symbols.

Source: ELF-64 Object File Format 1.5; RISC-V ELF psABI (e_machine 243). Headers are read by pyelftools; that everything
they point at lies inside the file is checked here first, so that a damaged file gives one clear line.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from elftools.elf.descriptions import describe_e_machine
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from core.boot.errors import BootError
from core.boot.symbols import Symbol, SymbolKind, SymbolTable

MAGIC = b"\x7fELF"
HEADER_SIZE, PROGRAM_HEADER_SIZE, SECTION_HEADER_SIZE = 64, 56, 64
CLASS_32, CLASS_64 = 1, 2
LITTLE_ENDIAN = 1
EXECUTABLE, SHARED = 2, 3
"""e_type of what can be loaded; position-independent programs are loaded where their headers say."""
MACHINE_RISCV = 243
SHF_ALLOC = 2
"""Section flag: it is loaded."""
MAX_ADDRESS = 1 << 64

_KINDS = {"STT_FUNC": SymbolKind.FUNCTION, "STT_OBJECT": SymbolKind.OBJECT, "STT_NOTYPE": SymbolKind.LABEL}


@dataclass(frozen=True)
class Segment:
    """A loadable segment: `size` bytes at physical `address`, beginning with `data`, zero behind it.

    virtual: the address the program itself is linked to see it at; number: its place among the program headers; headers: how
    many of its first bytes are nothing but the file's own headers (and notes), which linkers put in front of the program.
    """

    number: int
    address: int
    virtual: int
    size: int
    data: bytes = field(repr=False)
    headers: int = 0


@dataclass(frozen=True)
class ElfProgram:
    """What an ELF file says: entry (physical address of the first instruction), segments, symbols."""

    entry: int
    segments: tuple[Segment, ...]
    symbols: SymbolTable

    def physical(self, virtual: int) -> int | None:
        """The physical address at which something linked at `virtual` is loaded; None when no segment holds it."""
        return _physical(self.segments, virtual)


def _physical(segments: tuple[Segment, ...], virtual: int) -> int | None:
    for segment in segments:
        if segment.virtual <= virtual < segment.virtual + segment.size:
            return virtual - segment.virtual + segment.address
    return None


def _inside(name: str, what: str, data: bytes, offset: int, size: int) -> None:
    if offset + size > len(data):
        where = f"{offset:#x}..{offset + size:#x}"
        raise BootError(f"{name}: truncated ELF file: {what} at {where}, but the file has {len(data):#x} bytes")


def _check_header(name: str, data: bytes) -> None:
    """Class, byte order, machine and kind of file, and that the header tables are in the file."""
    if data[:4] != MAGIC:
        raise BootError(f"{name}: not an ELF file")
    if len(data) > 4 and data[4] == CLASS_32:
        raise BootError(f"{name}: 32-bit ELF file; the machine is RV64")
    _inside(name, "the header is", data, 0, HEADER_SIZE)
    if data[4] != CLASS_64:
        raise BootError(f"{name}: damaged ELF file: class {data[4]}")
    if data[5] != LITTLE_ENDIAN:
        raise BootError(f"{name}: big-endian ELF file; the machine is little-endian")
    kind, machine = struct.unpack_from("<HH", data, 16)
    if machine != MACHINE_RISCV:
        raise BootError(f"{name}: ELF file for another machine ({_machine_name(machine)}), not for RISC-V")
    if kind not in (EXECUTABLE, SHARED):
        what = "a relocatable object: link it first" if kind == 1 else f"not a program (ELF type {kind})"
        raise BootError(f"{name}: {what}")
    program_headers, section_headers = struct.unpack_from("<QQ", data, 32)
    entry_size, count, section_size, sections = struct.unpack_from("<HHHH", data, 54)
    if count == 0:
        raise BootError(f"{name}: ELF file without program headers: nothing to load")
    if entry_size != PROGRAM_HEADER_SIZE or (sections and section_size != SECTION_HEADER_SIZE):
        raise BootError(f"{name}: damaged ELF file: header entries of {entry_size} and {section_size} bytes")
    _inside(name, "the program headers are", data, program_headers, count * PROGRAM_HEADER_SIZE)
    _inside(name, "the section headers are", data, section_headers, sections * SECTION_HEADER_SIZE)


def _machine_name(machine: int) -> str:
    """The machine's name as pyelftools knows it; by number otherwise."""
    stub = MAGIC + bytes((CLASS_64, LITTLE_ENDIAN, 1)) + bytes(9) + struct.pack("<HH", EXECUTABLE, machine)
    try:
        header = ELFFile(io.BytesIO(stub.ljust(HEADER_SIZE, b"\0"))).header
        text = str(describe_e_machine(header["e_machine"]))
    except Exception:  # whatever the library makes of an odd number, a name is all that is lost
        text = ""
    return text if text and "unknown" not in text else f"machine {machine}"


def _segments(name: str, data: bytes, elf: Any) -> Iterator[Segment]:
    for number, segment in enumerate(elf.iter_segments()):
        if segment["p_type"] != "PT_LOAD" or segment["p_memsz"] == 0:
            continue
        offset, stored, size = segment["p_offset"], segment["p_filesz"], segment["p_memsz"]
        address, virtual = segment["p_paddr"], segment["p_vaddr"]
        _inside(name, f"segment {number} is", data, offset, stored)
        if stored > size or address + size > MAX_ADDRESS or virtual + size > MAX_ADDRESS:
            raise BootError(f"{name}: damaged ELF file: segment {number} has {stored:#x} bytes for {size:#x} at {address:#x}")
        headers = min(stored, _headers_end(elf)) if offset == 0 else 0
        yield Segment(number, address, virtual, size, data[offset : offset + stored], headers)


def _headers_end(elf: Any) -> int:
    """The place in the file where what the program needs begins: its first section that is loaded and no note."""
    sections = (section for section in elf.iter_sections() if section["sh_type"] not in ("SHT_NULL", "SHT_NOTE"))
    loaded = [section for section in sections if section["sh_flags"] & SHF_ALLOC]
    end: int = elf["e_phoff"] + elf["e_phnum"] * PROGRAM_HEADER_SIZE
    return min((section["sh_offset"] for section in loaded), default=end)


def _symbols(elf: Any) -> Iterator[Symbol]:
    ends = [section["sh_addr"] + section["sh_size"] for section in elf.iter_sections()]
    for table in elf.iter_sections():
        if not isinstance(table, SymbolTableSection):
            continue
        for symbol in table.iter_symbols():
            section, kind = symbol["st_shndx"], _KINDS.get(symbol["st_info"]["type"])
            if not symbol.name or symbol.name.startswith(("$", ".L")) or kind is None or section == "SHN_UNDEF":
                continue
            address, size = symbol["st_value"], symbol["st_size"]
            if isinstance(section, int) and section < len(ends):
                end = address + size if size else ends[section]
            else:
                end, kind = address, SymbolKind.CONSTANT
            is_global = symbol["st_info"]["bind"] != "STB_LOCAL"
            yield Symbol(symbol.name, address, size, kind, is_global, end)


def read_elf(name: str, data: bytes) -> ElfProgram:
    """Take an ELF file apart.

    name: what to call it in messages; data: its bytes. An entry point given as a virtual address is translated by the
    segment it lies in. Raises BootError for anything that is not a whole, loadable RV64 program.
    """
    _check_header(name, data)
    try:
        elf = ELFFile(io.BytesIO(data))
        entry = int(elf.header["e_entry"])
        segments = tuple(_segments(name, data, elf))
        symbols = SymbolTable(dict.fromkeys(_symbols(elf)))
    except BootError:
        raise
    except Exception as error:  # the library raises all sorts of things for damaged tables
        raise BootError(f"{name}: damaged ELF file: {error or type(error).__name__}".splitlines()[0]) from error
    if not segments:
        raise BootError(f"{name}: ELF file without loadable segments")
    start = _physical(segments, entry)
    if start is None:
        if not any(segment.address <= entry < segment.address + segment.size for segment in segments):
            raise BootError(f"{name}: the entry point {entry:#x} lies in no segment")
        start = entry  # already physical
    return ElfProgram(start, segments, symbols)
