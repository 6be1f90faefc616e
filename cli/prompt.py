# SPDX-License-Identifier: Apache-2.0
"""The prompt_toolkit half of the console: session, completion, keys. Imported only when a prompt is wanted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.styles import Style

from cli.colour import CommandLexer
from cli.completion import candidates

if TYPE_CHECKING:
    from cli.console import Console

MENU, OTHERS = 8, 1
"""Rows for the completion menu with the line being typed, and those of the screen that are not for them: the bottom line."""
STYLE = Style.from_dict(
    {"bottom-toolbar": "reverse", "prompt": "bold", "command": "bold", "unknown": "ansired", "register": "ansicyan"}
)


class ConsoleCompleter(Completer):
    """Offers the candidates of cli.completion."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Candidates for the text before the cursor, each with its meaning beside it."""
        for candidate in candidates(document.text_before_cursor, self._console.context):
            yield Completion(candidate.text, -candidate.length, display_meta=candidate.meaning)


def key_bindings(console: Console) -> KeyBindings:
    """Ctrl-C stops the machine; Ctrl-A and a letter do what they do at the guest's UART."""
    keys = KeyBindings()

    @keys.add("c-c")
    def _interrupt(event: KeyPressEvent) -> None:
        if not console.interrupt():
            event.current_buffer.reset()

    def leave(event: KeyPressEvent, request: str) -> None:
        console.context.request = request
        event.app.exit(result="")

    @keys.add("c-a", "c")
    def _uart(event: KeyPressEvent) -> None:
        leave(event, "uart")

    @keys.add("c-a", "x")
    def _quit(event: KeyPressEvent) -> None:
        leave(event, "quit")

    @keys.add("c-a", "h")
    def _help(event: KeyPressEvent) -> None:
        console.keys_help()

    return keys


def history() -> History:
    """What was typed in earlier sessions, kept in the user's state folder; HARTLINE_HISTORY names another file."""
    chosen = os.environ.get("HARTLINE_HISTORY")
    if chosen == "":
        return InMemoryHistory()
    try:
        path = _history_file() if chosen is None else Path(chosen)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except (OSError, RuntimeError):  # RuntimeError: the user has no home directory
        return InMemoryHistory()
    return FileHistory(str(path))


def _history_file() -> Path:
    from platformdirs import user_state_path

    return user_state_path("hartline", appauthor=False) / "history"


def make_session(console: Console, input: Input | None, output: Output | None) -> PromptSession[str]:
    """A prompt with completion, bottom line and keys."""
    from cli.console import PROMPT

    session: PromptSession[str] = PromptSession(
        [("class:prompt", PROMPT)],
        completer=ConsoleCompleter(console),
        complete_while_typing=False,
        history=history() if input is None else InMemoryHistory(),
        auto_suggest=AutoSuggestFromHistory(),
        lexer=CommandLexer(console.context),
        mouse_support=False,
        key_bindings=key_bindings(console),
        bottom_toolbar=console.toolbar,
        style=STYLE,
        color_depth=ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None,
        refresh_interval=0.5,
        input=input,
        output=output,
    )

    def fit_menu(app: Application[str]) -> None:
        """Ask no more rows for the completion menu than there are, or nothing but an error message is drawn."""
        session.reserve_space_for_menu = max(0, min(MENU, app.output.get_size().rows - OTHERS))

    session.app.before_render += fit_menu
    return session
