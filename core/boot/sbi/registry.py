# SPDX-License-Identifier: Apache-2.0
"""How SBI functions are declared and called (SBI 2.0, Binary Encoding)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple, TypeVar

from core.boot.sbi.host import SbiHost
from core.hart import Hart

A0, A1, A6, A7 = 10, 11, 16, 17
ARGUMENTS = 6
"""Argument registers, a0 to a5."""
WORD_MASK = (1 << 64) - 1


class SbiError(IntEnum):
    """Standard error codes (SBI 2.0, table "Standard SBI Errors")."""

    SUCCESS = 0
    FAILED = -1
    NOT_SUPPORTED = -2
    INVALID_PARAM = -3
    DENIED = -4
    INVALID_ADDRESS = -5
    ALREADY_AVAILABLE = -6
    ALREADY_STARTED = -7
    ALREADY_STOPPED = -8
    NO_SHMEM = -9


class Ret(NamedTuple):
    """What a function gives back: the error in a0, the value in a1 (both wrapped to 64 bits)."""

    error: SbiError = SbiError.SUCCESS
    value: int = 0


SUCCESS = Ret()


def failure(error: SbiError) -> Ret:
    """An error, with 0 as value."""
    return Ret(error)


@dataclass(frozen=True)
class Function:
    """A declared function: its name, its number of arguments, and what it does."""

    name: str
    arguments: int
    run: Callable[..., Ret | int | None]


@dataclass(frozen=True)
class Extension:
    """An SBI extension: its number (EID), its name, and its functions by number (FID).

    legacy: the FID in a6 is ignored, function 0 is meant, and only a0 is written (SBI 2.0, Legacy Extensions).
    """

    eid: int
    name: str
    legacy: bool = False
    functions: dict[int, Function] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.eid in EXTENSIONS:
            raise ValueError(f"SBI extension {self.eid:#x} declared twice")
        EXTENSIONS[self.eid] = self


EXTENSIONS: dict[int, Extension] = {}
"""All extensions by EID."""

F = TypeVar("F", bound=Callable[..., Any])


def sbi_function(extension: Extension, fid: int = 0) -> Callable[[F], F]:
    """Declare a function of an extension: `run(host, h, argument, ...)`, arguments unsigned from a0 on.

    It returns a Ret (legacy: an int for a0), or None when the caller's registers are to stay as they are because the
    call does not return to it. Raises ValueError when the FID is taken or there are more arguments than registers.
    """

    def declare(run: F) -> F:
        arguments = len(inspect.signature(run).parameters) - 2
        if fid in extension.functions or not 0 <= arguments <= ARGUMENTS:
            raise ValueError(f"SBI function {extension.name} {fid} cannot be declared")
        extension.functions[fid] = Function(run.__name__, arguments, run)
        return run

    return declare


def find(eid: int, fid: int) -> tuple[Extension, Function] | None:
    """The function that a7 = eid, a6 = fid names; None when there is none."""
    extension = EXTENSIONS.get(eid)
    function = None if extension is None else extension.functions.get(0 if extension.legacy else fid)
    return (extension, function) if extension is not None and function is not None else None


def call_name(eid: int, fid: int) -> str:
    """An SBI call in words, e.g. "HSM hart_start"; unknown ones by number."""
    found = find(eid, fid)
    return f"{found[0].name} {found[1].name}" if found else f"SBI extension {eid:#x} function {fid:#x}"


def hart_list(host: SbiHost, mask: int, base: int) -> list[int] | None:
    """The harts that a hart mask names (SBI 2.0, Hart list parameter); None when one of them does not exist.

    mask: bit i stands for hart base + i; base 2**64-1: all harts, whatever the mask.
    """
    if base == WORD_MASK:
        return list(range(len(host.harts)))
    chosen = [base + i for i in range(64) if mask >> i & 1]
    return chosen if all(hart < len(host.harts) for hart in chosen) else None


class BuiltinSbi:
    """The SBI of one machine."""

    def __init__(self, host: SbiHost) -> None:
        self.host = host

    def call(self, h: Hart) -> None:
        """Serve the call that hart `h` makes: EID in a7, FID in a6, arguments from a0 on; results in a0 and a1.

        Writes nothing but a0 and a1 (legacy: a0) of `h`; going on behind the ecall is the machine's business. Unknown
        calls give NOT_SUPPORTED. Raises Trap when a legacy call's hart mask lies at an address that cannot be read:
        the trap is the supervisor's own, at its ecall.
        """
        found = find(h.x[A7], h.x[A6])
        if found is None:
            result: Ret | int | None = failure(SbiError.NOT_SUPPORTED)
        else:
            function = found[1]
            result = function.run(self.host, h, *(h.x[A0 + i] for i in range(function.arguments)))
        if isinstance(result, Ret):
            h.x[A0], h.x[A1] = result.error & WORD_MASK, result.value & WORD_MASK
        elif result is not None:
            h.x[A0] = result & WORD_MASK
