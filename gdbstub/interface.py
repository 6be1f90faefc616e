# SPDX-License-Identifier: Apache-2.0
"""What the protocol asks of a target. The protocol half knows nothing else about the machine behind it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final, NamedTuple, Protocol

ALL: Final = -1
ANY: Final = 0


class TargetError(Exception):
    """A request the target cannot fulfil; `str()` is one line for the user. `code` is the number old clients get."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


class TargetRunning(TargetError):
    """The request needs a machine that stands still."""

    def __init__(self, text: str = "the machine is running; interrupt it first") -> None:
        super().__init__(text, 16)


class ThreadId(NamedTuple):
    """A thread of a process, both counted from 1. In a selection `ALL` (-1) and `ANY` (0) are allowed too."""

    process: int
    thread: int

    def matches(self, thread: ThreadId) -> bool:
        """Whether this selection, with its wildcards, covers `thread`."""
        return self.process in (ALL, ANY, thread.process) and self.thread in (ALL, ANY, thread.thread)


class Signal(IntEnum):
    """The protocol's own signal numbers, as far as a machine can have a use for them."""

    NONE = 0
    INT = 2
    TRAP = 5
    URG = 16


class Cause(Enum):
    """Why a thread stopped, as far as the protocol has a word for it; the value is that word."""

    PLAIN = ""
    SOFTWARE_BREAKPOINT = "swbreak"
    HARDWARE_BREAKPOINT = "hwbreak"
    WRITE_WATCH = "watch"
    READ_WATCH = "rwatch"
    ACCESS_WATCH = "awatch"


