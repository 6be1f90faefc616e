# SPDX-License-Identifier: Apache-2.0
"""Ctrl-A and a letter at the guest's UART, as QEMU's users know it. Bytes in, actions out; no terminal needed."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

PREFIX = 0x01  # Ctrl-A


class Key(Enum):
    """What the user wants of Hartline while typing to the guest."""

    QUIT = auto()
    CONSOLE = auto()
    HELP = auto()


KEYS = {ord("x"): Key.QUIT, ord("c"): Key.CONSOLE, ord("h"): Key.HELP, ord("?"): Key.HELP}

HELP = """\
Ctrl-A x       end the machine and leave
Ctrl-A c       open the console (and come back with Ctrl-A c there)
Ctrl-A h       this help
Ctrl-A Ctrl-A  send Ctrl-A to the guest"""


class EscapeFilter:
    """Splits typed bytes into those for the guest and those for Hartline. Remembers a Ctrl-A that ends one chunk."""

    def __init__(self) -> None:
        self._prefixed = False

    def feed(self, data: bytes) -> Iterator[bytes | Key]:
        """Bytes for the guest, and keys in between, in order. An unknown letter after Ctrl-A is dropped with it."""
        plain = bytearray()
        for byte in data:
            if self._prefixed:
                self._prefixed = False
                if byte == PREFIX or byte == ord("a"):
                    plain.append(PREFIX)
                elif key := KEYS.get(byte | 0x20 if chr(byte).isalpha() else byte):
                    if plain:
                        yield bytes(plain)
                        plain.clear()
                    yield key
            elif byte == PREFIX:
                self._prefixed = True
            else:
                plain.append(byte)
        if plain:
            yield bytes(plain)
