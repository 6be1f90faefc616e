# SPDX-License-Identifier: Apache-2.0
"""The last trap in words: what happened, who took it and why there, what it wrote, why the walk failed, what to look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.boot.sbi.registry import call_name
from core.csr.fields import Field
from core.debug.hints import hints
from core.debug.hints_address import MISALIGNED
from core.debug.hints_trap import VECTORS
from core.debug.lasttrap import Change, LastTrap
from core.debug.loops import trap_loop
from core.debug.registers import MODE_NAMES
from core.debug.walk import Walk, WalkStep
from core.hart import Hart
from core.isa.disassemble import disassemble
from core.mmu.pte import FIELDS
from core.trap.causes import INTERRUPT_BIT, Cause, describe
from core.trap.rnmi import EXCEPTION, INTERRUPT

if TYPE_CHECKING:
    from core.debug.target import Debugger

ACCESS_WORDS = ("load", "store", "fetch", "HLVX load", "cache-block operation", "shadow-stack load", "shadow-stack store")
A6, A7 = 16, 17
SDT_RULES = {"sstatus": "norm:sstatus_sdt_trap", "vsstatus": "norm:vsstatus_sdt_op"}
NEVER_THE_GUESTS = (9, 10, 11, 16, 20, 21, 22, 23)
"""Exceptions whose hedeleg bit is read-only zero (norm:hedeleg_acc)."""


def explain_last_trap(debugger: Debugger, hart: int = 0) -> list[str]:
    """Lines for the user about the last trap of a hart, whoever took it."""
    h: Hart = debugger.machine.harts[hart]
    trap = LastTrap.of(h)
    if trap is None:
        return ["no trap has been taken since reset" if not h.trap_serial else "the last trap is no longer in the history"]
    lines = [*_what(debugger, trap), "", *_who(trap), "", *_wrote(trap)]
    walk = trap.walk()
    if walk is not None:
        lines += ["", *_walk(trap, walk)]
    found = hints(debugger, trap, walk)
    if found:
        lines += ["", "what to look at:", *(f"  {hint}" for hint in found)]
    if loop := trap_loop(debugger, h):
        lines += ["", loop]
    return lines


def _mode(number: int) -> str:
    return MODE_NAMES.get((number & 3, number >> 2), "?")


def _what(debugger: Debugger, trap: LastTrap) -> Iterator[str]:
    """The cause, and where it happened."""
    line, worlds = trap.line, debugger.worlds_known
    number = worlds.number_of(line.world)
    code = line.cause & ~INTERRUPT_BIT
    kind = "interrupt" if line.interrupt else "cause"
    since = "no instruction executed since" if trap.ago == 0 else f"{trap.ago} instruction{'s' * (trap.ago > 1)} ago"
    yield f"{describe(line.cause, line.tval)} ({kind} {code}), {since}"
    where = f"in {_mode(line.from_mode)}-mode of {worlds.name(number)}, at {_place(debugger, line.pc, number)}"
    text = f": {disassemble(line.inst, line.pc, None, trap.hart.features)}" if line.inst else ""
    yield f"  {where}{text}"
    if trap.unexpected:
        yield f"  the trap that could not be taken: {describe(trap.unexpected[1])}"
    if trap.expected:
        yield f"  a landing pad was expected here, {_jump(debugger, trap, number)}"
    if line.gpa:
        yield f"  guest virtual address {line.tval:#x}, guest physical address {line.gpa:#x}"
    elif trap.access is not None or (line.cause in MISALIGNED and not line.interrupt):
        yield f"  {'guest ' if trap.rights[1] else ''}virtual address {line.tval:#x}"
    if line.cause == Cause.ECALL_VS and trap.ago == 0:
        yield f"  the guest calls its SBI: {call_name(trap.hart.x[A7], trap.hart.x[A6])}"


def _jump(debugger: Debugger, trap: LastTrap, world: int) -> str:
    """What made a landing pad expected."""
    if trap.jump is None:
        return "as the last return from a trap found it in xPELP"
    return f"because of the indirect jump at {_place(debugger, trap.jump, world)}"


def _place(debugger: Debugger, address: int, world: int) -> str:
    words = debugger.place(address, world)
    return words if words.startswith("0x") else f"{address:#x} <{words}>"


def _bit(name: str, number: int, value: int) -> str:
    return f"{name} bit {number} is {value >> number & 1}"


def _who(trap: LastTrap) -> Iterator[str]:
    """The delegation decision (norm:H_trap_deleg)."""
    h, line = trap.hart, trap.line
    number = line.cause & ~INTERRUPT_BIT
    taker = _mode(line.to_mode)
    yield f"taken in {taker}-mode, because:"
    if trap.rnmi_kind == INTERRUPT:
        if line.interrupt and not number:
            yield "  an RNMI always goes there, to a handler of its own (norm:rnmi_enter_mmode)"
        else:
            yield "  mstatus.MDT was 1, a double trap: the RNMI trap handler gets it (norm:trap_unexp_hndl_rnmi)"
        return
    if line.from_mode == 3:
        yield "  a trap in M-mode stays in M-mode"
        if trap.rnmi_kind == EXCEPTION:
            yield "  mnstatus.NMIE was 0: the RNMI exception trap handler gets it (norm:rnmi_exception_nmie0)"
        return
    if trap.unexpected:
        register = trap.unexpected[0]
        yield f"  {register}.SDT was 1: a trap that its handler was not ready for goes to M-mode ({SDT_RULES[register]})"
        return
    machine, guest = ("mideleg", "hideleg") if line.interrupt else ("medeleg", "hedeleg")
    if h.builtin_sbi and not line.interrupt:
        yield "  M-mode is the built-in SBI, which hands this down"
    else:
        yield f"  {_bit(machine, number, getattr(h, machine))}: {'M-mode handles it' if line.to_mode == 3 else 'not M-mode'}"
        if line.to_mode == 3:
            return
    if not trap.guest:
        yield "  it came from V=0: HS-mode handles it"
        return
    delegated = getattr(h, guest)
    where = "the guest itself handles it" if line.to_mode == 5 else "HS-mode handles it, a VM exit"
    if not line.interrupt and number in NEVER_THE_GUESTS:
        where += " (it never goes to the guest)"
    yield f"  it came from V=1, and {_bit(guest, number, delegated)}: {where}"


def _wrote(trap: LastTrap) -> Iterator[str]:
    yield "it wrote:"
    for change in trap.changes():
        yield "  " + _change(change)
    line = trap.line
    vector = VECTORS.get(trap.rnmi_kind) or {3: "mtvec", 1: "stvec", 5: "vstvec"}[line.to_mode]
    value = getattr(trap.hart, vector.replace("-", "_"))
    yield f"  pc       {line.pc:#x} -> the handler, {vector} = {value:#x}"


def _change(change: Change) -> str:
    """One CSR, old -> new, with the fields that changed."""
    text = f"{change.csr.name:<8} {change.old:#x} -> {change.new:#x}"
    if change.old == change.new:
        text = f"{change.csr.name:<8} {change.new:#x}, as before"
    if change.csr.name.endswith("cause"):
        text += f" ({describe(change.new)})"
    fields = change.fields() if change.csr.name.endswith("status") else []
    if fields:
        text += f" ({', '.join(_field(*each) for each in fields)})"
    if change.now != change.new:
        text += f"; by now {change.now:#x}"
    return text


def _field(field: Field, old: int, new: int) -> str:
    words = field.words(new)
    return f"{field.name} {old} -> {new}{f' {words}' if words else ''}"


def _walk(trap: LastTrap, walk: Walk) -> Iterator[str]:
    """The translation of the access that failed, replayed."""
    priv, v = trap.rights
    who = f"as {_mode(priv | (4 if v else 0))}-mode"
    access = ACCESS_WORDS[trap.access or 0]
    yield f"the translation of this {access} at {trap.line.tval:#x}, {who}, replayed in memory as it is now:"
    for step in walk.steps:
        yield f"  {step_words(step)}"
    if walk.fault is not None:
        yield f"  fault: {walk.fault}"
    else:
        yield f"  succeeds now, at physical address {walk.spa or 0:#x}"


def step_words(step: WalkStep) -> str:
    """A page-table entry in a line."""
    bits = "".join(field.name if field.of(step.pte) else "-" for field in FIELDS if field.msb < 8)
    place = f"GPA {step.pte_address:#x}" if step.stage == "VS" else f"{step.pte_address:#x}"
    mark = "" if step.ok else "  <-- fails"
    return f"{step.stage:<2} level {step.level}: entry at {place}: {step.pte:#x}  {bits}  {step.text}{mark}"
