# SPDX-License-Identifier: Apache-2.0
"""Conditions of breakpoints in bytecode: what engines evaluate themselves, and what they leave to the debugger."""

from __future__ import annotations

from random import Random

import pytest

from core.debug.target import Debugger, StopKind
from core.engine import conditions
from core.engine.conditions import FALSE, TRUE, UNKNOWN, evaluate
from core.hart import Hart
from gdbstub.agent import AgentError, compile_expression
from tests.support.debugged import CODE, ENGINES, OWNER, debugger, go, place
from tests.support.native_call import NativeModule

LOOP = (0x0015_0513, 0x00A2_B023, 0xFF9F_F06F)
"""addi a0, a0, 1; sd a0, 0(t0); j .-8"""
A0, T0, SSCRATCH, SIP, PRIV = 10, 5, 65 + 0x140, 65 + 0x144, 65 + 4096


def reg(number: int) -> bytes:
    return bytes([0x26]) + number.to_bytes(2, "big")


def const(value: int) -> bytes:
    return bytes([0x25]) + value.to_bytes(8, "big")


EQUAL, REF64, END = bytes([0x13]), bytes([0x1A]), bytes([0x27])


def looping(engine: str) -> Debugger:
    d = debugger("loop", engine)
    place(d, LOOP)
    d.write_register("a0", 0)
    d.write_register("t0", CODE + 0x100)
    return d


@pytest.mark.parametrize("engine", ENGINES)
def test_register_condition_is_not_heard_of(engine: str) -> None:
    """The debugger is asked once: when the engine says yes."""
    d = looping(engine)
    asked: list[int] = []

    def condition(d: Debugger, hart: int) -> bool:
        asked.append(d.read_register("a0"))
        return True

    code = reg(A0) + const(300) + EQUAL + END
    point = d.add_breakpoint(CODE + 4, owner=OWNER, condition=condition, code=code)
    stop = go(d)
    assert (stop.number, asked, point.hits, d.read_register("a0")) == (point.number, [300], 1, 300)
    assert go(d, steps=30).kind is StopKind.STEP  # and past it afterwards
    assert d.read_register("a0") == 310


@pytest.mark.parametrize("engine", ENGINES)
def test_memory_and_csr_conditions(engine: str) -> None:
    d = looping(engine)
    go(d, steps=3)
    d.write_register("sscratch", 40)
    code = reg(T0) + REF64 + reg(SSCRATCH) + EQUAL + END
    d.add_breakpoint(CODE + 8, owner=OWNER, code=code)
    go(d)
    assert d.read_register("a0") == 40
    assert d.machine.harts[0].cond_unknown == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_what_an_engine_cannot_tell_the_debugger_decides(engine: str) -> None:
    """A page that is in no TLB, and a register that is no CSR."""
    for unknown in (const(0x8100_0000) + REF64, reg(PRIV), reg(SIP)):
        d = looping(engine)
        d.add_breakpoint(
            CODE + 4, owner=OWNER, condition=lambda d, hart: d.read_register("a0") == 9, code=unknown + const(77) + EQUAL + END
        )
        go(d)
        assert d.read_register("a0") == 9


@pytest.mark.parametrize("engine", ENGINES)
def test_several_conditions_at_once(engine: str) -> None:
    d = looping(engine)
    points = [
        d.add_breakpoint(CODE + 4, owner=OWNER, code=reg(A0) + const(number) + EQUAL + END) for number in (30, 20, 10, 20)
    ]
    assert [go(d).numbers, go(d).numbers, go(d).numbers] == [(3,), (2, 4), (1,)]
    d.remove_breakpoint(points[0].number)
    d.write_register("a0", 0)
    assert go(d).numbers == (3,)


def test_conditions_without_room_are_left_to_the_debugger() -> None:
    d = looping("native")
    long = (reg(A0) + bytes([0x29])) * 2000 + reg(A0) + const(5) + EQUAL + END
    for _ in range(4):
        d.add_breakpoint(CODE + 4, owner=OWNER, code=long, condition=lambda d, hart: d.read_register("a0") == 7)
    assert d.machine.harts[0].break_code[3] == 0
    go(d)
    assert d.read_register("a0") == 7


