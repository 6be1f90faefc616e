# SPDX-License-Identifier: Apache-2.0
"""Decoders written out of the instruction records, as source of kernel functions.

The reference engine runs them as they are, the native engine compiles them; there is no other decoder.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.features import Feature
from core.isa.encoding import COMPRESSED, INSTRUCTIONS, Compressed, Instruction

ILLEGAL_INDEX = 0xFFFF
"""What `decode_index` returns for a word that is no instruction."""


def expander_source() -> str:
    """Source of `expand16(half: u64) -> u64`: the 32-bit instruction a 16-bit one stands for, 0 if it is illegal."""
    lines = ["def expand16(half: u64) -> u64:", '    """The expansion of a 16-bit instruction; 0 if illegal."""']
    for quadrant in range(3):
        lines.append(f"    if (half & 3) == {quadrant}:")
        for funct3 in range(8):
            group = [c for c in COMPRESSED if c.match & 3 == quadrant and c.match >> 13 == funct3 and c.over is None]
            if group:
                lines.append(f"        if (half & 0xe000) == {funct3 << 13:#x}:")
                for record in group:
                    lines += _expansion(record)
                if not lines[-1].startswith("            return"):
                    lines.append("            return 0")
        lines.append("        return 0")
    return "\n".join([*lines, "    return 0", ""])


def expander_for_source() -> str:
    """Source of `expand16_for(half: u64, features: u64) -> u64`: the same on a hart with these features."""
    lines = ["def expand16_for(half: u64, features: u64) -> u64:", '    """The expansion of a 16-bit instruction here."""']
    for record in COMPRESSED:
        if record.over is not None:
            lines.append(f"    if features & {int(record.ext):#x} == {int(record.ext):#x}:")
            lines += [line.removeprefix("    ") for line in _expansion(record, record.mask)]
    return "\n".join([*lines, "    return expand16(half)", ""])


def requirement_source() -> str:
    """Source of `needs16(half: u64) -> u64`: the Feature bits a 16-bit instruction needs besides its expansion's."""
    lines = ["def needs16(half: u64) -> u64:", '    """What a 16-bit instruction needs."""']
    for record in COMPRESSED:
        if record.ext != Feature.C and record.over is None:
            tests = [f"(half & {record.mask:#x}) == {record.match:#x}"]
            tests += [f"(half & {m:#x}) != {v:#x}" for m, v in record.never]
            lines += [f"    if {' and '.join(tests)}:", f"        return {int(record.ext):#x}"]
    return "\n".join([*lines, f"    return {int(Feature.C):#x}", ""])


def _expansion(record: Compressed, looked_at: int = 0x1FFC) -> list[str]:
    """The case of one compressed instruction; all but the bits of `looked_at` are known."""
    mask = record.mask & looked_at
    tests = [f"(half & {mask:#x}) == {record.match & mask:#x}"] if mask else []
    tests += [f"(half & {m:#x}) != {v:#x}" for m, v in record.never]
    parts = [f"{record.base_match:#x}"]
    for hi, lo, dst in record.moves:
        bits = ((2 << (hi - lo)) - 1) << lo
        if dst >= lo:
            parts.append(f"u64((half & {bits:#x}) << {dst - lo})" if dst > lo else f"(half & {bits:#x})")
        else:
            parts.append(f"((half & {bits:#x}) >> {lo - dst})")
    parts += [f"u64(((half >> {bit}) & 1) * {dst_mask:#x})" for bit, dst_mask in record.fills]
    result = f"return {' | '.join(parts)}"
    if not tests:
        return [f"            {result}"]
    return [f"            if {' and '.join(tests)}:", f"                {result}"]


def decoder_source(records: Iterable[Instruction] | None = None) -> str:
    """Source of `decode_index(word: u64) -> u64`: the `.index` of a 32-bit instruction, ILLEGAL_INDEX for none.

    A tree of tests on the fields that the instructions have in common, lowest field first. It knows nothing of
    features: whoever calls it compares `.ext`. `records` defaults to all of INSTRUCTIONS that are not `.over` another.
    """
    lines = ["def decode_index(word: u64) -> u64:", '    """Which instruction this word is."""']
    _tree([r for r in INSTRUCTIONS if r.over is None] if records is None else list(records), 0, "    ", lines)
    return "\n".join([*lines, f"    return {ILLEGAL_INDEX:#x}", ""])


def taken_over_source() -> str:
    """Source of `taken_over(index: u64, word: u64, features: u64) -> u64`: the `.index` of the instruction that has taken over
    this word of instruction `index` on a hart with these features, `index` if there is none.
    """
    lines = ["def taken_over(index: u64, word: u64, features: u64) -> u64:", '    """Which instruction this word is here."""']
    for r in INSTRUCTIONS:
        if r.over is not None:
            lines.append(f"    if index == {r.over.index:#x} and (features & {int(r.ext):#x}) == {int(r.ext):#x}:")
            tests = [f"(word & {r.mask:#x}) == {r.match:#x}", *(f"(word & {m:#x}) != {v:#x}" for m, v in r.never)]
            lines += [f"        if {' and '.join(tests)}:", f"            return {r.index:#x}"]
    return "\n".join([*lines, "    return index", ""])


def _tree(records: list[Instruction], tested: int, indent: str, lines: list[str]) -> None:
    """Write the tests that tell `records` apart, the bits of `tested` being known."""
    field = _distinguishing(records, tested)
    if field:
        for value in sorted({r.match & field for r in records}):
            lines.append(f"{indent}if (word & {field:#x}) == {value:#x}:")
            _tree([r for r in records if r.match & field == value], tested | field, indent + "    ", lines)
            if not lines[-1].startswith(f"{indent}    return"):
                lines.append(f"{indent}    return {ILLEGAL_INDEX:#x}")
        return
    for r in records:  # one is left, or several that no common field tells apart
        mask = r.mask & ~tested
        if mask:
            lines.append(f"{indent}if (word & {mask:#x}) == {r.match & mask:#x}:")
        lines.append(f"{indent}{'    ' if mask else ''}return {r.index:#x}")


def _distinguishing(records: list[Instruction], tested: int) -> int:
    """Mask of the lowest run of bits that all records fix and not all fix alike; 0 if there is none."""
    common = 0xFFFF_FFFF & ~tested
    for r in records:
        common &= r.mask
    while common:
        low = common & -common
        run = common & ~(common + low)
        if len({r.match & run for r in records}) > 1:
            return run
        common &= ~run
    return 0
