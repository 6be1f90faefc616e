# SPDX-License-Identifier: Apache-2.0
"""Expressions of the console: numbers, symbols, $registers, fields, arithmetic, `*` for the word in memory.

    0x80200000      guest_entry+8      $sp      $hstatus.SPV      *($sp + 16)      hgatp & 0xfff      vcpu->sepc + 4

A name without `$` is a symbol (its address) if there is one of that name, else a register, else a variable (its value);
members and elements of variables are values, too. Values are 64 bits wide.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

WIDTH = 64
MASK = (1 << WIDTH) - 1

TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F_]+|0[bB][01_]+|\d[\d_]*)(?![\w])"
    r"|(?P<register>\$[A-Za-z_][\w.]*)"
    r"|(?P<variable>[A-Za-z_][\w.]*(?:->[A-Za-z_][\w.]*|\[[^][]*\](?:\.[\w.]+)?)+)"
    r"|(?P<name>[A-Za-z_.][\w.$@]*)"
    r"|(?P<operator><<|>>|==|!=|<=|>=|&&|\|\||[-+*/%&|^~()<>!]))"
)

BINARY: list[dict[str, Callable[[int, int], int]]] = [  # loosest first, as in C; comparisons are unsigned
    {"||": lambda a, b: int(bool(a or b))},
    {"&&": lambda a, b: int(bool(a and b))},
    {"|": lambda a, b: a | b},
    {"^": lambda a, b: a ^ b},
    {"&": lambda a, b: a & b},
    {"==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b)},
    {
        "<": lambda a, b: int(a < b),
        ">": lambda a, b: int(a > b),
        "<=": lambda a, b: int(a <= b),
        ">=": lambda a, b: int(a >= b),
    },
    {"<<": lambda a, b: a << b, ">>": lambda a, b: a >> b},
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {"*": lambda a, b: a * b, "/": lambda a, b: a // b, "%": lambda a, b: a % b},
]


class ExpressionError(Exception):
    """The text is no expression, or names something that is not there; str() is the line for the user."""


class Names(Protocol):
    """What an expression can refer to."""

    def symbol(self, name: str) -> int | None:
        """The symbol's address, None if there is none."""

    def register(self, name: str) -> int | None:
        """The value of the register, or of a field as `hstatus.SPV`; None if there is none of that name."""

    def variable(self, text: str) -> int | None:
        """The value of a variable of the program, as `vcpu->sepc`, None if there is none. Raises ExpressionError."""

    def load(self, address: int) -> int:
        """The 64-bit word at `address` as the hart sees it now."""

    def hint(self, name: str, *, registers_only: bool) -> str:
        """`; did you mean ...?` for a name that is not there, or nothing."""


def evaluate(text: str, names: Names) -> int:
    """The value of `text`, wrapped to 64 bits. Raises ExpressionError."""
    try:
        return _Parser(text, names).whole()
    except RecursionError:
        raise ExpressionError(f"the expression {text[:20]!r}... is nested too deep") from None


class _Parser:
    """Recursive descent over the token list."""

    def __init__(self, text: str, names: Names) -> None:
        self.text = text.strip()
        self.names = names
        self.tokens = self._split()
        self.index = 0

    def _split(self) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(self.text):
            match = TOKEN.match(self.text, position)
            if match is None:
                rest = self.text[position:].strip()
                raise ExpressionError(f"cannot read {rest!r} in expression {self.text!r}")
            kind = match.lastgroup
            assert kind is not None
            tokens.append((kind, match[kind]))
            position = match.end()
        return tokens

    def whole(self) -> int:
        if not self.tokens:
            raise ExpressionError("an expression is missing (a number, symbol or $register)")
        value = self.binary(0)
        if self.index < len(self.tokens):
            raise ExpressionError(f"{self.tokens[self.index][1]!r} does not belong where it is in {self.text!r}")
        return value & MASK

    def operator(self, wanted: object) -> str | None:
        """Consume the next token if it is an operator among `wanted`."""
        if self.index < len(self.tokens):
            kind, token = self.tokens[self.index]
            if kind == "operator" and token in wanted:  # type: ignore[operator]
                self.index += 1
                return token
        return None

    def binary(self, level: int) -> int:
        if level == len(BINARY):
            return self.unary()
        value = self.binary(level + 1)
        while operator := self.operator(BINARY[level]):
            right = self.binary(level + 1)
            if operator in "/%" and right & MASK == 0:
                raise ExpressionError(f"division by zero in {self.text!r}")
            if operator in ("<<", ">>") and right & MASK > WIDTH:
                raise ExpressionError(f"a shift by {right & MASK} in {self.text!r}: values have {WIDTH} bits")
            value = BINARY[level][operator](value & MASK, right & MASK)
        return value

    def unary(self) -> int:
        operator = self.operator(("-", "~", "+", "*", "!"))
        if operator is None:
            return self.primary()
        value = self.unary() & MASK
        if operator == "*":
            return self.names.load(value)
        return {"-": -value, "~": ~value, "+": value, "!": int(not value)}[operator]

    def primary(self) -> int:
        if self.operator("("):
            value = self.binary(0)
            if not self.operator(")"):
                raise ExpressionError(f"a closing ) is missing in {self.text!r}")
            return value
        if self.index == len(self.tokens):
            raise ExpressionError(f"{self.text!r} ends where a number, symbol or $register should follow")
        kind, token = self.tokens[self.index]
        self.index += 1
        if kind == "number":
            return self.number(token)
        if kind == "register":
            value_or_none = self.names.register(token[1:])
            if value_or_none is None:
                raise ExpressionError(f"no register {token!r}{self.names.hint(token[1:], registers_only=True)}")
            return value_or_none
        if kind == "name":
            found = self.names.symbol(token)
            if found is None:
                found = self.names.register(token)
            if found is None:
                found = self.names.variable(token)
            if found is None:
                hint = self.names.hint(token, registers_only=False)
                raise ExpressionError(f"no symbol or register {token!r}{hint}")
            return found
        if kind == "variable":
            member = self.names.variable(token)
            if member is None:
                raise ExpressionError(f"no variable {token!r} is known here")
            return member
        raise ExpressionError(f"{token!r} does not belong where it is in {self.text!r}")

    def number(self, token: str) -> int:
        base = {"0x": 16, "0b": 2}.get(token[:2].lower(), 10)
        try:
            value = int(token.replace("_", ""), 0 if base != 10 else 10)
        except ValueError:
            raise ExpressionError(f"{token!r} is not a number") from None
        if value > MASK:
            raise ExpressionError(f"{token} does not fit into 64 bits")
        return value
