# SPDX-License-Identifier: Apache-2.0
"""Hints about trap handling: vectors, delegation, the way into the guest and out of it. See core.debug.hints."""

from __future__ import annotations

from core.boot.symbols import SymbolKind
from core.debug.facts import Facts
from core.debug.hints_instructions import refused
from core.debug.history import lines, repeated_exits
from core.mmu.modes import Access
from core.trap.causes import INTERRUPT_BIT, Cause, Interrupt, describe
from core.trap.rnmi import EXCEPTION, INTERRUPT
from core.trap.tinst import PSEUDO_READ, PSEUDO_WRITE, is_guest_page_fault

VU = 4
GUESTS_OWN = (
    Cause.INSTRUCTION_ADDRESS_MISALIGNED,
    Cause.BREAKPOINT,
    Cause.ECALL_U,
    Cause.INSTRUCTION_PAGE_FAULT,
    Cause.LOAD_PAGE_FAULT,
    Cause.STORE_PAGE_FAULT,
)
"""What a guest's kernel usually handles itself."""
EMULATED = (Cause.ECALL_VS, Cause.VIRTUAL_INSTRUCTION, Cause.ILLEGAL_INSTRUCTION, Cause.BREAKPOINT)
FEW = 3
"""Exits at one instruction in a row that are worth a hint."""
TVEC = {3: "mtvec", 1: "stvec", 5: "vstvec"}
VECTORS = {INTERRUPT: "rnmi-interrupt-vector", EXCEPTION: "rnmi-exception-vector"}
"""The CPU properties that say where Smrnmi's handlers are."""
EPC = {3: "mepc", 1: "sepc", 5: "vsepc"}


def handler_unaligned(facts: Facts) -> str | None:
    """The trap vector's low bits are its mode."""
    if facts.trap.rnmi_kind:
        return None
    name = TVEC[facts.taker]
    value = getattr(facts.trap.hart, name)
    base = value & ~3
    if base == 0:
        return f"{name} is {value:#x}: the address of the trap handler has not been set before the first trap"
    here, behind = (facts.debugger.symbols.at(address) for address in (base, base + 2))
    meant = behind is not None and (here is None or (here.kind is not behind.kind and behind.kind is SymbolKind.FUNCTION))
    if behind is not None and meant and facts.taker != 5:
        return (
            f"{name} points 2 bytes before {behind.name}: bits 1:0 are its MODE, so a handler must be aligned to 4 bytes "
            "(norm:mtvec_base_align_4B)"
        )
    return None


def handler_unreachable(facts: Facts) -> str | None:
    """The handler's own first instruction cannot be fetched."""
    line = facts.trap.line
    if facts.trap.rnmi_kind:
        name = VECTORS[facts.trap.rnmi_kind]
        nowhere = getattr(facts.trap.hart, name.replace("-", "_")) == 0
        return f"{name} is 0: say where the handler is: --cpu rv64,smrnmi=on,{name}=ADDRESS" if nowhere else None
    base = getattr(facts.trap.hart, TVEC[facts.taker]) & ~3
    if line.pc == base and facts.trap.access == Access.FETCH and facts.taker == line.from_mode:
        why = "cannot be fetched from there" if facts.walk and facts.walk.spa is not None else "is not mapped executable"
        return f"this is the trap handler's own first instruction ({TVEC[facts.taker]}): it {why}"
    return None


def only_user_mode(facts: Facts) -> str | None:
    """The guest's kernel was entered in VU-mode."""
    trap = facts.trap
    if trap.line.from_mode != VU or not trap.guest:
        return None
    seen = [line for line in lines(trap.hart) if line.kind == "entry" and line.world == trap.line.world]
    if seen and all(line.to_mode == VU for line in seen) and trap.hart.trap_to != 5:
        return (
            "the guest has been entered in VU-mode only: SRET with hstatus.SPV=1 goes to the mode in sstatus.SPP; set SPP=1 "
            "to enter its kernel in VS-mode (norm:sret_v0)"
        )
    return None


def not_delegated(facts: Facts) -> str | None:
    """hedeleg or hideleg lets a guest's own business exit."""
    trap = facts.trap
    line, number = trap.line, trap.line.cause & ~INTERRUPT_BIT
    if not trap.guest or facts.taker == 5:
        return None
    if line.interrupt:
        if number in (Interrupt.VSSI, Interrupt.VSTI, Interrupt.VSEI):
            return f"hideleg bit {number} is 0: set it for the guest to get its own interrupt (norm:hideleg_op)"
        return None
    if number not in GUESTS_OWN or trap.hart.hedeleg >> number & 1:
        return None
    return (
        f"hedeleg bit {number} is 0: unless the hypervisor means to handle a guest's {describe(number)}, set it for the "
        "guest's kernel to get it (norm:hedeleg_op)"
    )


def no_instruction(facts: Facts) -> str | None:
    """htinst is zero, or tells of a page-table access."""
    trap = facts.trap
    cause = trap.line.cause
    if facts.taker == 5 or not is_guest_page_fault(cause) or cause == Cause.INSTRUCTION_GUEST_PAGE_FAULT:
        return None
    name = "mtinst" if facts.taker == 3 else "htinst"
    value = getattr(trap.hart, name)
    if value in (PSEUDO_READ, PSEUDO_WRITE):
        return f"{name} is {value:#x}: the access that failed was the walker's, to a page-table entry, not the instruction's"
    if value == 0:
        return (
            f"{name} is 0, as it may always be: to emulate the access, read the instruction at {EPC[facts.taker]} by HLVX "
            "(norm:H_trap_xtinst)"
        )
    return None


def epc_not_advanced(facts: Facts) -> str | None:
    """The same exit again and again."""
    trap = facts.trap
    if trap.line.kind != "exit" or (trap.line.cause not in EMULATED and not is_guest_page_fault(trap.line.cause)):
        return None
    count = sum(1 for _ in repeated_exits(trap.hart))
    if count < FEW:
        return None
    length = "4" if trap.line.inst & 3 == 3 else "2"
    size = "the length of the instruction, 2 or 4," if trap.line.inst == 0 else length
    return (
        f"this exit has happened {count} times in a row: after emulating an instruction, add {size} to {EPC[facts.taker]} "
        "before the return"
    )


def double_trap(facts: Facts) -> str | None:
    """A trap in the first part of a handler."""
    if facts.trap.unexpected is None:
        return None
    register, cause = facts.trap.unexpected
    letter = "vs" if register == "vsstatus" else "s"
    return (
        f"{describe(cause)} came while {register}.SDT was 1: a handler saves {letter}epc, {letter}cause and {letter}tval, then "
        "clears SDT, and only from there on may something in it trap (norm:sstatus_sdt_sret)"
    )


def refused_instruction(facts: Facts) -> str | None:
    """An illegal or virtual instruction."""
    line = facts.trap.line
    if line.interrupt or line.cause not in (Cause.ILLEGAL_INSTRUCTION, Cause.VIRTUAL_INSTRUCTION):
        return None
    return refused(facts.trap)
