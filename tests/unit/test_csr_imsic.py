# SPDX-License-Identifier: Apache-2.0
"""Interrupt files of an IMSIC as CSRs show them, and the windows to indirectly accessed registers."""

from __future__ import annotations

import pytest

from core.csr.imsic import imsic_receive
from core.hart import Hart
from tests.unit.test_csr_support import ALL, ILLEGAL, MODES, VIRTUAL, cause, enter, make_hart, read, set_bits, write, written

MACHINE, SUPERVISOR, GUEST_1, GUEST_2 = 0, 1, 2, 3
MEIP, SEIP, SGEIP = 1 << 11, 1 << 9, 1 << 12
VGEIN_1, VSXL = 1 << 12, 2 << 32
WINDOWS = {"miselect": "mireg", "siselect": "sireg", "vsiselect": "vsireg"}
TOPS = {"mtopei": MACHINE, "stopei": SUPERVISOR, "vstopei": GUEST_1}


def hart(where: str = "M", vgein: int = 1, **slots: int) -> Hart:
    """A hart with an IMSIC that has five guest interrupt files."""
    return make_hart(where, features=ALL, imsic=1, geilen=5, hstatus=VSXL | vgein << 12, **slots)


def put(h: Hart, select: str, number: int, value: int) -> None:
    """Write an indirectly accessed register."""
    write(h, select, number)
    write(h, WINDOWS[select], value)


def take(h: Hart, select: str, number: int) -> int:
    """Read an indirectly accessed register."""
    write(h, select, number)
    return read(h, WINDOWS[select])


