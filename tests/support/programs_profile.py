# SPDX-License-Identifier: Apache-2.0
"""Kinds of random programs, and machines to run them on."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from core.boot.loader import Bios, BootConfig
from core.devices.config import USUAL_BOARD, Aia, BoardConfig
from core.features import DEFAULT_FEATURES, Feature
from core.machine import MachineConfig
from tests.support.lockstep import Lockstep
from tests.support.programs import CODE_PAGES, HANDLER, MEMORY, RNMI_HANDLER

Made = TypeVar("Made", bound=Lockstep)

COMMON = {"branch": 6, "jump": 4, "fence": 2}
WEIGHTS = COMMON | {"compute": 40, "float": 10, "load": 14, "store": 12, "atomic": 6, "system": 3, "csr": 3, "guest": 2}
"""How often which kind of instruction stands in the code: a kind, "raw", or an instruction's name."""
PRIVILEGED = COMMON | {"compute": 20, "load": 10, "store": 10, "atomic": 4, "system": 50, "csr": 80, "guest": 12}
ACCESSES = COMMON | {"compute": 10, "float": 2, "load": 30, "store": 30, "atomic": 10, "jump": 8, "system": 4}
FENCES = {"sfence.vma": 4, "hfence.vvma": 2, "hfence.gvma": 2, "csr": 8, "guest": 8}
TRANSLATED = ACCESSES | FENCES
LANDING = COMMON | {"compute": 20, "load": 5, "store": 5, "jump": 30, "lpad": 60, "system": 5, "csr": 5}
SHADOW = {"sspush": 20, "sspopchk": 12, "ssrdp": 3, "ssamoswap.d": 6, "ssamoswap.w": 3, "c.sspush": 10, "c.sspopchk": 5}
STARTS = {"M": (3, 0), "HS": (1, 0), "U": (0, 0), "VS": (1, 1), "VU": (0, 1)}
"""mode and V of the modes in which code is started."""
BELOW_M = ("HS", "U", "VS", "VU")
EVERYTHING = Feature(sum(Feature))
RNMI = DEFAULT_FEATURES | Feature.SMRNMI
LEAST = Feature.I | Feature.M | Feature.A | Feature.S | Feature.U | Feature.ZICSR | Feature.ZIFENCEI


@dataclass(frozen=True)
class Profile:
    """What a kind of random program is like. Numbers at changes are how many of 100 slices they come before."""

    name: str
    weights: dict[str, int] = field(default_factory=lambda: dict(WEIGHTS))
    modes: tuple[str, ...] = tuple(STARTS)
    features: Feature = DEFAULT_FEATURES
    strict: bool = False
    bios: Bios = Bios.NONE
    harts: int = 1
    steps: int = 4000
    """Units of an episode."""
    longest: int = 60
    """Units of the longest slice."""
    registers: int = 60
    plant: int = 10
    csrs: int = 10
    interrupts: int = 10
    code: int = 15
    code_pages: int = CODE_PAGES
    paging: int = 0
    defects: int = 60
    """How many of 1000 page-table entries have something wrong."""
    pmp: int = 0
    devices: float = 0.05
    """How many of the addresses used are of device registers."""
    board: BoardConfig = USUAL_BOARD
    shadow: bool = False
    """Many pages are of shadow stacks."""
    points: int = 0
    """Breakpoints and watchpoints."""
    forget: int = 0
    """The native engine loses what it has decoded."""
    nearest: int = 0
    """fcsr asks for rounding to nearest, mostly with NX set; if not 0, instructions mostly leave that to it."""


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("legal"),
        Profile("float", COMMON | {"compute": 10, "float": 80, "load": 10, "store": 10, "csr": 2}, csrs=3, interrupts=1),
        Profile("nearest", COMMON | {"float": 85, "load": 5, "store": 5}, csrs=0, interrupts=1, nearest=40),
        Profile("legal-least", features=LEAST, strict=True),
        Profile("raw", WEIGHTS | {"raw": 100}),
        Profile("privileged", PRIVILEGED, csrs=20, plant=20),
        Profile("privileged-all", PRIVILEGED, features=EVERYTHING, csrs=20, plant=20),
        Profile("interrupts", WEIGHTS | {"wfi": 2}, interrupts=60),
        Profile("rnmi", PRIVILEGED | {"mnret": 10}, features=RNMI, interrupts=60, csrs=10, plant=20),
        Profile("rnmi-double-trap", PRIVILEGED | {"mnret": 10}, features=EVERYTHING, interrupts=60, csrs=10, plant=20),
        Profile("paging", TRANSLATED, BELOW_M, paging=20, csrs=5, interrupts=4),
        Profile("guests", TRANSLATED, ("VS", "VU"), EVERYTHING, plant=30, paging=20, csrs=3, interrupts=2),
        Profile("guests-strict", TRANSLATED, ("HS", "VS", "VU"), strict=True, paging=20, plant=20, csrs=3, defects=20),
        Profile("pmp", ACCESSES, code_pages=3, pmp=20, csrs=3, interrupts=2),
        Profile("pmp-paging", TRANSLATED, paging=5, pmp=20, csrs=3, interrupts=2),
        Profile("code", ACCESSES | {"compute": 40}, code=60, code_pages=2, forget=5, longest=300),
        Profile("devices", ACCESSES, devices=0.6, interrupts=20, board=BoardConfig(virtio=("rng", "console", "net"))),
        Profile("devices-legacy", ACCESSES, devices=0.6, board=BoardConfig(virtio=("rng", "console"), legacy=True)),
        Profile("aplic", PRIVILEGED, devices=0.5, interrupts=30, board=BoardConfig(aia=Aia.APLIC)),
        Profile("imsic", PRIVILEGED, devices=0.5, interrupts=30, board=BoardConfig(aia=Aia.APLIC_IMSIC)),
        Profile("sbi", WEIGHTS | {"ecall": 10}, BELOW_M, bios=Bios.BUILTIN, paging=5),
        Profile("harts", ACCESSES | {"compute": 30}, harts=2, code=20, code_pages=2, forget=2),
        Profile("points", ACCESSES | {"compute": 30}, paging=5, points=40, longest=200),
        Profile("landing", LANDING, features=DEFAULT_FEATURES | Feature.ZICFILP, paging=2, points=5, interrupts=20),
        Profile(
            "shadow", TRANSLATED | SHADOW, BELOW_M, DEFAULT_FEATURES | Feature.ZICFISS, paging=20, plant=20, csrs=5, shadow=True
        ),
        Profile("mixed", WEIGHTS | {"raw": 10, "system": 20, "csr": 20}, paging=20, pmp=5, interrupts=20, csrs=20),
    )
}


def lockstep(profile: Profile) -> Lockstep:
    """Machines for programs of a profile."""
    return lockstep_of(Lockstep, profile)


def lockstep_of(kind: type[Made], profile: Profile) -> Made:
    """Machines for programs of a profile, in a kind of Lockstep."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "program.bin"
        image.write_bytes(bytes(64))
        config = MachineConfig(
            BootConfig(image, bios=profile.bios),
            memory=MEMORY if profile.bios is Bios.NONE else 2 * MEMORY,
            harts=profile.harts,
            board=profile.board,
            features=profile.features,
            strict=profile.strict,
            rnmi_vectors=(RNMI_HANDLER, HANDLER),
        )
        return kind(config)
