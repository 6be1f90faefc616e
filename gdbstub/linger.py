# SPDX-License-Identifier: Apache-2.0
"""Waiting for a client's next bytes without sleeping, as long as that is a matter of microseconds.

To sleep and be woken costs more than a step of the machine takes, most of all on virtual machines, where an idle processor
has to be started from outside. A client that steps in a loop, or reads register after register, answers faster than that.
"""

from __future__ import annotations

import os
from time import perf_counter
from typing import Final

CHUNK: Final = 1 << 12
"""Bytes to take at once: quick clients ask short questions."""
LOOK: Final = 0.0003
"""Seconds to look for the next bytes."""
STRETCH: Final = 0.005
"""Seconds after which whatever else the event loop has to do gets its turn."""
TAKEN: Final = 0.0005
"""Seconds between two looks that say that somebody else has had the processor."""
RESPITE: Final = 0.02
"""Seconds not to look any more then: who sleeps is given the processor sooner than who never lets go of it."""


class Linger:
    """One client's socket, by its descriptor, which must not block. It looks only while the client is quick."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._answered = self._until = self._not_before = 0.0
        self._quick = False

    def received(self) -> None:
        """Bytes have come by way of the event loop."""
        begin = perf_counter()
        self._quick = begin - self._answered < LOOK and begin >= self._not_before
        self._until = begin + STRETCH

    def read(self) -> bytes:
        """All requests are answered: what the client sends next, if it does so at once. Empty: the event loop must see to
        it (also when the client has hung up)."""
        looked = self._answered = perf_counter()
        if not self._quick or looked > self._until:
            return b""
        end = looked + LOOK
        while looked < end:
            try:
                return os.read(self._descriptor, CHUNK)
            except BlockingIOError:
                last, looked = looked, perf_counter()
            except OSError:
                break
            if looked - last > TAKEN:
                self._not_before = looked + RESPITE
                break
        self._quick = False
        return b""
