# SPDX-License-Identifier: Apache-2.0
"""Source lines of a program, out of its DWARF line tables. Read one compilation unit at a time, when it is asked for."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

PARENTS = 4
"""How many folders above the program are searched for sources with relative names."""


@dataclass(frozen=True)
class SourceLine:
    """A place in a source file; `file` as the compiler called it. start, end: the addresses of its code here."""

    file: str
    line: int
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Row:
    """A row of a line table; line 0 where code has no line, file "" where a sequence ends."""

    address: int
    file: str
    line: int


class Sources:
    """The line tables of one ELF file, and the text of the files they name. Without DWARF nothing is found."""

    def __init__(self, elf: Path) -> None:
        self.elf = elf
        self._tables: dict[int, list[Row]] = {}
        self._texts: dict[str, list[str] | None] = {}

    @cached_property
    def dwarf(self) -> Any:
        """pyelftools' DWARFInfo, None when there is none."""
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile

        try:
            with self.elf.open("rb") as stream:
                from io import BytesIO

                file = ELFFile(BytesIO(stream.read()))
            return file.get_dwarf_info() if file.has_dwarf_info() else None
        except (OSError, ELFError):
            return None

    @cached_property
    def units(self) -> list[Any]:
        """The compilation units."""
        return [] if self.dwarf is None else list(self.dwarf.iter_CUs())

    @cached_property
    def _ranges(self) -> Any:
        return None if self.dwarf is None else self.dwarf.get_aranges()

    def unit_of(self, address: int) -> Any:
        """The compilation unit whose code is at an address, None if there is none."""
        if self._ranges is None:
            return None
        offset = self._ranges.cu_offset_at_addr(address)
        return None if offset is None else next((u for u in self.units if u.cu_offset == offset), None)

    def line_of(self, address: int) -> SourceLine | None:
        """The source line that the instruction at an address was made of."""
        unit = self.unit_of(address)
        if unit is None:
            return None
        rows = self._table(unit)
        index = bisect_right(rows, address, key=lambda row: row.address) - 1
        if index < 0 or not rows[index].line or not rows[index].file:
            return None
        here = rows[index]
        first, last = index, index + 1
        while first > 0 and (rows[first - 1].file, rows[first - 1].line) == (here.file, here.line):
            first -= 1
        while last < len(rows) and (rows[last].file, rows[last].line) == (here.file, here.line):
            last += 1
        end = rows[last].address if last < len(rows) else here.address + 4
        return SourceLine(here.file, here.line, rows[first].address, end)

    def addresses_of(self, file: str, line: int) -> list[int]:
        """Where code of a source line begins; `file` may leave out folders. Of a line without code, the next with."""
        best: dict[int, list[int]] = {}
        for unit in self.units:
            previous = None
            for row in self._table(unit):
                place = (row.file, row.line)
                if row.line >= line and place != previous and is_file(row.file, file):
                    best.setdefault(row.line, []).append(row.address)
                previous = place
        return sorted(set(best[min(best)])) if best else []

    def _table(self, unit: Any) -> list[Row]:
        found = self._tables.get(unit.cu_offset)
        if found is None:
            found = self._tables[unit.cu_offset] = self._read_table(unit)
        return found

    def _read_table(self, unit: Any) -> list[Row]:
        program = self.dwarf.line_program_for_CU(unit)
        if program is None:
            return []
        version = program["version"]
        folders = [_text(folder) for folder in program["include_directory"]]
        names = [_file_name(entry, folders, version) for entry in program["file_entry"]]
        rows: dict[int, Row] = {}
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            if state.end_sequence:
                rows.setdefault(state.address, Row(state.address, "", 0))
                continue
            index = state.file if version >= 5 else state.file - 1
            name = names[index] if 0 <= index < len(names) else ""
            old = rows.get(state.address)
            if old is None or not old.file or state.line:
                rows[state.address] = Row(state.address, name, state.line)
        return sorted(rows.values(), key=lambda row: row.address)

    # -- text ---------------------------------------------------------------------------------------------------------

    def path_of(self, file: str) -> Path | None:
        """Where a source file is now: as it is called, below the current folder, or near the program."""
        places = [Path(file)] if Path(file).is_absolute() else [Path.cwd() / file]
        places += [parent / file for parent in list(self.elf.resolve().parents)[:PARENTS] if not Path(file).is_absolute()]
        return next((place for place in places if place.is_file()), None)

    def text(self, file: str) -> list[str] | None:
        """The lines of a source file, None when it is not to be found."""
        if file not in self._texts:
            path = self.path_of(file)
            self._texts[file] = None if path is None else path.read_text("utf-8", "replace").splitlines()
        return self._texts[file]

    def line_text(self, place: SourceLine) -> str | None:
        """One line of source, without its indentation."""
        lines = self.text(place.file)
        return lines[place.line - 1].strip() if lines and 0 < place.line <= len(lines) else None


def is_file(known: str, wanted: str) -> bool:
    """Whether a file name with or without folders means a known one."""
    return known == wanted or known.endswith("/" + wanted)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _file_name(entry: Any, folders: list[str], version: int) -> str:
    """A file's name with its folder, `.` and `..` taken out."""
    name, index = _text(entry.name), entry.dir_index
    index = index if version >= 5 else index - 1
    folder = folders[index] if 0 <= index < len(folders) else ""
    from posixpath import normpath

    return name if name.startswith("/") else normpath(f"{folder}/{name}" if folder else name)
