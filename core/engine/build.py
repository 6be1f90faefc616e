# SPDX-License-Identifier: Apache-2.0
"""The LLVM module of the native engine, put together from the registries."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from core.engine import decoded, primitives
from core.engine.interpreter import Interpreter
from core.engine.lower import Program
from core.engine.values import VOID
from core.isa.encoding import INSTRUCTIONS

EXPORTED = {
    "hartline_forget": decoded.forget,
    "hartline_forget_offset": decoded.forget_offset,
    "hartline_forget_all": decoded.forget_all,
    "hartline_flag_all": decoded.flag_all,
}
"""Kernel functions that the engine calls from Python."""


def export(program: Program, name: str, function: Any) -> None:
    """Make a kernel function callable from outside the module under `name`."""
    lowered = program.lower(function)
    outside = ir.Function(program.module, ir.FunctionType(VOID, lowered.llvm.function_type.args), name)
    builder = ir.IRBuilder(outside.append_basic_block("entry"))
    builder.call(lowered.llvm, list(outside.args))
    builder.ret_void()


def build_module() -> str:
    """The module's text."""
    program = Program("hartline")
    primitives.install(program)
    Interpreter(program, INSTRUCTIONS).build()
    for name, function in EXPORTED.items():
        export(program, name, function)
    return str(program.module)
