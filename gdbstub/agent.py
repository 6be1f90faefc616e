# SPDX-License-Identifier: Apache-2.0
"""gdb's agent expressions: the bytecode of breakpoint conditions and commands, made into Python functions.

gdb compiles `break f if x == 3` to a small stack machine's code and sends it along with the breakpoint. An expression is
translated once: the stack becomes local variables, a basic block becomes straight-line Python. What it may refer to are
registers by their number in the target description, and memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gdbstub.agent_printf import format_printf

MASK: Final = (1 << 64) - 1
SIGN: Final = 1 << 63
FUEL: Final = 100_000
"""Blocks an evaluation may run through: an expression that loops for ever must not hang the machine."""
STACK_LIMIT: Final = 256
CODE_LIMIT: Final = 1 << 16


class AgentError(Exception):
    """Bytecode that cannot be run, or an evaluation that came upon something it cannot do."""


class Surroundings(Protocol):
    """What an expression can see. Both may raise any exception; `evaluate` passes it on."""

    def register(self, number: int) -> int:
        """A register's value, unsigned."""

    def memory(self, address: int, size: int) -> int:
        """An unsigned little-endian number in memory."""

    def print(self, text: str) -> None:
        """Output of a `printf` command."""


Function = Callable[[Surroundings], int]
"""An expression ready to run: the value it leaves on top of its stack, unsigned, 0 when it leaves none."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A bytecode: the bytes of its operand, how many values it takes off the stack, and the Python that it is.

    `code` puts values on the stack: an expression over {a} and {b} (the topmost is the last), {n} the operand.
    """

    name: str
    operand: int = 0
    takes: int = 0
    gives: tuple[str, ...] = ()


def _binary(name: str, expression: str) -> Operation:
    return Operation(name, 0, 2, (expression,))


def _load(name: str, size: int) -> Operation:
    return Operation(name, 0, 1, (f"memory({{a}}, {size})",))


def _constant(name: str, size: int) -> Operation:
    return Operation(name, size, 0, ("{n}",))


OPERATIONS: Final[dict[int, Operation]] = {
    0x02: _binary("add", "({a} + {b}) & MASK"),
    0x03: _binary("sub", "({a} - {b}) & MASK"),
    0x04: _binary("mul", "({a} * {b}) & MASK"),
    0x05: _binary("div_signed", "divide({a}, {b})"),
    0x06: _binary("div_unsigned", "{a} // nonzero({b})"),
    0x07: _binary("rem_signed", "remainder({a}, {b})"),
    0x08: _binary("rem_unsigned", "{a} % nonzero({b})"),
    0x09: _binary("lsh", "({a} << {b}) & MASK if {b} < 64 else 0"),
    0x0A: _binary("rsh_signed", "signed({a}) >> min({b}, 63) & MASK"),
    0x0B: _binary("rsh_unsigned", "{a} >> min({b}, 64)"),
    0x0E: Operation("log_not", 0, 1, ("int({a} == 0)",)),
    0x0F: _binary("bit_and", "{a} & {b}"),
    0x10: _binary("bit_or", "{a} | {b}"),
    0x11: _binary("bit_xor", "{a} ^ {b}"),
    0x12: Operation("bit_not", 0, 1, ("{a} ^ MASK",)),
    0x13: _binary("equal", "int({a} == {b})"),
    0x14: _binary("less_signed", "int({a} ^ SIGN < {b} ^ SIGN)"),
    0x15: _binary("less_unsigned", "int({a} < {b})"),
    0x16: Operation("ext", 1, 1, ("extend({a}, {n})",)),
    0x17: _load("ref8", 1),
    0x18: _load("ref16", 2),
    0x19: _load("ref32", 4),
    0x1A: _load("ref64", 8),
    0x20: Operation("if_goto", 2, 1),
    0x21: Operation("goto", 2),
    0x22: _constant("const8", 1),
    0x23: _constant("const16", 2),
    0x24: _constant("const32", 4),
    0x25: _constant("const64", 8),
    0x26: Operation("reg", 2, 0, ("register({n})",)),
    0x27: Operation("end"),
    0x28: Operation("dup", 0, 1, ("{a}", "{a}")),
    0x29: Operation("pop", 0, 1),
    0x2A: Operation("zero_ext", 1, 1, ("{a} & (1 << {n}) - 1",)),
    0x2B: Operation("swap", 0, 2, ("{b}", "{a}")),
    0x32: Operation("pick", 1),
    0x33: Operation("rot", 0, 3, ("{c}", "{a}", "{b}")),
    0x34: Operation("printf", 1),
}
"""The operations by number. Floating point, tracing and trace variables are missing: they have no place in conditions."""

ENDS: Final = ("end", "goto", "if_goto")


def signed(value: int) -> int:
    """A 64-bit pattern as a signed number."""
    return value - (1 << 64) if value & SIGN else value


def nonzero(value: int) -> int:
    """A divisor. Raises AgentError for 0."""
    if value == 0:
        raise AgentError("division by zero")
    return value


def divide(a: int, b: int) -> int:
    """Signed division that rounds towards zero, as C does."""
    dividend, divisor = signed(a), signed(nonzero(b))
    quotient = abs(dividend) // abs(divisor)
    return (quotient if (dividend < 0) == (divisor < 0) else -quotient) & MASK


def remainder(a: int, b: int) -> int:
    """What `divide` leaves."""
    dividend, divisor = signed(a), signed(nonzero(b))
    rest = abs(dividend) % abs(divisor)
    return (-rest if dividend < 0 else rest) & MASK


