# SPDX-License-Identifier: Apache-2.0
"""What the tests of CSRs and traps share: bare harts in a given mode, and accesses as instructions make them."""

from __future__ import annotations

from typing import Any

import pytest

from core.csr.access import csr_base, csr_cause, csr_check, csr_read, csr_write
from core.csr.registry import CSRS_BY_NAME, write_csr
from core.features import DEFAULT_FEATURES, Feature
from core.hart import Hart
from core.isa.intrinsics import Trap
from core.trap.entry import take_trap
from core.trap.reset import reset_hart

MODES = {"M": (3, 0), "HS": (1, 0), "U": (0, 0), "VS": (1, 1), "VU": (0, 1)}
"""Mode -> (nominal privilege, V)."""
ILLEGAL, VIRTUAL = 2, 22
ONES = (1 << 64) - 1
INTERRUPT = 1 << 63
ALL = Feature(sum(Feature))
IMSIC = {"imsic": 1, "geilen": 1, "hstatus": 2 << 32 | 1 << 12, "miselect": 0x70, "siselect": 0x70, "vsiselect": 0x70}
"""Slots with which no CSR of the Advanced Interrupt Architecture refuses access for a reason of its own."""
BUDGET = 1000


class WarningLog:
    """Stands for the machine: remembers what the hart warned of."""

    def __init__(self) -> None:
        self.warnings: list[tuple[int, int]] = []

    def warn(self, hart: Hart, code: int, detail: int) -> None:
        self.warnings.append((int(code), detail))


def make_hart(
    where: str = "M",
    *,
    strict: bool | int = True,
    features: Feature | int = DEFAULT_FEATURES,
    firmware: bool | int = True,
    **slots: int,
) -> Hart:
    """A hart after reset, in mode `where`, with some slots set. With firmware, all state enables and NMIE are on."""
    h = Hart()
    h.machine = WarningLog()
    reset_hart(h, features, strict=bool(strict))
    for level in "mh" if firmware else "":
        for number in range(4):
            write_csr(h, f"{level}stateen{number}", ONES)
    if firmware and h.features & Feature.SMRNMI:
        write_csr(h, "mnstatus", 8)
    h.limit = h.left = BUDGET
    h.mtimecmp = ONES
    h.pc, h.npc = 0x8000_1000, 0x8000_1004
    for name, value in slots.items():
        setattr(h, name, value)
    return enter(h, where)


def enter(h: Hart, where: str) -> Hart:
    """Put the hart into a mode."""
    h.mode, h.v = MODES[where]
    return h


def where(h: Hart) -> str:
    """The mode a hart is in."""
    return next(name for name, pair in MODES.items() if pair == (h.mode, h.v))


def address(csr: str | int) -> int:
    """The address of a CSR given by name or address."""
    return csr if isinstance(csr, int) else CSRS_BY_NAME[csr].address


def cause(h: Hart, csr: str | int, write: bool = False) -> int:
    """With which exception an access traps, 0 for none."""
    return int(csr_cause(h, address(csr), write))


def read(h: Hart, csr: str | int) -> int:
    """CSRR."""
    csr_check(h, address(csr), False)
    return int(csr_read(h, address(csr)))


def write(h: Hart, csr: str | int, value: int) -> None:
    """CSRW."""
    csr_check(h, address(csr), True)
    csr_write(h, address(csr), value)


def set_bits(h: Hart, csr: str | int, bits: int) -> int:
    """CSRRS; returns what rd gets."""
    old = read(h, csr)
    csr_check(h, address(csr), True)
    csr_write(h, address(csr), csr_base(h, address(csr)) | bits)
    return old


def written(h: Hart, csr: str | int, value: int) -> int:
    """What a CSR reads as after a write."""
    write(h, csr, value)
    return read(h, csr)


def trap(h: Hart, number: int, tval: int = 0, gpa: int = 0, info: int = 0, inst: int = 0x13) -> Hart:
    """Let an instruction of the hart raise an exception and take it."""
    Trap(number, tval, gpa, info).put(h)
    h.inst = inst
    take_trap(h)
    return h


def traps(number: int, function: Any, *args: Any) -> None:
    """Assert that a call raises a Trap with this cause."""
    with pytest.raises(Trap) as caught:
        function(*args)
    assert caught.value.cause == number


def bit(csr: str, field: str) -> int:
    """The mask of a field."""
    return next(f.mask for f in CSRS_BY_NAME[csr].fields if f.name == field)


def field(h: Hart, csr: str, name: str) -> int:
    """The value of a field, read by the CSR's own name without checks."""
    found = next(f for f in CSRS_BY_NAME[csr].fields if f.name == name)
    return found.of(CSRS_BY_NAME[csr].read(h))
