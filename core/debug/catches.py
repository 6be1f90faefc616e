# SPDX-License-Identifier: Apache-2.0
"""Catches: stops at events instead of addresses. What the kernel caught coarsely is looked at closely here, and told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.boot.sbi.registry import call_name
from core.csr.registry import CSRS_BY_ADDRESS
from core.debug.errors import TooMany
from core.debug.history import Line, last_line
from core.debug.registers import MODE_NAMES
from core.debug.specs import Spec
from core.debug.stops import Breakpoint
from core.debug.worlds import GUESTS, HOST, Worlds
from core.hart import Hart
from core.trap.catches import CSR_CATCHES, ON_READ, ON_WRITE, Caught
from core.trap.causes import describe
from core.trap.tinst import is_guest_page_fault

if TYPE_CHECKING:
    from core.debug.target import Debugger

A6, A7 = 16, 17
ALL_CAUSES = [(1 << 64) - 1] * 2


@dataclass(eq=False)
class Catch(Breakpoint):
    """A catch; `kind` is "catch", `spec` what it waits for, `spec.text` that in words."""

    spec: Spec = field(kw_only=True)

    @property
    def watches(self) -> bool:
        """Whether it also needs a watchpoint."""
        return self.spec.event == "gpa"

    @property
    def text(self) -> str:
        """The event as the user wrote it."""
        return self.spec.text

    def matches(self, debugger: Debugger, hart: Hart) -> bool:
        """Whether what the hart has just caught is what this catch waits for."""
        spec = self.spec
        if not hart.caught & spec.caught:
            return False
        return _matches(spec, hart) and self._in_world(debugger.worlds_known, hart)

    def _in_world(self, worlds: Worlds, hart: Hart) -> bool:
        if self.world is None:
            return True
        found = {event_world(worlds, hart, self.spec)}
        if self.spec.event == "mode":
            found.add(worlds.current(hart))
        return bool(found - {HOST}) if self.world == GUESTS else self.world in found


def _matches(spec: Spec, hart: Hart) -> bool:
    if spec.csr is not None:
        return hart.caught_csr == spec.csr.address and _csr_matches(spec, hart)
    if spec.event == "mode":
        return hart.caught_from in spec.froms and hart.caught_to in spec.tos
    if spec.event == "sbi":
        return hart.x[A7] == spec.eid and spec.fid in (None, hart.x[A6])
    if spec.caught & (Caught.TRAP | Caught.EXIT):
        line = last_line(hart)
        if spec.causes and line.cause not in spec.causes:
            return False
        if spec.event == "gpa":
            return spec.first <= line.gpa <= spec.last
        if spec.event == "guest-ebreak":
            return line.world != HOST
    return True


def _csr_matches(spec: Spec, hart: Hart) -> bool:
    kinds = hart.caught_access & spec.access
    if spec.value is None:
        return bool(kinds)
    part = int if spec.field is None else spec.field.of
    read = kinds & ON_READ and part(hart.caught_value) == spec.value
    return bool(read or (kinds & ON_WRITE and part(hart.caught_written) == spec.value))


def event_world(worlds: Worlds, hart: Hart, spec: Spec) -> int:
    """The number of the world in which a caught event began; of a VM entry, the guest."""
    if spec.event == "vmentry" or spec.caught & (Caught.CSR | Caught.FENCE):
        return worlds.current(hart)
    if hart.caught_from < 4:
        return HOST
    return worlds.current(hart) if hart.v else worlds.number_of(last_line(hart).world)


def words(debugger: Debugger, hart: Hart, catch: Catch) -> str:
    """What was caught, in words, e.g. "VM exit of guest 1 (vmid 1): load guest-page fault, GPA 0x40000000, at f+4"."""
    spec, worlds = catch.spec, debugger.worlds_known
    world = event_world(worlds, hart, spec)
    name, at = worlds.name(world), f"at {debugger.place(hart.caught_pc, world)}"
    before, after = _mode(hart.caught_from), _mode(hart.caught_to)
    if spec.event == "vmentry":
        host = debugger.place(hart.caught_pc, HOST)
        return f"VM entry of {name} by the return at {host}, now in {after}-mode at {debugger.place(hart.pc, world)}"
    if spec.event == "sbi":
        return f"SBI call {call_name(hart.x[A7], hart.x[A6])} by {name} {at}"
    if spec.event == "mode":
        return f"mode {before} to {after}, from {debugger.place(hart.caught_pc, world)} to {debugger.place(hart.pc)}"
    if spec.csr is not None:
        return f"{_csr_words(hart)} {at}"
    if spec.event == "fence":
        return f"{debugger.instruction_text(hart, hart.caught_pc)} {at}"
    return trap_words(last_line(hart), name, at)


def trap_words(line: Line, name: str, at: str) -> str:
    """A trap from a world of this name."""
    gpa = f", GPA {line.gpa:#x}" if not line.interrupt and is_guest_page_fault(line.cause) else ""
    what = f"{describe(line.cause, line.tval)}{gpa}"
    if line.kind == "exit":
        return f"VM exit of {name}: {what}, {at}"
    return f"{what} in {_mode(line.from_mode)}-mode of {name}, {at}, taken in {_mode(line.to_mode)}-mode"


def _csr_words(hart: Hart) -> str:
    csr = CSRS_BY_ADDRESS[hart.caught_csr].name
    parts = [f"{csr} read: {hart.caught_value:#x}"] if hart.caught_access & ON_READ else []
    if hart.caught_access & ON_WRITE:
        became = (CSRS_BY_ADDRESS[hart.caught_csr].peek or CSRS_BY_ADDRESS[hart.caught_csr].read)(hart)
        legal = "" if became == hart.caught_written else f", which became {became:#x}"
        parts.append(f"{csr} written: {hart.caught_written:#x}{legal}")
    return ", ".join(parts)


def _mode(number: int) -> str:
    return MODE_NAMES.get((number & 3, number >> 2), "?")


def arm_catches(hart: Hart, catches: Iterable[Catch]) -> None:
    """Tell a hart what is wanted. Raises TooMany when there are too many CSRs."""
    wanted, exits, traps, modes, csrs = Caught.NEW_WORLD, [0, 0], [0, 0], 0, dict[int, int]()
    for catch in catches:
        spec = catch.spec
        if catch.hart not in (None, hart.hartid):
            continue
        wanted |= spec.caught
        masks = exits if spec.caught & Caught.EXIT else traps if spec.caught & Caught.TRAP else [0, 0]
        for cause in spec.causes:
            masks[cause >> 63] |= 1 << (cause & 63)
        if not spec.causes:
            masks[:] = ALL_CAUSES
        for before in spec.froms:
            for after in spec.tos:
                modes |= 0 if before == after else 1 << (before << 3 | after)
        if spec.csr is not None:
            csrs[spec.csr.address] = csrs.get(spec.csr.address, 0) | spec.access
    if len(csrs) > CSR_CATCHES:
        raise TooMany(f"no room for catches of more than {CSR_CATCHES} CSRs")
    hart.catches, hart.catch_modes = int(wanted), modes
    for index in range(2):
        hart.catch_exits[index], hart.catch_traps[index] = exits[index], traps[index]
    hart.catch_csr_count = len(csrs)
    for index, (address, kind) in enumerate(csrs.items()):
        hart.catch_csr[index], hart.catch_csr_kind[index] = address, kind
