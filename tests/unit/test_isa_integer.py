# SPDX-License-Identifier: Apache-2.0
"""RV64I on a bare hart: every computation, jump and branch with values written down by hand."""

from __future__ import annotations

import random

import pytest

from core.hart import Hart
from core.isa.decode import decode, encode
from core.isa.intrinsics import Trap
from core.trap.causes import Cause, TrapInfo

PC = 0x8000_0000
MAX = 0x7FFF_FFFF_FFFF_FFFF
MIN = 0x8000_0000_0000_0000
ONES = 0xFFFF_FFFF_FFFF_FFFF
A, B, D = 11, 12, 10


def run(word: int, pc: int = PC, **x: int) -> Hart:
    """Execute one instruction as an engine does; `x` gives registers by number, e.g. x11=5."""
    h = Hart()
    for name, value in x.items():
        h.x[int(name[1:])] = value
    found = decode(word)
    h.pc, h.npc = pc, (pc + found.length) % 2**64
    found.function(h, *found.args)
    h.x[0] = 0
    return h


@pytest.mark.parametrize(
    ("name", "a", "b", "result"),
    [
        ("add", 5, 7, 12),
        ("add", ONES, 1, 0),
        ("add", MAX, 1, MIN),
        ("sub", 5, 7, ONES - 1),
        ("sub", MIN, 1, MAX),
        ("sll", 1, 63, MIN),
        ("sll", 1, 64, 1),
        ("sll", 3, ONES, MIN),
        ("slt", ONES, 0, 1),
        ("slt", 0, ONES, 0),
        ("slt", MIN, MAX, 1),
        ("slt", 4, 4, 0),
        ("sltu", ONES, 0, 0),
        ("sltu", 0, ONES, 1),
        ("sltu", MAX, MIN, 1),
        ("sltu", 4, 4, 0),
        ("xor", 0xFF00, 0x0FF0, 0xF0F0),
        ("or", 0xFF00, 0x0FF0, 0xFFF0),
        ("and", 0xFF00, 0x0FF0, 0x0F00),
        ("srl", MIN, 63, 1),
        ("srl", ONES, 64, ONES),
        ("srl", ONES, 4, 0x0FFF_FFFF_FFFF_FFFF),
        ("sra", MIN, 63, ONES),
        ("sra", MIN, 64 + 4, 0xF800_0000_0000_0000),
        ("sra", MAX, 62, 1),
        ("addw", 0x7FFF_FFFF, 1, 0xFFFF_FFFF_8000_0000),
        ("addw", 0xFFFF_FFFF, 1, 0),
        ("addw", 0x1_0000_0005, 0x2_0000_0006, 11),
        ("subw", 0x8000_0000, 1, 0x7FFF_FFFF),
        ("subw", 0, 1, ONES),
        ("sllw", 1, 31, 0xFFFF_FFFF_8000_0000),
        ("sllw", 1, 32, 1),
        ("sllw", 0xFFFF_FFFF_0000_0001, 4, 16),
        ("srlw", 0x8000_0000, 31, 1),
        ("srlw", 0xFFFF_FFFF_8000_0000, 32, 0xFFFF_FFFF_8000_0000),
        ("srlw", 0xFFFF_FFFF_8000_0000, 1, 0x4000_0000),
        ("sraw", 0x8000_0000, 31, ONES),
        ("sraw", 0x8000_0000, 32 + 4, 0xFFFF_FFFF_F800_0000),
        ("sraw", 0xFFFF_FFFF_7FFF_FFFF, 30, 1),
    ],
)
def test_register_register(name: str, a: int, b: int, result: int) -> None:
    h = run(encode(name, rd=D, rs1=A, rs2=B), x11=a, x12=b)
    assert h.x[D] == result
    assert (h.x[A], h.x[B], h.npc) == (a, b, PC + 4)


@pytest.mark.parametrize(
    ("name", "a", "imm", "result"),
    [
        ("addi", 5, -7, ONES - 1),
        ("addi", ONES, 1, 0),
        ("addi", 0, -2048, 0xFFFF_FFFF_FFFF_F800),
        ("addi", 0, 2047, 2047),
        ("slti", ONES, 0, 1),
        ("slti", 0, -1, 0),
        ("slti", MIN, -2048, 1),
        ("sltiu", 0, 1, 1),
        ("sltiu", 1, 1, 0),
        ("sltiu", ONES, -1, 0),
        ("sltiu", ONES - 1, -1, 1),
        ("xori", 0xF0F0, -1, 0xFFFF_FFFF_FFFF_0F0F),
        ("ori", 0xF0F0, -2048, 0xFFFF_FFFF_FFFF_F8F0),
        ("andi", ONES, -2048, 0xFFFF_FFFF_FFFF_F800),
        ("andi", 0xFFFF, 255, 255),
        ("addiw", 0x7FFF_FFFF, 1, 0xFFFF_FFFF_8000_0000),
        ("addiw", 0x1234_5678_8000_0000, 0, 0xFFFF_FFFF_8000_0000),
        ("addiw", 0xFFFF_FFFF_7FFF_FFFF, 0, 0x7FFF_FFFF),
        ("addiw", 0, -1, ONES),
    ],
)
def test_register_immediate(name: str, a: int, imm: int, result: int) -> None:
    h = run(encode(name, rd=D, rs1=A, imm=imm), x11=a)
    assert (h.x[D], h.x[A], h.npc) == (result, a, PC + 4)


