# SPDX-License-Identifier: Apache-2.0
"""Taking exceptions: who handles them and what is written where."""

from __future__ import annotations

import pytest

from core.events import Event
from core.hart import Hart
from core.isa.intrinsics import Trap
from core.isa.rv_i_control import ebreak, ecall
from core.trap.causes import Cause, Interrupt, TrapInfo, describe
from core.trap.entry import take_trap
from core.trap.interrupts import take_interrupt
from core.trap.start import start_supervisor
from tests.unit.test_csr_support import INTERRUPT, MODES, ONES, bit, field, make_hart, trap, where

MTVEC, STVEC, VSTVEC = 0x8000_0100, 0x8020_0100, 0x8040_0100
GUEST_FAULTS = (20, 21, 23)
ADDRESS_CAUSES = (0, 1, 3, 4, 5, 6, 7, 12, 13, 15, 20, 21, 23)
ALL_CAUSES = [int(cause) for cause in Cause if cause not in (Cause.DOUBLE_TRAP, Cause.ECALL_M)]
TO_HS, TO_VS = 0xF0_B7FF | 3 << 18, 0xB1FF | 3 << 18


def hart_in(mode: str, target: str = "M", **slots: int) -> Hart:
    """A hart whose exceptions go to `target`."""
    h = make_hart(mode, mtvec=MTVEC, stvec=STVEC, vstvec=VSTVEC, **slots)
    h.medeleg = 0 if target == "M" else TO_HS
    h.hedeleg = TO_VS if target == "VS" else 0
    return h


def poison(h: Hart) -> Hart:
    """Give every CSR a trap may write a value of its own."""
    for i, name in enumerate(
        [
            "mepc",
            "mcause",
            "mtval",
            "mtval2",
            "mtinst",
            "sepc",
            "scause",
            "stval",
            "htval",
            "htinst",
            "vsepc",
            "vscause",
            "vstval",
        ]
    ):
        setattr(h, name, 0xBAD_0000 + 2 * i)
    h.mstatus |= bit("mstatus", "GVA") | bit("mstatus", "MPV")
    h.hstatus |= bit("hstatus", "GVA") | bit("hstatus", "SPV")
    return h


def changed(h: Hart, before: dict[str, int | list[int]]) -> set[str]:
    """The CSR slots that differ from `before`."""
    after = h.snapshot()
    return {name for name in after if after[name] != before[name]} - {"pc", "npc", "mode", "v", "tlb"}


@pytest.mark.parametrize("mode", MODES)
def test_h001_trap_to_m(mode: str) -> None:
    """norm:H_trap_m_csrwrites, table h-mpp; xIE to xPIE (norm:mstatus_xpie_xie_xpp_trap_op)."""
    h = poison(hart_in(mode))
    h.mstatus |= bit("mstatus", "MIE")
    trap(h, Cause.LOAD_GUEST_PAGE_FAULT, 0x1234_5678, 0x8765_4321, TrapInfo.GVA)
    assert (where(h), h.npc) == ("M", MTVEC)
    assert (field(h, "mstatus", "MPP"), field(h, "mstatus", "MPV")) == MODES[mode]
    assert (field(h, "mstatus", "MPIE"), field(h, "mstatus", "MIE")) == (1, 0)
    assert (h.mepc, h.mcause, h.mtval, h.mtval2) == (0x8000_1000, 21, 0x1234_5678, 0x8765_4321 >> 2)
    assert field(h, "mstatus", "GVA") == 1
    assert (h.sepc, h.scause, h.stval, h.htval) == (0xBAD_000A, 0xBAD_000C, 0xBAD_000E, 0xBAD_0010)
    trap(h, Cause.ILLEGAL_INSTRUCTION)
    assert (field(h, "mstatus", "MPIE"), field(h, "mstatus", "MPP"), field(h, "mstatus", "MPV")) == (0, 3, 0)


