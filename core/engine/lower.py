# SPDX-License-Identifier: Apache-2.0
"""From kernel functions to LLVM IR: one `Program` holds a module and lowers functions on demand, callees first.

A function that can raise Trap returns, beside its value, a bit that says so; the arguments of the Trap lie in h.trap_*.
Integers of a known type are LLVM integers of that width. A *wide* expression (`+ - * << ~`) only exists below a cast, which
computes it at the cast's own width: the low bits of such operations depend on nothing else.
"""

from __future__ import annotations

import ast
import copy
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from core.engine.subset import (
    BOOL,
    CASTS,
    TYPES,
    U64,
    UNKNOWN,
    Effects,
    Source,
    Type,
    dispatch_targets,
    effects_of,
    is_enum_call,
    source_of,
)
from core.hart import LAYOUT
from core.isa.intrinsics import Dispatch, Trap

PTR = ir.PointerType()
I1, I8, I16, I32, I64, I128 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64, 128))
VOID = ir.VoidType()
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


class _FunctionPointer(ir.PointerType):  # type: ignore[misc]
    """An opaque pointer that remembers what it points to, as llvmlite's call wants it."""

    def __init__(self, pointee: Any) -> None:
        super().__init__()
        self.pointee = pointee


def as_callee(pointer: Any, kind: Any) -> Any:
    """`pointer` as something to call with function type `kind`."""
    pointer.type = _FunctionPointer(kind)
    return pointer


@dataclass
class Value:
    """A typed LLVM value, or a constant whose type is still open (`type` None, `constant` set)."""

    type: Type | None
    llvm: Any = None
    constant: int | None = None


@dataclass
class Lowered:
    """A compiled function: its LLVM form and how to call it."""

    source: Source
    llvm: Any
    effects: Effects

    @property
    def result(self) -> Type | None:
        """The declared result type."""
        return self.source.result


def llvm_type(kind: Type) -> Any:
    """The LLVM integer of a kernel type."""
    return ir.IntType(kind.bits)


def return_type(result: Type | None, traps: bool) -> Any:
    """What an LLVM function returns: the value, the trap bit, both, or nothing."""
    if result is None:
        return I1 if traps else VOID
    return ir.LiteralStructType([llvm_type(result), I1]) if traps else llvm_type(result)


