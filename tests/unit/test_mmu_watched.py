# SPDX-License-Identifier: Apache-2.0
"""Pages with watchpoints: accesses beside the watched bytes take a short way, which must miss nothing."""

from __future__ import annotations

import pytest

from core.debug.target import DebugError, Debugger, StopKind
from core.mmu.tlb import FLAG, FLAGS, entry_of
from tests.support.debugged import CODE, ENGINES, OWNER, debugger, go, place

pytestmark = pytest.mark.parametrize("engine", ENGINES)
DATA = CODE + 0x10000
START, LENGTH = 16, 8
"""The watched bytes, from DATA on."""
LOAD, STORE, BASE, VALUE = 0x03, 0x23, 6, 7


def access(opcode: int, size: int) -> int:
    """lb, lh, lw, ld x7, 0(x6), or a store of x7."""
    width = size.bit_length() - 1
    return opcode | width << 12 | BASE << 15 | (VALUE << 20 if opcode == STORE else VALUE << 7)


def at(d: Debugger, words: list[int], address: int, value: int = 0) -> StopKind:
    """Execute instructions that access `address`, one by one; what the last one stopped for."""
    place(d, words)
    d.write_register("t1", address)
    d.write_register("t2", value)
    return [go(d, steps=1).kind for _ in words][-1]


@pytest.mark.parametrize("space", ["virtual", "spa"])
@pytest.mark.parametrize(("kind", "opcode"), [("watch", STORE), ("rwatch", LOAD), ("awatch", STORE), ("awatch", LOAD)])
def test_every_access_that_touches_the_bytes_is_seen(engine: str, kind: str, opcode: int, space: str) -> None:
    d = debugger("loop", engine)
    d.add_watchpoint(DATA + START, LENGTH, kind, owner=OWNER, space=space)
    for size in (1, 2, 4, 8):
        at(d, [access(opcode, size)] * 2, DATA + 0x800)  # the TLB has the page from here on
        for offset in range(START - 9, START + LENGTH + 2):
            expected = START - size < offset < START + LENGTH
            stopped = at(d, [access(opcode, size)], DATA + offset)
            assert (stopped is StopKind.WATCHPOINT) == expected, (size, offset)


def test_the_other_kind_of_access_is_not_a_hit(engine: str) -> None:
    d = debugger("loop", engine)
    d.add_watchpoint(DATA + START, LENGTH, "watch", owner=OWNER)
    assert at(d, [access(LOAD, 8)] * 3, DATA + START) is StopKind.STEP
    assert at(d, [access(STORE, 8)], DATA + START) is StopKind.WATCHPOINT


def test_what_is_stored_the_short_way_arrives(engine: str) -> None:
    d = debugger("loop", engine)
    d.add_watchpoint(DATA + START, LENGTH, "awatch", owner=OWNER)
    for size in (1, 2, 4, 8):
        d.write_memory(DATA + 64, bytes(16))
        value = 0x8877665544332211
        at(d, [access(STORE, size)] * 2, DATA + 64, value)
        assert d.read_memory(DATA + 64, 16) == value.to_bytes(8, "little")[:size] + bytes(16 - size)
        at(d, [access(LOAD, size)], DATA + 64)
        assert d.read_register("t2") & ((1 << 8 * size) - 1) == value & ((1 << 8 * size) - 1)


def test_a_watched_page_that_becomes_code(engine: str) -> None:
    """Decoded instructions must go when they are overwritten, although the page was on the short way before."""
    one, sixteen = 0x0015_0513, 0x0105_0513  # addi a0, a0, 1 and 16
    d = debugger("loop", engine)
    d.add_watchpoint(DATA + START, LENGTH, "watch", owner=OWNER)
    at(d, [access(STORE, 4)] * 2, DATA + 0x200, one)
    hart = d.machine.harts[0]
    assert hart.tlb[entry_of(hart.tlb_write, DATA)] == DATA | FLAGS
    d.write_register("a0", 0)
    d.write_register("pc", DATA + 0x200)
    go(d, steps=1)
    assert d.read_register("a0") == 1
    if engine == "native":
        assert hart.tlb[entry_of(hart.tlb_write, DATA)] in (DATA | FLAG, FLAG | 1)
    at(d, [access(STORE, 4)] * 2, DATA + 0x200, sixteen)
    d.write_register("pc", DATA + 0x200)
    go(d, steps=1)
    assert d.read_register("a0") == 17


def test_a_guest_physical_watchpoint_needs_every_walk(engine: str) -> None:
    d = debugger("loop", engine)
    d.add_watchpoint(DATA + START, LENGTH, "watch", owner=OWNER)
    d.add_watchpoint(DATA + 0x400, 8, "watch", owner=OWNER, space="gpa")
    at(d, [access(STORE, 8)] * 2, DATA + 0x200)
    hart = d.machine.harts[0]
    assert hart.tlb[entry_of(hart.tlb_write, DATA)] == DATA | FLAG


def test_a_tagged_pointer_reaches_the_watched_bytes(engine: str) -> None:
    """norm:pm_ignore_pa: the TLB knows the address with its tag, a watchpoint the one without."""
    tag = 0x55 << 57
    d = debugger("loop", engine)
    d.write_register("menvcfg", d.read_register("menvcfg") | 2 << 32)  # PMM: the upper 7 bits are ignored
    assert d.read_register("menvcfg") >> 32 & 3 == 2
    d.add_watchpoint(DATA + START, LENGTH, "watch", owner=OWNER)
    assert at(d, [access(STORE, 8)] * 2, tag | (DATA + 0x800)) is StopKind.STEP
    hart = d.machine.harts[0]
    assert hart.tlb[entry_of(hart.tlb_write, DATA)] == (tag | DATA) | FLAGS
    assert at(d, [access(STORE, 8)], tag | (DATA + START)) is StopKind.WATCHPOINT


def test_the_last_bytes_of_the_address_space(engine: str) -> None:
    """A range that ends with the last address has none behind it."""
    d = debugger("loop", engine)
    tables, page, last = (0x8040_0000, 0x8040_1000, 0x8040_2000), 0x8040_3000, (1 << 64) - 8
    entries = {
        tables[0] + 8 * 2: 0x8000_0000 >> 2 | 0xCF,  # this code, where it is
        tables[0] + 8 * 511: tables[1] >> 2 | 1,
        tables[1] + 8 * 511: tables[2] >> 2 | 1,
        tables[2] + 8 * 511: page >> 2 | 0xC7,
    }
    for place_of, pte in entries.items():
        d.write_memory(place_of, pte.to_bytes(8, "little"))
    d.write_register("satp", 8 << 60 | tables[0] >> 12)
    d.add_watchpoint(last, 8, "awatch", owner=OWNER)
    for offset, hit in ((-8, False), (-1, True), (0, True), (7, True)):
        size = 1 if offset == 7 else 8 if offset == -8 else 2
        assert (at(d, [access(STORE, size)], last + offset, 0x11) is StopKind.WATCHPOINT) == hit
        assert (at(d, [access(LOAD, size)], last + offset) is StopKind.WATCHPOINT) == hit
    assert d.read_memory(page + 0xFFF, 1, space="spa") == b"\x11"
    with pytest.raises(DebugError, match="9 bytes from 0xfffffffffffffff8 on reach beyond the last address"):
        d.add_watchpoint(last, 9, "watch", owner=OWNER)
