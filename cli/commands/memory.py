# SPDX-License-Identifier: Apache-2.0
"""Memory and values."""

from __future__ import annotations

from collections.abc import Iterator

from cli.commands.code import code_lines
from cli.context import CommandError, Context
from cli.format import place, plural
from cli.memory_format import Format, FormatError, memory_lines, parse_format, string_text
from cli.registry import command

STRING_LIMIT = 256


def _format(context: Context, text: str | None, place: str) -> Format:
    last = context.memory.get(place)
    try:
        return parse_format(text, parse_format(last) if last else None)
    except FormatError as problem:
        raise CommandError(str(problem)) from None


@command(
    "x[/FMT] [ADDR] [--space gva|gpa|hva|spa] [--world WORLD]",
    help="look at memory, in gdb's formats",
    example="x/4gx $sp",
    repeats=True,
)
def x(context: Context, fmt: str | None, address: int | None, space: str | None, world: str | None) -> Iterator[str]:
    """FMT is a count, a letter (x d u o t a c f s i) and a unit (b 1, h 2, w 4, g 8 bytes), as in `x/8wx` or `x/5i`.

    Without --space the address is what the hart would load from now: a guest virtual address while a guest runs, else
    a host virtual one. gva goes through the guest's two stages, hva through the hypervisor's satp, gpa through the
    G-stage only, spa is physical; --world looks through the translation of a world that does not run now. Without ADDR
    it goes on where the last one ended. `xv`, `xg` and `xp` are short for gva, gpa and spa.
    """
    form = _format(context, fmt, "format")
    space = space or (context.memory.get("space", "current") if address is None else "current")
    world = world or (context.memory.get("world") if address is None else None)
    number = None if not world else context.world(world)
    if address is None:
        if "next" not in context.memory:
            raise CommandError("x: ADDR is missing; there is no last one to go on from")
        address = int(context.memory["next"])
    context.memory["format"], context.memory["space"], context.memory["world"] = form.text, space, world or ""
    names = context.names_in(space, number)
    if form.letter == "i":
        lines = context.debugger.disassemble(address, form.count, space=space, hart=context.hart, world=number)
        virtual = space in ("current", "gva", "hva")
        yield from code_lines(context, lines, context.debugger.space_owner(space, context.hart, number) if virtual else None)
        context.memory["next"] = str(lines[-1].address + lines[-1].length if lines else address)
        return
    if form.letter == "s":
        for _ in range(form.count):
            data = _string(context, address, space, number)
            cut = "" if data.endswith(b"\0") else "..."
            yield f"{place(address, names(address))}:  {string_text(data)}{cut}"
            address += len(data)
        context.memory["next"] = str(address)
        return
    data = context.debugger.read_memory(address, form.count * form.size, space=space, hart=context.hart, world=number)
    context.memory["next"] = str(address + len(data))
    yield from memory_lines(data, address, form, names, context.width)


def _short(name: str, space: str, words: str) -> None:
    """Declare `x` of one kind of address under a name of its own."""

    def look(context: Context, fmt: str | None, address: int, world: str | None) -> Iterator[str]:
        return x(context, fmt, address, space, world)

    look.__doc__ = f"`x --space {space}`: formats and --world as there."
    usage, example = f"{name}[/FMT] ADDR [--world WORLD]", f"{name}/4gx guest_data"
    command(usage, help=f"look at memory by its {words} address", example=example)(look)


_short("xv", "gva", "guest virtual")
_short("xg", "gpa", "guest physical")
_short("xp", "spa", "physical")


def _string(context: Context, address: int, space: str, world: int | None) -> bytes:
    """The bytes of a string with its NUL, read in steps that do not run far past it."""
    data = b""
    while b"\0" not in data and len(data) < STRING_LIMIT:
        start = address + len(data)
        data += context.debugger.read_memory(start, 16 - start % 16, space=space, hart=context.hart, world=world)
    return data[: data.index(b"\0") + 1] if b"\0" in data else data


@command(
    "poke ADDR EXPR [--size 1|2|4|8] [--space gva|gpa|hva|spa] [--world WORLD]",
    aliases=("write",),
    help="write memory: 8 bytes, or as many as --size says",
    example="poke guest_data 1 --size 4",
)
def poke(context: Context, address: int, value: int, size: str | None, space: str | None, world: str | None) -> Iterator[str]:
    """Writes what the address stands for now, whatever its permissions are; spaces and worlds as for `x`."""
    length, number = int(size or 8), None if world is None else context.world(world)
    data = (value & ((1 << 8 * length) - 1)).to_bytes(length, "little")
    context.debugger.write_memory(address, data, space=space or "current", hart=context.hart, world=number)
    yield f"{place(address, context.names_in(space, number)(address))}: {plural(length, 'byte')} written"


