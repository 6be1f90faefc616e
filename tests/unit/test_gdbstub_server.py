# SPDX-License-Identifier: Apache-2.0
"""The server on real sockets: addresses, one client at a time, clients that vanish."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from gdbstub import GdbServer, ServerError
from gdbstub.framing import Deframer, Packet, frame
from gdbstub.interface import Signal, StopReport, ThreadId
from gdbstub.server import parse_address
from gdbstub.unsaid import LIMIT as UNSAID_LIMIT
from tests.support.fake_target import FakeTarget


class Peer:
    """A client on a socket."""

    def __init__(self, server: GdbServer) -> None:
        self.socket = socket.create_connection((server.host, server.port), timeout=5)
        self.deframer = Deframer()
        self.bodies: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self) -> bytes:
        while not self.bodies:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.bodies += [item.body for item in self.deframer.feed(data) if isinstance(item, Packet)]
        return self.bodies.pop(0)

    def ask(self, body: bytes) -> bytes:
        self.send(frame(body))
        return self.reply()


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "this never became true"
        time.sleep(0.005)


@pytest.fixture
def target() -> FakeTarget:
    return FakeTarget(live=True)


@pytest.fixture
def server(target: FakeTarget) -> Iterator[GdbServer]:
    server = GdbServer(target, "0")
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("1234", "127.0.0.1", 1234),
        (":1234", "127.0.0.1", 1234),
        ("localhost:0", "localhost", 0),
        ("0.0.0.0:65535", "0.0.0.0", 65535),
        ("[::1]:1234", "::1", 1234),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    assert parse_address(text) == (host, port)


@pytest.mark.parametrize("text", ["", "x", "localhost", "1234x", "host:", "65536", "-1", "١"])
def test_bad_addresses(text: str) -> None:
    with pytest.raises(ServerError, match=r"no port number in .*; write \[HOST:\]PORT"):
        parse_address(text)


def test_port_in_use(server: GdbServer) -> None:
    second = GdbServer(FakeTarget(), f"127.0.0.1:{server.port}")
    with pytest.raises(ServerError, match=rf"^port 127.0.0.1:{server.port} is in use .*; choose another one"):
        second.start()
    second.stop()


def test_unknown_host() -> None:
    with pytest.raises(ServerError, match=r"^cannot listen on no\.such\.host\.invalid:1: "):
        GdbServer(FakeTarget(), "no.such.host.invalid:1").start()


def test_listening_beyond_loopback_is_loud() -> None:
    warnings: list[str] = []
    for address in ("127.0.0.1:0", "0.0.0.0:0"):
        server = GdbServer(FakeTarget(), address, warn=warnings.append)
        server.start()
        server.stop()
    (warning,) = warnings
    assert warning.startswith("WARNING: the gdb server listens on 0.0.0.0, port ")


def test_conversation_and_interrupt(server: GdbServer, target: FakeTarget) -> None:
    peer = Peer(server)
    assert server.client is None or server.client.startswith("127.0.0.1:")
    assert peer.ask(b"?").startswith(b"T05thread:1;")
    assert server.client == f"127.0.0.1:{peer.socket.getsockname()[1]}"
    peer.send(frame(b"c"))
    eventually(lambda: target.running)
    peer.send(b"\x03")
    assert peer.reply().startswith(b"T02thread:1;")


def test_stops_made_elsewhere_are_reported(server: GdbServer, target: FakeTarget) -> None:
    target.live = False
    peer = Peer(server)
    peer.send(frame(b"c"))
    eventually(lambda: target.running)
    target.stop(StopReport(ThreadId(1, 1), Signal.INT))
    assert peer.reply().startswith(b"T02")


def test_second_client_is_refused_and_the_first_goes_on(server: GdbServer) -> None:
    first = Peer(server)
    assert first.ask(b"qC") == b"QC1"
    second = Peer(server)
    reason = b"E.Hartline already serves a debugger at 127.0.0.1:%d; detach that one first"
    assert second.ask(b"qSupported:multiprocess+") == reason % first.socket.getsockname()[1]
    assert second.ask(b"vMustReplyEmpty").startswith(b"E.Hartline already serves")
    with pytest.raises(EOFError):
        while True:
            second.reply()
    assert first.ask(b"qC") == b"QC1"


def test_a_client_that_comes_while_the_first_leaves_is_served(server: GdbServer) -> None:
    for _ in range(5):
        first, second = Peer(server), Peer(server)
        first.ask(b"qC")
        second.send(frame(b"qC"))
        first.socket.close()
        assert second.reply() == b"QC1"
        second.socket.close()


@pytest.mark.parametrize(
    "last_words", [b"", b"$m8000", b"$", frame(b"c"), frame(b"c") + b"\x03", b"\xff" * 100, frame(b"?")[:-1]]
)
def test_clients_that_vanish_leave_machine_and_server_as_they_were(
    server: GdbServer, target: FakeTarget, last_words: bytes
) -> None:
    peer = Peer(server)
    assert peer.ask(b"Z0,80004000,4") == b"OK"
    peer.send(last_words)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset, do not say goodbye
    peer.socket.close()
    eventually(lambda: "release" in target.calls and not target.running)
    assert target.points == set()
    again = Peer(server)
    assert again.ask(b"?")[:3] in (b"T05", b"T02")
    assert again.ask(b"m80000000,4") == b"13000000"


def test_kill_resets_unless_told_otherwise(server: GdbServer, target: FakeTarget) -> None:
    peer = Peer(server)
    peer.send(frame(b"k"))
    eventually(lambda: "reset" in target.calls)
    with pytest.raises(EOFError):  # other debuggers wait for a reply that gdb does not want
        peer.reply()
    assert Peer(server).ask(b"qC") == b"QC1"


def test_kill_callback_may_stop_the_server(target: FakeTarget) -> None:
    killed: list[GdbServer] = []

    def on_kill() -> None:
        killed.append(mortal)
        mortal.stop()

    mortal = GdbServer(target, "0", on_kill=on_kill)
    mortal.start()
    peer = Peer(mortal)
    assert peer.ask(b"vKill;1") == b"OK"
    with pytest.raises(EOFError):
        peer.reply()
    eventually(lambda: mortal.client is None)
    assert killed == [mortal]
    assert "reset" not in target.calls


def test_a_kill_that_fails_is_reported_and_the_server_goes_on(target: FakeTarget) -> None:
    warnings: list[str] = []

    def on_kill() -> None:
        raise ValueError("not now")

    server = GdbServer(target, "0", on_kill=on_kill, warn=warnings.append)
    server.start()
    peer = Peer(server)
    assert peer.ask(b"vKill;1") == b"OK"
    with pytest.raises(EOFError):  # for this debugger it is over
        peer.reply()
    assert Peer(server).ask(b"qC") == b"QC1"
    assert warnings == ["the debugger's kill failed: not now"]
    server.stop()


def test_stop_sends_what_is_due(target: FakeTarget) -> None:
    target.live = False
    server = GdbServer(target, "0")
    server.start()
    peer = Peer(server)
    peer.send(frame(b"c"))
    eventually(lambda: target.running)
    target.stop(StopReport(ThreadId(1, 1), exit_code=0))
    server.stop()
    assert peer.reply() == b"W00"
    with pytest.raises(EOFError):
        peer.reply()
    server.stop()


def test_a_client_that_never_reads_does_not_fill_our_memory(server: GdbServer, target: FakeTarget) -> None:
    reads: list[int] = []
    read = target.read_memory

    def counting(thread: ThreadId, address: int, length: int, *, physical: bool = False) -> bytes:
        reads.append(length)
        return read(thread, address, length)

    target.read_memory = counting  # type: ignore[method-assign]
    peer = Peer(server)
    peer.socket.settimeout(0.5)
    request = frame(b"m80000000,fff0") * 50
    with pytest.raises(TimeoutError):
        while True:
            peer.send(request)
    assert 0 < sum(reads) < 20_000_000  # what sockets hold, and not more
    peer.socket.settimeout(5)
    for _ in range(len(reads) + 10):  # once it reads, it goes on
        assert len(peer.reply()) == 2 * 0xFFF0


class Talker:
    """A machine that prints as fast as it can, as a `dprintf` in a hot loop does, until it is interrupted."""

    def __init__(self, target: FakeTarget) -> None:
        self.said = 0
        self._target = target
        self._thread = threading.Thread(target=self._talk)

    def start(self) -> None:
        self._thread.start()

    def _talk(self) -> None:
        while self._target.running:
            self._target.say(f"text {self.said}: {'=' * 60}")
            self.said += 1
            if self.said % 100 == 0:
                time.sleep(0.001)

    def join(self) -> None:
        self._thread.join()


def said(body: bytes) -> str:
    """The text of an O packet."""
    assert body[:1] == b"O"
    return bytes.fromhex(body[1:].decode()).decode()


def test_output_for_a_client_that_does_not_read_is_bounded(server: GdbServer, target: FakeTarget) -> None:
    peer, talker = Peer(server), Talker(target)
    peer.send(frame(b"c"))
    eventually(lambda: target.running)
    talker.start()
    eventually(lambda: talker.said > 4 * UNSAID_LIMIT)
    target.interrupt()
    talker.join()
    texts, body = [], peer.reply()
    while body[:1] == b"O":
        texts.append(said(body))
        body = peer.reply()
    assert body.startswith(b"T02")
    left_out = [int(text[1:].split()[0]) for text in texts if "were left out here" in text]
    assert texts[0].startswith("text 0:")
    assert left_out
    assert sum(left_out) + len(texts) - len(left_out) == talker.said
    assert len(texts) < 3 * UNSAID_LIMIT  # what sockets hold, what waits, and not more


def test_an_interrupt_amid_much_output_is_heard(server: GdbServer, target: FakeTarget) -> None:
    """The client reads more slowly than the machine prints."""
    peer, talker = Peer(server), Talker(target)
    peer.send(frame(b"c"))
    eventually(lambda: target.running)
    talker.start()
    eventually(lambda: talker.said > 8 * UNSAID_LIMIT)
    peer.send(b"\x03")
    seen = 0
    while "interrupt" not in target.calls:
        assert peer.socket.recv(4096)
        time.sleep(0.0005)
        seen += 1
        assert seen < 4000, "Ctrl-C was never read"
    talker.join()
