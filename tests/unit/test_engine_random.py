# SPDX-License-Identifier: Apache-2.0
"""Random programs of the kernel subset do the same natively as in CPython."""

from __future__ import annotations

from random import Random

import pytest

from core.engine.subset import TYPES
from core.engine.values import wrap
from core.hart import Hart
from core.isa.intrinsics import Trap, u64
from tests.support.native_call import Function, NativeModule, edges, hart_with, kernel

PROGRAMS = 60
CALLS = 25
KINDS = ["u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "u128", "s128"]
PARAMETERS = {f"a_{kind}": kind for kind in KINDS} | {"b": "bool"}


def note(h: Hart, value: u64) -> u64:
    """What random programs call: leaves a trace, and sometimes traps."""
    h.f[0] = u64(h.f[0] * 31 + value)
    if h.f[0] & 63 == 9:
        raise Trap(3, value, h.f[0])
    return value >> 5


class Writer:
    """Writes one random function."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.lines: list[str] = []
        self.locals = dict(PARAMETERS)
        self.loops = 0

    def write(self, name: str) -> str:
        """The function's source."""
        self.block(2, 1)
        given = ", ".join(f"{parameter}: {kind}" for parameter, kind in PARAMETERS.items())
        return "\n".join([f"def {name}(h: Hart, {given}) -> u64:", *self.lines, f"    return {self.value('u64', 2)}", ""])

    def pick(self, *choices: str) -> str:
        """One of several texts."""
        return self.random.choice(choices)

    def literal(self, kind: str) -> str:
        """A constant of a type; always beside an operand that is none, as constants alone would fold."""
        number = wrap(self.random.getrandbits(self.random.randrange(1, TYPES[kind].bits + 1)), TYPES[kind])
        return self.pick(f"{kind}({number})", str(number))

    def local(self, kind: str) -> str:
        """A local of a type."""
        return self.random.choice([name for name, known in self.locals.items() if known == kind])

    def value(self, kind: str, depth: int) -> str:
        """An expression of a type."""
        if depth == 0:
            return self.local(kind)
        mask = TYPES[kind].bits - 1
        choices = [
            lambda: f"{kind}({self.wide(depth)})",
            lambda: f"{kind}({self.wide(depth)})",
            lambda: f"({self.local(kind)} {self.pick(*'&|^')} {self.literal(kind)})",
            lambda: f"({self.value(kind, depth - 1)} {self.pick(*'&|^')} {self.value(kind, depth - 1)})",
            lambda: f"({self.value(kind, depth - 1)} >> ({self.value('u64', depth - 1)} & {mask}))",
            lambda: f"({self.value(kind, depth - 1)} >> {self.value('u8', depth - 1)})",
            lambda: f"({self.value(kind, depth - 1)} if {self.condition(depth - 1)} else {self.value(kind, depth - 1)})",
        ]
        if kind == "u64":
            choices += [
                lambda: f"h.x[{self.value('u64', depth - 1)} & 31]",
                lambda: f"{self.pick('clz64', 'ctz64', 'popcount64', 'sext32')}({self.value('u64', depth - 1)})",
                lambda: f"note(h, {self.value('u64', depth - 1)})",
            ]
        if kind in ("u8", "u16", "u32", "u64"):
            divisor = self.random.randrange(1, 250)
            choices.append(lambda: f"({self.value(kind, depth - 1)} {self.pick('//', '%')} {divisor})")
        return self.random.choice(choices)()

    def wide(self, depth: int) -> str:
        """An expression that only a cast may hold."""
        if depth == 0 or self.random.random() < 0.2:
            return self.value(self.pick(*KINDS), max(0, depth - 1))
        left = self.wide(depth - 1)
        right = self.wide(depth - 1) if self.random.random() < 0.8 else self.literal(self.pick(*KINDS))
        symbol = self.pick("+", "-", "*", "&", "|", "^", "<<", "-x", "~x", "bool")
        if symbol == "<<":
            return f"({left} << ({self.value('u32', depth - 1)} & {self.pick('7', '63', '127')}))"
        if symbol == "bool":
            return f"({left} + ({self.condition(depth - 1)}))"
        return f"({symbol[0]}{left})" if symbol.endswith("x") else f"({left} {symbol} {right})"

    def condition(self, depth: int) -> str:
        """A bool."""
        if depth == 0 and self.random.random() < 0.4:
            return self.pick(self.local("bool"), f"not {self.local('bool')}", "True")
        shape = self.random.randrange(6)
        if depth and shape == 0:
            return f"({self.condition(depth - 1)} {self.pick('and', 'or')} {self.condition(depth - 1)})"
        if depth and shape == 1:
            return f"(not {self.condition(depth - 1)})"
        unsigned = self.pick("u", "s")
        operands = [self.value(f"{unsigned}{self.pick('8', '16', '32', '64', '128')}", max(0, depth - 1)) for _ in range(3)]
        signs = [self.pick("<", "<=", ">", ">=", "==", "!=") for _ in range(2)]
        if shape == 2:
            return f"({operands[0]} {signs[0]} {operands[1]} {signs[1]} {operands[2]})"
        return f"({operands[0]} {signs[0]} {operands[1]})"

    def block(self, depth: int, indent: int) -> None:
        """Statements; locals first assigned in them are not used behind them."""
        before = dict(self.locals)
        for _ in range(self.random.randrange(2, 5)):
            self.statement(depth, indent)
        self.locals = before if indent > 1 else self.locals

    def statement(self, depth: int, indent: int) -> None:
        """One statement."""
        pad = "    " * indent
        shape = self.random.randrange(10 if depth else 6)
        if shape < 2:
            kind = self.pick(*KINDS)
            name = f"v{len(self.lines)}_{kind}"
            self.lines.append(f"{pad}{name}{self.pick('', ': ' + kind)} = {kind}({self.value(kind, 2)})")
            self.locals[name] = kind
        elif shape == 2:
            name = self.random.choice([name for name, kind in self.locals.items() if kind != "bool"])
            kind = self.locals[name]
            self.lines.append(f"{pad}{name} {self.pick('&=', '|=', '^=', '=')} {kind}({self.value(kind, 1)})")
        elif shape == 3:
            self.lines.append(f"{pad}h.x[{self.value('u64', 1)} & 31] {self.pick('=', '|=', '^=')} {self.value('u64', 2)}")
        elif shape == 4:
            self.lines.append(f"{pad}if {self.condition(1)}:")
            self.lines.append(
                pad + self.pick(f"    raise Trap(2, {self.value('u64', 1)})", f"    return {self.value('u64', 1)}")
            )
        elif shape == 5:
            self.lines.append(f"{pad}b = {self.condition(2)}")
        elif shape < 8:
            self.lines.append(f"{pad}if {self.condition(2)}:")
            self.block(depth - 1, indent + 1)
            if shape == 7:
                self.lines.append(f"{pad}else:")
                self.block(depth - 1, indent + 1)
        else:
            self.loop(depth, indent, pad)

    def loop(self, depth: int, indent: int, pad: str) -> None:
        """A loop of a few turns."""
        self.loops += 1
        name = f"turn{self.loops}"
        before = dict(self.locals)
        if self.random.random() < 0.5:
            self.lines.append(f"{pad}for {name} in range({self.value('u64', 0)} & 7, 9, {self.random.randrange(1, 4)}):")
            self.locals[name] = "u64"
        else:
            self.lines += [
                f"{pad}{name} = 0",
                f"{pad}while {name} < 5 and {self.condition(1)}:",
                f"{pad}    {name} = u64({name} + 1)",
            ]
        self.block(depth - 1, indent + 1)
        self.lines += [f"{pad}    if {self.condition(1)}:", f"{pad}        {self.pick('break', 'continue')}"]
        self.block(0, indent + 1)
        self.locals = before


def program(seed: int) -> Function:
    """A random function, always the same for a seed."""
    return kernel(Writer(seed).write(f"random_{seed}"), note=note)


@pytest.fixture(scope="module")
def functions() -> list[Function]:
    """The random functions."""
    return [program(seed) for seed in range(PROGRAMS)]


@pytest.fixture(scope="module")
def native(functions: list[Function]) -> NativeModule:
    """The random functions, compiled."""
    return NativeModule(functions)


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_a_random_program(native: NativeModule, functions: list[Function], seed: int) -> None:
    random = Random(seed)
    for call in range(CALLS):
        arguments = [random.choice(edges(kind, 10, random)) for kind in PARAMETERS.values()]
        native.check(functions[seed], *arguments, hart=hart_with(f"{seed}.{call}"))