@pytest.mark.parametrize(
    ("name", "a", "shamt", "result"),
    [
        ("slli", 3, 63, MIN),
        ("slli", 3, 0, 3),
        ("srli", ONES, 63, 1),
        ("srli", MIN, 0, MIN),
        ("srai", MIN, 63, ONES),
        ("srai", MAX, 62, 1),
        ("srai", MIN, 0, MIN),
        ("slliw", 3, 31, 0xFFFF_FFFF_8000_0000),
        ("slliw", 0xFFFF_FFFF_0000_0003, 0, 3),
        ("srliw", 0x8000_0000, 0, 0xFFFF_FFFF_8000_0000),
        ("srliw", 0xFFFF_FFFF_8000_0000, 31, 1),
        ("sraiw", 0x8000_0000, 31, ONES),
        ("sraiw", 0xFFFF_FFFF_4000_0000, 30, 1),
    ],
)
def test_shift_immediate(name: str, a: int, shamt: int, result: int) -> None:
    h = run(encode(name, rd=D, rs1=A, shamt=shamt), x11=a)
    assert (h.x[D], h.npc) == (result, PC + 4)


def test_upper_immediates() -> None:
    assert run(encode("lui", rd=D, imm=0x1234_5000)).x[D] == 0x1234_5000
    assert run(encode("lui", rd=D, imm=-0x8000_0000)).x[D] == 0xFFFF_FFFF_8000_0000
    assert run(encode("auipc", rd=D, imm=0x1000), pc=0x8000_0104).x[D] == 0x8000_1104
    assert run(encode("auipc", rd=D, imm=-0x1000), pc=0).x[D] == 0xFFFF_FFFF_FFFF_F000
    assert run(encode("auipc", rd=D, imm=0x1000), pc=ONES - 3).x[D] == 0xFFC
    assert run(encode("auipc", rd=D, imm=-0x8000_0000), pc=0x8000_0000).x[D] == 0


def test_x0_stays_zero_and_operands_may_coincide() -> None:
    assert run(encode("addi", rd=0, rs1=A, imm=1), x11=5).x[0] == 0
    assert run(encode("add", rd=A, rs1=A, rs2=A), x11=5).x[A] == 10
    assert run(encode("sub", rd=B, rs1=A, rs2=B), x11=5, x12=7).x[B] == ONES - 1


def test_jal() -> None:
    h = run(encode("jal", rd=1, imm=-0x10_0000))
    assert (h.npc, h.x[1]) == (0x7FF0_0000, PC + 4)
    h = run(encode("jal", rd=1, imm=0xF_FFFE))
    assert (h.npc, h.x[1]) == (0x800F_FFFE, PC + 4)
    h = run(encode("jal", rd=0, imm=-8), pc=4)
    assert (h.npc, h.x[0]) == (0xFFFF_FFFF_FFFF_FFFC, 0)
    assert run(encode("c.j", imm=-2048)).npc == PC - 2048


def test_jalr_clears_bit_0_and_reads_before_it_writes() -> None:
    assert run(encode("jalr", rd=1, rs1=A, imm=1), x11=0x4000).npc == 0x4000
    assert run(encode("jalr", rd=1, rs1=A, imm=0), x11=0x4003).npc == 0x4002
    assert run(encode("jalr", rd=1, rs1=A, imm=-1), x11=0).npc == ONES - 1
    assert run(encode("jalr", rd=1, rs1=A, imm=2047), x11=ONES).npc == 2046
    h = run(encode("jalr", rd=1, rs1=1, imm=4), x1=0x4000)
    assert (h.npc, h.x[1]) == (0x4004, PC + 4)
    h = run(encode("c.jalr", rs1=1), x1=0x4000)
    assert (h.npc, h.x[1]) == (0x4000, PC + 2)


@pytest.mark.parametrize(
    ("name", "equal", "minus_one_and_one", "one_and_minus_one"),
    [
        ("beq", True, False, False),
        ("bne", False, True, True),
        ("blt", False, True, False),
        ("bge", True, False, True),
        ("bltu", False, False, True),
        ("bgeu", True, True, False),
    ],
)
def test_branches(name: str, equal: bool, minus_one_and_one: bool, one_and_minus_one: bool) -> None:
    for a, b, taken in [
        (5, 5, equal),
        (MIN, MIN, equal),
        (ONES, 1, minus_one_and_one),
        (1, ONES, one_and_minus_one),
        (MIN, MAX, minus_one_and_one),
        (MAX, MIN, one_and_minus_one),
    ]:
        h = run(encode(name, rs1=A, rs2=B, imm=-4096), x11=a, x12=b)
        assert h.npc == (PC - 4096 if taken else PC + 4), (a, b)
        h = run(encode(name, rs1=A, rs2=B, imm=4094), x11=a, x12=b)
        assert h.npc == (PC + 4094 if taken else PC + 4), (a, b)


