# SPDX-License-Identifier: Apache-2.0
"""From options to a machine with a debugger on it. The core is imported only when a machine is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cli.output import error
from cli.values import RNMI_VECTORS, BadValue, parse_count

if TYPE_CHECKING:
    from core.debug.target import Debugger
    from core.devices.config import BoardConfig

ENGINES = ("native", "reference")


class LaunchError(Exception):
    """The machine cannot be made; str() is one line for the user."""


def cpu_properties() -> list[str]:
    """The names --cpu knows, besides addresses: the extensions and choices of core.features."""
    from core.features import Feature

    return [str(feature.name).lower() for feature in Feature]


def parse_harts(text: str) -> int:
    """A number of harts that a machine may have. Raises BadValue."""
    from core.machine import MOST_HARTS

    harts = parse_count(text)
    if harts > MOST_HARTS:
        raise BadValue(f"{harts} harts are too many; at most {MOST_HARTS}")
    return harts


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
        from core.boot.errors import BootError
        from core.boot.loader import Bios, BootConfig
        from core.debug.target import DebugError, Debugger
        from core.devices.config import USUAL_BOARD
        from core.features import DEFAULT_FEATURES, Feature
        from core.machine import Machine, MachineConfig

        features = DEFAULT_FEATURES
        for name, on in self.cpu.items():
            if name not in RNMI_VECTORS:
                feature = Feature[name.upper()]
                features = features | feature if on else features & ~feature
        interrupts, exceptions = (self.cpu.get(name, 0) for name in RNMI_VECTORS)
        bios = Bios(self.bios) if self.bios in ("builtin", "none") else Path(self.bios)
        config = MachineConfig(
            boot=BootConfig(self.file, bios, self.initrd, self.append),
            memory=self.memory,
            harts=self.harts,
            features=features,
            strict=self.strict,
            engine=self.engine,
            board=self.board or USUAL_BOARD,
            rnmi_vectors=(interrupts, exceptions),
            reboot=self.reboot,
        )
        try:
            machine = Machine(config)
        except BootError as problem:
            raise LaunchError(str(problem)) from None
        except ValueError as problem:  # a machine that cannot be, for instance more RAM than the host has
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
