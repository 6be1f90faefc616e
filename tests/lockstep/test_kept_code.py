# SPDX-License-Identifier: Apache-2.0
"""What the native engine keeps of instructions must go when memory, translation or protection changes.

Each case is one that random programs meet too seldom. The machines run in M-mode without firmware.
"""

from __future__ import annotations

import pytest

from core.csr.registry import write_csr
from core.hart import Hart
from core.isa.decode import encode
from core.mmu.tlb import flush_all
from tests.support.lockstep import Lockstep
from tests.support.programs import CODE, DATA, HANDLER, PAGE, TABLES
from tests.support.programs_profile import Profile, lockstep

V, R, W, X, A, D = 1, 2, 4, 8, 64, 128
LEAF = V | R | W | X | A | D
SV39 = 8
ROOT, MIDDLE, LAST = TABLES, TABLES + PAGE, TABLES + 2 * PAGE
ADD1, ADD16, ADD256 = (encode("addi", rd=15, rs1=15, imm=number) for number in (1, 16, 256))
RETURN = encode("jalr", rd=0, rs1=1)
CALL = encode("jalr", rd=1, rs1=10)
STORE = encode("sw", rs1=10, rs2=11)
A5 = 15


def words(*instructions: int) -> bytes:
    """Instructions of 32 bits as they stand in memory."""
    return b"".join(word.to_bytes(4, "little") for word in instructions)


def machines(harts: int = 1) -> Lockstep:
    """Machines with everything zero, all memory open to all modes."""
    lock = lockstep(Profile("kept code", harts=harts))
    for hart in range(harts):
        poke(lock, hart, pmpaddr15=(1 << 54) - 1, pmpcfg2=0x1F << 56, mtvec=HANDLER, stvec=HANDLER)
    return lock


def poke(lock: Lockstep, hart: int = 0, mode: int = 3, **values: int) -> None:
    """Set mode, pc, integer registers (x1 ...) and CSRs by name."""

    def write(h: Hart) -> None:
        h.mode = mode
        for name, value in values.items():
            if name == "pc":
                h.pc = value
            elif name[0] == "x" and name[1:].isdigit():
                h.x[int(name[1:])] = value
            else:
                write_csr(h, name, value)
        flush_all(h)

    lock.change(write, hart)


def put(lock: Lockstep, slot: int, pte: int) -> None:
    """Store a page-table entry."""
    lock.write(slot, pte.to_bytes(8, "little"))


def entry(spa: int, flags: int = V) -> int:
    """A page-table entry."""
    return spa >> 12 << 10 | flags


def map_first_pages(lock: Lockstep, *pages: int) -> int:
    """Sv39 tables that map these pages from virtual address 0 on; returns the value for satp."""
    put(lock, ROOT, entry(MIDDLE))
    put(lock, MIDDLE, entry(LAST))
    for number, page in enumerate(pages):
        put(lock, LAST + 8 * number, entry(page, LEAF))
    return SV39 << 60 | ROOT >> 12


def test_page_written_before_it_is_code() -> None:
    lock = machines()
    lock.write(CODE, words(STORE, CALL, encode("sw", rs1=10, rs2=12), CALL))
    lock.write(DATA, words(0, RETURN))
    poke(lock, pc=CODE, x10=DATA, x11=ADD1, x12=ADD16)
    lock.run(8)
    assert lock.reference.harts[0].x[A5] == 17


def test_page_that_another_hart_executes() -> None:
    lock = machines(2)
    lock.write(CODE, words(STORE, STORE, encode("sw", rs1=10, rs2=12)))
    lock.write(DATA, words(0, RETURN))
    poke(lock, 0, pc=CODE, x10=DATA, x11=ADD1, x12=ADD16)
    poke(lock, 1, pc=DATA, x1=DATA)
    lock.run(2, 0)
    lock.run(2, 1)
    lock.run(1, 0)
    lock.run(2, 1)
    assert lock.reference.harts[1].x[A5] == 17


@pytest.mark.parametrize("way", ["h.pc in the page", "jump into the page"])
def test_protection_within_a_page(way: str) -> None:
    """The upper half of the page may not be executed below M-mode, where it has been executed before."""
    lock = machines()
    lock.write(DATA, words(encode("jalr", rd=0, rs1=10)))
    lock.write(CODE + 2032, words(ADD1, ADD1, ADD1, ADD1, ADD16, ADD16))
    napot = (CODE + 2048) >> 2 | (2048 >> 3) - 1
    poke(lock, pc=CODE + 2032, pmpaddr0=napot, pmpcfg0=0x1B)
    lock.run(6)
    poke(lock, mode=0, pc=CODE + 2032 if way.startswith("h.pc") else DATA, x10=CODE + 2032)
    lock.run(5 + way.startswith("jump"))
    hart = lock.reference.harts[0]
    assert (hart.x[A5], hart.mcause, hart.mepc) == (40, 1, CODE + 2048)


