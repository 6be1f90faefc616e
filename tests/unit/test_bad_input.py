# SPDX-License-Identifier: Apache-2.0
"""Programs gone wrong: the machine stays in hand, says what is going on, and raises nothing, on both engines."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from core.boot.loader import Bios, BootConfig
from core.csr.registry import CSRS_BY_ADDRESS
from core.debug.target import Debugger, Stop, StopKind
from core.machine import Machine, MachineConfig
from core.trap.causes import Cause
from tests.support.bare_metal import assemble
from tests.support.debugged import ENGINES, go
from tests.support.engines import MEMORY, PAGE, RAM, Engines

UART, PAST_RAM = 0x1000_0000, RAM + MEMORY
engines_both = pytest.mark.parametrize("engine", ENGINES)


def machine(folder: Path, engine: str, text: str, **settings: object) -> Debugger:
    """A machine with a program in assembly that starts in M-mode; `warnings` on it collects what users are told."""
    boot = BootConfig(assemble(folder, text), bios=Bios.NONE)
    made = Machine(MachineConfig(boot, memory=MEMORY, engine=engine, **settings))  # type: ignore[arg-type]
    return Debugger(made)


def told(debugger: Debugger) -> list[str]:
    """Collects the warnings from now on."""
    lines: list[str] = []
    debugger.machine.warning = lines.append
    return lines


def run_into_limit(debugger: Debugger, limit: int = 20_000) -> Stop:
    """Run until so many instructions are over, or never will be."""
    debugger.limit = limit
    stop = go(debugger)
    assert stop.kind is StopKind.LIMIT, stop
    return stop


NOWHERE = {
    "zero": 0,
    "a device that cannot be executed": UART,
    "past RAM": PAST_RAM,
    "no canonical address": 0x8000_0000_0000_0000,
    "the last halfword there is": (1 << 64) - 2,
}


@engines_both
@pytest.mark.parametrize("target", NOWHERE.values(), ids=NOWHERE)
def test_a_jump_to_nowhere(engine: str, target: int, tmp_path: Path) -> None:
    """mtvec is still 0, so the fault of the jump leads to the next one."""
    debugger = machine(tmp_path, engine, f"li t0, {target:#x}\njr t0")
    warnings = told(debugger)
    while not debugger.history():
        go(debugger, steps=1)
    first = debugger.history()[0]
    assert (first.pc, first.cause, first.tval) == (target, Cause.INSTRUCTION_ACCESS_FAULT, target)
    stop = run_into_limit(debugger)
    assert warnings[0].startswith("trap loop at 0x0: instruction access fault taken ")
    start = "the limit of 20000 instructions is never reached: trap loop at 0x0: instruction access fault taken "
    assert stop.text.startswith(start) and len(warnings) == 1
    assert debugger.history()[-1].pc == 0


@engines_both
def test_a_handler_that_traps_itself(engine: str, tmp_path: Path) -> None:
    """Instructions retire, but nothing is ever returned to."""
    handler = "la t0, handler\ncsrw mtvec, t0\necall\n.balign 4\nhandler: csrrw sp, mscratch, sp\nfault: sd ra, 8(zero)\nj ."
    debugger = machine(tmp_path, engine, handler)
    warnings = told(debugger)
    assert run_into_limit(debugger).text
    assert len(warnings) == 1 and warnings[0].startswith("trap loop at fault: store/AMO access fault taken ")


RETURNS = """
    la t0, handler
    csrw mtvec, t0
    la t0, bad
    csrw mepc, t0
    li t0, 0x1800
    csrw mstatus, t0
    mret
    .balign 4
handler:
    addi s0, s0, 1
    mret
bad:
    .word 0
