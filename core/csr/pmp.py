# SPDX-License-Identifier: Apache-2.0
"""Physical memory protection CSRs (priv, Physical Memory Protection).

`h.pmpaddr` and `h.pmpcfg` have a word for each of the 64 entries; entries from PMP_ENTRIES on are read-only zero.
"""

from __future__ import annotations

import types
from typing import Any

from core.csr.csr import Csr, Effect, ignore_write, zero
from core.csr.fields import PMM, Field, ro, rw, warl
from core.features import Feature
from core.hart import Hart, state
from core.isa.intrinsics import cold, get, isset, u64
from core.kernel import make_kernel
from core.trap.causes import Cause

state("pmpaddr", 64, doc="pmpaddr0 to pmpaddr63 (norm:pmp_addr_registers)")
state("pmpcfg", 64, doc="the configuration byte of each PMP entry (norm:pmp_cfg_rv64_layout)")

PMP_ENTRIES = 16
"""Entries that can be written; the manual allows 0, 16 or 64 (norm:pmp_entry_count)."""
ADDRESS_MASK = (1 << 54) - 1
"""pmpaddr holds bits 55:2 of an address (norm:pmp_addr_encoding)."""

OFF, TOR, NA4, NAPOT = 0, 1, 2, 3
MATCHING = {OFF: "OFF", TOR: "TOR", NA4: "NA4", NAPOT: "NAPOT"}
"""How an entry matches addresses (norm:pmp_a_field_encoding)."""


class Pmp:
    """The fields of an entry's configuration byte (norm:pmp_cfg_permissions)."""

    L = rw(7, "locked until reset; applies to M-mode too")
    A = rw(4, 3, "how addresses match", values=MATCHING)
    X = rw(2, "may be executed")
    W = rw(1, "may be written")
    R = rw(0, "may be read")


def any_locked(h: Hart) -> bool:
    """Whether a PMP entry has L set."""
    locked: u64 = 0
    for i in range(PMP_ENTRIES):
        locked |= h.pmpcfg[i]
    return isset(locked, Pmp.L)


def legal_rlb(h: Hart, old: u64, new: u64) -> u64:
    """RLB that is 0 stays so while an entry is locked (norm:mseccfg_rlb_op_warl)."""
    return 0 if old == 0 and any_locked(h) else new


def sticky(h: Hart, old: u64, new: u64) -> u64:
    """MML and MMWP cannot be cleared (norm:mseccfg_mml_sticky)."""
    return old | new


MSECCFG_FEATURES = Feature.SMEPMP | Feature.SMMPM | Feature.ZKR | Feature.ZICFILP


class Mseccfg(Csr, address=0x747, effects=Effect.PROTECTION):
    """mseccfg, Machine Security Configuration: exists if an extension has a field in it (norm:mseccfg_presence)."""

    PMM = warl(33, 32, "pointer masking in M-mode (norm:mseccfg_pmm_presence_op)", values=PMM, needs=Feature.SMMPM)
    MLPE = rw(10, "M-mode must have landing pads (norm:mseccfg_mlpe_set_op)", needs=Feature.ZICFILP)
    SSEED = rw(9, "S-mode may access seed (norm:mseccfg_sseed_SorHS-mode_op)", needs=Feature.ZKR)
    USEED = rw(8, "U-mode may access seed (norm:mseccfg_useed_U-mode_op)", needs=Feature.ZKR)
    RLB = warl(2, "locked PMP entries may be changed", legal=legal_rlb, needs=Feature.SMEPMP)
    MMWP = warl(1, "M-mode is denied what no PMP entry matches", legal=sticky, needs=Feature.SMEPMP)
    MML = warl(0, "entries are for M-mode or for S/U-mode, as L says", legal=sticky, needs=Feature.SMEPMP)

    @staticmethod
    def rule(h: Hart) -> u64:
        """There with any of its fields."""
        return 0 if h.features & MSECCFG_FEATURES != 0 else Cause.ILLEGAL_INSTRUCTION


def bypass_lock(h: Hart) -> bool:
    """Whether mseccfg.RLB lets locked entries be changed."""
    return h.features & Feature.SMEPMP != 0 and isset(h.mseccfg, Mseccfg.RLB)


