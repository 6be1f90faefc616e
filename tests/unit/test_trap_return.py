# SPDX-License-Identifier: Apache-2.0
"""MRET and SRET, and who may execute privileged instructions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.features import DEFAULT_FEATURES, Feature
from core.hart import Hart
from core.isa.intrinsics import Trap
from core.trap import rules
from core.trap.ret import do_mret, do_sret
from tests.unit.test_csr_support import ILLEGAL, MODES, ONES, VIRTUAL, bit, field, make_hart, traps, where

M = {name: bit("mstatus", name) for name in ["MPV", "MPIE", "MIE", "MPRV", "SPP", "SPIE", "SIE", "TSR", "TW", "TVM", "MPP"]}
H = {name: bit("hstatus", name) for name in ["SPV", "SPVP", "HU", "VTSR", "VTW", "VTVM"]}
VSPP, VSPIE = bit("vsstatus", "SPP"), bit("vsstatus", "SPIE")


@pytest.mark.parametrize("mode", ["M", "HS"])
@pytest.mark.parametrize("spv", [0, 1])
@pytest.mark.parametrize("spp", [0, 1])
@pytest.mark.parametrize("spie", [0, 1])
def test_h005_h009_sret_with_v_0(mode: str, spv: int, spp: int, spie: int) -> None:
    """norm:sret_v0, in M-mode as in HS-mode."""
    h = make_hart(mode, sepc=0x8040_0000, vsepc=1, mepc=2)
    h.mstatus |= spp << 8 | spie << 5
    h.hstatus |= spv << 7 | H["SPVP"]
    do_sret(h)
    assert (h.mode, h.v, h.npc) == (spp, spv, 0x8040_0000)
    assert [field(h, "mstatus", name) for name in ("SPP", "SPIE", "SIE")] == [0, 1, spie]
    assert (field(h, "hstatus", "SPV"), field(h, "hstatus", "SPVP")) == (0, 1)
    assert h.left == 1, "interrupts may be due now"


@pytest.mark.parametrize("spp", [0, 1])
def test_h006_sret_in_vs_mode(spp: int) -> None:
    """norm:sret_v1: vsstatus and vsepc, hstatus untouched."""
    h = make_hart("VS", vsepc=0x8050_0002, sepc=1)
    h.vsstatus |= spp << 8 | VSPIE
    h.hstatus |= H["SPV"]
    h.mstatus |= M["SPP"]
    mstatus, hstatus = h.mstatus, h.hstatus
    do_sret(h)
    assert (h.mode, h.v, h.npc) == (spp, 1, 0x8050_0002)
    assert [field(h, "vsstatus", name) for name in ("SPP", "SPIE", "SIE")] == [0, 1, 1]
    assert (h.mstatus, h.hstatus) == (mstatus, hstatus)


@pytest.mark.parametrize("mpv", [0, 1])
@pytest.mark.parametrize("mpp", [0, 1, 3])
@pytest.mark.parametrize("mpie", [0, 1])
def test_h007_mret(mpv: int, mpp: int, mpie: int) -> None:
    """norm:mret_h, table h-mpp: MPV is ignored when MPP=3."""
    h = make_hart("M", mepc=0x8060_0000)
    h.mstatus |= mpv << 39 | mpp << 11 | mpie << 7
    do_mret(h)
    assert (h.mode, h.v, h.npc) == (mpp, 0 if mpp == 3 else mpv, 0x8060_0000)
    assert [field(h, "mstatus", name) for name in ("MPP", "MPV", "MPIE", "MIE")] == [0, 0, 1, mpie]


@pytest.mark.parametrize("mpp", [0, 1, 3])
def test_h008_mret_below_m_clears_mprv(mpp: int) -> None:
    """norm:mstatus_mprv_clr_mret_sret_less_priv."""
    h = make_hart("M")
    h.mstatus |= M["MPRV"] | mpp << 11
    do_mret(h)
    assert field(h, "mstatus", "MPRV") == (mpp == 3)


@pytest.mark.parametrize("mode", ["M", "HS", "VS"])
def test_h008_sret_clears_mprv(mode: str) -> None:
    h = make_hart(mode)
    h.mstatus |= M["MPRV"]
    do_sret(h)
    assert field(h, "mstatus", "MPRV") == 0


def test_return_addresses_follow_c() -> None:
    """norm:sepc."""
    h = make_hart("M", features=DEFAULT_FEATURES & ~Feature.C, mepc=0x1002)
    do_mret(h)
    assert h.npc == 0x1000


def test_mret_is_illegal_below_m() -> None:
    for mode in ("HS", "U", "VS", "VU"):
        traps(ILLEGAL, do_mret, make_hart(mode))


Rule = Callable[[Hart], None]
SFENCE = (rules.require_sfence,)


def refusals(rule: Rule, mstatus: int = 0, hstatus: int = 0) -> dict[str, int]:
    """The cause in each mode, 0 where the instruction may be executed."""
    found = {}
    for mode in MODES:
        h = make_hart(mode)
        h.mstatus |= mstatus
        h.hstatus |= hstatus
        before = h.snapshot()
        try:
            rule(h)
            found[mode] = 0
        except Trap as trap:
            found[mode] = trap.cause
            assert h.snapshot() == before, "a refusal changes nothing"
    return found


def by_mode(*causes: int) -> dict[str, int]:
    """Causes for M, HS, U, VS, VU."""
    return dict(zip(MODES, causes, strict=True))


def test_h027_h028_guest_accesses() -> None:
    """norm:hlsv_virtinst, norm:hlsv_illegalinst, norm:H_virtinst_vu_vs_hinst."""
    assert refusals(rules.require_guest_access) == by_mode(0, 0, ILLEGAL, VIRTUAL, VIRTUAL)
    assert refusals(rules.require_guest_access, hstatus=H["HU"]) == by_mode(0, 0, 0, VIRTUAL, VIRTUAL)


def test_h028_hfence() -> None:
    """norm:hfence-vvma_hfence-gvma_exceptions."""
    assert refusals(rules.require_hfence_vvma) == by_mode(0, 0, ILLEGAL, VIRTUAL, VIRTUAL)
    assert refusals(rules.require_hfence_gvma, hstatus=H["HU"]) == by_mode(0, 0, ILLEGAL, VIRTUAL, VIRTUAL)


def test_h029_h030_h031_wfi() -> None:
    """norm:hstatus_vtw_op, norm:mstatus_tw_op, norm:mstatus_modes, norm:H_virtinst_vu_wfi_tw0."""
    assert refusals(rules.require_wfi) == by_mode(0, 0, ILLEGAL, 0, VIRTUAL)
    assert refusals(rules.require_wfi, hstatus=H["VTW"]) == by_mode(0, 0, ILLEGAL, VIRTUAL, VIRTUAL)
    for hstatus in (0, H["VTW"]):
        expected = by_mode(0, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL)
        assert refusals(rules.require_wfi, mstatus=M["TW"], hstatus=hstatus) == expected


def test_h032_sret() -> None:
    """norm:hstatus_vtsr_op, norm:H_virtinst_vs_sret_vtsr1, norm:H_virtinst_vu_sret_sfence; TSR acts in HS-mode only."""
    assert refusals(do_sret) == by_mode(0, 0, ILLEGAL, 0, VIRTUAL)
    assert refusals(do_sret, hstatus=H["VTSR"]) == by_mode(0, 0, ILLEGAL, VIRTUAL, VIRTUAL)
    assert refusals(do_sret, mstatus=M["TSR"]) == by_mode(0, ILLEGAL, ILLEGAL, 0, VIRTUAL)


def test_h033_sfence() -> None:
    """norm:hstatus_vtvm_op, norm:H_virtinst_vs_sfence_sinval_satp_vtvm1; TVM acts in HS-mode only."""
    assert refusals(rules.require_sfence) == by_mode(0, 0, ILLEGAL, 0, VIRTUAL)
    assert refusals(rules.require_sfence, hstatus=H["VTVM"]) == by_mode(0, 0, ILLEGAL, VIRTUAL, VIRTUAL)
    assert refusals(rules.require_sfence, mstatus=M["TVM"]) == by_mode(0, ILLEGAL, ILLEGAL, 0, VIRTUAL)


def test_h034_h099_fences_of_guests_and_tvm() -> None:
    """norm:mstatus_tvm_hs, norm:hfence-vvma_tvm: only HFENCE.GVMA is trapped, in HS-mode."""
    assert refusals(rules.require_hfence_gvma, M["TVM"], H["VTVM"]) == by_mode(0, ILLEGAL, ILLEGAL, VIRTUAL, VIRTUAL)
    assert refusals(rules.require_hfence_vvma, M["TVM"], H["VTVM"]) == by_mode(0, 0, ILLEGAL, VIRTUAL, VIRTUAL)


def test_h103_sfence_w_inval() -> None:
    """norm:Svinval_sfence_w_inval_inval_vu_mode; VTVM and TVM do not act on it."""
    assert refusals(rules.require_sfence_inval, M["TVM"], H["VTVM"]) == by_mode(0, 0, ILLEGAL, 0, VIRTUAL)


def test_h020_hypervisor_instructions_after_h_went() -> None:
    """norm:misa_h_op."""
    for rule in (rules.require_guest_access, rules.require_hfence_vvma, rules.require_hfence_gvma):
        traps(ILLEGAL, rule, make_hart("M", features=DEFAULT_FEATURES & ~Feature.H))


def test_returns_need_no_memory_of_values_beyond_64_bits() -> None:
    h = make_hart("M", mepc=ONES - 1)
    h.mstatus |= M["MPP"] | M["MPV"]
    do_mret(h)
    assert (where(h), h.npc) == ("M", ONES - 1)