class Program:
    """An LLVM module being filled with kernel functions and whatever an engine adds."""

    def __init__(self, name: str) -> None:
        self.module = ir.Module(name)
        self.functions: dict[tuple[Any, ...], Lowered] = {}
        self.dispatchers: dict[int, Any] = {}
        self.primitives: dict[Any, Callable[[FunctionLowering, ast.Call], Value]] = {}
        self.alias_root = self.module.add_metadata(["hartline"])
        self.alias_tags: dict[str, Any] = {}

    def alias(self, instruction: Any, place: str) -> Any:
        """Tell LLVM that a load or store touches only `place` (a slot's name, "ram", ...)."""
        tag = self.alias_tags.get(place)
        if tag is None:
            kind = self.module.add_metadata([place, self.alias_root])
            tag = self.alias_tags[place] = self.module.add_metadata([kind, kind, I64(0)])
        instruction.set_metadata("tbaa", tag)
        return instruction

    def slot_pointer(self, builder: Any, hart: Any, name: str, index: Any = None) -> Any:
        """Address of a slot (or of its element `index`)."""
        offset = I64(LAYOUT.slots[name].offset)
        where = offset if index is None else builder.add(index, offset)
        return builder.gep(hart, [where], inbounds=True, source_etype=I64)

    def load_slot(self, builder: Any, hart: Any, name: str, index: Any = None) -> Any:
        """Load a slot as i64."""
        return self.alias(builder.load(self.slot_pointer(builder, hart, name, index), typ=I64), name)

    def store_slot(self, builder: Any, hart: Any, name: str, value: Any, index: Any = None) -> None:
        """Store an i64 into a slot."""
        self.alias(builder.store(value, self.slot_pointer(builder, hart, name, index)), name)

    def lower(self, function: Callable[..., Any], constants: tuple[int, ...] = ()) -> Lowered:
        """Compile a kernel function (for given values of its Const parameters), or return it compiled before."""
        key = (function, constants)
        if key not in self.functions:
            source = source_of(function)
            effects = effects_of(function)
            parameters = [
                PTR if kind == "Hart" else llvm_type(TYPES[kind]) for _, kind in source.parameters if kind != "Const"
            ]
            suffix = "".join(f".{value}" for value in constants)
            name = self.module.get_unique_name(f"{function.__module__}.{function.__qualname__}{suffix}")
            llvm = ir.Function(
                self.module, ir.FunctionType(return_type(source.result, effects.traps), parameters), name
            )
            llvm.linkage = "internal"
            llvm.attributes.add("nounwind")
            if source.hint == "inline":
                llvm.attributes.add("alwaysinline")
            elif source.hint == "cold":
                llvm.attributes.add("noinline")
                llvm.attributes.add("cold")
            lowered = self.functions[key] = Lowered(source, llvm, effects)
            FunctionLowering(self, lowered, constants).run()
        return self.functions[key]

    def dispatcher(self, table: Dispatch) -> Lowered:
        """A dispatch table as an LLVM function: a switch on its first argument."""
        if id(table) not in self.dispatchers:
            targets = [(function, self.lower(function)) for function in dispatch_targets(table)]
            model = targets[0][1]
            effects = Effects()
            for _, target in targets:
                if [k for _, k in target.source.parameters] != [k for _, k in model.source.parameters]:
                    target.source.refuse(target.source.node, f"not the signature of dispatch table {table.name}")
                if target.result != model.result:
                    target.source.refuse(target.source.node, f"not the result type of dispatch table {table.name}")
                effects.add(target.effects)
            kind = ir.FunctionType(
                return_type(model.result, effects.traps), [I64, *model.llvm.function_type.args]
            )
            llvm = ir.Function(self.module, kind, self.module.get_unique_name(f"dispatch.{table.name}"))
            llvm.linkage = "internal"
            builder = ir.IRBuilder(llvm.append_basic_block("entry"))
            missing = llvm.append_basic_block("default")
            switch = builder.switch(llvm.args[0], missing)
            blocks = {}
            for function, target in targets:
                block = missing if function is table.default else llvm.append_basic_block(function.__name__)
                blocks[function] = block
                builder.position_at_end(block)
                result = builder.call(target.llvm, list(llvm.args[1:]))
                if model.result is None:
                    value = result if target.effects.traps else I1(0)
                    builder.ret(value) if effects.traps else builder.ret_void()
                elif effects.traps and not target.effects.traps:
                    pair = builder.insert_value(ir.Constant(kind.return_type, ir.Undefined), result, 0)
                    builder.ret(builder.insert_value(pair, I1(0), 1))
                else:
                    builder.ret(result)
            if table.default is None:
                builder.position_at_end(missing)
                builder.unreachable()
            for key, function in sorted(table.table.items()):
                if function is not table.default:
                    switch.add_case(I64(key), blocks[function])
            self.dispatchers[id(table)] = Lowered(model.source, llvm, effects)
        return self.dispatchers[id(table)]  # type: ignore[no-any-return]


