# SPDX-License-Identifier: Apache-2.0
"""Which line of output gets which style, and the colours of the input line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.lexers import Lexer

from cli.context import CommandError, Context
from cli.registry import find, split_line

if TYPE_CHECKING:
    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples


class CommandLexer(Lexer):
    """Commands bold, what is no command red, $registers in colour."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Colours by line."""

        def line(number: int) -> StyleAndTextTuples:
            text = document.lines[number]
            name = split_line(text)[0]
            begin = text.find(name) if name else 0
            style = "class:command" if self._known(name) else "class:unknown" if " " in text.strip() else ""
            parts: StyleAndTextTuples = [("", text[:begin]), (style, text[begin : begin + len(name)])]
            for index, word in enumerate(text[begin + len(name) :].split("$")):
                if index == 0:
                    parts.append(("", word))
                    continue
                length = next((i for i, c in enumerate(word) if not (c.isalnum() or c in "._")), len(word))
                parts += [("class:register", "$" + word[:length]), ("", word[length:])]
            return parts

        return line

    def _known(self, name: str) -> bool:
        try:
            find(name.lower())
        except CommandError:
            return name in self._context.aliases
        return True
