# SPDX-License-Identifier: Apache-2.0
"""Text for the user that waits until the debugger listens, which it does while it waits for a stop."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from typing import Final

log = logging.getLogger("hartline.gdb")

LIMIT: Final = 0x4000
"""Texts kept for a debugger that does not listen; further ones are left out, and it is told how many."""


class Unsaid:
    """The texts, in order."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque()
        self._left_out = self._left_out_told = 0  # texts there was no room for; those the debugger knows of

    def add(self, text: str) -> None:
        """One more text. May be called from any thread."""
        if len(self._texts) < LIMIT:
            self._texts.append(text if text.endswith("\n") else text + "\n")
            return
        if self._left_out == self._left_out_told:
            log.warning("the debugger takes its output too slowly: some is left out")
        self._left_out += 1

    def __bool__(self) -> bool:
        """Whether there is something to be said."""
        return bool(self._texts) or self._left_out != self._left_out_told

    def take(self) -> Iterator[str]:
        """What waits now, and no more: a machine that runs may say things faster than they are sent."""
        for _ in range(len(self._texts)):
            yield self._texts.popleft()
        if missing := self._left_out - self._left_out_told:
            self._left_out_told += missing
            yield f"[{missing} texts were left out here: the debugger took them too slowly]\n"
