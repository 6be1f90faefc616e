# SPDX-License-Identifier: Apache-2.0
"""Instructions as plain data, and the registry they enter.

`@instruction` declares an instruction beside the function that is its meaning, `compressed` a 16-bit instruction as the
expansion it stands for, `alias` a name the assembler gives a special case. Decoder, encoder, disassembler and native
code all derive from these records.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from core.features import Feature, feature_set
from core.isa.drawing import REGISTERS as REGISTERS
from core.isa.drawing import SIGNED, parse
from core.isa.drawing import Operand as Operand

Function = Callable[..., None]

_SYNTAX = re.compile(r"(?:pc\+)?[\w]+'?(?:\[[\d:]+\])?|-\d+|[(),]")


@dataclass(frozen=True)
class Instruction:
    """A 32-bit instruction: `word & mask == match` makes it this one."""

    name: str
    mask: int
    match: int
    fields: tuple[Operand, ...]
    """The operands the instruction has, in the order of the function's parameters."""
    arguments: tuple[Operand, ...]
    """What the function gets: the fields, and operands with a fixed value that tell it which instruction it is."""
    hints: tuple[Operand, ...]
    """Operands only assembly shows: aq, rl, fm, pred, succ."""
    ext: Feature
    """What a hart must have, all of it."""
    syntax: str
    function: Function
    index: int
    """Position in INSTRUCTIONS."""
    over: Instruction | None = None
    """The instruction whose encodings this one takes over on harts that have `ext`."""
    never: tuple[tuple[int, int], ...] = ()
    """What it does not take over: words with `word & m == v` for an (m, v) of these."""

    def operand(self, name: str) -> Operand:
        """The operand of this name. Raises KeyError."""
        for operand in self.fields + self.hints:
            if operand.name == name:
                return operand
        raise KeyError(name)


@dataclass(frozen=True)
class Compressed:
    """A 16-bit instruction and how its bits make the 32-bit instruction it stands for.

    It matches when `half & mask == match` and `half & m != v` for every (m, v) of `never`. The expansion is
    `base_match` with bits half[src_hi:src_lo] at dst_lo for every (src_hi, src_lo, dst_lo) of `moves`, and, for every
    (src_bit, dst_mask) of `fills`, all bits of dst_mask if half[src_bit] is set (sign extension).
    """

    name: str
    mask: int
    match: int
    never: tuple[tuple[int, int], ...]
    fields: tuple[Operand, ...]
    ext: Feature
    """What a hart must have, all of it, besides what the expansion needs."""
    base: Instruction
    base_match: int
    moves: tuple[tuple[int, int, int], ...]
    fills: tuple[tuple[int, int], ...]
    over: Compressed | None = None
    """The 16-bit instruction whose encodings this one takes over on harts that have `ext`."""

    def matches(self, half: int) -> bool:
        """Whether these 16 bits are this instruction."""
        return half & self.mask == self.match and all(half & m != v for m, v in self.never)


class Alias(NamedTuple):
    """Another name for the cases of `base` with `word & mask == match`."""

    name: str
    mask: int
    match: int
    base: Instruction
    syntax: str
    fields: tuple[Operand, ...] = ()
    """Operands of its own drawing; () when they are those of `base`."""
    same: tuple[tuple[Operand, Operand], ...] = ()
    """Operands that must have the same value."""


INSTRUCTIONS: list[Instruction] = []
COMPRESSED: list[Compressed] = []
ALIASES: dict[str, list[Alias]] = {}
"""By the name of the base instruction; the first that matches counts."""
SHOWN: dict[str, list[tuple[int, int, str]]] = {}
"""By the name of a compressed instruction: (mask, match, text) of the cases shown otherwise than the expansion is."""
BY_NAME: dict[str, Instruction] = {}
COMPRESSED_BY_NAME: dict[str, Compressed] = {}
_by_opcode: dict[int, list[Instruction]] = {}


