# SPDX-License-Identifier: Apache-2.0
"""A hart's registers kept for comparison: what has changed since the last stop, the last VM entry, or a moment of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.debug.target import Debugger

CHANGES_BY_ITSELF = frozenset({"cycle", "time", "instret", "mcycle", "minstret"})
ALIASES = frozenset({"virt", "vmid", "mode", "priv"})
GENERAL = 32
"""How many of the register names, from the first on, are general registers."""


@dataclass(frozen=True)
class Snapshot:
    """Registers of a hart at some moment. title: that moment in words; mode: as the `mode` register."""

    title: str
    hart: int
    retired: int
    mode: int
    values: dict[str, int]

    @property
    def guest(self) -> bool:
        """Whether it was in a guest."""
        return self.mode >= 4


@dataclass(frozen=True)
class Change:
    """A register that differs."""

    name: str
    old: int
    new: int
    general: bool


def names_of(debugger: Debugger) -> tuple[list[str], list[str]]:
    """(general registers, CSRs) worth keeping: not pc, and no counters that run by themselves."""
    names = debugger.register_names()
    general = [name for name in names[:GENERAL] if name != "zero"]
    csrs = [csr.name for csr in debugger.csrs() if csr.name not in CHANGES_BY_ITSELF and "hpm" not in csr.name]
    return general, csrs


def take(debugger: Debugger, hart: int, title: str) -> Snapshot:
    """The registers as they are now. Raises MachineRunning."""
    general, csrs = names_of(debugger)
    values = {name: debugger.read_register(name, hart) for name in ("pc", *general, *csrs)}
    return Snapshot(title, hart, debugger.retired(hart), debugger.read_register("mode", hart), values)


def changes(old: Snapshot, new: Snapshot) -> list[Change]:
    """What differs, pc aside: general registers first."""
    found = []
    for index, (name, value) in enumerate(new.values.items()):
        before = old.values.get(name)
        if name != "pc" and before is not None and before != value:
            found.append(Change(name, before, value, index < GENERAL))
    names = {change.name for change in found}
    return [change for change in found if not (change.name == "mstatus" and "sstatus" in names)]


def remember(debugger: Debugger, snapshots: dict[str, Snapshot], hart: int, title: str) -> None:
    """A stop: the last one becomes the one before it. A stop right behind a VM entry is kept as "entry", too."""
    new = take(debugger, hart, title)
    if "stop" in snapshots and snapshots["stop"].hart == hart:
        snapshots["before"] = snapshots["stop"]
    else:
        snapshots.pop("before", None)
    snapshots["stop"] = new
    if new.guest and just_entered(debugger, hart):
        snapshots["entry"] = Snapshot(f"the VM entry at {title}", new.hart, new.retired, new.mode, new.values)


def just_entered(debugger: Debugger, hart: int) -> bool:
    """Whether the last thing that happened to the hart is a VM entry, with no instruction executed since."""
    from core.debug.history import last_line

    state = debugger.machine.harts[hart]
    if not state.history_next:
        return False
    last = last_line(state)
    return last.kind == "entry" and last.retired == debugger.retired(hart)
