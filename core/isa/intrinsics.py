# SPDX-License-Identifier: Apache-2.0
"""The closed vocabulary of kernel functions: types, casts and the few primitives below the instruction set.

A kernel function is plain Python that CPython runs as it stands (the reference engine) and that `core.engine.lower`
compiles (the native engine). The functions here are what both give a meaning to; docs/kernel-subset.md has the rules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from core.hart import Hart

F = TypeVar("F", bound=Callable[..., Any])

M8, M16, M32, M64, M128 = (1 << 8) - 1, (1 << 16) - 1, (1 << 32) - 1, (1 << 64) - 1, (1 << 128) - 1

if TYPE_CHECKING:  # to mypy every kernel integer is an int; widths are the kernel checker's business
    u8: TypeAlias = int
    u16: TypeAlias = int
    u32: TypeAlias = int
    u64: TypeAlias = int
    u128: TypeAlias = int
    s8: TypeAlias = int
    s16: TypeAlias = int
    s32: TypeAlias = int
    s64: TypeAlias = int
    s128: TypeAlias = int
    Reg: TypeAlias = int
    FReg: TypeAlias = int
    Const: TypeAlias = int
else:

    def u8(v):
        """Wrap to 8 bits, unsigned."""
        return v & M8

    def u16(v):
        """Wrap to 16 bits, unsigned."""
        return v & M16

    def u32(v):
        """Wrap to 32 bits, unsigned."""
        return v & M32

    def u64(v):
        """Wrap to 64 bits, unsigned."""
        return v & M64

    def u128(v):
        """Wrap to 128 bits, unsigned."""
        return v & M128

    def s8(v):
        """Wrap to 8 bits, signed."""
        return ((v & M8) ^ 0x80) - 0x80

    def s16(v):
        """Wrap to 16 bits, signed."""
        return ((v & M16) ^ 0x8000) - 0x8000

    def s32(v):
        """Wrap to 32 bits, signed."""
        return ((v & M32) ^ (1 << 31)) - (1 << 31)

    def s64(v):
        """Wrap to 64 bits, signed."""
        return ((v & M64) ^ (1 << 63)) - (1 << 63)

    def s128(v):
        """Wrap to 128 bits, signed."""
        return ((v & M128) ^ (1 << 127)) - (1 << 127)

    class Reg:
        """Annotation: the number of an integer register, 0 to 31 (u64)."""

    class FReg:
        """Annotation: the number of a floating-point register, 0 to 31 (u64)."""

    class Const:
        """Annotation: a u64 known at compile time; native code is made for each value in use."""


def primitive(function: F) -> F:
    """Mark a function that native code has its own form of (core.engine.primitives)."""
    function.__dict__["kernel_hint"] = "primitive"
    return function


@primitive
def sext32(v: int) -> u64:
    """Wrap to 32 bits and sign-extend to 64: what the *W instructions do to their result."""
    return u64(s32(v))


class Trap(Exception):
    """An exception of the machine on its way to `take_trap`.

    cause: core.trap.causes.Cause; tval: value for xtval; gpa: full guest physical address (for htval / mtval2);
    info: core.trap.causes.TrapInfo bits.
    """

    def __init__(self, cause: int, tval: int = 0, gpa: int = 0, info: int = 0) -> None:
        super().__init__(cause, tval, gpa, info)
        self.cause, self.tval, self.gpa, self.info = int(cause), tval, gpa, info

    def put(self, h: Hart) -> None:
        """Store the arguments where `take_trap` looks for them."""
        h.trap_cause, h.trap_tval, h.trap_gpa, h.trap_info = self.cause, self.tval, self.gpa, int(self.info)


class Dispatch:
    """A table of kernel functions of one signature, called as `TABLE(key, h, ...)`; natively a switch.

    Keys without an entry go to `default`. The same function may serve several keys.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.table: dict[int, Callable[..., Any]] = {}
        self.default: Callable[..., Any] | None = None

    def __call__(self, key: int, *args: Any) -> Any:
        function = self.table.get(key, self.default)
        if function is None:
            raise LookupError(f"{self.name}: no entry for {key:#x} and no default")
        return function(*args)


def inline(function: F) -> F:
    """Mark a kernel function as always inlined in native code."""
    function.__dict__["kernel_hint"] = "inline"
    return function


