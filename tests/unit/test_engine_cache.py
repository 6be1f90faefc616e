# SPDX-License-Identifier: Apache-2.0
"""Compiled code kept on disk: found again, never trusted when damaged, never in the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core import machine as _machine  # noqa: F401  (declares all state slots)
from core.engine import cache, native

CODE = bytes(range(256)) * 40


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, which is in use."""
    monkeypatch.setenv("HARTLINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small source tree in place of core/."""
    tree = tmp_path / "core"
    (tree / "isa").mkdir(parents=True)
    (tree / "hart.py").write_text("a = 1\n")
    (tree / "isa" / "rv_i.py").write_text("b = 2\n")
    (tree / "notes.txt").write_text("nothing that is compiled\n")
    monkeypatch.setattr(cache, "CORE", tree)
    return tree


def test_stored_code_is_found_under_its_name_only(folder: Path) -> None:
    assert cache.load("one") is None
    cache.store("one", CODE)
    assert cache.load("one") == CODE
    assert cache.load("two") is None
    assert [path.name for path in folder.iterdir()] == ["native-one.o"]


def test_storing_again_replaces(folder: Path) -> None:
    cache.store("one", b"old")
    cache.store("one", CODE)
    assert cache.load("one") == CODE


@pytest.mark.parametrize("where", [0, 31, 32, 100, -1])
def test_a_file_with_a_wrong_byte_is_ignored(folder: Path, where: int) -> None:
    cache.store("one", CODE)
    path = folder / "native-one.o"
    data = bytearray(path.read_bytes())
    data[where] ^= 1
    path.write_bytes(data)
    assert cache.load("one") is None
    cache.store("one", CODE)
    assert cache.load("one") == CODE


@pytest.mark.parametrize("length", [0, 5, 32, 33, 1000])
def test_a_file_cut_short_is_ignored(folder: Path, length: int) -> None:
    cache.store("one", CODE)
    os.truncate(folder / "native-one.o", length)
    assert cache.load("one") is None


def test_a_directory_in_the_files_place_is_ignored(folder: Path) -> None:
    (folder / "native-one.o").mkdir(parents=True)
    cache.store("one", CODE)
    assert cache.load("one") is None
    assert [path.name for path in folder.iterdir()] == ["native-one.o"], "nothing half-written stays"


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a directory")
    monkeypatch.setenv("HARTLINE_CACHE", str(tmp_path / "file" / "cache"))
    cache.store("one", CODE)
    assert cache.load("one") is None


def test_only_the_newest_files_are_kept(folder: Path) -> None:
    count = cache.KEPT + 3
    for number in range(count):
        cache.store(str(number), CODE)
        os.utime(folder / f"native-{number}.o", (number, number))
    cache.store("last", CODE)
    kept = {path.name for path in folder.iterdir()}
    assert kept == {"native-last.o"} | {f"native-{number}.o" for number in range(count - cache.KEPT + 1, count)}


def test_the_users_cache_directory_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARTLINE_CACHE", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / name))
    assert cache.directory() == tmp_path / "hartline"


def test_the_key_changes_with_every_source(sources: Path) -> None:
    keys = [cache.fingerprint("cpu")]
    (sources / "hart.py").write_text("a = 2\n")
    keys.append(cache.fingerprint("cpu"))
    (sources / "isa" / "rv_i.py").write_text("b = 2\n\n")
    keys.append(cache.fingerprint("cpu"))
    (sources / "isa" / "rv_z.py").write_text("")
    keys.append(cache.fingerprint("cpu"))
    (sources / "isa" / "rv_z.py").rename(sources / "isa" / "rv_y.py")
    keys.append(cache.fingerprint("cpu"))
    assert len(set(keys)) == len(keys)


def test_the_key_changes_with_processor_and_compiler(sources: Path) -> None:
    keys = {cache.fingerprint(*facts) for facts in (("cpu", "1"), ("cpu", "2"), ("cpu1", ""), ("cpu",), ())}
    assert len(keys) == 5


def test_the_key_is_the_same_for_the_same_sources(sources: Path) -> None:
    key = cache.fingerprint("cpu")
    (sources / "notes.txt").write_text("changed\n")
    (sources / "hart.py").touch()
    assert cache.fingerprint("cpu") == key
    assert key.isalnum()


def test_native_code_is_compiled_once_and_again_when_its_file_is_damaged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[bytes] = []
    compile_interpreter = native.compile_interpreter

    def counting(machine: object) -> bytes:
        compiled.append(compiled[0] if compiled else compile_interpreter(machine))
        return compiled[0]

    monkeypatch.setattr(native, "compile_interpreter", counting)
    assert not native.NativeCode().was_cached
    assert native.NativeCode().was_cached
    assert len(compiled) == 1
    [path] = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert not native.NativeCode().was_cached
    assert native.NativeCode().was_cached
    assert len(compiled) == 2
