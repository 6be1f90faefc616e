# SPDX-License-Identifier: Apache-2.0
"""Python in the console: what it sees, and how its output comes out as lines."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

from cli.context import CommandError, Context

_NAMES: dict[int, dict[str, Any]] = {}
"""The names of each context's scripts, by the context's identity."""


def names_of(context: Context) -> dict[str, Any]:
    """What scripts see; one dictionary for a console's life."""
    known = _NAMES.get(id(context))
    if known is None or known["context"] is not context:
        from cli.registry import command, run_command

        known = _NAMES[id(context)] = {
            "__name__": "hartline_script",
            "context": context,
            "debugger": context.debugger,
            "machine": context.debugger.machine,
            "command": command,
            "reg": context.value,
            "run": lambda line: list(run_command(line, context)),
        }
    return known


def run_python(context: Context, text: str, name: str, *, show: bool) -> Iterator[str]:
    """Run a text; what it prints, and with `show` an expression's value, comes as lines. Raises CommandError."""
    from core.debug.target import DebugError

    names, output = names_of(context), io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            try:
                code = compile(text, name, "eval") if show else compile(text, name, "exec")
            except SyntaxError:
                code = compile(text, name, "exec")
            value = eval(code, names)
        if show and value is not None:
            output.write(repr(value))
    except DebugError:
        raise
    except SyntaxError as problem:
        raise CommandError(f"{name}:{problem.lineno}: {problem.msg}") from None
    except Exception as problem:
        yield from output.getvalue().splitlines()
        raise CommandError(f"{name}{_line_of(problem, name)}: {type(problem).__name__}: {problem}") from None
    yield from output.getvalue().splitlines()


def _line_of(problem: Exception, name: str) -> str:
    """`:N`, the line of the script that failed."""
    line, trace = "", problem.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == name:
            line = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return line
