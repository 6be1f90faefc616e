# SPDX-License-Identifier: Apache-2.0
"""Hints about physical memory protection and about addresses: what is said after faults of small programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.boot.loader import Bios, BootConfig
from core.debug.target import Debugger
from core.features import DEFAULT_FEATURES, Feature
from core.isa.decode import encode
from core.machine import Machine, MachineConfig
from tests.support.debugged import ENGINES, go
from tests.unit.test_debug_explain import hints

pytestmark = pytest.mark.parametrize("engine", ENGINES)
RAM = 0x8000_0000
HANDLER, TABLE = RAM + 0x200, RAM + 0x1000
SV39 = 8 << 60 | TABLE >> 12
LOAD, STORE, HLV = (
    encode(name, rs1=11, **more) for name, more in (("ld", {"rd": 10}), ("sd", {"rs2": 12}), ("hlv.d", {"rd": 10}))
)
EVERYTHING = (1 << 54) - 1
NO_ENTRY = (
    "no PMP entry is set, and so S-mode, U-mode and guests may access nothing: before leaving M-mode set pmpaddr0 to all ones "
    "and pmpcfg0 to 0x1f (NAPOT, RWX), or entries of your own (norm:pmp_no_entry_match)"
)


def debugger(
    folder: Path,
    engine: str,
    word: int,
    *,
    mode: int = 3,
    a1: int = 0,
    pmp: tuple[tuple[int, int], ...] = (),
    features: int = DEFAULT_FEATURES,
    **csrs: int,
) -> Debugger:
    """Before one instruction at the beginning of RAM; pmp: pmpaddr and pmpcfg of entries."""
    image = folder / "program.bin"
    image.write_bytes(word.to_bytes(4, "little") + bytes(0x300))
    boot = BootConfig(image, bios=Bios.NONE)
    d = Debugger(Machine(MachineConfig(boot, memory=4 << 20, features=Feature(features), engine=engine)))
    for number, (where, config) in enumerate(pmp):
        d.write_register(f"pmpaddr{number}", where)
        d.write_register("pmpcfg0", d.read_register("pmpcfg0") | config << 8 * number)
    for name, value in ({"mtvec": HANDLER, "a1": a1} | csrs).items():
        d.write_register(name, value)
    d.write_register("mode", mode)
    return d


def explained(d: Debugger) -> list[str]:
    """The explanation of the trap of the next instruction."""
    go(d, steps=1)
    return d.explain()


def test_without_any_pmp_entry(tmp_path: Path, engine: str) -> None:
    """The G-stage being Bare has nothing to do with it."""
    for vsatp in (0, SV39):
        lines = explained(debugger(tmp_path, engine, HLV, a1=RAM + 0x1000, vsatp=vsatp))
        assert lines[0].startswith("load access fault (cause 5)")
        assert any(": PMP denies " in line for line in lines)
        assert hints(lines) == [NO_ENTRY]
    lines = explained(debugger(tmp_path, engine, LOAD, mode=1))
    assert lines[0].startswith("instruction access fault (cause 1)")
    assert hints(lines) == [NO_ENTRY]


def test_no_entry_matches(tmp_path: Path, engine: str) -> None:
    lines = explained(debugger(tmp_path, engine, HLV, a1=0x1234_5000, pmp=((RAM >> 2 | 0x7_FFFF, 0x1F),)))
    assert hints(lines)[0] == (
        "no PMP entry matches 0x12345000: S-mode, U-mode and guests may access only what an entry lets them "
        "(norm:pmp_no_entry_match); `csr pmp*` shows the entries"
    )
    assert hints(lines)[1].startswith("hgatp.MODE is Bare:")


def test_the_entry_that_decides(tmp_path: Path, engine: str) -> None:
    """The lower number comes first, whatever the other gives."""
    first = ((RAM + 0x1000) >> 2 | 0x1FF, 0x19)  # NAPOT, 4 KiB, R
    pmp = (first, (EVERYTHING, 0x1F))
    lines = explained(debugger(tmp_path, engine, STORE, mode=1, a1=RAM + 0x1008, pmp=pmp))
    assert hints(lines) == [
        "PMP entry 0, from 0x80001000 to 0x80001fff, decides about 0x80001008, as the first that matches it, and lacks W: set "
        "PMP0W in pmpcfg0, or put an entry that has it before this one (norm:pmp_entry_priority)"
    ]
    half = ((RAM + 0x1004) >> 2, 0x11)  # NA4, R
    lines = explained(debugger(tmp_path, engine, LOAD, mode=1, a1=RAM + 0x1000, pmp=(half, pmp[1])))
    assert hints(lines) == [
        "PMP entry 0, from 0x80001004 to 0x80001007, matches only some of the 8 bytes at 0x80001000 "
        "(norm:pmp_full_match_required)"
    ]
    lines = explained(debugger(tmp_path, engine, LOAD, mode=1, a1=RAM + 0x1000, pmp=((first[0], 0x1C), pmp[1])))
    assert "and lacks R: set PMP0R in pmpcfg0" in hints(lines)[0]


def test_page_tables_need_a_right_too(tmp_path: Path, engine: str) -> None:
    pmp = ((TABLE >> 2 | 0x1FF, 0x1C), (EVERYTHING, 0x1F))
    lines = explained(debugger(tmp_path, engine, LOAD, mode=1, pmp=pmp, satp=SV39))
    assert any("PMP denies reading the page table entry at 0x80001010" in line for line in lines)
    assert hints(lines)[0].startswith("PMP entry 0, from 0x80001000 to 0x80001fff, decides about 0x80001010")


def test_machine_mode_and_smepmp(tmp_path: Path, engine: str) -> None:
    features = DEFAULT_FEATURES | Feature.SMEPMP
    code = (RAM >> 2 | 0x1FF, 0x9C)  # locked, X
    lines = explained(debugger(tmp_path, engine, LOAD, a1=RAM + 0x1000, pmp=(code,), features=features, mseccfg=2))
    assert hints(lines) == [
        "mseccfg.MMWP is 1: M-mode too may access only what a PMP entry lets it (norm:mseccfg_mmwp_op_warl)"
    ]
    data = ((RAM + 0x1000) >> 2 | 0x1FF, 0x1B)
    lines = explained(debugger(tmp_path, engine, LOAD, a1=RAM + 0x1000, pmp=(code, data), features=features, mseccfg=1))
    assert hints(lines) == [
        "PMP entry 1, from 0x80001000 to 0x80001fff, decides, and gives M-mode nothing while mseccfg.MML is 1 "
        "(norm:mml_truth_table)"
    ]
    lines = explained(debugger(tmp_path, engine, LOAD, a1=RAM, pmp=(code,), features=features))
    assert hints(lines)[0].startswith("PMP entry 0, from 0x80000000 to 0x80000fff, decides about 0x80000000, as the first that")


@pytest.mark.parametrize(
    ("name", "cause", "size", "rule"),
    [
        ("lr.d", "load address misaligned (cause 4)", 8, "norm:lr_sc_alignment"),
        ("sc.w", "store/AMO address misaligned (cause 6)", 4, "norm:lr_sc_alignment"),
        ("amoadd.d", "store/AMO address misaligned (cause 6)", 8, "norm:amo_alignment"),
        ("amoswap.h", "store/AMO address misaligned (cause 6)", 2, "norm:amo_alignment"),
        ("amocas.w", "store/AMO address misaligned (cause 6)", 4, "norm:Zacas_amocas_rs1_addr_alignment"),
    ],
)
def test_addresses_that_must_be_aligned(tmp_path: Path, engine: str, name: str, cause: str, size: int, rule: str) -> None:
    lines = explained(debugger(tmp_path, engine, encode(name, rd=10, rs1=11), a1=RAM + 0x1001))
    assert lines[0].startswith(cause)
    assert lines[2] == "  virtual address 0x80001001"
    (hint,) = hints(lines)
    assert hint.startswith(f"0x80001001 is 1 above a multiple of {size}, which {name} needs ({rule}): loads and stores may")


OPEN = ((EVERYTHING, 0x1F),)


def test_an_access_that_a_device_does_not_take(tmp_path: Path, engine: str) -> None:
    for word, address in ((LOAD, 0x1000_0004), (encode("lr.w", rd=10, rs1=11), 0x1000_0000)):
        lines = explained(debugger(tmp_path, engine, word, a1=address))
        assert lines[0].startswith("load access fault (cause 5)")
        (hint,) = hints(lines)
        assert hint.startswith(f"a device is at physical address {address:#x} (0x10000000 to 0x100000ff): it takes loads")
    (hint,) = hints(explained(debugger(tmp_path, engine, LOAD, a1=0x5000_0000)))
    assert hint.startswith("physical address 0x50000000 is not RAM: RAM is 0x80000000 to ")


DTE, SDT = 1 << 59, 1 << 24


@pytest.mark.parametrize(
    ("mode", "hedeleg", "csrs", "register", "letter", "rule"),
    [
        (1, 0, {"sstatus": SDT}, "sstatus", "s", "norm:sstatus_sdt_trap"),
        (5, 4, {"vsstatus": SDT}, "vsstatus", "vs", "norm:vsstatus_sdt_op"),
        (5, 0, {"sstatus": SDT}, "sstatus", "s", "norm:sstatus_sdt_trap"),
    ],
)
def test_double_traps(
    tmp_path: Path, engine: str, mode: int, hedeleg: int, csrs: dict[str, int], register: str, letter: str, rule: str
) -> None:
    d = debugger(tmp_path, engine, 0, mode=3, pmp=OPEN, menvcfg=DTE, henvcfg=DTE, medeleg=4, hedeleg=hedeleg)
    for name, value in csrs.items():
        d.write_register(name, value)
    d.write_register("mode", mode)
    lines = explained(d)
    assert lines[0].startswith("double trap (cause 16)")
    assert lines[2] == "  the trap that could not be taken: illegal instruction"
    assert f"  {register}.SDT was 1: a trap that its handler was not ready for goes to M-mode ({rule})" in lines
    assert not any("medeleg" in line for line in lines)
    assert hints(lines)[0] == (
        f"illegal instruction came while {register}.SDT was 1: a handler saves {letter}epc, {letter}cause and {letter}tval, "
        "then clears SDT, and only from there on may something in it trap (norm:sstatus_sdt_sret)"
    )


@pytest.mark.parametrize(
    ("word", "mode", "tag", "csrs", "said"),
    [
        (
            LOAD,
            1,
            0x5A << 57,
            {},
            "if bits 63:57 of the address are a tag, pointer masking must be on: menvcfg.PMM is 0, 2 ignores",
        ),
        (
            LOAD,
            1,
            0x5A5A << 48,
            {},
            "if bits 63:48 of the address are a tag, pointer masking must be on: menvcfg.PMM is 0, 3 ignores",
        ),
        (
            HLV,
            3,
            0x5A << 57,
            {"hstatus": 1 << 8},
            "if bits 63:57 of the address are a tag, pointer masking must be on: henvcfg.PMM",
        ),
        (
            HLV,
            3,
            0x5A << 57,
            {},
            "if bits 63:57 of the address are a tag, pointer masking must be on: senvcfg.PMM is 0, 2 ignores",
        ),
        (LOAD, 1, 0x5A << 57, {"menvcfg": 2 << 32, "mstatus": 1 << 19}, "MXR is 1, which turns pointer masking off"),
        (LOAD, 1, 0x5A5A << 40, {}, ""),
    ],
)
def test_tags_in_pointers(tmp_path: Path, engine: str, word: int, mode: int, tag: int, csrs: dict[str, int], said: str) -> None:
    d = debugger(tmp_path, engine, word, mode=mode, a1=tag | 0x1000, pmp=OPEN, satp=SV39, vsatp=SV39, **csrs)
    d.write_memory(TABLE + 16, (RAM >> 2 | 0xCF).to_bytes(8, "little"), space="spa")
    lines = explained(d)
    assert lines[0].startswith("load page fault (cause 13)"), lines
    found = [hint for hint in hints(lines) if "tag" in hint or "masking" in hint]
    assert [hint.startswith(said) for hint in found] == ([True] if said else []), found
