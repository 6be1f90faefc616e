# SPDX-License-Identifier: Apache-2.0
"""Packets beyond the daily ones: files, searching, LLDB's and QEMU's own, what is refused honestly, and the catalogue."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import pytest

from gdbstub import catalogue
from gdbstub.files import OPEN_LIMIT
from gdbstub.framing import PACKET_LIMIT
from gdbstub.grammar import PACKETS, split
from gdbstub.interface import Cause
from gdbstub.packets.files import CALLS
from gdbstub.packets.search import LIMIT
from gdbstub.packets.transfer import KINDS
from gdbstub.session import Session
from tests.support.fake_target import SIZE, FakeTarget
from tests.unit.test_gdbstub_packets import Client

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "gdb.md"


@pytest.fixture
def target() -> FakeTarget:
    return FakeTarget()


@pytest.fixture
def ask(target: FakeTarget) -> Client:
    return Client(Session(target))


def path(name: str) -> bytes:
    return name.encode().hex().encode()


# vFile


def test_a_program_is_read_as_a_file(ask: Client, target: FakeTarget) -> None:
    target.files["/host.elf"] = contents = b"\x7fELF" + bytes(range(256)) * 300
    assert ask(b"qXfer:exec-file:read:1:0,100") == b"l/host.elf"
    assert ask(b"qXfer:exec-file:read::0,100") == b"l/host.elf"
    assert ask(b"vFile:setfs:0") == b"F0"
    assert ask(b"vFile:open:" + path("/host.elf") + b",0,1c0") == b"F0"
    status = ask(b"vFile:fstat:0")
    assert status[:4] == b"F40;"
    assert struct.unpack(">7I3Q3I", status[4:])[2] == 0o100444
    assert struct.unpack(">7I3Q3I", status[4:])[7] == len(contents)
    assert ask(b"vFile:stat:" + path("/host.elf")) == ask(b"vFile:lstat:" + path("/host.elf")) == status
    read = b""
    while piece := ask(b"vFile:pread:0,8000,%x" % len(read)).partition(b";")[2]:
        read += piece
    assert read == contents
    assert ask(b"vFile:pread:0,3,1") == b"F3;ELF"
    assert ask(b"vFile:pread:0,100,ffffff") == b"F0;"
    assert ask(b"vFile:close:0") == b"F0"


def test_no_other_file_is_served(ask: Client) -> None:
    assert ask(b"vFile:open:" + path("/etc/passwd") + b",0,0") == b"F-1,2"
    assert ask(b"vFile:stat:" + path("/etc/passwd")) == b"F-1,2"
    assert ask(b"vFile:open:" + path("/host.elf") + b",1,0") == b"F-1,d"
    assert ask(b"vFile:readlink:" + path("/host.elf")) == b"F-1,16"
    assert ask(b"vFile:readlink:" + path("/x")) == b"F-1,2"
    assert ask(b"vFile:unlink:" + path("/host.elf")) == b"F-1,d"
    assert ask(b"vFile:pwrite:0,0,abc") == b"F-1,d"
    for body in (b"vFile:close:0", b"vFile:fstat:7", b"vFile:pread:0,1,0"):
        assert ask(body) == b"F-1,9"
    assert ask(b"vFile:chmod:0") == b""
    assert ask(b"vFile:open:" + path("/host.elf")) == b"E16"
    for number in range(OPEN_LIMIT):
        assert ask(b"vFile:open:" + path("/host.elf") + b",0,0") == b"F%x" % number
    assert ask(b"vFile:open:" + path("/host.elf") + b",0,0") == b"F-1,18"
    assert ask(b"qXfer:exec-file:read:7:0,100") == b"E00"
    assert ask(b"qXfer:exec-file:read:zz:0,100") == b"E00"


def test_a_piece_of_a_file_fits_a_packet_whatever_its_bytes(ask: Client, target: FakeTarget) -> None:
    target.files["/host.elf"] = b"}" * 1000000
    ask(b"vFile:open:" + path("/host.elf") + b",0,0")
    assert 50000 < len(ask(b"vFile:pread:0,fffff,0")) < PACKET_LIMIT // 2


# Looking through memory


def test_search(ask: Client, target: FakeTarget) -> None:
    target.memory[0x8000:0x8004] = b"}#$*"
    target.memory[-2:] = b"zz"
    assert ask(b"qSearch:memory:80000000;10000;}#$*") == b"1,80008000"
    assert ask(b"qSearch:memory:80008000;4;}#$*") == b"1,80008000"
    assert ask(b"qSearch:memory:80008001;100;}#$*") == b"0"
    assert ask(b"qSearch:memory:80008000;3;}#$*") == b"0"
    assert ask(b"qSearch:memory:80000000;10000;zz") == b"1,8000fffe"
    assert ask(b"qSearch:memory:80000000;10004;yy") == b"E0e"  # memory ends before the range does
    assert ask(b"qSearch:memory:80000000;10000;") == b"E01"
    assert ask(b"qSearch:memory:80000000;%x;a" % (LIMIT + 1)) == b"E01"
    assert ask(b"qSearch:other:0;1;a") == b"E16"


def test_search_across_pieces(ask: Client, target: FakeTarget) -> None:
    whole = bytes(target.memory)
    read = target.read_memory
    target.read_memory = lambda t, a, n, physical=False: read(t, a, min(n, 7))  # type: ignore[method-assign, misc]
    target.memory[0x105:0x10D] = b"hartline"
    assert ask(b"qSearch:memory:80000000;1000;hartline") == b"1,80000105"
    assert whole.count(b"hartline") == 0


def test_crc(ask: Client, target: FakeTarget) -> None:
    target.memory[0x100:0x109] = b"123456789"
    assert ask(b"qCRC:80000100,9") == b"C376e6e7"  # the check value of CRC-32/MPEG-2
    assert ask(b"qCRC:80000000,0") == b"Cffffffff"
    bits = zlib.crc32(bytes(int(f"{byte:08b}"[::-1], 2) for byte in target.memory)) ^ 0xFFFFFFFF
    assert int(ask(b"qCRC:80000000,%x" % SIZE)[1:], 16) == int(f"{bits:032b}"[::-1], 2)
    assert ask(b"qCRC:0,4") == b"E0e"


# Physical memory


def test_physical_memory_mode(ask: Client, target: FakeTarget) -> None:
    target.memory[0:4] = b"hart"
    assert ask(b"qqemu.PhyMemMode") == b"0"
    assert ask(b"m0,4") == b"E0e"
    assert ask(b"Qqemu.PhyMemMode:1") == b"OK"
    assert ask(b"qqemu.PhyMemMode") == b"1"
    assert (ask(b"m0,4"), ask(b"x0,4")) == (b"68617274", b"bhart")
    assert (ask(b"M4,1:41"), ask(b"X5,1:B")) == (b"OK", b"OK")
    assert target.memory[:6] == b"hartAB"
    assert ask(b"qSearch:memory:0;10;tA") == b"1,3"
    assert ask(b"Qqemu.PhyMemMode:0") == b"OK"
    assert ask(b"m0,4") == b"E0e"


# LLDB


def test_what_lldb_asks(ask: Client, target: FakeTarget) -> None:
    triple = b"riscv64-unknown-unknown-elf".hex().encode()
    assert ask(b"qHostInfo") == b"triple:%b;endian:little;ptrsize:8;" % triple
    assert ask(b"qProcessInfo").startswith(b"pid:1;triple:")
    assert ask(b"qRegisterInfo0") == (b"name:zero;bitsize:64;offset:0;encoding:uint;format:hex;set:general;gcc:0;dwarf:0;")
    assert ask(b"qRegisterInfo20").startswith(b"name:pc;bitsize:64;offset:256;")
    assert ask(b"qRegisterInfo%x" % len(target.registers())) == b"E45"
    assert ask(b"qMemoryRegionInfo:80000004") == b"start:80000000;size:10000;permissions:rwx;"
    assert ask(b"qMemoryRegionInfo:4") == b"start:0;size:80000000;"
    assert split(b"qRegisterInfo1f") == (b"qRegisterInfo", b"1f")


# What is answered with a no


def test_backwards_and_non_stop(ask: Client) -> None:
    assert (ask(b"bs"), ask(b"bc"), ask(b"b9600")) == (b"E01", b"E01", b"")
    assert (ask(b"QNonStop:0"), ask(b"QNonStop:1")) == (b"OK", b"E01")
    ask(b"qSupported:error-message+")
    assert ask(b"bs") == b"E.no history is recorded, so the machine cannot run backwards"
    assert ask(b"QNonStop:1").startswith(b"E.non-stop mode is not supported")


def test_osdata(ask: Client) -> None:
    assert ask(b"qXfer:osdata:read::0,100") == b"l<osdata/>"
    assert ask(b"qXfer:osdata:read:processes:0,100") == b"E00"


# The catalogue

MANUAL = """
! ? A b B c C d D F g G H i I k m M p P r R s S t T x X z Z
vAttach vCont vCont? vCtrlC vFile vFlashErase vFlashWrite vFlashDone vKill vMustReplyEmpty vRun vStopped
QAgent QAllow qC qCRC QDisableRandomization QStartupWithShell QEnvironmentHexEncoded QEnvironmentUnset QEnvironmentReset
QSetWorkingDir qfThreadInfo qsThreadInfo qGetTLSAddr qGetTIBAddr qL qMemTags qIsAddressTagged QMemTags qOffsets qP QNonStop
QCatchSyscalls QPassSignals QProgramSignals QThreadEvents QThreadOptions qRcmd qSearch QStartNoAckMode qSupported qSymbol
QTBuffer qTBuffer QTDP QTDPsrc QTDV qTfP qTsP qTfV qTsV QTFrame qTStatus qTP qTV qTMinFTPILen QTNotes QTSave QTStart QTStop
QTEnable QTDisable QTinit QTro qTfSTM qTsSTM qTSTMat qThreadExtraInfo qXfer qAttached Qbtrace Qbtrace-conf qExecAndArgs
""".split()
"""Names of all packets in gdb's manual (18)."""

