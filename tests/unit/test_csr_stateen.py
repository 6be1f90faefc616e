# SPDX-License-Identifier: Apache-2.0
"""Smstateen and Ssstateen: what state less privileged modes may touch. Rules 104 to 106 of the hypervisor checklist."""

from __future__ import annotations

import pytest

from core.csr.registry import CSRS_BY_NAME, read_csr
from core.features import DEFAULT_FEATURES, Feature
from core.trap.start import start_supervisor
from tests.unit.test_csr_support import ALL, ILLEGAL, MODES, ONES, VIRTUAL, bit, cause, enter, make_hart, read, write, written

SE0, ENVCFG = bit("mstateen0", "SE0"), bit("mstateen0", "ENVCFG")
CSRIND, AIA, IMSIC = (bit("mstateen0", name) for name in ("CSRIND", "AIA", "IMSIC"))
BELOW = [mode for mode in MODES if mode != "M"]


def test_features_are_there_by_default() -> None:
    assert Feature.SMSTATEEN in DEFAULT_FEATURES and Feature.SSSTATEEN in DEFAULT_FEATURES


@pytest.mark.parametrize("number", range(4))
def test_existence(number: int) -> None:
    h = make_hart(features=DEFAULT_FEATURES & ~(Feature.SMSTATEEN | Feature.SSSTATEEN))
    for level in "mhs":
        assert cause(h, f"{level}stateen{number}") == ILLEGAL
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.H)
    assert [cause(h, f"{level}stateen{number}") for level in "mhs"] == [0, ILLEGAL, 0]


def test_writable_bits() -> None:
    """norm:stateen_unimplemented_state_roz, norm:stateen_reserved_roz, norm:hstateen_bit_63_writable."""
    for features, extra in ((DEFAULT_FEATURES & ~Feature.SSAIA, 0), (ALL, CSRIND | AIA | IMSIC)):
        h = make_hart(features=features, firmware=False)
        assert written(h, "mstateen0", ONES) == SE0 | ENVCFG | extra
        assert written(h, "hstateen0", ONES) == SE0 | ENVCFG | extra
        assert written(h, "sstateen0", ONES) == 0
        for number in (1, 2, 3):
            assert written(h, f"mstateen{number}", ONES) == SE0
            assert written(h, f"hstateen{number}", ONES) == SE0
            assert written(h, f"sstateen{number}", ONES) == 0


def test_all_are_zero_after_reset() -> None:
    """norm:mstateen_zero_initialization."""
    h = make_hart(firmware=False)
    for number in range(4):
        assert read(h, f"mstateen{number}") == read(h, f"hstateen{number}") == 0


@pytest.mark.parametrize(("number", "mask"), [(0, ENVCFG), (0, SE0), (1, SE0), (2, SE0), (3, SE0)])
def test_h105_hstateen_bits_need_those_of_mstateen(number: int, mask: int) -> None:
    """norm:mstateen_lower_priv_roz."""
    m, g = f"mstateen{number}", f"hstateen{number}"
    h = make_hart(firmware=False)
    assert written(h, g, mask) == 0
    write(h, m, mask)
    assert read(h, g) == 0, "nothing had been set"
    assert written(h, g, ONES) & mask == mask
    write(h, m, 0)
    assert read(h, g) == 0
    write(h, g, 0)
    write(h, m, mask)
    assert read(h, g) == mask, "what was set shows again"


def test_h104_envcfg_in_mstateen0_is_illegal_in_all_modes_below() -> None:
    """norm:mstateen0_envcfg_op; from V=1 too, as HS-mode may not either."""
    h = make_hart()
    write(h, "mstateen0", ONES & ~ENVCFG)
    for name in ("henvcfg", "senvcfg"):
        for mode in BELOW:
            assert cause(enter(h, mode), name) == cause(h, name, write=True) == ILLEGAL
        assert cause(enter(h, "M"), name) == 0
    assert cause(enter(h, "HS"), "menvcfg") == ILLEGAL


def test_h104_envcfg_in_hstateen0_is_virtual_in_a_guest() -> None:
    """norm:hstateen0_envcfg_op."""
    h = make_hart()
    write(h, "hstateen0", ONES & ~ENVCFG)
    assert [cause(enter(h, mode), "senvcfg") for mode in MODES] == [0, 0, ILLEGAL, VIRTUAL, VIRTUAL]
    assert [cause(enter(h, mode), "henvcfg") for mode in MODES] == [0, 0, ILLEGAL, VIRTUAL, VIRTUAL]
    write(enter(h, "M"), "hstateen0", ONES)
    assert [cause(enter(h, mode), "senvcfg") for mode in MODES] == [0, 0, ILLEGAL, 0, VIRTUAL]


