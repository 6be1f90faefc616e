# SPDX-License-Identifier: Apache-2.0
"""Where a variable is: DWARF expressions of the kinds that compilers use for C, and the frame they count from."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import Any

from core.debug.dwarf_types import Register, register_name

MASK = (1 << 64) - 1


def locate(dwarf: Any, unit: Any, expression: Any, pc: int, register: Register) -> int | str | None:
    """The address, or the register's name; None for what is not understood (a value that is nowhere)."""
    from elftools.dwarf.dwarf_expr import DWARFExprParser

    operations = DWARFExprParser(unit.structs).parse_expr(expression)
    stack: list[int] = []
    for index, operation in enumerate(operations):
        name, arguments = operation.op_name, operation.args
        if name == "DW_OP_addr":
            stack.append(arguments[0])
        elif name.startswith("DW_OP_reg") and index == 0 and len(operations) == 1:
            return register_name(arguments[0] if name == "DW_OP_regx" else int(name.removeprefix("DW_OP_reg")))
        elif name.startswith("DW_OP_breg"):
            base = register_name(int(name.removeprefix("DW_OP_breg")))
            if base is None:
                return None
            stack.append(register(base) + arguments[0])
        elif name == "DW_OP_fbreg":
            frame = canonical_frame(dwarf, pc, register)
            if frame is None:
                return None
            stack.append(frame + arguments[0])
        elif name == "DW_OP_plus_uconst" and stack:
            stack[-1] += arguments[0]
        else:
            return None
    return stack[-1] & MASK if stack else None


def frame_rule(dwarf: Any, pc: int) -> tuple[dict[Any, Any], int] | None:
    """The row of the call frame table that holds at `pc`, and the column of the return address; None without one."""
    found = frame_entry(dwarf, pc)
    return None if found is None else (found[0], found[1].header["return_address_register"])


def frame_entry(dwarf: Any, pc: int) -> tuple[dict[Any, Any], Any] | None:
    """The row of the call frame table that holds at `pc`, and the entry (CIE) it belongs to; None without one."""
    starts, entries = _frames(dwarf)
    index = bisect_right(starts, pc) - 1
    if index < 0:
        return None
    entry = entries[index]
    if pc >= starts[index] + entry.header["address_range"]:
        return None
    rows = [row for row in entry.get_decoded().table if row["pc"] <= pc]
    return (rows[-1], entry.cie) if rows else None


@lru_cache(maxsize=8)
def _frames(dwarf: Any) -> tuple[list[int], list[Any]]:
    """The entries of the call frame table and where each begins, by address."""
    from elftools.dwarf.callframe import FDE, CallFrameInfo

    class Frames(CallFrameInfo):
        """With signal frames (augmentation S), which change nothing here."""

        def _parse_cie_augmentation(self, header: Any, entry_structs: Any) -> Any:
            if header.get("augmentation") == b"S":
                return b"", {}
            return super()._parse_cie_augmentation(header, entry_structs)

    section = dwarf.debug_frame_sec
    if section is not None:
        frames = Frames(section.stream, section.size, section.address, dwarf.structs)
        entries = frames.get_entries()
    else:
        entries = dwarf.EH_CFI_entries() if dwarf.has_EH_CFI() else []
    found = [entry for entry in entries if isinstance(entry, FDE) and entry.cie is not None]
    found.sort(key=lambda entry: entry.header["initial_location"])
    return [entry.header["initial_location"] for entry in found], found


def canonical_frame(dwarf: Any, pc: int, register: Register) -> int | None:
    """The canonical frame address: the stack pointer before the call of the function at `pc`."""
    found = frame_rule(dwarf, pc)
    if found is None or getattr(found[0]["cfa"], "reg", None) is None:
        return None
    base = register_name(found[0]["cfa"].reg)
    return None if base is None else (register(base) + found[0]["cfa"].offset) & MASK


def return_address(dwarf: Any, pc: int, register: Register) -> tuple[int | None, int | None]:
    """(place in memory of the return address or None, its value if it is in a register or None) of the function at `pc`."""
    found = frame_rule(dwarf, pc)
    if found is None:
        return None, None
    row, column = found
    rule = row.get(column)
    if rule is None or rule.type == "SAME_VALUE":
        name = register_name(column)
        return None, None if name is None else register(name)
    frame = canonical_frame(dwarf, pc, register)
    if rule.type == "OFFSET" and frame is not None:
        return (frame + rule.arg) & MASK, None
    return None, None
