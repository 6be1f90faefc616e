# SPDX-License-Identifier: Apache-2.0
"""Who handles a trap: M-mode, or by medeleg/mideleg HS-mode, or by hedeleg/hideleg VS-mode (norm:H_trap_deleg)."""

from __future__ import annotations

from enum import IntEnum

from core.hart import Hart
from core.isa.intrinsics import u64
from core.trap.causes import INTERRUPT_BIT, Cause


class Target(IntEnum):
    """The mode that handles a trap."""

    HS = 1
    VS = 2
    M = 3


def target_of(h: Hart, cause: u64) -> u64:
    """The `Target` of a trap with this xcause value, from the current mode.

    With the built-in SBI there is no M-mode: only the ecall of HS-mode goes there. What its firmware would not
    delegate it would hand back to HS-mode, or by hedeleg to VS-mode, so it goes there at once.
    """
    if h.mode == 3:
        return Target.M
    number = cause & 63
    if cause & INTERRUPT_BIT != 0:
        if (h.mideleg >> number) & 1 == 0:
            return Target.M
        return Target.VS if h.v != 0 and (h.hideleg >> number) & 1 != 0 else Target.HS
    if h.builtin_sbi != 0:
        if cause == Cause.ECALL_S:
            return Target.M
    elif (h.medeleg >> number) & 1 == 0:
        return Target.M
    return Target.VS if h.v != 0 and (h.hedeleg >> number) & 1 != 0 else Target.HS
