# SPDX-License-Identifier: Apache-2.0
"""Variables as C writes them: `vcpu->sepc`, `table[3].ppn`, `*p`, `&x`; values shown by their types."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.context import Context
from cli.format import wrapped
from core.suggest import did_you_mean

if TYPE_CHECKING:
    from core.debug.dwarf_types import Type

ELEMENTS = 32
"""Elements of an array shown at most, equal neighbours counted as one."""
LOOKED_AT = 4096
"""Elements read at most."""
DEPTH = 4
"""How deep structures within structures are shown."""
STRING = 64
TOKENS = re.compile(r"\s*(?:(?P<arrow>->|\.)\s*(?P<member>[A-Za-z_]\w*)|\[(?P<index>[^]]+)\])")
START = re.compile(r"\s*(?P<marks>[*&\s]*)(?P<name>[A-Za-z_]\w*)\s*(?=$|[.\[]|->)")


class TypedError(Exception):
    """The variable is there, but what was asked of it is not; str() is the line for the user."""


@dataclass(frozen=True)
class Typed:
    """A value with a type: in memory, or (address None) these bytes. bits: of a bit-field, (lowest, width)."""

    type: Type
    address: int | None
    data: bytes = b""
    bits: tuple[int, int] | None = None

    def read(self, context: Context, length: int | None = None) -> bytes:
        """Its bytes."""
        size = self.type.size if length is None else length
        if self.bits is not None:
            size = (self.bits[0] + self.bits[1] + 7) // 8
        if self.address is None:
            return self.data[:size].ljust(size, b"\0")
        return context.debugger.read_memory(self.address, size, hart=context.hart) if size else b""

    def number(self, context: Context) -> int | None:
        """Its value as an unsigned number; None for structures and the like."""
        if self.type.kind == "array" and self.address is not None:
            return self.address
        if self.type.kind not in ("base", "pointer", "enum") or not self.type.size:
            return None
        raw = int.from_bytes(self.read(context), "little")
        return raw >> self.bits[0] & ((1 << self.bits[1]) - 1) if self.bits else raw


def resolve_variable(context: Context, text: str) -> Typed | None:
    """What `text` means as a variable, a member, an element; None if it does not begin with a variable's name."""
    match = START.match(text)
    program = context.program()
    if match is None or program is None or not context.debugger.readable:
        return None
    variable = program[1].variable(match["name"], context.value("pc"), context.value)
    if variable is None:
        return None
    if variable.address is None:
        value = Typed(variable.type, None, context.value(variable.register or "zero").to_bytes(8, "little"))
    else:
        value = Typed(variable.type, variable.address)
    position, spelled = match.end(), match["name"]
    while position < len(text.rstrip()):
        part = TOKENS.match(text, position)
        if part is None:
            return None  # an expression with a variable in it
        value = _member(context, value, part["member"], spelled) if part["member"] else _element(context, value, part["index"])
        position, spelled = part.end(), text[: part.end()].strip()
    for mark in reversed(match["marks"].replace(" ", "")):
        value = _deref(context, value, spelled) if mark == "*" else _address(value, spelled)
    return value


def _deref(context: Context, value: Typed, spelled: str) -> Typed:
    if value.type.kind == "array" and value.type.target is not None and value.address is not None:
        return Typed(value.type.target, value.address)
    if value.type.kind != "pointer" or value.type.target is None:
        raise TypedError(f"{spelled} is no pointer to something known: it is {value.type.name}")
    return Typed(value.type.target, value.number(context) or 0)


def _address(value: Typed, spelled: str) -> Typed:
    from core.debug.dwarf_types import Type

    if value.address is None:
        raise TypedError(f"{spelled} is in a register")
    pointer = Type("pointer", f"{value.type.name} *", 8, target=value.type)
    return Typed(pointer, None, value.address.to_bytes(8, "little"))


def _member(context: Context, value: Typed, name: str, spelled: str) -> Typed:
    if value.type.kind == "pointer":
        value = _deref(context, value, spelled)
    if value.type.kind not in ("struct", "union"):
        raise TypedError(f"{spelled} has no members: it is {value.type.name}")
    found = find_member(value.type, name)
    if found is None:
        names = [member.name for member in value.type.members if member.name]
        raise TypedError(f"{value.type.name} has no member {name!r}{did_you_mean(name, names) or ': ' + ', '.join(names)}")
    kind, offset, bits = found
    if value.address is not None:
        return Typed(kind, value.address + offset, b"", bits)
    return Typed(kind, None, value.data[offset:], bits)


def find_member(aggregate: Type, name: str) -> tuple[Type, int, tuple[int, int] | None] | None:
    """Type, place and bits of a member, also of nameless members' own."""
    for member in aggregate.members:
        if member.name == name:
            return member.type, member.offset, member.bits
        if not member.name and (inner := find_member(member.type, name)):
            return inner[0], member.offset + inner[1], inner[2]
    return None


def _element(context: Context, value: Typed, index_text: str) -> Typed:
    from cli.expression import ExpressionError

    try:
        index = context.evaluate(index_text)
    except ExpressionError as problem:
        raise TypedError(str(problem)) from None
    index = index - (1 << 64) if index >> 63 else index
    kind = value.type.target
    if value.type.kind not in ("array", "pointer") or kind is None or not kind.size:
        raise TypedError(f"{value.type.name} has no elements")
    if value.type.kind == "pointer":
        return Typed(kind, (value.number(context) or 0) + index * kind.size)
    if value.type.count and not 0 <= index < value.type.count:
        raise TypedError(f"index {index} is outside of {value.type.name}")
    if value.address is None:
        return Typed(kind, None, value.data[index * kind.size :])
    return Typed(kind, value.address + index * kind.size)


