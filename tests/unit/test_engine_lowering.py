# SPDX-License-Identifier: Apache-2.0
"""Expressions mean the same natively as in CPython: operators, casts, widths and signs, shifts, comparisons, primitives."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random
from types import SimpleNamespace

import pytest

from core.engine.subset import TYPES
from tests.support.native_call import Function, NativeModule, edges, kernel

INTEGERS = [f"{kind}{bits}" for bits in (8, 16, 32, 64, 128) for kind in "us"]
PAIRS = [
    ("u64", "u64"),
    ("s64", "s64"),
    ("u64", "s64"),
    ("s8", "u32"),
    ("u8", "s16"),
    ("u128", "s64"),
    ("bool", "s32"),
    ("s128", "u8"),
]
"""Operands of all widths, alike and mixed in sign."""
SAME = [
    ("u64", "u64"),
    ("s64", "s64"),
    ("u8", "u64"),
    ("u32", "u16"),
    ("s8", "s64"),
    ("s32", "s16"),
    ("u128", "u64"),
    ("s128", "s8"),
]
"""Operands of one sign, of equal and of different width."""
WIDE = {"add": "+", "sub": "-", "mul": "*", "and": "&", "or": "|", "xor": "^"}
COMPARE = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
AMOUNTS = ["bool", "u8", "u32", "u64"]
FIELDS = [
    SimpleNamespace(lsb=lsb, msb=lsb + width - 1, width=width) for lsb, width in ((0, 1), (0, 64), (63, 1), (12, 9), (60, 4))
]

functions: dict[str, Function] = {}


def define(name: str, signature: str, result: str, expression: str, **names: object) -> None:
    """Add `def name(signature) -> result: return expression` to what is compiled."""
    functions[name] = kernel(f"def {name}({signature}) -> {result}:\n    return {expression}\n", **names)


def closed(left: str, right: str) -> str:
    """The type of `&` of two values of one sign."""
    return left if TYPES[left].bits >= TYPES[right].bits else right


for target in INTEGERS:
    for source in [*INTEGERS, "bool"]:
        define(f"cast_{target}_{source}", f"a: {source}", target, f"{target}(a)")
    for left, right in PAIRS:
        for word, symbol in WIDE.items():
            define(f"wide_{word}_{target}_{left}_{right}", f"a: {left}, b: {right}", target, f"{target}(a {symbol} b)")
        define(
            f"nested_{target}_{left}_{right}", f"a: {left}, b: {right}", target, f"{target}(-(a * 3 - ~b) ^ (b + a * b | 5))"
        )
    for source in ("u8", "s8", "s64", "u128"):
        define(f"negated_{target}_{source}", f"a: {source}", target, f"{target}(-a)")
        define(f"inverted_{target}_{source}", f"a: {source}", target, f"{target}(~a)")
        for amount in AMOUNTS:
            define(f"left_{target}_{source}_{amount}", f"a: {source}, n: {amount}", target, f"{target}(a << n)")
        define(f"leftmasked_{target}_{source}", f"a: {source}, n: u64", target, f"{target}(a << (n & 63))")
        define(f"leftsum_{target}_{source}", f"a: {source}, n: u8", target, f"{target}((a - 3 << n) + a)")
    for fixed in (0, 1, TYPES[target].bits - 1):
        define(f"leftby_{target}_{fixed}", "a: s64", target, f"{target}(a << {fixed})")
        define(f"rightby_{target}_{fixed}", f"a: {target}", target, f"a >> {fixed}")
    for amount in AMOUNTS:
        define(f"right_{target}_{amount}", f"a: {target}, n: {amount}", target, "a >> n")
    define(f"rightmasked_{target}", f"a: {target}, n: u64", target, f"a >> (n & {TYPES[target].bits - 1})")
define("right_literal", "a: u64, n: u64", "u64", "0x8000000000000001 >> n")

for left, right in SAME:
    for word in ("and", "or", "xor"):
        define(f"closed_{word}_{left}_{right}", f"a: {left}, b: {right}", closed(left, right), f"a {WIDE[word]} b")
    for word, symbol in COMPARE.items():
        define(f"compare_{word}_{left}_{right}", f"a: {left}, b: {right}", "bool", f"a {symbol} b")
        define(f"literal_{word}_{left}", f"a: {left}", "bool", f"a {symbol} 7")
        define(f"chain_{word}_{left}_{right}", f"a: {left}, b: {right}", "bool", f"a {symbol} b < 7 != a")
for word in ("and", "or", "xor"):
    define(f"closed_{word}_bool", "a: bool, b: bool", "bool", f"a {WIDE[word]} b")
    define(f"closed_{word}_literal", "a: s64, b: u64", "u64", f"u64(a {WIDE[word]} -16) | (b {WIDE[word]} 0xff)")
define("compare_bools", "a: bool, b: bool", "bool", "(a == b) != (a < b)")
define("compare_below_zero", "a: s16", "bool", "a < -5")

for left, right in (("u64", "u64"), ("u8", "u32"), ("u32", "u16")):
    define(f"quotient_{left}_{right}", f"a: {left}, b: {right}", closed(left, right), "a // b if b != 0 else 99")
    define(f"rest_{left}_{right}", f"a: {left}, b: {right}", closed(left, right), "99 if 0 == b else a % b")
define("by_constant", "a: u64", "u64", "a // 10 ^ a % 7")
define("literal_by", "a: u32", "u32", "1000 // a if a > 0 else 5")

define("boolean", "a: bool, b: bool, c: bool", "bool", "a and not b or c and (b or not a)")
define("boolean_long", "a: u64, b: u64", "bool", "a == 1 or a == 2 or b == 1 and a == 7 or not (a < b and b > 1)")
define("boolean_known", "a: u64", "bool", "(True and a == 1) or (a == 2 and True) or (False or a == 7)")
define("boolean_decided", "a: u64", "bool", "(a == 1 and False) or (a == 2 and 1 < 2)")
define("boolean_true", "a: u64", "bool", "a == 1 or True")
define("boolean_number", "a: u64, b: u64", "u64", "u64((a == b) + (a < b) * 4 - (a > b))")
define("choice", "a: u64, b: u64", "u64", "a if a < b else b if b != 7 else 3")
define("choice_widens", "a: u8, b: u64", "u64", "a if a < b else b")
define("choice_signed", "a: s64, b: s8", "s64", "b if a < b else -5")
define("choice_literals", "a: u64", "u64", "u64((1 if a == 0 else 2) << (a & 7))")
define("choice_bool", "a: u64, b: bool", "u64", "b if a == 1 else a")
define("choice_known", "a: u64", "u64", "a if WIDTH == 64 else 5", WIDTH=64)
define("constants", "a: u64", "u64", "u64(a + (1 << 70) // 3 - -5 % 3 + ~WIDTH + s8(200) + (u8(-1) >> 2))", WIDTH=64)
define("known_bools", "a: u64", "u64", "u64(a + (3 < 4) + (not 3 < 4) + bool(5 == 5) + int(a == 1))")

for number, field in enumerate(FIELDS):
    define(f"get_{number}", "v: u64", "u64", "get(v, F)", F=field)
    define(f"isset_{number}", "v: u64", "bool", "isset(v, F)", F=field)
    define(f"put_{number}", "v: u64, m: s64", "u64", "put(v, F, m + 1)", F=field)
for primitive in ("clz64", "ctz64", "popcount64"):
    define(f"count_{primitive}", "v: u64", "u64", f"{primitive}(v)")
define("signextend", "v: u64, w: s64", "u64", "sext32(v * 3 - w)")
define(
    "widened",
    "a: u8, b: bool",
    "s64",
    "PASS(a, b, a)",
    PASS=kernel("def taken(a: u64, b: u8, c: s32) -> s32:\n    return s32(a + b - c * 5)\n"),
)


@pytest.fixture(scope="module")
def native() -> NativeModule:
    """All functions of this file, compiled."""
    return NativeModule(functions.values())


def arguments(name: str, count: int = 3) -> Iterator[tuple[int, ...]]:
    """Argument lists for a function: all combinations of edge values, then some random ones, always the same."""
    random = Random(name)
    function = functions[name]
    kinds = [kind for parameter, kind in function.__annotations__.items() if parameter != "return"]
    values = [edges(kind, count, random) for kind in kinds]
    amounts = [0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 129, 200]
    for position, parameter in enumerate(function.__code__.co_varnames):
        if parameter == "n" and kinds[position] != "bool":
            # Python makes room for all bits of a left shift: its amount stays small here
            huge = [] if name.startswith("left_") else [255, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 64) - 1]
            values[position] = [amount for amount in amounts + huge if amount < 1 << TYPES[kinds[position]].bits]
    yield from itertools.product(*values)


def check(native: NativeModule, *prefixes: str) -> None:
    """Compare all functions whose names begin so."""
    chosen = [name for name in functions if name.startswith(prefixes)]
    assert chosen
    for name in chosen:
        for values in arguments(name):
            native.check(functions[name], *values)


@pytest.mark.parametrize("source", [*INTEGERS, "bool"])
def test_a_cast_wraps_any_type_to_any_other(native: NativeModule, source: str) -> None:
    for target in INTEGERS:
        for values in arguments(f"cast_{target}_{source}", 30):
            native.check(functions[f"cast_{target}_{source}"], *values)


@pytest.mark.parametrize("target", INTEGERS)
def test_a_wide_expression_is_computed_at_the_width_of_its_cast(native: NativeModule, target: str) -> None:
    check(native, *(f"wide_{word}_{target}_" for word in WIDE))


@pytest.mark.parametrize("target", INTEGERS)
def test_wide_operators_nest(native: NativeModule, target: str) -> None:
    check(native, f"nested_{target}_", f"negated_{target}_", f"inverted_{target}_")


@pytest.mark.parametrize("target", INTEGERS)
def test_left_shifts_by_any_amount_that_python_can_hold(native: NativeModule, target: str) -> None:
    check(native, f"left_{target}_", f"leftmasked_{target}_", f"leftsum_{target}_", f"leftby_{target}_")


@pytest.mark.parametrize("target", INTEGERS)
def test_right_shifts_by_any_amount(native: NativeModule, target: str) -> None:
    check(native, f"right_{target}_", f"rightmasked_{target}", f"rightby_{target}_", "right_literal")


@pytest.mark.parametrize("word", ["and", "or", "xor"])
def test_bit_operators_are_closed_for_one_sign(native: NativeModule, word: str) -> None:
    check(native, f"closed_{word}_")


@pytest.mark.parametrize("word", COMPARE)
def test_comparisons_of_one_sign(native: NativeModule, word: str) -> None:
    check(native, f"compare_{word}_", f"literal_{word}_", f"chain_{word}_")


def test_comparisons_of_bools_and_with_negative_literals(native: NativeModule) -> None:
    check(native, "compare_bools", "compare_below_zero")


def test_unsigned_division(native: NativeModule) -> None:
    check(native, "quotient_", "rest_", "by_constant", "literal_by")


def test_and_or_not(native: NativeModule) -> None:
    check(native, "boolean")


def test_conditional_expressions(native: NativeModule) -> None:
    check(native, "choice")


def test_constants_fold_as_python_computes_them(native: NativeModule) -> None:
    check(native, "constants", "known_bools")


def test_field_helpers(native: NativeModule) -> None:
    check(native, "get_", "put_", "isset_")


def test_bit_counting(native: NativeModule) -> None:
    for name in ("clz64", "ctz64", "popcount64"):
        for values in arguments(f"count_{name}", 200):
            native.check(functions[f"count_{name}"], *values)


def test_sext32_wraps_a_wide_expression(native: NativeModule) -> None:
    check(native, "signextend")


def test_arguments_and_results_widen_without_a_change_of_value(native: NativeModule) -> None:
    check(native, "widened")


def test_a_difference_would_be_noticed(native: NativeModule) -> None:
    function = functions["by_constant"]
    code = function.__code__
    function.__code__ = functions["literal_by"].__code__
    try:
        with pytest.raises(AssertionError, match="Python returns 10, native 8"):
            native.check(function, 100)
    finally:
        function.__code__ = code
