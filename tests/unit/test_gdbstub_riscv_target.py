# SPDX-License-Identifier: Apache-2.0
"""The real machine behind the protocol: what stops, registers, memory and breakpoints become in packets."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Iterator

import pytest

from core.boot.loader import BootConfig
from core.csr.registry import CSRS_BY_NAME
from core.debug.target import Debugger, Event, StopKind, Stopped
from core.features import DEFAULT_FEATURES, Feature
from core.machine import Machine, MachineConfig
from gdbstub.framing import Deframer, Packet, frame
from gdbstub.interface import Action, Cause, Motion, Point, Signal, TargetError, TargetRunning, ThreadId
from gdbstub.riscv.regnums import F0, MODE, PC, csr_number
from gdbstub.riscv.target import RiscvTarget
from gdbstub.session import Session
from tests.gdb.machine import PREBUILT
from tests.unit.test_gdbstub_fuzz import SILENT, random_body

FIRST = ThreadId(1, 1)
GO = {FIRST: Action(Motion.CONTINUE)}
STEP = {FIRST: Action(Motion.STEP)}


def machine(example: str, harts: int = 1) -> Debugger:
    config = MachineConfig(BootConfig(PREBUILT / f"{example}.elf"), engine="reference", memory=8 << 20, harts=harts)
    return Debugger(Machine(config))


@pytest.fixture
def debugger() -> Iterator[Debugger]:
    debugger = machine("hello")
    yield debugger
    debugger.close()


@pytest.fixture
def target(debugger: Debugger) -> RiscvTarget:
    return RiscvTarget(debugger)


def address(debugger: Debugger, name: str) -> int:
    found = debugger.symbols.address_of(name)
    assert found is not None
    return found


def run_to(target: RiscvTarget, name: str) -> None:
    target.insert(FIRST, Point.SOFTWARE_BREAKPOINT, address(target.debugger, name), 2)
    target.resume(GO)
    target.debugger.wait(20)
    target.release()


def test_running_until_the_stop_has_been_taken_in(debugger: Debugger) -> None:
    """A session looks at `running` right after resuming: it must not find the stop before what goes with it."""
    told, go_on, heard = threading.Event(), threading.Event(), threading.Event()

    def listener(event: Event) -> None:
        if isinstance(event, Stopped):
            told.set()
            go_on.wait(20)

    debugger.subscribe(listener)
    target = RiscvTarget(debugger)
    target.subscribe(heard.set, lambda text: None)
    target.resume(GO)
    target.interrupt()
    assert told.wait(20)
    assert (debugger.running, target.running) == (False, True)
    go_on.set()
    assert heard.wait(20)
    assert not target.running


def test_breakpoints_are_reported_as_such_only_if_ours(target: RiscvTarget, debugger: Debugger) -> None:
    entry, main = address(debugger, "guest_entry"), address(debugger, "guest_main")
    target.insert(FIRST, Point.SOFTWARE_BREAKPOINT, entry, 4)
    target.insert(FIRST, Point.SOFTWARE_BREAKPOINT, entry, 4)
    assert [(p.kind, p.address, p.owner) for p in debugger.breakpoints()] == [("break", entry, "gdb")]
    number = debugger.add_breakpoint(main, owner="console").number
    target.resume(GO)
    debugger.wait(20)
    report = target.stop_report()
    assert (report.thread, report.signal, report.cause, report.remark) == (
        FIRST, Signal.TRAP, Cause.SOFTWARE_BREAKPOINT, "",
    )  # fmt: skip
    target.resume(GO)
    debugger.wait(20)
    report = target.stop_report()
    assert (report.cause, report.remark) == (Cause.PLAIN, f"breakpoint {number} at guest_main")
    target.remove(FIRST, Point.SOFTWARE_BREAKPOINT, entry, 4)
    target.remove(FIRST, Point.SOFTWARE_BREAKPOINT, entry, 4)
    target.resume(STEP)  # gdb takes out at each stop what it puts back before it resumes
    assert [p.owner for p in debugger.breakpoints()] == ["console"]


def test_hardware_breakpoint(target: RiscvTarget, debugger: Debugger) -> None:
    target.insert(FIRST, Point.HARDWARE_BREAKPOINT, address(debugger, "guest_entry"), 4)
    target.resume(GO)
    debugger.wait(20)
    assert target.stop_report().cause is Cause.HARDWARE_BREAKPOINT


def test_watchpoint(target: RiscvTarget, debugger: Debugger) -> None:
    vcpu = address(debugger, "vcpu")
    target.insert(FIRST, Point.WRITE_WATCH, vcpu, 8)
    target.resume(GO)
    debugger.wait(20)
    report = target.stop_report()
    assert (report.cause, report.address, report.remark) == (Cause.WRITE_WATCH, vcpu, "")


def test_a_breakpoint_the_console_deleted_can_still_be_removed(target: RiscvTarget, debugger: Debugger) -> None:
    target.insert(FIRST, Point.SOFTWARE_BREAKPOINT, 0x80200000, 4)
    debugger.remove_breakpoint(debugger.breakpoints()[0].number)
    target.remove(FIRST, Point.SOFTWARE_BREAKPOINT, 0x80200000, 4)
    target.insert(FIRST, Point.SOFTWARE_BREAKPOINT, 0x80200000, 4)
    assert len(debugger.breakpoints()) == 1


def test_step_and_range(target: RiscvTarget, debugger: Debugger) -> None:
    start = debugger.stop.pc
    target.resume(STEP)
    assert not target.running
    assert debugger.stop.kind is StopKind.STEP
    target.resume({FIRST: Action(Motion.RANGE, start, start + 10)})
    debugger.wait(5)
    assert debugger.stop.pc >= start + 10
    assert target.stop_report() == target.stop_report()
    assert target.stop_report().cause is Cause.PLAIN


def test_running_machine_refuses_and_is_released_later(debugger: Debugger) -> None:
    loop = machine("loop")
    target = RiscvTarget(loop)
    target.insert(FIRST, Point.SOFTWARE_BREAKPOINT, 0x80000000, 4)
    target.resume(GO)
    requests: tuple[Callable[[], object], ...] = (
        lambda: target.read_general(FIRST),
        lambda: target.read_memory(FIRST, 0x80200000, 4),
        lambda: target.resume(STEP),
        lambda: target.insert(FIRST, Point.SOFTWARE_BREAKPOINT, 0, 4),
    )
    for request in requests:
        with pytest.raises(TargetRunning, match="the machine is running"):
            request()
    assert target.describe(FIRST) == "hart 0, running"
    target.release()
    target.interrupt()
    assert loop.wait(5) is not None
    assert loop.breakpoints() == []
    assert target.stop_report().signal is Signal.INT
    loop.close()


def test_registers(target: RiscvTarget, debugger: Debugger) -> None:
    hart = debugger.machine.harts[0]
    run_to(target, "guest_entry")
    general = target.read_general(FIRST)
    assert general is not None and len(general) == 33 * 8
    assert int.from_bytes(general[-8:], "little") == address(debugger, "guest_entry") == hart.pc
    target.write_general(FIRST, b"".join(n.to_bytes(8, "little") for n in range(1, 33)) + hart.pc.to_bytes(8, "little"))
    assert list(hart.x) == [0, *range(2, 33)]
    target.write_register(FIRST, 8, (77).to_bytes(8, "little"))
    target.write_register(FIRST, F0 + 10, (78).to_bytes(8, "little"))
    assert (hart.x[8], hart.f[10]) == (77, 78)
    assert target.read_register(FIRST, MODE) == b"\5"
    known = {
        PC: hart.pc.to_bytes(8, "little"), 2: (3).to_bytes(8, "little"), 8: (77).to_bytes(8, "little"),
        1: (2).to_bytes(8, "little"),
    }  # fmt: skip
    assert dict(target.expedited(FIRST)) == known  # who has not read the description does not know the number of others
    assert target.document("features", "target.xml") is not None
    assert dict(target.expedited(FIRST)) == known | {MODE: b"\5"}
    target.write_pc(FIRST, 0x80200000)
    assert hart.pc == 0x80200000


def test_csrs(target: RiscvTarget, debugger: Debugger) -> None:
    hart = debugger.machine.harts[0]
    target.write_register(FIRST, csr_number(0x140), b"\1\2\3\4\5\6\7\x08")
    assert hart.sscratch == 0x0807060504030201
    target.write_register(FIRST, csr_number(0x645), b"\xff\xff\xff\xff")  # hvip: three bits may be set
    assert target.read_register(FIRST, csr_number(0x645)) == b"\x44\x04\0\0"
    with pytest.raises(TargetError):
        target.write_register(FIRST, csr_number(0xE12), bytes(8))  # hgeip is read-only
    with pytest.raises(TargetError, match="there is no register number 9999"):
        target.read_register(FIRST, 9999)
    fcsr = target.read_register(FIRST, csr_number(3))
    assert fcsr is None or len(fcsr) == 4


def test_every_described_register_can_be_read(target: RiscvTarget) -> None:
    for number, register in target.description.registers.items():
        contents = target.read_register(FIRST, number)
        assert contents is None or len(contents) == register.width, register.name


def test_memory(target: RiscvTarget) -> None:
    target.write_memory(FIRST, 0x80400000, b"hartline")
    assert target.read_memory(FIRST, 0x80400000, 8) == b"hartline"
    assert target.read_memory(FIRST, 0x80800000 - 4, 100) == bytes(4)  # the end of RAM
    with pytest.raises(TargetError) as raised:
        target.read_memory(FIRST, 0x80800000, 4)
    assert raised.value.code == 14
    with pytest.raises(TargetError):
        target.write_memory(FIRST, 0x80800000 - 4, b"hartline")
    with pytest.raises(TargetError):
        target.read_memory(FIRST, (1 << 64) - 4, 100)


def test_memory_is_what_the_guest_sees(target: RiscvTarget, debugger: Debugger) -> None:
    here = address(debugger, "main")
    assert len(target.read_memory(FIRST, here, 4)) == 4
    run_to(target, "guest_entry")
    with pytest.raises(TargetError):  # the hypervisor's code is not mapped for the guest
        target.read_memory(FIRST, here, 4)
    assert len(target.read_memory(FIRST, debugger.stop.pc, 4)) == 4


def test_threads() -> None:
    debugger = machine("hello", harts=2)
    target = RiscvTarget(debugger)
    assert list(target.threads()) == [ThreadId(1, 1), ThreadId(1, 2)]
    assert target.describe(ThreadId(1, 1)) == "HS, hart 0, stopped: reset"
    assert target.describe(ThreadId(1, 2)).endswith(", hart 1, waits for sbi_hart_start")
    target.resume({ThreadId(1, 1): Action(Motion.STEP), ThreadId(1, 2): Action(Motion.CONTINUE)})
    assert (debugger.stop.kind, debugger.stop.hart) == (StopKind.STEP, 0)
    debugger.close()


def test_one_hart_runs_while_gdb_holds_the_others() -> None:
    debugger = machine("hello", harts=3)
    target = RiscvTarget(debugger)
    target.resume({ThreadId(1, 2): Action(Motion.CONTINUE)})
    assert debugger.wait(20) is not None
    assert debugger.stop.text == "hart 1 is stopped: it runs after sbi_hart_start"
    debugger.machine.firmware.hart_start(1, debugger.stop.pc, 0)
    start = debugger.read_register("pc", 0)
    debugger.add_breakpoint(address(debugger, "main"), owner="test")
    target.resume({ThreadId(1, 2): Action(Motion.CONTINUE)})
    assert debugger.wait(20) is not None
    assert (debugger.stop.hart, debugger.stop.text, debugger.read_register("pc", 0)) == (1, "breakpoint 1 at main", start)
    with pytest.raises(TargetError, match="harts run all, or one alone"):
        target.resume({ThreadId(1, 1): Action(Motion.CONTINUE), ThreadId(1, 3): Action(Motion.CONTINUE)})
    debugger.close()


def test_the_end_and_a_new_beginning(target: RiscvTarget, debugger: Debugger) -> None:
    start = debugger.stop.pc
    target.resume(GO)
    debugger.wait(20)
    assert target.stop_report().exit_code == 0
    target.resume(GO)  # the report stays what it is
    assert target.stop_report().exit_code == 0
    target.reset()
    assert (target.stop_report().exit_code, debugger.stop.pc) == (None, start)


def test_a_machine_that_nothing_will_wake_says_so(target: RiscvTarget, debugger: Debugger) -> None:
    target.write_memory(FIRST, debugger.stop.pc, (0x10500073).to_bytes(4, "little"))  # wfi
    target.resume(GO)
    assert debugger.wait(5) is not None
    report = target.stop_report()
    assert (report.signal, report.cause, report.exit_code) == (Signal.NONE, Cause.PLAIN, None)
    assert report.remark == "all harts wait in WFI and nothing can wake them"
    assert target.describe(FIRST) == "HS, hart 0, stopped: idle"


def test_packets_that_do_not_write_change_nothing(target: RiscvTarget, debugger: Debugger) -> None:
    """Random packets, good and bad, at the guest's first instruction."""
    run_to(target, "guest_entry")
    source = random.Random(5)
    session = Session(target)
    hart = debugger.machine.harts[0]

    def state() -> tuple[object, str]:
        return hart.snapshot(), hashlib.sha256(debugger.machine.ram_view).hexdigest()

    before = state()
    for _ in range(5000):
        body = random_body(source)
        if body[:1] in b"GPMXcCsSRDk" or body.startswith((b"v", b"qRcmd")):
            continue
        answered = any(isinstance(item, Packet) for item in Deframer(1 << 20).feed(session.receive(frame(body))))
        assert answered or body.startswith(SILENT), body
    assert state() == before


