# SPDX-License-Identifier: Apache-2.0
"""Scripts and commands of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from cli.context import CommandError, Context
from cli.registry import ALIASES, command, execute, load_commands

NESTING = 16
"""How deep scripts and own commands may call each other."""


@command(
    "source FILE",
    help="run the commands in a file, or a Python file that declares commands",
    example="source examples/stop_at_guest.hartline",
    console_only=True,
)
def source(context: Context, file: str) -> Iterator[str]:
    """One command a line; # begins a comment. The first that fails ends it. A file whose name ends in .py is Python: it
    finds `debugger`, `context`, `machine` and `command` (the decorator that declares console commands).
    """
    path = Path(file).expanduser()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise CommandError(f"{file}: cannot be read: {getattr(problem, 'strerror', None) or problem}") from None
    if path.suffix == ".py":
        from cli.scripts import run_python

        yield from run_python(context, text, str(path), show=False)
        return
    yield from run_script(context, text, file)


def run_script(context: Context, text: str, name: str) -> Iterator[str]:
    """The commands of a file, one after the other, waiting for stops. Raises CommandError with the line's number."""
    from core.debug.target import DebugError

    depth = int(context.memory.get("scripts", "0"))
    if depth >= NESTING:
        raise CommandError(f"{name}: scripts call each other {NESTING} deep")
    context.memory["scripts"] = str(depth + 1)
    blocking, context.blocking = context.blocking, True
    try:
        for number, line in enumerate(text.splitlines(), 1):
            try:
                yield from execute(line, context)
            except (CommandError, DebugError) as problem:
                raise CommandError(f"{name}:{number}: {problem}") from None
            if context.request:
                return
    finally:
        context.blocking = blocking
        context.memory["scripts"] = str(depth)


@command(
    "python [PYTHON]",
    aliases=("py",),
    help="run a Python statement or show an expression's value; it sees the machine",
    example="python hex(debugger.read_register('hgatp'))",
    console_only=True,
)
def python(context: Context, text: str | None) -> Iterator[str]:
    """`debugger` and `machine` are those that docs/api.md has as m.debugger and m.machine, `context` the console's view of
    them, `reg(name)` reads a register, `run(line)` runs a command and returns its lines, `command` declares a new one.
    Names stay for the next time.
    """
    if text is None:
        raise CommandError("python: a statement is missing: python hex(reg('hgatp'))")
    from cli.scripts import run_python

    yield from run_python(context, text, "<python>", show=True)


@command(
    "define [NAME] [LINE]",
    aliases=("alias",),
    help="give a name to a command line, or to several separated by ; ($1 is the first word given)",
    example="define look print $pc; csr hstatus",
    console_only=True,
)
def define(context: Context, name: str | None, line: str | None) -> Iterator[str]:
    """Without a line it shows what NAME stands for, without NAME all. $1 ... $9 are words given behind the name, $* all
    of them; without any they are put at the end.
    """
    if name is None:
        for known, text in sorted(context.aliases.items()):
            yield f"{known} = {text}"
        if not context.aliases:
            yield "nothing is defined; `define NAME LINE` does"
        return
    if line is None:
        if name not in context.aliases:
            raise CommandError(f"{name!r} is not defined")
        yield f"{name} = {context.aliases[name]}"
        return
    if not re.fullmatch(r"[a-z_][\w-]*", name):
        raise CommandError(f"{name!r} cannot be a command's name: small letters, digits, - and _")
    if name in load_commands() or name in ALIASES:
        raise CommandError(f"{name!r} is a command of Hartline's own")
    context.aliases[name] = line.removeprefix("=").strip()
    yield f"{name} = {context.aliases[name]}"


def expand(context: Context, line: str) -> list[str] | None:
    """The lines that a line beginning with a defined name stands for; None for any other line."""
    name, _, rest = line.strip().partition(" ")
    text = context.aliases.get(name)
    if text is None:
        return None
    words = rest.split()
    if not re.search(r"\$[1-9*]", text):
        return [part.strip() for part in f"{text} {rest}".split(";")] if ";" not in text else text.split(";")

    def word(match: re.Match[str]) -> str:
        if match[1] == "*":
            return rest
        index = int(match[1]) - 1
        if index >= len(words):
            raise CommandError(f"{name}: word {index + 1} is missing")
        return words[index]

    return [part.strip() for part in re.sub(r"\$([1-9*])", word, text).split(";")]
