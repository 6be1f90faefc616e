# SPDX-License-Identifier: Apache-2.0
"""Registers by name for debuggers: general, floating-point, what mode the hart is in, and every CSR."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.csr.counting import settle
from core.csr.registry import CSRS_BY_ADDRESS, CSRS_BY_NAME, ReadOnlyCsr, read_csr, write_csr
from core.csr.translation import Hgatp
from core.debug.errors import ReadOnlyRegister, UnknownRegister
from core.features import Feature
from core.hart import Hart
from core.isa.disassemble import FLOAT_NAMES
from core.mmu.tlb import update_regime

ABI_NAMES = ("zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6").split()
FP_NAMES = [f"f{number}" for number in range(32)]
ALIASES = {f"x{number}": name for number, name in enumerate(ABI_NAMES)} | {"fp": "s0"}
ALIASES |= dict(zip(FLOAT_NAMES, FP_NAMES, strict=True))
ALIASES |= {f"csr{address}": csr.name for address, csr in CSRS_BY_ADDRESS.items()}
"""Other names that gdb and disassemblers have for registers: numbers of integer registers, ABI names of floating-point
ones, `csr` and the decimal address for CSRs."""
MODE_NAMES = {(0, 0): "U", (1, 0): "HS", (3, 0): "M", (0, 1): "VU", (1, 1): "VS"}
"""Name of the privilege mode for (nominal privilege, V)."""
MODE_NUMBERS = {"U": 0, "HS": 1, "M": 3, "VU": 4, "VS": 5}
"""The `mode` register: nominal privilege, plus 4 when V=1."""


@dataclass(frozen=True)
class Special:
    """A register computed from others. write is None when it cannot be written; instead: what can."""

    read: Callable[[Hart], int]
    write: Callable[[Hart, int], None] | None = None
    instead: str = ""


def mode_name(h: Hart) -> str:
    """ "M", "HS", "U", "VS" or "VU"."""
    return MODE_NAMES.get((h.mode, h.v), "?")


def _set_pc(h: Hart, value: int) -> None:
    h.pc = value & ~1


def _set_mode(h: Hart, value: int) -> None:
    if value not in MODE_NUMBERS.values():
        known = ", ".join(f"{number} {name}" for name, number in MODE_NUMBERS.items())
        raise ReadOnlyRegister(f"{value} is no privilege mode; there are {known}")
    h.mode, h.v = value & 3, value >> 2
    settle(h, h.mode, h.v, 0)
    update_regime(h)


def _set_elp(h: Hart, value: int) -> None:
    if value > 1:
        raise ReadOnlyRegister("elp is 0 or 1")
    h.elp, h.elp_jump = value, 0


SPECIAL = {
    "pc": Special(lambda h: int(h.pc), _set_pc),
    "virt": Special(lambda h: int(h.v), instead="follows the mode; set `mode` instead"),
    "vmid": Special(lambda h: Hgatp.VMID.of(h.hgatp), instead="is a field of hgatp; set `hgatp` instead"),
    "mode": Special(lambda h: int(h.mode) | int(h.v) << 2, _set_mode),
    "priv": Special(lambda h: int(h.mode) | int(h.v) << 2, _set_mode),
    "elp": Special(lambda h: int(h.elp), _set_elp),
}
NEEDS = {"elp": Feature.ZICFILP}
"""Registers of SPECIAL that only some harts have."""


def register_named(name: str) -> str:
    """The name by which functions here know a register: in lower case, one of ALIASES resolved."""
    lowered = name.lower()
    return ALIASES.get(lowered, lowered)


def csr_named(name: str) -> str:
    """The name of the CSR that a name, an alias or its address (0x680, 1664) means; in lower case if there is none."""
    try:
        csr = CSRS_BY_ADDRESS.get(int(name, 0))
    except ValueError:
        return register_named(name)
    return name.lower() if csr is None else csr.name


def is_special(h: Hart, name: str) -> bool:
    """Whether a name is one of SPECIAL that this hart has."""
    return name in SPECIAL and (name not in NEEDS or bool(h.features_all & NEEDS[name]))


def has_csr(h: Hart, name: str) -> bool:
    """Whether this hart was made with a CSR of that name: with every extension without which it does not exist."""
    csr = CSRS_BY_NAME.get(name)
    return csr is not None and h.features_all & csr.feature == csr.feature


def present_csrs(h: Hart) -> list[str]:
    """Names of the CSRs this hart has."""
    return [name for name in CSRS_BY_NAME if has_csr(h, name)]


def register_names(h: Hart) -> list[str]:
    """Every register's name."""
    return [*ABI_NAMES, *FP_NAMES, *(name for name in SPECIAL if is_special(h, name)), *present_csrs(h)]


def read_register(h: Hart, name: str) -> int:
    """The value, with no effect on anything. Raises UnknownRegister."""
    if is_special(h, name):  # first: asked for at every stop
        return SPECIAL[name].read(h)
    if name in ABI_NAMES:
        return int(h.x[ABI_NAMES.index(name)])
    if name in FP_NAMES:
        return int(h.f[FP_NAMES.index(name)])
    if has_csr(h, name):
        return read_csr(h, name)
    raise missing(h, name)


def missing(h: Hart, name: str) -> UnknownRegister:
    """There is no such register, and why."""
    csr = CSRS_BY_NAME.get(name)
    lacking = [part for part in csr.ext.split() if not h.features_all & Feature[part.upper()]] if csr else []
    why = f": the hart has no {' and no '.join(lacking)}" if lacking else ""
    return UnknownRegister(f"there is no register {name!r}{why}")


def write_register(h: Hart, name: str, value: int) -> int:
    """Write and return what became of it. Raises UnknownRegister, or ReadOnlyRegister."""
    value &= (1 << 64) - 1
    if name == "zero":
        raise ReadOnlyRegister("zero is always 0")
    if name in ABI_NAMES:
        h.x[ABI_NAMES.index(name)] = value
    elif is_special(h, name):
        write = SPECIAL[name].write
        if write is None:
            raise ReadOnlyRegister(f"{name} {SPECIAL[name].instead}")
        write(h, value)
    elif name in FP_NAMES:
        h.f[FP_NAMES.index(name)] = value
    elif has_csr(h, name):
        try:
            write_csr(h, name, value)
        except ReadOnlyCsr as error:
            raise ReadOnlyRegister(str(error)) from error
    else:
        raise missing(h, name)
    return read_register(h, name)