def test_reading_has_no_side_effects() -> None:
    """seed keeps its entropy and the UART its input, however often a debugger looks."""
    config = BootConfig(PREBUILT / "hello.elf")
    features = DEFAULT_FEATURES | Feature.ZKR
    debugger = Debugger(Machine(MachineConfig(config, engine="reference", memory=8 << 20, features=features)))
    session, hart = Session(RiscvTarget(debugger)), debugger.machine.harts[0]
    debugger.machine.console_input(b"typed")
    debugger.machine.take_input()

    def ask(body: bytes) -> bytes:
        (answer,) = (item.body for item in Deframer(1 << 20).feed(session.receive(frame(body))) if isinstance(item, Packet))
        return answer

    before = hart.snapshot()
    seed = ask(b"p%x" % csr_number(CSRS_BY_NAME["seed"].address))
    assert int.from_bytes(bytes.fromhex(seed.decode()), "little") >> 30 == 2  # ES16: there is entropy
    assert ask(b"p%x" % csr_number(CSRS_BY_NAME["seed"].address)) == seed
    uart = ask(b"m10000000,8")
    assert bytes.fromhex(uart[:2].decode()) == b"t"
    assert bytes.fromhex(uart[10:12].decode())[0] & 1  # LSR: data ready
    assert ask(b"m10000000,8") == uart
    assert ask(b"mc201004,4") == ask(b"mc201004,4")
    assert hart.snapshot() == before
    debugger.close()
