# SPDX-License-Identifier: Apache-2.0
"""APLIC: wired interrupts of devices, delivered to the harts or forwarded as messages to their IMSICs.

Source: The RISC-V Advanced Interrupt Architecture 1.0, Memory-mapped control region for an interrupt domain. There are two
domains, as on QEMU's virt machine: the root for M-mode, and its one child for S-mode. The delivery mode is fixed when the
machine is made, and all software is little-endian.
"""

from __future__ import annotations

from typing import ClassVar

from core.boot.fdt import Node, Ref, Value, wide
from core.devices.aplic_domain import (
    GUEST_MASK,
    GUEST_SHIFT,
    HART_SHIFT,
    IDENTITY_MASK,
    LOCK,
    PRIORITIES,
    SOURCES,
    AplicDomain,
)
from core.devices.device import INTERRUPT_CONTROLLER, Register
from core.trap.causes import Interrupt

HARTS = 512
"""IDC structures for which the address range has room."""
IDC_SIZE = 32
# "Domain configuration"
ALWAYS, IE, DM = 0x8000_0000, 1 << 8, 1 << 2
# "Machine MSI address configuration", "Supervisor MSI address configuration"
ADDRESS_MASKS = (0xFFFF_FFFF, LOCK | 0x1F77_FFFF, 0xFFFF_FFFF, 0x0070_0FFF)
LEVEL_HIGH = 4
"""Second interrupt cell of the device tree: active high, level-sensitive."""


def _number(value: int) -> int:
    """The bit of a source, by its number; none when there is no such source."""
    return 1 << value if 1 <= value <= SOURCES else 0