@pytest.mark.parametrize("mode", ["HS", "U", "VS", "VU"])
@pytest.mark.parametrize("spvp", [0, 1])
def test_h002_trap_to_hs(mode: str, spvp: int) -> None:
    """norm:H_trap_hs_csrwrites, table h-spp; SPVP is written only from V=1 (norm:hstatus_spvp_op)."""
    h = poison(hart_in(mode, "HS"))
    h.mstatus |= bit("mstatus", "SIE")
    h.hstatus |= spvp << 8
    before = h.snapshot()
    trap(h, Cause.STORE_GUEST_PAGE_FAULT, 0x1234, 0x5678, TrapInfo.GVA, inst=0x73)
    assert (where(h), h.npc) == ("HS", STVEC)
    privilege, v = MODES[mode]
    assert (field(h, "sstatus", "SPP"), field(h, "hstatus", "SPV")) == (privilege, v)
    assert field(h, "hstatus", "SPVP") == (privilege if v else spvp)
    assert (field(h, "sstatus", "SPIE"), field(h, "sstatus", "SIE")) == (1, 0)
    assert (h.sepc, h.scause, h.stval, h.htval, h.htinst) == (0x8000_1000, 23, 0x1234, 0x5678 >> 2, 0)
    assert changed(h, before) <= {"mstatus", "hstatus", "sepc", "scause", "stval", "htval", "htinst"}


@pytest.mark.parametrize("mode", ["VS", "VU"])
def test_h003_trap_to_vs(mode: str) -> None:
    """norm:H_trap_vs_csrwrites, table h-vspp: hstatus and sstatus stay, V stays 1."""
    h = poison(hart_in(mode, "VS"))
    h.vsstatus |= bit("vsstatus", "SIE")
    before = h.snapshot()
    trap(h, Cause.LOAD_PAGE_FAULT, 0x1234, info=TrapInfo.GVA)
    assert (where(h), h.npc) == ("VS", VSTVEC)
    assert field(h, "vsstatus", "SPP") == MODES[mode][0]
    assert (field(h, "vsstatus", "SPIE"), field(h, "vsstatus", "SIE")) == (1, 0)
    assert (h.vsepc, h.vscause, h.vstval) == (0x8000_1000, 13, 0x1234)
    assert changed(h, before) == {"vsstatus", "vsepc", "vscause", "vstval"}


