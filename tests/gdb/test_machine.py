# SPDX-License-Identifier: Apache-2.0
"""A real gdb debugs the example hypervisors on the real machine, connected by `target remote` and no other setting."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.debug.target import StopKind
from tests.gdb.driver import Gdb, GdbError, Starter, batch
from tests.gdb.machine import Served, Server


@pytest.fixture(params=["reference", "native"])
def serve(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Starts machines on each engine, and ends them after the test."""
    started: list[Served] = []

    def start(example: str, harts: int = 1) -> Served:
        started.append(Served(example, request.param, harts))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def hello(serve: Server) -> Served:
    return serve("hello")


@pytest.fixture
def attached(hello: Served, gdb: Starter) -> Gdb:
    one = gdb(hello.elf)
    one(hello.remote)
    return one


def address_of(gdb: Gdb, function: str, instruction: str) -> int:
    """Where an instruction stands in a function."""
    lines = gdb(f"disassemble {function}").splitlines()
    (line,) = [line for line in lines if re.search(rf"\t{instruction}\b", line)]
    return int(line.replace("=>", "").split()[0], 16)


def where(gdb: Gdb) -> str:
    """The symbol at pc, as gdb shows it."""
    shown = re.search(r"<(.+)>", gdb.value("$pc"))
    return shown[1] if shown else ""


def test_the_first_session_from_the_command_line(hello: Served) -> None:
    output = batch(
        hello.remote, "break guest_entry", "continue", "p $mode", "p $virt", "p $hstatus", "p $hgatp", "p/x $hgatp",
        "x/i $pc", "info registers hstatus", elf=hello.elf,
    )  # fmt: skip
    assert "Breakpoint 1, guest_entry () at" in output or "Breakpoint 1, 0x" in output
    assert "$1 = VS" in output
    assert "$2 = true" in output
    assert re.search(r"\$3 = \[.*\bVSXL=64\b.*\]", output)
    assert re.search(r"\$4 = \[ PPN=\d+ VMID=1 MODE=Sv39x4 \]", output)
    assert re.search(r"\$5 = 0x80001000000\w{5}\n", output)
    assert re.search(r"=> 0x\w+ <guest_entry>:\tauipc\tsp,", output)
    assert re.search(r"hstatus +0x\w+\t\[.*\]", output)
    assert "rror" not in output
    assert "warning" not in output


def test_stepi_over_sret_arrives_in_the_guest(attached: Gdb) -> None:
    sret = address_of(attached, "vm_enter", "sret")
    attached(f"break *{sret:#x}")
    attached("continue")
    assert attached.value("$mode") == "HS"
    attached("stepi")
    assert (where(attached), attached.value("$mode"), attached.value("$virt")) == ("guest_entry", "VS", "true")


def test_stepi_on_the_guests_ecall_arrives_at_the_trap_vector(attached: Gdb) -> None:
    ecall = address_of(attached, "guest_print", "ecall")
    attached(f"tbreak *{ecall:#x}")
    attached("continue")
    assert attached.value("$mode") == "VS"
    attached("stepi")
    assert (where(attached), attached.value("$mode")) == ("trap_vector", "HS")
    assert attached.number("$scause") == 10
    assert attached.number("$sepc") == ecall
    assert attached.value("($hstatus & 0x80) != 0") == "1"
    # and back: past the exit to the instruction behind the ecall
    attached(f"tbreak *{ecall + 4:#x}")
    attached("continue")
    assert attached.value("$mode") == "VS"


def test_stepi_on_an_unmapped_load_arrives_at_the_trap_vector(attached: Gdb, hello: Served) -> None:
    attached("break unmapped_load")
    attached("continue")
    attached("stepi")
    assert where(attached) == "trap_vector"
    assert attached.number("$scause") == 21
    assert attached.number("$stval") == 0x40000000
    assert attached.number("$htval") == 0x40000000 >> 2
    assert hello.output.startswith(b"Hello from VS-mode\n")


def test_condition_on_a_csr(attached: Gdb) -> None:
    attached("break trap_vector if $scause == 21")
    attached("continue")
    assert attached.number("$scause") == 21
    assert attached("info breakpoints").count("already hit 1 time") == 1


