# SPDX-License-Identifier: Apache-2.0
"""A machine with a gdb server, as the tests with a real gdb need it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from cli.context import Context
from cli.monitor import make_server
from core.boot.loader import BootConfig
from core.debug.target import Debugger
from core.machine import Machine, MachineConfig
from gdbstub.riscv.processes import Mode

PREBUILT = Path(__file__).parents[2] / "examples" / "prebuilt"


class Served:
    """An example on a machine, standing at reset, with a server on a free port."""

    def __init__(
        self, example: str, engine: str, harts: int = 1, *, symbols: Mapping[str, str] | None = None, worlds: Mode = Mode.AUTO
    ) -> None:
        self.elf = PREBUILT / f"{example}.elf"
        self._serve(MachineConfig(BootConfig(self.elf), engine=engine, harts=harts, memory=16 << 20), symbols, worlds)

    @classmethod
    def of(cls, config: MachineConfig) -> Served:
        """Any machine."""
        served = cls.__new__(cls)
        served._serve(config, None, Mode.AUTO)
        return served

    def _serve(self, config: MachineConfig, symbols: Mapping[str, str] | None, worlds: Mode) -> None:
        self.output = bytearray()
        self.warnings: list[str] = []
        self.machine = Machine(config)
        self.machine.console_output = self.output.extend
        self.debugger = Debugger(self.machine)
        for world, program in (symbols or {}).items():
            self.debugger.set_symbols(world, PREBUILT / f"{program}.elf")
        self.kills = 0
        self.server = make_server(
            self.debugger, "0", Context(self.debugger), on_kill=self._killed, warn=self.warnings.append, worlds=worlds
        )
        self.server.start()

    @property
    def remote(self) -> str:
        """The command that connects gdb."""
        return f"target remote :{self.server.port}"

    def _killed(self) -> None:
        self.kills += 1

    def close(self) -> None:
        """Stop everything."""
        self.server.stop()
        self.debugger.close()


Server = Callable[..., Served]
"""Starts an example with a server."""
