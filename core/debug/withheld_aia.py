# SPDX-License-Identifier: Apache-2.0
"""What withholds the CSRs of the AIA: interrupt files that are not there, and numbers that select no register.

Source: The RISC-V Advanced Interrupt Architecture 1.0. See core.debug.withheld.
"""

from __future__ import annotations

from core.csr.aia import Hvictl, Mvien
from core.csr.aia_select import EXTERNAL, guest_selected, selected
from core.csr.hypervisor import Hstatus
from core.csr.imsic import guest_file
from core.csr.stateen import FILES, FILES_END, IPRIO, IPRIO_END, Stateen0Fields
from core.debug.gates import EMULATE, GUESTS, HS, ILLEGAL, VIRTUAL, VS, VU, Gate, M, bit
from core.debug.lasttrap import LastTrap
from core.debug.withheld_state import has_imsic, state0

VS_LEVEL = "AIA, Virtual interrupts for VS level"
FILTERING = "AIA, Interrupt filtering and virtual interrupts for supervisor level"
VS_CSRS = "AIA, Hypervisor and VS CSRs"


def select(trap: LastTrap) -> int:
    """What siselect, in a guest vsiselect, selects."""
    return trap.held("vsiselect" if trap.guest else "siselect")


def _selects_file(trap: LastTrap) -> bool:
    return FILES <= select(trap) <= FILES_END and has_imsic(trap) and trap.line.from_mode != VU


def _vs_selects_file(trap: LastTrap) -> bool:
    return FILES <= trap.held("vsiselect") <= FILES_END and has_imsic(trap) and not trap.guest


def _selects_priority(trap: LastTrap) -> bool:
    return not trap.guest and IPRIO <= select(trap) < IPRIO_END


def _no_imsic(trap: LastTrap) -> str | None:
    return None if has_imsic(trap) else "the hart has no IMSIC"


def _no_file(trap: LastTrap) -> str | None:
    if guest_file(trap.hart):
        return None
    return f"hstatus.VGEIN is {Hstatus.VGEIN.of(trap.held('hstatus'))}, which is no guest interrupt file"


def _nothing(register: str) -> Gate:
    """A *iselect that selects no register of M- or S-mode."""

    def shut(trap: LastTrap) -> str | None:
        number = trap.held(register)
        return f"{register} is {number:#x}, where there is no register" if selected(trap.hart, number) else None

    return Gate(shut, {HS: ILLEGAL, M: ILLEGAL}, "AIA, Machine-level CSRs")


def _nothing_of_guest(trap: LastTrap) -> str | None:
    """vsiselect and VGEIN select no register."""
    if guest_selected(trap.hart):
        return None
    return _no_file(trap) or f"vsiselect is {trap.held('vsiselect'):#x}, where there is no register"


VTI = bit("hvictl", Hvictl.VTI, {VS: VIRTUAL}, VS_LEVEL, shut=1, note=EMULATE)
VTI_WRITES = bit("hvictl", Hvictl.VTI, GUESTS, VS_LEVEL, shut=1, note=EMULATE, when=lambda trap: trap.writes)
M_FILE = bit("mvien", Mvien.SEI, {HS: ILLEGAL}, FILTERING, shut=1)
M_FILE_SELECTED = bit("mvien", Mvien.SEI, {HS: ILLEGAL}, FILTERING, shut=1, when=lambda trap: select(trap) >= EXTERNAL)
IMSIC = Gate(_no_imsic, {HS: ILLEGAL, M: ILLEGAL}, "AIA, Top external interrupt CSRs")

AIA_GATES: dict[str, tuple[Gate, ...]] = {
    "sip": (VTI,),
    "sie": (VTI,),
    "mtopei": (IMSIC,),
    "stopei": (IMSIC, M_FILE, Gate(_no_file, {VS: VIRTUAL}, VS_CSRS)),
    "vstopei": (Gate(_no_file, {HS: ILLEGAL, M: ILLEGAL}, VS_CSRS),),
    "mireg": (_nothing("miselect"),),
    "sireg": (
        *state0(Stateen0Fields.IMSIC, _selects_file),
        *state0(Stateen0Fields.AIA, _selects_priority),
        M_FILE_SELECTED,
        _nothing("siselect"),
        Gate(_nothing_of_guest, {VS: VIRTUAL}, VS_CSRS),
    ),
    "vsireg": (
        *state0(Stateen0Fields.IMSIC, _vs_selects_file),
        Gate(_nothing_of_guest, {HS: ILLEGAL, M: ILLEGAL}, VS_CSRS),
    ),
}
"""Besides the state enables that core.csr.stateen.CONTROLLED names."""
