# SPDX-License-Identifier: Apache-2.0
"""vFile: the programs of the processes, served from our side, so that a debugger finds symbols by itself.

Only files the target has named can be opened, and only for reading: a debugger gets no access to the host's other files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gdbstub.files import ACCESS_DENIED, INVALID, NO_ENTRY, UNKNOWN, FileError, status
from gdbstub.grammar import Grammar, packet
from gdbstub.packets.queries import PACKET_SIZE
from gdbstub.replies import UNSUPPORTED

if TYPE_CHECKING:
    from gdbstub.session import Session

Result = tuple[int, bytes | None]
"""The number a call returns, and what it attaches."""


def _setfs(session: Session, process: int) -> Result:
    return 0, None  # every process sees the same few files


def _open(session: Session, path: bytes, flags: int, mode: int) -> Result:
    return session.files.open(session.target.file(_name(path)), flags), None


def _pread(session: Session, descriptor: int, count: int, offset: int) -> Result:
    data = session.files.read(descriptor, min(count, PACKET_SIZE // 2 - 32), offset)
    return len(data), data


def _fstat(session: Session, descriptor: int) -> Result:
    data = session.files.status(descriptor)
    return len(data), data


def _stat(session: Session, path: bytes) -> Result:
    contents = session.target.file(_name(path))
    if contents is None:
        raise FileError(NO_ENTRY)
    data = status(contents)
    return len(data), data


def _close(session: Session, descriptor: int) -> Result:
    session.files.close(descriptor)
    return 0, None


def _readlink(session: Session, path: bytes) -> Result:
    raise FileError(INVALID if session.target.file(_name(path)) is not None else NO_ENTRY)


def _refused(session: Session, rest: str) -> Result:
    raise FileError(ACCESS_DENIED)


def _name(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


CALLS: dict[str, tuple[Grammar, Callable[..., Result]]] = {
    "setfs": (Grammar("{process:hex}"), _setfs),
    "open": (Grammar("{path:bytes},{flags:hex},{mode:hex}"), _open),
    "pread": (Grammar("{descriptor:hex},{count:hex},{offset:hex}"), _pread),
    "fstat": (Grammar("{descriptor:hex}"), _fstat),
    "lstat": (Grammar("{path:bytes}"), _stat),
    "stat": (Grammar("{path:bytes}"), _stat),
    "close": (Grammar("{descriptor:hex}"), _close),
    "readlink": (Grammar("{path:bytes}"), _readlink),
    "pwrite": (Grammar("{rest:text}"), _refused),
    "unlink": (Grammar("{rest:text}"), _refused),
}
"""The operations by name."""


@packet("vFile", ":{operation:word}:{arguments:binary}")
def file_operation(session: Session, operation: str, arguments: bytes) -> bytes:
    """Open and read the programs that `qXfer:exec-file` and exec events name; anything else is refused."""
    if operation not in CALLS:
        return UNSUPPORTED
    grammar, call = CALLS[operation]
    try:
        result, attachment = call(session, **grammar.parse(arguments))
    except FileError as problem:
        return b"F-1,%x" % problem.number
    except ValueError:
        return b"F-1,%x" % UNKNOWN
    return b"F%x" % result if attachment is None else b"F%x;%b" % (result, attachment)
