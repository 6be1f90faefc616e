# SPDX-License-Identifier: Apache-2.0
"""Zicbom and Zicboz, operations on the cache block that contains an address (unpriv, Zicbom; unpriv, Zicboz).

All harts and devices see the same memory and there is no cache: of the management instructions only the checks remain,
and a flush and an invalidation are the same. The prefetches of Zicbop are in core.isa.zihint.
"""

from __future__ import annotations

from core.csr.config import EnvcfgFields
from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.intrinsics import Reg
from core.mmu.block import manage_block, zero_block
from core.trap.rules import require_cbo


@instruction("000000000000 rs1 010 00000 0001111", ext="Zicbom", syntax="(rs1)")
def cbo_inval(h: Hart, rs1: Reg) -> None:
    """CBO.INVAL, invalidate or, as CBIE says, flush (norm:cbo-inval_op, norm:cbo-inval)."""
    require_cbo(h, EnvcfgFields.CBIE.mask)
    manage_block(h, h.x[rs1])


@instruction("000000000001 rs1 010 00000 0001111", ext="Zicbom", syntax="(rs1)")
def cbo_clean(h: Hart, rs1: Reg) -> None:
    """CBO.CLEAN, write modified data back to memory (norm:cbo-clean_op, norm:cbo-clean_cbo-flush)."""
    require_cbo(h, EnvcfgFields.CBCFE.mask)
    manage_block(h, h.x[rs1])


@instruction("000000000010 rs1 010 00000 0001111", ext="Zicbom", syntax="(rs1)")
def cbo_flush(h: Hart, rs1: Reg) -> None:
    """CBO.FLUSH, clean and invalidate (norm:cbo-flush_op, norm:cbo-clean_cbo-flush)."""
    require_cbo(h, EnvcfgFields.CBCFE.mask)
    manage_block(h, h.x[rs1])


@instruction("000000000100 rs1 010 00000 0001111", ext="Zicboz", syntax="(rs1)")
def cbo_zero(h: Hart, rs1: Reg) -> None:
    """CBO.ZERO, store zeros to the whole block (norm:cbo-zero_op, norm:cbo-zero_basedon_xenvcfg-CBZE)."""
    require_cbo(h, EnvcfgFields.CBZE.mask)
    zero_block(h, h.x[rs1])