def open_file(h: Hart, select: str, *identities: int) -> None:
    """Enable delivery and some identities."""
    put(h, select, 0x70, 1)
    for identity in identities:
        write(h, select, 0xC0 + 2 * (identity // 64))
        set_bits(h, WINDOWS[select], 1 << identity % 64)


@pytest.mark.parametrize("select", WINDOWS)
def test_registers_of_a_file(select: str) -> None:
    h = hart()
    assert [take(h, select, number) for number in (0x70, 0x71, 0x72, 0x7F, 0x80, 0xC0)] == [0] * 6
    put(h, select, 0x70, 1)
    put(h, select, 0x70, 0x4000_0000)  # there is no delivery from an APLIC
    assert take(h, select, 0x70) == 1
    put(h, select, 0x72, 0x1FF)
    assert take(h, select, 0x72) == 0xFF
    for word in range(4):
        put(h, select, 0x80 + 2 * word, (1 << 64) - 1)
        put(h, select, 0xC0 + 2 * word, word + 1)
    assert [take(h, select, 0x80 + 2 * word) for word in range(5)] == [(1 << 64) - 2, *[(1 << 64) - 1] * 3, 0]
    assert [take(h, select, 0xC0 + 2 * word) for word in range(5)] == [0, 2, 3, 4, 0]
    put(h, select, 0x71, 5)
    put(h, select, 0x88, 5)
    assert take(h, select, 0x71) == take(h, select, 0x88) == 0


def test_files_are_separate() -> None:
    h = hart()
    for number, select in enumerate(WINDOWS, 1):
        put(h, select, 0x72, number)
    h.hstatus = VSXL | 2 << 12
    put(h, "vsiselect", 0x72, 9)
    assert h.imsic_threshold[:5].tolist() == [1, 2, 3, 9, 0]


@pytest.mark.parametrize(("top", "file"), TOPS.items())
def test_top_interrupt_and_claim(top: str, file: int) -> None:
    h = hart()
    select = list(WINDOWS)[file]
    open_file(h, select, 5, 130)
    assert read(h, top) == 0
    for identity in (130, 5, 200):
        imsic_receive(h, file, identity)
    assert read(h, top) == 5 << 16 | 5
    write(h, top, 0)  # whatever is written claims
    assert read(h, top) == 130 << 16 | 130
    put(h, select, 0x72, 130)
    assert read(h, top) == 0
    put(h, select, 0x72, 131)
    assert read(h, top) == 130 << 16 | 130
    write(h, top, 1)
    assert read(h, top) == 0
    write(h, top, 0)
    assert take(h, select, 0x86) == 1 << (200 - 192)  # pending still, not enabled


def test_messages_for_identities_that_do_not_exist() -> None:
    h = hart()
    for identity in (0, 256, 1 << 31, (1 << 32) - 1):
        imsic_receive(h, MACHINE, identity)
    assert list(h.imsic_eip) == [0] * 36


def test_what_the_files_signal() -> None:
    h = hart(hgeie=1 << 1)
    for file, select in enumerate(WINDOWS):
        put(h, select, 0xC0, 1 << 7)
        imsic_receive(h, file, 7)
    assert (h.irq_lines, h.hgeip) == (0, 0)
    put(h, "miselect", 0x70, 1)
    assert read(h, "mip") == MEIP
    put(h, "siselect", 0x70, 1)
    assert read(h, "mip") == MEIP | SEIP
    put(h, "vsiselect", 0x70, 1)
    assert h.hgeip == 1 << 1
    assert read(h, "mip") == MEIP | SEIP | SGEIP | 1 << 10
    write(h, "mtopei", 0)
    put(h, "siselect", 0x70, 0)
    put(h, "vsiselect", 0x72, 7)
    assert read(h, "mip") == 0
    assert h.hgeip == 0


def test_h054_every_guest_has_its_bit_of_hgeip() -> None:
    """norm:hgeie_op, norm:hip_vseip_vseie_op, norm:hstatus_vgein_op."""
    h = hart(vgein=0)
    assert written(h, "hgeie", (1 << 64) - 1) == 0b111110
    for guest in range(1, 6):
        h.hstatus = VSXL | guest << 12
        open_file(h, "vsiselect", 3)
        imsic_receive(h, 1 + guest, 3)
    assert read(h, "hgeip") == 0b111110
    assert cause(h, "hgeip", write=True) == ILLEGAL
    write(h, "hgeie", 1 << 4)
    h.hstatus = VSXL
    assert read(h, "hip") == SGEIP
    write(h, "hstatus", 4 << 12)
    assert read(h, "hip") == SGEIP | 1 << 10
    write(h, "vstopei", 0)
    assert read(h, "hgeip") == 0b101110
    assert read(h, "hip") == 0
    write(h, "hstatus", 6 << 12)  # larger than GEILEN
    assert h.hstatus >> 12 & 63 == 4


@pytest.mark.parametrize("mode", MODES)
def test_without_an_imsic(mode: str) -> None:
    h = make_hart(mode, features=ALL, siselect=0x70, miselect=0x70, vsiselect=0x70)
    h.hstatus = VSXL | VGEIN_1  # cannot be written, as there is no guest external interrupt
    expected = {"M": ILLEGAL, "HS": ILLEGAL, "U": ILLEGAL, "VS": VIRTUAL, "VU": VIRTUAL}[mode]
    for name in ("stopei", "sireg"):
        assert cause(h, name) == cause(h, name, write=True) == expected
    for name in ("mtopei", "mireg"):
        assert cause(h, name) == ILLEGAL


def test_numbers_that_select_nothing() -> None:
    h = hart()
    for select, window in WINDOWS.items():
        odd = {0x31, 0x3F, 0x81, 0xBF, 0xC1, 0xFF}
        for number in (0, 0x2F, 0x40, 0x6F, 0x100, 0x1FF, *odd):
            write(h, select, number)
            assert cause(h, window) == cause(h, window, write=True) == ILLEGAL, (select, number)
    assert written(h, "miselect", 0x3FF) == written(h, "siselect", 0x3FF) == written(h, "vsiselect", 0x3FF) == 0x1FF
    for number in (0x30, 0x3E):
        write(h, "vsiselect", number)
        assert cause(h, "vsireg") == ILLEGAL  # VS level has no iprio array
        write(h, "siselect", number)
        assert cause(h, "sireg") == 0


def test_windows_in_a_guest() -> None:
    """AIA 1.0, Hypervisor and VS CSRs: the general rules of the hypervisor extension do not hold for them."""
    h = hart("VS")
    for number, expected in ((0x70, 0), (0x71, 0), (0x80, 0), (0x81, VIRTUAL), (0x30, VIRTUAL), (0, VIRTUAL), (0x100, VIRTUAL)):
        h.vsiselect = number
        h.siselect = 0  # HS-mode could not do it
        assert [cause(enter(h, mode), "sireg") for mode in ("VS", "VU")] == [expected, VIRTUAL]
        assert [cause(enter(h, mode), "vsireg") for mode in ("VS", "VU")] == [VIRTUAL, VIRTUAL]
    h.vsiselect = 0x70
    for vgein, expected in ((0, VIRTUAL), (5, 0), (6, VIRTUAL)):
        h.hstatus = VSXL | vgein << 12
        assert [cause(enter(h, "VS"), name) for name in ("sireg", "stopei")] == [expected, expected]
        assert [cause(enter(h, "HS"), name) for name in ("vsireg", "vstopei")] == [ILLEGAL if expected else 0] * 2


def test_a_guest_sees_its_own_file() -> None:
    h = hart("VS", vgein=2)
    write(h, "siselect", 0x70)
    write(h, "sireg", 1)
    put(h, "siselect", 0xC0, 1 << 9)
    imsic_receive(h, GUEST_2, 9)
    assert read(h, "stopei") == 9 << 16 | 9
    assert (h.vsiselect, h.siselect, h.hgeip) == (0xC0, 0, 1 << 2)
    write(h, "stopei", 0)
    assert h.hgeip == 0
    assert list(h.imsic_eie[:12]) == [0] * 12


def test_supervisor_file_kept_by_machine_mode() -> None:
    """AIA 1.0, Interrupt filtering and virtual interrupts for supervisor level: mvien.SEI."""
    h = hart(mvien=SEIP, siselect=0x70, vsiselect=0x70)
    assert [cause(enter(h, mode), "stopei") for mode in MODES] == [0, ILLEGAL, ILLEGAL, 0, VIRTUAL]
    assert [cause(enter(h, mode), "sireg") for mode in MODES] == [0, ILLEGAL, ILLEGAL, 0, VIRTUAL]
    h.siselect = 0x30
    assert cause(enter(h, "HS"), "sireg") == 0
    assert [cause(enter(h, "HS"), name) for name in ("vsireg", "vstopei")] == [0, 0]


CSRIND, AIA, IMSIC = 1 << 60, 1 << 59, 1 << 58


def test_h107_state_enables_and_the_windows() -> None:
    """AIA 1.0, Access control by the state-enable CSRs, which come before the rules of the windows."""
    h = hart("VS", vgein=0, vsiselect=0x70)
    rows = [  # mstateen0, hstateen0, vsiselect, sireg in VS, vsireg in VS, sireg in VU, vsireg in HS
        (CSRIND | IMSIC, CSRIND | IMSIC, 0x70, VIRTUAL, VIRTUAL, VIRTUAL, ILLEGAL),
        (CSRIND, CSRIND, 0x70, ILLEGAL, VIRTUAL, VIRTUAL, ILLEGAL),
        (CSRIND, CSRIND, 0x30, VIRTUAL, VIRTUAL, VIRTUAL, ILLEGAL),
        (CSRIND, CSRIND, 0, VIRTUAL, VIRTUAL, VIRTUAL, ILLEGAL),
        (CSRIND, 0, 0x70, VIRTUAL, VIRTUAL, VIRTUAL, ILLEGAL),
        (AIA | IMSIC, 0, 0x70, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL),
    ]
    for machine, hypervisor, number, *expected in rows:
        h.mstateen0, h.hstateen0, h.vsiselect = machine, hypervisor, number
        accesses = (("VS", "sireg"), ("VS", "vsireg"), ("VU", "sireg"), ("HS", "vsireg"))
        assert [cause(enter(h, mode), name) for mode, name in accesses] == expected, hex(machine)
    h.mstateen0, h.hstateen0, h.vsiselect, h.hstatus = CSRIND | IMSIC, CSRIND | IMSIC, 0x70, VSXL | VGEIN_1
    assert [cause(enter(h, mode), name) for mode, name in (("VS", "sireg"), ("HS", "vsireg"))] == [0, 0]


def test_h107_without_an_imsic_its_state_enable_has_no_effect() -> None:
    h = make_hart("VS", features=ALL, vsiselect=0x70)
    h.mstateen0 = h.hstateen0 = CSRIND
    assert [cause(h, "sireg"), cause(h, "stopei")] == [VIRTUAL, VIRTUAL]