OBJECTS = """
auxv btrace btrace-conf exec-file features libraries libraries-svr4 memory-map sdata siginfo statictrace threads
traceframe-info uib fdpic osdata
""".split()
"""Objects of qXfer there."""

FEATURES = """
PacketSize augmented-libraries-svr4-read Qbtrace:off Qbtrace:bts Qbtrace:pt Qbtrace-conf:bts:size Qbtrace-conf:pt:size
Qbtrace-conf:pt:ptwrite Qbtrace-conf:pt:event-tracing QNonStop QCatchSyscalls QPassSignals QStartNoAckMode multiprocess
ConditionalBreakpoints ConditionalTracepoints ReverseContinue ReverseStep TracepointSource QAgent QAllow
QDisableRandomization EnableDisableTracepoints QTBuffer:size tracenz BreakpointCommands swbreak hwbreak fork-events
vfork-events exec-events QThreadEvents QThreadOptions no-resumed memory-tagging error-message binary-upload single-inf-arg
multi-wp-addr StaticTracepoints InstallInTrace
""".split()
"""Features a stub can report in qSupported there, beside the objects of qXfer."""

STOP_REASONS = """
watch rwatch awatch syscall_entry syscall_return library replaylog swbreak hwbreak fork vfork vforkdone clone exec create
thread core
""".split()
"""What may stand in a stop reply T there, beside registers."""

