# SPDX-License-Identifier: Apache-2.0
"""`--signature`: the results of a program of riscv-arch-test, as its framework compares them.

Source: riscv-arch-test, test format: the memory between the symbols begin_signature and end_signature, one line for each
four bytes, the most significant digit first. Spike and QEMU write the same with their signature options.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.launch import LaunchError
from core.errors import BadValue

if TYPE_CHECKING:
    from core.machine import Machine

LONGEST_LINE = 16
"""Bytes, in Spike and QEMU."""


def parse_granularity(text: str) -> int:
    """Bytes per line: a power of two up to 16."""
    if text not in ("1", "2", "4", "8", "16"):
        raise BadValue(f"{text!r} is not 1, 2, 4, 8 or {LONGEST_LINE}")
    return int(text)


def lines(data: bytes, granularity: int) -> str:
    """A line of hexadecimal digits for each `granularity` bytes, as a little-endian number; the last one may want zeros."""
    pieces = (data[place : place + granularity] for place in range(0, len(data), granularity))
    return "".join(f"{int.from_bytes(piece, 'little'):0{2 * granularity}x}\n" for piece in pieces)


@dataclass(frozen=True)
class Signature:
    """What to write: the file and the bytes per line."""

    path: Path
    granularity: int = 4

    def check(self, machine: Machine) -> None:
        """See before the run that there will be a signature, and make the file empty. Raises LaunchError."""
        place, ram = machine.plan.signature, machine.ram
        program = machine.config.boot.program
        if place is None:
            raise LaunchError(f"--signature: {program} has no symbols begin_signature and end_signature")
        if not place:
            raise LaunchError(f"--signature: end_signature is not above begin_signature in {program}")
        if place.stop > ram.end:
            raise LaunchError(f"--signature: end_signature ({place.stop:#x}) of {program} lies outside RAM")
        self._store("")

    def write(self, machine: Machine) -> None:
        """Write the file. Raises LaunchError."""
        place = machine.plan.signature
        if place is not None:
            self._store(lines(machine.ram.read_bytes(place.start, len(place)), self.granularity))

    def _store(self, text: str) -> None:
        try:
            self.path.write_text(text, encoding="ascii")
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or problem
            raise LaunchError(f"--signature: {self.path} cannot be written: {reason}") from None
