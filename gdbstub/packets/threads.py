# SPDX-License-Identifier: Apache-2.0
"""Threads: listing, describing and selecting them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdbstub.grammar import packet
from gdbstub.interface import TargetError, ThreadId
from gdbstub.replies import OK, one_line, thread_id

if TYPE_CHECKING:
    from gdbstub.session import Session


@packet("qC")
def current_thread(session: Session) -> bytes:
    """The thread that stopped last."""
    return b"QC" + thread_id(session.target.stop_report().thread, session.client)


@packet("qfThreadInfo")
def first_threads(session: Session) -> bytes:
    """All threads, in one reply."""
    if not session.threads():
        return b"l"
    return b"m" + b",".join(thread_id(thread, session.client) for thread in session.threads())


@packet("qsThreadInfo")
def next_threads(session: Session) -> bytes:
    """There are no more."""
    return b"l"


@packet("qThreadExtraInfo", ",{thread:thread}")
def describe_thread(session: Session, thread: ThreadId) -> bytes:
    """The words that `info threads` shows behind the thread's number."""
    return one_line(session.target.describe(session.select(thread))).encode().hex().encode()


@packet("T", "{thread:thread}")
def thread_alive(session: Session, thread: ThreadId) -> bytes:
    """Whether a thread exists."""
    session.select(thread)
    return OK


@packet("H", "{operation:letter}{thread:thread}")
def select_thread(session: Session, operation: str, thread: ThreadId) -> bytes:
    """Which thread the following packets mean: `g` for registers and memory, `c` for running."""
    if operation == "g":
        session.general = thread  # even if there is none: debuggers take no notice of errors here, and go on as if there was
        session.select(thread)
    elif operation == "c":
        session.select(thread)
        session.control = thread
    else:
        raise TargetError(f"H{operation} is not a known selection")
    return OK
