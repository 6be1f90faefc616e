# SPDX-License-Identifier: Apache-2.0
"""What hints are made from: a trap, and the walk of the access that failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.debug.lasttrap import LastTrap
from core.debug.walk import Walk, WalkStep
from core.mmu.pte import PERMISSIONS, SHADOW_PAGE, Pte, Verdict

if TYPE_CHECKING:
    from core.debug.target import Debugger


@dataclass(frozen=True)
class Facts:
    """A trap and its walk. failed: the entry where the walk fails, if it fails at one."""

    debugger: Debugger
    trap: LastTrap
    walk: Walk | None

    @property
    def failed(self) -> WalkStep | None:
        """The entry where the walk fails."""
        return self.walk.steps[-1] if self.walk and self.walk.steps and not self.walk.steps[-1].ok else None

    @property
    def leaf(self) -> WalkStep | None:
        """The same when it is a valid leaf, so that permissions decide."""
        step = self.failed
        if (
            step
            and step.stage != "G"
            and step.pte & PERMISSIONS == SHADOW_PAGE
            and Verdict.WRITE_WITHOUT_READ.words not in step.text
        ):
            return step
        return step if step and step.pte & Pte.V.mask and step.pte & (Pte.R.mask | Pte.X.mask) else None

    @property
    def taker(self) -> int:
        """The mode that took the trap."""
        return self.trap.line.to_mode