def test_registers(attached: Gdb, hello: Served) -> None:
    attached("break main")
    attached("continue")
    lines = {line.split()[0]: line.split()[1] for line in attached("info registers").splitlines()}
    assert list(lines)[:3] == ["ra", "sp", "gp"]
    assert int(lines["pc"], 16) == hello.machine.harts[0].pc
    assert int(lines["sp"], 16) == hello.machine.harts[0].x[2]
    attached("set $a5 = 0x123456789abcdef0")
    assert hello.machine.harts[0].x[15] == 0x123456789ABCDEF0
    attached("set $sscratch = 0x42")
    assert hello.machine.harts[0].sscratch == 0x42
    attached("set $stvec = 0x80200101")
    attached("flushregs")
    assert attached.number("$stvec") == hello.machine.harts[0].stvec
    csrs = {line.split()[0] for line in attached("info registers csr").splitlines()}
    assert {"hstatus", "hgatp", "vsatp", "vsstatus", "htval", "htinst", "scause", "sepc", "satp", "hvip"} <= csrs
    with pytest.raises(GdbError, match="Could not write register"):
        attached("set $hgeip = 1")
    attached("set $pc = &guest_entry")
    assert where(attached) == "guest_entry"


def test_memory_through_the_world_of_the_hart(attached: Gdb) -> None:
    attached("break guest_entry")
    attached("continue")
    text = attached.number("*(unsigned*)guest_entry")
    assert text == attached.number("*(unsigned*)$pc")
    with pytest.raises(GdbError, match="Cannot access memory at address 0x40000000"):
        attached("p *(int*)0x40000000")
    attached("set *(unsigned long*)guest_data = 0x1122334455667788")
    assert attached.number("*(unsigned long*)guest_data") == 0x1122334455667788


def test_backtrace_finish_next_and_list(attached: Gdb) -> None:
    attached("break vm_enter")
    attached("continue")
    frames = re.findall(r"#\d+ .*?(\w+) \(", attached("bt"))
    assert frames[-1] in ("main", "_start")
    assert frames[:3] == ["vm_enter", "vcpu_run", "main"]
    finished = attached("finish")
    assert "Run till exit" in finished
    assert "vcpu_run" in attached("frame")
    attached("delete")
    attached("finish")
    assert "main () at" in attached("frame")
    assert "switch (vcpu.scause)" in attached("next")
    assert "guest_sbi_call(&vcpu)" in attached("next")
    assert where(attached).startswith("main+")
    attached("step")
    assert where(attached).startswith("guest_sbi_call")


def test_backtrace_at_the_exit(attached: Gdb) -> None:
    attached("break trap_vector")
    attached("continue")
    frames = re.findall(r"#\d+ .*?(\w+) \(", attached("bt"))
    assert frames[:3] == ["trap_vector", "vcpu_run", "main"]


def test_watchpoints(attached: Gdb) -> None:
    attached("break main")
    attached("continue")
    attached("watch vcpu.scause")
    hit = attached("continue")
    assert "Hardware watchpoint 2: vcpu.scause" in hit
    assert "Old value = 0" in hit
    assert "New value = 10" in hit
    assert re.search(r"vcpu_run \(", hit)


def test_read_and_access_watchpoints(attached: Gdb) -> None:
    attached("break main")
    attached("continue")
    attached("rwatch vcpu.scause")
    assert "Hardware read watchpoint 2: vcpu.scause" in attached("continue")
    attached("delete")
    attached("awatch vcpu.sepc")
    assert "Hardware access (read/write) watchpoint 3: vcpu.sepc" in attached("continue")


def test_interrupt_of_a_guest_that_spins(serve: Server, gdb: Starter) -> None:
    served, one = serve("loop"), gdb()
    one(f"file {served.elf}")
    one(served.remote)
    one("tbreak guest_entry")
    one("continue")
    one("stepi")
    count = began = one.number("$a0")
    for _ in range(50):  # how far it gets meanwhile is the host's affair
        one("continue", wait=False)
        time.sleep(0.05)
        assert one.interrupt()["signal-name"] == "SIGINT"
        assert (where(one).partition("+")[0], one.value("$mode")) == ("guest_entry", "VS")
        count = one.number("$a0")
        if count > began:
            break
    assert count > began


def test_dump_and_restore(attached: Gdb, hello: Served, tmp_path: Path) -> None:
    source = random.Random(5)
    rows = (source.randbytes(source.randrange(40)) + bytes(source.randrange(300)) for _ in range(400))
    data = b"".join(rows)[:0x10000]
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(data)
    attached(f"restore {there} binary 0x80400000")
    assert hello.debugger.read_memory(0x80400000, len(data), space="spa") == data
    attached(f"dump binary memory {back} 0x80400000 {0x80400000 + len(data):#x}")
    assert back.read_bytes() == data


def test_a_line_is_stepped_in_few_requests(hello: Served) -> None:
    output = batch(hello.remote, "break main", "continue", "set debug remote 1", "next", elf=hello.elf)
    assert re.search(r"Sending packet: \$vCont;r[0-9a-f]+,[0-9a-f]+:p1\.1", output)
    assert output.count("Sending packet: $vCont;s") <= 1


