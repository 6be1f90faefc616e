# SPDX-License-Identifier: Apache-2.0
"""The target description: what gdb must find in it, and the register numbers."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from gdbstub.riscv.description import Description, describe
from gdbstub.riscv.regnums import F_NAMES, MODE, PC, PRIV, VIRT, X_NAMES
from tests.support.fake_target import CSRS, csr


@pytest.fixture(scope="module")
def description() -> Description:
    return describe(CSRS)


@pytest.fixture(scope="module")
def root(description: Description) -> ElementTree.Element:
    return ElementTree.fromstring(description.xml)


def test_osabi_none_right_after_the_architecture(root: ElementTree.Element) -> None:
    assert [(child.tag, child.text) for child in root][:2] == [("architecture", "riscv:rv64"), ("osabi", "none")]


def test_features(root: ElementTree.Element) -> None:
    features = {feature.get("name"): [r.get("name") for r in feature.iter("reg")] for feature in root.iter("feature")}
    assert features == {
        "org.gnu.gdb.riscv.cpu": [*X_NAMES, "pc"],
        "org.gnu.gdb.riscv.fpu": [*F_NAMES, "fflags", "frm", "fcsr"],
        "org.gnu.gdb.riscv.csr": ["sscratch", "sepc", "hstatus", "hgatp"],
        "org.gnu.gdb.riscv.virtual": ["priv", "virt", "mode", "vmid"],
    }


def test_numbers(description: Description, root: ElementTree.Element) -> None:
    numbers = {reg.get("name"): int(reg.get("regnum", "")) for reg in root.iter("reg")}
    assert {name: numbers[name] for name in ("zero", "sp", "fp", "t6", "pc", "ft0", "fa0", "ft11")} == {
        "zero": 0, "sp": 2, "fp": 8, "t6": 31, "pc": 32, "ft0": 33, "fa0": 43, "ft11": 64,
    }  # fmt: skip
    assert {name: numbers[name] for name in ("fflags", "fcsr", "sepc", "hstatus", "priv", "virt", "mode")} == {
        "fflags": 66, "fcsr": 68, "sepc": 65 + 0x141, "hstatus": 65 + 0x600, "priv": PRIV, "virt": VIRT, "mode": MODE,
    }  # fmt: skip
    assert {r.name: number for number, r in description.registers.items()} == numbers
    assert description.registers[PC].width == 8
    assert description.registers[MODE].width == 1
    assert description.registers[66].width == 4


def test_fields(root: ElementTree.Element) -> None:
    (hstatus,) = [flags for flags in root.iter("flags") if flags.get("id") == "hstatus_t"]
    assert [(f.get("name"), f.get("start"), f.get("end"), f.get("type")) for f in hstatus] == [
        ("SPV", "7", "7", "bool"),
        ("VGEIN", "12", "17", "uint64"),
        ("VTSR", "22", "22", "bool"),
        ("VSXL", "32", "33", "hstatus_VSXL"),
    ]
    (mode,) = [enum for enum in root.iter("enum") if enum.get("id") == "hgatp_MODE"]
    assert [(v.get("name"), v.get("value")) for v in mode] == [("Bare", "0"), ("Sv39x4", "8")]


def test_types_are_defined_before_they_are_used(root: ElementTree.Element) -> None:
    known = {"int", "uint64", "bool", "code_ptr", "data_ptr", "ieee_single", "ieee_double"}
    for element in root.iter():
        if element.tag in ("flags", "enum", "union"):
            assert {f.get("type") for f in element.findall("field")} <= known
            known.add(element.get("id", ""))
        elif element.tag == "reg":
            assert element.get("type") in known


def test_kinds_of_csrs() -> None:
    odd = csr("odd", 0x5C0, ("CODE", 62, 0, {2: "illegal instruction", 5: "a<b"}), ("Interrupt", 63, 63))
    whole = csr("whole", 0x5C1, ("ALL", 63, 0))
    small = csr("small", 0x5C2, ("A", 0, 0), ("B", 31, 31))
    xml = describe([whole, odd, small, csr("vsepc", 0x241), csr("stvec", 0x105, ("BASE", 63, 2), ("MODE", 1, 0))]).xml.decode()
    root = ElementTree.fromstring(xml)
    types = {reg.get("name"): reg.get("type") for reg in root.iter("reg")}
    assert (types["odd"], types["whole"], types["vsepc"], types["stvec"]) == ("odd_t", "uint64", "code_ptr", "code_ptr")
    assert {reg.get("name"): reg.get("bitsize") for reg in root.iter("reg")}["small"] == "32"
    assert '<evalue name="illegal_instruction" value="2"/><evalue name="a_b" value="5"/>' in xml
