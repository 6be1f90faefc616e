# SPDX-License-Identifier: Apache-2.0
"""Packets, one by one: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gdbstub.framing import Deframer, Packet, expand, frame
from gdbstub.interface import Point, TargetError
from gdbstub.monitor import Monitor
from gdbstub.session import Session
from tests.support.fake_target import BASE, SIZE, FakeTarget

X33 = [b"0000000000000000"] * 2 + [b"0080008000000000"] + [b"0000000000000000"] * 29 + [b"0000008000000000"]


class Client:
    """Sends a packet, gives the replies' bodies."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def ask(self, body: bytes) -> list[bytes]:
        return [item.body for item in Deframer().feed(self.session.receive(frame(body))) if isinstance(item, Packet)]

    def __call__(self, body: bytes) -> bytes:
        (reply,) = self.ask(body)
        return reply


@pytest.fixture
def target() -> FakeTarget:
    return FakeTarget()


@pytest.fixture
def ask(target: FakeTarget) -> Client:
    return Client(Session(target))


def test_qsupported_lists_what_the_declarations_say(ask: Client) -> None:
    features = ask(b"qSupported:multiprocess+;swbreak+;xmlRegisters=i386;error-message+;vContSupported-").split(b";")
    assert features[0] == b"PacketSize=1fff0"
    assert {b"QStartNoAckMode+", b"qXfer:features:read+", b"binary-upload+", b"swbreak+", b"hwbreak+"} <= set(features)
    assert ask.session.client == {"multiprocess", "swbreak", "error-message"}
    assert {b"ConditionalBreakpoints+", b"BreakpointCommands+", b"multiprocess+", b"exec-events+"} <= set(features)
    assert not any(b"memory-map" in feature or b"Reverse" in feature for feature in features)
    assert ask(b"qSupported") == b";".join(features)


def test_registers(ask: Client, target: FakeTarget) -> None:
    assert ask(b"g") == b"".join(X33)
    assert ask(b"p20") == b"0000008000000000"
    assert ask(b"Pa=8877665544332211") == b"OK"
    assert target.values[0][10] == 0x1122334455667788
    assert ask(b"pa") == b"8877665544332211"
    new = [b"%02x00000000000000" % n for n in range(33)]
    assert ask(b"G" + b"".join(new)) == b"OK"
    assert ask(b"g") == b"".join(new)


def test_register_errors(ask: Client, target: FakeTarget) -> None:
    assert ask(b"pffff") == b"E01"
    assert ask(b"Pffff=0000000000000000") == b"E01"
    assert ask(b"Pa=00") == b"E01"
    assert ask(b"P1042=01") == b"E01"
    ask(b"qSupported:error-message+")
    assert ask(b"Pa=00") == b"E.register 10 has 8 bytes, not 1"
    assert ask(b"P1042=01") == b"E.register virt is read-only"
    assert ask(b"pffff") == b"E.no register 65535"
    target.read_register = lambda thread, number: None  # type: ignore[method-assign]
    assert ask(b"pa") == b"x" * 16


def test_memory(ask: Client, target: FakeTarget) -> None:
    assert ask(b"m80000000,8") == b"1300000013000000"
    assert ask(b"M80000010,4:deadbeef") == b"OK"
    assert ask(b"m80000010,4") == b"deadbeef"
    assert ask(b"X80000020,0:") == b"OK"
    assert ask(b"X80000020,6:#$}*\x03+") == b"OK"
    assert target.memory[0x20:0x26] == b"#$}*\x03+"
    assert ask(b"x80000020,6") == b"b#$}*\x03+"
    assert ask(b"m%x,8" % (BASE + SIZE - 4)) == b"13000000"  # as much as there is


def test_memory_errors(ask: Client) -> None:
    assert ask(b"m0,4") == b"E0e"
    assert ask(b"x0,4") == b"E0e"
    assert ask(b"M0,4:00000000") == b"E0e"
    assert ask(b"M80000000,4:00") == b"E01"
    assert ask(b"X80000000,4:a") == b"E01"
    ask(b"qSupported:error-message+")
    assert ask(b"m0,4") == b"E.no memory at 0x0"


def test_a_read_never_exceeds_the_packet_size(ask: Client) -> None:
    assert len(ask(b"m80000000,ffffffffffffffff")) == 2 * (SIZE - 9)  # 0xfff7 bytes fill a packet
    assert len(ask(b"x80000000,ffffffffffffffff")) == 1 + SIZE - 9


def test_breakpoints(ask: Client, target: FakeTarget) -> None:
    for kind in range(5):
        assert ask(b"Z%d,80000100,4" % kind) == b"OK"
    assert target.points == {(Point(kind), 0x80000100, 4) for kind in range(5)}
    for kind in range(5):
        assert ask(b"z%d,80000100,4" % kind) == b"OK"
    assert target.points == set()
    assert ask(b"Z5,80000100,4") == b""
    assert ask(b"z9,80000100,4") == b""
    assert ask(b"Z0,80000100") == b"E16"


