# SPDX-License-Identifier: Apache-2.0
"""From kernel functions to LLVM IR: one `Program` holds a module and lowers functions on demand, callees first.

A function that can raise Trap returns, beside its value, a bit that says so; the arguments of the Trap lie in h.trap_*.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from core.engine.scope import Ending, Inlined, Scope
from core.engine.statements import Body
from core.engine.subset import TYPES, Effects, dispatch_targets, effects_of, source_of
from core.engine.values import I1, I64, PTR, Lowered, Value, llvm_type, return_type
from core.hart import LAYOUT
from core.isa.intrinsics import Dispatch

SMALL = 60
"""Functions of fewer AST nodes are inlined wherever they are called: the passes used have no inliner that weighs."""


class Program:
    """An LLVM module being filled with kernel functions and whatever an engine adds."""

    def __init__(self, name: str) -> None:
        LAYOUT.freeze()
        self.module = ir.Module(name)
        self.functions: dict[tuple[Any, ...], Lowered] = {}
        self.dispatchers: dict[Dispatch, Lowered] = {}
        self.primitives: dict[Any, Callable[[Any, ast.Call], Value]] = {}
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
            parameters = [PTR if kind == "Hart" else llvm_type(TYPES[kind]) for _, kind in source.parameters if kind != "Const"]
            suffix = "".join(f".{value}" for value in constants)
            name = self.module.get_unique_name(f"{function.__module__}.{function.__qualname__}{suffix}")
            llvm = ir.Function(self.module, ir.FunctionType(return_type(source.result, effects.traps), parameters), name)
            llvm.linkage = "internal"
            llvm.attributes.add("nounwind")
            small = source.hint is None and sum(1 for _ in ast.walk(source.node)) < SMALL
            if small or source.hint == "inline":
                llvm.attributes.add("alwaysinline")
            elif source.hint == "cold":
                llvm.attributes.add("noinline")
                llvm.attributes.add("cold")
            self.functions[key] = Lowered(source, llvm, effects)
            builder = ir.IRBuilder(llvm.append_basic_block("entry"))
            Body(self, source, builder, list(llvm.args), constants, Ending(llvm, effects.traps)).run()
        return self.functions[key]

    def dispatcher(self, table: Dispatch) -> Lowered:
        """A dispatch table as an LLVM function: a switch on its first argument."""
        if table not in self.dispatchers:
            sources = [source_of(function) for function in dispatch_targets(table)]
            for source in sources:
                kinds = [kind for _, kind in source.parameters]
                if kinds != [kind for _, kind in sources[0].parameters] or "Const" in kinds:
                    source.refuse(source.node, f"not the signature of dispatch table {table.name}")
                if source.result != sources[0].result:
                    source.refuse(source.node, f"not the result type of dispatch table {table.name}")
            targets = [(source.function, self.lower(source.function)) for source in sources]
            model = targets[0][1]
            effects = Effects()
            for _, target in targets:
                effects.add(target.effects)
            kind = ir.FunctionType(return_type(model.result, effects.traps), [I64, *model.llvm.function_type.args])
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
            for key, function in sorted(table.table.items()):
                if function is not table.default:
                    switch.add_case(I64(key), blocks[function])
            self.dispatchers[table] = Lowered(model.source, llvm, effects)
        return self.dispatchers[table]

    def inline(
        self, caller: Scope, function: Callable[..., Any], values: list[Any], constants: tuple[int, ...] = ()
    ) -> Value | None:
        """Lower a function's body where it is called."""
        trapped = caller.ending.trapped(caller.builder) if effects_of(function).traps else None
        result = self.inline_at(caller.builder, function, values, constants, trapped)
        kind = source_of(function).result
        if kind is not None and result is None:  # it always raises
            result = ir.Constant(llvm_type(kind), ir.Undefined)
        return None if kind is None else Value(kind, result)

    def inline_at(
        self, builder: Any, function: Callable[..., Any], values: list[Any], constants: tuple[int, ...], trapped: Any
    ) -> Any:
        """Lower a function's body at a builder's position; a Trap goes to block `trapped`. Returns its LLVM value."""
        ending = Inlined(builder.function, trapped)
        Body(self, source_of(function), builder, values, constants, ending).run()
        return ending.result(builder)
