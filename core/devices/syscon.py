# SPDX-License-Identifier: Apache-2.0
"""The test finisher: one register that powers the machine off, with an exit status, or resets it.

Source: SiFive test finisher as in QEMU's virt machine and the device-tree bindings "sifive,test0"/"sifive,test1",
"syscon", "syscon-poweroff", "syscon-reboot".
"""

from __future__ import annotations

from typing import ClassVar

from core.boot.fdt import Node, Ref, wide
from core.devices.device import Device, Register

FAIL = 0x3333
"""Low half of a write: power off, failed; the exit status is in bits 31:16."""
PASS = 0x5555
"""Low half of a write: power off, succeeded."""
RESET = 0x7777
"""Low half of a write: reset."""


class Finisher(Device):
    """Test finisher. Any other value written is ignored; the register reads as zero."""

    length: ClassVar[int] = 0x1000

    def _finish(self, index: int, value: int) -> None:
        command, status = value & 0xFFFF, value >> 16
        if command == PASS:
            self.services.finish(0)
        elif command == FAIL:
            self.services.finish(status or 1)  # a failure must not look like success
        elif command == RESET:
            self.services.reset()

    registers: ClassVar[tuple[Register, ...]] = (Register("FINISHER", 0, 4, write=_finish, pure=True, widths=(2,)),)

    def nodes(self) -> list[Node]:
        """The register as a system controller."""
        compatible = ["sifive,test1", "sifive,test0", "syscon"]
        reg = wide(self.base, self.length)
        return [Node(f"test@{self.base:x}", {"compatible": compatible, "reg": reg}, label="finisher")]

    def root_nodes(self) -> list[Node]:
        """How an operating system powers off and reboots through it."""
        return [
            Node(name, {"compatible": f"syscon-{name}", "regmap": Ref("finisher"), "offset": 0, "value": value})
            for name, value in (("poweroff", PASS), ("reboot", RESET))
        ]
