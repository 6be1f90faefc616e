# SPDX-License-Identifier: Apache-2.0
"""Where a hart stands, gathered in one place for the prompt's toolbar, the stop summary and `mode`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.context import Context

PRIVILEGE_OF_SPP = ("U", "S")


@dataclass(frozen=True)
class HartState:
    """A hart that stands still."""

    hart: int
    mode: str
    vmid: int
    pc: int
    place: str
    """pc as symbol+offset, or the bare address."""
    retired: int
    world: str
    """`host` or `guest 1 (vmid 1)`."""
    landing: bool = False
    """Whether a landing pad is expected (ELP)."""
    shadow: bool = False
    """Whether the mode has an active shadow stack (xSSE)."""


def look(context: Context) -> HartState:
    """The state of the context's hart. Raises MachineRunning."""
    from core.csr.shadow import shadow_stack_active

    debugger, hart = context.debugger, context.hart
    pc = debugger.read_register("pc", hart)
    return HartState(
        hart=hart,
        mode=debugger.mode_name(hart),
        vmid=context.field("hgatp.VMID"),
        pc=pc,
        place=context.table(pc).format(pc),
        retired=debugger.retired(hart),
        world=debugger.current_world(hart).name,
        landing=bool(debugger.machine.harts[hart].elp),
        shadow=shadow_stack_active(debugger.machine.harts[hart]),
    )


def return_target(context: Context, mode: str) -> tuple[str, str, int] | None:
    """(instruction, mode it goes to, pc it goes to) of the trap return of a hart in `mode`; None in U and VU.

    sret: norm:sret_v0, norm:sret_v1. mret: norm:mret_h. mnret: norm:mnret_restore.
    """
    from core.debug.returns import in_rnmi_handler

    field = context.field
    if mode == "VS":
        return "sret", "VS" if field("vsstatus.SPP") else "VU", context.value("vsepc")
    if mode == "HS":
        nominal = PRIVILEGE_OF_SPP[field("sstatus.SPP")]
        virtual = field("hstatus.SPV")
        return "sret", _mode(virtual, nominal), context.value("sepc")
    if mode == "M" and in_rnmi_handler(context.debugger.machine.harts[context.hart]):
        nominal = {0: "U", 1: "S", 3: "M"}.get(field("mnstatus.MNPP"), "U")
        return "mnret", _mode(field("mnstatus.MNPV"), nominal), context.value("mnepc")
    if mode == "M":
        previous = field("mstatus.MPP")
        nominal = {0: "U", 1: "S", 3: "M"}.get(previous, "U")
        virtual = field("mstatus.MPV") if nominal != "M" else 0
        return "mret", _mode(virtual, nominal), context.value("mepc")
    return None


def _mode(virtual: int, nominal: str) -> str:
    if nominal == "M":
        return "M"
    if virtual:
        return "V" + nominal
    return "HS" if nominal == "S" else nominal
