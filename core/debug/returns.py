# SPDX-License-Identifier: Apache-2.0
"""Where a trap return would go now, whether it can execute there, and what about it looks like a mistake."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.csr.hypervisor import Hstatus
from core.csr.machine import Mstatus
from core.csr.rnmi import Mnstatus, nmis_off
from core.csr.supervisor import Stvec
from core.csr.translation import Hgatp
from core.csr.vs import Vsstatus
from core.debug.history import last_line
from core.debug.registers import MODE_NAMES
from core.debug.walk import View, Walk, explain
from core.hart import Hart
from core.mmu.modes import Access
from core.trap.causes import Cause

if TYPE_CHECKING:
    from core.debug.target import Debugger

S, M = 1, 3
ECALLS = (Cause.ECALL_U, Cause.ECALL_S, Cause.ECALL_VS)


@dataclass(frozen=True)
class Return:
    """instruction: "sret", "mret" or "mnret"; mode: the name of the mode it goes to; pc: where; walk: of the first fetch there;
    notes: what looks like a mistake, a sentence each; last: what would be one if the return came now."""

    instruction: str
    mode: str
    pc: int
    walk: Walk
    notes: tuple[str, ...]
    last: tuple[str, ...] = ()


def in_rnmi_handler(h: Hart) -> bool:
    """Whether MNRET is the return to come: an RNMI or a double trap has cleared NMIE (after a reset mncause is 0)."""
    return h.mode == M and nmis_off(h) and h.mncause != 0


def trap_return(debugger: Debugger, hart: int = 0) -> Return | None:
    """The return that the hart's mode has: of VS, HS and M; None in U and VU (norm:sret_v0, norm:sret_v1, norm:mret_h,
    norm:mnret_restore)."""
    h: Hart = debugger.machine.harts[hart]
    if h.mode == 0:
        return None
    if h.v:
        instruction, priv, v, pc = "sret", Vsstatus.SPP.of(h.vsstatus), True, h.vsepc
    elif h.mode == S:
        instruction, priv, v, pc = "sret", Mstatus.SPP.of(h.mstatus), bool(Hstatus.SPV.of(h.hstatus)), h.sepc
    elif in_rnmi_handler(h):
        priv = Mnstatus.MNPP.of(h.mnstatus)
        instruction, v, pc = "mnret", bool(Mnstatus.MNPV.of(h.mnstatus)) and priv != M, h.mnepc
    else:
        priv = Mstatus.MPP.of(h.mstatus)
        instruction, v, pc = "mret", bool(Mstatus.MPV.of(h.mstatus)) and priv != M, h.mepc
    view = View.guest(h) if v else View.host(h)
    walk = explain(replace(view, priv=priv), pc, Access.FETCH)
    mode = MODE_NAMES.get((priv, int(v)), "?")
    if not v or h.v:
        return Return(instruction, mode, pc, walk, ())
    return Return(instruction, mode, pc, walk, tuple(_notes(debugger, h, priv, pc, walk)), tuple(_after_exit(debugger, h, pc)))


def _notes(debugger: Debugger, h: Hart, priv: int, pc: int, walk: Walk) -> list[str]:
    """About a return of the hypervisor into a guest."""
    found = []
    if walk.fault is not None:
        found += root_notes(h, pc)
    if Hgatp.MODE.of(h.hgatp) == 0:
        found.append("hgatp.MODE is Bare: the guest will see all physical memory (a MODE that the hart lacks is not taken)")
    if priv == 0 and not _has_exited(h):
        found.append("sstatus.SPP is 0: the guest will start in VU-mode; a kernel wants VS-mode, SPP=1")
    return found + vector_notes(debugger, h)


def _has_exited(h: Hart) -> bool:
    return bool(h.history_next > 0 and h.trap_serial > 0)


def _after_exit(debugger: Debugger, h: Hart, pc: int) -> list[str]:
    """Whether the guest goes on where it should after its last exit."""
    if not _has_exited(h):
        return []
    line = last_line(h)
    if line.kind != "exit" or line.interrupt:
        return []
    where = debugger.place(line.pc, debugger.worlds_known.number_of(line.world))
    if line.cause in ECALLS and pc == line.pc:
        return [f"sepc is still at the ecall of {where}: the guest will make the same call again; go on at sepc + 4"]
    length = 2 if line.inst & 3 != 3 else 4
    if line.inst and length == 2 and pc == line.pc + 4:
        return [
            f"sepc is 4 bytes behind the instruction that trapped at {where}, which has only 2 (bit 1 of htinst is 0 then): "
            "an instruction of the guest is left out, or cut in half"
        ]
    return []


def vector_notes(debugger: Debugger, h: Hart) -> list[str]:
    """Whether stvec names a place where handlers begin."""
    base = Stvec.BASE.of(h.stvec) << Stvec.BASE.lsb
    names = debugger.symbols
    for offset in (2, 1, 3):
        name = names.lookup(base + offset)
        if name is not None and name[1] == 0 and (here := names.lookup(base)) is not None and here[1] != 0:
            return [
                f"stvec = {h.stvec:#x} means address {base:#x}, which is inside {names.format(base)}: {name[0]} is at "
                f"{base + offset:#x}, and bits 1:0 of stvec are its MODE; a handler is aligned to 4 bytes (norm:stvec_sz_base)"
            ]
    return []


def root_notes(h: Hart, address: int) -> list[str]:
    """With which other mode, or root, of hgatp the guest could execute at an address."""
    view, hgatp = View.guest(h), int(h.hgatp)
    if hgatp >> 60 == 0:
        return []
    found, could = [], f"the guest could execute at {address:#x}"
    for mode, name in ((8, "Sv39x4"), (9, "Sv48x4"), (10, "Sv57x4")):
        other = (hgatp & ~Hgatp.MODE.mask) | mode << 60
        if other != hgatp and explain(replace(view, hgatp=other), address, Access.FETCH).fault is None:
            found.append(
                f"with hgatp.MODE = {name} the guest could execute at {address:#x}: the tables seem to be made for that mode"
            )
    for step in (1, 2, 3):
        other = hgatp | step
        if other != hgatp and explain(replace(view, hgatp=other), address, Access.FETCH).fault is None:
            root = Hgatp.PPN.of(other) << 12
            found.append(
                f"with the root page table at {root:#x} {could}: the root has 16 KiB and must be aligned to that, "
                "as hgatp.PPN[1:0] is always 0 (norm:hgatp_ppn_op)"
            )
    return found