def legal_pmpcfg(h: Hart, old: u64, new: u64) -> u64:
    """What an entry's byte holds after `new` is written over `old`: locked bytes stay, W without R is reserved."""
    if isset(old, Pmp.L) and not bypass_lock(h):
        return old
    value = new & 0x9F
    if h.features & Feature.SMEPMP != 0 and isset(h.mseccfg, Mseccfg.MML):
        return value
    return value & 0x9D if value & 3 == 2 else value


@cold
def read_pmpcfg(h: Hart, first: u64) -> u64:
    """The pmpcfg CSR whose lowest byte is entry `first`."""
    value: u64 = 0
    for i in range(8):
        value |= u64(h.pmpcfg[u64(first + i)] << u64(8 * i))
    return value


@cold
def write_pmpcfg(h: Hart, first: u64, value: u64) -> None:
    """Write the eight entries from `first` on."""
    for i in range(8):
        entry = u64(first + i)
        if entry < PMP_ENTRIES:
            h.pmpcfg[entry] = legal_pmpcfg(h, h.pmpcfg[entry], (value >> u64(8 * i)) & 0xFF)


@cold
def write_pmpaddr(h: Hart, entry: u64, value: u64) -> None:
    """Write an address, unless its entry or a TOR entry above it is locked (norm:pmp_l_bit_write_protection)."""
    if entry >= PMP_ENTRIES:
        return
    if not bypass_lock(h):
        if isset(h.pmpcfg[entry], Pmp.L):
            return
        above = u64(entry + 1)
        if above < PMP_ENTRIES and isset(h.pmpcfg[above], Pmp.L) and get(h.pmpcfg[above], Pmp.A) == TOR:
            return
    h.pmpaddr[entry] = value & ADDRESS_MASK


def _declare(name: str, address: int, doc: str, functions: tuple[str, str] | None, fields: dict[str, Field]) -> None:
    """Define one CSR of an array; functions: expressions to read and to write it, None for read-only zero."""
    body: dict[str, Any] = {"__doc__": doc, "read": staticmethod(zero), "write": staticmethod(ignore_write), **fields}
    keywords: dict[str, Any] = {"address": address, "slot": False, "group": "pmp"}
    if functions is not None:
        names = {f.__name__: f for f in (read_pmpcfg, write_pmpcfg, write_pmpaddr)}
        read = f"def {name}_read(h: Hart) -> u64:\n    return {functions[0]}\n"
        write = f"def {name}_write(h: Hart, value: u64) -> None:\n    {functions[1]}\n"
        body["read"] = staticmethod(make_kernel(f"{name}_read", read, **names))
        body["write"] = staticmethod(make_kernel(f"{name}_write", write, **names))
        keywords["effects"] = Effect.PROTECTION
    types.new_class(name.capitalize(), (Csr,), keywords, lambda scope: scope.update(body))


def _entry_fields(entry: int, lsb: int) -> dict[str, Field]:
    """The fields of an entry whose configuration byte begins at bit `lsb`."""
    kind = rw if entry < PMP_ENTRIES else ro
    return {
        f"PMP{entry}{part.name}": kind(part.msb + lsb, part.lsb + lsb, f"entry {entry}: {part.doc}", values=part.values)
        for part in (Pmp.L, Pmp.A, Pmp.X, Pmp.W, Pmp.R)
    }


for _first in range(0, 64, 8):
    _number = _first // 4
    _fields = {name: field for i in range(8) for name, field in _entry_fields(_first + i, 8 * i).items()}
    _declare(
        f"pmpcfg{_number}",
        0x3A0 + _number,
        f"pmpcfg{_number}, Physical Memory Protection Configuration (norm:pmp_cfg_rv64_layout).",
        (f"read_pmpcfg(h, {_first})", f"write_pmpcfg(h, {_first}, value)") if _first < PMP_ENTRIES else None,
        _fields,
    )
for _entry in range(64):
    _declare(
        f"pmpaddr{_entry}",
        0x3B0 + _entry,
        f"pmpaddr{_entry}, Physical Memory Protection Address (norm:pmp_addr_encoding).",
        (f"h.pmpaddr[{_entry}]", f"write_pmpaddr(h, {_entry}, value)") if _entry < PMP_ENTRIES else None,
        {"ADDRESS": (rw if _entry < PMP_ENTRIES else ro)(53, 0, "bits 55:2 of an address")},
    )
