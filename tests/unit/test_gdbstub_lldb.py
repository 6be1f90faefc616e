# SPDX-License-Identifier: Apache-2.0
"""LLDB's conversation with the real machine, packet by packet as LLDB 19.1 sends it.

LLDB itself is not needed: Debian's package brings 250 MB along. What it sends was read from its own log (`log enable gdb-remote
packets`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from core.boot.loader import BootConfig
from core.debug.target import Debugger
from core.machine import Machine, MachineConfig
from gdbstub.framing import Deframer, Packet, frame
from gdbstub.riscv.processes import Mode
from gdbstub.riscv.regnums import MODE, csr_number
from gdbstub.riscv.target import RiscvTarget
from gdbstub.session import Session
from tests.gdb.machine import PREBUILT

FEATURES = b"qSupported:xmlRegisters=i386,arm,mips,arc;multiprocess+;fork-events+;vfork-events+"
STOP = re.compile(rb"T05(?:(?P<cause>\w+):(?P<value>\w*);)?thread:p1\.1;20:(?P<pc>\w{16});")
UNKNOWN = (
    b"QThreadSuffixSupported", b"QListThreadsInStopReply", b"qVAttachOrWaitSupported", b"QEnableErrorStrings",
    b"qStructuredDataPlugins", b"qOffsets", b"jThreadsInfo", b"jThreadExtendedInfo:", b"qWatchpointSupportInfo:",
)  # fmt: skip
SCAUSE, HGATP, A7 = csr_number(0x142), csr_number(0x680), 17


class Conversation:
    """One LLDB that has connected."""

    def __init__(self, example: str, symbols: str | None = None) -> None:
        config = MachineConfig(BootConfig(PREBUILT / f"{example}.elf"), engine="reference", memory=8 << 20)
        self.debugger = Debugger(Machine(config))
        self.debugger.machine.console_output = lambda data: None
        if symbols:
            self.debugger.set_symbols("guest:*", PREBUILT / f"{symbols}.elf")
        self.session = Session(RiscvTarget(self.debugger, Mode.AUTO))
        assert self.ask(b"QStartNoAckMode") == b"OK"
        assert b"PacketSize=" in self.ask(FEATURES)

    def send(self, body: bytes) -> list[bytes]:
        """The bodies of the answers."""
        return [item.body for item in Deframer().feed(self.session.receive(frame(body))) if isinstance(item, Packet)]

    def ask(self, body: bytes) -> bytes:
        """The only answer."""
        (answer,) = self.send(body)
        return answer

    def go(self, body: bytes) -> list[bytes]:
        """What comes of a packet that resumes the machine."""
        answers = self.send(body)
        assert self.debugger.wait(20) is not None
        return answers + [item.body for item in Deframer().feed(self.session.target_stopped()) if isinstance(item, Packet)]

    def stopped(self, body: bytes) -> re.Match[bytes]:
        """The stop report after resuming."""
        report = STOP.match(self.go(body)[-1])
        assert report
        return report

    def register(self, number: int) -> int:
        """A register by number."""
        return int.from_bytes(bytes.fromhex(self.ask(b"p%x" % number).decode()), "little")

    def address(self, symbol: str) -> int:
        """Where a symbol of the hypervisor is."""
        found = self.debugger.symbols.address_of(symbol)
        assert found is not None
        return found


@pytest.fixture
def lldb() -> Iterator[Callable[..., Conversation]]:
    """Starts conversations, and ends their machines after the test."""
    started: list[Conversation] = []

    def start(example: str = "hello", symbols: str | None = None) -> Conversation:
        started.append(Conversation(example, symbols))
        return started[-1]

    yield start
    for one in started:
        one.debugger.close()


def pc(report: re.Match[bytes]) -> int:
    return int.from_bytes(bytes.fromhex(report["pc"].decode()), "little")


def test_connecting(lldb: Callable[..., Conversation]) -> None:
    one = lldb()
    triple = b"triple:%b;endian:little;ptrsize:8;" % b"riscv64-unknown-unknown-elf".hex().encode()
    assert one.ask(b"qHostInfo") == triple + b"watchpoint_exceptions_received:after;"
    assert one.ask(b"vCont?") == b"vCont;c;C;s;S;t;r"
    assert one.ask(b"qProcessInfo").startswith(b"pid:1;" + triple)
    assert STOP.match(one.ask(b"?"))
    assert one.ask(b"qXfer:features:read:target.xml:0,1ffef").startswith(b"l<?xml")
    assert one.ask(b"Hg1") == b"OK"  # without a process, although it has announced multiprocess
    assert (one.ask(b"qfThreadInfo"), one.ask(b"qsThreadInfo")) == (b"mp1.1", b"l")
    assert one.ask(b"qSymbol::") == b"OK"
    assert one.ask(b"x0,0") == b"b"  # is this packet known?
    assert [one.ask(body) for body in UNKNOWN] == [b""] * len(UNKNOWN)


def test_break_step_and_look(lldb: Callable[..., Conversation]) -> None:
    one = lldb()
    entry = one.address("guest_entry")
    assert one.ask(b"Z0,%x,2" % entry) == b"OK"
    report = one.stopped(b"vCont;c:p1.-1")
    assert (report["cause"], pc(report)) == (None, entry)  # it has not announced swbreak, and looks for its own at pc
    assert (one.register(MODE), one.register(HGATP) >> 60) == (5, 8)
    assert one.ask(b"z0,%x,2" % entry) == b"OK"
    assert pc(one.stopped(b"vCont;s:p1.1")) != entry
    vector = one.address("trap_vector")
    one.ask(b"Z0,%x,2" % vector)
    assert pc(one.stopped(b"vCont;c:p1.-1")) == vector
    assert one.register(SCAUSE) == 10
    assert one.ask(b"P%x=4200000000000000" % A7) == b"OK"
    assert one.register(A7) == 0x42
    assert one.ask(b"qMemoryRegionInfo:%x" % vector).endswith(b"permissions:rwx;")
    assert one.ask(b"qMemoryRegionInfo:0").startswith(b"start:0;size:")
    assert len(one.ask(b"m%x,200" % (vector & -0x200))) == 2 * 0x200


def test_watchpoint_and_end(lldb: Callable[..., Conversation]) -> None:
    one = lldb()
    main = one.address("main")
    one.ask(b"Z0,%x,2" % main)
    assert pc(one.stopped(b"vCont;c:p1.-1")) == main
    one.ask(b"z0,%x,2" % main)
    variable = one.address("vcpu")
    assert one.ask(b"Z2,%x,8" % variable) == b"OK"
    report = one.stopped(b"vCont;c:p1.-1")
    assert (report["cause"], int(report["value"], 16)) == (b"watch", variable)
    assert one.ask(b"z2,%x,8" % variable) == b"OK"
    assert one.go(b"vCont;c:p1.-1")[-1] == b"W00;process:1"


def test_guests_do_not_confuse_it(lldb: Callable[..., Conversation]) -> None:
    """It knows no exec events, so it sees one process, whatever is known of the guests."""
    one = lldb("twins", "twins-guest")
    assert one.ask(b"Z0,10000,2") == b"OK"
    assert pc(one.stopped(b"vCont;c:p1.-1")) == 0x10000
    assert one.register(MODE) == 4
    assert one.ask(b"qfThreadInfo") == b"mp1.1"
