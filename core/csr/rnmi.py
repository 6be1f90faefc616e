# SPDX-License-Identifier: Apache-2.0
"""CSRs of resumable non-maskable interrupts (priv, Smrnmi)."""

from __future__ import annotations

from core.csr.csr import Csr, Effect
from core.csr.fields import PRIVILEGES, rw, warl
from core.csr.machine import CauseFields, legal_epc, legal_mpp
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import isset, u64


class Mnscratch(Csr, address=0x740, ext="Smrnmi"):
    """mnscratch, Resumable NMI Scratch (norm:mnscratch_sz)."""


class Mnepc(Csr, address=0x741, ext="Smrnmi"):
    """mnepc, Resumable NMI Program Counter (norm:mnepc_sz)."""

    legalize = staticmethod(legal_epc)


class Mncause(CauseFields, Csr, address=0x742, ext="Smrnmi"):
    """mncause, Resumable NMI Cause (norm:mncause_op); an RNMI has the code 0 (norm:mncause_interrupt_zero)."""


class Mnstatus(Csr, address=0x744, ext="Smrnmi", effects=Effect.TRANSLATION | Effect.INTERRUPT):
    """mnstatus, Resumable NMI Status (norm:mnstatus_img)."""

    MNPP = warl(12, 11, "privilege before the RNMI", legal=legal_mpp, values=PRIVILEGES)
    MNPELP = rw(9, "a landing pad was expected before the RNMI (norm:mnstatus_mnpelp_op)", needs=Feature.ZICFILP)
    MNPV = rw(7, "virtualization mode before the RNMI", needs=Feature.H)
    NMIE = rw(3, "interrupts enabled, RNMIs among them; MPRV acts (norm:mnstatus_nmie_enable)")

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """NMIE can be set, not cleared (norm:mnstatus_nmie_set_clear)."""
        h.mnstatus = Mnstatus.legalize(h, h.mnstatus, value) | (h.mnstatus & Mnstatus.NMIE.mask)


def nmis_off(h: Hart) -> bool:
    """Whether the hart has Smrnmi and NMIE is 0: no interrupts, no MPRV (norm:mnstatus_nmie_disable,
    norm:mnstatus_mprv_clear)."""
    return u64(h.features & Feature.SMRNMI) != 0 and not isset(h.mnstatus, Mnstatus.NMIE)
