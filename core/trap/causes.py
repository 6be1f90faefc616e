# SPDX-License-Identifier: Apache-2.0
"""Why a trap is taken: exception and interrupt numbers, and what else a fault knows about itself.

Numbers as in the tables of xcause values (priv, Machine Cause Register and Trap Cause Codes of the H extension).
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Self

INTERRUPT_BIT = 1 << 63
"""Bit 63 of an xcause CSR: the trap was an interrupt."""


class Worded(IntEnum):
    """Numbers with `words` that say in plain words what they mean."""

    words: str

    def __new__(cls, value: int, words: str = "") -> Self:
        """Make the member `value` and keep its words."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.words = words
        return member


class Cause(Worded):
    """Exceptions. `words` says in plain words what happened."""

    INSTRUCTION_ADDRESS_MISALIGNED = 0, "instruction address misaligned"
    INSTRUCTION_ACCESS_FAULT = 1, "instruction access fault"
    ILLEGAL_INSTRUCTION = 2, "illegal instruction"
    BREAKPOINT = 3, "breakpoint"
    LOAD_ADDRESS_MISALIGNED = 4, "load address misaligned"
    LOAD_ACCESS_FAULT = 5, "load access fault"
    STORE_ADDRESS_MISALIGNED = 6, "store/AMO address misaligned"
    STORE_ACCESS_FAULT = 7, "store/AMO access fault"
    ECALL_U = 8, "environment call from U-mode or VU-mode"
    ECALL_S = 9, "environment call from HS-mode"
    ECALL_VS = 10, "environment call from VS-mode"
    ECALL_M = 11, "environment call from M-mode"
    INSTRUCTION_PAGE_FAULT = 12, "instruction page fault"
    LOAD_PAGE_FAULT = 13, "load page fault"
    STORE_PAGE_FAULT = 15, "store/AMO page fault"
    DOUBLE_TRAP = 16, "double trap"
    SOFTWARE_CHECK = 18, "software check"
    HARDWARE_ERROR = 19, "hardware error"
    INSTRUCTION_GUEST_PAGE_FAULT = 20, "instruction guest-page fault"
    LOAD_GUEST_PAGE_FAULT = 21, "load guest-page fault"
    VIRTUAL_INSTRUCTION = 22, "virtual instruction"
    STORE_GUEST_PAGE_FAULT = 23, "store/AMO guest-page fault"


class Interrupt(Worded):
    """Interrupts. The number is also the bit in mip, mie, mideleg and so on."""

    RNMI = 0, "resumable non-maskable interrupt"  # in no mip: the code mncause has for it (norm:mncause_interrupt_zero)
    SSI = 1, "supervisor software interrupt"
    VSSI = 2, "virtual supervisor software interrupt"
    MSI = 3, "machine software interrupt"
    STI = 5, "supervisor timer interrupt"
    VSTI = 6, "virtual supervisor timer interrupt"
    MTI = 7, "machine timer interrupt"
    SEI = 9, "supervisor external interrupt"
    VSEI = 10, "virtual supervisor external interrupt"
    MEI = 11, "machine external interrupt"
    SGEI = 12, "supervisor guest external interrupt"
    LCOFI = 13, "local counter overflow interrupt"


class SoftwareCheck(Worded):
    """What a software-check exception writes to xtval (norm:mtval_swchk_list). `words` says it in plain words."""

    LANDING_PAD = 2, "landing pad fault"
    SHADOW_STACK = 3, "shadow stack fault"


class TrapInfo(IntFlag):
    """What a fault adds to its cause, in `Trap.info`.

    Above these bits, from `OFFSET_LSB` on, stands how many bytes into a misaligned access the fault happened
    (the Addr. Offset of a transformed instruction).
    """

    GVA = 1  # tval is a guest virtual address
    IMPLICIT_READ = 2  # the hart was reading a VS-stage page-table entry
    IMPLICIT_WRITE = 4  # the hart was updating A/D of a VS-stage page-table entry
    HAS_GPA = 8  # gpa is the guest physical address that faulted


OFFSET_LSB = 8
"""Where the byte offset within a misaligned access begins in `Trap.info`."""


def describe(xcause: int, tval: int = 0) -> str:
    """An xcause value in words, e.g. "load guest-page fault"; reserved codes by number. tval: of a software check."""
    code = xcause & ~INTERRUPT_BIT
    members: dict[int, Cause | Interrupt]
    if xcause & INTERRUPT_BIT:
        members, kind = {int(i): i for i in Interrupt}, "interrupt"
    else:
        members, kind = {int(c): c for c in Cause}, "exception"
    if xcause == Cause.SOFTWARE_CHECK and tval in tuple(SoftwareCheck):
        return f"{members[code].words}: {SoftwareCheck(tval).words}"
    return members[code].words if code in members else f"{kind} {code} (reserved)"