FILE_OPERATIONS = "open close pread pwrite fstat stat lstat unlink readlink setfs".split()


def test_every_reply_of_the_manual_is_sent_or_has_a_reason() -> None:
    said = {cause.value for cause in Cause if cause is not Cause.PLAIN} | {"thread", "exec", "library"}
    assert set(catalogue.STOP_REASONS) == said
    assert said | set(catalogue.UNSUPPORTED_STOP_REASONS) == set(STOP_REASONS)
    assert not said & set(catalogue.UNSUPPORTED_STOP_REASONS)
    assert {*catalogue.REPLIES, *catalogue.UNSUPPORTED_REPLIES} >= set("STWXwONEF")
    assert not set(catalogue.REPLIES) & set(catalogue.UNSUPPORTED_REPLIES)


def test_every_file_operation_of_the_manual_is_known() -> None:
    assert sorted(CALLS) == sorted(FILE_OPERATIONS)
    assert sorted(", ".join(catalogue.FILE_OPERATIONS).split(", ")) == sorted(FILE_OPERATIONS)


def test_every_packet_of_the_manual_is_supported_or_has_a_reason(ask: Client) -> None:
    for name in MANUAL:
        assert (name.encode() in PACKETS) != (name in catalogue.UNSUPPORTED), name
    assert set(OBJECTS) == set(KINDS) | set(catalogue.UNSUPPORTED_OBJECTS)
    assert not set(KINDS) & set(catalogue.UNSUPPORTED_OBJECTS)
    offered = {feature.rstrip("+").partition("=")[0] for feature in ask(b"qSupported").decode().split(";")}
    for feature in FEATURES:
        refused = {*catalogue.UNSUPPORTED, *catalogue.UNSUPPORTED_FEATURES}
        assert feature in offered or feature.partition(":")[0] in refused or feature.encode() in PACKETS, feature
    assert not offered & {*catalogue.UNSUPPORTED, *catalogue.UNSUPPORTED_FEATURES}


@pytest.mark.parametrize("name", catalogue.UNSUPPORTED)
def test_what_is_not_supported_gets_the_empty_reply(ask: Client, name: str) -> None:
    assert ask(name.encode()) == b""
    assert ask(name.encode() + b":1") == b""


def test_the_documentation_has_the_catalogue() -> None:
    between = re.search(r"<!-- packets -->\n(.*)<!-- end of packets -->", DOCUMENTATION.read_text(), re.DOTALL)
    assert between, "docs/gdb.md has lost its marks"
    assert between[1].strip() == "\n".join(catalogue.table()), "run: python -m gdbstub.catalogue"
