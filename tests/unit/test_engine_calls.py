# SPDX-License-Identifier: Apache-2.0
"""Calls mean the same natively as in CPython: dispatch tables, inlined functions, functions that raise Trap, commit order."""

from __future__ import annotations

from random import Random

import pytest

from core.engine.lower import Program
from core.engine.native import optimized, target_machine
from core.hart import Hart
from core.isa.intrinsics import Dispatch, Trap, cold, inline, u8, u64
from tests.support.native_call import TRAP_SLOTS, Function, NativeModule, edges, hart_with

LARGE = 1 << 33
functions: list[Function] = []


def compiled(function: Function) -> Function:
    """Put a function among those that are compiled."""
    functions.append(function)
    return function


@pytest.fixture(scope="module")
def native() -> NativeModule:
    """All functions of this file, compiled."""
    return NativeModule(functions)


def values(seed: str, count: int = 200) -> list[int]:
    """Edge values of u64 and random ones, always the same."""
    return edges("u64", count, Random(seed))


# -- dispatch -------------------------------------------------------------------------------------------------------------

FETCH = Dispatch("fetch")
ACT = Dispatch("act")


def plain(h: Hart, a: u64) -> u64:
    return u64(a + h.x[1])


def trapping(h: Hart, a: u64) -> u64:
    if a & 1 != 0:
        raise Trap(5, a)
    return u64(a * 3)


def missing(h: Hart, a: u64) -> u64:
    raise Trap(1, h.x[2], a, 9)


FETCH.table = {3: plain, 4: trapping, 1 << 63: plain, (1 << 64) - 1: trapping}
FETCH.default = missing


def act(h: Hart) -> None:
    h.x[1] = u64(h.x[1] + 1)


def refuse_odd(h: Hart) -> None:
    if h.x[1] & 1 != 0:
        raise Trap(2, 3)
    h.x[2] = 5


ACT.table = {0: act, 1: refuse_odd, 2: act}
ACT.default = act


@compiled
def dispatched(h: Hart, key: u64, a: u64) -> u64:
    h.x[4] = 1
    found = u64(FETCH(key, h, a) + 1)
    h.x[5] = found
    return found


@compiled
def acted(h: Hart, key: u64) -> None:
    ACT(key, h)
    h.x[6] = 1
    ACT(1, h)
    h.x[7] = 1


# -- calls, inlining ------------------------------------------------------------------------------------------------------


@inline
def clamp(a: u64, most: u64) -> u64:
    if a > most:
        return most
    if a == 3:
        return 0
    return a


@inline
def checked(h: Hart, a: u64) -> u64:
    for i in range(4):
        if a == u64(i * 1000):
            return i
        if a & 0xFF == 0xFE:
            raise Trap(7, a, i)
    h.x[9] = a
    return a


@inline
def never(h: Hart, a: u64) -> u64:
    raise Trap(11, a)


@inline
def mark(h: Hart, a: u64) -> None:
    if a > 100:
        return
    h.x[11] = a


@cold
def slow(h: Hart, a: u64) -> bool:
    if a == 13:
        raise Trap(13)
    return a > 13


@compiled
def calling(h: Hart, a: u64) -> u64:
    total = 0
    for i in range(3):
        total = u64(total + clamp(u64(a + i), 50) + checked(h, u64(a + i * 7)))
        mark(h, total)
    if slow(h, a) and checked(h, clamp(a, 1000)) > 5:
        total = u64(total * 2)
    return total


@compiled
def never_returns(h: Hart, a: u64) -> u64:
    if a > 5:
        return u64(never(h, a) + 1)
    h.x[1] = 8
    return never(h, 1)


# -- Trap -----------------------------------------------------------------------------------------------------------------


@compiled
def trap_arguments(h: Hart, a: u64, count: u64) -> None:
    if count == 1:
        raise Trap(LARGE)
    if count == 2:
        raise Trap(u8(a), a)
    if count == 3:
        raise Trap(2, u64(a + 1), a)
    raise Trap(3, a < 5, u64(a << 1), a)


@compiled
def commits_last(h: Hart, a: u64, b: u64) -> None:
    h.x[1] = a
    value = u64(checked(h, a) + checked(h, b))
    h.x[2] = value
    if value > 1000:
        raise Trap(4, value)
    h.x[3] = value


@compiled
def trap_in_condition(h: Hart, a: u64) -> u64:
    return 5 if a < 10 or (trapping(h, a) > 20 and trapping(h, u64(a + 1)) > 30) else 6


# -- tests ----------------------------------------------------------------------------------------------------------------


def test_dispatch_tables_with_trapping_entries_and_default(native: NativeModule) -> None:
    for key in (0, 3, 4, 5, 1 << 63, (1 << 64) - 1):
        for a in values("dispatch", 10):
            native.check(dispatched, key, a, hart=hart_with("dispatch"))
    for key in range(4):
        for seed in "abcdef":
            native.check(acted, key, hart=hart_with(seed))


def test_calls_and_inlined_functions(native: NativeModule) -> None:
    outcomes = [native.check(calling, a, hart=hart_with("calls")) for a in [*values("calls"), *range(300), 1000, 2000, 0xFE]]
    assert any(outcome.trap for outcome in outcomes)
    assert any(not outcome.trap for outcome in outcomes)


def test_a_function_that_always_traps_can_be_inlined(native: NativeModule) -> None:
    assert native.check(never_returns, 6).trap == (11, 6, 0, 0)
    assert native.check(never_returns, 5).trap == (11, 1, 0, 0)


def test_trap_arguments_arrive_in_the_harts_slots(native: NativeModule) -> None:
    hart = hart_with("trap")
    for slot in TRAP_SLOTS:
        setattr(hart, slot, 77)
    assert native.check(trap_arguments, 9, 1, hart=hart).trap == (1 << 33, 0, 0, 0)
    assert native.check(trap_arguments, 0x109, 2, hart=hart).trap == (9, 0x109, 0, 0)
    assert native.check(trap_arguments, 9, 3, hart=hart).trap == (2, 10, 9, 0)
    assert native.check(trap_arguments, 4, 4, hart=hart).trap == (3, 1, 8, 4)


def test_nothing_is_written_after_a_trap(native: NativeModule) -> None:
    numbers = [0, 1, 1000, 2000, 0xFE, 0x1FE, 600, 400]
    for a in numbers:
        for b in numbers:
            native.check(commits_last, a, b, hart=hart_with("commit"))
    assert native.check(commits_last, 1000, 0xFE).trap == (7, 0xFE, 0, 0)


def test_a_condition_can_trap(native: NativeModule) -> None:
    for a in range(40):
        native.check(trap_in_condition, a)


def small(a: u64) -> u64:
    """Inlined by LLVM: a loop, so in blocks of its own."""
    while a > 9:
        a = a >> 1
    return a


def locals_behind_a_call(a: u64) -> u64:
    """Two variables that are made behind a call, one of them in a loop."""
    first = small(a)
    total = first
    for i in range(a & 3):
        total = total ^ i
    return total


def test_locals_behind_an_inlined_call_live_in_registers() -> None:
    """LLVM splits a block at a call it inlines, and an alloca that comes behind it is then made anew at each execution."""
    program = Program("locals")
    program.lower(locals_behind_a_call).llvm.linkage = "external"
    text = str(optimized(str(program.module), target_machine()))
    assert "locals_behind_a_call" in text
    assert "alloca" not in text
