# SPDX-License-Identifier: Apache-2.0
"""Registers, CSRs, memory and worlds as core.Machine shows them. They hold no state: each look asks the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping

from core.api.arguments import at_least, field_value, of_type, word
from core.csr.csr import Csr
from core.csr.fields import Field
from core.csr.registry import CSRS_BY_NAME
from core.debug.errors import UnknownField, UnknownRegister
from core.debug.target import Debugger


class Registers(MutableMapping[str, int]):
    """Registers by name: general ones by ABI name, pc, f0 to f31, CSRs. Of a world that does not run: as it was left.

    Values have 64 bits; negative ones are written as two's complement. Raises UnknownRegister, ReadOnlyRegister,
    WorldNotCurrent, BadValue, MachineRunning.
    """

    def __init__(self, debugger: Debugger, hart: int, world: int | None = None) -> None:
        self._debugger, self._hart, self._world = debugger, hart, world

    def __getitem__(self, name: str) -> int:
        return self._debugger.read_register(name, self._hart, world=self._world)

    def __setitem__(self, name: str, value: int) -> None:
        self._debugger.write_register(name, word(value, name), self._hart, world=self._world)

    def __contains__(self, name: object) -> bool:
        return name in self._debugger.register_names()

    def __delitem__(self, name: str) -> None:
        raise UnknownRegister(f"{name} cannot be removed")

    def __iter__(self) -> Iterator[str]:
        return iter(self._debugger.register_names())

    def __len__(self) -> int:
        return len(self._debugger.register_names())

    def __repr__(self) -> str:
        return "\n".join(f"{name:<5} {self[name]:#018x}" for name in [*list(self)[:32], "pc"])


class Value(int):
    """The value of a CSR: a number whose fields are attributes (hstatus.SPV), and which prints with all of them."""

    csr: type[Csr]

    def __new__(cls, csr: type[Csr], number: int) -> Value:
        made = super().__new__(cls, number)
        made.csr = csr
        return made

    def __reduce__(self) -> tuple[type[Value], tuple[type[Csr], int]]:  # what a copy is made of
        return Value, (self.csr, int(self))

    @property
    def fields(self) -> Mapping[str, int]:
        """Every field by name."""
        return {field.name: field.of(int(self)) for field in self.csr.fields}

    def __getattr__(self, name: str) -> int:
        return self.field(name).of(int(self))

    def field(self, name: str) -> Field:
        """The declaration of a field. Raises UnknownField."""
        for field in self.csr.fields:
            if field.name == name:
                return field
        names = ", ".join(field.name for field in self.csr.fields)
        raise UnknownField(f"{self.csr.name} has no field {name}" + (f"; there are {names}" if names else ""))

    def words(self, name: str) -> str:
        """What the value of a field means, "" where it is just a number. Raises UnknownField."""
        return self.field(name).words(getattr(self, name))

    def __repr__(self) -> str:
        shown = [f"{n}={self.words(n) or v}" for n, v in self.fields.items() if v or (n == "MODE" and self.words(n))]
        return f"{self.csr.name} = {int(self):#x}" + (f" ({' '.join(shown)})" if shown else "")


class Csrs(Mapping[str, Value]):
    """CSRs by name; names never change meaning with V. A write says what legalization made of it by reading again."""

    def __init__(self, debugger: Debugger, hart: int, world: int | None = None) -> None:
        self._debugger, self._hart, self._world = debugger, hart, world

    def __contains__(self, name: object) -> bool:
        return any(csr.name == name for csr in self._debugger.csrs())

    def __getitem__(self, name: str) -> Value:
        if name not in self:
            raise UnknownRegister(f"this machine has no CSR {name!r}")
        return Value(CSRS_BY_NAME[name], self._debugger.read_register(name, self._hart, world=self._world))

    def __setitem__(self, name: str, value: int) -> None:
        self[name]  # an unknown name is said to be one
        self._debugger.write_register(name, word(value, name), self._hart, world=self._world)

    def set(self, name: str, **fields: int | str) -> Value:
        """Write fields of a CSR, by number or name (MODE="Sv39x4"), leaving the others; the value that came of it. Raises
        UnknownField, and BadValue for what does not fit."""
        value = self[name]
        number = int(value)
        for each, part in fields.items():
            field = value.field(each)
            number = number & ~field.mask | field_value(value.csr, field, part) << field.lsb
        self[name] = number
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(csr.name for csr in self._debugger.csrs())

    def __len__(self) -> int:
        return len(self._debugger.csrs())


class Memory:
    """An address space, read and written as a debugger does: whatever the permissions, changing nothing else.

    Raises MemoryUnreadable, BadValue, MachineRunning.
    """

    def __init__(self, debugger: Debugger, space: str, hart: int = 0, world: int | None = None) -> None:
        self._debugger, self._space, self._hart, self._world = debugger, space, hart, world

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes."""
        start, length = word(address, "an address"), at_least(length, "the length")
        return self._debugger.read_memory(start, length, space=self._space, hart=self._hart, world=self._world)

    def write(self, address: int, data: bytes) -> None:
        """Write bytes; all or nothing."""
        of_type(data, (bytes, bytearray), "data is bytes")
        start = word(address, "an address")
        self._debugger.write_memory(start, bytes(data), space=self._space, hart=self._hart, world=self._world)

    def number(self, address: int, size: int = 8) -> int:
        """The little-endian number of `size` bytes."""
        return int.from_bytes(self.read(address, at_least(size, "the size", 1)), "little")

    def set_number(self, address: int, value: int, size: int = 8) -> None:
        """Write a little-endian number of `size` bytes; a negative one as two's complement."""
        found = word(value, "the number", 8 * at_least(size, "the size", 1))
        self.write(address, found.to_bytes(size, "little"))

    def text(self, address: int, most: int = 4096) -> str:
        """The text up to a NUL, in UTF-8, at most so many bytes."""
        address, most = word(address, "an address"), at_least(most, "the most bytes")
        data = b""
        while b"\0" not in data and len(data) < most:
            start = address + len(data)
            data += self.read(start, 64 - start % 64)
        return data[:most].split(b"\0")[0].decode("utf-8", "replace")