"""


@engines_both
def test_a_handler_that_returns_to_the_culprit(engine: str, tmp_path: Path) -> None:
    debugger = machine(tmp_path, engine, RETURNS)
    warnings = told(debugger)
    run_into_limit(debugger)
    assert len(warnings) == 1 and warnings[0].startswith("trap loop at bad: illegal instruction taken ")


@engines_both
def test_many_traps_are_no_loop(engine: str, tmp_path: Path) -> None:
    """The same instruction traps again and again, but the program goes on behind it each time."""
    passing = RETURNS.replace("addi s0, s0, 1", "csrr t0, mepc\naddi t0, t0, 4\ncsrw mepc, t0")
    debugger = machine(tmp_path, engine, passing + "j bad")
    warnings = told(debugger)
    assert run_into_limit(debugger, 60_000).text == "60000 instructions are over"
    assert debugger.trap_loop() is None and warnings == []
    assert sum(event.cause == Cause.ILLEGAL_INSTRUCTION for event in debugger.history()) > 1000


@engines_both
def test_interrupts_do_not_hide_a_loop(engine: str, tmp_path: Path) -> None:
    """A timer interrupt that is due all the time is taken between the exceptions of the loop."""
    timer = """
    la t0, handler
    csrw mtvec, t0
    li t1, 0x02004000
    sd zero, (t1)
    li t0, 0x80
    csrw mie, t0
    la t0, bad
    csrw mepc, t0
    li t0, 0x1880
    csrw mstatus, t0
    mret
    .balign 4
handler:
    csrr t0, mcause
    bgez t0, 1f
    li t2, 0x0200bff8
    ld t2, (t2)
    addi t2, t2, 50
    sd t2, (t1)
