# SPDX-License-Identifier: Apache-2.0
"""What debugging costs, beside QEMU with the same gdb: steps, breakpoints, watchpoints, memory, connecting."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import COMPILER, FLAGS, PROGRAMS, Row, table, tool
from benchmarks.remote import Client, served, timed
from core.boot.elf import read_elf

STEPS = 50
STEP_BATCHES = 20
RAW_STEPS = 500
BATCHES = 12
LOOP_TURNS = 100_000
QEMU_LOOP_TURNS = 200
"""QEMU steps a loop instruction by instruction; its time for more turns follows from these."""
HITS = {"qemu": 1000, "hartline": 100_000}
DUMP = 16 << 20
DUMP_AT = 0x82000000
TIGHT, CALLS, STORES, MIXED, ONE_LINE = range(5)
RUN_TURNS = {TIGHT: 20_000_000, CALLS: 5_000_000, STORES: 10_000_000, MIXED: 500_000}
QEMU_SLOW_TURNS = {TIGHT: 1_000_000, CALLS: 1_000_000, STORES: 300_000, MIXED: 100_000}
"""Turns with a breakpoint or watchpoint near, where QEMU takes many times as long."""
REPEATS = 3
SLOW_REPEATS = 2
"""What is short is measured several times and the least counts: it has the least of what else the machine does in it."""
INTERRUPTS = 10
STORMS = {
    "a loop": (0x0000006F,),
    "traps": (0x00000000,),
    "device accesses": (0x10000537, 0x00554583, 0xFFDFF06F),
}
"""What a machine does that is told to stop: j .; an illegal instruction at mtvec; lui a0, 0x10000; lbu a1, 5(a0); j .-4"""
STORM_AT = 0x83000000
PC, MTVEC = 0x20, 65 + 0x305
"""Numbers of registers; QEMU numbers CSRs in its own way."""


@dataclass(frozen=True)
class Program:
    """The program that is debugged, and where its symbols are."""

    path: Path
    address: Callable[[str], int]


def build(folder: Path) -> Program:
    """Compile it, with line numbers."""
    compiler, path = tool(COMPILER, "gcc-riscv64-unknown-elf"), folder / "debugging.elf"
    sources = [str(PROGRAMS / name) for name in ("start.S", "debugging.c")]
    flags = [flag for flag in FLAGS if flag != "-O2"]
    subprocess.run([compiler, *flags, "-O1", "-g", *sources, "-T", str(PROGRAMS / "link.ld"), "-o", str(path)], check=True)
    symbols = read_elf(path.name, path.read_bytes()).symbols

    def address(name: str) -> int:
        found = symbols.address_of(name)
        assert found is not None, name
        return found

    return Program(path, address)


# With gdb


def with_gdb(name: str, program: Program) -> dict[str, float]:
    """Seconds of connecting, steps, `next`, dump and restore."""
    turns = QEMU_LOOP_TURNS if name == "qemu" else LOOP_TURNS
    dumped = program.path.with_name("dump.bin")
    with served(name, program.path) as port:
        names = ("connect", "commands", "stepi N", "next", "dump", "restore")
        times = timed(
            program.path,
            port,
            "tbreak ready", "continue", f"set var what = {TIGHT}", "set var turns = 1000000000",
            "tbreak tight", "continue", "stepi 10",
            *[["stepi"] * STEPS] * STEP_BATCHES,
            *[[f"stepi {STEPS}"]] * STEP_BATCHES,
            f"set var $a0 = {turns}", "set var $pc = one_line", "tbreak one_line", "stepi",
            ["next"] * 2,
            [f"dump binary memory {dumped} {DUMP_AT:#x} {DUMP_AT + DUMP:#x}"],
            [f"restore {dumped} binary {DUMP_AT:#x}"],
        )  # fmt: skip
        connect, rest = times[0], times[1 + 2 * STEP_BATCHES :]
        single, several = times[1 : 1 + STEP_BATCHES], times[1 + STEP_BATCHES : 1 + 2 * STEP_BATCHES]
        return dict(zip(names, (connect, min(single), min(several), *rest), strict=True))


def conditional_hits(name: str, program: Program) -> float:
    """Hits per second of a breakpoint whose condition is false, set in gdb."""
    hits = HITS[name]
    with served(name, program.path) as port:
        _, seconds = timed(
            program.path,
            port,
            "break ready", "continue", f"set var what = {CALLS}", f"set var turns = {hits}",
            "break add if value == 1000000000000",
            ["continue"],
        )  # fmt: skip
    return hits / seconds


# Without gdb


@dataclass
class Runner:
    """A machine driven over the protocol, stopped at ready()."""

    name: str
    program: Program
    client: Client

    def begin(self) -> None:
        """To ready() for the first time."""
        self.client.ask(b"Z0,%x,2" % self.program.address("ready"))
        self.client.ask(b"vCont;c")

    def seconds(self, what: int, turns: int) -> float:
        """How long a loop takes, from ready() to ready()."""
        self.client.write(self.program.address("what"), what)
        self.client.write(self.program.address("turns"), turns)
        self.client.ask(b"z0,%x,2" % self.program.address("ready"))
        self.client.ask(b"vCont;s")
        self.client.ask(b"Z0,%x,2" % self.program.address("ready"))
        return self.client.seconds(b"vCont;c")

    def slowdown(self, what: int, point: bytes) -> float:
        """How many times longer a turn takes with a breakpoint or watchpoint near."""
        turns = RUN_TURNS[what]
        few = QEMU_SLOW_TURNS[what] if self.name == "qemu" else turns
        plain, slow = [], []
        for _ in range(SLOW_REPEATS if self.name == "qemu" else BATCHES):
            plain.append(self.seconds(what, turns) / turns)
            self.client.ask(b"Z" + point)
            slow.append(self.seconds(what, few) / few)
            self.client.ask(b"z" + point)
        return min(slow) / min(plain)

    def storm(self, words: tuple[int, ...]) -> float:
        """Seconds from Ctrl-C to the stop reply, at worst, while the machine executes these instructions in M-mode."""
        code = b"".join(word.to_bytes(4, "little") for word in words).hex().encode()
        self.client.ask(b"M%x,%x:%b" % (STORM_AT, 4 * len(words), code))
        address = STORM_AT.to_bytes(8, "little").hex().encode()
        for register in (PC, MTVEC):
            self.client.ask(b"P%x=%b" % (register, address))
        worst = 0.0
        for _ in range(INTERRUPTS):
            worst = max(worst, self.client.interrupted(b"vCont;c", 0.05))
        return worst


def raw_steps(program: Program) -> dict[str, float]:
    """Steps per second of both machines, driven without gdb, in turn."""
    with served("hartline", program.path) as ours, served("qemu", program.path) as theirs:
        clients = {"hartline": Client(ours), "qemu": Client(theirs)}
        best = dict.fromkeys(clients, 0.0)
        for name, client in clients.items():
            Runner(name, program, client).begin()
        for _ in range(BATCHES):
            for name, client in clients.items():
                best[name] = max(best[name], RAW_STEPS / client.seconds(b"vCont;s:p1.1", RAW_STEPS))
        for client in clients.values():
            client.close()
        return best


def without_gdb(name: str, program: Program) -> dict[str, float]:
    """Steps per second, and what points near a hot loop cost."""
    breakpoint = b"0,%x,2" % program.address("never")
    watchpoint = b"2,%x,8" % (program.address("page") + 64 * 8)
    with served(name, program.path) as port:
        client = Client(port)
        runner = Runner(name, program, client)
        runner.begin()
        found = {"break, tight loop": runner.slowdown(TIGHT, breakpoint)}
        found["break, calls"] = runner.slowdown(CALLS, breakpoint)
        found["watch, stores"] = runner.slowdown(STORES, watchpoint)
        found["watch, mixed"] = runner.slowdown(MIXED, watchpoint)
        if name == "hartline":
            found |= {storm: runner.storm(words) for storm, words in STORMS.items()}
        client.close()
        return found


# The table


def rows(ours: dict[str, float], theirs: dict[str, float]) -> list[Row]:
    """All figures, ours beside QEMU's."""

    def rate(what: str, key: str, count: float, unit: str, aim: float) -> Row:
        mine, other = count / ours[key], count / theirs[key]
        figure = f"{mine:,.0f} {unit} (QEMU {other:,.0f}): x{mine / other:.2f}"
        return Row(what, figure, f"at least x{aim}", mine >= aim * other)

    def factor(what: str, key: str, aim: float) -> Row:
        figure = f"x{ours[key]:.2f} (QEMU x{theirs[key]:.1f})"
        return Row(what, figure, f"at most x{aim}", ours[key] <= aim)

    loop = theirs["next"] * LOOP_TURNS / QEMU_LOOP_TURNS
    return [
        rate("stepi, separate commands", "commands", STEPS, "/s", 1.5),
        rate("stepi N", "stepi N", STEPS, "/s", 1.5),
        Row(
            "vCont;s of a raw client",
            f"{ours['raw']:,.0f} /s (QEMU {theirs['raw']:,.0f}): x{ours['raw'] / theirs['raw']:.2f}",
            "at least x2",
            ours["raw"] >= 2 * theirs["raw"],
        ),
        Row(
            "conditional breakpoint, condition false",
            f"{ours['hits']:,.0f} hits/s (QEMU {theirs['hits']:,.0f})",
            "1,000,000 hits/s",
            ours["hits"] >= 1e6,
        ),
        Row(
            f"next over a loop of {LOOP_TURNS:,} turns",
            f"{ours['next']:.2f} s (QEMU about {loop:.0f})",
            "under 0.5 s",
            ours["next"] < 0.5,
        ),
        factor("breakpoint elsewhere in the page, tight loop", "break, tight loop", 1.05),
        factor("breakpoint elsewhere in the page, calls", "break, calls", 1.05),
        factor("watchpoint in the same data page, stores only", "watch, stores", 1.5),
        factor("watchpoint in the same data page, mixed work", "watch, mixed", 1.5),
        rate("dump 16 MiB of zeros", "dump", DUMP >> 20, "MiB/s", 1.0),
        rate("restore 16 MiB", "restore", DUMP >> 20, "MiB/s", 1.0),
        Row(
            "connect",
            f"{1000 * ours['connect']:.0f} ms (QEMU {1000 * theirs['connect']:.0f})",
            "under 50 ms",
            ours["connect"] < 0.05,
        ),
        *(
            Row(
                f"Ctrl-C during {storm}, worst of {INTERRUPTS}",
                f"{1000 * ours[storm]:.0f} ms",
                "under 100 ms",
                ours[storm] < 0.1,
            )
            for storm in STORMS
        ),
    ]


def run() -> str:
    """Measure and return the table."""
    with tempfile.TemporaryDirectory() as name:
        program = build(Path(name))
        found: dict[str, dict[str, float]] = {"hartline": {}, "qemu": {}}
        for _ in range(REPEATS):  # in turn, so that both see the same machine
            for machine, figures in found.items():
                for what, seconds in with_gdb(machine, program).items():
                    figures[what] = min(seconds, figures.get(what, seconds))
        for machine, rate in raw_steps(program).items():
            found[machine]["raw"] = rate
        for machine, figures in found.items():
            figures |= without_gdb(machine, program)
            figures["hits"] = conditional_hits(machine, program)
    version = subprocess.run(["gdb-multiarch", "--version"], capture_output=True, text=True, check=True).stdout
    return table(f"Debugging, with {version.splitlines()[0]}", rows(found["hartline"], found["qemu"]))
