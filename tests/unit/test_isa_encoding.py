# SPDX-License-Identifier: Apache-2.0
"""Drawn encodings: what is refused at import, what the records say, and that encode and decode are inverse."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.features import Feature
from core.hart import Hart
from core.isa import encoding
from core.isa.decode import ALL_FEATURES, TAKING_OVER, decode, encode, expand, expand_for
from core.isa.drawing import Operand, parse
from core.isa.encoding import ALIASES, BY_NAME, COMPRESSED, COMPRESSED_BY_NAME, INSTRUCTIONS, SHOWN
from core.isa.intrinsics import Reg, s64, u64

ROOT = Path(__file__).parents[2]


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registries that a test may add to."""
    for name in ("INSTRUCTIONS", "COMPRESSED"):
        monkeypatch.setattr(encoding, name, list(getattr(encoding, name)))
    for name in ("BY_NAME", "COMPRESSED_BY_NAME"):
        monkeypatch.setattr(encoding, name, dict(getattr(encoding, name)))
    for name in ("ALIASES", "SHOWN", "_by_opcode"):
        monkeypatch.setattr(encoding, name, {k: list(v) for k, v in getattr(encoding, name).items()})


def named(name: str, function: Callable[..., None]) -> Callable[..., None]:
    function.__name__ = name
    return function