def cold(function: F) -> F:
    """Mark a kernel function as a slow path, never inlined in native code."""
    function.__dict__["kernel_hint"] = "cold"
    return function


@primitive
def get(value: u64, field: Any) -> u64:
    """The bits of `field` (anything with .lsb and .width) in `value`."""
    return (value >> int(field.lsb)) & ((1 << int(field.width)) - 1)


@primitive
def put(value: u64, field: Any, new: int) -> u64:
    """`value` with `field` replaced by `new`, truncated to the field's width."""
    mask = (1 << field.width) - 1
    return u64((value & ~(mask << field.lsb)) | ((new & mask) << field.lsb))


@primitive
def isset(value: u64, field: Any) -> bool:
    """Whether any bit of `field` is set in `value`."""
    return bool(get(value, field) != 0)


@primitive
def clz64(v: u64) -> u64:
    """Leading zero bits of a 64-bit value; 64 for zero."""
    return 64 - v.bit_length()


@primitive
def ctz64(v: u64) -> u64:
    """Trailing zero bits of a 64-bit value; 64 for zero."""
    return (v & -v).bit_length() - 1 if v else 64


@primitive
def popcount64(v: u64) -> u64:
    """Set bits of a 64-bit value."""
    return v.bit_count()


@primitive
def ram_read(h: Hart, spa: u64, size: Const) -> u64:
    """Little-endian value of `size` bytes at physical address `spa`, which the caller knows to be RAM."""
    offset = spa - h.ram_base
    return int.from_bytes(h.machine.ram_view[offset : offset + size], "little")


@primitive
def ram_write(h: Hart, spa: u64, size: Const, value: u64) -> None:
    """Store the low `size` bytes of `value` at physical address `spa`, which the caller knows to be RAM."""
    offset = spa - h.ram_base
    h.machine.ram_view[offset : offset + size] = (value & ((1 << (8 * size)) - 1)).to_bytes(size, "little")


@primitive
def device_read(h: Hart, spa: u64, size: u64) -> u64:
    """Read a device register; sets h.bus_error when nothing answers."""
    return int(h.machine.device_read(h, spa, size))


@primitive
def device_write(h: Hart, spa: u64, size: u64, value: u64) -> None:
    """Write a device register; sets h.bus_error when nothing answers."""
    h.machine.device_write(h, spa, size, value)


@primitive
def warn(h: Hart, code: u64, detail: u64) -> None:
    """Tell the user of a tolerance (core.tolerance.Tolerance) at its first use."""
    h.machine.warn(h, code, detail)


@primitive
def code_written(h: Hart, spa: u64, size: u64) -> None:
    """A store reached a page with decoded instructions: the native engine forgets them. Nothing to do here."""


@primitive
def features_changed(h: Hart) -> None:
    """h.features has changed: what was decoded before may mean something else. Nothing to do here."""


def sync_code(h: Hart) -> None:
    """FENCE.I: instruction memory may have changed. Both engines always execute what memory holds: nothing to do."""


@primitive
def is_code_page(h: Hart, spa: u64) -> bool:
    """Whether the native engine holds decoded instructions of the page of `spa`: stores to it go the slow way."""
    return False


def in_ram(h: Hart, spa: u64, size: u64) -> bool:
    """Whether the `size` bytes from physical address `spa` on are all RAM."""
    return spa >= h.ram_base and u64(spa - h.ram_base) < h.ram_size and size <= u64(h.ram_base + h.ram_size - spa)


def end_slice(h: Hart) -> None:
    """Make the instruction being executed the last of this slice, so that the engine looks at events and interrupts."""
    if h.left > 1:
        h.budget = u64(h.budget + h.left - 1)
        h.limit = u64(retired(h) + 1)
        h.left = 1


def retired(h: Hart) -> u64:
    """Instructions this hart has retired (instret)."""
    return u64(h.limit - h.left)


TICK = 10
"""Instruction times in one tick of mtime (the timebase is 10 MHz, an instruction takes 10 ns of machine time)."""


def now(h: Hart) -> u64:
    """The time in ticks (mtime), derived from retired instructions and time skipped in WFI: deterministic."""
    return u64(u64(retired(h) + h.idle) // TICK + h.time_offset)
