# SPDX-License-Identifier: Apache-2.0
"""Statements mean the same natively as in CPython: control flow, locals, slots, order of evaluation, Const parameters."""

from __future__ import annotations

from enum import IntEnum
from random import Random

import pytest

from core.hart import Hart
from core.isa.intrinsics import Const, s32, s64, u8, u16, u64, u128
from tests.support.native_call import Function, NativeModule, edges, hart_with

LIMIT = 1 << 40
functions: list[Function | tuple[Function, tuple[int, ...]]] = []


def compiled(function: Function) -> Function:
    """Put a function among those that are compiled."""
    functions.append(function)
    return function


def specialised(*values: int) -> Function:
    """Compile a function with one Const parameter for each of `values`."""

    def register(function: Function) -> Function:
        functions.extend((function, (value,)) for value in values)
        return function

    return register


@pytest.fixture(scope="module")
def native() -> NativeModule:
    """All functions of this file, compiled."""
    return NativeModule(functions)


def values(seed: str, count: int = 200) -> list[int]:
    """Edge values of u64 and random ones, always the same."""
    return edges("u64", count, Random(seed))


# -- control flow ---------------------------------------------------------------------------------------------------------


@compiled
def ladder(a: u64) -> u64:
    if a < 10:
        return 1
    if a < 100:
        b = u64(a * 2)
    elif a == 100:
        b = 7
    else:
        b = a >> 3
        if b > LIMIT:
            return u64(b - LIMIT)
        b = u64(b + 1)
    return b


@compiled
def collatz(a: u64) -> u64:
    steps = 0
    while a > 1 and steps < 50:
        a = a // 2 if a & 1 == 0 else u64(3 * a + 1)
        steps = u64(steps + 1)
    return u64(steps << 32) | (a & 0xFFFFFFFF)


@compiled
def nested_loops(a: u64, b: u64) -> u64:
    total = 0
    for i in range(a & 15):
        if i == 3:
            continue
        j = i
        while True:
            j = u64(j + 1)
            if j & 1 == 0:
                continue
            if j > b & 15:
                break
            total = u64(total + i * j)
        for k in range(2, j, 3):
            total ^= k
            if total & 7 == 7:
                break
    return total


@compiled
def changed_counter(a: u64) -> u64:
    seen = 0
    stop = a & 7
    for i in range(stop):
        seen = u64(seen * 8 + i)
        i = u64(i + 5)
        stop = 0
        seen = u64(seen + i)
    return seen


@compiled
def stepped(a: u64, b: u64) -> u64:
    turns = 0
    last: u64 = 99
    for last in range(a, b, 5):
        turns = u64(turns + (1 if last != 7 else 2))
        if turns > 9:
            break
    return u64(last * 16 + turns)


@compiled
def until_known(a: u64) -> u64:
    n = a & 63
    while True:
        n = u64(n + 3)
        if n > 70:
            return n


@compiled
def returns_from_loops(a: u64) -> u64:
    for i in range(64):
        if (a >> i) & 1 != 0:
            while True:
                if i > 5:
                    return i
                break
    return 64


@compiled
def nothing(a: u64) -> None:
    pass


@compiled
def early(h: Hart, a: u64) -> None:
    """A function that returns nothing, early or late."""
    h.x[1] = a
    if a > 5:
        return
    h.x[2] = a


# -- locals and slots -----------------------------------------------------------------------------------------------------


@compiled
def typed_locals(a: u64, b: u64) -> u64:
    small: u8 = 200
    short = u16(a)
    signed: s32 = -5
    wide = u128(u128(a) * b)
    flag = a < b
    signed = s32(signed + s32(b))
    small = u8(small + short)
    if flag and signed < 0:
        wide = u128(wide + signed)
    return u64((wide >> 64) + small + flag)


@compiled
def augmented(h: Hart, a: u64, b: u64) -> u64:
    c = a
    c |= b & 0xFF
    c &= ~0xF0 & 0xFFFF_FFFF
    c ^= 5
    c >>= b & 7
    c //= 3
    c %= 1000
    h.x[3] |= c
    h.x[b & 31] ^= a
    h.pc >>= 1
    h.npc |= u64(a < b)
    return c


def next_index(h: Hart) -> u64:
    index = u64(h.x[1] + 1) & 31
    h.x[1] = index
    return index


@compiled
def index_once(h: Hart, a: u64) -> None:
    h.x[next_index(h)] |= a
    h.f[next_index(h)] = next_index(h)
    h.f[h.x[1] & 31] ^= next_index(h)


