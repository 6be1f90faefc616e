# SPDX-License-Identifier: Apache-2.0
"""Zicfilp: what an indirect jump must find at its target (priv, Landing Pad; unpriv, Zicfilp).

ELP is h.elp. It is 1 only between an indirect jump, or a return to where one was interrupted, and the next instruction. Who
sets it ends the slice, so engines look at it at the beginning of a slice only (core.engine.boundary.land).
"""

from __future__ import annotations

from core.csr.config import Henvcfg, Menvcfg, Senvcfg
from core.csr.pmp import Mseccfg
from core.features import Feature
from core.hart import Hart, state
from core.isa.intrinsics import cold, end_slice, isset, u64

state("elp", doc="ELP: 1 while the next instruction must be a landing pad (unpriv, Landing Pad Enforcement)")
state("elp_jump", doc="address of the indirect jump that set ELP last, 0 if ELP has come back from a trap since")
state("trap_elp", doc="ELP at the last trap, and elp_jump in the other bits", architectural=False)

LPAD, LPAD_MASK = 0x0000_0017, 0x0000_0FFF
"""AUIPC with rd=x0 (norm:zicflip_lpad_enc)."""


def is_landing_pad(raw: u64) -> bool:
    """Whether instruction bits, 16 or 32, are an LPAD."""
    return raw & LPAD_MASK == LPAD


def enforced(h: Hart, mode: u64, v: u64) -> bool:
    """xLPE, whether a mode must have landing pads (priv, Landing-Pad-Enabled (LPE) State)."""
    if mode == 3:
        return isset(h.mseccfg, Mseccfg.MLPE)
    if mode == 0 and h.features & Feature.S != 0:
        return isset(h.senvcfg, Senvcfg.LPE)
    return isset(h.henvcfg, Henvcfg.LPE) if v != 0 else isset(h.menvcfg, Menvcfg.LPE)


@cold
def expect(h: Hart) -> None:
    """An indirect jump: its target must be a landing pad, if the mode must have them (norm:zicflip_lpad_expected)."""
    if enforced(h, h.mode, h.v):
        h.elp = 1
        h.elp_jump = h.pc
        end_slice(h)


@cold
def keep_elp(h: Hart) -> u64:
    """A trap: ELP for xPELP; it is 0 from now on (norm:Zicfilp_pelp_trap)."""
    elp: u64 = h.elp
    h.trap_elp = elp | h.elp_jump
    h.elp = 0
    return elp


@cold
def take_pelp(h: Hart, status: u64, pelp: u64, mode: u64, v: u64) -> u64:
    """MRET or SRET to a mode: ELP becomes the bit `pelp` of xstatus, or 0 where the mode need not have landing pads. The
    status without the bit (norm:Zicfilp_pelp_trap_return)."""
    h.elp = u64(status & pelp != 0 and enforced(h, mode, v))
    h.elp_jump = 0
    return status & u64(~pelp)