1:  mret
bad:
    .word 0
    """
    debugger = machine(tmp_path, engine, timer)
    warnings = told(debugger)
    debugger.limit = 30_000
    go(debugger)
    causes = {event.cause for event in debugger.history()}
    assert causes == {Cause.ILLEGAL_INSTRUCTION, 1 << 63 | 7}
    assert len(warnings) == 1 and warnings[0].startswith("trap loop at bad: illegal instruction taken ")


@engines_both
def test_interrupting_a_trap_loop(engine: str, tmp_path: Path) -> None:
    """What Ctrl-C does in the console and gdb."""
    debugger = machine(tmp_path, engine, "jr zero")
    told(debugger)
    debugger.resume()
    time.sleep(0.3)
    begin = time.monotonic()
    debugger.interrupt()
    stop = debugger.wait(20)
    assert stop is not None and stop.kind is StopKind.INTERRUPTED and time.monotonic() - begin < 5
    assert stop.text == "stopped at 0x0" and str(debugger.trap_loop()).startswith("trap loop at 0x0: instruction access fault")
    assert debugger.explain()[-1] == debugger.trap_loop()
    assert debugger.read_register("mcause") == Cause.INSTRUCTION_ACCESS_FAULT


@engines_both
def test_the_hart_is_named(engine: str, tmp_path: Path) -> None:
    debugger = machine(tmp_path, engine, "jr zero", harts=2)
    warnings = told(debugger)
    run_into_limit(debugger)
    assert warnings[0].startswith("trap loop at 0x0: instruction access fault taken ")
    assert warnings[0].endswith(" times in a row, on hart 0") and len(warnings) == 1


@engines_both
def test_the_limit_is_for_the_hart_that_gets_furthest(engine: str, tmp_path: Path) -> None:
    debugger = machine(tmp_path, engine, "csrr t0, mhartid\nbeqz t0, .\njr zero", harts=2)
    assert run_into_limit(debugger).text == "20000 instructions are over"


@engines_both
@pytest.mark.parametrize("harts", [1, 3])
def test_all_harts_asleep(engine: str, harts: int, tmp_path: Path) -> None:
    debugger = machine(tmp_path, engine, "csrw mie, zero\n1: wfi\nj 1b", harts=harts)
    stop = go(debugger)
    assert (stop.kind, stop.text) == (StopKind.IDLE, "all harts wait in WFI and nothing can wake them")


@engines_both
def test_asleep_with_a_keyboard_that_cannot_wake(engine: str, tmp_path: Path) -> None:
    """A front end that could send input waits for it only where an interrupt could come of it."""
    debugger = machine(tmp_path, engine, "li t0, 0x8\ncsrw mie, t0\n1: wfi\nj 1b")
    debugger.waits_for_input = True
    assert go(debugger).kind is StopKind.IDLE


@engines_both
def test_asleep_with_a_keyboard_that_can_wake(engine: str, tmp_path: Path) -> None:
    """The wait ends by an interrupt request, too."""
    debugger = machine(tmp_path, engine, "li t0, 0x800\ncsrw mie, t0\n1: wfi\nj 1b")
    debugger.waits_for_input = True
    debugger.resume()
    assert debugger.wait(0.5) is None
    debugger.interrupt()
    stop = debugger.wait(20)
    assert stop is not None and stop.kind is StopKind.INTERRUPTED


class Spy:
    """A device that is not to be touched."""

    def __init__(self) -> None:
        self.touched = 0

    def read(self, offset: int, size: int) -> int:
        """Count it."""
        self.touched += 1
        return 0xFFFF_FFFF_FFFF_FFFF >> 64 - 8 * size

    def write(self, offset: int, size: int, value: int) -> None:
        """Count it."""
        self.touched += 1

    def peek(self, offset: int, size: int) -> int:
        """As read."""
        return 0


DEVICE = 0x4000_0000
ROOTS = {"a device": DEVICE, "nothing": 0x4100_0000, "past RAM": PAST_RAM, "far": 0xFFF_FFFF_C000}


@pytest.mark.parametrize("root", ROOTS.values(), ids=ROOTS)
@pytest.mark.parametrize("register", ["satp", "vsatp", "hgatp"])
def test_page_tables_that_are_not_memory(register: str, root: int) -> None:
    """Access faults of the original access (priv, Virtual Address Translation Process, step 2); no device is read."""
    engines, spy = Engines(), Spy()
    for each in engines.machines:
        each.bus.attach(DEVICE, 0x1_0000, spy)
    mstatus = 1 << 17 | 1 << 11 | (1 << 39 if register != "satp" else 0)  # MPRV, MPP S; MPV
    accesses = (0x0005_B603, Cause.LOAD_ACCESS_FAULT), (0x00C5_B023, Cause.STORE_ACCESS_FAULT)  # ld a2, (a1); sd a2, (a1)
    for instruction, cause in accesses:
        engines.begin("M", mtvec=RAM + 0x100, mstatus=mstatus, **{register: 8 << 60 | root >> 12})
        engines.code(RAM, [instruction])
        h = engines.run(1, x11=PAGE)
        assert (h.pc, h.mcause, h.mtval) == (RAM + 0x100, cause, PAGE)
    engines.begin("HS" if register == "satp" else "VS", mtvec=RAM + 0x100, **{register: 8 << 60 | root >> 12})
    engines.code(RAM, [])
    h = engines.run(1)
    assert (h.pc, h.mcause, h.mtval) == (RAM + 0x100, Cause.INSTRUCTION_ACCESS_FAULT, RAM)
    assert spy.touched == 0


@pytest.mark.parametrize("seed", range(3))
def test_garbage_in_every_csr(seed: int) -> None:
    """Any value in any CSR from M-mode: both engines go on, alike, whatever follows."""
    engines, source = Engines(), random.Random(seed)
    for csr in CSRS_BY_ADDRESS.values():
        operation = source.choice((1, 2, 3))
        value = source.choice((source.getrandbits(64), (1 << 64) - 1, source.getrandbits(64) << 12 & (1 << 64) - 1))
        engines.begin("M", mtvec=RAM + 0x80)
        engines.map(RAM, 0xDF)
        engines.code(RAM + 0x80, [0x0000_0013] * 4)
        write, read = csr.address << 20 | 11 << 15 | operation << 12 | 12 << 7 | 0x73, csr.address << 20 | 0x26F3
        engines.code(RAM, [write, read, 0x0000_0073, 0x3020_0073])  # ecall, mret
        engines.run(12, x11=value)
