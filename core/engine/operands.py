# SPDX-License-Identifier: Apache-2.0
"""Operand extraction for the native decoder, derived from the drawn encodings.

Operands of up to 8 bits without a sign go into the byte slots of a decoded entry, in the order of the function's parameters;
the one wide or signed operand goes into the immediate. The functions here make kernel source text that does so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from core.isa.encoding import INSTRUCTIONS, Instruction, Operand
from core.isa.intrinsics import Dispatch
from core.kernel import make_kernel

BYTE_SLOTS = 6
IMMEDIATE = "immediate"


def placement(instruction: Instruction) -> dict[str, int | str]:
    """For each parameter of the instruction's function: its byte slot, or IMMEDIATE."""
    places: dict[str, int | str] = {}
    for field in instruction.arguments:
        if field.signed or field.width > 8:
            if IMMEDIATE in places.values():
                raise ValueError(f"{instruction.name}: two wide operands")
            places[field.name] = IMMEDIATE
        else:
            places[field.name] = sum(1 for place in places.values() if place != IMMEDIATE)
    if len(places) - (IMMEDIATE in places.values()) > BYTE_SLOTS:
        raise ValueError(f"{instruction.name}: too many operands")
    return places


def _gather(field: Operand) -> str:
    """Source of the expression that collects a field's bits from `word`."""
    parts = []
    for high, low, to in field.pieces:
        piece = f"((word >> {low}) & {(1 << (high - low + 1)) - 1:#x})" if low else f"(word & {(1 << (high + 1)) - 1:#x})"
        parts.append(f"({piece} << {to})" if to else piece)
    text = "u64(" + " | ".join(parts) + ")"
    if field.signed:
        shift = 64 - field.width
        text = f"u64(s64({text} << {shift}) >> {shift})"
    return text


def _sources(instruction: Instruction) -> tuple[str, str]:
    """Expressions for the packed byte operands and for the immediate."""
    places = placement(instruction)
    packed, immediate = [], "0"
    for field in instruction.arguments:
        place = places.get(field.name)
        if place == IMMEDIATE:
            immediate = _gather(field)
        elif place is not None:
            packed.append(f"({_gather(field)} << {8 * int(place)})" if place else _gather(field))
    return "u64(" + (" | ".join(packed) or "0") + ")", immediate


def extractors(instructions: Iterable[Instruction] = INSTRUCTIONS) -> tuple[Dispatch, Dispatch]:
    """Two tables by instruction index: packed operands, and immediate, of a 32-bit word."""
    tables = (Dispatch("operands"), Dispatch("immediate"))
    made: dict[str, Callable[..., Any]] = {}
    for instruction in instructions:
        for table, text in zip(tables, _sources(instruction), strict=True):
            if text not in made:
                name = f"extract_{len(made)}"
                made[text] = make_kernel(name, f"def {name}(word: u64) -> u64:\n    return {text}\n")
            table.table[instruction.index] = made[text]
    for table in tables:
        table.default = next(iter(table.table.values()))
    return tables
