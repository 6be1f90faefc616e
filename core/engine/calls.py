# SPDX-License-Identifier: Apache-2.0
"""Lowering of calls: casts, primitives, dispatch tables and other kernel functions."""

from __future__ import annotations

import ast
from typing import Any

from core.engine.expressions import Expressions
from core.engine.subset import BOOL, CASTS, TYPES, U64, UNKNOWN, Type, is_enum_call, source_of
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
        if target is bool:
            return Value(BOOL, self.as_type(node, self.expression(node.args[0]), BOOL))
        if target in CASTS:
            return self.cast(node, CASTS[target])
        if target in self.program.primitives:
            return self.program.primitives[target](self, node)
        if isinstance(target, Dispatch):
            lowered = self.program.dispatcher(target)
            key = self.as_type(node, self.expression(node.args[0]), U64)
            return self.invoke(node, lowered, [key], node.args[1:])
        if is_enum_call(target) and len(node.args) == 1:
            return self.expression(node.args[0])
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
        if len(node.args) != 1:
            self.refuse(node, "a cast takes one value")
        known = self.maybe_constant(node.args[0])
        if known is not None:
            number = wrap(known, kind)
            return Value(kind, llvm_type(kind)(number), number)
        return Value(kind, self.wide(node.args[0], kind.bits))

    def arguments(self, node: ast.Call, parameters: list[tuple[str, str]], given: list[ast.expr]) -> list[Any]:
        """The values of a call's arguments, Const ones left out."""
        if len(given) != len(parameters):
            self.refuse(node, f"{ast.unparse(node.func)} takes {len(parameters)} arguments")
        values = []
        for argument, (_, kind) in zip(given, parameters, strict=True):
            if kind == "Hart":
                if not (isinstance(argument, ast.Name) and argument.id in self.harts):
                    self.refuse(argument, "the hart itself must be passed on")
                values.append(self.harts[argument.id])
            elif kind != "Const":
                values.append(self.as_type(argument, self.expression(argument), TYPES[kind]))
        return values

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