def test_detach_lets_the_machine_run_on(attached: Gdb, hello: Served) -> None:
    attached("break guest_entry")
    attached("continue")
    attached("detach")
    hello.debugger.wait(20)
    assert hello.debugger.stop.kind is StopKind.EXITED
    assert b"Good bye" in hello.output
    assert hello.debugger.breakpoints() == []
    # what is left can be looked at
    attached(hello.remote)
    assert attached.value("$mode") == "HS"
    assert "exited normally" in attached("continue")


def test_power_off_is_an_exit(attached: Gdb, hello: Served) -> None:
    output = attached("continue")
    assert "the machine switched itself off with status 0" in output
    assert "exited normally" in output
    assert hello.output.endswith(b"exits\n")


def test_reconnecting(hello: Served, gdb: Starter) -> None:
    first = gdb(hello.elf)
    first(hello.remote)
    first("break guest_entry")
    first("continue")
    first("disconnect")
    second = gdb(hello.elf)
    second(hello.remote)
    assert where(second) == "guest_entry"
    second("stepi")
    assert second.value("$mode") == "VS"


def test_a_gdb_that_dies_in_mid_run(serve: Server, gdb: Starter) -> None:
    served, one = serve("loop"), gdb()
    one(f"file {served.elf}")
    one(served.remote)
    one("break main")
    one("continue", wait=False)
    one.wait_for_stop()
    one("continue", wait=False)
    deadline = time.monotonic() + 20
    while not served.machine.harts[0].v and time.monotonic() < deadline:
        time.sleep(0.05)
    one.vanish()
    assert served.debugger.wait(5) is not None
    again = gdb(served.elf)
    again(served.remote)
    assert again.value("$mode") == "VS"
    assert served.debugger.breakpoints() == []


def test_second_gdb(attached: Gdb, hello: Served) -> None:
    output = batch(hello.remote, "p $pc", elf=hello.elf)
    assert "Hartline already serves a debugger at 127.0.0.1:" in output
    attached("stepi")


def test_kill(attached: Gdb, hello: Served) -> None:
    attached("kill")
    deadline = time.monotonic() + 5
    while not hello.kills and time.monotonic() < deadline:
        time.sleep(0.01)
    assert hello.kills == 1


def test_run_begins_again(hello: Served, gdb: Starter) -> None:
    one = gdb(hello.elf)
    one(hello.remote.replace("remote", "extended-remote"))
    one("break guest_entry")
    one("continue")
    one("run")
    assert where(one) == "guest_entry"


def test_the_console_and_gdb_share_one_machine(attached: Gdb, hello: Served) -> None:
    """A stop made by another front end is reported; its breakpoints are not mistaken for gdb's."""
    entry = attached.number("guest_entry")
    hello.debugger.add_breakpoint(entry, owner="console")
    output = attached("continue")
    assert "breakpoint 1 at guest_entry" in output
    assert "Program stopped." in output
    assert where(attached) == "guest_entry"
    hello.debugger.resume(hart=0, steps=1)
    attached("flushregs")
    assert attached.number("$pc") == entry + 4
    attached("stepi")


def test_several_harts(serve: Server, gdb: Starter) -> None:
    served = serve("hello", harts=2)
    one = gdb(served.elf)
    one(served.remote)
    one("break guest_entry")
    one("continue")
    threads = one("info threads")
    assert re.search(r"\* 1 .*Thread 1\.1 \(VS, hart 0, stopped: breakpoint\)", threads)
    assert re.search(r"  2 .*Thread 1\.2 \(HS, hart 1, waits for sbi_hart_start\)", threads)
    one("set scheduler-locking on")
    one("thread 2")
    assert "hart 1 is stopped: it runs after sbi_hart_start" in one("continue")
    assert one.number("$_thread") == 2
    one("thread 1")
    assert "exited normally" in one("continue")


@pytest.mark.parametrize("setting", ["target-features-packet off", "supported-packets-packet off"])
def test_a_gdb_that_does_not_read_the_description(serve: Server, setting: str) -> None:
    """As one built without expat, or with a description of the user's own: it would refuse registers it does not know of."""
    served = serve("hello")
    output = batch(f"set remote {setting}", "set architecture riscv:rv64", served.remote, "stepi", "info line *$pc", "p $pc",
                   "kill", elf=served.elf)  # fmt: skip
    assert "bad register" not in output
    assert "$1 = (void (*)()) 0x80200004 <_start+4>" in output
