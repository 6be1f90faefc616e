# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests with a real gdb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gdbstub.riscv.processes import Mode
from tests.gdb.driver import Gdb, Starter
from tests.gdb.machine import Served, Server

GUESTS = {"guest:*": "twins-guest"}


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


@pytest.fixture
def serve_twins() -> Iterator[Server]:
    """Starts twins with the guests' symbols known, and ends it after the test."""
    started: list[Served] = []

    def start(example: str = "twins", symbols: dict[str, str] | None = GUESTS, worlds: Mode = Mode.AUTO) -> Served:
        started.append(Served(example, "native", symbols=symbols, worlds=worlds))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def twins(serve_twins: Server, gdb: Starter) -> Gdb:
    """A gdb on twins, at reset."""
    served = serve_twins()
    one = gdb(served.elf)
    one("set breakpoint pending on")
    one(served.remote)
    return one
