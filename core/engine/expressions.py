# SPDX-License-Identifier: Apache-2.0
"""Lowering of expressions.

Integers of a known type are LLVM integers of that width. A *wide* expression (`+ - * << ~`) only exists below a cast, which
computes it at the cast's own width: the low bits of such operations depend on nothing else.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from typing import Any

from llvmlite import ir

from core.engine.scope import Scope
from core.engine.subset import BOOL, U64, Type, cast_type
from core.engine.values import I1, Value, llvm_type, wrap

WIDE_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.LShift)
BIT_OPERATORS = {ast.BitAnd: "and_", ast.BitOr: "or_", ast.BitXor: "xor"}
NEGATIONS: dict[type, Callable[[int], int]] = {ast.USub: operator.neg, ast.Invert: operator.invert}
MOST_SHIFT = 1024
"""Shifts of constants by more are surely mistakes."""
COMPARISONS: dict[type, tuple[str, Callable[[int, int], bool]]] = {
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}
FOLD: dict[type, Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


def known_bool(value: bool) -> Value:
    """A bool known at compile time."""
    return Value(BOOL, I1(value), int(value))


class Expressions(Scope):
    """Expressions, but for calls."""

    def condition(self, node: ast.expr) -> Any:
        """A condition: an i1, or a Python bool when known now."""
        value = self.expression(node)
        if value.type != BOOL:
            kind = "a plain number" if value.type is None else value.type.name
            self.refuse(node, f"a condition must be a bool, this is {kind}: compare it")
        return value.llvm if value.constant is None else bool(value.constant)

    def expression(self, node: ast.expr) -> Value:
        """Lower an expression that is not wide."""
        handler = getattr(self, f"get_{type(node).__name__}", None)
        if handler is None:
            self.refuse(node, f"{type(node).__name__} is not part of the kernel subset")
        value: Value = handler(node)
        return value

    def get_Constant(self, node: ast.Constant) -> Value:
        """A literal."""
        if isinstance(node.value, bool):
            return known_bool(node.value)
        if not isinstance(node.value, int):
            self.refuse(node, f"{node.value!r} is not an integer")
        return Value(None, None, node.value)

    def get_Name(self, node: ast.Name) -> Value:
        """A local, a Const parameter or a module-level constant."""
        if node.id in self.assigned:
            kind, place = self.locals[node.id]
            return Value(kind, self.builder.load(place, typ=llvm_type(kind)))
        if node.id in self.constants:
            return Value(None, None, self.constants[node.id])
        if node.id in self.harts:
            self.refuse(node, f"the hart is no number: use {node.id}.slot")
        if node.id in self.source.function.__code__.co_varnames:
            self.refuse(node, f"{node.id!r} may have no value here: assign it on every path")
        return self.global_constant(node)

    def global_constant(self, node: ast.expr) -> Value:
        """A module-level int or enum member."""
        found = self.source.resolve(node)
        if isinstance(found, bool):
            return known_bool(found)
        if isinstance(found, int):
            return Value(None, None, int(found))
        return self.refuse(node, f"{ast.unparse(node)} is not known here")

    def get_Attribute(self, node: ast.Attribute) -> Value:
        """`h.slot` or a module-level constant."""
        if isinstance(node.value, ast.Name) and node.value.id in self.harts:
            name, _ = self.slot(node)
            return Value(U64, self.program.load_slot(self.builder, self.hart(node), name))
        return self.global_constant(node)

    def get_Subscript(self, node: ast.Subscript) -> Value:
        """`h.slot[i]`."""
        name, index = self.slot(node)
        return Value(U64, self.program.load_slot(self.builder, self.hart(node), name, index))

    def get_Call(self, node: ast.Call) -> Value:
        """A call whose value is used."""
        value = self.call(node)
        if value is None:
            self.refuse(node, f"{ast.unparse(node.func)} returns nothing")
        return value

    def get_UnaryOp(self, node: ast.UnaryOp) -> Value:
        """`not`; `-` and `~` only of constants."""
        if isinstance(node.op, ast.Not):
            condition = self.condition(node.operand)
            if isinstance(condition, bool):
                return known_bool(not condition)
            return Value(BOOL, self.builder.not_(condition))
        if type(node.op) not in NEGATIONS:
            self.refuse(node, f"operator {type(node.op).__name__} is not part of the kernel subset")
        known = self.maybe_constant(node)
        if known is None:
            self.refuse(node, "the result of - and ~ is wide: wrap it in a cast such as u64(...)")
        return Value(None, None, known)

    def get_BinOp(self, node: ast.BinOp) -> Value:
        """A closed operation of typed operands, or anything on constants."""
        known = self.maybe_constant(node)
        if known is not None:
            return Value(None, None, known)
        self.closed(node, node.op)
        left, right = self.expression(node.left), self.expression(node.right)
        return self.binary(node, node.op, left, right, node.right)

    def closed(self, node: ast.AST, op: ast.operator) -> None:
        """Refuse an operator whose result needs more bits than its operands, or that is unknown here."""
        if type(op) not in FOLD:
            self.refuse(node, f"operator {type(op).__name__} is not part of the kernel subset")
        if isinstance(op, WIDE_OPERATORS):
            self.refuse(node, "the result of + - * << is wide: wrap it in a cast such as u64(...)")

    def binary(self, node: ast.AST, op: ast.operator, left: Value, right: Value, right_node: ast.expr) -> Value:
        """A closed operation; `right_node` is where `right` comes from."""
        if isinstance(op, ast.RShift):
            return self.shift_right(node, left, right, right_node)
        left_llvm, right_llvm, common = self.balance(node, left, right)
        if type(op) in BIT_OPERATORS:
            return Value(common, getattr(self.builder, BIT_OPERATORS[type(op)])(left_llvm, right_llvm))
        if common.signed or common.bits > 64:
            self.refuse(node, "// and % are for unsigned values of up to 64 bits")
        if right.constant == 0 or (right.constant is None and not self.source.tests_for_zero(right_node)):
            self.refuse(node, f"{ast.unparse(right_node)} may be 0: compare it with 0 first")
        divide = self.builder.udiv if isinstance(op, ast.FloorDiv) else self.builder.urem
        return Value(common, divide(left_llvm, right_llvm))

    def fold(self, node: ast.BinOp, left: int, right: int) -> int:
        """An operation of two constants."""
        kind = type(node.op)
        if kind in (ast.LShift, ast.RShift) and not 0 <= right <= MOST_SHIFT:
            self.refuse(node, f"a shift by {right}")
        if kind in (ast.FloorDiv, ast.Mod) and right == 0:
            self.refuse(node, "a division by 0")
        return FOLD[kind](left, right)

    def maybe_constant(self, node: ast.expr) -> int | None:
        """The value of an expression made of constants only, without lowering anything."""
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return int(node.value)
        if isinstance(node, ast.Name) and node.id in self.constants:
            return self.constants[node.id]
        if isinstance(node, ast.Name | ast.Attribute):
            found = self.source.resolve(node)
            return int(found) if isinstance(found, int) else None
        if isinstance(node, ast.BinOp) and type(node.op) in FOLD:
            left, right = self.maybe_constant(node.left), self.maybe_constant(node.right)
            return None if left is None or right is None else self.fold(node, left, right)
        if isinstance(node, ast.UnaryOp) and type(node.op) in NEGATIONS:
            inner = self.maybe_constant(node.operand)
            return None if inner is None else NEGATIONS[type(node.op)](inner)
        if isinstance(node, ast.Call) and len(node.args) == 1:
            kind = cast_type(self.source.resolve(node.func))
            inner = self.maybe_constant(node.args[0]) if kind is not None else None
            return None if kind is None or inner is None else wrap(inner, kind)
        return None

    def balance(self, node: ast.AST, left: Value, right: Value) -> tuple[Any, Any, Type]:
        """Both operands at the wider of their types; signedness must agree."""
        if left.type is None or right.type is None:
            common = left.type or right.type
            assert common is not None
            return self.as_type(node, left, common), self.as_type(node, right, common), common
        if left.type.signed != right.type.signed or (BOOL in (left.type, right.type) and left.type != right.type):
            self.refuse(node, f"operands are {left.type.name} and {right.type.name}: cast one of them")
        common = left.type if left.type.bits >= right.type.bits else right.type
        return (
            self.extend(left.llvm, left.type, common.bits),
            self.extend(right.llvm, right.type, common.bits),
            common,
        )

    def shift_right(self, node: ast.AST, left: Value, right: Value, right_node: ast.expr) -> Value:
        """`>>`: arithmetic for signed values; amounts from the width on give 0 or the sign, as in Python."""
        if left.type is None:
            left = Value(U64, self.constant(node, left.constant or 0, U64))
        assert left.type is not None
        bits = left.type.bits
        amount, near = self.shift_amount(right_node, right, bits)
        if left.type.signed:
            if near is not None:
                amount = self.builder.select(near, amount, amount.type(bits - 1))
            return Value(left.type, self.builder.ashr(left.llvm, amount))
        shifted = self.builder.lshr(left.llvm, amount)
        return Value(left.type, shifted if near is None else self.builder.select(near, shifted, shifted.type(0)))

    def shift_amount(self, node: ast.expr, amount: Value, bits: int) -> tuple[Any, Any]:
        """A shift amount as an integer of `bits`, and a bit telling that it is below `bits` (None: it surely is)."""
        if amount.type is None:
            value = amount.constant or 0
            if not 0 <= value < bits:
                self.refuse(node, f"a shift by {value} of {bits} bits")
            return ir.IntType(bits)(value), None
        if amount.type.signed:
            self.refuse(node, "a shift amount must be unsigned")
        if 1 << amount.type.bits <= bits:
            return self.extend(amount.llvm, amount.type, bits), None
        near = None
        masks: list[int | None] = []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
            masks = [self.maybe_constant(node.left), self.maybe_constant(node.right)]
        if not any(mask is not None and 0 <= mask < bits for mask in masks):
            near = self.builder.icmp_unsigned("<", amount.llvm, amount.llvm.type(bits))
        return self.extend(amount.llvm, amount.type, bits), near

    def wide(self, node: ast.expr, bits: int) -> Any:
        """Lower an expression for its low `bits` bits."""
        if isinstance(node, ast.BinOp):
            kind = type(node.op)
            if self.maybe_constant(node) is not None:
                return ir.IntType(bits)((self.maybe_constant(node) or 0) & ((1 << bits) - 1))
            if kind is ast.LShift:
                left = self.wide(node.left, bits)
                amount, near = self.shift_amount(node.right, self.expression(node.right), bits)
                shifted = self.builder.shl(left, amount)
                return shifted if near is None else self.builder.select(near, shifted, shifted.type(0))
            name = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", **BIT_OPERATORS}.get(kind)
            if name is not None:
                return getattr(self.builder, name)(self.wide(node.left, bits), self.wide(node.right, bits))
        if isinstance(node, ast.UnaryOp) and type(node.op) in NEGATIONS:
            inner = self.wide(node.operand, bits)
            return self.builder.neg(inner) if isinstance(node.op, ast.USub) else self.builder.not_(inner)
        value = self.expression(node)
        if value.type is None:
            return ir.IntType(bits)((value.constant or 0) & ((1 << bits) - 1))
        return self.extend(value.llvm, value.type, bits)

    def get_Compare(self, node: ast.Compare) -> Value:
        """Comparisons of two values of equal signedness; a chain ends at the first that does not hold."""
        comparisons = self.comparisons(node)
        if len(node.ops) > 1:
            return self.decided(comparisons, False)
        holds = next(comparisons)
        return known_bool(holds) if isinstance(holds, bool) else Value(BOOL, holds)

    def comparisons(self, node: ast.Compare) -> Iterator[Any]:
        """The comparisons of a chain as conditions, each lowered when it is asked for."""
        left = self.expression(node.left)
        for comparison, right_node in zip(node.ops, node.comparators, strict=True):
            if type(comparison) not in COMPARISONS:
                self.refuse(node, f"{type(comparison).__name__} is not part of the kernel subset")
            symbol, decide = COMPARISONS[type(comparison)]
            right = self.expression(right_node)
            if left.type is None and right.type is None:
                yield decide(left.constant or 0, right.constant or 0)
            else:
                a, b, common = self.balance(node, left, right)
                yield (self.builder.icmp_signed if common.signed else self.builder.icmp_unsigned)(symbol, a, b)
            left = right

    def get_BoolOp(self, node: ast.BoolOp) -> Value:
        """`and` / `or`, evaluated left to right only as far as needed."""
        return self.decided((self.condition(operand) for operand in node.values), isinstance(node.op, ast.Or))

    def decided(self, conditions: Iterator[Any], stop: bool) -> Value:
        """`stop` if any condition is, otherwise its opposite; conditions behind the deciding one are not evaluated."""
        done, early, last = None, [], not stop
        for condition in conditions:
            if isinstance(condition, bool):
                if condition == stop:
                    last = stop
                    break
                continue
            done = done or self.function.append_basic_block("decided")
            further = self.function.append_basic_block("further")
            early.append(self.builder.block)
            self.builder.cbranch(condition, *((done, further) if stop else (further, done)))
            self.builder.position_at_end(further)
        if done is None:
            return known_bool(last)
        final = self.builder.block
        self.builder.branch(done)
        self.builder.position_at_end(done)
        phi = self.builder.phi(I1)
        for block in early:
            phi.add_incoming(I1(stop), block)
        phi.add_incoming(I1(last), final)
        return Value(BOOL, phi)

    def get_IfExp(self, node: ast.IfExp) -> Value:
        """`a if c else b`."""
        condition = self.condition(node.test)
        if isinstance(condition, bool):
            return self.expression(node.body if condition else node.orelse)
        then, other, after = (self.function.append_basic_block(name) for name in ("then", "else", "after"))
        self.builder.cbranch(condition, then, other)
        values = []
        for block, branch in ((then, node.body), (other, node.orelse)):
            self.builder.position_at_end(block)
            values.append((self.expression(branch), self.builder.block))
        (left, left_end), (right, right_end) = values
        common = left.type or right.type or U64
        if left.type is not None and right.type is not None:
            if left.type.signed != right.type.signed:
                self.refuse(node, f"branches are {left.type.name} and {right.type.name}")
            common = left.type if left.type.bits >= right.type.bits else right.type
        results = []
        for value, end in ((left, left_end), (right, right_end)):
            self.builder.position_at_end(end)
            results.append(self.as_type(node, value, common))
            self.builder.branch(after)
        self.builder.position_at_end(after)
        phi = self.builder.phi(llvm_type(common))
        phi.add_incoming(results[0], left_end)
        phi.add_incoming(results[1], right_end)
        return Value(common, phi)

    def call(self, node: ast.Call) -> Value | None:
        """A call (see core.engine.calls)."""
        raise NotImplementedError