def test_breakpoints_with_conditions_and_commands(ask: Client, target: FakeTarget) -> None:
    for arguments, conditions, commands in (
        (b"", [], []),
        (b";X3,220a27", ["220a27"], []),
        (b";X3,220a27;X1,27", ["220a27", "27"], []),
        (b";X3,220a27X1,27", ["220a27", "27"], []),
        (b";cmds:0,X1,27", [], ["27"]),
        (b";X3,220a27;cmds:1,X1,27X3,220b27", ["220a27"], ["27", "220b27"]),
    ):
        assert ask(b"Z0,80000100,4" + arguments) == b"OK", arguments
        program = target.programs[0x80000100]
        assert [code.hex() for code in program.conditions] == conditions
        assert [code.hex() for code in program.commands] == commands
    for arguments in (b";X3,2227", b";X,27", b";Y1,27", b";X1", b"X1,27"):
        assert ask(b"Z0,80000100,4" + arguments) == b"E16", arguments


def test_features_document_comes_in_pieces(ask: Client, target: FakeTarget) -> None:
    xml, read = target.description.xml, b""
    while True:
        piece = ask(b"qXfer:features:read:target.xml:%x,100" % len(read))
        read += piece[1:]
        if piece[:1] == b"l":
            break
        assert (piece[:1], len(piece)) == (b"m", 0x101)
    assert read == xml
    assert ask(b"qXfer:features:read:target.xml:%x,100" % len(xml)) == b"l"
    assert ask(b"qXfer:features:read:target.xml:%x,100" % (len(xml) + 1)) == b"E01"
    assert ask(b"qXfer:features:read:other.xml:0,100") == b"E00"
    assert ask(b"qXfer:memory-map:read::0,100") == b""
    assert ask(b"qXfer:features:read:target.xml") == b"E16"


def test_threads() -> None:
    ask = Client(Session(FakeTarget(threads=3)))
    assert ask(b"qfThreadInfo") == b"m1,2,3"
    assert ask(b"qsThreadInfo") == b"l"
    assert bytes.fromhex(ask(b"qThreadExtraInfo,2").decode()) == b"HS, hart 1"
    assert (ask(b"T3"), ask(b"T4"), ask(b"qC")) == (b"OK", b"E01", b"QC1")
    ask(b"qSupported:multiprocess+")
    assert ask(b"qfThreadInfo") == b"mp1.1,p1.2,p1.3"
    assert (ask(b"Tp1.3"), ask(b"Tp2.1"), ask(b"qC")) == (b"OK", b"E01", b"QCp1.1")


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        (b"qAttached", b"1"),
        (b"qAttached:1", b"1"),
        (b"qSymbol::", b"OK"),
        (b"vCont?", b"vCont;c;C;s;S;t;r"),
        (b"Hx0", b"E01"),
    ],
)
def test_small_answers(ask: Client, body: bytes, reply: bytes) -> None:
    assert ask(body) == reply


def monitor_with_commands() -> Monitor:
    def count(rest: str) -> Iterator[str]:
        for n in range(int(rest)):
            yield f"line {n}"

    def fail(rest: str) -> Iterator[str]:
        yield "first"
        raise TargetError("it went\nwrong")

    monitor = Monitor()
    monitor.add("count", count, "count to N")
    monitor.add("fail", fail, "fail")
    return monitor


def test_monitor() -> None:
    ask = Client(Session(FakeTarget(), monitor_with_commands()))

    def monitor(line: bytes) -> tuple[str, bytes]:
        *output, last = ask.ask(b"qRcmd," + line.hex().encode())
        assert all(part[:1] == b"O" for part in output)
        return b"".join(bytes.fromhex(part[1:].decode()) for part in output).decode(), last

    assert monitor(b"count 2") == ("line 0\nline 1\n", b"OK")
    assert monitor(b"cou 1") == ("line 0\n", b"OK")
    assert monitor(b"help count") == ("count  count to N\n", b"OK")
    assert monitor(b"")[0].splitlines()[0] == "count  count to N"
    assert monitor(b"fail") == ("first\nit went wrong\n", b"OK")
    assert monitor(b"nonsense") == ("no monitor command 'nonsense'; 'monitor help' lists them\n", b"OK")
    assert monitor(b"\xff\xfe")[1] == b"OK"
    ask(b"qSupported:error-message+")
    assert monitor(b"fail") == ("first\n", b"E.it went wrong")


def test_monitor_names_are_unique() -> None:
    monitor = monitor_with_commands()
    with pytest.raises(ValueError, match="is taken"):
        monitor.add("count", lambda rest: [], "")
    with pytest.raises(ValueError, match="not one word"):
        monitor.add("two words", lambda rest: [], "")
    monitor.add("coast", lambda rest: [], "")
    with pytest.raises(TargetError, match="ambiguous: coast, count"):
        list(monitor.execute("co"))


def test_gdb_gets_zeros_as_run_lengths(ask: Client, target: FakeTarget) -> None:
    target.memory[:256] = bytes(256)
    plain = b"00" * 256
    assert ask(b"m80000000,100") == plain  # who has not said what it is may not know of them
    ask(b"qSupported:multiprocess+;swbreak+")
    short = ask(b"m80000000,100")
    assert len(short) < 30 and expand(short) == plain
    assert ask(b"m80000000,10") == b"00" * 16
