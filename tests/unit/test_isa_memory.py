# SPDX-License-Identifier: Apache-2.0
"""Loads, stores, atomics and guest accesses: which address, size and value they ask for, what becomes of the answer.

The memory system is replaced by a dictionary of bytes that keeps a log; translation has tests of its own.
"""

from __future__ import annotations

from types import ModuleType

import pytest

from core.hart import Hart
from core.isa import hypervisor, rv_a, rv_a_lrsc, rv_i_memory
from core.isa.decode import decode, encode
from core.isa.intrinsics import Trap
from core.trap.causes import Cause

ONES = 0xFFFF_FFFF_FFFF_FFFF
BASE = 0x8000_0100
VALUE = 0x8182_8384_F5F6_F7F8
FAULT = 0x666


class Memory:
    """Bytes by address; any access to FAULT raises a page fault."""

    def __init__(self) -> None:
        self.bytes: dict[int, int] = {}
        self.log: list[tuple[str | int, ...]] = []
        self.reserved: tuple[int, int] | None = None

    def read(self, kind: str, va: int, size: int) -> int:
        self.log.append((kind, va, size))
        if va == FAULT:
            raise Trap(Cause.LOAD_PAGE_FAULT, va)
        return sum(self.bytes.get(va + i, 0) << (8 * i) for i in range(size))

    def write(self, kind: str, va: int, size: int, value: int) -> None:
        assert 0 <= value <= ONES
        self.log.append((kind, va, size))
        if va == FAULT:
            raise Trap(Cause.STORE_PAGE_FAULT, va)
        for i in range(size):
            self.bytes[va + i] = (value >> (8 * i)) & 0xFF

    def load(self, h: Hart, va: int, size: int) -> int:
        return self.read("load", va, size)

    def store(self, h: Hart, va: int, size: int, value: int) -> None:
        self.write("store", va, size, value)

    def amo_load(self, h: Hart, va: int, size: int) -> int:
        return self.read("amo_load", va, size)

    def load_reserved(self, h: Hart, va: int, size: int) -> int:
        self.reserved = (va, size)
        return self.read("load_reserved", va, size)

    def store_conditional(self, h: Hart, va: int, size: int, value: int) -> int:
        held, self.reserved = self.reserved == (va, size), None
        if held:
            self.write("store_conditional", va, size, value)
        return 0 if held else 1

    def guest_load(self, h: Hart, va: int, size: int) -> int:
        return self.read("guest_load", va, size)

    def guest_fetch_load(self, h: Hart, va: int, size: int) -> int:
        return self.read("guest_fetch_load", va, size)

    def guest_store(self, h: Hart, va: int, size: int, value: int) -> None:
        self.write("guest_store", va, size, value)

    def require_guest_access(self, h: Hart) -> None:
        self.log.append(("require_guest_access",))
        if h.v:
            raise Trap(Cause.VIRTUAL_INSTRUCTION)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A Memory in the place of core.mmu.access."""
    memory = Memory()
    names: dict[ModuleType, str] = {
        rv_i_memory: "load store",
        rv_a: "amo_load store",
        rv_a_lrsc: "load_reserved store_conditional",
        hypervisor: "guest_load guest_fetch_load guest_store require_guest_access",
    }
    for module, functions in names.items():
        for name in functions.split():
            monkeypatch.setattr(module, name, getattr(memory, name))
    memory.write("", BASE, 8, VALUE)
    memory.log.clear()
    return memory


def run(word: int, h: Hart | None = None, **x: int) -> Hart:
    """Execute one instruction; `x` gives registers by number, e.g. x11=5."""
    h = h or Hart()
    for name, value in x.items():
        h.x[int(name[1:])] = value
    found = decode(word)
    found.function(h, *found.args)
    h.x[0] = 0
    return h


@pytest.mark.parametrize(
    ("name", "size", "result"),
    [
        ("lb", 1, 0xFFFF_FFFF_FFFF_FFF8),
        ("lh", 2, 0xFFFF_FFFF_FFFF_F7F8),
        ("lw", 4, 0xFFFF_FFFF_F5F6_F7F8),
        ("ld", 8, VALUE),
        ("lbu", 1, 0xF8),
        ("lhu", 2, 0xF7F8),
        ("lwu", 4, 0xF5F6_F7F8),
    ],
)
def test_loads(memory: Memory, name: str, size: int, result: int) -> None:
    assert run(encode(name, rd=10, rs1=11, imm=-2048), x11=BASE + 2048).x[10] == result
    assert run(encode(name, rd=11, rs1=11, imm=2047), x11=BASE - 2047).x[11] == result
    assert memory.log == [("load", BASE, size)] * 2


@pytest.mark.parametrize(("name", "size"), [("sb", 1), ("sh", 2), ("sw", 4), ("sd", 8)])
def test_stores(memory: Memory, name: str, size: int) -> None:
    run(encode(name, rs1=11, rs2=12, imm=-1), x11=BASE + 1, x12=0x1122_3344_5566_7788)
    expected = (VALUE & ~((1 << 8 * size) - 1)) | (0x1122_3344_5566_7788 & ((1 << 8 * size) - 1))
    assert memory.read("", BASE, 8) == expected
    assert memory.log[0] == ("store", BASE, size)


def test_addresses_wrap(memory: Memory) -> None:
    run(encode("lb", rd=10, rs1=11, imm=4), x11=ONES - 1)
    run(encode("sb", rs1=11, rs2=0, imm=-4), x11=1)
    assert memory.log == [("load", 2, 1), ("store", ONES - 2, 1)]


def test_compressed_loads_and_stores(memory: Memory) -> None:
    assert run(encode("c.lw", rd=9, rs1=8, uimm=124), x8=BASE - 124).x[9] == 0xFFFF_FFFF_F5F6_F7F8
    assert run(encode("c.ld", rd=9, rs1=8, uimm=248), x8=BASE - 248).x[9] == VALUE
    assert run(encode("c.lwsp", rd=31, uimm=252), x2=BASE - 252).x[31] == 0xFFFF_FFFF_F5F6_F7F8
    assert run(encode("c.ldsp", rd=31, uimm=504), x2=BASE - 504).x[31] == VALUE
    run(encode("c.sw", rs1=8, rs2=9, uimm=64), x8=0x1000, x9=1)
    run(encode("c.sd", rs1=8, rs2=9, uimm=128), x8=0x1000, x9=1)
    run(encode("c.swsp", rs2=31, uimm=64), x2=0x1000, x31=1)
    run(encode("c.sdsp", rs2=31, uimm=256), x2=0x1000, x31=1)
    assert memory.log[4:] == [
        ("store", 0x1040, 4),
        ("store", 0x1080, 8),
        ("store", 0x1040, 4),
        ("store", 0x1100, 8),
    ]


def test_load_to_x0_still_accesses_memory(memory: Memory) -> None:
    """norm:load_exc_x0."""
    with pytest.raises(Trap):
        run(encode("lw", rd=0, rs1=11), x11=FAULT)
    assert run(encode("lw", rd=0, rs1=11), x11=BASE).x[0] == 0


@pytest.mark.parametrize("name", ["lb", "ld", "amoadd.w", "amoswap.d", "lr.w", "hlv.d", "hlvx.wu"])
def test_a_faulting_access_leaves_the_destination_alone(memory: Memory, name: str) -> None:
    h = Hart()
    with pytest.raises(Trap):
        run(encode(name, rd=10, rs1=11), h, x10=77, x11=FAULT)
    assert h.x[10] == 77
    assert h.x[11] == FAULT


NEGATIVE = 0xFFFF_FFFF_8000_0000


@pytest.mark.parametrize(
    ("name", "in_memory", "operand", "stored", "loaded"),
    [
        ("amoswap.w", 0x8000_0001, 0x1_2345_6789, 0x2345_6789, 0xFFFF_FFFF_8000_0001),
        ("amoadd.w", 0x7FFF_FFFF, 1, 0x8000_0000, 0x7FFF_FFFF),
        ("amoadd.w", 0xFFFF_FFFF, ONES, 0xFFFF_FFFE, ONES),
        ("amoxor.w", 0xF0F0_F0F0, 0xFFFF_0000, 0x0F0F_F0F0, 0xFFFF_FFFF_F0F0_F0F0),
        ("amoand.w", 0xF0F0_F0F0, 0xFFFF_0000, 0xF0F0_0000, 0xFFFF_FFFF_F0F0_F0F0),
        ("amoor.w", 0x0F0F_0000, 0xFF, 0x0F0F_00FF, 0x0F0F_0000),
        ("amomin.w", 0x8000_0000, 1, 0x8000_0000, NEGATIVE),
        ("amomin.w", 1, 0x8000_0000, 0x8000_0000, 1),
        ("amomin.w", 5, 0xFFFF_FFFF_0000_0007, 5, 5),
        ("amomax.w", 0x8000_0000, 1, 1, NEGATIVE),
        ("amomax.w", 5, 0x7_0000_0003, 5, 5),
        ("amominu.w", 0x8000_0000, 1, 1, NEGATIVE),
        ("amominu.w", 5, 0x7_0000_0003, 3, 5),
        ("amomaxu.w", 0x8000_0000, 1, 0x8000_0000, NEGATIVE),
        ("amomaxu.w", 5, 0x7_0000_0003, 5, 5),
        ("amoswap.d", VALUE, ONES, ONES, VALUE),
        ("amoadd.d", ONES, 2, 1, ONES),
        ("amoxor.d", VALUE, ONES, VALUE ^ ONES, VALUE),
        ("amoand.d", VALUE, 0xFFFF_FFFF, 0xF5F6_F7F8, VALUE),
        ("amoor.d", VALUE, 7, VALUE | 7, VALUE),
        ("amomin.d", VALUE, 1, VALUE, VALUE),
        ("amomin.d", 1, VALUE, VALUE, 1),
        ("amomax.d", VALUE, 1, 1, VALUE),
        ("amominu.d", VALUE, 1, 1, VALUE),
        ("amomaxu.d", 1, VALUE, VALUE, 1),
    ],
)
def test_amos(memory: Memory, name: str, in_memory: int, operand: int, stored: int, loaded: int) -> None:
    size = 4 if name.endswith("w") else 8
    memory.write("", BASE, 8, 0x5A5A_5A5A_5A5A_5A5A)
    memory.write("", BASE, size, in_memory)
    memory.log.clear()
    for aq, rl in ((0, 0), (1, 1)):
        memory.write("", BASE, size, in_memory)
        assert run(encode(name, rd=10, rs1=11, rs2=12, aq=aq, rl=rl), x11=BASE, x12=operand).x[10] == loaded
        assert memory.read("", BASE, size) == stored
    assert memory.log[1:3] == [("amo_load", BASE, size), ("store", BASE, size)]
    if size == 4:
        assert memory.read("", BASE + 4, 4) == 0x5A5A_5A5A


def test_amo_operands_may_coincide(memory: Memory) -> None:
    memory.write("", BASE, 8, 40)
    assert run(encode("amoadd.d", rd=12, rs1=11, rs2=12), x11=BASE, x12=2).x[12] == 40
    assert memory.read("", BASE, 8) == 42
    assert run(encode("amoswap.d", rd=11, rs1=11, rs2=11), x11=BASE).x[11] == 42
    assert memory.read("", BASE, 8) == BASE


def test_load_reserved_and_store_conditional(memory: Memory) -> None:
    h = Hart()
    assert run(encode("lr.w", rd=10, rs1=11), h, x11=BASE).x[10] == 0xFFFF_FFFF_F5F6_F7F8
    assert run(encode("sc.w", rd=10, rs1=11, rs2=12), h, x12=7).x[10] == 0
    assert memory.read("", BASE, 4) == 7
    assert run(encode("sc.w", rd=10, rs1=11, rs2=12), h, x12=8).x[10] == 1
    assert memory.read("", BASE, 4) == 7
    assert run(encode("lr.d", rd=10, rs1=11), h).x[10] == (VALUE & ~0xFFFF_FFFF) | 7
    assert run(encode("sc.d", rd=12, rs1=11, rs2=12), h, x12=VALUE).x[12] == 0
    assert memory.read("", BASE, 8) == VALUE


@pytest.mark.parametrize(
    ("name", "kind", "size", "result"),
    [
        ("hlv.b", "guest_load", 1, 0xFFFF_FFFF_FFFF_FFF8),
        ("hlv.bu", "guest_load", 1, 0xF8),
        ("hlv.h", "guest_load", 2, 0xFFFF_FFFF_FFFF_F7F8),
        ("hlv.hu", "guest_load", 2, 0xF7F8),
        ("hlvx.hu", "guest_fetch_load", 2, 0xF7F8),
        ("hlv.w", "guest_load", 4, 0xFFFF_FFFF_F5F6_F7F8),
        ("hlv.wu", "guest_load", 4, 0xF5F6_F7F8),
        ("hlvx.wu", "guest_fetch_load", 4, 0xF5F6_F7F8),
        ("hlv.d", "guest_load", 8, VALUE),
    ],
)
def test_guest_loads(memory: Memory, name: str, kind: str, size: int, result: int) -> None:
    assert run(encode(name, rd=11, rs1=11), x11=BASE).x[11] == result
    assert memory.log == [("require_guest_access",), (kind, BASE, size)]


@pytest.mark.parametrize(("name", "size"), [("hsv.b", 1), ("hsv.h", 2), ("hsv.w", 4), ("hsv.d", 8)])
def test_guest_stores(memory: Memory, name: str, size: int) -> None:
    run(encode(name, rs1=11, rs2=12), x11=BASE, x12=0x1122_3344_5566_7788)
    assert memory.log == [("require_guest_access",), ("guest_store", BASE, size)]
    assert memory.read("", BASE, size) == 0x1122_3344_5566_7788 % (1 << 8 * size)


def test_h027_guest_accesses_are_refused_before_anything_else(memory: Memory) -> None:
    h = Hart()
    h.v = 1
    for name in ("hlv.b", "hlv.bu", "hlv.h", "hlv.hu", "hlvx.hu", "hlv.w", "hlv.wu", "hlvx.wu", "hlv.d"):
        with pytest.raises(Trap) as caught:
            run(encode(name, rd=10, rs1=11), h, x11=FAULT)
        assert caught.value.cause == Cause.VIRTUAL_INSTRUCTION
    for name in ("hsv.b", "hsv.h", "hsv.w", "hsv.d"):
        with pytest.raises(Trap) as caught:
            run(encode(name, rs1=11, rs2=12), h, x11=FAULT)
        assert caught.value.cause == Cause.VIRTUAL_INSTRUCTION
    assert set(memory.log) == {("require_guest_access",)}
