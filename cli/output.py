# SPDX-License-Identifier: Apache-2.0
"""The only place where the command line writes to its terminal."""

from __future__ import annotations

import os
import sys
from typing import TextIO

PIPE_STATUS = 141
"""Exit status when nobody reads the output any more (as a shell reports SIGPIPE)."""


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
        raise SystemExit(PIPE_STATUS) from None


def error(text: str) -> None:
    """One line on standard error, with the program's name in front."""
    write(f"hartline: {text}\n", sys.stderr)


def open_closed_streams() -> None:
    """Where whoever started us has closed standard input, output or error: there is nothing to read, and nobody reads."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDONLY if name == "stdin" else os.O_WRONLY)  # takes the lowest descriptor: that one
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w"))


def dumb() -> bool:
    """Whether TERM says that the terminal can only append lines: no cursor that moves, no colour."""
    return os.environ.get("TERM", "").lower() in ("", "dumb", "unknown")


def wants_colour(stream: TextIO) -> bool:
    """Whether escape sequences for colour may go to `stream`: a terminal, not a dumb one, and NO_COLOR is not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and not dumb()
