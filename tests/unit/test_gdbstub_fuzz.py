# SPDX-License-Identifier: Apache-2.0
"""Random input, seeded: no exception, no hang, every well-formed packet answered, only writes change the machine."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from gdbstub.framing import Corrupt, Deframer, Packet, frame
from gdbstub.grammar import PACKETS
from gdbstub.interface import StopReport, ThreadId
from gdbstub.session import Phase, Session
from tests.support.fake_target import FakeTarget

SILENT = (b"k", b"R")
WRITERS = (b"G", b"P", b"M", b"X", b"c", b"C", b"s", b"S", b"R")  # c and s take an address

PIECES = [
    b"0", b"1", b"p1.1", b"p0.0", b"-1", b"p-1.-1", b"p9.9", b"80000000", b"ffffffffffffffff", b"4", b"8000ffff",
    b"20", b",", b":", b";", b"=", b".", b"c", b"s", b"r", b"t", b"C05", b"g", b"target.xml", b"features", b"read",
    b"00", b"x", b"68656c70", b"}", b"\x03", b"#", b"$", b"*", b"\xff", b"",
]  # fmt: skip


def random_body(source: random.Random) -> bytes:
    """A packet with a known name, mostly, and arguments that often look right."""
    name = source.choice(list(PACKETS)) if source.random() < 0.95 else bytes(source.choices(range(256), k=3))
    kind = source.random()
    if kind < 0.2:
        return name + bytes(source.choices(range(256), k=source.randrange(30)))
    if kind < 0.6 and name in PACKETS:
        return name + likely_arguments(source, PACKETS[name].grammar.template)
    return name + b"".join(source.choices(PIECES, k=source.randrange(8)))


def likely_arguments(source: random.Random, template: str) -> bytes:
    """Arguments of the template's form, some with a fault."""
    out = b""
    while template:
        if template[0] == "{":
            field, _, template = template[1:].partition("}")
            out += source.choice(PIECES if source.random() < 0.1 else EXAMPLES[field.partition(":")[2]])
        else:
            out += template[0].encode() if template[0] not in "[]" else b""
            template = template[1:]
    return out


EXAMPLES = {
    "hex": [b"0", b"1", b"2", b"4", b"20", b"43", b"1042", b"80000000", b"80001000", b"ffffffffffffffff", b"ffff"],
    "bytes": [b"", b"00", b"0011223344556677", b"68656c70", b"00" * 264],
    "binary": [b"", b"a", b"abcd", b"\0" * 32],
    "word": [b"features", b"read", b"target.xml", b"", b"memory-map"],
    "text": [b"", b"c", b";c", b";s:p1.1;c", b";r80000000,80000008:1", b"multiprocess+;swbreak+;error-message+", b":"],
    "thread": [b"0", b"1", b"-1", b"p1.1", b"p1.2", b"p1.-1", b"p2.1", b"p0.0"],
    "letter": [b"g", b"c", b"x"],
}


def state(target: FakeTarget) -> tuple[bytes, str]:
    return bytes(target.memory), repr(target.values)


@pytest.mark.parametrize("seed", range(4))
def test_packets(seed: int) -> None:
    source = random.Random(seed)
    target = FakeTarget(threads=2)
    session = Session(target)
    session.receive(frame(b"QStartNoAckMode"))
    for _ in range(25000):
        body = random_body(source)
        before = state(target) if source.random() < 0.05 else None
        out = session.receive(frame(body))
        packets = Deframer(1 << 20).feed(out)
        assert all(isinstance(item, Packet) for item in packets), body
        if target.running:
            assert session.phase in (Phase.WAITING, Phase.DETACHED), body
            target.stop(StopReport(source.choice(list(target.threads()))))
            session.target_stopped()
        elif not body.startswith(SILENT):
            assert packets, body
        if before is not None and not body.startswith((*WRITERS, b"vRun")):
            assert state(target) == before, body
        session.killed = False


@pytest.mark.parametrize("seed", range(4))
def test_no_internal_errors(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    source = random.Random(1000 + seed)
    target = FakeTarget()
    session = Session(target)
    for _ in range(20000):
        session.receive(frame(random_body(source)))
        if target.running:
            target.stop(StopReport(ThreadId(1, 1)))
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def flip(source: random.Random, data: bytes) -> bytes:
    at = source.randrange(len(data))
    return data[:at] + bytes([source.randrange(256)]) + data[at + 1 :]


def cut(source: random.Random, data: bytes) -> bytes:
    return data[: source.randrange(len(data))]


def repeat(source: random.Random, data: bytes) -> bytes:
    return data * source.randrange(1, 4)


def intact(source: random.Random, data: bytes) -> bytes:
    return data


@pytest.mark.parametrize("seed", range(4))
def test_streams(seed: int) -> None:
    """Damaged streams in random pieces; after each the next good packet is answered."""
    source = random.Random(2000 + seed)
    damages: list[Callable[[random.Random, bytes], bytes]] = [flip, cut, repeat, intact]
    target = FakeTarget()
    for _ in range(400):
        session = Session(target)
        stream = b"".join(source.choice(damages)(source, frame(random_body(source))) for _ in range(20))
        while stream:
            size = source.randrange(1, 60)
            session.receive(stream[:size])
            stream = stream[size:]
            if target.running:
                target.stop(StopReport(ThreadId(1, 1)))
                session.target_stopped()
        session.receive(frame(b"?"))  # ends a packet that was cut
        answer = session.receive(frame(b"?"))
        assert b"$T05" in answer
        session.disconnected()


def test_pure_noise_is_digested_in_bounded_space() -> None:
    source = random.Random(7)
    deframer = Deframer(1000)
    corrupt = 0
    for _ in range(2000):
        corrupt += sum(isinstance(item, Corrupt) for item in deframer.feed(source.randbytes(source.randrange(200))))
        assert deframer.pending <= 1200
    assert corrupt > 100
