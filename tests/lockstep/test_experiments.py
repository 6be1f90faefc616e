# SPDX-License-Identifier: Apache-2.0
"""Random experiments with privileged state and random streams: both engines log the same, and much is tried."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from core.boot.loader import Bios, BootConfig
from core.features import DEFAULT_FEATURES, Feature
from core.machine import Machine, MachineConfig
from core.trap.causes import Cause
from tests.support import experiments, experiments_landing, experiments_rnmi, experiments_shadow, streams
from tests.support.experiments import NAMES, build, main

COUNT = 500
NONE = Feature(0)


def log(program: Path, engine: str, size: int, features: Feature = DEFAULT_FEATURES) -> list[tuple[int, ...]]:
    """What the program logs, in parts of so many words."""
    boot = BootConfig(program, bios=Bios.NONE)
    machine = Machine(MachineConfig(boot, memory=8 << 20, engine=engine, features=features))
    machine.run(10**6)
    assert machine.exit_code == 0
    place = machine.plan.signature
    assert place is not None
    words = memoryview(machine.ram.read_bytes(place.start, len(place))).cast("Q")
    return [tuple(words[first : first + size]) for first in range(0, len(words), size)]


def agreed(program: Path, names: Sequence[str], more: Feature = NONE) -> list[tuple[int, ...]]:
    """What both engines log, word by word the same; more: features that are off otherwise."""
    reference, native = (log(program, engine, len(names), DEFAULT_FEATURES | more) for engine in ("reference", "native"))
    for number, (ours, theirs) in enumerate(zip(reference, native, strict=True)):
        assert dict(zip(names, ours, strict=True)) == dict(zip(names, theirs, strict=True)), number
    return native


@pytest.mark.parametrize("recent", [True, False])
def test_engines_agree(tmp_path: Path, recent: bool) -> None:
    program = build(tmp_path, f"lockstep {recent}", COUNT, recent)
    native = agreed(program, NAMES)
    causes = [NAMES.index(name) for name in ("mcause", "scause", "vscause")]
    assert len({tuple(words[index] for index in causes) for words in native}) > 30
    assert {words[causes[0]] for words in native} >= {1, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, 15, 20, 21, 22, 23}


def test_engines_agree_on_landing_pads(tmp_path: Path) -> None:
    native = agreed(build(tmp_path, "lockstep", COUNT, True, experiments_landing.Draw), NAMES, Feature.ZICFILP)
    for name, least in (("mcause", 50), ("scause", 20), ("vscause", 5)):
        assert sum(words[NAMES.index(name)] == Cause.SOFTWARE_CHECK for words in native) > least


def test_engines_agree_on_rnmis(tmp_path: Path) -> None:
    tried = experiments.experiments("lockstep", COUNT, True, experiments_rnmi.Draw)
    names = experiments.names(tried[0])
    native = agreed(build(tmp_path, "lockstep", COUNT, True, experiments_rnmi.Draw), names, Feature.SMRNMI)
    first = dict(zip(names, native[0], strict=True))
    assert first["mnstatus"] & 8, "MNRET has set it again"
    sources = {
        words[names.index("mcause")] for words, each in zip(native, tried, strict=True) if each.instruction == 0x7020_0073
    }
    assert sources >= {2, 8, 9, 10, 11}, "MNRET leads to every mode, and is illegal below M-mode"


def test_engines_agree_on_shadow_stacks(tmp_path: Path) -> None:
    tried = experiments.experiments("lockstep", COUNT, True, experiments_shadow.Draw)
    names = experiments.names(tried[0])
    native = agreed(build(tmp_path, "lockstep", COUNT, True, experiments_shadow.Draw), names, Feature.ZICFISS)
    columns = [names.index(name) for name in ("mcause", "scause", "vscause")]
    causes = [words[column] for words in native for column in columns]
    counts = {cause: causes.count(cause) for cause in (7, 15, 22, 23)}
    assert min(counts.values()) > 5 and Cause.SOFTWARE_CHECK in causes, counts
    moved = [words[names.index("ssp")] != drawn.csrs["ssp"] & ~7 for words, drawn in zip(native, tried, strict=True)]
    assert sum(moved) > 3, "pushes and pops that were carried out"


def test_engines_agree_on_streams(tmp_path: Path) -> None:
    program = streams.build(tmp_path, "lockstep", 60)
    reference, native = (log(program, engine, len(streams.NAMES)) for engine in ("reference", "native"))
    for number, (ours, theirs) in enumerate(zip(reference, native, strict=True)):
        assert dict(zip(streams.NAMES[2:], ours[2:], strict=True)) == dict(zip(streams.NAMES[2:], theirs[2:], strict=True)), (
            number
        )
    traps = sum(words[2] for words in native)
    assert 0 < traps < 60 * streams.LENGTH / 4, "most instructions do something"


def test_the_program_is_the_same_again(tmp_path: Path) -> None:
    assert experiments.experiments("x", 20) == experiments.experiments("x", 20) != experiments.experiments("y", 20)
    assert main([str(tmp_path / "a.elf"), "--count", "20"]) == 0
    assert experiments_landing.main([str(tmp_path / "l.elf"), "--count", "20"]) == 0
    assert experiments_rnmi.main([str(tmp_path / "r.elf"), "--count", "20"]) == 0
    assert experiments_shadow.main([str(tmp_path / "s.elf"), "--count", "20"]) == 0
    assert streams.main([str(tmp_path / "b.elf"), "--blocks", "2"]) == 0
    assert all((tmp_path / name).read_bytes()[:4] == b"\x7fELF" for name in ("a.elf", "b.elf", "l.elf", "r.elf", "s.elf"))
