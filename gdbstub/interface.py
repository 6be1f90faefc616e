# SPDX-License-Identifier: Apache-2.0
"""What the protocol asks of a target. The protocol half knows nothing else about the machine behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    does not explain itself there.
    """

    thread: ThreadId
    signal: Signal = Signal.TRAP
    cause: Cause = Cause.PLAIN
    address: int | None = None
    exit_code: int | None = None
    remark: str = ""


class Motion(Enum):
    """What a thread does when the target is resumed."""

    CONTINUE = "c"
    STEP = "s"
    RANGE = "r"
    HOLD = "t"


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


class Target(Protocol):
    """The machine as one debugger sees it. Any method may raise `TargetError`.

    Register contents are bytes in target order; a register that has no value now reads as None.
    """

    @property
    def running(self) -> bool:
        """Whether the machine runs at this moment, whoever resumed it."""

    def stop_report(self) -> StopReport:
        """The latest stop."""

    def subscribe(self, stopped: Callable[[], None]) -> Callable[[], None]:
        """Call `stopped`, from any thread, after each stop. The result unsubscribes."""

    def threads(self) -> Sequence[ThreadId]:
        """All threads, never empty."""

    def describe(self, thread: ThreadId) -> str:
        """What the thread is and does, in a few words; never empty."""

    def document(self, kind: str, annex: str) -> bytes | None:
        """A document for qXfer, such as ("features", "target.xml"); None when there is none of that name."""

    def read_general(self, thread: ThreadId) -> bytes:
        """The registers of the g packet."""

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

    def register_width(self, number: int) -> int:
        """Bytes of a register. An unknown number is a TargetError."""

    def read_memory(self, thread: ThreadId, address: int, length: int) -> bytes:
        """Memory as `thread` sees it. Fewer bytes when the rest cannot be read, an error when nothing can."""

    def write_memory(self, thread: ThreadId, address: int, data: bytes) -> None:
        """Write memory as `thread` sees it, all or an error."""

    def insert(self, thread: ThreadId, point: Point, address: int, length: int) -> None:
        """Set a breakpoint or watchpoint in the thread's process. Setting it twice is one."""

    def remove(self, thread: ThreadId, point: Point, address: int, length: int) -> None:
        """Remove it. Removing what is not there is not an error."""

    def resume(self, actions: Mapping[ThreadId, Action]) -> None:
        """Let the threads go. Returns at once; the stop is announced to the subscribers."""

    def interrupt(self) -> None:
        """Ask a running machine to stop soon."""

    def reset(self) -> None:
        """Begin again: the machine as after switching on, standing still."""

    def release(self) -> None:
        """Forget everything set on behalf of the debugger (breakpoints, watchpoints)."""
