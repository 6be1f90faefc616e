# SPDX-License-Identifier: Apache-2.0
"""The engine knows no instruction by name, and nobody but core.csr knows the bits of a CSR."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

from core.csr import access as _access  # noqa: F401  (registers all CSRs)
from core.csr.registry import CSRS_BY_NAME
from core.isa import decode as _decode  # noqa: F401  (registers all instructions)
from core.isa.encoding import BY_NAME, COMPRESSED_BY_NAME
from tests.architecture.tree import listing, modules, text, tree

MNEMONICS = {name.replace(".", "_") for name in [*BY_NAME, *COMPRESSED_BY_NAME]}
ARITHMETIC = {"add", "sub", "mul", "and", "or", "xor", "min", "max"}
"""Words that Python, LLVM and instructions share."""
STATE = {"wfi"}
"""The slot and the event of a hart that waits."""
ALLOWED = ARITHMETIC | STATE
WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._][A-Za-z0-9]+)*")
CSR_BITS = {"core/mmu/pte.py"}
"""Files besides core/csr that may define bits of what the manual defines: the PTE format is used by menvcfg's rules, too."""
NEUTRAL = {0, (1 << 32) - 1, (1 << 64) - 1}
"""Numbers that name no bit: nothing, and everything."""


def words(token: str) -> set[str]:
    """The words of an identifier or a text, whole and in parts, in small letters."""
    found = {word.lower().replace(".", "_") for word in WORD.findall(token)}
    return found | {part for word in found for part in word.split("_")}


def mnemonics(path: Path) -> list[str]:
    """Mnemonics in the identifiers, strings, docstrings and comments of a file."""
    found = []
    for token in tokenize.generate_tokens(io.StringIO(text(path)).readline):
        if token.type in (tokenize.NAME, tokenize.STRING, tokenize.COMMENT):
            found += [f"{path}:{token.start[0]}: {word}" for word in sorted(words(token.string) & (MNEMONICS - ALLOWED))]
    return found


def test_the_engine_mentions_no_instruction() -> None:
    wrong = [line for path in modules("core/engine") for line in mnemonics(path)]
    assert not wrong, listing(wrong)


def test_mnemonics_would_be_found() -> None:
    assert words("build_jalr(x)") & MNEMONICS == {"jalr"}
    assert words('"fence.i"') & MNEMONICS >= {"fence", "fence_i"}
    assert words("# like C.ADDI4SPN and SFENCE.VMA") & MNEMONICS - ALLOWED == {"c_addi4spn", "sfence_vma"}
    assert not words("address divided, reload; store a label") & MNEMONICS
    assert len(MNEMONICS) > 100


def is_number(node: ast.AST) -> bool:
    """Whether an expression is made of literal numbers that say something."""
    try:
        value = eval(compile(ast.Expression(node), "", "eval"), {"__builtins__": {}}, {"u64": lambda v: v})  # type: ignore[arg-type]
    except Exception:
        return False
    return isinstance(value, int) and not isinstance(value, bool) and value not in NEUTRAL


def is_csr(node: ast.AST) -> bool:
    """Whether an expression is the slot of a CSR, or an element of it."""
    owner = node.value if isinstance(node, ast.Subscript) else node
    return isinstance(owner, ast.Attribute) and owner.attr in CSRS_BY_NAME


def bits_by_number(module: ast.Module) -> list[int]:
    """Lines that combine a CSR's slot with a literal number, or name a number after a CSR."""
    lines = []
    for node in ast.walk(module):
        if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
            pairs = [(node.left, node.right), (node.right, node.left)]
        elif isinstance(node, ast.AugAssign):
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        else:
            continue
        lines += [node.lineno for slot, number in pairs if is_csr(slot) and is_number(number)]
    for statement in module.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name) and is_number(statement.value):
            owner = statement.targets[0].id.lower().partition("_")[0]
            lines += [statement.lineno] if owner in CSRS_BY_NAME else []
    return lines


def test_csr_bits_have_names_outside_core_csr() -> None:
    wrong = [
        f"{path}:{line}"
        for path in modules("core", "gdbstub", "cli")
        if path.parts[:2] != ("core", "csr") and str(path) not in CSR_BITS
        for line in bits_by_number(tree(path))
    ]
    assert not wrong, listing(wrong)


def test_bits_by_number_would_be_found() -> None:
    for line in (
        "x = h.mstatus & (1 << 3)",
        "x = 0x80 | h.hstatus",
        "x = (h.hgatp >> 60) & 15",
        "x = h.mepc[0] ^ 5",
        "h.vsstatus |= 1 << 8",
        "h.mie = 0x888",
        "MSTATUS_MIE = 1 << 3",
        "h.mstatus &= u64(~0x80)",
    ):
        assert bits_by_number(ast.parse(line)) == [1], line
    for line in (
        "x = h.mstatus & Mstatus.MIE.mask",
        "h.satp = 0",
        "h.mcounteren = 0xFFFF_FFFF",
        "x = h.pc & 0xFFF",
        "x = h.mtvec + 4",
        "STATUS = 1 << 3",
    ):
        assert not bits_by_number(ast.parse(line)), line
