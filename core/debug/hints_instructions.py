# SPDX-License-Identifier: Apache-2.0
"""Why an instruction was refused as illegal or virtual: the bit that withholds it."""

from __future__ import annotations

from core.csr.hypervisor import Hstatus
from core.csr.machine import Mstatus
from core.csr.registry import CSRS_BY_ADDRESS
from core.csr.vs import Vsstatus
from core.debug.hints_shadow import SWAPS, shadow_stacks_off
from core.debug.lasttrap import LastTrap

SYSTEM = 0x73
COUNTERS = range(0xC00, 0xC20)
CONTROLS = {
    "wfi": (Hstatus.VTW, Mstatus.TW, "norm:hstatus_vtw_op"),
    "sret": (Hstatus.VTSR, Mstatus.TSR, "norm:hstatus_vtsr_op"),
    "sfence.vma": (Hstatus.VTVM, Mstatus.TVM, "norm:hstatus_vtvm_op"),
    "satp": (Hstatus.VTVM, Mstatus.TVM, "norm:hstatus_vtvm_op"),
}
"""Instruction or CSR: the hstatus bit and the mstatus bit that withhold it."""


def refused(trap: LastTrap) -> str | None:
    """What withholds the instruction of an illegal- or virtual-instruction exception, in words."""
    inst, h = trap.line.inst, trap.hart
    if inst == 0:
        return "the instruction is all zeros: execution has run into memory without code"
    csr = inst >> 20 if inst & 0x7F == SYSTEM and inst >> 12 & 3 else None
    if csr is not None:
        return _csr(trap, csr)
    name = trap.instruction
    if name in SWAPS:
        return shadow_stacks_off(trap, name)
    if name is None:
        return "these bits are no instruction of this hart (its extensions are in misa)"
    if name in CONTROLS:
        return _control(trap, name, name)
    if name.startswith("f") and name not in ("fence", "fence.i"):
        guest = trap.guest and not Vsstatus.FS.of(h.trap_vsstatus)
        if guest or not Mstatus.FS.of(h.trap_mstatus):
            which = "vsstatus.FS" if guest else "sstatus.FS"
            return f"{which} is Off: no floating-point instruction works before it is set"
    if name.startswith(("hlv", "hsv", "hfence", "hinval")):
        return f"{name} is for HS-mode{' (a guest that is itself a hypervisor)' if trap.guest else ''}"
    return None


def _control(trap: LastTrap, what: str, key: str) -> str:
    field, machine_field, rule = CONTROLS[key]
    h, mode = trap.hart, trap.line.from_mode & 3
    if mode == 0:
        return f"{what} is not for {'VU' if trap.guest else 'U'}-mode"
    if machine_field.of(h.trap_mstatus):
        return f"mstatus.{machine_field.name} is 1, which withholds {what} from all modes below M"
    if trap.guest and field.of(h.trap_old[6]):
        return f"hstatus.{field.name} is 1: {what} of VS-mode traps, for the hypervisor to emulate it ({rule})"
    return f"{what} is withheld"


def _csr(trap: LastTrap, address: int) -> str | None:
    h, mode = trap.hart, trap.line.from_mode & 3
    csr = CSRS_BY_ADDRESS.get(address)
    if csr is None:
        return f"there is no CSR {address:#x}"
    if not h.features & csr.feature:
        return f"{csr.name} needs {csr.ext}, which this hart does not have"
    inst = trap.line.inst
    if csr.read_only and (inst >> 12 & 3 == 1 or inst >> 15 & 31):
        return f"{csr.name} is read-only"
    if csr.name in CONTROLS and mode == 1:
        return _control(trap, csr.name, csr.name)
    if address in COUNTERS:
        return _counter(trap, csr.name, address & 31)
    if csr.name == "ssp":
        return shadow_stacks_off(trap, "ssp")
    if csr.privilege == 3:
        return f"{csr.name} is a machine CSR"
    if trap.guest and csr.privilege == 2:
        return f"{csr.name} is a hypervisor CSR: a guest that uses it is itself a hypervisor, which must be emulated"
    if csr.privilege > mode:
        return f"{csr.name} is not for {'VU' if trap.guest else 'U'}-mode"
    return None


def _counter(trap: LastTrap, name: str, bit: int) -> str | None:
    h = trap.hart
    for enable in trap.gates("mcounteren", "hcounteren", "scounteren"):
        if not getattr(h, enable) >> bit & 1:
            return (
                f"{enable} bit {bit} is 0, which withholds {name} (norm:{'hcounteren_op' if trap.guest else 'mcounteren_op'})"
            )
    return None