def test_compressed_forms_do_what_their_expansions_do() -> None:
    assert run(encode("c.addi", rd=A, imm=-32), x11=1).x[A] == 2**64 - 31
    assert run(encode("c.addiw", rd=A, imm=31), x11=0x7FFF_FFFF).x[A] == 0xFFFF_FFFF_8000_001E
    assert run(encode("c.addi16sp", nzimm=-512), x2=0x1000).x[2] == 0xE00
    assert run(encode("c.addi16sp", nzimm=496), x2=0x1000).x[2] == 0x11F0
    assert run(encode("c.addi4spn", rd=8, nzuimm=1020), x2=0x1000).x[8] == 0x13FC
    assert run(encode("c.li", rd=A, imm=-1)).x[A] == ONES
    assert run(encode("c.lui", rd=A, nzimm=-0x20000)).x[A] == 0xFFFF_FFFF_FFFE_0000
    assert run(encode("c.lui", rd=A, nzimm=0x1F000)).x[A] == 0x1F000
    assert run(encode("c.srai", rd=9, shamt=63), x9=MIN).x[9] == ONES
    assert run(encode("c.srli", rd=9, shamt=33), x9=MIN).x[9] == 0x4000_0000
    assert run(encode("c.andi", rd=9, imm=-2), x9=7).x[9] == 6
    assert run(encode("c.subw", rd=9, rs2=15), x9=0, x15=1).x[9] == ONES
    assert run(encode("c.mv", rd=A, rs2=31), x31=9).x[A] == 9
    assert run(encode("c.beqz", rs1=8, imm=-256)).npc == PC - 256
    assert run(encode("c.bnez", rs1=8, imm=254), x8=1).npc == PC + 254
    assert run(encode("c.bnez", rs1=8, imm=254)).npc == PC + 2


def test_shifts_of_random_values_agree_with_strings_of_bits() -> None:
    rng = random.Random(2)
    for _ in range(200):
        value, amount = rng.getrandbits(64), rng.getrandbits(64)
        bits, n = f"{value:064b}", amount % 64
        low, m = bits[32:], amount % 32
        for name, width, expected in [
            ("sll", 64, bits[n:] + "0" * n),
            ("srl", 64, "0" * n + bits[: 64 - n]),
            ("sra", 64, bits[0] * n + bits[: 64 - n]),
            ("sllw", 32, low[m:] + "0" * m),
            ("srlw", 32, "0" * m + low[: 32 - m]),
            ("sraw", 32, low[0] * m + low[: 32 - m]),
        ]:
            h = run(encode(name, rd=D, rs1=A, rs2=B), x11=value, x12=amount)
            assert f"{h.x[D]:064b}" == expected[0] * (64 - width) + expected, name


@pytest.mark.parametrize(
    ("mode", "v", "cause"),
    [
        (0, 0, Cause.ECALL_U),
        (0, 1, Cause.ECALL_U),
        (1, 0, Cause.ECALL_S),
        (1, 1, Cause.ECALL_VS),
        (3, 0, Cause.ECALL_M),
    ],
)
def test_h014_ecall_tells_the_mode(mode: int, v: int, cause: Cause) -> None:
    h = Hart()
    h.mode, h.v, h.pc = mode, v, PC
    with pytest.raises(Trap) as caught:
        decode(encode("ecall")).function(h)
    assert caught.value.args == (cause, 0, 0, 0)


@pytest.mark.parametrize(("v", "info"), [(0, 0), (1, TrapInfo.GVA)])
@pytest.mark.parametrize("name", ["ebreak", "c.ebreak"])
def test_h010_ebreak_gives_its_address(name: str, v: int, info: int) -> None:
    h = Hart()
    h.v, h.pc = v, PC
    with pytest.raises(Trap) as caught:
        decode(encode(name)).function(h)
    assert caught.value.args == (Cause.BREAKPOINT, PC, 0, info)


@pytest.mark.parametrize("word", [0x0FF0_000F, 0x8330_000F, 0x0100_000F, 0xFFF5_058F, 0x0000_100F, 0xFFF5_958F], ids=hex)
def test_fences_change_nothing(word: int) -> None:
    """FENCE, FENCE.TSO, PAUSE, FENCE.I, and both with reserved fields set."""
    h = run(word, x10=1, x11=2)
    before = Hart()
    before.x[10], before.x[11], before.pc = 1, 2, PC
    assert h.snapshot() == before.snapshot()
    assert h.npc == PC + 4
