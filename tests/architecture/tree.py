# SPDX-License-Identifier: Apache-2.0
"""The project's files, parsed once, for the tests of its architecture."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "gdbstub", "cli")
IGNORED = {"__pycache__", "prebuilt"}


def files(*tops: str, suffixes: tuple[str, ...] = (".py",)) -> list[Path]:
    """All files of these kinds under directories of the project, relative to its root."""
    found = [path for top in tops for path in (ROOT / top).rglob("*") if path.suffix in suffixes]
    return sorted(path.relative_to(ROOT) for path in found if not IGNORED & set(path.parts))


def modules(*tops: str) -> list[Path]:
    """All Python files under directories of the project."""
    return files(*tops)


@cache
def text(path: Path) -> str:
    """A file's text."""
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """A Python file, parsed."""
    return ast.parse(text(path), str(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a file imports, wherever in it; `from a import b` gives a.b."""
    package = ".".join(path.with_suffix("").parts[:-1])
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def docstrings(path: Path) -> set[ast.Constant]:
    """The strings of a file that only document: docstrings, and strings below an assignment."""
    return {
        node.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def listing(violations: list[str]) -> str:
    """Violations as the message of a failed test."""
    return "\n" + "\n".join(violations)
