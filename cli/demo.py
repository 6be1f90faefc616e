# SPDX-License-Identifier: Apache-2.0
"""`hartline demo`: the bundled hypervisor, paused at reset, with the gdb server and the console in one terminal."""

from __future__ import annotations

from collections.abc import Sequence

from cli.arguments import Parser, value
from cli.launch import Options
from cli.session import STATUS_HELP, Fronts, interactive, run_session
from cli.values import parse_listen

GREETING = (
    "Hartline: the bundled hypervisor 'hello', paused at reset.",
    "Try here: break guest_entry, continue, mode, csr hstatus, translate $pc, help.",
)


def parser() -> Parser:
    """The options of `demo`."""
    made = Parser(
        prog="hartline demo",
        description="Start the bundled hypervisor 'hello' paused at reset, with the console here and a gdb server.\n"
        "Without a terminal on standard input it runs to its end and prints what its UART says.",
        epilog=STATUS_HELP,
    )
    made.add_argument(
        "--gdb",
        metavar="[HOST:]PORT",
        type=value(parse_listen),
        default=parse_listen("1234"),
        help="where gdb is served (127.0.0.1:1234)",
    )
    return made


def main(argv: Sequence[str]) -> int:
    """Run it; the exit status."""
    chosen = parser().parse(argv)
    from examples import elf

    options = Options(file=elf("hello"))
    if not interactive():
        return run_session(options.make, Fronts())
    return run_session(options.make, Fronts(console=True, gdb=chosen.gdb, greeting=GREETING))
