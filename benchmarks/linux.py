# SPDX-License-Identifier: Apache-2.0
"""How long a Linux kernel takes to the shell of an initial RAM disk, beside QEMU.

HARTLINE_LINUX names a folder with `Image` (a kernel) and `initramfs.img` (whose init starts a shell on the console);
docs/machine.md says how to get them. Without it nothing is measured.
"""

from __future__ import annotations

import os
import select
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.firmware import OPENSBI
from benchmarks.measure import BenchmarkError, Row, hartline, qemu, spread, table

PROMPT, END = b" # ", b"poweroff -f\n"
RUNS, LIMIT = 3, 300.0
"""Runs of each, and the seconds after which one has failed."""


def to_the_shell(command: Sequence[str]) -> float:
    """Seconds until the shell's prompt; then the machine is switched off. Raises BenchmarkError when that does not happen."""
    begin = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin and process.stdout
        seen, taken = bytearray(), 0.0
        while left := max(0.0, begin + LIMIT - time.perf_counter()):
            if not select.select([process.stdout], [], [], left)[0]:
                continue
            data = os.read(process.stdout.fileno(), 1 << 16)
            if not data:
                break
            seen += data
            if not taken and PROMPT in seen:
                taken = time.perf_counter() - begin
                process.stdin.write(END)
                process.stdin.flush()
        else:
            process.kill()
    if not taken or process.returncode:
        raise BenchmarkError(f"Linux got as far as {bytes(seen[-200:])!r}")
    return taken


def run() -> str:
    """Boot everything in turn and return the table."""
    folder = os.environ.get("HARTLINE_LINUX")
    if folder is None:
        return "Linux: not measured, as HARTLINE_LINUX names no folder with Image and initramfs.img\n"
    kernel = Path(folder) / "Image"
    more = [*"-append console=ttyS0 -initrd".split(), str(Path(folder) / "initramfs.img")]
    ours = [f"-{word}" if word[0] == "-" else word for word in more]
    firmware = ["--bios", str(OPENSBI / "fw_dynamic.bin")]
    commands = {
        "built-in SBI": hartline(kernel, *ours),
        "OpenSBI": hartline(kernel, *ours, *firmware),
        "QEMU with OpenSBI": qemu(kernel, *more),
        "2 harts, built-in SBI": hartline(kernel, *ours, "--harts", "2"),
        "2 harts, QEMU with OpenSBI": qemu(kernel, *more, "-smp", "2"),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            times[name].append(to_the_shell(command))
    median = {name: statistics.median(values) for name, values in times.items()}
    ratio = median["OpenSBI"] / median["QEMU with OpenSBI"]
    rows = [Row(name, spread(values)) for name, values in times.items()]
    rows.append(Row("Hartline / QEMU, OpenSBI", f"{ratio:.1f}", "at most 5", ratio <= 5))
    return table("Linux: from the command to the shell's prompt", rows)
