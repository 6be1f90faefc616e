# SPDX-License-Identifier: Apache-2.0
"""core.Machine: what docs/api.md does not show, and what goes wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import core
from core import Machine
from core.boot.errors import BootError
from core.debug.target import DebugError, MachineEnded, MemoryUnreadable, StopKind, UnknownRegister, WorldNotCurrent
from examples import elf

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def hello() -> Iterator[Machine]:
    with Machine(elf("hello"), memory=16 << 20, engine="reference") as machine:
        yield machine


@pytest.mark.parametrize("until", ["entry", "VS", "guest_entry", 0x8020_5000])
def test_ways_to_the_guest(hello: Machine, until: str | int) -> None:
    hello.run(until)
    assert (hello.mode, hello.pc) == ("VS", hello.address("guest_entry"))
    assert hello.debugger.breakpoints() == []


def test_until_an_exit_by_its_cause(hello: Machine) -> None:
    stop = hello.run("exit load_guest_page_fault")
    assert stop.kind is StopKind.CATCH and hello.csr("scause") == 21


def test_the_end(hello: Machine) -> None:
    assert hello.exit_code is None
    stop = hello.run("sbi_shutdown")
    assert repr(stop) == f"<Stop, breakpoint: hart 0, pc {stop.pc:#x}, reached sbi_shutdown>"
    assert hello.run().exit_code == hello.exit_code == 0
    assert repr(hello) == "<Machine hello.elf: the machine switched itself off with status 0>"
    assert [text for text in hello.warnings if "htinst" in text]
    with pytest.raises(MachineEnded):
        hello.run("main")
    assert hello.debugger.breakpoints() == []
    hello.reset()
    assert hello.exit_code is None and hello.step().kind is StopKind.STEP


def test_a_timeout_interrupts() -> None:
    with Machine(elf("loop"), memory=16 << 20, engine="reference") as machine:
        assert machine.run(timeout=0.1).kind is StopKind.INTERRUPTED


def test_a_hook_may_stop_the_machine(hello: Machine) -> None:
    seen: list[str] = []

    def hook(machine: Machine) -> bool:
        seen.append(machine.worlds[1].place)
        return len(seen) == 3

    point = hello.on("vmexit", hook)
    hello.run()
    assert len(seen) == 3 and point.hits == 1
    hello.remove(point)
    assert hello.run().exit_code == 0 and len(seen) == 3


def test_a_watch_and_a_condition(hello: Machine) -> None:
    hello.watch("vcpu", access="w")
    assert hello.run().kind is StopKind.WATCHPOINT
    hello.break_at("vcpu_run", when=lambda machine: machine.csr("scause") == 21)
    while (stop := hello.run()).kind is StopKind.WATCHPOINT:
        pass
    assert stop.kind is StopKind.BREAKPOINT and hello.csr("scause") == 21


def test_registers_and_csrs(hello: Machine) -> None:
    registers = hello.registers()
    registers["a0"] = -1
    assert registers["a0"] == (1 << 64) - 1 and "a0" in registers and len(registers) == len(list(registers))
    assert repr(registers).splitlines()[10] == "a0    0xffffffffffffffff"
    csrs = hello.csrs()
    assert csrs.set("hedeleg", BREAKPOINT=1, ECALL_U=1).fields["BREAKPOINT"] == 1 and "hedeleg" in csrs
    assert not hasattr(csrs["hedeleg"], "NOTHING")
    for name in ("nothing", "a0"):
        with pytest.raises(UnknownRegister, match="no CSR"):
            hello.csr(name)
        with pytest.raises(UnknownRegister, match="no CSR"):
            csrs[name] = 1
    with pytest.raises(UnknownRegister):
        registers["nothing"] = 1


def test_memory(hello: Machine) -> None:
    at = 0x8040_0000
    hello.memory.write(at, b"text\0more")
    assert (hello.memory.text(at), hello.physical.read(at, 4)) == ("text", b"text")
    hello.physical.set_number(at, -2, size=2)
    assert hello.memory.number(at, 2) == 0xFFFE
    with pytest.raises(MemoryUnreadable):
        hello.memory.read(0x10, 8)


def test_worlds() -> None:
    guests = {"guest:*": elf("twins-guest")}
    with Machine(elf("twins"), memory=16 << 20, engine="reference", symbols=guests) as machine:
        machine.run("exit sti")
        host, guest = machine.worlds
        assert (host.name, host.state, host.why) == ("host", "running", "")
        assert repr(guest) == "<World 2, guest 1 (vmid 1): exited (VM exit: supervisor timer interrupt)>"
        assert guest.csrs["vsatp"].words("MODE") == "Sv39" and guest.place.startswith("kernel_trap_vector")
        assert host.memory.read(0x8020_0000, 8) != guest.memory.read(0x8020_0000, 8)
        guest.memory.write(0x8020_0000, b"\x13\0\0\0")
        with pytest.raises(WorldNotCurrent):
            machine.step()
            guest.registers["a0"] = 1


def test_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(BootError):
        Machine(tmp_path / "nothing.elf")
    with pytest.raises(DebugError, match="names no world"):
        Machine(elf("hello"), memory=16 << 20, symbols={"nobody": elf("hello")})
    with Machine(elf("hello"), memory=16 << 20, engine="reference", cpu={"sstc": False}) as machine:
        assert "stimecmp" not in machine.csrs()
        with pytest.raises(DebugError, match="no symbol 'nothing'"):
            machine.run("nothing")
        assert machine.disassemble("main", 1).startswith("0x80200ffe <main>")
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        core.Nothing  # noqa: B018


def test_importing_core_loads_nothing_else() -> None:
    code = "import sys, core; print([n for n in sys.modules if n.startswith('core.')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
