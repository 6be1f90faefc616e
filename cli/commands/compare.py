# SPDX-License-Identifier: Apache-2.0
"""What has changed."""

from __future__ import annotations

from collections.abc import Iterator

from cli.context import HOST, CommandError, Context
from cli.format import clip, field_value, plural
from cli.registry import command
from cli.snapshot import Change, Snapshot, changes, take
from core.suggest import did_you_mean

RESERVED = {"stop": "before", "entry": "entry"}
"""Names that `diff` understands by itself, and the snapshots they mean."""


@command("save NAME", help="keep the registers and CSRs under a name, for diff", example="save good")
def save(context: Context, name: str) -> Iterator[str]:
    """Of the chosen hart, as they are now."""
    if name in RESERVED:
        raise CommandError(f"{name!r} has a meaning of its own in diff; take another name")
    pc = context.value("pc")
    where = context.table(pc).format(pc)
    context.snapshots[f"={name}"] = take(context.debugger, context.hart, f"{name!r} ({where})")
    yield f"kept as {name}; `diff {name}` compares with it"


@command(
    "diff [NAME]",
    help="show registers and CSR fields that differ: from the last stop, `entry`, or a saved state",
    example="diff",
)
def diff(context: Context, name: str | None) -> Iterator[str]:
    """Without NAME, or with `stop`: what changed between the last two stops, and since. `entry`: since the last VM entry
    at which the machine stopped (`catch vmentry`); in the host without such a stop, the hypervisor's own registers
    since it left for the guest. Any other NAME is one given to `save`.
    """
    wanted = name or "stop"
    now = take(context.debugger, context.hart, "now")
    old = _snapshot(context, wanted, now)
    found = changes(old, now)
    if old.retired <= now.retired:
        yield f"since {old.title}, {plural(now.retired - old.retired, 'instruction')} ago:"
    else:
        yield f"since {old.title}, before a reset:"
    if not found:
        yield "  nothing has changed"
    for change in found:
        yield from _lines(context, change)


def _snapshot(context: Context, wanted: str, now: Snapshot) -> Snapshot:
    key = RESERVED.get(wanted, f"={wanted}")
    found = context.snapshots.get(key)
    if found is None and wanted == "stop":
        found = context.snapshots.get("stop")
    if found is None and wanted == "entry":
        found = _host_at_entry(context, now)
    if found is not None:
        return found
    if wanted == "stop":
        raise CommandError("there was no stop before this one")
    if wanted == "entry":
        raise CommandError("the machine has not stopped at a VM entry; `catch vmentry` and continue make it")
    saved = [key[1:] for key in context.snapshots if key.startswith("=")]
    raise CommandError(f"no state {wanted!r}{did_you_mean(wanted, [*saved, *RESERVED]) or '; `save NAME` keeps one'}")


def _host_at_entry(context: Context, now: Snapshot) -> Snapshot | None:
    """What the kernel keeps of the host at a VM entry: its general registers."""
    state = context.debugger.machine.harts[context.hart]
    if now.guest or not state.host_left:
        return None
    names = context.debugger.register_names()[1:32]
    values = {"pc": int(state.host_pc)} | {name: int(state.host_x[number]) for number, name in enumerate(names, 1)}
    title = f"the host's last VM entry at {context.debugger.place(int(state.host_pc), HOST)} (general registers)"
    return Snapshot(title, context.hart, int(state.host_retired), 1, values)


def _lines(context: Context, change: Change) -> Iterator[str]:
    symbol = context.symbol_at(change.new)
    note = f"   <{symbol}>" if symbol and change.general else ""
    yield clip(f"  {change.name:<10} {change.old:#x} -> {change.new:#x}{note}", context.width)
    csr = context.csr(change.name)
    if csr is None or len(csr.fields) < 2:
        return
    for field in csr.fields:
        old, new = field.of(change.old), field.of(change.new)
        if old != new:
            words = field.words(new)
            meaning = f"{field.doc}: {words}" if words and field.doc else words or field.doc
            text = f"    .{field.name} {field_value(old)} -> {field_value(new)}"
            yield clip(f"{text:<28} {meaning}".rstrip(), context.width)