@pytest.mark.parametrize("number", ALL_CAUSES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("medeleg", [0, 1])
@pytest.mark.parametrize("hedeleg", [0, 1])
def test_h004_delegation(number: int, mode: str, medeleg: int, hedeleg: int) -> None:
    """norm:H_trap_deleg: M-mode keeps its own, HS and U never go to VS."""
    h = make_hart(mode)
    h.medeleg, h.hedeleg = medeleg << number, hedeleg << number
    trap(h, number)
    expected = "M" if mode == "M" or not medeleg else "VS" if hedeleg and mode[0] == "V" else "HS"
    assert where(h) == expected


@pytest.mark.parametrize("number", ADDRESS_CAUSES)
@pytest.mark.parametrize("target", ["M", "HS"])
@pytest.mark.parametrize("gva", [0, 1])
def test_h010_gva_tells_a_guest_address(number: int, target: str, gva: int) -> None:
    """norm:hstatus_gva_op, norm:mstatus_gva_op."""
    h = poison(hart_in("VS", target))
    trap(h, number, 0x4000, 0x8000, TrapInfo.GVA * gva)
    csr = "mstatus" if target == "M" else "hstatus"
    assert field(h, csr, "GVA") == gva


@pytest.mark.parametrize("number", [2, 8, 9, 10, 22])
@pytest.mark.parametrize("target", ["M", "HS"])
def test_h013_other_traps_clear_gva(number: int, target: str) -> None:
    """Illegal instructions, ecalls: xtval is no address, whatever stands in it."""
    h = poison(hart_in("VS", target))
    trap(h, number)
    assert field(h, "mstatus" if target == "M" else "hstatus", "GVA") == 0


@pytest.mark.parametrize("target", ["M", "HS"])
def test_h013_interrupts_clear_gva(target: str) -> None:
    h = poison(hart_in("VS", mie=1 << 9, irq_lines=1 << 9))
    h.mideleg = 0x444 if target == "M" else 0x666
    assert take_interrupt(h)
    assert where(h) == target
    assert field(h, "mstatus" if target == "M" else "hstatus", "GVA") == 0
    assert (h.mtval2, h.mtinst) == (0, 0) if target == "M" else (h.htval, h.htinst) == (0, 0)


def test_h011_guest_access_of_hs_mode() -> None:
    """norm:hstatus_gva_op note: a fault of HLV has SPV=0 and GVA=1."""
    h = poison(hart_in("HS", "HS"))
    trap(h, Cause.LOAD_GUEST_PAGE_FAULT, 0x4000, 0x8000, TrapInfo.GVA, inst=0x6C05_C573)
    assert (field(h, "hstatus", "SPV"), field(h, "hstatus", "GVA"), h.htval) == (0, 1, 0x2000)


@pytest.mark.parametrize(("mode", "expected"), [("U", 8), ("VU", 8), ("HS", 9), ("VS", 10), ("M", 11)])
def test_h014_ecall_causes(mode: str, expected: int) -> None:
    """norm:H_cause_ecall."""
    h = make_hart(mode)
    with pytest.raises(Trap) as caught:
        ecall(h)
    assert caught.value.cause == expected
    trap(h, caught.value.cause, caught.value.tval, inst=0x73)
    assert (h.mcause, h.mtval, h.mtinst) == (expected, 0, 0)


@pytest.mark.parametrize("mode", ["VS", "VU"])
@pytest.mark.parametrize("inst", [0x0010_0073, 0x9002])
def test_h017_tval_of_ebreak(mode: str, inst: int) -> None:
    """norm:stval_op_breakpoint: its address by default, with GVA; or 0, without."""
    for zero in (0, 1):
        h = poison(hart_in(mode, "HS", ebreak_tval_zero=zero))
        with pytest.raises(Trap) as caught:
            ebreak(h)
        caught.value.put(h)
        h.inst = inst
        take_trap(h)
        assert (h.scause, h.stval, field(h, "hstatus", "GVA")) == (3, 0 if zero else 0x8000_1000, 1 - zero)


def test_h017_other_breakpoints_keep_their_address() -> None:
    h = hart_in("VS", "HS", ebreak_tval_zero=1)
    trap(h, Cause.BREAKPOINT, 0x5000, info=TrapInfo.GVA, inst=0x0005_3503)
    assert (h.stval, field(h, "hstatus", "GVA")) == (0x5000, 1)


def test_h018_ebreak_delegated_to_the_guest() -> None:
    """norm:hedeleg_op."""
    h = hart_in("VU", "VS")
    trap(h, Cause.BREAKPOINT, h.pc, info=TrapInfo.GVA, inst=0x9002)
    assert (where(h), h.vscause, h.vstval) == ("VS", 3, 0x8000_1000)


@pytest.mark.parametrize("number", [2, 22])
@pytest.mark.parametrize("inst", [0x9002, 0x1050_0073])
@pytest.mark.parametrize("target", ["M", "HS"])
def test_h036_xtval_is_the_instruction(number: int, inst: int, target: str) -> None:
    """norm:H_virtinst_xtval, norm:sstvala_stval_faulting_instruction."""
    h = hart_in("VS", target)
    trap(h, number, 0xBAD, inst=inst)
    assert (h.mtval if target == "M" else h.stval) == inst


@pytest.mark.parametrize("number", [n for n in ALL_CAUSES if n not in GUEST_FAULTS])
@pytest.mark.parametrize("target", ["M", "HS"])
def test_h076_no_guest_physical_address_on_other_traps(number: int, target: str) -> None:
    """norm:htval_trapval, norm:mtval2_trapval."""
    h = poison(hart_in("VS", target))
    trap(h, number, 0x4000, 0x8000)
    assert (h.mtval2 if target == "M" else h.htval) == 0


@pytest.mark.parametrize("number", GUEST_FAULTS)
@pytest.mark.parametrize("target", ["M", "HS"])
def test_h075_guest_physical_address_shifted(number: int, target: str) -> None:
    h = poison(hart_in("VS", target))
    trap(h, number, 0x4002, 0x1_0000_0006, TrapInfo.GVA)
    assert (h.mtval2 if target == "M" else h.htval) == 0x4000_0001


@pytest.mark.parametrize("target", ["M", "HS", "VS"])
@pytest.mark.parametrize("vectored", [0, 1])
def test_exceptions_go_to_base(target: str, vectored: int) -> None:
    """norm:mtvec_mode_vectored_op: also in Vectored mode."""
    h = hart_in("VU", target)
    h.mtvec |= vectored
    h.stvec |= vectored
    h.vstvec |= vectored
    trap(h, Cause.LOAD_PAGE_FAULT)
    assert h.npc == {"M": MTVEC, "HS": STVEC, "VS": VSTVEC}[target]


def test_without_h_nothing_of_it_is_written() -> None:
    h = hart_in("U")
    h.features &= ~(1 << 6)
    trap(h, Cause.LOAD_PAGE_FAULT, 0x4000, info=TrapInfo.GVA)
    assert field(h, "mstatus", "GVA") == field(h, "mstatus", "MPV") == 0


def test_a_trap_ends_waiting() -> None:
    assert trap(hart_in("VS", wfi=1), Cause.ILLEGAL_INSTRUCTION).wfi == 0


def supervised(mode: str, **slots: int) -> Hart:
    h = make_hart("M", stvec=STVEC, vstvec=VSTVEC, builtin_sbi=1)
    start_supervisor(h)
    h.mode, h.v = MODES[mode]
    for name, value in slots.items():
        setattr(h, name, value)
    return h


def test_builtin_sbi_serves_the_ecall_of_hs_mode() -> None:
    """It is no trap: nothing is written, execution stands at the ecall, the engine leaves."""
    h = supervised("HS")
    before = h.snapshot()
    trap(h, Cause.ECALL_S, inst=0x73)
    assert h.event == Event.SBI and h.npc == h.pc and h.left == 1
    assert h.snapshot() == before


@pytest.mark.parametrize("number", [n for n in ALL_CAUSES if n != 9])
@pytest.mark.parametrize("mode", ["HS", "U", "VS", "VU"])
def test_builtin_sbi_hands_all_else_to_hs_or_vs(number: int, mode: str) -> None:
    h = supervised(mode)
    trap(h, number, 0x4000)
    assert (where(h), h.npc, h.event) == ("HS", STVEC, 0)
    h = supervised(mode, hedeleg=TO_VS)
    trap(h, number, 0x4000)
    assert where(h) == ("VS" if mode[0] == "V" and TO_VS >> number & 1 else "HS")


def test_causes_in_words() -> None:
    assert describe(21) == "load guest-page fault"
    assert describe(INTERRUPT | 6) == "virtual supervisor timer interrupt"
    assert describe(14) == "exception 14 (reserved)" and describe(ONES) == f"interrupt {(1 << 63) - 1} (reserved)"
    assert Interrupt.SGEI.words == "supervisor guest external interrupt" and Cause(22).name == "VIRTUAL_INSTRUCTION"


def test_h012_mprv_access_of_a_guest_from_m_mode() -> None:
    """norm:mstatus_gva_op: the fault of a load as though V=1 gives a guest address, though M-mode was interrupted."""
    h = poison(hart_in("M"))
    trap(h, Cause.LOAD_GUEST_PAGE_FAULT, 0x4000, 0x8000, TrapInfo.GVA)
    assert [field(h, "mstatus", name) for name in ("GVA", "MPV", "MPP")] == [1, 0, 3]
    trap(h, Cause.INSTRUCTION_ACCESS_FAULT, 0x4000)
    assert field(h, "mstatus", "GVA") == 0
