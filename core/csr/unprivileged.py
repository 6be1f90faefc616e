# SPDX-License-Identifier: Apache-2.0
"""Unprivileged CSRs besides the counters: fflags, frm and fcsr of the floating-point unit."""

from __future__ import annotations

from core.csr.csr import Csr
from core.csr.fields import rw
from core.csr.machine import Mstatus
from core.csr.vs import Vsstatus
from core.hart import Hart
from core.isa.intrinsics import cold, isset, u64
from core.trap.causes import Cause

ROUNDING = {0: "nearest, ties to even", 1: "towards zero", 2: "down", 3: "up", 4: "nearest, ties to max magnitude"}

DIRTY = Mstatus.FS.mask
"""FS at its highest value."""


def fp_rule(h: Hart) -> u64:
    """FS off in mstatus, or with V=1 in vsstatus, is illegal, never virtual (norm:H_illegalinst_xstatus_fs_vs)."""
    if not isset(h.mstatus, Mstatus.FS) or (h.v != 0 and not isset(h.vsstatus, Vsstatus.FS)):
        return Cause.ILLEGAL_INSTRUCTION
    return 0


def dirty_fp(h: Hart) -> None:
    """The floating-point state changed: FS is Dirty, with V=1 in both registers (norm:vsstatus_fs_op).

    It mostly is already, and to write it each time would make each instruction wait for the one before.
    """
    if h.mstatus & DIRTY != DIRTY or (h.v != 0 and h.vsstatus & DIRTY != DIRTY):
        make_dirty(h)


@cold
def make_dirty(h: Hart) -> None:
    """Set FS to Dirty."""
    h.mstatus |= DIRTY
    if h.v != 0:
        h.vsstatus |= DIRTY


class Fcsr(Csr, address=0x003, ext="F"):
    """fcsr, Floating-Point Control and Status (unpriv, Floating-Point Control and Status Register)."""

    FRM = rw(7, 5, "rounding mode", values=ROUNDING)
    NV = rw(4, "invalid operation")
    DZ = rw(3, "divide by zero")
    OF = rw(2, "overflow")
    UF = rw(1, "underflow")
    NX = rw(0, "inexact")

    rule = staticmethod(fp_rule)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Set the slot; FS becomes Dirty."""
        h.fcsr = value & 0xFF
        dirty_fp(h)

    @staticmethod
    def poke(h: Hart, value: u64) -> None:
        """Set the slot alone."""
        h.fcsr = value & 0xFF


class Frm(Csr, address=0x002, ext="F", slot=False):
    """frm, Floating-Point Dynamic Rounding Mode: bits 7:5 of fcsr."""

    FRM = rw(2, 0, "rounding mode", values=ROUNDING)

    rule = staticmethod(fp_rule)

    @staticmethod
    def read(h: Hart) -> u64:
        """Bits 7:5 of fcsr."""
        return u64(h.fcsr >> 5)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Set bits 7:5 of fcsr."""
        Fcsr.write(h, (h.fcsr & 0x1F) | u64((value & 7) << 5))

    @staticmethod
    def poke(h: Hart, value: u64) -> None:
        """As `write`, FS untouched."""
        h.fcsr = (h.fcsr & 0x1F) | u64((value & 7) << 5)


class Fflags(Csr, address=0x001, ext="F", slot=False):
    """fflags, Floating-Point Accrued Exceptions: bits 4:0 of fcsr."""

    NV = rw(4, "invalid operation")
    DZ = rw(3, "divide by zero")
    OF = rw(2, "overflow")
    UF = rw(1, "underflow")
    NX = rw(0, "inexact")

    rule = staticmethod(fp_rule)

    @staticmethod
    def read(h: Hart) -> u64:
        """Bits 4:0 of fcsr."""
        return u64(h.fcsr & 0x1F)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Set bits 4:0 of fcsr."""
        Fcsr.write(h, (h.fcsr & 0xE0) | (value & 0x1F))

    @staticmethod
    def poke(h: Hart, value: u64) -> None:
        """As `write`, FS untouched."""
        h.fcsr = (h.fcsr & 0xE0) | (value & 0x1F)
