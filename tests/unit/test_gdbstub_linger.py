# SPDX-License-Identifier: Apache-2.0
"""Looking for a quick client's next bytes: when to look, when to leave it to the event loop."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from gdbstub import linger
from gdbstub.linger import LOOK, RESPITE, STRETCH, TAKEN, Linger


class Clock:
    """A clock that goes on by `tick` whenever it is read."""

    def __init__(self) -> None:
        self.now = 100.0
        self.tick = 1e-6
        self.reads = 0

    def __call__(self) -> float:
        self.now += self.tick
        self.reads += 1
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(linger, "perf_counter", clock)
    return clock


@pytest.fixture
def peer() -> Iterator[tuple[Linger, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield Linger(ours.fileno()), theirs


def looks(wait: Linger, clock: Clock) -> int:
    """How often it looks at a socket where nothing is."""
    before = clock.reads
    assert wait.read() == b""
    return clock.reads - before - 1


def test_a_quick_client_is_waited_for(peer: tuple[Linger, socket.socket], clock: Clock) -> None:
    wait, client = peer
    wait.received()
    assert looks(wait, clock) == 0  # nobody knows yet how quick it is
    wait.received()
    client.sendall(b"$g#67")
    assert wait.read() == b"$g#67"
    client.sendall(b"$m0,4#fd")
    assert wait.read() == b"$m0,4#fd"
    assert looks(wait, clock) == pytest.approx(LOOK / clock.tick, abs=2)
    assert looks(wait, clock) == 0  # it was not quick: not until it is again


def test_a_slow_client_is_left_to_the_event_loop(peer: tuple[Linger, socket.socket], clock: Clock) -> None:
    wait, _ = peer
    for pause, quick in ((LOOK * 2, False), (LOOK / 2, True), (LOOK * 2, False)):
        assert wait.read() == b""
        clock.now += pause
        wait.received()
        assert (looks(wait, clock) > 0) == quick


def test_the_event_loop_gets_its_turn(peer: tuple[Linger, socket.socket], clock: Clock) -> None:
    wait, client = peer
    wait.received()
    wait.read()
    wait.received()
    client.sendall(b"+")
    clock.now += STRETCH
    assert wait.read() == b""
    wait.received()
    assert wait.read() == b"+"


def test_who_is_not_given_the_processor_sleeps(peer: tuple[Linger, socket.socket], clock: Clock) -> None:
    wait, _ = peer
    wait.received()
    wait.read()
    wait.received()
    clock.tick = TAKEN * 1.1
    assert wait.read() == b""
    clock.tick = 1e-6
    for pause, quick in ((0, False), (RESPITE, True)):
        clock.now += pause
        wait.read()
        wait.received()
        assert (looks(wait, clock) > 0) == quick


def test_a_client_that_hangs_up_is_left_to_the_event_loop(peer: tuple[Linger, socket.socket], clock: Clock) -> None:
    wait, client = peer
    wait.received()
    wait.read()
    wait.received()
    client.close()
    before = clock.reads
    assert wait.read() == b"" and clock.reads == before + 1


def test_an_error_is_left_to_the_event_loop(clock: Clock) -> None:
    read, write = os.pipe()
    os.close(write)
    wait = Linger(read)
    wait.received()
    wait.read()
    os.close(read)
    wait.received()
    assert wait.read() == b""
