# SPDX-License-Identifier: Apache-2.0
"""Machines with gdb servers for the benchmarks, a client of their protocol, and a gdb that times its own commands."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import BenchmarkError, hartline, qemu, tool
from gdbstub.framing import Deframer, Packet, frame

PATIENCE = 60.0


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(name: str, program: Path) -> Iterator[int]:
    """A machine of this kind ("qemu" or "hartline"), paused at reset with `program`; the port of its gdb server."""
    port = free_port()
    if name == "qemu":
        command = qemu(program, "-S", "-gdb", f"tcp:127.0.0.1:{port}")
    else:
        command = hartline(program, "--gdb", str(port), "--wait")
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=True
    )
    try:
        _await(port, process)
        yield port
    finally:
        process.kill()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until the server listens. It is asked of the system: a connection would be taken for a debugger's."""
    listening = f":{port:04X} 00000000:0000 0A"
    deadline = time.monotonic() + PATIENCE
    while listening not in Path("/proc/net/tcp").read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchmarkError("a machine with a gdb server did not start")
        time.sleep(0.01)


class Client:
    """Speaks the protocol, with no debugger's work of its own."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._deframer = Deframer()
        self.ask(b"qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+")
        self._socket.sendall(b"+" + frame(b"QStartNoAckMode"))
        self._reply()
        self._socket.sendall(b"+")
        self.ask(b"?")

    def ask(self, body: bytes) -> bytes:
        """The reply to a packet; what the machine prints meanwhile is left out."""
        self._socket.sendall(frame(body))
        return self._reply()

    def _reply(self) -> bytes:
        while True:
            data = self._socket.recv(1 << 16)
            if not data:
                raise BenchmarkError("the gdb server hung up")
            for item in self._deframer.feed(data):
                if isinstance(item, Packet) and not (item.body.startswith(b"O") and item.body != b"OK"):
                    return item.body

    def seconds(self, body: bytes, times: int = 1) -> float:
        """How long a packet takes, sent `times` times."""
        begin = time.perf_counter()
        for _ in range(times):
            self.ask(body)
        return time.perf_counter() - begin

    def interrupted(self, body: bytes, after: float) -> float:
        """Seconds from Ctrl-C, `after` seconds behind a packet that resumes the machine, to the stop reply."""
        self._socket.sendall(frame(body))
        time.sleep(after)
        begin = time.perf_counter()
        self._socket.sendall(b"\x03")
        self._reply()
        return time.perf_counter() - begin

    def write(self, address: int, value: int) -> None:
        """Write a 64-bit word."""
        self.ask(b"M%x,8:%b" % (address, value.to_bytes(8, "little").hex().encode()))

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def timed(program: Path, port: int, *commands: str | Sequence[str]) -> list[float]:
    """Seconds that gdb takes for each list of commands (a command that stands alone is not timed).

    The commands run in one gdb, connected to `port`; connecting comes first and its time is the first of the result.
    """
    script = ["set pagination off", "set confirm off", "python import time"]
    for group in ([f"target remote :{port}"], *commands):
        if isinstance(group, str):
            script.append(group)
        else:
            script += ["python begin = time.perf_counter()", *group]
            script.append('python print("took", time.perf_counter() - begin)')
    script.append("kill")
    file = program.with_name("commands.gdb")
    file.write_text("\n".join(script) + "\n")
    arguments = [tool("gdb-multiarch", "gdb-multiarch"), "-nx", "-q", "-batch", "-x", str(file), str(program)]
    done = subprocess.run(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=PATIENCE,
        check=False,
    )
    found = [float(number) for number in re.findall(r"^took ([\d.e-]+)$", done.stdout, re.MULTILINE)]
    if len(found) != 1 + sum(not isinstance(group, str) for group in commands):
        raise BenchmarkError(f"gdb did not come to its end: {done.stdout[-300:]}")
    return found
