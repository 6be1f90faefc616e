# SPDX-License-Identifier: Apache-2.0
"""The state of one hart: a flat buffer of 64-bit words, laid out by declarations.

A slot is declared exactly once, with `state()`. From the declarations follow the Python view (`h.pc`, `h.x[5]`) and the
word offsets that native code uses, so both engines work on the same memory and switching between them copies nothing.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

WORD_MASK = (1 << 64) - 1


@dataclass
class Slot:
    """A named place in the state buffer: `count` words from word `offset` on.

    `architectural` says whether the words are the machine's state (compared in lockstep, saved in snapshots) or an
    engine's working memory (caches, counters).
    """

    name: str
    count: int
    doc: str
    architectural: bool
    offset: int = -1
    """Known once the layout is frozen."""


class Layout:
    """All declared slots. The first `Hart` freezes it: slots then get their places, whatever the order of imports was.

    Those declared in this file come first, in their order; then the others by size and name, so that single words stand
    close together and native code made in one process fits the next.
    """

    def __init__(self) -> None:
        self.slots: dict[str, Slot] = {}
        self.size = 0
        self._first: tuple[str, ...] = ()

    @property
    def frozen(self) -> bool:
        """Whether slots have their places."""
        return self.size > 0

    def add(self, name: str, count: int, doc: str, architectural: bool) -> Slot:
        """Declare a slot."""
        if self.frozen:
            raise RuntimeError(f"state slot {name!r} declared after the first Hart was made")
        if name in self.slots:
            raise ValueError(f"state slot {name!r} declared twice")
        slot = self.slots[name] = Slot(name, count, doc, architectural)
        return slot

    def begin(self) -> None:
        """The slots declared so far come first."""
        self._first = tuple(self.slots)

    def freeze(self) -> None:
        """Give every slot its place; does nothing the second time."""
        if self.frozen:
            return
        others = [slot for name, slot in self.slots.items() if name not in self._first]
        for slot in [*map(self.slots.__getitem__, self._first), *sorted(others, key=lambda s: (s.count, s.name))]:
            slot.offset = self.size
            self.size += slot.count
        self.slots = dict(sorted(self.slots.items(), key=lambda item: item[1].offset))

    def __str__(self) -> str:
        return " ".join(f"{slot.name}:{slot.offset}" for slot in self.slots.values())


LAYOUT = Layout()


class _Word:
    """Descriptor of a one-word slot."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot

    def __get__(self, hart: Any, owner: type | None = None) -> Any:
        if hart is None:
            return self
        return hart.words[self.slot.offset]

    def __set__(self, hart: Any, value: int) -> None:
        hart.words[self.slot.offset] = value


class Hart:
    """One hart. Behaviour lives elsewhere (isa, csr, trap, mmu); this is state only.

    Storing a value outside 0..2**64-1 raises ValueError: a kernel function forgot to wrap it.
    """

    def __init__(self, hartid: int = 0) -> None:
        LAYOUT.freeze()
        self.buffer = ctypes.create_string_buffer(LAYOUT.size * 8)
        self.words = memoryview(self.buffer).cast("B").cast("Q")
        for slot in LAYOUT.slots.values():
            if slot.count > 1:
                self.__dict__[slot.name] = self.words[slot.offset : slot.offset + slot.count]
        self.words[LAYOUT.slots["hartid"].offset] = hartid
        self.machine: Any = None
        """The machine this hart sits in: what `device_read`, `ram_read` and `warn` of the reference engine talk to."""

    @property
    def address(self) -> int:
        """Host address of the state buffer, for native code."""
        return ctypes.addressof(self.buffer)

    def snapshot(self) -> dict[str, int | list[int]]:
        """Every architectural slot by name, for comparison and display."""
        return {
            slot.name: self.words[slot.offset]
            if slot.count == 1
            else self.words[slot.offset : slot.offset + slot.count].tolist()
            for slot in LAYOUT.slots.values()
            if slot.architectural
        }

    if TYPE_CHECKING:  # slots are attributes made from the declarations

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...


def state(name: str, count: int = 1, doc: str = "", *, architectural: bool = True) -> Slot:
    """Declare a slot of `count` 64-bit words. One word reads as an int, several as an indexable array.

    Raises ValueError when the name is taken, RuntimeError when a Hart exists already.
    """
    slot = LAYOUT.add(name, count, doc, architectural)
    if count == 1:
        setattr(Hart, name, _Word(slot))
    return slot


state("x", 32, "integer registers; x[0] is zero again after every instruction")
state("f", 32, "floating-point registers, NaN-boxed")
state("pc", doc="address of the instruction being executed")
state("npc", doc="address of the next instruction: pc + length unless the instruction jumps", architectural=False)
state("mode", doc="nominal privilege: 0 U, 1 S, 3 M (priv, Hypervisor Extension, Privilege Modes)")
state("v", doc="virtualization mode V: 0 or 1")
state("hartid", doc="mhartid")
state("wfi", doc="1 while the hart waits in WFI")
state("inst", doc="raw bits of the instruction that traps, valid in take_trap", architectural=False)

state("left", doc="instructions left in this slice", architectural=False)
state("limit", doc="retired instructions = limit - left", architectural=False)
state("idle", doc="time units (of one instruction) skipped while waiting")
state("budget", doc="units (instructions and traps) run() may still execute after this slice", architectural=False)
state("event", doc="bits of core.events.Event: why the engine must leave at the next boundary", architectural=False)

state("res_valid", doc="1 while a load reservation is held (unpriv, LR/SC)")
state("res_addr", doc="physical address of the reservation")
state("res_size", doc="bytes reserved: 4 or 8")

state("trap_cause", doc="cause of the Trap being delivered", architectural=False)
state("trap_tval", doc="its tval", architectural=False)
state("trap_gpa", doc="its guest physical address", architectural=False)
state("trap_info", doc="its core.trap.causes.TrapInfo bits", architectural=False)

state("features", doc="bits of core.features.Feature that this hart has", architectural=False)
state("strict", doc="1: no tolerances, what the manual demands", architectural=False)
state("builtin_sbi", doc="1: M-mode is the host's SBI", architectural=False)
state("warned", doc="bits of Tolerance already warned about", architectural=False)

state("mtimecmp", doc="CLINT compare register of this hart, in ticks")
state("time_offset", doc="what writes to mtime added to the time, in ticks")

state("ram_base", doc="physical address of RAM", architectural=False)
state("ram_size", doc="bytes of RAM", architectural=False)
state("ram_host", doc="host address of RAM", architectural=False)
state("ram_bias", doc="ram_host - ram_base: host address of physical address 0", architectural=False)
state("host_device_read", doc="host function behind device_read, for native code", architectural=False)
state("host_device_write", doc="host function behind device_write", architectural=False)
state("host_warn", doc="host function behind warn", architectural=False)
state("bus_error", doc="set by device_read / device_write when nothing answers", architectural=False)

LAYOUT.begin()
