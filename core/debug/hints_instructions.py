# SPDX-License-Identifier: Apache-2.0
"""Why an instruction was refused as illegal or virtual: what is missing, or the bits that withhold it."""

from __future__ import annotations

from core.csr.registry import CSRS_BY_ADDRESS, exists
from core.csr.unprivileged import Fcsr
from core.debug.lasttrap import LastTrap
from core.debug.withheld import INSTRUCTIONS, csr_guard
from core.features import Feature
from core.isa.decode import ALL_FEATURES, TAKING_OVER, Decoded, decode, needs
from core.softfloat.formats import DYN, RMM

SYSTEM = 0x73


def refused(trap: LastTrap) -> str | None:
    """What withholds the instruction of an illegal- or virtual-instruction exception, in words."""
    inst = trap.line.inst
    if inst == 0:
        return "the instruction is all zeros: execution has run into memory without code"
    if inst & 0x7F == SYSTEM and inst >> 12 & 3:
        return _csr(trap, inst >> 20)
    found = decode(inst, trap.hart.features)
    if found.instruction is None:
        return _unknown(trap)
    name = found.instruction.name
    if name in INSTRUCTIONS and (words := INSTRUCTIONS[name].words(name, trap)):
        return words
    return _rounding(trap, found)


def _unknown(trap: LastTrap) -> str:
    """Bits that are no instruction of this hart."""
    inst, had = trap.line.inst, trap.hart.features
    for features in (ALL_FEATURES, ALL_FEATURES | TAKING_OVER):
        found = decode(inst, features).instruction
        wanted = Feature(0) if found is None else found.ext
        if inst & 3 != 3:
            wanted |= Feature(needs(inst & 0xFFFF))
        if found is not None and wanted & ~had:
            return f"{found.name} needs {_names(wanted & ~had)}, {_lacking(trap, wanted & ~had)}"
    return "these bits are no instruction of this hart (its extensions are in misa)"


def _names(features: Feature) -> str:
    return " and ".join(str(part.name).capitalize() for part in Feature if part in features)


def _lacking(trap: LastTrap, features: Feature) -> str:
    """Why it is not there: only H can be switched off (norm:misa_h_op)."""
    return "which is off in misa" if trap.hart.features_all & features else "which this hart does not have"


def _csr(trap: LastTrap, address: int) -> str | None:
    csr = CSRS_BY_ADDRESS.get(address)
    if csr is None:
        return f"there is no CSR {address:#x}"
    if not exists(trap.hart, csr):
        missing = csr.feature & ~trap.hart.features
        return f"{csr.name} needs {_names(missing)}, {_lacking(trap, missing)}"
    if csr.read_only and trap.writes:
        return f"{csr.name} is read-only"
    return csr_guard(csr).words(csr.name, trap)


def _rounding(trap: LastTrap, found: Decoded) -> str | None:
    """A rounding mode that is none."""
    mode = found.operands.get("rm")
    dynamic = Fcsr.FRM.of(trap.hart.fcsr)
    if mode is None or ((mode <= RMM or mode == DYN) and (mode != DYN or dynamic <= RMM)):
        return None
    where = f"frm is {dynamic}" if mode == DYN else f"the rounding mode in the instruction is {mode}"
    return f"{where}, which is reserved (norm:roundingmode_rsv)"
