# SPDX-License-Identifier: Apache-2.0
"""The hints about withheld CSRs and instructions, beside what the hart does: there is one whenever something is refused,
each bit that it names is in the way, and nothing else is."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import pytest

from core.csr.access import CSR_READ_RULE, CSR_WRITE_RULE
from core.csr.registry import CSRS_BY_ADDRESS, CSRS_BY_NAME
from core.csr.stateen import CONTROLLED
from core.debug.hints_instructions import refused
from core.debug.history import Line
from core.debug.lasttrap import LastTrap
from core.debug.withheld import CSR_GATES
from core.features import DEFAULT_FEATURES, Feature
from core.hart import Hart
from core.isa.decode import decode, encode
from core.isa.encoding import BY_NAME
from core.isa.intrinsics import Trap
from tests.unit.test_csr_support import ALL, ILLEGAL, MODES, ONES, VIRTUAL, WarningLog, cause, enter, make_hart

BIT = re.compile(r"(\w+)(?:\.(\w+)| bit (\d+)) is (0|1|Off)\b")
SLOTS = [
    *(f"{level}{name}" for level, name in product("mhs", ("counteren", "envcfg"))),
    *(f"{level}stateen{number}" for level, number in product("mh", range(4))),
    *("mstatus", "hstatus", "vsstatus", "hvictl", "mvien", "mseccfg"),
]
"""Where the bits are that withhold something."""
REFUSING = 7 << 20
"""TVM, TW and TSR of mstatus, VTVM, VTW and VTSR of hstatus."""
OPEN = dict.fromkeys(SLOTS, ONES) | {"mstatus": ONES & ~REFUSING, "hvictl": 0, "mvien": 0}
"""Nothing is withheld, if hstatus is right."""
VGEIN = 1 << 12
SELECTED = (0x30, 0x31, 0x70, 0x71, 0x80, 0xFF, 0x100)
RAM = 4096


def word_of(name: str, write: bool) -> int:
    """csrrw or csrr of a CSR."""
    return encode("csrrw" if write else "csrrs", rd=10, rs1=0, csr=CSRS_BY_NAME[name].address)


def hint(h: Hart, word: int, number: int) -> str | None:
    """What is said after a trap of this instruction with this cause."""
    h.trap_mstatus, h.trap_vsstatus, h.trap_old[6] = h.mstatus, h.vsstatus, h.hstatus
    return refused(LastTrap(h, Line("trap", h.mode | h.v << 2, 3, number, h.pc, 1, 0, 0, 0, 0, word)))


def bits_in(said: str) -> list[tuple[str, int, bool]]:
    """The bits that a hint names: slot, mask, and whether they are to be set."""
    found = []
    for register, field, number, value in BIT.findall(said):
        slot = {"sstatus": "mstatus"}.get(register, register)
        mask = 1 << int(number) if number else next(f.mask for f in CSRS_BY_NAME[register].fields if f.name == field)
        found.append((slot, mask, value != "1"))
    return found


def restore(h: Hart, slots: dict[str, int]) -> None:
    """Give slots these values."""
    for slot, value in slots.items():
        setattr(h, slot, value)


def turn(h: Hart, bits: list[tuple[str, int, bool]]) -> None:
    """Set or clear them as the hint wants."""
    for slot, mask, up in bits:
        setattr(h, slot, getattr(h, slot) | mask if up else getattr(h, slot) & ~mask)


def judge(h: Hart, name: str, word: int, cause_now: Callable[[], int]) -> None:
    """Follow hints until the instruction is allowed, or refused for another reason than a bit."""
    for _ in range(4):
        number = cause_now()
        if not number:
            return
        said = hint(h, word, number)
        assert said, f"nothing is said about {name} from {h.mode, h.v}"
        assert name in said, said
        bits = bits_in(said)
        if not bits or "does not write" in said:
            return
        for slot, mask, up in bits:
            kept = {each: getattr(h, each) for each in SLOTS}
            restore(h, OPEN | {"hstatus": h.hstatus & ~REFUSING})
            turn(h, [(slot, mask, not up)])
            assert cause_now() == number, f"{slot} {mask:#x} does not do that: {said}"
            restore(h, kept)
        turn(h, bits)
    raise AssertionError(f"{name} is still refused: {said}")


def harts() -> Iterator[Hart]:
    """Harts whose bits that withhold something are all open, all shut, and by chance."""
    chance = random.Random(20)
    for features, imsic in ((ALL, 1), (ALL, 0), (ALL & ~Feature.SMSTATEEN, 1), (DEFAULT_FEATURES, 0)):
        for number in range(len(SELECTED) + 4):
            fill = ONES if number < len(SELECTED) else 0 if number == len(SELECTED) else None
            slots = {name: chance.getrandbits(64) if fill is None else fill for name in SLOTS}
            slots["hstatus"] = slots["hstatus"] & ~(0x3F << 12) | chance.choice((0, VGEIN, 2 * VGEIN))
            selects = {f"{level}iselect": SELECTED[(number + i) % len(SELECTED)] for i, level in enumerate(("m", "s", "vs"))}
            h = make_hart(features=features, imsic=imsic, geilen=1)
            restore(h, slots | selects)
            yield h


@pytest.mark.parametrize("name", CSRS_BY_NAME)
def test_whenever_a_csr_is_refused_the_hint_says_what_is_in_the_way(name: str) -> None:
    for h in harts():
        for mode, write in product(MODES, (False, True)):
            kept = {slot: getattr(h, slot) for slot in SLOTS}
            judge(enter(h, mode), name, word_of(name, write), partial(cause, h, name, write))
            restore(h, kept)


def test_every_csr_with_rules_of_its_own_is_in_the_table() -> None:
    tables = (CSR_WRITE_RULE, CSR_READ_RULE)
    ruled = {csr.name for csr in CSRS_BY_ADDRESS.values() if csr.rule is not None} | CONTROLLED.keys()
    ruled |= {CSRS_BY_ADDRESS[address].name for table in tables for address in table.table}
    assert ruled == CSR_GATES.keys()


class Board(WarningLog):
    """Stands for the machine."""

    ram_view = memoryview(bytearray(RAM))


def outcome(h: Hart, mode: str, word: int) -> int:
    """The cause with which an instruction is refused in a mode, 0 if it is not; nothing changes."""
    kept = {slot: getattr(h, slot) for slot in SLOTS}
    found = decode(word, h.features)
    try:
        found.function(enter(h, mode), *found.args)
    except Trap as caught:
        return int(caught.cause) if caught.cause in (ILLEGAL, VIRTUAL) else 0
    finally:
        enter(h, mode)
        restore(h, kept)
    return 0


@pytest.mark.parametrize("name", [name for name in BY_NAME if not name.startswith("csr")])
def test_whenever_an_instruction_is_refused_the_hint_says_what_is_in_the_way(name: str) -> None:
    word = encode(name, **({"rd": 10} if name == "ssrdp" else {}))
    for h in harts():
        h.machine, h.ram_size, h.res_valid, h.fcsr = Board(), RAM, 1, 0
        kept = {slot: getattr(h, slot) for slot in SLOTS}
        for mode in MODES:
            judge(enter(h, mode), name, word, partial(outcome, h, mode, word))
            restore(h, kept)
