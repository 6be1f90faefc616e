# SPDX-License-Identifier: Apache-2.0
"""How the primitives of core.isa.intrinsics look natively."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir

from core.engine import decoded
from core.engine.expressions import known_bool
from core.engine.lower import Program
from core.engine.statements import Body
from core.engine.subset import BOOL, TYPES, U64
from core.engine.values import I1, I32, I64, PTR, VOID, Value, as_callee
from core.isa import intrinsics
from core.softfloat import host

PRIMITIVE_LOWERINGS: dict[Any, Callable[[Body, ast.Call], Value | None]] = {}


def lowers(function: Any) -> Callable[[Any], Any]:
    """Register how calls of `function` are lowered."""

    def register(emit: Any) -> Any:
        PRIMITIVE_LOWERINGS[function] = emit
        return emit

    return register


def install(program: Program) -> None:
    """Give a program all primitives."""
    program.primitives.update(PRIMITIVE_LOWERINGS)


def argument(low: Body, node: ast.Call, position: int) -> Any:
    """Argument `position` as u64."""
    return low.as_type(node.args[position], low.expression(node.args[position]), U64)


def constant_argument(low: Body, node: ast.Call, position: int) -> int:
    """Argument `position`, which must be known now."""
    value = low.expression(node.args[position])
    if value.constant is None:
        low.refuse(node, f"argument {position} must be a constant")
    return int(value.constant or 0)


@lowers(intrinsics.sext32)
def _sext32(low: Body, node: ast.Call) -> Value:
    return Value(U64, low.builder.sext(low.wide(node.args[0], 32), I64))


def field_of(low: Body, node: ast.Call) -> tuple[int, int]:
    """lsb and width of the Field that is argument 1."""
    field = low.source.resolve(node.args[1])
    if not (hasattr(field, "lsb") and hasattr(field, "width")):
        low.refuse(node, f"{ast.unparse(node.args[1])} is not a field")
    return int(field.lsb), int(field.width)


@lowers(intrinsics.get)
def _get(low: Body, node: ast.Call) -> Value:
    lsb, width = field_of(low, node)
    shifted = low.builder.lshr(argument(low, node, 0), I64(lsb))
    return Value(U64, low.builder.and_(shifted, I64((1 << width) - 1)))


@lowers(intrinsics.isset)
def _isset(low: Body, node: ast.Call) -> Value:
    lsb, width = field_of(low, node)
    masked = low.builder.and_(argument(low, node, 0), I64(((1 << width) - 1) << lsb))
    return Value(BOOL, low.builder.icmp_unsigned("!=", masked, I64(0)))


@lowers(intrinsics.put)
def _put(low: Body, node: ast.Call) -> Value:
    lsb, width = field_of(low, node)
    mask = ((1 << width) - 1) << lsb
    rest = low.builder.and_(argument(low, node, 0), I64(~mask & intrinsics.M64))
    moved = low.builder.and_(low.builder.shl(low.wide(node.args[2], 64), I64(lsb)), I64(mask))
    return Value(U64, low.builder.or_(rest, moved))


@lowers(intrinsics.clz64)
def _clz64(low: Body, node: ast.Call) -> Value:
    return Value(U64, low.builder.ctlz(argument(low, node, 0), I1(0)))


@lowers(intrinsics.ctz64)
def _ctz64(low: Body, node: ast.Call) -> Value:
    return Value(U64, low.builder.cttz(argument(low, node, 0), I1(0)))


@lowers(intrinsics.popcount64)
def _popcount64(low: Body, node: ast.Call) -> Value:
    return Value(U64, low.builder.ctpop(argument(low, node, 0)))


DOUBLE, SINGLE = ir.DoubleType(), ir.FloatType()


def double(low: Body, node: ast.Call, position: int) -> Any:
    """Argument `position`, the bits of a double, as the double."""
    return low.builder.bitcast(argument(low, node, position), DOUBLE)


def bits(low: Body, number: Any) -> Value:
    """The bits of a double."""
    return Value(U64, low.builder.bitcast(number, I64))


@lowers(host.host_floats)
def _host_floats(low: Body, node: ast.Call) -> Value:
    fused = binding.get_host_cpu_features().get("fma", False)  # x86; the Arm architecture always has it
    return known_bool(fused or binding.get_process_triple().startswith(("aarch64", "arm64")))


@lowers(host.host_add)
def _host_add(low: Body, node: ast.Call) -> Value:
    return bits(low, low.builder.fadd(double(low, node, 0), double(low, node, 1)))


@lowers(host.host_multiply)
def _host_multiply(low: Body, node: ast.Call) -> Value:
    return bits(low, low.builder.fmul(double(low, node, 0), double(low, node, 1)))


@lowers(host.host_divide)
def _host_divide(low: Body, node: ast.Call) -> Value:
    return bits(low, low.builder.fdiv(double(low, node, 0), double(low, node, 1)))


@lowers(host.host_square_root)
def _host_square_root(low: Body, node: ast.Call) -> Value:
    root = low.program.module.declare_intrinsic("llvm.sqrt", [DOUBLE])
    return bits(low, low.builder.call(root, [double(low, node, 0)]))


@lowers(host.host_multiply_add)
def _host_multiply_add(low: Body, node: ast.Call) -> Value:
    return bits(low, low.builder.fma(*(double(low, node, position) for position in range(3))))


@lowers(host.host_less)
def _host_less(low: Body, node: ast.Call) -> Value:
    return Value(BOOL, low.builder.fcmp_ordered("<", double(low, node, 0), double(low, node, 1)))


@lowers(host.host_equal)
def _host_equal(low: Body, node: ast.Call) -> Value:
    return Value(BOOL, low.builder.fcmp_ordered("==", double(low, node, 0), double(low, node, 1)))


@lowers(host.host_widen)
def _host_widen(low: Body, node: ast.Call) -> Value:
    single = low.builder.bitcast(low.builder.trunc(argument(low, node, 0), I32), SINGLE)
    return bits(low, low.builder.fpext(single, DOUBLE))


@lowers(host.host_narrow)
def _host_narrow(low: Body, node: ast.Call) -> Value:
    single = low.builder.fptrunc(double(low, node, 0), SINGLE)
    return Value(U64, low.builder.zext(low.builder.bitcast(single, I32), I64))


@lowers(host.host_from_integer)
def _host_from_integer(low: Body, node: ast.Call) -> Value:
    return bits(low, low.builder.sitofp(low.as_type(node.args[0], low.expression(node.args[0]), TYPES["s64"]), DOUBLE))


@lowers(host.host_to_integer)
def _host_to_integer(low: Body, node: ast.Call) -> Value:
    return Value(TYPES["s64"], low.builder.fptosi(double(low, node, 0), I64))


def _load(low: Body, address: Any, size: int, place: str) -> Value:
    integer = ir.IntType(8 * size)
    loaded = low.builder.load(low.builder.inttoptr(address, PTR), typ=integer, align=1)
    low.program.alias(loaded, place)
    return Value(U64, loaded if size == 8 else low.builder.zext(loaded, I64))


def _store(low: Body, address: Any, size: int, value: Any, place: str) -> None:
    narrow = value if size == 8 else low.builder.trunc(value, ir.IntType(8 * size))
    low.program.alias(low.builder.store(narrow, low.builder.inttoptr(address, PTR), align=1), place)


def _ram_address(low: Body, node: ast.Call) -> Any:
    bias = low.program.load_slot(low.builder, low.hart(node), "ram_bias")
    return low.builder.add(argument(low, node, 1), bias)


@lowers(intrinsics.ram_read)
def _ram_read(low: Body, node: ast.Call) -> Value:
    return _load(low, _ram_address(low, node), constant_argument(low, node, 2), "ram")


@lowers(intrinsics.ram_write)
def _ram_write(low: Body, node: ast.Call) -> None:
    _store(low, _ram_address(low, node), constant_argument(low, node, 2), argument(low, node, 3), "ram")


@lowers(decoded.host_load)
def _host_load(low: Body, node: ast.Call) -> Value:
    return _load(low, argument(low, node, 0), constant_argument(low, node, 1), "decoded")


@lowers(decoded.host_store)
def _host_store(low: Body, node: ast.Call) -> None:
    _store(low, argument(low, node, 0), constant_argument(low, node, 1), argument(low, node, 2), "decoded")


def call_host(low: Body, node: ast.Call, slot: str, result: Any) -> Any:
    """Call the Python function whose address is in `slot` with the hart and the other arguments."""
    hart = low.hart(node)
    target = low.builder.inttoptr(low.program.load_slot(low.builder, hart, slot), PTR)
    values = [hart, *(argument(low, node, position) for position in range(1, len(node.args)))]
    kind = ir.FunctionType(result, [PTR] + [I64] * (len(values) - 1))
    return low.builder.call(as_callee(target, kind), values)


@lowers(intrinsics.device_read)
def _device_read(low: Body, node: ast.Call) -> Value:
    return Value(U64, call_host(low, node, "host_device_read", I64))


@lowers(intrinsics.device_write)
def _device_write(low: Body, node: ast.Call) -> None:
    call_host(low, node, "host_device_write", VOID)


@lowers(intrinsics.warn)
def _warn(low: Body, node: ast.Call) -> None:
    call_host(low, node, "host_warn", VOID)


def _kernel(function: Any) -> Callable[[Body, ast.Call], Value | None]:
    """Lower a primitive as a call of an engine's own kernel function of the same signature."""

    def emit(low: Body, node: ast.Call) -> Value | None:
        return low.invoke(node, low.program.lower(function), [], node.args)

    return emit


PRIMITIVE_LOWERINGS[intrinsics.code_written] = _kernel(decoded.forget)
PRIMITIVE_LOWERINGS[intrinsics.features_changed] = _kernel(decoded.forget_all)
PRIMITIVE_LOWERINGS[intrinsics.is_code_page] = _kernel(decoded.has_code)
