# SPDX-License-Identifier: Apache-2.0
"""Machine and supervisor CSRs: reset values, what they hold, views of mstatus, counters, floating-point status."""

from __future__ import annotations

import pytest

from core.csr.machine import Mstatus
from core.csr.registry import CSRS_BY_NAME, read_csr, write_csr
from core.csr.unprivileged import dirty_fp
from core.features import DEFAULT_FEATURES, Feature
from core.hart import Hart
from core.trap.reset import reset_hart
from core.trap.start import start_supervisor
from tests.unit.test_csr_support import ALL, ILLEGAL, ONES, bit, cause, enter, field, make_hart, read, write, written

RESET = {
    "mstatus": 2 << 34 | 2 << 32,
    "sstatus": 2 << 32,
    "vsstatus": 2 << 32,
    "hstatus": 2 << 32,
    "misa": 2 << 62 | 1 << 20 | 1 << 18 | 1 << 12 | 1 << 8 | 1 << 7 | 1 << 5 | 1 << 3 | 1 << 2 | 1 << 1 | 1 << 0,
    "mideleg": 0x444,
    "tinfo": 1,
    "stimecmp": ONES,
    "vstimecmp": ONES,
    "seed": 2 << 30 | 0x8BC1,  # 16 bits of entropy
}


@pytest.mark.parametrize("name", sorted(CSRS_BY_NAME))
def test_reset_values(name: str) -> None:
    assert read_csr(make_hart(firmware=False), name) == RESET.get(name, 0)


def test_reset_forgets_everything() -> None:
    h = make_hart("VU")
    fresh = make_hart(firmware=False).snapshot()
    for name in CSRS_BY_NAME:
        if not CSRS_BY_NAME[name].read_only and name != "misa":
            write_csr(h, name, ONES)
    h.x[5], h.f[5], h.res_valid, h.wfi = 1, 1, 1, 1
    reset_hart(h, strict=True)
    assert h.snapshot() == fresh


def test_a_tolerant_hart_starts_with_hardware_updates_of_a_and_d() -> None:
    adue = bit("menvcfg", "ADUE")
    h = make_hart(strict=False)
    assert read(h, "menvcfg") == read(h, "henvcfg") == adue
    h = make_hart(strict=False, features=DEFAULT_FEATURES & ~Feature.SVADU)
    assert read(h, "menvcfg") == 0


ALL_BITS = {  # what a CSR reads as after all ones were written
    "mstatus": 0x8000_00CA_007E_79AA & ~(1 << 37 | 1 << 36) | 2 << 34 | 2 << 32,
    "sstatus": 1 << 63 | 2 << 32 | 1 << 19 | 1 << 18 | 3 << 13 | 1 << 8 | 1 << 5 | 1 << 1,
    "vsstatus": 1 << 63 | 2 << 32 | 1 << 19 | 1 << 18 | 3 << 13 | 1 << 8 | 1 << 5 | 1 << 1,
    "hstatus": 3 << 48 | 2 << 32 | 7 << 20 | 1 << 9 | 1 << 8 | 1 << 7 | 1 << 6,
    "medeleg": 0xFC_B7FF,
    "hedeleg": 0x0C_B1FF,
    "mideleg": 0x2666,
    "hideleg": 0x2444,
    "mie": 0x2EEE,
    "mcounteren": 0xFFFF_FFFF,
    "hcounteren": 0xFFFF_FFFF,
    "scounteren": 0xFFFF_FFFF,
    "menvcfg": 7 << 61 | 1 << 59 | 3 << 32 | 0xF1,
    "senvcfg": 3 << 32 | 0xF1,
    "mcountinhibit": 0x7D,
    "mcyclecfg": 31 << 58,
    "minstretcfg": 31 << 58,
    "mepc": ONES - 1,
    "sepc": ONES - 1,
    "vsepc": ONES - 1,
    "hvip": 0x444,
    "hgeie": 0,
    "hgatp": 0x03FF_FFFF_FFFF_FFFC,
    "satp": 0,
    "vsatp": 0,
    "mhpmcounter7": 0,
    "mhpmevent3": 63 << 58,
    "mhpmevent31": 0,
}
FULL = [
    "mscratch",
    "mcause",
    "mtval",
    "mtval2",
    "mtinst",
    "sscratch",
    "scause",
    "stval",
    "stimecmp",
    "htimedelta",
    "htval",
    "htinst",
    "vsscratch",
    "vscause",
    "vstval",
    "vstimecmp",
    "mcycle",
    "minstret",
    "mhpmcounter6",
]


