# SPDX-License-Identifier: Apache-2.0
"""Letting go, ending, beginning again, taking back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdbstub.grammar import packet
from gdbstub.interface import ALL, ThreadId
from gdbstub.replies import OK

if TYPE_CHECKING:
    from gdbstub.session import Session

FIRST = 1
"""The process that ends the machine when it is killed."""


@packet("D", "[;{process:hex}]")
def detach(session: Session, process: int | None) -> bytes:
    """The debugger lets go of a process: its breakpoints are removed. When it was the last, the machine runs on."""
    if process is not None and not session.dead:
        session.select(ThreadId(process, ALL))
    session.detach(process)
    return OK


@packet("k")
def kill(session: Session) -> None:
    """End the machine. There is no reply, but the end of the connection."""
    session.kill()
    session.over = True


@packet("vKill", ";{process:hex}")
def kill_process(session: Session, process: int) -> bytes:
    """End one process: the first is the machine itself; another can only end with it, and is refused before."""
    if session.dead:
        session.gone(process)
        return OK
    session.select(ThreadId(process, ALL))
    if process == FIRST:
        session.kill()
    else:
        session.target.end(process)
    return OK


@packet("R", "{ignored:text}")
def restart(session: Session, ignored: str) -> None:
    """Extended remote: begin again. There is no reply."""
    session.begin_again()


@packet("vAttach", ";{process:hex}")
def attach_process(session: Session, process: int) -> None:
    """Extended remote's `attach`: take the machine again after a detach."""
    session.attach(process)


@packet("vRun", "{program:text}")
def run_program(session: Session, program: str) -> None:
    """Extended remote's `run`: begin again, standing still. The machine has one program, whatever name is sent."""
    session.begin_again()
    session.report()
