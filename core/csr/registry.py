# SPDX-License-Identifier: Apache-2.0
"""All CSRs by address and by name, and how a debugger reads and writes them."""

from __future__ import annotations

import importlib
import pkgutil

import core.csr
from core.csr.csr import CSRS, Csr, Effect
from core.csr.fields import Field
from core.hart import Hart
from core.isa.intrinsics import end_slice, u64
from core.mmu.tlb import flush_all, update_regime

for _module in sorted(pkgutil.iter_modules(core.csr.__path__), key=lambda module: module.name):
    if _module.name not in ("access", "registry"):
        importlib.import_module(f"core.csr.{_module.name}")

CSRS_BY_ADDRESS: dict[int, type[Csr]] = {csr.address: csr for csr in sorted(CSRS, key=lambda csr: csr.address)}
CSRS_BY_NAME: dict[str, type[Csr]] = {csr.name: csr for csr in CSRS_BY_ADDRESS.values()}
if not len(CSRS) == len(CSRS_BY_ADDRESS) == len(CSRS_BY_NAME):
    raise ValueError("two CSRs have the same address or name")


class ReadOnlyCsr(Exception):
    """A debugger's write to a CSR whose address is a read-only one; the message names it."""


def exists(h: Hart, csr: type[Csr]) -> bool:
    """Whether this hart has the CSR, with the extensions that are enabled now."""
    return bool(h.features & csr.feature == csr.feature)


def read_csr(h: Hart, name: str) -> int:
    """The value of a CSR by its own name: no privilege checks, vs* are not substituted, nothing changes.

    Raises KeyError when there is no such CSR (whether this hart has it, `exists` tells).
    """
    csr = CSRS_BY_NAME[name]
    return (csr.peek or csr.read)(h)


def write_csr(h: Hart, name: str, value: int) -> None:
    """Write a CSR by its own name, as far as the value is legal; effects on translation and interrupts follow.

    Raises KeyError when there is no such CSR, ReadOnlyCsr when it cannot be written.
    """
    csr = CSRS_BY_NAME[name]
    if csr.read_only:
        raise ReadOnlyCsr(f"{name} is read-only")
    (csr.poke or csr.write)(h, u64(value))
    if csr.effects & Effect.PROTECTION:
        flush_all(h)
    if csr.effects & Effect.TRANSLATION:
        update_regime(h)
    if csr.effects & Effect.INTERRUPT:
        end_slice(h)


def fields_of(h: Hart, name: str) -> list[tuple[Field, int, str]]:
    """Every field of a CSR with its present value and what that means in words ("" if nothing to say)."""
    value = read_csr(h, name)
    return [(field, field.of(value), field.words(field.of(value))) for field in CSRS_BY_NAME[name].fields]
