# SPDX-License-Identifier: Apache-2.0
"""Counters: mcycle, minstret, the event counters, and the shadows of all; time; in which modes they count.

mcycle counts the time of instructions and of waiting in WFI, minstret retired instructions; an event counter does as one or
the other. How counting is done is in core.csr.counting.
"""

from __future__ import annotations

import types
from typing import Any

from core.csr.counting import (
    COUNT,
    CY,
    CYCLES,
    FIRST,
    INSTRUCTIONS,
    IR,
    NO_EVENT,
    PROGRAMMABLE,
    event_count,
    legal_event,
    running_cycles,
    set_count,
    set_event,
    settle,
)
from core.csr.csr import Csr, Effect, ignore_write, zero
from core.csr.fields import ro, rw
from core.csr.interrupts import guest_time
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import now, retired, u64
from core.kernel import make_kernel
from core.trap.causes import Cause


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


def cycles(h: Hart) -> u64:
    """The value of mcycle."""
    return h.mcycle if h.counting & CY == 0 else u64(running_cycles(h) + h.mcycle)


def instructions(h: Hart) -> u64:
    """The value of minstret."""
    return h.minstret if h.counting & IR == 0 else u64(retired(h) + h.minstret)


class Mcountinhibit(Csr, address=0x320, effects=Effect.INTERRUPT):
    """mcountinhibit, Machine Counter-Inhibit (norm:mcountinhibit_sz_warl_op1)."""

    HPM = rw(FIRST + COUNT - 1, FIRST, "mhpmcounter6 to mhpmcounter3 stand still")
    IR = rw(2, "minstret stands still")
    CY = rw(0, "mcycle stands still")

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Stop and start counters from the next instruction on; the writing one still counts as before."""
        h.mcountinhibit = Mcountinhibit.legalize(h, 0, value)
        settle(h, h.mode, h.v, 1)

    @staticmethod
    def poke(h: Hart, value: u64) -> None:
        """As `write`, between two instructions."""
        h.mcountinhibit = Mcountinhibit.legalize(h, 0, value)
        settle(h, h.mode, h.v, 0)


class FilterFields:
    """Modes in which a counter stands still, in mcyclecfg, minstretcfg (norm:mcyclecfg_op, norm:unimplemented_mode_bits)
    and, with Sscofpmf, in mhpmevent (norm:mhpmevent_inh_op)."""

    MINH = rw(62, "does not count in M-mode")
    SINH = rw(61, "does not count in S-mode (HS-mode)")
    UINH = rw(60, "does not count in U-mode")
    VSINH = rw(59, "does not count in VS-mode", needs=Feature.H)
    VUINH = rw(58, "does not count in VU-mode", needs=Feature.H)


class Mcyclecfg(FilterFields, Csr, address=0x321, ext="Smcntrpmf", effects=Effect.INTERRUPT):
    """mcyclecfg, Machine Cycle Counter Configuration (norm:mcyclecfg_sz, norm:counter_inhibited_behavior)."""

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Counts by the new value from the next instruction on."""
        h.mcyclecfg = Mcyclecfg.legalize(h, 0, value)
        settle(h, h.mode, h.v, 1)

    @staticmethod
    def poke(h: Hart, value: u64) -> None:
        """As `write`, between two instructions."""
        h.mcyclecfg = Mcyclecfg.legalize(h, 0, value)
        settle(h, h.mode, h.v, 0)


