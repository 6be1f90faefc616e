# SPDX-License-Identifier: Apache-2.0
"""ELF files: what is loaded where, symbols, and one clear line for each kind of broken file."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.boot.elf import read_elf
from core.boot.errors import BootError
from core.boot.images import read_image
from core.boot.symbols import Symbol, SymbolKind, SymbolTable

CODE = bytes(range(1, 33))


@dataclass
class Load:
    """A program header."""

    vaddr: int
    paddr: int
    data: bytes = CODE
    memsz: int | None = None
    kind: int = 1
    filesz: int | None = None


def elf(
    loads: list[Load] | None = None,
    entry: int = 0x8000_0000,
    symbols: tuple[tuple[str, int, int, int, int], ...] = (),
    *,
    machine: int = 243,
    bits: int = 2,
    order: int = 1,
    kind: int = 2,
) -> bytes:
    """An ELF file made by hand. symbols: (name, value, size, info, section); section 1 is 0x80000000..0x80001000."""
    loads = [Load(0x8000_0000, 0x8000_0000)] if loads is None else loads
    at = 64 + 56 * len(loads)
    headers = body = b""
    for load in loads:
        size = len(load.data) if load.filesz is None else load.filesz
        memory = len(load.data) if load.memsz is None else load.memsz
        headers += struct.pack("<IIQQQQQQ", load.kind, 7, at + len(body), load.vaddr, load.paddr, size, memory, 1)
        body += load.data
    names = b"\0" + b"".join(name.encode() + b"\0" for name, *_ in symbols)
    table, offset = bytes(24), 1
    for name, value, size, info, section in symbols:
        table += struct.pack("<IBBHQQ", offset, info, 0, section, value, size)
        offset += len(name) + 1
    section_names = b"\0.text\0.symtab\0.strtab\0.shstrtab\0"
    parts = [table, names, section_names]
    starts = []
    for part in parts:
        starts.append(at + len(body))
        body += part
    sections = bytes(64)
    for at_name, typ, address, start, size, link, entsize in (
        (1, 1, 0x8000_0000, 0, 0x1000, 0, 0),
        (7, 2, 0, starts[0], len(table), 3, 24),
        (15, 3, 0, starts[1], len(names), 0, 0),
        (23, 3, 0, starts[2], len(section_names), 0, 0),
    ):
        sections += struct.pack("<IIQQQQIIQQ", at_name, typ, 0, address, start, size, link, 0, 1, entsize)
    ident = b"\x7fELF" + bytes((bits, order, 1)) + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, entry, 64, at + len(body), 1, 64, 56, len(loads), 64, 5, 4)
    return header + headers + body + sections


def refused(data: bytes) -> str:
    """The one line with which the file is refused."""
    with pytest.raises(BootError) as error:
        read_elf("x.elf", data)
    text = str(error.value)
    assert "\n" not in text
    assert text.startswith("x.elf: ")
    return text.removeprefix("x.elf: ")


def test_segments_by_physical_address() -> None:
    program = read_elf("x", elf([Load(0x8000_0000, 0x8000_0000), Load(0x9000_0000, 0x8010_0000, b"data", 0x100)]))
    assert [(s.number, s.address, s.virtual, s.size, s.data) for s in program.segments] == [
        (0, 0x8000_0000, 0x8000_0000, 32, CODE),
        (1, 0x8010_0000, 0x9000_0000, 0x100, b"data"),
    ]
    assert program.entry == 0x8000_0000
    assert program.physical(0x9000_0008) == 0x8010_0008
    assert program.physical(0x9000_0100) is None


def test_a_virtual_entry_point_is_translated() -> None:
    high = 0xFFFF_FFC0_8020_0000
    assert read_elf("x", elf([Load(high, 0x8020_0000)], entry=high + 0x10)).entry == 0x8020_0010


def test_an_entry_point_that_is_physical_already() -> None:
    high = 0xFFFF_FFC0_8020_0000
    assert read_elf("x", elf([Load(high, 0x8020_0000)], entry=0x8020_0004)).entry == 0x8020_0004


def test_other_program_headers_are_passed_over() -> None:
    loads = [Load(0, 0, kind=0x7000_0003), Load(0x8000_0000, 0x8000_0000), Load(0x9000_0000, 0, b"", 0)]
    assert [s.number for s in read_elf("x", elf(loads)).segments] == [1]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "not an ELF file"),
        (b"\x7fEL", "not an ELF file"),
        (b"#!/bin/sh\n" * 20, "not an ELF file"),
        (elf(bits=1), "32-bit ELF file; the machine is RV64"),
        (elf(bits=7), "damaged ELF file: class 7"),
        (elf(order=2), "big-endian ELF file; the machine is little-endian"),
        (elf(machine=62), "ELF file for another machine (Advanced Micro Devices X86-64), not for RISC-V"),
        (elf(machine=183), "ELF file for another machine (AArch64), not for RISC-V"),
        (elf(machine=60000), "ELF file for another machine (machine 60000), not for RISC-V"),
        (elf(kind=1), "a relocatable object: link it first"),
        (elf(kind=4), "not a program (ELF type 4)"),
        (elf([]), "ELF file without program headers: nothing to load"),
        (elf([Load(0, 0, kind=2)]), "ELF file without loadable segments"),
        (elf(entry=0x1234), "the entry point 0x1234 lies in no segment"),
        (
            elf([Load(0x8000_0000, 0x8000_0000, memsz=4)]),
            "damaged ELF file: segment 0 has 0x20 bytes for 0x4 at 0x80000000",
        ),
        (
            elf([Load(0x8000_0000, (1 << 64) - 16)]),
            "damaged ELF file: segment 0 has 0x20 bytes for 0x20 at 0xfffffffffffffff0",
        ),
        (elf()[:10], "truncated ELF file: the header is at 0x0..0x40, but the file has 0xa bytes"),
        (elf()[:70], "truncated ELF file: the program headers are at 0x40..0x78, but the file has 0x46 bytes"),
        (elf()[:-1], "truncated ELF file: the section headers are at 0xd2..0x212, but the file has 0x211 bytes"),
        (
            elf([Load(0x8000_0000, 0x8000_0000, filesz=0x10000, memsz=0x10000)]),
            "truncated ELF file: segment 0 is at 0x78..0x10078, but the file has 0x212 bytes",
        ),
    ],
)
def test_files_that_cannot_be_loaded(data: bytes, text: str) -> None:
    assert refused(data) == text


def test_damage_anywhere_gives_a_program_or_one_line() -> None:
    whole = elf(symbols=(("main", 0x8000_0000, 8, 0x12, 1), ("end", 0x8000_1000, 0, 0x10, 1)))
    rng = random.Random(2)
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(4, len(data))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        cut = bytes(data[: rng.choice((len(data), rng.randrange(4, len(data)))) :])
        try:
            read_elf("x", cut)
        except BootError as error:
            assert "\n" not in str(error)


def test_symbols_of_a_file() -> None:
    program = read_elf(
        "x",
        elf(
            symbols=(
                ("$x", 0x8000_0000, 0, 0, 1),  # mapping symbol
                (".L5", 0x8000_0004, 0, 0, 1),
                ("main", 0x8000_0000, 0x20, 0x12, 1),
                ("table", 0x8000_0100, 0x40, 0x11, 1),
                ("label", 0x8000_0200, 0, 0x00, 1),
                ("file.c", 0, 0, 0x04, 0xFFF1),
                ("STACK_SIZE", 0x4000, 0, 0x10, 0xFFF1),
                ("elsewhere", 0, 0, 0x10, 0),
            )
        ),
    )
    table = program.symbols
    assert list(table.names()) == ["STACK_SIZE", "label", "main", "table"]
    kinds = {symbol.name: (symbol.kind, symbol.is_global) for symbol in table.symbols}
    assert kinds["main"] == (SymbolKind.FUNCTION, True)
    assert kinds["table"] == (SymbolKind.OBJECT, True)
    assert kinds["label"] == (SymbolKind.LABEL, False)
    assert table.address_of("STACK_SIZE") == 0x4000
    assert table.lookup(0x4000) is None  # a constant is no place
    assert table.lookup(0x8000_001F) == ("main", 0x1F)
    assert table.lookup(0x8000_0020) is None
    assert table.lookup(0x8000_013C) == ("table", 0x3C)
    assert table.lookup(0x8000_0FFF) == ("label", 0xDFF)  # up to its section's end
    assert table.lookup(0x8000_1000) is None


def test_symbol_lookup_prefers_functions_and_finds_enclosing_ones() -> None:
    table = SymbolTable(
        [
            Symbol("_start", 0x1000, 0, SymbolKind.LABEL, True, 0x2000),
            Symbol("enter", 0x1000, 0x100, SymbolKind.FUNCTION, True, 0x1100),
            Symbol("inner", 0x1010, 4, SymbolKind.OBJECT, False, 0x1014),
            Symbol("after", 0x1100, 0, SymbolKind.LABEL, False, 0x2000),
            Symbol("end", 0x2000, 0, SymbolKind.LABEL, True, 0x2000),
        ]
    )
    assert table.lookup(0xFFF) is None
    assert table.lookup(0x1000) == ("enter", 0)
    assert table.lookup(0x1012) == ("inner", 2)
    assert table.lookup(0x1020) == ("enter", 0x20)
    assert table.lookup(0x1180) == ("after", 0x80)
    assert table.lookup(0x2000) == ("end", 0)
    assert table.lookup(0x2001) is None
    assert [table.format(a) for a in (0x1000, 0x1008, 0x3000)] == ["enter", "enter+8", "0x3000"]
    assert table.address_of("inner") == 0x1010
    assert table.address_of("nobody") is None


def test_tables_can_be_joined() -> None:
    firmware = SymbolTable([Symbol("_start", 0x8000_0000, end=0x8000_1000), Symbol("trap", 0x8000_0100, end=0x8000_1000)])
    kernel = SymbolTable([Symbol("_start", 0x8020_0000, end=0x8020_1000)])
    both = firmware + kernel
    assert both.address_of("_start") == 0x8020_0000
    assert both.lookup(0x8000_0104) == ("trap", 4)
    assert both.lookup(0x8020_0004) == ("_start", 4)


def test_htif_words_are_found_by_their_symbols(tmp_path: Path) -> None:
    high = 0xFFFF_FFFF_8000_0000
    path = tmp_path / "htif.elf"
    path.write_bytes(elf([Load(high, 0x8040_0000)], high, (("tohost", high + 8, 8, 0x11, 1),)))
    image = read_image(path, 0, 0x8000_0000)
    assert (image.tohost, image.fromhost) == (0x8040_0008, None)


def test_a_file_made_by_a_linker(tmp_path: Path) -> None:
    """What GNU ld writes, read back: the addresses must be those nm and readelf would show."""
    gcc = shutil.which("riscv64-unknown-elf-gcc") or shutil.which("riscv64-linux-gnu-gcc")
    assert gcc, "a RISC-V compiler is missing: install gcc-riscv64-unknown-elf"
    source = tmp_path / "t.S"
    source.write_text(
        ".globl _start\n.type _start,@function\n_start: la t0, counter\n sd zero, 0(t0)\n1: j 1b\n"
        ".size _start, .-_start\n.bss\n.globl counter\ncounter: .skip 0x400\n"
    )
    output = tmp_path / "t.elf"
    command = [gcc, "-nostdlib", "-static", "-Wl,-Ttext=0x80200000,--build-id=none", str(source), "-o", str(output)]
    subprocess.run(command, check=True)
    program = read_elf(str(output), output.read_bytes())
    assert program.entry == 0x8020_0000
    assert program.symbols.format(0x8020_0004) == "_start+4"
    counter = program.symbols.address_of("counter")
    assert counter is not None
    assert program.physical(counter) == counter
    assert any(s.address <= counter and s.size > len(s.data) for s in program.segments)


def linked(*, note: int = 0, text: int = 0x1000) -> bytes:
    """What `ld -Ttext=0x80000000` makes: the headers on a page of their own before .text, in one segment with it. note,
    text: where these sections begin in the file (0: no note)."""
    sections = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    if note:
        sections += struct.pack("<IIQQQQIIQQ", 0, 7, 2, 0x7FFF_F000 + note, note, 0x24, 0, 0, 4, 0)
    sections += struct.pack("<IIQQQQIIQQ", 0, 1, 6, 0x7FFF_F000 + text, text, 0x1020 - text, 0, 0, 4, 0)
    ident = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    count = 2 + bool(note)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, 0x8000_0000, 64, 0x1020, 0, 64, 56, 1, 64, count, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x7FFF_F000, 0x7FFF_F000, 0x1020, 0x1020, 0x1000)
    return (header + segment).ljust(0x1000, b"\0") + CODE + sections


@pytest.mark.parametrize("note", [0, 0xB0])
def test_file_headers_before_ram_are_left_out(tmp_path: Path, note: int) -> None:
    (tmp_path / "a.elf").write_bytes(linked(note=note))
    image = read_image(tmp_path / "a.elf", 0, 0x8000_0000)
    assert [(str(piece), piece.data) for piece in image.pieces] == [("a.elf segment 0 (0x80000000..0x80000020)", CODE)]
    (piece,) = read_image(tmp_path / "a.elf", 0, 0x7000_0000).pieces
    assert (piece.address, piece.size, piece.data[:4]) == (0x7FFF_F000, 0x1020, b"\x7fELF")  # where there is RAM, they are kept


@pytest.mark.parametrize("text", [0xFF0, 0x100])
def test_what_the_program_needs_is_not_left_out(tmp_path: Path, text: int) -> None:
    (tmp_path / "a.elf").write_bytes(linked(text=text))
    (piece,) = read_image(tmp_path / "a.elf", 0, 0x8000_0000).pieces
    assert piece.address == 0x7FFF_F000