@pytest.mark.parametrize("name", [*ALL_BITS, *FULL])
def test_writing_all_ones_shows_the_writable_bits(name: str) -> None:
    h = make_hart()
    write(h, name, ONES)
    got = read(h, name)
    if name in ("mcycle", "minstret"):
        assert got == ONES - 1, "the writing instruction has not retired yet"
    elif name == "hgatp":
        assert got == ALL_BITS[name] & ~(3 << 58)
    else:
        assert got == ALL_BITS.get(name, ONES), f"{got:#x}"


@pytest.mark.parametrize("name", ["mtvec", "stvec", "vstvec"])
def test_trap_vectors(name: str) -> None:
    """norm:mtvec_mode_enc: Direct and Vectored; reserved modes leave the mode."""
    h = make_hart()
    assert written(h, name, 0x8000_0101) == 0x8000_0101
    assert written(h, name, 0x8000_0203) == 0x8000_0201
    assert written(h, name, ONES - 3) == ONES - 3


def test_mpp_holds_implemented_modes() -> None:
    """norm:mstatus_xpp_warl."""
    h = make_hart()
    for value, expected in ((0, 0), (1, 1), (2, 1), (3, 3), (2, 3)):
        write(h, "mstatus", value << 11)
        assert field(h, "mstatus", "MPP") == expected


def test_epc_without_c_has_two_zero_bits() -> None:
    """norm:sepc."""
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.C)
    assert written(h, "mepc", ONES) == written(h, "vsepc", ONES) == ONES - 3


def test_h044_sstatus_is_a_part_of_mstatus() -> None:
    """hypervisor chapter, mstatus: a superset of sstatus, and not of vsstatus."""
    h = make_hart()
    write(h, "mstatus", ONES)
    assert read(h, "sstatus") == read(h, "mstatus") & 0x8000_0003_000D_E762
    write(h, "sstatus", 0)
    assert field(h, "mstatus", "MPP") == 3 and field(h, "mstatus", "TSR") == 1
    assert field(h, "mstatus", "SUM") == field(h, "mstatus", "SPP") == 0
    write(h, "vsstatus", bit("vsstatus", "SUM") | bit("vsstatus", "SPP"))
    assert field(h, "mstatus", "SUM") == field(h, "mstatus", "SPP") == 0
    assert field(h, "vsstatus", "SUM") == 1


def test_h042_sd_is_derived_from_the_own_fs() -> None:
    """norm:vsstatus_sd_xs_op."""
    h = make_hart(features=ALL)
    sd, fs = bit("mstatus", "SD"), bit("mstatus", "FS")
    assert written(h, "vsstatus", sd) & sd == 0
    assert written(h, "vsstatus", fs) & sd == sd
    assert read(h, "sstatus") & sd == read(h, "mstatus") & sd == 0
    write(h, "mstatus", fs)
    write(h, "vsstatus", 2 << 13)
    assert read(h, "sstatus") & read(h, "mstatus") & sd == sd and read(h, "vsstatus") & sd == 0


def test_h041_floating_point_makes_both_fs_dirty() -> None:
    """norm:vsstatus_fs_op; but a write of sstatus in VS-mode changes vsstatus alone."""
    h = make_hart("VS", features=ALL, mstatus=1 << 13, vsstatus=1 << 13)
    dirty_fp(h)
    assert (field(h, "mstatus", "FS"), field(h, "vsstatus", "FS")) == (3, 3)
    write(h, "sstatus", 1 << 13)
    assert (field(h, "mstatus", "FS"), field(h, "vsstatus", "FS")) == (3, 1)
    write(h, "fcsr", 0xFFFF)
    assert (read(h, "fcsr"), read(h, "frm"), read(h, "fflags")) == (0xFF, 7, 0x1F)
    assert field(h, "vsstatus", "FS") == 3
    write(h, "sstatus", 1 << 13)
    write_csr(h, "frm", 1)
    assert (read(h, "fcsr"), field(h, "vsstatus", "FS")) == (0x3F, 1), "the debugger does not make it dirty"
    h = make_hart("HS", features=ALL, mstatus=1 << 13, vsstatus=1 << 13)
    write(h, "fflags", 1)
    assert (field(h, "mstatus", "FS"), field(h, "vsstatus", "FS")) == (3, 1)


def test_h019_xlen_fields_are_read_only() -> None:
    """norm:vsxl_ro, norm:mstatus_sxl_rdonly_mxlen64, norm:vsstatus_uxl_op."""
    h = make_hart()
    for value in (0, ONES):
        for name in ("mstatus", "sstatus", "vsstatus", "hstatus"):
            write(h, name, value)
        assert field(h, "mstatus", "SXL") == field(h, "mstatus", "UXL") == field(h, "sstatus", "UXL") == 2
        assert field(h, "vsstatus", "UXL") == field(h, "hstatus", "VSXL") == 2


