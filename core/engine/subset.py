# SPDX-License-Identifier: Apache-2.0
"""The kernel subset seen from outside: finding a function's source, its types, and what it can touch.

docs/kernel-subset.md states the rules; `lower` enforces them while it compiles. Every refusal names file, line and reason.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn

from core.hart import LAYOUT
from core.isa import intrinsics


class SubsetError(Exception):
    """A function breaks a rule of the kernel subset; the message has file, line and reason."""


@dataclass(frozen=True)
class Type:
    """An integer type: width in bits and signedness; `bool` is its own one-bit type."""

    name: str
    bits: int
    signed: bool


TYPES = {f"{kind}{bits}": Type(f"{kind}{bits}", bits, kind == "s") for kind in "us" for bits in (8, 16, 32, 64, 128)}
U64 = TYPES["u64"]
BOOL = Type("bool", 1, False)
TYPES |= {"bool": BOOL, "Reg": U64, "FReg": U64}
CASTS: dict[Any, Type] = {getattr(intrinsics, name): TYPES[name] for name in list(TYPES)[:10]}
HOST_CALLS: set[Any] = {intrinsics.device_read, intrinsics.device_write, intrinsics.warn}
"""Primitives that run Python, which may end the slice: after them the engine looks at `left` again."""


@dataclass
class Source:
    """A kernel function's definition and where it stands."""

    function: Callable[..., Any]
    node: ast.FunctionDef
    file: str
    parameters: list[tuple[str, str]]
    result: Type | None
    hint: str | None

    def refuse(self, node: ast.AST, reason: str) -> NoReturn:
        """Raise SubsetError for `node`."""
        raise SubsetError(f"{self.file}:{getattr(node, 'lineno', '?')}: in {self.function.__name__}: {reason}")

    def resolve(self, node: ast.expr) -> Any:
        """The module-level object that a name or attribute chain means, or `UNKNOWN`; locals hide globals, as in Python."""
        if isinstance(node, ast.Name):
            if node.id in self.function.__code__.co_varnames:
                return UNKNOWN
            found = self.function.__globals__.get(node.id, UNKNOWN)
            return {"bool": bool, "range": range, "int": int}.get(node.id, UNKNOWN) if found is UNKNOWN else found
        if isinstance(node, ast.Attribute):
            owner = self.resolve(node.value)
            return UNKNOWN if owner is UNKNOWN else getattr(owner, node.attr, UNKNOWN)
        return UNKNOWN

    def tests_for_zero(self, node: ast.expr) -> bool:
        """Whether the function compares such an expression with 0 anywhere."""
        text = ast.unparse(node)
        for inner in ast.walk(self.node):
            if isinstance(inner, ast.Compare):
                sides = {ast.unparse(side) for side in (inner.left, *inner.comparators)}
                if {text, "0"} <= sides:
                    return True
        return False


class _Unknown:
    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN: Any = _Unknown()


@cache
def _definitions(file: str, text: str) -> dict[tuple[str, int], ast.FunctionDef]:
    """All functions of a file by name and first line (that of the first decorator)."""
    found = {}
    for node in ast.walk(ast.parse(text, file)):
        if isinstance(node, ast.FunctionDef):
            line = node.decorator_list[0].lineno if node.decorator_list else node.lineno
            found[node.name, line] = node
    return found


