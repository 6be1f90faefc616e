# SPDX-License-Identifier: Apache-2.0
"""Top interrupts of each level, their priorities, and virtual interrupts, after AIA 1.0."""

from __future__ import annotations

from core.csr.imsic import imsic_receive
from core.csr.interrupts import pending
from core.features import Feature
from core.hart import Hart
from core.trap.interrupts import pending_interrupt, take_interrupt, wakes
from core.trap.priority import rank
from tests.unit.test_csr_support import (
    ALL,
    ILLEGAL,
    INTERRUPT,
    MODES,
    ONES,
    VIRTUAL,
    bit,
    cause,
    enter,
    make_hart,
    read,
    set_bits,
    where,
    write,
    written,
)

MSI, MTI, MEI, SSI, STI, SEI, SGEI, VSSI, VSTI, VSEI, LCOFI = 3, 7, 11, 1, 5, 9, 12, 2, 6, 10, 13
S_LEVEL, VS_ONLY, LOCAL = 0x222, 0x444, ONES & ~0x1FFF
VTI, IPRIOM, DPR = 1 << 30, 1 << 8, 1 << 9


def hart(mode: str = "M", **slots: int) -> Hart:
    """A hart with an IMSIC that has five guest interrupt files; supervisor interrupts are delegated."""
    return make_hart(
        mode, **{"features": ALL & ~Feature.SMDBLTRP, "imsic": 1, "geilen": 5, "mideleg": S_LEVEL | VS_ONLY | 1 << SGEI} | slots
    )


