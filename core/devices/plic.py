# SPDX-License-Identifier: Apache-2.0
"""PLIC, the platform-level interrupt controller: wired interrupts of devices to MEIP and SEIP of the harts.

Source: RISC-V Platform-Level Interrupt Controller Specification 1.0.0; section names below are its own. Context 2*h is
M-mode of hart h, context 2*h+1 its S-mode, as on QEMU's virt machine and SiFive's boards. All sources are
level-triggered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from core.boot.fdt import Node, Ref, Value, wide
from core.devices.device import Device, Register
from core.trap.causes import Interrupt

SOURCES = 96
"""Highest interrupt ID."""
LEVELS = 7
"""Highest priority and threshold; 0 means "never interrupt"."""
CONTEXTS = 1024
"""Contexts for which the address range has room."""
WORDS = 32
"""32-bit words of pending or enable bits that the memory map reserves for one context."""
_ALL_SOURCES = (1 << (SOURCES + 1)) - 2


def _ids(mask: int) -> Iterator[int]:
    """Numbers of the bits set, ascending."""
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1


@dataclass(frozen=True)
class SourceState:
    """A source as it is: whether it is pending, whether its gateway waits for a completion, its priority, and the
    (context, threshold) pairs that it is enabled for."""

    number: int
    pending: bool
    claimed: bool
    priority: int
    contexts: tuple[tuple[int, int], ...]


class Plic(Device):
    """The controller. Devices drive `set_level`; the outputs go to `services.set_external`."""

    length: ClassVar[int] = 0x60_0000

    def reset(self) -> None:
        """Nothing enabled, nothing pending, all priorities and thresholds zero, all outputs low."""
        contexts = 2 * len(self.services.harts)
        self._levels = 0
        self._pending = 0
        self._claimed = 0  # gateways that wait for a completion
        self._priority = [0] * (SOURCES + 1)
        self._enabled = [0] * contexts
        self._threshold = [0] * contexts
        self._output = [False] * contexts
        for context in range(contexts):
            self._drive(context, False)

    def set_level(self, irq: int, level: bool) -> None:
        """The line of source `irq` (1 to SOURCES) goes high or low ("Interrupt Gateways")."""
        if not 1 <= irq <= SOURCES:
            raise ValueError(f"PLIC has no source {irq}")
        bit = 1 << irq
        if bool(self._levels & bit) == level:
            return
        self._levels ^= bit
        if level:
            self._forward(bit)

    def sources(self) -> list[SourceState]:
        """Every source, by its number; changes nothing."""
        found = []
        for number in range(1, SOURCES + 1):
            contexts = tuple((i, self._threshold[i]) for i, mask in enumerate(self._enabled) if mask >> number & 1)
            pending, claimed = bool(self._pending >> number & 1), bool(self._claimed >> number & 1)
            found.append(SourceState(number, pending, claimed, self._priority[number], contexts))
        return found

    def _forward(self, sources: int) -> None:
        """Gateways of asserted lines post one request each, unless the last one is still pending or being handled."""
        new = sources & self._levels & ~self._claimed & ~self._pending
        if new:
            self._pending |= new
            self._update()

    def _best(self, context: int, above: int) -> int:
        """ID of the pending, enabled source of highest priority above `above`; the lowest ID among equals; 0 for
        none."""
        best, highest = 0, above
        for irq in _ids(self._pending & self._enabled[context]):
            if self._priority[irq] > highest:
                best, highest = irq, self._priority[irq]
        return best

    def _update(self) -> None:
        """Set all outputs ("Interrupt Notifications", "Priority Thresholds")."""
        for context, was in enumerate(self._output):
            level = self._best(context, self._threshold[context]) != 0
            if level != was:
                self._drive(context, level)

    def _drive(self, context: int, level: bool) -> None:
        self._output[context] = level
        self.services.set_external(context // 2, "S" if context & 1 else "M", level)

    def _has(self, context: int) -> bool:
        return context < len(self._enabled)

    # "Interrupt Priorities"
    def _read_priority(self, irq: int) -> int:
        return self._priority[irq] if irq <= SOURCES else 0

    def _write_priority(self, irq: int, value: int) -> None:
        if 1 <= irq <= SOURCES:
            self._priority[irq] = value & LEVELS
            self._update()

    # "Interrupt Pending Bits"
    def _read_pending(self, word: int) -> int:
        return (self._pending >> (32 * word)) & 0xFFFF_FFFF

    # "Interrupt Enables"
    def _read_enable(self, index: int) -> int:
        context, word = divmod(index, WORDS)
        return (self._enabled[context] >> (32 * word)) & 0xFFFF_FFFF if self._has(context) else 0

    def _write_enable(self, index: int, value: int) -> None:
        context, word = divmod(index, WORDS)
        if self._has(context):
            mask = 0xFFFF_FFFF << (32 * word)
            self._enabled[context] = ((self._enabled[context] & ~mask) | (value << (32 * word))) & _ALL_SOURCES
            self._update()

    # "Priority Thresholds"
    def _read_threshold(self, context: int) -> int:
        return self._threshold[context] if self._has(context) else 0

    def _write_threshold(self, context: int, value: int) -> None:
        if self._has(context):
            self._threshold[context] = value & LEVELS
            self._update()

    # "Interrupt Claim Process": not affected by the threshold
    def _peek_claim(self, context: int) -> int:
        return self._best(context, 0) if self._has(context) else 0

    def _claim(self, context: int) -> int:
        irq = self._peek_claim(context)
        if irq:
            self._pending &= ~(1 << irq)
            self._claimed |= 1 << irq
            self._update()
        return irq

    # "Interrupt Completion": ignored unless the source is enabled for the context
    def _complete(self, context: int, irq: int) -> None:
        if self._has(context) and 1 <= irq <= SOURCES and self._enabled[context] >> irq & 1:
            self._claimed &= ~(1 << irq)
            self._forward(1 << irq)

    registers: ClassVar[tuple[Register, ...]] = (
        Register("priority", 0, 4, _read_priority, _write_priority, pure=True, count=1024),
        Register("pending", 0x1000, 4, _read_pending, pure=True, count=WORDS),
        Register("enable", 0x2000, 4, _read_enable, _write_enable, pure=True, count=CONTEXTS * WORDS),
        Register("threshold", 0x20_0000, 4, _read_threshold, _write_threshold, pure=True, count=CONTEXTS, stride=0x1000),
        Register("claim/complete", 0x20_0004, 4, _claim, _complete, _peek_claim, count=CONTEXTS, stride=0x1000),
    )

    def nodes(self) -> list[Node]:
        """The interrupt controller's node, wired to every hart."""
        wires = [
            item
            for hart in range(len(self.services.harts))
            for item in (Ref(f"cpu{hart}_intc"), int(Interrupt.MEI), Ref(f"cpu{hart}_intc"), int(Interrupt.SEI))
        ]
        properties: dict[str, Value] = {
            "compatible": ["sifive,plic-1.0.0", "riscv,plic0"],
            "reg": wide(self.base, self.length),
            "interrupt-controller": True,
            "#interrupt-cells": 1,
            "#address-cells": 0,
            "riscv,ndev": SOURCES,
            "interrupts-extended": wires,
        }
        return [Node(f"plic@{self.base:x}", properties, label="plic")]
