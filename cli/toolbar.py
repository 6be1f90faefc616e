# SPDX-License-Identifier: Apache-2.0
"""The console's bottom line."""

from __future__ import annotations

from cli.format import clip
from cli.state import HartState

SEPARATOR = " | "


def toolbar_text(state: HartState | None, status: str, gdb: str, width: int) -> str:
    """Mode, world, pc with symbol, running or stopped, instructions retired, gdb; what does not fit is left out.

    `state` None: the machine runs and cannot be asked. `gdb`: "" without a server.
    """
    if state is None:
        parts = ["running (Ctrl-C stops)"]
    else:
        parts = [f"{state.mode}-mode", state.world, state.place, status, f"{state.retired:,} retired"]
        if state.hart:
            parts.insert(0, f"hart {state.hart}")
    if gdb:
        parts.append(gdb)
    text = " " + parts[0]
    for part in parts[1:]:
        if len(text) + len(SEPARATOR) + len(part) + 1 > width:
            break
        text += SEPARATOR + part
    return clip(text, width)
