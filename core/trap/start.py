# SPDX-License-Identifier: Apache-2.0
"""How firmware hands a hart to a kernel in HS-mode, when the host is that firmware. Plain Python."""

from __future__ import annotations

from core.csr.config import Menvcfg
from core.csr.machine import HYPERVISOR_CAUSES, S_LEVEL, Medeleg, Mstatus, always_delegated, local
from core.csr.pmp import ADDRESS_MASK, NAPOT, Mseccfg, Pmp
from core.csr.rnmi import Mnstatus
from core.csr.stateen import Mstateen0, StateenFields
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import M64
from core.mmu.tlb import flush_all

DELEGATED = (
    Medeleg.INSTRUCTION_ADDRESS_MISALIGNED,
    Medeleg.BREAKPOINT,
    Medeleg.ECALL_U,
    Medeleg.INSTRUCTION_PAGE_FAULT,
    Medeleg.LOAD_PAGE_FAULT,
    Medeleg.STORE_PAGE_FAULT,
)
"""What OpenSBI delegates besides the hypervisor's exceptions."""
ENVIRONMENT = Menvcfg.STCE.mask | Menvcfg.PBMTE.mask | Menvcfg.CBZE.mask | Menvcfg.CBCFE.mask | Menvcfg.CBIE.mask
ENVIRONMENT |= Menvcfg.SSE.mask


def start_supervisor(h: Hart) -> None:
    """Put a hart into HS-mode as the SBI's HSM extension wants it: no translation, no interrupts.

    The rest as after reset. Delegations as OpenSBI sets them, floating point on as it leaves it, all memory open,
    counters readable, Sstc, Svpbmt, cache-block instructions and shadow stacks on, the entropy source open and no state
    withheld where there is such a choice.
    pc and the registers are the caller's.
    """
    h.mode, h.v, h.wfi = 1, 0, 0
    h.mstatus &= ~(Mstatus.SIE.mask | Mstatus.MPRV.mask | Mstatus.MDT.mask)
    if h.features & Feature.F:
        h.mstatus |= Mstatus.FS.mask
    if h.features & Feature.SMRNMI:
        h.mnstatus = Mnstatus.NMIE.mask
    h.satp = 0
    h.medeleg = sum(field.mask for field in DELEGATED)
    if h.features & Feature.H:
        h.medeleg |= HYPERVISOR_CAUSES
    h.mideleg = S_LEVEL | local(h) | always_delegated(h)
    h.mcounteren = h.scounteren = 0xFFFF_FFFF
    Menvcfg.write(h, ENVIRONMENT | (h.menvcfg & Menvcfg.ADUE.mask))
    if h.features & Feature.SMSTATEEN:
        Mstateen0.write(h, M64)
        h.mstateen1 = h.mstateen2 = h.mstateen3 = StateenFields.SE.mask
    if h.features & Feature.ZKR:
        h.mseccfg |= Mseccfg.SSEED.mask
    h.pmpaddr[0] = ADDRESS_MASK
    h.pmpcfg[0] = Pmp.R.mask | Pmp.W.mask | Pmp.X.mask | NAPOT << Pmp.A.lsb
    flush_all(h)
