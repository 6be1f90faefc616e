# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests with a real gdb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gdb.driver import Gdb


@pytest.fixture
def gdb() -> Iterator[Callable[..., Gdb]]:
    """Starts gdbs, and ends them after the test."""
    started: list[Gdb] = []

    def start(elf: Path | None = None) -> Gdb:
        started.append(Gdb(elf))
        return started[-1]

    yield start
    for one in started:
        one.close()
