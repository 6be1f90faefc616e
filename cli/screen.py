# SPDX-License-Identifier: Apache-2.0
"""Output of the console: above the prompt while it is up, straight to the terminal otherwise. Any thread may speak.

The guest's UART output comes here too, as whole lines with a prefix of their own, so that it neither tears the prompt
nor passes for the console's words.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from prompt_toolkit.application import Application

GUEST_PREFIX = "uart| "
PAUSE = 0.03
"""Seconds between two bursts of output above the prompt; what comes meanwhile is collected."""
PARTIAL, PATIENCE = 0.2, 2.0
"""Seconds of silence after which an unfinished line of the guest is shown, and seconds after which it is in any case."""
BACKLOG = 1 << 18
"""Characters waiting to be shown at which the guest has to wait."""
RECENT = 200
"""Lines of the guest that are kept."""
GUEST_PATIENCE = 0.5
"""Seconds it waits at most, so that a stuck terminal does not stop the machine for good."""

STYLES = {"error": "31", "warning": "33", "guest": "2", "headline": "1", "code": "36", "fails": "31"}

ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_]?)|[\x00-\x08\x0b-\x1f\x7f]")


HEADLINES = ("trap: ", "sret: ", "mret: ", "mnret: ")
STARTS = (("=> ", "code"), *((start, "headline") for start in HEADLINES), ("note: ", "warning"))


def style_of(line: str) -> str | None:
    """The style of a line of output, by how it begins."""
    return next((style for start, style in STARTS if line.startswith(start)), "fails" if "<-- fails" in line else None)


def paint(text: str, style: str | None, colour: bool) -> str:
    """`text` in a style of STYLES when colours are wanted."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if colour and style and text else text


class GuestText:
    """Bytes of the guest into lines fit for a shared screen: no escape sequences, no control characters."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines completed by `data`."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [self._clean(line) for line in lines]

    def finish(self) -> list[str]:
        """The unfinished line, if there is one."""
        rest, self._rest = self._rest, b""
        return [self._clean(rest)] if rest else []

    @property
    def partial(self) -> str:
        """The part of a line that waits for its end."""
        return self._clean(self._rest)

    @property
    def unfinished(self) -> bool:
        """Whether part of a line waits for its end."""
        return bool(self._rest)

    @staticmethod
    def _clean(line: bytes) -> str:
        return ESCAPES.sub("", line.decode("utf-8", "replace"))


class Screen:
    """Collects output and shows it where it does no harm."""

    def __init__(self, sink: Callable[[str], None], colour: bool = False) -> None:
        self.colour = colour
        self._sink = sink
        self._change = threading.Condition(threading.RLock())
        self._pending: list[str] = []
        self._size = 0
        self._guest = GuestText()
        self.recent: deque[str] = deque(maxlen=RECENT)
        """The guest's last lines, for the full screen to begin with."""
        self._app: Application[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due = math.inf
        """When the next burst is to come, by the monotonic clock."""
        self._last = self._heard = self._begun = 0.0
        """Times of the last burst, of the guest's last word, and of the first of its unfinished line."""

    def say(self, lines: Iterable[str], style: str | None = None) -> None:
        """Show lines of the console."""
        text = "".join(f"{paint(line, style, self.colour)}\n" for line in lines)
        with self._change:
            self._queue_guest(self._guest.finish())
            self._queue(text)
            self._kick()

    def guest(self, data: bytes) -> None:
        """Show what the guest has sent. Waits a little when the screen cannot follow."""
        with self._change:
            self._heard = time.monotonic()
            if not self._guest.unfinished or b"\n" in data:
                self._begun = self._heard
            self._queue_guest(self._guest.feed(data))
            self._kick()
            if self._loop is not None and self._size > BACKLOG:
                self._change.wait_for(lambda: self._size <= BACKLOG, GUEST_PATIENCE)

    def finish(self) -> None:
        """Show everything there is, also an unfinished line of the guest."""
        with self._change:
            self._queue_guest(self._guest.finish())
            self._flush()

    # With a prompt on the screen

    def attach(self, app: Application[Any], loop: asyncio.AbstractEventLoop) -> None:
        """The prompt is up: from now on output goes above it."""
        with self._change:
            self._app, self._loop, self._due = app, loop, math.inf
            self._kick()

    def detach(self) -> None:
        """The prompt is gone."""
        with self._change:
            self._app = self._loop = None
            self._flush()

    def _queue(self, text: str) -> None:
        if text:
            self._pending.append(text)
            self._size += len(text)

    def _queue_guest(self, lines: list[str]) -> None:
        self.recent.extend(lines)
        self._queue("".join(f"{paint(GUEST_PREFIX + line, 'guest', self.colour)}\n" for line in lines))

    def _kick(self) -> None:
        if self._loop is None:
            self._flush()
        elif self._pending or self._guest.unfinished:
            now = time.monotonic()
            due = max(now, self._last + PAUSE) if self._pending else now + PARTIAL
            if due < self._due:
                self._due = due
                self._loop.call_soon_threadsafe(self._arrange, self._loop, due - now)

    def _arrange(self, loop: asyncio.AbstractEventLoop, wait: float) -> None:
        """On the prompt's loop: show what has come after `wait` seconds."""
        if wait > 0:
            loop.call_later(wait, self._arrange, loop, 0.0)
        elif self._app is not None and self._app.is_running:
            self._app.create_background_task(self._show())

    async def _show(self) -> None:
        from prompt_toolkit.application import run_in_terminal

        await run_in_terminal(self._burst)

    def _burst(self) -> None:
        with self._change:
            self._due = math.inf
            now = time.monotonic()
            if not self._pending and (now - self._heard >= PARTIAL or now - self._begun >= PATIENCE):
                self._queue_guest(self._guest.finish())
            self._flush()
            self._last = time.monotonic()
            self._kick()

    def _flush(self) -> None:
        text, self._pending, self._size = "".join(self._pending), [], 0
        if text:
            self._sink(text)
        self._change.notify_all()
