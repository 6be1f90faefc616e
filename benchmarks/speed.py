# SPDX-License-Identifier: Apache-2.0
"""Instructions per second of both engines on integer work, beside QEMU's TCG."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from pathlib import Path

from benchmarks.measure import Row, build, hartline, in_turn, qemu, table

ROUNDS = 1000
FEW_ROUNDS = 1
RUNS = 5
AIM = 0.2
"""Least ratio of the native engine's speed to QEMU's."""


def instructions(program: Path) -> int:
    """How many instructions a program retires, counted by Hartline."""
    from core.boot.loader import BootConfig
    from core.machine import Machine, MachineConfig, Outcome

    machine = Machine(MachineConfig(BootConfig(program)))
    while machine.run(1 << 40) is not Outcome.EXITED:
        pass
    return machine.retired()


def run() -> str:
    """Measure and return the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        full, few, none = (build("integer", folder, ROUNDS=rounds) for rounds in (ROUNDS, FEW_ROUNDS, 0))
        work = instructions(full) - instructions(none)
        little = instructions(few) - instructions(none)
        reference = ("--engine", "reference")
        times = in_turn({"native": hartline(full), "native0": hartline(none), "qemu": qemu(full), "qemu0": qemu(none)}, RUNS)
        slow = in_turn({"reference": hartline(few, *reference), "reference0": hartline(none, *reference)}, 3)
    median = {key: statistics.median(values) for key, values in (times | slow).items()}
    native = work / (median["native"] - median["native0"]) / 1e6
    tcg = work / (median["qemu"] - median["qemu0"]) / 1e6
    python = little / (median["reference"] - median["reference0"]) / 1e6
    ratios = [(q - median["qemu0"]) / (n - median["native0"]) for n, q in zip(times["native"], times["qemu"], strict=True)]
    ratio = statistics.median(ratios)
    version = subprocess.run([qemu(full)[0], "--version"], capture_output=True, text=True, check=True).stdout.split()[3]
    return table(
        f"Integer work, {work / 1e6:.0f} million instructions (time of an empty program subtracted)",
        [
            Row("native engine", f"{native:.0f} MIPS"),
            Row("reference engine", f"{python:.2f} MIPS"),
            Row(f"QEMU {version}", f"{tcg:.0f} MIPS"),
            Row(
                "native / QEMU",
                f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f}, pair by pair)",
                f"at least {AIM}",
                ratio >= AIM,
            ),
        ],
    )
