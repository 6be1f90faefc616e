# SPDX-License-Identifier: Apache-2.0
"""Random programs do the same on both engines: every register and CSR after every instruction, and all of RAM.

A failure names the seed and the episode that repeat it:

    HARTLINE_SEED=... HARTLINE_EPISODE=... pytest tests/lockstep/test_random_programs.py -k NAME

HARTLINE_LOCKSTEP_STEPS says how many steps each kind of program makes.
"""

from __future__ import annotations

import os

import pytest

from core.engine import native
from tests.support.programs_episode import Episode, run_episodes
from tests.support.programs_profile import PROFILES, lockstep

STEPS = int(os.environ.get("HARTLINE_LOCKSTEP_STEPS", "20000"))
SEED = os.environ.get("HARTLINE_SEED", "1")
FIRST = int(os.environ.get("HARTLINE_EPISODE", "0"))


@pytest.mark.parametrize("name", PROFILES)
def test_random_programs(name: str) -> None:
    run_episodes(lockstep(PROFILES[name]), PROFILES[name], SEED, STEPS, FIRST)


@pytest.mark.parametrize("pages", [1, 3])
def test_little_room_for_decoded_code(pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "POOL_PAGES", pages)
    run_episodes(lockstep(PROFILES["code"]), PROFILES["code"], SEED, STEPS // 3, FIRST)


def test_harts_in_turn() -> None:
    profile = PROFILES["harts"]
    lock = lockstep(profile)
    for number in range(FIRST, FIRST + max(1, STEPS // 10_000)):
        lock.described = f"harts in turn, HARTLINE_SEED={SEED} HARTLINE_EPISODE={number}"
        Episode(lock, profile, f"{SEED} turns {number}").begin()
        for _ in range(2):
            lock.leap(10_000)