def test_misa_has_b_when_all_of_it_is_there() -> None:
    """norm:misa_b_op."""
    for missing in (Feature.ZBA, Feature.ZBB, Feature.ZBS):
        assert read(make_hart(features=DEFAULT_FEATURES & ~missing), "misa") & 2 == 0
    assert read(make_hart(features=DEFAULT_FEATURES & ~Feature.ZBC), "misa") & 2 == 2


def test_h020_misa() -> None:
    """norm:misa_h_op: only H can be switched; without it nothing of it is left."""
    h = make_hart(mie=ONES & 0xEEE, mip=0x226, hvip=0x440, hideleg=0x444, hgatp=8 << 60, medeleg=0xF0B509)
    write(h, "mstatus", bit("mstatus", "MPV") | bit("mstatus", "GVA"))
    before = read(h, "misa")
    write(h, "misa", 0)
    assert read(h, "misa") == before & ~(1 << 7)
    assert h.features == DEFAULT_FEATURES & ~Feature.H
    assert (read(h, "mie"), read(h, "mip"), read(h, "mideleg"), read(h, "medeleg")) == (0xAAA, 0x222, 0, 0xB109)
    assert field(h, "mstatus", "MPV") == field(h, "mstatus", "GVA") == 0
    write(h, "mstatus", ONES)
    write(h, "mie", ONES)
    assert field(h, "mstatus", "MPV") == 0 and read(h, "mie") == 0x2AAA
    write(h, "misa", ONES)
    assert read(h, "misa") == before
    assert (read(h, "mideleg"), read(h, "hgatp"), read(h, "hvip"), read(h, "hideleg")) == (0x444, 0, 0, 0)
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.H)
    write(h, "misa", ONES)
    assert read(h, "misa") & 1 << 7 == 0, "what the hart never had cannot be switched on"


def test_medeleg_follows_h() -> None:
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.H)
    assert written(h, "medeleg", ONES) == 0x0C_B3FF
    assert written(h, "mideleg", ONES) == 0x2222


def test_counters_count_instructions() -> None:
    h = make_hart(idle=30)
    h.left -= 10
    assert (read(h, "minstret"), read(h, "instret"), read(h, "mcycle"), read(h, "cycle")) == (10, 10, 40, 40)
    assert read(h, "time") == 4


def test_counter_writes_are_seen_by_the_next_instruction() -> None:
    """norm:mcycle_minstret_wr."""
    h = make_hart(idle=7)
    write(h, "minstret", 500)
    write(h, "mcycle", 600)
    retire(h)
    assert (read(h, "minstret"), read(h, "mcycle")) == (500, 600)
    retire(h, 3)
    assert (read(h, "instret"), read(h, "cycle")) == (503, 603)
    write_csr(h, "minstret", 5)
    write_csr(h, "mcycle", 6)
    assert (read(h, "minstret"), read(h, "mcycle")) == (5, 6), "a debugger writes between instructions"


def test_counters_stand_still() -> None:
    """norm:mcountinhibit_op2."""
    h = make_hart()
    retire(h, 10)
    write(h, "mcountinhibit", 4)
    retire(h, 5)
    assert (read(h, "minstret"), read(h, "mcycle")) == (11, 15)
    write(h, "minstret", 100)
    write(h, "mcountinhibit", 1)
    retire(h, 1)
    assert (read(h, "minstret"), read(h, "mcycle")) == (100, 16)
    retire(h, 4)
    assert (read(h, "minstret"), read(h, "mcycle")) == (104, 16)
    assert written(h, "mcountinhibit", ONES) == 0x7D


def retire(h: Hart, count: int = 1) -> None:
    h.left += 100  # a write that ends the slice leaves 1
    h.limit += 100
    h.left -= count


def test_machine_identity() -> None:
    h = make_hart()
    h.hartid = 3
    assert [read(h, name) for name in ["mvendorid", "marchid", "mimpid", "mhartid", "mconfigptr"]] == [0, 0, 0, 3, 0]
    assert cause(h, "mseccfg") == 0
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.SMMPM)
    assert cause(h, "mseccfg") == ILLEGAL, "no extension has a field in it (norm:mseccfg_presence)"


def test_supervisor_start() -> None:
    """What firmware prepares: delegations, counters, memory, Sstc, cache blocks."""
    h = make_hart(mstatus=Mstatus.SIE.mask, satp=8 << 60)
    start_supervisor(h)
    assert (h.mode, h.v, h.satp, field(h, "mstatus", "SIE")) == (1, 0, 0, 0)
    assert (h.medeleg, h.mideleg, h.mcounteren) == (0xF0B509, 0x2666, 0xFFFF_FFFF)
    assert read(enter(h, "M"), "menvcfg") == bit("menvcfg", "STCE") | bit("menvcfg", "PBMTE") | 0xF0
    assert (h.pmpcfg[0], h.pmpaddr[0]) == (0x1F, (1 << 54) - 1)
