# SPDX-License-Identifier: Apache-2.0
"""Several harts: atomic memory operations and reservations across them, interrupts from one to another. Programs that check
themselves, on both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bare_metal import passes
from tests.support.debugged import ENGINES

pytestmark = pytest.mark.parametrize("engine", ENGINES)
ROUNDS = 300


COUNT = f"""
    la s0, counter
    la s1, finished
    li s2, {ROUNDS}
    li s3, 1
1:
    %s
    addi s2, s2, -1
    bnez s2, 1b
    amoadd.d zero, s3, (s1)
    csrr t0, mhartid
    bnez t0, .
2:  ld t0, (s1)                # hart 0 waits for all
    li t1, HARTS
    bne t0, t1, 2b
    ld t0, (s0)
    li t1, HARTS * {ROUNDS}
    bne t0, t1, fail
    j 3f
    .balign 64
counter: .dword 0
lock: .dword 0
finished: .dword 0
3:
"""
WAYS = {
    "amoadd": "amoadd.d zero, s3, (s0)",
    "LR and SC": "lr.d t0, (s0)\naddi t0, t0, 1\nsc.d t1, t0, (s0)\nbnez t1, 1b",
    "a lock": """la t2, lock
    4: amoswap.d.aq t0, s3, (t2)
    bnez t0, 4b
    ld t0, (s0)
    nop
    nop
    addi t0, t0, 1
    sd t0, (s0)
    amoswap.d.rl zero, zero, (t2)""",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("harts", [2, 5])
def test_nothing_is_lost_when_all_count(engine: str, harts: int, way: str, tmp_path: Path) -> None:
    passes(tmp_path, engine, (COUNT % way).replace("HARTS", str(harts)), harts)


LOST = """
    csrr t0, mhartid
    la s0, word
    la s1, step
    bnez t0, other
    lr.d t1, (s0)
    li t2, 1
    sd t2, (s1)
1:  ld t2, (s1)
    li t3, 2
    bne t2, t3, 1b
    sc.d t4, t1, (s0)
    beqz t4, fail
    ld t4, (s0)
    bnez t4, fail
    j good
other:
    ld t2, (s1)
    beqz t2, other
    sd zero, (s0)               # the value that is there already
    li t2, 2
    sd t2, (s1)
    j .
    .balign 64
word: .dword 0
    .space 120
step: .dword 0
good:
"""


def test_a_store_of_another_hart_ends_a_reservation(engine: str, tmp_path: Path) -> None:
    """Also when it changes nothing (unpriv, Load-Reserved/Store-Conditional Instructions)."""
    passes(tmp_path, engine, LOST, 2)


MACHINE_IPI = """
    csrr t0, mhartid
    la s1, step
    li s2, 0x02000000           # msip
    bnez t0, other
1:  ld t2, (s1)
    beqz t2, 1b
    li t1, 1
    sw t1, 4(s2)                # of hart 1
2:  ld t2, (s1)
    li t3, 2
    bne t2, t3, 2b
    lw t1, 4(s2)
    bnez t1, fail
    j good
other:
    la t0, handler
    csrw mtvec, t0
    li t0, 8
    csrw mie, t0
    csrw mstatus, t0            # MIE
    li t2, 1
    sd t2, (s1)
3:  wfi
    j 3b
    .balign 4
handler:
    csrr t0, mcause
    li t1, 0x8000000000000003
    bne t0, t1, fail
    sw zero, 4(s2)
    csrr t0, mip
    andi t0, t0, 8
    bnez t0, fail
    li t2, 2
    sd t2, (s1)
    j .
    .balign 8
step: .dword 0
good:
"""


def test_an_interrupt_from_hart_to_hart(engine: str, tmp_path: Path) -> None:
    passes(tmp_path, engine, MACHINE_IPI, 2)


def test_turns_repeat_exactly(engine: str, tmp_path: Path) -> None:
    """Two runs leave all harts in the same state."""
    text = (COUNT % WAYS["LR and SC"]).replace("HARTS", "3")
    states = [[hart.snapshot() for hart in passes(tmp_path, engine, text, 3).harts] for _ in range(2)]
    for state in (each for harts in states for each in harts):
        for name in [name for name in state if name.startswith(("host_device", "host_warn", "ram_", "code_"))]:
            del state[name]
    assert states[0] == states[1]
