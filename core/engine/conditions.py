# SPDX-License-Identifier: Apache-2.0
"""Conditions of breakpoints, evaluated without leaving the engine. Kernel subset.

A condition is an expression in the bytecode that gdb's manual describes as agent expressions (a stack machine on 64-bit
values, operands big-endian). Registers are numbered as gdb numbers them for RISC-V: x0 to x31, pc, CSRs from 65 on. What is
not understood or cannot be known here (other registers, pages the hart has not touched lately, signed division of
negative numbers) makes the whole expression UNKNOWN, and the debugger works it out itself.
"""

# ruff: noqa: SIM109  (the kernel subset has no `in`)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.csr.registry import CSRS_BY_ADDRESS
from core.hart import Hart, state
from core.isa.intrinsics import Dispatch, cold, in_ram, s64, u64
from core.mmu.modes import OFFSET_MASK, PAGE_MASK, PAGE_SIZE
from core.mmu.physical import read_ram
from core.mmu.regime import settle_data
from core.mmu.tlb import FLAGS, entry_of

CODE_BYTES = 16384
"""Room for all conditions together."""
DEPTH = 32
"""Values on the stack."""
FUEL = 1000
"""Operations of one evaluation."""
PC, CSR0 = 32, 65
"""Register numbers."""
FALSE, TRUE, UNKNOWN = 0, 1, 2

ADD, SUB, MUL, QUOTIENT_S, QUOTIENT_U, REMAINDER_S, REMAINDER_U, LSH, RSH_S, RSH_U = 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
LOG_NOT, AND, OR, XOR, NOT, EQUAL, LESS_S, LESS_U, EXT = 14, 15, 16, 17, 18, 19, 20, 21, 22
REF8, REF64, IF_GOTO, GOTO, CONST8, CONST64, REG, END = 23, 26, 32, 33, 34, 37, 38, 39
DUP, POP, ZERO_EXT, SWAP = 40, 41, 42, 43

