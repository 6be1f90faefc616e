# SPDX-License-Identifier: Apache-2.0
"""Random changes of a machine's state from outside, made to all machines of a Lockstep alike."""

from __future__ import annotations

import random

from core.boot.loader import Bios
from core.boot.sbi.registry import EXTENSIONS
from core.csr.counting import COUNT, FIRST, settle
from core.csr.registry import CSRS_BY_NAME, exists, write_csr
from core.debug.points import Points
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import now
from core.machine import Machine
from core.mmu.tlb import flush_all, update_regime
from core.trap.interrupts import signal_rnmi
from tests.support.lockstep import Lockstep
from tests.support.programs import CODE, CODE_PAGES, DATA, HANDLER, LOW_VIEW, MASK, PAGE, RAM, TABLES, Writer
from tests.support.programs_profile import STARTS, Profile
from tests.support.programs_tables import Tables

STATUS = ("mstatus", "hstatus", "vsstatus")
DELEGATION = ("medeleg", "mideleg", "hedeleg", "hideleg")
INTERRUPTS = ("mie", "mip", "hvip", "hgeie")
REST = tuple(name for name in CSRS_BY_NAME if not name.startswith(("pmp", "hpm", "mhpm")))
FS = 1 << 13
CALM = (("mie", 0), ("pmpcfg0", 0), ("pmpaddr15", MASK), ("pmpcfg2", 0x1F << 56), ("mstatus", FS), ("vsstatus", FS))
"""No interrupt comes again and again, no PMP entry shuts code out, the floating-point unit is on."""


def device_registers(machine: Machine) -> list[list[int]]:
    """Addresses of registers by kind of device, the first few of each array."""
    found: dict[type, list[int]] = {}
    for device in machine.board.devices:
        for register in device.registers:
            first = device.base + register.offset
            places = [first + register.step * index for index in range(min(register.count, 3))]
            found.setdefault(type(device), []).extend(places)
    return list(found.values())


