# SPDX-License-Identifier: Apache-2.0
"""Time from the command to the first guest instruction, with and without compiled code in the cache."""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

from benchmarks.measure import Row, build, hartline, qemu, seconds, spread, table

RUNS = 5
WARM_AIM, COLD_AIM = 0.6, 4.0


def run() -> str:
    """Measure and return the table. A process that ends after one instruction is an upper bound."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = build("integer", folder, ROUNDS=0)
        command = hartline(program)
        cold, warm, other = [], [], []
        for turn in range(RUNS):
            env = os.environ | {"HARTLINE_CACHE": str(folder / f"cache{turn}")}
            cold.append(seconds(command, env))
            warm.append(seconds(command, env))
            other.append(seconds(qemu(program)))
    return table(
        "Start: whole process of a program that ends at once",
        [
            Row("warm cache", spread(warm), f"under {WARM_AIM} s", statistics.median(warm) < WARM_AIM),
            Row("cold cache", spread(cold), f"under {COLD_AIM} s", statistics.median(cold) < COLD_AIM),
            Row("QEMU with OpenSBI", spread(other)),
        ],
    )
