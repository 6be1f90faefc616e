# SPDX-License-Identifier: Apache-2.0
"""Running, stepping, stopping, letting go, beginning again."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from gdbstub.grammar import Grammar, MalformedPacket, packet
from gdbstub.interface import ALL, ANY, Action, Motion, ThreadId
from gdbstub.replies import OK

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
    parsed = [_parse_action(action) for action in actions.removeprefix(";").split(";")]
    for thread in session.target.threads():
        for wanted, action in parsed:
            if wanted.matches(thread) and thread not in plan:
                plan[thread] = action
    session.resume(plan)


@lru_cache(256)
def _parse_action(text: str) -> tuple[ThreadId, Action]:
    grammar = _ACTIONS.get(text[:1])
    if grammar is None:
        raise MalformedPacket(f"no action {text!r}")
    operands = grammar.parse(text.encode("latin-1"))
    motion = Motion(text[0].lower())
    return operands["thread"] or _EVERYTHING, Action(motion, operands.get("start", 0), operands.get("end", 0))


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
    threads = session.target.threads() if everybody else [chosen]
    session.resume({thread: Action(motion) for thread in threads})


@packet("D", "[;{process:hex}]")
def detach(session: Session, process: int | None) -> bytes:
    """The debugger lets go: its breakpoints are removed and the machine runs on."""
    session.detach()
    return OK


@packet("k")
def kill(session: Session) -> None:
    """End the machine. There is no reply."""
    session.killed = True


@packet("vKill", ";{process:hex}")
def kill_process(session: Session, process: int) -> bytes:
    """End the machine."""
    session.killed = True
    return OK


@packet("R", "{ignored:text}")
def restart(session: Session, ignored: str) -> None:
    """Extended remote: begin again. There is no reply."""
    session.target.reset()


@packet("vAttach", ";{process:hex}")
def attach_process(session: Session, process: int) -> None:
    """Extended remote's `attach`: take the machine again after a detach."""
    session.attach()


@packet("vRun", "{program:text}")
def run_program(session: Session, program: str) -> None:
    """Extended remote's `run`: begin again, standing still. The machine has one program, whatever name is sent."""
    session.target.reset()
    session.attach()