@compiled
def stores(h: Hart, a: u64) -> None:
    h.x[5] = u8(a)
    h.x[6] = a == 7
    h.x[u8(a) & 31] = u16(a)
    h.pc = True
    h.npc = h.x[h.x[5] & 31]
    for i in range(30, 32):
        h.x[i] = h.f[i]


@compiled
def swapped(h: Hart, a: u64) -> u64:
    old = h.x[a & 31]
    h.x[a & 31] = h.f[a & 31]
    h.f[a & 31] = old
    return u64(h.x[a & 31] - old)


# -- order of evaluation --------------------------------------------------------------------------------------------------


def log(h: Hart, n: u64) -> u64:
    """Tell in h.x[10] that this has been called."""
    h.x[10] = u64(h.x[10] * 8 + n)
    return n


@compiled
def short_circuit(h: Hart, a: u64) -> bool:
    return (log(h, 1) == a and log(h, 2) == 2) or (log(h, 3) != a and not log(h, 4) < a)


@compiled
def chained(h: Hart, a: u64) -> bool:
    return log(h, 1) < a <= log(h, 5) != log(h, 6) > a


@compiled
def chosen(h: Hart, a: u64) -> u64:
    return log(h, 1) if log(h, 2) < a else u64(log(h, 3) - log(h, 4))


@compiled
def ordered(h: Hart, a: u64) -> u64:
    h.x[log(h, 5)] = log(h, 6)
    return u64((h.x[10] - log(h, 2)) * log(h, 3) << (log(h, 4) & 63)) ^ u64(h.x[10])


# -- Const, constants -----------------------------------------------------------------------------------------------------


class Colour(IntEnum):
    """Members fold to their values."""

    RED = 1
    BLUE = 1 << 33


@specialised(1, 2, 4, 8)
def sized(size: Const, a: u64) -> u64:
    if size == 8:
        return a
    top = u64(1 << (8 * size - 1))
    if size == 4:
        a ^= Colour.BLUE
    elif size < 4:
        a = u64(a + inner(size, a) * Colour.RED)
    known = size > 1
    return u64((a & u64((1 << 8 * size) - 1) ^ top) - top + known)


def inner(width: Const, a: u64) -> u64:
    return a >> width if width != 2 else u64(a << width)


@compiled
def many_sizes(a: u64) -> u64:
    return u64(sized(1, a) + sized(2, a) * sized(4, a) ^ sized(8, a))


@specialised(0, 1)
def signed_constant(which: Const, a: s64) -> s64:
    return s64(a + inner_signed(-7 if which == 0 else 9, a))


def inner_signed(offset: Const, a: s64) -> s64:
    return s64(a * 2) if a < offset else s64(offset - 1)


# -- tests ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [ladder, collatz, changed_counter, until_known, returns_from_loops, nothing])
def test_control_flow(native: NativeModule, function: Function) -> None:
    for a in [*values(function.__name__), *range(130)]:
        native.check(function, a)


@pytest.mark.parametrize("function", [nested_loops, typed_locals])
def test_two_arguments(native: NativeModule, function: Function) -> None:
    for a in values("a", 20):
        for b in values("b", 20):
            native.check(function, a, b)


def test_range_counts_like_python_up_to_the_end_of_64_bits(native: NativeModule) -> None:
    top = (1 << 64) - 1
    for a in [*range(12), *range(top - 12, top + 1)]:
        for b in [*range(12), *range(top - 12, top + 1)]:
            native.check(stepped, a, b)


@pytest.mark.parametrize("function", [early, index_once, stores, swapped, short_circuit, chained, chosen, ordered])
def test_effects_on_the_hart(native: NativeModule, function: Function) -> None:
    for number, a in enumerate([*values(function.__name__, 30), *range(10)]):
        native.check(function, a, hart=hart_with(str(number)))


def test_augmented_assignment(native: NativeModule) -> None:
    for a in values("a", 10):
        for b in values("b", 10):
            native.check(augmented, a, b, hart=hart_with(str(a)))


def test_order_of_evaluation_is_pythons() -> None:
    hart = Hart()
    assert ordered(hart, 0) == ((0o65 - 2) * 3 << 4) ^ 0o65234


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_const_parameters_give_native_code_of_their_own(native: NativeModule, size: int) -> None:
    for a in values("sized"):
        native.check(sized, a, constants=(size,))


def test_const_arguments(native: NativeModule) -> None:
    for a in values("many"):
        native.check(many_sizes, a)
    for a in edges("s64", 50, Random(1)):
        for which in (0, 1):
            native.check(signed_constant, a, constants=(which,))
