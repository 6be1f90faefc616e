# SPDX-License-Identifier: Apache-2.0
"""What Tab offers where an event is told: after `catch` and `until`, and `in` a world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cli.candidate import Candidate
from cli.context import Context
from cli.format import MODE_WORDS, title

UNTIL = {"entry": "the next VM entry", "exit": "the next VM exit"}
WORLDS = {"host": "the host, V=0", "guests": "every guest"}


def event_candidates(before: list[str], word: str, context: Context, command: str) -> Iterator[Candidate]:
    """For the word begun behind others, in a line of `catch` or `until`, or behind `in` of any command."""
    for text, meaning in _known(before, context, command):
        if text.lower().startswith(word.lower()):
            yield Candidate(text, len(word), meaning)


def _known(before: list[str], context: Context, command: str) -> Iterable[tuple[str, str]]:
    from core.debug.specs import FORMS

    if before and before[-1] == "in":
        return [*_worlds(context), *WORLDS.items()]
    if command == "until" and not before:
        return [*UNTIL.items(), *MODE_WORDS.items()]
    if command == "catch" and not before:
        return FORMS.items()
    if "if" in before:
        return []
    first = before[0] if before else ""
    if first in ("vmexit", "trap", "exit"):
        return _causes(first != "trap")
    if first == "interrupt":
        return [each for each in _causes(False) if each[1].startswith("interrupt")]
    if first == "mode":
        return [*MODE_WORDS.items(), ("any", "whatever mode")]
    if first == "csr" and len(before) == 1:
        return [(csr.name, title(csr)[0]) for csr in context.debugger.csrs()]
    if first == "csr":
        return [("read", "when it is read"), ("write", "when it is written")]
    if first == "sbi":
        from core.boot.sbi.registry import EXTENSIONS

        return [(each.name.lower(), f"extension {eid:#x}") for eid, each in EXTENSIONS.items()]
    return []


def _worlds(context: Context) -> list[tuple[str, str]]:
    worlds = context.debugger.worlds()
    return [(f"guest{world.number - 1}", f"{world.name}: {world.state}") for world in worlds if world.number != 1]


def _causes(exits: bool) -> list[tuple[str, str]]:
    """Every cause by the name that events take; `exits`: without those that come from the hypervisor alone."""
    from core.trap.causes import Cause, Interrupt

    found = [
        (each.name.lower(), f"cause {each.value}, {each.words}") for each in Cause if not (exits and each.name == "ECALL_M")
    ]
    return found + [(each.name.lower(), f"interrupt {each.value}, {each.words}") for each in Interrupt]
