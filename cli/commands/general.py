# SPDX-License-Identifier: Apache-2.0
"""The console itself."""

from __future__ import annotations

from collections.abc import Iterator

from cli.commands import TOPICS
from cli.context import CommandError, Context
from cli.format import wrap_list, wrapped
from cli.registry import Command, command, execute, find, load_commands


@command(
    "help [COMMAND]",
    aliases=("h", "?"),
    help="list the commands, or explain one with an example",
    example="help translate",
)
def help_(context: Context, name: str | None) -> Iterator[str]:
    """Any beginning of a name that fits only one command stands for it."""
    if name is None:
        yield from _list(context)
    else:
        yield from _explain(find(name.lower()), context)


def _list(context: Context) -> Iterator[str]:
    commands = [c for c in load_commands().values() if context.front == "console" or not c.console_only]
    commands.sort(key=_place)
    for topic in dict.fromkeys(c.topic for c in commands):
        yield f"{topic}:"
        for known in (c for c in commands if c.topic == topic):
            left = f"  {known.name:<12} "
            first, *more = wrap_list([known.help], max(20, context.width - len(left)), "")
            yield left + first
            yield from (" " * len(left) + line for line in more)
    told = "'help COMMAND' tells more, with an example. Addresses are numbers, symbols, $registers or sums."
    yield from wrapped(told, context.width)
    if context.front == "console":
        keys = "Keys: Tab completes, Ctrl-C stops the machine, Ctrl-D leaves, Ctrl-A c goes to the guest's UART."
        yield from wrapped(keys, context.width)


def _place(known: Command) -> int:
    """Where a command stands in the list; those that scripts declare come last."""
    topic = known.function.__module__.rpartition(".")[2]
    return TOPICS.index(topic) if topic in TOPICS else len(TOPICS)


def _explain(known: Command, context: Context) -> Iterator[str]:
    yield known.usage_text
    yield from wrap_list([f"{known.help[0].upper()}{known.help[1:]}."], context.width, "  ")
    if known.details:
        for paragraph in known.details.split("\n\n"):
            yield from wrap_list(paragraph.split(), context.width, "  ")
    if known.aliases:
        yield f"  Also: {', '.join(known.aliases)}"
    yield f"  Example: {known.example}"


INFO = {
    "breakpoints": "break",
    "registers": "regs",
    "watchpoints": "break",
    "catches": "break",
    "worlds": "worlds",
    "threads": "hart",
    "harts": "hart",
    "symbols": "symbols",
    "csrs": "csr",
    "mode": "mode",
}


@command(
    "info WHAT",
    aliases=("i",),
    help="gdb's word for showing things: breakpoints, registers, ...",
    example="info breakpoints",
)
def info(context: Context, what: str) -> Iterator[str]:
    """A register's name is understood too: `info hstatus` is `csr hstatus`."""
    if line := next((line for word, line in INFO.items() if word.startswith(what.lower())), None):
        return execute(line, context)
    if context.csr(what.removeprefix("$")):
        return execute(f"csr {what.removeprefix('$')}", context)
    if context.register(what.removeprefix("$")) is not None:
        return execute(f"print ${what.lower().removeprefix('$')}", context)
    raise CommandError(f"info shows {', '.join(INFO)} or a register, not {what!r}")


@command("gdb", help="print the command that attaches gdb to this machine", example="gdb", console_only=True)
def gdb(context: Context) -> Iterator[str]:
    """gdb and the console work on the same machine, and each sees the stops of the other."""
    if context.gdb_address is None:
        raise CommandError("no gdb server runs; start hartline with --gdb 1234")
    yield gdb_command(context.gdb_address, str(context.debugger.elf_path or ""))


def gdb_command(address: tuple[str, int], elf: str) -> str:
    """The line to paste into a second terminal."""
    host, port = address
    shown = "" if host in ("127.0.0.1", "0.0.0.0", "::", "::1", "localhost") else f"[{host}]" if ":" in host else host
    import shlex

    file = f" {shlex.quote(elf)}" if elf else ""
    return f"gdb-multiarch{file} -ex 'target remote {shown}:{port}'"


@command(
    "uart [TEXT]",
    help="give the terminal to the guest's UART, or send it one line",
    example="uart ls",
    console_only=True,
)
def uart(context: Context, text: str | None) -> Iterator[str]:
    """Without TEXT the keyboard is the guest's until Ctrl-A c; with TEXT the line and a newline go to the guest."""
    if text is None:
        context.request = "uart"
    else:
        context.debugger.machine.console_input(text.encode() + b"\n")
        yield f"sent {len(text.encode()) + 1} bytes"


@command("quit", aliases=("q", "exit"), help="end the machine and leave", example="quit", console_only=True)
def quit_(context: Context) -> Iterator[str]:
    """The exit status is the machine's when it has ended by itself."""
    context.request = "quit"
    return iter(())
