# SPDX-License-Identifier: Apache-2.0
"""Clients that die in each state of a conversation: the machine stands still, nothing of theirs is left, others are served."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from gdbstub import GdbServer
from gdbstub.framing import frame
from gdbstub.interface import StopReport, ThreadId
from tests.support.fake_target import FakeTarget
from tests.unit.test_gdbstub_server import Peer, eventually

HOST, GUEST = ThreadId(1, 1), ThreadId(2, 1)


@pytest.fixture
def target() -> FakeTarget:
    return FakeTarget()


@pytest.fixture
def server(target: FakeTarget) -> Iterator[GdbServer]:
    server = GdbServer(target, "0")
    server.start()
    yield server
    server.stop()


def nothing_said(peer: Peer, target: FakeTarget) -> None:
    """It has connected."""


def talking(peer: Peer, target: FakeTarget) -> None:
    """Between two requests."""
    assert peer.ask(b"m80000000,4") == b"13000000"


def mid_packet(peer: Peer, target: FakeTarget) -> None:
    """Half a write is on the wire."""
    peer.send(b"$M80000000,4:dead")


def reading_a_file(peer: Peer, target: FakeTarget) -> None:
    """A file is open."""
    assert peer.ask(b"vFile:open:" + b"/host.elf".hex().encode() + b",0,0") == b"F0"


def running(peer: Peer, target: FakeTarget) -> None:
    """It waits for a stop."""
    peer.send(frame(b"vCont;c"))
    eventually(lambda: target.running)


def interrupting(peer: Peer, target: FakeTarget) -> None:
    """It has asked for a stop that has not come yet."""
    running(peer, target)
    peer.send(b"\x03")
    eventually(lambda: "interrupt" in target.calls)


def meeting_a_process(peer: Peer, target: FakeTarget) -> None:
    """It was told of a new process and has not resumed yet."""
    running(peer, target)
    target.add_process(2)
    target.stop(StopReport(HOST, passing=True))
    assert peer.reply().startswith(b"T05exec:")


def stop_put_off(peer: Peer, target: FakeTarget) -> None:
    """A stop waits until it has met a new process."""
    running(peer, target)
    target.add_process(2)
    target.stop(StopReport(GUEST))
    assert peer.reply().startswith(b"T05exec:")


def refreshing(peer: Peer, target: FakeTarget) -> None:
    """It was made to resume a process once more, before the machine goes on."""
    meeting_a_process(peer, target)
    peer.send(frame(b"vCont;c:p2.-1"))
    eventually(lambda: target.running)
    target.stop(StopReport(HOST))
    assert peer.reply().startswith(b"T05thread:p1.1;")
    peer.ask(b"Hgp2.1")
    peer.ask(b"g")
    peer.ask(b"Hgp1.1")
    assert peer.ask(b"vCont;c:p1.-1").startswith(b"T05library:;")


def ended(peer: Peer, target: FakeTarget) -> None:
    """The machine has ended."""
    running(peer, target)
    target.stop(StopReport(HOST, exit_code=0))
    assert peer.reply().startswith(b"W00")


def not_reading(peer: Peer, target: FakeTarget) -> None:
    """Answers have piled up."""
    peer.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        while True:
            peer.send(frame(b"m80000000,fff0") * 50)


def refused_retransmission(peer: Peer, target: FakeTarget) -> None:
    """It wants everything again and again."""
    peer.send(frame(b"g") + b"-" * 1000)


STATES = [
    nothing_said, talking, mid_packet, reading_a_file, running, interrupting, meeting_a_process, stop_put_off, refreshing,
    ended, not_reading, refused_retransmission,
]  # fmt: skip


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_death(server: GdbServer, target: FakeTarget, state: Callable[[Peer, FakeTarget], None], reset: bool) -> None:
    peer = Peer(server)
    if state is not nothing_said:
        peer.ask(b"qSupported:multiprocess+;exec-events+;swbreak+")
        peer.send(b"+" + frame(b"QStartNoAckMode") + b"+")
        assert peer.reply() == b"OK"
        assert peer.ask(b"Z0,80004000,4") == b"OK"
    state(peer, target)
    memory = bytes(target.memory)
    if reset:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.socket.close()
    eventually(lambda: "release" in target.calls)
    if target.running:
        assert "interrupt" in target.calls
        target.stop(StopReport(HOST))
    assert target.points == set()
    again = Peer(server)
    assert again.ask(b"?").startswith(b"T05thread:1;")
    assert again.ask(b"m80000000,4") == b"13000000"
    assert bytes(target.memory) == memory