def external(h: Hart, file: int, *identities: int) -> None:
    """Let an interrupt file signal these identities."""
    h.imsic_delivery[file] = 1
    for identity in identities:
        h.imsic_eie[4 * file + identity // 64] |= 1 << identity % 64
        imsic_receive(h, file, identity)


def top(number: int, priority: int) -> int:
    return number << 16 | priority


# Order


def test_default_order_of_all_interrupts() -> None:
    order = sorted(range(64), key=rank)
    assert order[:12] == [47, 23, 46, 45, 22, 44, 43, 21, 42, 41, 20, 40]
    assert order[12:23] == [MEI, MSI, MTI, SEI, SSI, STI, SGEI, VSEI, VSSI, VSTI, LCOFI]
    assert order[23:35] == [39, 19, 38, 37, 18, 36, 35, 17, 34, 33, 16, 32]
    assert len({rank(number) for number in range(64)}) == 64


def test_machine_top_by_default_order() -> None:
    h = hart(mie=0xAAA, mideleg=0x1444, mip=1 << SSI | 1 << STI, mtimecmp=0, menvcfg=0)
    assert read(h, "mtopi") == top(MTI, 255)
    h.irq_lines |= 1 << MSI
    assert read(h, "mtopi") == top(MSI, 255)
    external(h, 0, 40)
    assert read(h, "mtopi") == top(MEI, 40)
    h.mie &= ~0x888
    assert read(h, "mtopi") == top(SSI, 255)
    h.mie = 0
    assert read(h, "mtopi") == 0


def test_machine_priorities() -> None:
    h = hart(mie=0xAAA, mideleg=0x1444, mip=1 << SSI, mtimecmp=0)
    external(h, 0, 40)
    write(h, "miselect", 0x30)
    assert written(h, "mireg", ONES) == 0xFF00_FF00_FF00_FF00
    write(h, "mireg", 39 << 8 | 40 << 56)
    assert read(h, "mtopi") == top(SSI, 39)
    write(h, "mireg", 41 << 8 | 40 << 56)
    assert read(h, "mtopi") == top(MEI, 40)  # ties go by default order
    write(h, "mtopei", 0)
    assert read(h, "mtopi") == top(MTI, 40)
    write(h, "miselect", 0x32)
    assert written(h, "mireg", ONES) == 0xFF00  # SEI; its own external interrupt has none
    for number in (0x34, 0x36, 0x38, 0x3A, 0x3C, 0x3E):
        write(h, "miselect", number)
        assert written(h, "mireg", ONES) == 0


def test_supervisor_top_and_priorities() -> None:
    h = hart("HS", mie=0x1666, mip=1 << SSI | 1 << VSSI)
    assert read(h, "stopi") == top(SSI, 255)
    write(h, "siselect", 0x30)
    assert written(h, "sireg", ONES) == 0x00FF_FF00_00FF_FF00
    write(h, "sireg", 7 << 16)
    assert read(h, "stopi") == top(VSSI, 7)
    external(h, 1, 6)
    assert read(h, "stopi") == top(SEI, 6)
    write(h, "siselect", 0x32)
    assert written(h, "sireg", ONES) == 0x00FF_00FF_0000
    h.hideleg = 1 << VSSI
    write(h, "stopei", 0)
    assert read(h, "stopi") == top(SSI, 255)


def test_supervisor_external_interrupt_that_software_made() -> None:
    """Without one in the interrupt file the priority number is 256 (AIA, Configuring priorities, supervisor level)."""
    h = hart("HS", mie=0x222, mip=1 << SEI | 1 << SSI)
    assert read(h, "stopi") == top(SEI, 255)
    h.siprio0 = 255 << 8
    assert read(h, "stopi") == top(SSI, 255)
    external(h, 1, 255)
    assert read(h, "stopi") == top(SEI, 255)


def test_tops_are_read_only_and_need_their_level() -> None:
    h = hart()
    assert [cause(enter(h, mode), "mtopi") for mode in MODES] == [0, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL]
    assert [cause(enter(h, mode), "stopi") for mode in MODES] == [0, 0, ILLEGAL, 0, VIRTUAL]
    assert [cause(enter(h, mode), "vstopi") for mode in MODES] == [0, 0, ILLEGAL, VIRTUAL, VIRTUAL]
    assert {cause(enter(h, "M"), name, write=True) for name in ("mtopi", "stopi", "vstopi")} == {ILLEGAL}


# M-mode's virtual interrupts


def test_mvien_and_mvip_hold_what_there_can_be() -> None:
    h = hart()
    assert written(h, "mvien", ONES) == LOCAL | 1 << SEI | 1 << SSI
    write(h, "mvien", 0)
    h.menvcfg = 0
    assert written(h, "mvip", ONES) == LOCAL | 1 << SEI | 1 << STI | 1 << SSI
    assert h.mip == 1 << SEI | 1 << STI | 1 << SSI
    write(h, "mvip", 0)
    assert h.mip == 0
    h.menvcfg = bit("menvcfg", "STCE")
    assert written(h, "mvip", ONES) == LOCAL | 1 << SEI | 1 << SSI


def test_filtered_software_interrupt() -> None:
    h = hart(mideleg=0x1444, mvien=1 << SSI)
    write(h, "mip", 1 << SSI)
    assert [read(h, name) for name in ("mvip", "sip", "sie")] == [0, 0, 0]
    write(h, "mvip", 1 << SSI)
    assert read(h, "sip") == 1 << SSI
    assert written(h, "sie", ONES) == 1 << SSI
    assert (h.mie, h.sie_virtual) == (0, 1 << SSI)
    write(h, "sip", 0)
    assert (read(h, "mvip"), read(h, "mip")) == (0, 1 << SSI)
    set_bits(h, "sip", 1 << SSI)
    assert read(h, "mvip") == 1 << SSI
    h.mideleg |= 1 << SSI
    assert read(h, "sie") == 0  # that of mie now


def test_filtered_external_interrupt() -> None:
    h = hart(mvien=1 << SEI, mideleg=0x1444, mie=1 << SEI)
    write(h, "mip", 1 << SEI)
    assert (h.mip, read(h, "mip"), read(h, "mvip")) == (0, 0, 0)
    write(h, "mvip", 1 << SEI)
    assert (read(h, "mip"), read(h, "sip")) == (0, 1 << SEI)
    write(h, "mvien", 0)
    assert (read(h, "mip"), read(h, "mvip"), read(h, "sip")) == (1 << SEI, 1 << SEI, 0)
    write(h, "mvien", 1 << SEI)
    write(h, "mvip", 0)
    external(h, 1, 4)
    assert (read(h, "mip"), read(h, "sip")) == (1 << SEI, 0)
    assert read(h, "mtopi") == top(SEI, 255)
    write(h, "sip", 1 << SEI)  # read-only there
    assert read(h, "mvip") == 0


def test_local_interrupt_that_machine_mode_makes() -> None:
    h = hart("HS", mvien=1 << 20, mvip=1 << 20 | 1 << 21)
    assert (read(h, "sip"), pending(h)) == (1 << 20, 0)
    assert written(h, "sie", ONES) & LOCAL == 1 << 20
    h.mie = 0
    assert read(h, "stopi") == top(20, 0)
    assert not take_interrupt(h)  # SIE is 0
    assert wakes(h)
    write(h, "sstatus", bit("sstatus", "SIE"))
    assert take_interrupt(h)
    assert (where(h), h.scause) == ("HS", INTERRUPT | 20)


# The guest's interrupts


def test_guest_top_of_an_interrupt_file() -> None:
    h = hart(hideleg=VS_ONLY, mie=VS_ONLY, hstatus=2 << 32 | 3 << 12)
    external(h, 4, 33)
    assert read(h, "vstopi") == top(SEI, 1)
    write(h, "hvictl", IPRIOM)
    assert read(h, "vstopi") == top(SEI, 33)
    h.hvip = 1 << VSEI
    write(h, "vstopei", 0)
    assert read(h, "vstopi") == top(SEI, 255)
    h.hideleg = 0
    assert read(h, "vstopi") == 0


def test_guest_priorities() -> None:
    h = hart(hideleg=VS_ONLY, mie=VS_ONLY, hstatus=2 << 32 | 1 << 12, hvictl=IPRIOM)
    h.mip |= 1 << VSSI
    h.hvip = 1 << VSTI
    assert read(h, "vstopi") == top(SSI, 255)
    assert written(h, "hviprio1", ONES) == 0xFFFF_FF00_FF00_FF00
    assert written(h, "hviprio2", ONES) == ONES
    write(h, "hviprio1", 9 << 8 | 8 << 24)
    assert read(h, "vstopi") == top(STI, 8)
    external(h, 2, 8)
    assert read(h, "vstopi") == top(SEI, 8)
    write(h, "hvien", 1 << 17 | 1 << 14)
    write(h, "hvip", 1 << 17 | 1 << 14)
    h.vsie_virtual = ONES
    assert read(h, "vstopi") == top(SEI, 8)  # 14 and 17 come behind it by default
    write(h, "hviprio1", 7 << 48)
    write(h, "hviprio2", 6 << 8)
    assert read(h, "vstopi") == top(17, 6)


def test_interrupts_that_the_hypervisor_makes() -> None:
    h = hart("HS", hideleg=VS_ONLY)
    assert written(h, "hvien", ONES) == LOCAL
    write(h, "hvien", 1 << 13 | 1 << 40)
    assert written(h, "hvip", ONES) == LOCAL | VS_ONLY
    write(h, "hvip", 1 << 13 | 1 << 41)
    assert pending(h) == 0
    assert read(h, "vsip") == 1 << 13
    assert written(h, "vsie", ONES) & LOCAL == 1 << 13 | 1 << 40
    assert h.mie & LOCAL == 0
    assert read(h, "vstopi") == top(13, 1)
    write(h, "vsip", 0)
    assert read(h, "hvip") == 1 << 41
    enter(h, "VS")
    write(h, "sip", 1 << 40)
    assert read(h, "stopi") == top(40, 1)
    assert not take_interrupt(h)
    write(h, "sstatus", bit("sstatus", "SIE"))
    assert pending_interrupt(h) == (INTERRUPT | 40) + 1
    assert take_interrupt(h)
    assert (where(h), h.vscause, read(h, "stopi")) == ("VS", INTERRUPT | 40, top(40, 1))


def test_an_interrupt_in_hvictl() -> None:
    h = hart(hideleg=VS_ONLY, mie=VS_ONLY, hstatus=2 << 32)
    h.mip |= 1 << VSSI
    assert written(h, "hvictl", ONES) == VTI | 63 << 16 | DPR | IPRIOM | 0xFF
    write(h, "hvictl", VTI | SEI << 16)
    assert read(h, "vstopi") == 0  # VTI hides the software interrupt
    write(h, "hvictl", VTI | IPRIOM | 35 << 16 | 20)
    assert read(h, "vstopi") == top(35, 20)
    h.hvip = 1 << VSEI
    for dpr, priority, expected in (
        (0, 20, top(35, 20)), (0, 0, top(35, 0)), (DPR, 0, top(SEI, 255)), (DPR, 255, top(35, 255))
    ):  # fmt: skip
        write(h, "hvictl", VTI | IPRIOM | dpr | 35 << 16 | priority)
        assert read(h, "vstopi") == expected
    write(h, "hvictl", IPRIOM | SEI << 16 | 77)  # the priority of an emulated external interrupt
    assert read(h, "vstopi") == top(SEI, 77)
    h.hstatus |= 1 << 12
    assert read(h, "vstopi") == top(SEI, 255)  # not with a guest interrupt file


def test_hvictl_interrupts_the_guest() -> None:
    h = hart("VU", hvictl=VTI | 21 << 16)
    assert wakes(h)
    assert take_interrupt(h)
    assert (where(h), h.vscause) == ("VS", INTERRUPT | 21)
    assert not take_interrupt(h)
    assert wakes(enter(h, "HS"))
    h.hvictl = VTI | SEI << 16
    assert not wakes(h)


def test_hvictl_lets_accesses_trap() -> None:
    h = hart("VS", hvictl=VTI, menvcfg=ONES, henvcfg=ONES, mcounteren=ONES, hcounteren=ONES)
    for name in ("sip", "sie"):
        assert cause(h, name) == cause(h, name, write=True) == VIRTUAL
    assert [cause(h, "stimecmp"), cause(h, "stimecmp", write=True)] == [0, VIRTUAL]
    enter(h, "HS")
    assert {cause(h, name, write=True) for name in ("sip", "sie", "vsip", "vsie", "stimecmp", "vstimecmp")} == {0}
    h.hvictl = 0
    assert cause(enter(h, "VS"), "stimecmp", write=True) == 0


def test_h065_stimecmp_without_mcounteren_tm_is_illegal_whatever_hvictl_says() -> None:
    """HS-mode could not do it either, so the access is not one for a virtual-instruction exception."""
    h = hart("VS", hvictl=VTI, menvcfg=ONES, henvcfg=ONES, mcounteren=0, hcounteren=ONES)
    assert cause(h, "stimecmp", write=True) == ILLEGAL
    h.mcounteren, h.hcounteren = ONES, 0
    assert cause(h, "stimecmp", write=True) == VIRTUAL


def test_levels_in_their_order() -> None:
    """M-mode's come first, then HS-mode's, then the guest's."""
    h = hart("VU", hideleg=VS_ONLY, mie=ONES & 0x1EEE, hstatus=2 << 32 | 1 << 12, hgeie=0)
    external(h, 2, 1)
    assert take_interrupt(h)
    assert (where(h), h.vscause) == ("VS", INTERRUPT | SEI)
    write(h, "sstatus", bit("sstatus", "SIE"))
    external(h, 1, 255)
    assert take_interrupt(h)
    assert (where(h), h.scause) == ("HS", INTERRUPT | SEI)
    external(h, 0, 255)
    assert take_interrupt(h)
    assert (where(h), h.mcause) == ("M", INTERRUPT | MEI)
    assert not take_interrupt(h)


def test_without_the_extension_nothing_of_it_is_there() -> None:
    h = make_hart("HS")
    for name in ("stopi", "stopei", "siselect", "sireg", "hvien", "hvictl", "hviprio1", "vstopi", "vsiselect"):
        assert cause(h, name) == ILLEGAL
    for name in ("mtopi", "mtopei", "mvien", "mvip", "miselect", "mireg"):
        assert cause(enter(h, "M"), name) == ILLEGAL
    assert written(h, "hvip", ONES) == VS_ONLY
