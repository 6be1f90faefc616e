# SPDX-License-Identifier: Apache-2.0
"""A real gdb sees the hypervisor and its guests side by side: every world an inferior, with no command from the user."""

from __future__ import annotations

import re

import pytest

from gdbstub.riscv.processes import Mode
from tests.gdb.driver import Gdb, GdbError, Starter, batch, frames, inferior
from tests.gdb.machine import Server


def test_guests_become_inferiors_by_themselves(serve_twins: Server) -> None:
    output = batch(
        "set breakpoint pending on", serve_twins().remote, "break user_main", "continue", "info inferiors", "p $mode",
        "p $hgatp", "bt", "continue", "p $hgatp", "info inferiors",
    )  # fmt: skip
    assert "process 2 is executing new program: " in output
    assert "Thread 2.1 hit Breakpoint 1, user_main () at examples/twins/guest/user.c" in output
    assert "$1 = VU" in output
    assert re.search(r"\$2 = \[ PPN=\d+ VMID=1 MODE=Sv39x4 \]", output)
    assert re.search(r"#1 .* in user_entry \(\)", output)
    assert "process 3 is executing new program: " in output
    assert re.search(r"Thread 3\.1 hit Breakpoint 1\.2, user_main \(\)", output)
    assert re.search(r"\$3 = \[ PPN=\d+ VMID=2 MODE=Sv39x4 \]", output)
    assert re.search(r"\* 3 +process 3 .*twins-guest\.elf", output)
    assert "rror" not in output


def test_both_backtraces_while_the_guest_runs(twins: Gdb) -> None:
    twins("break user_main")
    twins("continue")
    assert (inferior(twins), frames(twins)[:2]) == ("2", ["user_main", "user_entry"])
    twins("inferior 1")
    assert frames(twins) == ["vm_enter", "vcpu_run", "main"]
    assert "sret" in twins("x/i $pc")
    assert (twins.value("$mode"), twins.value("$virt")) == ("HS", "false")
    threads = twins("info threads")
    assert "Thread 1.1 (host, hart 0, VM entry: it has entered guest 1 (vmid 1))" in threads
    assert "Thread 2.1 (guest 1 (vmid 1), VU, hart 0, stopped: breakpoint)" in threads


def test_both_backtraces_in_the_trap_handler(twins: Gdb) -> None:
    twins("break user_main")
    twins("continue")
    twins("delete")
    twins("inferior 1")
    twins("break trap_vector")
    twins("continue")
    assert (inferior(twins), frames(twins)[:2]) == ("1", ["trap_vector", "vcpu_run"])
    twins("inferior 2")
    assert frames(twins)
    assert twins.number("$pc") == twins.number("$sepc")
    assert "VM exit: " in twins("info threads")


def test_what_a_world_did_meanwhile_is_seen(twins: Gdb) -> None:
    """gdb keeps the registers of an inferior that it has not resumed itself; it must not keep them here."""
    twins("break trap_vector")
    twins("continue")
    seen = set()
    for _ in range(4):
        twins("continue")
        twins("inferior 2")
        seen.add((twins.number("$pc"), twins.number("$sp"), twins.number("$a0"), twins.number("$a7")))
        assert twins.number("$pc") == twins.number("$sepc")
        twins("inferior 1")
    assert len(seen) > 1


def test_steps_across_worlds(twins: Gdb) -> None:
    sret = twins.number("vm_enter") + 0x90
    twins(f"break *{sret:#x}")
    twins("continue")
    assert "sret" in twins("x/i $pc")
    assert "Thread 2.1 stopped." in twins("stepi")
    assert (inferior(twins), twins.value("$mode")) == ("2", "VS")
    assert re.search(r"<guest_entry>", twins.value("$pc"))
    twins("delete")
    twins("tbreak sbi_console_write")
    twins("continue")
    twins("inferior 2")
    while "ecall" not in twins("x/i $pc"):
        twins("stepi")
    ecall = twins.number("$pc")
    assert "Thread 1.1 stopped." in twins("stepi")
    assert (inferior(twins), twins.value("$mode"), twins.number("$scause")) == ("1", "HS", 10)
    assert "trap_vector" in twins.value("$pc")
    assert twins.number("$sepc") == ecall


