# SPDX-License-Identifier: Apache-2.0
"""Declaring CSRs: fields, what is derived from them, the registry."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from core.csr.csr import Csr
from core.csr.fields import Field, ro, rw, warl, wlrl
from core.csr.hypervisor import Hstatus
from core.csr.machine import Mstatus
from core.csr.registry import CSRS_BY_ADDRESS, CSRS_BY_NAME, ReadOnlyCsr, exists, fields_of, read_csr, write_csr
from core.csr.translation import Hgatp
from core.features import DEFAULT_FEATURES, Feature
from core.isa.intrinsics import get, isset, put
from tests.unit.test_csr_support import ONES, make_hart, write


def test_field_positions() -> None:
    assert (Hstatus.VGEIN.msb, Hstatus.VGEIN.lsb, Hstatus.VGEIN.width, Hstatus.VGEIN.mask) == (17, 12, 6, 0x3F000)
    assert (Hstatus.SPV.msb, Hstatus.SPV.lsb, Hstatus.SPV.width, Hstatus.SPV.mask) == (7, 7, 1, 0x80)
    assert repr(Hstatus.SPV) == "<SPV rw [7:7]>"


def test_field_helpers() -> None:
    assert get(0x5000, Hstatus.VGEIN) == 5
    assert put(ONES, Hstatus.VGEIN, 0x41) == ONES & ~0x3F000 | 0x1000
    assert isset(0x80, Hstatus.SPV) and not isset(0x40, Hstatus.SPV)
    assert Hgatp.MODE.of(8 << 60) == 8 and Hgatp.MODE.words(8) == "Sv39x4" and Hgatp.MODE.words(3) == ""


@pytest.mark.parametrize(
    "make",
    [lambda: rw(64), lambda: rw(3, 4), lambda: ro(1, 0, reset=4), lambda: warl(1, 0), lambda: rw(-1)],
    ids=["beyond 63", "msb below lsb", "reset too wide", "warl without values", "negative"],
)
def test_impossible_fields_are_refused(make: Callable[[], Field]) -> None:
    with pytest.raises(ValueError):
        make()


def test_overlapping_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):

        class Overlap(Csr, address=0x7C0, slot=False):
            """A CSR that cannot be."""

            HIGH = rw(4, 2)
            LOW = rw(2, 0)

            read = staticmethod(Mstatus.read)


def test_address_has_12_bits() -> None:
    with pytest.raises(ValueError, match="12 bits"):

        class TooFar(Csr, address=0x1000, slot=False):
            """A CSR that cannot be."""


@pytest.mark.parametrize("name", sorted(CSRS_BY_NAME))
def test_every_csr_tells_about_itself(name: str) -> None:
    csr = CSRS_BY_NAME[name]
    assert CSRS_BY_ADDRESS[csr.address] is csr
    assert csr.doc.startswith(f"{name}, ") and csr.doc.endswith(".")
    assert all(field.name and field.doc for field in csr.fields), "a field says nothing about itself"
    assert all(upper.lsb > lower.msb for upper, lower in zip(csr.fields, csr.fields[1:], strict=False))
    assert csr.read_only == (csr.address >> 10 == 3) and csr.privilege == csr.address >> 8 & 3


@pytest.mark.parametrize("name", sorted(CSRS_BY_NAME))
def test_every_function_of_a_csr_has_its_source(name: str) -> None:
    csr = CSRS_BY_NAME[name]
    for function in (csr.read, csr.write, csr.legalize):
        text = getattr(function, "__kernel_source__", None) or inspect.getsource(function)
        assert f"def {function.__name__}(" in text


@pytest.mark.parametrize("name", sorted(CSRS_BY_NAME))
def test_legalize_is_pure_and_idempotent(name: str) -> None:
    csr, h = CSRS_BY_NAME[name], make_hart()
    before = h.snapshot()
    for value in (0, ONES, 0x5555_5555_5555_5555, 0xAAAA_AAAA_AAAA_AAAA):
        once = csr.legalize(h, 0, value)
        assert 0 <= once <= ONES
        assert csr.legalize(h, 0, once) == once
        assert csr.legalize(h, once, value) == once
    assert h.snapshot() == before


@pytest.mark.parametrize("name", sorted(CSRS_BY_NAME))
def test_debugger_can_read_everything_and_nothing_changes(name: str) -> None:
    h = make_hart("VU", strict=False)
    before, warned = h.snapshot(), h.warned
    read_csr(h, name)
    fields_of(h, name)
    assert (h.snapshot(), h.warned, h.machine.warnings) == (before, warned, [])


def test_debugger_uses_own_names() -> None:
    h = make_hart("VS")
    write_csr(h, "sscratch", 1)
    write_csr(h, "vsscratch", 2)
    assert (h.sscratch, h.vsscratch) == (1, 2)
    assert (read_csr(h, "sscratch"), read_csr(h, "vsscratch")) == (1, 2)


def test_debugger_cannot_write_read_only_csrs() -> None:
    with pytest.raises(ReadOnlyCsr, match="mhartid"):
        write_csr(make_hart(), "mhartid", 1)
    with pytest.raises(KeyError):
        read_csr(make_hart(), "nonesuch")


def test_debugger_writes_are_legalized() -> None:
    h = make_hart()
    write_csr(h, "sepc", 0x8000_0001)
    assert h.sepc == 0x8000_0000
    write_csr(h, "hgatp", 5 << 60 | 3)
    assert h.hgatp >> 60 == 0


def test_fields_in_words() -> None:
    h = make_hart()
    write(h, "hgatp", 9 << 60 | 7 << 44 | 0x8_0004)
    assert [(field.name, value, words) for field, value, words in fields_of(h, "hgatp")] == [
        ("MODE", 9, "Sv48x4"),
        ("VMID", 7, ""),
        ("PPN", 0x8_0004, ""),
    ]


def test_exists_follows_features() -> None:
    h = make_hart(features=Feature.I | Feature.ZICSR | Feature.H)
    assert exists(h, CSRS_BY_NAME["hstatus"]) and not exists(h, CSRS_BY_NAME["stimecmp"])
    assert not exists(h, CSRS_BY_NAME["vstimecmp"]) and not exists(h, CSRS_BY_NAME["fcsr"])


def test_derived_kinds() -> None:
    """What `write` does with each kind of field: read-write, read-only, legal values only, dependent on a feature."""
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.F)
    assert Mstatus.legalize(h, 0, ONES) & Mstatus.FS.mask == 0, "no F, no FS"
    h.features |= int(Feature.F)
    assert Mstatus.legalize(h, 0, ONES) & Mstatus.FS.mask == Mstatus.FS.mask
    assert Mstatus.legalize(h, 0, 0) == 2 << 32 | 2 << 34, "UXL and SXL are read-only 2"
    assert Mstatus.legalize(h, 1 << 11, 2 << 11) & Mstatus.MPP.mask == 1 << 11, "2 is no mode"
    assert wlrl(62, 0).kind == "wlrl" and ro(3).kind == "ro"
