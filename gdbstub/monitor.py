# SPDX-License-Identifier: Apache-2.0
"""Commands for gdb's `monitor`: a registry that whoever starts the server fills."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gdbstub.interface import TargetError

CommandFunction = Callable[[str], Iterable[str]]
"""Gets what stands behind the command's name; yields lines without line ends. May raise TargetError."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name, its function and one line of help."""

    name: str
    run: CommandFunction
    help: str


class Monitor:
    """The commands of one server. `help` is always there."""

    def __init__(self) -> None:
        self._commands: dict[str, Command] = {}
        self.add("help", self._help, "list the commands, or say what one does: help [COMMAND]")

    def add(self, name: str, run: CommandFunction, help: str) -> None:
        """Add a command. ValueError when the name is taken or is not one word."""
        if name in self._commands or name.split() != [name]:
            raise ValueError(f"monitor command {name!r} is taken or not one word")
        self._commands[name] = Command(name, run, help)

    def execute(self, line: str) -> Iterator[str]:
        """Run one command line and yield its output, line by line. An unknown command is a TargetError."""
        name, _, rest = line.strip().partition(" ")
        yield from self._find(name or "help").run(rest.strip())

    def _find(self, name: str) -> Command:
        """The command of this name, or the only one that begins with it."""
        if name in self._commands:
            return self._commands[name]
        matches = [command for command in self._commands.values() if command.name.startswith(name)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = ", ".join(sorted(command.name for command in matches))
            raise TargetError(f"monitor command {name!r} is ambiguous: {names}")
        raise TargetError(f"no monitor command {name!r}; 'monitor help' lists them")

    def _help(self, rest: str) -> Iterator[str]:
        commands = [self._find(rest)] if rest else sorted(self._commands.values(), key=lambda command: command.name)
        width = max(len(command.name) for command in commands)
        for command in commands:
            yield f"{command.name:{width}}  {command.help}"
