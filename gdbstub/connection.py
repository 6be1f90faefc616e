# SPDX-License-Identifier: Apache-2.0
"""One TCP client: it waits for its turn, then bytes go between its socket and a session. Who may not, is told why."""

from __future__ import annotations

import asyncio
import socket
from typing import Final, Protocol

from gdbstub.framing import Deframer, Packet, frame
from gdbstub.linger import Linger
from gdbstub.session import Phase, Session

GRACE: Final = 0.2
"""Seconds a second client waits before it is refused: the first may be about to go."""

BREATH: Final = 0.005
"""Seconds without new text after a client has caught up, so that its requests, a Ctrl-C above all, are read."""

REFUSAL_TIME: Final = 2.0
"""Seconds a refused client has to read why."""


class Owner(Protocol):
    """The server, as its connections see it."""

    def claim(self, connection: Connection) -> Session | None:
        """The session for this client, or None while another one is served."""

    def refusal(self) -> str:
        """Why there is no session, in one line."""

    def leave(self, connection: Connection) -> None:
        """The client is gone."""

    def killed(self) -> None:
        """The client has killed the machine."""


class Connection(asyncio.Protocol):
    """A client's socket. All calls are made on the server's event loop."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._session: Session | None = None
        self._refused: Deframer | None = None
        self._early = bytearray()
        self._paused = False
        self._silent = False
        self._transport: asyncio.Transport
        self._linger: Linger | None = None
        self.peer = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        name = transport.get_extra_info("peername")
        self.peer = f"{name[0]}:{name[1]}" if name else "unknown"
        connected: socket.socket | None = transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._linger = Linger(connected.fileno())
        self._session = self._owner.claim(self)
        if self._session is None:
            asyncio.get_running_loop().call_later(GRACE, self._second_try)

    def data_received(self, data: bytes) -> None:
        if self._session is not None:
            self._converse(self._session, data)
        elif self._refused is not None:
            self._refuse(data)
        else:
            self._early += data[: 4096 - len(self._early)]

    def target_stopped(self) -> None:
        """The machine may have stopped; the session knows whether the client wants to hear of it."""
        if self._session is not None:
            self._send(self._session.target_stopped())

    def say(self, text: str) -> None:
        """The user is to read this. May be called from any thread; `speak` should follow, on the event loop."""
        session = self._session
        if session is not None:
            session.say(text)

    def speak(self) -> None:
        """Something may be there for the user to read."""
        if self._session is not None and not self._paused and not self._silent:
            self._send(self._session.speak())

    def close(self) -> None:
        """Hang up after what has been written is sent."""
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._owner.leave(self)
            session.disconnected()

    def pause_writing(self) -> None:
        """A client that does not read gets nothing new done."""
        self._paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._paused = False
        if self._session is not None:
            self._serve(self._session, b"")
        if not self._paused:
            self._transport.resume_reading()
            self._silent = True
            asyncio.get_running_loop().call_later(BREATH, self._speak_again)

    def _speak_again(self) -> None:
        self._silent = False
        self.speak()

    def _converse(self, session: Session, data: bytes) -> None:
        """Serve, and stay for what the client sends next if it is quick."""
        if self._linger is None:
            return self._serve(session, data)
        self._linger.received()
        while data:
            self._serve(session, data)
            ready = session.phase is Phase.TALKING and not self._paused and not self._transport.is_closing()
            data = self._linger.read() if ready else b""
        return None

    def _serve(self, session: Session, data: bytes) -> None:
        """Let the session work, as long as the client takes the answers."""
        self._send(session.receive(data))
        while session.backlog and not self._paused and not self._transport.is_closing():
            self._send(session.receive(b""))
        if session.killed:
            session.killed = False
            self._owner.killed()
        if session.over:
            self._transport.close()

    def _send(self, data: bytes) -> None:
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def _second_try(self) -> None:
        if self._transport.is_closing():
            return
        self._session = self._owner.claim(self)
        early, self._early = bytes(self._early), bytearray()
        if self._session is None:
            self._refused = Deframer(4096)
            asyncio.get_running_loop().call_later(REFUSAL_TIME, self._transport.close)
        if early:
            self.data_received(early)

    def _refuse(self, data: bytes) -> None:
        """Answer every packet with the reason: gdb prints it, first as a warning and then as the error it ends with."""
        assert self._refused is not None
        for item in self._refused.feed(data):
            if isinstance(item, Packet):
                self._send(b"+" + frame(b"E." + self._owner.refusal().encode()))
