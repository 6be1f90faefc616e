# SPDX-License-Identifier: Apache-2.0
"""A program that lets the serial port interrupt a guest through APLIC and IMSIC, without its hypervisor, on both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.boot.loader import Bios, BootConfig
from core.devices.config import Aia, BoardConfig
from core.machine import Machine, MachineConfig, Outcome
from tests.support.bare_metal import FAIL, FINISH, assemble

PROGRAM = f"""
#define MSTATEEN0 0x30c
#define HSTATEEN0 0x60c
#define SISELECT 0x150
#define SIREG 0x151
#define STOPEI 0x15c
#define STOPI 0xdb0
#define HSTATUS 0x600
#define HIDELEG 0x603
#define HIE 0x604
#define VSSTATUS 0x200
#define VSTVEC 0x205
    la t0, 1f                   # where state enables exist, all are on
    csrw mtvec, t0
    li t0, -1
    csrw MSTATEEN0, t0
    csrw HSTATEEN0, t0
    .balign 4
1:  la t0, fail
    csrw mtvec, t0
    li t0, -1                   # all of memory for all modes
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0

    li s0, 0x0c000000           # the root domain: source 10 is the child's
    li t0, 0x400
    sw t0, 40(s0)
    li t0, 0x28000              # S-mode files: page and shift
    li t1, 0x1bc8
    add t1, t1, s0
    sw t0, 0(t1)
    li t0, 0x300000
    sw t0, 4(t1)

    li s0, 0x0d000000           # the child: source 10, high level, to guest 1 of hart 0 as 21
    li t0, 6
    sw t0, 40(s0)
    li t1, 0x3028
    add t1, t1, s0
    li t0, 0x1015
    sw t0, (t1)
    li t1, 0x1edc
    add t1, t1, s0
    li t0, 10
    sw t0, (t1)
    li t0, 0x100
    sw t0, (s0)

    li t0, 0x1000               # VGEIN
    csrw HSTATUS, t0
    li t0, 0x400                # VSEI is the guest's
    csrw HIDELEG, t0
    csrw HIE, t0
    la t0, handler
    csrw VSTVEC, t0
    la t0, guest
    csrw mepc, t0
    li t0, 0x1800
    csrc mstatus, t0
    li t0, 0x8000000800         # MPV, MPP: VS-mode
    csrs mstatus, t0
    mret

    .balign 4
guest:
    li t0, 0x70                 # eidelivery
    csrw SISELECT, t0
    li t0, 1
    csrw SIREG, t0
    li t0, 0xc0                 # eie0
    csrw SISELECT, t0
    li t0, 1 << 21
    csrs SIREG, t0
    csrr t0, STOPI
    bnez t0, fail
    li s1, 0x10000000
    li t0, 2                    # the serial port: transmitter empty
    sb t0, 1(s1)
    csrr t0, STOPEI
    li t1, 0x00150015
    bne t0, t1, fail
    csrr t0, STOPI
    li t1, 0x00090001
    bne t0, t1, fail
    csrsi sstatus, 2
1:  wfi
    j 1b

    .balign 4
handler:
    csrr t0, scause
    li t1, 9
    slli t0, t0, 1
    srli t0, t0, 1
    bne t0, t1, fail
    lbu t0, 2(s1)               # IIR: the reason goes away
    csrrw t0, STOPEI, x0        # claim
    li t1, 0x00150015
    bne t0, t1, fail
    csrr t0, STOPEI
    bnez t0, fail
    csrr t0, sip
    bnez t0, fail
{FINISH}{FAIL}
"""


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_device_interrupts_a_guest(tmp_path: Path, engine: str) -> None:
    boot = BootConfig(assemble(tmp_path, PROGRAM), Bios.NONE)
    board = BoardConfig(aia=Aia.APLIC_IMSIC)
    machine = Machine(MachineConfig(boot, memory=1 << 22, engine=engine, board=board))
    assert machine.run(1000) is Outcome.EXITED
    assert machine.exit_code == 0
    assert machine.harts[0].v == 1
