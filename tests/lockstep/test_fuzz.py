# SPDX-License-Identifier: Apache-2.0
"""The long random runs of tests.support.fuzz: they end well, and a defect is found and narrowed down."""

from __future__ import annotations

import pytest

from core.engine.reference import ReferenceEngine
from core.hart import Hart
from tests.support import fuzz

ALL_ONES = (1 << 64) - 1


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Episodes of a fraction of the usual length."""
    monkeypatch.setattr(fuzz, "EPISODE", 8000)


def test_runs_until_so_many_instructions_are_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--steps", "15k", "--profile", "legal", "--profile", "paging", "--seed", "t"]) == 0
    last = capsys.readouterr().out.splitlines()[-1].split()
    assert int(last[0]) >= 15_000
    assert "no difference" in " ".join(last)


def test_a_defect_is_found_and_the_instruction_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ReferenceEngine.run

    def defective(self: ReferenceEngine, h: Hart) -> None:
        run(self, h)
        if h.x[24] == ALL_ONES:
            h.x[25] ^= 1

    monkeypatch.setattr(ReferenceEngine, "run", defective)
    assert fuzz.main(["--steps", "100k", "--profile", "legal"]) == 1
    output = capsys.readouterr().out
    assert output.startswith("after a single step, at step ")
    assert "--seed 1 --profile legal --first 0" in output
    assert "\n  x[25]: was " in output
