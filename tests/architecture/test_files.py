# SPDX-License-Identifier: Apache-2.0
"""What every file has, and what none has."""

from __future__ import annotations

import ast

from tests.architecture.tree import files, listing, modules, text, tree

EVERYWHERE = ("core", "gdbstub", "cli", "tests", "examples", "benchmarks", "scripts")
MOST_LINES = 400
LICENSE = "SPDX-License-Identifier: Apache-2.0"
LICENSED = (".py", ".c", ".h", ".S", ".s", ".ld", ".sh", ".mk")
OUTPUT = ("cli/output.py",)
"""Where text leaves the program."""
EVASIONS = {"skip", "skipif", "skipIf", "skipUnless", "SkipTest", "xfail", "importorskip", "expectedFailure"}


def test_no_file_is_too_long() -> None:
    lengths = [(text(path).count("\n"), path) for path in modules(*EVERYWHERE)]
    wrong = [f"{path}: {lines} lines" for lines, path in lengths if lines > MOST_LINES]
    assert not wrong, listing(wrong)


def test_every_file_names_its_license_at_the_top() -> None:
    paths = [path for path in files(*EVERYWHERE, suffixes=LICENSED) if text(path)]
    wrong = [str(path) for path in paths if not any(LICENSE in line for line in text(path).splitlines()[:2])]
    assert not wrong, listing(wrong)


def test_every_module_has_a_docstring_and_todays_annotations() -> None:
    wrong = []
    for path in modules("core", "gdbstub", "cli"):
        if text(path).strip() and ast.get_docstring(tree(path)) is None:
            wrong.append(f"{path}: no docstring")
        defines = any(isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AnnAssign) for node in tree(path).body)
        if defines and "from __future__ import annotations" not in text(path):
            wrong.append(f"{path}: no `from __future__ import annotations`")
    assert not wrong, listing(wrong)


def test_nothing_prints_but_the_edge_of_the_command_line() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path in modules("core", "gdbstub", "cli", "examples")
        if str(path) not in OUTPUT
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong, listing(wrong)


def test_no_test_is_left_out() -> None:
    wrong = []
    for path in modules("tests"):
        for node in ast.walk(tree(path)):
            named = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            imported = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            if named in EVASIONS or EVASIONS & set(imported):
                wrong.append(f"{path}:{getattr(node, 'lineno', '?')}: {named or imported}")
    assert not wrong, listing(wrong)
