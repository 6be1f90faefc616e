# SPDX-License-Identifier: Apache-2.0
"""Small programs in assembly that start in M-mode at the beginning of RAM, assembled for a test."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from core.boot.loader import Bios, BootConfig
from core.machine import Machine, MachineConfig, Outcome

UNITS = 300_000
"""For how long a program runs at most: instructions and traps of each hart."""
COMPILER = "riscv64-unknown-elf-gcc"
FINISH = """
    li t0, 0x100000
    li t1, 0x5555
    sw t1, (t0)
    j .
"""
"""Switches the machine off with status 0."""
FAIL = """
    .balign 4
fail:
    li t0, 0x100000
    li t1, 0x13333
    sw t1, (t0)
    j .
"""
"""Where to jump when something is wrong: switches off with status 1."""


def assemble(folder: Path, text: str) -> Path:
    """The ELF file of a program whose first instruction is the first of `text`."""
    compiler = shutil.which(COMPILER)
    assert compiler, f"{COMPILER} is missing: install gcc-riscv64-unknown-elf"
    source, program = folder / "program.S", folder / "program.elf"
    source.write_text(f".globl _start\n_start:\n{text}")
    options = ["-nostdlib", "-static", "-march=rv64imac_zicsr_zifencei", "-mabi=lp64", "-mcmodel=medany"]
    placed = ["-Wl,-n,-N,-Ttext=0x80000000", "-Wl,--no-warn-rwx-segments", "-Wl,--build-id=none"]
    subprocess.run([compiler, *options, *placed, "-o", program, source], check=True)
    return program


def passes(folder: Path, engine: str, text: str, harts: int, bios: Bios = Bios.NONE) -> Machine:
    """Run a program to its end, which must be a good one. The machine afterwards."""
    boot = BootConfig(assemble(folder, text + FINISH + FAIL), bios=bios)
    machine = Machine(MachineConfig(boot, memory=4 << 20, harts=harts, engine=engine))
    assert machine.run(UNITS) is Outcome.EXITED
    assert machine.exit_code == 0
    return machine
