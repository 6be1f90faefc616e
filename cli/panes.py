# SPDX-License-Identifier: Apache-2.0
"""What the panes of the full-screen view show: lines with their styles, no terminal in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.format import code_line, csr_summary
from cli.listing import lines_before
from cli.remarks import remark
from cli.snapshot import changes
from cli.state import look
from cli.summary import notice
from cli.timeline import duration_text

if TYPE_CHECKING:
    from cli.context import Context

Styled = list[tuple[str, str]]
HERE, CHANGED = "class:here", "class:changed"
SHOWN_CSRS = (
    "hstatus hgatp sstatus sepc scause stval htval htinst stvec satp hedeleg hideleg hvip hie sie "
    "vsstatus vsatp vsepc vscause vstval vstvec vsie vsip mstatus mepc mcause mtval"
).split()
EVENTS = 200


class Content:
    """The panes' lines. While the machine runs the last ones stay."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._kept: dict[str, Styled] = {}

    def _standing(self) -> bool:
        debugger = self.context.debugger
        if debugger.running:
            return False
        self.context.hart = debugger.stop.hart
        notice(self.context, debugger.stop)
        return True

    def _keep(self, name: str, lines: Styled | None) -> Styled:
        if lines is not None:
            self._kept[name] = lines
        return self._kept.get(name, [("", "running ...")])

    def _changed(self) -> dict[str, int]:
        before, now = self.context.snapshots.get("before"), self.context.snapshots.get("stop")
        return {c.name: c.old for c in changes(before, now)} if before and now else {}

    def status(self) -> str:
        """One line: where it stands, or that it runs."""
        from core.debug.target import DebugError

        try:
            if not self._standing():
                return " running (Ctrl-C stops) "
            state = look(self.context)
        except DebugError:
            return " running (Ctrl-C stops) "
        stop = self.context.debugger.stop
        return f" {state.mode}-mode | {state.world} | {state.place} | {state.retired:,} retired | {stop.text} "

    def code(self, width: int, height: int) -> Styled:
        """Source around pc, if there is any, and below it instructions."""
        from core.debug.target import DebugError

        try:
            return self._keep("code", self._code(width, height) if self._standing() else None)
        except DebugError as problem:
            return self._keep("code", [("", str(problem))])

    def _code(self, width: int, height: int) -> Styled:
        context, found = self.context, []
        pc = context.value("pc")
        program = context.program()
        place = program[0].line_of(pc) if program else None
        text = program[0].text(place.file) if program and place else None
        rows = height // 2 if text else 0
        if program and place and text:
            found.append(("", f"{place.file}:{place.line}"))
            first = max(1, place.line - (rows - 1) // 2)
            for number in range(first, min(first + rows - 2, len(text) + 1)):
                here = number == place.line
                found.append((HERE if here else "", f"{'=>' if here else '  '} {number:>4} {text[number - 1].expandtabs(4)}"))
            found.append(("", ""))
        left = max(3, height - len(found))
        before = lines_before(context, pc, left // 3)
        for line in (*before, *context.debugger.disassemble(pc, left - len(before), hart=context.hart)):
            here = line.address == pc
            found.append((HERE if here else "", code_line(line, at_pc=here, width=width)))
        return found

    def registers(self, width: int, height: int) -> Styled:
        """General registers and pc, those that have changed marked."""
        return self._keep("registers", self._registers(width) if self._standing() else None)

    def _registers(self, width: int) -> Styled:
        context, changed = self.context, self._changed()
        names = [name for name in context.debugger.register_names()[:32] if name != "zero"]
        columns = max(1, width // 24)
        rows = -(-len(names) // columns)
        found: Styled = [("", f"pc    {context.place(context.value('pc'))}")]
        for row in range(rows):
            part = names[row::rows]
            text = "  ".join(f"{'*' if n in changed else ' '}{n:<4} {context.value(n):016x}" for n in part)
            found.append((CHANGED if any(n in changed for n in part) else "", text))
        return found

    def csrs(self, width: int, height: int) -> Styled:
        """The CSRs that matter to hypervisors; first those that have changed."""
        return self._keep("csrs", self._csrs() if self._standing() else None)

    def _csrs(self) -> Styled:
        context, changed = self.context, self._changed()
        present = [name for name in SHOWN_CSRS if context.csr(name)]
        others = [name for name in changed if name not in present and context.csr(name)]
        found: Styled = []
        for name in sorted([*present, *others], key=lambda n: n not in changed):
            csr, value = context.csr(name), context.value(name)
            if csr is None or (not value and name not in changed):
                continue
            mark = "*" if name in changed else " "
            summary = csr_summary(csr, value) if len(csr.fields) > 1 else ""
            if not summary or name.endswith(("cause", "tvec")):
                summary = remark(name, value, context.symbol_of_csr(name)) or summary
            found.append((CHANGED if name in changed else "", f"{mark}{name:<9} {value:#x} {summary}"))
        return found

    def switches(self, width: int, height: int) -> Styled:
        """World switches and traps, the latest last."""
        return self._keep("switches", self._switches() if self._standing() else None)

    def _switches(self) -> Styled:
        from cli.timeline import all_events, moment

        debugger = self.context.debugger
        names = {world.number: world.name.partition(" (")[0] for world in debugger.worlds()}
        found: Styled = []
        for event in all_events(debugger)[-EVENTS:]:
            what = {"entry": "->", "exit": "<-", "trap": "!!"}[event.kind]
            cause = "" if event.kind == "entry" else f" {event.text}"
            span = f" {duration_text(event.duration)}" if event.duration is not None else ""
            found.append(("", f"{moment(debugger, event)} {what} {names[event.world]}{cause}{span}"))
        return found
