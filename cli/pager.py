# SPDX-License-Identifier: Apache-2.0
"""Long output a screen at a time, and how far long work has come. Only for people at a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.key_binding import KeyPressEvent
    from prompt_toolkit.output import Output

QUESTION = "-- Enter: more, a: all, q: enough -- "
LEAST = 16
"""Rows below which a page would be nearly nothing."""
DELAY = 0.3
"""Seconds before work counts as long."""


class Enough(Exception):
    """The user has seen enough."""


class Pager:
    """Counts lines; at the end of a screen it asks. `ask` gives the key pressed: "more", "all" or "enough"."""

    def __init__(self, size: Callable[[], tuple[int, int]], ask: Callable[[], str]) -> None:
        self._size, self._ask = size, ask
        self._used = 0
        self._endless = False

    def start(self) -> None:
        """A command begins."""
        self._used, self._endless = 0, False

    def line(self, text: str) -> None:
        """A line is to be shown. Raises Enough."""
        columns, rows = self._size()
        if rows < LEAST:
            return
        self._used += max(1, -(-len(text) // max(1, columns)))
        if self._endless or self._used < rows:
            return
        answer = self._ask()
        if answer == "enough":
            raise Enough
        self._endless = answer == "all"
        self._used = 1


def ask_key(input: Input | None, output: Output | None) -> str:
    """Put the question and wait for one key."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.key_binding import KeyBindings
    from prompt_toolkit.keys import Keys

    keys = KeyBindings()

    @keys.add(Keys.Any)
    def _any(event: KeyPressEvent) -> None:
        answers = {"q": "enough", "Q": "enough", "a": "all", "A": "all"}
        event.app.exit(result=answers.get(event.data, "more"))

    @keys.add("enter")
    def _enter(event: KeyPressEvent) -> None:
        event.app.exit(result="more")

    @keys.add("c-c")
    @keys.add("c-d")
    @keys.add("escape")
    def _enough(event: KeyPressEvent) -> None:
        event.app.exit(result="enough")

    session: PromptSession[Any] = PromptSession(key_bindings=keys, input=input, output=output, erase_when_done=True)
    return str(session.prompt(QUESTION))


class Progress:
    """One line at the bottom that comes and goes."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._since: float | None = None
        self._shown = False

    def __call__(self, text: str) -> None:
        """Work has come so far; "" at its end."""
        if not text:
            if self._shown:
                self._write("\r\x1b[K")
            self._since, self._shown = None, False
            return
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since >= DELAY:
            self._write(f"\r\x1b[K{text}")
            self._shown = True
