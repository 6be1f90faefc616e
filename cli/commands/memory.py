# SPDX-License-Identifier: Apache-2.0
"""Memory and values."""

from __future__ import annotations

from collections.abc import Iterator

from cli.commands.code import code_lines
from cli.context import CommandError, Context
from cli.format import plural
from cli.memory_format import Format, FormatError, memory_lines, parse_format, string_text, value_text
from cli.registry import command

STRING_LIMIT = 256


def _format(context: Context, text: str | None, place: str) -> Format:
    last = context.memory.get(place)
    try:
        return parse_format(text, parse_format(last) if last else None)
    except FormatError as problem:
        raise CommandError(str(problem)) from None


@command(
    "x[/FMT] [ADDR] [--space gva|gpa|hva|spa]",
    help="look at memory, in gdb's formats",
    example="x/4gx $sp",
    repeats=True,
)
def x(context: Context, fmt: str | None, address: int | None, space: str | None) -> Iterator[str]:
    """FMT is a count, a letter (x d u o t a c f s i) and a unit (b 1, h 2, w 4, g 8 bytes), as in `x/8wx` or `x/5i`.

    Without --space the address is what the hart would load from now: a guest virtual address while a guest runs, else
    a host virtual one. gva goes through the guest's two stages, hva through the hypervisor's satp, gpa through the
    G-stage only, spa is physical. Without ADDR it goes on where the last one ended.
    """
    form = _format(context, fmt, "format")
    space = space or (context.memory.get("space", "current") if address is None else "current")
    if address is None:
        if "next" not in context.memory:
            raise CommandError("x: ADDR is missing; there is no last one to go on from")
        address = int(context.memory["next"])
    context.memory["format"], context.memory["space"] = form.text, space
    if form.letter == "i":
        if space != "current":
            raise CommandError("x/i looks at the hart's current address space only")
        lines = context.debugger.disassemble(address, form.count, hart=context.hart)
        yield from code_lines(context, address, form.count)
        context.memory["next"] = str(lines[-1].address + lines[-1].length if lines else address)
        return
    if form.letter == "s":
        for _ in range(form.count):
            data = _string(context, address, space)
            yield f"{context.place(address)}:  {string_text(data)}"
            address += len(data)
        context.memory["next"] = str(address)
        return
    data = context.debugger.read_memory(address, form.count * form.size, space=space, hart=context.hart)
    context.memory["next"] = str(address + len(data))
    yield from memory_lines(data, address, form, context.symbol_at, context.width)


def _string(context: Context, address: int, space: str) -> bytes:
    """The bytes of a string with its NUL, read in steps that do not run far past it."""
    data = b""
    while b"\0" not in data and len(data) < STRING_LIMIT:
        start = address + len(data)
        data += context.debugger.read_memory(start, 16 - start % 16, space=space, hart=context.hart)
    return data[: data.index(b"\0") + 1] if b"\0" in data else data


@command(
    "print[/FMT] EXPR",
    aliases=("p",),
    help="work out an expression: numbers, symbols, $registers, fields, *memory",
    example="print/x $sp + 16",
)
def print_(context: Context, fmt: str | None, value: int) -> Iterator[str]:
    """Without a format it prints hexadecimal, decimal and the symbol the value lies at."""
    if fmt:
        form = _format(context, fmt + ("" if any(c in fmt for c in "bhwg") else "g"), "print")
        if form.letter in "is":
            raise CommandError(f"print takes no /{form.letter}; use x/{form.letter}")
        shown = value_text(value & ((1 << form.size * 8) - 1), form.letter, form.size, context.symbol_at)
        yield f"0x{value:x}" if form.letter == "x" and form.size == 8 else shown
        return
    signed = value - (1 << 64) if value >> 63 else value
    name = context.symbol_at(value)
    yield f"{value:#x} = {signed}" + (f" <{name}>" if name else "")


@command(
    "poke ADDR VALUE [--size 1|2|4|8] [--space gva|gpa|hva|spa]",
    help="write memory: 8 bytes, or as many as --size says",
    example="poke guest_data 1 --size 4",
)
def poke(context: Context, address: int, value: int, size: str | None, space: str | None) -> Iterator[str]:
    """Writes what the address stands for now, whatever its permissions are."""
    length = int(size or 8)
    data = (value & ((1 << 8 * length) - 1)).to_bytes(length, "little")
    context.debugger.write_memory(address, data, space=space or "current", hart=context.hart)
    yield f"{context.place(address)}: {plural(length, 'byte')} written"
