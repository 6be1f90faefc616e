# SPDX-License-Identifier: Apache-2.0
"""What a CSR's whole value means in words, where its fields alone do not say it."""

from __future__ import annotations

from collections.abc import Callable

Symbol = Callable[[int], "str | None"]
"""`name+offset` for an address, None where no symbol is near."""

LOADS = {0: "lb", 1: "lh", 2: "lw", 3: "ld", 4: "lbu", 5: "lhu", 6: "lwu"}
STORES = {0: "sb", 1: "sh", 2: "sw", 3: "sd"}


def remark(name: str, value: int, symbol: Symbol) -> str:
    """Words for the value of CSR `name`, or "" when there is nothing to add."""
    if name.endswith("cause"):
        from core.trap.causes import describe

        return describe(value)
    if name.endswith("epc"):
        return symbol(value) or ""
    if name.endswith("tvec"):
        return symbol(value & ~3) or ""
    if name in ("htval", "mtval2"):
        return f"guest physical address {value << 2:#x}" if value else ""
    if name in ("htinst", "mtinst"):
        return transformed(value)
    if name.endswith("atp"):
        root = (value & ((1 << 44) - 1)) << 12
        return f"root page table at {root:#x}" if value >> 60 else ""
    if name.endswith("tval") and value:
        return symbol(value) or ""
    return ""


def transformed(value: int) -> str:
    """A value of htinst or mtinst in words (norm:H_trap_xtinst_val)."""
    if value == 0:
        return "no information"
    if value in (0x3000, 0x3020):
        kind = "read" if value == 0x3000 else "write (A/D update)"
        return f"implicit {kind} of a VS-stage page-table entry"
    if not value & 1:
        return ""
    opcode, funct3 = value & 0x7C, value >> 12 & 7
    length = "" if value & 2 else ", was 16 bits long"
    if opcode == 0x00 and funct3 in LOADS:
        return f"{LOADS[funct3]} to x{value >> 7 & 31}{length}"
    if opcode == 0x20 and funct3 in STORES:
        return f"{STORES[funct3]} from x{value >> 20 & 31}{length}"
    if opcode == 0x2C:
        size = "doubleword" if funct3 == 3 else "word"
        return f"atomic memory operation on a {size}, operand x{value >> 20 & 31}, result x{value >> 7 & 31}{length}"
    if opcode == 0x70:
        return "hypervisor load or store"
    return ""
