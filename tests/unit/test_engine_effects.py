# SPDX-License-Identifier: Apache-2.0
"""What the engine knows of a function from its source: which slots it touches, whether it can trap or call the host."""

from __future__ import annotations

import ast

import pytest

from core.engine.subset import Effects, callees, dispatch_targets, effects_of, source_of
from core.isa.encoding import BY_NAME, INSTRUCTIONS
from core.isa.intrinsics import Dispatch, inline
from tests.support.native_call import Function, kernel

WRITES = kernel("def writes(h: Hart) -> u64:\n    h.npc = h.mode\n    return h.f[3]\n")
TRAPS = kernel("def traps(h: Hart, a: u64) -> u64:\n    if a > 5:\n        raise Trap(2)\n    return a\n")
HOST = kernel("def host(h: Hart, a: u64) -> u64:\n    return device_read(h, a, 8)\n")
TABLE = Dispatch("table")
TABLE.table = {1: TRAPS, 2: HOST, 3: TRAPS}
TABLE.default = kernel("def standard(h: Hart, a: u64) -> u64:\n    return h.hartid\n")
NAMES = {
    "writes": WRITES,
    "traps": TRAPS,
    "host": HOST,
    "table": TABLE,
    "inlined": inline(kernel("def inlined(h: Hart) -> u64:\n    return writes(h)\n", writes=WRITES)),
}


def effects(statements: str) -> Effects:
    """The effects of a function with these statements."""
    body = "".join(f"    {line}\n" for line in statements.splitlines())
    return effects_of(kernel(f"def one(h: Hart, a: u64) -> None:\n{body}", **NAMES))


@pytest.mark.parametrize(
    ("statements", "reads", "writes"),
    [
        ("pass", set(), set()),
        ("a = h.pc", {"pc"}, set()),
        ("h.pc = a", set(), {"pc"}),
        ("h.pc |= a", {"pc"}, {"pc"}),
        ("a = h.x[h.mode]", {"x", "mode"}, set()),
        ("if h.v != 0:\n    h.mode = 1\nelse:\n    h.wfi = 1", {"v"}, {"mode", "wfi"}),
        ("for i in range(h.left):\n    h.limit = i", {"left"}, {"limit"}),
        ("writes(h)", {"mode", "f"}, {"npc"}),
        ("inlined(h)", {"mode", "f"}, {"npc"}),
        ("a = u64(retired(h) + clz64(h.pc))", {"limit", "left", "pc"}, set()),
        ("table(a, h, a)", {"hartid"}, set()),
    ],
)
def test_slots_read_and_written(statements: str, reads: set[str], writes: set[str]) -> None:
    found = effects(statements)
    assert (found.reads, found.writes) == (reads, writes)


@pytest.mark.parametrize("statements", ["h.x[a] = 5", "h.x[a] |= 5", "h.x[1] >>= a"])
def test_writing_an_element_writes_the_slot(statements: str) -> None:
    assert effects(statements).writes == {"x"}


@pytest.mark.parametrize(
    ("statements", "traps", "host"),
    [
        ("a = u64(a + 1)", False, False),
        ("raise Trap(2)", True, False),
        ("if a == 1:\n    raise Trap(2, a)", True, False),
        ("a = u64(traps(h, a) + 1)", True, False),
        ("h.x[traps(h, a)] = a", True, False),
        ("a = 1 if traps(h, a) > 5 else 2", True, False),
        ("host(h, a)", False, True),
        ("warn(h, 1, a)", False, True),
        ("device_write(h, a, 8, a)", False, True),
        ("table(a, h, a)", True, True),
        ("ram_write(h, a, 8, ram_read(h, a, 4))", False, False),
        ("code_written(h, a, 8)", False, False),
    ],
)
def test_traps_and_host_calls(statements: str, traps: bool, host: bool) -> None:
    found = effects(statements)
    assert (found.traps, found.host) == (traps, host)


def test_a_local_named_like_a_slot_is_none() -> None:
    function = kernel("def one(h: Hart, pc: u64) -> u64:\n    x = pc\n    return u64(x + 1)\n")
    assert effects_of(function) == Effects()


def test_a_constant_named_like_a_slot_is_none() -> None:
    class Names:
        """Has a constant of a slot's name."""

        mode = 3

    function = kernel("def one(h: Hart, a: u64) -> u64:\n    return u64(a + Names.mode)\n", Names=Names)
    assert effects_of(function) == Effects()


def test_a_table_has_its_default_first_and_every_function_once() -> None:
    assert dispatch_targets(TABLE) == [TABLE.default, TRAPS, HOST]


def test_casts_and_primitives_are_no_callees() -> None:
    function = kernel(
        "def one(h: Hart, a: u64) -> u64:\n    return u64(ram_read(h, clz64(a), 8) + get(a, 1) + in_ram(h, a, 8))\n"
    )
    source = source_of(function)
    calls = [node for node in ast.walk(source.node) if isinstance(node, ast.Call)]
    assert [callee.__name__ for call in calls for callee in callees(source, call)] == ["in_ram"]


def test_effects_are_found_once() -> None:
    assert effects_of(WRITES) is effects_of(WRITES)


def instruction(name: str) -> Effects:
    """The effects of an instruction."""
    return effects_of(BY_NAME[name].function)


def test_effects_of_some_instructions() -> None:
    assert instruction("addi") == Effects(reads={"x"}, writes={"x"})
    assert instruction("jalr").writes >= {"x", "npc"}
    assert instruction("ld").traps
    assert instruction("ld").host
    assert not instruction("mul").traps
    assert instruction("csrrw").traps


@pytest.mark.parametrize("name", ["mret", "sret", "csrrw", "sfence.vma", "hfence.gvma"])
def test_what_changes_how_instructions_are_fetched_says_so(name: str) -> None:
    assert instruction(name).writes & {"tlb_fetch", "tlb_epoch"}


@pytest.mark.parametrize("function", [one.function for one in INSTRUCTIONS], ids=[one.name for one in INSTRUCTIONS])
def test_instructions_touch_only_what_both_engines_keep_for_them(function: Function) -> None:
    found = effects_of(function)
    assert "inst" not in found.reads, "h.inst is only valid in take_trap"
    assert "pc" not in found.writes, "a jump assigns h.npc"
    assert not found.writes & {"trap_cause", "trap_tval", "trap_gpa", "trap_info"}, "raise Trap instead"
