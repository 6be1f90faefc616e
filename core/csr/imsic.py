# SPDX-License-Identifier: Apache-2.0
"""IMSIC: the interrupt files of a hart, and the CSRs that tell and claim their top interrupts.

Source: The RISC-V Advanced Interrupt Architecture 1.0, chapter Incoming MSI Controller (IMSIC). Each file has the
identities 1 to 255. File 0 is M-mode's, file 1 S-mode's, file 1 + g that of guest g; what they signal is MEIP, SEIP and
the bits of hgeip. Messages arrive through core.devices.imsic.
"""

from __future__ import annotations

from core.csr.csr import Csr, Effect
from core.csr.fields import rw
from core.csr.hypervisor import Hstatus
from core.csr.interrupts import MEIP, SEIP
from core.hart import Hart, state
from core.isa.intrinsics import cold, ctz64, get, u64
from core.trap.causes import Cause

IDENTITIES = 255
"""Highest interrupt identity of every file."""
WORDS = 4
"""Words of pending or enable bits of a file."""
MOST_GUESTS = 7
"""Largest GEILEN."""
FILES = 2 + MOST_GUESTS
MACHINE, SUPERVISOR = 0, 1
"""Numbers of the files that are always there."""
EIDELIVERY, EITHRESHOLD, EIP, EIE, LAST = 0x70, 0x72, 0x80, 0xC0, 0xFF
"""Register numbers for the *iselect CSRs (AIA, Indirectly accessed interrupt-file registers)."""

state("imsic", doc="1: the hart has an IMSIC, with a file for each guest external interrupt", architectural=False)
state("imsic_eip", FILES * WORDS, "pending bits of all interrupt files")
state("imsic_eie", FILES * WORDS, "enable bits of all interrupt files")
state("imsic_delivery", FILES, "eidelivery of all interrupt files")
state("imsic_threshold", FILES, "eithreshold of all interrupt files")


@cold
def imsic_top(h: Hart, file: u64) -> u64:
    """Identity of the file's top interrupt: pending, enabled and below a threshold that is not 0; 0 for none."""
    first = u64(file * WORDS)
    limit = h.imsic_threshold[file]
    for word in range(WORDS):
        bits = h.imsic_eip[u64(first + word)] & h.imsic_eie[u64(first + word)]
        if bits != 0:
            identity = u64(ctz64(bits) + word * 64)
            return identity if limit == 0 or identity < limit else 0
    return 0


def imsic_signal(h: Hart, file: u64) -> None:
    """Set the external interrupt that the file makes (AIA, Interrupt delivery and handling)."""
    on = h.imsic_delivery[file] == 1 and imsic_top(h, file) != 0
    if file == MACHINE:
        h.irq_lines = h.irq_lines | MEIP if on else h.irq_lines & u64(~MEIP)
    elif file == SUPERVISOR:
        h.irq_lines = h.irq_lines | SEIP if on else h.irq_lines & u64(~SEIP)
    else:
        bit = u64(1 << u64(file - 1))
        h.hgeip = h.hgeip | bit if on else h.hgeip & u64(~bit)


@cold
def imsic_receive(h: Hart, file: u64, identity: u64) -> None:
    """A message: the identity becomes pending; one that is not implemented is ignored."""
    if identity != 0 and identity <= IDENTITIES:
        word = u64(u64(file * WORDS) + (identity >> 6))
        h.imsic_eip[word] |= u64(1 << (identity & 63))
        imsic_signal(h, file)


@cold
def imsic_claim(h: Hart, file: u64) -> None:
    """Clear the pending bit of the top interrupt, if there is one."""
    identity = imsic_top(h, file)
    if identity != 0:
        word = u64(u64(file * WORDS) + (identity >> 6))
        h.imsic_eip[word] &= u64(~(1 << (identity & 63)))
        imsic_signal(h, file)


def top_value(identity: u64) -> u64:
    """An identity as the *topei CSRs show it: also as its priority."""
    return u64(identity << 16) | identity


