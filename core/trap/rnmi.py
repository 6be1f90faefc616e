# SPDX-License-Identifier: Apache-2.0
"""Taking resumable non-maskable interrupts, and traps while they are off (priv, Smrnmi). Kernel subset."""

from __future__ import annotations

from core.csr.counting import settle
from core.csr.rnmi import Mnstatus, nmis_off
from core.features import Feature
from core.hart import Hart, state
from core.isa.intrinsics import cold, put, u64
from core.mmu.tlb import update_regime
from core.trap.landing import keep_elp
from core.trap.worlds import trapping

state("rnmi", doc="1 while an RNMI is signalled and has not been taken")
state("rnmi_interrupt_vector", doc="address of the RNMI trap handler (norm:rnmi_trap_addr)")
state("rnmi_exception_vector", doc="address of the RNMI exception trap handler (norm:rnmi_exc_trap_addr)")
state("rnmi_serial", doc="trap_serial of the last trap to one of these handlers", architectural=False)
state("rnmi_kind", doc="which of them it was: INTERRUPT or EXCEPTION", architectural=False)

INTERRUPT, EXCEPTION = 1, 2
"""Values of h.rnmi_kind: the RNMI trap handler, the RNMI exception trap handler."""


@cold
def enter_rnmi(h: Hart, cause: u64, mode: u64, v: u64) -> None:
    """Go to the RNMI trap handler with what mncause, MNPP and MNPV are to say (norm:rnmi_entry, norm:rnmi_enter_mmode).

    MNPELP gets ELP, which becomes 0 (norm:mnstatus_mnpelp_update). mstatus, MDT in it, stays as it is
    (norm:mstatus_mdt_not_set_rnmi).
    """
    trapping(h, cause, 0, 3, 0)
    h.trap_old[0] = h.mnstatus
    h.trap_old[1] = h.mnepc
    h.trap_old[2] = h.mncause
    h.rnmi_serial = h.trap_serial
    h.rnmi_kind = INTERRUPT
    if h.filtered != 0:
        settle(h, 3, 0, 0)
    status = put(h.mnstatus, Mnstatus.NMIE, 0)
    status = put(status, Mnstatus.MNPP, mode)
    if h.features & Feature.H != 0:
        status = put(status, Mnstatus.MNPV, v)
    if h.features & Feature.ZICFILP != 0:
        status = put(status, Mnstatus.MNPELP, keep_elp(h))
    h.mnstatus = status
    h.mnepc = h.pc
    h.mncause = cause
    h.v = 0
    h.mode = 3
    h.npc = h.rnmi_interrupt_vector
    update_regime(h)


@cold
def exception_vector(h: Hart) -> u64:
    """Where an exception in M-mode goes with NMIE=0, all else being as with NMIE=1 (norm:rnmi_exception_nmie0)."""
    h.rnmi_serial = h.trap_serial
    h.rnmi_kind = EXCEPTION
    return u64(h.rnmi_exception_vector)


def in_handler(h: Hart) -> bool:
    """Whether a trap would be unexpected as it comes from M-mode while NMIE is 0 (norm:trap_unexp_mnstatus_nmie_0)."""
    return bool(h.mode == 3 and nmis_off(h))
