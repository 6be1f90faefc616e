# SPDX-License-Identifier: Apache-2.0
"""The other side of the protocol: a small client that drives another stub, for comparing it with our machine."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable

from gdbstub.framing import Corrupt, Deframer, Packet, frame

TIMEOUT = 10.0
"""Seconds to wait for an answer."""
CHUNK = 0x800
"""Bytes of the target description asked for at once."""


_ELEMENT = re.compile(r"<(xi:include|reg)\s([^>]*)>")
_ATTRIBUTE = re.compile(r"""(\w+)=["']([^"']*)["']""")
"""Not an XML parser: some stubs send documents with undeclared prefixes, which those refuse."""


class RemoteError(Exception):
    """The other stub cannot be reached or answers with an error; str() is one line for the user."""


class Remote:
    """A connection to a stub that describes its registers (qXfer:features:read). Raises RemoteError throughout."""

    def __init__(self, host: str, port: int) -> None:
        self.where = f"{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), TIMEOUT)
        except OSError as error:
            raise RemoteError(f"no gdb stub at {self.where}: {error.strerror or error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._frames = Deframer(1 << 20)
        self._waiting: list[bytes] = []
        self.ask(b"qSupported:xmlRegisters=riscv")
        if self.ask(b"QStartNoAckMode") == b"OK":
            self._socket.sendall(b"+")
        self.ask(b"?")
        self.registers = self._describe()
        """Register names with their numbers and widths in bits."""

    def ask(self, body: bytes) -> bytes:
        """Send a packet, return the answer's body."""
        try:
            self._socket.sendall(frame(body))
            return self._receive()
        except OSError as error:
            raise RemoteError(f"{self.where} does not answer {body[:16].decode(errors='replace')}: {error}") from error

    def _receive(self) -> bytes:
        while not self._waiting:
            data = self._socket.recv(1 << 16)
            if not data:
                raise RemoteError(f"{self.where} closed the connection")
            for got in self._frames.feed(data):
                if isinstance(got, Packet):
                    self._waiting.append(got.body)
                    self._socket.sendall(b"+")
                elif isinstance(got, Corrupt):
                    raise RemoteError(f"{self.where} sent a damaged packet: {got.reason}")
        return self._waiting.pop(0)

    def _document(self, name: str) -> str:
        text = b""
        while True:
            answer = self.ask(b"qXfer:features:read:%b:%x,%x" % (name.encode(), len(text), CHUNK))
            if answer[:1] not in (b"l", b"m"):
                raise RemoteError(f"{self.where} has no target description ({name})")
            text += answer[1:]
            if answer[:1] == b"l":
                return text.decode()

    def _describe(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        number = 0
        waiting = ["target.xml"]
        while waiting:
            for tag, rest in _ELEMENT.findall(self._document(waiting.pop(0))):
                attributes = dict(_ATTRIBUTE.findall(rest))
                if tag == "xi:include":
                    waiting.append(attributes["href"])
                else:
                    number = int(attributes.get("regnum", number))
                    found[attributes["name"]] = (number, int(attributes["bitsize"]))
                    number += 1
        return found

    def read(self, name: str) -> int | None:
        """A register's value; None when the stub cannot give it now."""
        answer = self.ask(b"p%x" % self.registers[name][0])
        if not answer or answer[:1] == b"E" or b"x" in answer:
            return None
        return int.from_bytes(bytes.fromhex(answer.decode()), "little")

    def read_all(self, names: Iterable[str]) -> dict[str, int]:
        """Several registers, those that can be read."""
        values = {name: self.read(name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    def write(self, name: str, value: int) -> bool:
        """Write a register; whether the stub took it."""
        number, bits = self.registers[name]
        return self.ask(b"P%x=%b" % (number, value.to_bytes(bits // 8, "little").hex().encode())) == b"OK"

    def step(self) -> None:
        """Execute one instruction."""
        self._stopped(self.ask(b"s"))

    def run_to(self, address: int) -> None:
        """Run until pc is at a (virtual) address."""
        if self.ask(b"Z1,%x,4" % address) != b"OK" and self.ask(b"Z0,%x,4" % address) != b"OK":
            raise RemoteError(f"{self.where} cannot set a breakpoint at {address:#x}")
        self._stopped(self.ask(b"c"))
        self.ask(b"z1,%x,4" % address)
        self.ask(b"z0,%x,4" % address)

    def _stopped(self, answer: bytes) -> None:
        while answer[:1] == b"O" and answer != b"OK":
            answer = self._receive()
        if answer[:1] not in (b"T", b"S"):
            raise RemoteError(f"{self.where} has ended ({answer[:20].decode(errors='replace')})")

    def close(self) -> None:
        """Leave the stub to itself."""
        try:
            self.ask(b"D")
        except RemoteError:
            pass
        finally:
            self._socket.close()
