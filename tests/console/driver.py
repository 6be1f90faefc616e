# SPDX-License-Identifier: Apache-2.0
"""Drives the console on a real machine: through prompt_toolkit's pipe input, or line by line."""

from __future__ import annotations

from pathlib import Path

from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from cli.console import Console
from cli.context import Context
from cli.launch import Options
from cli.registry import run_command
from cli.screen import Screen
from core.debug.target import Debugger
from examples import elf

MEMORY = 16 << 20
"""RAM of the machines here: enough for the examples, and quickly cleared."""


def machine(name: str = "hello", *, engine: str = "reference", file: Path | None = None, harts: int = 1) -> Debugger:
    """A bundled hypervisor, paused at reset."""
    return Options(file=file or elf(name), engine=engine, memory=MEMORY, harts=harts).make()


class Typist:
    """A console whose keyboard is a pipe and whose screen is a list of texts."""

    def __init__(self, debugger: Debugger, width: int = 80) -> None:
        self.shown: list[str] = []
        self.debugger = debugger
        self.context = Context(debugger, width=width)
        self.screen = Screen(self.shown.append)
        debugger.machine.console_output = self.screen.guest

    @property
    def text(self) -> str:
        """Everything shown so far."""
        return "".join(self.shown)

    def lines(self, *lines: str) -> str:
        """Run commands as from a pipe; what they show."""
        before = len(self.shown)
        Console(self.context, self.screen).run_lines(lines)
        return "".join(self.shown[before:])

    def type(self, keys: str) -> str:
        """Type `keys` at the prompt (they must end the console); what the console asked for: "quit" or "uart"."""
        with create_pipe_input() as keyboard:
            keyboard.send_text(keys)
            return Console(self.context, self.screen, input=keyboard, output=DummyOutput()).run()


def ask(debugger: Debugger, line: str, *, front: str = "console", width: int = 80) -> list[str]:
    """The lines one command yields."""
    return list(run_command(line, Context(debugger, front=front, width=width)))
