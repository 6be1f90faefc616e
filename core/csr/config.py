# SPDX-License-Identifier: Apache-2.0
"""Environment configuration and counter-enable CSRs of all levels, which belong together: each allows the next."""

from __future__ import annotations

from core.csr.csr import Csr, Effect
from core.csr.fields import PMM, rw, warl
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import M64, inline, isset, u64
from core.tolerance import Tolerance
from core.trap.causes import Cause

CBIE = {0: "CBO.INVAL is illegal", 1: "CBO.INVAL flushes", 3: "CBO.INVAL invalidates"}


class EnvcfgFields:
    """What menvcfg, henvcfg and senvcfg have in common (norm:menvcfg_sz_acc)."""

    CBZE = rw(7, "CBO.ZERO may be used", needs=Feature.ZICBOZ)
    CBCFE = rw(6, "CBO.CLEAN and CBO.FLUSH may be used", needs=Feature.ZICBOM)
    CBIE = warl(5, 4, "CBO.INVAL", values=CBIE, needs=Feature.ZICBOM)
    SSE = rw(3, "shadow stacks (Zicfiss)", needs=Feature.ZICFISS)
    FIOM = rw(0, "fences of I/O order memory too")


class TranslationEnvcfgFields(EnvcfgFields):
    """What menvcfg and henvcfg have in common, but for PMM: a henvcfg bit is read-only zero while the menvcfg bit is 0."""

    STCE = rw(63, "stimecmp (vstimecmp) exists below", needs=Feature.SSTC)
    PBMTE = rw(62, "page tables have memory types (Svpbmt)", needs=Feature.SVPBMT)
    ADUE = rw(61, "hardware sets A and D in page tables (Svadu)", needs=Feature.SVADU)
    DTE = rw(59, "double traps of S-mode (VS-mode) are told to M-mode (Ssdbltrp)", needs=Feature.SSDBLTRP)


_FIELDS = TranslationEnvcfgFields
PARENTAL = (_FIELDS.STCE, _FIELDS.PBMTE, _FIELDS.ADUE, _FIELDS.DTE, _FIELDS.SSE)
"""henvcfg fields that need the same bit in menvcfg (norm:menvcfg_adue_henvcfg_adue_rdonly0 and its like)."""
FREE = M64 & ~sum(field.mask for field in PARENTAL)
"""henvcfg bits that menvcfg has no say in."""


SDT = 1 << 24
"""SDT of mstatus and vsstatus: gone while DTE is 0 (norm:menvcfg_dte_op, norm:henvcfg_dte_op)."""


class Menvcfg(TranslationEnvcfgFields, Csr, address=0x30A, effects=Effect.TRANSLATION | Effect.INTERRUPT):
    """menvcfg, Machine Environment Configuration (norm:menvcfg_sz_acc).

    Unless the hart is strict, ADUE is 1 after reset, as many programs leave A and D of their page tables clear.
    """

    PMM = warl(33, 32, "pointer masking in S-mode (norm:menvcfg_pmm_op)", values=PMM, needs=Feature.SMNPM)
    LPE = rw(2, "S-mode must have landing pads (norm:menvcfg_lpe_op_lead-in)", needs=Feature.ZICFILP)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Set the slot. Software that sets ADUE itself needs no warning about it."""
        new = Menvcfg.legalize(h, h.menvcfg, value)
        if isset(new & u64(~h.menvcfg), Menvcfg.ADUE):
            h.warned |= (1 << Tolerance.AD_UPDATE_S) | (1 << Tolerance.AD_UPDATE_G)
        h.menvcfg = new
        if not isset(new, Menvcfg.DTE):
            h.mstatus &= u64(~SDT)
            h.vsstatus &= u64(~SDT)


class Henvcfg(TranslationEnvcfgFields, Csr, address=0x60A, ext="H", effects=Effect.TRANSLATION | Effect.INTERRUPT):
    """henvcfg, Hypervisor Environment Configuration (norm:henvcfg_sz_acc_op).

    A bit that menvcfg forbids reads as zero and cannot be set, but the bit set before is kept and shows again when
    menvcfg allows it.
    """

    PMM = warl(33, 32, "pointer masking in VS-mode (norm:henvcfg_pmm_op)", values=PMM, needs=Feature.SSNPM)
    LPE = rw(2, "VS-mode must have landing pads (norm:henvcfg_lpe_op)", needs=Feature.ZICFILP)

    @staticmethod
    def read(h: Hart) -> u64:
        """The slot, without what menvcfg forbids."""
        return u64(h.henvcfg & (h.menvcfg | FREE))

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Bits that menvcfg forbids stay as they are."""
        allowed = h.menvcfg | FREE
        new = (h.henvcfg & u64(~allowed)) | (Henvcfg.legalize(h, h.henvcfg, value) & allowed)
        if isset(new & u64(~h.henvcfg), Henvcfg.ADUE):
            h.warned |= 1 << Tolerance.AD_UPDATE_VS
        h.henvcfg = new
        if not isset(new, Henvcfg.DTE):
            h.vsstatus &= u64(~SDT)


