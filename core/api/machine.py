# SPDX-License-Identifier: Apache-2.0
"""The API for scripts, tests and notebooks: `core.Machine` runs a program, stops on events, and shows its state.

Everything is in terms of core.debug.target.Debugger, which `Machine.debugger` is; what is more special is asked there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from core import machine as parts
from core.api.views import Csrs, Memory, Registers, Value, World
from core.boot.loader import Bios, BootConfig
from core.debug.target import Breakpoint, Catch, DebugError, Debugger, Stop, StopKind, Walk
from core.devices.config import USUAL_BOARD, BoardConfig
from core.features import DEFAULT_FEATURES, Feature

__all__ = ["Machine", "Stopped", "Value"]

OWNER = "script"
MODES = ("M", "HS", "U", "VS", "VU")
EVENTS = {"entry": "vmentry", "exit": "vmexit"}
Stopped = Stop
"""What `run` and `step` return: kind, hart, pc, and a sentence (core.debug.target.Stop)."""
Hook = Callable[["Machine"], object]
"""Called with the machine, which stands still meanwhile, on the thread that runs it. True stops it."""


class Machine:
    """A machine with a program, paused at reset. Use it in `with`, or close it.

    program: ELF file, Linux Image or raw image; bios: "builtin" (an SBI by the host), "none" (start in M-mode) or a firmware
    file; memory: bytes of RAM; cpu: extensions and choices of core.features by name, on or off; engine: "native" or
    "reference"; strict: no tolerances; symbols: ELF files of worlds, {"guest:1": path} or {"guest:*": path};
    rnmi_vectors: with Smrnmi, the handlers of RNMIs and of exceptions in M-mode while NMIE is 0. Raises
    core.boot.errors.BootError for what cannot be loaded, DebugError for symbols, ValueError for an unknown extension.
    """

    def __init__(
        self,
        program: str | Path | None,
        *,
        bios: Literal["builtin", "none"] | Path = "builtin",
        memory: int = 128 << 20,
        harts: int = 1,
        cpu: Mapping[str, bool] | None = None,
        engine: Literal["native", "reference"] = "native",
        strict: bool = False,
        initrd: str | Path | None = None,
        bootargs: str | None = None,
        board: BoardConfig = USUAL_BOARD,
        symbols: Mapping[str, str | Path] | None = None,
        rnmi_vectors: tuple[int, int] = (0, 0),
    ) -> None:
        boot = BootConfig(
            None if program is None else Path(program),
            Bios(bios) if isinstance(bios, str) else bios,
            None if initrd is None else Path(initrd),
            bootargs,
        )
        config = parts.MachineConfig(boot, memory, harts, _features(cpu or {}), strict, engine, board, rnmi_vectors)
        self.machine = parts.Machine(config)
        """The parts: harts, RAM, bus, devices."""
        self.debugger = Debugger(self.machine)
        self.warnings: list[str] = []
        """Tolerances that were used, and loops that were noticed."""
        self._output = bytearray()
        self.machine.console_output = self._output.extend
        self.machine.warning = self.warnings.append
        for which, path in (symbols or {}).items():
            self.debugger.set_symbols(which, Path(path))

    # -- the serial console -------------------------------------------------------------------------------------------

    @property
    def output(self) -> str:
        """What the program has printed so far; bytes that are no UTF-8 are replaced."""
        return self._output.decode("utf-8", "replace")

    def send(self, text: str | bytes) -> None:
        """Type at the serial console. May be called while the machine runs."""
        self.machine.console_input(text.encode() if isinstance(text, str) else text)

    # -- running ------------------------------------------------------------------------------------------------------

    def run(self, until: str | int | None = None, *, timeout: float | None = None) -> Stop:
        """Run until something stops the machine: a breakpoint, a catch, its end, or `until`.

        until: an address or symbol, "entry" or "exit CAUSE..." of a guest, or a mode ("VS"). timeout: seconds, after which
        the machine is interrupted. Raises MachineEnded, UnknownRegister for an unknown symbol.
        """
        point = None if until is None else self._point(until)
        try:
            self.debugger.resume()
            return self._wait(timeout)
        finally:
            if point is not None and any(each.number == point.number for each in self.debugger.breakpoints()):
                self.debugger.remove_breakpoint(point.number)

    def step(self, count: int = 1, *, hart: int = 0) -> Stop:
        """Execute `count` instructions of a hart, wherever they lead."""
        self.debugger.resume(hart=hart, steps=count)
        return self._wait(None)

    def interrupt(self) -> None:
        """Stop the machine soon; from another thread or a signal handler."""
        self.debugger.interrupt()

    def reset(self) -> None:
        """Back to the state at the start; breakpoints and hooks stay."""
        self.debugger.reset()

    def close(self) -> None:
        """End the machine."""
        self.debugger.close()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _wait(self, timeout: float | None) -> Stop:
        stop = self.debugger.wait(timeout)
        if stop is None:
            self.debugger.interrupt()
            stop = self.debugger.wait()
        assert stop is not None
        return stop

    def _point(self, until: str | int) -> Breakpoint:
        words = until.split() if isinstance(until, str) else []
        own: dict[str, Any] = {"owner": OWNER, "temporary": True, "label": "reached"}
        if words and words[0] in EVENTS:
            return self.debugger.add_catch(" ".join([EVENTS[words[0]], *words[1:]]), **own)
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

    # -- stops and hooks ----------------------------------------------------------------------------------------------

    def break_at(self, place: str | int, *, world: int | None = None, when: Hook | None = None) -> Breakpoint:
        """Stop before the instruction at an address or symbol, in one world or any; `when`: only if that is true."""
        return self.debugger.add_breakpoint(self.address(place), owner=OWNER, world=world, condition=self._condition(when))

    def watch(self, place: str | int, length: int = 8, *, access: Literal["r", "w", "a"] = "w") -> Breakpoint:
        """Stop after memory is written ("w"), read ("r") or both ("a")."""
        kind = {"w": "watch", "r": "rwatch", "a": "awatch"}[access]
        return self.debugger.add_watchpoint(self.address(place), length, kind, owner=OWNER)

    def catch(self, event: str, *, world: int | None = None, when: Hook | None = None) -> Catch:
        """Stop after an event, in the words of core.debug.specs: "vmexit load_guest_page_fault", "csr hgatp write" ..."""
        return self.debugger.add_catch(event, owner=OWNER, world=world, condition=self._condition(when))

    def on(self, event: str, hook: Hook, *, world: int | None = None) -> Catch:
        """Call `hook` at every such event and go on, unless it returns True."""
        return self.catch(event, world=world, when=lambda machine: hook(machine) is True)

    def at(self, place: str | int, hook: Hook, *, world: int | None = None) -> Breakpoint:
        """Call `hook` whenever a place is reached and go on, unless it returns True."""
        return self.break_at(place, world=world, when=lambda machine: hook(machine) is True)

    def remove(self, point: Breakpoint) -> None:
        """Take back a breakpoint, a watch, a catch or a hook."""
        self.debugger.remove_breakpoint(point.number)

    def _condition(self, when: Hook | None) -> Callable[[Any, int], bool] | None:
        return None if when is None else lambda debugger, hart: bool(when(self))

    # -- state --------------------------------------------------------------------------------------------------------

    def address(self, place: str | int) -> int:
        """The address of a symbol; a number is one already. Raises DebugError."""
        if isinstance(place, int):
            return place
        tables = (self.debugger.symbols, *(table for table, _ in self.debugger.worlds_known.symbols.values()))
        for table in tables:
            found = table.address_of(place)
            if found is not None:
                return found
        raise DebugError(f"no symbol {place!r}")

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
        lines = self.debugger.disassemble(start, count)
        return "\n".join(f"{line.address:#x} {f'<{line.symbol}>' if line.symbol else '':<24} {line.text}" for line in lines)

    def explain(self, hart: int = 0) -> str:
        """The last trap in words."""
        return "\n".join(self.debugger.explain(hart))

    def __repr__(self) -> str:
        name = self.debugger.elf_path.name if self.debugger.elf_path else "no program"
        if self.debugger.running:
            return f"<Machine {name}: running>"
        if self.stop.kind is StopKind.EXITED:
            return f"<Machine {name}: {self.stop.text}>"
        return f"<Machine {name}: {self.mode}-mode, {self.debugger.current_world().name}, {self.stop.text}>"


def _features(cpu: Mapping[str, bool]) -> Feature:
    features = DEFAULT_FEATURES
    for name, on in cpu.items():
        if name.upper() not in Feature.__members__:
            raise ValueError(
                f"no extension {name!r}; there are {', '.join(each.name.lower() for each in Feature if each.name)}"
            )
        features = features | Feature[name.upper()] if on else features & ~Feature[name.upper()]
    return features
