# SPDX-License-Identifier: Apache-2.0
"""Hints about landing pads (Zicfilp). See core.debug.hints."""

from __future__ import annotations

from core.debug.facts import Facts
from core.trap.causes import Cause, SoftwareCheck
from core.trap.landing import is_landing_pad

PELP = {3: "mstatus.MPELP", 1: "sstatus.SPELP", 5: "vsstatus.SPELP"}
ENABLES = {3: "mseccfg.MLPE", 1: "menvcfg.LPE", 5: "henvcfg.LPE", 0: "senvcfg.LPE", 4: "senvcfg.LPE"}
"""What enforces landing pads, by mode (M 3, HS 1, U 0, V adds 4)."""
LABEL = 0xFFFF_F000
T2 = 7


def landing_pad(facts: Facts) -> str | None:
    """A landing pad fault: which of the three conditions failed."""
    trap, line = facts.trap, facts.trap.line
    if line.interrupt or line.cause != Cause.SOFTWARE_CHECK or line.tval != SoftwareCheck.LANDING_PAD:
        return None
    if not is_landing_pad(line.inst):
        return (
            f"{ENABLES[line.from_mode]} is 1, so an indirect jump must reach an lpad (norm:zicflip_lpad_expected): a function "
            "whose address is taken does not begin with one, or the pointer is wrong; a jump through x7 needs none"
        )
    if line.pc & 3:
        return "this lpad is not aligned to 4 bytes: put .balign 4 before it (norm:zicflip_lpad_alignment_exception)"
    label, now = line.inst >> 12, int(trap.hart.x[T2]) >> 12 & 0xFFFFF
    found = f", which are {now:#x}" if trap.ago == 0 else ""
    return (
        f"the label of this lpad, {label:#x}, is not what bits 31:12 of t2 (x7) hold{found}: the caller loads it with "
        f"lui t2, {label:#x} before the jump (norm:zicflip_lpad_label_exception)"
    )


def not_kept(facts: Facts) -> str | None:
    """A landing pad fault right behind a return from a trap."""
    trap, line = facts.trap, facts.trap.line
    if line.interrupt or line.cause != Cause.SOFTWARE_CHECK or not trap.expected or trap.jump is not None:
        return None
    return (
        "no jump but a return from a trap has set ELP: a handler that returns to somewhere else, or to another context, must "
        f"save and restore {' or '.join(PELP.values())} and t2 with the pc (norm:Zicfilp_pelp_trap_return)"
    )
