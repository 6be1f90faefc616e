# SPDX-License-Identifier: Apache-2.0
"""The only place where the command line writes to its terminal."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def write(text: str, stream: TextIO | None = None) -> None:
    """Write `text` as it is to standard output (or `stream`) and flush. Ends the program when the reader has gone."""
    stream = stream or sys.stdout
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # The reader of our output is gone: nobody is left to be told. Point the descriptor at /dev/null so that
        # the interpreter's own flush at exit does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise SystemExit(141) from None


def error(text: str) -> None:
    """One line on standard error, with the program's name in front."""
    write(f"hartline: {text}\n", sys.stderr)


def wants_colour(stream: TextIO) -> bool:
    """Whether escape sequences for colour may go to `stream`: a terminal, not a dumb one, and NO_COLOR is not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") not in ("", "dumb")
