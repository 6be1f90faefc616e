# SPDX-License-Identifier: Apache-2.0
"""Kernel functions compiled to native code one by one, so that tests can call them beside CPython's run of the same function.

All functions of a test file go into one `NativeModule`: starting the compiler is what costs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from llvmlite import binding, ir

from core.engine import build as _build  # noqa: F401  (declares all state slots: before the first Hart)
from core.engine import primitives
from core.engine.lower import Program
from core.engine.native import target_machine
from core.engine.subset import TYPES
from core.engine.values import I1, I64, PTR, VOID, Lowered, wrap
from core.hart import LAYOUT, Hart
from core.isa.intrinsics import Trap

Function = Callable[..., Any]
TRAP_SLOTS = ("trap_cause", "trap_tval", "trap_gpa", "trap_info")
WORDS = 2
"""64-bit words in which a wrapper takes each argument and gives the result."""


@dataclass(frozen=True)
class Outcome:
    """What a call did: its value or the arguments of its Trap, and the hart's words afterwards, if there was a hart."""

    value: int | None
    trap: tuple[int, ...] | None
    words: tuple[int, ...]


class NativeModule:
    """Native code of kernel functions; a pair (function, constants) is a function with its Const parameters given."""

    def __init__(self, functions: Iterable[Function | tuple[Function, tuple[int, ...]]]) -> None:
        self.program = Program("tests")
        primitives.install(self.program)
        self.lowered: dict[tuple[Function, tuple[int, ...]], tuple[str, Lowered]] = {}
        for given in functions:
            function, constants = given if isinstance(given, tuple) else (given, ())
            self._add(function, constants)
        machine = target_machine()
        module = binding.parse_assembly(str(self.program.module))
        module.verify()
        builder = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options(speed_level=2))
        builder.getModulePassManager().run(module, builder)
        self.engine = binding.create_mcjit_compiler(module, machine)
        self.engine.finalize_object()
        self.calls = {
            key: ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(
                self.engine.get_function_address(name)
            )
            for key, (name, _) in self.lowered.items()
        }

    def _add(self, function: Function, constants: tuple[int, ...]) -> None:
        """Lower a function and make a wrapper: (hart, arguments, [trapped, result]), all by address."""
        if (function, constants) in self.lowered:
            return
        lowered = self.program.lower(function, constants)
        name = f"call.{len(self.lowered)}"
        self.lowered[function, constants] = (name, lowered)
        wrapper = ir.Function(self.program.module, ir.FunctionType(VOID, [PTR, PTR, PTR]), name)
        hart, given, out = wrapper.args
        builder = ir.IRBuilder(wrapper.append_basic_block("entry"))
        values = []
        for parameter, kind in zip(lowered.llvm.args, self._kinds(lowered), strict=True):
            if kind == "Hart":
                values.append(hart)
                continue
            place = builder.gep(given, [I64(WORDS * (len(values) - (hart in values)))], source_etype=I64)
            wide = builder.load(place, typ=ir.IntType(64 * WORDS), align=8)
            same = parameter.type.width == wide.type.width
            values.append(wide if same else builder.trunc(wide, parameter.type))
        result = builder.call(lowered.llvm, values)
        trapped, kind = I1(0), lowered.result
        if lowered.effects.traps:
            trapped = result if kind is None else builder.extract_value(result, 1)
            result = None if kind is None else builder.extract_value(result, 0)
        builder.store(builder.zext(trapped, I64), out, align=8)
        if kind is not None:
            full = ir.IntType(64 * WORDS)
            result = result if kind.bits == full.width else builder.zext(result, full)
            builder.store(result, builder.gep(out, [I64(1)], source_etype=I64), align=8)
        builder.ret_void()

    @staticmethod
    def _kinds(lowered: Lowered) -> list[str]:
        return [kind for _, kind in lowered.source.parameters if kind != "Const"]

    def __call__(self, function: Function, *arguments: Any, constants: tuple[int, ...] = ()) -> Outcome:
        """Call native code with the arguments that are not Const, a Hart among them where the function takes one."""
        lowered = self.lowered[function, constants][1]
        kinds = self._kinds(lowered)
        assert len(kinds) == len(arguments)
        given, out = (ctypes.c_uint64 * (WORDS * len(kinds) + WORDS))(), (ctypes.c_uint64 * (1 + WORDS))()
        hart, position = None, 0
        for kind, argument in zip(kinds, arguments, strict=True):
            if kind == "Hart":
                hart = argument
                continue
            assert wrap(int(argument), TYPES[kind]) == argument, f"{argument} is no {kind}"
            given[position], given[position + 1] = argument & (1 << 64) - 1, argument >> 64 & (1 << 64) - 1
            position += WORDS
        self.calls[function, constants](hart.address if hart is not None else None, given, out)
        words = () if hart is None else tuple(hart.words)
        if out[0]:
            assert hart is not None
            return Outcome(None, tuple(getattr(hart, slot) for slot in TRAP_SLOTS), words)
        kind = lowered.result
        if kind is None:
            return Outcome(None, None, words)
        return Outcome(wrap(out[1] | out[2] << 64, kind), None, words)

    def check(self, function: Function, *arguments: int, constants: tuple[int, ...] = (), hart: Hart | None = None) -> Outcome:
        """Call a function both ways, from the same state of the hart, and assert that they do the same. Returns what.

        arguments: those that are neither Hart nor Const; hart: the state to begin with, which is left as it was.
        """
        kinds = [kind for _, kind in self.lowered[function, constants][1].source.parameters]
        harts = [copy_of(hart), copy_of(hart)]
        results = []
        for native, h in zip((False, True), harts, strict=True):
            plain, fixed = iter(arguments), iter(constants)
            full = [
                h if kind == "Hart" else next(fixed) if kind == "Const" else next(plain)
                for kind in kinds
                if not (native and kind == "Const")
            ]
            if native:
                results.append(self(function, *full, constants=constants))
            else:
                results.append(run_python(function, h if "Hart" in kinds else None, full))
        python, native_result = results
        where = f"{function.__name__}{arguments}{constants or ''}"
        assert python.trap == native_result.trap, where
        assert python.value == native_result.value, f"{where}: Python {python.value}, native {native_result.value}"
        assert python.words == native_result.words, f"{where}: the harts differ in {differences(*harts)}"
        return python


def run_python(function: Function, hart: Hart | None, arguments: list[Any]) -> Outcome:
    """Let CPython run a kernel function."""
    value, trap = None, None
    try:
        value = function(*arguments)
    except Trap as raised:
        trap = (raised.cause, int(raised.tval), int(raised.gpa), int(raised.info))
        if hart is not None:
            raised.put(hart)
    return Outcome(None if value is None else int(value), trap, () if hart is None else tuple(hart.words))


def copy_of(hart: Hart | None) -> Hart:
    """A new hart in the state of another."""
    made = Hart()
    if hart is not None:
        made.words[:] = hart.words
        made.machine = hart.machine
    return made


def differences(a: Hart, b: Hart) -> list[str]:
    """Names of the slots in which two harts differ."""
    return [
        slot.name
        for slot in LAYOUT.slots.values()
        if a.words[slot.offset : slot.offset + slot.count] != b.words[slot.offset : slot.offset + slot.count]
    ]