def instruction(
    drawing: str, *, ext: str, syntax: str | None = None, name: str | None = None, over: str | None = None
) -> Callable[[Function], Function]:
    """Declare the 32-bit instruction that the decorated kernel function carries out.

    The name is the function's with dots for underscores, or `name`: a function may carry out several instructions,
    told apart by operands of fixed value. `ext` names the Feature it belongs to, or all it needs, parted by blanks.
    `syntax` is the assembly operands; left out, the parameters in their order. `over` names an instruction of which this
    is a case, or all of it, that has another meaning on harts with `ext`; it may have that one's name. Raises ValueError
    when the drawing is not 32 bits, its operands are not the function's parameters, or the encoding overlaps another.
    """

    def register(function: Function) -> Function:
        own = name or function.__name__.rstrip("_").replace("_", ".")
        drawn = parse(drawing, 32)
        parameters = function.__code__.co_varnames[1 : function.__code__.co_argcount]
        by_name = {o.name: o for o in drawn.operands}
        base = BY_NAME[over] if over else None
        if (drawn.never and not base) or drawn.mask & 0x7F != 0x7F or drawn.match & 3 != 3 or (own in BY_NAME and own != over):
            raise ValueError(f"{own}: opcode not fixed, constraints, or declared twice")
        if base and (drawn.mask & base.mask != base.mask or drawn.match & base.mask != base.match):
            raise ValueError(f"{own} is no case of {base.name}")
        if sorted(parameters) != sorted(by_name.keys() - drawn.hints):
            raise ValueError(f"{own}: parameters {parameters}, but operands {sorted(by_name.keys() - drawn.hints)}")
        for p in parameters:
            typed = ("Reg", "FReg") if p in REGISTERS else ("s64",) if p in SIGNED else ("u64",)
            if function.__annotations__[p] not in typed:
                raise ValueError(f"{own}: parameter {p} must be annotated {' or '.join(typed)}")
            by_name[p] = by_name[p]._replace(floating=function.__annotations__[p] == "FReg")
        named = [p for p in parameters if p not in drawn.fixed]
        record = Instruction(
            name=own,
            mask=drawn.mask,
            match=drawn.match,
            fields=tuple(by_name[p] for p in named),
            arguments=tuple(by_name[p] for p in parameters),
            hints=tuple(o for o in drawn.operands if o.name in drawn.hints),
            ext=feature_set(ext),
            syntax=", ".join(named) if syntax is None else syntax,
            function=function,
            index=len(INSTRUCTIONS),
            over=base,
            never=drawn.never,
        )
        neighbours = _by_opcode.setdefault(drawn.match & 0x7F, [])
        for other in neighbours:
            if (record.match ^ other.match) & record.mask & other.mask == 0 and other.over is base:
                raise ValueError(f"{own} overlaps {other.name}")
        neighbours.append(record)
        INSTRUCTIONS.append(record)
        BY_NAME.setdefault(own, record)
        return function

    return register


def syntax_tokens(text: str) -> list[str]:
    """Operands of assembly text in pieces: operand names (bare, `pc+` kept), numbers and punctuation."""
    return [t.split("[")[0].rstrip("'") for t in _SYNTAX.findall(text)]


def _bind(text: str) -> tuple[Instruction, dict[str, str | int]]:
    """Read "addi rd, rd, nzimm" against addi's syntax: which operand gets which name or constant."""
    name, _, rest = text.partition(" ")
    base = BY_NAME[name]
    wanted, given = syntax_tokens(base.syntax), syntax_tokens(rest)
    if len(wanted) != len(given):
        raise ValueError(f"{text!r} does not fit {name} {base.syntax}")
    bound: dict[str, str | int] = {}
    for want, have in zip(wanted, given, strict=True):
        if want in "(),":
            if have != want:
                raise ValueError(f"{text!r} does not fit {name} {base.syntax}")
            continue
        name = have.removeprefix("pc+")
        number = have.removeprefix("x") if want in REGISTERS else have
        bound[want.removeprefix("pc+")] = int(number, 0) if number.lstrip("-")[:1].isdigit() else name
    return base, bound


def alias(text: str, expansion: str, **fixed: int) -> None:
    """Name a special case: `alias("mv rd, rs1", "addi rd, rs1, 0")`. `fixed` gives operands that the syntax lacks.

    An operand given twice must be the same in both places: `alias("fmv.s rd, rs1", "fsgnj.s rd, rs1, rs1")`.
    """
    base, bound = _bind(expansion)
    mask, match, same = base.mask, base.match, []
    for operand, value in (bound | fixed).items():
        if isinstance(value, int):
            mask |= base.operand(operand).mask
            match |= base.operand(operand).insert(value)
        elif value != operand:
            same.append((base.operand(operand), base.operand(value)))
    name, _, syntax = text.partition(" ")
    ALIASES.setdefault(base.name, []).append(Alias(name, mask, match, base, syntax, same=tuple(same)))


