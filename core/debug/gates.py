# SPDX-License-Identifier: Apache-2.0
"""What the tables of withheld CSRs and instructions are made of: gates, and who may come to them at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.csr.fields import STATES, Field
from core.debug.lasttrap import LastTrap
from core.debug.registers import MODE_NUMBERS
from core.features import Feature
from core.trap.causes import Cause

ILLEGAL, VIRTUAL = Cause.ILLEGAL_INSTRUCTION, Cause.VIRTUAL_INSTRUCTION
U, HS, M, VU, VS = (MODE_NUMBERS[name] for name in ("U", "HS", "M", "VU", "VS"))
BELOW_M = {U: ILLEGAL, HS: ILLEGAL, VU: ILLEGAL, VS: ILLEGAL}
GUESTS = {VU: VIRTUAL, VS: VIRTUAL}
USERS = {U: ILLEGAL, VU: VIRTUAL}
LEVELS = (("m", BELOW_M), ("h", GUESTS), ("s", USERS))
"""First letters of registers of which each allows the next mode something, with the exceptions of the modes it acts on."""
EMULATE = ", for the hypervisor to emulate it"
NESTED = "a guest that uses it is itself a hypervisor, which must be emulated"
Test = Callable[[LastTrap], bool]


@dataclass(frozen=True)
class Gate:
    """shut: what is in the way at a trap, in words, None when nothing is; traps: the exception that follows, by the mode it
    comes from; rule: where the manual says so; note: what it may be for, the end of the sentence."""

    shut: Callable[[LastTrap], str | None]
    traps: Mapping[int, Cause]
    rule: str
    note: str = ""


@dataclass(frozen=True)
class Guard:
    """lowest: the least privileged nominal mode that may use something (0 U, 1 S, 3 M); host: why not with V=1, "" if it
    may; gates: what else decides; note: what to use instead where the mode is too low."""

    lowest: int = 0
    host: str = ""
    gates: tuple[Gate, ...] = ()
    note: str = ""

    def words(self, name: str, trap: LastTrap) -> str | None:
        """What has kept the mode of a trap from it; None if nothing that is known here."""
        mode, cause = trap.line.from_mode, trap.line.cause
        if self.lowest == M and mode != M:
            return f"{name} is for M-mode{self.note}"
        if not trap.guest or cause == VIRTUAL:  # illegal with V=1: HS-mode could not do it either
            if trap.guest and self.host:
                return f"{name} {self.host}"
            if mode & 3 < self.lowest:
                return f"{name} is not for {'VU' if trap.guest else 'U'}-mode{self.note}"
        found = [(gate, words) for gate in self.gates if gate.traps.get(mode) == cause and (words := gate.shut(trap))]
        if not found:
            return None
        what = " and ".join(words for _, words in found)
        rules = ", ".join(dict.fromkeys(gate.rule for gate, _ in found))
        verb = "withholds" if len(found) == 1 else "withhold"
        return f"{what}, which {verb} {name}{found[0][0].note} ({rules})"


def bit(
    register: str,
    field: Field,
    traps: Mapping[int, Cause],
    rule: str,
    *,
    shut: int = 0,
    needs: Feature | None = None,
    when: Test | None = None,
    note: str = "",
) -> Gate:
    """A gate that is shut while a field has a value, on harts that have `needs`."""
    words = f"{register}.{field.name} is {'Off' if field.values == STATES else shut}"

    def is_shut(trap: LastTrap) -> str | None:
        there = (needs is None or trap.hart.features & needs) and (when is None or when(trap))
        return words if there and field.of(trap.held(register)) == shut else None

    return Gate(is_shut, traps, rule, note)
