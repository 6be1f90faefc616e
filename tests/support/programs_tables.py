# SPDX-License-Identifier: Apache-2.0
"""Random page tables of both stages for the memory map of tests.support.programs."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.support.programs import (
    CODE,
    CODE_PAGES,
    DATA,
    DATA_PAGES,
    DEVICE_PAGES,
    HANDLER,
    HIGH_VIEW,
    LOW_VIEW,
    PAGE,
    RAM,
    TABLE_PAGES,
    TABLES,
)

LEVELS = {8: 3, 9: 4, 10: 5}
V, R, W, X, U, G, A, D = (1 << bit for bit in range(8))
SETS = 2
"""Sets of tables for each stage."""


@dataclass
class Tables:
    """Page tables being made in the pages from TABLES on. defects: how many of 1000 leaves get something wrong; shadow:
    whether data is often in shadow-stack pages."""

    rng: random.Random
    defects: int
    shadow: bool = False
    image: bytearray = field(default_factory=lambda: bytearray(TABLE_PAGES * PAGE))
    used: int = 0
    leaves: list[int] = field(default_factory=list)
    """Physical addresses of all leaves."""
    host: list[int] = field(default_factory=list)
    """Values for satp."""
    guest: list[int] = field(default_factory=list)
    """Values for vsatp."""
    second: list[int] = field(default_factory=list)
    """Values for hgatp."""
    second_stage: bool = False
    """Whether the tables being made are of the G-stage, whose root has 2048 entries."""

    def take(self, pages: int) -> int:
        """Physical address of new pages, aligned to their size."""
        self.used = -(-self.used // pages) * pages
        place = TABLES + PAGE * self.used
        self.used += pages
        if self.used > TABLE_PAGES:
            raise MemoryError("the page tables need more room")
        return place

    def get(self, spa: int) -> int:
        """An entry."""
        return int.from_bytes(self.image[spa - TABLES : spa - TABLES + 8], "little")

    def put(self, spa: int, pte: int) -> None:
        """Store an entry."""
        self.image[spa - TABLES : spa - TABLES + 8] = pte.to_bytes(8, "little")

    def map(self, root: int, levels: int, va: int, pa: int, flags: int, level: int = 0) -> None:
        """Map the page (or superpage of `level`) at `va`, unless an entry above is a leaf."""
        table = root
        for upper in range(levels - 1, -1, -1):
            mask = 0x7FF if self.second_stage and upper == levels - 1 else 0x1FF
            slot = table + 8 * (va >> (12 + 9 * upper) & mask)
            if upper == level:
                self.put(slot, self.spoiled(pa >> 12 << 10 | flags))
                self.leaves.append(slot)
                return
            pte = self.get(slot)
            if not pte & V:
                pte = self.take(1) >> 12 << 10 | V
                self.put(slot, pte)
            elif pte & (R | X):
                return
            table = pte >> 10 << 12
            if not TABLES <= table < TABLES + TABLE_PAGES * PAGE:
                return

    def spoiled(self, pte: int) -> int:
        """The entry, or sometimes one with something wrong."""
        rng = self.rng
        if rng.randrange(1000) >= self.defects:
            return pte
        flip = rng.choice((V, R, W, X, U, A, D, A | D, R | X, R | W, G, 1 << 10, 1 << 63, 1 << 61, 1 << rng.randrange(64)))
        return pte ^ flip

    def flags(self, user: bool, code: bool) -> int:
        """Permissions of a page; code can mostly be executed."""
        rng = self.rng
        flags = rng.choice((R | W | X, R | W | X, R | W | X, R | X, X) if code else (R | W | X, R | W, R | W, R, X))
        if self.shadow and not code and not self.second_stage and rng.random() < 0.5:
            flags = W
        used = A | D if rng.random() < 0.75 else rng.choice((A, 0, D))
        return V | flags | (U if user else 0) | used | rng.choice((0, 0, G))

    def pages(self, base: int, count: int, root: int, levels: int, delta: int, users: tuple[bool, ...]) -> None:
        """Map `count` pages from physical `base` on, `delta` higher; sometimes in another order."""
        order = list(range(count))
        if self.rng.random() < 0.3:
            self.rng.shuffle(order)
        for position, page in enumerate(order):
            flags = self.flags(self.rng.choice(users), base == CODE)
            self.map(root, levels, base + PAGE * position + delta, base + PAGE * page, flags)

    def space(self, mode: int, stage: str) -> int:
        """A whole address space: code, handlers, data and tables where they are, and at the other views.

        In first stages the place itself is for supervisors, the low view for users, the high one for both.
        """
        levels, second = LEVELS[mode], stage == "G"
        self.second_stage = second
        root = self.take(4 if second else 1)
        views: list[tuple[int, tuple[bool, ...]]] = [(0, (True,)), (LOW_VIEW - RAM, (True,))] if second else []
        if not second:
            views = [(0, (False,)), (LOW_VIEW - RAM, (True,)), (HIGH_VIEW - RAM, (True, False))]
        for delta, users in views:
            if self.rng.random() < 0.15:  # all of RAM as superpages
                size = self.rng.choice((1, 2))
                user = self.rng.choice(users)
                self.map(root, levels, RAM + delta, RAM, V | R | W | X | (U if user else 0) | A | D, size)
            for base, count in ((CODE, CODE_PAGES), (DATA, DATA_PAGES)):
                self.pages(base, count, root, levels, delta, users)
            self.map(root, levels, HANDLER + delta, HANDLER, V | R | X | A | (U if users[0] else 0))
        if not second and self.rng.random() < 0.5:  # tables that code can reach
            self.pages(TABLES, 8, root, levels, 0, (False,))
        if second:
            for page in range(TABLE_PAGES):
                self.map(root, levels, TABLES + PAGE * page, TABLES + PAGE * page, V | R | W | U | A | D)
        for page in DEVICE_PAGES:
            self.map(root, levels, page, page, V | R | W | A | D | (U if second else 0))
        return mode << 60 | self.rng.randrange(2) << 44 | root >> 12

    def build(self, modes: tuple[int, ...] = (8, 9, 10)) -> Tables:
        """Make some sets of tables of every stage."""
        for _ in range(SETS):
            self.host.append(self.space(self.rng.choice(modes), "S"))
            self.guest.append(self.space(self.rng.choice(modes), "VS"))
            self.second.append(self.space(self.rng.choice(modes), "G"))
        return self