def extend(value: int, bits: int) -> int:
    """Sign-extend from a width in bits."""
    if not 0 < bits < 64:
        return value
    value &= (1 << bits) - 1
    return (value | MASK << bits) & MASK if value >> bits - 1 else value


NAMES: Final[dict[str, Any]] = {
    "MASK": MASK, "SIGN": SIGN, "FUEL": FUEL, "signed": signed, "nonzero": nonzero, "divide": divide,
    "remainder": remainder, "extend": extend, "min": min, "int": int, "range": range, "AgentError": AgentError,
    "format_printf": format_printf,
}  # fmt: skip


def compile_expression(code: bytes) -> Function:
    """The function of an expression. Raises AgentError when it is not well formed or uses what we have not got."""
    namespace = dict(NAMES, __builtins__={})
    exec(_Translation(code).source(), namespace)
    function: Function = namespace["expression"]
    return function


class _Translation:
    """Bytecode on its way to Python: blocks by the offset they begin at, with the depth of the stack there."""

    def __init__(self, code: bytes) -> None:
        if len(code) > CODE_LIMIT:
            raise AgentError(f"an expression of {len(code)} bytes is too long")
        self.code = code
        self.depths: dict[int, int] = {0: 0}
        self.blocks: dict[int, list[str]] = {}
        waiting = [0]
        while waiting:
            start = waiting.pop()
            if start not in self.blocks:
                lines: list[str] = []
                self.blocks[start] = lines
                waiting += self._block(start, lines)

    def source(self) -> str:
        """The text of the function."""
        lines = ["def expression(around):", "    register, memory = around.register, around.memory"]
        if len(self.blocks) == 1 and self.blocks[0][-1].startswith("return"):
            return "\n".join([*lines, *("    " + line for line in self.blocks[0])])
        lines += ["    block = 0", "    for _ in range(FUEL):"]
        for number, (start, block) in enumerate(sorted(self.blocks.items())):
            lines.append(f"        {'el' if number else ''}if block == {start}:")
            lines += ["            " + line for line in block]
        return "\n".join([*lines, '    raise AgentError("the expression does not come to an end")'])

    def _block(self, at: int, lines: list[str]) -> list[int]:
        """Translate from `at` to the next jump; the offsets where it can go on."""
        stack = [f"s{slot}" for slot in range(self.depths[at])]
        while True:
            operation, operand, after = self._fetch(at)
            if operation.name in ENDS:
                return self._end(operation, operand, after, stack, lines)
            if operation.name == "pick":
                if operand >= len(stack):
                    raise AgentError(f"pick {operand} from a stack of {len(stack)}")
                stack.append(stack[-1 - operand])
            elif operation.name == "printf":
                after = self._printf(operand, after, stack, lines)
            else:
                taken = dict(zip("abc", self._take(stack, operation.takes), strict=False))
                stack += [self._push(given.format(n=operand, **taken), lines) for given in operation.gives]
            if len(stack) > STACK_LIMIT:
                raise AgentError("the stack grows too deep")
            at = after

    def _push(self, expression: str, lines: list[str]) -> str:
        """The name of a value. What is no name or number yet gets a variable of its own."""
        if expression.isalnum():
            return expression
        name = f"v{len(lines)}"
        lines.append(f"{name} = {expression}")
        return name

    def _take(self, stack: list[str], count: int) -> list[str]:
        if count > len(stack):
            raise AgentError("a value is missing on the stack")
        taken = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        return taken

    def _fetch(self, at: int) -> tuple[Operation, int, int]:
        """The operation at an offset, its operand and where the next one is."""
        if at >= len(self.code):
            raise AgentError("the expression runs past its end")
        operation = OPERATIONS.get(self.code[at])
        if operation is None:
            raise AgentError(f"bytecode {self.code[at]:#04x} is not supported")
        after = at + 1 + operation.operand
        if after > len(self.code):
            raise AgentError("an operand is cut off")
        return operation, int.from_bytes(self.code[at + 1 : after], "big"), after

    def _end(self, operation: Operation, operand: int, after: int, stack: list[str], lines: list[str]) -> list[int]:
        if operation.name == "end":
            lines.append(f"return {stack[-1] if stack else 0}")
            return []
        targets = [operand]
        if operation.name == "if_goto":
            (condition,) = self._take(stack, 1)
            targets.append(after)
        self._settle(stack, lines)
        for target in targets:
            if self.depths.setdefault(target, len(stack)) != len(stack):
                raise AgentError("the stack is not of one depth where ways meet")
        chosen = f"{operand} if {condition} else {after}" if operation.name == "if_goto" else str(operand)
        lines += [f"block = {chosen}", "continue"]
        return targets

    def _settle(self, stack: list[str], lines: list[str]) -> None:
        """Between blocks the stack is in s0, s1, ..."""
        names = [f"s{slot}" for slot in range(len(stack))]
        if stack and stack != names:
            lines.append(f"{', '.join(names)} = {', '.join(stack)}" if len(stack) > 1 else f"s0 = {stack[0]}")

    def _printf(self, count: int, at: int, stack: list[str], lines: list[str]) -> int:
        """printf: the text stands in the code; on the stack, from the top, are a function and a channel (both unused),
        then the values in order."""
        length = int.from_bytes(self.code[at : at + 2], "big")
        text = self.code[at + 2 : at + 2 + length].rstrip(b"\0").decode("utf-8", "replace")
        if at + 2 + length > len(self.code):
            raise AgentError("the text of a printf is cut off")
        self._take(stack, 2)
        values = self._take(stack, count)[::-1]
        lines.append(f"around.print(format_printf({text!r}, [{', '.join(values)}], memory))")
        return at + 2 + length
