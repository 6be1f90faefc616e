# SPDX-License-Identifier: Apache-2.0
"""A pytest plugin: kernel functions that tests call by themselves run natively as well and must do the same.

`pytest -p tests.support.mirror -k "_h0 or _h1" tests/unit`. For the time of a test, the names of kernel functions in its
module and in the helpers below mean wrappers: CPython runs the function, native code runs it from the same state of hart
and RAM, and result, Trap, architectural state, RAM and what was asked of the machine are compared.
"""

from __future__ import annotations

import ctypes
import functools
import inspect
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest

from core.engine import primitives
from core.engine.lower import Program
from core.engine.subset import TYPES
from core.hart import LAYOUT, Hart
from core.isa.intrinsics import Trap
from tests.support.native_call import NativeModule
from tests.unit import test_csr_support, test_mmu_support

HELPERS: tuple[ModuleType, ...] = (test_csr_support, test_mmu_support)
KINDS = {*TYPES, "Hart", "Reg", "FReg", "Const", "None"}
ALSO = ("event", "left", "limit", "warned", "npc", "pc", "mode", "v")
USED = ("core.mmu.access", "core.trap.rules")
"""Modules of core whose functions tests call by the module's name."""
APART = (
    "test_isa_memory",
    "test_isa_system",
    "test_isa_integer",
    "test_isa_float",
    "test_isa_cbo",
    "test_mmu_masking",
    "test_trap_priority",
)
"""Modules whose tests put other functions into the place of kernel functions, which native code cannot see, or run both
engines by themselves."""


@functools.cache
def parts() -> list[tuple[str, slice]]:
    """What is compared of a hart, by name and bytes. Slots have their places from the first hart on."""
    return [
        (slot.name, slice(8 * slot.offset, 8 * (slot.offset + slot.count)))
        for slot in LAYOUT.slots.values()
        if (slot.architectural or slot.name in ALSO) and not slot.name.startswith("tlb")
    ]


