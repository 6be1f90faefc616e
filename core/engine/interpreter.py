# SPDX-License-Identifier: Apache-2.0
"""The native interpreter: one LLVM function per operation, each ending in a tail call of the next.

An operation gets the hart, pc, the decoded entry and the instructions left in the slice in registers. The instruction's own
kernel function is inlined into it; here is only what surrounds it, decided by the function's effects (see subset.effects_of):
what must be in memory before it runs, and whether it can trap, jump, end the slice or change how instructions are fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from core.engine import decoded
from core.engine.boundary import abandon, boundary, deliver, land
from core.engine.breakpoints import stops_here
from core.engine.decoder import decode_at, entry_at_pc, illegal_instruction, operation_of
from core.engine.lower import Program
from core.engine.operands import IMMEDIATE, placement
from core.engine.subset import effects_of, source_of
from core.engine.values import I8, I16, I32, I64, PTR, VOID, Lowered, as_callee
from core.events import Event
from core.isa.encoding import COMPRESSED, Instruction

OPERATION = ir.FunctionType(VOID, [PTR, I64, PTR, I64])
CONVENTION = "preserve_nonecc"
"""Operations keep nothing for their caller, so slow paths cost the fast path no register saves."""
REFETCH = {"tlb_fetch", "tlb_epoch"}
"""Slots whose change means that the next instruction must be looked up anew."""


class Interpreter:
    """Builds the operations into a program."""

    def __init__(self, program: Program, instructions: Sequence[Instruction]) -> None:
        self.program = program
        self.instructions = instructions
        self.operations = [self.declare(f"op.{number}") for number in range(decoded.FIRST_INSTRUCTION)]
        short = {record.base.index for record in COMPRESSED}
        alike: dict[Any, Any] = {}  # instructions of one function share an operation
        for instruction in instructions:
            key = (instruction.function, *placement(instruction).items())
            if key not in alike:
                alike[key] = self.declare(f"op.{instruction.index}.{instruction.name}")
            self.operations.append(alike[key])
            absent = short.isdisjoint((instruction.index, (instruction.over or instruction).index))
            illegal = self.operations[decoded.ILLEGAL]
            self.operations.append(illegal if absent else self.declare(f"op.{instruction.index}.{instruction.name}.short"))
        self.trap = self.declare("op.trap")
        self.fetch_trap = self.declare("op.fetch_trap")
        self.boundary = self.declare("op.boundary")
        self.landing = self.declare("op.landing")
        self.landing_trap = self.declare("op.landing_trap")
        kind = ir.ArrayType(PTR, len(self.operations))
        self.table = ir.GlobalVariable(program.module, kind, "operations")
        self.table.global_constant = True
        self.table.linkage = "internal"
        self.table.initializer = ir.Constant(kind, [ir.FormattedConstant(PTR, f'@"{op.name}"') for op in self.operations])

    def declare(self, name: str) -> Any:
        """A new operation without a body."""
        function = ir.Function(self.program.module, OPERATION, name)
        function.calling_convention = CONVENTION
        function.linkage = "internal"
        function.attributes.add("nounwind")
        for argument, text in zip(function.args, ("hart", "pc", "entry", "left"), strict=True):
            argument.name = text
        function.args[0].add_attribute("noalias")
        return function

    def build(self) -> None:
        """Give every operation its body and make the entry point `hartline_run(hart)`."""
        self.build_decode()
        self.build_lookup()
        self.build_check()
        self.build_trap(self.trap, fetched=True)
        self.build_trap(self.fetch_trap, fetched=False)
        self.build_trap(self.landing_trap, fetched=None)
        self.build_boundary()
        self.build_landing()
        illegal = self.operations[decoded.ILLEGAL]
        self.build_instruction(illegal, illegal_instruction, {}, 4)
        for instruction in self.instructions:
            places = placement(instruction)
            for length, number in ((4, 0), (2, 1)):
                operation = self.operations[decoded.FIRST_INSTRUCTION + 2 * instruction.index + number]
                if operation is not illegal and not operation.blocks:
                    self.build_instruction(operation, instruction.function, places, length)
        run = ir.Function(self.program.module, ir.FunctionType(VOID, [PTR]), "hartline_run")
        builder = ir.IRBuilder(run.append_basic_block("entry"))
        nothing = ir.Constant(PTR, None)
        builder.call(self.boundary, [run.args[0], self.load(builder, run.args[0], "pc"), nothing, I64(0)], cconv=CONVENTION)
        builder.ret_void()

    # -- pieces -------------------------------------------------------------------------------------------------------

    def load(self, builder: Any, hart: Any, slot: str) -> Any:
        """Load a slot of the hart."""
        return self.program.load_slot(builder, hart, slot)

    def store(self, builder: Any, hart: Any, slot: str, value: Any) -> None:
        """Store a slot of the hart."""
        self.program.store_slot(builder, hart, slot, value)

    def entry_part(self, builder: Any, entry: Any, offset: int, kind: Any) -> Any:
        """Load a part of a decoded entry."""
        place = builder.gep(entry, [I64(offset)], inbounds=True, source_etype=I8)
        return self.program.alias(builder.load(place, typ=kind, align=kind.width // 8), "decoded")

    def tail(self, builder: Any, target: Any, values: Sequence[Any]) -> None:
        """Go on with another operation."""
        builder.call(target, values, cconv=CONVENTION, tail="musttail")
        builder.ret_void()

    def dispatch(self, builder: Any, hart: Any, pc: Any, entry: Any, left: Any, number: Any = None) -> None:
        """Go on with the operation of `entry` (or with operation `number` on it)."""
        if number is None:
            number = builder.zext(self.entry_part(builder, entry, 0, I16), I64)
        place = builder.gep(self.table, [I64(0), number], inbounds=True, source_etype=self.table.value_type)
        target = self.program.alias(builder.load(place, typ=PTR), "table")
        self.tail(builder, as_callee(target, OPERATION), [hart, pc, entry, left])

    def call(self, builder: Any, lowered: Lowered, values: Sequence[Any], trapped: Any = None) -> Any:
        """Call a kernel function; if it can trap, branch to `trapped` then. Returns its value."""
        result = builder.call(lowered.llvm, values)
        if not lowered.effects.traps:
            return result
        flag = result if lowered.result is None else builder.extract_value(result, 1)
        fine = builder.append_basic_block("fine")
        builder.cbranch(flag, trapped, fine).set_weights([1, 2000])
        builder.position_at_end(fine)
        return None if lowered.result is None else builder.extract_value(result, 0)

    def begin(self, operation: Any, trap: Any) -> tuple[Any, Any]:
        """A builder for an operation's body, and its block for traps, which goes on with `trap`."""
        builder = ir.IRBuilder(operation.append_basic_block("entry"))
        trapped = operation.append_basic_block("trapped")
        with builder.goto_block(trapped):
            hart, pc, entry, _ = operation.args
            self.tail(builder, trap, [hart, pc, entry, self.load(builder, hart, "left")])
        return builder, trapped

    def sync(self, builder: Any, operation: Any) -> None:
        """Put pc and left where kernel functions look for them."""
        hart, pc, _, left = operation.args
        self.store(builder, hart, "pc", pc)
        self.store(builder, hart, "left", left)

    # -- operations that are not instructions -------------------------------------------------------------------------

    def build_decode(self) -> None:
        """An empty entry: fetch, decode, fill it, go on."""
        operation = self.operations[decoded.DECODE]
        hart, pc, entry, _ = operation.args
        builder, trapped = self.begin(operation, self.fetch_trap)
        self.sync(builder, operation)
        address = builder.ptrtoint(entry, I64)
        filled = self.call(builder, self.program.lower(decode_at), [hart, address], trapped)
        self.dispatch(builder, hart, pc, builder.inttoptr(filled, PTR), self.load(builder, hart, "left"))

    def build_lookup(self) -> None:
        """Find the entry of pc."""
        operation = self.operations[decoded.LOOKUP]
        hart, pc, _, _ = operation.args
        builder, trapped = self.begin(operation, self.fetch_trap)
        self.sync(builder, operation)
        found = self.call(builder, self.program.lower(entry_at_pc), [hart], trapped)
        self.dispatch(builder, hart, pc, builder.inttoptr(found, PTR), self.load(builder, hart, "left"))

    def build_check(self) -> None:
        """An instruction that may have a breakpoint."""
        operation = self.operations[decoded.CHECK]
        hart, pc, entry, left = operation.args
        builder = ir.IRBuilder(operation.append_basic_block("entry"))
        self.sync(builder, operation)
        self.stop_if(builder, operation, self.call(builder, self.program.lower(stops_here), [hart]))
        raw = builder.zext(self.entry_part(builder, entry, 12, I32), I64)
        number = self.call(builder, self.program.lower(operation_of), [hart, raw])
        self.dispatch(builder, hart, pc, entry, left, number)

    def stop_if(self, builder: Any, operation: Any, stop: Any) -> None:
        """If `stop`, leave for the debugger because of a breakpoint."""
        hart = operation.args[0]
        stopping, going = (operation.append_basic_block(name) for name in ("stopping", "going"))
        builder.cbranch(stop, stopping, going)
        builder.position_at_end(stopping)
        event = builder.or_(self.load(builder, hart, "event"), I64(int(Event.BREAKPOINT)))
        self.store(builder, hart, "event", event)
        self.call(builder, self.program.lower(abandon), [hart])
        builder.ret_void()
        builder.position_at_end(going)

    def build_trap(self, operation: Any, fetched: bool | None) -> None:
        """Deliver the Trap in h.trap_* and go on at its handler; `fetched`: there was an instruction, None: h.inst says."""
        hart, _, entry, _ = operation.args
        builder = ir.IRBuilder(operation.append_basic_block("entry"))
        if fetched is not None:
            raw = builder.zext(self.entry_part(builder, entry, 12, I32), I64) if fetched else I64(0)
            self.store(builder, hart, "inst", raw)
        self.call(builder, self.program.lower(deliver), [hart])
        self.proceed(builder, operation, self.load(builder, hart, "npc"), None, self.load(builder, hart, "left"))

    def build_boundary(self) -> None:
        """The end of a slice."""
        hart, pc, entry, left = self.boundary.args
        builder = ir.IRBuilder(self.boundary.append_basic_block("entry"))
        self.store(builder, hart, "pc", pc)
        self.store(builder, hart, "left", left)
        leave = self.call(builder, self.program.lower(boundary), [hart])
        out, on = (self.boundary.append_basic_block(name) for name in ("out", "on"))
        builder.cbranch(leave, out, on)
        builder.position_at_end(out)
        builder.ret_void()
        builder.position_at_end(on)
        values = [hart, self.load(builder, hart, "pc"), entry, self.load(builder, hart, "left")]
        plain, landing = (self.boundary.append_basic_block(name) for name in ("plain", "landing"))
        builder.cbranch(builder.icmp_unsigned("==", self.load(builder, hart, "elp"), I64(0)), plain, landing)
        builder.position_at_end(landing)
        self.tail(builder, self.landing, values)
        builder.position_at_end(plain)
        self.tail(builder, self.operations[decoded.LOOKUP], values)

    def build_landing(self) -> None:
        """The first instruction of a slice must be a landing pad."""
        hart, pc, entry, left = self.landing.args
        builder, trapped = self.begin(self.landing, self.landing_trap)
        self.stop_if(builder, self.landing, self.call(builder, self.program.lower(land), [hart], trapped))
        self.tail(builder, self.operations[decoded.LOOKUP], [hart, pc, entry, left])

    def proceed(self, builder: Any, operation: Any, pc: Any, entry: Any, left: Any) -> None:
        """Go on at `pc`, whose decoded entry is `entry` if known, unless the slice is over."""
        hart = operation.args[0]
        ended, going = (operation.append_basic_block(name) for name in ("ended", "going"))
        builder.cbranch(builder.icmp_unsigned("==", left, I64(0)), ended, going).set_weights([1, 2000])
        builder.position_at_end(ended)
        self.tail(builder, self.boundary, [hart, pc, operation.args[2], left])
        builder.position_at_end(going)
        if entry is None:
            self.tail(builder, self.operations[decoded.LOOKUP], [hart, pc, operation.args[2], left])
        else:
            self.dispatch(builder, hart, pc, entry, left)

    # -- instructions -------------------------------------------------------------------------------------------------

    def build_instruction(
        self, operation: Any, function: Callable[..., Any], places: dict[str, int | str], length: int
    ) -> None:
        """An instruction of `length` bytes: operands out of the entry, its kernel function, on to the next.

        There is an operation for each length, as a length loaded from the entry would delay finding the next one.
        """
        hart, pc, entry, left = operation.args
        effects = effects_of(function)
        builder, trapped = self.begin(operation, self.trap)
        following = builder.add(pc, I64(length))
        if effects.traps or effects.host or "pc" in effects.reads:
            self.store(builder, hart, "pc", pc)
        if effects.traps or effects.host or "left" in effects.reads | effects.writes:
            self.store(builder, hart, "left", left)
        if "npc" in effects.reads | effects.writes:
            self.store(builder, hart, "npc", following)
        values = []
        for name, kind in source_of(function).parameters:
            if kind == "Hart":
                values.append(hart)
            elif places[name] == IMMEDIATE:
                values.append(builder.sext(self.entry_part(builder, entry, 8, I32), I64))
            else:
                values.append(builder.zext(self.entry_part(builder, entry, 2 + int(places[name]), I8), I64))
        self.program.inline_at(builder, function, values, (), trapped)
        if "x" in effects.writes:
            self.program.store_slot(builder, hart, "x", I64(0), I64(0))
        if effects.host or "left" in effects.writes:
            left = self.load(builder, hart, "left")
        left = builder.sub(left, I64(1))
        if "npc" in effects.writes:
            target = self.load(builder, hart, "npc")
            if effects.writes & REFETCH:
                self.proceed(builder, operation, target, None, left)
                return
            same, other = (operation.append_basic_block(name) for name in ("same", "other"))
            distance = builder.xor(pc, target)
            builder.cbranch(builder.icmp_unsigned("<", distance, I64(4096)), same, other)
            builder.position_at_end(other)
            self.proceed(builder, operation, target, None, left)
            builder.position_at_end(same)
            offset = builder.shl(builder.sub(target, pc), I64(decoded.ENTRY_SHIFT))
            self.proceed(builder, operation, target, builder.gep(entry, [offset], source_etype=I8), left)
        elif effects.writes & REFETCH:
            self.proceed(builder, operation, following, None, left)
        else:
            offset = I64(length << decoded.ENTRY_SHIFT)
            self.proceed(builder, operation, following, builder.gep(entry, [offset], source_etype=I8), left)