class FunctionLowering:
    """Lowers one function body."""

    def __init__(self, program: Program, lowered: Lowered, constants: tuple[int, ...]) -> None:
        self.program = program
        self.lowered = lowered
        self.source = lowered.source
        self.function = lowered.llvm
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.locals: dict[str, tuple[Type, Any]] = {}
        self.constants: dict[str, int] = {}
        self.harts: dict[str, Any] = {}
        self.loops: list[tuple[Any, Any]] = []
        self.trap_block: Any = None
        arguments = iter(self.function.args)
        values = iter(constants)
        for name, kind in self.source.parameters:
            if kind == "Hart":
                self.harts[name] = next(arguments)
            elif kind == "Const":
                self.constants[name] = next(values)
            else:
                self.assign_local(self.source.node, name, Value(TYPES[kind], next(arguments)))

    def refuse(self, node: ast.AST, reason: str) -> Any:
        """Raise SubsetError for `node`."""
        self.source.refuse(node, reason)

    # -- statements ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Lower the whole body."""
        self.block(self.source.node.body)
        if not self.builder.block.is_terminated:
            if self.lowered.result is not None:
                self.refuse(self.source.node, "not every path returns a value")
            self.finish(None)

    def finish(self, value: Any) -> None:
        """Return normally."""
        if not self.lowered.effects.traps:
            self.builder.ret_void() if value is None else self.builder.ret(value)
        elif value is None:
            self.builder.ret(I1(0))
        else:
            pair = ir.Constant(self.function.function_type.return_type, ir.Undefined)
            pair = self.builder.insert_value(pair, value, 0)
            self.builder.ret(self.builder.insert_value(pair, I1(0), 1))

    def trap_exit(self) -> Any:
        """The block that leaves the function because of a Trap."""
        if self.trap_block is None:
            self.trap_block = self.function.append_basic_block("trapped")
            with self.builder.goto_block(self.trap_block):
                kind = self.function.function_type.return_type
                if self.lowered.result is None:
                    self.builder.ret(I1(1))
                else:
                    pair = ir.Constant(kind, [ir.Constant(kind.elements[0], 0), I1(1)])
                    self.builder.ret(pair)
        return self.trap_block

    def block(self, statements: list[ast.stmt]) -> None:
        """Lower statements until one leaves the block."""
        for statement in statements:
            if self.builder.block.is_terminated:
                self.refuse(statement, "code that is never reached")
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
            if self.lowered.result is not None:
                self.refuse(node, "a value of the declared type must be returned")
            self.finish(None)
            return
        if self.lowered.result is None:
            self.refuse(node, "the function is declared to return None")
        self.finish(self.as_type(node.value, self.expression(node.value), self.lowered.result))

    def do_Raise(self, node: ast.Raise) -> None:
        """Leave with a Trap."""
        call = node.exc
        if not isinstance(call, ast.Call) or self.source.resolve(call.func) is not Trap or not 1 <= len(call.args) <= 4:
            self.refuse(node, "only `raise Trap(cause, tval, gpa, info)` is allowed")
        values = [self.as_type(argument, self.expression(argument), U64) for argument in call.args]
        values += [I64(0)] * (4 - len(values))
        for name, value in zip(("trap_cause", "trap_tval", "trap_gpa", "trap_info"), values, strict=True):
            self.program.store_slot(self.builder, self.hart(node), name, value)
        self.builder.branch(self.trap_exit())

    def hart(self, node: ast.AST) -> Any:
        """The Hart parameter."""
        for value in self.harts.values():
            return value
        return self.refuse(node, "this needs a parameter of type Hart")

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
        """`target op= value`."""
        read = copy.copy(node.target)
        read.ctx = ast.Load()
        self.assign(node.target, self.expression(ast.copy_location(ast.BinOp(read, node.op, node.value), node)))

    def assign(self, target: ast.expr, value: Value) -> None:
        """Store into a local, a slot or an element of a slot."""
        if isinstance(target, ast.Name):
            if value.type is None:
                value = Value(self.locals[target.id][0] if target.id in self.locals else U64, None, value.constant)
                value = Value(value.type, self.constant(target, value.constant or 0, value.type or U64))
            self.assign_local(target, target.id, value)
            return
        name, index = self.slot(target)
        if value.type is not None and value.type not in (U64, BOOL) and (value.type.signed or value.type.bits > 64):
            self.refuse(target, f"a {value.type.name} must be made u64 before it is stored in the hart")
        self.program.store_slot(
            self.builder, self.hart(target), name, self.as_type(target, value, U64), index
        )

    def assign_local(self, node: ast.AST, name: str, value: Value) -> None:
        """Store into a local variable, made on its first assignment."""
        assert value.type is not None
        if name in self.constants or name in self.harts:
            self.refuse(node, f"{name!r} cannot be assigned")
        if name not in self.locals:
            with self.builder.goto_entry_block():
                self.locals[name] = (value.type, self.builder.alloca(llvm_type(value.type), name=name))
        kind, place = self.locals[name]
        if kind != value.type:
            self.refuse(node, f"{name!r} is {kind.name} and cannot become {value.type.name}")
        self.builder.store(value.llvm, place)

    def slot(self, node: ast.expr) -> tuple[str, Any]:
        """The slot (and element) that `h.name` or `h.name[i]` means."""
        index = None
        owner = node
        if isinstance(node, ast.Subscript):
            owner = node.value
            index = self.as_type(node.slice, self.expression(node.slice), U64)
        if not (isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name) and owner.value.id in self.harts):
            self.refuse(node, f"{ast.unparse(node)} is not a slot of the hart")
        slot = LAYOUT.slots.get(owner.attr)
        if slot is None:
            self.refuse(node, f"the hart has no slot {owner.attr!r}")
        if (slot.count > 1) != (index is not None):
            self.refuse(node, f"slot {owner.attr!r} has {slot.count} words")
        return owner.attr, index

    def do_If(self, node: ast.If) -> None:
        """`if`; a condition known at compile time keeps only its branch."""
        condition = self.condition(node.test)
        if isinstance(condition, bool):
            self.block(node.body if condition else node.orelse)
            return
        then, other, after = (self.function.append_basic_block(name) for name in ("then", "else", "after"))
        self.builder.cbranch(condition, then, other)
        joined = False
        for block, statements in ((then, node.body), (other, node.orelse)):
            self.builder.position_at_end(block)
            self.block(statements)
            if not self.builder.block.is_terminated:
                self.builder.branch(after)
                joined = True
        self.builder.position_at_end(after)
        if not joined:
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
        left = self.loop(body, node.body, test, after)
        if condition is True and not left:
            self.builder.unreachable()

    def do_For(self, node: ast.For) -> None:
        """`for name in range(...)`."""
        call = node.iter
        if node.orelse or not isinstance(node.target, ast.Name) or not isinstance(call, ast.Call):
            self.refuse(node, "only `for name in range(...)` is allowed")
        if self.source.resolve(call.func) is not range or not 1 <= len(call.args) <= 3:
            self.refuse(node, "only `for name in range(...)` is allowed")
        step = 1
        if len(call.args) == 3:
            third = self.expression(call.args[2])
            if third.constant is None or third.constant <= 0:
                self.refuse(node, "the step of a range must be a positive constant")
            step = third.constant
        bounds = [self.as_type(argument, self.expression(argument), U64) for argument in call.args[:2]]
        start, stop = (I64(0), bounds[0]) if len(bounds) == 1 else bounds
        with self.builder.goto_entry_block():
            counter = self.builder.alloca(I64)
        test, body, advance, after = (self.function.append_basic_block(n) for n in ("test", "body", "step", "after"))
        self.builder.store(start, counter)
        self.builder.branch(test)
        self.builder.position_at_end(test)
        value = self.builder.load(counter, typ=I64)
        self.builder.cbranch(self.builder.icmp_unsigned("<", value, stop), body, after)
        self.builder.position_at_end(body)
        self.assign_local(node, node.target.id, Value(U64, value))
        self.builder.position_at_end(advance)
        self.builder.store(self.builder.add(self.builder.load(counter, typ=I64), I64(step)), counter)
        self.builder.branch(test)
        self.loop(body, node.body, advance, after)

    def loop(self, body: Any, statements: list[ast.stmt], again: Any, after: Any) -> bool:
        """The body of a loop; `continue` goes to `again`, `break` to `after`. Returns whether there is a `break`."""
        self.builder.position_at_end(body)
        self.loops.append((again, after))
        self.block(statements)
        self.loops.pop()
        if not self.builder.block.is_terminated:
            self.builder.branch(again)
        self.builder.position_at_end(after)
        return any(isinstance(inner, ast.Break) for statement in statements for inner in ast.walk(statement))

    def do_Break(self, node: ast.Break) -> None:
        """Leave the loop."""
        self.builder.branch(self.loops[-1][1])

    def do_Continue(self, node: ast.Continue) -> None:
        """Next turn of the loop."""
        self.builder.branch(self.loops[-1][0])

    # -- expressions --------------------------------------------------------------------------------------------------

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
        return handler(node)  # type: ignore[no-any-return]

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
        return self.refuse(node, f"{ast.unparse(node)} is not known here")  # type: ignore[no-any-return]

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
        return value  # type: ignore[return-value]

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
        return self.refuse(node, f"operator {kind.__name__} is not part of the kernel subset")  # type: ignore[no-any-return]

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
        if left.type.signed != right.type.signed or BOOL in (left.type, right.type) and left.type != right.type:
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

    # -- calls --------------------------------------------------------------------------------------------------------

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

    def invoke(self, node: ast.Call, lowered: Lowered, first: list[Any], arguments: list[ast.expr]) -> Value | None:
        """Call a lowered function; on a Trap leave at once."""
        parameters = lowered.source.parameters
        if len(arguments) != len(parameters):
            self.refuse(node, f"{ast.unparse(node.func)} takes {len(parameters)} arguments")
        values = list(first)
        for argument, (_, kind) in zip(arguments, parameters, strict=True):
            if kind == "Hart":
                if not (isinstance(argument, ast.Name) and argument.id in self.harts):
                    self.refuse(argument, "the hart itself must be passed on")
                values.append(self.harts[argument.id])
            elif kind != "Const":
                values.append(self.as_type(argument, self.expression(argument), TYPES[kind]))
        result = self.builder.call(lowered.llvm, values)
        if not lowered.effects.traps:
            return None if lowered.result is None else Value(lowered.result, result)
        trapped = result if lowered.result is None else self.builder.extract_value(result, 1)
        further = self.function.append_basic_block("fine")
        self.builder.cbranch(trapped, self.trap_exit(), further).set_weights([1, 2000])
        self.builder.position_at_end(further)
        return None if lowered.result is None else Value(lowered.result, self.builder.extract_value(result, 0))


def wrap(value: int, kind: Type) -> int:
    """A Python integer wrapped to a kernel type."""
    value &= (1 << kind.bits) - 1
    return value - (1 << kind.bits) if kind.signed and value >> (kind.bits - 1) else value
