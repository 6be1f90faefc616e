# SPDX-License-Identifier: Apache-2.0
"""Hints about page-table entries: there is one for each verdict on an entry, in each stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.debug.target import Debugger
from core.features import DEFAULT_FEATURES, Feature
from core.mmu.pte import Verdict
from tests.unit.test_debug_explain import hints
from tests.unit.test_debug_hints import EVERYTHING, LOAD, RAM, STORE, debugger, explained

V, R, W, X, U, A, D = 1, 2, 4, 8, 16, 64, 128
PAGE = (RAM >> 12) << 10
GOOD = PAGE | V | R | W | X | A | D
MIDDLE, LAST = RAM + 0x2000, RAM + 0x3000
ROOT = RAM + 0x8000
"""Of 16 KiB, so that it serves the G-stage."""
ADDRESS = 0x1000
SV39 = 8 << 60 | ROOT >> 12
MPRV, MPP_S, MPV = 1 << 17, 1 << 11, 1 << 39
STAGES = {
    "S": {"mstatus": MPRV | MPP_S, "satp": SV39},
    "VS": {"mstatus": MPRV | MPP_S | MPV, "vsatp": SV39},
    "G": {"mstatus": MPRV | MPP_S | MPV, "hgatp": SV39},
    "U": {"mstatus": MPRV, "satp": SV39},
    "VU": {"mstatus": MPRV | MPV, "vsatp": SV39},
}
"""How M-mode makes an access of S-mode, VS-mode and so on; the G-stage wants U in its leaves."""
PBMTE = {"menvcfg": 1 << 62, "henvcfg": 1 << 62}


def faulting(folder: Path, stage: str, *, pte: int, level: int = 0, word: int = LOAD, **csrs: int) -> Debugger:
    """Before an access at ADDRESS, whose entry at a level of the only stage is `pte`."""
    place = {"S": stage, "U": "S", "VU": "VS"}.get(stage, stage)
    d = debugger(folder, "reference", word, a1=ADDRESS, pmp=((EVERYTHING, 0x1F),), **STAGES[stage], **csrs)
    tables = ((ROOT, MIDDLE >> 2 | V), (MIDDLE, LAST >> 2 | V), (LAST + 8, GOOD | (U if place == "G" else 0)))
    for number, (spa, entry) in enumerate(tables):
        d.write_memory(spa, (pte if number == 2 - level else entry).to_bytes(8, "little"), space="spa")
    return d


def verdict_and_hints(d: Debugger) -> tuple[Verdict | None, list[str]]:
    """What is wrong with the entry, and what is said."""
    lines = explained(d)
    trap = d.machine.harts[0]
    assert trap.trap_serial, "no trap"
    words = " ".join(lines)
    found = next((each for each in Verdict if each >= Verdict.NOT_VALID and f"{each.words}, in the" in words), None)
    return found, hints(lines)


ENTRIES = [
    (Verdict.NOT_VALID, {"pte": 0}, {"G": "the G-stage maps nothing at GPA 0x1000", "": "tables map nothing at 0x1000"}),
    (Verdict.NOT_VALID, {"pte": GOOD & ~V}, {"": f"V is 0 in an entry that is not empty, {GOOD & ~V:#x} at {LAST + 8:#x}"}),
    (Verdict.WRITE_WITHOUT_READ, {"pte": GOOD & ~R & ~X}, {"": "a page that is written must be readable, too: set R"}),
    (Verdict.RESERVED, {"pte": GOOD | 1 << 54}, {"": f"bits 60:54 of {GOOD | 1 << 54:#x} must be zero"}),
    (
        Verdict.RESERVED,
        {"pte": GOOD | 1 << 61},
        {
            "VS": "PBMT is set, which means something only with menvcfg.PBMTE and henvcfg.PBMTE (",
            "": "only with menvcfg.PBMTE (",
        },
    ),
    (
        Verdict.POINTER_RESERVED,
        {"pte": LAST >> 2 | V | A, "level": 1},
        {"": "a pointer to a table has V alone: clear D, A and U"},
    ),
    (Verdict.NO_LEAF, {"pte": PAGE | V}, {"": "set R, W or X in 0x20000001: at level 0 there are pages only"}),
    (
        Verdict.MISALIGNED,
        {"pte": GOOD | 1 << 10, "level": 1},
        {"": "a leaf for a 2 MiB page, whose physical address, 0x80001000, must be a multiple of 0x200000"},
    ),
    (Verdict.POINTER_TYPE, {"pte": LAST >> 2 | V | 1 << 61, "level": 1, **PBMTE}, {"": "PBMT and N belong to leaves"}),
    (Verdict.MEMORY_TYPE, {"pte": GOOD | 3 << 61, **PBMTE}, {"": "PBMT is 0 (as the memory is), 1 (NC) or 2 (IO)"}),
    (Verdict.NAPOT, {"pte": GOOD | 1 << 63}, {"": "N=1 is for the sixteen entries of a 64 KiB range at level 0"}),
    (
        Verdict.NOT_READABLE,
        {"pte": (GOOD | U) & ~(R | W)},
        {"VS": "or vsstatus.MXR or sstatus.MXR to read", "": "or sstatus.MXR to read"},
    ),
    (
        Verdict.NOT_WRITABLE,
        {"pte": (GOOD | U) & ~W, "word": STORE},
        {"G": "unless the page is protected on purpose", "": "or the pointer is wrong"},
    ),
]


@pytest.mark.parametrize("stage", ["S", "VS", "G"])
@pytest.mark.parametrize(("verdict", "how", "said"), ENTRIES)
def test_each_verdict_has_a_hint(
    tmp_path: Path, verdict: Verdict, how: dict[str, int], said: dict[str, str], stage: str
) -> None:
    options = dict(how)
    if verdict in (Verdict.NOT_READABLE, Verdict.NOT_WRITABLE) and stage != "G":
        options["pte"] &= ~U
    found, given = verdict_and_hints(faulting(tmp_path, stage, **options))
    assert found is verdict
    assert any(said.get(stage, said[""]) in hint for hint in given), given


def test_every_verdict_is_there() -> None:
    tried = {verdict for verdict, _, _ in ENTRIES}
    users = {Verdict.NOT_USER, Verdict.USER_PAGE, Verdict.NOT_EXECUTABLE}  # below, and in test_debug_explain
    shadow = {each for each in Verdict if each >= Verdict.SHADOW_STORE}  # in test_debug_shadow
    assert tried | users | shadow | {Verdict.POINTER, Verdict.LEAF} == set(Verdict)


@pytest.mark.parametrize("stage", ["U", "VU"])
def test_pages_of_the_kernel(tmp_path: Path, stage: str) -> None:
    found, given = verdict_and_hints(faulting(tmp_path, stage, pte=GOOD))
    assert found is Verdict.NOT_USER
    assert given == [f"U=0 in this entry: set U in pages that {stage}-mode is to use"]


def test_roots(tmp_path: Path) -> None:
    """An empty root, an address in the place of a page number, nothing there."""
    for ppn, said in (
        (
            (RAM + 0x10_0000) >> 12,
            "the root table at 0x80100000 is empty: is satp.PPN right, and was the table written before?",
        ),
        (
            ROOT,
            "satp.PPN holds a page number, an address shifted right by 12: satp seems to hold the address 0x80008000 itself",
        ),
        (
            0x12345,
            "the table would be at 0x12345000, which is not RAM: satp.PPN holds a page number, an address shifted right by 12",
        ),
    ):
        d = faulting(tmp_path, "S", pte=GOOD)
        d.write_register("satp", 8 << 60 | ppn)
        assert said in verdict_and_hints(d)[1]


def test_a_pointer_that_was_not_shifted(tmp_path: Path) -> None:
    """The entry holds the address itself, which puts the table elsewhere."""
    d = faulting(tmp_path, "S", pte=LAST << 10 | V, level=1)
    (hint,) = verdict_and_hints(d)[1]
    assert hint.startswith("bits 53:10 of an entry hold a page number, an address shifted right by 12")


def test_tables_of_a_guest_where_there_is_no_ram(tmp_path: Path) -> None:
    """The G-stage's root; the guest's root, whose page the G-stage maps to a device."""
    for gpa_page, hgatp, said in (
        (0x8010_0000, 8 << 60 | 0x12344, "the table would be at 0x12344000, which is not RAM: hgatp.PPN holds a page number"),
        (0x1000_0000, SV39, "the G-stage maps the guest's page table to where there is no RAM"),
    ):
        d = faulting(tmp_path, "VS", pte=gpa_page >> 2 | V | R | W | U | A | D, hgatp=hgatp)
        d.write_register("vsatp", 8 << 60 | ADDRESS >> 12)
        assert any(hint.startswith(said) for hint in verdict_and_hints(d)[1])


def test_extensions_that_are_not_there(tmp_path: Path) -> None:
    features = DEFAULT_FEATURES & ~(Feature.SVNAPOT | Feature.SVPBMT)
    for bit, name in ((63, "Svnapot"), (61, "Svpbmt")):
        d = faulting(tmp_path, "S", pte=GOOD | 1 << bit, features=features)
        assert f"the hart has no {name}, without which these bits must be zero" in verdict_and_hints(d)[1]
