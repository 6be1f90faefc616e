# SPDX-License-Identifier: Apache-2.0
"""Lines of source files as places in programs: FILE:LINE."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from core.debug.dwarf import Sources
from core.debug.errors import DebugError
from core.debug.target import Debugger

FILE_LINE = re.compile(r"([\w./+-]+):(\d+)")


def program_files(debugger: Debugger, world: int | None = None, first: Path | None = None) -> list[Path]:
    """The ELF files to look for names in: of a world that may not have been entered; None: `first`, then all others."""
    known = debugger.worlds_known
    if world is not None:
        paths = [known.symbols_of(world)[1] or debugger.elf_path]
    else:
        paths = [first, debugger.elf_path, *(path for _, path in known.symbols.values())]
    return [path for path in dict.fromkeys(paths) if path is not None]


def file_line(text: str) -> tuple[str, int] | None:
    """(file, line) of a place written FILE:LINE, None for any other."""
    match = FILE_LINE.fullmatch(text)
    return None if match is None else (match[1], int(match[2]))


def line_address(programs: Iterable[Sources], file: str, line: int) -> int:
    """Where the code of a source line begins, in the first program that has some. Raises DebugError."""
    for sources in programs:
        found = sources.addresses_of(file, line)
        if found:
            return found[0]
    raise DebugError(f"no code for {file}:{line}; was it compiled with -g?")
