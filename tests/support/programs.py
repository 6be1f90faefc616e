# SPDX-License-Identifier: Apache-2.0
"""Random programs: where they lie, the numbers they work on, and their instructions.

Everything is drawn from a `random.Random` given by the caller, so a seed makes the same program again.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Mapping

from core.csr.registry import CSRS_BY_ADDRESS
from core.isa.decode import encode
from core.isa.encoding import BY_NAME, COMPRESSED, COMPRESSED_BY_NAME, INSTRUCTIONS, Compressed, Instruction

PAGE = 4096
MASK = (1 << 64) - 1
MEMORY = 4 << 20
"""Bytes of RAM; the device tree takes the upper half."""
RAM = 0x8000_0000
CODE, CODE_PAGES = RAM, 8
"""Profiles may use fewer of these pages."""
HANDLER = RAM + 0x1_0000
RNMI_HANDLER = HANDLER + 0x200
DATA, DATA_PAGES = RAM + 0x2_0000, 8
TABLES, TABLE_PAGES = RAM + 0x4_0000, 160
RAM_END = RAM + MEMORY
LOW_VIEW = 0x4000_0000
HIGH_VIEW = 0xFFFF_FFFF_C000_0000
"""Other virtual addresses of the pages of code and data: there, offset in RAM by offset in RAM."""
DEVICE_PAGES = (
    0x0010_1000, 0x0200_0000, 0x0200_4000, 0x0200_B000, 0x0C00_0000, 0x0C00_1000, 0x0C00_2000, 0x0C20_0000, 0x0C20_1000,
    0x1000_0000, 0x1000_1000, 0x1000_2000,
)  # fmt: skip
"""Pages with registers of devices that page tables map."""
NOWHERE = (0, 0x2000_0000, RAM - 4, RAM_END - 4, RAM_END, 1 << 40, (1 << 38) - 4, (1 << 56) - 8, MASK - 3)

CODE_REGISTERS = (1, 5, 6, 7)
"""Registers that often hold addresses of code."""
POINTERS = (2, 8, 9, 10, 11, 12, 13, 14, 15)
"""Registers that often hold addresses of anything; compressed loads and stores reach most of them."""
CSR_REGISTERS = (16, 17, 18, 19, 20)
"""Registers that often hold values fit for CSRs."""
ENTRY_REGISTERS = (21, 22, 23)
"""Registers that often hold page-table entries."""
SCRATCH_REGISTERS: tuple[int, ...] = (0, 3, 4, *range(16, 32))
"""Registers that results mostly go to, so that pointers last for a while."""
LABEL = 0xFFFF_F000
"""Bits of a landing pad, and of x7, that have the label."""
TRANSLATION_CSRS = (0x180, 0x280, 0x680, 0x100, 0x200, 0x300, 0x3A0, 0x3B0)
"""CSRs that decide on translation and protection."""


class Draw:
    """Draws numbers. pages: of code; paging: whether the other views of memory exist."""

    def __init__(self, rng: random.Random, pages: int, paging: bool) -> None:
        self.rng, self.pages = rng, pages
        self.views = (0, LOW_VIEW - RAM, HIGH_VIEW - RAM) if paging else (0,)
        self.translations: list[int] = []
        """Values for satp, vsatp and hgatp with page tables behind them."""
        self.leaves: list[int] = []
        """Addresses of page-table entries."""
        self.entries: list[int] = []
        """Page-table entries."""
        self.registers: list[list[int]] = [list(DEVICE_PAGES)]
        """Addresses of device registers, by device."""
        self.nearest = False
        """Whether instructions leave rounding to fcsr, or round to nearest or to zero."""
        self.devices = 0.08
        """How many addresses are of device registers."""
        self.near = CODE
        """Physical address near which code is executed now."""

    def integer(self) -> int:
        """A 64-bit number, often one at which arithmetic goes wrong."""
        rng = self.rng
        bit = rng.randrange(64)
        if rng.random() < 0.6:
            return rng.choice((0, 1, MASK, 1 << bit, (1 << bit) - 1, -(1 << bit), rng.randrange(-16, 17))) & MASK
        narrow = rng.choice((rng.getrandbits(32), rng.getrandbits(31) - (1 << 31), 0x0101_0101_0101_0101 * bit))
        return rng.choice((rng.getrandbits(64), narrow)) & MASK

    def number(self) -> int:
        """What a floating-point register holds: a boxed number of some format, often a special one, or anything."""
        rng = self.rng
        bits, exponent = rng.choice(((16, 5), (32, 8), (32, 8), (64, 11), (64, 11)))
        fraction = bits - 1 - exponent
        top, middle = (1 << exponent) - 1, (1 << (exponent - 1)) - 1
        power = rng.choice(
            (0, 0, 1, top, top, top - 1, middle, middle + rng.randrange(-3, 70) % middle, rng.getrandbits(exponent))
        )
        if self.nearest and rng.random() < 0.7:
            power = middle + rng.randrange(-9, 10)
        digits = rng.choice((0, 0, 1, (1 << fraction) - 1, 1 << (fraction - 1), rng.getrandbits(fraction)))
        value = rng.getrandbits(1) << (bits - 1) | power << fraction | digits
        boxed = value | MASK << bits & MASK
        return rng.choice((boxed, boxed, boxed, value, self.integer()))

    def offset(self) -> int:
        """An offset in a page, often near its end."""
        where = self.rng.random()
        if where < 0.25:
            return self.rng.randrange(PAGE - 12, PAGE)
        return self.rng.randrange(PAGE) & (-8 if where < 0.8 else -1)

    def viewed(self, spa: int) -> int:
        """A virtual address of a physical one."""
        return spa + self.rng.choice(self.views)

    def code(self) -> int:
        """A physical address of code, even, often at the end of a page."""
        near = self.rng.choice((PAGE - 2, PAGE - 4, PAGE - 6, PAGE - 8))
        inside = near if self.rng.random() < 0.3 else self.rng.randrange(0, PAGE, 2)
        return CODE + PAGE * self.rng.randrange(self.pages) + inside

    def address(self) -> int:
        """An address of something or nothing."""
        rng = self.rng
        if rng.random() < self.devices:
            return rng.choice(rng.choice(self.registers)) + rng.choice((0, 0, 0, 1, 4)) & MASK
        what = rng.random()
        if what < 0.65:
            tag = rng.getrandbits(rng.choice((7, 16))) if rng.random() < 0.1 else 0
            place = self.viewed(DATA + PAGE * rng.randrange(DATA_PAGES) + self.offset())
            return place ^ tag << (64 - tag.bit_length()) & MASK  # for pointer masking
        if what < 0.75:
            return self.viewed(self.code())
        if what < 0.83:
            return self.viewed(self.near) + rng.randrange(64) & MASK
        if what < 0.92:
            return rng.choice(self.leaves) if self.leaves else self.viewed(self.code())
        return rng.choice(NOWHERE) + rng.randrange(-8, 9) & MASK

    def translation(self) -> int:
        """A value for satp, vsatp or hgatp: mostly a good one, or mode, ASID or VMID, root anywhere among the tables."""
        if self.translations and self.rng.random() < 0.8:
            return self.rng.choice(self.translations)
        mode = self.rng.choice((0, 8, 8, 9, 10, self.rng.randrange(16)))
        return mode << 60 | self.rng.randrange(3) << 44 | (TABLES >> 12) + self.rng.randrange(TABLE_PAGES)

    def csr_value(self) -> int:
        """A value to write to some CSR."""
        rng = self.rng
        what = rng.random()
        if what < 0.3:
            return rng.getrandbits(64) & rng.getrandbits(64)
        if what < 0.45:
            return self.translation()
        if what < 0.7:
            return self.viewed(rng.choice((HANDLER, HANDLER + 0x100, self.code(), self.code()))) | rng.randrange(2)
        return rng.randrange(0, 4096) if what < 0.8 else self.integer()

    def csr_address(self) -> int:
        """The address of a CSR, or sometimes of none."""
        if self.rng.random() < (0.3 if len(self.views) > 1 else 0.05):
            return self.rng.choice(TRANSLATION_CSRS)
        return self.rng.choice(tuple(CSRS_BY_ADDRESS)) if self.rng.random() < 0.85 else self.rng.randrange(4096)

    def register(self, number: int) -> int:
        """A value for an integer register, fit for what instructions here use it for."""
        if self.rng.random() < 0.15:
            return self.integer()
        if number in CODE_REGISTERS:
            return self.viewed(self.code())
        if number in POINTERS:
            return self.address()
        if number in ENTRY_REGISTERS and self.entries:
            return self.rng.choice(self.entries) ^ self.rng.choice((0, 0, 1 << self.rng.randrange(10)))
        return self.csr_value() if number in CSR_REGISTERS else self.integer()


KINDS = {
    0x03: "load", 0x07: "load", 0x23: "store", 0x27: "store", 0x2F: "atomic", 0x0F: "fence",
    0x63: "branch", 0x6F: "jump", 0x67: "jump", 0x73: "system",
    0x43: "float", 0x47: "float", 0x4B: "float", 0x4F: "float", 0x53: "float",
}  # fmt: skip
"""What an instruction is about, by its opcode; all others compute."""


def kind_of(record: Instruction | Compressed) -> str:
    """One of the values of KINDS, or "compute"; of the system instructions, "csr" those that name a CSR, "guest" those
    that reach into a guest."""
    base = record.base if isinstance(record, Compressed) else record
    if any(field.name == "csr" for field in base.fields):
        return "csr"
    if base.match & 0x707F == 0x4073:
        return "guest"
    return KINDS.get(base.match & 0x7F, "compute")


BY_KIND: dict[str, list[Instruction | Compressed]] = {}
_ALL: list[Instruction | Compressed] = [*INSTRUCTIONS, *COMPRESSED]
for _record in _ALL:
    BY_KIND.setdefault(kind_of(_record), []).append(_record)


def records(kind: str) -> list[Instruction | Compressed]:
    """The instructions of a kind, or the one with this name."""
    return BY_KIND[kind] if kind in BY_KIND else [BY_NAME.get(kind) or COMPRESSED_BY_NAME[kind]]


class Writer(Draw):
    """Draws instructions."""

    def operand(self, kind: str, name: str) -> int | None:
        """A value for an operand where any value would mostly lead nowhere; None: any."""
        rng = self.rng
        if name == "csr":
            return self.csr_address()
        if rng.random() < 0.1:
            return None
        if name == "rs1":
            return rng.choice(CODE_REGISTERS if kind == "jump" else CSR_REGISTERS if kind == "csr" else POINTERS)
        if name == "rm" and kind == "float":
            return rng.choice((0, 1, 7, 7))
        if name == "imm":
            return 2 * rng.randrange(-5, 40) if kind in ("branch", "jump") else rng.randrange(-9, 10)
        if name == "rs2" and kind == "store" and rng.random() < 0.2:
            return rng.choice(ENTRY_REGISTERS)
        if name == "rd" and kind not in ("branch", "jump"):
            return rng.choice(SCRATCH_REGISTERS)
        return None

    def instruction(self, record: Instruction | Compressed) -> bytes:
        """A random case of an instruction."""
        bits = 16 if isinstance(record, Compressed) else 32
        kind = kind_of(record)
        word = record.match | (self.rng.getrandbits(bits) & ~record.mask)
        for field in record.fields:
            near = self.nearest and field.name == "rm"
            value = self.operand(kind, field.name) if kind not in ("compute", "float") or field.name == "rd" or near else None
            if value is not None:
                with contextlib.suppress(ValueError):
                    word = (word & ~field.mask | field.insert(value)) & ~record.mask | record.match
        if isinstance(record, Compressed) and not record.matches(word):
            return self.instruction(record)
        if record.name == "lpad":  # labels as x7 has them, which often holds an address of code
            word = record.match | self.rng.choice((0, 0, self.viewed(self.code()) & LABEL, word & LABEL))
        return word.to_bytes(bits // 8, "little")

    def raw(self) -> bytes:
        """Random bits that decode as something of 16 or 32 bits, legal or not."""
        rng = self.rng
        if rng.random() < 0.5:
            return (rng.getrandbits(16) & ~3 | rng.randrange(3)).to_bytes(2, "little")
        word = rng.getrandbits(32) | 3
        if rng.random() < 0.7:
            word = word & ~0x7F | rng.choice(INSTRUCTIONS).match & 0x7F
        return word.to_bytes(4, "little")

    def vocabulary(self, weights: Mapping[str, int], count: int) -> list[bytes]:
        """`count` random instructions, kinds as often as the weights say ("raw" for random bits)."""
        kinds = self.rng.choices(list(weights), list(weights.values()), k=count)
        return [self.raw() if kind == "raw" else self.instruction(self.rng.choice(records(kind))) for kind in kinds]

    def stream(self, words: list[bytes], length: int) -> bytes:
        """`length` bytes of code out of a vocabulary."""
        return b"".join(self.rng.choices(words, k=length // 2))[:length]


def handler(level: str) -> bytes:
    """A trap handler of "m", "s" or "mn" (RNMIs) that goes on behind the instruction, if that has 32 bits.

    It spares all registers.
    """
    scratch, epc = {"m": (0x340, 0x341), "s": (0x140, 0x141), "mn": (0x740, 0x741)}[level]
    words = (
        encode("csrrw", rd=5, rs1=5, csr=scratch),
        encode("csrrs", rd=5, rs1=0, csr=epc),
        encode("addi", rd=5, rs1=5, imm=4),
        encode("csrrw", rd=0, rs1=5, csr=epc),
        encode("csrrw", rd=5, rs1=5, csr=scratch),
        encode(f"{level}ret"),
    )
    return b"".join(word.to_bytes(4, "little") for word in words)
