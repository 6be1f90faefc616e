# SPDX-License-Identifier: Apache-2.0
"""Translation modes as data, and the words in which an access is described to the walker.

An access is told by immutable values only: what it does (Access), and under which rights (a Regime word).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from core.csr import translation
from core.csr.fields import rw
from core.isa.intrinsics import s64, u64

PAGE_SIZE = 4096
OFFSET_MASK = PAGE_SIZE - 1
PAGE_MASK = (1 << 64) - PAGE_SIZE
ROOT_WIDENING = 2
"""Extra bits of a guest physical address, and of the root index of its page table (norm:hgatp_mode_x4)."""


@dataclass(frozen=True)
class Mode:
    """A value of satp.MODE, vsatp.MODE or hgatp.MODE (norm:satp_mode, norm:hgatp_mode_sv).

    value: the encoding; levels: of page tables, 0 for Bare; bits: width of a virtual address.
    """

    name: str
    value: int
    levels: int
    bits: int

    def name_at(self, stage: Stage) -> str:
        """The name, which in the G-stage ends in x4."""
        return f"{self.name}x4" if stage == Stage.G and self.levels else self.name

    def bits_at(self, stage: Stage) -> int:
        """Width of an address to be translated: two bits more in the G-stage."""
        return self.bits + ROOT_WIDENING if stage == Stage.G and self.levels else self.bits


BARE = Mode("Bare", translation.BARE, 0, 64)
SV39 = Mode("Sv39", translation.SV39, 3, 39)
SV48 = Mode("Sv48", translation.SV48, 4, 48)
SV57 = Mode("Sv57", translation.SV57, 5, 57)
MODES = {mode.value: mode for mode in (BARE, SV39, SV48, SV57)}
"""The modes by encoding; other values are reserved and never get into the CSRs."""


class Stage(IntEnum):
    """Which translation: S by satp, VS by vsatp, G by hgatp."""

    S = 0
    VS = 1
    G = 2


class Access(IntEnum):
    """What an access does: AMOs, SC and CBO.ZERO are writes, LR is a read (norm:store_page_fault_no_w).

    Accesses by shadow-stack instructions come last; both kinds fault as stores do (norm:ss_fault_exception_code).
    """

    READ = 0
    WRITE = 1
    FETCH = 2
    HLVX = 3  # a read that needs execute permission in place of read permission (norm:hlsv_u_op)
    MANAGE = 4  # cache-block management: needs what a read needs, faults as a write does (norm:cbm_unperm_fault)
    SHADOW_READ = 5  # SSPOPCHK
    SHADOW_WRITE = 6  # SSPUSH, SSAMOSWAP


class Regime:
    """The rights under which an access is made, as one word.

    In M-mode all other bits but PMM are zero, so equal rights are equal words.
    """

    PRIV = rw(1, 0, "effective privilege mode: 0 U, 1 S, 3 M")
    V = rw(2, "effective virtualization mode")
    SUM = rw(3, "the SUM that governs: sstatus.SUM, or vsstatus.SUM when V=1")
    MXR = rw(4, "execute-only pages are readable in the first stage")
    GMXR = rw(5, "execute-only pages are readable in the G-stage")
    PMM = rw(7, 6, "pointer masking, coded as in menvcfg.PMM; 0 while MXR acts (norm:pm_mxr_exception)")
    SSE = rw(8, "the first stage has shadow-stack pages: a change acts without a fence (norm:zicfiss_smode_xsse)")


def is_shadow(access: u64) -> bool:
    """Whether an access is one by a shadow-stack instruction."""
    return access >= Access.SHADOW_READ


def levels_of(mode: u64) -> u64:
    """Levels of page tables of a MODE value; 0 for Bare."""
    if mode == SV39.value:
        return SV39.levels
    if mode == SV48.value:
        return SV48.levels
    return SV57.levels if mode == SV57.value else 0


def address_fits(address: u64, levels: u64, stage: u64) -> bool:
    """Whether an address can be translated by `levels` levels.

    First stage: the upper bits repeat the highest translated one (norm:Sv39_va_signext). G-stage: they are zero
    (norm:hgatp_mode_sv39x4).
    """
    bits = u64(12 + 9 * levels)
    if stage == Stage.G:
        return address >> u64(bits + ROOT_WIDENING) == 0
    unused = u64(64 - bits)
    return u64(s64(address << unused) >> unused) == address


def table_index(address: u64, level: u64, levels: u64, stage: u64) -> u64:
    """The index into the page table of `level`; the G-stage's root table is four times as large
    (norm:hgatp_mode_x4)."""
    index = address >> u64(12 + 9 * level)
    if stage == Stage.G and u64(level + 1) == levels:
        return index & 0x7FF
    return index & 0x1FF
