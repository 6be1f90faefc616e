# SPDX-License-Identifier: Apache-2.0
"""The bundled hypervisors do the same on both engines, compared after every instruction and after long runs."""

from __future__ import annotations

import random

import pytest

from core.boot.loader import BootConfig
from core.features import DEFAULT_FEATURES, Feature
from core.machine import MachineConfig, Outcome
from examples import elf, names
from tests.support.lockstep import Lockstep

STEPS = 50_000
"""Steps compared one by one; `enter` and `mmio` end before."""
ENDLESS = {"loop"}


def machines(name: str) -> Lockstep:
    """An example on both engines."""
    lock = Lockstep(MachineConfig(BootConfig(elf(name)), memory=32 << 20))
    lock.described, lock.ram_every = name, 10_000
    return lock


@pytest.mark.parametrize("name", names())
def test_every_instruction(name: str) -> None:
    lock, rng = machines(name), random.Random(name)
    outcome = Outcome.BUDGET
    while outcome is Outcome.BUDGET and lock.steps < STEPS:
        outcome = lock.run(rng.choice((1, 2, 7, 61, 997)))
    lock.compare_ram()
    assert outcome in (Outcome.BUDGET, Outcome.EXITED)


@pytest.mark.parametrize("name", names())
def test_long_runs(name: str) -> None:
    lock = machines(name)
    outcome = Outcome.BUDGET
    while outcome is Outcome.BUDGET and lock.steps < (STEPS if name in ENDLESS else 1 << 62):
        outcome = lock.leap(9_973)
    assert outcome is (Outcome.BUDGET if name in ENDLESS else Outcome.EXITED)
    assert lock.reference.exit_code == (None if name in ENDLESS else 0)


def test_timers_without_sstc() -> None:
    """The built-in SBI raises STIP when mtimecmp is reached; twins' hypervisor and its guests live on timers."""
    config = MachineConfig(BootConfig(elf("twins")), memory=32 << 20, features=DEFAULT_FEATURES & ~Feature.SSTC)
    lock = Lockstep(config)
    outcome = Outcome.BUDGET
    while outcome is Outcome.BUDGET and lock.steps < 2_000_000:
        outcome = lock.leap(9_973)
    assert outcome is Outcome.EXITED
    assert lock.reference.exit_code == 0
