# SPDX-License-Identifier: Apache-2.0
"""What may stand behind a breakpoint or an event: in which world and on which hart it counts, from which hit on, and when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.context import CommandError, Context
from cli.expression import ExpressionError
from cli.usage import UsageError, counted

if TYPE_CHECKING:
    from core.debug.target import Breakpoint, Condition, Debugger

LAST = re.compile(r"(?:^|\s)(?:in\s+(?P<world>\S+)|on\s+hart\s+(?P<hart>\S+)|ignore\s+(?P<ignore>\S+)|(?P<once>once))$")

UNFINISHED = re.compile(r"\s(in|on|on\s+hart|ignore|if)$")


@dataclass(frozen=True)
class Typed:
    """A condition as it was typed, with a context of its own to work it out in."""

    context: Context
    text: str

    def __call__(self, debugger: Debugger, hart: int) -> bool:
        """Whether it holds on that hart."""
        self.context.hart = hart
        return self.context.evaluate(self.text) != 0


@dataclass
class Hits:
    """Which hits count. None: any world, any hart, always."""

    world: int | None = None
    hart: int | None = None
    ignore: int = 0
    once: bool = False
    condition: Condition | None = None
    text: str = ""
    """The condition as it was typed."""

    def words(self, context: Context) -> str:
        """The same for the user, to be put behind what counts."""
        parts = place_words(context, self.world, self.hart, self.ignore, self.once)
        return parts + (f", if {self.text}" if self.text else "")


def place_words(context: Context, world: int | None, hart: int | None, ignore: int, once: bool) -> str:
    """`, in guest 1, on hart 0, not the next 3, once`, as far as there is something to say."""
    where = "" if world is None else f", in {_name(context, world)}"
    where += "" if hart is None else f", on hart {hart}"
    return where + (f", not the next {ignore}" if ignore else "") + (", once" if once else "")


def point_words(context: Context, point: Breakpoint, *, once: bool = True) -> str:
    """`place_words` and the condition of one that is set; once=False: without the word for temporary ones."""
    condition = f", if {point.condition.text}" if isinstance(point.condition, Typed) else ""
    return place_words(context, point.world, point.hart, point.ignore, once and point.temporary) + condition


def split_hits(context: Context, text: str) -> tuple[str, Hits]:
    """What is meant, and which hits of it count: WHAT [in WORLD] [on hart N] [ignore N] [once] [if EXPR]. CommandError."""
    what, _, condition = text.partition(" if ")
    what, hits = what.strip(), Hits(text=condition.strip())
    if match := UNFINISHED.search(what):
        raise CommandError(f"something is missing behind {match[1]!r}: [in WORLD] [on hart N] [ignore N] [once] [if EXPR]")
    while match := LAST.search(what):
        if match["world"]:
            hits.world = world_number(context, match["world"])
        elif match["hart"]:
            hits.hart = _count(context, "on hart", match["hart"])
            if not 0 <= hits.hart < context.debugger.harts:
                raise CommandError(f"there is no hart {hits.hart}; the machine has {context.debugger.harts}")
        elif match["ignore"]:
            hits.ignore = _count(context, "ignore", match["ignore"])
        else:
            hits.once = True
        what = what[: match.start()].rstrip()
    hits.condition = _condition(context, hits.text)
    return what, hits


def world_number(context: Context, text: str) -> int:
    """A world, one that is yet to be entered (guest3), or all guests. Raises CommandError."""
    from core.debug.target import GUESTS

    return GUESTS if text.lower() in ("guests", "guest*") else context.world_to_come(text)


def _name(context: Context, world: int) -> str:
    from core.debug.target import GUESTS

    return "guests" if world == GUESTS else context.world_name(world)


def _count(context: Context, what: str, text: str) -> int:
    try:
        return counted(context.evaluate(text), text)
    except UsageError as problem:
        raise CommandError(f"{what}: {problem}") from None


def _condition(context: Context, text: str) -> Condition | None:
    """A condition out of an expression; it is looked at on the machine's thread."""
    if not text:
        return None
    try:
        context.evaluate(text)  # what cannot be understood is said now
    except ExpressionError as problem:
        if late := LAST.search(text):
            raise CommandError(f"{late[0].strip()!r} must stand before 'if'") from problem
        raise
    return Typed(Context(context.debugger, front=context.front), text)