class Senvcfg(EnvcfgFields, Csr, address=0x10A, effects=Effect.TRANSLATION):
    """senvcfg, Supervisor Environment Configuration (norm:senvcfg)."""

    PMM = warl(33, 32, "pointer masking in U- and VU-mode (norm:senvcfg_pmm_Ssnpm)", values=PMM, needs=Feature.SSNPM)
    LPE = rw(2, "U- and VU-mode must have landing pads (norm:senvcfg_lpe_Zicfilp)", needs=Feature.ZICFILP)

    @staticmethod
    def read(h: Hart) -> u64:
        """The slot, without SSE where the mode above lacks it (norm:menvcfg_sse_rdonly0, norm:henvcfg_sse_op)."""
        return u64(h.senvcfg if shadow_stacks(h, h.v) else h.senvcfg & u64(~_FIELDS.SSE.mask))

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """A bit SSE that reads as zero stays as it is."""
        new = Senvcfg.legalize(h, h.senvcfg, value)
        if not shadow_stacks(h, h.v):
            new = (new & u64(~_FIELDS.SSE.mask)) | (h.senvcfg & _FIELDS.SSE.mask)
        h.senvcfg = new


class CounterenFields:
    """One bit for each counter (norm:mcounteren_op)."""

    HPM = rw(31, 3, "hpmcounter31 to hpmcounter3 may be read below")
    IR = rw(2, "instret may be read below")
    TM = rw(1, "time may be read, stimecmp used below")
    CY = rw(0, "cycle may be read below")


class Mcounteren(CounterenFields, Csr, address=0x306):
    """mcounteren, Machine Counter-Enable (norm:mcounteren_sz)."""


class Hcounteren(CounterenFields, Csr, address=0x606, ext="H"):
    """hcounteren, Hypervisor Counter-Enable (norm:hcounteren_sz)."""


class Scounteren(CounterenFields, Csr, address=0x106):
    """scounteren, Counter-Enable (norm:scounteren)."""


@inline
def double_traps(h: Hart) -> bool:
    """Whether S-mode has double traps (norm:menvcfg_dte_op)."""
    return isset(h.menvcfg, Menvcfg.DTE)


@inline
def vs_double_traps(h: Hart) -> bool:
    """Whether VS-mode has double traps (norm:henvcfg_dte_op)."""
    return isset(h.menvcfg & h.henvcfg, Menvcfg.DTE)


def envcfg_cause(h: Hart, enable: u64) -> u64:
    """0, or the cause with which the present mode is refused what a bit of `enable` in xenvcfg must allow.

    menvcfg for all modes below M, and for U-mode senvcfg too, else illegal; henvcfg for VS- and VU-mode, and for VU-mode
    senvcfg too, else a virtual instruction.
    """
    if h.mode == 3:
        return 0
    user = h.mode == 0 and h.senvcfg & enable == 0
    if h.menvcfg & enable == 0 or (h.v == 0 and user):
        return Cause.ILLEGAL_INSTRUCTION
    return Cause.VIRTUAL_INSTRUCTION if h.v != 0 and (h.henvcfg & enable == 0 or user) else 0


@inline
def shadow_stacks(h: Hart, v: u64) -> bool:
    """Whether page tables of V=0 or V=1 have shadow-stack pages, and S- or VS-mode shadow stacks (norm:ssmp_menvcfg_sse,
    norm:ssmp_henvcfg_sse)."""
    return isset(h.menvcfg, Menvcfg.SSE) and (v == 0 or isset(h.henvcfg, Henvcfg.SSE))


@inline
def sstc_enabled(h: Hart) -> bool:
    """Whether stimecmp makes STIP (norm:menvcfg_stce_op2)."""
    return isset(h.menvcfg, Menvcfg.STCE)


@inline
def vs_sstc_enabled(h: Hart) -> bool:
    """Whether vstimecmp makes hip.VSTIP (norm:henvcfg_stce)."""
    return isset(h.menvcfg & h.henvcfg, Menvcfg.STCE)