@cold
def file_read(h: Hart, file: u64, number: u64) -> u64:
    """Register `number` (0x70 to 0xFF) of a file; reserved ones are 0."""
    word = (number & 0x3F) >> 1
    if number >= EIP:
        if word >= WORDS:
            return 0
        at = u64(u64(file * WORDS) + word)
        return u64(h.imsic_eie[at]) if number >= EIE else u64(h.imsic_eip[at])
    if number == EIDELIVERY:
        return u64(h.imsic_delivery[file])
    return u64(h.imsic_threshold[file]) if number == EITHRESHOLD else 0


@cold
def file_write(h: Hart, file: u64, number: u64, value: u64) -> None:
    """Write a register of a file. eidelivery holds 0 and 1; identity 0 does not exist."""
    word = (number & 0x3F) >> 1
    if number >= EIP:
        if word < WORDS:
            at = u64(u64(file * WORDS) + word)
            bits = value & u64(~1) if word == 0 else value
            if number >= EIE:
                h.imsic_eie[at] = bits
            else:
                h.imsic_eip[at] = bits
    elif number == EIDELIVERY:
        if value <= 1:
            h.imsic_delivery[file] = value
    elif number == EITHRESHOLD:
        h.imsic_threshold[file] = value & IDENTITIES
    imsic_signal(h, file)


def guest_file(h: Hart) -> u64:
    """The file that hstatus.VGEIN chooses; 0 when it is not the number of a guest interrupt file."""
    guest = get(h.hstatus, Hstatus.VGEIN)
    return u64(guest + 1) if h.imsic != 0 and guest != 0 and guest <= h.geilen and guest <= MOST_GUESTS else 0


class TopFields:
    """The top interrupt of a file."""

    IDENTITY = rw(26, 16, "identity of the interrupt, 0 for none")
    PRIORITY = rw(10, 0, "its priority: the identity")


class Mtopei(TopFields, Csr, address=0x35C, ext="Smaia", slot=False, effects=Effect.INTERRUPT):
    """mtopei, Machine Top External Interrupt (AIA, Top external interrupt CSRs)."""

    @staticmethod
    def rule(h: Hart) -> u64:
        """Exists only with an IMSIC."""
        return 0 if h.imsic != 0 else Cause.ILLEGAL_INSTRUCTION

    @staticmethod
    def read(h: Hart) -> u64:
        """The top of M-mode's file."""
        return top_value(imsic_top(h, MACHINE))

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Whatever is written claims the interrupt."""
        imsic_claim(h, MACHINE)


class Stopei(TopFields, Csr, address=0x15C, ext="Ssaia", slot=False, effects=Effect.INTERRUPT):
    """stopei, Supervisor Top External Interrupt (AIA, Top external interrupt CSRs)."""

    @staticmethod
    def rule(h: Hart) -> u64:
        """S-mode may not while mvien.SEI is 1; a guest has it when VGEIN chooses a file (AIA, Hypervisor and VS CSRs)."""
        if h.v != 0:
            return 0 if guest_file(h) != 0 else Cause.VIRTUAL_INSTRUCTION
        if h.imsic == 0 or (h.mode != 3 and h.mvien & SEIP != 0):
            return Cause.ILLEGAL_INSTRUCTION
        return 0

    @staticmethod
    def read(h: Hart) -> u64:
        """The top of S-mode's file."""
        return top_value(imsic_top(h, SUPERVISOR))

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Whatever is written claims the interrupt."""
        imsic_claim(h, SUPERVISOR)


class Vstopei(TopFields, Csr, address=0x25C, ext="H Ssaia", slot=False, group="VS", effects=Effect.INTERRUPT):
    """vstopei, Virtual Supervisor Top External Interrupt (AIA, Top external interrupt CSRs)."""

    @staticmethod
    def rule(h: Hart) -> u64:
        """Illegal when VGEIN chooses no file; a guest may never name it."""
        return 0 if h.v != 0 or guest_file(h) != 0 else Cause.ILLEGAL_INSTRUCTION

    @staticmethod
    def read(h: Hart) -> u64:
        """The top of the chosen guest's file."""
        file = guest_file(h)
        return top_value(imsic_top(h, file)) if file != 0 else 0

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Whatever is written claims the interrupt."""
        file = guest_file(h)
        if file != 0:
            imsic_claim(h, file)