# -- showing ------------------------------------------------------------------------------------------------------------


def show_lines(context: Context, text: str, value: Typed) -> Iterator[str]:
    """A value with its type; a structure with a line for each member."""
    element = value.type.target if value.type.kind == "array" else None
    if element is not None and element.kind in ("struct", "union") and value.type.count:
        yield f"{text.strip()} = ({value.type.name})" + (f" at {context.place(value.address)}" if value.address else "")
        yield from _rows(context, value, element)
        return
    if value.type.kind not in ("struct", "union"):
        yield f"{text.strip()} = ({value.type.name}) {show_value(context, value)}"
        return
    yield f"{text.strip()} = ({value.type.name})" + (f" at {context.place(value.address)}" if value.address is not None else "")
    width = max((len(member.name) for member in value.type.members), default=0)
    for member in value.type.members:
        place = None if value.address is None else value.address + member.offset
        part = Typed(member.type, place, value.data[member.offset :], member.bits)
        yield f"  {member.name or '(nameless)':<{width}} = {show_value(context, part, 1)}"


def _rows(context: Context, value: Typed, element: Type) -> Iterator[str]:
    """An array of structures: a line for each, one for equal neighbours."""
    runs: list[tuple[int, int, str]] = []
    for index in range(min(value.type.count, LOOKED_AT)):
        place = None if value.address is None else value.address + index * element.size
        text = show_value(context, Typed(element, place, value.data[index * element.size :]), 1)
        if runs and runs[-1][2] == text:
            runs[-1] = (runs[-1][0], index, text)
        elif len(runs) == ELEMENTS:
            break
        else:
            runs.append((index, index, text))
    for first, last, text in runs:
        yield from wrapped(f"[{first}]" + (f" to [{last}]" if last > first else "") + f" = {text}", context.width, "  ")
    if runs[-1][1] + 1 < value.type.count:
        yield "  ..."


def show_value(context: Context, value: Typed, depth: int = 0) -> str:
    """A value in one line."""
    kind = value.type.kind
    if kind in ("struct", "union"):
        if depth >= DEPTH:
            return "{...}"
        parts = []
        for member in value.type.members:
            place = None if value.address is None else value.address + member.offset
            inner = Typed(member.type, place, value.data[member.offset :], member.bits)
            parts.append((f"{member.name}=" if member.name else "") + show_value(context, inner, depth + 1))
        return "{" + ", ".join(parts) + "}"
    if kind == "array":
        return _show_array(context, value, depth)
    number = value.number(context)
    if number is None:
        return f"({value.type.name})" + (f" at {context.place(value.address)}" if value.address is not None else "")
    if kind == "enum":
        return value.type.values.get(number, str(number))
    if kind == "pointer":
        return _show_pointer(context, value, number)
    return _show_base(value, number)


def _show_base(value: Typed, number: int) -> str:
    from core.debug.dwarf_types import BOOLEAN, CHARACTERS, FLOAT

    width = value.bits[1] if value.bits else 8 * value.type.size
    if value.type.encoding == BOOLEAN:
        return "true" if number else "false"
    if value.type.encoding == FLOAT and width in (32, 64):
        size, letter = width // 8, "f" if width == 32 else "d"
        return repr(struct.unpack(f"<{letter}", number.to_bytes(size, "little"))[0])
    if value.type.signed and number >> (width - 1):
        number -= 1 << width
    if value.type.encoding in CHARACTERS and value.type.size == 1 and 32 <= number < 127:
        return f"{number} {chr(number)!r}"
    return str(number) if -4096 < number < 4096 else f"{number:#x}"


def _show_pointer(context: Context, value: Typed, number: int) -> str:
    from core.debug.dwarf_types import CHARACTERS
    from core.debug.target import DebugError

    name = context.symbol_at(number)
    text = f"{number:#x}" + (f" <{name}>" if name and number else "")
    target = value.type.target
    if target is not None and target.size == 1 and target.encoding in CHARACTERS and number:
        try:
            data = context.debugger.read_memory(number, STRING, hart=context.hart)
        except DebugError:
            return text
        if b"\0" in data:
            text += ' "' + data[: data.index(b"\0")].decode("latin-1").encode("unicode_escape").decode() + '"'
    return text


def _show_array(context: Context, value: Typed, depth: int) -> str:
    kind = value.type.target
    if kind is None or not kind.size or not value.type.count:
        return f"at {context.place(value.address)}" if value.address is not None else "{}"
    parts: list[tuple[str, int]] = []
    shown = 0
    for index in range(min(value.type.count, LOOKED_AT)):
        place = None if value.address is None else value.address + index * kind.size
        text = show_value(context, Typed(kind, place, value.data[index * kind.size :]), depth + 1)
        if parts and parts[-1][0] == text:
            parts[-1] = (text, parts[-1][1] + 1)
        else:
            if len(parts) == ELEMENTS:
                break
            parts.append((text, 1))
        shown += 1
    words = [text if count < 4 else f"{text} (x{count})" for text, count in parts for _ in range(count if count < 4 else 1)]
    return "{" + ", ".join(words) + (", ..." if value.type.count > shown else "") + "}"
