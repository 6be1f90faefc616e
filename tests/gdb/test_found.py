# SPDX-License-Identifier: Apache-2.0
"""Nobody names a guest's program: it is found in memory, and gdb gets it."""

from __future__ import annotations

from collections.abc import Callable

from tests.gdb.driver import Gdb
from tests.gdb.machine import PREBUILT, Served


def test_a_guests_program_in_memory_is_found(gdb: Callable[..., Gdb]) -> None:
    """Worlds become inferiors by themselves, each with its symbols before its first instruction."""
    served = Served("twins", "native")
    try:
        served.debugger.write_memory(0x8080_0000, (PREBUILT / "twins-guest.elf").read_bytes(), space="spa")
        one = gdb(served.elf)
        one("set breakpoint pending on")
        one(served.remote)
        assert "Breakpoint 1 at 0x80200000" in one("break _start")  # of the host, at the address where guests begin
        one("break user_main")
        for number in (2, 3):
            said = one("continue")
            assert f"guest {number - 1} (vmid {number - 1}): symbols found in RAM at 0x80800000\n" in said
            assert one.value("$_inferior") == str(number)
            assert "<user_main" in one.value("$pc")
        assert "user_entry" in one("backtrace")
    finally:
        served.close()
