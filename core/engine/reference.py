# SPDX-License-Identifier: Apache-2.0
"""The reference engine: the kernel functions run by CPython as they stand. The one to read, and to step through with pdb."""

from __future__ import annotations

from core.engine.boundary import abandon, boundary, deliver, land
from core.engine.breakpoints import may_stop_at, stops_here
from core.events import Event
from core.hart import Hart
from core.isa.decode import decoder
from core.isa.intrinsics import Trap
from core.mmu.access import fetch


class ReferenceEngine:
    """Runs harts one instruction after the other."""

    name = "reference"
    slice_units = 2000
    """Units of one call of `run` after which the machine looks at requests from other threads."""

    def __init__(self, harts: list[Hart]) -> None:
        self.harts = harts

    def run(self, h: Hart) -> None:
        """Run until the budget is used or an event wants the machine."""
        while True:
            landing = False
            if h.left == 0:
                if boundary(h):
                    return
                landing = h.elp != 0
            h.inst = 0
            try:
                stop = landing and land(h)
                h.inst = fetch(h)
                if stop or (h.break_count and may_stop_at(h) and stops_here(h)):
                    h.event |= Event.BREAKPOINT
                    abandon(h)
                    return
                decoded = decoder(h.features)[h.inst]
                h.npc = (h.pc + decoded.length) & 0xFFFF_FFFF_FFFF_FFFF
                decoded.function(h, *decoded.args)
            except Trap as trap:
                trap.put(h)
                deliver(h)
            else:
                h.left -= 1
            h.x[0] = 0
            h.pc = h.npc

    def memory_changed(self, spa: int, size: int) -> None:
        """Nothing is cached."""

    def breakpoint_changed(self, address: int) -> None:
        """Nothing is cached."""

    def forget_everything(self) -> None:
        """Nothing is cached."""
