# SPDX-License-Identifier: Apache-2.0
"""Smrnmi: resumable non-maskable interrupts, MNRET, and what NMIE=0 does."""

from __future__ import annotations

from typing import Any

import pytest

from core.csr.registry import write_csr
from core.features import DEFAULT_FEATURES, Feature
from core.hart import Hart
from core.isa.decode import encode
from core.isa.disassemble import disassemble
from core.trap.interrupts import signal_rnmi
from core.trap.ret import do_mnret
from core.trap.start import start_supervisor
from tests.support.engines import RAM, Engines
from tests.unit.test_csr_support import (
    ALL,
    ILLEGAL,
    INTERRUPT,
    MODES,
    ONES,
    bit,
    cause,
    make_hart,
    read,
    trap,
    traps,
    where,
    written,
)

WITH = DEFAULT_FEATURES | Feature.SMRNMI
NMIE, MNPV, MNPELP, MNPP, MPRV, MPV, MPP = 1 << 3, 1 << 7, 1 << 9, 3 << 11, 1 << 17, 1 << 39, 3 << 11
MDT, SDT, MIE = 1 << 42, 1 << 24, 1 << 3
ECALL, NOP, MRET, MNRET, WFI = (
    encode("ecall"),
    encode("addi", rd=0, rs1=0, imm=0),
    encode("mret"),
    encode("mnret"),
    encode("wfi"),
)
HANDLER, RNMI, EXCEPTION = RAM + 0x100, RAM + 0x200, RAM + 0x300
PENDING: dict[str, Any] = {"mie": ONES, "mstatus": MIE | 2, "irq_lines": 1 << 3 | 1 << 7 | 1 << 11}
REST = ("mstatus", "mepc", "mcause", "mtval", "mtval2", "mtinst", "mnscratch")
LESS = ("U", "HS", "VU", "VS")


@pytest.fixture(scope="module")
def engines() -> Engines:
    return Engines(WITH)


@pytest.fixture(scope="module")
def double() -> Engines:
    return Engines(WITH | Feature.SMDBLTRP)


def ready(engines: Engines, mode: str = "M", **slots: int) -> Engines:
    """Three NOPs at RAM to run in `mode`, the handlers set."""
    engines.begin(mode, mtvec=HANDLER, rnmi_interrupt_vector=RNMI, rnmi_exception_vector=EXCEPTION, **slots)
    engines.code(RNMI, [MNRET])
    engines.code(RAM, [NOP, NOP, NOP])
    return engines


def test_the_csrs_are_there() -> None:
    """norm:Smrnmi_csrs, norm:mnscratch_acc, norm:mnepc_bit0, norm:mnstatus_nmie_reset."""
    h = make_hart(features=WITH, firmware=False)
    assert [read(h, name) for name in ("mnscratch", "mnepc", "mncause", "mnstatus")] == [0, 0, 0, 0]
    assert [written(h, address, ONES) for address in (0x740, 0x741, 0x742)] == [ONES, ONES - 1, ONES]
    h.features &= ~Feature.C
    assert written(h, "mnepc", ONES) == ONES - 3, "norm:mnepc_ialign32"
    for name in ("mnscratch", "mnepc", "mncause", "mnstatus"):
        assert [cause(make_hart(mode, features=WITH), name) for mode in LESS] == [ILLEGAL] * 4
        assert cause(make_hart(features=ALL & ~Feature.SMRNMI), name) == ILLEGAL


def test_the_fields_of_mnstatus() -> None:
    """norm:mnstatus_nmie_set_clear, norm:mnstatus_reserved, norm:mnstatus_mnpp_op, norm:mnstatus_mnpv_op."""
    h = make_hart(features=WITH, firmware=False)
    assert written(h, "mnstatus", ~NMIE & ONES) == MNPP | MNPV
    assert written(h, "mnstatus", ONES) == MNPP | MNPV | NMIE
    assert written(h, "mnstatus", 0) == NMIE
    assert [written(h, "mnstatus", value << 11) & MNPP for value in (1, 2, 3, 2, 0)] == [1 << 11, 1 << 11, MNPP, MNPP, 0]
    h = make_hart(features=WITH & ~Feature.H)
    assert written(h, "mnstatus", ONES) == MNPP | NMIE
    h = make_hart(features=WITH, mnstatus=MNPP | MNPV | NMIE)
    write_csr(h, "misa", 0)
    assert h.mnstatus == MNPP | NMIE, "with misa.H clear there is no MNPV"


