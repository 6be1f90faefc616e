# SPDX-License-Identifier: Apache-2.0
"""The registry of packets: each is declared once, with its name, the grammar of its arguments and its handler.

    @packet("m", "{address:hex},{length:hex}")
    def read_memory(session: Session, address: int, length: int) -> bytes:
        ...

A template is literal text with `{operand:type}` fields, and `[...]` around a part that may be missing (its operands are
None then). The types are the rows of `TYPES`. Operands and parameters must agree, which is checked at import.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from gdbstub.interface import ALL, ThreadId

Handler = Callable[..., bytes | None]
F = TypeVar("F", bound=Handler)


class MalformedPacket(Exception):
    """The arguments of a known packet do not follow its grammar."""


@dataclass(frozen=True, slots=True)
class ArgumentType:
    """How an operand looks on the wire, and its value."""

    pattern: bytes
    convert: Callable[[bytes], Any]


def parse_thread(text: bytes) -> ThreadId:
    """A thread id: `TID`, `pPID` (all its threads) or `pPID.TID`; `-1` is all, `0` is any."""
    if not text.startswith(b"p"):
        thread = int(text, 16)
        return ThreadId(ALL if thread <= 0 else 1, thread)
    process, dot, thread_text = text[1:].partition(b".")
    return ThreadId(int(process, 16), int(thread_text, 16) if dot else ALL)


TYPES: dict[str, ArgumentType] = {
    "hex": ArgumentType(rb"[0-9a-fA-F]{1,16}", lambda raw: int(raw, 16)),
    "bytes": ArgumentType(rb"(?:[0-9a-fA-F]{2})*+", lambda raw: bytes.fromhex(raw.decode("ascii"))),
    "binary": ArgumentType(rb".*", bytes),
    "word": ArgumentType(rb"[^:;,]*", lambda raw: raw.decode("latin-1")),
    "text": ArgumentType(rb".*", lambda raw: raw.decode("latin-1")),
    "thread": ArgumentType(rb"p(?:-1|[0-9a-fA-F]{1,8})(?:\.(?:-1|[0-9a-fA-F]{1,8}))?|-1|[0-9a-fA-F]{1,8}", parse_thread),
    "letter": ArgumentType(rb"[a-zA-Z]", lambda raw: raw.decode("ascii")),
}
"""Types of operands. A newcomer's type is one row here."""

BRIEF = 64
"""Bytes of arguments whose values are worth keeping: debuggers ask the same again and again."""

_TOKEN = re.compile(r"\{(\w+):(\w+)\}|(\[)|(\])")


class Grammar:
    """A template made ready to parse arguments."""

    def __init__(self, template: str) -> None:
        self.template = template
        self.operands: dict[str, ArgumentType] = {}
        pattern, position = b"", 0
        for token in _TOKEN.finditer(template):
            pattern += re.escape(template[position : token.start()].encode())
            position = token.end()
            name, kind, opening, _ = token.groups()
            if name:
                self.operands[name] = TYPES[kind]
                pattern += b"(?P<%b>%b)" % (name.encode(), TYPES[kind].pattern)
            else:
                pattern += b"(?:" if opening else b")?"
        self._pattern = re.compile(pattern + re.escape(template[position:].encode()), re.DOTALL)
        self._recall = lru_cache(64)(self._parse)

    @property
    def form(self) -> str:
        """The template for people: `ADDRESS,LENGTH`. (A `}` in a reply would have to be escaped, and gdb shows that as is.)"""
        return _TOKEN.sub(lambda token: token[1].upper() if token[1] else token[0], self.template)

    def parse(self, arguments: bytes) -> Mapping[str, Any]:
        """Values of the operands by name. Raises MalformedPacket."""
        return self._recall(arguments) if len(arguments) <= BRIEF else self._parse(arguments)

    def _parse(self, arguments: bytes) -> Mapping[str, Any]:
        match = self._pattern.fullmatch(arguments)
        if not match:
            raise MalformedPacket(f"arguments do not have the form {self.form}")
        return {name: None if match[name] is None else operand.convert(match[name]) for name, operand in self.operands.items()}


@dataclass(frozen=True, slots=True)
class PacketDeclaration:
    """One packet: what it is called, what it looks like, what it does, and how it is advertised."""

    name: str
    grammar: Grammar
    handler: Handler
    supported: str | None

    @property
    def doc(self) -> str:
        """What the packet does, in the handler's words."""
        return inspect.getdoc(self.handler) or ""


PACKETS: dict[bytes, PacketDeclaration] = {}
"""Every packet this server knows, by name. Filled by the modules of `gdbstub.packets`."""


def packet(name: str, template: str = "", *, supported: str | None = None) -> Callable[[F], F]:
    """Declare the packet `name`. `supported` is what the reply to qSupported says about it, if anything.

    The handler gets the session and the operands, and returns the body of the reply, or None when there is no reply
    (or it comes later). It may raise TargetError. ValueError at import when the declaration contradicts itself.
    """

    def declare(handler: F) -> F:
        grammar = Grammar(template)
        parameters = list(inspect.signature(handler).parameters)[1:]
        if parameters != list(grammar.operands):
            raise ValueError(f"packet {name}: operands {list(grammar.operands)} but parameters {parameters}")
        if name.encode() in PACKETS:
            raise ValueError(f"packet {name} declared twice")
        if split(name.encode())[0] != name.encode():
            raise ValueError(f"packet {name} can never arrive under this name")
        PACKETS[name.encode()] = PacketDeclaration(name, grammar, handler, supported)
        return handler

    return declare


_LONG_NAME = re.compile(rb"qRegisterInfo|[qQv][^,;:]*")


def split(body: bytes) -> tuple[bytes, bytes]:
    """A packet's name and arguments. Names beginning with q, Q or v end at punctuation (but LLDB's qRegisterInfo is
    followed directly by a number), all others are one letter.

    >>> split(b"qXfer:features:read:target.xml:0,ffb"), split(b"m80000000,4")
    ((b'qXfer', b':features:read:target.xml:0,ffb'), (b'm', b'80000000,4'))
    """
    match = _LONG_NAME.match(body)
    end = match.end() if match else 1
    return body[:end], body[end:]
