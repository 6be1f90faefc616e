# SPDX-License-Identifier: Apache-2.0
"""Compiled code kept between runs: an object file named after everything it was made from."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import platformdirs

CORE = Path(__file__).resolve().parent.parent
DIGEST_BYTES = 32
KEPT = 8
"""Object files of other versions that are kept."""


def fingerprint(*facts: str) -> str:
    """A name for code made from the present sources of core/ and `facts` (processor, compiler version)."""
    digest = hashlib.sha256("\0".join(facts).encode())
    for path in sorted(CORE.rglob("*.py")):
        if path.parent == CORE / "debug":  # nothing of it is compiled
            continue
        digest.update(str(path.relative_to(CORE)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:32]


def directory() -> Path:
    """Where object files are kept: $HARTLINE_CACHE or the user's cache directory. Raises OSError when there is none."""
    chosen = os.environ.get("HARTLINE_CACHE")
    try:
        return Path(chosen or platformdirs.user_cache_dir("hartline"))
    except RuntimeError as problem:  # a user without a home directory
        raise OSError(str(problem)) from problem


def load(name: str) -> bytes | None:
    """The object code stored under `name`, or None when there is none or it is damaged."""
    try:
        data = (directory() / f"native-{name}.o").read_bytes()
    except OSError:
        return None
    digest, code = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
    return code if hashlib.sha256(code).digest() == digest else None


def store(name: str, code: bytes) -> None:
    """Keep object code under `name`. A cache that cannot be written is not an error: the next run compiles again."""
    try:
        folder = directory()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as draft:
            part = Path(draft) / "part"
            part.write_bytes(hashlib.sha256(code).digest() + code)
            os.replace(part, folder / f"native-{name}.o")
        old = sorted(folder.glob("native-*.o"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in old[KEPT:]:
            path.unlink(missing_ok=True)
    except OSError:
        return
