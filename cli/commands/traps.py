# SPDX-License-Identifier: Apache-2.0
"""Traps and interrupts."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.context import HOST, CommandError, Context
from cli.format import NARROW, clip, csr_summary, wrapped
from cli.registry import command

if TYPE_CHECKING:
    from core.debug.external import File
    from core.debug.irq import Timer

TICK = 1e-7
"""Seconds of a tick of mtime."""


@command(
    "trap",
    help="explain the last trap: who took it and why there, what it wrote, why the walk failed, what to look at",
    example="trap",
)
def trap(context: Context) -> Iterator[str]:
    """It also says what looks wrong about the return to come; at the return itself the stop shows more."""
    from core.debug.explain import explain_last_trap
    from core.debug.returns import trap_return

    for line in explain_last_trap(context.debugger, context.hart):
        indent = line[: len(line) - len(line.lstrip())]
        yield from wrapped(line.strip(), context.width, indent) or [""]
    found = trap_return(context.debugger, context.hart)
    if found is not None and found.notes:
        yield ""
        goal = context.debugger.loaded_guest(context.hart) if found.mode.startswith("V") else None
        yield f"before the return ({found.instruction}, to {found.mode}-mode at {context.place(found.pc, goal)}):"
        for note in found.notes:
            yield from wrapped(note, context.width, "  ")


@command("explain", help="the same as `trap`", example="explain")
def explain(context: Context) -> Iterator[str]:
    """See `help trap`."""
    return trap(context)


@command(
    "irq",
    aliases=("interrupts",),
    help="show interrupts: pending, enabled, delegated, injected; timers, PLIC, AIA; what is taken next and where",
    example="irq",
)
def irq(context: Context) -> Iterator[str]:
    """`goes to` follows mideleg and hideleg. What is pending and not taken has the reason beside it."""
    from core.debug import external
    from core.debug import irq as view

    devices = context.debugger.machine.board.devices
    hart = context.debugger.machine.harts[context.hart]
    yield f"hart {context.hart} in {context.debugger.mode_name(context.hart)}-mode"
    yield "No  Name  Enabled  Goes to  Pending"
    for line in view.lines(hart, external.controller_of(devices, hart)):
        left = f"{int(line.interrupt):>2}  {line.interrupt.name:<5} {'yes' if line.enabled else '-':<8} {line.taker:<8} "
        text = line.pending or "-"
        why = view.hindrance(hart, line) if line.pending else ""
        if line.pending:
            text += f"; not taken: {why}" if why else "; can be taken"
        if context.width < NARROW:
            yield clip(left + text, context.width)
        else:
            first, *more = textwrap.wrap(text, max(24, context.width - len(left)))
            yield left + first
            yield from (" " * len(left) + line for line in more)
    injected = [name for name in ("VSSIP", "VSTIP", "VSEIP") if context.field(f"hvip.{name}")]
    seen = [name for name in ("SSIP", "STIP", "SEIP") if context.field(f"vsip.{name}")]
    if context.csr("hvip"):
        text = f"injected: hvip {' '.join(injected) or '0'}; the guest sees vsip {' '.join(seen) or '0'}"
        yield from wrapped(text, context.width)
    yield from wrapped("timers: " + "; ".join(timer_text(timer) for timer in view.timers(hart)), context.width)
    for source in external.sources(devices):
        goes = "; ".join(source.goes) or "nobody"
        yield from wrapped(f"{source.controller} source {source.number}: {source.state}, for {goes}", context.width)
    for each in external.files(hart):
        yield from wrapped(file_text(each), context.width)
    if hart.geilen:
        chosen = context.field("hstatus.VGEIN")
        guest = f"; hstatus.VGEIN chooses guest file {chosen} for VSEIP" if chosen else "; hstatus.VGEIN is 0: no guest file"
        yield from wrapped(f"guest external: hgeip {hart.hgeip:#x}, hgeie {hart.hgeie:#x}{guest}", context.width)
    for name in ("mtopi", "stopi", "vstopi"):
        csr = context.csr(name)
        if csr is not None and (value := context.value(name)):
            yield f"{name}: {csr_summary(csr, value)}"
    coming = view.next_interrupt(hart)
    if coming is None:
        yield "next: none can be taken now"
    else:
        world = context.debugger.loaded_guest(context.hart) if coming.mode == "VS" else HOST
        where = context.place(coming.vector, world)
        text = f"next: {coming.interrupt.words}, taken before the next instruction in {coming.mode}-mode at {where}"
        yield from wrapped(text, context.width)


def file_text(file: File) -> str:
    """An interrupt file of the IMSIC in words."""

    def numbers(found: tuple[int, ...]) -> str:
        return " ".join(map(str, found)) or "none"

    state = "" if file.delivers else ", eidelivery is 0"
    limit = f", only below {file.threshold} (eithreshold)" if file.threshold else ""
    top = f"; first {file.top}" if file.top else ""
    return f"IMSIC {file.name} file: pending {numbers(file.pending)}, enabled {numbers(file.enabled)}{limit}{state}{top}"


def timer_text(timer: Timer) -> str:
    """A timer in words."""
    if timer.left is None:
        return f"{timer.register} never"
    seconds = abs(timer.left) * TICK
    span = f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"
    if timer.left <= 0:
        return f"{timer.register} over since {span} ({timer.makes} pending)"
    return f"{timer.register} in {span} ({timer.left:,} ticks), then {timer.makes}"


@command("nmi [N]", help="signal a resumable non-maskable interrupt (Smrnmi) to the hart, or to hart N", example="nmi")
def nmi(context: Context, index: int | None) -> Iterator[str]:
    """The hart goes to the RNMI trap handler before its next instruction; with mnstatus.NMIE clear, as soon as that is
    set. `--cpu rv64,smrnmi=on,rnmi-interrupt-vector=ADDRESS` says where that handler is.
    """
    from core.csr.rnmi import Mnstatus

    debugger = context.debugger
    number = context.hart if index is None else index
    if number >= debugger.harts:
        last = debugger.harts - 1
        raise CommandError(f"no hart {number}; there is hart 0 {f'to {last}' if last else 'only'}")
    refused = debugger.nmi(number)
    if refused is not None:
        yield refused
        return
    if debugger.running:
        yield f"hart {number}: an RNMI is signalled"
        return
    hart = debugger.machine.harts[number]
    if Mnstatus.NMIE.of(hart.mnstatus):
        where = context.place(hart.rnmi_interrupt_vector, HOST)
        yield f"hart {number}: an RNMI is signalled; its handler is at {where}"
    else:
        yield f"hart {number}: an RNMI is signalled; it waits until software sets mnstatus.NMIE"
