# SPDX-License-Identifier: Apache-2.0
"""An interrupt domain of an APLIC: sources, pending bits, and how interrupts leave it.

Source: The RISC-V Advanced Interrupt Architecture 1.0, chapter Advanced Platform-Level Interrupt Controller (APLIC);
section names below are its own. The registers are in core.devices.aplic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.devices.device import Device, Services

SOURCES = 96
"""Highest interrupt identity."""
# "Source configurations"
DELEGATE = 1 << 10
INACTIVE, DETACHED, EDGE1, EDGE0, LEVEL1, LEVEL0 = 0, 1, 4, 5, 6, 7
LEVELS, INVERTED, WIRED = (LEVEL1, LEVEL0), (EDGE0, LEVEL0), (EDGE1, EDGE0, LEVEL1, LEVEL0)
PRIORITIES = 7
"""Largest priority number (IPRIOLEN is 3, as on QEMU's virt machine)."""
HART_SHIFT, GUEST_SHIFT = 18, 12
"""Fields of target and genmsi."""
IDENTITY_MASK, GUEST_MASK = 0x7FF, 0x3F
LOCK = 1 << 31
"""Field L of mmsiaddrcfgh."""


def bits(mask: int) -> Iterator[int]:
    """Numbers of the bits set, ascending."""
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1


@dataclass
class Idc:
    """Interrupt delivery control of one hart."""

    delivery: bool = False
    force: bool = False
    threshold: int = 0
    output: bool = False
    """The external interrupt as it is signaled now."""


class AplicDomain(Device):
    """A domain. level: "M" (the root) or "S"; msi: it forwards by messages, else it delivers directly; hidden: the
    device tree calls it disabled. `set_level` of the root takes the wires."""

    def __init__(
        self,
        services: Services,
        base: int,
        irq: int = 0,
        interrupt: Callable[[bool], None] = lambda level: None,
        level: str = "M",
        msi: bool = False,
        hidden: bool = False,
    ) -> None:
        self.level, self.msi, self.hidden = level, msi, hidden
        self.parent: AplicDomain | None = None
        self.child: AplicDomain | None = None
        super().__init__(services, base, irq, interrupt)

    def adopt(self, child: AplicDomain) -> None:
        """Make `child` this domain's child."""
        self.child, child.parent = child, self

    def reset(self) -> None:
        """domaincfg is zero; what the specification leaves open is zero too."""
        self.enabled = False  # domaincfg.IE
        self.modes = [0] * (SOURCES + 1)  # sourcecfg
        self.targets = [0] * (SOURCES + 1)
        self.active = 0
        """Sources that are active in this domain."""
        self.pending = self.enables = 0
        self.inputs = 0
        """Rectified input values."""
        self._wires = 0
        self.addresses = [0, 0, 0, 0]  # mmsiaddrcfg, mmsiaddrcfgh, smsiaddrcfg, smsiaddrcfgh
        self.idcs = [Idc() for _ in self.services.harts]
        if not self.msi:
            for hart in range(len(self.idcs)):
                self.services.set_external(hart, self.level, False)

    # Firmware's part, for machines with a built-in one

    def delegate_all(self) -> None:
        """Every source is the child's."""
        for source in range(1, SOURCES + 1):
            self.configure(source, DELEGATE)

    def place_messages(self, machine: int, supervisor: int, guest_bits: int) -> None:
        """Set and lock the addresses of messages: of hart 0's M-mode and S-mode files, all in one group of harts."""
        width = (len(self.services.harts) - 1).bit_length()
        self.addresses = [
            machine >> 12 & 0xFFFF_FFFF,
            LOCK | width << 12 | machine >> 44,
            supervisor >> 12 & 0xFFFF_FFFF,
            guest_bits << 20 | supervisor >> 44,
        ]

    # "Source configurations"

    def appears(self, source: int) -> bool:
        """Whether the source is implemented as this domain sees it: at the child only what the root delegates."""
        return 1 <= source <= SOURCES and (self.parent is None or bool(self.parent.modes[source] & DELEGATE))

    def configure(self, source: int, value: int) -> None:
        """Write sourcecfg of a source. Becoming active sets the pending bit if its level asks for it already."""
        if not self.appears(source):
            return
        bit, was = 1 << source, self.modes[source]
        if value & DELEGATE:
            mode = DELEGATE if self.child is not None else INACTIVE  # the one child has index 0
        else:
            mode = value & 7 if value & 7 in (DETACHED, *WIRED) else INACTIVE
        self.modes[source] = mode
        if mode in (INACTIVE, DELEGATE):
            self.active &= ~bit
            self.pending &= ~bit
            self.enables &= ~bit
            self.targets[source] = 0
        elif not self.active & bit:
            self.active |= bit
            self.targets[source] = 0 if self.msi else 1  # priority number 0 is not legal
        high = self._rectified(source)
        self.inputs = self.inputs | bit if high else self.inputs & ~bit
        if mode in LEVELS:
            self.pending = self.pending | bit if high else self.pending & ~bit
        if was & DELEGATE and not mode & DELEGATE and self.child is not None:
            self.child.lose(source)
        self.update()

    def lose(self, source: int) -> None:
        """The parent has taken a source back."""
        bit = 1 << source
        self.modes[source] = self.targets[source] = 0
        for name in ("active", "pending", "enables", "inputs"):
            setattr(self, name, getattr(self, name) & ~bit)
        self.update()

    def _rectified(self, source: int) -> bool:
        mode = self.modes[source]
        return mode in WIRED and bool(self._wires >> source & 1) != (mode in INVERTED)

    # "Precise effects on interrupt-pending bits"

    def set_level(self, irq: int, level: bool) -> None:
        """The wire of source `irq` (1 to SOURCES) goes high or low."""
        if not 1 <= irq <= SOURCES:
            raise ValueError(f"APLIC has no source {irq}")
        bit = 1 << irq
        self._wires = self._wires | bit if level else self._wires & ~bit
        high = self._rectified(irq)
        rose = high and not self.inputs & bit
        self.inputs = self.inputs | bit if high else self.inputs & ~bit
        if rose:
            self.pending |= bit
        elif self.modes[irq] in LEVELS and not high:
            self.pending &= ~bit
        if self.child is not None:
            self.child.set_level(irq, level)
        self.update()

    def set_pending(self, mask: int) -> None:
        """Software sets pending bits: not of levels, but when those are forwarded by messages and high."""
        for source in bits(mask & self.active):
            if self.modes[source] not in LEVELS or (self.msi and self.inputs >> source & 1):
                self.pending |= 1 << source
        self.update()

    def clear_pending(self, mask: int) -> None:
        """Software clears pending bits, or a claim does: not of levels delivered directly."""
        for source in bits(mask & self.active):
            if self.msi or self.modes[source] not in LEVELS:
                self.pending &= ~(1 << source)
        self.update()

    # "Interrupt delivery directly by the APLIC", "Interrupt forwarding by MSIs"

    def update(self) -> None:
        """Signal or forward what is pending and enabled."""
        if self.msi:
            for source in bits(self.pending & self.enables if self.enabled else 0):
                self.pending &= ~(1 << source)
                target = self.targets[source]
                self.send(target >> HART_SHIFT, target >> GUEST_SHIFT & GUEST_MASK, target & IDENTITY_MASK)
            return
        for hart, idc in enumerate(self.idcs):
            level = self.enabled and idc.delivery and (idc.force or self.top(hart) != 0)
            if level != idc.output:
                idc.output = level
                self.services.set_external(hart, self.level, level)

    def send(self, hart: int, guest: int, identity: int) -> None:
        """A message ("Addresses and data for outgoing MSIs"). Hart indexes are hart ids in both domains."""
        low, high, low_s, high_s = (self.parent or self).addresses
        width = high >> 12 & 15
        group, member = hart >> width & ((1 << (high >> 16 & 7)) - 1), hart & ((1 << width) - 1)
        if self.level == "S":
            page, shift = (high_s & 0xFFF) << 32 | low_s | guest, high_s >> 20 & 7
        else:
            page, shift = (high & 0xFFF) << 32 | low, high >> 20 & 7
        page |= group << ((high >> 24 & 31) + 12) | member << shift
        self.services.send_msi(page << 12, identity)

    def top(self, hart: int) -> int:
        """topi of a hart: identity and priority of its best source, 0 for none."""
        best, found = self.idcs[hart].threshold or PRIORITIES + 1, 0
        for source in bits(self.pending & self.enables):
            target = self.targets[source]
            if target >> HART_SHIFT == hart and target & PRIORITIES < best:
                best = target & PRIORITIES
                found = source << 16 | best
        return found

    def claim(self, hart: int) -> int:
        """Reading claimi: topi, whose source is no longer pending if that can be; a spurious one ends iforce."""
        found = self.top(hart)
        if found:
            self.clear_pending(1 << (found >> 16))
        else:
            self.idcs[hart].force = False
            self.update()
        return found
