# SPDX-License-Identifier: Apache-2.0
"""From options to a machine with a debugger on it. The core is imported only when a machine is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cli.output import error
from core.options import ENGINES, RNMI_VECTORS, features_with, vectors_in

if TYPE_CHECKING:
    from core.debug.target import Debugger
    from core.devices.config import BoardConfig


class LaunchError(Exception):
    """The machine cannot be made; str() is one line for the user."""


def cpu_help() -> Iterator[str]:
    """What `--cpu help` shows: every property, and whether it is on by default."""
    from cli.format import wrap_list
    from core.features import DEFAULT_FEATURES, Feature

    for on in (True, False):
        names = [str(feature.name).lower() for feature in Feature if (feature in DEFAULT_FEATURES) == on]
        yield f"{'on' if on else 'off'} unless told:"
        yield from wrap_list(names, 80, "  ")
    yield "addresses (0):"
    yield from wrap_list(RNMI_VECTORS, 80, "  ")


@dataclass(frozen=True)
class Options:
    """What the machine is to be."""

    file: Path | None
    bios: str = "builtin"
    memory: int = 128 << 20
    harts: int = 1
    cpu: Mapping[str, int] = field(default_factory=dict)
    append: str | None = None
    initrd: Path | None = None
    engine: str = ENGINES[0]
    max_instructions: int | None = None
    strict: bool = False
    reboot: bool = True
    """Whether a reset that the program asks for is done, or ends the machine."""
    board: BoardConfig | None = None
    """Devices besides the usual ones."""
    symbols: tuple[tuple[str, Path], ...] = ()
    """(world, ELF file) pairs: "host", "guest:N" or "guest:*"."""

    def make(self) -> Debugger:
        """The machine, paused at reset. Raises LaunchError."""
        from core.boot.loader import Bios, BootConfig
        from core.debug.target import DebugError, Debugger
        from core.devices.config import USUAL_BOARD
        from core.machine import Machine, MachineConfig

        bios = Bios(self.bios) if self.bios in ("builtin", "none") else Path(self.bios)
        boot = BootConfig(self.file, bios, self.initrd, self.append)
        try:
            config = MachineConfig(
                boot=boot,
                memory=self.memory,
                harts=self.harts,
                features=features_with(self.cpu),
                strict=self.strict,
                engine=self.engine,
                board=self.board or USUAL_BOARD,
                rnmi_vectors=vectors_in(self.cpu),
                reboot=self.reboot,
            )
            machine = Machine(config)
        except DebugError as problem:
            raise LaunchError(str(problem)) from None
        machine.warning = warn
        debugger = Debugger(machine, machine.plan.symbols)
        debugger.limit = self.max_instructions
        try:
            for which, path in self.symbols:
                debugger.set_symbols(which, path)
        except DebugError as problem:
            raise LaunchError(f"--symbols: {problem}") from None
        return debugger


def warn(text: str) -> None:
    """A tolerance was used: one line on standard error, until a front end takes it over."""
    error(f"warning: {text}")
