# SPDX-License-Identifier: Apache-2.0
"""Several harts on the built-in SBI: starting, stopping and suspending them, interrupts and fences from one to another.
Programs that check themselves, on both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.boot.loader import Bios
from tests.support.bare_metal import passes
from tests.support.debugged import ENGINES

pytestmark = pytest.mark.parametrize("engine", ENGINES)

SBI = """
    .macro sbi extension, function
    li a7, \\extension
    li a6, \\function
    ecall
    .endm
    .macro state is                     # wait until hart 1 is in this state
9:  li a0, 1
    sbi 0x48534d, 2
    bnez a0, fail
    li t0, \\is
    bne a1, t0, 9b
    .endm
    .macro begin at, opaque             # start hart 1
    li a0, 1
    la a1, \\at
    li a2, \\opaque
    sbi 0x48534d, 0
    .endm
    .macro reach number                 # wait until the other hart says so
9:  ld t0, (s1)
    li t1, \\number
    bne t0, t1, 9b
    .endm
    .macro say number
    li t0, \\number
    sd t0, (s1)
    .endm
    .macro wants register, value
    li t0, \\value
    bne \\register, t0, fail
    .endm
    .macro ipi
    li a0, 1
    li a1, 1
    sbi 0x735049, 0
    bnez a0, fail
    .endm
    la s1, step
    j 1f
    .balign 8
step: .dword 0
1:
"""
STARTED, STOPPED, SUSPENDED = 0, 1, 4
HSM = f"""{SBI}
    state {STOPPED}
    begin second, 0x1234
    bnez a0, fail
    begin second, 0
    wants a0, -6                        # already available
    reach 1
    state {STARTED}
    say 2
    state {STOPPED}
    begin third, 0x77
    bnez a0, fail
    reach 3
    li a0, 2
    la a1, third
    sbi 0x48534d, 0
    wants a0, -3                        # there is no hart 2
    j good
second:
    wants a0, 1
    wants a1, 0x1234
    csrr t0, satp
    bnez t0, fail
    csrr t0, sstatus
    andi t0, t0, 2
    bnez t0, fail
    la s1, step
    say 1
    reach 2
    sbi 0x48534d, 1
    j fail                              # stopping does not return
third:
    wants a0, 1
    wants a1, 0x77
    la s1, step
    say 3
    j .
good:
"""


def test_starting_and_stopping_harts(engine: str, tmp_path: Path) -> None:
    """SBI 2.0, Hart State Management Extension."""
    passes(tmp_path, engine, HSM, 2, Bios.BUILTIN)


SUSPEND = f"""{SBI}
    begin second, 0
    reach 1
    state {SUSPENDED}
    ipi
    reach 2
    state {SUSPENDED}
    ld t0, (s1)
    wants t0, 2
    ipi
    reach 3
    state {STARTED}
    j good
second:
    la s1, step
    li t0, 2
    csrw sie, t0
    say 1
    li s3, 0x55
    li a0, 0                            # retentive
    sbi 0x48534d, 3
    bnez a0, fail
    wants s3, 0x55
    csrr t0, sip
    andi t0, t0, 2
    beqz t0, fail
    csrci sip, 2
    say 2
    li a0, 0x80000000                   # not retentive
    la a1, resumed
    li a2, 0x99
    sbi 0x48534d, 3
    j fail
resumed:
    wants a0, 1
    wants a1, 0x99
    la s1, step
    say 3
    j .
good:
"""


def test_suspended_harts_wake(engine: str, tmp_path: Path) -> None:
    """SBI 2.0, Hart State Management Extension: by an interrupt that is enabled in sie."""
    passes(tmp_path, engine, SUSPEND, 2, Bios.BUILTIN)


FENCES = f"""{SBI}
    la s2, level0 + 40                  # for 0x40005000, which shares no TLB entry with what else is touched
    la t0, first
    srli t0, t0, 2
    ori t0, t0, LEAF
    sd t0, (s2)
    la t0, level0
    srli t0, t0, 2
    ori t0, t0, 1
    la t1, level1
    sd t0, (t1)
    srli t0, t1, 2
    ori t0, t0, 1
    la t1, root
    sd t0, 8(t1)                        # 0x40000000
    li t0, 0x200000cf                   # RAM, for itself
    sd t0, 16(t1)
    fence
    begin second, 0
    reach 1
    la t0, changed
    srli t0, t0, 2
    ori t0, t0, LEAF
    sd t0, (s2)
    li a0, 1
    li a1, 1
    li a2, 0x40005000
    li a3, 0x1000
    li a4, 0
    sbi 0x52464e43, FUNCTION
    bnez a0, fail
    say 2
    reach 3
    j good
second:
    la s1, step
    la t0, root
    srli t0, t0, 12
    li t1, 8 << 60
    or t0, t0, t1
    csrw REGISTER, t0
    li t0, 0x100
    csrw 0x600, t0                      # hstatus.SPVP
    sfence.vma
    li s3, 0x40005000
    LOAD
    wants t1, 0x11
    say 1
    reach 2
    LOAD
    wants t1, 0x22
    say 3
    j .
    .balign 4096
first: .dword 0x11
    .balign 4096
changed: .dword 0x22
    .balign 16384
root: .space 16384
level1: .space 4096
level0: .space 4096
good:
"""
HLV = ".insn r 0x73, 4, 0x36, t1, s3, x0"
KINDS = {
    "sfence.vma": (1, "satp", 0xC7, "ld t1, (s3)"),
    "sfence.vma of an ASID": (2, "satp", 0xC7, "ld t1, (s3)"),
    "hfence.gvma of a VMID": (3, "0x680", 0xD7, HLV),
    "hfence.gvma": (4, "0x680", 0xD7, HLV),
    "hfence.vvma of an ASID": (5, "0x280", 0xC7, HLV),
    "hfence.vvma": (6, "0x280", 0xC7, HLV),
}


@pytest.mark.parametrize(("function", "register", "leaf", "load"), KINDS.values(), ids=KINDS)
def test_remote_fences(engine: str, function: int, register: str, leaf: int, load: str, tmp_path: Path) -> None:
    """A hart sees the page table that another has changed, once the SBI call is over (SBI 2.0, RFENCE Extension)."""
    text = FENCES.replace("FUNCTION", str(function)).replace("REGISTER", register).replace("LEAF", str(leaf))
    passes(tmp_path, engine, text.replace("LOAD", load), 2, Bios.BUILTIN)


CODE = f"""{SBI}
    begin second, 0
    reach 1
    la t0, routine
    lw t1, other
    sw t1, (t0)
    fence
    li a0, 1
    li a1, 1
    sbi 0x52464e43, 0
    bnez a0, fail
    say 2
    reach 3
    j good
second:
    la s1, step
    call routine
    wants t2, 0x11
    say 1
    reach 2
    call routine
    wants t2, 0x22
    say 3
    j .
    .option norvc
routine:
    li t2, 0x11
    ret
other:
    li t2, 0x22
    .option rvc
good:
"""


def test_a_remote_fence_of_instructions(engine: str, tmp_path: Path) -> None:
    """SBI 2.0, RFENCE Extension, remote_fence_i."""
    passes(tmp_path, engine, CODE, 2, Bios.BUILTIN)
