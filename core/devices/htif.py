# SPDX-License-Identifier: Apache-2.0
"""HTIF, the host-target interface of Berkeley's tools: two words in RAM, found by the ELF symbols `tohost` and
`fromhost`.

Source: RISC-V front-end server (riscv-isa-sim, fesvr): a request in `tohost` has the device number in bits 63:56, the
command in 55:48 and a payload below. Device 0 command 0 with payload bit 0 set ends the program, exit code in the
payload's bits 47:1; device 1 is a console (command 0 reads a byte, 1 writes one). System calls by proxy (device 0,
payload bit 0 clear) are not served.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from core.devices.device import Services
from core.memory.ram import Ram

PAYLOAD = (1 << 48) - 1
SYSTEM, CONSOLE = 0, 1
"""Device numbers."""
READ_BYTE, WRITE_BYTE = 0, 1
"""Commands of the console."""
BYTE_READ = 0x100
"""Set in the answer to READ_BYTE, beside the byte."""


def _ignore(text: str) -> None:
    """Default of `report`: nobody wants to know."""


class Htif:
    """The interface. There is no bus device: the machine calls `poll` whenever the program may have stored a request.

    ram: where the words are; tohost, fromhost: their physical addresses (fromhost None: no answers); services: console
    output and finish; report: told in one line about the first request that is not served.
    """

    def __init__(
        self,
        ram: Ram,
        tohost: int,
        fromhost: int | None,
        services: Services,
        report: Callable[[str], None] = _ignore,
    ) -> None:
        self.ram, self.tohost, self.fromhost, self.services = ram, tohost, fromhost, services
        self._report = report
        self._waiting: deque[int] = deque()
        self._reading = False  # the program waits for a byte
        self._reported = False
        self._commands: dict[tuple[int, int], Callable[[int], None]] = {
            (CONSOLE, READ_BYTE): self._read_byte,
            (CONSOLE, WRITE_BYTE): self._write_byte,
        }

    def receive(self, data: bytes) -> None:
        """Input for the console."""
        self._waiting.extend(data)
        self._answer()

    def poll(self) -> bool:
        """Serve the request in `tohost`, if there is one; `tohost` is zero again unless the program has ended.

        Returns whether there was a request.
        """
        self._answer()
        request = self.ram.read(self.tohost, 8)
        if request == 0:
            return False
        device, command, payload = request >> 56, request >> 48 & 0xFF, request & PAYLOAD
        if (device, command) == (SYSTEM, 0) and payload & 1:
            self.services.finish(payload >> 1)
            return True
        self.ram.write(self.tohost, 8, 0)
        serve = self._commands.get((device, command))
        if serve is not None:
            serve(payload)
        elif not self._reported:
            self._reported = True
            what = "system calls by proxy are" if (device, command) == (SYSTEM, 0) else "this is"
            self._report(f"HTIF request {request:#x} in tohost ignored: {what} not supported")
        return True

    def _write_byte(self, payload: int) -> None:
        self.services.console_output(bytes((payload & 0xFF,)))

    def _read_byte(self, payload: int) -> None:
        self._reading = True
        self._answer()

    def _answer(self) -> None:
        """Give the program its byte, once there is one and it has taken the previous answer."""
        if self._reading and self._waiting and self.fromhost is not None and self.ram.read(self.fromhost, 8) == 0:
            self._reading = False
            answer = CONSOLE << 56 | READ_BYTE << 48 | BYTE_READ | self._waiting.popleft()
            self.ram.write(self.fromhost, 8, answer)
