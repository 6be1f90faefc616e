# SPDX-License-Identifier: Apache-2.0
"""What explains differences from QEMU explains no others, and is told in docs/conformance.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.qemu_judged import ALL, JUDGED, Judgement, Step, explained

DOCUMENT = Path(__file__).parents[2] / "docs" / "conformance.md"
RAM = range(0x8000_0000, 0x8010_0000)
HLVX_WU, ADDI, FLE_S = 0x6830_4073, 0x13, 0xA000_0053
REGISTERS = ("pc", "a0", "mcause", "scause", "vscause", "mtval", "stval", "htinst", "mtinst", "htval", "hstatus", "mstatus")


def step(bits: int, taker: str, **pairs: tuple[int, int]) -> Step:
    """A step after which registers have these values, ours and QEMU's; all others agree."""
    ours = dict.fromkeys(REGISTERS, 0x8000_0000) | {name: pair[0] for name, pair in pairs.items()}
    theirs = ours | {name: pair[1] for name, pair in pairs.items()}
    return Step(bits, taker, ours, theirs, {name: pair[0] ^ pair[1] for name, pair in pairs.items()}, RAM)


@pytest.mark.parametrize(
    ("made", "reason", "bits"),
    [
        (step(ADDI, "HS", htinst=(0, 0x3003)), "no_transformed_instruction", {"htinst": 0x3003}),
        (step(ADDI, "M", mtinst=(0x3000, 0x3020)), "pseudoinstructions", {"mtinst": 0x20}),
        (step(HLVX_WU, "HS", scause=(21, 20)), "hlvx_faults_are_loads", {"scause": 1}),
        (step(FLE_S, "", mstatus=(0x6000, 0x2000)), "flags_make_dirty", {"mstatus": 0x4000}),
        (step(ADDI, "VS", htval=(5, 0)), "trap_into_the_guest", {"htval": 5}),
    ],
)
def test_a_known_difference(made: Step, reason: str, bits: dict[str, int]) -> None:
    assert explained(made) == {reason: bits}


@pytest.mark.parametrize(
    "made",
    [
        step(ADDI, "", a0=(1, 2)),
        step(ADDI, "HS", htinst=(0x3003, 0)),
        step(ADDI, "HS", scause=(21, 20)),
        step(HLVX_WU, "HS", scause=(20, 21)),
        step(ADDI, "", mstatus=(0x6000, 0x2000)),
        step(FLE_S, "", a0=(1, 0)),
        step(ADDI, "HS", htval=(5, 0)),
    ],
)
def test_another_difference(made: Step) -> None:
    assert explained(made) == {}


def test_only_the_known_bits_are_explained() -> None:
    assert explained(step(FLE_S, "", mstatus=(0x6001, 0x2000))) == {"flags_make_dirty": {"mstatus": 0x4000}}
    assert ALL == (1 << 64) - 1


@pytest.mark.parametrize("judgement", JUDGED)
def test_it_is_documented(judgement: Judgement) -> None:
    said = " ".join((judgement.__doc__ or "").split())
    assert f"- {said}" in re.sub(r"\n  ", " ", DOCUMENT.read_text("utf-8"))
