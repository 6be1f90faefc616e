# SPDX-License-Identifier: Apache-2.0
"""Modes, registers and CSRs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from cli.context import CommandError, Context
from cli.expression import ExpressionError
from cli.format import (
    MODE_WORDS,
    NARROW,
    compress,
    csr_lines,
    csr_note,
    csr_row,
    csr_summary,
    field_meaning,
    field_value,
    folded,
    plural,
    register_lines,
    wrap_list,
)
from cli.registry import command
from cli.remarks import remark
from cli.state import look, return_target
from core.suggest import did_you_mean

if TYPE_CHECKING:
    from core.csr.csr import Csr

ALIASES = {"h": "hypervisor", "hs": "supervisor", "s": "supervisor", "m": "machine", "u": "unprivileged"}
"""Short names for groups of CSRs."""


@command("mode", help="show mode and world, where the hart is, and where a trap return would go", example="mode")
def mode(context: Context) -> Iterator[str]:
    """The world is the host (V=0) or a guest, told apart by hgatp.VMID."""
    state = look(context)
    virtual = int(state.mode.startswith("V"))
    yield f"hart {state.hart}: {state.mode}-mode ({MODE_WORDS[state.mode]}, V={virtual}), world: {state.world}"
    yield f"  pc           {context.place(state.pc)}"
    if state.landing:
        yield "  elp          LP_EXPECTED: the instruction at pc must be a landing pad"
    if state.shadow:
        yield f"  ssp          {context.place(context.debugger.read_register('ssp', state.hart))}, shadow stack active"
    if virtual:
        yield f"  VS-stage     vsatp: {csr_in_short(context, 'vsatp')}"
        yield f"  G-stage      hgatp: {csr_in_short(context, 'hgatp')}"
    else:
        yield f"  translation  satp: {csr_in_short(context, 'satp')}"
        yield f"  guest        hgatp: {csr_in_short(context, 'hgatp')}"
    if target := return_target(context, state.mode):
        instruction, next_mode, pc = target
        world = context.debugger.loaded_guest(context.hart) if next_mode.startswith("V") else None
        yield f"  {instruction:<11}  would go to {next_mode}-mode at {context.place(pc, world)}"
    yield f"  retired      {plural(state.retired, 'instruction')}"
    yield from folded(f"  last stop    {context.debugger.stop.text}", context.width)


def csr_in_short(context: Context, name: str) -> str:
    """The fields of a CSR that are not zero."""
    csr = context.csr(name)
    return csr_summary(csr, context.value(name)) if csr else "none"


@command(
    "csr [CSR] [= VALUE]",
    help="decode a CSR, a field or a group of CSRs; with = write it",
    example="csr hstatus.SPV = 1",
)
def csr(context: Context, name: str | None, value: str | None) -> Iterator[str]:
    """NAME or the address (0x680) shows every field, NAME.FIELD one; a group (machine, supervisor, hypervisor, vs,
    unprivileged) or a pattern as `h*` shows a line for each. Names never change meaning with V: satp is the hypervisor's,
    vsatp the guest's.

    A write shows what legalization (WARL) made of the value. Fields also take their values' names, scause and its like
    those of causes: csr hgatp.MODE=Sv39x4, csr scause=load_page_fault.
    """
    if name is None:
        if value is not None:
            raise CommandError("csr: write to which one? csr NAME = VALUE")
        yield from _groups(context, list(context.debugger.csrs()))
    elif value is not None:
        yield from _write(context, name, value)
    elif "." in name:
        yield from _field(context, name)
    elif found := context.csr(name):
        number = context.value(found.name)
        yield from csr_lines(found, number, context.width, remark(found.name, number, context.symbol_of_csr(found.name)))
    else:
        yield from _groups(context, _select(context, name))


def _select(context: Context, name: str) -> list[type[Csr]]:
    """The CSRs of a group or matching a pattern."""
    csrs = context.debugger.csrs()
    wanted = name.lower()
    group = ALIASES.get(wanted, wanted)
    groups = {c.group for c in csrs}
    if group == "vs" and "vs" not in groups:
        group, groups = "vs*", set()
    chosen = [c for c in csrs if (c.group == group if group in groups else fnmatchcase(c.name, group))]
    if not chosen:
        hint = did_you_mean(name, [*(c.name for c in csrs), *groups])
        raise CommandError(f"no CSR or group {name!r}{hint or '; csr alone lists all'}")
    return chosen


def _groups(context: Context, csrs: list[type[Csr]]) -> Iterator[str]:
    """A line for each CSR that is not zero; the zero ones together in one paragraph, by group."""
    for group in dict.fromkeys(c.group for c in csrs):
        yield f"{group}:"
        zero = []
        for one in (c for c in csrs if c.group == group):
            number = context.value(one.name)
            if number:
                yield csr_row(one, number, context.width, remark(one.name, number, context.symbol_of_csr(one.name)))
            else:
                zero.append(one.name)
        if zero:
            yield from wrap_list(["zero:", *compress(zero)], context.width, "  ")


def _known_field(context: Context, name: str) -> tuple[type[Csr], str]:
    found = context.find_field(name)
    if found is not None:
        return found[0], found[1].name
    csr_name, _, field_name = name.partition(".")
    owner = context.csr(csr_name)
    if owner is None:
        raise CommandError(f"no CSR {csr_name!r}{did_you_mean(csr_name, [c.name for c in context.debugger.csrs()])}")
    names = [f.name for f in owner.fields]
    hint = did_you_mean(field_name, names) or (f"; it has {', '.join(names)}" if names else "; it has no fields")
    raise CommandError(f"{owner.name} has no field {field_name!r}{hint}")


def _field(context: Context, name: str) -> Iterator[str]:
    owner, field_name = _known_field(context, name)
    field = next(f for f in owner.fields if f.name == field_name)
    value = field.of(context.value(owner.name))
    meaning = field_meaning(owner, field, value)
    yield f"{owner.name}.{field.name} = {field_value(value)}" + (f"   {meaning}" if meaning else "")


def _setting(context: Context, text: str, name: str, value_of: Callable[[str], int | None], names: Iterable[str]) -> int:
    """The value of an expression, or of one of the names that values of `name` have. Raises CommandError."""
    named = value_of(text)
    if named is not None and not text[:1].isdigit():
        return named
    try:
        return context.evaluate(text)
    except ExpressionError as problem:
        known = ", ".join(each for each in names if each.isidentifier())
        if known and text.isidentifier():
            raise CommandError(f"{text!r} is no value of {name}; it takes numbers and {known}") from None
        raise CommandError(str(problem)) from None


def _write(context: Context, name: str, text: str) -> Iterator[str]:
    """Write a CSR or a field; tell what it holds afterwards."""
    from core.debug.specs import value_named

    if "." in name:
        owner, field_name = _known_field(context, name)
        field = next(f for f in owner.fields if f.name == field_name)
        named = partial(value_named, owner, field)
        value = _setting(context, text, f"{owner.name}.{field.name}", named, field.values.values())
        if value >> field.width:
            room = plural(field.width, "bit")
            raise CommandError(f"{value:#x} does not fit into {owner.name}.{field.name}, which has {room}")
        old = context.value(owner.name)
        context.debugger.write_register(owner.name, (old & ~field.mask) | (value << field.lsb), context.hart)
        now = field.of(context.value(owner.name))
        result = f"{owner.name}.{field.name} = {field_value(now)}"
        wanted = field_value(value)
        changed, why = now != value, f"{field.kind} field"
    else:
        found = context.csr(name)
        if found is None:
            raise CommandError(f"no CSR {name!r}{did_you_mean(name, [c.name for c in context.debugger.csrs()])}")
        value = _setting(context, text, found.name, partial(value_named, found, None), ())
        now = context.debugger.write_register(found.name, value, context.hart)
        result, wanted = f"{found.name} = {now:#x}", f"{value:#x}"
        changed, why = now != value, "legalized"
        if note := csr_note(found, now, remark(found.name, now, context.symbol_of_csr(found.name))):
            result += f"   {note}"
    yield result + (f"   ({wanted} was written: {why})" if changed else "")


@command("regs", aliases=("registers",), help="show the integer registers and pc", example="regs")
def regs(context: Context) -> Iterator[str]:
    """By ABI names. pc is shown with its symbol."""
    names = [n for n in context.debugger.register_names()[:32] if n != "zero"]
    values = [(name, context.value(name)) for name in names]
    yield from register_lines(values, context.width, {})
    pc = context.value("pc")
    yield f"pc    {pc:016x} {context.symbol_at(pc) or ''}".rstrip()
    if context.width >= NARROW:
        named = [f"{n}={s}" for n, v in values if (s := context.symbol_at(v))]
        if named:
            yield from wrap_list(["symbols:", *named], context.width, "  ")


@command("set REGISTER [= VALUE]", help="write a register, CSR or field", example="set $a0 = 0x80000000")
def set_(context: Context, name: str, text: str | None) -> Iterator[str]:
    """As in gdb; shows what the register holds afterwards. Fields and mode also take their values' names: set $mode = HS."""
    if text is None:
        raise CommandError("set: which value? set $a0 = 1")
    name = name.removeprefix("var").removeprefix("$")
    if "." in name or context.csr(name):
        yield from _write(context, name, text)
        return
    from core.debug.registers import MODE_NUMBERS, register_named

    known = register_named(name)
    if not context.is_register(known):
        raise CommandError(f"no register {name!r}{context.hint(name, registers_only=True)}")
    modes = MODE_NUMBERS if known in ("mode", "priv") else {}
    value = _setting(context, text, known, lambda word: modes.get(word.upper()), modes)
    now = context.debugger.write_register(known, value, context.hart)
    yield f"{known} = {now:#x}" + (f"   ({value:#x} was written: legalized)" if now != value else "")
