# SPDX-License-Identifier: Apache-2.0
"""Smdbltrp: a trap into M-mode that M-mode is not ready for is a critical error."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.boot.loader import Bios, BootConfig
from core.debug.stops import StopKind
from core.debug.target import Debugger
from core.features import DEFAULT_FEATURES, Feature
from core.isa.decode import encode
from core.machine import Machine, MachineConfig, Outcome
from core.trap.ret import do_mret, do_sret
from core.trap.start import start_supervisor
from tests.support.engines import RAM, Engines
from tests.unit.test_csr_support import ONES, bit, enter, field, make_hart, read, trap, where, write, written

WITH = DEFAULT_FEATURES | Feature.SMDBLTRP
MDT, MIE, SDT = 1 << 42, 1 << 3, 1 << 24
MPP, MPV = 3 << 11, 1 << 39
ECALL, NOP, MRET = encode("ecall"), encode("addi", rd=0, rs1=0, imm=0), encode("mret")
HANDLER = RAM + 0x100


@pytest.fixture(scope="module")
def engines() -> Engines:
    return Engines(WITH)


def test_mdt_is_there_and_set_after_reset() -> None:
    """norm:mstatus_mdt_rst; off by default."""
    assert Feature.SMDBLTRP not in DEFAULT_FEATURES
    assert read(make_hart(features=WITH), "mstatus") & MDT == MDT
    h = make_hart()
    assert read(h, "mstatus") & MDT == written(h, "mstatus", ONES) & MDT == 0
    h = make_hart(features=WITH)
    start_supervisor(h)
    assert h.mstatus & MDT == 0, "the host has returned to HS-mode"


def test_mdt_keeps_mie_clear() -> None:
    """norm:mstatus_mie_clr_by_mdt_rv64, norm:mstatus_mie_set_mdt_0_rv64."""
    h = make_hart(features=WITH)
    assert written(h, "mstatus", MDT | MIE) & (MDT | MIE) == MDT
    assert written(h, "mstatus", MIE) & (MDT | MIE) == MIE, "cleared and set by the same write"
    assert written(h, "mstatus", MDT | MIE) & (MDT | MIE) == MDT
    write(h, "sstatus", 2)
    assert h.mstatus & (MDT | MIE) == MDT


def test_a_trap_into_m_mode_sets_it_and_a_return_clears_it(engines: Engines) -> None:
    """norm:trap_exp, norm:mstatus_mdt_clr_mret_sret."""
    engines.begin("U", mtvec=HANDLER, mstatus=0)
    engines.code(HANDLER, [MRET])
    engines.code(RAM, [ECALL])
    h = engines.run(1)
    assert (h.mode, h.mstatus & MDT) == (3, MDT)
    h = engines.run(1)
    assert (h.mode, h.mstatus & MDT) == (0, 0)


@pytest.mark.parametrize("v", [0, 1])
@pytest.mark.parametrize("mode", [0, 1, 3])
def test_what_a_return_from_m_mode_clears(mode: int, v: int) -> None:
    """norm:sstatus_sdt_clr_mret_sret, norm:vsstatus_sdt_clr_mret_sret."""
    dte = bit("menvcfg", "DTE")
    h = make_hart(features=WITH, menvcfg=dte, henvcfg=dte)
    h.mstatus |= MDT | SDT | mode << 11 | (MPV if v else 0)
    h.vsstatus |= SDT
    do_mret(h)
    guest = v and mode != 3
    left = (0, SDT if not guest and mode in (1, 3) else 0, 0 if guest and mode == 0 else SDT)
    assert (h.mstatus & MDT, h.mstatus & SDT, h.vsstatus & SDT) == left
    assert where(h) == {(0, 0): "U", (1, 0): "HS", (3, 0): "M"}.get((mode, guest), "VU" if mode == 0 else "VS")


def test_sret_clears_mdt_in_m_mode_only() -> None:
    """norm:mstatus_mdt_clr_mret_sret."""
    h = make_hart(features=WITH)
    do_sret(h)
    assert (where(h), h.mstatus & MDT) == ("U", 0)
    h = make_hart("HS", features=WITH)
    do_sret(h)
    assert h.mstatus & MDT == MDT


@pytest.mark.parametrize("steps", [(10,), (1,) * 10])
def test_a_double_trap_in_m_mode_changes_nothing(engines: Engines, steps: tuple[int, ...]) -> None:
    """norm:trap_unexp_mdt_1, norm:trap_unexp_hndl_no_rnmi: not even pc; no interrupt helps; a reset does."""
    engines.begin("M", mtvec=HANDLER, mepc=5, mcause=6, mtval=7, mie=ONES)
    engines.code(RAM, [NOP, ECALL, NOP])
    for units in steps:
        h = engines.run(units)
    assert (h.pc, h.mode, h.mepc, h.mcause, h.mtval, h.critical) == (RAM + 4, 3, 5, 6, 7, 1)
    engines.each(lambda h: setattr(h, "irq_lines", 1 << 3 | 1 << 11))
    assert [machine.run(5, 0) for machine in engines.machines] == [Outcome.IDLE] * 2
    assert engines.hart.pc == RAM + 4
    engines.begin("M", mtvec=HANDLER)
    engines.code(RAM, [NOP])
    assert engines.run(1).pc == RAM + 4


def test_a_double_trap_of_s_mode_is_critical_too() -> None:
    """One that would go to M-mode, which is not ready either."""
    h = make_hart("HS", features=WITH, menvcfg=bit("menvcfg", "DTE"), medeleg=ONES)
    h.mstatus |= MDT | SDT
    pc = h.pc
    trap(h, 13)
    assert (h.critical, h.npc, where(h), h.mcause) == (1, pc, "HS", 0)
    h.critical, h.mstatus = 0, SDT
    trap(h, 13)
    assert (h.critical, where(h), h.mcause, field(enter(h, "M"), "mstatus", "MDT")) == (0, "M", 16, 1)


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_the_debugger_and_the_user_are_told(engine: str, tmp_path: Path) -> None:
    image = tmp_path / "program.bin"
    image.write_bytes(NOP.to_bytes(4, "little") + ECALL.to_bytes(4, "little"))
    machine = Machine(MachineConfig(BootConfig(image, bios=Bios.NONE), 4 << 20, features=WITH, engine=engine))
    told: list[str] = []
    machine.warning = told.append
    debugger = Debugger(machine, machine.plan.symbols)
    debugger.resume()
    stop = debugger.wait(20)
    assert stop is not None and stop.kind is StopKind.IDLE and stop.text == "hart 0: critical error, nothing but a reset helps"
    assert len(told) == 1 and told[0].startswith("pc 0x80000004: a trap into M-mode (xcause 0xb) while mstatus.MDT is 1")


def test_other_harts_go_on(tmp_path: Path) -> None:
    image = tmp_path / "program.bin"
    code = (encode("csrrs", rd=5, rs1=0, csr=0xF14), encode("bne", rs1=5, rs2=0, imm=8), ECALL, encode("jal", rd=0, imm=0))
    image.write_bytes(b"".join(word.to_bytes(4, "little") for word in code))
    machine = Machine(MachineConfig(BootConfig(image, bios=Bios.NONE), 4 << 20, harts=2, features=WITH, engine="reference"))
    assert machine.run(50_000) is Outcome.BUDGET
    assert [(hart.critical, hart.pc) for hart in machine.harts] == [(1, RAM + 8), (0, RAM + 12)]
