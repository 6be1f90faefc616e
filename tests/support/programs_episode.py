# SPDX-License-Identifier: Apache-2.0
"""Episodes of random execution: a random start, then slices between which everything may be changed from outside."""

from __future__ import annotations

import random
from collections.abc import Callable

from core.hart import Hart
from core.machine import Outcome
from tests.support.lockstep import Lockstep
from tests.support.programs import CODE, CODE_PAGES, HANDLER, MASK, PAGE, RNMI_HANDLER, handler
from tests.support.programs_changes import CALM, Changes
from tests.support.programs_profile import Profile

FUTILE = 12
"""Slices in which nothing retires, one after the other, that end an episode."""


class Episode:
    """A random program on the machines of a Lockstep. The seed says all."""

    def __init__(self, lock: Lockstep, profile: Profile, seed: str) -> None:
        self.lock, self.profile = lock, profile
        self.rng = random.Random(seed)
        self.change = Changes(lock, profile, self.rng)

    def begin(self) -> None:
        """Fill RAM and registers."""
        lock, change, rng = self.lock, self.change, self.rng
        lock.reset()
        change.clear_points()
        lock.write(CODE, change.draw.stream(change.words, CODE_PAGES * PAGE))
        lock.write(HANDLER, handler("m"))
        lock.write(HANDLER + 0x100, handler("s"))
        lock.write(RNMI_HANDLER, handler("mn"))
        if self.profile.paging:
            change.make_tables()
        for change.index in range(self.profile.harts):
            for name, value in CALM:
                change.each(name, value)
            for name in ("mcounteren", "hcounteren", "scounteren"):
                change.each(name, rng.choice((0, MASK, 7)))
            for name in ("menvcfg", "henvcfg"):
                change.each(name, rng.choice((0, MASK)))
            change.each("mscratch", change.draw.integer())
            change.each("mnstatus", rng.choice((0, MASK, MASK)))
            change.set_delegation()
            change.set_registers(31)
            change.plant()

    def changes(self) -> list[tuple[int, Callable[[], None]]]:
        """What may happen between slices, and how many times in 100."""
        profile, change = self.profile, self.change
        return [
            (profile.registers, lambda: change.set_registers(self.rng.randrange(1, 20))),
            (profile.csrs, change.set_csrs),
            (profile.interrupts, change.set_interrupts),
            (profile.code, change.set_code),
            (profile.paging, change.set_tables),
            (profile.pmp, change.set_pmp),
            (profile.points, change.set_points),
            (profile.forget, change.forget),
            (profile.nearest, change.set_nearest),
            (profile.plant, change.plant),
        ]

    def in_circles(self, units: int) -> bool:
        """Whether the last units were spent at few places."""
        places = {pc for _, _, _, pc, _, _ in list(self.lock.trace)[-units:] if pc & -PAGE != HANDLER}
        return 3 * len(places) < units

    def length(self) -> int:
        """Units of the next slice."""
        return self.rng.randrange(1, self.rng.choice((8, 8, self.profile.longest)))

    def resume(self, outcome: Outcome) -> None:
        """What a debugger does at a stop before it lets the hart go on."""

        def prepare(h: Hart) -> None:
            h.watch_hit = 0
            h.break_skip = int(outcome is Outcome.BREAKPOINT)

        self.lock.change(prepare, self.change.index)

    def run(self) -> int:
        """Begin, and run to the end of the episode or the machine; returns the units run. Raises Difference."""
        rng, lock, change = self.rng, self.lock, self.change
        self.begin()
        changes = self.changes()
        futile = 0
        while lock.steps < self.profile.steps and futile < FUTILE:
            change.index = rng.randrange(self.profile.harts)
            hart = change.hart
            start, retired = lock.steps, hart.limit - hart.left
            units = self.length()
            outcome = lock.run(units, change.index, rng.choice((2, 3, 3, 9)))
            if outcome in (Outcome.EXITED, Outcome.RESET):
                break
            self.resume(outcome)
            change.look()
            for percent, action in changes:
                if rng.randrange(100) < percent:
                    action()
            futile = futile + 1 if hart.limit - hart.left == retired else 0
            lost = lock.steps - start < units or self.in_circles(lock.steps - start)
            if outcome is Outcome.IDLE or (outcome is Outcome.BUDGET and lost):
                change.plant()
        lock.compare_ram()
        return lock.steps


def run_episodes(lock: Lockstep, profile: Profile, seed: str, steps: int, first: int = 0) -> None:
    """Run episodes until they have made `steps` steps. Raises Difference, which names the episode that failed."""
    done, number = 0, first
    while done < steps:
        lock.described = f"{profile.name}, HARTLINE_SEED={seed} HARTLINE_EPISODE={number}"
        done += Episode(lock, profile, f"{seed} {profile.name} {number}").run()
        number += 1
