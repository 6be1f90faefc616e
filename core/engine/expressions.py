# SPDX-License-Identifier: Apache-2.0
"""Lowering of expressions.

Integers of a known type are LLVM integers of that width. A *wide* expression (`+ - * << ~`) only exists below a cast, which
computes it at the cast's own width: the low bits of such operations depend on nothing else.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from core.engine.scope import Scope
from core.engine.subset import BOOL, CASTS, U64, Type
from core.engine.values import I1, Value, llvm_type, wrap

WIDE_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.LShift)
BIT_OPERATORS = {ast.BitAnd: "and_", ast.BitOr: "or_", ast.BitXor: "xor"}
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


class Expressions(Scope):
    """Expressions, but for calls."""

    def condition(self, node: ast.expr) -> Any:
        """A condition: an i1, or a Python bool when known now."""
        value = self.expression(node)
        if value.type is None:
            return bool(value.constant)
        if value.type != BOOL:
            self.refuse(node, f"a condition must be a bool, this is {value.type.name}: compare it")
        return value.llvm

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
            return Value(BOOL, I1(node.value), int(node.value))
        if not isinstance(node.value, int):
            self.refuse(node, f"{node.value!r} is not an integer")
        return Value(None, None, node.value)

    def get_Name(self, node: ast.Name) -> Value:
        """A local, a Const parameter or a module-level constant."""
        if node.id in self.locals:
            kind, place = self.locals[node.id]
            return Value(kind, self.builder.load(place, typ=llvm_type(kind)))
        if node.id in self.constants:
            return Value(None, None, self.constants[node.id])
        return self.global_constant(node)

    def global_constant(self, node: ast.expr) -> Value:
        """A module-level int or enum member."""
        found = self.source.resolve(node)
        if isinstance(found, bool):
            return Value(BOOL, I1(found), int(found))
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
                return Value(BOOL, I1(not condition), int(not condition))
            return Value(BOOL, self.builder.not_(condition))
        value = self.expression(node.operand)
        if value.constant is None:
            self.refuse(node, "the result is wide: wrap it in a cast")
        assert value.constant is not None
        return Value(None, None, -value.constant if isinstance(node.op, ast.USub) else ~value.constant)

    def get_BinOp(self, node: ast.BinOp) -> Value:
        """A closed operation of typed operands, or anything on constants."""
        kind = type(node.op)
        if kind in WIDE_OPERATORS:
            left, right = self.maybe_constant(node.left), self.maybe_constant(node.right)
            if left is None or right is None:
                self.refuse(node, "the result of + - * << is wide: wrap it in a cast such as u64(...)")
            assert left is not None and right is not None
            return Value(None, None, FOLD[kind](left, right))
        left_value, right_value = self.expression(node.left), self.expression(node.right)
        if left_value.type is None and right_value.type is None:
            return Value(None, None, FOLD[kind](left_value.constant or 0, right_value.constant or 0))
        if kind is ast.RShift:
            return self.shift_right(node, left_value, right_value)
        left_llvm, right_llvm, common = self.balance(node, left_value, right_value)
        if kind in BIT_OPERATORS:
            return Value(common, getattr(self.builder, BIT_OPERATORS[kind])(left_llvm, right_llvm))
        if kind in (ast.FloorDiv, ast.Mod):
            if common.signed:
                self.refuse(node, "// and % are for unsigned values")
            divide = self.builder.udiv if kind is ast.FloorDiv else self.builder.urem
            return Value(common, divide(left_llvm, right_llvm))
        return self.refuse(node, f"operator {kind.__name__} is not part of the kernel subset")

    def maybe_constant(self, node: ast.expr) -> int | None:
        """The value of an expression made of constants only, without lowering anything."""
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return int(node.value)
        if isinstance(node, ast.Name) and node.id in self.constants:
            return self.constants[node.id]
        if isinstance(node, ast.Name | ast.Attribute):
            if isinstance(node, ast.Name) and node.id in self.locals:
                return None
            found = self.source.resolve(node)
            return int(found) if isinstance(found, int) else None
        if isinstance(node, ast.BinOp) and type(node.op) in FOLD:
            left, right = self.maybe_constant(node.left), self.maybe_constant(node.right)
            return None if left is None or right is None else FOLD[type(node.op)](left, right)
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            inner = self.maybe_constant(node.operand)
            return None if inner is None else -inner if isinstance(node.op, ast.USub) else ~inner
        if isinstance(node, ast.Call) and len(node.args) == 1:
            kind = CASTS.get(self.source.resolve(node.func)) if not isinstance(node.func, ast.Call) else None
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

    def shift_right(self, node: ast.BinOp, left: Value, right: Value) -> Value:
        """`>>`: arithmetic for signed values; amounts from the width on give 0 or the sign, as in Python."""
        if left.type is None:
            left = Value(U64, self.constant(node, left.constant or 0, U64))
        assert left.type is not None
        bits = left.type.bits
        amount, near = self.shift_amount(node.right, right, bits)
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
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            inner = self.wide(node.operand, bits)
            return self.builder.neg(inner) if isinstance(node.op, ast.USub) else self.builder.not_(inner)
        value = self.expression(node)
        if value.type is None:
            return ir.IntType(bits)((value.constant or 0) & ((1 << bits) - 1))
        return self.extend(value.llvm, value.type, bits)

    def get_Compare(self, node: ast.Compare) -> Value:
        """Comparison of two values of equal signedness; chains are and-ed."""
        result: Any = None
        left = self.expression(node.left)
        for comparison, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.expression(right_node)
            if type(comparison) not in COMPARISONS:
                self.refuse(node, f"{type(comparison).__name__} is not part of the kernel subset")
            symbol, decide = COMPARISONS[type(comparison)]
            if left.type is None and right.type is None:
                holds = decide(left.constant or 0, right.constant or 0)
                if len(node.ops) == 1:
                    return Value(None, None, int(holds))
                one = I1(holds)
            else:
                a, b, common = self.balance(node, left, right)
                one = (self.builder.icmp_signed if common.signed else self.builder.icmp_unsigned)(symbol, a, b)
            result = one if result is None else self.builder.and_(result, one)
            left = right
        return Value(BOOL, result)

    def get_BoolOp(self, node: ast.BoolOp) -> Value:
        """`and` / `or`, evaluated left to right only as far as needed."""
        stop_value = isinstance(node.op, ast.Or)
        with self.builder.goto_entry_block():
            place = self.builder.alloca(I1)
        done = None
        for position, operand in enumerate(node.values):
            condition = self.condition(operand)
            if isinstance(condition, bool):
                if condition == stop_value:
                    if done is None:
                        return Value(None, None, int(stop_value))
                    self.builder.store(I1(stop_value), place)
                    break
                if position == len(node.values) - 1:
                    if done is None:
                        return Value(None, None, int(not stop_value))
                    self.builder.store(I1(not stop_value), place)
                continue
            self.builder.store(condition, place)
            if position < len(node.values) - 1:
                if done is None:
                    done = self.function.append_basic_block("decided")
                further = self.function.append_basic_block("further")
                if stop_value:
                    self.builder.cbranch(condition, done, further)
                else:
                    self.builder.cbranch(condition, further, done)
                self.builder.position_at_end(further)
        if done is not None:
            self.builder.branch(done)
            self.builder.position_at_end(done)
        return Value(BOOL, self.builder.load(place, typ=I1))

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
