# SPDX-License-Identifier: Apache-2.0
"""The calls that have led to where a world is, by the call frame information of its program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.csr.access import BANKED
from core.csr.registry import CSRS_BY_ADDRESS
from core.debug.dwarf_places import MASK, frame_entry
from core.debug.registers import ABI_NAMES

DEPTH = 64
"""Frames at most: a stack that goes round would have no end."""
CSR_NUMBERS = 4096
"""The DWARF number of the CSR with address 0 (RISC-V ABIs, DWARF Register Numbers)."""

Load = Callable[[int], "int | None"]
"""The 64-bit word at an address, None where there is none."""


@dataclass(frozen=True)
class Frame:
    """A call. pc: of the next instruction in it; site: an address inside the call it has made (pc in the innermost frame
    and above a trap, else pc - 1), which its line and symbol are those of; registers: as far as they are known there.
    """

    pc: int
    site: int
    registers: dict[str, int]


class _Unknown(Exception):
    """The frame information cannot be followed."""


def backtrace(
    dwarf_at: Callable[[int], Any], registers: dict[str, int], csr: Callable[[str], int], load: Load, *, guest: bool = False
) -> tuple[list[Frame], str]:
    """The frames, innermost first, and why there are no more ("" at the outermost one).

    dwarf_at: pyelftools' DWARFInfo for an address, None without one; registers: pc and the general ones by ABI name;
    csr: a CSR by its name; guest: the program runs with V=1, where supervisor CSRs are those of VS-mode.
    """
    frames = [Frame(registers["pc"], registers["pc"], dict(registers))]
    while len(frames) < DEPTH:
        here = frames[-1]
        dwarf = dwarf_at(here.site)
        found = None if dwarf is None else frame_entry(dwarf, here.site)
        if found is None:
            return frames, f"no call frame information at {here.pc:#x}"
        row, cie = found
        try:
            caller, back = _Unwinder(dwarf, here.registers, csr, load, guest).caller(row, cie.header["return_address_register"])
        except _Unknown:
            return frames, f"the caller's frame is not known at {here.pc:#x}"
        if not back:
            return frames, ""
        if (back, caller["sp"]) == (here.pc, here.registers["sp"]):
            return frames, "the frame is its own caller"
        signal = b"S" in cie.header.get("augmentation", b"")
        frames.append(Frame(back, back if signal else back - 1, caller | {"pc": back}))
    return frames, f"more than {DEPTH} frames"


class _Unwinder:
    """One frame's registers, from which those of its caller follow."""

    def __init__(self, dwarf: Any, registers: dict[str, int], csr: Callable[[str], int], load: Load, guest: bool) -> None:
        self._dwarf, self._registers, self._csr, self._load = dwarf, registers, csr, load
        self._substitutes = BANKED if guest else {}

    def caller(self, row: dict[Any, Any], column: int) -> tuple[dict[str, int], int]:
        """The caller's registers, and where it goes on (0: there is none) by the register of that DWARF number."""
        rule = row["cfa"]
        frame = self._value(rule.expr, []) if rule.expr is not None else self._register(rule.reg) + rule.offset
        frame &= MASK
        caller = dict(self._registers)
        for number, how in row.items():
            if not isinstance(number, int) or number >= len(ABI_NAMES):
                continue
            value = self._saved(how, frame, number)
            if value is None:
                caller.pop(ABI_NAMES[number], None)
            else:
                caller[ABI_NAMES[number]] = value
        caller["sp"] = frame
        if column in row:
            return caller, self._saved(row[column], frame, column) or 0
        return caller, self._register(column)

    def _saved(self, how: Any, frame: int, number: int) -> int | None:
        """A register of the caller by its rule, None when it is lost."""
        if how.type == "UNDEFINED":
            return None
        if how.type == "SAME_VALUE":
            return self._register(number)
        if how.type == "OFFSET":
            return self._word((frame + how.arg) & MASK)
        if how.type == "VAL_OFFSET":
            return int((frame + how.arg) & MASK)
        if how.type == "REGISTER":
            return self._register(how.arg)
        if how.type in ("EXPRESSION", "VAL_EXPRESSION"):
            value = self._value(how.arg, [frame])
            return self._word(value) if how.type == "EXPRESSION" else value
        raise _Unknown

    def _register(self, number: int) -> int:
        """A register of this frame by its DWARF number."""
        if number < len(ABI_NAMES) and ABI_NAMES[number] in self._registers:
            return self._registers[ABI_NAMES[number]]
        address = number - CSR_NUMBERS
        found = CSRS_BY_ADDRESS.get(self._substitutes.get(address, address))
        if found is None:
            raise _Unknown
        return self._csr(found.name)

    def _word(self, address: int) -> int:
        value = self._load(address)
        if value is None:
            raise _Unknown
        return value

    def _value(self, expression: Any, stack: list[int]) -> int:
        """A DWARF expression, as far as frame rules use them."""
        from elftools.dwarf.dwarf_expr import DWARFExprParser

        for operation in DWARFExprParser(self._dwarf.structs).parse_expr(expression):
            name, arguments = operation.op_name, operation.args
            if name == "DW_OP_bregx":
                stack.append(self._register(arguments[0]) + arguments[1])
            elif name.startswith("DW_OP_breg"):
                stack.append(self._register(int(name.removeprefix("DW_OP_breg"))) + arguments[0])
            elif name.startswith("DW_OP_lit"):
                stack.append(int(name.removeprefix("DW_OP_lit")))
            elif name.startswith("DW_OP_const"):
                stack.append(arguments[0])
            elif name == "DW_OP_deref" and stack:
                stack.append(self._word(stack.pop() & MASK))
            elif name == "DW_OP_plus_uconst" and stack:
                stack[-1] += arguments[0]
            elif name == "DW_OP_plus" and len(stack) > 1:
                stack.append(stack.pop() + stack.pop())
            else:
                raise _Unknown
        if not stack:
            raise _Unknown
        return stack[-1] & MASK