def test_off_by_default() -> None:
    assert Feature.SMRNMI not in DEFAULT_FEATURES
    engines = Engines()
    engines.begin("M", mtvec=HANDLER, mstatus=PENDING["mstatus"])
    engines.code(RAM, [MNRET])
    h = engines.run(1)
    assert (h.pc, h.mcause, h.mtval) == (HANDLER, ILLEGAL, MNRET)
    assert disassemble(MNRET, 0) == "mnret"
    h = make_hart(features=WITH)
    start_supervisor(h)
    assert h.mnstatus == NMIE, "firmware has let them through"


@pytest.mark.parametrize("mode", MODES)
def test_an_rnmi_and_the_way_back(engines: Engines, mode: str) -> None:
    """norm:rnmi_entry, norm:rnmi_entry_cause, norm:rnmi_entry_priv, norm:rnmi_entry_nmie_clear, norm:rnmi_enter_mmode,
    norm:mncause_interrupt_zero; norm:rnmi_resume, norm:mnret_restore: nothing else changes."""
    ready(engines, mode, mnstatus=NMIE, mnscratch=1, mepc=2, mcause=3, mtval=4, mtval2=5, mtinst=6)
    priv, v = MODES[mode]
    h = engines.run(1)
    before = {name: getattr(h, name) for name in REST}
    engines.each(signal_rnmi)
    h = engines.run(1)
    assert (h.mode, h.v, h.pc, h.mnepc, h.mncause, h.rnmi) == (3, 0, RNMI, RAM + 4, INTERRUPT, 0)
    assert h.mnstatus == priv << 11 | v << 7
    assert {name: getattr(h, name) for name in REST} == before
    h = engines.run(1)
    assert (where(h), h.pc, h.mnstatus) == (mode, RAM + 4, priv << 11 | v << 7 | NMIE)
    assert engines.run(1).pc == RAM + 8


def test_it_comes_first_and_cannot_be_masked(engines: Engines) -> None:
    """norm:rnmi_priority, norm:rnmi_not_disabled; the others wait for NMIE (norm:mnstatus_nmie_disable)."""
    ready(engines, mnstatus=NMIE, **PENDING)
    engines.each(signal_rnmi)
    assert engines.run(1).pc == RNMI
    h = engines.run(2)
    assert (h.pc, h.mcause, h.mepc, h.mnepc) == (HANDLER, INTERRUPT | 11, RAM, RAM)
    ready(engines, mnstatus=NMIE, mie=0, mstatus=0)
    engines.each(signal_rnmi)
    assert engines.run(1).pc == RNMI


@pytest.mark.parametrize("mode", MODES)
def test_without_nmie_there_are_no_interrupts(engines: Engines, mode: str) -> None:
    """norm:mnstatus_nmie_disable; the RNMI is taken as soon as software sets NMIE."""
    ready(engines, mode, **PENDING)
    engines.each(signal_rnmi)
    assert engines.run(2).pc == RAM + 8
    engines.each(lambda h: write_csr(h, "mnstatus", NMIE))
    assert engines.run(1).pc == RNMI
    ready(engines, **PENDING)
    engines.each(signal_rnmi)
    engines.code(RAM, [encode("csrrsi", rd=0, uimm=8, csr=0x744), NOP])
    h = engines.run(2)
    assert (h.pc, h.mnepc) == (RNMI, RAM + 4)


def test_exceptions_in_m_mode_without_nmie(engines: Engines) -> None:
    """norm:rnmi_exception_nmie0: everything as usual, but for pc. Elsewhere nothing is special."""
    for nmie, handler in ((0, EXCEPTION), (NMIE, HANDLER)):
        ready(engines, mnstatus=nmie, mnepc=10, mncause=11, mstatus=MIE)
        engines.code(RAM, [NOP, ECALL])
        h = engines.run(2)
        assert (h.pc, h.mepc, h.mcause, h.mstatus & (MIE | 1 << 7 | MPP)) == (handler, RAM + 4, 11, 1 << 7 | MPP)
        assert (h.mnepc, h.mncause, h.mnstatus) == (10, 11, nmie)
    for mode, number in (("U", 8), ("HS", 9), ("VS", 10)):
        ready(engines, mode, mnstatus=0)
        engines.code(RAM, [ECALL])
        assert (engines.run(1).pc, engines.hart.mcause) == (HANDLER, number)