@pytest.mark.parametrize("number", range(4))
def test_h105_bit_63_controls_the_other_levels(number: int) -> None:
    """norm:mstateen_bit_63_op, norm:hstateen_bit_63_op, norm:hstateen0_SE0_op."""
    m, g, s = (f"{level}stateen{number}" for level in "mhs")
    h = make_hart()
    assert [cause(enter(h, mode), s) for mode in MODES] == [0, 0, ILLEGAL, 0, VIRTUAL]
    assert [cause(enter(h, mode), g) for mode in MODES] == [0, 0, ILLEGAL, VIRTUAL, VIRTUAL]
    write(enter(h, "M"), g, 0)
    assert [cause(enter(h, mode), s) for mode in MODES] == [0, 0, ILLEGAL, VIRTUAL, VIRTUAL]
    assert [cause(enter(h, mode), g) for mode in MODES] == [0, 0, ILLEGAL, VIRTUAL, VIRTUAL]
    write(enter(h, "M"), m, ONES & ~SE0)
    for name in (g, s):
        assert [cause(enter(h, mode), name) for mode in MODES] == [0] + 4 * [ILLEGAL]
    assert [cause(enter(h, mode), m) for mode in MODES] == [0] + 4 * [ILLEGAL]


def test_h105_hstateen0_follows_from_m_mode_too() -> None:
    """What is read is masked for every reader."""
    h = make_hart()
    write(h, "mstateen0", ENVCFG)
    assert read(h, "hstateen0") == read_csr(h, "hstateen0") == ENVCFG


def test_h106_srmcfg_is_absent() -> None:
    h = make_hart()
    assert "srmcfg" not in CSRS_BY_NAME
    for mode in MODES:
        assert cause(enter(h, mode), 0x181) == ILLEGAL
    assert written(enter(h, "M"), "mstateen0", ONES) & 1 << 55 == 0


AIA_BITS = [
    ("siselect", CSRIND), ("sireg", CSRIND), ("stopei", IMSIC), ("stopi", AIA),
    ("vsiselect", CSRIND), ("vsireg", CSRIND), ("vstopei", IMSIC), ("vstopi", AIA), ("hvien", AIA), ("hvictl", AIA),
    ("hviprio1", AIA), ("hviprio2", AIA),
]  # fmt: skip


@pytest.mark.parametrize(("name", "mask"), AIA_BITS)
def test_state_of_ssaia(name: str, mask: int) -> None:
    """norm:mstateen0_csrind_op, norm:mstateen0_imsic_op, norm:mstateen0_aia_op and the same of hstateen0."""
    h = make_hart(features=ALL, imsic=1, siselect=0x70, vsiselect=0x70, geilen=5)
    write(h, "hstatus", 1 << 12)
    guest_may = name.startswith("s")
    assert [cause(enter(h, mode), name) for mode in ("M", "HS", "VS")] == [0, 0, 0 if guest_may else VIRTUAL]
    write(enter(h, "M"), "hstateen0", ONES & ~mask)
    assert [cause(enter(h, mode), name) for mode in ("M", "HS", "VS")] == [0, 0, VIRTUAL]
    write(enter(h, "M"), "mstateen0", ONES & ~mask)
    assert [cause(enter(h, mode), name) for mode in ("M", "HS", "VS")] == [0, ILLEGAL, ILLEGAL]


def test_h107_the_imsic_bit_of_mstateen0_beats_vgein() -> None:
    h = make_hart("VS", features=ALL, imsic=1, geilen=5)
    assert cause(h, "stopei") == VIRTUAL, "VGEIN is 0"
    write(enter(h, "M"), "mstateen0", ONES & ~IMSIC)
    assert cause(enter(h, "VS"), "stopei") == ILLEGAL


def test_registers_behind_sireg_have_their_own_bits() -> None:
    """norm:mstateen0_imsic_op, norm:mstateen0_aia_op: interrupt files and priorities."""
    h = make_hart(features=ALL, imsic=1, siselect=0x30)
    for mask, priorities, files in ((IMSIC, 0, ILLEGAL), (AIA, ILLEGAL, 0)):
        write(enter(h, "M"), "mstateen0", ONES & ~mask)
        h.siselect = 0x30
        assert cause(enter(h, "HS"), "sireg") == priorities
        h.siselect = 0x70
        assert cause(h, "sireg") == files


def test_the_built_in_sbi_withholds_nothing() -> None:
    h = make_hart(firmware=False)
    start_supervisor(h)
    assert cause(h, "senvcfg") == cause(h, "henvcfg") == 0
    assert [cause(h, f"hstateen{number}") for number in range(4)] == [0] * 4
