# SPDX-License-Identifier: Apache-2.0
"""What the kernel subset refuses, with file, line and reason; and the nearest thing to it that it takes."""

from __future__ import annotations

import re
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import pytest

from core.engine import primitives
from core.engine.lower import Program
from core.engine.subset import SubsetError, effects_of, source_of
from core.hart import Hart
from core.isa.intrinsics import Dispatch, u64
from tests.support.native_call import Function, kernel
from tests.unit.test_engine_refusals import ACCEPTED, REFUSED, SIGNATURE


def lower(function: Function, constants: tuple[int, ...] = ()) -> None:
    """Lower a function as the native engine does."""
    program = Program("refused")
    primitives.install(program)
    program.lower(function, constants)


class Plain:
    """Not for kernel code."""

    def method(self) -> int:
        """Nothing a kernel function can call."""
        return 1


class Colour(IntEnum):
    """Its member is a constant."""

    RED = 1


def table(*, default: Function | None, **entries: Function) -> Dispatch:
    """A dispatch table; entry `k5` is that of key 5."""
    made = Dispatch("made")
    made.default = default
    made.table = {int(key[1:]): function for key, function in entries.items()}
    return made


TAKES_U8 = kernel("def takes_u8(a: u8) -> u8:\n    return a\n")
NOTHING = kernel("def nothing(h: Hart) -> None:\n    pass\n")
ONE = kernel("def one(h: Hart, a: u64) -> u64:\n    return a\n")
OTHER = kernel("def other(h: Hart, a: u32) -> u64:\n    return a\n")
NARROW = kernel("def narrow(h: Hart, a: u64) -> u8:\n    return u8(a)\n")
SIZED = kernel("def sized(size: Const, a: u64) -> u64:\n    return a >> size\n")
NAMES: dict[str, Any] = {
    "Plain": Plain,
    "plain": Plain(),
    "Colour": Colour,
    "takes_u8": TAKES_U8,
    "nothing": NOTHING,
    "one": ONE,
    "sized": SIZED,
    "TABLE": table(default=ONE, k1=ONE),
    "NO_DEFAULT": table(default=None, k1=ONE),
    "LIST": [1, 2],
    "FLOAT": 1.5,
    "FIELD": SimpleNamespace(lsb=3, width=4),
    "min": min,
    "h_global": 5,
}


def function_of(statements: str) -> Function:
    """The function `bad` with these statements."""
    body = "".join(f"    {line}\n" for line in statements.splitlines())
    return kernel(f"def bad({SIGNATURE}) -> u64:\n{body}", **NAMES)


def message(function: Function, constants: tuple[int, ...] = ()) -> str:
    """What the checker says to a function."""
    with pytest.raises(SubsetError) as caught:
        lower(function, constants)
    return str(caught.value)


@pytest.mark.parametrize("statements", REFUSED)
def test_refused(statements: str) -> None:
    text = message(function_of(statements))
    place, _, reason = text.partition(": in bad: ")
    assert re.fullmatch(r"<generated bad>:\d+", place), text
    assert reason.startswith(REFUSED[statements]) or REFUSED[statements] in reason


@pytest.mark.parametrize("statements", ACCEPTED)
def test_accepted(statements: str) -> None:
    lower(function_of(statements))


DEFINITIONS = {
    "def bad(a) -> u64:\n    return 1\n": "1: in bad: parameter 'a' needs a kernel type, not none",
    "def bad(a: int) -> u64:\n    return 1\n": "1: in bad: parameter 'a' needs a kernel type, not int",
    "def bad(a: u64, b: 'u64') -> u64:\n    return 1\n": "1: in bad: parameter 'b' needs a kernel type, not none",
    "def bad(a: u64):\n    return 1\n": "1: in bad: the result needs a kernel type or None",
    "def bad(a: u64) -> Const:\n    return 1\n": "1: in bad: the result needs a kernel type or None",
    "def bad(a: u64 = 1) -> u64:\n    return 1\n": "1: in bad: only plain positional parameters are allowed",
    "def bad(*a: u64) -> u64:\n    return 1\n": "1: in bad: only plain positional parameters are allowed",
    "def bad(**a: u64) -> u64:\n    return 1\n": "1: in bad: only plain positional parameters are allowed",
    "def bad(a: u64, *, b: u64) -> u64:\n    return 1\n": "1: in bad: only plain positional parameters are allowed",
    "def bad(a: u64, /, b: u64) -> u64:\n    return 1\n": "1: in bad: only plain positional parameters are allowed",
    "def bad(g: Hart, h: Hart) -> u64:\n    return 1\n": "1: in bad: only one parameter of type Hart is allowed",
    "def bad(a: u64) -> None:\n    return a\n": "2: in bad: the function is declared to return None",
    "def bad(a: u64) -> None:\n    raise Trap(2)\n": "2: in bad: this needs a parameter of type Hart",
    "def bad(a: u64) -> u64:\n    return now()\n": "2: in bad: now takes 1 argument",
    "def bad(a: u64) -> u64:\n    return now(h)\n": "2: in bad: the hart itself must be passed on",
    "def bad(a: u64) -> u64:\n    return bad(a)\n": "1: in bad: recursion is not allowed",
    "def bad(size: Const) -> u64:\n    size = 5\n    return 1\n": "2: in bad: 'size' cannot be assigned",
}


