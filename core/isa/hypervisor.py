# SPDX-License-Identifier: Apache-2.0
"""H, instructions that reach into a guest (priv, Hypervisor Instructions).

Who may execute them is decided in core/trap; guest accesses run with the guest's translation (norm:hlsv_trans).
"""

from __future__ import annotations

from core.hart import Hart
from core.isa.encoding import alias, instruction
from core.isa.intrinsics import Reg, s8, s16, sext32, u64
from core.mmu import fence
from core.mmu.access import guest_fetch_load, guest_load, guest_store
from core.trap.rules import require_guest_access, require_hfence_gvma, require_hfence_vvma


@instruction("0110000 00000 rs1 100 rd 1110011", ext="H", syntax="rd, (rs1)")
def hlv_b(h: Hart, rd: Reg, rs1: Reg) -> None:
    """HLV.B, load a guest's 8-bit value, sign-extended (norm:hlsv_op)."""
    require_guest_access(h)
    h.x[rd] = u64(s8(guest_load(h, h.x[rs1], 1)))


@instruction("0110000 00001 rs1 100 rd 1110011", ext="H", syntax="rd, (rs1)")
def hlv_bu(h: Hart, rd: Reg, rs1: Reg) -> None:
    """HLV.BU, load a guest's 8-bit value, zero-extended (norm:hlsv_op)."""
    require_guest_access(h)
    h.x[rd] = guest_load(h, h.x[rs1], 1)


@instruction("0110010 00000 rs1 100 rd 1110011", ext="H", syntax="rd, (rs1)")
def hlv_h(h: Hart, rd: Reg, rs1: Reg) -> None:
    """HLV.H, load a guest's 16-bit value, sign-extended (norm:hlsv_op)."""
    require_guest_access(h)
    h.x[rd] = u64(s16(guest_load(h, h.x[rs1], 2)))


@instruction("0110010 00001 rs1 100 rd 1110011", ext="H", syntax="rd, (rs1)")
def hlv_hu(h: Hart, rd: Reg, rs1: Reg) -> None:
    """HLV.HU, load a guest's 16-bit value, zero-extended (norm:hlsv_op)."""
    require_guest_access(h)
    h.x[rd] = guest_load(h, h.x[rs1], 2)


@instruction("0110010 00011 rs1 100 rd 1110011", ext="H", syntax="rd, (rs1)")
def hlvx_hu(h: Hart, rd: Reg, rs1: Reg) -> None:
    """HLVX.HU, load 16 bits of a guest's code, execute permission needed (norm:hlsv_u_op)."""
    require_guest_access(h)
    h.x[rd] = guest_fetch_load(h, h.x[rs1], 2)


@instruction("0110100 00000 rs1 100 rd 1110011", ext="H", syntax="rd, (rs1)")
def hlv_w(h: Hart, rd: Reg, rs1: Reg) -> None:
    """HLV.W, load a guest's 32-bit value, sign-extended (norm:hlsv_op)."""
    require_guest_access(h)
    h.x[rd] = sext32(guest_load(h, h.x[rs1], 4))


@instruction("0110100 00001 rs1 100 rd 1110011", ext="H", syntax="rd, (rs1)")
def hlv_wu(h: Hart, rd: Reg, rs1: Reg) -> None:
    """HLV.WU, load a guest's 32-bit value, zero-extended (norm:hlsv_op)."""
    require_guest_access(h)
    h.x[rd] = guest_load(h, h.x[rs1], 4)


@instruction("0110100 00011 rs1 100 rd 1110011", ext="H", syntax="rd, (rs1)")
def hlvx_wu(h: Hart, rd: Reg, rs1: Reg) -> None:
    """HLVX.WU, load 32 bits of a guest's code, execute permission needed (norm:hlsv_u_op)."""
    require_guest_access(h)
    h.x[rd] = guest_fetch_load(h, h.x[rs1], 4)


@instruction("0110110 00000 rs1 100 rd 1110011", ext="H", syntax="rd, (rs1)")
def hlv_d(h: Hart, rd: Reg, rs1: Reg) -> None:
    """HLV.D, load a guest's 64-bit value (norm:hlsv_op)."""
    require_guest_access(h)
    h.x[rd] = guest_load(h, h.x[rs1], 8)


@instruction("0110001 rs2 rs1 100 00000 1110011", ext="H", syntax="rs2, (rs1)")
def hsv_b(h: Hart, rs1: Reg, rs2: Reg) -> None:
    """HSV.B, store the low 8 bits of rs2 in a guest's memory (norm:hlsv_op)."""
    require_guest_access(h)
    guest_store(h, h.x[rs1], 1, h.x[rs2])


@instruction("0110011 rs2 rs1 100 00000 1110011", ext="H", syntax="rs2, (rs1)")
def hsv_h(h: Hart, rs1: Reg, rs2: Reg) -> None:
    """HSV.H, store the low 16 bits of rs2 in a guest's memory (norm:hlsv_op)."""
    require_guest_access(h)
    guest_store(h, h.x[rs1], 2, h.x[rs2])


@instruction("0110101 rs2 rs1 100 00000 1110011", ext="H", syntax="rs2, (rs1)")
def hsv_w(h: Hart, rs1: Reg, rs2: Reg) -> None:
    """HSV.W, store the low 32 bits of rs2 in a guest's memory (norm:hlsv_op)."""
    require_guest_access(h)
    guest_store(h, h.x[rs1], 4, h.x[rs2])


@instruction("0110111 rs2 rs1 100 00000 1110011", ext="H", syntax="rs2, (rs1)")
def hsv_d(h: Hart, rs1: Reg, rs2: Reg) -> None:
    """HSV.D, store the 64 bits of rs2 in a guest's memory (norm:hlsv_op)."""
    require_guest_access(h)
    guest_store(h, h.x[rs1], 8, h.x[rs2])


@instruction("0010001 rs2 rs1 000 00000 1110011", ext="H", syntax="rs1, rs2")
def hfence_vvma(h: Hart, rs1: Reg, rs2: Reg) -> None:
    """HFENCE.VVMA, fence of the guest's own translation: virtual address rs1, ASID rs2 (norm:hfence-vvma_mode)."""
    require_hfence_vvma(h)
    fence.hfence_vvma(h, h.x[rs1], h.x[rs2], rs1 != 0, rs2 != 0)


@instruction("0110001 rs2 rs1 000 00000 1110011", ext="H", syntax="rs1, rs2")
def hfence_gvma(h: Hart, rs1: Reg, rs2: Reg) -> None:
    """HFENCE.GVMA, fence of G-stage translation: guest physical address >> 2 in rs1, VMID rs2 (norm:hfence-gvma_op)."""
    require_hfence_gvma(h)
    fence.hfence_gvma(h, h.x[rs1], h.x[rs2], rs1 != 0, rs2 != 0)


alias("hfence.vvma", "hfence.vvma x0, x0")
alias("hfence.vvma rs1", "hfence.vvma rs1, x0")
alias("hfence.gvma", "hfence.gvma x0, x0")
alias("hfence.gvma rs1", "hfence.gvma rs1, x0")
