# SPDX-License-Identifier: Apache-2.0
"""qRcmd: gdb's `monitor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdbstub.grammar import packet
from gdbstub.interface import TargetError
from gdbstub.replies import OK, one_line

if TYPE_CHECKING:
    from gdbstub.session import Session


@packet("qRcmd", ",{line:bytes}")
def monitor_command(session: Session, line: bytes) -> bytes:
    """Run a monitor command; its lines are printed as they come. Errors go to the same window."""
    try:
        for text in session.monitor.execute(line.decode("utf-8", "replace")):
            session.print(text + "\n")
    except TargetError as problem:
        if "error-message" in session.client:
            raise
        session.print(one_line(str(problem)) + "\n")
    return OK
