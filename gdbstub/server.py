# SPDX-License-Identifier: Apache-2.0
"""The socket: one debugger at a time, on a thread and event loop of its own. No protocol knowledge lives here."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import threading
from collections.abc import Callable
from typing import Final

from gdbstub.connection import Connection
from gdbstub.interface import Target
from gdbstub.monitor import Monitor
from gdbstub.session import Session

log = logging.getLogger("hartline.gdb")

DEFAULT_HOST: Final = "127.0.0.1"
FAREWELL: Final = 1.0
"""Seconds a client has to take what is still on its way when the server stops."""


class ServerError(Exception):
    """The server cannot do what it was told; `str()` is one line that says what to do."""


def parse_address(text: str) -> tuple[str, int]:
    """HOST and PORT out of `[HOST:]PORT`; without a host it is loopback. Raises ServerError."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ServerError(f"no port number in {text!r}; write [HOST:]PORT, for instance 1234 or 127.0.0.1:1234")
    return (host if colon and host else DEFAULT_HOST), int(port)


class GdbServer:
    """Serves a target to one debugger after another.

    `address` is `[HOST:]PORT`; port 0 takes any free one. `on_kill` is called, on the server's thread, when the debugger
    kills the machine; by default the machine is reset. `on_leave` is called there when it has hung up. `warn` gets sentences
    the user must see.
    """

    def __init__(
        self,
        target: Target,
        address: str = "1234",
        *,
        monitor: Monitor | None = None,
        on_kill: Callable[[], None] | None = None,
        on_leave: Callable[[], None] | None = None,
        warn: Callable[[str], None] = log.warning,
    ) -> None:
        self.host, self.port = parse_address(address)
        self._target = target
        self._monitor = monitor or Monitor()
        self._on_kill = on_kill or target.reset
        self._on_leave = on_leave or _nothing
        self._warn = warn
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread | None = None
        self._listener: asyncio.Server | None = None
        self._client: Connection | None = None
        self._closing = False
        self._unsubscribe: Callable[[], None] = _nothing

    def start(self) -> None:
        """Begin to listen. `host` and `port` say where. Raises ServerError."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="gdb server", daemon=True)
        self._thread.start()
        try:
            self._listener = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        except (OSError, UnicodeError) as problem:
            self.stop()
            raise ServerError(self._explain(problem)) from None
        names = [listener.getsockname() for listener in self._listener.sockets]
        self.host, self.port = names[0][:2]
        if not all(ipaddress.ip_address(name[0].partition("%")[0]).is_loopback for name in names):
            self._warn(
                f"WARNING: the gdb server listens on {self.host}, port {self.port}, not only on loopback: whoever can"
                " reach this port controls the machine, and there is no password"
            )
        self._unsubscribe = self._target.subscribe(self._stopped, self._said)

    def stop(self) -> None:
        """Close the listener and the connection; what has been sent still arrives. May be called from any thread."""
        self._unsubscribe()
        self._unsubscribe = _nothing
        if self._thread is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop may be closed already
            self._loop.call_soon_threadsafe(self._close)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=5)

    @property
    def client(self) -> str | None:
        """Where the debugger that is connected comes from, for status lines; None when there is none."""
        connection = self._client
        return connection.peer if connection else None

    def _explain(self, problem: Exception) -> str:
        where = f"{self.host}:{self.port}"
        if isinstance(problem, OSError) and problem.errno is not None:
            if problem.errno == errno.EADDRINUSE:
                return f"port {where} is in use by another program; choose another one for the gdb server"
            if problem.errno == errno.EACCES:
                return f"no permission to listen on {where}; choose a port above 1023 for the gdb server"
        return f"cannot listen on {where}: {getattr(problem, 'strerror', None) or problem}"

    # On the server's thread from here on

    def _serve(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(lambda: Connection(self), self.host, self.port)

    def _close(self) -> None:
        self._closing = True
        if self._listener:
            self._listener.close()
        if self._client:
            self._client.close()
            self._loop.call_later(FAREWELL, self._loop.stop)
        else:
            self._loop.stop()

    def _stopped(self) -> None:
        """From any thread: the target has stopped. If it was our own, the session that resumed it sees that itself."""
        if threading.current_thread() is self._thread:
            return
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell_client)

    def _tell_client(self) -> None:
        if self._client:
            self._client.target_stopped()

    def _said(self, text: str) -> None:
        """From any thread: the target has something for the user to read, before whatever it does next."""
        client = self._client
        if client is not None:
            client.say(text)
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(client.speak)

    def claim(self, connection: Connection) -> Session | None:
        """A session for this client if it is the only one."""
        if self._client is not None or self._closing:
            return None
        self._client = connection
        return Session(self._target, self._monitor)

    def refusal(self) -> str:
        """What a second client is told."""
        return f"Hartline already serves a debugger at {self.client}; detach that one first"

    def leave(self, connection: Connection) -> None:
        """The place is free again."""
        self._client = None
        self._on_leave()
        if self._closing:
            self._loop.call_soon(self._loop.stop)

    def killed(self) -> None:
        """The client has killed the machine."""
        try:
            self._on_kill()
        except Exception as problem:  # whatever the owner's callback runs into, the server goes on
            log.exception("kill")
            self._warn(f"the debugger's kill failed: {problem}")


def _nothing() -> None:
    """What is to be undone when nothing was done."""