def hint(name: str, drawing: str, base: str, *, syntax: str) -> None:
    """Name a case of instruction `base` that is drawn with operands of its own, such as a HINT of Zicbop.

    Raises ValueError when the drawing is not a case of `base`.
    """
    drawn, of = parse(drawing, 32), BY_NAME[base]
    if drawn.mask & of.mask != of.mask or drawn.match & of.mask != of.match:
        raise ValueError(f"{name} is no case of {base}")
    ALIASES.setdefault(base, []).append(Alias(name, drawn.mask, drawn.match, of, syntax, drawn.operands))


def compressed(name: str, drawing: str, expansion: str, *, ext: str, over: str | None = None) -> None:
    """Declare a 16-bit instruction by the 32-bit one it expands to, in that one's syntax.

    `over` names the 16-bit instruction of which it is a case, with another meaning on harts with `ext`. Raises ValueError
    when the drawing is not 16 bits, the expansion does not fit, or the encoding overlaps another.
    """
    drawn = parse(drawing, 16)
    base, bound = _bind(expansion)
    own = {o.name: o for o in drawn.operands}
    base_match, bit_map, fills = base.match, {}, []
    for target, source in bound.items():
        operand = base.operand(target)
        if isinstance(source, int):
            base_match |= operand.insert(source)
            continue
        from_operand = own[source]
        base_match |= operand.insert(from_operand.bias)
        bits = {low + i: lo + i for hi, lo, low in from_operand.pieces for i in range(hi - lo + 1)}
        sign = max(bits) if from_operand.signed else 99
        fill = 0
        for hi, lo, low in operand.pieces:
            for i in range(hi - lo + 1):
                if low + i >= sign:
                    fill |= 1 << (lo + i)
                elif low + i in bits:
                    bit_map[lo + i] = bits[low + i]
        if fill:
            fills.append((bits[sign], fill))
    record = Compressed(
        name, drawn.mask, drawn.match, drawn.never, drawn.operands, feature_set(ext), base, base_match,
        _runs(bit_map), tuple(fills), COMPRESSED_BY_NAME[over] if over else None,
    )  # fmt: skip
    for other in COMPRESSED:
        if other.over is record.over and (record.match ^ other.match) & record.mask & other.mask == 0:
            mask, match = record.mask | other.mask, record.match | other.match
            if not any(m & mask == m and match & m == v for m, v in record.never + other.never):
                raise ValueError(f"{name} overlaps {other.name}")
    if name in COMPRESSED_BY_NAME:
        raise ValueError(f"{name} declared twice")
    COMPRESSED.append(record)
    COMPRESSED_BY_NAME[name] = record


def shown(name: str, *cases: str) -> None:
    """Give assembly text of a 16-bit instruction where the expansion has another: "mv rd, rs2", "c.mv rd, rs2 if rd=0".

    Operands are those of the 16-bit drawing; a case may ask for several values ("if rd=0 rs2=2"), and the first that
    fits counts.
    """
    operands = {o.name: o for o in COMPRESSED_BY_NAME[name].fields}
    for case in cases:
        text, _, condition = case.partition(" if ")
        mask = match = 0
        for part in condition.split():
            operand, _, value = part.partition("=")
            mask |= operands[operand].mask
            match |= operands[operand].insert(int(value))
        SHOWN.setdefault(name, []).append((mask, match, text))


def _runs(bit_map: dict[int, int]) -> tuple[tuple[int, int, int], ...]:
    """Single-bit moves {dst: src} joined to (src_hi, src_lo, dst_lo) where neighbours move alike."""
    runs: list[tuple[int, int, int]] = []
    for dst, src in sorted(bit_map.items()):
        if runs and runs[-1][0] + 1 == src and runs[-1][2] + src - runs[-1][1] == dst:
            runs[-1] = (src, runs[-1][1], runs[-1][2])
        else:
            runs.append((src, src, dst))
    return tuple(runs)


def operands_of(record: Instruction | Compressed, word: int) -> dict[str, Any]:
    """Every drawn operand of `word` by name, hints included."""
    hints = record.hints if isinstance(record, Instruction) else ()
    return {o.name: o.extract(word) for o in record.fields + hints}
