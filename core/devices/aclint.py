# SPDX-License-Identifier: Apache-2.0
"""CLINT: machine software interrupts and the machine timer of every hart.

Source: RISC-V Advanced Core Local Interruptor Specification 1.0 (devices MSWI and MTIMER at the offsets of the SiFive
CLINT, "Backward Compatibility With SiFive CLINT"); priv, Machine Timer (mtime and mtimecmp) Registers.
"""

from __future__ import annotations

from typing import ClassVar

from core.boot.fdt import Node, Ref, Value, wide
from core.devices.device import Device, Register
from core.trap.causes import Interrupt

HARTS = 4095
"""Most harts that the register map has room for."""
WORD_MASK = (1 << 64) - 1
NEVER = WORD_MASK
"""mtimecmp after reset (the specification leaves it open): no timer interrupt before software asks for one."""


class Aclint(Device):
    """mtimecmp and the offset of mtime are kept in the harts (`h.mtimecmp`, `h.time_offset`), where the engines see
    them."""

    length: ClassVar[int] = 0x1_0000

    def reset(self) -> None:
        """No interrupt pending, mtimecmp out of reach."""
        self._msip = [0] * len(self.services.harts)
        for index, hart in enumerate(self.services.harts):
            hart.mtimecmp = NEVER
            self.services.set_software(index, False)
        self.services.changed()

    def _read_msip(self, hart: int) -> int:
        return self._msip[hart] if hart < len(self._msip) else 0

    def _write_msip(self, hart: int, value: int) -> None:
        if hart < len(self._msip):
            self._msip[hart] = value & 1  # the other bits are wired to zero
            self.services.set_software(hart, bool(value & 1))
            self.services.changed()

    def _read_mtimecmp(self, hart: int) -> int:
        return int(self.services.harts[hart].mtimecmp) if hart < len(self._msip) else 0

    def _write_mtimecmp(self, hart: int, value: int) -> None:
        if hart < len(self._msip):
            self.services.harts[hart].mtimecmp = value
            self.services.changed()

    def _read_mtime(self, index: int) -> int:
        return self.services.now()

    def _write_mtime(self, index: int, value: int) -> None:
        moved = value - self.services.now()
        for hart in self.services.harts:
            hart.time_offset = (hart.time_offset + moved) & WORD_MASK
        self.services.changed()

    registers: ClassVar[tuple[Register, ...]] = (
        Register("msip", 0, 4, _read_msip, _write_msip, pure=True, count=HARTS),
        Register("mtimecmp", 0x4000, 8, _read_mtimecmp, _write_mtimecmp, pure=True, count=HARTS, widths=(4,)),
        Register("mtime", 0xBFF8, 8, _read_mtime, _write_mtime, pure=True, widths=(4,)),
    )

    def nodes(self) -> list[Node]:
        """The node of a "riscv,clint0", wired to every hart."""
        wires = [
            item
            for hart in range(len(self.services.harts))
            for item in (Ref(f"cpu{hart}_intc"), int(Interrupt.MSI), Ref(f"cpu{hart}_intc"), int(Interrupt.MTI))
        ]
        properties: dict[str, Value] = {
            "compatible": ["sifive,clint0", "riscv,clint0"],
            "reg": wide(self.base, self.length),
            "interrupts-extended": wires,
        }
        return [Node(f"clint@{self.base:x}", properties)]
