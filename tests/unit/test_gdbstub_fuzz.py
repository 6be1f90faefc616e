# SPDX-License-Identifier: Apache-2.0
"""Random input, seeded: no exception, no hang, every well-formed packet answered, only writes change the machine.

HARTLINE_FUZZ=1000000 in the environment sets how many packets are tried in all.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from gdbstub.framing import Corrupt, Deframer, Packet, frame
from gdbstub.grammar import PACKETS
from gdbstub.interface import Signal, StopReport, ThreadId
from gdbstub.session import Phase, Session
from tests.support.fake_target import FakeTarget

INPUTS = int(os.environ.get("HARTLINE_FUZZ", "150000"))
SEEDS = range(4)

SILENT = (b"k", b"R")
WRITERS = (b"G", b"P", b"M", b"X", b"c", b"C", b"s", b"S", b"R")  # c and s take an address

PIECES = [
    b"0", b"1", b"p1.1", b"p0.0", b"-1", b"p-1.-1", b"p9.9", b"80000000", b"ffffffffffffffff", b"4", b"8000ffff",
    b"20", b",", b":", b";", b"=", b".", b"c", b"s", b"r", b"t", b"C05", b"g", b"target.xml", b"features", b"read",
    b"00", b"x", b"68656c70", b"}", b"\x03", b"#", b"$", b"*", b"\xff", b"", b"open", b"pread", b"2f686f73742e656c66",
    b"X3,220a27", b"cmds:1,", b"memory", b"exec-file", b"threads", b"osdata", b"p2.1", b"p2.-1",
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
    "binary": [b"", b"a", b"abcd", b"\0" * 32, b"2f686f73742e656c66,0,0", b"0,100,0", b"0", b"1", b"7"],
    "word": [
        b"features", b"read", b"target.xml", b"", b"memory-map", b"exec-file", b"threads", b"osdata", b"1", b"2",
        b"open", b"close", b"pread", b"fstat", b"stat", b"setfs", b"readlink", b"pwrite",
    ],
    "text": [
        b"", b"c", b";c", b";s:p1.1;c", b";r80000000,80000008:1", b"multiprocess+;swbreak+;error-message+", b":",
        b"multiprocess+;exec-events+;swbreak+", b";c:p2.-1", b";s:p2.1", b"X3,220a27", b"X1,27;cmds:0,X1,27", b"s",
    ],
    "thread": [b"0", b"1", b"-1", b"p1.1", b"p1.2", b"p1.-1", b"p2.1", b"p3.1", b"p2.-1", b"p0.0"],
    "letter": [b"g", b"c", b"x"],
}  # fmt: skip


def state(target: FakeTarget) -> tuple[bytes, str]:
    return bytes(target.memory), repr(target.values) + repr(target.others)


def go_on(source: random.Random, target: FakeTarget, session: Session) -> None:
    """The machine does something until it stops: it may enter a new process, print, end."""
    kind = source.random()
    if kind < 0.1:
        target.add_process(source.randrange(2, 5), f"/{source.randrange(3)}.elf")
    if kind < 0.2:
        session.say("text")
    report = StopReport(
        source.choice(list(target.threads())),
        source.choice(list(Signal)),
        passing=source.random() < 0.2,
        exit_code=3 if source.random() < 0.02 else None,
    )
    target.stop(report)
    session.target_stopped()


@pytest.mark.parametrize("seed", SEEDS)
def test_packets(seed: int) -> None:
    source = random.Random(seed)
    target = FakeTarget(threads=2)
    session = Session(target)
    session.receive(frame(b"QStartNoAckMode"))
    for _ in range(INPUTS // 2 // len(SEEDS)):
        body = random_body(source)
        before = state(target) if source.random() < 0.02 else None
        out = session.receive(frame(body))
        packets = Deframer(1 << 20).feed(out)
        assert all(isinstance(item, Packet) for item in packets), body
        if target.running:
            assert session.phase in (Phase.WAITING, Phase.DETACHED), body
            go_on(source, target, session)
        elif not body.startswith(SILENT):
            assert packets, body
        elif before is not None and not body.startswith((*WRITERS, b"vRun", b"vCont", b"D")):
            assert state(target) == before, body
        session.killed = False


@pytest.mark.parametrize("seed", SEEDS)
def test_no_internal_errors(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    source = random.Random(1000 + seed)
    target = FakeTarget()
    session = Session(target)
    for _ in range(INPUTS // 3 // len(SEEDS)):
        session.receive(frame(random_body(source)))
        if target.running:
            go_on(source, target, session)
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


@pytest.mark.parametrize("seed", SEEDS)
def test_streams(seed: int) -> None:
    """Damaged streams in random pieces; after each the next good packet is answered."""
    source = random.Random(2000 + seed)
    damages: list[Callable[[random.Random, bytes], bytes]] = [flip, cut, repeat, intact]
    target = FakeTarget()
    for _ in range(INPUTS // 6 // 20 // len(SEEDS)):
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
