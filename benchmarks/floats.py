# SPDX-License-Identifier: Apache-2.0
"""Floating-point operations per second, by kind, beside QEMU's TCG: loops of programs/floats.S."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks.measure import Row, build, hartline, in_turn, qemu, table

KINDS = ("fadd.d", "fmul.d", "fdiv.d", "fsqrt.d", "fmadd.d", "fmul.s", "fcvt.d.l")
"""In the order of the numbers in programs/floats.S."""
RUNS, ROUNDS, PER_ROUND = 3, 4_000_000, 16
"""Runs of each; rounds of the loop, so that both sides take long enough to be timed; operations of a round."""


def run() -> str:
    """Measure and return the table."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for number, kind in enumerate(KINDS):
            full, none = (build("floats", Path(name), OPERATION=number, ROUNDS=rounds) for rounds in (ROUNDS, 0))
            commands = {"ours": hartline(full), "ours0": hartline(none), "qemu": qemu(full), "qemu0": qemu(none)}
            median = {key: statistics.median(values) for key, values in in_turn(commands, RUNS).items()}
            ours = ROUNDS * PER_ROUND / (median["ours"] - median["ours0"]) / 1e6
            theirs = ROUNDS * PER_ROUND / (median["qemu"] - median["qemu0"]) / 1e6
            rows.append(Row(kind, f"{ours:.1f} million/s, QEMU {theirs:.1f} million/s, ratio {ours / theirs:.2f}"))
    return table("Floating-point operations, native engine", rows)
