# SPDX-License-Identifier: Apache-2.0
"""The subcommands of `hartline`: one line here, one module each. A module is imported when its subcommand is called.

A module has `main(argv) -> int`, which gets the arguments behind the subcommand's name and returns the exit status.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Subcommand:
    """A subcommand, its module, and a line of help."""

    name: str
    module: str
    help: str

    def main(self, argv: Sequence[str]) -> int:
        """Run it; the exit status."""
        function: Callable[[Sequence[str]], int] = import_module(self.module).main
        return function(argv)


SUBCOMMANDS = {
    entry.name: entry
    for entry in (
        Subcommand("run", "cli.run", "run an ELF file or a raw image"),
        Subcommand("qemu", "cli.qemu", "run with the command line of qemu-system-riscv64"),
        Subcommand("demo", "cli.demo", "try the bundled hypervisor: gdb server and console, paused at reset"),
        Subcommand("lockstep", "cli.lockstep", "step another simulator's gdb stub beside ours and stop at a difference"),
    )
}
