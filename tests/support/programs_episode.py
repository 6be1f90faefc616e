# SPDX-License-Identifier: Apache-2.0
"""Episodes of random execution: a random start, then slices between which everything may be changed from outside."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from core.csr.registry import CSRS_BY_NAME, ReadOnlyCsr, exists, write_csr
from core.features import DEFAULT_FEATURES, Feature
from core.hart import Hart
from core.isa.intrinsics import now
from core.machine import Outcome
from core.mmu.tlb import flush_all, update_regime
from tests.support.lockstep import Lockstep
from tests.support.programs import CODE, CODE_PAGES, DATA, HANDLER, LOW_VIEW, MASK, PAGE, RAM, TABLES, Writer, handler
from tests.support.programs_tables import Tables

WEIGHTS = {"compute": 40, "load": 14, "store": 12, "atomic": 6, "branch": 6, "jump": 4, "fence": 2, "system": 3, "csr": 3}
STATUS = ("mstatus", "hstatus", "vsstatus")
DELEGATION = ("medeleg", "mideleg", "hedeleg", "hideleg")
INTERRUPTS = ("mie", "mip", "hvip", "hgeie")
REST = tuple(name for name in CSRS_BY_NAME if not name.startswith(("pmp", "hpm", "mhpm")))
STARTS = {"M": (3, 0), "HS": (1, 0), "U": (0, 0), "VS": (1, 1), "VU": (0, 1)}


@dataclass(frozen=True)
class Profile:
    """What a kind of random program is like. Numbers at changes are how many of 100 slices they come before."""

    name: str
    weights: dict[str, int] = field(default_factory=lambda: dict(WEIGHTS))
    """How often which kind of instruction stands in the code."""
    modes: tuple[str, ...] = tuple(STARTS)
    """Modes in which the code is started."""
    features: Feature = DEFAULT_FEATURES
    strict: bool = False
    steps: int = 4000
    """Units of an episode."""
    longest: int = 60
    """Units of the longest slice."""
    registers: int = 60
    plant: int = 10
    csrs: int = 10
    interrupts: int = 10
    code: int = 15
    paging: int = 0
    defects: int = 60
    pmp: int = 0


class Episode:
    """A random program on the machines of a Lockstep. The seed says all."""

    def __init__(self, lock: Lockstep, profile: Profile, seed: str) -> None:
        self.lock, self.profile, self.rng = lock, profile, random.Random(seed)
        self.steps = 0
        self.draw = Writer(self.rng, profile.paging > 0)
        self.words = self.draw.vocabulary(profile.weights, 600)
        self.tables: Tables | None = None
        self.hart = lock.reference.harts[0]

    # -- the start ----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Fill RAM and registers."""
        lock, rng = self.lock, self.rng
        lock.reset()
        lock.write(CODE, self.draw.stream(self.words, CODE_PAGES * PAGE))
        lock.write(HANDLER, handler("m"))
        lock.write(HANDLER + 0x100, handler("s"))
        if self.profile.paging:
            self.tables = Tables(rng, self.profile.defects).build()
            lock.write(TABLES, bytes(self.tables.image))
        self.each("pmpaddr15", MASK)
        self.each("pmpcfg2", 0x1F << 56)
        for name in ("mcounteren", "hcounteren", "scounteren"):
            self.each(name, rng.choice((0, MASK, 7)))
        self.each("menvcfg", rng.choice((0, MASK)))
        self.each("henvcfg", rng.choice((0, MASK)))
        self.each("mscratch", self.draw.integer())
        self.set_delegation()
        self.set_registers(31)
        self.plant()

    def each(self, name: str, value: int) -> None:
        """Write a CSR of every machine, where there is such a CSR that can be written."""

        def write(h: Hart) -> None:
            if exists(h, CSRS_BY_NAME[name]) and not CSRS_BY_NAME[name].read_only:
                write_csr(h, name, value & MASK)

        self.lock.change(write)
        if name == "misa":
            for machine in self.lock.machines:
                machine.engine.forget_everything()

    # -- changes ------------------------------------------------------------------------------------------------------

    def set_registers(self, count: int) -> None:
        """New values for some integer registers."""
        rng = self.rng
        chosen = rng.sample(range(1, 32), count)
        values = [(register, self.draw.register(register)) for register in chosen]

        def write(h: Hart) -> None:
            for register, value in values:
                h.x[register] = value

        self.lock.change(write)

    def set_delegation(self) -> None:
        """Who handles what."""
        rng = self.rng
        for name in DELEGATION:
            self.each(name, rng.choice((0, MASK, MASK, MASK, rng.getrandbits(64))))

    def plant(self) -> None:
        """Go on in some mode at some code, with handlers in place or no such thing."""
        rng = self.rng
        mode, v = STARTS[rng.choice(self.profile.modes)]
        if not self.hart.features & Feature.H:
            v = 0
        for name, place in (("mtvec", HANDLER), ("stvec", HANDLER + 0x100), ("vstvec", HANDLER + 0x100)):
            good = rng.random() < (0.85 if name == "mtvec" else 0.4)
            self.each(name, place if good else self.draw.viewed(self.draw.code()) | rng.randrange(2))
        if self.tables and rng.random() < 0.8:
            self.switch(good=True)
        if rng.random() < 0.7:  # no interrupt comes again and again, no PMP entry shuts code out
            for name, value in (("mie", 0), ("pmpcfg0", 0), ("pmpaddr15", MASK), ("pmpcfg2", 0x1F << 56), ("mstatus", 0)):
                self.each(name, value)
        pc = self.draw.code()
        if self.tables and mode == 0:
            pc = pc - RAM + LOW_VIEW
        if not self.hart.features & Feature.C:
            pc &= ~3

        def jump(h: Hart) -> None:
            h.mode, h.v, h.pc, h.wfi = mode, v, pc, 0
            update_regime(h)

        self.lock.change(jump)

    def switch(self, good: bool = False) -> None:
        """Other page tables, made ones or anything."""
        rng, tables = self.rng, self.tables
        for name, made in zip(("satp", "vsatp", "hgatp"), (tables.host, tables.guest, tables.second) if tables else (), strict=False):
            if rng.random() < (0.9 if good else 0.5):
                bare = 0 if rng.random() < 0.8 else rng.choice(made) & ~(15 << 60)
                self.each(name, rng.choice((*made, *made, bare)) if good or rng.random() < 0.8 else self.draw.translation())

    def set_csrs(self) -> None:
        """Some CSRs get other values."""
        rng = self.rng
        for _ in range(rng.randrange(1, 5)):
            name = rng.choice((*STATUS, *STATUS, *DELEGATION, *REST))
            self.each(name, self.draw.csr_value())

    def set_interrupts(self) -> None:
        """Interrupts enabled, pending, delegated; timers that soon go off."""
        rng = self.rng
        for name in INTERRUPTS:
            if rng.random() < 0.6:
                self.each(name, rng.choice((0, MASK, rng.getrandbits(64), 1 << rng.randrange(14))))
        if rng.random() < 0.5:
            self.each("mideleg", rng.getrandbits(64))
            self.each("hideleg", rng.getrandbits(64))
        for name in STATUS:
            self.each(name, rng.getrandbits(64) | rng.choice((0, 0xA)))
        time = now(self.hart)
        for name in ("stimecmp", "vstimecmp", "mtimecmp", "htimedelta"):
            value = time + rng.randrange(-2, 12) & MASK
            if name == "htimedelta":
                value = rng.choice((0, 0, rng.randrange(-3, 4) & MASK, self.draw.integer()))
            if name == "mtimecmp":
                self.lock.change(lambda h, value=value: setattr(h, "mtimecmp", value))  # type: ignore[misc]
            elif rng.random() < 0.7:
                self.each(name, value)
        if rng.random() < 0.1:
            self.lock.type(b"input")

    def set_code(self) -> None:
        """Code changes under the hart, mostly where it is about to be executed."""
        rng = self.rng
        near = self.hart.pc & 0xFFF
        for _ in range(rng.randrange(1, 4)):
            page = CODE + PAGE * rng.randrange(CODE_PAGES)
            place = page + min(max(0, near + 2 * rng.randrange(-2, 20)), PAGE - 2)
            data = b"".join(rng.choices(self.words, k=rng.randrange(1, 5)))
            self.lock.write(place, data[: CODE + CODE_PAGES * PAGE - place])

    def set_tables(self) -> None:
        """Entries of page tables change, mostly without a fence; or other tables; or a fence."""
        rng, tables = self.rng, self.tables
        assert tables is not None
        for _ in range(rng.randrange(3)):
            slot = rng.choice(tables.leaves)
            other = tables.get(rng.choice(tables.leaves))
            pte = rng.choice((other, tables.spoiled(other), tables.get(slot) ^ 1 << rng.randrange(10)))
            self.lock.write(slot, pte.to_bytes(8, "little"))
        if rng.random() < 0.3:
            self.switch()
        if rng.random() < 0.1:
            self.lock.change(flush_all)

    def set_pmp(self) -> None:
        """Entries of the PMP that split pages."""
        rng = self.rng
        for entry in range(rng.randrange(1, 6)):
            base = rng.choice((CODE, CODE, DATA, TABLES, HANDLER)) + PAGE * rng.randrange(4)
            inside = base + rng.choice((0, rng.randrange(0, PAGE, 4), rng.randrange(0, PAGE, 64)))
            size = rng.choice((0, 0, 1, 3, 7, 63, 511, 1023))
            self.each(f"pmpaddr{entry}", inside >> 2 | size)
        lock = rng.random() < 0.05
        config = sum((rng.getrandbits(8) & (0xFF if lock else 0x1F) | rng.choice((0, 7))) << 8 * entry for entry in range(8))
        self.each("pmpcfg0", rng.choice((0, config, config, config)))
        if rng.random() < 0.2:
            self.each("mseccfg", rng.randrange(8) & rng.randrange(8))

    # -- running ------------------------------------------------------------------------------------------------------

    def changes(self) -> list[tuple[int, Callable[[], None]]]:
        """What may happen between slices, and how many times in 100."""
        profile = self.profile
        return [
            (profile.registers, lambda: self.set_registers(self.rng.randrange(1, 20))),
            (profile.csrs, self.set_csrs),
            (profile.interrupts, self.set_interrupts),
            (profile.code, self.set_code),
            (profile.paging, self.set_tables),
            (profile.pmp, self.set_pmp),
            (profile.plant, self.plant),
        ]

    def in_circles(self, units: int) -> bool:
        """Whether the last units were spent at few places."""
        places = {pc for _, _, _, pc, _, _ in list(self.lock.trace)[-units:] if pc & -PAGE != HANDLER}
        return 3 * len(places) < units

    def run(self) -> int:
        """Begin, and run to the end of the episode or the machine; returns the units run. Raises Difference."""
        rng, lock = self.rng, self.lock
        self.begin()
        changes = self.changes()
        futile = 0
        while lock.steps < self.profile.steps and futile < 12:
            retired = self.hart.limit - self.hart.left
            start, units = lock.steps, rng.randrange(1, rng.choice((8, 8, self.profile.longest)))
            outcome = lock.run(units, patience=rng.choice((2, 3, 3, 9)))
            if outcome in (Outcome.EXITED, Outcome.RESET):
                break
            for percent, change in changes:
                if rng.randrange(100) < percent:
                    change()
            done = lock.steps - start
            futile = futile + 1 if self.hart.limit - self.hart.left == retired else 0
            if outcome is Outcome.IDLE or done < units or self.in_circles(done):
                self.plant()
        lock.compare_ram()
        return lock.steps
