# SPDX-License-Identifier: Apache-2.0
"""Random programs: where they lie, the numbers they work on, and their instructions.

Everything is drawn from a `random.Random` given by the caller, so a seed makes the same program again.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from core.csr.registry import CSRS_BY_ADDRESS
from core.isa.decode import encode
from core.isa.encoding import COMPRESSED, INSTRUCTIONS, Compressed, Instruction

PAGE = 4096
MASK = (1 << 64) - 1
MEMORY = 4 << 20
"""Bytes of RAM; the device tree takes the upper half."""
RAM = 0x8000_0000
CODE, CODE_PAGES = RAM, 8
HANDLER = RAM + 0x1_0000
DATA, DATA_PAGES = RAM + 0x2_0000, 8
TABLES, TABLE_PAGES = RAM + 0x4_0000, 160
RAM_END = RAM + MEMORY
LOW_VIEW = 0x4000_0000
HIGH_VIEW = 0xFFFF_FFFF_C000_0000
"""Other virtual addresses of the pages of code and data: there, offset in RAM by offset in RAM."""
REGISTERS = (
    0x1000_0000, 0x1000_0001, 0x1000_0002, 0x1000_0003, 0x1000_0004, 0x1000_0005, 0x1000_0007,
    0x0200_0000, 0x0200_4000, 0x0200_BFF8,
    0x0C00_0000 + 40, 0x0C00_1000, 0x0C00_2000, 0x0C00_2080, 0x0C20_0000, 0x0C20_0004, 0x0C20_1004,
    0x0010_1000, 0x0010_1004, 0x0010_1008, 0x0010_1010,
)  # fmt: skip
"""Registers of devices: UART, CLINT, PLIC, RTC."""
DEVICE_PAGES = sorted({address & -PAGE for address in REGISTERS})
NOWHERE = (0, 0x2000_0000, RAM - 4, RAM_END - 4, RAM_END, 1 << 40, (1 << 38) - 4, (1 << 56) - 8, MASK - 3)

CODE_REGISTERS = (1, 5, 6, 7)
"""Registers that often hold addresses of code."""
POINTERS = (2, 8, 9, 10, 11, 12, 13, 14, 15)
"""Registers that often hold addresses of anything; compressed loads and stores reach most of them."""
CSR_REGISTERS = (16, 17, 18, 19, 20)
"""Registers that often hold values fit for CSRs."""


def integer(rng: random.Random) -> int:
    """A 64-bit number, often one at which arithmetic goes wrong."""
    bit = rng.randrange(64)
    return (
        rng.choice((0, 1, MASK, 1 << bit, (1 << bit) - 1, -(1 << bit), rng.randrange(-16, 17)))
        if rng.random() < 0.6
        else rng.choice((rng.getrandbits(64), rng.getrandbits(32), rng.getrandbits(31) - (1 << 31), 0x0101_0101_0101_0101 * bit))
    ) & MASK


def offset(rng: random.Random) -> int:
    """An offset in a page, often near its end."""
    where = rng.random()
    if where < 0.3:
        return rng.randrange(PAGE - 12, PAGE)
    return rng.randrange(PAGE) & (-8 if where < 0.7 else -1)


def viewed(rng: random.Random, spa: int) -> int:
    """A virtual address of a physical one."""
    return rng.choice((spa, spa, spa - RAM + LOW_VIEW, spa - RAM + HIGH_VIEW))


def code_address(rng: random.Random) -> int:
    """A physical address of code, even, often at the end of a page."""
    end = rng.choice((PAGE - 2, PAGE - 4, PAGE - 6, PAGE - 8))
    return CODE + PAGE * rng.randrange(CODE_PAGES) + (end if rng.random() < 0.3 else rng.randrange(0, PAGE, 2))


def address(rng: random.Random) -> int:
    """An address of something or nothing."""
    what = rng.random()
    if what < 0.5:
        return viewed(rng, DATA + PAGE * rng.randrange(DATA_PAGES) + offset(rng))
    if what < 0.7:
        return viewed(rng, code_address(rng))
    if what < 0.8:
        return viewed(rng, TABLES + PAGE * rng.randrange(TABLE_PAGES) + 8 * rng.randrange(512))
    if what < 0.92:
        return rng.choice(REGISTERS)
    return rng.choice(NOWHERE) + rng.randrange(-8, 9) & MASK


def translation(rng: random.Random) -> int:
    """A value for satp, vsatp or hgatp: mode, ASID or VMID, root anywhere among the tables."""
    mode = rng.choice((0, 8, 8, 9, 10, rng.randrange(16)))
    return mode << 60 | rng.randrange(3) << 44 | (TABLES >> 12) + rng.randrange(TABLE_PAGES)


def csr_value(rng: random.Random) -> int:
    """A value to write to some CSR."""
    what = rng.random()
    if what < 0.3:
        return rng.getrandbits(64) & rng.getrandbits(64)
    if what < 0.45:
        return translation(rng)
    if what < 0.7:
        return viewed(rng, rng.choice((HANDLER, HANDLER + 0x100, code_address(rng)))) | rng.randrange(2)
    if what < 0.8:
        return rng.randrange(0, 4096)
    return integer(rng)


def csr_address(rng: random.Random) -> int:
    """The address of a CSR, or sometimes of none."""
    return rng.choice(tuple(CSRS_BY_ADDRESS)) if rng.random() < 0.85 else rng.randrange(4096)


def register_value(rng: random.Random, register: int) -> int:
    """A value for an integer register, fit for what instructions here use it for."""
    if rng.random() < 0.2:
        return integer(rng)
    if register in CODE_REGISTERS:
        return viewed(rng, code_address(rng))
    if register in POINTERS:
        return address(rng)
    return csr_value(rng) if register in CSR_REGISTERS else integer(rng)


KINDS = {
    0x03: "load", 0x07: "load", 0x23: "store", 0x27: "store", 0x2F: "atomic", 0x0F: "fence",
    0x63: "branch", 0x6F: "jump", 0x67: "jump", 0x73: "system",
}  # fmt: skip
"""What an instruction is about, by its opcode; all others compute."""


def kind_of(record: Instruction | Compressed) -> str:
    """One of the values of KINDS, or "compute"; "csr" for those of the system instructions that name a CSR."""
    base = record.base if isinstance(record, Compressed) else record
    if any(field.name == "csr" for field in base.fields):
        return "csr"
    return KINDS.get(base.match & 0x7F, "compute")


BY_KIND: dict[str, list[Instruction | Compressed]] = {}
for _record in (*INSTRUCTIONS, *COMPRESSED):
    BY_KIND.setdefault(kind_of(_record), []).append(_record)


def operand(rng: random.Random, kind: str, name: str) -> int | None:
    """A value for an operand where any value would mostly lead nowhere; None: any."""
    if name == "csr":
        return csr_address(rng)
    if rng.random() < 0.2:
        return None
    if name == "rs1":
        return rng.choice(CODE_REGISTERS if kind == "jump" else CSR_REGISTERS if kind == "csr" else POINTERS)
    if name == "imm":
        return 2 * rng.randrange(-60, 60) if kind in ("branch", "jump") else rng.randrange(-9, 10)
    return None


def instruction(rng: random.Random, record: Instruction | Compressed) -> bytes:
    """A random case of an instruction."""
    bits = 16 if isinstance(record, Compressed) else 32
    kind = kind_of(record)
    word = record.match | (rng.getrandbits(bits) & ~record.mask)
    if kind != "compute":
        for field in record.fields:
            value = operand(rng, kind, field.name)
            if value is not None:
                try:
                    word = (word & ~field.mask) | field.insert(value)
                except ValueError:
                    continue
    if isinstance(record, Compressed) and not record.matches(word):
        return instruction(rng, record)
    return word.to_bytes(bits // 8, "little")


def raw(rng: random.Random) -> bytes:
    """Random bits that decode as something of 16 or 32 bits, legal or not."""
    if rng.random() < 0.5:
        return (rng.getrandbits(16) & ~3 | rng.randrange(3)).to_bytes(2, "little")
    word = rng.getrandbits(32) | 3
    if rng.random() < 0.7:
        word = word & ~0x7F | rng.choice(INSTRUCTIONS).match & 0x7F
    return word.to_bytes(4, "little")


def vocabulary(rng: random.Random, weights: Mapping[str, int], count: int) -> list[bytes]:
    """`count` random instructions, kinds as often as the weights say ("raw" for random bits)."""
    kinds = rng.choices(list(weights), list(weights.values()), k=count)
    return [raw(rng) if kind == "raw" else instruction(rng, rng.choice(BY_KIND[kind])) for kind in kinds]


def stream(rng: random.Random, words: list[bytes], length: int) -> bytes:
    """`length` bytes of code out of a vocabulary."""
    return b"".join(rng.choices(words, k=length // 2))[:length]


def handler(level: str) -> bytes:
    """A trap handler of "m" or "s" that goes on behind the instruction, if that has 32 bits; it spares all registers."""
    scratch, epc = {"m": (0x340, 0x341), "s": (0x140, 0x141)}[level]
    words = (
        encode("csrrw", rd=5, rs1=5, csr=scratch),
        encode("csrrs", rd=5, rs1=0, csr=epc),
        encode("addi", rd=5, rs1=5, imm=4),
        encode("csrrw", rd=0, rs1=5, csr=epc),
        encode("csrrw", rd=5, rs1=5, csr=scratch),
        encode("mret" if level == "m" else "sret"),
    )
    return b"".join(word.to_bytes(4, "little") for word in words)
