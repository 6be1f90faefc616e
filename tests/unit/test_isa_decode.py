# SPDX-License-Identifier: Apache-2.0
"""Decoding: generated decoders against the records, features, illegal encodings, HINTs."""

from __future__ import annotations

import random

import pytest

from core.features import Feature
from core.hart import Hart
from core.isa import decode as decode_module
from core.isa.decode import ALL_FEATURES, Decoder, decode, decode_index, decoder, encode, expand
from core.isa.encoding import COMPRESSED, COMPRESSED_BY_NAME, INSTRUCTIONS
from core.isa.generate import ILLEGAL_INDEX, decoder_source, expander_source
from core.isa.intrinsics import Trap
from core.trap.causes import Cause


def slow_index(word: int) -> int:
    """What decode_index should give, by trying every record."""
    found = [r.index for r in INSTRUCTIONS if word & r.mask == r.match and not r.over]
    assert len(found) <= 1
    return found[0] if found else ILLEGAL_INDEX


def slow_expansion(half: int) -> int:
    """What expand should give, operand by operand: the base instruction with the values of the 16-bit operands."""
    for c in COMPRESSED:
        if not c.matches(half):
            continue
        word = c.base_match
        for hi, lo, dst in c.moves:
            for bit in range(lo, hi + 1):
                word |= ((half >> bit) & 1) << (dst + bit - lo)
        for bit, mask in c.fills:
            word |= mask if (half >> bit) & 1 else 0
        return word
    return 0


def test_generated_decoder_agrees_with_the_records() -> None:
    rng = random.Random(1)
    for record in INSTRUCTIONS:
        for _ in range(50):
            word = (rng.getrandbits(32) & ~record.mask) | record.match
            assert decode_index(word) == (record.over or record).index
            near = word ^ (1 << rng.randrange(2, 32))
            assert decode_index(near) == slow_index(near)
    for _ in range(5000):
        word = rng.getrandbits(32) | 3
        assert decode_index(word) == slow_index(word)


def test_generated_expander_agrees_with_the_records() -> None:
    assert [h for h in range(1 << 16) if h & 3 != 3 and expand(h) != slow_expansion(h)] == []
    assert not any(expand(half) for half in range(3, 1 << 16, 4))


def test_generated_source_is_small_and_plain() -> None:
    for source in (expander_source(), decoder_source()):
        assert len(source.splitlines()) < 1000
        assert "import" not in source
        compile(source, "<generated>", "exec")


def test_decoder_of_a_few_instructions() -> None:
    few = [r for r in INSTRUCTIONS if r.name in ("addi", "add", "sub")]
    scope: dict[str, object] = {"u64": int}
    exec(decoder_source(few), scope)
    index = scope["decode_index"]
    assert callable(index)
    assert [index(encode(r.name, rd=1, rs1=2)) for r in few] == [r.index for r in few]
    assert index(encode("xor", rd=1)) == ILLEGAL_INDEX


@pytest.mark.parametrize("half", range(0, 1 << 16, 0x1004), ids=hex)
def test_only_the_low_half_of_a_short_instruction_counts(half: int) -> None:
    assert decode(half | 0xFFFF_0000) is decode(half)


@pytest.mark.parametrize(
    ("half", "rule"),
    [
        (0x0000, "all zero bits (norm:Zca_illegal)"),
        (0x0004, "c.addi4spn with nzuimm=0 (norm:c-addi4spn_rsv)"),
        (0x001C, "c.addi4spn with nzuimm=0 (norm:c-addi4spn_rsv)"),
        (0x2001, "c.addiw with rd=0 (norm:c-addiw_rsv)"),
        (0x6101, "c.addi16sp with nzimm=0 (norm:c-addi16sp_rsv)"),
        (0x6201, "c.lui with imm=0 (norm:c-lui_rsv)"),
        (0x6881, "c.lui with imm=0 and rd=17 (norm:c-lui_rsv)"),
        (0x6001, "c.lui with imm=0 and rd=0 (norm:c-lui_rsv)"),
        (0x4002, "c.lwsp with rd=0 (norm:c-lwsp_rsv)"),
        (0x6002, "c.ldsp with rd=0 (norm:c-ldsp_rsv)"),
        (0x8002, "c.jr with rs1=0 (norm:c-jr_rsv)"),
        (0x9000, "reserved row of quadrant 0"),
        (0x8C40, "reserved beside c.sh"),
        (0x9C79, "reserved beside c.not"),
        (0x9C7D, "reserved beside c.not"),
    ],
)
def test_illegal_short_encodings(half: int, rule: str) -> None:
    found = decode(half)
    assert (found.instruction, found.length, found.args) == (None, 2, ()), rule
    with pytest.raises(Trap) as caught:
        found.function(Hart(), *found.args)
    assert caught.value.args == (Cause.ILLEGAL_INSTRUCTION, 0, 0, 0)


