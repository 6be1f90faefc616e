# SPDX-License-Identifier: Apache-2.0
"""A real gdb sees the hypervisor and its guests side by side: every world an inferior, with no command from the user."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from core.debug.target import StopKind
from gdbstub.riscv.processes import Mode
from tests.gdb.driver import Gdb, GdbError, batch
from tests.gdb.machine import Served

Starter = Callable[..., Gdb]
Server = Callable[..., Served]
GUEST = {"guest:*": "twins-guest"}


@pytest.fixture
def serve() -> Iterator[Server]:
    """Starts twins with the guests' symbols known, and ends it after the test."""
    started: list[Served] = []

    def start(example: str = "twins", symbols: dict[str, str] | None = GUEST, worlds: Mode = Mode.AUTO) -> Served:
        started.append(Served(example, "native", symbols=symbols, worlds=worlds))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def attached(serve: Server, gdb: Starter) -> Gdb:
    served = serve()
    one = gdb(served.elf)
    one("set breakpoint pending on")
    one(served.remote)
    return one


def frames(gdb: Gdb) -> list[str]:
    """The functions of a backtrace."""
    return re.findall(r"^#\d+ .*?(\w+) \(", gdb("bt"), re.MULTILINE)


def inferior(gdb: Gdb) -> str:
    return gdb.value("$_inferior")


