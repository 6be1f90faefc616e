# SPDX-License-Identifier: Apache-2.0
"""What the built-in SBI needs from the machine."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

from core.hart import Hart


class HartState(IntEnum):
    """States of a hart (SBI 2.0, Hart State Management Extension, table "HSM Hart States")."""

    STARTED = 0
    STOPPED = 1
    START_PENDING = 2
    STOP_PENDING = 3
    SUSPENDED = 4
    SUSPEND_PENDING = 5
    RESUME_PENDING = 6


class SbiHost(Protocol):
    """The machine, as far as the SBI is concerned. Harts are named by hart id, which is the index in `harts`.

    Addresses are physical and times are in ticks of mtime, unless said otherwise.
    """

    @property
    def harts(self) -> Sequence[Hart]:
        """All harts."""

    @property
    def machine_ids(self) -> tuple[int, int, int]:
        """What mvendorid, marchid and mimpid read."""

    def has_memory(self, address: int, length: int) -> bool:
        """Whether S-mode may read, write and execute all these bytes as main memory."""

    def read_memory(self, address: int, length: int) -> bytes:
        """Bytes of main memory. Called only for ranges that `has_memory` grants."""

    def write_memory(self, address: int, data: bytes) -> None:
        """Store into main memory. Called only for ranges that `has_memory` grants."""

    def read_virtual(self, hart: int, address: int, size: int) -> int:
        """A little-endian value read at a virtual address as the hart in HS-mode would. Raises Trap as that load
        would."""

    def console_write(self, data: bytes) -> None:
        """Send bytes to the machine's console."""

    def console_read(self, limit: int) -> bytes:
        """Up to `limit` bytes of console input; empty when none waits."""

    def set_timer(self, hart: int, deadline: int) -> None:
        """Clear the hart's supervisor timer interrupt and raise it when mtime reaches `deadline`."""

    def send_ipi(self, harts: Sequence[int]) -> None:
        """Make the supervisor software interrupt of these harts pending."""

    def clear_ipi(self, hart: int) -> bool:
        """Clear the supervisor software interrupt of this hart; returns whether it was pending."""

    def flush(self, harts: Sequence[int]) -> None:
        """Forget all translations and fetched instructions of these harts, of all address spaces and guests."""

    def hart_state(self, hart: int) -> HartState:
        """The state the hart is in."""

    def hart_start(self, hart: int, address: int, opaque: int) -> None:
        """Let a stopped hart begin in HS-mode at `address`, with its id in a0 and `opaque` in a1."""

    def hart_stop(self, hart: int) -> None:
        """Stop the hart that calls, until it is started again."""

    def hart_suspend(self, hart: int, resume: tuple[int, int] | None) -> None:
        """Let the hart that calls sleep until an interrupt is pending.

        resume None: it then goes on behind its ecall; otherwise it begins anew at address resume[0] with resume[1] in
        a1.
        """

    def shutdown(self, code: int) -> None:
        """Switch the machine off with this exit status."""

    def reboot(self) -> None:
        """Reset the machine and boot again."""
