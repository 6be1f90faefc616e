# SPDX-License-Identifier: Apache-2.0
"""State-enable CSRs: what of the state that extensions add, less privileged modes may touch (priv, Smstateen and
Ssstateen).

CONTROLLED says which CSR hangs on which bit; core.csr.access asks `state_cause` before the CSR's own rule. No state that
this machine has is controlled by the supervisor's CSRs, so sstateen0 to sstateen3 are read-only zero.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from core.csr.csr import Csr, ignore_write, zero
from core.csr.fields import rw
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import u64
from core.kernel import make_kernel
from core.trap.causes import Cause


class Stateen0Fields:
    """What mstateen0 and hstateen0 have in common (norm:hstateen_encoding); state that is not there has no bit
    (norm:stateen_unimplemented_state_roz)."""

    SE0 = rw(63, "hstateen0 and sstateen0 may be accessed below")
    ENVCFG = rw(62, "henvcfg and senvcfg may be accessed below")
    CSRIND = rw(60, "siselect, sireg and their vs twins may be accessed below", needs=Feature.SSAIA)
    AIA = rw(59, "other state of Ssaia may be accessed below", needs=Feature.SSAIA)
    IMSIC = rw(58, "interrupt files may be accessed below", needs=Feature.SSAIA)


class StateenFields:
    """What mstateen1 to mstateen3 and hstateen1 to hstateen3 have: none but the last bit is given a meaning
    (norm:stateen_reserved_roz)."""

    SE = rw(63, "the hstateen and sstateen of the same number may be accessed below")


IPRIO, IPRIO_END, FILES, FILES_END = 0x30, 0x40, 0x70, 0xFF
"""Register numbers for siselect: the first priorities and what follows them, the first and last of interrupt files."""
CONTROLLED = {
    "henvcfg": Stateen0Fields.ENVCFG,  # norm:mstateen0_envcfg_op
    "senvcfg": Stateen0Fields.ENVCFG,  # norm:hstateen0_envcfg_op
    "siselect": Stateen0Fields.CSRIND,  # norm:mstateen0_csrind_op
    "sireg": Stateen0Fields.CSRIND,  # norm:hstateen0_csrind_op
    "vsiselect": Stateen0Fields.CSRIND,
    "vsireg": Stateen0Fields.CSRIND,
    "stopei": Stateen0Fields.IMSIC,  # norm:mstateen0_imsic_op
    "vstopei": Stateen0Fields.IMSIC,  # norm:hstateen0_imsic_op
    "stopi": Stateen0Fields.AIA,  # norm:mstateen0_aia_op
    "vstopi": Stateen0Fields.AIA,  # norm:hstateen0_aia_op
    "hvien": Stateen0Fields.AIA,
    "hvictl": Stateen0Fields.AIA,
    "hviprio1": Stateen0Fields.AIA,
    "hviprio2": Stateen0Fields.AIA,
}
"""The bit of mstateen0 and hstateen0 that controls a CSR."""


def refused_by(h: Hart, mstateen: u64, hstateen: u64, mask: u64) -> u64:
    """Illegal below M-mode where mstateen lacks a bit of `mask`, virtual with V=1 where hstateen does
    (norm:stateen_illegal_state_access)."""
    if h.mode == 3:
        return 0
    if h.features & Feature.SMSTATEEN != 0 and mstateen & mask != mask:
        return Cause.ILLEGAL_INSTRUCTION
    if h.v != 0 and h.features & Feature.SSSTATEEN != 0 and hstateen & mask != mask:
        return Cause.VIRTUAL_INSTRUCTION
    return 0


def state_cause(h: Hart, mask: u64) -> u64:
    """0, or the cause with which the present mode is refused state controlled by a bit of mstateen0 and hstateen0."""
    return refused_by(h, h.mstateen0, h.hstateen0, mask)


def imsic_cause(h: Hart) -> u64:
    """For state of the IMSIC; without one the bit has no effect (AIA 1.0, Access control by the state-enable CSRs)."""
    return state_cause(h, Stateen0Fields.IMSIC.mask) if h.imsic != 0 else 0


def sireg_cause(h: Hart) -> u64:
    """For the register that siselect makes sireg stand for, in VS-mode vsiselect: interrupt files are state of the IMSIC,
    priorities, which VS-mode has none of, that of Ssaia (norm:mstateen0_imsic_op, norm:mstateen0_aia_op). VU-mode's
    accesses are virtual whatever these bits say."""
    number: u64 = h.vsiselect if h.v != 0 else h.siselect
    if h.v != 0 and h.mode == 0:
        return 0
    if number >= FILES and number <= FILES_END:
        return imsic_cause(h)
    if h.v == 0 and number >= IPRIO and number < IPRIO_END:
        return state_cause(h, Stateen0Fields.AIA.mask)
    return 0


def vsireg_cause(h: Hart) -> u64:
    """For vsireg, which with V=1 is virtual whatever the bits for the selected register say."""
    if h.v == 0 and h.vsiselect >= FILES and h.vsiselect <= FILES_END:
        return imsic_cause(h)
    return 0


def state_rule(name: str) -> Callable[..., Any] | None:
    """The kernel function (h) -> cause for the CSR `name`, None if no state-enable bit controls it."""
    if name not in CONTROLLED:
        return None
    if CONTROLLED[name] is Stateen0Fields.IMSIC:
        return imsic_cause
    mask = CONTROLLED[name].mask
    more = {"sireg": sireg_cause, "vsireg": vsireg_cause}.get(name)
    text = f"def {name}_state(h: Hart) -> u64:\n    cause = state_cause(h, {mask:#x})\n"
    text += "    return cause if cause != 0 else more(h)\n" if more else "    return cause\n"
    return make_kernel(f"{name}_state", text, state_cause=state_cause, **({"more": more} if more else {}))


class Mstateen0(Stateen0Fields, Csr, address=0x30C, ext="Smstateen"):
    """mstateen0, Machine State Enable 0 (norm:mstateen_bit_correspondence).

    Zero after reset (norm:mstateen_zero_initialization).
    """


class Hstateen0(Stateen0Fields, Csr, address=0x60C, ext="H Ssstateen"):
    """hstateen0, Hypervisor State Enable 0 (norm:hstateen_encoding).

    A bit that mstateen0 lacks reads as zero and cannot be set (norm:mstateen_lower_priv_roz), but what was set before is
    kept and shows again.
    """

    @staticmethod
    def read(h: Hart) -> u64:
        """The slot, without what mstateen0 forbids."""
        return u64(h.hstateen0 & h.mstateen0) if h.features & Feature.SMSTATEEN != 0 else h.hstateen0

    @staticmethod
    def write(h: Hart, value: u64) -> None:
        """Bits that mstateen0 forbids stay as they are."""
        new = Hstateen0.legalize(h, h.hstateen0, value)
        if h.features & Feature.SMSTATEEN != 0:
            new = (h.hstateen0 & u64(~h.mstateen0)) | (new & h.mstateen0)
        h.hstateen0 = new

    @staticmethod
    def rule(h: Hart) -> u64:
        """mstateen0.SE0 (norm:mstateen0_se0_op)."""
        return refused_by(h, h.mstateen0, Stateen0Fields.SE0.mask, Stateen0Fields.SE0.mask)


class Sstateen0(Csr, address=0x10C, ext="Ssstateen", slot=False):
    """sstateen0, Supervisor State Enable 0: nothing to control for U-mode (norm:sstateen_user_access_control)."""

    read = staticmethod(zero)
    write = staticmethod(ignore_write)

    @staticmethod
    def rule(h: Hart) -> u64:
        """SE0 of mstateen0 and hstateen0 (norm:mstateen0_se0_op, norm:hstateen0_SE0_op)."""
        return state_cause(h, Stateen0Fields.SE0.mask)


def _declare(number: int) -> None:
    """The CSRs of numbers 1 to 3."""
    se = StateenFields.SE.mask
    m, g = f"mstateen{number}", f"hstateen{number}"

    def kernel(name: str, *lines: str) -> Any:
        head = f"def {name}(h: Hart, value: u64) -> None:\n" if name.endswith("write") else f"def {name}(h: Hart) -> u64:\n"
        text = head + "".join(f"    {line}\n" for line in lines)
        return staticmethod(make_kernel(name, text, refused_by=refused_by))

    has = f"h.features & {int(Feature.SMSTATEEN):#x}"
    machine = {"__doc__": f"{m}, Machine State Enable {number} (norm:mstateen_bit_63_op)."}
    hypervisor = {
        "__doc__": f"{g}, Hypervisor State Enable {number} (norm:hstateen_bit_63_op).",
        "read": kernel(f"{g}_read", f"return u64(h.{g} & h.{m}) if {has} != 0 else h.{g}"),
        "write": kernel(f"{g}_write", f"if {has} == 0 or h.{m} != 0:", f"    h.{g} = value & {se:#x}"),
        "rule": kernel(f"{g}_rule", f"return refused_by(h, h.{m}, {se:#x}, {se:#x})"),
    }
    supervisor = {
        "__doc__": f"sstateen{number}, Supervisor State Enable {number}: 0 (norm:stateen_reserved_roz).",
        "read": staticmethod(zero),
        "write": staticmethod(ignore_write),
        "rule": kernel(f"sstateen{number}_rule", f"return refused_by(h, h.{m}, h.{g}, {se:#x})"),
    }
    _define(m, 0x30C + number, "Smstateen", machine, StateenFields)
    _define(g, 0x60C + number, "H Ssstateen", hypervisor, StateenFields)
    _define(f"sstateen{number}", 0x10C + number, "Ssstateen", supervisor)


def _define(name: str, address: int, ext: str, body: dict[str, Any], *fields: type) -> None:
    """One CSR; with fields, it has a slot."""
    keywords = {"name": name, "address": address, "ext": ext, "slot": bool(fields)}
    types.new_class(name.capitalize(), (*fields, Csr), keywords, lambda scope: scope.update(body))


for _number in (1, 2, 3):
    _declare(_number)
