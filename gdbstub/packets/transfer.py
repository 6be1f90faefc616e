# SPDX-License-Identifier: Apache-2.0
"""qXfer: documents the debugger reads in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdbstub.grammar import packet
from gdbstub.interface import TargetError
from gdbstub.replies import UNSUPPORTED

if TYPE_CHECKING:
    from gdbstub.session import Session

KINDS = ("features",)
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
    document = session.target.document(kind, annex)
    if document is None:
        raise TargetError(f"there is no {kind} document {annex!r}", 0)
    if offset > len(document):
        raise TargetError(f"{kind} document {annex!r} has only {len(document)} bytes")
    piece = document[offset : offset + length]
    return (b"m" if offset + length < len(document) else b"l") + piece
