# SPDX-License-Identifier: Apache-2.0
"""Lowering of calls: casts, primitives, dispatch tables and other kernel functions."""

from __future__ import annotations

import ast
import types
from typing import Any

from core.engine.expressions import Expressions
from core.engine.subset import BOOL, TYPES, U64, UNKNOWN, Type, cast_type, source_of
from core.engine.values import Lowered, Value, llvm_type, wrap
from core.isa.intrinsics import Dispatch


class Calls(Expressions):
    """Expressions with calls."""

    def call(self, node: ast.Call) -> Value | None:
        """A cast, a primitive, a dispatch table or another kernel function."""
        if node.keywords:
            self.refuse(node, "keyword arguments are not part of the kernel subset")
        target = self.source.resolve(node.func)
        if target is UNKNOWN:
            self.refuse(node, f"{ast.unparse(node.func)} is not known here")
        if target is bool or target is int:
            value = self.expression(self.only_argument(node))
            return Value(BOOL, self.as_type(node, value, BOOL), value.constant) if target is bool else value
        cast = cast_type(target)
        if cast is not None:
            return self.cast(node, cast)
        if isinstance(target, Dispatch):
            return self.dispatch(node, target)
        if not isinstance(target, types.FunctionType):
            self.refuse(node, f"{ast.unparse(node.func)} cannot be called from kernel code")
        if target in self.program.primitives:
            names = target.__code__.co_varnames[: target.__code__.co_argcount]
            self.count_arguments(node, len(names), node.args)
            if "h" in names:
                self.given_hart(node.args[names.index("h")])
            return self.program.primitives[target](self, node)
        source = source_of(target)
        constants = []
        for argument, (name, kind) in zip(node.args, source.parameters, strict=False):
            if kind == "Const":
                value = self.expression(argument)
                if value.constant is None:
                    self.refuse(node, f"{name!r} must be a constant")
                assert value.constant is not None
                constants.append(int(value.constant))
        if source.hint == "inline":
            values = self.arguments(node, source.parameters, node.args)
            return self.program.inline(self, target, values, tuple(constants))
        return self.invoke(node, self.program.lower(target, tuple(constants)), [], node.args)

    def cast(self, node: ast.Call, kind: Type) -> Value:
        """Wrap to a type."""
        known = self.maybe_constant(self.only_argument(node))
        if known is not None:
            number = wrap(known, kind)
            return Value(kind, llvm_type(kind)(number), number)
        return Value(kind, self.wide(node.args[0], kind.bits))

    def only_argument(self, node: ast.Call) -> ast.expr:
        """The one argument of a cast."""
        if len(node.args) != 1:
            self.refuse(node, "a cast takes one value")
        return node.args[0]

    def dispatch(self, node: ast.Call, table: Dispatch) -> Value | None:
        """A call through a dispatch table."""
        if table.default is None:
            self.refuse(node, f"dispatch table {table.name} has no default")
        if not all(0 <= key < 1 << 64 for key in table.table):
            self.refuse(node, f"dispatch table {table.name} has a key that is no u64")
        if not node.args:
            self.refuse(node, f"dispatch table {table.name} needs a key")
        lowered = self.program.dispatcher(table)
        key = self.as_type(node, self.expression(node.args[0]), U64)
        return self.invoke(node, lowered, [key], node.args[1:])

    def arguments(self, node: ast.Call, parameters: list[tuple[str, str]], given: list[ast.expr]) -> list[Any]:
        """The values of a call's arguments, Const ones left out."""
        self.count_arguments(node, len(parameters), given)
        values = []
        for argument, (_, kind) in zip(given, parameters, strict=True):
            if kind == "Hart":
                values.append(self.given_hart(argument))
            elif kind != "Const":
                values.append(self.as_type(argument, self.expression(argument), TYPES[kind]))
        return values

    def count_arguments(self, node: ast.Call, count: int, given: list[ast.expr]) -> None:
        """Refuse a call with another number of arguments."""
        if len(given) != count:
            self.refuse(node, f"{ast.unparse(node.func)} takes {count} argument{'s' if count != 1 else ''}")

    def given_hart(self, node: ast.expr) -> Any:
        """The hart, which must be given as it is."""
        if not (isinstance(node, ast.Name) and node.id in self.harts):
            self.refuse(node, "the hart itself must be passed on")
        return self.harts[node.id]

    def invoke(self, node: ast.Call, lowered: Lowered, first: list[Any], given: list[ast.expr]) -> Value | None:
        """Call a lowered function; on a Trap leave at once."""
        values = [*first, *self.arguments(node, lowered.source.parameters, given)]
        result = self.builder.call(lowered.llvm, values)
        if lowered.effects.traps:
            trapped = result if lowered.result is None else self.builder.extract_value(result, 1)
            further = self.function.append_basic_block("fine")
            self.builder.cbranch(trapped, self.ending.trapped(self.builder), further).set_weights([1, 2000])
            self.builder.position_at_end(further)
            result = None if lowered.result is None else self.builder.extract_value(result, 0)
        return None if lowered.result is None else Value(lowered.result, result)