state("cond_code", CODE_BYTES // 8, "bytecode of conditions, eight bytes to a word, the first lowest", architectural=False)
state("cond_stack", DEPTH, "the stack of the expression being evaluated", architectural=False)
state("cond_unknown", doc="1: the expression cannot be evaluated here", architectural=False)

CONDITION_CSR = Dispatch("condition_csr")
"""CSRs that can be read without effect."""


def no_value(h: Hart) -> u64:
    """A CSR that is not in the table."""
    h.cond_unknown = 1
    return 0


def _readable(csr: Any) -> bool:
    return csr.slot and csr.peek is None


_reads: dict[int, Callable[..., Any]] = {a: csr.read for a, csr in CSRS_BY_ADDRESS.items() if _readable(csr)}
CONDITION_CSR.table.update(_reads)
CONDITION_CSR.default = no_value


def byte_at(h: Hart, at: u64) -> u64:
    """A byte of bytecode."""
    word: u64 = h.cond_code[(at >> 3) & (CODE_BYTES // 8 - 1)]
    return (word >> u64((at & 7) << 3)) & 0xFF


def operand_size(op: u64) -> u64:
    """Bytes of an operation's operand."""
    if op == EXT or op == ZERO_EXT or op == CONST8:
        return 1
    if op > CONST8 and op <= CONST64:
        return u64(1 << u64(op - CONST8))
    return 2 if op == REG or op == GOTO or op == IF_GOTO else 0


def operand(h: Hart, at: u64, size: u64) -> u64:
    """A big-endian operand."""
    value: u64 = 0
    for i in range(size):
        value = u64(value << 8) | byte_at(h, u64(at + i))
    return value


def register(h: Hart, number: u64) -> u64:
    """A register by gdb's number."""
    if number < PC:
        return u64(h.x[number])
    if number == PC:
        return u64(h.pc)
    if number >= CSR0 and number < CSR0 + 4096:
        return u64(CONDITION_CSR(u64(number - CSR0), h))
    h.cond_unknown = 1
    return 0


def memory(h: Hart, va: u64, size: u64) -> u64:
    """RAM as the hart's loads see it, if the TLB has the page: nothing is walked and nothing changes."""
    settle_data(h)
    base = h.tlb_read
    if h.tlb[entry_of(base, va)] & u64(~FLAGS) != va & PAGE_MASK:
        base = h.tlb_write
    entry = entry_of(base, va)
    spa = u64(va + h.tlb[entry | 1])
    if h.tlb[entry] & u64(~FLAGS) == va & PAGE_MASK and (va & OFFSET_MASK) <= u64(PAGE_SIZE - size) and in_ram(h, spa, size):
        return read_ram(h, spa, size)
    h.cond_unknown = 1
    return 0


def extended(value: u64, bits: u64, signed: bool) -> u64:
    """The low `bits` bits, sign- or zero-extended; all of them when there are not fewer than 64."""
    if bits >= 64:
        return value
    if bits == 0:
        return value if signed else 0
    unused = u64(64 - bits)
    shifted = u64(value << unused)
    return u64(s64(shifted) >> unused) if signed else shifted >> unused


def divided(h: Hart, op: u64, a: u64, b: u64) -> u64:
    """Quotient or remainder; signed ones only of numbers that are not negative."""
    if b == 0 or ((op == QUOTIENT_S or op == REMAINDER_S) and (a | b) >> 63 != 0):
        h.cond_unknown = 1
        return 0
    return a // b if op == QUOTIENT_S or op == QUOTIENT_U else a % b


def shifted(op: u64, a: u64, b: u64) -> u64:
    """A shift; by 64 or more it leaves nothing, or the sign."""
    if op == RSH_S:
        return u64(s64(a) >> (b if b < 63 else 63))
    if b > 63:
        return 0
    return u64(a << b) if op == LSH else a >> b


def binary(h: Hart, op: u64, a: u64, b: u64) -> u64:
    """An operation of two values, b the topmost."""
    if op == ADD:
        return u64(a + b)
    if op == SUB:
        return u64(a - b)
    if op == MUL:
        return u64(a * b)
    if op >= QUOTIENT_S and op <= REMAINDER_U:
        return divided(h, op, a, b)
    if op >= LSH and op <= RSH_U:
        return shifted(op, a, b)
    if op == AND:
        return a & b
    if op == OR:
        return a | b
    if op == XOR:
        return a ^ b
    if op == EQUAL:
        return u64(a == b)
    return u64(s64(a) < s64(b)) if op == LESS_S else u64(a < b)


def is_binary(op: u64) -> bool:
    """Whether an operation takes two values and gives one."""
    return (op >= ADD and op <= RSH_U) or (op >= AND and op <= XOR) or (op >= EQUAL and op <= LESS_U)


def is_unary(op: u64) -> bool:
    """Whether an operation takes one value and gives one."""
    return op == LOG_NOT or op == NOT or op == EXT or op == ZERO_EXT or (op >= REF8 and op <= REF64)


def unary(h: Hart, op: u64, a: u64, number: u64) -> u64:
    """An operation of one value."""
    if op == LOG_NOT:
        return u64(a == 0)
    if op == NOT:
        return u64(~a)
    if op == EXT or op == ZERO_EXT:
        return extended(a, number, op == EXT)
    return memory(h, a, u64(1 << u64(op - REF8)))


def pushes(op: u64) -> bool:
    """Whether an operation takes nothing and gives a value."""
    return op == REG or (op >= CONST8 and op <= CONST64)


@cold
def evaluate(h: Hart, start: u64) -> u64:
    """FALSE, TRUE or UNKNOWN: the expression at `start` in h.cond_code, which must end in END."""
    at = start
    top: u64 = 0
    h.cond_unknown = 0
    for step in range(FUEL):  # noqa: B007
        op = byte_at(h, at)
        size = operand_size(op)
        number = operand(h, u64(at + 1), size)
        at = u64(at + 1 + size)
        if h.cond_unknown != 0 or top >= DEPTH:
            return UNKNOWN
        if op == END:
            return u64(h.cond_stack[u64(top - 1)] != 0) if top != 0 else FALSE
        if op == GOTO:
            at = u64(start + number)
        elif pushes(op):
            h.cond_stack[top] = register(h, number) if op == REG else number
            top = u64(top + 1)
        elif top == 0:
            return UNKNOWN
        elif is_unary(op):
            h.cond_stack[u64(top - 1)] = unary(h, op, h.cond_stack[u64(top - 1)], number)
        elif op == IF_GOTO or op == POP:
            top = u64(top - 1)
            if op == IF_GOTO and h.cond_stack[top] != 0:
                at = u64(start + number)
        elif op == DUP:
            h.cond_stack[top] = h.cond_stack[u64(top - 1)]
            top = u64(top + 1)
        elif top < 2:
            return UNKNOWN
        elif is_binary(op):
            top = u64(top - 1)
            h.cond_stack[u64(top - 1)] = binary(h, op, h.cond_stack[u64(top - 1)], h.cond_stack[top])
        elif op == SWAP:
            below = h.cond_stack[u64(top - 2)]
            h.cond_stack[u64(top - 2)] = h.cond_stack[u64(top - 1)]
            h.cond_stack[u64(top - 1)] = below
        else:
            return UNKNOWN
    return UNKNOWN