class Recorder:
    """Stands before a machine and remembers what a kernel function asked of it."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine
        self.log: list[tuple[str, tuple[int, ...], int, int]] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._machine, name)
        if name not in ("device_read", "device_write", "warn"):
            return found

        def call(h: Hart, *arguments: int) -> Any:
            result = found(h, *arguments)
            self.log.append((name, tuple(map(int, arguments)), int(result or 0), int(h.bus_error)))
            return result

        return call


class Mirror:
    """Wrappers of kernel functions, and their native code."""

    def __init__(self) -> None:
        self.native: dict[tuple[FunctionType, tuple[int, ...]], NativeModule | None] = {}
        self.hart = Hart()
        """The one of the call."""
        self.log: Iterator[tuple[str, tuple[int, ...], int, int]] = iter(())
        self.wrong: list[str] = []
        self.calls = 0
        self.candidates: list[FunctionType] = []
        """Functions that are compiled together."""
        self.ram = [bytearray(), bytearray()]
        """RAM before and behind CPython's run."""
        word, pointer = ctypes.c_uint64, ctypes.c_void_p
        self.callbacks = {
            "host_device_read": ctypes.CFUNCTYPE(word, pointer, word, word)(lambda _, *a: self.answer("device_read", a)),
            "host_device_write": ctypes.CFUNCTYPE(None, pointer, word, word, word)(lambda _, *a: self.ask("device_write", a)),
            "host_warn": ctypes.CFUNCTYPE(None, pointer, word, word)(lambda _, *a: self.ask("warn", a)),
        }

    def keep(self, index: int, ram: memoryview | None) -> None:
        """Copy RAM."""
        if ram is not None:
            if len(self.ram[index]) != len(ram):
                self.ram[index] = bytearray(len(ram))
            self.ram[index][:] = ram

    def ask(self, name: str, arguments: tuple[int, ...]) -> None:
        """Native code asks something of the machine: it must be what CPython's run asked."""
        self.answer(name, arguments)

    def answer(self, name: str, arguments: tuple[int, ...]) -> int:
        """The answer that CPython's run got."""
        asked, given, result, error = next(self.log, ("nothing", (), 0, 0))
        if (asked, given) != (name, arguments):
            self.wrong.append(f"native code asks {name}{arguments}, CPython {asked}{given}")
        self.hart.bus_error = error
        return result

    def module(self, function: FunctionType, constants: tuple[int, ...]) -> NativeModule | None:
        """Native code of a function; None where it cannot be compiled by itself."""
        key = function, constants
        if key not in self.native and not constants and function in self.candidates:
            self.native.update(dict.fromkeys(((each, ()) for each in self.candidates), NativeModule(self.candidates)))
        if key not in self.native:
            try:
                self.native[key] = NativeModule([key])
            except Exception:  # a primitive, or something only Python runs
                self.native[key] = None
        return self.native[key]

    pages: ctypes.Array[ctypes.c_uint64]

    def wrap(self, function: Callable[..., Any]) -> Any:
        """The function, run both ways when it is called with a hart."""
        assert isinstance(function, FunctionType)
        names = list(inspect.get_annotations(function))[:-1]
        kinds = inspect.get_annotations(function)

        @functools.wraps(function)
        def both(*arguments: Any) -> Any:
            constants = tuple(int(a) for name, a in zip(names, arguments, strict=False) if kinds[name] == "Const")
            module = self.module(function, constants)
            if module is None or not arguments or not isinstance(arguments[0], Hart):
                return function(*arguments)
            plain = [int(a) for name, a in zip(names, arguments, strict=True) if kinds[name] not in ("Const", "Hart")]
            return self.run(module, function, constants, arguments, plain)

        return both

    def run(
        self,
        module: NativeModule,
        function: FunctionType,
        constants: tuple[int, ...],
        arguments: tuple[Any, ...],
        plain: list[int],
    ) -> Any:
        """CPython, then native code from the same start."""
        h: Hart = arguments[0]
        ram = getattr(h.machine, "ram_view", None)
        if ram is not None and h.ram_host == 0:
            h.ram_host = ctypes.addressof(ctypes.c_char.from_buffer(ram))
            h.ram_bias = (h.ram_host - h.ram_base) & ((1 << 64) - 1)
            self.pages = (ctypes.c_uint64 * (len(ram) // 4096))()  # no page has decoded instructions
            h.code_table = ctypes.addressof(self.pages)
        for slot, callback in self.callbacks.items():
            setattr(h, slot, ctypes.cast(callback, ctypes.c_void_p).value or 0)
        before = bytes(h.words)
        self.keep(0, ram)
        machine, trap, value = h.machine, None, None
        h.machine = recorder = Recorder(machine)
        try:
            value = function(*arguments)
        except Trap as raised:
            trap = raised
        finally:
            h.machine = machine
        after = bytes(h.words)
        self.keep(1, ram)
        h.words[:] = memoryview(before).cast("Q")
        if ram is not None:
            ram[:] = self.ram[0]
        self.hart, self.log, self.wrong = h, iter(recorder.log), []
        outcome = module(function, h, *plain, constants=constants)
        same_ram = ram is None or ram == self.ram[1]
        native = bytes(h.words)
        h.words[:] = memoryview(after).cast("Q")
        if ram is not None:
            ram[:] = self.ram[1]
        self.calls += 1
        where = f"{function.__name__}{tuple(map(str, plain))}{constants or ''}"
        assert not self.wrong and next(self.log, None) is None, f"{where}: {self.wrong or 'native code asks less'}"
        expected = None if trap is None else (int(trap.cause), int(trap.tval), int(trap.gpa), int(trap.info))
        assert outcome.trap == expected, f"{where}: Python traps {expected}, native {outcome.trap}"
        assert trap is not None or outcome.value == (None if value is None else int(value)), (
            f"{where}: {value}, {outcome.value}"
        )
        differ = [name for name, part in parts() if after[part] != native[part]]
        assert not differ, f"{where}: the harts differ in {differ}"
        assert same_ram, f"{where}: RAM differs"
        if trap is not None:
            raise trap
        return value


MIRROR = Mirror()


class Both:
    """A module of core in which kernel functions are wrapped."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        return MIRROR.wrap(found) if is_kernel(found) else found


def is_kernel(found: object) -> bool:
    """Whether this is a kernel function that takes a hart."""
    if not isinstance(found, FunctionType) or not found.__module__.startswith("core."):
        return False
    kinds = list(inspect.get_annotations(found).values())
    return kinds[:1] == ["Hart"] and set(kinds) <= KINDS


def compiles(function: FunctionType) -> bool:
    """Whether a function can be compiled by itself."""
    program = Program("probe")
    primitives.install(program)
    try:
        program.lower(function)
    except Exception:  # a primitive, or something only Python runs
        return False
    return True


def pytest_collection_finish(session: pytest.Session) -> None:
    """Find what the tests can call."""
    found: dict[FunctionType, None] = {}
    modules = {item.module: None for item in session.items if isinstance(item, pytest.Function)}
    for module in (*modules, *HELPERS):
        if module.__name__.rpartition(".")[2] not in APART:
            for value in vars(module).values():
                inside = vars(value).values() if isinstance(value, ModuleType) and value.__name__ in USED else (value,)
                found.update((each, None) for each in inside if is_kernel(each))
    MIRROR.candidates = [each for each in found if "Const" not in inspect.get_annotations(each).values() and compiles(each)]


@pytest.fixture(autouse=True)
def mirrored(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrap for the time of a test."""
    if request.module.__name__.rpartition(".")[2] in APART:
        return
    for module in (request.module, *HELPERS):
        for name, found in list(vars(module).items()):
            if is_kernel(found):
                monkeypatch.setattr(module, name, MIRROR.wrap(found))
            elif isinstance(found, ModuleType) and found.__name__.startswith("core."):
                monkeypatch.setattr(module, name, Both(found))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How much was compared."""
    compiled = sum(module is not None for module in MIRROR.native.values())
    terminalreporter.write_line(f"{MIRROR.calls} calls of {compiled} kernel functions run both ways")
