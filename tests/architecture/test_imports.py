# SPDX-License-Identifier: Apache-2.0
"""Who may import whom: cli -> gdbstub -> core and cli -> core, and within core no kernel code needs what runs it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.architecture.tree import PACKAGES, imports, listing, modules

ALLOWED = {
    "core": {"core"},
    "gdbstub": {"gdbstub"},
    "gdbstub/riscv": {"gdbstub", "core"},
    "cli": {"cli", "gdbstub", "core", "examples"},
}
"""For each part the packages of this project that it may import."""
OURS = {*PACKAGES, "tests", "examples", "benchmarks"}
KERNEL = ("core/isa", "core/csr", "core/trap", "core/mmu", "core/softfloat", "core/memory")
"""Parts of core that the engines run, and that know nothing of them."""
ABOVE_KERNEL = ("core.engine", "core.debug", "core.machine", "core.boot", "core.devices")


def part(path: Path) -> str:
    """Which part of the project a file belongs to."""
    return "gdbstub/riscv" if path.parts[:2] == ("gdbstub", "riscv") else path.parts[0]


def test_imports_go_in_one_direction() -> None:
    wrong = [
        f"{path}:{line}: {part(path)} imports {name}"
        for path in modules(*PACKAGES)
        for line, name in imports(path)
        if name.split(".")[0] in OURS - ALLOWED[part(path)]
    ]
    assert not wrong, listing(wrong)


def test_the_protocol_half_of_gdbstub_needs_the_standard_library_only() -> None:
    wrong = [
        f"{path}:{line}: {name}"
        for path in modules("gdbstub")
        if part(path) == "gdbstub"
        for line, name in imports(path)
        if name.split(".")[0] not in {"gdbstub", *sys.stdlib_module_names} or name.startswith("gdbstub.riscv")
    ]
    assert not wrong, listing(wrong)


def test_kernel_code_does_not_know_what_runs_it() -> None:
    wrong = [
        f"{path}:{line}: {name}"
        for path in modules("core")
        if str(path).startswith(KERNEL)
        for line, name in imports(path)
        if name.startswith(ABOVE_KERNEL)
    ]
    assert not wrong, listing(wrong)


def test_only_front_ends_import_the_debugger() -> None:
    wrong = [
        f"{path}:{line}: {name}"
        for path in modules("core")
        if path.parts[1] not in ("debug", "api", "__init__.py")  # the API for scripts is a front end, too
        for line, name in imports(path)
        if name.startswith("core.debug")
    ]
    assert not wrong, listing(wrong)


def test_every_file_is_looked_at() -> None:
    assert {path.parts[0] for path in modules(*PACKAGES)} == set(PACKAGES)
    assert {part(path) for path in modules(*PACKAGES)} == set(ALLOWED)
