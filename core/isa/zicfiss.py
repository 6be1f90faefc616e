# SPDX-License-Identifier: Apache-2.0
"""Zicfiss, shadow stacks: may-be-operations with a meaning where they are active, and SSAMOSWAP (unpriv, Shadow Stack).

Where they are not active, the may-be-operations are what Zimop and Zcmop make them (norm:menvcfg_sse_op_list). The stack
grows downwards; ssp is always aligned to 8 bytes, so there is no misaligned access (norm:ssp_xlen_aligned).
"""

from __future__ import annotations

from core.csr.shadow import shadow_stack_active
from core.hart import Hart
from core.isa import zimop  # noqa: F401 (declare what is taken over)
from core.isa.encoding import compressed, instruction
from core.isa.intrinsics import Reg, Trap, sext32, u64
from core.mmu.shadow import shadow_load, shadow_store, shadow_swap
from core.trap.causes import Cause, SoftwareCheck
from core.trap.rules import require_shadow_swap


@instruction("1100111 rs2=00.01 00000 100 00000 1110011", ext="Zicfiss", over="mop.rr")
def sspush(h: Hart, rs2: Reg) -> None:
    """SSPUSH x1, SSPUSH x5: push the link register (norm:ss_push, norm:sspush_c-sspush_decrement)."""
    if shadow_stack_active(h):
        top = u64(h.ssp - 8)
        shadow_store(h, top, 8, h.x[rs2])
        h.ssp = top


@instruction("110011011100 rs1=00.01 100 00000 1110011", ext="Zicfiss", over="mop.r")
def sspopchk(h: Hart, rs1: Reg) -> None:
    """SSPOPCHK x1, SSPOPCHK x5: pop, and a software check unless that is the link register (norm:sspop_exception,
    norm:sspop_increment)."""
    if shadow_stack_active(h):
        if shadow_load(h, h.ssp) != h.x[rs1]:
            raise Trap(Cause.SOFTWARE_CHECK, SoftwareCheck.SHADOW_STACK)
        h.ssp = u64(h.ssp + 8)


@instruction("110011011100 00000 100 rd!=0 1110011", ext="Zicfiss", over="mop.r")
def ssrdp(h: Hart, rd: Reg) -> None:
    """SSRDP, read ssp; 0 where shadow stacks are not active (norm:ssrdp_read)."""
    h.x[rd] = h.ssp if shadow_stack_active(h) else 0


@instruction("01001 (aq) (rl) rs2 rs1 010 rd 0101111", ext="Zicfiss", syntax="rd, rs2, (rs1)")
def ssamoswap_w(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SSAMOSWAP.W, 32-bit swap in a shadow stack, also in M-mode by MPRV (norm:rv64_ssamoswap-w_op)."""
    require_shadow_swap(h)
    h.x[rd] = sext32(shadow_swap(h, h.x[rs1], 4, h.x[rs2]))


@instruction("01001 (aq) (rl) rs2 rs1 011 rd 0101111", ext="Zicfiss", syntax="rd, rs2, (rs1)")
def ssamoswap_d(h: Hart, rd: Reg, rs1: Reg, rs2: Reg) -> None:
    """SSAMOSWAP.D, 64-bit swap in a shadow stack (norm:rv64_ssamoswap-w_op, norm:ssamoswap_address)."""
    require_shadow_swap(h)
    h.x[rd] = shadow_swap(h, h.x[rs1], 8, h.x[rs2])


compressed("c.sspush", "011 00 000 1 00000 01", "sspush x1", ext="Zicfiss Zcmop C", over="c.mop")
compressed("c.sspopchk", "011 00 010 1 00000 01", "sspopchk x5", ext="Zicfiss Zcmop C", over="c.mop")
