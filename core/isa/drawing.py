# SPDX-License-Identifier: Apache-2.0
"""Encodings drawn as the manual draws them, and the operands in them.

A drawing goes from bit 31 (or 15) down to bit 0, in pieces parted by blanks:

    0110011     fixed bits, `.` where a bit is ignored
    rs1         an operand of its usual width; rd' is the 3-bit form for x8 to x15
    imm[12|10:5]  bits of an operand, as the manual scrambles them; imm is sign-extended, every other operand is not
    (aq)        an operand that only assembly shows: the function does not get it
    rd!=0       an operand that must not have this value (several parted by commas); nzimm, nzuimm must not be zero
    fmt=1       an operand that has this value here: the function gets it, but assembly does not say it
    rs2=00.01   an operand whose bits look like this, `.` being either; not as decimal, there is always a `.`
"""

from __future__ import annotations

import re
from typing import NamedTuple

USUAL_WIDTH = {"rd": 5, "rs1": 5, "rs2": 5, "rs3": 5, "aq": 1, "rl": 1, "fm": 4, "pred": 4, "succ": 4, "rm": 3, "fmt": 2}
REGISTERS = frozenset({"rd", "rs1", "rs2", "rs3"})
SIGNED = frozenset({"imm", "nzimm"})

_TOKEN = re.compile(
    r"(?P<bits>[01.]+)|(?P<hint>\()?(?P<name>[a-z]\w*)(?P<prime>')?(?:\[(?P<select>[\d:|]+)\])?\)?(?:!=(?P<never>[\d,]+)|=(?P<like>[01]*\.[01.]*)|=(?P<fixed>\d+))?"
)


class Operand(NamedTuple):
    """An operand's bits in an instruction: piece (word_hi, word_lo, value_lo) holds value bits from value_lo up."""

    name: str
    pieces: tuple[tuple[int, int, int], ...]
    signed: bool
    bias: int = 0
    """Added to the bits: 8 for the 3-bit registers of compressed instructions."""
    floating: bool = False
    """Whether it names a floating-point register."""

    @property
    def width(self) -> int:
        """Bits of the value, low bits that are always zero included."""
        return max(low + hi - lo + 1 for hi, lo, low in self.pieces)

    @property
    def mask(self) -> int:
        """The operand's bits in the instruction word."""
        return sum(((2 << (hi - lo)) - 1) << lo for hi, lo, _ in self.pieces)

    def extract(self, word: int) -> int:
        """The operand's value in `word`, negative if it is signed and its top bit is set."""
        value = 0
        for hi, lo, low in self.pieces:
            value |= ((word >> lo) & ((2 << (hi - lo)) - 1)) << low
        if self.signed and value >> (self.width - 1):
            value -= 1 << self.width
        return value + self.bias

    def insert(self, value: int) -> int:
        """The instruction bits that say `value`. Raises ValueError when the encoding cannot say it."""
        word = 0
        for hi, lo, low in self.pieces:
            word |= (((value - self.bias) >> low) & ((2 << (hi - lo)) - 1)) << lo
        if self.extract(word) != value:
            raise ValueError(f"operand {self.name} cannot be {value}")
        return word


class Drawing(NamedTuple):
    """What a drawing says: fixed bits, operands in order, names of the hints, and (mask, value) that must not be."""

    mask: int
    match: int
    operands: tuple[Operand, ...]
    hints: frozenset[str]
    never: tuple[tuple[int, int], ...]
    fixed: frozenset[str]
    """Names of the operands with a fixed value, whose bits are in `mask` and `match` too."""


def parse(drawing: str, bits: int) -> Drawing:
    """Read a drawing of `bits` bits. Raises ValueError when it is not one."""
    position, mask, match = bits, 0, 0
    pieces: dict[str, list[tuple[int, int, int]]] = {}
    like: dict[str, str] = {}
    primed, hints, never, given = set(), set(), {}, {}
    for text in drawing.split():
        token = _TOKEN.fullmatch(text)
        if token is None:
            raise ValueError(f"{drawing!r}: cannot read {text!r}")
        fixed, name = token["bits"], token["name"]
        if fixed:
            position -= len(fixed)
            mask |= int(fixed.replace("0", "1").replace(".", "0"), 2) << max(position, 0)
            match |= int(fixed.replace(".", "0"), 2) << max(position, 0)
            continue
        select = token["select"] or f"{2 if token['prime'] else USUAL_WIDTH[name] - 1}:0"
        for part in select.split("|"):
            top, _, low = part.partition(":")
            width = int(top) - int(low or top) + 1
            position -= width
            pieces.setdefault(name, []).append((position + width - 1, position, int(low or top)))
        if token["prime"]:
            primed.add(name)
        if token["hint"]:
            hints.add(name)
        if token["like"]:
            like[name] = token["like"]
        if token["fixed"]:
            given[name] = int(token["fixed"])
        if token["never"]:
            never[name] = [int(v) for v in token["never"].split(",")]
        elif name.startswith("nz"):
            never[name] = [0]
    if position != 0:
        raise ValueError(f"{drawing!r}: {bits - position} bits drawn instead of {bits}")
    operands = tuple(Operand(n, tuple(p), n in SIGNED, 8 if n in primed else 0) for n, p in pieces.items())
    constraints = tuple((o.mask, o.insert(v)) for o in operands for v in never.get(o.name, ()))
    for o in operands:
        if o.name in given:
            mask |= o.mask
            match |= o.insert(given[o.name])
        if o.name in like:
            mask |= o.insert(int(like[o.name].replace("0", "1").replace(".", "0"), 2))
            match |= o.insert(int(like[o.name].replace(".", "0"), 2))
    return Drawing(mask, match, operands, frozenset(hints), constraints, frozenset(given))
