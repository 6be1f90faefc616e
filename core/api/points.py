# SPDX-License-Identifier: Apache-2.0
"""The part of core.Machine about where and when to stop: breakpoints, watches, catches, hooks, and places in the program."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from core.api.arguments import at_least, of_type, word
from core.api.hooks import Hook, asked, refuse_console_words
from core.debug.dwarf import Sources
from core.debug.places import file_line, line_address, program_files
from core.debug.target import BadValue, Breakpoint, Catch, Condition, DebugError, Debugger
from core.suggest import did_you_mean

OWNER = "script"
ACCESSES = {"w": "watch", "r": "rwatch", "a": "awatch"}


class Points:
    """Stops and hooks of a machine."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        """What the API is made of; it can do more."""
        self._programs: dict[Path, Sources] = {}

    def break_at(
        self,
        place: str | int,
        *,
        world: int | None = None,
        hart: int | None = None,
        ignore: int = 0,
        when: Hook | None = None,
    ) -> Breakpoint:
        """Stop before the instruction at a place (see `address`); `when`: only if that is true.

        world: in one world only (1 the host, guests from 2 on, whether entered yet or not); hart: on one only; ignore: go
        on for so many hits first. These are the same for `watch`, `catch`, `at` and `on`.
        """
        return self._break(place, world, hart, ignore, asked(self, when, "condition"))

    def watch(
        self,
        place: str | int,
        length: int = 8,
        *,
        access: Literal["r", "w", "a"] = "w",
        world: int | None = None,
        hart: int | None = None,
        ignore: int = 0,
        when: Hook | None = None,
    ) -> Breakpoint:
        """Stop after `length` bytes of memory are written ("w"), read ("r") or either ("a")."""
        if access not in ACCESSES:
            raise BadValue(f"no access {access!r}; there are {', '.join(ACCESSES)}")
        narrowed = self._narrowed(world, hart, ignore)
        return self.debugger.add_watchpoint(
            self.address(place, world=world), at_least(length, "the length", 1), ACCESSES[access],
            owner=OWNER, condition=asked(self, when, "condition"), **narrowed,
        )  # fmt: skip

    def catch(
        self,
        event: str,
        *,
        world: int | None = None,
        hart: int | None = None,
        ignore: int = 0,
        when: Hook | None = None,
    ) -> Catch:
        """Stop after an event, in the words of core.debug.specs: "vmexit load_guest_page_fault", "csr hgatp write" ..."""
        condition = asked(self, when, "condition")
        return self._catch(event, owner=OWNER, condition=condition, **self._narrowed(world, hart, ignore))

    def on(self, event: str, hook: Hook, *, world: int | None = None, hart: int | None = None, ignore: int = 0) -> Catch:
        """Call `hook` at every such event and go on, unless it returns True."""
        narrowed = self._narrowed(world, hart, ignore)
        return self._catch(event, owner=OWNER, condition=asked(self, hook, "hook"), **narrowed)

    def at(
        self, place: str | int, hook: Hook, *, world: int | None = None, hart: int | None = None, ignore: int = 0
    ) -> Breakpoint:
        """Call `hook` whenever a place is reached and go on, unless it returns True."""
        return self._break(place, world, hart, ignore, asked(self, hook, "hook"))

    def remove(self, point: Breakpoint | int) -> None:
        """Take back a breakpoint, a watch, a catch or a hook, itself or by its number (of a stop: stop.number)."""
        of_type(point, (Breakpoint, int), "what is removed is a breakpoint or its number")
        self.debugger.remove_breakpoint(point if isinstance(point, int) else point.number)

    def _break(
        self, place: str | int, world: int | None, hart: int | None, ignore: int, condition: Condition | None
    ) -> Breakpoint:
        narrowed = self._narrowed(world, hart, ignore)
        return self.debugger.add_breakpoint(self.address(place, world=world), owner=OWNER, condition=condition, **narrowed)

    def _catch(self, event: str, **how: Any) -> Catch:
        of_type(event, (str,), 'an event is words such as "vmexit load_guest_page_fault"')
        try:
            return self.debugger.add_catch(event, **how)
        except DebugError:
            refuse_console_words(event)
            raise

    def _narrowed(self, world: int | None, hart: int | None, ignore: int) -> dict[str, Any]:
        """Which hits count."""
        of_type(world, (int, type(None)), "a world is given by its number: 1 is the host, guests are 2, 3 ...")
        if hart is not None:
            self.debugger.require_hart(hart)
        return {"world": world, "hart": hart, "ignore": at_least(ignore, "ignore")}

    def address(self, place: str | int, *, world: int | None = None) -> int:
        """The address of a symbol or of a source line's code ("main.c:25"); a number is one already.

        world: whose names they are, by number; else those of the host's program come first. Raises DebugError.
        """
        if isinstance(place, int):
            return word(place, "an address")
        of_type(place, (str,), "a place is an address, a symbol or FILE:LINE")
        line = file_line(place)
        if line is not None:
            return line_address(map(self._sources, program_files(self.debugger, world)), *line)
        known = self.debugger.worlds_known
        tables = [self.debugger.symbols, *(table for table, _ in known.symbols.values())]
        if world is not None:
            tables = [known.symbols_of(world)[0] or self.debugger.symbols]
        for table in tables:
            found = table.address_of(place)
            if found is not None:
                return found
        refuse_console_words(place)
        names = (name for table in tables for name in table.names())
        raise DebugError(f"no symbol {place!r}{did_you_mean(place, names)}")

    def _sources(self, file: Path) -> Sources:
        return self._programs.setdefault(file, Sources(file))
