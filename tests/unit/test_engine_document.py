# SPDX-License-Identifier: Apache-2.0
"""docs/kernel-subset.md says what the checker says: its examples are compiled, and refused in the words it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.engine import primitives
from core.engine.lower import Program
from core.engine.subset import SubsetError
from tests.support.native_call import kernel

DOCUMENT = (Path(__file__).parents[2] / "docs" / "kernel-subset.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)\n```)?", DOCUMENT, re.DOTALL)


@pytest.mark.parametrize(("program", "refusal"), EXAMPLES)
def test_example(program: str, refusal: str) -> None:
    function = kernel(program)
    lowering = Program("document")
    primitives.install(lowering)
    if not refusal:
        lowering.lower(function)
        return
    with pytest.raises(SubsetError) as caught:
        lowering.lower(function)
    assert str(caught.value).partition(":")[2] == refusal.partition(":")[2]


def test_there_are_examples_of_both_kinds() -> None:
    assert len(EXAMPLES) == DOCUMENT.count("```python") >= 6
    assert {bool(refusal) for _, refusal in EXAMPLES} == {True, False}
    assert sum(bool(refusal) for _, refusal in EXAMPLES) == DOCUMENT.count("```text")
