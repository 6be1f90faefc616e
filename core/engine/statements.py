# SPDX-License-Identifier: Apache-2.0
"""Lowering of statements: the whole of a function's body."""

from __future__ import annotations

import ast
from typing import Any

from core.engine.calls import Calls
from core.engine.scope import Loop
from core.engine.subset import BOOL, TYPES, U64
from core.engine.values import I64, Value
from core.isa.intrinsics import Trap


def always_leaves(statement: ast.stmt) -> bool:
    """Whether nothing behind a statement is reached, whatever its conditions are."""
    if isinstance(statement, ast.If):
        return bool(statement.orelse) and always_leaves(statement.body[-1]) and always_leaves(statement.orelse[-1])
    if isinstance(statement, ast.While):
        return isinstance(statement.test, ast.Constant)
    return isinstance(statement, ast.Return | ast.Raise | ast.Break | ast.Continue)


class Body(Calls):
    """Lowers one function body."""

    def run(self) -> None:
        """Lower the whole body."""
        self.block(self.source.node.body)
        if not self.builder.block.is_terminated:
            if self.source.result is not None:
                self.refuse(self.source.node, "not every path returns a value")
            self.ending.returned(self.builder, None)

    def block(self, statements: list[ast.stmt]) -> None:
        """Lower statements until one leaves the block."""
        for before, statement in zip([None, *statements], statements, strict=False):
            if self.builder.block.is_terminated:
                if before is not None and always_leaves(before):
                    self.refuse(statement, "code that is never reached")
                return  # a condition known at compile time keeps it from being reached
            handler = getattr(self, f"do_{type(statement).__name__}", None)
            if handler is None:
                self.refuse(statement, f"{type(statement).__name__} is not part of the kernel subset")
            handler(statement)

    def do_Pass(self, node: ast.Pass) -> None:
        """Nothing."""

    def do_Expr(self, node: ast.Expr) -> None:
        """A docstring or a call."""
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return
        if not isinstance(node.value, ast.Call):
            self.refuse(node, "an expression without effect")
        self.call(node.value)

    def do_Return(self, node: ast.Return) -> None:
        """Return a value of the declared type."""
        if node.value is None:
            if self.source.result is not None:
                self.refuse(node, "a value of the declared type must be returned")
            self.ending.returned(self.builder, None)
            return
        if self.source.result is None:
            self.refuse(node, "the function is declared to return None")
        self.ending.returned(self.builder, self.as_type(node.value, self.expression(node.value), self.source.result))

    def do_Raise(self, node: ast.Raise) -> None:
        """Leave with a Trap."""
        call = node.exc
        plain = isinstance(call, ast.Call) and not call.keywords and node.cause is None and 1 <= len(call.args) <= 4
        if not isinstance(call, ast.Call) or not plain or self.source.resolve(call.func) is not Trap:
            self.refuse(node, "only `raise Trap(cause, tval, gpa, info)` is allowed")
        values = [self.as_type(argument, self.expression(argument), U64) for argument in call.args]
        values += [I64(0)] * (4 - len(values))
        for name, value in zip(("trap_cause", "trap_tval", "trap_gpa", "trap_info"), values, strict=True):
            self.program.store_slot(self.builder, self.hart(node), name, value)
        self.builder.branch(self.ending.trapped(self.builder))

    def do_Assign(self, node: ast.Assign) -> None:
        """Assignment to one target."""
        if len(node.targets) != 1:
            self.refuse(node, "one target at a time")
        self.assign(node.targets[0], self.expression(node.value))

    def do_AnnAssign(self, node: ast.AnnAssign) -> None:
        """`name: type = value`."""
        kind = TYPES.get(node.annotation.id) if isinstance(node.annotation, ast.Name) else None
        if kind is None or node.value is None or not isinstance(node.target, ast.Name):
            self.refuse(node, "an annotated assignment needs a local name, a kernel type and a value")
        value = self.as_type(node.value, self.expression(node.value), kind)
        self.assign_local(node, node.target.id, Value(kind, value))

    def do_AugAssign(self, node: ast.AugAssign) -> None:
        """`target op= value`; the target's index is evaluated once."""
        self.closed(node, node.op)
        target, place = node.target, None
        if isinstance(target, ast.Name):
            old = self.get_Name(target)
        else:
            place = self.slot(target)
            old = Value(U64, self.program.load_slot(self.builder, self.hart(node), *place))
        value = self.binary(node, node.op, old, self.expression(node.value), node.value)
        self.assign(target, value, place)

    def assign(self, target: ast.expr, value: Value, place: tuple[str, Any] | None = None) -> None:
        """Store into a local, a slot or an element of a slot (`place`, if it has been evaluated before)."""
        if isinstance(target, ast.Name):
            if value.type is None:
                value = Value(self.locals[target.id][0] if target.id in self.locals else U64, None, value.constant)
                value = Value(value.type, self.constant(target, value.constant or 0, value.type or U64))
            self.assign_local(target, target.id, value)
            return
        name, index = place or self.slot(target)
        if value.type is not None and value.type not in (U64, BOOL) and (value.type.signed or value.type.bits > 64):
            self.refuse(target, f"a {value.type.name} must be made u64 before it is stored in the hart")
        self.program.store_slot(self.builder, self.hart(target), name, self.as_type(target, value, U64), index)

    def do_If(self, node: ast.If) -> None:
        """`if`; a condition known at compile time keeps only its branch."""
        condition = self.condition(node.test)
        if isinstance(condition, bool):
            self.block(node.body if condition else node.orelse)
            return
        then, other, after = (self.function.append_basic_block(name) for name in ("then", "else", "after"))
        self.builder.cbranch(condition, then, other)
        before, ends = self.assigned, []
        for block, statements in ((then, node.body), (other, node.orelse)):
            self.builder.position_at_end(block)
            self.assigned = set(before)
            self.block(statements)
            if not self.builder.block.is_terminated:
                self.builder.branch(after)
                ends.append(self.assigned)
        self.join(after, ends)

    def join(self, block: Any, ends: list[set[str]]) -> None:
        """Go on at `block`, where paths with these locals assigned meet; nothing reaches it when there are none."""
        self.builder.position_at_end(block)
        if ends:
            self.assigned = set.intersection(*ends)
        else:
            self.builder.unreachable()

    def do_While(self, node: ast.While) -> None:
        """`while`."""
        if node.orelse:
            self.refuse(node, "while-else is not part of the kernel subset")
        test, body, after = (self.function.append_basic_block(name) for name in ("test", "body", "after"))
        self.builder.branch(test)
        self.builder.position_at_end(test)
        condition = self.condition(node.test)
        if isinstance(condition, bool):
            self.builder.branch(body if condition else after)
        else:
            self.builder.cbranch(condition, body, after)
        self.loop(body, node.body, Loop(test, after), condition is not True)

    def do_For(self, node: ast.For) -> None:
        """`for name in range(...)`."""
        call = node.iter
        if node.orelse or not isinstance(node.target, ast.Name) or not isinstance(call, ast.Call):
            self.refuse(node, "only `for name in range(...)` is allowed")
        if self.source.resolve(call.func) is not range or not 1 <= len(call.args) <= 3 or call.keywords:
            self.refuse(node, "only `for name in range(...)` is allowed")
        bounds = [self.as_type(argument, self.expression(argument), U64) for argument in call.args[:2]]
        start, stop = (I64(0), bounds[0]) if len(bounds) == 1 else bounds
        step = self.expression(call.args[2]).constant if len(call.args) == 3 else 1
        if step is None or not 0 < step < 1 << 64:
            self.refuse(node, "the step of a range must be a positive constant")
        counter = self.place(I64)
        body, advance, after = (self.function.append_basic_block(name) for name in ("body", "step", "after"))
        self.builder.store(start, counter)
        self.builder.cbranch(self.builder.icmp_unsigned("<", start, stop), body, after)
        self.builder.position_at_end(advance)
        value = self.builder.load(counter, typ=I64)
        self.builder.store(self.builder.add(value, I64(step)), counter)
        more = self.builder.icmp_unsigned(">", self.builder.sub(stop, value), I64(step))
        self.builder.cbranch(more, body, after)
        self.builder.position_at_end(body)
        before = set(self.assigned)
        self.assign_local(node, node.target.id, Value(U64, self.builder.load(counter, typ=I64)))
        self.loop(body, node.body, Loop(advance, after, [before]), False)

    def loop(self, body: Any, statements: list[ast.stmt], loop: Loop, may_skip: bool) -> None:
        """The body of a loop, and on behind it; `may_skip`: the condition may not hold at all."""
        if may_skip:
            loop.breaks.append(set(self.assigned))
        self.builder.position_at_end(body)
        self.loops.append(loop)
        self.block(statements)
        self.loops.pop()
        if not self.builder.block.is_terminated:
            self.builder.branch(loop.again)
        self.join(loop.after, loop.breaks)

    def do_Break(self, node: ast.Break) -> None:
        """Leave the loop."""
        self.loops[-1].breaks.append(set(self.assigned))
        self.builder.branch(self.loops[-1].after)

    def do_Continue(self, node: ast.Continue) -> None:
        """Next turn of the loop."""
        self.builder.branch(self.loops[-1].again)
