# SPDX-License-Identifier: Apache-2.0
"""Svinval, address-translation fences in three parts (priv, Svinval).

The middle part does what the whole fence would; the outer parts only order, and accesses happen in program order here.
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import instruction
from core.isa.intrinsics import Reg
from core.mmu import fence
from core.trap.rules import require_hfence_gvma, require_hfence_vvma, require_sfence, require_sfence_inval


@instruction("0001011 rs2 rs1 000 00000 1110011", ext="Svinval", syntax="rs1, rs2")
def sinval_vma(h: Hart, rs1: Reg, rs2: Reg) -> None:
    """SINVAL.VMA, as SFENCE.VMA between the two below (norm:Svinval_sinval_vma_invalidates_same_as_sfence_vma)."""
    require_sfence(h)
    fence.sfence_vma(h, h.x[rs1], h.x[rs2], rs1 != 0, rs2 != 0)


@instruction("0001100 00000 00000 000 00000 1110011", ext="Svinval")
def sfence_w_inval(h: Hart) -> None:
    """SFENCE.W.INVAL, orders stores before later SINVAL.VMA (norm:Svinval_sequence_reads_writes_before)."""
    require_sfence_inval(h)


@instruction("0001100 00001 00000 000 00000 1110011", ext="Svinval")
def sfence_inval_ir(h: Hart) -> None:
    """SFENCE.INVAL.IR, orders SINVAL.VMA before later translations (norm:Svinval_sequence_reads_writes_after)."""
    require_sfence_inval(h)


@instruction("0010011 rs2 rs1 000 00000 1110011", ext="Svinval", syntax="rs1, rs2")
def hinval_vvma(h: Hart, rs1: Reg, rs2: Reg) -> None:
    """HINVAL.VVMA, to HFENCE.VVMA what SINVAL.VMA is to SFENCE.VMA (norm:Svinval_hinval_vvma_gvma)."""
    require_hfence_vvma(h)
    fence.hfence_vvma(h, h.x[rs1], h.x[rs2], rs1 != 0, rs2 != 0)


@instruction("0110011 rs2 rs1 000 00000 1110011", ext="Svinval", syntax="rs1, rs2")
def hinval_gvma(h: Hart, rs1: Reg, rs2: Reg) -> None:
    """HINVAL.GVMA, to HFENCE.GVMA what SINVAL.VMA is to SFENCE.VMA (norm:Svinval_hinval_gvma_uses_vmid)."""
    require_hfence_gvma(h)
    fence.hfence_gvma(h, h.x[rs1], h.x[rs2], rs1 != 0, rs2 != 0)