def test_stepping_the_host_while_the_guest_runs_waits_for_the_exit(twins: Gdb) -> None:
    twins("break user_main")
    twins("continue")
    twins("delete")
    twins("inferior 1")
    twins("stepi")
    assert (inferior(twins), twins.value("$mode")) == ("1", "HS")
    assert "trap_vector" in twins.value("$pc")
    assert "Thread 1.1 (HS, hart 0, stopped: step)" in twins("info threads")
    assert re.search(r"last stop +VM exit of guest 1 \(vmid 1\): .*, at\s+sbi_", twins("monitor mode"))
    twins("finish")
    assert "vcpu_run" in twins("frame")


def test_finish_and_next_in_the_host_run_the_guest_to_its_exit(twins: Gdb) -> None:
    twins("break vm_enter")
    twins("continue")
    twins("delete")
    twins("finish")
    assert (inferior(twins), frames(twins)[0]) == ("1", "vcpu_run")
    twins("finish")
    assert frames(twins)[0] == "main"
    twins("next")
    twins("next")
    assert inferior(twins) == "1"


def test_equal_addresses_different_breakpoints(twins: Gdb, serve_twins: Server) -> None:
    """The guests are linked at the hypervisor's own address; a breakpoint belongs to its inferior."""
    twins("break user_main")
    twins("continue")
    twins("delete")
    twins("inferior 1")
    twins("break *0x80200008 thread 1.1")  # where the guests begin as well
    assert "[Inferior 1 (process 1) exited normally]" in twins("continue")


def test_breakpoint_in_one_of_two_equal_guests(twins: Gdb) -> None:
    twins("break user_main")
    twins("continue")
    twins("delete")
    place = twins.number("$pc")
    twins(f"break *{place + 4:#x}")  # inferior 2 is selected
    twins("continue")
    assert inferior(twins) == "2"
    twins("delete")
    twins("break user_main")
    twins("continue")
    assert inferior(twins) == "3"


def test_a_breakpoint_meant_for_guests_set_in_the_host(serve_twins: Server, gdb: Starter) -> None:
    """Guest symbols were loaded into inferior 1, and guests are inferiors of their own all the same."""
    served = serve_twins(symbols=None, worlds=Mode.SEPARATE)
    one = gdb(served.elf)
    one(served.remote)
    one(f"add-symbol-file {served.elf.with_name('twins-guest.elf')}")
    one("break user_main")
    output = one("continue")
    assert re.search(r"The breakpoint at 0x1\w+ is armed in all guests: the host cannot execute that address.", output)
    assert re.search(r"^the breakpoint of inferior 1 at 0x1\w+", output, re.MULTILINE)
    assert "Thread 2.1 stopped." in output
    assert (inferior(one), one.value("$mode")) == ("2", "VU")
    assert one("continue").count("is armed in all guests") == 0


def test_a_breakpoint_at_an_address_is_in_every_inferior(twins: Gdb) -> None:
    twins("break *0x10000")
    assert "Thread 2.1 hit Breakpoint 1.2, user_entry ()" in twins("continue")
    assert (inferior(twins), twins.number("$pc")) == ("2", 0x10000)
    assert "Thread 3.1 hit Breakpoint 1.3, user_entry ()" in twins("continue")
    assert twins.number("$vmid") == 2
    twins("inferior 2")
    assert twins.number("$vmid") == 1


def test_registers_and_memory_of_each_world(twins: Gdb) -> None:
    twins("break user_main")
    twins("continue")
    guest = twins.number("*(unsigned long*)0x80200000")
    assert twins.number("*(unsigned*)0x10000")
    with pytest.raises(GdbError, match="Cannot access memory at address 0x40000000"):
        twins("p *(int*)0x40000000")
    twins("inferior 1")
    assert twins.number("*(unsigned long*)0x80200000") != guest
    reason = r"Could not write register \"a0\"; remote failure reply '(E\.)?host does not run on hart 0: a0 is where"
    with pytest.raises(GdbError, match=reason):
        twins("set $a0 = 1")
    twins("set $htval = 0x42")
    assert twins.number("$htval") == 0x42
    twins("inferior 2")
    twins("set $a0 = 0x77")
    assert twins.number("$a0") == 0x77
    csrs = {line.split()[0] for line in twins("info registers csr").splitlines()}
    assert {"hstatus", "hgatp", "vsatp", "vsstatus", "htval"} <= csrs


