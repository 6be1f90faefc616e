# SPDX-License-Identifier: Apache-2.0
"""Images and their places: raw, Linux Image, initrd, device tree, firmware; and what does not fit."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from core.boot.errors import BootError
from core.boot.images import Layout, Piece, read_image
from core.boot.loader import Bios, BootConfig, BootPlan, prepare
from core.devices.board import RAM_BASE, Board
from core.devices.device import Services
from core.hart import Hart
from core.memory.ram import Ram

MIB = 1 << 20
RAW = bytes.fromhex("13000000" * 8 + "6f000000")


def elf(virtual: int, physical: int, data: bytes, size: int, entry: int) -> bytes:
    """The smallest ELF file: a header and one segment."""
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 7, 120, virtual, physical, len(data), size, 1)
    return ident + header + segment + data


def plan(config: BootConfig, megabytes: int = 128) -> tuple[BootPlan, Ram]:
    """Prepare and install on a machine with one hart."""
    ram = Ram(RAM_BASE, megabytes * MIB)
    made = prepare(config, Board(Services(harts=[Hart(0)])), ram, ("I", "M", "A", "C", "H"))
    made.install(ram)
    return made, ram


def refused(config: BootConfig, megabytes: int = 128) -> str:
    with pytest.raises(BootError) as error:
        plan(config, megabytes)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "kernel.bin"
    path.write_bytes(RAW)
    return path


@pytest.mark.parametrize(("bios", "entry", "supervisor"), [(Bios.BUILTIN, 0x8020_0000, True), (Bios.NONE, 0x8000_0000, False)])
def test_raw_image(file: Path, bios: Bios, entry: int, supervisor: bool) -> None:
    made, ram = plan(BootConfig(file, bios))
    assert (made.entry, made.supervisor, made.dynamic_info) == (entry, supervisor, 0)
    assert ram.read_bytes(entry, len(RAW)) == RAW
    assert made.dtb == 0x87E0_0000
    assert ram.read_bytes(made.dtb, 4) == bytes.fromhex("d00dfeed")


def test_elf_with_bss_over_old_contents(tmp_path: Path) -> None:
    path = tmp_path / "k.elf"
    path.write_bytes(elf(0xFFFF_FFFF_8000_0000, 0x8040_0000, b"code" * 4, 0x3000, 0xFFFF_FFFF_8000_0004))
    ram = Ram(RAM_BASE, 128 * MIB)
    ram.write(0x8040_0020, 8, 0xDEAD)
    ram.write(0x8040_2FF8, 8, 0xBEEF)
    ram.write(0x8040_3000, 8, 0xCAFE)
    made = prepare(BootConfig(path), Board(Services(harts=[Hart(0)])), ram, ("I",))
    assert ram.read(0x8040_0020, 8) == 0xDEAD  # nothing is stored while preparing
    made.install(ram)
    assert made.entry == 0x8040_0004
    assert ram.read_bytes(0x8040_0000, 16) == b"codecodecodecode"
    assert [ram.read(a, 8) for a in (0x8040_0020, 0x8040_2FF8, 0x8040_3000)] == [0, 0, 0xCAFE]


def linux_image(offset: int, size: int) -> bytes:
    header = struct.pack("<IIQQQIIQQ", 0x5A4D, 0, offset, size, 0, 2, 0, 0, 0x5643534952)
    return (header + b"RSC\x05").ljust(64, b"\0") + b"\x6f\0\0\0" * 4


def test_linux_image_states_its_own_offset_and_size(tmp_path: Path) -> None:
    path = tmp_path / "Image"
    path.write_bytes(linux_image(0x40_0000, 0x10_0000))
    image = read_image(path, 0x8020_0000, RAM_BASE)
    assert image.entry == 0x8040_0000
    assert [(p.address, p.size) for p in image.pieces] == [(0x8040_0000, 0x10_0000)]


def test_initrd_goes_where_qemu_puts_it(file: Path, tmp_path: Path) -> None:
    initrd = tmp_path / "initrd"
    initrd.write_bytes(b"I" * 100_000)
    made, ram = plan(BootConfig(file, initrd=initrd, bootargs="quiet"), 128)
    assert ram.read_bytes(0x8420_0000, 4) == b"IIII"
    blob = ram.read_bytes(made.dtb, 0x2000)
    assert struct.pack(">QQ", 0x8420_0000, 0x8420_0000 + 100_000)[:8] in blob
    assert b"quiet\0" in blob
    _, ram = plan(BootConfig(file, initrd=initrd), 1024)
    assert ram.read_bytes(0x8820_0000, 4) == b"IIII"


@pytest.mark.parametrize(
    ("megabytes", "address"),
    [
        (16, 0x80E0_0000),
        (126, 0x87C0_0000),
        (127, 0x87E0_0000),
        (128, 0x87E0_0000),
        (1024, 0xBFE0_0000),
        (4096, 0xBFE0_0000),
    ],
)
def test_device_tree_placement(megabytes: int, address: int) -> None:
    assert Layout(RAM_BASE, megabytes * MIB).add_dtb(bytes(5000)).address == address


def test_firmware_gets_the_kernel_and_the_dynamic_info(file: Path, tmp_path: Path) -> None:
    firmware = tmp_path / "fw.bin"
    firmware.write_bytes(RAW[::-1] + b"\xff")
    made, ram = plan(BootConfig(file, firmware))
    assert (made.supervisor, made.entry) == (False, 0x8000_0000)
    assert ram.read_bytes(0x8020_0000, len(RAW)) == RAW
    assert ram.read_bytes(0x8000_0000, 4) == RAW[::-1][:4]
    assert made.dynamic_info > made.dtb
    assert struct.unpack("<6Q", ram.read_bytes(made.dynamic_info, 48)) == (0x4942534F, 2, 0x8020_0000, 1, 0, 0)
    alone, ram = plan(BootConfig(None, firmware))
    assert alone.entry == 0x8000_0000
    assert ram.read(alone.dynamic_info + 16, 8) == 0


def test_nothing_to_run() -> None:
    assert refused(BootConfig(None)) == "nothing to run: give a program, or a firmware file"


def test_files_that_are_no_programs(tmp_path: Path) -> None:
    def check(name: str, data: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(data)
        return refused(BootConfig(path)).removeprefix(f"{path}: ")

    assert check("a.elf", RAW) == "not an ELF file"
    assert check("empty", b"") == "the file is empty"
    assert check("vmlinuz", b"\x1f\x8b\x08" + RAW) == "compressed with gzip; unpack it first"
    assert check("notes.txt", b"remember the milk\n" * 100) == "not an ELF file or raw image: it is text"
    missing = tmp_path / "gone.elf"
    assert refused(BootConfig(missing)) == f"{missing}: cannot be read: No such file or directory"
    assert refused(BootConfig(tmp_path)) == f"{tmp_path}: cannot be read: Is a directory"
    good = tmp_path / "good"
    good.write_bytes(RAW)
    assert refused(BootConfig(good, initrd=missing)) == f"{missing}: cannot be read: No such file or directory"
    assert refused(BootConfig(good, missing)) == f"{missing}: cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("address", "size", "megabytes", "text"),
    [
        (
            0x8000_0000,
            200 * MIB,
            128,
            "k.elf segment 0 (0x80000000..0x8c800000) lies outside RAM (0x80000000..0x88000000); 200M of memory would do",
        ),
        (0x1000, 32, 128, "k.elf segment 0 (0x1000..0x1020) lies outside RAM (0x80000000..0x88000000)"),
        (
            0xFFFF_FFFF_8000_0000,
            32,
            128,
            "k.elf segment 0 (0xffffffff80000000..0xffffffff80000020) lies outside RAM (0x80000000..0x88000000)",
        ),
        (
            0x8000_0000,
            127 * MIB,
            128,
            "device tree (0x87e00000..{end}) overlaps k.elf segment 0 (0x80000000..0x87f00000); 130M of memory would do",
        ),
    ],
)
def test_programs_that_do_not_fit(tmp_path: Path, address: int, size: int, megabytes: int, text: str) -> None:
    path = tmp_path / "k.elf"
    path.write_bytes(elf(address, address, RAW[:32], size, address))
    said = refused(BootConfig(path), megabytes)
    end = said.partition("device tree (0x87e00000..")[2].partition(")")[0]
    assert said == text.format(end=end)


def test_the_memory_that_is_advised_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "k.elf"
    for size in (127 * MIB, 129 * MIB, 130 * MIB + 5, 126 * MIB + 1):
        path.write_bytes(elf(RAM_BASE, RAM_BASE, RAW, size, RAM_BASE))
        megabytes = 128
        for _ in range(2):  # at most: outside RAM first, then in the device tree's way
            try:
                plan(BootConfig(path), megabytes)
                break
            except BootError as error:
                megabytes = int(str(error).rpartition("; ")[2].partition("M")[0])
        plan(BootConfig(path), megabytes)


def test_pieces_must_not_overlap(file: Path, tmp_path: Path) -> None:
    firmware = tmp_path / "fw.bin"
    firmware.write_bytes(b"\xff" * (3 * MIB))
    assert refused(BootConfig(file, firmware)) == (
        "kernel.bin (0x80200000..0x80200024) overlaps fw.bin (0x80000000..0x80300000)"
    )
    initrd = tmp_path / "initrd"
    initrd.write_bytes(bytes(70 * MIB))
    said = refused(BootConfig(file, initrd=initrd))
    assert said.startswith("initrd initrd (0x84200000..0x88800000) lies outside RAM")
    assert said.endswith("136M of memory would do")


def test_what_lies_above_the_device_tree_is_no_conflict() -> None:
    layout = Layout(RAM_BASE, 4096 * MIB)
    layout.add(Piece("high", 0xD000_0000, 0x1000, b""))
    assert layout.add_dtb(bytes(100)).address == 0xBFE0_0000


def test_tiny_memory_is_said_plainly(file: Path) -> None:
    said = refused(BootConfig(file, Bios.NONE), 1)
    assert said.startswith("device tree (0x80000000..")
    assert said.endswith("overlaps kernel.bin (0x80000000..0x80000024); 4M of memory would do")
    plan(BootConfig(file, Bios.NONE), 4)
    assert refused(BootConfig(file), 1).endswith("3M of memory would do")
