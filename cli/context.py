# SPDX-License-Identifier: Apache-2.0
"""What a command runs with: the machine, the chosen hart, who asked and how much room there is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.expression import ExpressionError, evaluate
from cli.snapshot import Snapshot
from core.suggest import did_you_mean

if TYPE_CHECKING:
    from core.boot.symbols import SymbolTable
    from core.csr.csr import Csr
    from core.csr.fields import Field
    from core.debug.dwarf import Sources
    from core.debug.dwarf_types import Types
    from core.debug.target import Debugger, Stop


HOST = 1
"""The number of the host world (core.debug.worlds)."""


class CommandError(Exception):
    """The command cannot do what was asked; str() is the one line for the user."""


@dataclass
class Context:
    """One front end's view of the machine. The console keeps one for its life; gdb's `monitor` has one of its own."""

    debugger: Debugger
    hart: int = 0
    front: str = "console"
    """Who asks: "console", or "monitor" for gdb's monitor commands. It owns the breakpoints it sets."""
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
    noticed: Stop | None = None
    """The stop at which registers were kept last."""
    memory: dict[str, str] = dataclasses.field(default_factory=dict)
    """What commands remember between calls: the format and place `x` goes on from."""
    height: int = 24
    """Rows of the terminal."""
    snapshots: dict[str, Snapshot] = dataclasses.field(default_factory=dict)
    """States to compare with: "stop" (the last one), "before" (the one before it), "entry", and those that were saved."""
    progress: Callable[[str], None] = lambda text: None
    """Told now and then how far long work has come; "" at its end."""
    aliases: dict[str, str] = dataclasses.field(default_factory=dict)
    """The user's own commands: name to the line (or lines, separated by `;`) that it stands for."""
    choose_worlds: Callable[[str], Iterator[str]] | None = None
    """Makes guests inferiors of gdb, or not: "separate", "merged", "auto". None where nobody but gdb may say so."""
    names_of: int | None = None
    """The world whose symbols an expression means, None for the hart's."""
    _names: frozenset[str] | None = None
    _programs: dict[Path, tuple[Sources, Types]] = dataclasses.field(default_factory=dict)

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
        """The CSR of that name or address (0x680)."""
        from core.debug.registers import csr_named

        wanted = csr_named(name)
        return next((csr for csr in self.debugger.csrs() if csr.name == wanted), None)

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
        """The address of a symbol: of the world asked about or the one the hart is in, else of any."""
        for table in self._tables():
            known = table.address_of(name)
            if known is not None:
                return known
        return None

    def _tables(self) -> Iterator[SymbolTable]:
        if self.names_of is not None:
            own = self.debugger.worlds_known.symbols_of(self.names_of)[0]
            yield own if own is not None else self.debugger.symbols
            return
        yield self.symbols
        yield self.debugger.symbols
        yield from (table for table, _ in self.debugger.worlds_known.symbols.values())

    def register(self, name: str) -> int | None:
        """A register, CSR or CSR field by name, or by another name for it as gdb has them (x10, csr1664)."""
        from core.debug.registers import register_named

        known = register_named(name)
        if self.is_register(known):
            return self.value(known)
        found = self.find_field(name)
        return None if found is None else found[1].of(self.value(found[0].name))

    def variable(self, text: str) -> int | None:
        """The value of a variable, member or element; None if no variable begins the text. Raises ExpressionError."""
        from cli.typed import TypedError, resolve_variable

        try:
            found = resolve_variable(self, text)
        except TypedError as problem:
            raise ExpressionError(str(problem)) from None
        if found is None:
            return None
        value = found.number(self)
        if value is None:
            raise ExpressionError(f"{text} is no number: it is {found.type.name}")
        width = found.bits[1] if found.bits else 8 * found.type.size
        return value - (1 << width) if found.type.signed and value >> (width - 1) else value

    @property
    def symbols(self) -> SymbolTable:
        """The symbols of the world the hart is in."""
        own = None if not self.debugger.readable else self.debugger.current_world(self.hart).symbols
        return self.debugger.symbols if own is None else own

    def program(self, world: int | None = None) -> tuple[Sources, Types] | None:
        """Source lines and types of the program of a world (None: the one the hart is in), None when no file is known
        for what it executes.
        """
        return self.program_at(None, world)

    def program_at(self, address: int | None, world: int | None = None) -> tuple[Sources, Types] | None:
        """The same for an address (None: that of the instruction the world is at)."""
        path = self.debugger.elf_path
        if self.debugger.readable:
            current = self.debugger.current_world(self.hart).number
            number = current if world is None else world
            own = self.debugger.worlds_known.symbols_of(number)[1]
            if own is None and number != HOST:
                if address is None:
                    chosen = None if number == current else number
                    address = self.debugger.read_register("pc", self.hart, world=chosen)
                path = path if self.debugger.naming.shares(address, number) else None
            path = own or path
        return None if path is None else self._load(path)

    def _load(self, path: Path) -> tuple[Sources, Types]:
        if path not in self._programs:
            from core.debug.dwarf import Sources
            from core.debug.dwarf_types import Types

            sources = Sources(path)
            self._programs[path] = (sources, Types(sources))
        return self._programs[path]

    def programs(self, world: int | None = None) -> Iterator[tuple[Sources, Types]]:
        """Source lines and types to look for names in: of a world that may not have been entered; None: of the one the
        hart is in, then of all others.
        """
        from core.debug.places import program_files

        own = None if not self.debugger.readable else self.debugger.current_world(self.hart).elf
        yield from map(self._load, program_files(self.debugger, world, own))

    def world(self, text: str) -> int:
        """The number of the world meant by `1`, `host`, `guest` (the one entered last) or `guest2`. Raises CommandError."""
        worlds = self.debugger.worlds()
        numbers = [world.number for world in worlds]
        word = text.lower()
        if word == "host":
            return 1
        guest = word.removeprefix("guest").lstrip(":")
        if word.startswith("guest") and guest.isdecimal():
            number = int(guest) + 1
            if number == HOST:
                raise CommandError("guests count from 1; the hypervisor is `host`")
        elif word == "guest":
            current = self.debugger.current_world(self.hart).number
            number = current if current != 1 else numbers[-1]
            if number == 1:
                raise CommandError("no guest has been entered yet")
        elif word.isdecimal():
            number = int(word)
        else:
            raise CommandError(f"{text!r} names no world; there are {', '.join(f'{w.number} ({w.name})' for w in worlds)}")
        if number not in numbers:
            raise CommandError(f"no world {text}; there are {', '.join(f'{w.number} ({w.name})' for w in worlds)}")
        return number

    def world_to_come(self, text: str) -> int:
        """As `world`, for what may be set before a guest is entered: guest3 is world 4 from the beginning."""
        guest = text.lower().removeprefix("guest").lstrip(":")
        if text.lower().startswith("guest") and guest.isdecimal() and int(guest):
            return int(guest) + 1
        return self.world(text)

    def world_name(self, number: int) -> str:
        """`host`, `guest 1 (vmid 1)`, or `guest 2` for one that has not been entered."""
        known = self.debugger.worlds_known
        return known.name(number) if number in known.numbers() else f"guest {number - 1}"

    def source_at(self, address: int) -> str | None:
        """`file:line` of an address, None without debugging information."""
        program = self.program_at(address)
        line = program[0].line_of(address) if program else None
        return str(line) if line else None

    def table(self, address: int, world: int | None = None) -> SymbolTable:
        """The symbols that hold at an address of a world (None: the one the hart is in)."""
        return self.debugger.symbols_at(address, world, self.hart) if self.debugger.readable else self.debugger.symbols

    def symbol_at(self, address: int, world: int | None = None) -> str | None:
        """`name+offset` for an address, None where no symbol is near."""
        symbols = self.table(address, world)
        return symbols.format(address) if symbols.lookup(address) else None

    def place(self, address: int, world: int | None = None) -> str:
        """`0x80200000 <name+8>`; without a symbol the bare address."""
        name = self.symbol_at(address, world)
        return f"{address:#x} <{name}>" if name else f"{address:#x}"

    def names_in(self, space: str | None, world: int | None) -> Callable[[int], str | None]:
        """Names for addresses of a space as `--space` and `--world` choose it; none where programs have no addresses."""
        owner = self.debugger.space_owner(space or "current", self.hart, world)
        return lambda address: None if owner is None else self.symbol_at(address, owner)

    def world_of_csr(self, name: str) -> int | None:
        """The world whose addresses a CSR holds: the guest's for vs*, and for what a trap from a guest has left."""
        guest = self.debugger.loaded_guest(self.hart)
        if name.startswith("vs"):
            return guest
        bank = {"sepc": "hstatus.SPV", "stval": "hstatus.GVA", "mepc": "mstatus.MPV", "mtval": "mstatus.GVA"}
        inside = self.debugger.mode_name(self.hart).startswith("V")
        return guest if name in bank and (inside or self.field(bank[name])) else HOST

    def symbol_of_csr(self, name: str) -> Callable[[int], str | None]:
        """Names for addresses in a CSR, by the world they belong to."""
        world = self.world_of_csr(name)
        return lambda address: None if world is None else self.symbol_at(address, world)

    def load(self, address: int) -> int:
        """The 64-bit word at `address` in the hart's current address space."""
        return int.from_bytes(self.debugger.read_memory(address, 8, hart=self.hart), "little")

    def hint(self, name: str, *, registers_only: bool) -> str:
        """`; did you mean ...?` among registers, and symbols unless `registers_only`."""
        known = list(self.debugger.register_names())
        if registers_only:
            return did_you_mean(name, known, "${}")
        return did_you_mean(name, [*self.debugger.symbols.names(), *known])
