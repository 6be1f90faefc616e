# SPDX-License-Identifier: Apache-2.0
"""gdb's `monitor` runs the console's commands: catches stop in gdb's own window with the reason in words, and more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.boot.loader import Bios, BootConfig
from core.debug.target import StopKind
from core.features import DEFAULT_FEATURES, Feature
from core.machine import MachineConfig
from gdbstub.riscv.processes import Mode
from tests.gdb.driver import Gdb, Starter
from tests.gdb.machine import Served
from tests.support.bare_metal import assemble
from tests.unit.test_gdbstub_server import eventually


@pytest.fixture
def hello() -> Iterator[Served]:
    served = Served("hello", "native")
    yield served
    served.close()


@pytest.fixture
def attached(hello: Served, gdb: Starter) -> Gdb:
    one = gdb(hello.elf)
    one(hello.remote)
    return one


def test_catching_a_vm_exit(attached: Gdb) -> None:
    assert attached("monitor catch vmexit load_guest_page_fault") == "catch 1: vmexit load_guest_page_fault\n"
    output = attached("continue")
    assert "catch 1: VM exit of guest 1 (vmid 1): load guest-page fault, GPA 0x40000000, at load_unmapped\n" in output
    assert "Program stopped." in output
    assert "trap_vector" in attached.value("$pc")
    assert attached.number("$scause") == 21
    assert "vmexit load_guest_page_fault" in attached("monitor break")
    attached("monitor delete 1")
    assert "exited normally" in attached("continue")


def test_the_choices_of_worlds_are_those_of_the_server(attached: Gdb) -> None:
    usage = "usage: worlds [separate|merged|auto]"
    assert [mode.value for mode in Mode] == ["separate", "merged", "auto"]
    assert attached("monitor worlds foo") == f"worlds: 'foo' is none of separate, merged, auto; {usage}\n"
    assert attached("monitor worlds separate merged") == f"worlds: 'merged' is too much; {usage}\n"
    assert attached("monitor help worlds").startswith("worlds [separate|merged|auto]\n")
    assert "guests are inferiors of their own" in attached("monitor worlds separate")
    assert "one inferior for all worlds" in attached("monitor worlds merged")


def test_a_catch_stops_even_in_the_middle_of_gdbs_own_steps(attached: Gdb) -> None:
    """gdb takes an unexplained SIGTRAP in a `next` for a step of its own, and would go on."""
    attached("break vcpu_run")
    attached("continue")
    attached("delete")
    attached("monitor catch vmentry")
    output = attached("finish")
    assert re.search(r"catch \d+: VM entry of guest 1 \(vmid 1\)", output)
    assert attached.value("$mode") == "VS"
    attached("monitor delete")
    attached("monitor catch mode VS HS")
    attached("tbreak guest_main")
    attached("continue")
    output = attached("next")
    for _ in range(10):
        if "catch" in output:
            break
        output = attached("next")
    assert re.search(r"catch \d+: ", output)
    assert "trap_vector" in attached.value("$pc")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("trap ecall_vs", "environment call from VS-mode"),
        ("csr hgatp write", "hgatp"),
        ("vmentry", "VM entry"),
        ("mode HS VS", "VS"),
        ("gpa 0x40000000", "0x40000000"),
        ("sbi 0x4442434e", "SBI call"),
        ("fence", "hfence"),
        ("vmexit in guest1 ignore 3 if $scause == 10", "VM exit of guest 1"),
        ("vmexit on hart 0", "VM exit of guest 1"),
        ("vmentry on hart 0 ignore 2", "VM entry of guest 1"),
        ("trap load_guest_page_fault if $htval == 0x40000000 >> 2", "VM exit of guest 1 .*: load guest-page fault"),
        ("mode HS VS ignore 1 if $hgatp != 0", "mode HS to VS"),
        ("csr hgatp write ignore 1", "hgatp written: 0x8000100000080208 at vcpu_load"),
        ("csr vsatp write 0", "vsatp written: 0x0 at vcpu_init"),
        ("csr scause read 21 if $mode == 1", "scause read: 0x15 at vcpu_run"),
        ("sbi dbcn 0 ignore 3 if $a7 == 0x4442434e", "SBI call DBCN console_write by host"),
        ("gpa 0x3ffffff8 0x40000000 if $scause == 21", "load guest-page fault, GPA 0x40000000, at load_unmapped"),
        ("fence ignore 1 if $mode == 1", "hfence.vvma at hfence_vvma"),
    ],
)
def test_kinds_of_catches(attached: Gdb, spec: str, words: str) -> None:
    attached(f"monitor catch {spec}")
    output = attached("continue")
    assert "stopped." in output
    assert re.search(rf"catch \d+: .*{words}", output)


@pytest.mark.parametrize(
    "spec",
    [
        "gpa 0x40000008", "gpa 0x40000000 if $scause == 20", "csr hstatus write 5", "csr scause write 21", "sbi dbcn 7",
        "sbi time", "mode VU VS", "fence if $a0 == 99", "guest-ebreak", "interrupt 5", "trap load_guest_page_fault ignore 1",
        "vmentry in guest2",
    ],
)  # fmt: skip
def test_catches_of_what_does_not_happen(attached: Gdb, spec: str) -> None:
    attached(f"monitor catch {spec}")
    assert "exited normally" in attached("continue")


def test_catching_interrupts(twins: Gdb) -> None:
    twins("monitor catch interrupt 5 in guest2")
    output = twins("continue")
    assert re.search(r"catch \d+: .*supervisor timer interrupt", output)
    assert twins.value("$_inferior") == "1"
    assert "guest 2 (vmid 2)" in output


def test_catching_a_guests_own_breakpoint(attached: Gdb) -> None:
    attached("break guest_main")
    attached("continue")
    attached("set var *(short*)$pc = 0x9002")  # c.ebreak
    attached("delete")
    attached("monitor catch guest-ebreak in guest1 if $scause == 3")
    output = attached("continue")
    assert re.search(r"catch \d+: VM exit of guest 1 \(vmid 1\): breakpoint, at guest_main", output)


def test_views_of_memory(attached: Gdb) -> None:
    attached("break guest_main")
    attached("continue")
    assert "VS level" not in attached("monitor walk $pc --access x")
    assert "G level 0: PTE" in attached("monitor walk $pc --access x")
    spaces = attached("monitor spaces")
    assert "gpa  guest 1 (vmid 1): hgatp MODE=Sv39x4 VMID=1" in spaces
    word = f"{attached.number('*(unsigned*)$pc'):#010x}"
    for command in ("xv/1wx $pc", "xg/1wx $pc", "xp/1wx $pc", "xv/1wx $pc --world guest1"):
        assert word in attached(f"monitor {command}")


def test_watching_a_guest_physical_address(attached: Gdb) -> None:
    attached("break guest_main")
    attached("continue")
    stack = attached.number("$sp") - 8
    attached(f"monitor watch {stack:#x} 8 --space gpa")
    assert f"GPA {stack:#x}: written at virtual address {stack:#x}" in attached("continue")


def test_explaining_the_last_trap(attached: Gdb) -> None:
    attached("monitor catch vmexit load_guest_page_fault")
    attached("continue")
    output = attached("monitor explain")
    assert "load guest-page fault (cause 21)" in output
    assert "hedeleg bit 21 is 0" in output
    assert "V=0: not valid" in output
    assert "what to look at" in output


def test_worlds_and_translation(attached: Gdb) -> None:
    attached("break guest_entry")
    attached("continue")
    worlds = attached("monitor worlds")
    assert re.search(r"^\* 2 +guest 1 \(vmid 1\): running", worlds, re.MULTILINE)
    assert "GPA 0x40000000" in attached("monitor translate 0x40000000")


def test_commands_look_at_the_hart_that_stopped_or_was_chosen(gdb: Starter) -> None:
    served = Served("hello", "native", harts=2)
    try:
        one = gdb(served.elf)
        one(served.remote)
        one("thread 2")
        one("stepi")
        assert one("monitor mode").startswith("hart 1:")
        one("monitor hart 0")
        assert one("monitor mode").startswith("hart 0:")
        one("stepi")
        assert one("monitor mode").startswith("hart 1:")
    finally:
        served.close()


def test_catches_go_with_the_gdb_that_set_them(attached: Gdb, hello: Served) -> None:
    attached("monitor catch vmexit")
    attached("monitor break guest_entry")
    hello.debugger.add_catch("vmentry", owner="console")
    attached("disconnect")
    eventually(lambda: [point.owner for point in hello.debugger.breakpoints()] == ["console"])


def test_a_machine_let_go_runs_to_its_end(attached: Gdb, hello: Served) -> None:
    attached("monitor catch vmexit")
    attached("detach")
    hello.debugger.wait(20)
    assert hello.debugger.stop.kind is StopKind.EXITED


def test_catches_in_separate_worlds(twins: Gdb) -> None:
    twins("monitor catch vmexit sti")
    output = twins("continue")
    assert re.search(r"catch 1: VM exit of guest 1 \(vmid 1\): supervisor timer interrupt", output)
    assert "Thread 1.1 stopped." in output
    assert twins.value("$_inferior") == "1"
    assert "Thread 2.1 (guest 1 (vmid 1), hart 0, VM exit: supervisor timer interrupt)" in twins("info threads")
    twins("monitor delete")
    twins("monitor catch vmentry")
    output = twins("continue")
    assert "VM entry of guest 2 (vmid 2)" in output
    assert twins.value("$_inferior") == "3"


def test_an_nmi(tmp_path: Path, gdb: Starter) -> None:
    """`monitor nmi`, then a breakpoint in the handler; without Smrnmi it says so."""
    elf = assemble(tmp_path, "csrsi 0x744, 8\n1: j 1b\n.org 0x100\nrnmi: addi s1, s1, 1\n.word 0x70200073\n")
    boot = BootConfig(elf, bios=Bios.NONE)
    served = Served.of(MachineConfig(boot, 16 << 20, features=DEFAULT_FEATURES | Feature.SMRNMI, rnmi_vectors=(0x8000_0100, 0)))
    one = gdb(elf)
    one(served.remote)
    one("break *0x80000100")
    one("stepi 2")
    assert one("monitor nmi") == "hart 0: an RNMI is signalled; its handler is at 0x80000100 <rnmi>\n"
    assert "Breakpoint 1, 0x0000000080000100 in rnmi" in one("continue")
    assert (one.number("$mnepc"), one.number("$mncause"), one.number("$mnstatus & 0xffff")) == (0x8000_0004, 1 << 63, 3 << 11)
    one("stepi 2")
    assert (one.number("$pc"), one.number("$s1")) == (0x8000_0004, 1)
    served.close()


def test_no_nmi_without_smrnmi(attached: Gdb) -> None:
    assert attached("monitor nmi") == "no NMI: the machine has no Smrnmi (--cpu rv64,smrnmi=on)\n"


def test_registers_changed_by_monitor_commands(attached: Gdb) -> None:
    """gdb has no way of hearing of it: the user is told."""
    stale = "(gdb shows the registers it has until the next stop, or until `maint flush register-cache`)\n"
    assert attached.number("$a0") == 0
    assert attached("monitor set a0 = 5") == "a0 = 0x5\n" + stale
    assert attached.number("$a0") == 0
    attached("maint flush register-cache")
    assert attached.number("$a0") == 5
    assert attached("monitor csr sscratch = 7").endswith(stale)
    assert attached("monitor reset").endswith(stale)
    assert stale not in attached("monitor csr sscratch")
