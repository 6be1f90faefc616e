# SPDX-License-Identifier: Apache-2.0
"""Instructions as assembly text, in the syntax and with the aliases of the GNU tools."""

from __future__ import annotations

from collections.abc import Callable

from core.csr.registry import CSRS_BY_ADDRESS
from core.isa.decode import decode_index, expand, expand_for, taken_over
from core.isa.encoding import (
    ALIASES,
    COMPRESSED,
    INSTRUCTIONS,
    REGISTERS,
    SHOWN,
    Instruction,
    operands_of,
    syntax_tokens,
)
from core.isa.generate import ILLEGAL_INDEX
from core.softfloat.constants import constant_text
from core.softfloat.formats import DYN

Symbol = Callable[[int], str | None]

# fmt: off
ABI_NAMES = (
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
    "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
)
FLOAT_NAMES = (
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4", "fa5",
    "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
)
# fmt: on
ROUNDING_MODES = ("rne", "rtz", "rdn", "rup", "rmm", "unknown", "unknown", "dyn")
ORDERINGS = {"aq": ".aq", "rl": ".rl"}
WORD_MASK = 0xFFFF_FFFF_FFFF_FFFF


def disassemble(word: int, address: int, symbol: Symbol | None = None, features: int = 0) -> str:
    """The instruction `word` (raw bits, 16 or 32) at `address` as text: "mnemonic operands", registers by ABI name.

    Targets of jumps are absolute addresses in hex; `symbol` may give one a name ("main+8"), added in angle brackets.
    Extensions do not matter here: whatever Hartline knows is shown, but what an extension makes of encodings of another (LPAD,
    SSPUSH) only where it is among `features`. Bits that are no instruction come as ".2byte 0x..."
    or ".4byte 0x...".
    """
    if word & 3 != 3:
        return _short(word & 0xFFFF, address, symbol, features)
    index = decode_index(word & 0xFFFF_FFFF)
    if index == ILLEGAL_INDEX:
        return f".4byte {word & 0xFFFF_FFFF:#x}"
    index = taken_over(index, word & 0xFFFF_FFFF, features)
    return _long(INSTRUCTIONS[index], word & 0xFFFF_FFFF, address, symbol)


def _short(half: int, address: int, symbol: Symbol | None, features: int) -> str:
    """A 16-bit instruction: its own text if it has one, else its expansion's."""
    if half == 0:
        return "unimp"
    word = expand(half)
    if word == 0:
        return f".2byte {half:#x}"
    if expand_for(half, features) != word:
        return disassemble(expand_for(half, features), address, symbol, features)
    for record in COMPRESSED:
        if record.name in SHOWN and record.matches(half):
            for mask, match, text in SHOWN[record.name]:
                if half & mask == match:
                    name, _, syntax = text.partition(" ")
                    return _text(name, syntax, operands_of(record, half), address, symbol)
    return _long(INSTRUCTIONS[decode_index(word)], word, address, symbol)


def _long(found: Instruction, word: int, address: int, symbol: Symbol | None) -> str:
    """A 32-bit instruction, under the first alias that fits."""
    operands = operands_of(found, word)
    floating = frozenset(o.name for o in found.fields if o.floating)
    for other in ALIASES.get(found.name, ()):
        if word & other.mask == other.match and all(a.extract(word) == b.extract(word) for a, b in other.same):
            own = {o.name: o.extract(word) for o in other.fields}
            return _text(other.name, other.syntax, own or operands, address, symbol, floating)
    name = found.name + "".join(suffix for bit, suffix in ORDERINGS.items() if operands.get(bit))
    return _text(name.replace(".aq.rl", ".aqrl"), found.syntax, operands, address, symbol, floating)


def _text(
    name: str,
    syntax: str,
    operands: dict[str, int],
    address: int,
    symbol: Symbol | None,
    floating: frozenset[str] = frozenset(),
) -> str:
    """Put operands into a syntax; `floating` are those that name floating-point registers."""
    parts = [name, " "] if syntax else [name]
    for token in syntax_tokens(syntax):
        if token in "(),":
            parts.append(token)
        elif token == "rm" and operands[token] == DYN:
            parts.pop()  # the comma: the dynamic rounding mode goes without saying
        elif token in ROUNDING_MODES:
            parts.append(token)
        elif token in floating:
            parts.append(FLOAT_NAMES[operands[token]])
        elif token.startswith("pc+"):
            parts.append(_target((address + operands[token[3:]]) & WORD_MASK, symbol))
        else:
            parts.append(_operand(token, operands[token], "[31:12]" in syntax))
    return "".join(parts)


def _target(address: int, symbol: Symbol | None) -> str:
    """The address a jump goes to."""
    name = symbol(address) if symbol else None
    return f"{address:x} <{name}>" if name else f"{address:x}"


def _operand(kind: str, value: int, upper: bool) -> str:
    """One operand by its kind, which is its name in the drawing."""
    if kind in REGISTERS:
        return ABI_NAMES[value]
    if kind == "csr":
        return CSRS_BY_ADDRESS[value].name if value in CSRS_BY_ADDRESS else f"{value:#x}"
    if kind in ("pred", "succ"):
        return "".join(letter for bit, letter in zip((8, 4, 2, 1), "iorw", strict=True) if value & bit) or "unknown"
    if kind == "rm":
        return ROUNDING_MODES[value]
    if kind == "value":
        return constant_text(value)
    if kind == "shamt":
        return f"{value:#x}"
    if upper:
        return f"{(value >> 12) & 0xFFFFF:#x}"
    return str(value)
