# SPDX-License-Identifier: Apache-2.0
"""Source lines, types, variables and call frames of the bundled hypervisor."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.boot.elf import read_elf
from core.debug.dwarf import Sources
from core.debug.dwarf_places import canonical_frame, return_address
from core.debug.dwarf_types import Types
from examples import elf

SYMBOLS = read_elf("hello", elf("hello").read_bytes()).symbols


def at(name: str) -> int:
    """A symbol's address."""
    address = SYMBOLS.address_of(name)
    assert address is not None
    return address


def registers(**known: int) -> dict[str, int]:
    """Registers by name, the others zero."""
    return known


@pytest.fixture(scope="module")
def sources() -> Sources:
    """The program's line tables."""
    return Sources(elf("hello"))


@pytest.mark.parametrize(
    ("symbol", "place"),
    [
        ("main", "examples/hello/main.c:25"),
        ("guest_entry", "examples/common/guest/guest_start.S:13"),
        ("vcpu_run", "examples/common/vcpu.c:83"),
    ],
)
def test_lines(sources: Sources, symbol: str, place: str) -> None:
    line = sources.line_of(at(symbol))
    assert line is not None and str(line) == place
    assert line.start <= at(symbol) < line.end
    assert at(symbol) in sources.addresses_of(Path(line.file).name, line.line)


def test_text(sources: Sources) -> None:
    line = sources.line_of(at("unmapped_load"))
    assert line is not None and sources.line_text(line) == "ld a0, 0(a0)"
    assert sources.text("no/such/file.c") is None


def test_outside_of_the_program(sources: Sources) -> None:
    assert sources.line_of(0) is None
    assert sources.addresses_of("main.c", 10_000) == []
    assert Sources(Path(__file__)).line_of(at("main")) is None


def test_types(sources: Sources) -> None:
    vcpu = Types(sources).variable("vcpu", at("main"), lambda name: 0)
    assert vcpu is not None and vcpu.address == at("vcpu")
    members = {member.name: member for member in vcpu.type.members}
    assert (members["x"].type.count, members["sepc"].offset, vcpu.type.size) == (32, 264, 448)
    scheme = members["guest_physical"].type.members[0].type
    assert scheme.kind == "pointer" and scheme.target is not None
    assert [member.name for member in scheme.target.members] == ["mode", "levels", "root_bits"]


def test_parameters(sources: Sources) -> None:
    types = Types(sources)
    found = types.variable("vcpu", at("vcpu_run"), lambda name: 0)
    assert found is not None and (found.address, found.register) == (None, "a0")
    assert types.local_names(at("vcpu_run")) == ["vcpu"]
    assert types.variable("nothing", at("vcpu_run"), lambda name: 0) is None


def test_frames(sources: Sources) -> None:
    values = registers(sp=0x1000, ra=0x2000)
    frame = canonical_frame(sources.dwarf, at("vcpu_run"), lambda name: values.get(name, 0))
    assert frame == 0x1000
    assert return_address(sources.dwarf, at("vcpu_run"), lambda name: values.get(name, 0)) == (None, 0x2000)
    later = at("vcpu_run") + 8
    assert canonical_frame(sources.dwarf, later, lambda name: values.get(name, 0)) == 0x1020
    assert return_address(sources.dwarf, later, lambda name: values.get(name, 0)) == (0x1018, None)