def three(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """Parameters of a register-register instruction."""


def immediate(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """Parameters of a register-immediate instruction."""


def unsigned(h: Hart, rd: Reg, rs1: Reg, imm: u64) -> None:
    """The immediate has the wrong type."""


def test_scrambled_operand() -> None:
    drawn = parse("imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011", 32)
    imm = next(o for o in drawn.operands if o.name == "imm")
    assert imm.pieces == ((31, 31, 12), (30, 25, 5), (11, 8, 1), (7, 7, 11))
    assert (imm.signed, imm.width, imm.mask) == (True, 13, 0xFE000F80)
    assert drawn.mask == 0x707F
    assert drawn.match == 0x63


def test_dots_are_ignored_bits_and_parentheses_hints() -> None:
    drawn = parse("(fm) (pred) (succ) ..... 000 ..... 0001111", 32)
    assert drawn.mask == 0x707F
    assert drawn.hints == {"fm", "pred", "succ"}


def test_primed_register_is_8_to_15() -> None:
    operand = Operand("rd", ((4, 2, 0),), signed=False, bias=8)
    assert [operand.extract(bits << 2) for bits in range(8)] == list(range(8, 16))
    assert operand.insert(15) == 7 << 2
    with pytest.raises(ValueError, match="operand rd cannot be 7"):
        operand.insert(7)


@pytest.mark.parametrize(
    ("drawing", "function", "reason"),
    [
        ("000000 rs2 rs1 000 rd 1111011", three, "31 bits drawn instead of 32"),
        ("00000000 rs2 rs1 000 rd 1111011", three, "33 bits drawn instead of 32"),
        ("0000000 rs2 rs1 000 rd 111101?", three, "cannot read"),
        ("0000000 rs2 rs1 000 rd 1111001", three, "opcode not fixed"),
        ("0000000 rs2 rs1 000 rd .111011", three, "opcode not fixed"),
        ("0000000 rs2!=0 rs1 000 rd 1111011", three, "constraints"),
        ("0000000 00000 rs1 000 rd 1111011", three, "parameters .* but operands"),
        ("imm[11:0] rs1 000 rd 1111011", unsigned, "parameter imm must be annotated s64"),
        ("imm[11:0] rs1 000 rd 0010011", immediate, "overlaps addi"),
        ("0100000 rs2 rs1 101 rd 0010011", three, "overlaps srai"),
    ],
)
@pytest.mark.usefixtures("scratch")
def test_wrong_declarations_are_refused(drawing: str, function: Callable[..., None], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        encoding.instruction(drawing, ext="I")(named("newcomer", function))


@pytest.mark.parametrize(
    ("over", "name", "reason"),
    [("auipc", "newcomer", "newcomer is no case of auipc"), ("sub", "add", "declared twice"), ("sltu", "newcomer", "overlaps")],
)
@pytest.mark.usefixtures("scratch")
def test_taking_over_is_refused(over: str, name: str, reason: str) -> None:
    """Of another instruction, under the name of a third, or where somebody has taken over already."""
    encoding.instruction("0000000 rs2 rs1 011 rd 0110011", ext="Zicfilp", over="sltu", name="sltu")(named("first", three))
    drawing = "0000000 rs2 rs1 011 rd 0110011"
    with pytest.raises(ValueError, match=reason):
        encoding.instruction(drawing, ext="Zicfilp", over=over, name=name)(named("second", three))


@pytest.mark.usefixtures("scratch")
def test_one_declaration_is_all_it_takes() -> None:
    encoding.instruction("0000000 rs2 rs1 000 rd 0001011", ext="I")(named("new_er", three))
    record = encoding.BY_NAME["new.er"]
    assert record.syntax == "rd, rs1, rs2"
    assert record.index == len(INSTRUCTIONS)
    assert record.match | sum(o.insert(v) for o, v in zip(record.fields, (1, 2, 3), strict=True)) == 0x0031008B
    with pytest.raises(ValueError, match="declared twice"):
        encoding.instruction("0000001 rs2 rs1 000 rd 0001011", ext="I")(named("new_er", three))


@pytest.mark.parametrize(
    ("name", "drawing", "expansion", "reason"),
    [
        ("c.x", "100 0 rd rs2 1", "add rd, rd, rs2", "15 bits drawn instead of 16"),
        ("c.x", "100 0 rd!=0 00000 10", "add rd, rd, x0", "overlaps c.jr"),
        ("c.add", "100 111 uimm[2:0] rd 00", "addi rd, rd, uimm", "declared twice"),
        ("c.x", "101 uimm[5] rd uimm[4:0] 10", "lw rd, uimm, x2", "does not fit lw"),
        ("c.x", "101 uimm[5] rd uimm[4:0] 10", "addi rd, rd", "does not fit addi"),
        ("c.x", "101 uimm[5] rd uimm[4:0] 10", "addi rd, x32, uimm", "operand rs1 cannot be 32"),
    ],
)
@pytest.mark.usefixtures("scratch")
def test_wrong_expansions_are_refused(name: str, drawing: str, expansion: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        encoding.compressed(name, drawing, expansion, ext="C")


def test_disjoint_constraints_may_share_bits() -> None:
    lui, addi16sp = COMPRESSED_BY_NAME["c.lui"], COMPRESSED_BY_NAME["c.addi16sp"]
    assert (lui.match ^ addi16sp.match) & lui.mask & addi16sp.mask == 0
    assert not any(lui.matches(half) and addi16sp.matches(half) for half in range(1 << 16))


def test_encodings_are_disjoint_and_the_index_is_the_position() -> None:
    for position, a in enumerate(INSTRUCTIONS):
        assert a.index == position
        assert BY_NAME[a.name] is (a.over if a.over and a.over.name == a.name else a)
        others = [b for b in INSTRUCTIONS[:position] if b.over is a.over]
        assert not any((a.match ^ b.match) & a.mask & b.mask == 0 for b in others), a.name
        if a.over:
            assert (a.mask & a.over.mask, a.match & a.over.mask) == (a.over.mask, a.over.match)
    for half in range(1 << 16):
        assert sum(c.matches(half) for c in COMPRESSED if not c.over) <= 1, hex(half)
        assert all(c.over.matches(half) for c in COMPRESSED if c.over and c.matches(half)), hex(half)


def test_every_function_says_what_it_is_and_where_the_manual_has_it() -> None:
    """One that carries out several instructions names them all, those of several formats with fmt."""
    served = Counter(record.function for record in INSTRUCTIONS)
    for record in INSTRUCTIONS:
        words, name = re.split(r"[\s,]+", record.function.__doc__ or ""), record.name.upper()
        if served[record.function] == 1:
            assert words[0] == name, name
        else:
            assert name in words or re.sub(r"\.[SDH]\b", ".fmt", name, count=1) in words, name
        assert re.search(r"\((norm:|unpriv, |priv, )[^)]+\)", record.function.__doc__ or ""), name


def test_what_is_there() -> None:
    """RV64IMAC, privileged and hypervisor instructions and the Z extensions, counted as the manual lists them."""
    counts: dict[Feature, int] = {}
    for record in INSTRUCTIONS:
        counts[record.ext] = counts.get(record.ext, 0) + 1
    assert counts == {
        Feature.I: 40 + 12 + 2,  # RV32I without the two names of FENCE encodings; RV64I; MRET and WFI
        Feature.M: 13,
        Feature.A: 22,
        Feature.ZICSR: 6,
        Feature.ZIFENCEI: 1,
        Feature.S: 2,
        Feature.H: 15,
        Feature.SVINVAL: 5,
        Feature.ZAWRS: 2,
        Feature.ZICOND: 2,
        Feature.ZIMOP: 2,  # one for the 32, one for the 8
        Feature.ZICBOM: 3,
        Feature.ZICBOZ: 1,
        Feature.ZACAS: 3,
        Feature.ZABHA: 18,
        Feature.ZABHA | Feature.ZACAS: 2,
        Feature.ZBA: 8,
        Feature.ZBB: 24,
        Feature.ZBS: 8,
        Feature.ZBC: 3,
        Feature.F: 30,
        Feature.D: 32,
        Feature.ZFH: 26,
        Feature.ZFHMIN: 6,
        Feature.D | Feature.ZFHMIN: 2,
        Feature.F | Feature.ZFA: 7,
        Feature.D | Feature.ZFA: 8,
        Feature.ZFH | Feature.ZFA: 7,
        Feature.ZICFILP: 2,  # LPAD, and JALR again
        Feature.SMRNMI: 1,  # MNRET
        Feature.ZICFISS: 5,
    }
    assert len(COMPRESSED) == 33 + 4 + 12 + 1 + 2  # Zca; Zcd; Zcb; one for the eight of Zcmop; Zicfiss


def field_values(operand: Operand, rng: random.Random) -> Iterator[int]:
    """Zero, both ends, and random values of an operand."""
    top = operand.mask.bit_count()
    low = min(low for _, _, low in operand.pieces)
    for bits in (0, 1, (1 << top) - 1, 1 << (top - 1), *(rng.getrandbits(top) for _ in range(6))):
        value = (bits << low) + operand.bias
        yield value - (1 << operand.width) if operand.signed and value >> (operand.width - 1) else value


@pytest.mark.parametrize("record", INSTRUCTIONS, ids=lambda r: r.name)
def test_encode_and_decode_are_inverse(record: encoding.Instruction) -> None:
    rng = random.Random(record.name)
    for _ in range(20):
        operands: dict[str, Any] = {o.name: rng.choice([*field_values(o, rng)]) for o in record.fields + record.hints}
        try:
            word = encode(record.name, **operands)
        except ValueError as error:
            assert record.over and "is reserved" in str(error)
            continue
        found = decode(word, ALL_FEATURES | record.ext)
        assert found.instruction is record
        assert found.operands == operands
        assert found.args == tuple(o.extract(word) for o in record.arguments)
        assert found.function is record.function
        assert (found.length, found.word) == (4, word)
        ignored = 0xFFFF_FFFF & ~record.mask & ~sum(o.mask for o in record.fields + record.hints)
        assert decode(word | (rng.getrandbits(32) & ignored), ALL_FEATURES | record.ext).args == found.args
        assert decode(word).instruction is (record.over or (None if record.ext & TAKING_OVER else record))


@pytest.mark.parametrize("record", COMPRESSED, ids=lambda r: r.name)
def test_compressed_encode_and_decode_are_inverse(record: encoding.Compressed) -> None:
    rng = random.Random(record.name)
    tried = 0
    while tried < 20:
        operands: dict[str, Any] = {o.name: rng.choice([*field_values(o, rng)]) for o in record.fields}
        try:
            half = encode(record.name, **operands)
        except ValueError as error:
            assert "is reserved" in str(error)
            continue
        tried += 1
        features = ALL_FEATURES | record.ext
        found = decode(half, features)
        assert found.instruction is record.base
        assert decode(half).word == expand(half) and (record.over or found.word == expand(half))
        assert encoding.operands_of(record, half) == operands
        assert (found.length, found.word) == (2, expand_for(half, features))


def test_what_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="operand imm cannot be 2048"):
        encode("addi", rd=1, rs1=1, imm=2048)
    with pytest.raises(ValueError, match="operand imm cannot be 3"):
        encode("jal", rd=1, imm=3)
    with pytest.raises(ValueError, match="operand rd cannot be 32"):
        encode("addi", rd=32)
    with pytest.raises(ValueError, match=r"c\.addi4spn with .* is reserved"):
        encode("c.addi4spn", rd=8, nzuimm=0)
    with pytest.raises(KeyError, match="imm"):
        encode("add", imm=1)
    with pytest.raises(KeyError, match="nonsense"):
        encode("nonsense")


def test_aliases_stand_for_cases_of_their_base() -> None:
    for name, aliases in ALIASES.items():
        for alias in aliases:
            assert alias.base is BY_NAME[name]
            assert alias.mask & alias.base.mask == alias.base.mask
            assert alias.match & alias.base.mask == alias.base.match
    assert set(SHOWN) <= set(COMPRESSED_BY_NAME)


@pytest.mark.usefixtures("scratch")
def test_a_hint_must_be_a_case_of_its_base() -> None:
    encoding.hint("first", "imm[11:5] 00010 rs1 110 00000 0010011", "ori", syntax="imm(rs1)")
    assert encoding.ALIASES["ori"][-1].fields[0].width == 12
    with pytest.raises(ValueError, match="second is no case of ori"):
        encoding.hint("second", "imm[11:5] 00010 rs1 111 00000 0010011", "ori", syntax="imm(rs1)")
