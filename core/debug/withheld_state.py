# SPDX-License-Identifier: Apache-2.0
"""Gates of the state-enable CSRs. See core.debug.withheld."""

from __future__ import annotations

from core.csr.fields import Field
from core.csr.stateen import CONTROLLED, Stateen0Fields, StateenFields
from core.debug.gates import BELOW_M, GUESTS, Gate, Test, bit
from core.debug.lasttrap import LastTrap
from core.features import Feature

RULES = {
    Stateen0Fields.SE0: ("norm:mstateen0_se0_op", "norm:hstateen0_SE0_op"),
    Stateen0Fields.ENVCFG: ("norm:mstateen0_envcfg_op", "norm:hstateen0_envcfg_op"),
    Stateen0Fields.CSRIND: ("norm:mstateen0_csrind_op", "norm:hstateen0_csrind_op"),
    Stateen0Fields.AIA: ("norm:mstateen0_aia_op", "norm:hstateen0_aia_op"),
    Stateen0Fields.IMSIC: ("norm:mstateen0_imsic_op", "norm:hstateen0_imsic_op"),
    StateenFields.SE: ("norm:mstateen_bit_63_op", "norm:hstateen_bit_63_op"),
}
"""What a bit of mstateen, and of hstateen, does."""


def has_imsic(trap: LastTrap) -> bool:
    """Whether the hart has an IMSIC, without which the bit for it has no effect."""
    return bool(trap.hart.imsic)


def state(number: int, field: Field, when: Test | None = None) -> tuple[Gate, ...]:
    """A bit of mstateen and hstateen of a number, where there are such CSRs."""
    machine, hypervisor = RULES[field]
    return (
        bit(f"mstateen{number}", field, BELOW_M, machine, needs=Feature.SMSTATEEN, when=when),
        bit(f"hstateen{number}", field, GUESTS, hypervisor, needs=Feature.SSSTATEEN, when=when),
    )


def state0(field: Field, when: Test | None = None) -> tuple[Gate, ...]:
    """A bit of mstateen0 and hstateen0."""
    return state(0, field, when or (has_imsic if field is Stateen0Fields.IMSIC else None))


STATE_GATES = {name: state0(field) for name, field in CONTROLLED.items()}
for _number in range(4):
    _gates = state(_number, Stateen0Fields.SE0 if _number == 0 else StateenFields.SE)
    STATE_GATES |= {f"hstateen{_number}": _gates[:1], f"sstateen{_number}": _gates}
