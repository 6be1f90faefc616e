# SPDX-License-Identifier: Apache-2.0
"""Zicfiss, shadow stacks: the pointer, and where they are active."""

from __future__ import annotations

from core.csr.config import EnvcfgFields, envcfg_cause
from core.csr.csr import Csr
from core.hart import Hart
from core.isa.intrinsics import inline, u64

SSE = EnvcfgFields.SSE.mask


def aligned(h: Hart, old: u64, new: u64) -> u64:
    """Bits 2:0 are read-only zero (norm:ssp-field_1_0)."""
    return new & u64(~7)


class Ssp(Csr, address=0x011, ext="Zicfiss"):
    """ssp, Shadow Stack Pointer: aligned to 8 bytes, as no mode has an XLEN of 32 (norm:ssp_op)."""

    legalize = staticmethod(aligned)

    @staticmethod
    def rule(h: Hart) -> u64:
        """Below M-mode, SSE of xenvcfg (norm:zicfiss_ssp_csr)."""
        return envcfg_cause(h, SSE)


@inline
def shadow_stack_active(h: Hart) -> bool:
    """xSSE of the present mode; M-mode's is 0 (priv, Shadow-Stack-Enabled (SSE) State)."""
    return h.mode != 3 and envcfg_cause(h, SSE) == 0
