# SPDX-License-Identifier: Apache-2.0
"""`hartline lockstep`: step another simulator, reached by its gdb stub, beside our machine and stop where they differ."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.arguments import Parser, usage_error, value
from cli.launch import LaunchError, Options
from cli.output import error, write
from cli.values import parse_address, parse_count, parse_listen

if TYPE_CHECKING:
    from core.debug.target import Debugger
    from gdbstub.client import Remote

ABI = "zero ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6".split()
OURS = {"fp": "s0"}
"""Names that differ: theirs, ours."""
TIMES = {"cycle", "time", "instret", "mcycle", "minstret", "mip", "sip", "hip", "vsip", "stimecmp", "vstimecmp"}
"""What depends on time, which no two simulators count alike: not compared."""
PROGRESS = 100
"""Steps after which the user sees how far it is; another simulator's stub takes a second for so many."""
EPILOG = """\
Start the other one stopped, for instance
  qemu-system-riscv64 -machine virt -cpu rv64,h=true -nographic -kernel PROGRAM -S -gdb tcp::5000
then: hartline lockstep --with 5000 PROGRAM
(both with -bios none if PROGRAM is firmware, which begins at 0x80000000).
exit status: 0 no difference, 1 a difference or an error, 2 wrong usage."""


def parser() -> Parser:
    """The options."""
    made = Parser(prog="hartline lockstep", description="Compare with another gdb stub, step by step.", epilog=EPILOG)
    add = made.add_argument
    add("file", metavar="FILE", type=Path, help="the program both run")
    add("--with", dest="other", metavar="[HOST:]PORT", type=value(parse_listen), required=True, help="the other gdb stub")
    add("--bios", metavar="builtin|none|FILE", default="builtin", help="as for run")
    add("--from", dest="start", metavar="ADDR", type=value(parse_address), help="begin there (the program's entry)")
    add("--steps", metavar="N", type=value(parse_count), default=100_000, help="instructions to compare (100000)")
    add("--ignore", metavar="NAME[,NAME...]", default="", help="registers not to compare")
    add("--strict", action="store_true", help="our machine without tolerances")
    return made


def main(argv: Sequence[str]) -> int:
    """Run it; the exit status."""
    from gdbstub.client import Remote, RemoteError

    chosen = parser().parse(argv)
    if chosen.steps < 1:
        usage_error("--steps: at least 1")
    try:
        ours = Options(chosen.file, bios=chosen.bios, strict=chosen.strict).make()
        remote = Remote(*chosen.other)
    except (LaunchError, RemoteError) as problem:
        error(str(problem))
        return 1
    try:
        start = ours.read_register("pc") if chosen.start is None else chosen.start
        return compare(ours, remote, start, chosen.steps, set(chosen.ignore.split(",")), lambda text: write(text + "\n"))
    except RemoteError as problem:
        error(str(problem))
        return 1
    finally:
        remote.close()
        ours.close()


def common(ours: Debugger, remote: Remote, ignored: set[str]) -> list[tuple[str, str]]:
    """(their name, our name) of the registers that both have and that are compared."""
    known = set(ours.register_names()) - {"virt", "mode"}
    pairs = [(name, OURS.get(name, name)) for name in remote.registers]
    skip = TIMES | ignored
    return [
        (theirs, mine)
        for theirs, mine in pairs
        if mine in known and theirs not in skip and mine not in skip and not theirs.startswith(("hpm", "mhpm"))
    ]


def compare(ours: Debugger, remote: Remote, start: int, steps: int, ignored: set[str], say: Callable[[str], None]) -> int:
    """Bring both to `start`, take over the other's general registers, step and compare; the exit status."""
    from cli.pager import Progress
    from gdbstub.client import RemoteError

    progress = Progress(lambda text: write(text, sys.stderr))
    if remote.read("pc") != start:
        try:
            remote.run_to(start)
        except RemoteError as problem:
            raise RemoteError(
                f"{remote.where} has not come to {ours.symbols.format(start)} ({start:#x}): {problem}"
            ) from problem
    ours.write_register("pc", start)
    for name in ABI[1:]:
        ours.write_register(OURS.get(name, name), remote.read(name) or 0)
    pairs = common(ours, remote, ignored)
    theirs = remote.read_all(name for name, _ in pairs)
    for name, mine in pairs:  # what differs from the start stays out: resets are not the same everywhere
        own = ours.read_register(mine)
        if theirs.get(name) != own and name not in ("pc", *ABI):
            say(f"not compared, as it differs from the start: {name} ours {own:#x}, {show(theirs.get(name))}")
            ignored.add(mine)
    pairs = [pair for pair in pairs if pair[1] not in ignored and pair[0] in theirs]
    say(f"comparing {len(pairs)} registers from {ours.symbols.format(start)} on, {steps} steps")
    for count in range(1, steps + 1):
        before = ours.read_register("pc")
        line = instruction(ours, before)
        ours.resume(steps=1)
        remote.step()
        if count % PROGRESS == 0 and sys.stderr.isatty():
            progress(f"{count} of {steps} steps, at {ours.symbols.format(before)}")
        if ours.stop.exit_code is not None:
            progress("")
            say(f"no difference in {count} steps; our machine has switched itself off")
            return 0
        differing = [
            (name, ours.read_register(mine), remote.read(name))
            for name, mine in pairs
            if ours.read_register(mine) != remote.read(name)
        ]
        if differing:
            progress("")
            say(f"difference after step {count}, {before:#x} <{ours.symbols.format(before)}>: {line}")
            for name, mine_value, their_value in differing:
                say(f"  {name:<12} ours {mine_value:#x}   {show(their_value)}")
            return 1
    progress("")
    say(f"no difference in {steps} steps")
    return 0


def instruction(ours: Debugger, address: int) -> str:
    """The instruction about to be executed; where it cannot be fetched, the step will show what happens."""
    from core.debug.target import DebugError

    try:
        return ours.disassemble(address, 1)[0].text
    except DebugError as problem:
        return str(problem)


def show(number: int | None) -> str:
    """The other side's value."""
    return "theirs unreadable" if number is None else f"theirs {number:#x}"