def test_without_nmie_there_is_no_mprv(engines: Engines) -> None:
    """norm:mnstatus_mprv_clear."""
    load = encode("ld", rd=5, rs1=10, imm=0)
    ready(engines, mstatus=MPRV | 1 << 11, satp=8 << 60 | RAM + 0x4000 >> 12)
    engines.code(RAM, [load, encode("csrrsi", rd=0, uimm=8, csr=0x744), load])
    h = engines.run(2, x10=RAM)
    assert (h.pc, h.x[5] & 0xFFFF_FFFF) == (RAM + 8, load)
    h = engines.run(1)
    assert (h.pc, h.mcause, h.mepc, h.mtval) == (HANDLER, 13, RAM + 8, RAM), "with NMIE set there is"


@pytest.mark.parametrize("v", [0, 1])
@pytest.mark.parametrize("mode", [0, 1, 3])
def test_where_mnret_goes(mode: int, v: int) -> None:
    """norm:mnret_mode, norm:mnret_restore, norm:mnret_mprv: MNPV does not matter when MNPP is M. mstatus keeps the rest."""
    h = make_hart(features=WITH, firmware=False)
    h.mnepc, h.mnstatus, h.mstatus = RAM + 6, mode << 11 | v << 7, MPRV | MPV | MPP | MIE
    do_mnret(h)
    expected = "M" if mode == 3 else {(0, 0): "U", (1, 0): "HS", (0, 1): "VU", (1, 1): "VS"}[mode, v]
    assert (where(h), h.npc, h.mnstatus) == (expected, RAM + 6, mode << 11 | v << 7 | NMIE)
    assert h.mstatus == MPV | MPP | MIE | (MPRV if mode == 3 else 0)
    assert (h.mepc, h.mncause) == (0, 0)


def test_mnret_below_m_mode_is_illegal() -> None:
    """norm:mnret_mode."""
    for mode in LESS:
        h = make_hart(mode, features=WITH)
        traps(ILLEGAL, do_mnret, h)
        assert (h.mnstatus, h.v, h.mode) == (NMIE, MODES[mode][1], MODES[mode][0])


def test_mret_and_sret_know_nothing_of_it(engines: Engines) -> None:
    """priv, RNMI Operation, the note: they do not look at NMIE, nor set it."""
    for word in (MRET, encode("sret")):
        ready(engines, mstatus=0, mepc=RAM, sepc=RAM)
        engines.code(RNMI, [word])
        h = engines.run(1)
        assert (where(h), h.pc, h.mnstatus) == ("U", RAM, 0)


@pytest.mark.parametrize("nmie", [0, NMIE])
def test_an_rnmi_ends_wfi(engines: Engines, nmie: int) -> None:
    """norm:mnstatus_wfi: NMIE is to WFI what MIE is."""
    ready(engines, mnstatus=nmie)
    engines.code(RAM, [WFI, NOP])
    assert engines.run(5).wfi == 1
    engines.each(signal_rnmi)
    h = engines.run(1)
    assert (h.wfi, h.pc) == (0, RNMI if nmie else RAM + 8)
    assert (h.rnmi, h.mnepc) == ((0, RAM + 4) if nmie else (1, 0))


def test_a_double_trap_goes_to_the_rnmi_handler(double: Engines) -> None:
    """norm:trap_unexp_hndl_rnmi, norm:mncause_doubletrap."""
    ready(double, mnstatus=NMIE, mstatus=MDT, mepc=5, mcause=6, mtval=7)
    double.code(RAM, [NOP, ECALL])
    h = double.run(2)
    assert (h.pc, h.mnepc, h.mncause, h.mnstatus, h.critical) == (RNMI, RAM + 4, 11, MNPP, 0)
    assert (h.mepc, h.mcause, h.mtval, h.mstatus & MDT) == (5, 6, 7, MDT)
    h = double.run(1)
    assert (h.pc, h.mode, h.mnstatus, h.mstatus & MDT) == (RAM + 4, 3, MNPP | NMIE, MDT), "back in M-mode: MDT stays"


def test_a_double_trap_of_s_mode_that_m_mode_is_not_ready_for() -> None:
    """mncause gets what mcause would have got, and MNPP says M (norm:trap_unexp_hndl_rnmi)."""
    slots = {"menvcfg": bit("menvcfg", "DTE"), "medeleg": ONES, "mnstatus": NMIE, "rnmi_interrupt_vector": RNMI}
    h = make_hart("HS", features=WITH | Feature.SMDBLTRP, **slots)
    h.mstatus |= MDT | SDT
    trap(h, 13, 0x1234)
    assert (where(h), h.npc, h.mncause, h.mnstatus, h.mcause) == ("M", RNMI, 16, MNPP, 0)
    h = make_hart("HS", features=WITH | Feature.SMDBLTRP, **slots)
    h.mstatus |= MDT
    trap(h, 13, 0x1234)
    assert (where(h), h.scause, h.mncause) == ("HS", 13, 0), "HS-mode is ready"


