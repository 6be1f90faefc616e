# SPDX-License-Identifier: Apache-2.0
"""How things look in the console: pure functions from values to text, no machine and no terminal in sight."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.csr.csr import Csr
    from core.csr.fields import Field
    from core.debug.target import Line, Walk, WalkStep

MODE_WORDS = {
    "M": "machine mode",
    "HS": "hypervisor-extended supervisor mode",
    "U": "user mode of the host",
    "VS": "virtual supervisor mode",
    "VU": "virtual user mode",
}
KIND_WORDS = {"ro": "RO", "warl": "WARL", "wlrl": "WLRL", "rw": ""}
NARROW = 60
"""Below this many columns tables drop what is not essential."""
TELLING = 16
"""Fields with names longer than this say by their name what they are."""


def plural(count: int, noun: str) -> str:
    """`1 byte`, `2 bytes`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def clip(text: str, width: int) -> str:
    """`text` in at most `width` columns, with `..` where something was cut off."""
    return text if len(text) <= width else text[: max(0, width - 2)] + ".."


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """A sentence in lines of the terminal's width; addresses and paths stay whole."""
    return textwrap.wrap(
        text,
        max(40, width),
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def folded(text: str, width: int) -> list[str]:
    """A line of a table in lines of the terminal's width: broken between words, what goes on far to the right."""
    if len(text) <= width:
        return [text]
    indent = " " * 15
    return textwrap.wrap(
        text, max(40, width), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, expand_tabs=False
    )


def wrap_list(words: Iterable[str], width: int, indent: str) -> list[str]:
    """Words in lines of at most `width` columns, each line indented."""
    text = " ".join(words)
    return textwrap.wrap(
        text,
        max(width, len(indent) + 16),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def columns(parts: Iterable[str], width: int, indent: str) -> list[str]:
    """Parts that stay whole, two spaces between them, in lines of at most `width` columns as far as each fits in one."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 2 + len(part) <= width:
            lines[-1] += f"  {part}"
        else:
            lines.append(indent + part)
    return lines


def title(csr: type[Csr]) -> tuple[str, str]:
    """(what the CSR is called in the manual, its norm: tags or section), out of its docstring `name, Title (tags).`"""
    text = csr.doc.rstrip(".").removeprefix(f"{csr.name}, ")
    tags = re.findall(r" \(((?:norm:|priv,|unpriv,)[^()]*)\)", text)
    for tag in tags:
        text = text.replace(f" ({tag})", "")
    return text, ", ".join(tags)


def field_value(value: int) -> str:
    """A field's value as people count: decimal while it is small, else hexadecimal."""
    return str(value) if value < 4096 else f"{value:#x}"


FLAG_WORDS = (  # what 0 and 1 mean in one-bit fields of CSRs whose names end so
    ("ip", ("not pending", "pending")),
    ("ie", ("disabled", "enabled")),
    ("deleg", ("not delegated", "delegated")),
    ("counteren", ("not accessible", "accessible")),
)


def flag_words(csr: type[Csr], field: Field, value: int) -> str:
    """Words for a one-bit field that has none of its own."""
    if field.name in ("SPV", "MPV"):
        return ("host (V=0)", "guest (V=1)")[value]
    for ending, words in FLAG_WORDS:
        if csr.name.endswith(ending):
            return words[value]
    return ("no", "yes")[value]


def field_meaning(csr: type[Csr], field: Field, value: int) -> str:
    """What the field is and what its value means, in words."""
    words = field.words(value)
    if not words and field.width == 1 and field.doc:
        words = flag_words(csr, field, value)
    return f"{field.doc}: {words}" if words and field.doc else words or field.doc


def csr_lines(csr: type[Csr], value: int, width: int = 80, remark: str = "") -> list[str]:
    """A CSR with a line for each field: bits, name, value, kind, meaning. `remark` says what the whole value means."""
    name, tags = title(csr)
    lines = [f"{csr.name} = {value:#x}   {name} (CSR {csr.address:#x})"]
    if remark:
        lines.append(f"  {remark}")
    parts = [(field, field.of(value)) for field in csr.fields]
    names = max((len(field.name) for field, _ in parts), default=0)
    numbers = max((len(field_value(part)) for _, part in parts), default=0)
    kinds = max((len(KIND_WORDS[field.kind]) for field, _ in parts), default=0)
    for field, part in parts:
        bits = f"{field.msb}:{field.lsb}" if field.width > 1 else str(field.msb)
        left = f"  {bits:>5}  {field.name:<{names}}  {field_value(part):>{numbers}}  "
        left += f"{KIND_WORDS[field.kind]:<{kinds}}  " if kinds else ""
        speaks = names > TELLING and field.width == 1
        meaning = flag_words(csr, field, part) if speaks else field_meaning(csr, field, part)
        wrapped = textwrap.wrap(meaning, max(20, width - len(left))) or [""]
        lines.append((left + wrapped[0]).rstrip())
        lines.extend(" " * len(left) + more for more in wrapped[1:])
    if tags:
        lines.append(f"  {tags}")
    return lines


def csr_summary(csr: type[Csr], value: int) -> str:
    """The fields that are not zero, short: `VSXL=64 SPV SPVP`."""
    parts = []
    for field in csr.fields:
        part = field.of(value)
        if part == 0 and not (field.name == "MODE" and field.words(0)):
            continue
        if field.width == 1:
            parts.append(field.name)
        else:
            parts.append(f"{field.name}={field.words(part) or field_value(part)}")
    return " ".join(parts)


def csr_note(csr: type[Csr], value: int, remark: str) -> str:
    """What there is to say of a value in a line: the fields that are not zero, or `remark` where that says more."""
    note = csr_summary(csr, value)
    return remark if remark and (not note or csr.name.endswith(("cause", "tvec"))) else note


def csr_row(csr: type[Csr], value: int, width: int, remark: str = "") -> str:
    """One line of a group listing: name, value, and in words what there is to say."""
    row = f"  {csr.name:<11} {value:#x}"
    note = csr_note(csr, value, remark)
    return clip(f"{row:<33} {note}" if note else row, width)


def compress(names: Iterable[str]) -> list[str]:
    """Names with runs of numbers drawn together: pmpaddr0 pmpaddr1 pmpaddr2 -> pmpaddr0..2."""
    runs: list[list[tuple[str, str]]] = []
    for name in names:
        match = re.fullmatch(r"(.*?)(\d+)(h?)", name)
        stem, number = (f"{match[1]}#{match[3]}", match[2]) if match else (name, "")
        last = runs[-1][-1] if runs else ("", "")
        if number and last[1] and last[0] == stem and int(number) == int(last[1]) + 1:
            runs[-1].append((stem, number))
        else:
            runs.append([(stem, number)])
    return [run[0][0].replace("#", run[0][1] + (f"..{run[-1][1]}" if len(run) > 1 else "")) for run in runs]


def register_lines(registers: Sequence[tuple[str, int]], width: int, symbol: dict[int, str]) -> list[str]:
    """Registers in columns, as many as fit; `symbol` names values that are addresses of something known."""
    cells = []
    for name, value in registers:
        cell = f"{name:<5} {value:016x}"
        if value in symbol:
            cell += f" {symbol[value]}"
        cells.append(cell)
    plain = 5 + 1 + 16
    per_line = max(1, min(4, (width + 2) // (plain + 2)))
    if not symbol:
        rows = -(-len(cells) // per_line)
        return ["  ".join(f"{c:<{plain}}" for c in cells[r::rows]).rstrip() for r in range(rows)]
    return [clip(cell, width) for cell in cells]


def place(address: int, name: str | None) -> str:
    """`0x80200000 <name+8>`; without a symbol just the address."""
    return f"{address:#x} <{name}>" if name else f"{address:#x}"


def code_line(line: Line, *, at_pc: bool, width: int = 80, more: str = "") -> str:
    """One instruction: marker, address, symbol, raw bits, text, and `more` about it. Columns give way where it is long."""
    where = place(line.address, line.symbol)
    raw = f"{line.raw:0{line.length * 2}x}"
    marker = "=> " if at_pc else "   "
    if width < NARROW:
        return clip(f"{marker}{line.address:#x}: {line.text}{more}", width)
    left, right = f"{marker}{where:<34} ", f"{raw:<8}  {line.text}{more}"
    return f"{left[: max(len(marker + where) + 1, width - len(right))]}{right}".rstrip()


def walk_lines(walk: Walk, *, two_stages: bool) -> list[str]:
    """The steps of a translation. Under an entry of the VS-stage stands the G-stage walk that found that entry."""
    lines: list[str] = []
    under: list[WalkStep] = []
    for step in walk.steps:
        if step.stage == "G" and two_stages:
            under.append(step)
            continue
        kind = "GPA " if step.stage == "VS" else ""
        lines += _step_lines(step, "  ", kind)
        if under:
            lines.append("      the entry itself, through the G-stage:")
        for inner in under:
            lines += _step_lines(inner, "        ", "")
        under = []
    if under:
        if walk.implicit is not None:
            lines.append(f"  VS: to {walk.implicit} the next entry, through the G-stage:")
        elif walk.gpa is not None:
            lines.append(f"  GPA {walk.gpa:#x}, through the G-stage:")
    for inner in under:
        lines += _step_lines(inner, "    ", "")
    return lines


def _step_lines(step: WalkStep, indent: str, kind: str) -> list[str]:
    mark = "" if step.ok else "  <-- fails"
    entry = f"{indent}{step.stage} level {step.level}: PTE {step.pte:#x} at {kind}{step.pte_address:#x}"
    return [f"{entry}  {pte_bits(step.pte)}{mark}", f"{indent}  {step.text}"]


PTE_BITS = "VRWXUGAD"


def pte_bits(pte: int) -> str:
    """The low bits of a PTE by letter, `-` where clear, in the order the manual draws them: `DAGUXWRV`."""
    return "".join(PTE_BITS[i] if pte >> i & 1 else "-" for i in reversed(range(8)))
