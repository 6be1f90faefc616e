# SPDX-License-Identifier: Apache-2.0
"""Zacas and Zabha: what is compared, stored and returned, alignment and permissions, on both engines."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from core.isa.decode import encode
from tests.support.engines import HIGHER, PAGE, RAM, SV39, Engines

CODE, DATA = RAM + 0x1000, RAM + 0x2040
ONES = (1 << 64) - 1
NOISE = bytes(range(0xC0, 0xE0))
SIZES = {"b": 1, "h": 2, "w": 4, "d": 8, "q": 16}
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x1234_5680, 0x8000_0000_0000_0000, ONES)


@pytest.fixture(scope="module")
def engines() -> Engines:
    """Both engines."""
    return Engines()


def signed(value: int, bits: int) -> int:
    """The low bits of a value as a signed number."""
    low = value & (1 << bits) - 1
    return low - (1 << bits) if low >> (bits - 1) else low


def execute(engines: Engines, word: int, memory: bytes, **registers: int) -> list[int]:
    """Run one instruction, `memory` being at DATA between other bytes that stay as they are; the registers after it."""
    engines.begin()
    engines.write(DATA - 16, NOISE[:16] + memory + NOISE[16:])
    engines.code(CODE, [word])
    h = engines.run(**registers)
    assert (h.pc, h.mcause) == (CODE + 4, 0)
    assert engines.machines[0].ram.read_bytes(DATA - 16, 16) == NOISE[:16]
    assert engines.machines[0].ram.read_bytes(DATA + len(memory), 16) == NOISE[16:]
    return [int(value) for value in h.x]


ABHA: dict[str, Callable[[int, int, int], int]] = {
    "amoswap": lambda old, new, bits: new,
    "amoadd": lambda old, new, bits: old + new,
    "amoxor": lambda old, new, bits: old ^ new,
    "amoand": lambda old, new, bits: old & new,
    "amoor": lambda old, new, bits: old | new,
    "amomin": lambda old, new, bits: min(signed(old, bits), signed(new, bits)),
    "amomax": lambda old, new, bits: max(signed(old, bits), signed(new, bits)),
    "amominu": lambda old, new, bits: min(old % (1 << bits), new % (1 << bits)),
    "amomaxu": lambda old, new, bits: max(old % (1 << bits), new % (1 << bits)),
}


@pytest.mark.parametrize("name", ABHA)
@pytest.mark.parametrize("suffix", ["b", "h"])
def test_narrow_operations(engines: Engines, name: str, suffix: str) -> None:
    """norm:Zabha_rd_sign_extension."""
    size, rng = SIZES[suffix], random.Random(name + suffix)
    word = encode(f"{name}.{suffix}", rd=10, rs1=11, rs2=12, aq=rng.getrandbits(1), rl=rng.getrandbits(1))
    for _ in range(12):
        old = rng.choice((*EDGES, rng.getrandbits(16))) % (1 << 8 * size)
        new = rng.choice((*EDGES, rng.getrandbits(64)))
        x = execute(engines, word, old.to_bytes(size, "little"), x10=ONES, x11=DATA, x12=new)
        assert x[10] == signed(old, 8 * size) & ONES
        assert engines.read(DATA, size) == ABHA[name](old, new, 8 * size) % (1 << 8 * size), f"{old:#x} {new:#x}"


@pytest.mark.parametrize("suffix", ["b", "h", "w", "d"])
def test_compare_and_swap(engines: Engines, suffix: str) -> None:
    """norm:Zacas_rv64_amocas-w_op, norm:Zacas_rv64_amocas-d_op, norm:Zabha_amocas-BH_ignore_bits."""
    size, rng = SIZES[suffix], random.Random(suffix)
    low = (1 << 8 * size) - 1
    word = encode(f"amocas.{suffix}", rd=10, rs1=11, rs2=12)
    for old in (*(edge & low for edge in EDGES), *(rng.getrandbits(8 * size) for _ in range(8))):
        new = rng.getrandbits(64)
        for compared, equal in (
            (old, True),
            (signed(old, 8 * size) & ONES, True),  # as an earlier load or compare-and-swap left it
            (old | rng.getrandbits(64) & ~low & ONES, True),
            (old ^ 1, False),
            (old ^ 1 << 8 * size - 1, False),
        ):
            x = execute(engines, word, old.to_bytes(size, "little"), x10=compared, x11=DATA, x12=new)
            assert x[10] == signed(old, 8 * size) & ONES
            assert engines.read(DATA, size) == (new & low if equal else old)


def test_compare_and_swap_of_16_bytes(engines: Engines) -> None:
    """norm:Zacas_rv64_amocas-q_op."""
    low, high, new_low, new_high = 0x1111_2222_3333_4444, 0x8888_9999_AAAA_BBBB, ONES, 0x0123_4567_89AB_CDEF
    memory = low.to_bytes(8, "little") + high.to_bytes(8, "little")
    word = encode("amocas.q", rd=10, rs1=14, rs2=12)
    for flip_low, flip_high in ((0, 0), (1, 0), (0, 1), (1 << 63, 1 << 63)):
        x = execute(engines, word, memory, x10=low ^ flip_low, x11=high ^ flip_high, x12=new_low, x13=new_high, x14=DATA)
        assert (x[10], x[11], x[12], x[13]) == (low, high, new_low, new_high)
        stored = (new_low, new_high) if flip_low == flip_high == 0 else (low, high)
        assert (engines.read(DATA), engines.read(DATA + 8)) == stored


def test_pairs_that_begin_with_x0(engines: Engines) -> None:
    """norm:Zacas_rv64_amocas-q_rs2_frst_reg_x0, norm:Zacas_rv64_amocas-q_rd_frst_reg_x0: x1 has no part in it."""
    memory = bytes(16)
    x = execute(engines, encode("amocas.q", rd=0, rs1=14, rs2=12), memory, x1=77, x12=5, x13=6, x14=DATA)
    assert (x[0], x[1], engines.read(DATA), engines.read(DATA + 8)) == (0, 77, 5, 6)
    x = execute(engines, encode("amocas.q", rd=0, rs1=14, rs2=12), b"\1" + bytes(15), x1=77, x12=5, x13=6, x14=DATA)
    assert (x[0], x[1], engines.read(DATA), engines.read(DATA + 8)) == (0, 77, 1, 0)
    x = execute(
        engines,
        encode("amocas.q", rd=10, rs1=14, rs2=0),
        b"\1" * 16,
        x1=77,
        x10=0x0101010101010101,
        x11=0x0101010101010101,
        x14=DATA,
    )
    assert (x[1], x[10], x[11], engines.read(DATA), engines.read(DATA + 8)) == (
        77,
        0x0101010101010101,
        0x0101010101010101,
        0,
        0,
    )


def test_the_address_may_be_in_a_pair(engines: Engines) -> None:
    memory = DATA.to_bytes(8, "little") + bytes(8)
    x = execute(engines, encode("amocas.q", rd=10, rs1=10, rs2=10), memory, x10=DATA, x11=0)
    assert (x[10], x[11], engines.read(DATA), engines.read(DATA + 8)) == (DATA, 0, DATA, 0)
    x = execute(engines, encode("amocas.d", rd=11, rs1=11, rs2=11), memory[:8], x11=DATA)
    assert (x[11], engines.read(DATA)) == (DATA, DATA)


def trap_of(engines: Engines, word: int, address: int, mode: str = "M", **slots: int) -> tuple[int, int]:
    """(mcause, mtval) of one instruction with all registers but the address 0; (0, 0) if it does not trap."""
    engines.begin(mode, **slots)
    engines.code(CODE, [word])
    h = engines.run(x11=address)
    return h.mcause, h.mtval


EVERY = [f"{name}.{suffix}" for name in (*ABHA, "amocas") for suffix in "bh"] + ["amocas.w", "amocas.d", "amocas.q"]


@pytest.mark.parametrize("name", EVERY)
def test_alignment(engines: Engines, name: str) -> None:
    """norm:Zacas_amocas_rs1_addr_alignment, norm:Zabha_rs1_align_addr: else address misaligned, even across pages."""
    size = SIZES[name[-1]]
    word = encode(name, rd=12, rs1=11, rs2=14)
    for address in (DATA + 1, DATA + 2, DATA + 4, DATA + 8, DATA + 16, DATA + 0xFBF):
        expected = (6, address) if address % size else (0, 0)
        assert trap_of(engines, word, address) == expected


@pytest.mark.parametrize("name", EVERY)
def test_write_permission_is_needed_whatever_happens(engines: Engines, name: str) -> None:
    """norm:Zacas_amocas_w_permission, and faults are those of stores."""
    word = encode(name, rd=12, rs1=11, rs2=14)
    assert trap_of(engines, word, 0x1000_0000)[0] == 7  # a device
    assert trap_of(engines, word, 0x40) == (7, 0x40)
    for bits, expected in ((0xC7, 0), (0xC3, 15), (0x07, 15), (0x47, 15), (0xC9, 15)):
        engines.begin("HS", satp=SV39)
        engines.map(DATA, bits)
        engines.write(DATA, b"\xff" * 16)
        engines.code(CODE, [word], HIGHER)
        h = engines.run(x11=PAGE + 0x40, x12=0)
        assert (h.mcause, h.mtval) == ((expected, PAGE + 0x40) if expected else (0, 0)), f"{bits:#x}"
        if expected or name.startswith("amocas"):
            assert engines.read(DATA) == ONES


@pytest.mark.parametrize("word", [0x28B5_C52F, 0x28C5_C5AF, 0x28D5_C5AF])
def test_odd_pairs_are_illegal(engines: Engines, word: int) -> None:
    """norm:Zacas_rv64_amocas-q_frst_pair_entry_reg_even."""
    assert trap_of(engines, word, DATA) == (2, word)
