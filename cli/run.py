# SPDX-License-Identifier: Apache-2.0
"""`hartline run`: any RISC-V ELF or raw image, with the guest's UART on stdio, the console, gdb, or all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from cli.arguments import Parser, one_of, usage_error, value
from cli.devices import add_options, board
from cli.launch import Options, cpu_help
from cli.output import write
from cli.session import STATUS_HELP, Fronts, run_session
from cli.signature import Signature, parse_granularity
from cli.values import parse_count, parse_harts, parse_listen
from core.errors import BadValue
from core.options import ENGINES, parse_cpu, parse_size

KEYS = """\
keys at the guest's UART: Ctrl-A x quits, Ctrl-A c opens the console (and back),
Ctrl-A h helps, Ctrl-A Ctrl-A sends Ctrl-A. Without a terminal standard input is
piped to the UART."""

WORLDS = ("separate", "merged", "auto")
DEFAULT_MEMORY = parse_size("128M")


def parser() -> Parser:
    """The options of `run`."""
    made = Parser(
        prog="hartline run",
        description="Run a RISC-V ELF file or raw image (raw at 0x80200000, with --bios none at 0x80000000).",
        epilog=f"{KEYS}\n\n{STATUS_HELP}",
    )
    add = made.add_argument
    add("file", metavar="FILE", type=Path, nargs="?", help="ELF file, Linux Image or raw image; optional after --bios FILE")
    add("--bios", metavar="builtin|none|FILE", default="builtin", help="SBI by the host, start in M-mode, or firmware")
    add("--gdb", metavar="[HOST:]PORT", type=value(parse_listen), help="serve gdb there; 127.0.0.1 without HOST")
    add("--wait", action="store_true", help="stay paused at reset until a debugger continues")
    add("--console", action="store_true", help="begin in the console, paused; commands may come from a pipe")
    add("--memory", metavar="SIZE", type=value(parse_size), default=DEFAULT_MEMORY, help="RAM: 128M (default), 1G")
    add("--harts", metavar="N", type=value(parse_harts), default=1, help="number of harts (1)")
    add("--cpu", metavar="SPEC", default="rv64", help="rv64 with properties on or off: rv64,sstc=off; help lists them")
    add("--append", metavar="STRING", help="the kernel's command line")
    add("--initrd", metavar="FILE", type=Path, help="initial RAM disk")
    engine = one_of("engine", *ENGINES)
    add("--engine", metavar="|".join(ENGINES), type=engine, default=ENGINES[0], help="what executes instructions")
    add("--max-instructions", metavar="N", type=value(parse_count), help="stop after N instructions (5M, 2G)")
    add("--symbols", metavar="WORLD=FILE", action="append", help="ELF with symbols of host, guest:1 ..., guest:*; repeatable")
    worlds = one_of("way to show worlds", *WORLDS)
    add("--worlds", metavar="|".join(WORLDS), type=worlds, default="auto", help="gdb: each guest an inferior of its own?")
    add("--signature", metavar="FILE", type=Path, help="at the end write RAM from begin_signature to end_signature there")
    granularity = value(parse_granularity)
    add("--signature-granularity", metavar="BYTES", type=granularity, default=4, help="bytes per line of it (4)")
    add("--no-reboot", action="store_true", help="end when the program asks for a reset, with status 0")
    add("--strict", action="store_true", help="no tolerances: only what the manual allows")
    add_options(made)
    return made


def main(argv: Sequence[str]) -> int:
    """Run it; the exit status."""
    chosen = parser().parse(argv)
    cpu = _cpu(chosen.cpu)
    if chosen.file is None and chosen.bios in ("builtin", "none"):
        usage_error("FILE is missing; hartline run --help shows the options")
    if chosen.wait and chosen.gdb is None and not chosen.console:
        usage_error("--wait needs somebody to continue: --gdb PORT or --console")
    options = Options(
        file=chosen.file,
        bios=chosen.bios,
        memory=chosen.memory,
        harts=chosen.harts,
        cpu=cpu,
        append=chosen.append,
        initrd=chosen.initrd,
        engine=chosen.engine,
        max_instructions=chosen.max_instructions,
        strict=chosen.strict,
        board=board(chosen),
        reboot=not chosen.no_reboot,
        symbols=_symbols(chosen.symbols or []),
    )
    fronts = Fronts(console=chosen.console, gdb=chosen.gdb, wait=chosen.wait, worlds=chosen.worlds)
    if chosen.signature is None:
        return run_session(options.make, fronts)
    return run_session(options.make, fronts, Signature(chosen.signature, chosen.signature_granularity))


def _symbols(words: list[str]) -> tuple[tuple[str, Path], ...]:
    for word in words:
        if not word.partition("=")[2]:
            usage_error(f"--symbols: {word!r} is not WORLD=FILE, for instance guest:1=kernel.elf")
        if not re.fullmatch(r"host|guest:(\*|[1-9]\d*)", word.partition("=")[0]):
            usage_error(f"--symbols: {word.partition('=')[0]!r} names no world; possible: host, guest:N (from 1 on), guest:*")
    return tuple((which, Path(file)) for which, _, file in (word.partition("=") for word in words))


def _cpu(text: str) -> dict[str, int]:
    if text == "help":
        write("\n".join(cpu_help()) + "\n")
        raise SystemExit(0)
    try:
        return parse_cpu(text)
    except BadValue as problem:
        usage_error(f"--cpu: {problem}")
