# SPDX-License-Identifier: Apache-2.0
"""Functions of a script that are asked at breakpoints, watchpoints and events; and what the console writes instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.errors import BadValue, DebugError

if TYPE_CHECKING:
    from core.api.machine import Machine
    from core.debug.target import Debugger

Hook = Callable[["Machine"], object]
"""Called with the machine, which stands still meanwhile, on the thread that runs it. True stops it."""

TAKE = "break_at(), catch() and the like take {} instead"
CONSOLE_WORDS = {
    "in": TAKE.format("world="),
    "on": TAKE.format("hart="),
    "ignore": TAKE.format("ignore="),
    "if": TAKE.format("when="),
    "once": "run(until=...) stops once",
}
"""What may stand behind a place or an event in the console, with what there is here."""


@dataclass(frozen=True)
class Asked:
    """A Hook as a condition of a breakpoint (core.debug.stops.Condition)."""

    machine: Machine = field(repr=False)
    function: Hook
    what: str
    """ "condition": the hit counts if it is true; "hook": if it is True itself."""

    def __call__(self, debugger: Debugger, hart: int) -> bool:
        """Whether the hit counts. Raises DebugError with the function's own exception in words."""
        try:
            answer = self.function(self.machine)
        except DebugError:
            raise
        except Exception as problem:
            raise DebugError(f"{type(problem).__name__}: {problem}") from problem
        return bool(answer) if self.what == "condition" else answer is True


def asked(machine: Any, function: Hook | None, what: str) -> Asked | None:
    """The condition that a function makes. Raises BadValue for what cannot be called."""
    if function is not None and not callable(function):
        raise BadValue(f"a {what} is a function of the machine, not {function!r}")
    return None if function is None else Asked(machine, function, what)


def refuse_console_words(text: str) -> None:
    """Raise BadValue for a place or an event with something behind it that only the console takes."""
    for word in text.split()[1:]:
        if word in CONSOLE_WORDS:
            raise BadValue(f"{text!r}: {word!r} belongs to the console; {CONSOLE_WORDS[word]}")
