# SPDX-License-Identifier: Apache-2.0
"""A program that drives the virtio block device itself, on both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.boot.loader import Bios, BootConfig
from core.devices.config import BoardConfig, Drive
from core.machine import Machine, MachineConfig, Outcome
from tests.support.bare_metal import FAIL, FINISH, assemble

NEW_CODE = bytes.fromhex("1305a00267800000")  # li a0, 42; ret

PROGRAM = f"""
    la sp, stack
    li s0, 0x10001000
    li t0, 0x74726976       # "virt"
    lw t1, 0(s0)
    bne t0, t1, fail
    lw t1, 8(s0)
    li t0, 2                # a block device
    bne t0, t1, fail
    sw zero, 0x70(s0)
    li t0, 3
    sw t0, 0x70(s0)
    li t0, 1                # VIRTIO_F_VERSION_1, bit 32
    sw t0, 0x24(s0)
    sw t0, 0x20(s0)
    li t0, 11
    sw t0, 0x70(s0)
    li t0, 4
    sw t0, 0x38(s0)
    la t0, table
    sw t0, 0x80(s0)
    la t0, available
    sw t0, 0x90(s0)
    la t0, used
    sw t0, 0xa0(s0)
    li t0, 1
    sw t0, 0x44(s0)
    li t0, 15
    sw t0, 0x70(s0)

    li t0, 0x0c000004       # the PLIC: source 1 to M-mode
    li t1, 1
    sw t1, (t0)
    li t0, 0x0c002000
    li t1, 2
    sw t1, (t0)

    call code               # what is there now is executed, so decoded, before
    li t0, 7
    bne a0, t0, fail

    la t2, code
    lr.w t0, (t2)
    sw zero, 0x30(s0)       # nothing is stored in memory
    sc.w t3, t0, (t2)
    bnez t3, fail
    lr.w t0, (t2)
    sw zero, 0x50(s0)       # the device stores where the reservation is
    sc.w t3, t1, (t2)
    beqz t3, fail
    call code
    li t0, 42
    bne a0, t0, fail

    csrr t0, mip
    li t1, 0x800            # MEIP
    and t0, t0, t1
    beqz t0, fail
    li t0, 0x0c200004
    lw t1, (t0)             # claim: source 1
    li t2, 1
    bne t1, t2, fail
    lw t2, 0x60(s0)
    sw t2, 0x64(s0)
    sw t1, (t0)             # complete
    csrr t0, mip
    li t1, 0x800
    and t0, t0, t1
    bnez t0, fail
    la t0, used
    lw t1, 8(t0)            # length: a sector and the status
    li t2, 513
    bne t1, t2, fail
    lbu t1, status
    bnez t1, fail
{FINISH}{FAIL}
    .balign 16
table:
    .dword request
    .word 16
    .half 1, 1
    .dword code
    .word 512
    .half 3, 2
    .dword status
    .word 1
    .half 2, 0
    .skip 16
request:
    .word 0, 0
    .dword 1                # sector
available:
    .half 0, 1, 0, 0, 0, 0
    .balign 4
used:
    .skip 64
status:
    .byte 0xff
    .balign 16
code:
    li a0, 7
    ret
    .skip 512
    .skip 64
stack:
"""


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_block_read_replaces_code(tmp_path: Path, engine: str) -> None:
    """Code that was executed is read anew from the disk and executed; an LR in the same place loses its reservation."""
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(512) + NEW_CODE.ljust(512, b"\0"))
    machine = Machine(
        MachineConfig(
            BootConfig(assemble(tmp_path, PROGRAM), Bios.NONE),
            memory=1 << 22,
            engine=engine,
            board=BoardConfig(drives=(Drive(disk, readonly=True),)),
        )
    )
    assert machine.run(1000) is Outcome.EXITED
    assert machine.exit_code == 0
