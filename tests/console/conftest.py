# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the console's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.debug.target import Debugger
from tests.console.driver import Typist, machine


@pytest.fixture
def hello() -> Iterator[Debugger]:
    """The bundled hypervisor at reset, on the reference engine."""
    debugger = machine()
    yield debugger
    debugger.close()


@pytest.fixture
def in_guest(hello: Debugger) -> Debugger:
    """The same, stopped at the guest's first instruction."""
    entry = hello.symbols.address_of("guest_entry")
    assert entry is not None
    point = hello.add_breakpoint(entry, owner="test")
    hello.resume()
    stop = hello.wait(60)
    assert stop is not None and stop.pc == entry
    hello.remove_breakpoint(point.number)
    return hello


@pytest.fixture
def typist(hello: Debugger) -> Typist:
    """A console on `hello`."""
    return Typist(hello)
