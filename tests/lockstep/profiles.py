# SPDX-License-Identifier: Apache-2.0
"""Kinds of random programs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from core.boot.loader import Bios, BootConfig
from core.features import DEFAULT_FEATURES, Feature
from core.machine import Machine, MachineConfig
from tests.support.lockstep import Lockstep
from tests.support.programs import MEMORY
from tests.support.programs_episode import WEIGHTS, Profile

PRIVILEGED = {"compute": 10, "load": 5, "store": 5, "atomic": 1, "branch": 2, "jump": 2, "fence": 2, "system": 30, "csr": 40}
MEMORY_WEIGHTS = {"compute": 10, "load": 30, "store": 30, "atomic": 10, "branch": 2, "jump": 8, "fence": 4, "system": 12}
EVERYTHING = Feature(sum(Feature))
LEAST = Feature.I | Feature.M | Feature.A | Feature.S | Feature.U | Feature.ZICSR | Feature.ZIFENCEI

PROFILES = {
    profile.name: profile
    for profile in (
        Profile("legal"),
        Profile("legal-least", features=LEAST, strict=True),
        Profile("raw", weights=WEIGHTS | {"raw": 100}),
        Profile("privileged", weights=PRIVILEGED, csrs=20, interrupts=10, plant=20),
        Profile("privileged-all", weights=PRIVILEGED, features=EVERYTHING, csrs=20, interrupts=10, plant=20),
        Profile("interrupts", interrupts=60),
        Profile("paging", weights=MEMORY_WEIGHTS, modes=("HS", "U", "VS", "VU"), paging=20, csrs=5, interrupts=4),
        Profile("guests", weights=MEMORY_WEIGHTS, modes=("VS", "VU"), paging=20, csrs=3, interrupts=2, features=EVERYTHING),
        Profile("pmp", weights=MEMORY_WEIGHTS, paging=5, pmp=20, csrs=3, interrupts=2),
        Profile("code", weights=MEMORY_WEIGHTS | {"compute": 40}, code=60, longest=200),
        Profile("mixed", weights=WEIGHTS | {"raw": 10, "system": 20, "csr": 20}, paging=20, pmp=5, interrupts=20, csrs=20),
    )
}


def lockstep(profile: Profile) -> Lockstep:
    """Machines for programs of a profile."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "program.bin"
        image.write_bytes(bytes(64))

        def make(engine: str) -> Machine:
            boot = BootConfig(image, bios=Bios.NONE)
            return Machine(MachineConfig(boot, MEMORY, features=profile.features, strict=profile.strict, engine=engine))

        return Lockstep(make)
