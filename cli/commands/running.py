# SPDX-License-Identifier: Apache-2.0
"""Running and stopping.

The console reports every stop by itself, whoever resumed the machine, so these commands print no summary when the
console waits for the stop at its prompt.
"""

from __future__ import annotations

from collections.abc import Iterator

from cli.context import CommandError, Context
from cli.registry import command
from cli.summary import stop_summary


def settle(context: Context, timeout: float | None) -> Iterator[str]:
    """Wait for the machine to stop, at most `timeout` seconds (None: for ever), and report the stop."""
    stop = context.debugger.wait(timeout)
    if stop is not None and not context.debugger.running:
        context.reported = stop
        yield from stop_summary(context, stop)


def wait_time(context: Context) -> float | None:
    """How long a command that let the machine go waits for its stop."""
    return None if context.blocking else context.patience


@command(
    "step [N]",
    aliases=("s", "si", "stepi"),
    help="execute one instruction of the current hart, or N",
    example="step 10",
    console_only=True,
    repeats=True,
)
def step(context: Context, count: int | None) -> Iterator[str]:
    """Steps follow the hart wherever it goes: into traps, across sret into a guest and back out of it."""
    if count == 0:
        raise CommandError("step: N is at least 1")
    context.debugger.resume(hart=context.hart, steps=1 if count is None else count)
    yield from settle(context, wait_time(context))


@command(
    "continue",
    aliases=("c", "cont", "run", "r"),
    help="let the machine run until something stops it",
    example="continue",
    console_only=True,
    repeats=True,
)
def continue_(context: Context) -> Iterator[str]:
    """A breakpoint, a watchpoint, the end of the program or Ctrl-C (or `stop`) stops it."""
    context.debugger.resume()
    yield from settle(context, wait_time(context))


@command(
    "stop",
    aliases=("interrupt",),
    help="stop the running machine (as Ctrl-C does)",
    example="stop",
    console_only=True,
)
def stop(context: Context) -> Iterator[str]:
    """Does nothing when the machine stands still."""
    if not context.debugger.running:
        yield "the machine stands still already"
        return
    context.debugger.interrupt()
    yield from settle(context, 2.0)


@command("reset", help="put the machine back into its state at the start, stopped", example="reset")
def reset(context: Context) -> Iterator[str]:
    """Memory is loaded anew, breakpoints stay. From gdb's monitor, `maintenance flush register-cache` should follow."""
    if context.debugger.running:
        context.debugger.interrupt()
        context.debugger.wait(2.0)
    context.debugger.reset()
    context.reported = context.debugger.stop
    yield from stop_summary(context, context.debugger.stop)


@command("hart [N]", help="show the harts, or choose the one that commands look at", example="hart 1")
def hart(context: Context, index: int | None) -> Iterator[str]:
    """Registers, CSRs, addresses and steps are those of the chosen hart."""
    debugger = context.debugger
    if index is not None:
        if index >= debugger.harts:
            last = debugger.harts - 1
            raise CommandError(f"no hart {index}; there is hart 0" + (f" to {last}" if last else " only"))
        context.hart = index
    for number in range(debugger.harts):
        mark = "*" if number == context.hart else " "
        where = debugger.symbols.format(debugger.read_register("pc", number))
        yield f"{mark} hart {number}  {debugger.mode_name(number):<2}  {where}"
