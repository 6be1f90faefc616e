# SPDX-License-Identifier: Apache-2.0
"""Bodies of replies: errors, thread ids and stop reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import Final

from gdbstub.interface import Cause, Signal, StopReport, ThreadId

OK: Final = b"OK"
UNSUPPORTED: Final = b""

_ANNOUNCED = {Cause.SOFTWARE_BREAKPOINT, Cause.HARDWARE_BREAKPOINT}


def error(text: str, code: int, client: Set[str]) -> bytes:
    """An error: in words for a debugger that has announced `error-message`, else the bare number."""
    if "error-message" in client:
        return b"E." + one_line(text).encode()
    return b"E%02x" % (code & 0xFF)


def one_line(text: str) -> str:
    """`text` without line breaks and control characters."""
    return "".join(c if c.isprintable() else " " for c in text)


def thread_id(thread: ThreadId, client: Set[str]) -> bytes:
    """A thread id as the client understands it: with the process if it has announced `multiprocess`."""
    if "multiprocess" in client:
        return b"p%x.%x" % (thread.process, thread.thread)
    return b"%x" % thread.thread


def exited(status: int, process: int, client: Set[str]) -> bytes:
    """W: a process has ended."""
    if "multiprocess" in client:
        return b"W%02x;process:%x" % (status & 0xFF, process)
    return b"W%02x" % (status & 0xFF)


def terminated(process: int, client: Set[str]) -> bytes:
    """X: a process was killed."""
    if "multiprocess" in client:
        return b"X09;process:%x" % process
    return b"X09"


def executing(thread: ThreadId, program: str, client: Set[str]) -> bytes:
    """T with `exec`: a new process runs `program`; the debugger meets it, sets its breakpoints and goes on by itself."""
    return b"T05exec:%b;thread:%b;" % (program.encode().hex().encode(), thread_id(thread, client))


def loading(thread: ThreadId, client: Set[str]) -> bytes:
    """T with `library`: the libraries of a process have changed. As there are none, the debugger resumes it and goes on."""
    return b"T05library:;thread:%b;" % thread_id(thread, client)


def stopped(report: StopReport, thread: ThreadId, registers: Iterable[tuple[int, bytes]], client: Set[str]) -> bytes:
    """T: a thread has stopped, why, and the registers the debugger will ask for first."""
    # A client that does not announce swbreak is not gdb, and takes a stop without a signal for none at all
    signal = Signal.TRAP if report.signal is Signal.NONE and "swbreak" not in client else report.signal
    parts = [f"T{signal:02x}"]
    if report.cause is not Cause.PLAIN and (report.cause not in _ANNOUNCED or report.cause.value in client):
        value = "" if report.address is None else f"{report.address:x}"
        parts.append(f"{report.cause.value}:{value};")
    parts.append(f"thread:{thread_id(thread, client).decode()};")
    parts += [f"{number:02x}:{contents.hex()};" for number, contents in registers]
    return "".join(parts).encode()


def console(text: str, limit: int) -> Sequence[bytes]:
    """O packets that make the debugger print `text`, each body at most `limit` bytes."""
    data, size = text.encode(), max(1, (limit - 1) // 2)
    return [b"O" + data[at : at + size].hex().encode() for at in range(0, len(data), size)]
