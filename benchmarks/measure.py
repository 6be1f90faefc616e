# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks have in common: building programs, timing whole processes in turn, and a table."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
COMPILER = "riscv64-unknown-elf-gcc"
FLAGS = "-O2 -march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany -nostdlib -ffreestanding".split()
QEMU = "qemu-system-riscv64"


class BenchmarkError(Exception):
    """The benchmark cannot be run; str() says what to do."""


def tool(program: str, package: str) -> str:
    """The path of a program. Raises BenchmarkError naming the package that has it."""
    found = shutil.which(program)
    if found is None:
        raise BenchmarkError(f"{program} is missing; install it with: apt-get install {package}")
    return found


def build(name: str, folder: Path, **defines: int) -> Path:
    """Compile benchmarks/programs/NAME.c (or .S) with the common start code; returns the ELF's path."""
    compiler = tool(COMPILER, "gcc-riscv64-unknown-elf")
    target = folder / ("-".join([name, *(f"{key}{value}" for key, value in defines.items())]) + ".elf")
    sources = [PROGRAMS / "start.S", *PROGRAMS.glob(f"{name}.[cS]")]
    options = [f"-D{key}={value}" for key, value in defines.items()]
    script = ["-T", str(PROGRAMS / "link.ld"), "-o", str(target)]
    subprocess.run([compiler, *FLAGS, *options, *map(str, sources), *script], check=True)
    return target


def hartline(program: Path, *options: str) -> list[str]:
    """The command that runs a program under Hartline."""
    return [sys.executable, "-m", "cli", "run", str(program), *options]


def qemu(program: Path, *options: str) -> list[str]:
    """The command that runs the same under QEMU."""
    machine = "-machine virt -cpu rv64,h=true -m 128M -nographic -bios default".split()
    return [tool(QEMU, "qemu-system-misc"), *machine, "-kernel", str(program), *options]


def seconds(command: Sequence[str], env: Mapping[str, str] | None = None) -> float:
    """Wall time of a command as a whole process, in seconds."""
    begin = time.perf_counter()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, env=env)
    return time.perf_counter() - begin


def in_turn(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, list[float]]:
    """Times of several commands, run one after the other `runs` times (and once before, uncounted)."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            taken = seconds(command)
            if turn:
                times[name].append(taken)
    return times


@dataclass(frozen=True)
class Row:
    """A line of a result: what, the figure in words, and the aim if there is one with whether it was met."""

    what: str
    figure: str
    aim: str = ""
    met: bool | None = None


def table(title: str, rows: Sequence[Row]) -> str:
    """Rows as text."""
    width = max(len(row.what) for row in rows)
    lines = [title]
    for row in rows:
        mark = "" if row.met is None else "   (aim: " + row.aim + (", met)" if row.met else ", MISSED)")
        lines.append(f"  {row.what:<{width}}  {row.figure}{mark}")
    return "\n".join(lines) + "\n"


def spread(values: Sequence[float]) -> str:
    """Median, with the least and the most."""
    return f"{statistics.median(values):.3f} s ({min(values):.3f} to {max(values):.3f})"