@cache
def source_of(function: Callable[..., Any]) -> Source:
    """The definition of a kernel function. Raises SubsetError when it is not a plain annotated Python function."""
    if not isinstance(function, types.FunctionType):
        raise SubsetError(f"{function!r} is not a plain function")
    code = function.__code__
    text = getattr(function, "__kernel_source__", None)
    if text is not None:
        definitions = _definitions(code.co_filename, text)
        node = next(node for (name, _line), node in definitions.items() if name == code.co_name)
    else:
        text = "".join(linecache.getlines(code.co_filename, function.__globals__))
        found = _definitions(code.co_filename, text).get((code.co_name, code.co_firstlineno))
        if found is None:
            raise SubsetError(f"{code.co_filename}:{code.co_firstlineno}: no source for {function.__name__}")
        node = found
    file = inspect.getsourcefile(function) or code.co_filename
    source = Source(function, node, file, [], None, function.__dict__.get("kernel_hint"))
    arguments = node.args
    if code.co_freevars:
        source.refuse(node, f"{code.co_freevars[0]!r} belongs to an enclosing function: closures are not allowed")
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.defaults or arguments.posonlyargs:
        source.refuse(node, "only plain positional parameters are allowed")
    for argument in arguments.args:
        kind = _type_name(argument.annotation)
        if kind not in TYPES and kind not in ("Hart", "Const"):
            source.refuse(argument, f"parameter {argument.arg!r} needs a kernel type, not {kind or 'none'}")
        source.parameters.append((argument.arg, kind))
    if [kind for _, kind in source.parameters].count("Hart") > 1:
        source.refuse(node, "only one parameter of type Hart is allowed")
    returns = node.returns
    if _type_name(returns) in TYPES:
        source.result = TYPES[_type_name(returns)]
    elif not (isinstance(returns, ast.Constant) and returns.value is None):
        source.refuse(node, "the result needs a kernel type or None")
    return source


def _type_name(annotation: ast.expr | None) -> str:
    """The last name of an annotation such as `u64` or `intrinsics.u64`."""
    if isinstance(annotation, ast.Attribute):
        return annotation.attr
    return annotation.id if isinstance(annotation, ast.Name) else ""


def cast_type(target: Any) -> Type | None:
    """The type that `target` casts to, None when it is no cast."""
    return CASTS.get(target) if isinstance(target, types.FunctionType) else None


def is_primitive(target: Any) -> bool:
    """Whether native code has its own form of a function."""
    return getattr(target, "kernel_hint", None) == "primitive"


@dataclass
class Effects:
    """What a kernel function can do, its callees included."""

    traps: bool = False
    host: bool = False
    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)

    def add(self, other: Effects) -> None:
        """Include what a callee does."""
        self.traps |= other.traps
        self.host |= other.host
        self.reads |= other.reads
        self.writes |= other.writes


_effects: dict[Any, Effects] = {}


def effects_of(function: Callable[..., Any]) -> Effects:
    """The effects of a kernel function, found from its source. Recursion is refused."""
    known = _effects.get(function)
    if known is None:
        _effects[function] = RUNNING
        known = Effects()
        try:
            source = source_of(function)
            for statement in source.node.body:
                for node in ast.walk(statement):
                    _visit(source, node, known)
        except SubsetError:
            del _effects[function]
            raise
        _effects[function] = known
    elif known is RUNNING:
        source_of(function).refuse(source_of(function).node, "recursion is not allowed")
    return known


RUNNING = Effects()


def _visit(source: Source, node: ast.AST, effects: Effects) -> None:
    if isinstance(node, ast.Raise):
        effects.traps = True
    elif isinstance(node, ast.Attribute) and node.attr in LAYOUT.slots and source.resolve(node) is UNKNOWN:
        (effects.reads if isinstance(node.ctx, ast.Load) else effects.writes).add(node.attr)
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Attribute):
        effects.writes.add(node.value.attr)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Attribute):
        effects.reads.add(node.target.attr)
    elif isinstance(node, ast.Call):
        for callee in callees(source, node):
            effects.add(effects_of(callee))
        effects.host |= source.resolve(node.func) in HOST_CALLS


def callees(source: Source, node: ast.Call) -> Iterator[Callable[..., Any]]:
    """The kernel functions a call may reach."""
    target = source.resolve(node.func)
    if isinstance(target, intrinsics.Dispatch):
        yield from dispatch_targets(target)
    elif isinstance(target, types.FunctionType):
        if target not in CASTS and not is_primitive(target):
            yield target
    elif target is not UNKNOWN and target not in (range, bool, int, intrinsics.Trap):
        source.refuse(node, f"{ast.unparse(node.func)} cannot be called from kernel code")


def dispatch_targets(table: intrinsics.Dispatch) -> list[Callable[..., Any]]:
    """The distinct functions of a dispatch table, the default first."""
    functions = [] if table.default is None else [table.default]
    for function in table.table.values():
        if function not in functions:
            functions.append(function)
    return functions
