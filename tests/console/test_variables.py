# SPDX-License-Identifier: Apache-2.0
"""Variables by their types: bit-fields, arrays, unions, enumerations, and their values in expressions and conditions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.debug.target import Debugger, StopKind
from tests.console.driver import Typist, machine
from tests.unit.test_examples_build import CROSS, require, run

SOURCE = """
typedef unsigned long u64;
enum colour { RED, GREEN = 5, BLUE };
struct pte { u64 v : 1, r : 1, w : 1, x : 1; u64 rsw : 2; u64 ppn : 44; int low : 3; };
union word { u64 whole; struct { unsigned lo, hi; } half; };
struct node {
    struct node *next; const char *name; enum colour colour; short grid[2][3]; union word word; struct pte pte;
    float f; double d; _Bool on; char letter; struct { int x, y; }; void (*call)(void);
};
struct node second = {
    0, "second", BLUE, {{1, 2, 3}, {-4, 5, 6}}, {0x100000002UL}, {.v = 1, .x = 1, .ppn = 0x80205, .low = -2},
    1.5f, -0.25, 1, 'Q', {7, -8}, 0,
};
struct node first = {&second, "first", GREEN};
struct pte table[4] = {[2] = {.ppn = 9}};
int big[100];
void _start(void) { for (;;) __asm__ volatile("" ::"r"(&first), "r"(table), "r"(big)); }
"""
FLAGS = "-march=rv64imac -mabi=lp64 -mcmodel=medany -gdwarf-5 -O1 -nostdlib -Wl,-Ttext=0x80200000 -Wl,--no-warn-rwx-segments"


@pytest.fixture(scope="module")
def typist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typist]:
    """A console on the program above, at reset."""
    require(f"{CROSS}gcc", "gcc-riscv64-unknown-elf")
    folder: Path = tmp_path_factory.mktemp("variables")
    (folder / "types.c").write_text(SOURCE)
    run(f"{CROSS}gcc", *FLAGS.split(), "-o", str(folder / "types.elf"), str(folder / "types.c"))
    debugger = machine(file=folder / "types.elf")
    yield Typist(debugger)
    debugger.close()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("first.next->pte.ppn", "(long unsigned int) 0x80205"),
        ("first.next->pte.low", "(int) -2"),
        ("first.next->pte.x", "(long unsigned int) 1"),
        ("first.next->grid", "(short int[2][3]) {{1, 2, 3}, {-4, 5, 6}}"),
        ("first.next->grid[1]", "(short int[3]) {-4, 5, 6}"),
        ("first.next->grid[1][0]", "(short int) -4"),
        ("first.next->word.half.hi", "(unsigned int) 1"),
        ("first.next->colour", "(enum colour) BLUE"),
        ("first.next->y", "(int) -8"),
        ("first.next->letter", "(char) 81 'Q'"),
        ("first.next->d", "(double) -0.25"),
        ("first.next->on", "(_Bool) true"),
        ("table[2].ppn", "(long unsigned int) 9"),
        ("table[first.next->pte.v + 1].ppn", "(long unsigned int) 9"),
        ("big", "(int[100]) {0 (x100)}"),
    ],
)
def test_a_value(typist: Typist, text: str, shown: str) -> None:
    assert typist.lines(f"p {text}") == f"{text} = {shown}\n"


def test_structures_and_arrays_of_them(typist: Typist) -> None:
    assert typist.lines("p first.next->pte").splitlines()[1:] == [
        "  v   = 1",
        "  r   = 0",
        "  w   = 0",
        "  x   = 1",
        "  rsw = 0",
        "  ppn = 0x80205",
        "  low = -2",
    ]
    nothing = "{v=0, r=0, w=0, x=0, rsw=0, ppn=0, low=0}"
    assert typist.lines("p table").splitlines()[1:] == [
        f"  [0] to [1] = {nothing}",
        "  [2] = {v=0, r=0, w=0, x=0, rsw=0, ppn=9, low=0}",
        f"  [3] = {nothing}",
    ]
    shown = typist.lines("p *first.next")
    assert "  name   = 0x" in shown and ' "second"\n' in shown
    assert "  word   = {whole=0x100000002, half={lo=2, hi=1}}\n" in shown
    assert "  (nameless) = {x=7, y=-8}\n" in shown


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("p first.next->pte.ppn << 12", "0x80205000 = 2149601280"),
        ("p first.next->pte.low + 2", "0x0 = 0"),
        ("p table[2].ppn * 2", "0x12 = 18"),
        ("p/x first.next->pte.ppn", "0x80205"),
        ("p first.next->next == 0", "0x1 = 1"),
        ("p first.nxt", "struct node has no member 'nxt'; did you mean next?"),
        ("p first.nxt + 1", "struct node has no member 'nxt'; did you mean next?"),
        ("p first.next->pte + 1", "first.next->pte is no number: it is struct pte"),
        ("p table[7]", "index 7 is outside of struct pte[4]"),
        ("p nothing->x + 1", "no variable 'nothing->x' is known here"),
    ],
)
def test_expressions_and_mistakes(typist: Typist, text: str, answer: str) -> None:
    assert typist.lines(text) == f"{answer}\n"


def test_a_condition_on_a_member(hello: Debugger) -> None:
    typist = Typist(hello)
    typist.lines("break main.c:37 if vcpu.scause == 21", "continue")
    assert (hello.stop.kind, hello.stop.text) == (StopKind.BREAKPOINT, "breakpoint 1 at main+126")
    assert typist.lines("p vcpu.scause") == "vcpu.scause = (long unsigned int) 21\n"
    assert "ld a0,0(a0)" in typist.lines("x/i vcpu.sepc --world guest")
