# SPDX-License-Identifier: Apache-2.0
"""Long random runs of both engines: `python -m tests.support.fuzz --steps 100M --seed 7`.

The programs are those of the lockstep tests, in longer slices; all state is compared behind each slice, all of RAM less
often. At a difference the episode is run again in single steps, which finds the instruction, and that is printed.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

from core.machine import Outcome
from tests.support.lockstep import Difference, Lockstep, no_hidden_errors
from tests.support.programs_episode import Episode
from tests.support.programs_profile import PROFILES, Profile, lockstep_of

SLICES = (16, 64, 256, 256, 1024)
"""A slice is up to so long, each as often as the others."""
EPISODE = 100_000
"""Units of an episode."""
UNITS = {"k": 10**3, "M": 10**6, "G": 10**9}


class Coarse(Lockstep):
    """One machine of each engine, compared behind slices; `fine`: in single steps."""

    engines = ("reference", "native")
    fine = False
    retired = 0
    """Instructions that the reference engine has retired."""

    def run(self, units: int, hart: int = 0, patience: int = 1 << 62) -> Outcome:
        """Run `units` units, or until the machine stops by itself. Raises Difference."""
        h = self.reference.harts[hart]
        before, start = self.watched[0].state(), h.limit - h.left
        outcome = Outcome.BUDGET
        with no_hidden_errors():
            if self.fine:
                done = self.steps
                while self.steps < done + units and outcome is Outcome.BUDGET:
                    outcome = self.step(hart)
                self.steps = done
            else:
                outcome = self.at_once(units, hart, before)
        self.steps += units
        self.since_ram += units
        self.retired += max(0, h.limit - h.left - start)
        if self.since_ram >= self.ram_every or outcome is not Outcome.BUDGET:
            self.compare_ram()
        return outcome

    def at_once(self, units: int, hart: int, before: bytes) -> Outcome:
        """A slice without a look inside."""
        try:
            outcome = self.reference.run(units, hart)
        except Exception as error:
            raise self.difference(f"Python exception in the reference engine: {error!r}", before) from error
        other = self.stepped.run(units, hart)
        if outcome is not other or self.watched[0].state() != self.watched[1].state():
            raise self.difference(f"after a slice of {units}", before, 1, outcome, other)
        return outcome


class LongEpisode(Episode):
    """An episode in longer slices that need no look at single instructions."""

    retired = 0

    def length(self) -> int:
        """Units of the next slice."""
        self.retired = self.change.hart.limit - self.change.hart.left
        return self.rng.randrange(1, self.rng.choice(SLICES))

    def in_circles(self, units: int) -> bool:
        """Whether the slice was mostly traps; any slice may end in a loop, so sometimes yes without a reason."""
        return 2 * (self.change.hart.limit - self.change.hart.left - self.retired) < units or self.rng.random() < 0.3


def long_profile(profile: Profile) -> Profile:
    """The same kind of program in long episodes."""
    return replace(profile, steps=EPISODE)


def episode(lock: Coarse, profile: Profile, seed: str, number: int) -> None:
    """Run one; a difference is looked for again in single steps. Raises Difference."""
    lock.described = f"{profile.name}, --seed {seed} --profile {profile.name} --first {number}"
    name = f"{seed} {profile.name} {number}"
    lock.fine, lock.ram_every = False, 8192
    try:
        LongEpisode(lock, profile, name).run()
    except Difference as coarse:
        lock.fine, lock.ram_every = True, 1
        for machine in lock.machines:
            machine.engine.forget_everything()
        try:
            LongEpisode(lock, profile, name).run()
        except Difference as fine:
            raise fine from coarse
        raise


def count(text: str) -> int:
    """A number, maybe with k, M or G."""
    return int(float(text[:-1]) * UNITS[text[-1]]) if text[-1:] in UNITS else int(text)


def main(argv: list[str]) -> int:
    """Run the command line; 1 when the engines differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.fuzz", description=__doc__)
    parser.add_argument("--steps", type=count, default=10**6, help="instructions to run: 1M (default), 100M")
    parser.add_argument("--seed", default="1", help="any text")
    parser.add_argument("--profile", choices=PROFILES, action="append", help="kinds of programs; repeatable (all)")
    parser.add_argument("--first", type=int, default=0, help="number of the first episode of each kind")
    chosen = parser.parse_args(argv)
    machines = {name: lockstep_of(Coarse, PROFILES[name]) for name in chosen.profile or PROFILES}
    began, number, done = time.monotonic(), chosen.first, 0
    while done < chosen.steps:
        for name, lock in machines.items():
            try:
                episode(lock, long_profile(PROFILES[name]), chosen.seed, number)
            except Difference as difference:
                print(difference)  # noqa: T201
                return 1
        done = sum(lock.retired for lock in machines.values())
        number += 1
        spent = time.monotonic() - began
        print(f"{done} instructions in {number - chosen.first} episodes of each kind, no difference, {spent:.0f} s", flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
