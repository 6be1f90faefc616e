# SPDX-License-Identifier: Apache-2.0
"""Kernel functions compiled to native code one by one, so that tests can call them beside CPython's run of the same function.

All functions of a test file go into one `NativeModule`, made in a fixture: starting the compiler is what costs.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from llvmlite import binding, ir

from core.engine import build as _build  # noqa: F401  (declares all state slots: before the first Hart)
from core.engine import primitives
from core.engine.lower import Program
from core.engine.native import target_machine
from core.engine.subset import TYPES
from core.engine.values import I1, I64, PTR, VOID, Lowered, wrap
from core.hart import LAYOUT, Hart
from core.isa import intrinsics
from core.isa.intrinsics import Trap
from core.kernel import make_kernel

Function = Callable[..., Any]
TRAP_SLOTS = ("trap_cause", "trap_tval", "trap_gpa", "trap_info")
WORDS = 2
"""64-bit words in which a wrapper takes each argument and gives the result."""
M64 = (1 << 64) - 1
VOCABULARY = {name: value for name, value in vars(intrinsics).items() if not name.startswith("_") and name != "annotations"}


def kernel(text: str, **names: Any) -> Function:
    """A kernel function from its source text; it sees all intrinsics and `names`."""
    found = re.search(r"def (\w+)\(", text)
    assert found is not None
    return make_kernel(found[1], text, **(VOCABULARY | names))


def edges(kind: str, count: int = 0, random: Random | None = None) -> list[int]:
    """Values of a kernel type at which things go wrong, and `count` random ones of all magnitudes."""
    if kind == "bool":
        return [0, 1]
    bits = TYPES[kind].bits
    values = [0, 1, 2, 7, -1, -2, 1 << (bits - 1), (1 << (bits - 1)) - 1, 0xAA << (bits // 2)]
    if random is not None:
        values += [random.getrandbits(random.randrange(1, bits + 1)) * random.choice((1, -1)) for _ in range(count)]
    return sorted({wrap(value, TYPES[kind]) for value in values})


@dataclass(frozen=True)
class Outcome:
    """What a call did: its value or the arguments of its Trap, and the hart's words afterwards, if there was a hart."""

    value: int | None
    trap: tuple[int, ...] | None
    words: bytes


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
        self.engine = binding.create_mcjit_compiler(module, machine, use_lmm=True)
        self.engine.finalize_object()
        call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
        self.calls = {key: call(self.engine.get_function_address(name)) for key, (name, _) in self.lowered.items()}
        self.harts = (Hart(), Hart())

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
        full = ir.IntType(64 * WORDS)
        values, position = [], 0
        for parameter, (_, kind) in zip(lowered.llvm.args, native_parameters(lowered), strict=True):
            if kind == "Hart":
                values.append(hart)
                continue
            wide = builder.load(builder.gep(given, [I64(position)], source_etype=I64), typ=full, align=8)
            values.append(wide if parameter.type == full else builder.trunc(wide, parameter.type))
            position += WORDS
        result, trapped = builder.call(lowered.llvm, values), I1(0)
        if lowered.effects.traps:
            trapped = result if lowered.result is None else builder.extract_value(result, 1)
            result = None if lowered.result is None else builder.extract_value(result, 0)
        builder.store(builder.zext(trapped, I64), out, align=8)
        if lowered.result is not None:
            result = result if result.type == full else builder.zext(result, full)
            builder.store(result, builder.gep(out, [I64(1)], source_etype=I64), align=8)
        builder.ret_void()

    def __call__(self, function: Function, *arguments: Any, constants: tuple[int, ...] = ()) -> Outcome:
        """Call native code with the arguments that are not Const, a Hart among them where the function takes one."""
        lowered = self.lowered[function, constants][1]
        words: list[int] = []
        hart = None
        for (name, kind), argument in zip(native_parameters(lowered), arguments, strict=True):
            if kind == "Hart":
                hart = argument
            else:
                assert wrap(argument, TYPES[kind]) == argument, f"{name} = {argument} is no {kind}"
                words += (argument & M64, argument >> 64 & M64)
        given, out = (ctypes.c_uint64 * (len(words) + 1))(*words), (ctypes.c_uint64 * (1 + WORDS))()
        self.calls[function, constants](None if hart is None else hart.address, given, out)
        trap = value = None
        if out[0]:
            trap = (0,) * len(TRAP_SLOTS) if hart is None else tuple(getattr(hart, slot) for slot in TRAP_SLOTS)
        elif lowered.result is not None:
            value = wrap(out[1] | out[2] << 64, lowered.result)
        return Outcome(value, trap, b"" if hart is None else hart.words.tobytes())

    def check(self, function: Function, *arguments: int, constants: tuple[int, ...] = (), hart: Hart | None = None) -> Outcome:
        """Call a function both ways, from the same state of the hart, and assert that they do the same. Returns what.

        arguments: those that are neither Hart nor Const; hart: the state to begin with (default zero), left as it was.
        """
        parameters = self.lowered[function, constants][1].source.parameters
        takes_hart = any(kind == "Hart" for _, kind in parameters)
        full: list[list[Any]] = []
        for index, h in enumerate(self.harts):
            if takes_hart and hart is not None:
                h.words[:], h.machine = hart.words, hart.machine
            elif takes_hart:
                h.words[:] = self._zero
            plain, fixed = iter(arguments), iter(constants)
            full.append([])
            for _, kind in parameters:
                if kind == "Hart":
                    full[index].append(h)
                elif kind == "Const":
                    full[index] += [next(fixed)] if index == 0 else []
                else:
                    full[index].append(next(plain))
        python = run_python(function, self.harts[0] if takes_hart else None, full[0])
        native = self(function, *full[1], constants=constants)
        where = f"{function.__name__}{arguments}{constants or ''}"
        assert python.trap == native.trap, f"{where}: Python traps {python.trap}, native {native.trap}"
        assert python.value == native.value, f"{where}: Python returns {python.value}, native {native.value}"
        assert python.words == native.words, f"{where}: the harts differ in {differences(*self.harts)}"
        return python

    @property
    def _zero(self) -> memoryview:
        return memoryview(bytes(LAYOUT.size * 8)).cast("Q")


def native_parameters(lowered: Lowered) -> list[tuple[str, str]]:
    """Name and type of the parameters that native code has."""
    return [(name, kind) for name, kind in lowered.source.parameters if kind != "Const"]


def run_python(function: Function, hart: Hart | None, arguments: list[Any]) -> Outcome:
    """Let CPython run a kernel function."""
    value = trap = None
    try:
        value = function(*arguments)
    except Trap as raised:
        trap = (raised.cause, int(raised.tval), int(raised.gpa), int(raised.info))
        if hart is not None:
            raised.put(hart)
    return Outcome(None if value is None else int(value), trap, b"" if hart is None else hart.words.tobytes())


def differences(a: Hart, b: Hart) -> list[str]:
    """Names of the slots in which two harts differ."""
    parts = [(slot.name, slice(slot.offset, slot.offset + slot.count)) for slot in LAYOUT.slots.values()]
    return [name for name, part in parts if a.words[part] != b.words[part]]


def hart_with(seed: str) -> Hart:
    """A hart with arbitrary registers, always the same for a seed."""
    random = Random(seed)
    hart = Hart()
    for index in range(32):
        hart.x[index], hart.f[index] = random.getrandbits(64), random.getrandbits(64)
    hart.pc, hart.npc = random.getrandbits(64), 0
    return hart
