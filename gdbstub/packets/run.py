# SPDX-License-Identifier: Apache-2.0
"""Running, stepping, stopping."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from gdbstub.grammar import Grammar, MalformedPacket, packet
from gdbstub.interface import ALL, ANY, Action, Motion, TargetError, ThreadId
from gdbstub.replies import UNSUPPORTED

if TYPE_CHECKING:
    from gdbstub.session import Session

_ACTIONS = {
    "c": Grammar("c[:{thread:thread}]"),
    "C": Grammar("C{signal:hex}[:{thread:thread}]"),
    "s": Grammar("s[:{thread:thread}]"),
    "S": Grammar("S{signal:hex}[:{thread:thread}]"),
    "t": Grammar("t[:{thread:thread}]"),
    "r": Grammar("r{start:hex},{end:hex}[:{thread:thread}]"),
}
"""Actions of vCont by letter. A machine has no use for signals: C and S are c and s."""

_EVERYTHING = ThreadId(ALL, ALL)


@packet("?")
def why_stopped(session: Session) -> None:
    """A debugger takes over: the machine stops if it runs, and the stop is reported."""
    session.attach()


@packet("vCont?")
def actions_of_continue(session: Session) -> bytes:
    """The actions that vCont knows."""
    return b"vCont;" + ";".join(_ACTIONS).encode()


@packet("vCont", "{actions:text}")
def continue_threads(session: Session, actions: str) -> None:
    """Resume: each thread does the first action that names it, the others stand still."""
    plan: dict[ThreadId, Action] = {}
    parsed = _parse_actions(actions)
    for thread in session.threads():
        for wanted, action in parsed:
            if wanted.matches(thread):
                if action is not None:
                    plan[thread] = action
                break
    session.resume(plan, alone=len(parsed) == 1)


@lru_cache(64)
def _parse_actions(text: str) -> tuple[tuple[ThreadId, Action | None], ...]:
    return tuple(_parse_action(action) for action in text.removeprefix(";").split(";"))


def _parse_action(text: str) -> tuple[ThreadId, Action | None]:
    """Whom it is about, and what to do; None: to stand still."""
    grammar = _ACTIONS.get(text[:1])
    if grammar is None:
        raise MalformedPacket(f"no action {text!r}")
    operands = grammar.parse(text.encode("latin-1"))
    thread = operands["thread"] or _EVERYTHING
    if text.startswith("t"):
        return thread, None
    return thread, Action(Motion(text[0].lower()), operands.get("start", 0), operands.get("end", 0))


@packet("c", "[{address:hex}]")
def continue_all(session: Session, address: int | None) -> None:
    """Resume the threads chosen by Hc, at `address` if given."""
    _go(session, Motion.CONTINUE, address)


@packet("C", "{signal:hex}[;{address:hex}]")
def continue_with_signal(session: Session, signal: int, address: int | None) -> None:
    """The same; a machine has no signals."""
    _go(session, Motion.CONTINUE, address)


@packet("s", "[{address:hex}]")
def step(session: Session, address: int | None) -> None:
    """One instruction of the thread chosen by Hc, at `address` if given."""
    _go(session, Motion.STEP, address)


@packet("S", "{signal:hex}[;{address:hex}]")
def step_with_signal(session: Session, signal: int, address: int | None) -> None:
    """The same; a machine has no signals."""
    _go(session, Motion.STEP, address)


def _go(session: Session, motion: Motion, address: int | None) -> None:
    chosen = session.select(session.control)
    if address is not None:
        session.target.write_pc(chosen, address)
    everybody = motion is Motion.CONTINUE and session.control.thread in (ALL, ANY)
    threads = session.threads() if everybody else [chosen]
    session.resume({thread: Action(motion) for thread in threads})


@packet("b", "{text:text}")
def backwards(session: Session, text: str) -> bytes:
    """`bs` and `bc` would run backwards, but nothing records the machine's history. (`b RATE` set a serial line's speed.)"""
    if text not in ("s", "c"):
        return UNSUPPORTED
    raise TargetError("no history is recorded, so the machine cannot run backwards")
