# SPDX-License-Identifier: Apache-2.0
"""What a hart has: --cpu, misa and the device tree agree, and RVA23S64 without V is there by default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.launch import Options
from core.boot.devicetree import PAGING_MODES, isa_extensions
from core.csr.access import csr_cause
from core.csr.csr import CSRS
from core.csr.registry import exists, read_csr
from core.debug.target import Debugger, UnknownRegister
from core.features import DEFAULT_FEATURES, IMPLIED, Feature, consistent, isa_names
from core.machine import Machine
from core.options import CPU_PROPERTIES
from core.trap.causes import Cause
from tests.unit.test_boot_fdt import decompile, node_of

NO_EXTENSIONS = {"s", "u", *PAGING_MODES}
"""Modes and paging modes: misa and mmu-type tell them."""
RVA23S64 = """
    I M A F D C B H Zicsr Zicntr Zihpm Ziccif Ziccrse Ziccamoa Zicclsm Za64rs Zihintpause Zic64b Zicbom Zicbop Zicboz Zfhmin
    Zkt Zihintntl Zicond Zimop Zcmop Zcb Zfa Zawrs Zifencei Svbare Sv39 Svade Ssccptr Sstvecd Sstvala Sscounterenw Svpbmt
    Svinval Svnapot Sstc Sscofpmf Ssnpm Ssu64xl Sha Ssstateen Shcounterenw Shvstvala Shtvala Shvstvecd Shvsatpa Shgatpa
"""
"""What the profile demands (profiles, RVA23S64 Profile), but for V, Zvfhmin, Zvbb, Zvkt and, which is no matter of harts,
Supm."""


def machine(strict: bool = False, **cpu: bool) -> Machine:
    """A machine as the command line makes it."""
    hello = Path(__file__).parents[2] / "examples" / "prebuilt" / "hello.elf"
    return Options(hello, cpu=cpu, strict=strict, engine="reference").make().machine


def told(made: Machine) -> tuple[set[str], str]:
    """The extensions in riscv,isa-extensions of the device tree in RAM, and riscv,isa."""
    blob = made.ram.read_bytes(made.plan.dtb, 1 << 16)
    cpu = node_of(decompile(blob[: int.from_bytes(blob[4:8], "big")])[0], "cpu@0")
    return set(cpu["riscv,isa-extensions"].strip('"').split("\\0")), cpu["riscv,isa"].strip('"')


@pytest.mark.parametrize("name", [name for name in CPU_PROPERTIES if name not in ("i", "s", "u", "zicsr")])
@pytest.mark.parametrize("on", [True, False])
def test_cpu_device_tree_and_misa_agree(name: str, on: bool) -> None:
    """norm:misa_extensions_enc_txt: misa has the letters that the device tree has; a property is seen in both or neither."""
    made = machine(**{name: on})
    extensions, isa = told(made)
    assert isa == "_".join(
        [
            "rv64" + "".join(n for n in isa_extensions(extensions) if len(n) == 1),
            *isa_extensions({n for n in extensions if len(n) > 1}),
        ]
    )
    letters = {chr(ord("a") + bit) for bit in range(26) if read_csr(made.harts[0], "misa") >> bit & 1}
    assert letters - NO_EXTENSIONS == {n for n in extensions if len(n) == 1}
    assert {n for n in extensions if n.upper() in Feature.__members__} == {
        str(feature.name).lower() for feature in Feature if feature in made.features
    } - NO_EXTENSIONS
    feature = Feature[name.upper()]
    assert (feature in made.features) == (on and feature in consistent(DEFAULT_FEATURES | feature))


def test_the_profile() -> None:
    """All mandatory extensions of RVA23S64 but for vectors; Svade where A and D are left to software after reset."""
    wanted = {name.lower() for name in RVA23S64.split()} - {"sv39"}
    extensions, _ = told(machine(strict=True))
    assert wanted <= extensions, wanted - extensions
    extensions, _ = told(machine())
    assert wanted - extensions == {"svade"} and "svadu" in extensions
    assert "svade" in told(machine(svadu=False))[0]


def test_what_is_implied_goes_with_its_reasons() -> None:
    for name, needed in IMPLIED.items():
        assert name in isa_names(DEFAULT_FEATURES, False)
        for feature in Feature:
            if feature in needed:
                assert name not in isa_names(DEFAULT_FEATURES & ~feature, False)


@pytest.mark.parametrize(
    ("off", "gone"),
    [
        ("F", "D Zfhmin Zfh Zfa"),
        ("C", "Zcb Zcmop"),
        ("A", "Zacas Zabha Zawrs"),
        ("H", "Shlcofideleg"),
        ("Sv48", "Sv57"),
        ("U", "S H Sstc Svadu Sv48 Sv57 Svinval Svpbmt Svnapot Svvptc Ssstateen Ssdbltrp Sscofpmf Shlcofideleg Ssnpm Smnpm"),
        ("Sscofpmf", "Shlcofideleg"),
    ],
)
def test_what_depends_on_something_off_is_off(off: str, gone: str) -> None:
    left = consistent(DEFAULT_FEATURES & ~Feature[off.upper()])
    lost = {str(feature.name) for feature in Feature if feature in DEFAULT_FEATURES & ~left}
    assert lost == {off.upper(), *gone.upper().split()}


@pytest.mark.parametrize("off", ["h", "sstc", "ssstateen", "f", "zicntr"])
def test_debuggers_see_the_csrs_that_instructions_can_reach(off: str) -> None:
    """A CSR that needs two extensions is not there with only one of them (Ssaia is off by default)."""
    made = Debugger(machine(**{off: False}))
    hart = made.machine.harts[0]
    present = {csr.name for csr in made.csrs()}
    assert present == {csr.name for csr in CSRS if exists(hart, csr)}
    hart.mode = 3
    for csr in CSRS:
        if csr.name not in present:
            assert csr_cause(hart, csr.address, False) == Cause.ILLEGAL_INSTRUCTION
            with pytest.raises(UnknownRegister, match=f"no register '{csr.name}': the hart has no "):
                made.read_register(csr.name)
            with pytest.raises(UnknownRegister, match=f"no register '{csr.name}': the hart has no "):
                made.write_register(csr.name, 0)
    for spec in ("csr vstopi", "csr hviprio1 write"):
        with pytest.raises(UnknownRegister, match=r"the hart has no (H and no )?Ssaia"):
            made.add_catch(spec, owner="test")


def test_names_are_words_of_the_manual() -> None:
    for name in [*IMPLIED, *RVA23S64.split()]:
        assert re.fullmatch(r"[A-Z]|[ZS][a-z0-9]+", name)
