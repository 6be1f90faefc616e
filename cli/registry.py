# SPDX-License-Identifier: Apache-2.0
"""Console commands: declared once with `@command`; help, completion and parsing all follow from the declaration.

    @command("step [N]", aliases=("s", "si"), help="execute N instructions (1)", example="step 10")
    def step(context: Context, count: int | None) -> Iterator[str]:
        ...
        yield "a line for the user"

The function takes the context and one argument for each parameter of the usage line (see cli.usage). It yields lines
without a newline, and raises CommandError or lets a DebugError pass when it cannot do its work.
"""

from __future__ import annotations

import inspect
import logging
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cli.context import CommandError, Context
from cli.expression import ExpressionError
from cli.usage import COUNTS, EXPRESSIONS, Usage, UsageError, bind, counted, parse_usage, split_words
from core.suggest import did_you_mean

Function = Callable[..., Iterator[str]]


@dataclass(frozen=True)
class Command:
    """A declared command."""

    name: str
    aliases: tuple[str, ...]
    usage_text: str
    usage: Usage
    help: str
    """One line: what it does, in the imperative."""
    details: str
    """More, from the function's docstring."""
    example: str
    topic: str
    """The heading it stands under in `help`: the first line of its module's docstring."""
    function: Function
    console_only: bool
    """Refused from gdb's `monitor`: it would move the machine behind gdb's back, or makes no sense there."""
    repeats: bool
    """An empty line at the prompt runs it again."""


COMMANDS: dict[str, Command] = {}
ALIASES: dict[str, str] = {}


def command(
    usage: str,
    *,
    help: str,
    example: str,
    aliases: tuple[str, ...] = (),
    console_only: bool = False,
    repeats: bool = False,
) -> Callable[[Function], Function]:
    """Declare a console command. Raises ValueError when names collide or function and usage line do not agree."""
    parsed = parse_usage(usage)

    def register(function: Function) -> Function:
        takes = len(inspect.signature(function).parameters) - 1
        if takes != len(parsed.parameters):
            raise ValueError(f"{usage!r} has {len(parsed.parameters)} parameters, its function takes {takes}")
        for name in (parsed.name, *aliases):
            if name in COMMANDS or name in ALIASES:
                raise ValueError(f"command {name!r} declared twice")
        module = sys.modules.get(function.__module__)
        topic = ((module.__doc__ if module else None) or "Your own").strip().splitlines()[0].rstrip(".")
        COMMANDS[parsed.name] = Command(
            name=parsed.name,
            aliases=aliases,
            usage_text=usage,
            usage=parsed,
            help=help,
            details=inspect.cleandoc(function.__doc__ or ""),
            example=example,
            topic=topic,
            function=function,
            console_only=console_only,
            repeats=repeats,
        )
        ALIASES.update(dict.fromkeys(aliases, parsed.name))
        return function

    return register


def load_commands() -> dict[str, Command]:
    """All commands by name, importing their modules the first time."""
    import cli.commands  # noqa: F401 - importing declares them

    return COMMANDS


def find(name: str) -> Command:
    """The command meant by a name, an alias or a beginning that fits only one. Raises CommandError."""
    commands = load_commands()
    if name in commands:
        return commands[name]
    if name in ALIASES:
        return commands[ALIASES[name]]
    fits = sorted({known for known in commands if known.startswith(name)})
    if len(fits) == 1:
        return commands[fits[0]]
    if fits:
        raise CommandError(f"{name!r} could be {', '.join(fits[:-1])} or {fits[-1]}")
    hint = did_you_mean(name, [*commands, *(alias for alias in ALIASES if len(alias) > 2)]) or ";"
    raise CommandError(f"unknown command {name!r}{hint} 'help' lists all")


def split_line(line: str) -> tuple[str, str | None, str]:
    """(command name, /FMT or None, rest of the line)."""
    match = re.match(r"\s*([^\s/=]+)(?:/(\S*))?\s*(.*)", line, re.DOTALL)
    if match is None:
        return line.strip(), None, ""
    return match[1], match[2], match[3].strip()


def execute(line: str, context: Context) -> Iterator[str]:
    """Run one line of input. Yields output lines; raises CommandError, or a DebugError from the machine.

    An empty line or a comment (#) does nothing.
    """
    if not line.strip() or line.lstrip().startswith("#"):
        return
    if context.aliases:
        from cli.commands.scripting import expand

        expanded = expand(context, line)
        if expanded is not None:
            yield from _several(expanded, context)
            return
    name, fmt, rest = split_line(line)
    found = find(name.lower())
    if found.console_only and context.front != "console":
        raise CommandError(f"{found.name!r} is for the console; in gdb use gdb's own command")
    try:
        words = bind(found.usage, fmt, split_words(rest, found.usage))
        arguments = [
            value if value is None or parameter.kind not in EXPRESSIONS else _evaluate(value, context, parameter.kind)
            for parameter, value in zip(found.usage.parameters, words, strict=True)
        ]
    except UsageError as problem:
        raise CommandError(f"{found.name}: {problem}; usage: {found.usage_text}") from None
    except ExpressionError as problem:
        raise CommandError(str(problem)) from None
    try:
        yield from found.function(context, *arguments)
    except ExpressionError as problem:  # of an expression that the command itself has taken out of its words
        raise CommandError(str(problem)) from None


def _several(lines: list[str], context: Context) -> Iterator[str]:
    """The lines of a command of the user's. While they run, its name is that of nothing else."""
    aliases, context.aliases = context.aliases, {}
    try:
        for line in lines:
            yield from execute(line, context)
    finally:
        context.aliases = aliases


def _evaluate(value: str | list[str], context: Context, kind: str) -> int | list[int]:
    if isinstance(value, list):
        return [_number(word, context, kind) for word in value]
    return _number(value, context, kind)


def _number(text: str, context: Context, kind: str) -> int:
    value: int = context.evaluate(text)
    return counted(value, text) if kind in COUNTS else value


def run_command(line: str, context: Context) -> Iterator[str]:
    """Run one line of input; what goes wrong becomes the last line. For gdb's `monitor`, scripts and tests."""
    from core.debug.target import DebugError

    try:
        yield from execute(line, context)
    except (CommandError, DebugError) as problem:
        yield str(problem)
    except Exception as problem:
        yield internal_error(line, problem)


def internal_error(line: str, problem: Exception) -> str:
    """A command has failed through a fault of its own; the machine and the front end go on. The traceback is logged."""
    logging.getLogger("hartline.console").debug("command %r", line, exc_info=problem)
    return f"internal error in {line.strip()!r}: {type(problem).__name__}: {problem}"
