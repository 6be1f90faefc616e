# SPDX-License-Identifier: Apache-2.0
"""Guests' symbols out of ELF files that lie in RAM."""

from __future__ import annotations

import struct
from pathlib import Path
from random import Random

import pytest

from cli.context import Context
from cli.registry import run_command
from core.boot.loader import BootConfig
from core.debug.found import SECTIONS, TRIED, images
from core.debug.target import Debugger
from core.machine import Machine, MachineConfig
from core.memory.ram import Ram
from examples import elf
from tests.support.debugged import go

IMAGE = elf("twins-guest").read_bytes()
AT = 0x8160_0003
"""Where the image lies; files need no alignment."""
GUEST_1, GUEST_2 = 2, 3


def twins(*, wanted: bool = True, image: bytes = IMAGE) -> Debugger:
    """twins with an image in RAM, at reset."""
    d = Debugger(Machine(MachineConfig(BootConfig(elf("twins")), memory=32 << 20, engine="native")))
    d.write_memory(AT, image, space="spa")
    if wanted:
        d.find_symbols()
    d.stop_on_new_world = True
    return d


def test_the_guests_program_is_found_at_its_first_entry() -> None:
    d = twins()
    assert go(d).text == "guest 1 (vmid 1) is entered for the first time, at guest_entry"
    guest = d.worlds()[1]
    assert guest.elf is not None and guest.elf.read_bytes() == IMAGE
    assert guest.symbols is not None and guest.symbols.address_of("user_main") == 0x10026
    assert go(d).text == "guest 2 (vmid 2) is entered for the first time, at guest_entry"
    assert d.worlds()[2].elf == guest.elf
    d.reset()
    assert d.worlds_known.symbols == {}


def test_of_several_the_one_that_the_guest_executes() -> None:
    """hello.elf is another program for the same address."""
    other = elf("hello").read_bytes()
    d = twins()
    d.write_memory(AT - len(other) - 9, other, space="spa")
    go(d)
    assert (d.worlds()[1].elf or AT).read_bytes() == IMAGE  # type: ignore[union-attr]


def test_guests_that_are_there_already_are_looked_at() -> None:
    d = twins(wanted=False)
    assert go(d).text == f"guest 1 (vmid 1) is entered for the first time, at {0x8020_0000:#x}"
    go(d)
    assert d.worlds_known.symbols == {}
    d.find_symbols()
    assert set(d.worlds_known.symbols) == {GUEST_1, GUEST_2}


def test_symbols_that_were_given_stay() -> None:
    d = twins()
    d.set_symbols("guest:2", elf("hello"))
    go(d)
    go(d)
    assert d.worlds_known.symbols_of(GUEST_1)[0] is not None
    assert d.worlds_known.symbols_of(GUEST_2)[1] == elf("hello")
    d.reset()
    assert set(d.worlds_known.symbols) == {GUEST_2}


def test_what_is_named_later_takes_the_place_of_what_was_found() -> None:
    d = twins()
    go(d)
    go(d)
    d.set_symbols("guest:1", elf("loop"))
    assert [(world.elf == elf("loop"), bool(world.origin)) for world in d.worlds()[1:]] == [(True, False), (False, True)]
    d.set_symbols("guest:*", elf("enter"))
    assert [world.elf for world in d.worlds()[1:]] == [elf("loop"), elf("enter")]
    d.reset()
    assert {number: path for number, (_, path) in d.worlds_known.symbols.items()} == {GUEST_1: elf("loop"), -1: elf("enter")}


def test_it_is_said_where_symbols_were_found(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(b"directory" + IMAGE)
    d = Debugger(Machine(MachineConfig(BootConfig(elf("twins"), initrd=disk), memory=32 << 20, engine="native")))
    remarks: list[str] = []
    d.machine.warning = remarks.append
    d.machine.console_output = lambda data: None
    d.find_symbols()
    d.stop_on_new_world = True
    go(d)
    (start,) = (piece.address for piece in d.machine.plan.pieces if piece.name == "initrd disk.img")
    where = f"symbols found in RAM at {start + 9:#x} (initrd disk.img)"
    assert remarks == [f"guest 1 (vmid 1): {where}"]
    assert f"     {where}" in list(run_command("worlds", Context(d)))
    d.reset()
    go(d)
    assert len(remarks) == 1 and d.worlds()[1].origin in where
    d.set_symbols("guest:1", elf("twins-guest"))
    assert not any("symbols found" in line for line in run_command("worlds", Context(d)))


@pytest.mark.parametrize("damage", ["code", "truncated", "no symbols"])
def test_what_is_not_the_guests_program_is_left_alone(damage: str) -> None:
    image = bytearray(IMAGE)
    if damage == "code":
        image[image.index(bytes.fromhex("1721000013010101")) + 16] ^= 0xFF  # guest_entry
    elif damage == "truncated":
        del image[-200:]
    else:
        image[40:48], image[60:64] = bytes(8), bytes(4)  # no section headers
    d = twins(image=bytes(image))
    assert go(d).text.endswith(f"at {0x8020_0000:#x}")
    assert d.worlds_known.symbols == {}


def test_what_only_looks_like_a_header_is_no_trouble() -> None:
    ram, random = Ram(0x8000_0000, 1 << 20), Random(7)
    for place in range(0, ram.size, 64):
        ram.view[place : place + 64] = IMAGE[:16] + random.randbytes(48)
    assert list(images(ram)) == []
    for place in range(0, ram.size, 64):  # headers alone, of nothing
        ram.view[place : place + 64] = IMAGE[:16] + bytes(48)
    assert len(list(images(ram))) == TRIED
    many = IMAGE[:40] + struct.pack("<Q", 64) + IMAGE[48:60] + struct.pack("<HH", SECTIONS + 1, 0)
    ram.view[:] = bytes(ram.size)
    ram.view[: len(many)] = many
    assert list(images(ram)) == []
    ram.view[ram.size - 20 :] = IMAGE[:20]
    assert list(images(ram)) == []


@pytest.mark.parametrize("before", [0, 1, 6, 63])
def test_a_file_across_the_blocks_that_are_searched(before: int) -> None:
    d = twins(wanted=False, image=b"")
    d.write_memory(0x8161_0000 - before, IMAGE, space="spa")
    assert (0x8161_0000 - before, IMAGE) in list(images(d.machine.ram))
