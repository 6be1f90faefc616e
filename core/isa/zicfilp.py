# SPDX-License-Identifier: Apache-2.0
"""Zicfilp, landing pads: what AUIPC with rd=x0 and JALR are on harts that have it (unpriv, Zicfilp for Landing Pad)."""

from __future__ import annotations

from core.hart import Hart
from core.isa import rv_i_control
from core.isa.encoding import instruction
from core.isa.intrinsics import Reg, Trap, s64, u64
from core.trap.causes import Cause, SoftwareCheck
from core.trap.landing import expect

LABEL = 0xFFFF_F000
"""Where x7 has the label that is wanted (norm:zicflip_lpad_label)."""


@instruction("imm[31:12] 00000 0010111", ext="Zicfilp", syntax="imm[31:12]", over="auipc")
def lpad(h: Hart, imm: s64) -> None:
    """LPAD, landing pad: with ELP, pc must be aligned to 4 and the label 0 or that in x7 (norm:zicflip_elp_lpad_expected).

    Without ELP it does nothing. ELP is only ever set where landing pads are enforced.
    """
    if h.elp != 0:
        label = u64(imm) & LABEL
        if h.pc & 3 != 0 or (label != 0 and label != h.x[7] & LABEL):
            raise Trap(Cause.SOFTWARE_CHECK, SoftwareCheck.LANDING_PAD)
        h.elp = 0


@instruction("imm[11:0] rs1 000 rd 1100111", ext="Zicfilp", syntax="rd, imm(rs1)", over="jalr", name="jalr")
def jalr(h: Hart, rd: Reg, rs1: Reg, imm: s64) -> None:
    """JALR, as ever; unless through x1, x5 or x7 it expects a landing pad (norm:zicflip_indirect_branch_lpad)."""
    rv_i_control.jalr(h, rd, rs1, imm)
    if rs1 != 1 and rs1 != 5 and rs1 != 7:
        expect(h)
