# SPDX-License-Identifier: Apache-2.0
"""What Tab offers: candidates with their meaning, derived from the commands' usage lines. No terminal in sight."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from cli.candidate import Candidate
from cli.context import CommandError, Context
from cli.events import event_candidates
from cli.format import KIND_WORDS, title
from cli.registry import find, load_commands, split_line
from cli.usage import EXPRESSIONS, RESTS, Parameter, Usage, split_words

LIMIT = 500
"""Candidates offered at most."""
CHOICE_MEANING = {
    "r": "for a load",
    "w": "for a store",
    "x": "for a fetch",
    "gva": "guest virtual address (vsatp, then hgatp)",
    "gpa": "guest physical address (hgatp)",
    "hva": "host virtual address (satp)",
    "spa": "supervisor physical address",
    "separate": "gdb: each guest is an inferior of its own",
    "merged": "gdb: one inferior for all worlds",
    "auto": "gdb: separate once symbols of a guest are known",
}


def candidates(line: str, context: Context) -> Iterator[Candidate]:
    """What could stand at the end of `line`, the text before the cursor."""
    from core.debug.target import DebugError

    try:
        for count, candidate in enumerate(_candidates(line, context)):
            if count == LIMIT:
                return
            yield candidate
    except DebugError:  # the machine runs: what must be asked of it is not offered
        return


def _candidates(line: str, context: Context) -> Iterator[Candidate]:
    if re.fullmatch(r"\s*[^\s/=]*", line):
        word = line.strip().lower()
        for command in load_commands().values():
            if command.name.startswith(word):
                yield Candidate(command.name, len(word), command.help)
        return
    name, _, rest = split_line(line)
    try:
        usage = find(name.lower()).usage
    except CommandError:
        return
    if rest and line[-1].isspace():
        rest += " "
    parameter, word = place_in(usage, rest)
    if word.startswith("--"):
        for option in usage.parameters:
            if option.is_option and option.literal.startswith(word):
                yield Candidate(option.literal, len(word), option.label)
    elif parameter is not None and parameter.kind in ("SPEC", "PLACE"):
        before = rest[: len(rest) - len(word)].split()
        events = parameter.kind == "SPEC" or usage.name == "until"
        found = list(event_candidates(before, word, context, usage.name)) if events or before else []
        yield from found or (() if before and before[-1] != "if" else _of_kind(parameter, word, context))
        if found and usage.name == "until" and not before and word:
            yield from _symbols(word, context)
    elif parameter is not None and parameter.kind == "VALUE":
        yield from _settings(rest.partition("=")[0].strip(), word, context)
        yield from _expression(word, context)
    elif parameter is not None:
        yield from _of_kind(parameter, word, context)


def _settings(name: str, word: str, context: Context) -> Iterator[Candidate]:
    """The names that values of a CSR's field have."""
    found = context.find_field(name.removeprefix("$"))
    for value, known in found[1].values.items() if found else ():
        if known.isidentifier() and known.lower().startswith(word.lower()):
            yield Candidate(known, len(word), f"{found[0].name}.{found[1].name} = {value}" if found else "")


def place_in(usage: Usage, rest: str) -> tuple[Parameter | None, str]:
    """The parameter that the end of `rest` belongs to, and the word begun there."""
    word_match = re.search(r"[^\s=]*$", rest)
    rests = next((index for index, p in enumerate(usage.positional) if p.kind in RESTS), None)
    if rests is not None and len(rest.split(maxsplit=rests)) > rests:
        return usage.positional[rests], word_match[0] if word_match else ""
    word = word_match[0] if word_match else ""
    before = split_words(rest[: len(rest) - len(word)], usage)
    options = {p.literal: p for p in usage.parameters if p.is_option}
    if before and before[-1] in options:
        return options[before[-1]], word
    plain: list[str] = []
    skip = False
    for part in before:
        if skip or part in options:
            skip = part in options
        else:
            plain.append(part)
    if usage.positional and any(p.literal == "=" for p in usage.positional) and "=" in plain:
        return next(p for p in usage.positional if p.literal == "="), word
    if plain and re.search(r"[-+*/%&|^~(]$", plain[-1]):  # an operator: the expression goes on
        plain.pop()
    positional = [p for p in usage.positional if not p.literal]
    if len(plain) < len(positional):
        return positional[len(plain)], word
    if positional and positional[-1].many:
        return positional[-1], word
    return None, word


