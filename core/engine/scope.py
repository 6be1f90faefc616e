# SPDX-License-Identifier: Apache-2.0
"""What is known while a function's body is lowered: where code goes, its variables, and how it ends."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from llvmlite import ir

from core.engine.subset import BOOL, TYPES, U64, Source, Type
from core.engine.values import I1, Value, llvm_type
from core.hart import LAYOUT

if TYPE_CHECKING:
    from core.engine.lower import Program


class Ending:
    """Where control goes from a body: `returned` for a value (or None), `trapped` for a Trap.

    This one makes an LLVM function return: the value, a bit telling of a Trap, both, or nothing.
    """

    def __init__(self, function: Any, traps: bool) -> None:
        self.function = function
        self.traps = traps
        self._trapped: Any = None

    def returned(self, builder: Any, value: Any) -> None:
        """Leave normally."""
        if not self.traps:
            builder.ret_void() if value is None else builder.ret(value)
        elif value is None:
            builder.ret(I1(0))
        else:
            pair = ir.Constant(self.function.function_type.return_type, ir.Undefined)
            builder.ret(builder.insert_value(builder.insert_value(pair, value, 0), I1(0), 1))

    def trapped(self, builder: Any) -> Any:
        """The block that leaves because of a Trap."""
        if self._trapped is None:
            self._trapped = self.function.append_basic_block("trapped")
            with builder.goto_block(self._trapped):
                kind = self.function.function_type.return_type
                builder.ret(I1(1) if kind == I1 else ir.Constant(kind, [ir.Constant(kind.elements[0], 0), I1(1)]))
        return self._trapped


class Inlined(Ending):
    """The ending of a body lowered into another's function: it goes on at `join`, a Trap at the block given."""

    def __init__(self, function: Any, trap_block: Any) -> None:
        super().__init__(function, True)
        self._trapped = trap_block
        self.join = function.append_basic_block("join")
        self.values: list[tuple[Any, Any]] = []

    def returned(self, builder: Any, value: Any) -> None:
        """Go on behind the call."""
        self.values.append((value, builder.block))
        builder.branch(self.join)

    def result(self, builder: Any) -> Any:
        """Go on at `join` with the value returned, None when there is none (or the body never returns)."""
        builder.position_at_end(self.join)
        if not self.values or self.values[0][0] is None:
            return None
        phi = builder.phi(self.values[0][0].type)
        for value, block in self.values:
            phi.add_incoming(value, block)
        return phi


@dataclass
class Loop:
    """A loop being lowered: where `continue` and `break` go, and what is assigned at each `break`."""

    again: Any
    after: Any
    breaks: list[set[str]] = field(default_factory=list)


class Scope:
    """A body being lowered at the builder's position."""

    def __init__(
        self,
        program: Program,
        source: Source,
        builder: Any,
        arguments: list[Any],
        constants: tuple[int, ...],
        ending: Ending,
    ) -> None:
        self.program = program
        self.source = source
        self.builder = builder
        self.function = builder.function
        self.ending = ending
        self.locals: dict[str, tuple[Type, Any]] = {}
        self.assigned: set[str] = set()
        """The locals that surely have a value here."""
        self.constants: dict[str, int] = {}
        self.harts: dict[str, Any] = {}
        self.loops: list[Loop] = []
        given, known = iter(arguments), iter(constants)
        for name, kind in source.parameters:
            if kind == "Hart":
                self.harts[name] = next(given)
            elif kind == "Const":
                self.constants[name] = next(known)
            else:
                self.assign_local(source.node, name, Value(TYPES[kind], next(given)))

    def refuse(self, node: ast.AST, reason: str) -> NoReturn:
        """Raise SubsetError for `node`."""
        self.source.refuse(node, reason)

    def hart(self, node: ast.AST) -> Any:
        """The Hart parameter."""
        for value in self.harts.values():
            return value
        return self.refuse(node, "this needs a parameter of type Hart")

    def place(self, kind: Any, name: str = "") -> Any:
        """Room for a variable, which LLVM keeps in a register if made ahead of the calls that will be inlined."""
        with self.builder.goto_entry_block():
            self.builder.position_at_start(self.builder.block)
            return self.builder.alloca(kind, name=name)

    def assign_local(self, node: ast.AST, name: str, value: Value) -> None:
        """Store into a local variable, made on its first assignment."""
        assert value.type is not None
        if name in self.constants or name in self.harts:
            self.refuse(node, f"{name!r} cannot be assigned")
        if name not in self.locals:
            self.locals[name] = (value.type, self.place(llvm_type(value.type), name))
        kind, place = self.locals[name]
        if kind != value.type:
            self.refuse(node, f"{name!r} is {kind.name} and cannot become {value.type.name}")
        self.builder.store(value.llvm, place)
        self.assigned.add(name)

    def slot(self, node: ast.expr) -> tuple[str, Any]:
        """The slot (and element) that `h.name` or `h.name[i]` means."""
        owner = node.value if isinstance(node, ast.Subscript) else node
        if not (isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name) and owner.value.id in self.harts):
            self.refuse(node, f"{ast.unparse(node)} is not a slot of the hart")
        slot = LAYOUT.slots.get(owner.attr)
        if slot is None:
            self.refuse(node, f"the hart has no slot {owner.attr!r}")
        position = self.expression(node.slice) if isinstance(node, ast.Subscript) else None
        if position is None:
            if slot.count > 1:
                self.refuse(node, f"slot {slot.name!r} has {slot.count} words: say which one")
            return slot.name, None
        if slot.count == 1:
            self.refuse(node, f"slot {slot.name!r} is one word and has no elements")
        if position.constant is not None and position.constant >= slot.count:
            self.refuse(node, f"slot {slot.name!r} has {slot.count} words, no element {position.constant}")
        return slot.name, self.as_type(node, position, U64)

    def constant(self, node: ast.AST, value: int, kind: Type) -> Any:
        """A constant of a type, which must hold it."""
        low = -(1 << (kind.bits - 1)) if kind.signed else 0
        high = (1 << (kind.bits - 1)) if kind.signed else 1 << kind.bits
        if not low <= value < high:
            self.refuse(node, f"{value:#x} does not fit {kind.name}")
        return llvm_type(kind)(value)

    def extend(self, value: Any, kind: Type, bits: int) -> Any:
        """Sign- or zero-extend, or truncate, to `bits`."""
        if kind.bits == bits:
            return value
        target = ir.IntType(bits)
        if kind.bits > bits:
            return self.builder.trunc(value, target)
        return self.builder.sext(value, target) if kind.signed else self.builder.zext(value, target)

    def as_type(self, node: ast.AST, value: Value, kind: Type) -> Any:
        """The LLVM value of `value` as `kind`; only conversions that keep the number are made silently."""
        if value.type is None:
            return self.constant(node, value.constant or 0, kind)
        if value.type == kind:
            return value.llvm
        if kind != BOOL and not value.type.signed and value.type.bits < kind.bits:
            return self.extend(value.llvm, value.type, kind.bits)
        if kind.signed and value.type.signed and value.type.bits < kind.bits:
            return self.extend(value.llvm, value.type, kind.bits)
        return self.refuse(node, f"this is {value.type.name} where {kind.name} is needed: cast it")

    def expression(self, node: ast.expr) -> Value:
        """Lower an expression that is not wide (see core.engine.expressions)."""
        raise NotImplementedError
