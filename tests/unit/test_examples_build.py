# SPDX-License-Identifier: Apache-2.0
"""The ELF files in examples/prebuilt are what examples/Makefile makes of the sources."""

import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

import examples

SOURCES = Path(examples.__file__).parent
PREBUILT = SOURCES / "prebuilt"
CROSS = "riscv64-unknown-elf-"
KNOWN = [*examples.names(), *examples.mistakes(), "twins-guest"]


def require(tool: str, package: str) -> None:
    if shutil.which(tool) is None:
        pytest.fail(f"{tool} is missing; install it with: apt-get install {package}")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def global_symbols(elf: Path) -> set[str]:
    return set(run(f"{CROSS}nm", "--extern-only", "--format=just-symbols", str(elf)).split())


def segments(elf: Path) -> list[tuple[str, str, str]]:
    """Type, flags and alignment of each program header; sizes differ from compiler to compiler."""
    rows = [line.split() for line in run(f"{CROSS}readelf", "--program-headers", "--wide", str(elf)).splitlines()]
    # Type, offset, virtual and physical address, file and memory size, then flags in up to three words, alignment.
    return [(row[0], "".join(row[6:-1]), row[-1]) for row in rows if row[:1] == ["LOAD"]]


@pytest.mark.filterwarnings("always")
def test_prebuilt_is_what_the_sources_make(tmp_path: Path) -> None:
    require(f"{CROSS}gcc", "gcc-riscv64-unknown-elf")
    require("make", "make")

    # From a copy, to see that the place does not matter either.
    copy = tmp_path / "elsewhere" / "examples"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("prebuilt", "__pycache__"))
    rebuilt = tmp_path / "rebuilt"
    run("make", "-C", str(copy), "-j2", f"OUT={rebuilt}", f"CROSS={CROSS}")

    compiler, compiler_then = ((folder / "COMPILER.txt").read_text() for folder in (rebuilt, PREBUILT))
    if compiler != compiler_then:
        warnings.warn(
            f"compared symbols and segments only: {PREBUILT} was built by\n{compiler_then}and rebuilt by\n{compiler}",
            stacklevel=1,
        )
    for name in KNOWN:
        old, new = examples.elf(name), rebuilt / f"{name}.elf"
        assert str(tmp_path).encode() not in new.read_bytes(), f"{name}: has the path of the folder it was built in"
        assert global_symbols(new) == global_symbols(old), name
        assert segments(new) == segments(old), name
        if compiler == compiler_then:
            assert new.read_bytes() == old.read_bytes(), f"{name}: run make -C examples and commit what it makes"


def test_every_prebuilt_file_has_a_name() -> None:
    assert {file.stem for file in PREBUILT.glob("*.elf")} == set(KNOWN)
    for name in KNOWN:
        assert examples.elf(name).read_bytes()[:4] == b"\x7fELF"


def test_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(LookupError) as caught:
        examples.elf("goodbye")
    for name in KNOWN:
        assert name in str(caught.value)