def test_watchpoint_in_a_guest(twins: Gdb) -> None:
    twins("break kernel_main")
    twins("continue")
    twins("delete")
    twins("watch rounds")
    hit = twins("continue")
    assert re.search(r"Hardware watchpoint \d+: rounds", hit)
    assert inferior(twins) == "2"


def test_guests_without_symbols(serve_twins: Server, gdb: Starter) -> None:
    served = serve_twins(symbols=None, worlds=Mode.SEPARATE)
    one = gdb(served.elf)
    one(served.remote)
    one("break trap_vector")
    output = one("continue")
    assert "process 2 is executing new program: /hartline/guest-1" in output
    one("inferior 2")
    assert one.value("$mode") == "VS"
    assert "ecall" in one("x/i $pc")


def test_merged_is_one_inferior_as_ever(serve_twins: Server, gdb: Starter) -> None:
    served = serve_twins(symbols=None)
    one = gdb(served.elf)
    one(served.remote)
    one(f"add-symbol-file {served.elf.with_name('twins-guest.elf')}")
    one("break user_main")
    one("continue")
    assert (inferior(one), one.value("$mode"), frames(one)[0]) == ("1", "VU", "user_main")
    assert "process 2" not in one("info inferiors")


def test_separating_in_a_session(serve_twins: Server, gdb: Starter) -> None:
    served = serve_twins(symbols=None)
    one = gdb(served.elf)
    one(served.remote)
    one("break *0x10000")
    one("continue")
    assert (inferior(one), one.value("$mode")) == ("1", "VU")
    one("delete")
    assert "guests are inferiors of their own" in one("monitor worlds separate")
    one("stepi")
    assert (inferior(one), one.value("$mode")) == ("2", "VU")
    one("stepi")
    assert inferior(one) == "2"
    assert "gdb has met: 2" in one("monitor worlds merged")
    one("stepi")
    assert (inferior(one), one.value("$mode")) == ("2", "VU")
    one("detach inferior 2")
    one("inferior 1")
    one("break *0x10000")
    one("continue")
    assert (inferior(one), one.value("$mode")) == ("1", "VU")
    assert "one inferior for all worlds" in one("monitor worlds merged")


def test_info_os_lists_the_worlds(twins: Gdb) -> None:
    twins("break user_main")
    twins("continue")
    assert re.search(r"worlds +The host and its guests", twins("info os"))
    table = twins("info os worlds")
    assert re.search(r"^1 +host .*exited .*VM entry", table, re.MULTILINE)
    assert re.search(r"^2 +guest 1 \(vmid 1\) 1 .*running", table, re.MULTILINE)


def test_conditions_are_decided_on_our_side(twins: Gdb) -> None:
    twins("set debug remote 1")
    twins("break trap_vector if (long)$scause < 0")
    twins("continue")
    assert twins.number("$scause") >> 63 == 1
    twins("set debug remote 0")
    assert "already hit 1 time" in twins("info breakpoints")


def test_dprintf_runs_on_our_side(twins: Gdb) -> None:
    twins("set dprintf-style agent")
    twins('dprintf trap_vector,"exit: %ld\\n", (long)$scause')
    twins("break user_main")
    output = twins("continue")
    assert "exit: 10\n" in output


def test_a_breakpoint_before_its_page_is_mapped(twins: Gdb) -> None:
    twins("break kernel_main")
    twins("continue")
    assert inferior(twins) == "2"
    assert twins.number("$vsatp") == 0
    twins("delete")
    twins("break user_main")
    twins("continue")
    assert (inferior(twins), frames(twins)[0]) == ("2", "user_main")


def test_searching_and_comparing_memory(twins: Gdb) -> None:
    found = twins("find &main, +4096, (short)0x8082")
    assert re.search(r"\d+ patterns? found", found)
    compared = twins("compare-sections .text")
    assert "Section .text, range 0x80200000 -- " in compared
    assert "matched" in compared


def test_physical_memory_for_scripts(twins: Gdb) -> None:
    twins("break user_main")
    twins("continue")
    guest = twins.number("*(unsigned long*)0x80200000")
    twins("maint packet Qqemu.PhyMemMode:1")
    twins("maint flush dcache")
    assert twins.number("*(unsigned long*)0x80200000") != guest
    twins("maint packet Qqemu.PhyMemMode:0")
