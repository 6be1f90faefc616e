# SPDX-License-Identifier: Apache-2.0
"""The API for scripts, tests and notebooks: `core.Machine` runs a program, stops on events, and shows its state.

Everything is in terms of core.debug.target.Debugger, which `Machine.debugger` is; what is more special is asked there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from core import machine as parts
from core.api.arguments import at_least, cpu_properties, of_type, path
from core.api.points import OWNER, Points
from core.api.views import Csrs, Memory, Registers, Value, World
from core.boot.loader import Bios, BootConfig
from core.debug.target import BadValue, Breakpoint, DebugError, Debugger, MachineClosed, Stop, StopKind, Walk
from core.devices.config import USUAL_BOARD, BoardConfig
from core.options import features_with, parse_size, vectors_in

__all__ = ["DebugError", "Machine", "Stopped", "Value"]

MODES = ("M", "HS", "U", "VS", "VU")
EVENTS = {"entry": "vmentry", "exit": "vmexit"}
Stopped = Stop
"""What `run` and `step` return: kind, hart, pc, and a sentence (core.debug.target.Stop)."""


class Machine(Points):
    """A machine with a program, paused at reset. Use it in `with`, or close it.

    program: ELF file, Linux Image or raw image; bios: "builtin" (an SBI by the host), "none" (start in M-mode) or a firmware
    file; memory: bytes of RAM, or as the command line has it ("16M"); harts: how many; cpu: extensions and choices of
    core.features by name, on or off ({"sstc": False}), or as the command line has them ("rv64,sstc=off"); engine:
    "native" or "reference"; strict: no tolerances; symbols: ELF files of worlds, {"guest:1": path} or {"guest:*": path};
    rnmi_vectors: with Smrnmi, the handlers of RNMIs and of exceptions in M-mode while NMIE is 0. Raises BootError for
    what cannot be loaded, BadValue for what cannot be meant: DebugErrors both, as all errors of the API.
    """

    def __init__(
        self,
        program: str | Path | None,
        *,
        bios: Literal["builtin", "none"] | str | Path = "builtin",
        memory: int | str = 128 << 20,
        harts: int = 1,
        cpu: Mapping[str, bool] | str | None = None,
        engine: Literal["native", "reference"] = "native",
        strict: bool = False,
        initrd: str | Path | None = None,
        bootargs: str | None = None,
        board: BoardConfig = USUAL_BOARD,
        symbols: Mapping[str, str | Path] | None = None,
        rnmi_vectors: tuple[int, int] = (0, 0),
    ) -> None:
        of_type(strict, (bool,), "strict is True or False")
        of_type(bootargs, (str, type(None)), "bootargs is a text")
        of_type(board, (BoardConfig,), "board is a BoardConfig")
        boot = BootConfig(
            None if program is None else path(program, "program"),
            Bios(bios) if bios in ("builtin", "none") else path(bios, "bios"),
            None if initrd is None else path(initrd, "initrd"),
            bootargs,
        )
        size = parse_size(memory) if isinstance(memory, str) else memory
        wanted = cpu_properties(cpu, rnmi_vectors)
        config = parts.MachineConfig(boot, size, harts, features_with(wanted), strict, engine, board, vectors_in(wanted))
        self.machine = parts.Machine(config)
        """The parts: harts, RAM, bus, devices."""
        super().__init__(Debugger(self.machine))
        self.warnings: list[str] = []
        """Tolerances that were used, and loops that were noticed."""
        self._output = bytearray()
        self.machine.console_output = self._output.extend
        self.machine.warning = self.warnings.append
        for which, file in (symbols or {}).items():
            self.debugger.set_symbols(which, path(file, "symbols"))

    # -- the serial console -------------------------------------------------------------------------------------------

    @property
    def output(self) -> str:
        """What the program has printed so far; bytes that are no UTF-8 are replaced."""
        return self._output.decode("utf-8", "replace")

    def send(self, text: str | bytes) -> None:
        """Type at the serial console. May be called while the machine runs."""
        of_type(text, (str, bytes), "what is typed is a text")
        if self.debugger.closed:
            raise MachineClosed
        self.machine.console_input(text.encode() if isinstance(text, str) else text)

    # -- running ------------------------------------------------------------------------------------------------------

    def run(self, until: str | int | None = None, *, timeout: float | None = None) -> Stop:
        """Run until something stops the machine: a breakpoint, a catch, its end, or `until`.

        until: an address or symbol, "entry" or "exit CAUSE..." of a guest, or a mode ("VS"). timeout: seconds, after which
        the machine is interrupted, as by Ctrl-C. Raises MachineEnded, DebugError for an unknown symbol.
        """
        if timeout is not None and not (isinstance(timeout, (int, float)) and timeout >= 0):
            raise BadValue(f"timeout is a number of seconds, not {timeout!r}")
        point = None if until is None else self._point(until)
        try:
            self.debugger.resume()
            return self._wait(timeout)
        finally:
            if point is not None and any(each.number == point.number for each in self.debugger.breakpoints()):
                self.debugger.remove_breakpoint(point.number)

    def step(self, count: int = 1, *, hart: int = 0) -> Stop:
        """Execute `count` instructions of a hart, wherever they lead."""
        self.debugger.resume(hart=hart, steps=at_least(count, "count"))
        return self._wait(None)

    def interrupt(self) -> None:
        """Stop the machine soon; from another thread or a signal handler."""
        self.debugger.interrupt()

    def reset(self) -> None:
        """Back to the state at the start; breakpoints and hooks stay. Not for hooks."""
        self._require_no_hook("reset")
        self.debugger.reset()

    def close(self) -> None:
        """End the machine; what it has printed, and its last stop, can still be read. Not for hooks."""
        self._require_no_hook("close")
        self.debugger.close()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _require_no_hook(self, what: str) -> None:
        if self.debugger.running and self.debugger.readable:
            raise DebugError(f"a hook cannot {what} the machine; it returns True to stop it")

    def _wait(self, timeout: float | None) -> Stop:
        try:
            stop = self.debugger.wait(timeout)
        except BaseException:  # Ctrl-C: the machine shall not run on behind it
            self._halt()
            raise
        return self._halt() if stop is None else stop

    def _halt(self) -> Stop:
        self.debugger.interrupt()
        stop = self.debugger.wait()
        assert stop is not None
        return stop

    def _point(self, until: str | int) -> Breakpoint:
        words = until.split() if isinstance(until, str) else []
        own: dict[str, Any] = {"owner": OWNER, "temporary": True, "label": "reached"}
        if words and words[0] in EVENTS:
            return self._catch(" ".join([EVENTS[words[0]], *words[1:]]), **own)
        if len(words) == 1 and words[0] in MODES:
            return self.debugger.add_catch(f"mode any {words[0]}", **own)
        return self.debugger.add_breakpoint(self.address(until), **own)

    @property
    def stop(self) -> Stop:
        """The latest stop."""
        return self.debugger.stop

    @property
    def exit_code(self) -> int | None:
        """What the program ended with; None while it has not."""
        return self.machine.exit_code

    # -- state --------------------------------------------------------------------------------------------------------

    @property
    def mode(self) -> str:
        """The mode of hart 0: "M", "HS", "U", "VS" or "VU"."""
        return self.debugger.mode_name()

    @property
    def pc(self) -> int:
        """The program counter of hart 0."""
        return self.debugger.read_register("pc")

    def registers(self, hart: int = 0) -> Registers:
        """Registers of a hart by name: m.registers()["a0"] = 1."""
        return Registers(self.debugger, hart)

    def csr(self, name: str, hart: int = 0) -> Value:
        """A CSR as a number with fields: m.csr("hstatus").SPV."""
        return Csrs(self.debugger, hart)[name]

    def csrs(self, hart: int = 0) -> Csrs:
        """All CSRs of a hart by name, to read and to write."""
        return Csrs(self.debugger, hart)

    @property
    def memory(self) -> Memory:
        """Memory as hart 0 sees it now."""
        return Memory(self.debugger, "current")

    @property
    def physical(self) -> Memory:
        """Physical memory: RAM, and devices by their registers."""
        return Memory(self.debugger, "spa")

    @property
    def worlds(self) -> list[World]:
        """The host and the guests, in the order of their first entry, each with its registers and memory."""
        return [World(self.debugger, world.number) for world in self.debugger.worlds()]

    def translate(self, address: int | str, access: Literal["r", "w", "x"] = "r") -> Walk:
        """The walk that an access of hart 0 would make now."""
        return self.debugger.translate(self.address(address), access=access)

    def disassemble(self, place: int | str | None = None, count: int = 10) -> str:
        """Instructions from a place, or from pc, a line each."""
        start = self.pc if place is None else self.address(place)
        lines = self.debugger.disassemble(start, at_least(count, "count"))
        return "\n".join(f"{line.address:#x} {f'<{line.symbol}>' if line.symbol else '':<24} {line.text}" for line in lines)

    def explain(self, hart: int = 0) -> str:
        """The last trap in words."""
        return "\n".join(self.debugger.explain(hart))

    def __repr__(self) -> str:
        name = self.debugger.elf_path.name if self.debugger.elf_path else "no program"
        if self.debugger.closed:
            return f"<Machine {name}: closed>"
        if self.debugger.running:
            return f"<Machine {name}: running>"
        if self.stop.kind is StopKind.EXITED:
            return f"<Machine {name}: {self.stop.text}>"
        return f"<Machine {name}: {self.mode}-mode, {self.debugger.current_world().name}, {self.stop.text}>"