def test_a_trap_in_the_handler_is_critical(double: Engines) -> None:
    """norm:trap_unexp_mnstatus_nmie_0, norm:trap_unexp_hndl_no_rnmi, whatever MDT; not from a mode below M."""
    for mdt in (0, MDT):
        ready(double, mstatus=mdt, mepc=5, mcause=6)
        double.code(RAM, [ECALL])
        h = double.run(2)
        assert (h.critical, h.pc, h.mepc, h.mcause) == (1, RAM, 5, 6)
        double.each(signal_rnmi)
        assert double.run(1).pc == RAM, "no NMI helps"
    ready(double, "U", mstatus=0)
    double.code(RAM, [ECALL])
    h = double.run(1)
    assert (h.critical, h.pc, h.mcause, h.mstatus & MDT) == (0, HANDLER, 8, MDT)


def test_an_rnmi_is_no_unexpected_trap(double: Engines) -> None:
    """norm:trap_unexp_rnmi, norm:mstatus_mdt_not_set_rnmi."""
    for mdt in (0, MDT):
        ready(double, mstatus=mdt, mnstatus=NMIE)
        double.each(signal_rnmi)
        h = double.run(1)
        assert (h.pc, h.mncause, h.mstatus & MDT) == (RNMI, INTERRUPT, mdt)


@pytest.mark.parametrize("v", [0, 1])
@pytest.mark.parametrize("mode", [0, 1, 3])
def test_what_mnret_clears(mode: int, v: int) -> None:
    """norm:mstatus_mdt_clr_mnret, norm:sstatus_sdt_clr_mnret, norm:vsstatus_sdt_clr_mnret."""
    dte = bit("menvcfg", "DTE")
    h = make_hart(features=WITH | Feature.SMDBLTRP, menvcfg=dte, henvcfg=dte)
    h.mstatus |= MDT | SDT
    h.vsstatus |= SDT
    h.mnstatus = mode << 11 | v << 7
    do_mnret(h)
    guest = bool(v) and mode != 3
    assert bool(h.mstatus & MDT) == (mode == 3)
    assert bool(h.mstatus & SDT) == (mode == 3 or (mode == 1 and not guest))
    assert bool(h.vsstatus & SDT) == (not (guest and mode == 0))


def test_a_reset_forgets_it(engines: Engines) -> None:
    ready(engines, mnstatus=NMIE)
    engines.each(signal_rnmi)
    ready(engines)
    h: Hart = engines.run(1)
    assert (h.rnmi, h.mnstatus, h.pc) == (0, 0, RAM + 4)


def test_landing_pads() -> None:
    """norm:mnstatus_mnpelp_update, norm:mnret_zicfilp: ELP goes to MNPELP and comes back where they are enforced."""
    engines = Engines(WITH | Feature.ZICFILP)
    lpad = encode("lpad", imm=0)
    for mlpe in (0, bit("mseccfg", "MLPE")):
        ready(engines, mnstatus=NMIE, mseccfg=mlpe)
        engines.code(RAM, [encode("jalr", rd=0, rs1=10, imm=0), NOP, lpad])
        assert engines.run(1, x10=RAM + 8).elp == (1 if mlpe else 0)
        engines.each(signal_rnmi)
        h = engines.run(1)
        assert (h.pc, h.elp, h.mnstatus & MNPELP, h.mnepc) == (RNMI, 0, MNPELP if mlpe else 0, RAM + 8)
        h = engines.run(1)
        assert (h.pc, h.elp, h.mnstatus) == (RAM + 8, 1 if mlpe else 0, MNPP | NMIE)
        assert engines.run(1).pc == RAM + 12
    ready(engines, mnstatus=MNPELP | MNPP, mnepc=RAM)
    engines.code(RNMI, [MNRET])
    assert (engines.run(1).elp, engines.hart.mnstatus) == (0, MNPP | NMIE), "M-mode does not enforce them"
    assert written(make_hart(features=WITH), "mnstatus", ONES) & MNPELP == 0
