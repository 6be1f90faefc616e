# SPDX-License-Identifier: Apache-2.0
"""Conditions and commands of gdb's breakpoints, run on our side when the machine comes to them.

The engines evaluate a breakpoint's only condition themselves as far as they can; what they cannot, and all else, is done here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Final

from core.debug.registers import read_register
from core.debug.target import Debugger
from core.hart import Hart
from gdbstub.agent import AgentError, Function, compile_expression
from gdbstub.interface import BreakpointProgram, TargetError
from gdbstub.riscv.description import Register
from gdbstub.riscv.regnums import PC, X_NAMES

Condition = Callable[[Debugger, int], bool]
X: Final = len(X_NAMES)

compiled = lru_cache(1024)(compile_expression)
"""gdb sends the same condition again at every resume."""


class Surroundings:
    """A hart at a breakpoint, as an expression sees it: in the world it is in."""

    def __init__(self, debugger: Debugger, hart: int, registers: Mapping[int, Register], say: Callable[[str], None]) -> None:
        self._hart: Hart = debugger.machine.harts[hart]
        self._registers = registers
        self._read = partial(debugger.read_memory, hart=hart)
        self.print = say

    def register(self, number: int) -> int:
        """A register by its number in the target description."""
        if number < X:
            return int(self._hart.x[number])
        if number == PC:
            return int(self._hart.pc)
        register = self._registers.get(number)
        if register is None:
            raise AgentError(f"there is no register number {number}")
        return read_register(self._hart, register.source) & ((1 << 8 * register.width) - 1)

    def memory(self, address: int, size: int) -> int:
        """A number in memory."""
        return int.from_bytes(self._read(address, size), "little")


class Conditions:
    """Makes the debugger's conditions out of programs in bytecode."""

    def __init__(self, debugger: Debugger, registers: Mapping[int, Register], say: Callable[[str], None]) -> None:
        self._say = say
        self._harts = [Surroundings(debugger, hart, registers, say) for hart in range(debugger.harts)]

    def make(self, program: BreakpointProgram) -> Condition | None:
        """Whether a hit stops the machine; None when every hit does. TargetError for bytecode that cannot be run."""
        try:
            conditions = [compiled(code) for code in program.conditions]
            commands = [compiled(code) for code in program.commands]
        except AgentError as problem:
            raise TargetError(f"the breakpoint's condition or command cannot be run here: {problem}") from None
        if len(conditions) == 1 and not commands:
            return partial(self._single, conditions[0])
        if not conditions and not commands:
            return None
        return partial(self._general, conditions, commands)

    def _single(self, function: Function, debugger: Debugger, hart: int) -> bool:
        """One condition, as is usual. One that cannot be worked out stops: gdb then says what is wrong with it."""
        try:
            return function(self._harts[hart]) != 0
        except Exception:
            return True

    def _general(self, conditions: list[Function], commands: list[Function], debugger: Debugger, hart: int) -> bool:
        if conditions and not any(self._single(function, debugger, hart) for function in conditions):
            return False
        for command in commands:
            try:
                command(self._harts[hart])
            except Exception as problem:
                self._say(f"a breakpoint's command failed: {problem}")
        return not commands
