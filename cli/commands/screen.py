# SPDX-License-Identifier: Apache-2.0
"""The full screen."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cli.context import CommandError, Context
from cli.output import dumb
from cli.registry import command


@command(
    "layout",
    aliases=("tui",),
    help="open the full-screen view: code, registers, CSRs, world switches and UART, following the machine",
    example="layout",
    console_only=True,
)
def layout(context: Context) -> Iterator[str]:
    """Keys: s step, n next, i into, f finish, c continue, e and x to the next VM entry and exit, Ctrl-C stops, Tab and the
    arrows scroll a pane (so does the mouse wheel), q goes back to the prompt.
    """
    if context.blocking:
        raise CommandError("layout needs the prompt at a terminal")
    if dumb():
        raise CommandError(f"layout needs a terminal that can move its cursor; TERM is {os.environ.get('TERM') or 'not set'}")
    context.request = "layout"
    return iter(())