HEX_BYTES = 128
MOST_BYTES = 1 << 16
SEARCH_CHUNK = 1 << 16
MATCHES = 20


@command(
    "dump [ADDR] [BYTES] [--space gva|gpa|hva|spa] [--world WORLD]",
    aliases=("hexdump", "hd"),
    help="show memory as bytes and characters",
    example="dump guest_main 64",
    repeats=True,
)
def dump(context: Context, address: int | None, length: int | None, space: str | None, world: str | None) -> Iterator[str]:
    """128 bytes unless told; without ADDR it goes on where the last one ended. Spaces as for `x`; --world looks through
    the translation of a world that does not run now.
    """
    if address is None:
        if "dump" not in context.memory:
            raise CommandError("dump: ADDR is missing; there is no last one to go on from")
        address = int(context.memory["dump"])
    number = None if world is None else context.world(world)
    count = HEX_BYTES if length is None else max(1, min(length, MOST_BYTES))
    data = context.debugger.read_memory(address, count, space=space or "current", hart=context.hart, world=number)
    per_line = 16 if context.width >= 76 else 8
    for offset in range(0, len(data), per_line):
        part = data[offset : offset + per_line]
        words = " ".join(f"{byte:02x}" for byte in part)
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        yield f"{address + offset:#x}  {words:<{3 * per_line}} {text}"
    context.memory["dump"] = str(address + len(data))
    if length is not None and length > count:
        yield f"... {plural(count, 'byte')} at most; `dump {address + count:#x} {length - count}` goes on"


def _number(value: int, size: str | None) -> tuple[bytes, str]:
    """The bytes to search for, and how they are called."""
    needed = next(n for n in (1, 2, 4, 8) if value < 1 << 8 * n)
    if int(size or 8) < needed:
        raise CommandError(f"{value:#x} does not fit into {plural(int(size or 8), 'byte')}")
    return value.to_bytes(8, "little")[: int(size or needed)], f"{value:#x}"


def _text(quoted: str, size: str | None) -> tuple[bytes, str]:
    """The same for text in quotes."""
    wanted = quoted[1:-1].encode()
    if len(quoted) < 2 or not quoted.endswith('"') or not wanted:
        raise CommandError(f'{quoted} is no text: write some between two "')
    if size is not None:
        raise CommandError("text is as long as it is; --size is for numbers")
    return wanted, quoted


@command(
    "search ADDR BYTES DATA [--size 1|2|4|8] [--space gva|gpa|hva|spa] [--world WORLD]",
    aliases=("find",),
    help="search memory for a number or text: from where, how many bytes, what",
    example="search guest_main 256 0x8082 --size 2",
)
def search(
    context: Context, address: int, length: int, data: str, size: str | None, space: str | None, world: str | None
) -> Iterator[str]:
    """A number has as many bytes as --size says, else as few of 1, 2, 4, 8 as it needs; text stands in double quotes:
    search 0x80200000 0x10000 "Hello". It is found at every address.
    """
    from core.debug.target import MemoryUnreadable

    number = None if world is None else context.world(world)
    read, names = context.debugger.read_memory, context.names_in(space, number)
    wanted, shown = _text(data, size) if data.startswith('"') else _number(context.evaluate(data), size)
    found, unreadable, tail, position = 0, 0, b"", address
    while position < address + length:
        count = min(4096 - position % 4096, address + length - position)
        try:
            window = tail + read(position, count, space=space or "current", hart=context.hart, world=number)
        except MemoryUnreadable:
            unreadable, tail, position = unreadable + count, b"", position + count
            continue
        start = position - len(tail)
        at = window.find(wanted)
        while at >= 0 and found < MATCHES:
            found += 1
            yield place(start + at, names(start + at))
            at = window.find(wanted, at + 1)
        tail, position = window[-(len(wanted) - 1) :] if len(wanted) > 1 else b"", position + count
        if position % SEARCH_CHUNK == 0:
            context.progress(f"searching, {100 * (position - address) // length} %")
        if found == MATCHES:
            yield f"... {MATCHES} places; search on from the last one"
            break
    context.progress("")
    if not found:
        gaps = f" ({plural(unreadable, 'byte')} of it not mapped)" if unreadable else ""
        yield f"{shown} is not there{gaps}"
