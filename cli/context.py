# SPDX-License-Identifier: Apache-2.0
"""What a command runs with: the machine, the chosen hart, who asked and how much room there is."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.expression import evaluate
from cli.suggest import did_you_mean

if TYPE_CHECKING:
    from core.csr.csr import Csr
    from core.csr.fields import Field
    from core.debug.target import Debugger, Stop


class CommandError(Exception):
    """The command cannot do what was asked; str() is the one line for the user."""


@dataclass
class Context:
    """One front end's view of the machine. The console keeps one for its life; gdb's `monitor` has one of its own."""

    debugger: Debugger
    hart: int = 0
    front: str = "console"
    """Who asks: "console" or "gdb". It owns the breakpoints it sets."""
    width: int = 80
    """Columns of the terminal."""
    blocking: bool = True
    """Whether `continue` waits for the stop (commands from a pipe) or gives the prompt back while the machine runs."""
    patience: float = 0.25
    """Seconds that a `continue` that gives the prompt back waits for a stop before it does so."""
    gdb_address: tuple[str, int] | None = None
    """Where the gdb server listens, None without one."""
    request: str | None = None
    """What the user wants of the console itself: "quit" or "uart"."""
    reported: Stop | None = None
    """The stop whose summary was shown last."""
    memory: dict[str, str] = dataclasses.field(default_factory=dict)
    """What commands remember between calls: the format and place `x` goes on from."""
    _names: frozenset[str] | None = None

    def evaluate(self, text: str) -> int:
        """The value of an expression in this context. Raises ExpressionError or DebugError."""
        return evaluate(text, self)

    def is_register(self, name: str) -> bool:
        """Whether there is a register or CSR of that name."""
        if self._names is None:
            self._names = frozenset(self.debugger.register_names())
        return name in self._names

    def value(self, name: str) -> int:
        """A register or CSR of the context's hart, by its exact name."""
        return self.debugger.read_register(name, self.hart)

    def csr(self, name: str) -> type[Csr] | None:
        """The CSR of that name."""
        lowered = name.lower()
        return next((csr for csr in self.debugger.csrs() if csr.name == lowered), None)

    def find_field(self, name: str) -> tuple[type[Csr], Field] | None:
        """The CSR and its field meant by `hstatus.SPV`, in any case."""
        csr_name, _, field_name = name.partition(".")
        csr = self.csr(csr_name)
        for field in csr.fields if csr else ():
            if csr and field.name.lower() == field_name.lower():
                return csr, field
        return None

    def field(self, name: str) -> int:
        """The value of a field, given as `hstatus.SPV`; 0 when this machine has no such CSR or field."""
        found = self.find_field(name)
        return 0 if found is None else found[1].of(self.value(found[0].name))

    # What expressions refer to (cli.expression.Names)

    def symbol(self, name: str) -> int | None:
        """The address of a symbol."""
        return self.debugger.symbols.address_of(name)

    def register(self, name: str) -> int | None:
        """A register, CSR or CSR field by name."""
        lowered = "s0" if name.lower() == "fp" else name.lower()
        if self.is_register(lowered):
            return self.value(lowered)
        found = self.find_field(name)
        return None if found is None else found[1].of(self.value(found[0].name))

    def symbol_at(self, address: int) -> str | None:
        """`name+offset` for an address, None where no symbol is near."""
        symbols = self.debugger.symbols
        return symbols.format(address) if symbols.lookup(address) else None

    def place(self, address: int) -> str:
        """`0x80200000 <name+8>`; without a symbol the bare address."""
        name = self.symbol_at(address)
        return f"{address:#x} <{name}>" if name else f"{address:#x}"

    def load(self, address: int) -> int:
        """The 64-bit word at `address` in the hart's current address space."""
        return int.from_bytes(self.debugger.read_memory(address, 8, hart=self.hart), "little")

    def hint(self, name: str, *, registers_only: bool) -> str:
        """`; did you mean ...?` among registers, and symbols unless `registers_only`."""
        known = list(self.debugger.register_names())
        if registers_only:
            return did_you_mean(name, known, "${}")
        return did_you_mean(name, [*self.debugger.symbols.names(), *known])