class Aplic(AplicDomain):
    """The registers of a domain, and its node in the device tree."""

    length: ClassVar[int] = 0x8000

    def reset(self) -> None:
        """As the domain's; genmsi is zero."""
        self._message = 0
        super().reset()

    def _read_domain(self, index: int) -> int:
        return ALWAYS | (IE if self.enabled else 0) | (DM if self.msi else 0)

    def _write_domain(self, index: int, value: int) -> None:
        self.enabled = bool(value & IE)
        self.update()

    def _read_source(self, index: int) -> int:
        return self.modes[index + 1] if index < SOURCES else 0

    def _write_source(self, index: int, value: int) -> None:
        self.configure(index + 1, value)

    @property
    def _places(self) -> bool:
        """Whether the domain has the registers for the addresses of messages."""
        return self.msi and self.parent is None

    def _read_address(self, index: int) -> int:
        return self.addresses[index] if self._places else 0

    def _write_address(self, index: int, value: int) -> None:
        if self._places and not self.addresses[1] & LOCK:
            self.addresses[index] = value & ADDRESS_MASKS[index]

    def _read_pending(self, index: int) -> int:
        return self.pending >> (32 * index) & 0xFFFF_FFFF

    def _write_pending(self, index: int, value: int) -> None:
        self.set_pending(value << (32 * index))

    def _write_pending_number(self, index: int, value: int) -> None:
        self.set_pending(_number(value))

    def _read_inputs(self, index: int) -> int:
        return self.inputs >> (32 * index) & 0xFFFF_FFFF

    def _clear_pending(self, index: int, value: int) -> None:
        self.clear_pending(value << (32 * index))

    def _clear_pending_number(self, index: int, value: int) -> None:
        self.clear_pending(_number(value))

    def _read_enables(self, index: int) -> int:
        return self.enables >> (32 * index) & 0xFFFF_FFFF

    def _enable(self, index: int, value: int) -> None:
        self.enables |= value << (32 * index) & self.active
        self.update()

    def _enable_number(self, index: int, value: int) -> None:
        self.enables |= _number(value) & self.active
        self.update()

    def _disable(self, index: int, value: int) -> None:
        self.enables &= ~(value << (32 * index))
        self.update()

    def _disable_number(self, index: int, value: int) -> None:
        self.enables &= ~_number(value)
        self.update()

    def _read_message(self, index: int) -> int:
        return self._message

    def _write_message(self, index: int, value: int) -> None:
        """genmsi: sent at once, so that Busy is never seen."""
        if self.msi:
            self._message = value >> HART_SHIFT << HART_SHIFT | value & IDENTITY_MASK
            self.send(value >> HART_SHIFT, 0, value & IDENTITY_MASK)

    def _read_target(self, index: int) -> int:
        return self.targets[index + 1] if index < SOURCES else 0

    def _write_target(self, index: int, value: int) -> None:
        source = index + 1
        if not self.active >> source & 1:
            return
        target = value >> HART_SHIFT << HART_SHIFT
        if not self.msi:
            target |= value & PRIORITIES or 1
        else:
            guest = value >> GUEST_SHIFT & GUEST_MASK if self.level == "S" else 0
            target |= guest << GUEST_SHIFT | value & IDENTITY_MASK
        self.targets[source] = target
        self.update()

    # "Interrupt delivery control (IDC) structure"; without direct delivery there are none

    def _has(self, hart: int) -> bool:
        return not self.msi and hart < len(self.idcs)

    def _read_delivery(self, hart: int) -> int:
        return int(self._has(hart) and self.idcs[hart].delivery)

    def _write_delivery(self, hart: int, value: int) -> None:
        if self._has(hart) and value <= 1:
            self.idcs[hart].delivery = bool(value)
            self.update()

    def _read_force(self, hart: int) -> int:
        return int(self._has(hart) and self.idcs[hart].force)

    def _write_force(self, hart: int, value: int) -> None:
        if self._has(hart) and value <= 1:
            self.idcs[hart].force = bool(value)
            self.update()

    def _read_threshold(self, hart: int) -> int:
        return self.idcs[hart].threshold if self._has(hart) else 0

    def _write_threshold(self, hart: int, value: int) -> None:
        if self._has(hart):
            self.idcs[hart].threshold = value & PRIORITIES
            self.update()

    def _read_top(self, hart: int) -> int:
        return self.top(hart) if self._has(hart) else 0

    def _claim(self, hart: int) -> int:
        return self.claim(hart) if self._has(hart) else 0

    registers: ClassVar[tuple[Register, ...]] = (
        Register("domaincfg", 0x0000, 4, _read_domain, _write_domain, pure=True),
        Register("sourcecfg", 0x0004, 4, _read_source, _write_source, pure=True, count=1023),
        Register("msiaddrcfg", 0x1BC0, 4, _read_address, _write_address, pure=True, count=4),
        Register("setip", 0x1C00, 4, _read_pending, _write_pending, pure=True, count=32),
        Register("setipnum", 0x1CDC, 4, write=_write_pending_number),
        Register("in_clrip", 0x1D00, 4, _read_inputs, _clear_pending, pure=True, count=32),
        Register("clripnum", 0x1DDC, 4, write=_clear_pending_number),
        Register("setie", 0x1E00, 4, _read_enables, _enable, pure=True, count=32),
        Register("setienum", 0x1EDC, 4, write=_enable_number),
        Register("clrie", 0x1F00, 4, write=_disable, count=32),
        Register("clrienum", 0x1FDC, 4, write=_disable_number),
        Register("setipnum_le", 0x2000, 4, write=_write_pending_number),
        Register("setipnum_be", 0x2004, 4),
        Register("genmsi", 0x3000, 4, _read_message, _write_message, pure=True),
        Register("target", 0x3004, 4, _read_target, _write_target, pure=True, count=1023),
        Register("idelivery", 0x4000, 4, _read_delivery, _write_delivery, pure=True, count=HARTS, stride=IDC_SIZE),
        Register("iforce", 0x4004, 4, _read_force, _write_force, pure=True, count=HARTS, stride=IDC_SIZE),
        Register("ithreshold", 0x4008, 4, _read_threshold, _write_threshold, pure=True, count=HARTS, stride=IDC_SIZE),
        Register("topi", 0x4018, 4, _read_top, pure=True, count=HARTS, stride=IDC_SIZE),
        Register("claimi", 0x401C, 4, _claim, None, _read_top, count=HARTS, stride=IDC_SIZE),
    )

    def nodes(self) -> list[Node]:
        """The node of a "riscv,aplic" domain."""
        properties: dict[str, Value] = {
            "compatible": "riscv,aplic",
            "reg": wide(self.base, self.length),
            "interrupt-controller": True,
            "#interrupt-cells": 2,
            "#address-cells": 0,
            "riscv,num-sources": SOURCES,
        }
        if self.msi:
            properties["msi-parent"] = Ref(f"imsic_{self.level.lower()}")
        else:
            number = Interrupt.MEI if self.level == "M" else Interrupt.SEI
            harts = range(len(self.services.harts))
            properties["interrupts-extended"] = [w for hart in harts for w in (Ref(f"cpu{hart}_intc"), int(number))]
        if self.child is not None:  # both spellings: of the first drivers, and of the binding since
            sources: list[int | Ref] = [Ref(INTERRUPT_CONTROLLER), 1, SOURCES]
            properties |= {"riscv,children": Ref(INTERRUPT_CONTROLLER), "riscv,delegate": sources}
            properties["riscv,delegation"] = sources
        if self.hidden:
            properties["status"] = "disabled"
        label = INTERRUPT_CONTROLLER if self.level == "S" else "aplic_m"
        return [Node(f"aplic@{self.base:x}", properties, label=label)]
