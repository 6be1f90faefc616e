# SPDX-License-Identifier: Apache-2.0
"""The entropy source (unpriv, Scalar Cryptography, Entropy Source), deterministic so that a run can be repeated.

Every access an instruction may make to seed is one with a write, whose value does not matter: it takes the entropy away. So
the read shows what there is, without an effect as all reads here, and the write makes the next.
"""

from __future__ import annotations

from core.csr.csr import Csr
from core.csr.fields import ro
from core.csr.pmp import Mseccfg
from core.hart import Hart, state
from core.isa.intrinsics import M64, isset, u64
from core.trap.causes import Cause

state("entropy", doc="what the 16 bits in seed are made from; each access moves it on")

ES16 = 2
STATUS = {0: "BIST: self-test", 1: "WAIT: no entropy yet", ES16: "ES16: 16 bits of entropy", 3: "DEAD: failed for good"}
STRIDE, FIRST_MIX, SECOND_MIX = 0x9E37_79B9_7F4A_7C15, 0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB
"""Constants of the SplitMix64 generator (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators)."""


def start_of_entropy(seed: int, hartid: int) -> int:
    """The slot `entropy` after reset: harts differ. seed: any number. Plain Python."""
    return (seed + (hartid + 1) * SECOND_MIX) & M64


class Seed(Csr, address=0x015, ext="Zkr", slot=False):
    """seed, Entropy Source: 16 bits at each access, always ready (unpriv, Entropy Source)."""

    OPST = ro(31, 30, "status of the entropy source", values=STATUS)
    ENTROPY = ro(15, 0, "entropy, if OPST is ES16")

    @staticmethod
    def read(h: Hart) -> u64:
        """What the next access gets."""
        mixed = u64((h.entropy ^ (h.entropy >> 30)) * FIRST_MIX)
        mixed = u64((mixed ^ (mixed >> 27)) * SECOND_MIX)
        return (ES16 << 30) | (u64(mixed ^ (mixed >> 31)) & 0xFFFF)

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """These bits are gone; the value is ignored."""
        h.entropy = u64(h.entropy + STRIDE)

    @staticmethod
    def poke(h: Hart, value: u64) -> None:
        """A debugger changes nothing."""

    @staticmethod
    def rule(h: Hart) -> u64:
        """M-mode always, S-mode by SSEED, U-mode by USEED; a guest never (norm:mseccfg_sseed_useed_op_tbl)."""
        if h.mode == 3:
            return 0
        if h.mode == 0 and h.v == 0:
            return 0 if isset(h.mseccfg, Mseccfg.USEED) else Cause.ILLEGAL_INSTRUCTION
        if not isset(h.mseccfg, Mseccfg.SSEED):
            return Cause.ILLEGAL_INSTRUCTION
        return Cause.VIRTUAL_INSTRUCTION if h.v != 0 else 0

    @staticmethod
    def read_rule(h: Hart) -> u64:
        """Accesses that do not write are illegal in every mode (norm:mseccfg_sseed_useed_op_tbl)."""
        return Cause.ILLEGAL_INSTRUCTION
