# SPDX-License-Identifier: Apache-2.0
"""mtinst and htinst: transformed instructions and pseudoinstructions."""

from __future__ import annotations

import pytest

from core.hart import Hart
from core.isa.decode import expand
from core.trap.causes import OFFSET_LSB, Cause, TrapInfo
from core.trap.interrupts import take_interrupt
from core.trap.tinst import transformed
from tests.unit.test_csr_support import make_hart, trap

LOAD, STORE, FETCH = Cause.LOAD_GUEST_PAGE_FAULT, Cause.STORE_GUEST_PAGE_FAULT, Cause.INSTRUCTION_GUEST_PAGE_FAULT
GVA, READ, WRITE = TrapInfo.GVA, TrapInfo.IMPLICIT_READ, TrapInfo.IMPLICIT_WRITE

LD_A0_40_A1 = 0x0285_B503
SD_A0_40_A1 = 0x02A5_B423
AMOADD_D_AQRL = 0x06B6_352F
LR_W_AQ = 0x1405_252F
SC_D_RL = 0x1AB6_352F
HLV_WU_A0_A1 = 0x6815_C573
HLVX_HU_A0_A1 = 0x6435_C573
HSV_D_A0_A1 = 0x6EA5_C073
C_LW_A0_4_A1 = 0x41C8
C_SDSP_A0_8 = 0xE42A
C_LD_A0_8_A1 = 0x6588
FLD_FA0_8_A1 = 0x0085_B507
FSW_FA0_8_A1 = 0x00A5_A427
VLE8_V0_A1 = 0x0205_8007
CBO_ZERO_A0 = 0x0045_200F
RS1 = 31 << 15


def faulting(cause: int, info: int = GVA, target: str = "HS", strict: int = 0, tinst_zero: int = 0) -> int:
    """The value of htinst (mtinst) after a trap from VS-mode at a load."""
    h: Hart = make_hart("VS", strict=strict, htinst=0xBAD, mtinst=0xBAD, tinst_zero=tinst_zero)
    h.medeleg = 0 if target == "M" else (1 << 24) - 1
    trap(h, cause, 0x4000, 0x8000, info, LD_A0_40_A1)
    return int(h.mtinst if target == "M" else h.htinst)


@pytest.mark.parametrize("cause", [LOAD, STORE, FETCH])
@pytest.mark.parametrize("target", ["M", "HS"])
@pytest.mark.parametrize("strict", [0, 1])
def test_h091_h092_implicit_accesses_give_pseudoinstructions(cause: int, target: str, strict: int) -> None:
    """norm:H_trap_xtinst_guestpage, norm:H_trap_xtinst_guestpage_rw: for fetches too, whatever the options say."""
    assert faulting(cause, GVA | READ, target=target, strict=strict, tinst_zero=1) == 0x3000
    assert faulting(cause, GVA | WRITE, target=target, strict=strict) == 0x3020


def test_h093_interrupts_give_zero() -> None:
    """norm:H_trap_xtinst_interrupt."""
    for mideleg, name in ((0x444, "mtinst"), (0x666, "htinst")):
        h = make_hart("VS", strict=False, mtinst=1, htinst=1, mie=2, mip=2, inst=LD_A0_40_A1)
        h.mideleg = mideleg
        assert take_interrupt(h)
        assert getattr(h, name) == 0


@pytest.mark.parametrize("cause", [0, 1, 2, 3, 8, 9, 10, 12, 22, 20])
@pytest.mark.parametrize("target", ["M", "HS"])
def test_h093_traps_that_are_no_access_give_zero(cause: int, target: str) -> None:
    """norm:H_trap_xtinst_val, table tinst-values."""
    assert faulting(cause, target=target) == 0


@pytest.mark.parametrize("cause", [4, 5, 6, 7, 13, 15, 21, 23])
@pytest.mark.parametrize("target", ["M", "HS"])
def test_h094_accesses_give_the_transformed_instruction(cause: int, target: str) -> None:
    assert faulting(cause, target=target) == 0x0000_3503


def test_h095_zero_can_be_chosen_instead() -> None:
    """norm:H_trap_xtinst."""
    assert faulting(LOAD) == 0x0000_3503
    assert faulting(LOAD, strict=1) == faulting(LOAD, tinst_zero=1) == 0


@pytest.mark.parametrize(
    ("inst", "expected"),
    [
        (LD_A0_40_A1, 0x0000_3503),
        (SD_A0_40_A1, 0x00A0_3023),
        (AMOADD_D_AQRL, AMOADD_D_AQRL & ~RS1),
        (LR_W_AQ, LR_W_AQ & ~RS1),
        (SC_D_RL, SC_D_RL & ~RS1),
        (HLV_WU_A0_A1, 0x6810_4573),
        (HLVX_HU_A0_A1, 0x6430_4573),
        (HSV_D_A0_A1, 0x6EA0_4073),
        (C_LW_A0_4_A1, 0x0000_2501),
        (C_LD_A0_8_A1, 0x0000_3501),
        (C_SDSP_A0_8, 0x00A0_3021),
        (FLD_FA0_8_A1, 0x0000_3507),
        (FSW_FA0_8_A1, 0x00A0_2027),
        (VLE8_V0_A1, 0),
        (CBO_ZERO_A0, 0x0040_200F),  # norm:h_trans_cache
    ],
    ids=["ld", "sd", "amoadd", "lr", "sc", "hlv", "hlvx", "hsv", "c.lw", "c.ld", "c.sdsp", "fld", "fsw", "vle", "cbo"],
)
def test_h094_transformations(inst: int, expected: int) -> None:
    """Immediates go, rs1 gives way to the offset, aq, rl and funct7 stay; bit 1 is 0 for compressed instructions."""
    assert transformed(inst, 0) == expected
    if expected:
        for offset in (1, 7):
            assert transformed(inst, offset) == expected | offset << 15, "norm:H_tinst_addr_offset"


def test_h094_offset_of_a_misaligned_access() -> None:
    """norm:H_tinst_addr_offset: how far into the access the faulting byte is."""
    assert faulting(LOAD, GVA | 3 << OFFSET_LSB) == 0x0000_3503 | 3 << 15


def test_h096_values_for_vsxl_32_do_not_occur() -> None:
    """table pseudoinsts: VSXLEN is always 64."""
    got = {faulting(cause, GVA | kind) for cause in (LOAD, STORE, FETCH) for kind in (READ, WRITE)}
    assert got == {0x3000, 0x3020}


def test_compressed_instructions_expand() -> None:
    assert expand(C_LW_A0_4_A1) == 0x0045_A503
