# SPDX-License-Identifier: Apache-2.0
"""The interrupts of a hart at a glance: what makes each pending, whether it is enabled, who would take it, and what is next."""

from __future__ import annotations

from dataclasses import dataclass

from core.csr.config import sstc_enabled, vs_sstc_enabled
from core.csr.hypervisor import Hstatus
from core.csr.interrupts import guest_time, pending
from core.csr.machine import Mstatus
from core.csr.rnmi import Mnstatus, nmis_off
from core.csr.vs import Vsstatus
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import now
from core.trap.causes import INTERRUPT_BIT, Interrupt
from core.trap.interrupts import pending_interrupt

NEVER = (1 << 64) - 1
NEEDED = {Interrupt.LCOFI: Feature.SSCOFPMF, Interrupt.RNMI: Feature.SMRNMI}
VIRTUAL = (Interrupt.VSSI, Interrupt.VSTI, Interrupt.VSEI)


@dataclass(frozen=True)
class Line:
    """An interrupt: by what it is pending ("" when it is not), whether its enable bit is set, the mode it goes to."""

    interrupt: Interrupt
    pending: str
    enabled: bool
    taker: str


@dataclass(frozen=True)
class Timer:
    """A timer: the register it compares with, ticks (100 ns) to go (negative: over, None: never), what it makes pending."""

    register: str
    left: int | None
    makes: str


@dataclass(frozen=True)
class Next:
    """The interrupt to be taken before the next instruction: where, and by which mode."""

    interrupt: Interrupt
    mode: str
    vector: int


def lines(h: Hart, controller: str = "PLIC") -> list[Line]:
    """Every interrupt that the hart has; controller: what drives its external interrupt lines."""
    bits = pending(h)
    found = []
    for each in Interrupt:
        hypervisor = each in VIRTUAL or each == Interrupt.SGEI
        needed = Feature.H if hypervisor else NEEDED.get(each, Feature(0))
        if h.features & needed != needed or (each == Interrupt.SGEI and not h.geilen):
            continue
        if each == Interrupt.RNMI:
            found.append(Line(each, "signalled" if h.rnmi else "", bool(Mnstatus.NMIE.of(h.mnstatus)), "M"))
            continue
        why = source_of(h, each, controller) if bits >> each & 1 else ""
        found.append(Line(each, why, bool(h.mie >> each & 1), taker(h, each)))
    return found


def taker(h: Hart, interrupt: int) -> str:
    """The mode that handles an interrupt, by mideleg and hideleg."""
    if not h.mideleg >> interrupt & 1:
        return "M"
    return "VS" if h.hideleg >> interrupt & 1 and h.features & Feature.H else "HS"


def source_of(h: Hart, interrupt: Interrupt, controller: str) -> str:
    """What makes a pending interrupt pending."""
    bit = 1 << interrupt
    vgein = Hstatus.VGEIN.of(h.hstatus)
    reasons: dict[Interrupt, list[tuple[bool, str]]] = {
        Interrupt.VSSI: [(bool(h.mip & bit), "hvip.VSSIP")],
        Interrupt.VSTI: [
            (bool(h.hvip & bit), "hvip.VSTIP"),
            (vs_sstc_enabled(h) and guest_time(h) >= h.vstimecmp, "time + htimedelta >= vstimecmp"),
        ],
        Interrupt.VSEI: [
            (bool(h.hvip & bit), "hvip.VSEIP"),
            (bool(vgein and h.hgeip >> vgein & 1), f"hgeip bit {vgein} (hstatus.VGEIN)"),
        ],
        Interrupt.SGEI: [(True, "hgeip & hgeie")],
        Interrupt.STI: [
            (sstc_enabled(h) and now(h) >= h.stimecmp, "time >= stimecmp"),
            (not sstc_enabled(h) and bool(h.mip & bit), "mip.STIP"),
            (not sstc_enabled(h) and bool(h.builtin_sbi), "the built-in SBI's timer: mtime >= mtimecmp"),
        ],
        Interrupt.MTI: [(True, "mtime >= mtimecmp")],
        Interrupt.SSI: [(True, "mip.SSIP")],
        Interrupt.SEI: [(bool(h.irq_lines & bit), controller), (bool(h.mip & bit), "mip.SEIP")],
        Interrupt.MEI: [(True, controller)],
        Interrupt.MSI: [(True, "CLINT msip")],
        Interrupt.LCOFI: [(True, "mip.LCOFIP")],
    }
    return ", ".join(words for true, words in reasons.get(interrupt, []) if true) or "pending"


def timers(h: Hart) -> list[Timer]:
    """mtimecmp, stimecmp, vstimecmp, as far as they do something."""

    def left(compare: int, time: int) -> int | None:
        return None if compare == NEVER else compare - time

    found = [Timer("mtimecmp", left(h.mtimecmp, now(h)), "MTI")]
    if sstc_enabled(h):
        found.append(Timer("stimecmp", left(h.stimecmp, now(h)), "STI"))
    if vs_sstc_enabled(h):
        found.append(Timer("vstimecmp", left(h.vstimecmp, guest_time(h)), "VSTI"))
    return found


def next_interrupt(h: Hart) -> Next | None:
    """What will be taken before the next instruction, None if nothing can be."""
    found = pending_interrupt(h)
    if not found:
        return None
    number = (found - 1) & ~INTERRUPT_BIT
    if number == Interrupt.RNMI:
        return Next(Interrupt.RNMI, "M", h.rnmi_interrupt_vector)
    mode = taker(h, number)
    vector = {"M": h.mtvec, "HS": h.stvec, "VS": h.vstvec}[mode]
    code = number - 1 if mode == "VS" and number in VIRTUAL else number
    return Next(Interrupt(number), mode, (vector & ~3) + (4 * code if vector & 3 == 1 else 0))


def hindrance(h: Hart, line: Line) -> str:
    """Why a pending interrupt is not taken now, "" if it could be."""
    enable = {"M": "mie", "HS": "hie" if line.interrupt in (*VIRTUAL, Interrupt.SGEI) else "sie", "VS": "vsie"}[line.taker]
    name = line.interrupt.name if line.taker != "VS" else line.interrupt.name.removeprefix("V")
    if nmis_off(h):
        return "mnstatus.NMIE is 0"
    if line.interrupt == Interrupt.RNMI:
        return ""
    if not line.enabled:
        return f"{enable}.{name}E is 0"
    if line.taker == "M":
        if h.builtin_sbi:
            return "M-mode is the built-in SBI"
        return "mstatus.MIE is 0 in M-mode" if h.mode == 3 and not Mstatus.MIE.of(h.mstatus) else ""
    if h.mode == 3:
        return "M-mode is not interrupted by what is delegated"
    if line.taker == "HS":
        return "sstatus.SIE is 0 in HS-mode" if not h.v and h.mode == 1 and not Mstatus.SIE.of(h.mstatus) else ""
    if not h.v:
        return "waits for the guest to run (V=1)"
    return "vsstatus.SIE is 0 in VS-mode" if h.mode == 1 and not Vsstatus.SIE.of(h.vsstatus) else ""
