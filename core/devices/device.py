# SPDX-License-Identifier: Apache-2.0
"""What every device is: a table of registers, a reset state, and a node in the device tree.

A device is one file in this folder and one line in `core.devices.board`. All methods of devices are to be called on the
thread that runs the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from core.boot.fdt import Node, Ref, Value
from core.devices.dma import Dma
from core.hart import Hart
from core.memory.ram import BusError

TIMEBASE = 10_000_000
"""Ticks of mtime in one second (QEMU's virt: 10 MHz)."""

NANOSECONDS_PER_TICK = 1_000_000_000 // TIMEBASE

INTERRUPT_CONTROLLER = "plic"
"""Device-tree label of the controller that devices are wired to as an operating system sees it."""


def _nothing(*arguments: object) -> None:
    """Default of every service: nobody listens."""


@dataclass
class Services:
    """What the machine offers to its devices. Everything has a harmless default, so a test gives only what it needs."""

    harts: Sequence[Hart] = ()
    """The harts, by index (= hart id)."""
    now: Callable[[], int] = lambda: 0
    """mtime, in ticks, with the offset that writes to mtime made (`h.time_offset`)."""
    changed: Callable[[], None] = _nothing
    """A compare register, mtime or a device's deadline changed: look again at timers and interrupts."""
    set_external: Callable[[int, str, bool], None] = _nothing
    """(hart index, "M" or "S", level): the interrupt controller's output MEIP or SEIP."""
    set_software: Callable[[int, bool], None] = _nothing
    """(hart index, level): the machine software interrupt MSIP."""
    console_output: Callable[[bytes], None] = _nothing
    """Bytes the serial port has sent."""
    finish: Callable[[int], None] = _nothing
    """Switch the machine off with this exit status (0: success)."""
    reset: Callable[[], None] = _nothing
    """Reset the machine."""
    report: Callable[[str], None] = _nothing
    """One line for the user: a driver broke a rule, and how."""
    dma: Dma = field(default_factory=Dma)
    """RAM, for devices that reach it by themselves."""
    interrupt_cells: tuple[int, ...] = ()
    """What the device tree says of an interrupt besides its number; set by the board."""
    send_msi: Callable[[int, int], None] = _nothing
    """(physical address, data): a message-signaled interrupt; set by the board."""
    epoch: int = 0
    """Wall-clock time at which mtime was 0, in nanoseconds since 1970-01-01 00:00 UTC."""


@dataclass(frozen=True)
class Register:
    """One register, or an array of equal ones, of a device.

    `read(device, index)` gives the value, `write(device, index, value)` stores it; `index` is 0 for a single register.
    Without `read` the register reads as zero, without `write` it ignores writes. `peek` is a read free of side effects;
    a register whose read has none says `pure=True` and needs no peek. `widths` are the access sizes in bytes besides
    `size`: a narrower access reaches that part of the register, a wider one the register alone, zero-extended.
    """

    name: str
    offset: int
    size: int
    read: Callable[[Any, int], int] | None = None
    write: Callable[[Any, int, int], None] | None = None
    peek: Callable[[Any, int], int] | None = None
    pure: bool = False
    count: int = 1
    stride: int = 0
    widths: tuple[int, ...] = ()

    @property
    def step(self) -> int:
        """Bytes from one register of the array to the next."""
        return self.stride or self.size

    @property
    def end(self) -> int:
        """Offset just behind the last register."""
        return self.offset + self.step * (self.count - 1) + self.size


@dataclass(frozen=True)
class _Hit:
    """An offset inside a register: which one of the array, and which byte of it."""

    register: Register
    index: int
    byte: int


@dataclass(eq=False)
class Device:
    """Base of all devices.

    base: physical address; irq: number of its interrupt at the interrupt controller, 0 for none; interrupt: sets the
    level of that line. Subclasses define `length`, `registers`, `reset` and `nodes`.
    """

    services: Services = field(repr=False)
    base: int
    irq: int = 0
    interrupt: Callable[[bool], None] = field(default=_nothing, repr=False)

    length: ClassVar[int]
    """Bytes of address space."""
    registers: ClassVar[tuple[Register, ...]] = ()
    """All registers. Offsets in between read as zero and ignore writes."""

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Put the device into the state it has after power-on."""

    def nodes(self) -> list[Node]:
        """Its nodes in the device tree, under /soc."""
        return []

    def root_nodes(self) -> list[Node]:
        """Further nodes that belong directly under the root."""
        return []

    def wiring(self) -> dict[str, Value]:
        """Device-tree properties that tell its interrupt."""
        cells = [self.irq, *self.services.interrupt_cells]
        return {"interrupt-parent": Ref(INTERRUPT_CONTROLLER), "interrupts": cells}

    def deadline(self) -> int | None:
        """mtime at which the device next does something by itself, in ticks; None: never."""
        return None

    def advance(self) -> None:
        """Do what is due at the present time; called when `deadline()` has been reached (and harmless at other
        times)."""

    def _find(self, offset: int) -> _Hit | None:
        for register in self.registers:
            if register.offset <= offset < register.end:
                index, byte = divmod(offset - register.offset, register.step)
                if byte < register.size:
                    return _Hit(register, index, byte)
        return None

    def _allowed(self, offset: int, size: int) -> _Hit | None:
        hit = self._find(offset)
        if hit is not None:
            register = hit.register
            if size != register.size and size not in register.widths:
                raise BusError(self.base + offset, size, f"register {register.name} does not support this access size")
        return hit

    def read(self, offset: int, size: int) -> int:
        """Value of the register at `offset`, unsigned. Raises BusError when it does not support `size`."""
        hit = self._allowed(offset, size)
        read = None if hit is None else hit.register.read
        if hit is None or read is None:
            return 0
        return (read(self, hit.index) >> (8 * hit.byte)) & ((1 << (8 * size)) - 1)

    def write(self, offset: int, size: int, value: int) -> None:
        """Write the register at `offset`. Raises BusError when it does not support `size`."""
        hit = self._allowed(offset, size)
        store = None if hit is None else hit.register.write
        if hit is None or store is None:
            return
        register, shift = hit.register, 8 * hit.byte
        if size < register.size:
            mask = ((1 << (8 * size)) - 1) << shift
            value = (self._peek(hit) & ~mask) | (value << shift)
        store(self, hit.index, value & ((1 << (8 * register.size)) - 1))

    def _peek(self, hit: _Hit) -> int:
        register = hit.register
        look = register.peek or (register.read if register.pure else None)
        if look is not None:
            return look(self, hit.index)
        if register.read is None:
            return 0
        address = self.base + register.offset + hit.index * register.step
        raise BusError(address, register.size, f"register {register.name} cannot be read without side effects")

    def peek(self, offset: int, size: int) -> int:
        """Bytes as a read would give them, little-endian, of any alignment and size, without side effects.

        Raises BusError when a register in the range cannot be read without them.
        """
        value = 0
        for i in range(size):
            hit = self._find(offset + i)
            if hit is not None:
                value |= ((self._peek(hit) >> (8 * hit.byte)) & 0xFF) << (8 * i)
        return value
