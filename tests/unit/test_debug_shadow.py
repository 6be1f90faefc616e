# SPDX-License-Identifier: Apache-2.0
"""Shadow stacks (Zicfiss) in a debugger's hands: ssp, what is explained, walked, mapped and shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.boot.loader import Bios, BootConfig
from core.debug.errors import UnknownRegister
from core.debug.target import Debugger
from core.features import DEFAULT_FEATURES, Feature
from core.isa.decode import encode
from core.isa.disassemble import disassemble
from core.machine import Machine, MachineConfig
from gdbstub.riscv.target import RiscvTarget
from tests.console.driver import ask
from tests.support.debugged import ENGINES, go

RAM = 0x8000_0000
HANDLER = RAM + 0x200
PAGE = 0x4000_0000
DATA, ROOT, TABLE, LEAVES = RAM + 0x2000, RAM + 0x3000, RAM + 0x4000, RAM + 0x5000
SV39 = 8 << 60 | ROOT >> 12
SSE = 1 << 3
V, R, W, X, U, A, D = 1, 2, 4, 8, 16, 64, 128
SHADOW = V | W | A | D
PUSH, POP, SWAP = encode("sspush", rs2=1), encode("sspopchk", rs1=1), encode("ssamoswap.d", rd=10, rs1=11, rs2=12)
STORE, LOAD = encode("sd", rs2=12, rs1=11, imm=0), encode("ld", rd=10, rs1=11, imm=0)
LINK = 0x8000_1234


def debugger(
    folder: Path, *words: int, pte: int = SHADOW, engine: str = "reference", guest: bool = False, on: bool = True, **slots: int
) -> Debugger:
    """S-mode, or VS-mode of a guest without G-stage, before these instructions, ssp at PAGE + 8, PAGE mapped by `pte`."""
    code = b"".join(word.to_bytes(4 if word & 3 == 3 else 2, "little") for word in words)
    image = folder / "program.bin"
    image.write_bytes(code + bytes(0x300 - len(code)))
    features = DEFAULT_FEATURES | Feature.ZICFISS if on else DEFAULT_FEATURES
    boot = BootConfig(image, bios=Bios.NONE)
    d = Debugger(Machine(MachineConfig(boot, memory=4 << 20, features=features, engine=engine)))
    for spa, entry in (
        (ROOT + 8 * (PAGE >> 30), TABLE >> 2 | V), (ROOT + 8 * (RAM >> 30), RAM >> 2 | V | R | W | X | A | D),
        (TABLE, LEAVES >> 2 | V), (LEAVES, DATA >> 2 | pte),
    ):  # fmt: skip
        d.write_memory(spa, entry.to_bytes(8, "little"), space="spa")
    h = d.machine.harts[0]
    for slot, value in ({"mtvec": HANDLER, "vsatp" if guest else "satp": SV39, "menvcfg": SSE, "henvcfg": SSE} | slots).items():
        d.write_register(slot, value)
    h.pmpaddr[0], h.pmpcfg[0] = (1 << 54) - 1, 0x1F
    if on and "ssp" not in slots:
        h.ssp = PAGE + 8
    h.x[1], h.x[11], h.x[12] = LINK, PAGE, LINK
    d.write_register("mode", 5 if guest else 1)
    return d


def without(d: Debugger, name: str) -> Debugger:
    """The same with a CSR cleared."""
    d.write_register(name, 0)
    return d


def explained(d: Debugger, steps: int = 1) -> list[str]:
    """The explanation of the last trap after so many steps."""
    go(d, steps=steps)
    return [line.strip() for line in d.explain()]


def description(d: Debugger) -> bytes:
    """What gdb is told of the registers."""
    return RiscvTarget(d).description.xml


def test_ssp_is_a_register_only_where_the_extension_is(tmp_path: Path) -> None:
    d = debugger(tmp_path, PUSH)
    assert d.read_register("ssp") == PAGE + 8
    assert b'name="ssp"' in description(d)
    assert d.write_register("ssp", PAGE + 0x17) == PAGE + 0x10
    plain = debugger(tmp_path, PUSH, on=False)
    with pytest.raises(UnknownRegister):
        plain.read_register("ssp")
    assert b'name="ssp"' not in description(plain)


def test_mode_shows_an_active_shadow_stack(tmp_path: Path) -> None:
    assert f"  ssp          {PAGE + 8:#x}, shadow stack active" in ask(debugger(tmp_path, PUSH), "mode")
    assert not any("ssp" in line for line in ask(debugger(tmp_path, PUSH, menvcfg=0), "mode"))


def test_disassembly_depends_on_the_extension(tmp_path: Path) -> None:
    texts = ["sspush ra", "sspopchk t0", "ssrdp a0", "mop.r.28 zero,zero", "ssamoswap.w.aq a0,a2,(a1)"]
    words = [PUSH, encode("sspopchk", rs1=5), encode("ssrdp", rd=10), 0xCDC0_4073, 0x4CC5_A52F]
    d = debugger(tmp_path, *words, 0x6081, 0x6281)
    assert [line.text for line in d.disassemble(RAM, 7)] == [*texts, "sspush ra", "sspopchk t0"]
    plain = [disassemble(word, 0) for word in (*words, 0x6081, 0x6281)]
    assert plain[:4] == ["mop.rr.7 zero,zero,ra", "mop.r.28 zero,t0", "mop.r.28 a0,zero", "mop.r.28 zero,zero"]
    assert plain[5:] == ["c.mop.1", "c.mop.5"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_mismatch_in_words(tmp_path: Path, engine: str) -> None:
    d = debugger(tmp_path, PUSH, encode("addi", rd=1, rs1=1, imm=4), POP, engine=engine)
    lines = explained(d, 3)
    assert lines[0] == "software check: shadow stack fault (cause 18), no instruction executed since"
    assert lines[1] == f"in HS-mode of host, at {RAM + 8:#x}: sspopchk ra"
    assert any(
        line.startswith(f"ra is {LINK + 4:#x}, the shadow stack holds {LINK:#x} at ssp, {PAGE:#x}: the return address")
        and line.endswith("(norm:sspop_exception)")
        for line in lines
    )


ACCESS_FAULTS = [
    (STORE, SHADOW, "only sspush and ssamoswap write to shadow-stack pages", "norm:ssmp_ss_page_access_fault"),
    (PUSH, V | R | W | A | D, "map the shadow stack so", "norm:ssmp_ss_page_illegeal_access"),
    (SWAP, V | R | X | A | D, "map the shadow stack so", "norm:ssmp_ss_page_illegeal_access"),
]


@pytest.mark.parametrize("guest", [False, True])
@pytest.mark.parametrize(("word", "pte", "hint", "rule"), ACCESS_FAULTS)
def test_pages_of_the_wrong_kind(tmp_path: Path, word: int, pte: int, hint: str, rule: str, guest: bool) -> None:
    lines = explained(debugger(tmp_path, word, pte=pte, guest=guest))
    assert lines[0].startswith("store/AMO access fault (cause 7)")
    assert any(line.startswith("fault: store/AMO access fault:") and line.endswith(f"({rule})") for line in lines)
    assert any(hint in line for line in lines)
    access = "store" if word == STORE else "shadow-stack store"
    assert any(
        line.startswith(f"the translation of this {access} at {PAGE:#x}, as {'VS' if guest else 'HS'}-mode") for line in lines
    )


def test_a_read_only_page_is_copied_on_write(tmp_path: Path) -> None:
    lines = explained(debugger(tmp_path, PUSH, pte=V | R | A | D))
    assert lines[0].startswith("store/AMO page fault (cause 15)")
    assert any("norm:ssmp_ss_read_only_page" in line for line in lines)
    assert any("copy-on-write" in line for line in lines)


@pytest.mark.parametrize(("guest", "name"), [(False, "menvcfg"), (True, "henvcfg")])
def test_the_page_type_must_be_switched_on(tmp_path: Path, guest: bool, name: str) -> None:
    lines = explained(without(debugger(tmp_path, LOAD, guest=guest), name))
    assert lines[0].startswith("load page fault (cause 13)")
    assert f"if this is to be a shadow-stack page, {name}.SSE must be set first (norm:ss_page_enc)" in lines
    assert not any("shadow" in line for line in explained(debugger(tmp_path, LOAD, on=False)))


def test_paging_must_be_on_and_ssp_set(tmp_path: Path) -> None:
    lines = explained(debugger(tmp_path, PUSH, satp=0, ssp=0))
    assert "fault: store/AMO access fault: shadow stacks need paging, and satp is Bare (norm:satp_mode_bare)" in lines
    assert any(line.startswith("ssp has not been set:") for line in lines)
    assert any(line.startswith("turn paging on") for line in lines)


@pytest.mark.parametrize(("guest", "cause", "name"), [(False, 2, "menvcfg"), (True, 22, "henvcfg")])
@pytest.mark.parametrize("what", ["ssp", "ssamoswap.d"])
def test_what_withholds_them(tmp_path: Path, guest: bool, cause: int, name: str, what: str) -> None:
    word = SWAP if what != "ssp" else encode("csrrs", rd=10, rs1=0, csr=0x11)
    lines = explained(without(debugger(tmp_path, word, guest=guest), name))
    assert f"(cause {cause})" in lines[0]
    assert f"{name}.SSE is 0, which withholds {what} (norm:zicfiss_ssp_csr)" in lines


def test_dirty_is_for_pushes(tmp_path: Path) -> None:
    lines = explained(debugger(tmp_path, PUSH, pte=V | W | A, menvcfg=SSE))
    assert any(line.startswith(f"set A and D in the entry at {LEAVES:#x}") for line in lines)


def test_the_g_stage_must_allow_both(tmp_path: Path) -> None:
    """norm:active_g_stage_pte; xwr=010 there stays reserved."""
    d = debugger(tmp_path, POP, guest=True, hgatp=8 << 60 | (RAM + 0x8000) >> 12)
    for pte in (V | R | X | U | A | D, V | W | U | A | D):
        for spa, entry in ((RAM + 0x8000 + 8 * (RAM >> 30), (RAM + 0xC000) >> 2 | V), (RAM + 0xC000, (RAM + 0xD000) >> 2 | V)):
            d.write_memory(spa, entry.to_bytes(8, "little"), space="spa")
        for page in range(16):
            bits = pte if RAM + 0x1000 * page == DATA else V | R | W | X | U | A | D
            entry = (RAM + 0x1000 * page) >> 2 | bits
            d.write_memory(RAM + 0xD000 + 8 * page, entry.to_bytes(8, "little"), space="spa")
        d.write_register("mode", 5)
        d.write_register("pc", RAM)
        lines = explained(d)
        assert lines[0].startswith("store/AMO guest-page fault (cause 23)"), lines
        assert any("norm:active_g_stage_pte" in line for line in lines)


def test_walks_and_maps_know_them(tmp_path: Path) -> None:
    d = debugger(tmp_path, PUSH)
    lines = ask(d, f"walk {PAGE:#x} --access ss")
    assert lines[0] == f"shadow-stack store at HVA {PAGE:#x}, as HS-mode"
    assert any("leaf, shadow-stack 4 KiB page" in line for line in lines) and lines[-1] == f"SPA {DATA:#x}"
    assert "norm:ssmp_ss_page_access_fault" in " ".join(ask(d, f"walk {PAGE:#x} --access w"))
    assert any("-s---ad" in line for line in ask(d, "map"))
    d.write_register("menvcfg", 0)
    assert "W=1 with R=0 is reserved" in " ".join(ask(d, f"walk {PAGE:#x}"))
    assert not any("-s-" in line for line in ask(d, "map"))


def test_the_built_in_sbi_leaves_it_to_the_kernel(tmp_path: Path) -> None:
    """As no call could set menvcfg.SSE later, it is set from the start; without the extension there is no such bit."""
    image = tmp_path / "kernel.bin"
    image.write_bytes(bytes(64))
    for features, bit in ((DEFAULT_FEATURES | Feature.ZICFISS, SSE), (DEFAULT_FEATURES, 0)):
        machine = Machine(MachineConfig(BootConfig(image, bios=Bios.BUILTIN), memory=8 << 20, features=features))
        assert machine.harts[0].menvcfg & SSE == bit
