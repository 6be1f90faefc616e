# SPDX-License-Identifier: Apache-2.0
"""What can go wrong when debugging. str() of each is one line for the user."""

from __future__ import annotations

from core.errors import BadValue, DebugError

__all__ = [
    "BadValue",
    "DebugError",
    "MachineClosed",
    "MachineEnded",
    "MachineRunning",
    "MemoryUnreadable",
    "ReadOnlyRegister",
    "TooMany",
    "UnknownField",
    "UnknownRegister",
    "UnknownWorld",
    "WorldNotCurrent",
]


class MachineRunning(DebugError):
    """State was asked for while the machine runs."""

    def __init__(self) -> None:
        super().__init__("the machine is running; stop it first (Ctrl-C)")


class MachineClosed(DebugError):
    """Whoever made the machine has closed it."""

    def __init__(self) -> None:
        super().__init__("the machine is closed; make a new one")


class MachineEnded(DebugError):
    """The machine has switched itself off."""

    def __init__(self) -> None:
        super().__init__("the machine is switched off; `reset` starts it again")


class UnknownRegister(DebugError):
    """No register has this name."""


class UnknownField(DebugError, AttributeError):
    """A CSR has no field of this name."""


class ReadOnlyRegister(DebugError):
    """The register cannot be written."""


class MemoryUnreadable(DebugError):
    """Memory cannot be read or written there; `address` is the first byte concerned."""

    def __init__(self, text: str, address: int) -> None:
        super().__init__(text)
        self.address = address


class TooMany(DebugError):
    """No room for another breakpoint or watchpoint."""


class UnknownWorld(DebugError):
    """No guest of this number has been entered yet."""

    def __init__(self, number: int) -> None:
        which = f"guest {number - 1} has not been entered yet" if number > 1 else f"there is no world {number}"
        super().__init__(f"{which}; `worlds` lists the worlds")


class WorldNotCurrent(DebugError):
    """A register of a world that does not run now cannot be written."""
