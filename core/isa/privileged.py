# SPDX-License-Identifier: Apache-2.0
"""Privileged instructions (priv, Privileged Instructions of the Machine-Level and Supervisor-Level ISA).

Who may execute them, and whether a refusal is an illegal or a virtual instruction, is decided in core/trap.
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import alias, instruction
from core.isa.intrinsics import Reg
from core.mmu import fence
from core.trap.interrupts import recheck
from core.trap.ret import do_mnret, do_mret, do_sret
from core.trap.rules import require_sfence, require_wfi


@instruction("0011000 00010 00000 000 00000 1110011", ext="I")
def mret(h: Hart) -> None:
    """MRET, return from a trap taken in M-mode (norm:mret_h)."""
    do_mret(h)


@instruction("0001000 00010 00000 000 00000 1110011", ext="S")
def sret(h: Hart) -> None:
    """SRET, return from a trap taken in HS- or VS-mode (norm:sret_v0, norm:sret_v1)."""
    do_sret(h)


@instruction("0111000 00010 00000 000 00000 1110011", ext="Smrnmi")
def mnret(h: Hart) -> None:
    """MNRET, return from the RNMI trap handler (norm:mnret_exist)."""
    do_mnret(h)


@instruction("0001000 00101 00000 000 00000 1110011", ext="I")
def wfi(h: Hart) -> None:
    """WFI, wait for an interrupt (norm:wfi_op)."""
    require_wfi(h)
    h.wfi = 1
    recheck(h)


@instruction("0001001 rs2 rs1 000 00000 1110011", ext="S", syntax="rs1, rs2")
def sfence_vma(h: Hart, rs1: Reg, rs2: Reg) -> None:
    """SFENCE.VMA, translations of address rs1 and ASID rs2 see earlier writes to page tables (norm:sfence_vma_op).

    x0 means every address, every ASID (norm:sfence_vma_all_asid_va).
    """
    require_sfence(h)
    fence.sfence_vma(h, h.x[rs1], h.x[rs2], rs1 != 0, rs2 != 0)


alias("sfence.vma", "sfence.vma x0, x0")
alias("sfence.vma rs1", "sfence.vma rs1, x0")
