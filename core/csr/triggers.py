# SPDX-License-Identifier: Apache-2.0
"""The trigger CSRs of a hart without triggers, for programs that look how many there are.

Source: The RISC-V Debug Specification 1.0, chapter Sdtrig. Enumeration writes tselect, reads it back, and ends at a
trigger whose type is 0. Breakpoints and watchpoints of the debugger are none of these: programs do not see them.
"""

from __future__ import annotations

from core.csr.csr import Csr, ignore_write, zero
from core.csr.fields import ro
from core.hart import Hart
from core.isa.intrinsics import u64

TYPES = {0: "there is no trigger"}


class Tselect(Csr, address=0x7A0, ext="Sdtrig", slot=False):
    """tselect, Trigger Select (Debug Specification, Trigger Module Registers): 0."""

    INDEX = ro(63, 0, "number of the trigger that the other CSRs are about")
    read, write = staticmethod(zero), staticmethod(ignore_write)


class Tdata1(Csr, address=0x7A1, ext="Sdtrig", slot=False):
    """tdata1, Trigger Data 1 (Debug Specification, Trigger Module Registers): 0."""

    TYPE = ro(63, 60, "kind of trigger", values=TYPES)
    DMODE = ro(59, "only Debug Mode can write the trigger")
    DATA = ro(58, 0, "depends on the kind")
    read, write = staticmethod(zero), staticmethod(ignore_write)


class Tdata2(Csr, address=0x7A2, ext="Sdtrig", slot=False):
    """tdata2, Trigger Data 2 (Debug Specification, Trigger Module Registers): 0."""

    read, write = staticmethod(zero), staticmethod(ignore_write)


class Tdata3(Csr, address=0x7A3, ext="Sdtrig", slot=False):
    """tdata3, Trigger Data 3 (Debug Specification, Trigger Module Registers): 0."""

    read, write = staticmethod(zero), staticmethod(ignore_write)


class Tinfo(Csr, address=0x7A4, ext="Sdtrig", slot=False):
    """tinfo, Trigger Info (Debug Specification, Trigger Module Registers): 1, no type can be selected."""

    VERSION = ro(31, 24, "version of Sdtrig", values={0: "0.13", 1: "1.0"})
    INFO = ro(15, 0, "one bit for each type this trigger can have; only bit 0: there is none", reset=1)
    write = staticmethod(ignore_write)

    @staticmethod
    def read(h: Hart) -> u64:
        """Type 0 alone."""
        return 1
