# SPDX-License-Identifier: Apache-2.0
"""Breakpoints and watchpoints, with conditions and commands in agent bytecode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gdbstub.grammar import Grammar, MalformedPacket, packet
from gdbstub.interface import BreakpointProgram, Point
from gdbstub.replies import OK, UNSUPPORTED

if TYPE_CHECKING:
    from gdbstub.session import Session

_KINDS = frozenset(int(point) for point in Point)
_EXPRESSION = Grammar("X{length:hex},{code:bytes}")


@packet(
    "Z",
    "{kind:hex},{address:hex},{length:hex}[;{program:text}]",
    supported="ConditionalBreakpoints+;BreakpointCommands+",
)
def insert(session: Session, kind: int, address: int, length: int, program: str | None) -> bytes:
    """Set a breakpoint (kind 0, 1) or watchpoint (2 write, 3 read, 4 access) in the selected thread's process."""
    if kind not in _KINDS:
        return UNSUPPORTED
    session.target.insert(session.thread, Point(kind), address, length, parse_program(program or ""))
    return OK


@packet("z", "{kind:hex},{address:hex},{length:hex}")
def remove(session: Session, kind: int, address: int, length: int) -> bytes:
    """Remove what the Z packet of the same arguments has set."""
    if kind not in _KINDS:
        return UNSUPPORTED
    session.target.remove(session.thread, Point(kind), address, length)
    return OK


def parse_program(text: str) -> BreakpointProgram:
    """The expressions behind a Z packet: `X LEN,CODE` each, conditions first, then `cmds:PERSIST,` and the commands.

    Expressions may be separated by `;` or follow each other directly.
    """
    conditions, marker, commands = text.partition("cmds:")
    if marker:
        commands = commands.partition(",")[2]
    return BreakpointProgram(_expressions(conditions), _expressions(commands))


def _expressions(text: str) -> tuple[bytes, ...]:
    parts = [part for part in text.replace("X", ";X").split(";") if part]
    found = []
    for part in parts:
        operands = _EXPRESSION.parse(part.encode("latin-1"))
        if len(operands["code"]) != operands["length"]:
            raise MalformedPacket(f"an expression of {operands['length']} bytes has {len(operands['code'])}")
        found.append(operands["code"])
    return tuple(found)
