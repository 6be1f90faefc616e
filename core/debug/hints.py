# SPDX-License-Identifier: Apache-2.0
"""What software has usually forgotten when a trap surprises: a table of functions, one for each mistake.

A hint says what it saw and what to do about it, with the manual's rule. It is a guess from the facts of one trap; a function
gives None when its facts are not there. To add one, write the function and name it here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.debug import hints_address, hints_entry, hints_landing, hints_pmp, hints_shadow, hints_trap, hints_walk
from core.debug.facts import Facts
from core.debug.lasttrap import LastTrap
from core.debug.walk import Walk

if TYPE_CHECKING:
    from core.debug.target import Debugger

HINTS: tuple[Callable[[Facts], str | None], ...] = (
    hints_trap.handler_unaligned,
    hints_trap.handler_unreachable,
    hints_shadow.mismatch,
    hints_shadow.unset,
    hints_shadow.pages,
    hints_shadow.reserved,
    hints_address.misaligned,
    hints_pmp.denied_by_pmp,
    hints_walk.gstage_user,
    hints_walk.not_executable,
    hints_walk.accessed_dirty,
    hints_walk.guest_tables,
    hints_walk.gstage_unmapped,
    hints_entry.entry,
    hints_entry.table_not_in_ram,
    hints_walk.gstage_bare,
    hints_address.tagged,
    hints_walk.stale_translation,
    hints_walk.nothing_there,
    hints_walk.guest_access_rights,
    hints_walk.user_page,
    hints_trap.only_user_mode,
    hints_trap.not_delegated,
    hints_trap.no_instruction,
    hints_trap.double_trap,
    hints_trap.epc_not_advanced,
    hints_trap.refused_instruction,
    hints_landing.landing_pad,
    hints_landing.not_kept,
)
"""Most telling first."""


def hints(debugger: Debugger, trap: LastTrap, walk: Walk | None) -> list[str]:
    """What to look at after a trap."""
    facts = Facts(debugger, trap, walk)
    return [text for function in HINTS if (text := function(facts))]