def test_guests_become_inferiors_by_themselves(serve: Server) -> None:
    output = batch(
        "set breakpoint pending on", serve().remote, "break user_main", "continue", "info inferiors", "p $mode", "p $hgatp",
        "bt", "continue", "p $hgatp", "info inferiors",
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


def test_both_backtraces_while_the_guest_runs(attached: Gdb) -> None:
    attached("break user_main")
    attached("continue")
    assert (inferior(attached), frames(attached)[:2]) == ("2", ["user_main", "user_entry"])
    attached("inferior 1")
    assert frames(attached) == ["vm_enter", "vcpu_run", "main"]
    assert "sret" in attached("x/i $pc")
    assert (attached.value("$mode"), attached.value("$virt")) == ("HS", "false")
    threads = attached("info threads")
    assert "Thread 1.1 (host, hart 0, VM entry: it has entered guest 1 (vmid 1))" in threads
    assert "Thread 2.1 (guest 1 (vmid 1), VU, hart 0, stopped: breakpoint)" in threads


def test_both_backtraces_in_the_trap_handler(attached: Gdb) -> None:
    attached("break user_main")
    attached("continue")
    attached("delete")
    attached("inferior 1")
    attached("break trap_vector")
    attached("continue")
    assert (inferior(attached), frames(attached)[:2]) == ("1", ["trap_vector", "vcpu_run"])
    attached("inferior 2")
    assert frames(attached)
    assert attached.number("$pc") == attached.number("$sepc")
    assert "VM exit: " in attached("info threads")


def test_what_a_world_did_meanwhile_is_seen(attached: Gdb) -> None:
    """gdb keeps the registers of an inferior that it has not resumed itself; it must not keep them here."""
    attached("break trap_vector")
    attached("continue")
    seen = set()
    for _ in range(4):
        attached("continue")
        attached("inferior 2")
        seen.add((attached.number("$pc"), attached.number("$sp"), attached.number("$a0"), attached.number("$a7")))
        assert attached.number("$pc") == attached.number("$sepc")
        attached("inferior 1")
    assert len(seen) > 1


def test_steps_across_worlds(attached: Gdb) -> None:
    sret = attached.number("vm_enter") + 0x90
    attached(f"break *{sret:#x}")
    attached("continue")
    assert "sret" in attached("x/i $pc")
    assert "Thread 2.1 stopped." in attached("stepi")
    assert (inferior(attached), attached.value("$mode")) == ("2", "VS")
    assert re.search(r"<guest_entry>", attached.value("$pc"))
    attached("delete")
    attached("tbreak sbi_console_write")
    attached("continue")
    attached("inferior 2")
    while "ecall" not in attached("x/i $pc"):
        attached("stepi")
    ecall = attached.number("$pc")
    assert "Thread 1.1 stopped." in attached("stepi")
    assert (inferior(attached), attached.value("$mode"), attached.number("$scause")) == ("1", "HS", 10)
    assert "trap_vector" in attached.value("$pc")
    assert attached.number("$sepc") == ecall


def test_stepping_the_host_while_the_guest_runs_waits_for_the_exit(attached: Gdb) -> None:
    attached("break user_main")
    attached("continue")
    attached("delete")
    attached("inferior 1")
    attached("stepi")
    assert (inferior(attached), attached.value("$mode")) == ("1", "HS")
    assert "trap_vector" in attached.value("$pc")
    assert "Thread 1.1 (HS, hart 0, stopped: step)" in attached("info threads")
    assert re.search(r"last stop +VM exit of guest 1 \(vmid 1\): .*, at sbi_", attached("monitor mode"))
    attached("finish")
    assert "vcpu_run" in attached("frame")


def test_finish_and_next_in_the_host_run_the_guest_to_its_exit(attached: Gdb) -> None:
    attached("break vm_enter")
    attached("continue")
    attached("delete")
    attached("finish")
    assert (inferior(attached), frames(attached)[0]) == ("1", "vcpu_run")
    attached("finish")
    assert frames(attached)[0] == "main"
    attached("next")
    attached("next")
    assert inferior(attached) == "1"


def test_equal_addresses_different_breakpoints(attached: Gdb, serve: Server) -> None:
    """The guests are linked at the hypervisor's own address; a breakpoint belongs to its inferior."""
    attached("break user_main")
    attached("continue")
    attached("delete")
    attached("inferior 1")
    attached("break *0x80200008 thread 1.1")  # where the guests begin as well
    assert "[Inferior 1 (process 1) exited normally]" in attached("continue")


def test_breakpoint_in_one_of_two_equal_guests(attached: Gdb) -> None:
    attached("break user_main")
    attached("continue")
    attached("delete")
    place = attached.number("$pc")
    attached(f"break *{place + 4:#x}")  # inferior 2 is selected
    attached("continue")
    assert inferior(attached) == "2"
    attached("delete")
    attached("break user_main")
    attached("continue")
    assert inferior(attached) == "3"


def test_a_breakpoint_meant_for_guests_set_in_the_host(serve: Server, gdb: Starter) -> None:
    """Guest symbols were loaded into inferior 1, and guests are inferiors of their own all the same."""
    served = serve(symbols=None, worlds=Mode.SEPARATE)
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


def test_a_breakpoint_at_an_address_is_in_every_inferior(attached: Gdb) -> None:
    attached("break *0x10000")
    assert "Thread 2.1 hit Breakpoint 1.2, user_entry ()" in attached("continue")
    assert (inferior(attached), attached.number("$pc")) == ("2", 0x10000)
    assert "Thread 3.1 hit Breakpoint 1.3, user_entry ()" in attached("continue")
    assert attached.number("$vmid") == 2
    attached("inferior 2")
    assert attached.number("$vmid") == 1


def test_a_guest_after_a_reset(attached: Gdb) -> None:
    """gdb still has its inferior: what is asked of it is not answered with the host's, and its breakpoint is its own."""
    attached("break user_main")
    attached("continue")
    attached("monitor reset")
    assert attached.value("$vmid") == "<unavailable>"
    with pytest.raises(GdbError, match="Cannot access memory at address 0x80300000"):
        attached("set var *(long*)0x80300000 = 5")
    assert "guest 1, hart 0, not entered since the reset" in attached("info threads")
    output = attached("continue")
    assert "hit Breakpoint 1, user_main ()" in output and "armed in all guests" not in output
    assert inferior(attached) == "2"
    attached("inferior 1")
    assert attached.number("*(long*)0x80300000") == 0
    attached("monitor reset")  # from here, with inferior 2 looked at
    attached("info threads")
    assert "hit Breakpoint 1, user_main ()" in attached("continue")
    attached("delete")
    attached("inferior 1")
    assert "exited normally" in attached("continue")


def test_registers_and_memory_of_each_world(attached: Gdb) -> None:
    attached("break user_main")
    attached("continue")
    guest = attached.number("*(unsigned long*)0x80200000")
    assert attached.number("*(unsigned*)0x10000")
    with pytest.raises(GdbError, match="Cannot access memory at address 0x40000000"):
        attached("p *(int*)0x40000000")
    attached("inferior 1")
    assert attached.number("*(unsigned long*)0x80200000") != guest
    reason = r"Could not write register \"a0\"; remote failure reply '(E\.)?host does not run on hart 0: a0 is where"
    with pytest.raises(GdbError, match=reason):
        attached("set $a0 = 1")
    attached("set $htval = 0x42")
    assert attached.number("$htval") == 0x42
    attached("inferior 2")
    attached("set $a0 = 0x77")
    assert attached.number("$a0") == 0x77
    csrs = {line.split()[0] for line in attached("info registers csr").splitlines()}
    assert {"hstatus", "hgatp", "vsatp", "vsstatus", "htval"} <= csrs


def test_watchpoint_in_a_guest(attached: Gdb) -> None:
    attached("break kernel_main")
    attached("continue")
    attached("delete")
    attached("watch rounds")
    hit = attached("continue")
    assert re.search(r"Hardware watchpoint \d+: rounds", hit)
    assert inferior(attached) == "2"


def test_the_end_of_the_machine_ends_all(attached: Gdb) -> None:
    output = attached("continue")
    assert "[Inferior 1 (process 1) exited normally]" in output
    attached("inferior 2")
    assert "[Inferior 2 (process 2) exited normally]" in attached("continue")
    attached("inferior 3")
    assert "[Inferior 3 (process 3) exited normally]" in attached("continue")
    assert "No threads." in attached("info threads")


def test_detaching_from_all_lets_the_machine_run_on(serve: Server) -> None:
    served = serve()
    output = batch("set breakpoint pending on", served.remote, "break user_main", "continue", elf=served.elf)
    assert "Thread 2.1 hit Breakpoint 1" in output
    served.debugger.wait(60)
    assert served.debugger.stop.kind is StopKind.EXITED
    assert served.debugger.breakpoints() == []
    assert b"both guests have ended" in served.output


def test_reconnecting_in_a_guest(serve: Server, gdb: Starter) -> None:
    served = serve()
    first = gdb(served.elf)
    first("set breakpoint pending on")
    first(served.remote)
    first("break user_main")
    first("continue")
    first("disconnect")
    second = gdb(served.elf)
    second(served.remote)
    assert (inferior(second), second.value("$mode")) == ("1", "VU")
    pc = second.number("$pc")
    output = second("stepi")
    assert "process 2 is executing new program: " in output
    assert (inferior(second), second.value("$mode")) == ("2", "VU")
    assert second.number("$pc") != pc
    assert frames(second)[0] == "user_main"


def test_kill_of_a_guest_is_refused(attached: Gdb) -> None:
    attached("break user_main")
    attached("continue")
    with pytest.raises(GdbError, match="Can't kill process"):
        attached("kill")
    attached("stepi")
    assert inferior(attached) == "2"


def test_run_begins_again(serve: Server, gdb: Starter) -> None:
    served = serve()
    one = gdb(served.elf)
    one("set breakpoint pending on")
    one(served.remote.replace("remote", "extended-remote"))
    one("break user_main")
    one("continue")
    assert inferior(one) == "2"
    one("inferior 1")
    one("run")
    assert inferior(one) == "2"
    assert frames(one)[0] == "user_main"
    one("delete")
    one("inferior 1")
    assert "exited normally" in one("continue")  # no breakpoint of the first run is left


def test_guests_without_symbols(serve: Server, gdb: Starter) -> None:
    served = serve(symbols=None, worlds=Mode.SEPARATE)
    one = gdb(served.elf)
    one(served.remote)
    one("break trap_vector")
    output = one("continue")
    assert "process 2 is executing new program: /hartline/guest-1" in output
    one("inferior 2")
    assert one.value("$mode") == "VS"
    assert "ecall" in one("x/i $pc")


def test_merged_is_one_inferior_as_ever(serve: Server, gdb: Starter) -> None:
    served = serve(symbols=None)
    one = gdb(served.elf)
    one(served.remote)
    one(f"add-symbol-file {served.elf.with_name('twins-guest.elf')}")
    one("break user_main")
    one("continue")
    assert (inferior(one), one.value("$mode"), frames(one)[0]) == ("1", "VU", "user_main")
    assert "process 2" not in one("info inferiors")


def test_separating_in_a_session(serve: Server, gdb: Starter) -> None:
    served = serve(symbols=None)
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


def test_info_os_lists_the_worlds(attached: Gdb) -> None:
    attached("break user_main")
    attached("continue")
    assert re.search(r"worlds +The host and its guests", attached("info os"))
    table = attached("info os worlds")
    assert re.search(r"^1 +host .*exited .*VM entry", table, re.MULTILINE)
    assert re.search(r"^2 +guest 1 \(vmid 1\) 1 .*running", table, re.MULTILINE)


def test_conditions_are_decided_on_our_side(attached: Gdb) -> None:
    attached("set debug remote 1")
    attached("break trap_vector if (long)$scause < 0")
    attached("continue")
    assert attached.number("$scause") >> 63 == 1
    attached("set debug remote 0")
    assert "already hit 1 time" in attached("info breakpoints")


def test_dprintf_runs_on_our_side(attached: Gdb) -> None:
    attached("set dprintf-style agent")
    attached('dprintf trap_vector,"exit: %ld\\n", (long)$scause')
    attached("break user_main")
    output = attached("continue")
    assert "exit: 10\n" in output


def test_a_breakpoint_before_its_page_is_mapped(attached: Gdb) -> None:
    attached("break kernel_main")
    attached("continue")
    assert inferior(attached) == "2"
    assert attached.number("$vsatp") == 0
    attached("delete")
    attached("break user_main")
    attached("continue")
    assert (inferior(attached), frames(attached)[0]) == ("2", "user_main")


def test_searching_and_comparing_memory(attached: Gdb) -> None:
    found = attached("find &main, +4096, (short)0x8082")
    assert re.search(r"\d+ patterns? found", found)
    compared = attached("compare-sections .text")
    assert "Section .text, range 0x80200000 -- " in compared
    assert "matched" in compared


def test_physical_memory_for_scripts(attached: Gdb) -> None:
    attached("break user_main")
    attached("continue")
    guest = attached.number("*(unsigned long*)0x80200000")
    attached("maint packet Qqemu.PhyMemMode:1")
    attached("maint flush dcache")
    assert attached.number("*(unsigned long*)0x80200000") != guest
    attached("maint packet Qqemu.PhyMemMode:0")