class Changes:
    """Changes to one hart at a time (`index`) of the machines of a Lockstep."""

    def __init__(self, lock: Lockstep, profile: Profile, rng: random.Random) -> None:
        self.lock, self.profile, self.rng = lock, profile, rng
        self.draw = Writer(rng, profile.code_pages, profile.paging > 0)
        self.draw.nearest = profile.nearest > 0
        self.words = self.draw.vocabulary(profile.weights, 600)
        self.draw.devices = profile.devices
        self.draw.registers = device_registers(lock.reference)
        self.tables: Tables | None = None
        self.points = [Points(machine) for machine in lock.machines]
        self.index = 0

    def look(self) -> None:
        """See where the hart is."""
        self.draw.near = CODE + self.hart.pc % (PAGE * self.profile.code_pages)

    @property
    def hart(self) -> Hart:
        """The hart being changed, of the reference machine."""
        return self.lock.reference.harts[self.index]

    def each(self, name: str, value: int) -> None:
        """Write a CSR, where there is such a CSR that can be written. Those of the built-in SBI stay as it set them."""
        csr = CSRS_BY_NAME[name]
        if csr.read_only or (csr.privilege == 3 and self.profile.bios is Bios.BUILTIN):
            return

        def write(h: Hart) -> None:
            if exists(h, csr):
                write_csr(h, name, value & MASK)

        self.lock.change(write, self.index)

    def set_registers(self, count: int) -> None:
        """New values for some integer registers."""
        values = {register: self.draw.register(register) for register in self.rng.sample(range(1, 32), count)}
        if self.profile.bios is Bios.BUILTIN:
            values |= {17: self.rng.choice((*EXTENSIONS, *range(9))), 16: self.rng.randrange(8)}
            values |= {register: self.rng.randrange(4) for register in (10, 11) if self.rng.random() < 0.2}
        numbers = {register: self.draw.number() for register in self.rng.sample(range(32), count // 2)}

        def write(h: Hart) -> None:
            for register, value in values.items():
                h.x[register] = value
            for register, value in numbers.items():
                h.f[register] = value

        self.lock.change(write, self.index)

    def set_delegation(self) -> None:
        """Who handles what."""
        for name in DELEGATION:
            self.each(name, self.rng.choice((0, MASK, MASK, MASK, self.rng.getrandbits(64))))

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
        if rng.random() < 0.3:
            self.set_masking()
        if self.hart.features & Feature.ZICFILP:
            self.set_landing()
        if self.hart.features & Feature.ZICFISS:
            self.set_shadow()
        if rng.random() < 0.7:
            for name, value in CALM:
                if not (name == "pmpcfg0" and self.profile.pmp):
                    self.each(name, value)
        pc = self.draw.code()
        if self.tables and mode == 0:
            pc = pc - RAM + LOW_VIEW
        if not self.hart.features & Feature.C:
            pc &= ~3

        def jump(h: Hart) -> None:
            h.mode, h.v, h.pc, h.wfi, h.critical = mode, v, pc, 0, 0
            settle(h, mode, v, 0)
            update_regime(h)

        self.lock.change(jump, self.index)

    def set_masking(self) -> None:
        """Pointer masking in some modes."""
        for name, lsb in (("menvcfg", 32), ("henvcfg", 32), ("senvcfg", 32), ("mseccfg", 32), ("hstatus", 48)):
            self.each(name, getattr(self.hart, name) & ~(3 << lsb) | self.rng.choice((0, 2, 3)) << lsb)

    def set_landing(self) -> None:
        """Landing pads enforced in some modes, and maybe expected now."""
        for name, bit in (("menvcfg", 2), ("henvcfg", 2), ("senvcfg", 2), ("mseccfg", 10)):
            self.each(name, getattr(self.hart, name) & ~(1 << bit) | self.rng.choice((0, 1, 1)) << bit)
        elp = int(self.rng.random() < 0.1)
        self.lock.change(lambda h: setattr(h, "elp", elp), self.index)

    def set_shadow(self) -> None:
        """Shadow stacks active in some modes, and a pointer to data, mostly."""
        for name in ("menvcfg", "henvcfg", "senvcfg"):
            self.each(name, getattr(self.hart, name) & ~8 | self.rng.choice((0, 8, 8, 8)))
        self.each("ssp", self.draw.address())

    def switch(self, good: bool = False) -> None:
        """Other page tables, made ones or anything."""
        rng, tables = self.rng, self.tables
        assert tables is not None
        for name, made in (("satp", tables.host), ("vsatp", tables.guest), ("hgatp", tables.second)):
            if rng.random() < (0.9 if good else 0.5):
                bare = 0 if rng.random() < 0.8 else rng.choice(made) & ~(15 << 60)
                made_or_bare = rng.choice((*made, *made, bare))
                self.each(name, made_or_bare if good or rng.random() < 0.8 else self.draw.translation())

    def set_csrs(self) -> None:
        """Some CSRs get other values."""
        for _ in range(self.rng.randrange(1, 5)):
            self.each(self.rng.choice((*STATUS, *STATUS, *DELEGATION, *REST)), self.draw.csr_value())

    def set_nearest(self) -> None:
        """Rounding to nearest, ties to even, and flags of all kinds."""
        self.each("fcsr", self.rng.choice((0, 1, 1, self.rng.randrange(32))))

    def set_interrupts(self) -> None:
        """Interrupts enabled, pending, delegated; timers that soon go off."""
        rng = self.rng
        for name in INTERRUPTS:
            if rng.random() < 0.6:
                self.each(name, rng.choice((0, MASK, rng.getrandbits(64), 1 << rng.randrange(14))))
        for name in ("mideleg", "hideleg"):
            if rng.random() < 0.5:
                self.each(name, rng.getrandbits(64))
        for name in STATUS:
            self.each(name, rng.getrandbits(64) | rng.choice((0, 0xA)))
        time = now(self.hart)
        due = time + rng.randrange(-2, 12) & MASK

        def set_timer(h: Hart) -> None:
            h.mtimecmp = due

        self.lock.change(set_timer, self.index)
        for name in ("stimecmp", "vstimecmp"):
            if rng.random() < 0.7:
                self.each(name, time + rng.randrange(-2, 12))
        self.each("htimedelta", rng.choice((0, 0, rng.randrange(-3, 4), self.draw.integer())))
        if rng.random() < 0.5:
            self.set_counters()
        if self.hart.features & Feature.SMRNMI:
            self.set_rnmi()
        if rng.random() < 0.1:
            self.lock.type(b"input")

    def set_rnmi(self) -> None:
        """An RNMI, or enabled again after one; where its handler returns to."""
        rng = self.rng
        if rng.random() < 0.5:
            self.lock.change(signal_rnmi, self.index)
        if rng.random() < 0.3:
            self.each("mnstatus", rng.getrandbits(64) | 8)
            self.each("mnepc", self.draw.viewed(self.draw.code()))

    def set_counters(self) -> None:
        """Event counters that soon overflow, in some modes."""
        rng = self.rng
        for number in range(FIRST, FIRST + COUNT):
            self.each(f"mhpmevent{number}", rng.choice((0, rng.getrandbits(6) << 58)) | rng.randrange(3))
            self.each(f"mhpmcounter{number}", -rng.randrange(rng.choice((10, 300))))
        self.each("mcountinhibit", rng.choice((0, 0, rng.getrandbits(7))))

    def set_code(self) -> None:
        """Code changes under the hart, mostly where it is about to be executed."""
        near = self.hart.pc & 0xFFF
        for _ in range(self.rng.randrange(1, 4)):
            page = CODE + PAGE * self.rng.randrange(self.profile.code_pages)
            place = page + min(max(0, near + 2 * self.rng.randrange(-2, 20)), PAGE - 2)
            data = b"".join(self.rng.choices(self.words, k=self.rng.randrange(1, 5)))
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
            self.lock.change(flush_all, self.index)

    def make_tables(self) -> None:
        """Page tables in RAM."""
        tables = self.tables = Tables(self.rng, self.profile.defects, self.profile.shadow).build()
        self.lock.write(TABLES, bytes(tables.image))
        self.draw.translations = [*tables.host, *tables.guest, *tables.second]
        self.draw.leaves = tables.leaves
        self.draw.entries = [tables.get(slot) for slot in tables.leaves]

    def forget(self) -> None:
        """What the native engine keeps of instructions goes."""
        for machine in self.lock.machines:
            machine.engine.forget_everything()

    def set_pmp(self) -> None:
        """Entries of the PMP that split pages."""
        rng = self.rng
        for entry in range(rng.randrange(1, 6)):
            base = rng.choice((CODE, CODE, DATA, TABLES, HANDLER)) + PAGE * rng.randrange(4)
            inside = base + rng.choice((0, rng.randrange(0, PAGE, 4), rng.randrange(0, PAGE, 64)))
            if rng.random() < 0.5:
                inside = self.draw.near + rng.randrange(64)
            self.each(f"pmpaddr{entry}", inside >> 2 | rng.choice((0, 0, 1, 3, 7, 63, 511, 1023)))
        mask = 0xFF if rng.random() < 0.05 else 0x1F
        config = [rng.getrandbits(8) & mask | rng.choice((0, 3, 7)) for _ in range(8)]
        self.each("pmpcfg0", int.from_bytes(bytes(config), "little") if rng.random() < 0.8 else 0)
        if rng.random() < 0.2:
            self.each("mseccfg", rng.randrange(8) & rng.randrange(8))

    def set_points(self) -> None:
        """Other breakpoints, mostly ahead of the hart, and watchpoints."""
        rng = self.rng
        self.clear_points()
        for _ in range(rng.randrange(4)):
            kind = rng.choice(("break", "break", "watch", "rwatch", "awatch"))
            length = rng.choice((1, 2, 4, 8, 8, 300, 5000)) if kind != "break" else 1
            ahead = self.hart.pc + 2 * rng.randrange(20) & MASK
            address = rng.choice((ahead, self.draw.viewed(self.draw.code()))) if kind == "break" else self.draw.address()
            for points in self.points:
                points.add(kind, address, min(length, MASK + 1 - address), "test")

    def clear_points(self) -> None:
        """No breakpoints and watchpoints."""
        for points in self.points:
            for point in points.all():
                points.remove(point.number)
