# SPDX-License-Identifier: Apache-2.0
"""The machine. `core.Machine` is the API for scripts and notebooks (docs/api.md); it is loaded when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.api.machine import DebugError, Machine, Stopped, Value

__all__ = ["DebugError", "Machine", "Stopped", "Value"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    from core.api import machine

    return getattr(machine, name)