class Minstretcfg(FilterFields, Csr, address=0x322, ext="Smcntrpmf", effects=Effect.INTERRUPT):
    """minstretcfg, Machine Instructions-Retired Counter Configuration (norm:mcyclecfg_sz, norm:instret_non_inhibited)."""

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Counts by the new value from the next instruction on."""
        h.minstretcfg = Minstretcfg.legalize(h, 0, value)
        settle(h, h.mode, h.v, 1)

    @staticmethod
    def poke(h: Hart, value: u64) -> None:
        """As `write`, between two instructions."""
        h.minstretcfg = Minstretcfg.legalize(h, 0, value)
        settle(h, h.mode, h.v, 0)


class Mcycle(Csr, address=0xB00):
    """mcycle, Machine Cycle Counter (norm:mcycle_op)."""

    read = staticmethod(cycles)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """The next instruction reads `value` (norm:mcycle_minstret_wr)."""
        h.mcycle = value if h.counting & CY == 0 else u64(value - running_cycles(h) - 1)

    @staticmethod
    def poke(h: Hart, value: u64) -> None:
        """As `write`, between two instructions."""
        h.mcycle = value if h.counting & CY == 0 else u64(value - running_cycles(h))


class Minstret(Csr, address=0xB02):
    """minstret, Machine Instructions-Retired Counter (norm:minstret_op)."""

    read = staticmethod(instructions)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """The next instruction reads `value` (norm:mcycle_minstret_wr)."""
        h.minstret = value if h.counting & IR == 0 else u64(value - retired(h) - 1)

    @staticmethod
    def poke(h: Hart, value: u64) -> None:
        """As `write`, between two instructions."""
        h.minstret = value if h.counting & IR == 0 else u64(value - retired(h))


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


class Scountovf(Csr, address=0xDA0, ext="Sscofpmf", slot=False):
    """scountovf, Supervisor Count Overflow: the OF bits of mhpmevent31 to mhpmevent3 (norm:scountovf_op)."""

    OVERFLOWED = ro(31, 3, "mhpmcounter31 to mhpmcounter3 have overflowed")

    @staticmethod
    def read(h: Hart) -> u64:
        """Below M-mode as far as mcounteren, with V=1 also hcounteren, makes the counters readable
        (norm:scountovf_smode_read_access, norm:scountovf_vsmode_read_access, norm:scountovf_mmode_read_access)."""
        bits: u64 = 0
        for index in range(COUNT):
            bits |= u64((h.hpm_event[index] >> 63) << u64(index + FIRST))
        if h.mode != 3:
            bits &= h.mcounteren
        return bits & h.hcounteren if h.v != 0 else bits


class EventFields(FilterFields):
    """An event selector. The bits above the event come with Sscofpmf."""

    OF = rw(63, "the counter has overflowed, or asks for no interrupt if it does")
    EVENT = rw(55, 0, "what is counted", values={NO_EVENT: "no event", CYCLES: "cycles", INSTRUCTIONS: "instructions retired"})


def _declare(name: str, address: int, doc: str, *fields: type, ext: str = "Zicsr", **functions: Any) -> None:
    """Define one CSR without a slot; unless functions say otherwise it reads as zero."""
    body: dict[str, Any] = {"__doc__": doc, "read": staticmethod(zero), "write": staticmethod(ignore_write)}
    body |= {key: staticmethod(function) for key, function in functions.items()}
    effects = Effect.INTERRUPT if "poke" in functions else Effect(0)
    keywords = {"address": address, "ext": ext, "slot": False, "group": "counters", "effects": effects}
    types.new_class(name.capitalize(), (*fields, Csr), keywords, lambda scope: scope.update(body))


def _kernel(name: str, line: str, writes: bool = False) -> Any:
    """A kernel function of one line."""
    head = f"def {name}(h: Hart, value: u64) -> None:" if writes else f"def {name}(h: Hart) -> u64:"
    names = (counter_rule, event_count, set_count, set_event, legal_event)
    return make_kernel(name, f"{head}\n    {line}\n", **{function.__name__: function for function in names})


def _programmable(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The functions of a counter and its event selector that are not read-only zero."""
    index, new = number - FIRST, f"legal_event(h, h.hpm_event[{number - FIRST}], value)"
    counter = {"read": _kernel(f"mhpmcounter{number}_read", f"return event_count(h, {index})")}
    event = {"read": _kernel(f"mhpmevent{number}_read", f"return h.hpm_event[{index}]"), "legalize": legal_event}
    for kind, offset in (("write", 1), ("poke", 0)):
        counter[kind] = _kernel(f"mhpmcounter{number}_{kind}", f"set_count(h, {index}, value, {offset})", True)
        event[kind] = _kernel(f"mhpmevent{number}_{kind}", f"set_event(h, {index}, {new}, {offset})", True)
    return counter, event


for _n in range(3, 32):
    _rule = _kernel(f"hpmcounter{_n}_rule", f"return counter_rule(h, {_n})")
    _is = (1 << _n) & PROGRAMMABLE != 0
    _counter, _event = _programmable(_n) if _is else ({}, {})
    _doc = "(norm:mhpmcounter_warl)" if _is else "0 (norm:mhpmcounter_mhpmevent_rdonly0)"
    _shadow = {"read": _counter["read"]} if _is else {}
    _declare(f"mhpmcounter{_n}", 0xB00 + _n, f"mhpmcounter{_n}, event counter: {_doc}.", **_counter)
    _fields = (EventFields,) if _is else ()
    _declare(f"mhpmevent{_n}", 0x320 + _n, f"mhpmevent{_n}, event selector: {_doc}.", *_fields, **_event)
    _declare(f"hpmcounter{_n}", 0xC00 + _n, f"hpmcounter{_n}, shadow of mhpmcounter{_n}.", ext="Zihpm", rule=_rule, **_shadow)
