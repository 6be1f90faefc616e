# SPDX-License-Identifier: Apache-2.0
"""Counters: mcycle, minstret and their shadows, time, and the event counters, which are read-only zero.

mcycle counts the time of instructions and of waiting in WFI, minstret retired instructions. The slots hold what has
to be added to the running count, or, while mcountinhibit stops a counter, its value.
"""

from __future__ import annotations

import types
from typing import Any

from core.csr.csr import Csr, ignore_write, zero
from core.csr.fields import rw
from core.csr.interrupts import guest_time
from core.hart import Hart
from core.isa.intrinsics import now, retired, u64
from core.kernel import make_kernel
from core.trap.causes import Cause

CY, IR = 1 << 0, 1 << 2
"""Bits of mcountinhibit."""


def counter_rule(h: Hart, number: u64) -> u64:
    """Who may read counter `number`: norm:mcounteren_op, norm:hcounteren_op, norm:scounteren_op."""
    if h.mode == 3:
        return 0
    if (h.mcounteren >> number) & 1 == 0:
        return Cause.ILLEGAL_INSTRUCTION
    if h.v != 0 and (h.hcounteren >> number) & 1 == 0:
        return Cause.VIRTUAL_INSTRUCTION
    if h.mode == 0 and (h.scounteren >> number) & 1 == 0:
        return Cause.VIRTUAL_INSTRUCTION if h.v != 0 else Cause.ILLEGAL_INSTRUCTION
    return 0


def running_cycles(h: Hart) -> u64:
    """Cycles since reset, one for each instruction time."""
    return u64(retired(h) + h.idle)


def cycles(h: Hart) -> u64:
    """The value of mcycle."""
    return h.mcycle if h.mcountinhibit & CY != 0 else u64(running_cycles(h) + h.mcycle)


def instructions(h: Hart) -> u64:
    """The value of minstret."""
    return h.minstret if h.mcountinhibit & IR != 0 else u64(retired(h) + h.minstret)


class Mcountinhibit(Csr, address=0x320):
    """mcountinhibit, Machine Counter-Inhibit (norm:mcountinhibit_sz_warl_op1)."""

    IR = rw(2, "minstret stands still")
    CY = rw(0, "mcycle stands still")

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Stop and start counters from the next instruction on; the writing one still counts as before."""
        changed = h.mcountinhibit ^ value
        if changed & CY != 0:
            next_cycle = u64(running_cycles(h) + 1)
            h.mcycle = u64(h.mcycle + next_cycle) if value & CY != 0 else u64(h.mcycle - next_cycle)
        if changed & IR != 0:
            next_instruction = u64(retired(h) + 1)
            h.minstret = u64(h.minstret + next_instruction) if value & IR != 0 else u64(h.minstret - next_instruction)
        h.mcountinhibit = value & (CY | IR)


class Mcycle(Csr, address=0xB00):
    """mcycle, Machine Cycle Counter (norm:mcycle_op)."""

    read = staticmethod(cycles)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """The next instruction reads `value` (norm:mcycle_minstret_wr)."""
        h.mcycle = value if h.mcountinhibit & CY != 0 else u64(value - running_cycles(h) - 1)

    @staticmethod
    def poke(h: Hart, value: u64) -> None:
        """As `write`, between two instructions."""
        h.mcycle = value if h.mcountinhibit & CY != 0 else u64(value - running_cycles(h))


class Minstret(Csr, address=0xB02):
    """minstret, Machine Instructions-Retired Counter (norm:minstret_op)."""

    read = staticmethod(instructions)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """The next instruction reads `value` (norm:mcycle_minstret_wr)."""
        h.minstret = value if h.mcountinhibit & IR != 0 else u64(value - retired(h) - 1)

    @staticmethod
    def poke(h: Hart, value: u64) -> None:
        """As `write`, between two instructions."""
        h.minstret = value if h.mcountinhibit & IR != 0 else u64(value - retired(h))


class Cycle(Csr, address=0xC00, ext="Zicntr", slot=False):
    """cycle, Cycle Counter: read-only shadow of mcycle (norm:cycle_instret_hpmcounter_op_rdonly)."""

    read = staticmethod(cycles)

    @staticmethod
    def rule(h: Hart) -> u64:
        """As the CY bits of mcounteren, hcounteren and scounteren say."""
        return counter_rule(h, 0)


class Time(Csr, address=0xC01, ext="Zicntr", slot=False):
    """time, Timer: read-only shadow of mtime (norm:time_op_rdonly), with htimedelta added when V=1."""

    @staticmethod
    def read(h: Hart) -> u64:
        """The time, or the guest's time."""
        return guest_time(h) if h.v != 0 else now(h)

    @staticmethod
    def rule(h: Hart) -> u64:
        """As the TM bits of mcounteren, hcounteren and scounteren say."""
        return counter_rule(h, 1)


class Instret(Csr, address=0xC02, ext="Zicntr", slot=False):
    """instret, Instructions-Retired Counter: read-only shadow of minstret (norm:cycle_instret_hpmcounter_op_rdonly)."""

    read = staticmethod(instructions)

    @staticmethod
    def rule(h: Hart) -> u64:
        """As the IR bits of mcounteren, hcounteren and scounteren say."""
        return counter_rule(h, 2)


def _declare(name: str, address: int, doc: str, ext: str = "Zicsr", **functions: Any) -> None:
    """Define one CSR that reads as zero."""
    body = {"__doc__": doc, "read": staticmethod(zero), "write": staticmethod(ignore_write)}
    body |= {key: staticmethod(function) for key, function in functions.items()}
    keywords = {"address": address, "ext": ext, "slot": False, "group": "counters"}
    types.new_class(name.capitalize(), (Csr,), keywords, lambda scope: scope.update(body))


for _n in range(3, 32):
    _rule = make_kernel(
        f"hpmcounter{_n}_rule",
        f"def hpmcounter{_n}_rule(h: Hart) -> u64:\n    return counter_rule(h, {_n})\n",
        counter_rule=counter_rule,
    )
    _declare(f"mhpmcounter{_n}", 0xB00 + _n, f"mhpmcounter{_n}, event counter: 0 (norm:mhpmcounter_mhpmevent_rdonly0).")
    _declare(f"mhpmevent{_n}", 0x320 + _n, f"mhpmevent{_n}, event selector: 0 (norm:mhpmcounter_mhpmevent_rdonly0).")
    _declare(f"hpmcounter{_n}", 0xC00 + _n, f"hpmcounter{_n}, shadow of mhpmcounter{_n}: 0.", "Zihpm", rule=_rule)
