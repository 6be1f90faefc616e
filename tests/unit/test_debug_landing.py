# SPDX-License-Identifier: Apache-2.0
"""Landing pads (Zicfilp) in a debugger's hands: stepping, breakpoints, ELP as a register, what is explained and shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.boot.loader import Bios, BootConfig
from core.debug.errors import ReadOnlyRegister, UnknownRegister
from core.debug.target import Debugger, StopKind
from core.features import DEFAULT_FEATURES, Feature
from core.isa.decode import encode
from core.isa.disassemble import disassemble
from core.machine import Machine, MachineConfig
from gdbstub.riscv.description import describe
from gdbstub.riscv.target import RiscvTarget
from tests.console.driver import ask
from tests.support.debugged import ENGINES, OWNER, go

RAM = 0x8000_0000
TARGET, HANDLER = RAM + 0x100, RAM + 0x200
MLPE, LPE, MPELP = 1 << 10, 1 << 2, 1 << 41
LPAD, NOP, MRET = encode("lpad", imm=0), encode("addi"), encode("mret")
JUMP = encode("jalr", rd=1, rs1=15, imm=0)
EXPECTED = f"  a landing pad was expected here, because of the indirect jump at {RAM:#x}"


def debugger(engine: str, folder: Path, *found: int, on: bool = True, target: int = TARGET) -> Debugger:
    """M-mode before an indirect jump to `target`, where these instructions are."""
    image = folder / "program.bin"
    code = bytearray(NOP.to_bytes(4, "little") * 0x100)
    for place, words in ((RAM, [JUMP]), (target, found), (HANDLER, [LPAD, MRET])):
        data = b"".join(word.to_bytes(4, "little") for word in words)
        code[place - RAM : place - RAM + len(data)] = data
    image.write_bytes(code)
    features = DEFAULT_FEATURES | Feature.ZICFILP if on else DEFAULT_FEATURES
    boot = BootConfig(image, bios=Bios.NONE)
    made = Debugger(Machine(MachineConfig(boot, memory=4 << 20, features=features, engine=engine)))
    h = made.machine.harts[0]
    h.x[15], h.mtvec, h.mseccfg = target, HANDLER, MLPE if on else 0
    return made


@pytest.mark.parametrize("engine", ENGINES)
def test_stepping_onto_and_over_a_landing_pad(engine: str, tmp_path: Path) -> None:
    d = debugger(engine, tmp_path, LPAD, NOP)
    assert d.read_register("elp") == 0
    stop = go(d, steps=1)
    assert (stop.kind, stop.pc, d.read_register("elp")) == (StopKind.STEP, TARGET, 1)
    stop = go(d, steps=1)
    assert (stop.kind, stop.pc, d.read_register("elp"), d.read_register("mcause")) == (StopKind.STEP, TARGET + 4, 0, 0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("found", [LPAD, LPAD | 0x1000, NOP])
def test_a_breakpoint_comes_before_the_check(engine: str, found: int, tmp_path: Path) -> None:
    """norm:Zicfilp_exception_priority: instruction address breakpoints come first. Going on, by steps or not, checks."""
    for steps in (1, 0):
        d = debugger(engine, tmp_path, found, NOP)
        d.add_breakpoint(TARGET, owner=OWNER)
        d.add_breakpoint(HANDLER, owner=OWNER)
        d.add_breakpoint(TARGET + 4, owner=OWNER)
        stop = go(d)
        assert (stop.kind, stop.pc, d.read_register("elp"), d.read_register("mcause")) == (StopKind.BREAKPOINT, TARGET, 1, 0)
        stop = go(d, steps=1) if steps else go(d)
        good = found == LPAD
        assert (stop.pc, d.read_register("mcause"), d.read_register("elp")) == (
            (TARGET + 4, 0, 0) if good else (HANDLER, 18, 0)
        )


@pytest.mark.parametrize("engine", ENGINES)
def test_elp_is_a_register(engine: str, tmp_path: Path) -> None:
    d = debugger(engine, tmp_path, NOP, NOP)
    go(d, steps=1)
    assert "elp" in d.register_names()
    d.write_register("elp", 0)
    assert (go(d, steps=1).pc, d.read_register("mcause")) == (TARGET + 4, 0)
    d.write_register("elp", 1)
    assert (go(d, steps=1).pc, d.read_register("mepc")) == (HANDLER, TARGET + 4)
    with pytest.raises(ReadOnlyRegister, match="elp is 0 or 1"):
        d.write_register("elp", 2)


@pytest.mark.parametrize("engine", ENGINES)
def test_elp_carried_to_where_none_is_expected_is_dropped(engine: str, tmp_path: Path) -> None:
    """norm:mseccfg_mlpe_clr_op_list, norm:menvcfg_lpe_op_list."""
    d = debugger(engine, tmp_path, NOP, NOP)
    go(d, steps=1)
    d.write_register("mseccfg", 0)
    assert (go(d, steps=1).pc, d.read_register("elp"), d.read_register("mcause")) == (TARGET + 4, 0, 0)


def test_without_the_extension_there_is_no_such_register(tmp_path: Path) -> None:
    d = debugger("reference", tmp_path, NOP, on=False)
    assert "elp" not in d.register_names()
    with pytest.raises(UnknownRegister):
        d.read_register("elp")
    with pytest.raises(UnknownRegister):
        d.write_register("elp", 1)


def test_gdb_is_told_of_it_where_it_is(tmp_path: Path) -> None:
    for on in (True, False):
        target = RiscvTarget(debugger("reference", tmp_path, NOP, on=on))
        assert (b'name="elp"' in target.description.xml) == on
    assert b'name="elp"' not in describe([]).xml


@pytest.mark.parametrize("engine", ENGINES)
def test_a_missing_landing_pad_is_explained(engine: str, tmp_path: Path) -> None:
    d = debugger(engine, tmp_path, NOP)
    go(d, steps=2)
    lines = d.explain()
    assert lines[:3] == [
        "software check: landing pad fault (cause 18), no instruction executed since",
        f"  in M-mode of host, at {TARGET:#x}: nop",
        EXPECTED,
    ]
    assert "  mstatus  0xa00000000 -> 0x20a00001800 (MPELP 0 -> 1 LP_EXPECTED, MPP 0 -> 3 M)" in lines
    assert "  mtval    0x0 -> 0x2" in lines
    assert lines[-1] == (
        "  mseccfg.MLPE is 1, so an indirect jump must reach an lpad (norm:zicflip_lpad_expected): a function whose address is "
        "taken does not begin with one, or the pointer is wrong; a jump through x7 needs none"
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wrong_label_is_explained(engine: str, tmp_path: Path) -> None:
    d = debugger(engine, tmp_path, LPAD | 0xABCDE000)
    d.write_register("t2", 0x1_2345_6789)
    go(d, steps=2)
    lines = d.explain()
    assert lines[1] == f"  in M-mode of host, at {TARGET:#x}: lpad 0xabcde"
    wrong = "the label of this lpad, 0xabcde, is not what bits 31:12 of t2 (x7) hold"
    rule = "the caller loads it with lui t2, 0xabcde before the jump (norm:zicflip_lpad_label_exception)"
    assert lines[-1] == f"  {wrong}, which are 0x23456: {rule}"
    go(d, steps=2)
    assert d.explain()[-1] == f"  {wrong}: {rule}", "x7 may have changed since"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_misaligned_one_is_explained(engine: str, tmp_path: Path) -> None:
    d = debugger(engine, tmp_path, LPAD, target=TARGET + 2)
    go(d, steps=2)
    assert d.explain()[-1] == (
        "  this lpad is not aligned to 4 bytes: put .balign 4 before it (norm:zicflip_lpad_alignment_exception)"
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_elp_that_a_return_has_brought_is_explained(engine: str, tmp_path: Path) -> None:
    """A handler that goes on elsewhere without looking at MPELP."""
    d = debugger(engine, tmp_path, NOP, NOP)
    for name, value in (("pc", HANDLER + 4), ("mstatus", MPELP | 3 << 11), ("mepc", TARGET)):
        d.write_register(name, value)
    assert (go(d, steps=1).pc, d.read_register("elp")) == (TARGET, 1)
    go(d, steps=1)
    lines = d.explain()
    assert lines[2] == "  a landing pad was expected here, as the last return from a trap found it in xPELP"
    assert lines[-1] == (
        "  no jump but a return from a trap has set ELP: a handler that returns to somewhere else, or to another context, must "
        "save and restore mstatus.MPELP or sstatus.SPELP or vsstatus.SPELP and t2 with the pc (norm:Zicfilp_pelp_trap_return)"
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_other_traps_tell_what_was_expected(engine: str, tmp_path: Path) -> None:
    """An interrupt between the jump and its landing pad."""
    d = debugger(engine, tmp_path, LPAD)
    h = d.machine.harts[0]
    go(d, steps=1)
    h.mie, h.irq_lines, h.mstatus = 8, 8, 8 | h.mstatus
    assert go(d, steps=1).pc == HANDLER
    lines = d.explain()
    assert lines[0].startswith("machine software interrupt")
    assert EXPECTED in lines
    assert lines[-1].startswith("  pc"), "no hint"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_catch_names_the_check(engine: str, tmp_path: Path) -> None:
    d = debugger(engine, tmp_path, NOP)
    d.add_catch("trap 18", owner=OWNER)
    assert "software check: landing pad fault" in go(d).text


def test_the_disassembler_knows_lpad_where_it_is_one(tmp_path: Path) -> None:
    on = int(Feature.ZICFILP)
    assert (disassemble(LPAD, 0), disassemble(LPAD, 0, None, on)) == ("auipc zero,0x0", "lpad 0x0")
    assert disassemble(LPAD | 0xFFFF_F000, 0, None, on) == "lpad 0xfffff"
    assert disassemble(encode("auipc", rd=1, imm=0x1000), 0, None, on) == "auipc ra,0x1"
    for word in (JUMP, encode("jalr", rd=0, rs1=1, imm=0), encode("c.jr", rs1=15)):
        assert disassemble(word, 0, None, on) == disassemble(word, 0)
    for enabled, text in ((True, "lpad 0x0"), (False, "auipc zero,0x0")):
        assert debugger("reference", tmp_path, LPAD, on=enabled).disassemble(TARGET, 1)[0].text == text


def test_the_console_shows_elp(tmp_path: Path) -> None:
    d = debugger("reference", tmp_path, NOP)
    words = "  elp          LP_EXPECTED: the instruction at pc must be a landing pad"
    assert words not in ask(d, "mode")
    go(d, steps=1)
    assert words in ask(d, "mode")
    ask(d, "csr mstatus.MPELP = 1")
    shown = " ".join(" ".join(ask(d, "csr mstatus")).split())
    assert "41 MPELP 1 a landing pad was expected before the trap into M-mode: LP_EXPECTED" in shown
