# SPDX-License-Identifier: Apache-2.0
"""Why the machine stands still, and the breakpoints and watchpoints that can make it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class StopKind(Enum):
    """What stopped the machine."""

    RESET = "reset"
    STEP = "step"
    BREAKPOINT = "breakpoint"
    WATCHPOINT = "watchpoint"
    INTERRUPTED = "interrupted"
    EBREAK = "ebreak"
    EXITED = "exited"
    IDLE = "idle"
    LIMIT = "limit"


@dataclass(frozen=True)
class Stop:
    """One stop: the hart it is about, its pc, and a sentence for the user.

    watch_address and watch_kind ("w", "r" or "a") belong to watchpoints, exit_code to EXITED, number to the breakpoint
    or watchpoint hit.
    """

    kind: StopKind
    hart: int
    pc: int
    text: str
    watch_address: int | None = None
    watch_kind: str | None = None
    exit_code: int | None = None
    number: int | None = None


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


Event = Resumed | Stopped | StateChanged

WATCH_KINDS = {"watch": "w", "rwatch": "r", "awatch": "a"}


@dataclass(eq=False)
class Breakpoint:
    """A breakpoint ("break") or watchpoint ("watch" for writes, "rwatch" for reads, "awatch" for both).

    address is virtual; length in bytes (1 for a breakpoint); owner: the front end that set it; temporary: removed at the
    first hit.
    """

    number: int
    kind: str
    address: int
    length: int
    owner: str
    temporary: bool = False
    hits: int = 0
