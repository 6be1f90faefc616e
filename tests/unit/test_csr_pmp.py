# SPDX-License-Identifier: Apache-2.0
"""PMP CSRs: layout, legal values, locks."""

from __future__ import annotations

from core.csr.pmp import PMP_ENTRIES
from core.features import DEFAULT_FEATURES, Feature
from tests.unit.test_csr_support import ILLEGAL, ONES, cause, make_hart, read, write, written

L, TOR, NAPOT, X, W, R = 0x80, 1 << 3, 3 << 3, 4, 2, 1


def test_one_byte_for_each_entry() -> None:
    """norm:pmp_cfg_rv64_layout."""
    h = make_hart()
    write(h, "pmpcfg0", 0x1F_0F_00_09_01_18_1B_07)
    assert list(h.pmpcfg[:8]) == [0x07, 0x1B, 0x18, 0x01, 0x09, 0x00, 0x0F, 0x1F]
    assert read(h, "pmpcfg0") == 0x1F_0F_00_09_01_18_1B_07
    write(h, "pmpcfg2", 0x0F)
    assert (h.pmpcfg[8], read(h, "pmpcfg2"), read(h, "pmpcfg0") >> 56) == (0x0F, 0x0F, 0x1F)


def test_odd_configuration_csrs_do_not_exist() -> None:
    """norm:pmp_cfg_rv64_illegal."""
    assert {cause(make_hart(), 0x3A0 + n) for n in range(1, 16, 2)} == {ILLEGAL}
    assert {cause(make_hart(), 0x3A0 + n) for n in range(0, 16, 2)} == {0}


def test_reserved_bits_and_combinations() -> None:
    h = make_hart()
    assert written(h, "pmpcfg0", 0x60) == 0
    assert written(h, "pmpcfg0", W | X) == X, "W without R is reserved"
    assert written(h, "pmpaddr0", ONES) == (1 << 54) - 1


def test_entries_beyond_the_implemented_ones_are_zero() -> None:
    """norm:pmp_entry_count."""
    h = make_hart()
    assert written(h, f"pmpaddr{PMP_ENTRIES - 1}", 5) == 5
    assert written(h, f"pmpaddr{PMP_ENTRIES}", 5) == written(h, "pmpaddr63", 5) == 0
    assert written(h, "pmpcfg4", ONES) == written(h, "pmpcfg14", ONES) == 0


def test_locked_entries() -> None:
    """norm:pmp_l_bit_write_protection: a locked TOR entry also locks the address below."""
    h = make_hart()
    write(h, "pmpaddr0", 0x10)
    write(h, "pmpaddr1", 0x20)
    write(h, "pmpaddr2", 0x30)
    write(h, "pmpcfg0", (L | TOR | R) << 8)
    for n in range(3):
        write(h, f"pmpaddr{n}", 0x99)
    assert list(h.pmpaddr[:3]) == [0x10, 0x20, 0x99]
    assert written(h, "pmpcfg0", NAPOT << 8 | R) == (L | TOR | R) << 8 | R


def test_a_locked_napot_entry_does_not_lock_the_address_below() -> None:
    h = make_hart()
    write(h, "pmpcfg0", (L | NAPOT | R) << 8)
    assert written(h, "pmpaddr0", 7) == 7


def test_smepmp() -> None:
    """norm:mseccfg_mml_sticky, norm:mseccfg_rlb_op_warl, norm:mseccfg_mmwp_op_warl."""
    h = make_hart(features=DEFAULT_FEATURES | Feature.SMEPMP)
    write(h, "mseccfg", 4)
    write(h, "pmpcfg0", L | R)
    assert written(h, "pmpcfg0", R) == R, "RLB: locked entries may be changed"
    write(h, "pmpcfg0", L | R)
    assert written(h, "mseccfg", 0) == 0
    assert written(h, "mseccfg", 4) == 0, "an entry is locked"
    assert written(h, "pmpcfg0", R) == L | R
    assert written(h, "mseccfg", 3) == 3
    assert written(h, "mseccfg", 0) == 3
    assert written(h, "pmpcfg2", W) == W, "with MML, W without R is a shared region"
