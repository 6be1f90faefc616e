# SPDX-License-Identifier: Apache-2.0
"""virtio block device: requests against a file, read-only and snapshot drives, errors."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from core.boot.errors import BootError
from core.devices.config import Drive
from core.devices.disk import Disk
from core.devices.virtio_block import VirtioBlock
from tests.support.virtio_driver import NEEDS_RESET, STATUS, Driver

IN, OUT, FLUSH, GET_ID = 0, 1, 4, 8
OK, IOERR, UNSUPP = 0, 1, 2
READ_ONLY = 1 << 5
SECTORS = [bytes([index]) * 512 for index in range(8)]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(b"".join(SECTORS))
    return path


def driver_of(image: Path, readonly: bool = False, snapshot: bool = False) -> Driver:
    driver = Driver(VirtioBlock(Disk(Drive(image, readonly, snapshot)), "hartline-0"))
    driver.start()
    return driver


def request(
    driver: Driver, kind: int, sector: int = 0, data: bytes = b"", room: tuple[int, ...] = ()
) -> tuple[int, bytes, int]:
    """Make a request: status, the bytes the device was given room for, and how many it says it wrote."""
    header = struct.pack("<IIQ", kind, 0, sector)
    addresses = driver.add(0, [header, *([data] if data else [])], [*room, 1])
    driver.notify(0)
    ((_, written),) = driver.used(0)
    answer = b"".join(driver.ram.read_bytes(at, size) for at, size in zip(addresses[-1 - len(room) : -1], room, strict=True))
    return driver.ram.read(addresses[-1], 1), answer, written


def test_configuration(image: Path) -> None:
    driver = driver_of(image)
    assert driver.get(0x08) == 2
    assert driver.get(0x100, 8) == 8  # capacity in sectors
    assert driver.get(0x10C) == 1022  # seg_max
    assert driver.get(0x114) == 512  # blk_size
    assert driver.offered() & 0xFFFF == 1 << 2 | 1 << 6 | 1 << 9


def test_read(image: Path) -> None:
    driver = driver_of(image)
    assert request(driver, IN, 3, room=(512,)) == (OK, SECTORS[3], 513)
    assert request(driver, IN, 6, room=(100, 412, 512)) == (OK, SECTORS[6] + SECTORS[7], 1025)
    assert driver.line


def test_write_and_flush(image: Path) -> None:
    driver = driver_of(image)
    new = os.urandom(1024)
    assert request(driver, OUT, 1, new) == (OK, b"", 1)
    assert request(driver, FLUSH) == (OK, b"", 1)
    assert image.read_bytes() == SECTORS[0] + new + b"".join(SECTORS[3:])
    assert request(driver, IN, 1, room=(1024,)) == (OK, new, 1025)


def test_identity(image: Path) -> None:
    driver = driver_of(image)
    assert request(driver, GET_ID, room=(20,)) == (OK, b"hartline-0".ljust(20, b"\0"), 21)


def test_what_is_outside_the_disk(image: Path) -> None:
    driver = driver_of(image)
    assert request(driver, IN, 8, room=(512,)) == (IOERR, b"\xee" * 512, 1)
    assert request(driver, IN, 7, room=(1024,))[0] == IOERR
    assert request(driver, IN, (1 << 64) - 1, room=(512,))[0] == IOERR
    assert request(driver, OUT, 8, bytes(512))[0] == IOERR
    assert request(driver, IN, 0, room=(511,))[0] == IOERR
    assert request(driver, OUT, 0, bytes(513))[0] == IOERR
    assert request(driver, 99)[0] == UNSUPP
    assert image.read_bytes() == b"".join(SECTORS)


def test_readonly(image: Path) -> None:
    driver = driver_of(image, readonly=True)
    assert driver.offered() & READ_ONLY
    assert request(driver, OUT, 0, bytes(512))[0] == IOERR
    assert request(driver, FLUSH)[0] == OK
    assert image.read_bytes() == b"".join(SECTORS)


def test_snapshot(image: Path) -> None:
    driver = driver_of(image, snapshot=True)
    assert request(driver, OUT, 2, b"\xaa" * 512)[0] == OK
    assert request(driver, IN, 1, room=(1536,))[1] == SECTORS[1] + b"\xaa" * 512 + SECTORS[3]
    assert image.read_bytes() == b"".join(SECTORS)
    driver.put(STATUS, 0)
    driver.start()
    assert request(driver, IN, 2, room=(512,))[1] == b"\xaa" * 512  # outlives the driver's reset
    driver.slot.reset()
    driver.start()
    assert request(driver, IN, 2, room=(512,))[1] == SECTORS[2]


def test_a_file_that_ends_within_a_sector(tmp_path: Path) -> None:
    path = tmp_path / "odd.img"
    path.write_bytes(b"abc")
    driver = driver_of(path)
    assert driver.get(0x100, 8) == 1
    assert request(driver, IN, 0, room=(512,)) == (OK, b"abc".ljust(512, b"\0"), 513)


def test_large_requests_go_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "large.img"
    content = os.urandom(4096)
    path.write_bytes(bytes(2 << 20))
    with path.open("r+b") as file:
        file.seek((1 << 20) - 2048)
        file.write(content)
    disk = Disk(Drive(path))
    assert disk.read((1 << 11) - 4, 8) == content
    disk.write(5, content)
    assert path.read_bytes()[5 * 512 : 5 * 512 + 4096] == content


@pytest.mark.parametrize(
    ("readable", "writable", "reason"),
    [
        ([bytes(15)], [1], "a block request without a whole header"),
        ([bytes(16)], [], "a block request without a place for the status"),
        ([], [1], "a block request without a whole header"),
    ],
)
def test_requests_without_form(image: Path, readable: list[bytes], writable: list[int], reason: str) -> None:
    driver = driver_of(image)
    driver.add(0, readable, writable)
    driver.notify(0)
    assert driver.get(STATUS) & NEEDS_RESET
    assert driver.reports == [f"virtio block at 0x10001000 needs a reset: {reason}"]


def test_the_host_cannot_read(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = driver_of(image)

    def fail(*arguments: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    assert request(driver, IN, 0, room=(512,))[0] == IOERR
    assert driver.reports == ["virtio block at 0x10001000: Input/output error"]


def test_files_that_are_no_disk(tmp_path: Path) -> None:
    with pytest.raises(BootError, match=r"missing.img: no such file, or not a regular one, to be a disk"):
        Disk(Drive(tmp_path / "missing.img"))
    with pytest.raises(BootError, match="not a regular one"):
        Disk(Drive(tmp_path))
