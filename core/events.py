# SPDX-License-Identifier: Apache-2.0
"""Why an engine leaves its loop, as bits of `h.event`."""

from __future__ import annotations

from enum import IntFlag


class Event(IntFlag):
    """Set by kernel code (through `recheck` or `leave`), looked at where a slice ends."""

    SBI = 1 << 0  # HS-mode called the built-in SBI
    WFI = 1 << 1  # waits for an interrupt and no time event is due, or is in the critical-error state
    BREAKPOINT = 1 << 2  # about to execute an instruction with a breakpoint
    WATCHPOINT = 1 << 3  # an access hit a watchpoint
    EBREAK = 1 << 4  # an ebreak that the debugger asked to see
    HOST = 1 << 5  # the host wants control: power-off, reset, stop request
    CATCH = 1 << 6  # something that core.trap.catches knows the debugger wants has happened
    RANGE = 1 << 7  # the pc has left the range of addresses that is being stepped through
