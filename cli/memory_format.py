# SPDX-License-Identifier: Apache-2.0
"""Memory and values in gdb's format letters: what stands behind the slash in `x/4gx` and `p/d`. Pure functions."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

SIZES = {"b": 1, "h": 2, "w": 4, "g": 8}
LETTERS = "xduotacfsiz"
MEANING = {
    "x": "hexadecimal",
    "d": "signed decimal",
    "u": "unsigned decimal",
    "o": "octal",
    "t": "binary",
    "a": "address with its symbol",
    "c": "character",
    "f": "floating point",
    "s": "string",
    "i": "instruction",
    "z": "hexadecimal, padded with zeros",
}
MAX_COUNT = 4096


class FormatError(ValueError):
    """The text behind the slash is no format; str() is the line for the user."""


@dataclass(frozen=True)
class Format:
    """`count` units of `size` bytes shown as `letter`."""

    count: int = 1
    letter: str = "x"
    size: int = 4

    @property
    def text(self) -> str:
        """As it is written behind the slash."""
        return f"{self.count}{next(k for k, v in SIZES.items() if v == self.size)}{self.letter}"


def parse_format(text: str | None, last: Format | None = None) -> Format:
    """Read what stands behind the slash; letters left out are as in `last`, the count is then 1. Raises FormatError."""
    result = replace(last or Format(), count=1)
    match = re.fullmatch(r"(\d*)([a-z]*)", text or "")
    if match is None:
        raise FormatError(f"/{text} is no format; it is a count, one of {LETTERS} and a size b, h, w or g: x/4gx")
    if match[1]:
        result = replace(result, count=int(match[1]))
        if not 1 <= result.count <= MAX_COUNT:
            raise FormatError(f"the count of /{text} is not in 1 to {MAX_COUNT}")
    size_given = False
    for letter in match[2]:
        if letter in SIZES:
            result, size_given = replace(result, size=SIZES[letter]), True
        elif letter in LETTERS:
            result = replace(result, letter=letter)
        else:
            raise FormatError(f"/{text}: no format letter {letter!r}; there are {LETTERS} and sizes b h w g")
    if not size_given:
        natural = {"a": 8, "c": 1, "s": 1}
        if result.letter in natural:
            result = replace(result, size=natural[result.letter])
        elif result.letter == "f" and result.size < 4:
            result = replace(result, size=8)
    if result.letter == "f" and result.size < 4:
        raise FormatError(f"/{text}: floating point has a size of w (4 bytes) or g (8 bytes)")
    return result


def value_text(value: int, letter: str, size: int, symbol: Callable[[int], str | None]) -> str:
    """One value of `size` bytes in the manner of `letter`. `symbol` gives `name+offset` for an address or None."""
    bits = size * 8
    signed = value - (1 << bits) if value >> (bits - 1) else value
    if letter == "d":
        return str(signed)
    if letter == "u":
        return str(value)
    if letter == "o":
        return f"0{value:o}" if value else "0"
    if letter == "t":
        return f"{value:0{bits}b}"
    if letter == "a":
        name = symbol(value)
        return f"{value:#x} <{name}>" if name else f"{value:#x}"
    if letter == "c":
        low = value & 0xFF
        return f"{low - 256 if low > 127 else low} {character(low)!r}"
    if letter == "f":
        number: float = struct.unpack("<f" if size == 4 else "<d", value.to_bytes(size, "little"))[0]
        return f"{number:.9g}" if size == 4 else f"{number:.17g}"
    return f"0x{value:0{size * 2}x}"


def character(byte: int) -> str:
    """A byte as a character; what does not print as a dot."""
    return chr(byte) if 32 <= byte < 127 else "."


def columns(letter: str, size: int, width: int) -> int:
    """Values in one line of `width` columns: as gdb has them, fewer when the line is narrow."""
    per_line = {"x": 16 // size if size < 8 else 2, "z": 16 // size if size < 8 else 2, "t": max(1, 4 // size)}
    each = {"x": size * 2 + 3, "z": size * 2 + 3, "t": size * 8 + 1, "a": 40, "c": 8}.get(letter, 21)
    wanted = per_line.get(letter, {1: 8, 2: 8, 4: 4, 8: 2}[size])
    if letter in "xz" and size == 1:
        wanted = 8
    if letter == "a":
        wanted = 1
    return max(1, min(wanted, (width - 24) // each))


def memory_lines(data: bytes, address: int, form: Format, symbol: Callable[[int], str | None], width: int = 80) -> list[str]:
    """`data`, read at `address`, as lines `0x80200000 <name+8>:  value  value`."""
    per_line = columns(form.letter, form.size, width)
    lines = []
    step = per_line * form.size
    for start in range(0, len(data), step):
        chunk = data[start : start + step]
        values = [int.from_bytes(chunk[i : i + form.size], "little") for i in range(0, len(chunk), form.size)]
        shown = "  ".join(value_text(v, form.letter, form.size, symbol) for v in values)
        lines.append(f"{location(address + start, symbol)}:  {shown}")
    return lines


def location(address: int, symbol: Callable[[int], str | None]) -> str:
    """`0x80200000 <name+8>`, without the brackets where no symbol is near."""
    name = symbol(address)
    return f"{address:#x} <{name}>" if name else f"{address:#x}"


def string_text(data: bytes) -> str:
    """The bytes up to the first NUL as a quoted string."""
    text = data.split(b"\0", 1)[0]
    escaped = "".join(
        {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}.get(chr(b))
        or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}")
        for b in text
    )
    return f'"{escaped}"'
