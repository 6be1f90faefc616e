# SPDX-License-Identifier: Apache-2.0
"""A command's usage line is its grammar: what is shown to people also parses and completes their input.

    step [N]                        an optional number
    x[/FMT] ADDR [--space gva|gpa]  a format glued to the name, an expression, an option with named choices
    csr [CSR] [= VALUE]             a literal that introduces a value
    delete [NUMBER...]              any number of words
    uart [TEXT]                     the rest of the line as it is

Words in capitals are of a kind (KINDS): how they are read and what Tab offers for them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

EXPRESSIONS = frozenset({"ADDR", "EXPR", "N", "BYTES", "NUMBER"})
"""Kinds that are read as expressions and handed over as int."""

COUNTS = frozenset({"N", "BYTES", "NUMBER"})
"""Those of them that count something."""

WORDS = frozenset({"CSR", "PATTERN", "COMMAND", "WHAT", "FMT", "REGISTER", "FILE", "NAME", "WORLD", "DATA"})
"""Kinds that are handed over as the text typed. DATA is an expression or text in double quotes."""

SETTINGS = frozenset({"VALUE"})
"""Kinds that are expressions, too, but handed over as text: what they are written to has names for some values."""

RESTS = frozenset({"TEXT", "SPEC", "VARIABLE", "PLACE", "LINE", "PYTHON"})
"""Kinds that take the rest of the line as it is: the guest's input, an event, something to print, a place to run to, a
command line, a statement."""

WORD = re.compile(r'"[^"]*"(?!\S)|\S+')
OPERATOR_START = re.compile(r"<<|>>|[+\-*/%&|^)]")
OPERATOR_END = re.compile(r"(<<|>>|[+\-*/%&|^~(])$")


class UsageError(Exception):
    """The words typed do not fit the usage line; str() is the line for the user."""


@dataclass(frozen=True)
class Parameter:
    """One place in the usage line; the command's function takes one argument for each, in order."""

    kind: str
    """A word of EXPRESSIONS or WORDS, or "choice"."""
    optional: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()
    literal: str = ""
    """What must stand in front: "=" or "--space"."""

    @property
    def is_option(self) -> bool:
        """Whether it may stand anywhere on the line, after its `--name`."""
        return self.literal.startswith("--")

    @property
    def label(self) -> str:
        """The parameter as people see it in messages."""
        return "|".join(self.choices) or self.kind


@dataclass(frozen=True)
class Usage:
    """A parsed usage line."""

    name: str
    parameters: tuple[Parameter, ...]
    has_format: bool
    """Whether the first parameter is a /FMT glued to the name."""

    @property
    def positional(self) -> tuple[Parameter, ...]:
        """The parameters told apart by their place."""
        return tuple(p for p in self.parameters if not p.is_option and p.kind != "FMT")


def counted(value: int, text: str) -> int:
    """A count out of the 64-bit value of an expression. Raises UsageError for one that its author must mean as negative."""
    if value >> 63:
        raise UsageError(f"{text} is negative")
    return value


def parse_usage(text: str) -> Usage:
    """Read a usage line. Raises ValueError when the declaration itself is wrong."""
    match = re.fullmatch(r"([a-z]+)(\[/FMT\])?(.*)", text)
    if match is None:
        raise ValueError(f"usage line {text!r} does not begin with a command name")
    parameters: list[Parameter] = []
    if match[2]:
        parameters.append(Parameter("FMT", optional=True))
    for group in re.findall(r"\[[^]]*\]|\S+", match[3]):
        optional = group.startswith("[")
        words = group.strip("[]").split()
        literal = words.pop(0) if len(words) == 2 else ""
        if len(words) != 1:
            raise ValueError(f"usage line {text!r}: cannot read {group!r}")
        word = words[0].removesuffix("...")
        many = words[0].endswith("...")
        if "|" in word:
            parameters.append(Parameter("choice", optional, many, tuple(word.split("|")), literal))
        elif word in EXPRESSIONS | SETTINGS | WORDS | RESTS:
            parameters.append(Parameter(word, optional, many, (), literal))
        else:
            raise ValueError(f"usage line {text!r}: {word!r} is no kind of argument")
    return Usage(match[1], tuple(parameters), bool(match[2]))


def split_words(text: str, usage: Usage) -> list[str]:
    """The words of `text`, with an expression's parts kept together although there is space around its operators."""
    rest = next((index for index, p in enumerate(usage.positional) if p.kind in RESTS), None)
    if rest is not None:
        return text.split(maxsplit=rest) if rest else [text] if text else []
    if any(p.literal == "=" for p in usage.parameters):
        text = re.sub(r"(?<![<>=!])=(?!=)", " = ", text)
    words = WORD.findall(text)
    if not any(p.kind in EXPRESSIONS | SETTINGS for p in usage.parameters):
        return words
    joined: list[str] = []
    for word in words:
        last = joined[-1] if joined else "="
        separate = word == "=" or last == "=" or word.startswith("--") or last.startswith("--")
        within = last.count("(") > last.count(")")
        if not separate and (within or OPERATOR_START.match(word) or OPERATOR_END.search(last)):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def bind(usage: Usage, fmt: str | None, words: Sequence[str]) -> list[str | list[str] | None]:
    """The text for each parameter, in order: None for one left out, a list for one that takes many.

    Raises UsageError saying what is missing, what is too much, or which choices there are.
    """
    values: dict[Parameter, str | list[str] | None] = {}
    rest = list(words)
    for option in (p for p in usage.parameters if p.is_option):
        values[option] = _take_option(option, rest)
    words_only = [] if any(p.kind in RESTS for p in usage.parameters) else rest
    for unknown in (w for w in words_only if w.startswith("--")):
        known = [p.literal for p in usage.parameters if p.is_option]
        raise UsageError(f"no option {unknown}" + (f"; there is {', '.join(known)}" if known else ""))
    if fmt is not None and not usage.has_format:
        raise UsageError(f"it takes no /{fmt}")
    for parameter in usage.parameters:
        if parameter.kind == "FMT":
            values[parameter] = fmt
        elif not parameter.is_option:
            values[parameter] = _take(parameter, rest)
    if rest:
        raise UsageError(f"{rest[0]!r} is too much")
    return [values[p] for p in usage.parameters]


def _take_option(option: Parameter, rest: list[str]) -> str | None:
    for index, word in enumerate(rest):
        name, equals, value = word.partition("=")
        if name == option.literal:
            del rest[index]
            if not equals:
                if index >= len(rest):
                    raise UsageError(f"{option.literal} needs {option.label}")
                value = rest.pop(index)
            return _choice(option, value)
    return None


def _take(parameter: Parameter, rest: list[str]) -> str | list[str] | None:
    if parameter.literal and rest and rest[0] == parameter.literal:
        del rest[0]
        if not rest:
            raise UsageError(f"{parameter.label} is missing after {parameter.literal!r}")
    elif parameter.literal or not rest or rest[0] == "=":
        if not parameter.optional:
            raise UsageError(f"{parameter.label} is missing")
        return None
    if parameter.many:
        taken, rest[:] = list(rest), []
        return taken
    return _choice(parameter, rest.pop(0))


def _choice(parameter: Parameter, value: str) -> str:
    if parameter.choices and value not in parameter.choices:
        raise UsageError(f"{value!r} is none of {', '.join(parameter.choices)}")
    return value
