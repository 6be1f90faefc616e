# SPDX-License-Identifier: Apache-2.0
"""Options about what is on the board: --machine, --drive, --device, --seed."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from cli.arguments import Parser, value
from core.errors import BadValue
from core.suggest import did_you_mean

if TYPE_CHECKING:
    from core.devices.config import Aia, BoardConfig, Drive

DRIVE_WORDS = ("readonly", "snapshot")
MACHINE_PROPERTIES = ("aia", "aia-guests")
MOST_GUEST_FILES = 7
"""Interrupt files for guests that an IMSIC can have on this board, as on QEMU's."""


def add_options(parser: Parser) -> None:
    """The options, in an order of their own in the help."""
    add = parser.add_argument_group("devices").add_argument
    machine, drive, device = value(parse_machine), value(parse_drive), value(parse_device)
    add("--machine", metavar="SPEC", type=machine, help="virt with aia=none|aplic|aplic-imsic and aia-guests=0 to 7 (5)")
    add("--drive", metavar="FILE[,readonly][,snapshot]", type=drive, action="append", help="virtio disk; repeatable")
    add("--device", metavar="NAME", type=device, action="append", help="virtio console, rng, net, net-loopback; repeatable")
    add(
        "--seed",
        metavar="N",
        type=value(parse_seed),
        default=0,
        help="what the bytes of rng and of the CSR seed follow from (0)",
    )


def board(chosen: Namespace) -> BoardConfig:
    """The board that the options ask for."""
    from core.devices.config import Aia, BoardConfig

    aia, guests = chosen.machine or (Aia.NONE, BoardConfig.guests)
    return BoardConfig(
        drives=tuple(chosen.drive or ()), virtio=tuple(chosen.device or ()), seed=chosen.seed, aia=aia, guests=guests
    )


def parse_machine(text: str) -> tuple[Aia, int]:
    """(aia, guest interrupt files) of `virt,aia=aplic-imsic,aia-guests=3`; `virt,` may be left out."""
    from core.devices.config import Aia, BoardConfig

    aia, guests = Aia.NONE, BoardConfig.guests
    for index, part in enumerate(text.split(",")):
        name, equals, given = part.partition("=")
        if index == 0 and not equals:
            if name != "virt":
                raise BadValue(f"no machine {name!r}; there is virt")
        elif name == "aia":
            aia = parse_aia(given)
        elif name == "aia-guests":
            guests = parse_guests(given)
        else:
            hint = did_you_mean(name, MACHINE_PROPERTIES) or f"; there are {', '.join(MACHINE_PROPERTIES)}"
            raise BadValue(f"no property {name!r}{hint}")
    if "aia-guests=" in text and aia is not Aia.APLIC_IMSIC:
        raise BadValue("aia-guests counts interrupt files of IMSICs, which come with aia=aplic-imsic")
    return aia, guests


def parse_aia(text: str) -> Aia:
    """A value of the machine property aia."""
    from core.devices.config import Aia

    known = [each.value for each in Aia]
    if text not in known:
        raise BadValue(f"no aia={text}{did_you_mean(text, known) or '; there are ' + ', '.join(known)}")
    return Aia(text)


def parse_guests(text: str) -> int:
    """How many interrupt files for guests each IMSIC has."""
    if not (text.isascii() and text.isdecimal() and int(text) <= MOST_GUEST_FILES):
        raise BadValue(f"aia-guests={text} is not a number from 0 to {MOST_GUEST_FILES}")
    return int(text)


def parse_drive(text: str) -> Drive:
    """The disk meant by `disk.img,readonly,snapshot`; a comma in the file's name is written twice."""
    from core.devices.config import Drive

    name, *words = (part.replace("\0", ",") for part in text.replace(",,", "\0").split(","))
    for word in words:
        if word not in DRIVE_WORDS:
            hint = did_you_mean(word, DRIVE_WORDS) or f"; there are {', '.join(DRIVE_WORDS)}"
            raise BadValue(f"{text!r}: no property {word!r}{hint}")
    if not name:
        raise BadValue(f"{text!r} names no file")
    return Drive(Path(name), readonly="readonly" in words, snapshot="snapshot" in words)


def parse_device(text: str) -> str:
    """The name of a virtio device."""
    from core.devices.virtio import KINDS

    if text not in KINDS:
        hint = did_you_mean(text, list(KINDS)) or f"; there are {', '.join(KINDS)}, and --drive for disks"
        raise BadValue(f"no device {text!r}{hint}")
    return text


def parse_seed(text: str) -> int:
    """A number, decimal or 0x..., of up to 64 bits."""
    try:
        seed = int(text, 0)
    except ValueError:
        seed = -1
    if not 0 <= seed < 1 << 64:
        raise BadValue(f"{text!r} is not a number of up to 64 bits")
    return seed
