# SPDX-License-Identifier: Apache-2.0
"""Machines that must agree: the same program on both engines, all state compared after every step.

`Lockstep` has three machines. The reference engine and one native machine go in single steps; another native machine
follows in slices, as only longer runs show what the native engine keeps between instructions. Whatever a test changes from
outside it changes in all of them, between slices.
"""

from __future__ import annotations

import contextlib
import ctypes
import struct
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from core.hart import LAYOUT, Hart
from core.isa.disassemble import disassemble
from core.machine import Machine, MachineConfig, Outcome
from core.mmu.tlb import flush_all

PAGE = 4096
ALSO = ("features", "warned", "event", "watch_hit", "watch_va", "watch_write", "break_skip", "limit", "left")
"""Slots that are no architectural state, yet must agree whenever a machine stands still."""
COMPARED = [slot for slot in LAYOUT.slots.values() if slot.architectural or slot.name in ALSO]
HOST_WORLD = ("host_left", "host_x", "host_pc", "host_mode", "host_retired", "host_units")
REMEMBERED = ("guest_", "history", "trap_", "switch_", "exit_", "streak", "return_", *HOST_WORLD)
"""What slots about the past, for debuggers, are called or begin with; large, so compared only when RAM is."""
TRACE = 64
"""Instructions shown before a difference."""
MODES = {(0, 0): "U", (1, 0): "HS", (3, 0): "M", (0, 1): "VU", (1, 1): "VS"}

_memcmp = ctypes.CDLL(None).memcmp
_memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class Difference(AssertionError):
    """The engines disagree, or one raised a Python exception; the message tells where and how."""


def compared_ranges() -> list[tuple[int, int]]:
    """Byte ranges of a hart's buffer that are compared, neighbours joined."""
    ranges: list[tuple[int, int]] = []
    for slot in COMPARED:
        first, end = 8 * slot.offset, 8 * (slot.offset + slot.count)
        if ranges and ranges[-1][1] == first:
            first = ranges.pop()[0]
        ranges.append((first, end))
    return ranges


class Watched:
    """What is compared of one machine, as bytes."""

    def __init__(self, machine: Machine) -> None:
        ranges = compared_ranges()
        views = [memoryview(hart.buffer).cast("B") for hart in machine.harts]
        self.pieces = [view[first:end] for view in views for first, end in ranges]
        self.past = {
            f"{slot.name} of hart {index}": view[8 * slot.offset : 8 * (slot.offset + slot.count)]
            for index, view in enumerate(views)
            for slot in LAYOUT.slots.values()
            if not slot.architectural and slot.name.startswith(REMEMBERED)
        }
        self.names = [
            (f"hart {hart.hartid} " if len(machine.harts) > 1 else "") + slot.name + (f"[{index}]" if slot.count > 1 else "")
            for hart in machine.harts
            for slot in COMPARED
            for index in range(slot.count)
        ]

    def state(self) -> bytes:
        """All that is compared, of all harts."""
        return b"".join(self.pieces)

    def changes(self, before: bytes, first: bytes, second: bytes) -> list[str]:
        """One line for each value that `first` and `second` have different; `before` is what it was."""
        form = f"<{len(self.names)}Q"
        rows = zip(self.names, *(struct.unpack(form, state) for state in (before, first, second)), strict=True)
        return [f"  {name}: was {old:#x}, reference {a:#x}, native {b:#x}" for name, old, a, b in rows if a != b]


@contextlib.contextmanager
def no_hidden_errors() -> Iterator[None]:
    """Python exceptions in callbacks of native code are otherwise printed and forgotten. Raises Difference."""
    hidden: list[BaseException] = []
    old = sys.unraisablehook
    sys.unraisablehook = lambda found: hidden.append(found.exc_value or RuntimeError(str(found)))
    what = ""
    try:
        yield
    except Difference as error:
        what = f"; then: {error}"
        if not hidden:
            raise
    finally:
        sys.unraisablehook = old
    if hidden:
        raise Difference(f"Python exception in a callback of native code: {hidden[0]!r}{what}") from hidden[0]


