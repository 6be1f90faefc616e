# SPDX-License-Identifier: Apache-2.0
"""How CSRs, walks, code and traps look: pure functions from values to text."""

from __future__ import annotations

import pytest

from cli.format import (
    clip,
    code_line,
    compress,
    csr_lines,
    csr_row,
    csr_summary,
    plural,
    pte_bits,
    register_lines,
    title,
    walk_lines,
    wrap_list,
)
from cli.remarks import remark, transformed
from core.csr.registry import CSRS_BY_NAME
from core.debug.lines import Line
from core.debug.walk import Walk, WalkStep


def test_a_csr_in_full() -> None:
    assert csr_lines(CSRS_BY_NAME["hideleg"], 0x404) == [
        "hideleg = 0x404   Hypervisor Interrupt Delegation: which VS-level interrupts a guest handles itself (CSR 0x603)",
        "     13  LCOFI  0  local counter overflow interrupt: not delegated",
        "     10  VSEI   1  virtual supervisor external interrupt: delegated",
        "      6  VSTI   0  virtual supervisor timer interrupt: not delegated",
        "      2  VSSI   1  virtual supervisor software interrupt: delegated",
        "  norm:hideleg_acc",
    ]


def test_fields_speak_in_words() -> None:
    text = "\n".join(csr_lines(CSRS_BY_NAME["hstatus"], 0x200000180, 200))
    assert "33:32  VSXL   2  RO    XLEN in VS-mode: 64" in text
    assert "7  SPV    1        virtualization mode before the trap into HS-mode: guest (V=1)" in text
    assert "VSSIP  1      virtual supervisor software interrupt: pending" in "\n".join(csr_lines(CSRS_BY_NAME["hip"], 4, 200))


@pytest.mark.parametrize("name", sorted(CSRS_BY_NAME))
@pytest.mark.parametrize("value", [0, (1 << 64) - 1])
def test_every_csr_fits_eighty_columns(name: str, value: int) -> None:
    csr = CSRS_BY_NAME[name]
    lines = csr_lines(csr, value, 80)
    assert all(len(line) <= 80 for line in lines[1 : 1 + len(csr.fields)])
    assert len(csr_row(csr, value, 80)) <= 80
    assert title(csr)[0] and not title(csr)[0].startswith(csr.name + ",")


def test_short_forms() -> None:
    hgatp = CSRS_BY_NAME["hgatp"]
    assert csr_summary(hgatp, 0x8000100000080304) == "MODE=Sv39x4 VMID=1 PPN=0x80304"
    assert csr_summary(hgatp, 0) == "MODE=Bare"
    assert csr_row(CSRS_BY_NAME["scause"], 10, 80, "environment call from VS-mode").split(maxsplit=2) == [
        "scause",
        "0xa",
        "environment call from VS-mode",
    ]
    assert compress(["a", "pmpaddr1", "pmpaddr2", "pmpaddr3", "pmpcfg2", "pmpcfg4", "b"]) == [
        "a",
        "pmpaddr1..3",
        "pmpcfg2",
        "pmpcfg4",
        "b",
    ]
    assert [plural(1, "bit"), plural(1200, "bit")] == ["1 bit", "1,200 bits"]
    assert clip("abcdef", 4) == "ab.."
    assert wrap_list(["aaaa"] * 5, 18, "  ") == ["  aaaa aaaa aaaa", "  aaaa aaaa"]


def test_pte_bits_as_the_manual_draws_them() -> None:
    assert pte_bits(0b11011011) == "DA-UX-RV"
    assert pte_bits(0) == "--------"


def step(stage: str, level: int, place: int, *, ok: bool = True) -> WalkStep:
    return WalkStep(stage, level, place, 0x20000CDF if ok else 0, "leaf" if ok else "V=0: not valid", ok, place)


def test_a_two_stage_walk_is_drawn_nested() -> None:
    steps = (step("G", 0, 0x1000), step("VS", 0, 0x2000), step("G", 0, 0x3000))
    assert walk_lines(Walk(steps, spa=0x5000, gpa=0x4000), two_stages=True) == [
        "  VS level 0: PTE 0x20000cdf at GPA 0x2000  DA-UXWRV",
        "    leaf",
        "      the entry itself, through the G-stage:",
        "        G level 0: PTE 0x20000cdf at 0x1000  DA-UXWRV",
        "          leaf",
        "  GPA 0x4000, through the G-stage:",
        "    G level 0: PTE 0x20000cdf at 0x3000  DA-UXWRV",
        "      leaf",
    ]


def test_a_fault_while_reading_a_guest_entry() -> None:
    walk = Walk((step("G", 2, 0x1000, ok=False),), fault="...", cause=21, fault_gpa=0x2000, implicit="read")
    assert walk_lines(walk, two_stages=True) == [
        "  VS: to read the next entry, through the G-stage:",
        "    G level 2: PTE 0x0 at 0x1000  --------  <-- fails",
        "      V=0: not valid",
    ]


def test_code_lines() -> None:
    line = Line(0x80200000, 0x4505, 2, "li a0,1", "start")
    assert code_line(line, at_pc=True) == "=> 0x80200000 <start>                 4505      li a0,1"
    assert code_line(line, at_pc=False, width=40) == "   0x80200000: li a0,1"


@pytest.mark.parametrize(("width", "rows"), [(120, 1), (80, 2), (30, 4)])
def test_registers_in_columns(width: int, rows: int) -> None:
    lines = register_lines([("ra", 1), ("sp", 2), ("gp", 3), ("tp", 4)], width, {})
    assert len(lines) == rows
    assert all(len(line) <= width for line in lines)


def near(address: int) -> str | None:
    return "trap_vector" if address == 0x80200100 else None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("scause", 21, "load guest-page fault"),
        ("vscause", 1 << 63 | 5, "supervisor timer interrupt"),
        ("stvec", 0x80200101, "trap_vector"),
        ("htval", 0x10000000, "guest physical address 0x40000000"),
        ("hgatp", 0x8000100000080304, "root page table at 0x80304000"),
        ("satp", 0, ""),
        ("sscratch", 5, ""),
    ],
)
def test_remarks(name: str, value: int, words: str) -> None:
    assert remark(name, value, near) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "no information"),
        (0x3000, "implicit read of a VS-stage page-table entry"),
        (0x3020, "implicit write (A/D update) of a VS-stage page-table entry"),
        (0x00003503, "ld to x10"),
        (0x00003501, "ld to x10, was 16 bits long"),
        (0x00A03023, "sd from x10"),
        (0x00A5252F, "atomic memory operation on a word, operand x10, result x10"),
    ],
)
def test_transformed_instructions(value: int, words: str) -> None:
    assert transformed(value) == words
