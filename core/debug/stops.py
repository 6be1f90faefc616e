# SPDX-License-Identifier: Apache-2.0
"""Why the machine stands still, the breakpoints, watchpoints and catches that can make it, and what debuggers are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from core.debug.worlds import HOST, World


class StopKind(Enum):
    """What stopped the machine."""

    RESET = "reset"
    STEP = "step"
    BREAKPOINT = "breakpoint"
    WATCHPOINT = "watchpoint"
    CATCH = "catch"
    NEW_WORLD = "new world"
    INTERRUPTED = "interrupted"
    EBREAK = "ebreak"
    EXITED = "exited"
    IDLE = "idle"
    LIMIT = "limit"


@dataclass(frozen=True, repr=False)
class Stop:
    """One stop: the hart it is about, its pc, and a sentence for the user, or what makes one when somebody wants to read it.

    watch_address and watch_kind ("w", "r" or "a") belong to watchpoints, exit_code to EXITED, number to the breakpoint,
    watchpoint or catch hit; numbers: all those hit. world: the number of the world it is about: the one the hart is in,
    for a caught VM exit the guest.
    """

    kind: StopKind
    hart: int
    pc: int
    sentence: str | Callable[[], str]
    watch_address: int | None = None
    watch_kind: str | None = None
    exit_code: int | None = None
    number: int | None = None
    numbers: tuple[int, ...] = ()
    world: int = HOST

    @cached_property
    def text(self) -> str:
        """The sentence."""
        return self.sentence if isinstance(self.sentence, str) else self.sentence()

    def __repr__(self) -> str:
        return f"<Stop, {self.kind.value}: hart {self.hart}, pc {self.pc:#x}, {self.text}>"


@dataclass(frozen=True)
class Resumed:
    """Event: somebody let the machine run."""


@dataclass(frozen=True)
class Stopped:
    """Event: the machine stands still again."""

    stop: Stop


@dataclass(frozen=True)
class StateChanged:
    """Event: somebody wrote a register or memory while the machine stood still."""

    what: str


@dataclass(frozen=True)
class NewWorld:
    """Event: a guest has been entered for the first time. Told on the machine's thread, while it runs."""

    world: World


Event = Resumed | Stopped | StateChanged | NewWorld

GDB = "gdb"
"""The owner of what gdb has set by its own commands; it would set again what somebody else removes."""

WATCH_KINDS = {"watch": "w", "rwatch": "r", "awatch": "a"}

Condition = Callable[[Any, int], bool]
"""Called with the Debugger and the hart's number on the machine's thread; True: the hit counts. It may have an attribute
`what`: what the user calls it, should it fail."""


@dataclass(eq=False)
class Breakpoint:
    """A breakpoint ("break"), watchpoint ("watch" for writes, "rwatch" for reads, "awatch" for both) or "catch".

    address is virtual, unless space is "gpa" or "spa"; length in bytes (1 for a breakpoint); owner: the front end that
    set it; temporary: removed when it stops the machine; world: the number of the world it belongs to, None for any,
    GUESTS for every guest; hart: None for any; condition: hits for which it is false do not count; ignore: so many more
    hits count without stopping; hits: how many have counted; code: a breakpoint's condition once more, for the engines
    (see core.engine.conditions): where it is false, nobody hears of the hit; label: words for the stop instead of
    "breakpoint N at", of a point that a command set for its own use.
    """

    number: int
    kind: str
    address: int
    length: int
    owner: str
    temporary: bool = False
    hits: int = 0
    world: int | None = None
    hart: int | None = None
    condition: Condition | None = None
    ignore: int = 0
    space: str = "virtual"
    code: bytes | None = None
    label: str = ""
