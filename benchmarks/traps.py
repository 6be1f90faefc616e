# SPDX-License-Identifier: Apache-2.0
"""What virtualization costs: world switches and two-stage page walks per second, beside QEMU's TCG."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks.measure import Row, build, hartline, in_turn, qemu, table

RUNS = 5
PAGES = 256
"""Walks in a round of programs/walk.c."""


def compare(folder: Path, name: str, rounds: int, per_round: int, what: str) -> Row:
    """Events per second of both, the time of the same program without rounds subtracted."""
    full, none = build(name, folder, ROUNDS=rounds), build(name, folder, ROUNDS=0)
    times = in_turn({"ours": hartline(full), "ours0": hartline(none), "qemu": qemu(full), "qemu0": qemu(none)}, RUNS)
    median = {key: statistics.median(values) for key, values in times.items()}
    events = rounds * per_round
    ours = events / (median["ours"] - median["ours0"]) / 1e6
    theirs = events / (median["qemu"] - median["qemu0"]) / 1e6
    return Row(what, f"{ours:.2f} million/s, QEMU {theirs:.2f} million/s, ratio {ours / theirs:.1f}")


def run() -> str:
    """Measure and return the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return table(
            "Virtualization, native engine",
            [
                compare(folder, "switch", 5_000_000, 1, "world switches (sret into VS-mode, ecall back)"),
                compare(folder, "walk", 10_000, PAGES, "two-stage walks (HLV.D after HFENCE)"),
            ],
        )