@pytest.mark.parametrize("text", DEFINITIONS)
def test_refused_definitions(text: str) -> None:
    constants = (1,) if "size" in text else ()
    assert message(kernel(text), constants) == f"<generated bad>:{DEFINITIONS[text]}"


def test_mutual_recursion_is_refused_however_it_goes() -> None:
    direct = kernel("def ping(h: Hart, a: u64) -> u64:\n    return PONG(h, a)\n")
    pong = kernel("def pong(h: Hart, a: u64) -> u64:\n    return T(a, h, a)\n", T=table(default=direct))
    direct.__globals__["PONG"] = pong
    for function in (direct, pong):
        assert "recursion is not allowed" in message(function)


@pytest.mark.parametrize("entry", [OTHER, NARROW, SIZED])
def test_entries_of_a_dispatch_table_are_alike(entry: Function) -> None:
    function = kernel("def bad(h: Hart, a: u64) -> u64:\n    return T(a, h, a)\n", T=table(default=ONE, k1=entry))
    assert re.search("in (other|narrow|sized): not the (signature|result type) of dispatch table made", message(function))
    if entry is SIZED:
        function = kernel("def bad(a: u64) -> u64:\n    return T(a, 4, a)\n", T=table(default=entry))
        assert "in sized: not the signature of dispatch table made" in message(function)


def test_keys_of_a_dispatch_table_are_numbers_of_64_bits() -> None:
    bad = table(default=ONE)
    bad.table[-1] = ONE
    function = kernel("def bad(h: Hart, a: u64) -> u64:\n    return T(a, h, a)\n", T=bad)
    assert message(function).endswith("2: in bad: dispatch table made has a key that is no u64")


def wrong(h: Hart, a: u64) -> u64:
    """Wrong on its third line."""
    b = u64(a + 1)
    return a if b else h.pc


def calls_wrong(h: Hart, a: u64) -> u64:
    """Wrong only in what it calls."""
    return wrong(h, a)


def test_the_message_names_the_file_and_line_of_the_mistake() -> None:
    line = wrong.__code__.co_firstlineno + 3
    expected = f"{__file__}:{line}: in wrong: a condition must be a bool, this is u64: compare it"
    assert message(wrong) == message(calls_wrong) == expected


def test_a_refusal_leaves_nothing_behind() -> None:
    function = kernel("def bad(h: Hart, a: u64) -> u64:\n    return min(h, a)\n", min=min)
    caller = kernel("def caller(h: Hart, a: u64) -> u64:\n    return bad(h, a)\n", bad=function)
    first = message(caller)
    assert message(caller) == first
    assert "min cannot be called from kernel code" in first


def test_closures_are_refused() -> None:
    captured = 5

    def closure(a: u64) -> u64:
        return u64(a + captured)

    assert message(closure).endswith(": in closure: 'captured' belongs to an enclosing function: closures are not allowed")


def test_only_plain_functions_with_source() -> None:
    with pytest.raises(SubsetError, match="is not a plain function"):
        source_of(min)
    with pytest.raises(SubsetError, match=r":\d+: no source for <lambda>"):
        effects_of(lambda a: a)


def test_const_parameters_decide_what_is_compiled() -> None:
    text = "def chosen(size: Const, h: Hart, a: u64) -> u64:\n    if size == 8:\n        return a\n    return h.x[size]\n"
    for size in (8, 31):
        lower(kernel(text), (size,))
    assert message(kernel(text), (32,)) == "<generated chosen>:4: in chosen: slot 'x' has 32 words, no element 32"
