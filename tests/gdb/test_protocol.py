# SPDX-License-Identifier: Apache-2.0
"""A real gdb against the protocol server and a machine of straw: what gdb prints, and that the conversation holds."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from gdbstub import GdbServer, Monitor
from gdbstub.interface import StopReport, ThreadId
from gdbstub.riscv.regnums import X_NAMES
from tests.gdb.driver import Gdb, GdbError, batch
from tests.support.fake_target import BASE, FakeTarget


@pytest.fixture
def target() -> FakeTarget:
    return FakeTarget(threads=2, live=True)


@pytest.fixture
def monitor() -> Monitor:
    monitor = Monitor()
    monitor.add("lines", lambda rest: (f"line {n} {rest}" for n in range(3)), "print three lines")
    return monitor


@pytest.fixture
def server(target: FakeTarget, monitor: Monitor) -> Iterator[GdbServer]:
    server = GdbServer(target, "0", monitor=monitor)
    server.start()
    yield server
    server.stop()
    target.interrupt()


@pytest.fixture
def attached(server: GdbServer, gdb: Callable[..., Gdb]) -> Gdb:
    one = gdb()
    one(f"target remote :{server.port}")
    return one


def test_connect_with_no_setting(server: GdbServer) -> None:
    output = batch(f"target remote :{server.port}", "stepi", "x/i $pc", "info threads")
    assert "0x0000000080000004 in ?? ()" in output
    assert "=> 0x80000004:\tnop" in output
    assert "* 1    Thread 1.1 (HS, hart 0) 0x0000000080000004" in output
    assert "  2    Thread 1.2 (HS, hart 1) 0x0000000080000000" in output
    assert "rror" not in output


def test_registers(attached: Gdb, target: FakeTarget) -> None:
    assert attached.value("$pc") == "(void (*)()) 0x80000000"
    attached("set $a0 = 0x123456789abcdef0")
    assert target.values[0][10] == 0x123456789ABCDEF0
    attached("set $pc = 0x80000040")
    assert target.values[0][32] == 0x80000040
    attached("set $fa0.double = 1.5")
    assert target.values[0][43] == 0x3FF8000000000000
    shown = [line.split()[0] for line in attached("info registers").splitlines()]
    assert shown == [*X_NAMES[1:], "pc", "virt", "mode", "vmid"]
    with pytest.raises(GdbError, match="Could not write register"):
        attached("set $virt = 1")
    assert attached.value("$virt") == "false"
    assert attached.value("$mode") == "HS"


def test_csrs_show_their_fields_and_stay_numbers(attached: Gdb) -> None:
    attached("set $hgatp = 0x8000100000080200")
    assert attached.value("$hgatp") == "[ PPN=524800 VMID=1 MODE=Sv39x4 ]"
    assert attached("p/x $hgatp").strip().endswith("= 0x8000100000080200")
    attached("set $hstatus = $hstatus | 0x80 | (2UL << 32)")
    assert attached.value("$hstatus") == "[ SPV VGEIN=0 VSXL=64 ]"
    assert attached.value("($hstatus & 0x80) != 0 && $hstatus == 0x200000080") == "1"
    attached("set $sepc = 0x80000010")
    assert attached.value("$sepc") == "(void (*)()) 0x80000010"
    names = [line.split()[0] for line in attached("info registers csr").splitlines()]
    assert {"hstatus", "hgatp", "sepc", "sscratch"} <= set(names)
    assert "hstatus        0x200000080\t[ SPV VGEIN=0 VSXL=64 ]" in attached("info registers hstatus")


def test_memory(attached: Gdb, target: FakeTarget) -> None:
    attached("set {int}0x80001000 = 0x24232a7d")  # *#$} need escapes
    assert target.memory[0x1000:0x1004] == b"\x7d\x2a\x23\x24"
    assert attached.number("*(unsigned*)0x80001000") == 0x24232A7D
    with pytest.raises(GdbError, match="Cannot access memory at address 0x0"):
        attached("x/4xb 0")


def test_breakpoints(attached: Gdb, target: FakeTarget) -> None:
    attached("break *0x80000100")
    attached("tbreak *0x80000080")
    assert "Temporary breakpoint 2, 0x0000000080000080" in attached("continue")
    assert "hit Breakpoint 1, 0x0000000080000100" in attached("continue")
    assert target.points == set()  # gdb takes them out while it talks
    attached("delete")
    attached("stepi 5")
    assert attached.number("$pc") == BASE + 0x114


def test_step_only_moves_the_chosen_thread(attached: Gdb, target: FakeTarget) -> None:
    attached("thread 2")
    attached("stepi")
    assert (target.values[0][32], target.values[1][32]) == (BASE, BASE + 4)


def test_interrupt(attached: Gdb) -> None:
    attached("continue", wait=False)
    stop = attached.interrupt()
    assert (stop["reason"], stop["signal-name"]) == ("signal-received", "SIGINT")


def test_a_stop_made_elsewhere_wakes_gdb(attached: Gdb, target: FakeTarget) -> None:
    attached("continue", wait=False)
    deadline = time.monotonic() + 20
    while not target.running and time.monotonic() < deadline:  # an interrupt before gdb's packet has come means nothing
        time.sleep(0.01)
    target.interrupt()
    assert attached.wait_for_stop()["signal-name"] == "SIGINT"


def test_remarks_and_end(attached: Gdb, target: FakeTarget) -> None:
    target.live = False
    attached("continue", wait=False)
    target.stop(StopReport(ThreadId(1, 1), exit_code=0, remark="the machine was powered off"))
    assert attached.wait_for_stop()["reason"] == "exited-normally"


def test_monitor(attached: Gdb) -> None:
    assert attached("monitor lines x") == "line 0 x\nline 1 x\nline 2 x\n"
    assert "lines  print three lines" in attached("monitor help")
    try:
        said = attached("monitor nonsense")
    except GdbError as refusal:  # from gdb 15 on an error's text comes in the error reply
        said = str(refusal)
    assert "no monitor command 'nonsense'; 'monitor help' lists them" in said


def test_detach_and_reconnect(attached: Gdb, server: GdbServer, target: FakeTarget) -> None:
    attached("break *0x90000000")
    attached("detach")
    assert target.running
    attached(f"target remote :{server.port}")
    assert not target.running
    attached("disconnect")
    assert not target.running
    attached("delete")
    attached(f"target extended-remote :{server.port}")
    attached("stepi")


def test_kill_and_run_again(attached: Gdb, server: GdbServer, target: FakeTarget) -> None:
    attached("stepi 3")
    attached("kill")
    assert target.calls[-1] in ("release", "reset")
    attached(f"target extended-remote :{server.port}")
    assert attached.number("$pc") == BASE
    attached("stepi")
    attached("kill")
    attached("starti")
    assert attached.number("$pc") == BASE


def test_second_gdb_reads_why_it_must_wait(attached: Gdb, server: GdbServer) -> None:
    output = batch(f"target remote :{server.port}", "info threads")
    assert "Hartline already serves a debugger at 127.0.0.1:" in output
    assert "No threads." in output
    attached("stepi")
    assert attached.number("$pc") == BASE + 4


def test_a_gdb_that_dies_leaves_the_machine_standing(
    attached: Gdb, server: GdbServer, target: FakeTarget, gdb: Callable[..., Gdb]
) -> None:
    attached("break *0x80000000")
    attached("delete")
    attached("continue", wait=False)
    attached.vanish()
    again = gdb()
    again(f"target remote :{server.port}")
    assert not target.running
    again("stepi")


def test_multiple_gdbs_in_turn(server: GdbServer, target: FakeTarget) -> None:
    for turn in range(3):
        output = batch(f"target remote :{server.port}", "stepi", "p $pc", "disconnect")
        assert f"(void (*)()) {BASE + 4 * turn + 4:#x}" in output


def test_gdb_is_there() -> None:
    done = subprocess.run(["gdb-multiarch", "--version"], capture_output=True, check=True)
    assert b"GNU gdb" in done.stdout
