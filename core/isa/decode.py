# SPDX-License-Identifier: Apache-2.0
"""From instruction bits to instructions and back, for Python use; native code compiles the same generated functions.

Importing this module imports every file of instructions, so the registries of `core.isa.encoding` are complete.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from operator import or_
from typing import NamedTuple

from core.features import Feature
from core.hart import Hart
from core.isa import (
    hypervisor,
    privileged,
    rv_a,
    rv_a_lrsc,
    rv_c,
    rv_c_float,
    rv_f,
    rv_f_transfer,
    rv_i,
    rv_i_control,
    rv_i_memory,
    rv_m,
    rv_zfa,
    svinval,
    zabha,
    zacas,
    zawrs,
    zba,
    zbb,
    zbc,
    zbs,
    zcb,
    zicbo,
    zicfilp,
    zicfiss,
    zicond,
    zicsr,
    zifencei,
    zihint,
    zimop,
)
from core.isa.encoding import BY_NAME, COMPRESSED_BY_NAME, INSTRUCTIONS, Function, Instruction, operands_of
from core.isa.generate import (
    ILLEGAL_INDEX,
    decoder_source,
    expander_for_source,
    expander_source,
    requirement_source,
    taken_over_source,
)
from core.isa.intrinsics import Trap
from core.kernel import make_kernel
from core.trap.causes import Cause

EXTENSIONS = (
    rv_i,
    rv_i_memory,
    rv_i_control,
    rv_m,
    rv_a,
    rv_a_lrsc,
    rv_c,
    rv_f,
    rv_f_transfer,
    rv_zfa,
    rv_c_float,
    zicsr,
    zifencei,
    privileged,
    hypervisor,
    svinval,
    zihint,
    zawrs,
    zicond,
    zimop,
    zicbo,
    zacas,
    zabha,
    zba,
    zbb,
    zbs,
    zbc,
    zcb,
    zicfilp,
    zicfiss,
)
"""The files instructions are declared in. A new file is one more name here."""

TAKING_OVER: int = reduce(or_, (record.ext for record in INSTRUCTIONS if record.over), Feature(0))
"""Features that give encodings of other instructions another meaning."""
ALL_FEATURES = sum(Feature) & ~TAKING_OVER
MEMO_LIMIT = 1 << 18
"""Decoded words kept by one Decoder before it starts afresh, so that random code cannot fill the memory."""


expand = make_kernel("expand16", expander_source())
"""expand(half): the 32-bit encoding that 16 bits stand for, 0 if they are illegal."""
expand_for = make_kernel("expand16_for", expander_for_source(), expand16=expand)
"""expand_for(half, features): the same where an extension may have given them another meaning."""
needs = make_kernel("needs16", requirement_source())
"""needs(half): the Feature bits that 16 bits need besides their expansion's."""
decode_index = make_kernel("decode_index", decoder_source())
"""decode_index(word): position in INSTRUCTIONS of a 32-bit encoding, ILLEGAL_INDEX if it is none."""
taken_over = make_kernel("taken_over", taken_over_source())
"""taken_over(index, word, features): the same where an extension has given the encoding another meaning."""


class Decoded(NamedTuple):
    """An instruction found in memory, ready for `decoded.function(h, *decoded.args)`."""

    instruction: Instruction | None
    """None when the bits are no instruction, or not one this hart has; the function then raises the Trap."""
    function: Function
    args: tuple[int, ...]
    length: int
    """Bytes: 2 or 4."""
    word: int
    """The 32-bit encoding, which is the expansion of a 16-bit one; 0 for an illegal 16-bit one."""

    @property
    def operands(self) -> dict[str, int]:
        """Operand values by name, those that only assembly shows included."""
        return operands_of(self.instruction, self.word) if self.instruction else {}


def illegal(h: Hart) -> None:
    """What an undefined or absent instruction does (priv, illegal-instruction exception)."""
    raise Trap(Cause.ILLEGAL_INSTRUCTION)


class Decoder(dict[int, Decoded]):
    """Decoded instructions by raw bits, for one set of features; a word never seen is decoded on the way.

    The key is what the fetch gave: 16 bits if their low two are not 11, else 32.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def has(self, features: int) -> bool:
        """Whether all of these features are there."""
        return features & self.features == features

    def __missing__(self, raw: int) -> Decoded:
        if len(self) >= MEMO_LIMIT:
            self.clear()
        word, length = raw, 4
        if raw & 3 != 3:
            word, length = expand_for(raw & 0xFFFF, self.features) if self.has(needs(raw & 0xFFFF)) else 0, 2
        index = taken_over(decode_index(word), word, self.features)
        decoded = Decoded(None, illegal, (), length, word)
        if index != ILLEGAL_INDEX and self.has(INSTRUCTIONS[index].ext):
            found = INSTRUCTIONS[index]
            decoded = Decoded(found, found.function, tuple(o.extract(word) for o in found.arguments), length, word)
        self[raw] = decoded
        return decoded


@lru_cache(maxsize=16)
def decoder(features: int) -> Decoder:
    """The Decoder for harts with these features (bits of Feature): `decoder(h.features)[raw]` is the fast way."""
    return Decoder(features)


def decode(word: int, features: int = ALL_FEATURES) -> Decoded:
    """Decode raw instruction bits: 32, or 16 in the low half (the rest is then ignored)."""
    return decoder(features)[word & (0xFFFF if word & 3 != 3 else 0xFFFF_FFFF)]


def encode(name: str, **operands: int) -> int:
    """The encoding of instruction `name` ("addi", or "c.addi" for 16 bits) with these operands.

    Operands not given have zero bits. Raises KeyError for an unknown name or operand, ValueError for a value that does
    not fit and for reserved encodings.
    """
    short = COMPRESSED_BY_NAME.get(name)
    record = BY_NAME[name] if short is None else short
    known = {o.name: o for o in (record.fields if short else record.fields + BY_NAME[name].hints)}
    word = record.match
    for operand, value in operands.items():
        word |= known[operand].insert(value)
    fits = word & record.mask == record.match and all(word & mask != value for mask, value in record.never)
    if not fits or any(known[operand].extract(word) != value for operand, value in operands.items()):
        raise ValueError(f"{name} with {operands} is reserved")
    return word