@dataclass(frozen=True, slots=True)
class StopReport:
    """One stop of the target.

    `exit_code` is set when the machine ended; `remark` is shown in the debugger's window before the stop when the stop
    does not explain itself there. `passing`: the target stopped only so that the debugger can be told of a new process.
    `away`: all that has happened is that a step has left its process.
    """

    thread: ThreadId
    signal: Signal = Signal.TRAP
    cause: Cause = Cause.PLAIN
    address: int | None = None
    exit_code: int | None = None
    remark: str = ""
    passing: bool = False
    away: bool = False


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A process the debugger has to be told of: the thread that runs in it, and the path of its program."""

    thread: ThreadId
    program: str


@dataclass(frozen=True, slots=True)
class BreakpointProgram:
    """What a breakpoint does on the target's side, in agent bytecode.

    It counts only where any of `conditions` holds (or there is none); then `commands` run, if there are any, and the
    machine goes on.
    """

    conditions: tuple[bytes, ...] = ()
    commands: tuple[bytes, ...] = ()


ALWAYS: Final = BreakpointProgram()
"""The program of a breakpoint without conditions and commands."""


@dataclass(frozen=True, slots=True)
class Region:
    """A range of addresses with the same rights: a subset of "rwx"; empty where nothing is mapped."""

    start: int
    size: int
    permissions: str = ""
    name: str = ""


class Motion(Enum):
    """What a thread does when the target is resumed."""

    CONTINUE = "c"
    STEP = "s"
    RANGE = "r"


@dataclass(frozen=True, slots=True)
class Action:
    """A motion; for RANGE the half-open address range in which stepping goes on."""

    motion: Motion
    start: int = 0
    end: int = 0


class Point(IntEnum):
    """Kinds of breakpoints and watchpoints, numbered as in the Z packets."""

    SOFTWARE_BREAKPOINT = 0
    HARDWARE_BREAKPOINT = 1
    WRITE_WATCH = 2
    READ_WATCH = 3
    ACCESS_WATCH = 4


@dataclass(frozen=True, slots=True)
class RegisterInfo:
    """A register for debuggers that ask one by one: `generic` is its part in a calling convention, such as "pc"."""

    number: int
    name: str
    width: int
    group: str
    generic: str = ""


class Target(Protocol):
    """The machine as one debugger sees it. Any method may raise `TargetError`.

    Register contents are bytes in target order; a register that has no value now reads as None.
    """

    # Stops

    @property
    def running(self) -> bool:
        """Whether the machine runs at this moment, whoever resumed it."""

    def stop_report(self) -> StopReport:
        """The latest stop."""

    def subscribe(self, stopped: Callable[[], None], said: Callable[[str], None]) -> Callable[[], None]:
        """Call `stopped` after each stop and `said` with what the user is to read, from any thread. The result
        unsubscribes."""

    # Processes, threads, documents

    def meet(self, newcomers: bool, kept: Collection[int] = ()) -> None:
        """A debugger begins a conversation. It can be told of `newcomers`, or else must see one process only. Of those it was
        told of before it has still got `kept`."""

    def newcomer(self) -> Newcomer | None:
        """A process the debugger must be told of now. From here on it is listed among the threads."""

    def part(self, process: int) -> None:
        """The debugger lets go of one of several processes: what it has set there is removed."""

    def take(self, process: int) -> None:
        """The debugger wants a process back that it has parted with."""

    def end(self, process: int) -> None:
        """The debugger wants to end one process. TargetError with the reason when that cannot be without the others."""

    def threads(self) -> Sequence[ThreadId]:
        """All threads of all processes the debugger knows of, never empty."""

    def begun(self, process: int) -> bool:
        """Whether a listed process has begun since the machine was reset. If not, it has neither registers nor memory."""

    def current(self, thread: ThreadId) -> bool:
        """Whether the thread is what its hart executes now. A step of any other lets the machine run until it is back."""

    def describe(self, thread: ThreadId) -> str:
        """What the thread is and does, in a few words; never empty."""

    def document(self, kind: str, annex: str) -> bytes | None:
        """A document for qXfer, such as ("features", "target.xml"); None when there is none of that name."""

    def program(self, process: int) -> str | None:
        """The path of a process's program, None when it has none."""

    def file(self, path: str) -> bytes | None:
        """The contents of a program that `program` or a newcomer has named; None for any other path."""

    def host(self) -> Mapping[str, str]:
        """What the machine is, by the keys of LLDB's qHostInfo."""

    # Registers

    @property
    def general_width(self) -> int:
        """Bytes of all registers of the g packet together."""

    def read_general(self, thread: ThreadId) -> bytes | None:
        """The registers of the g packet; None when they have no values now."""

    def write_general(self, thread: ThreadId, data: bytes) -> None:
        """Write all registers of the g packet."""

    def read_register(self, thread: ThreadId, number: int) -> bytes | None:
        """One register by its number in the target description. An unknown number is a TargetError."""

    def write_register(self, thread: ThreadId, number: int, data: bytes) -> None:
        """Write one register. An unknown or read-only register is a TargetError."""

    def write_pc(self, thread: ThreadId, address: int) -> None:
        """Let the thread go on at `address`."""

    def expedited(self, thread: ThreadId) -> Sequence[tuple[int, bytes]]:
        """Registers (number, contents) that go with a stop report, to save the debugger from asking."""

    def inside(self, thread: ThreadId) -> Sequence[tuple[int, bytes]]:
        """The same for a thread that has been stepped, with a pc inside the instruction it was stepped from."""

    def registers(self) -> Sequence[RegisterInfo]:
        """Every register there is."""

    def register_width(self, number: int) -> int:
        """Bytes of a register. An unknown number is a TargetError."""

    # Memory

    def read_memory(self, thread: ThreadId, address: int, length: int, *, physical: bool = False) -> bytes:
        """Memory as `thread` sees it. Fewer bytes when the rest cannot be read, an error when nothing can."""

    def write_memory(self, thread: ThreadId, address: int, data: bytes, *, physical: bool = False) -> None:
        """Write memory as `thread` sees it, all or an error."""

    def region(self, thread: ThreadId, address: int) -> Region:
        """The range around an address that has the same rights."""

    # Breakpoints

    def insert(self, thread: ThreadId, point: Point, address: int, length: int, program: BreakpointProgram = ALWAYS) -> None:
        """Set a breakpoint or watchpoint in the thread's process. Setting it again replaces its program."""

    def remove(self, thread: ThreadId, point: Point, address: int, length: int) -> None:
        """Remove it. Removing what is not there is not an error."""

    # Running

    def resume(self, actions: Mapping[ThreadId, Action], *, settle: bool = True) -> None:
        """Let threads go; those that are not named stand still. Returns at once; the stop is announced to the subscribers.
        Without `settle`, breakpoints that were removed since the last stop stay, as ones taken out for a moment, until the
        next resume."""

    def interrupt(self) -> None:
        """Ask a running machine to stop soon."""

    def reset(self) -> None:
        """Begin again: the machine as after switching on, standing still."""

    def release(self) -> None:
        """The debugger is gone: forget everything set on its behalf (breakpoints, watchpoints)."""
