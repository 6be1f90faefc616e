# SPDX-License-Identifier: Apache-2.0
"""Variables and source, by the program's debugging information."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cli.context import HOST, CommandError, Context
from cli.expression import ExpressionError
from cli.format import clip
from cli.memory_format import FormatError, parse_format, value_text
from cli.registry import command
from cli.typed import TypedError, resolve_variable, show_lines, show_value

LISTED = 10
"""Lines of source that `list` shows."""


@command(
    "print[/FMT] VARIABLE",
    aliases=("p",),
    help="show a variable by its type (vcpu->sepc, table[3], *p), or work out an expression",
    example="print/x $sp + 16",
)
def print_(context: Context, fmt: str | None, text: str) -> Iterator[str]:
    """Structures, unions, bit-fields, arrays and enumerations are shown as C writes them. `.` and `->` mean the same.
    Expressions are numbers, symbols, $registers, fields ($hstatus.SPV), *memory; they come in hexadecimal and decimal,
    with the symbol the value lies at. FMT is a letter and a size as for `x`.
    """
    try:
        typed = resolve_variable(context, text)
    except TypedError as problem:
        raise CommandError(str(problem)) from None
    if typed is not None and not fmt:
        yield from show_lines(context, text, typed)
        return
    if typed is not None:
        value = typed.number(context)
        if value is None:
            raise CommandError(f"{typed.type.name} is no number; print it without /{fmt}")
    else:
        try:
            value = context.evaluate(text)
        except ExpressionError as problem:
            raise CommandError(str(problem)) from None
    yield _formatted(context, fmt, value) if fmt else plain(context, value)


def plain(context: Context, value: int) -> str:
    """A number in hexadecimal and decimal, with its symbol."""
    signed = value - (1 << 64) if value >> 63 else value
    name = context.symbol_at(value)
    return f"{value:#x} = {signed}" + (f" <{name}>" if name else "")


def _formatted(context: Context, fmt: str, value: int) -> str:
    last = context.memory.get("print")
    try:
        form = parse_format(fmt + ("" if any(c in fmt for c in "bhwg") else "g"), parse_format(last) if last else None)
    except FormatError as problem:
        raise CommandError(str(problem)) from None
    if form.letter in "is":
        raise CommandError(f"print takes no /{form.letter}; use x/{form.letter}")
    shown = value_text(value & ((1 << form.size * 8) - 1), form.letter, form.size, context.symbol_at)
    if form.size == 8 and form.letter in "xt":  # without the zeros in front that memory is shown with
        return f"0x{value:x}" if form.letter == "x" else f"{value:b}"
    return shown


@command("locals", help="show the variables and parameters of the function at pc", example="locals")
def locals_(context: Context) -> Iterator[str]:
    """What the compiler has done away with at this place is named at the end."""
    program = context.program()
    pc = context.value("pc")
    names = program[1].local_names(pc) if program else []
    if not names:
        raise CommandError("no variables are known here; was this code compiled with -g?")
    gone = []
    for name in names:
        try:
            typed = resolve_variable(context, name)
        except TypedError:
            typed = None
        if typed is None:
            gone.append(name)
        else:
            yield clip(f"{name} = {show_value(context, typed)}", max(40, context.width))
    if gone:
        yield f"not here any more: {', '.join(gone)}"


@command(
    "list [PLACE]",
    aliases=("l",),
    help="show source around pc, a symbol, FILE:LINE or a line; again, what follows",
    example="list vcpu_run",
    repeats=True,
)
def list_(context: Context, text: str | None) -> Iterator[str]:
    """Sources are looked for as the compiler called them, below the current folder and near the program."""
    program = context.program()
    if program is None:
        raise CommandError(_no_lines(context))
    sources = program[0]
    file, line = _wanted(context, text)
    lines = sources.text(file)
    if lines is None:
        raise CommandError(f"{file} is not to be found here; start hartline in the folder it was compiled in")
    first = max(1, line)
    here = sources.line_of(context.value("pc"))
    for number in range(first, min(first + LISTED, len(lines) + 1)):
        mark = "=>" if here and here.file == file and here.line == number else "  "
        yield clip(f"{mark} {number:>4}  {lines[number - 1].expandtabs(4)}".rstrip(), max(40, context.width))
    if first > len(lines):
        raise CommandError(f"{file} has {len(lines)} lines")
    context.memory["list"] = f"{file}:{first + LISTED}"


def _no_lines(context: Context) -> str:
    """Why there are no source lines for what the hart executes."""
    world = context.debugger.current_world(context.hart)
    if world.number == HOST:
        return "the machine was loaded without a file that could have source lines"
    return f"no file is known for {world.name} here; `symfile guest{world.number - 1} FILE` takes lines and symbols from one"


def _wanted(context: Context, text: str | None) -> tuple[str, int]:
    """File and first line of what `list` shows."""
    program = context.program()
    assert program is not None
    last = context.memory.get("list")
    if text is None and last is not None and context.memory.get("listed at") == context.debugger.stop.text:
        file, _, number = last.rpartition(":")
        return file, int(number)
    context.memory["listed at"] = context.debugger.stop.text
    if text is not None and (match := re.fullmatch(r"(?:(\S+):)?(\d+)", text.strip())):
        here = program[0].line_of(context.value("pc"))
        wanted = match[1]
        if wanted is None:
            if here is None:
                raise CommandError("no source line is known at pc; which file? list FILE:LINE")
            return here.file, int(match[2])
        known = program[0].addresses_of(wanted, int(match[2]))
        found = program[0].line_of(known[0]) if known else None
        return (found.file if found else wanted), max(1, int(match[2]) - LISTED // 2)
    try:
        address = context.value("pc") if text is None else context.evaluate(text)
    except ExpressionError as problem:
        raise CommandError(str(problem)) from None
    place = program[0].line_of(address)
    if place is None:
        raise CommandError(f"no source line is known at {context.place(address)}")
    return place.file, max(1, place.line - LISTED // 2)