@pytest.mark.parametrize(
    "word",
    [
        0xFFFF_FFFF,  # the pattern of instructions longer than anybody's
        0x0000_001F,  # 48 bits and more
        0x0000_003F,
        0x0200_101B,  # slliw with shamt[5] (norm:slliw_srliw_sraiw_imm5_rsv)
        0x0000_4073,  # SYSTEM with funct3 4 and a funct7 that no guest access has
        0x1000_002F,  # lr of 1 byte
        0x28B5_C52F,  # amocas.q with rs2=11 (norm:Zacas_rv64_amocas-q_frst_pair_entry_reg_even)
        0x28C5_C5AF,  # amocas.q with rd=11
        0x0060_200F,  # cbo with an operation that is none
        0x0015_208F,  # cbo.clean with rd=1
        0x00D0_00F3,  # wrs.nto with rd=1
        0x9005_C573,  # between the may-be-operations
        0x1010_202F,  # lr.w with rs2=1
        0x3020_00F3,  # mret with rd=1
        0x0000_5023,  # store of no size
        0x0000_7003,  # load of no size
        0x0000_2063,  # branch of no condition
        0x0000_1067,  # jalr with funct3 1
    ],
    ids=hex,
)
def test_illegal_long_encodings(word: int) -> None:
    assert decode(word).instruction is None
    assert (decode(word).length, decode(word).operands) == (4, {})


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (0x0005, "c.nop with imm"),
        (0x0081, "c.addi ra, 0"),
        (0x4001, "c.li x0"),
        (0x6005, "c.lui x0"),
        (0x8006, "c.mv x0, ra"),
        (0x9006, "c.add x0, ra"),
        (0x900A, "c.ntl.p1"),
        (0x6081, "c.mop.1"),
        (0x6781, "c.mop.15"),
        (0x0020_0033, "ntl.p1"),
        (0x0050_0033, "ntl.all"),
        (0x0100_000F, "pause"),
        (0x0005_6013, "prefetch.i"),
        (0xFE1F_E013, "prefetch.r"),
        (0x0231_6013, "prefetch.w"),
        (0x0022_6013, "ori x0 with a number that is no prefetch"),
        (0x0002, "c.slli x0, 0"),
        (0x0082, "c.slli ra, 0"),
        (0x8001, "c.srli s0, 0"),
        (0x8401, "c.srai s0, 0"),
    ],
)
def test_hints_change_nothing(raw: int, text: str) -> None:
    h = Hart()
    h.x[:] = memoryview(bytearray(range(256))).cast("Q")
    h.x[0] = 0
    before = h.snapshot()
    found = decode(raw)
    found.function(h, *found.args)
    h.x[0] = 0
    assert h.snapshot() == before, text


def test_features_decide() -> None:
    mul, hlv, half = encode("mul", rd=1), encode("hlv.w", rd=1), encode("c.li", rd=1)
    integer = int(Feature.I)
    assert decode(mul, integer).instruction is None
    assert decode(mul, integer | Feature.M).instruction is not None
    assert decode(hlv, ALL_FEATURES & ~Feature.H).instruction is None
    assert decode(half, integer).instruction is None
    assert decode(half, integer).length == 2
    assert decode(half, integer | Feature.C).instruction is not None


def test_an_instruction_may_need_several_features() -> None:
    word = encode("amocas.b", rd=1)
    assert decode(word, int(Feature.ZABHA)).instruction is None
    assert decode(word, int(Feature.ZACAS)).instruction is None
    assert decode(word, int(Feature.ZABHA | Feature.ZACAS)).instruction is not None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("c.lbu", Feature.I),
        ("c.sh", Feature.I),
        ("c.zext.b", Feature.I),
        ("c.not", Feature.I),
        ("c.sext.b", Feature.ZBB),
        ("c.zext.h", Feature.ZBB),
        ("c.sext.h", Feature.ZBB),
        ("c.zext.w", Feature.ZBA),
        ("c.mul", Feature.M),
    ],
)
def test_zcb_needs_zcb_and_what_it_expands_to(name: str, wanted: Feature) -> None:
    half, needed = COMPRESSED_BY_NAME[name].match, Feature.C | Feature.ZCB | wanted
    assert decode(half, int(needed)).instruction is COMPRESSED_BY_NAME[name].base
    for missing in (Feature.C, Feature.ZCB, wanted):
        assert decode(half, ALL_FEATURES & ~missing).instruction is None


@pytest.mark.parametrize("name", ["c.fld", "c.fsd", "c.fldsp", "c.fsdsp"])
def test_zcd_is_c_with_d(name: str) -> None:
    half = COMPRESSED_BY_NAME[name].match
    assert decode(half, int(Feature.C | Feature.D)).instruction is COMPRESSED_BY_NAME[name].base
    assert decode(half, ALL_FEATURES & ~Feature.C).instruction is None
    assert decode(half, ALL_FEATURES & ~Feature.D).instruction is None


def test_zcmop_needs_no_zimop() -> None:
    assert decode(0x6081, int(Feature.I | Feature.C | Feature.ZCMOP)).instruction is not None
    assert decode(0x6081, ALL_FEATURES & ~Feature.ZCMOP).instruction is None


def test_a_short_instruction_needs_the_feature_of_its_expansion_too() -> None:
    assert decode(encode("c.li", rd=1), int(Feature.C)).instruction is None


def test_decoder_remembers_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_module, "MEMO_LIMIT", 8)
    table = Decoder(ALL_FEATURES)
    for imm in range(20):
        assert table[encode("addi", rd=1, imm=imm)].operands["imm"] == imm
        assert len(table) <= 8
    assert table[encode("addi", rd=1, imm=19)] is table[encode("addi", rd=1, imm=19)]
    assert decoder(ALL_FEATURES) is decoder(ALL_FEATURES)
