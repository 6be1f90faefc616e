# SPDX-License-Identifier: Apache-2.0
"""The tests of the hypervisor extension's rules on both engines: with the plugin tests.support.mirror."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.trap.ret import do_mret, do_sret
from tests.support.mirror import MIRROR
from tests.support.native_call import NativeModule
from tests.unit.test_csr_support import make_hart

ROOT = Path(__file__).parents[2]


def test_rules_hold_natively_too() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.support.mirror"]
    done = subprocess.run([*command, "-k", "test_h0 or test_h1", "tests/unit"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    compared = re.search(r"(\d+) calls of (\d+) kernel functions run both ways", done.stdout)
    assert compared, done.stdout
    assert int(compared[1]) > 4000 and int(compared[2]) > 50


def test_native_code_that_does_something_else_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    other = NativeModule([do_mret])
    other.lowered[do_sret, ()], other.calls[do_sret, ()] = other.lowered[do_mret, ()], other.calls[do_mret, ()]
    native: dict[Any, Any] = MIRROR.native
    monkeypatch.setitem(native, (do_sret, ()), other)
    with pytest.raises(AssertionError, match=r"do_sret\(\): the harts differ in \["):
        MIRROR.wrap(do_sret)(make_hart("M", sepc=0x1000, mepc=0x2000))