class Lockstep:
    """Three machines of one configuration, but for the engine (or two: then the native one does both parts)."""

    engines: tuple[str, ...] = ("reference", "native", "native")

    def __init__(self, config: MachineConfig) -> None:
        self.machines = [Machine(replace(config, engine=engine)) for engine in self.engines]
        self.reference, self.stepped, self.sliced = self.machines[0], self.machines[1], self.machines[-1]
        self.watched = [Watched(machine) for machine in self.machines]
        self.outputs: list[list[bytes]] = [[] for _ in self.machines]
        for machine, output in zip(self.machines, self.outputs, strict=True):
            machine.console_output = output.append
        self.trace: deque[tuple[int, int, int, int, int, int]] = deque(maxlen=TRACE)
        self.steps = 0
        """Units run since the last reset."""
        self.since_ram = 0
        self.ram_every = 512
        """Steps after which RAM is compared; where it is found different, it has become so since the time before."""
        self.described = ""
        """What is being run, for messages."""

    # -- changes from outside -----------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Power-on state everywhere."""
        for machine in self.machines:
            machine.reset()
        self.trace.clear()
        self.steps = self.since_ram = 0

    def change(self, action: Callable[[Hart], object], hart: int = 0) -> None:
        """Do the same to a hart of every machine; cached translations go, as its registers may now say otherwise."""
        for machine in self.machines:
            action(machine.harts[hart])
            flush_all(machine.harts[hart])

    def write(self, spa: int, data: bytes) -> None:
        """Store into RAM."""
        for machine in self.machines:
            machine.ram.write_bytes(spa, data)
            machine.memory_changed(spa, len(data))

    def type(self, data: bytes) -> None:
        """Input for the console."""
        for machine in self.machines:
            machine.console_input(data)

    # -- running ------------------------------------------------------------------------------------------------------

    def run(self, units: int, hart: int = 0, patience: int = 1 << 62) -> Outcome:
        """Run `units` units, or until the machine stops by itself or has taken `patience` traps. Raises Difference."""
        h = self.reference.harts[hart]
        start, retired = self.watched[0].state(), h.limit - h.left
        outcome, done = Outcome.BUDGET, 0
        with no_hidden_errors():
            while done < units and outcome is Outcome.BUDGET and done - (h.limit - h.left - retired) < patience:
                outcome = self.step(hart)
                done += 1
            other = self.sliced.run(done, hart)
        if other is not outcome or self.watched[0].state() != self.watched[2].state():
            raise self.difference(f"after a slice of {done}", start, 2, outcome, other)
        self.since_ram += done
        if self.since_ram >= self.ram_every or outcome is not Outcome.BUDGET:
            self.compare_ram()
        return outcome

    def step(self, hart: int = 0) -> Outcome:
        """One unit on the two machines that go in single steps. Raises Difference."""
        h = self.reference.harts[hart]
        before, pc, mode, v = self.watched[0].state(), h.pc, h.mode, h.v
        h.inst = 0
        try:
            outcome = self.reference.run(1, hart)
        except Exception as error:
            self.trace.append((self.steps, mode, v, pc, h.inst, 0))
            raise self.difference(f"Python exception in the reference engine: {error!r}", before) from error
        self.trace.append((self.steps, mode, v, pc, h.inst, h.pc))
        other = self.stepped.run(1, hart)
        if outcome is not other or self.watched[0].state() != self.watched[1].state():
            raise self.difference("after a single step", before, 1, outcome, other)
        self.steps += 1
        return outcome

    def leap(self, units: int) -> Outcome:
        """All machines run `units` units at once, all harts in turn. Raises Difference."""
        before = self.watched[0].state()
        self.trace.clear()
        with no_hidden_errors():
            outcomes = [machine.run(units) for machine in self.machines]
        self.steps += units
        for which, outcome in enumerate(outcomes):
            if outcome is not outcomes[0] or self.watched[0].state() != self.watched[which].state():
                raise self.difference(f"after {units} units at once", before, which, outcomes[0], outcome)
        self.compare_ram()
        return outcomes[0]

    # -- comparing ----------------------------------------------------------------------------------------------------

    def compare_ram(self) -> None:
        """Compare all of RAM, output, exit codes and what is known of the past. Raises Difference."""
        size, address = self.reference.ram.size, self.reference.ram.address
        now = self.watched[0].state()
        for which, machine in enumerate(self.machines[1:], 1):
            name = ("stepped", "sliced")[which - 1]
            if _memcmp(address, machine.ram.address, size) != 0:
                text = "\n".join([f"RAM differs ({name}) since at most {self.since_ram} steps", *self.different_bytes(machine)])
                raise self.difference(text, now)
            if b"".join(self.outputs[which]) != b"".join(self.outputs[0]):
                raise self.difference(f"output differs ({name}): {self.outputs[0]} and {self.outputs[which]}", now)
            if machine.exit_code != self.reference.exit_code:
                raise self.difference(f"exit code differs ({name})", now)
            for slot, piece in self.watched[0].past.items():
                if bytes(piece) != bytes(self.watched[which].past[slot]):
                    raise self.difference(f"{slot} differs ({name}) since at most {self.since_ram} steps", now)
        for output in self.outputs:
            output.clear()
        self.since_ram = 0

    def different_bytes(self, machine: Machine) -> list[str]:
        """The first differing doublewords of RAM, for a message."""
        ours, theirs = self.reference.ram, machine.ram
        pages = range(ours.base, ours.end, PAGE)
        changed = [page for page in pages if ours.read_bytes(page, PAGE) != theirs.read_bytes(page, PAGE)]
        words = [spa for page in changed for spa in range(page, page + PAGE, 8) if ours.read(spa, 8) != theirs.read(spa, 8)]
        return [f"  {spa:#x}: reference {ours.read(spa, 8):#018x}, native {theirs.read(spa, 8):#018x}" for spa in words[:16]]

    def difference(
        self, what: str, before: bytes, which: int = 0, first: Outcome | None = None, second: Outcome | None = None
    ) -> Difference:
        """The error to raise, about machine `which`."""
        lines = [f"{what}, at step {self.steps} of {self.described}"]
        if first is not second:
            lines.append(f"  outcome: reference {first}, native {second}")
        lines += self.watched[0].changes(before, self.watched[0].state(), self.watched[which].state())
        lines.append("last instructions of the reference:")
        for step, mode, v, pc, raw, target in self.trace:
            text = disassemble(raw, pc) if raw else "(nothing fetched)"
            lines.append(f"  {step:7} {MODES.get((mode, v), '?'):2} {pc:16x}: {raw:8x}  {text} -> {target:x}")
        return Difference("\n".join(lines))