def test_page_table_entry_executed() -> None:
    """A walk sets A and D in an entry whose bits have been executed, which is told by mtval."""
    lock = machines()
    satp = map_first_pages(lock, DATA)
    put(lock, LAST, entry(DATA, V | R | W))
    raw = entry(DATA, V | R | W) & 0xFFFF_FFFF  # a floating-point load, while the unit is off
    poke(lock, pc=LAST, menvcfg=1 << 61)
    lock.run(1)
    assert (lock.reference.harts[0].mcause, lock.reference.harts[0].mtval) == (2, raw)
    lock.write(CODE, words(STORE))
    mprv_as_s = 1 << 17 | 1 << 11
    poke(lock, pc=CODE, satp=satp, mstatus=mprv_as_s)
    lock.run(1)
    poke(lock, pc=LAST)
    lock.run(1)
    assert lock.reference.harts[0].mtval == raw | A | D


def test_other_page_tables_in_mid_run() -> None:
    """satp changes, and the page that is being executed is another one from the next instruction on."""
    lock = machines()
    first = map_first_pages(lock, CODE)
    second = SV39 << 60 | 1 << 44 | (TABLES + 4 * PAGE) >> 12
    put(lock, TABLES + 4 * PAGE, entry(TABLES + 5 * PAGE))
    put(lock, TABLES + 5 * PAGE, entry(TABLES + 6 * PAGE))
    put(lock, TABLES + 6 * PAGE, entry(DATA, LEAF))
    lock.write(CODE, words(ADD1, encode("csrrw", rd=0, rs1=10, csr=0x180), ADD1, ADD1))
    lock.write(DATA, words(ADD16, ADD16, ADD16, ADD16))
    for satp in (first, second):  # the first time all of the page gets decoded
        poke(lock, mode=1, pc=0, satp=first, x10=satp, x15=0)
        lock.run(4)
    assert lock.reference.harts[0].x[A5] == 33


@pytest.mark.parametrize("fence", [True, False])
def test_page_remapped_while_executed(fence: bool) -> None:
    """An entry of the page being executed changes: with a fence the next instruction comes from the new page."""
    lock = machines()
    satp = map_first_pages(lock, CODE, LAST)
    middle = encode("sfence.vma") if fence else ADD256
    lock.write(CODE, words(ADD1, encode("sd", rs1=10, rs2=11), middle, ADD1, ADD1))
    lock.write(DATA, words(*[ADD16] * 5))
    for page in (CODE, DATA):  # the first time all of the page gets decoded
        poke(lock, mode=1, pc=0, satp=satp, x10=PAGE, x11=entry(page, LEAF), x15=0)
        lock.run(5)
    assert lock.reference.harts[0].x[A5] == (33 if fence else 259)


def test_second_page_of_an_instruction_remapped() -> None:
    """An instruction across two pages is looked at anew each time."""
    lock = machines()
    satp = map_first_pages(lock, CODE, CODE + PAGE, LAST)
    add = words(ADD1)
    lock.write(CODE + PAGE - 2, add[:2])
    lock.write(CODE + PAGE, add[2:] + words(encode("sd", rs1=10, rs2=11), encode("sfence.vma"), CALL))
    lock.write(DATA, words(ADD16)[2:] + words(encode("jalr", rd=0, rs1=13)))
    poke(lock, mode=1, pc=PAGE - 2, satp=satp, x10=2 * PAGE + 8, x11=entry(DATA, LEAF))
    lock.run(3)
    poke(lock, mode=1, pc=PAGE - 2)
    lock.run(1)
    assert lock.reference.harts[0].x[A5] == 17


def test_instructions_of_h_where_one_hart_has_cleared_h() -> None:
    """misa.H belongs to a hart, decoded instructions to the machine."""
    lock = machines(2)
    lock.write(CODE, words(encode("hlv.d", rd=15, rs1=10)))
    lock.write(DATA, (5).to_bytes(8, "little"))
    poke(lock, 0, pc=CODE, misa=0, x10=DATA)
    poke(lock, 1, pc=CODE, x10=DATA)
    lock.run(1, 0)
    lock.run(1, 1)
    assert [(h.mcause, h.x[A5]) for h in lock.reference.harts] == [(2, 0), (0, 5)]
