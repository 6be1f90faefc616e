# SPDX-License-Identifier: Apache-2.0
"""`hartline`, and `python -m cli`: finds the subcommand and runs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cli.output import error, open_closed_streams, write
from cli.subcommands import SUBCOMMANDS
from cli.version import version

INTERRUPTED = 130
"""Exit status after Ctrl-C, as a shell reports it."""


def overview() -> str:
    """What `hartline --help` prints."""
    width = max(map(len, SUBCOMMANDS))
    commands = "\n".join(f"  {entry.name:<{width}}  {entry.help}" for entry in SUBCOMMANDS.values())
    return f"""\
usage: hartline COMMAND [...]

A RISC-V RV64GC+H machine for debugging hypervisors.

commands:
{commands}

options:
  -h, --help     this help; hartline COMMAND --help for a command's options
  -V, --version  the version

Try 'hartline demo', or 'hartline run FILE.elf --gdb 1234 --wait' and attach gdb.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (the process's own by default); the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    open_closed_streams()
    try:
        return dispatch(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as leaving:  # argparse's --help and our own usage errors
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)


def dispatch(arguments: list[str]) -> int:
    """Find what the first argument asks for and do it."""
    first, *rest = arguments or ["--help"]
    if first in ("-h", "--help", "help"):
        write(overview())
        return 0
    if first in ("-V", "--version"):
        write(f"hartline {version()}\n")
        return 0
    if first in SUBCOMMANDS:
        return SUBCOMMANDS[first].main(rest)
    from core.suggest import did_you_mean

    if first.startswith("-"):
        hint = did_you_mean(first, ["--help", "--version"]) or "; options of a command stand behind its name"
        error(f"no option {first}{hint}")
    elif os.path.isfile(first):
        error(f"{first!r} is no command; did you mean 'hartline run {first}'?")
    else:
        error(f"no command {first!r}{did_you_mean(first, SUBCOMMANDS) or '; hartline --help lists them'}")
    return 2


if __name__ == "__main__":
    sys.exit(main())
