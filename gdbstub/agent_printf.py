# SPDX-License-Identifier: Apache-2.0
"""C's printf as agent expressions use it (gdb's `dprintf`): integers, characters, pointers, strings in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

STRING_LIMIT: Final = 4096
_DIRECTIVE = re.compile(r"%(?:%|([-+ #0]*)(\d{0,3})(?:\.(\d{1,3}))?(hh|h|ll|l|z|j|t)?([diouxXcsp]))")
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|(.))", re.DOTALL)
_ESCAPED: Final = {"a": "\a", "b": "\b", "e": "\033", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_BITS: Final = {"hh": 8, "h": 16, None: 32, "l": 64, "ll": 64, "z": 64, "j": 64, "t": 64}


def format_printf(text: str, values: Sequence[int], memory: Callable[[int, int], int]) -> str:
    """`text` with its directives replaced by `values` and C's escapes by what they stand for, as gdb sends it; a
    directive without a value stays as it is.

    >>> format_printf("%d of %#lx, %s", [3, 0xFFFF, 2], lambda address, size: b"..ok\\0"[address])
    '3 of 0xffff, ok'
    """
    rest = list(values)

    def character(match: re.Match[str]) -> str:
        return chr(int(match[1], 8)) if match[1] else _ESCAPED.get(match[2], match[2])

    def replace(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        if not rest:
            return match[0]
        return _directive(match, rest.pop(0), memory)

    return _DIRECTIVE.sub(replace, _ESCAPE.sub(character, text))


def _directive(match: re.Match[str], value: int, memory: Callable[[int, int], int]) -> str:
    flags, width, precision, size, kind = match.groups()
    if kind == "s":
        shown = _string(value, memory)
        return _pad(shown if precision is None else shown[: int(precision)], flags, width)
    if kind == "c":
        return _pad(chr(value & 0xFF), flags, width)
    if kind == "p":
        return _pad(f"{value:#x}", flags, width)
    bits = _BITS[size]
    value &= (1 << bits) - 1
    if kind in "di":
        kind, value = "d", value - (1 << bits) if value >> bits - 1 else value
    flags = flags.replace("#", "") if kind in "du" else flags
    dot = "" if precision is None else f".{precision}"
    result: str = f"%{flags}{width}{dot}{kind}" % value
    return result.replace("0o", "0") if kind == "o" else result


def _pad(shown: str, flags: str, width: str) -> str:
    return shown.ljust(int(width or 0)) if "-" in flags else shown.rjust(int(width or 0))


def _string(address: int, memory: Callable[[int, int], int]) -> str:
    data = bytearray()
    while len(data) < STRING_LIMIT and (byte := memory(address + len(data), 1)):
        data.append(byte)
    return data.decode("utf-8", "replace")