# -- the evaluator beside gdbstub's -----------------------------------------------------------------------------------


class Around:
    """Registers for gdbstub's evaluation."""

    def __init__(self, hart: Hart) -> None:
        self.hart = hart

    def register(self, number: int) -> int:
        return int(self.hart.x[number])

    def memory(self, address: int, size: int) -> int:
        raise AgentError("no memory here")

    def print(self, text: str) -> None:
        raise AgentError("nothing to print to")


def load(hart: Hart, code: bytes) -> None:
    for word in range((len(code) + 7) // 8):
        hart.cond_code[word] = int.from_bytes(code[8 * word : 8 * word + 8], "little")


def random_expression(random: Random) -> bytes:
    """Something with values of all sizes, operations and jumps ahead."""
    code, depth = b"", 0
    for _ in range(random.randint(1, 40)):
        if depth < 2 or random.random() < 0.3:
            size = random.choice((1, 2, 4, 8))
            value = random.choice((0, 1, 63, 64, (1 << 8 * size) - 1, random.getrandbits(8 * size))) & ((1 << 8 * size) - 1)
            number = {1: 0x22, 2: 0x23, 4: 0x24, 8: 0x25}[size]
            code += reg(random.randrange(32)) if random.random() < 0.3 else bytes([number]) + value.to_bytes(size, "big")
            depth += 1
            continue
        op = random.choice((*range(2, 12), *range(14, 23), 0x28, 0x29, 0x2A, 0x2B, 0x20))
        operand = b""
        if op in (0x16, 0x2A):
            operand = bytes([random.choice((0, 1, 8, 31, 32, 63, 64))])
        if op == 0x20:  # over a bit_not, which keeps the depth
            operand = (len(code) + 4).to_bytes(2, "big") + bytes([0x12])
        code += bytes([op]) + operand
        depth += 1 if op == 0x28 else -1 if op in (0x29, 0x20, *range(2, 12), 15, 16, 17, 19, 20, 21) else 0
    return code + END


def test_random_expressions_on_both_engines_and_in_the_stub() -> None:
    module = NativeModule([evaluate])
    hart, random, decided = Hart(), Random(7), 0
    for _ in range(3000):
        code = random_expression(random)
        for number in range(1, 32):
            hart.x[number] = random.choice((0, 1, (1 << 64) - 1, random.getrandbits(64)))
        load(hart, code)
        found = evaluate(hart, 0)
        assert module(evaluate, hart, 0).value == found
        if found == UNKNOWN:
            continue
        decided += 1
        assert int(compile_expression(code)(Around(hart)) != 0) == found, code.hex()
    assert decided > 1500


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (END, FALSE),
        (const(5) + END, TRUE),
        (bytes([2]) + END, UNKNOWN),  # values are missing
        (const(1) + bytes([2]) + END, UNKNOWN),
        (const(1) * 40 + END, UNKNOWN),  # too deep
        (bytes([0x21, 0, 0]), UNKNOWN),  # for ever
        (const(1) + const(0) + bytes([6]) + END, UNKNOWN),
        (const(1) + const((1 << 64) - 1) + bytes([5]) + END, UNKNOWN),
        (bytes([0xFF]) + END, UNKNOWN),
        (reg(64) + END, UNKNOWN),
        (reg(65 + 0xFFF) + END, UNKNOWN),
        (const(3) + reg(65 + 0x140) + bytes([0x13]) + END, FALSE),
    ],
)
def test_edges(code: bytes, expected: int) -> None:
    hart = Hart()
    load(hart, code)
    assert evaluate(hart, 0) == expected


def test_every_binary_operation_is_known() -> None:
    known = [op for op in range(64) if conditions.is_binary(op)]
    assert known == [*range(2, 12), 15, 16, 17, 19, 20, 21]
