# SPDX-License-Identifier: Apache-2.0
"""What the lowering works with: LLVM types and typed values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from core.engine.subset import Effects, Source, Type

PTR = ir.PointerType()
I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
VOID = ir.VoidType()


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


def wrap(value: int, kind: Type) -> int:
    """A Python integer wrapped to a kernel type."""
    value &= (1 << kind.bits) - 1
    return value - (1 << kind.bits) if kind.signed and value >> (kind.bits - 1) else value