def _of_kind(parameter: Parameter, word: str, context: Context) -> Iterator[Candidate]:
    if parameter.choices:
        yield from _matching(((c, CHOICE_MEANING.get(c, "")) for c in parameter.choices), word)
    elif parameter.kind == "COMMAND":
        yield from _matching(((c.name, c.help) for c in load_commands().values()), word)
    elif parameter.kind == "WHAT":
        from cli.commands.general import INFO

        yield from _matching(((w, f"as {line!r}") for w, line in INFO.items()), word)
    elif parameter.kind == "CSR":
        yield from _csrs(word, context)
    elif parameter.kind == "REGISTER":
        yield from _registers(word, context, "$" if word.startswith("$") else "")
    elif parameter.kind == "NUMBER":
        for point in context.debugger.breakpoints():
            if str(point.number).startswith(word):
                yield Candidate(str(point.number), len(word), context.debugger.symbols.format(point.address))
    elif parameter.kind == "PATTERN":
        yield from _symbols(word, context)
    elif parameter.kind == "FILE":
        yield from _files(word)
    elif parameter.kind == "WORLD":
        for world in context.debugger.worlds():
            short = "host" if world.number == 1 else f"guest{world.number - 1}"
            yield from _matching([(short, f"{world.name}: {world.state}")], word)
    elif parameter.kind == "VARIABLE" and (match := re.match(r"(.*)(->|\.)(\w*)$", word)) and "$" not in word:
        yield from _members(match[1], match[3], context)
    elif parameter.kind == "VARIABLE" and "." not in word and "$" not in word:
        program = context.program()
        tail = re.split(r"[^\w$]", word)[-1]
        for name in [*program[1].local_names(context.value("pc")), *program[1].names()] if program else ():
            if name.startswith(tail):
                yield Candidate(name, len(tail), "variable")
        yield from _symbols(tail, context) if tail else ()
    elif parameter.kind in EXPRESSIONS or parameter.kind in ("PLACE", "VARIABLE", "DATA"):
        yield from _expression(word, context)


def _expression(word: str, context: Context) -> Iterator[Candidate]:
    tail_match = re.search(r"\$?[\w.@]*$", word)
    tail = tail_match[0] if tail_match else ""
    if tail.startswith("$"):
        yield from _registers(tail, context, "$")
    elif not tail[:1].isdigit():
        yield from _symbols(tail, context)


def _files(word: str) -> Iterator[Candidate]:
    path = Path(word).expanduser()
    folder, begun = (path, "") if word.endswith("/") or not word else (path.parent, path.name)
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return
    for each in found:
        if each.name.startswith(begun) and (begun or not each.name.startswith(".")):
            yield Candidate(each.name + "/" * each.is_dir(), len(begun))


def _members(before: str, begun: str, context: Context) -> Iterator[Candidate]:
    """Members of what stands before `->` or `.`, with their types."""
    from cli.typed import TypedError, resolve_variable

    try:
        value = resolve_variable(context, before.lstrip("*&("))
    except TypedError:
        return
    kind = value.type if value else None
    kind = kind.target if kind is not None and kind.kind == "pointer" else kind
    for member in kind.members if kind is not None and kind.kind in ("struct", "union") else ():
        if member.name.startswith(begun):
            yield Candidate(member.name, len(begun), member.type.name)


def _matching(known: Iterable[tuple[str, str]], word: str) -> Iterator[Candidate]:
    for text, meaning in known:
        if text.startswith(word.lower()):
            yield Candidate(text, len(word), meaning)


def _csrs(word: str, context: Context) -> Iterator[Candidate]:
    name, dot, begun = word.partition(".")
    if dot:
        csr = context.csr(name)
        for field in csr.fields if csr else ():
            if field.name.lower().startswith(begun.lower()):
                meaning = f"{field.doc} {KIND_WORDS.get(field.kind, '')}".strip()
                yield Candidate(f"{name}.{field.name}", len(word), meaning)
        return
    csrs = context.debugger.csrs()
    for csr in csrs:
        if csr.name.startswith(name.lower()):
            yield Candidate(csr.name, len(word), title(csr)[0])
    for group in dict.fromkeys(csr.group for csr in csrs):
        if name and group.startswith(name.lower()):
            yield Candidate(group, len(word), "all CSRs of this group")


def _registers(word: str, context: Context, prefix: str) -> Iterator[Candidate]:
    titles = {csr.name: title(csr)[0] for csr in context.debugger.csrs()}
    begun = word.removeprefix("$").lower()
    if "." in begun:
        for candidate in _csrs(word.removeprefix("$"), context):
            yield Candidate(prefix + candidate.text, len(word), candidate.meaning)
        return
    for name in context.debugger.register_names():
        if name.startswith(begun):
            yield Candidate(prefix + name, len(word), titles.get(name, ""))


def _symbols(word: str, context: Context) -> Iterator[Candidate]:
    table = context.debugger.symbols
    for own, _ in context.debugger.worlds_known.symbols.values():
        table = own + table
    begun = word.lower()
    names = sorted(n for n in table.names() if n.lower().startswith(begun))
    if not names and len(begun) > 1:
        names = sorted(n for n in table.names() if begun in n.lower())
    for name in names:
        address = table.address_of(name)
        yield Candidate(name, len(word), "" if address is None else f"{address:#x}")
