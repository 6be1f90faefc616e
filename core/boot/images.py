# SPDX-License-Identifier: Apache-2.0
"""Files to boot (ELF, Linux Image, raw) and the places in RAM for them, the initial RAM disk and the device tree.

Sources: Linux Documentation/arch/riscv/boot-image-header.rst (the Image header); the placement of initrd and device
tree follows QEMU's virt machine.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.boot.elf import MAGIC, ElfProgram, Segment, read_elf
from core.boot.errors import BootError
from core.boot.symbols import SymbolTable

MIB = 1 << 20
KERNEL_OFFSET = 0x20_0000
"""Where, from the start of RAM, firmware expects a raw kernel: behind its own 2 MiB."""
LINUX_MAGIC, LINUX_MAGIC_OFFSET, LINUX_HEADER_SIZE = b"RSC\x05", 0x38, 0x40
DTB_ALIGNMENT = 2 * MIB
DTB_LIMIT = 3072 * MIB
"""Physical address below which the device tree is put where RAM allows it, so that 32-bit pointers reach it."""
INITRD_DISTANCE = 128 * MIB
"""The initrd is this far above the kernel or, in smaller machines, half the RAM."""
PAGE = 4096
LARGEST_SUGGESTION = 1 << 40
"""No more memory than this is suggested to make room: the address is wrong, not the size."""
_COMPRESSED = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\0", "xz"), (b"BZh", "bzip2"), (b"\x28\xb5\x2f\xfd", "zstd"))
_TEXT = frozenset(range(0x20, 0x7F)) | set(b"\t\n\r\f")


@dataclass(frozen=True)
class Piece:
    """Something to put in RAM: `size` bytes at physical `address`, beginning with `data`, zero behind it."""

    name: str
    address: int
    size: int
    data: bytes = field(repr=False)

    @property
    def end(self) -> int:
        """Physical address just behind it."""
        return self.address + self.size

    def __str__(self) -> str:
        return f"{self.name} ({self.address:#x}..{self.end:#x})"


@dataclass(frozen=True)
class Image:
    """A program ready to be placed: its pieces, the physical address of its first instruction, its symbols.

    tohost, fromhost: physical addresses of the HTIF words when the program has symbols of these names; signature:
    physical addresses from `begin_signature` up to `end_signature`, likewise.
    """

    pieces: tuple[Piece, ...]
    entry: int
    symbols: SymbolTable = field(default_factory=SymbolTable, repr=False)
    tohost: int | None = None
    fromhost: int | None = None
    signature: range | None = None


def read_file(path: Path) -> bytes:
    """The file's bytes. Raises BootError when it cannot be read or is empty."""
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise BootError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not data:
        raise BootError(f"{path}: the file is empty")
    return data


def _pieces(name: str, segment: Segment, ram_base: int) -> Iterator[Piece]:
    """What is loaded of a segment: all, but for file headers that would lie before RAM. (A program linked with -Ttext at the
    start of RAM has them on the page before.)"""
    before = min(segment.size, max(0, ram_base - segment.address))
    left_out = before if before <= segment.headers else 0
    if left_out < segment.size:
        address, size = segment.address + left_out, segment.size - left_out
        yield Piece(f"{name} segment {segment.number}", address, size, segment.data[left_out:])


def _signature(program: ElfProgram) -> range | None:
    """Where riscv-arch-test's programs leave their results. The end label may stand behind the segment."""
    begin, end = (program.symbols.address_of(name) for name in ("begin_signature", "end_signature"))
    start = None if begin is None else program.physical(begin)
    return None if begin is None or end is None or start is None else range(start, start + end - begin)


def read_image(path: Path, raw_address: int, ram_base: int) -> Image:
    """Read a program file of any kind.

    raw_address: physical address for a raw image; ram_base: start of RAM, from which a Linux Image states its offset.
    Raises BootError for a file that cannot be read, is damaged, compressed, plain text, or named .elf without being
    one.
    """
    data = read_file(path)
    if data[:4] == MAGIC or path.suffix == ".elf":
        program = read_elf(str(path), data)
        pieces = tuple(piece for segment in program.segments for piece in _pieces(path.name, segment, ram_base))
        words = [program.symbols.address_of(name) for name in ("tohost", "fromhost")]
        tohost, fromhost = (None if word is None else program.physical(word) for word in words)
        return Image(pieces, program.entry, program.symbols, tohost, fromhost, _signature(program))
    for magic, what in _COMPRESSED:
        if data.startswith(magic):
            raise BootError(f"{path}: compressed with {what}; unpack it first")
    if len(data) >= LINUX_HEADER_SIZE and data[LINUX_MAGIC_OFFSET : LINUX_MAGIC_OFFSET + 4] == LINUX_MAGIC:
        offset, size = struct.unpack_from("<QQ", data, 8)
        address = ram_base + offset
        return Image((Piece(path.name, address, max(size, len(data)), data),), address)
    if all(byte in _TEXT for byte in data[:512]):
        raise BootError(f"{path}: not an ELF file or raw image: it is text")
    return Image((Piece(path.name, raw_address, len(data), data),), raw_address)


class Layout:
    """Who has which part of RAM. ram_base, ram_size: in bytes."""

    def __init__(self, ram_base: int, ram_size: int) -> None:
        self.base, self.size = ram_base, ram_size
        self.pieces: list[Piece] = []
        """Everything placed so far, in order of placing."""

    @property
    def end(self) -> int:
        """Physical address just behind RAM."""
        return self.base + self.size

    def _advice(self, end: int) -> str:
        needed = -(-(end - self.base) // MIB)
        return f"; {needed}M of memory would do" if 0 < needed * MIB <= LARGEST_SUGGESTION else ""

    def add(self, piece: Piece) -> None:
        """Place a piece. Raises BootError when it is not inside RAM or overlaps another one."""
        ram = f"RAM ({self.base:#x}..{self.end:#x})"
        if piece.address < self.base:
            raise BootError(f"{piece} lies outside {ram}")
        if piece.end > self.end:
            raise BootError(f"{piece} lies outside {ram}{self._advice(piece.end)}")
        for other in self.pieces:
            if piece.address < other.end and other.address < piece.end:
                raise BootError(f"{piece} overlaps {other}")
        self.pieces.append(piece)

    def add_initrd(self, name: str, data: bytes, kernel: int) -> Piece:
        """Place an initial RAM disk above the kernel, which begins at physical address `kernel`. Raises BootError as
        `add` does."""
        address = kernel + min(self.size // 2, INITRD_DISTANCE)
        piece = Piece(f"initrd {name}", -(-address // PAGE) * PAGE, len(data), data)
        self.add(piece)
        return piece

    def add_dtb(self, data: bytes) -> Piece:
        """Place the device tree as high as it goes, aligned to 2 MiB. Raises BootError when something is in its way."""
        top = min(self.end, DTB_LIMIT) if self.base < DTB_LIMIT else self.end
        address = (top - len(data)) // DTB_ALIGNMENT * DTB_ALIGNMENT
        piece = Piece("device tree", address, len(data), data)
        in_the_way = [other for other in self.pieces if other.address < piece.end and address < other.end]
        if address < self.base or in_the_way:
            reach = max((other.end for other in in_the_way), default=self.base)
            needed = (-(-reach // DTB_ALIGNMENT) + 1) * DTB_ALIGNMENT
            what = f"overlaps {in_the_way[0]}" if in_the_way else f"does not fit in {self.size >> 20} MiB of RAM"
            raise BootError(f"{piece} {what}{self._advice(needed) if needed <= DTB_LIMIT else ''}")
        self.add(piece)
        return piece
