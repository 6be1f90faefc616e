# SPDX-License-Identifier: Apache-2.0
"""The state of a hart after reset. Plain Python."""

from __future__ import annotations

from core.csr.aia import AIA_SLOTS
from core.csr.config import Menvcfg
from core.csr.counting import reset_counting
from core.csr.machine import Mstatus, always_delegated
from core.csr.registry import CSRS_BY_ADDRESS
from core.csr.seed import start_of_entropy
from core.features import Feature
from core.hart import Hart
from core.mmu.tlb import flush_all
from core.trap.worlds import forget_worlds


def reset_hart(h: Hart, features: Feature | int | None = None, *, strict: bool = False, builtin_sbi: bool = False) -> None:
    """Reset: M-mode, interrupts off, all CSRs at their reset values, registers zero (priv, Reset).

    features: what the hart is made with, None for what it was. strict: no tolerances. builtin_sbi: the host is M-mode
    (core.trap.start then puts the hart into HS-mode). pc, the time and the devices' lines are the machine's business.
    Where the manual leaves a value open it is 0, but for the time compare registers, which are all ones, and, unless
    strict, ADUE of menvcfg and henvcfg, which is 1.
    """
    if features is not None:
        h.features_all = int(features)
    h.features = h.features_all
    h.strict, h.builtin_sbi = int(strict), int(builtin_sbi)
    for csr in CSRS_BY_ADDRESS.values():
        if csr.slot:
            setattr(h, csr.name, csr.reset)
    for array, count in ((h.x, 32), (h.f, 32), (h.pmpaddr, 64), (h.pmpcfg, 64)):
        for i in range(count):
            array[i] = 0
    h.entropy = start_of_entropy(0, h.hartid)
    for name in AIA_SLOTS:
        setattr(h, name, 0)
    if not strict and h.features & Feature.SVADU:
        h.menvcfg = h.henvcfg = Menvcfg.ADUE.mask
    if h.features & Feature.SMDBLTRP:
        h.mstatus |= Mstatus.MDT.mask
    h.mode, h.v, h.wfi, h.res_valid, h.critical, h.rnmi = 3, 0, 0, 0, 0, 0
    h.elp = h.elp_jump = 0
    h.mideleg = always_delegated(h)
    reset_counting(h)
    forget_worlds(h)
    flush_all(h)
