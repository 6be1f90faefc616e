# SPDX-License-Identifier: Apache-2.0
"""qXfer: documents the debugger reads in pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from gdbstub.grammar import packet
from gdbstub.interface import TargetError
from gdbstub.replies import UNSUPPORTED, one_line, thread_id

if TYPE_CHECKING:
    from gdbstub.session import Session


def _features(session: Session, annex: str) -> bytes | None:
    return session.target.document("features", annex)


def _threads(session: Session, annex: str) -> bytes | None:
    """All threads with their words, in one document instead of a question for each."""
    lines = ['<?xml version="1.0"?>', "<threads>"]
    for thread in session.threads():
        number = quoteattr(thread_id(thread, session.client).decode())
        words = escape(one_line(session.target.describe(thread)))
        lines.append(f'<thread id={number} core="{thread.thread - 1}">{words}</thread>')
    return "\n".join([*lines, "</threads>"]).encode()


def _exec_file(session: Session, annex: str) -> bytes | None:
    process = int(annex, 16) if annex else session.thread.process
    program = session.target.program(process)
    return None if program is None else program.encode("utf-8", "surrogateescape")


def _osdata(session: Session, annex: str) -> bytes | None:
    return session.target.document("osdata", annex)


KINDS: dict[str, Callable[[Session, str], bytes | None]] = {
    "features": _features,
    "threads": _threads,
    "exec-file": _exec_file,
    "osdata": _osdata,
}
"""Kinds of documents that can be read; each is advertised."""


@packet(
    "qXfer",
    ":{kind:word}:{operation:word}:{annex:word}:{offset:hex},{length:hex}",
    supported=";".join(f"qXfer:{kind}:read+" for kind in KINDS),
)
def transfer(session: Session, kind: str, operation: str, annex: str, offset: int, length: int) -> bytes:
    """One piece of a document: `m` and data when more follows, `l` when this is the end."""
    if kind not in KINDS or operation != "read":
        return UNSUPPORTED
    try:
        document = KINDS[kind](session, annex)
    except ValueError:
        document = None
    if document is None:
        raise TargetError(f"there is no {kind} document {annex!r}", 0)
    if offset > len(document):
        raise TargetError(f"{kind} document {annex!r} has only {len(document)} bytes")
    piece = document[offset : offset + length]
    return (b"m" if offset + length < len(document) else b"l") + piece
