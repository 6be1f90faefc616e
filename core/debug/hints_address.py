# SPDX-License-Identifier: Apache-2.0
"""Hints about addresses themselves: alignment, and tags in their upper bits. See core.debug.hints."""

from __future__ import annotations

from core.csr.config import Henvcfg, Menvcfg, Senvcfg
from core.csr.hypervisor import Hstatus
from core.csr.translation import Satp
from core.debug.facts import Facts
from core.debug.walk import FITS_RULE
from core.features import Feature
from core.mmu.modes import MODES, Access
from core.trap.causes import Cause

MISALIGNED = (Cause.LOAD_ADDRESS_MISALIGNED, Cause.STORE_ADDRESS_MISALIGNED)
RULES = {"lr": "norm:lr_sc_alignment", "sc": "norm:lr_sc_alignment", "ssamoswap": "norm:ssamoswap_address"}
RULES |= {"amocas": "norm:Zacas_amocas_rs1_addr_alignment"}
"""Why an address must be aligned, by the first part of an instruction's name; for AMOs norm:amo_alignment."""
SIZES = {"h": 2, "w": 4, "d": 8, "q": 16}
POINTER_MASKING = {
    (1, False): ("menvcfg", Menvcfg.PMM, Feature.SMNPM, "norm:menvcfg_pmm_op"),
    (1, True): ("henvcfg", Henvcfg.PMM, Feature.SSNPM, "norm:henvcfg_pmm_op"),
    (0, False): ("senvcfg", Senvcfg.PMM, Feature.SSNPM, "norm:senvcfg_pmm_Ssnpm"),
    (0, True): ("senvcfg", Senvcfg.PMM, Feature.SSNPM, "norm:senvcfg_pmm_Ssnpm"),
}
"""What controls pointer masking, by privilege and V of an access."""
FITS = [rule for name, rule in FITS_RULE.items() if not name.endswith("x4")]
"""What an address breaks that is too wide for the first stage."""
MASKED = {2: 7, 3: 16}
"""Values of PMM: bits that are ignored (norm:menvcfg_pmm_enc)."""


def misaligned(facts: Facts) -> str | None:
    """LR, SC and AMOs are never split."""
    line = facts.trap.line
    if line.interrupt or line.cause not in MISALIGNED:
        return None
    name = facts.trap.instruction or "?"
    stem, _, rest = name.partition(".")
    size = SIZES.get(rest.partition(".")[0])
    if size is None:
        return None
    rule = RULES.get(stem, "norm:amo_alignment")
    return (
        f"{line.tval:#x} is {line.tval % size} above a multiple of {size}, which {name} needs ({rule}): loads and stores may "
        "be misaligned, LR, SC and AMOs never; is the variable in a packed structure, or the pointer wrong?"
    )


def tagged(facts: Facts) -> str | None:
    """The upper bits of an address would be ignored with pointer masking, which is off."""
    trap, walk = facts.trap, facts.walk
    if walk is None or walk.rule not in FITS or trap.access in (None, Access.FETCH, Access.HLVX):
        return None
    view, (priv, v) = trap.view(), trap.rights
    register, field, feature, rule = POINTER_MASKING[priv, v]
    if trap.through_guest and trap.line.from_mode == 0:
        register, field, rule = "hstatus", Hstatus.HUPMM, "priv, Hypervisor Status Register"
    setting = field.of(trap.held(register))
    bits = MODES[Satp.MODE.of(view.vsatp if v else view.satp)].bits
    wanted = next((value for value, length in MASKED.items() if bits + length <= 64 and fits(trap.line.tval, bits, length)), 0)
    if not trap.hart.features & feature or not wanted or (setting and not view.mxr):
        return None
    if view.mxr and setting:
        return "MXR is 1, which turns pointer masking off (norm:pm_mxr_exception): is it needed for this access?"
    return (
        f"if bits 63:{64 - MASKED[wanted]} of the address are a tag, pointer masking must be on: {register}.{field.name} is "
        f"{setting}, {wanted} ignores these bits ({rule})"
    )


def fits(address: int, bits: int, length: int) -> bool:
    """Whether an address of a translation scheme with `bits` is left when the upper `length` bits are ignored
    (norm:pm_ignore_va)."""
    rest = address & ((1 << 64 - length) - 1)
    upper = rest >> (bits - 1)
    return upper in (0, (1 << 64 - length - bits + 1) - 1)
