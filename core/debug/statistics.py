# SPDX-License-Identifier: Apache-2.0
"""Statistics of world switches since reset: who ran for how long, which exits there were and what they cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.debug.history import lines
from core.debug.worlds import HOST, Worlds
from core.engine.breakpoints import world_key
from core.hart import Hart
from core.isa.intrinsics import retired
from core.trap.causes import INTERRUPT_BIT, describe
from core.trap.worlds import CAUSES, HISTORY


@dataclass(frozen=True)
class WorldUse:
    """How much a world has run on all harts: instructions retired, and time in units of one instruction (10 ns)."""

    world: int
    name: str
    entries: int
    retired: int
    units: int


@dataclass(frozen=True)
class ExitUse:
    """VM exits of a guest for one cause, and the instructions the host spent on them until the next entry."""

    world: int
    cause: int
    text: str
    count: int
    cost: int

    @property
    def average(self) -> float:
        """Host instructions for each."""
        return self.cost / self.count


@dataclass(frozen=True)
class PlaceUse:
    """VM exits of a guest from one instruction, of those that history still has."""

    world: int
    cause: int
    text: str
    pc: int
    count: int


@dataclass(frozen=True)
class Statistics:
    """worlds: by number; exits: most frequent first; places: the same, of the last `kept` events of each hart."""

    worlds: tuple[WorldUse, ...]
    exits: tuple[ExitUse, ...]
    places: tuple[PlaceUse, ...]
    kept: int


def statistics(worlds: Worlds, harts: Sequence[Hart]) -> Statistics:
    """Everything counted since reset (of a guest: since the hart last forgot it, see core.trap.worlds.GUESTS)."""
    numbers = worlds.numbers()
    done, units, entries = Counter[int](), Counter[int](), Counter[int]()
    counts, costs, places = Counter[tuple[int, int]](), Counter[tuple[int, int]](), Counter[tuple[int, int, int]]()
    for h in harts:
        done[HOST] += h.host_retired
        units[HOST] += h.host_units
        for slot in range(h.guest_count):
            number = worlds.number_of(h.guest_key[slot])
            done[number] += h.guest_retired[slot]
            units[number] += h.guest_units[slot]
            entries[number] += h.guest_entries[slot]
            entries[HOST] += h.guest_exits[slot]
            for index in range(CAUSES):
                cause = index if index < 64 else INTERRUPT_BIT | (index - 64)
                if count := h.guest_causes[CAUSES * slot + index]:
                    counts[number, cause] += count
                    costs[number, cause] += h.guest_costs[CAUSES * slot + index]
        current = worlds.number_of(world_key(h))
        done[current] += retired(h) - h.switch_retired
        units[current] += retired(h) - h.switch_retired + h.idle - h.switch_idle
        for line in lines(h):
            if line.kind == "exit":
                places[worlds.number_of(line.world), line.cause, line.pc] += 1
    return Statistics(
        tuple(WorldUse(number, worlds.name(number), entries[number], done[number], units[number]) for number in numbers),
        tuple(ExitUse(*key, describe(key[1]), count, costs[key]) for key, count in counts.most_common()),
        tuple(PlaceUse(*key[:2], describe(key[1]), key[2], count) for key, count in places.most_common()),
        HISTORY,
    )
