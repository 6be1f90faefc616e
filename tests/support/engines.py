# SPDX-License-Identifier: Apache-2.0
"""One instruction after the other on both engines: the same start, the same end, looked at in the reference machine."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from core.boot.loader import Bios, BootConfig
from core.features import DEFAULT_FEATURES, Feature
from core.hart import Hart
from core.machine import Machine, MachineConfig
from core.mmu.tlb import flush_all

RAM = 0x8000_0000
MEMORY = 4 << 20
COMPARED = 1 << 17
"""Bytes of RAM, its first, that are compared."""
PAGE = 0x4000_0000
"""The virtual or guest physical page that `map` maps."""
HIGHER = 0x4000_0000
"""How far above its physical address S-mode finds RAM, when `map` maps it."""
ROOT = RAM + 0x1_0000
SV39 = 8 << 60 | ROOT >> 12
"""For satp, vsatp or hgatp, where `map` has been called."""
TABLES = ROOT + 0x4000, ROOT + 0x5000
LEAF = TABLES[1]
"""Where the entry for PAGE is."""
MODES = {"M": (3, 0), "HS": (1, 0), "U": (0, 0), "VS": (1, 1), "VU": (0, 1)}
OPEN = (1 << 54) - 1, 0x1F
"""pmpaddr0 and pmpcfg0 that allow everything."""


class Engines:
    """A machine for each engine."""

    def __init__(self, features: Feature = DEFAULT_FEATURES) -> None:
        with tempfile.TemporaryDirectory() as folder:
            image = Path(folder) / "empty.bin"
            image.write_bytes(bytes(64))
            boot = BootConfig(image, bios=Bios.NONE)
            self.machines = [
                Machine(MachineConfig(boot, MEMORY, features=features, strict=True, engine=engine))
                for engine in ("reference", "native")
            ]
        self.hart = self.machines[0].harts[0]
        """That of the reference machine."""

    def begin(self, mode: str = "M", **slots: int) -> None:
        """Reset, all memory open, then a mode and values of slots."""
        for machine in self.machines:
            machine.reset()
            h = machine.harts[0]
            h.pmpaddr[0], h.pmpcfg[0] = OPEN
            h.mode, h.v = MODES[mode]
            for name, value in slots.items():
                setattr(h, name, value)
            flush_all(h)

    def map(self, target: int, bits: int) -> None:
        """Make page tables of Sv39, at once Sv39x4, at ROOT.

        PAGE is mapped to `target` by an entry with these low bits; RAM is where it is for U-mode (and the G-stage), and
        HIGHER for S-mode.
        """
        for slot, entry in (
            (ROOT + 8 * (PAGE >> 30), TABLES[0] >> 12 << 10 | 1),
            (ROOT + 8 * (RAM >> 30), RAM >> 12 << 10 | 0xDF),
            (ROOT + 8 * (RAM + HIGHER >> 30), RAM >> 12 << 10 | 0xCF),
            (TABLES[0], TABLES[1] >> 12 << 10 | 1),
            (LEAF, target >> 12 << 10 | bits),
        ):
            self.write(slot, entry.to_bytes(8, "little"))

    def write(self, address: int, data: bytes) -> None:
        """Store into RAM."""
        for machine in self.machines:
            machine.ram.write_bytes(address, data)
            machine.memory_changed(address, len(data))

    def read(self, address: int, size: int = 8) -> int:
        """RAM as a number."""
        return self.machines[0].ram.read(address, size)

    def code(self, address: int, words: Iterable[int], above: int = 0) -> None:
        """Put instructions into RAM, 16 or 32 bits each, and pc before them, or so far above."""
        self.write(address, b"".join(word.to_bytes(4 if word & 3 == 3 else 2, "little") for word in words))
        self.each(lambda h: setattr(h, "pc", address + above))

    def each(self, action: Callable[[Hart], object]) -> None:
        """Change both harts."""
        for machine in self.machines:
            action(machine.harts[0])

    def run(self, units: int = 1, **registers: int) -> Hart:
        """Set registers (x11=5) and run so many instructions and traps on both; they must end alike. The reference's hart."""
        for machine in self.machines:
            for name, value in registers.items():
                machine.harts[0].x[int(name[1:])] = value
            machine.run(units, 0)
        reference, native = self.machines
        ours, theirs = reference.harts[0].snapshot(), native.harts[0].snapshot()
        assert ours == theirs, {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}
        assert reference.ram.read_bytes(RAM, COMPARED) == native.ram.read_bytes(RAM, COMPARED)
        return self.hart