class World:
    """A world on a hart, running or as it was left: the host or a guest (core.debug.worlds)."""

    def __init__(self, debugger: Debugger, number: int, hart: int = 0) -> None:
        self._debugger, self.number, self._hart = debugger, number, hart

    @property
    def name(self) -> str:
        """ "host", or "guest 1 (vmid 3)"."""
        return self._debugger.worlds_known.name(self.number)

    @property
    def state(self) -> str:
        """ "running", "switched off" (with the machine), "exited" or "not entered"."""
        return self._debugger.worlds_known.describe(self.number).state

    @property
    def why(self) -> str:
        """Why it stands still, in words."""
        return self._debugger.worlds_known.describe(self.number).why

    @property
    def _other(self) -> int | None:
        return None if self._debugger.current_world(self._hart).number == self.number else self.number

    @property
    def mode(self) -> str:
        """Its mode."""
        return self._debugger.mode_name(self._hart, world=self._other)

    @property
    def pc(self) -> int:
        """Where it is."""
        return self.registers["pc"]

    @property
    def place(self) -> str:
        """Where it is, by its symbols."""
        return self._debugger.place(self.pc, self.number)

    @property
    def registers(self) -> Registers:
        """Its registers."""
        return Registers(self._debugger, self._hart, self._other)

    @property
    def csrs(self) -> Csrs:
        """CSRs as it has them."""
        return Csrs(self._debugger, self._hart, self._other)

    @property
    def memory(self) -> Memory:
        """Its memory through its own translation."""
        return Memory(self._debugger, "current", self._hart, self._other)

    def __repr__(self) -> str:
        return f"<World {self.number}, {self.name}: {self.state}" + (f" ({self.why})" if self.why else "") + ">"
