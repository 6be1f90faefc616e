# SPDX-License-Identifier: Apache-2.0
"""`hartline run --signature`: results as riscv-arch-test's framework compares them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.test_command_line import QUICK, hartline
from tests.support.bare_metal import assemble

PROGRAM = """
    la t0, begin_signature
    li t1, 0x1122334455667788
    sd t1, (t0)
    li t1, 0x99
    sb t1, 8(t0)
    la t0, tohost
    li t1, %d
1:  sd t1, (t0)
    j 1b
.data
.globl tohost, begin_signature, end_signature
.balign 64
tohost: .dword 0
.balign 16
begin_signature:
    .dword -1
    .byte -1, 0xab
end_signature:
"""
PASSED, FAILED_5 = 1, 5 << 1 | 1
ONE_WORD = ["55667788", "11223344", "0000ab99"]


def run(program: Path, file: Path, *more: str) -> tuple[int, str, str]:
    """A program in M-mode with a signature file."""
    return hartline("run", str(program), "--bios", "none", *QUICK, "--signature", str(file), *more)


@pytest.mark.parametrize("engine", ["reference", "native"])
@pytest.mark.parametrize(("told", "status"), [(PASSED, 0), (FAILED_5, 5)])
def test_the_signature_is_written_whatever_the_program_says(tmp_path: Path, engine: str, told: int, status: int) -> None:
    program, file = assemble(tmp_path, PROGRAM % told), tmp_path / "result"
    assert run(program, file, "--engine", engine) == (status, "", "")
    assert file.read_text().splitlines() == ONE_WORD


@pytest.mark.parametrize(
    ("granularity", "expected"),
    [
        ("1", "88 77 66 55 44 33 22 11 99 ab".split()),
        ("8", ["1122334455667788", "000000000000ab99"]),
        ("16", ["000000000000ab991122334455667788"]),
    ],
)
def test_bytes_per_line(tmp_path: Path, granularity: str, expected: list[str]) -> None:
    program, file = assemble(tmp_path, PROGRAM % PASSED), tmp_path / "result"
    assert run(program, file, "--signature-granularity", granularity)[0] == 0
    assert file.read_text().splitlines() == expected


def test_it_is_written_at_the_limit_of_instructions_too(tmp_path: Path) -> None:
    program, file = assemble(tmp_path, PROGRAM % PASSED), tmp_path / "result"
    assert run(program, file, "--max-instructions", "1")[0] == 124
    assert file.read_text().splitlines() == ["ffffffff", "ffffffff", "0000abff"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("begin_signature", "other"), "has no symbols begin_signature and end_signature"),
        (("end_signature:", "end_signature = begin_signature"), "end_signature is not above begin_signature"),
        (("end_signature:", "end_signature = begin_signature + 0x8000000"), "lies outside RAM"),
    ],
)
def test_a_program_without_signature(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    program, file = assemble(tmp_path, (PROGRAM % PASSED).replace(*change)), tmp_path / "result"
    status, output, errors = run(program, file)
    assert (status, output, len(errors.splitlines())) == (1, "", 1)
    assert errors.startswith("hartline: --signature: ")
    assert message in errors
    assert not file.exists()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    program = assemble(tmp_path, PROGRAM % PASSED)
    status, output, errors = run(program, tmp_path / "no" / "result")
    assert (status, output) == (1, "")
    assert errors == f"hartline: --signature: {tmp_path}/no/result cannot be written: No such file or directory\n"


def test_a_granularity_that_makes_no_sense(tmp_path: Path) -> None:
    status, _, errors = run(tmp_path / "x", tmp_path / "y", "--signature-granularity", "3")
    assert (status, errors) == (2, "hartline: --signature-granularity: '3' is not 1, 2, 4, 8 or 16\n")
