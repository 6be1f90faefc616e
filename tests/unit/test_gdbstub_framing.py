# SPDX-License-Identifier: Apache-2.0
"""Framing: packets, acknowledgements, escapes, garbage."""

from __future__ import annotations

import random

import pytest

from gdbstub.framing import (
    Ack,
    Corrupt,
    Deframer,
    Frame,
    Hexadecimal,
    Interrupt,
    Nak,
    Packet,
    checksum,
    escape,
    expand,
    frame,
    unescape,
)


def feed(*pieces: bytes, limit: int = 4096) -> list[Frame]:
    deframer = Deframer(limit)
    return [item for piece in pieces for item in deframer.feed(piece)]


@pytest.mark.parametrize(
    ("body", "wire"),
    [
        (b"", b"$#00"),
        (b"OK", b"$OK#9a"),
        (b"m80000000,4", b"$m80000000,4#55"),
        (b"a}b", b"$a}\x5db#9d"),
        (b"#$*", b"$}\x03}\x04}\x0a#88"),
        (b"\x03", b"$\x03#03"),
    ],
)
def test_frame_and_back(body: bytes, wire: bytes) -> None:
    assert frame(body) == wire
    assert feed(wire) == [Packet(body)]


def test_a_packet_may_arrive_in_any_pieces() -> None:
    wire = b"+" + frame(b"X80,3:\x03}#") + b"-\x03" + frame(b"g")
    expected = [Ack(), Packet(b"X80,3:\x03}#"), Nak(), Interrupt(), Packet(b"g")]
    assert feed(wire) == expected
    assert feed(*(wire[at : at + 1] for at in range(len(wire)))) == expected
    for cut in range(len(wire)):
        assert feed(wire[:cut], wire[cut:]) == expected


@pytest.mark.parametrize(
    ("wire", "frames"),
    [
        (b"$g#00$g#67", [Corrupt("checksum 00 instead of 67"), Packet(b"g")]),
        (b"$g#zz$g#67", [Corrupt("the checksum is not hexadecimal"), Packet(b"g")]),
        (b"$g#$g#67", [Corrupt("the checksum is not hexadecimal"), Packet(b"g")]),
        (b"$m8000$g#67", [Corrupt("a packet began inside another one"), Packet(b"g")]),
        (b"$$$g#67", [Corrupt("a packet began inside another one"), Packet(b"g")]),
        (b"$a}#de$g#67", [Corrupt("an escape at the end of the packet"), Packet(b"g")]),
        (b"noise\r\n\0$g#67noise", [Packet(b"g")]),
        (b"$g#6", []),
        (b"#67", []),
    ],
)
def test_after_garbage_the_next_good_packet_is_found(wire: bytes, frames: list[Frame]) -> None:
    assert feed(wire) == frames
    assert feed(*(wire[at : at + 1] for at in range(len(wire))))[-1:] == frames[-1:]


def test_oversized_packet_is_refused_once_and_not_kept() -> None:
    deframer = Deframer(100)
    frames: list[Frame] = []
    for _ in range(1000):
        frames += deframer.feed(b"$" * 0 + (b"$" if not frames and not deframer.pending else b"") + b"a" * 50)
        assert deframer.pending < 300
    assert frames == [Corrupt("packet longer than 100 bytes")]
    assert deframer.feed(b"#12$g#67") == [Packet(b"g")]


def test_oversized_packet_in_one_piece() -> None:
    assert feed(frame(b"a" * 101) + frame(b"g"), limit=100) == [Corrupt("packet longer than 100 bytes"), Packet(b"g")]
    assert feed(frame(b"a" * 99) + frame(b"g"), limit=100) == [Packet(b"a" * 99), Packet(b"g")]


def test_oversized_packet_is_ended_by_the_next_one() -> None:
    frames = feed(b"$" + b"a" * 200, b"bbb", b"bb$g#67", limit=100)
    assert frames == [Corrupt("packet longer than 100 bytes"), Packet(b"g")]


def test_escape_is_undone_for_all_bytes() -> None:
    body = bytes(range(256)) * 3
    assert unescape(escape(body)) == body
    assert not set(escape(body)) & set(b"#$*")
    assert unescape(b"}\x5d}") is None
    assert unescape(b"}}") == b"\x5d"


def test_random_bodies_survive() -> None:
    source = random.Random(1)
    for _ in range(300):
        body = bytes(source.choices(b"}#$*\x03+-ab\0\xff", k=source.randrange(40)))
        assert feed(frame(body)) == [Packet(body)]


@pytest.mark.parametrize("length", [0, 1, 255, 256, 257, 515, 516, 1000, 65536])
@pytest.mark.parametrize("byte", [0, 1, 127, 128, 255, None])
def test_checksums(length: int, byte: int | None) -> None:
    data = random.Random(length).randbytes(length) if byte is None else bytes([byte]) * length
    assert checksum(data) == sum(data) & 0xFF


def test_rows_of_zeros_are_run_lengths() -> None:
    """The manual's section Overview: a character, `*`, and 29 more than how often it is repeated."""
    assert frame(Hexadecimal(b"ab" + b"0" * 98 + b"cd")) == b"$ab0*~cd#%02x" % checksum(b"ab0*~cd")
    assert frame(Hexadecimal(b"0" * 63))[1:-3] == b"0" * 63  # not worth it
    assert expand(b"0* ") == b"0000"  # the manual's own example
    for count in range(64, 500):  # whatever is left over, no length is a character with a meaning
        wire = frame(Hexadecimal(b"0" * count))[1:-3]
        assert expand(wire) == b"0" * count
        assert len(wire) <= 3 * (count // 98 + 2) and not set(wire.replace(b"0*", b"")) & set(b"#$+-*}")


def test_run_lengths_of_anything() -> None:
    source = random.Random(3)
    for _ in range(500):
        body = b"".join(source.choice((b"0" * source.randrange(300), b"a1", b"00f")) for _ in range(source.randrange(8)))
        wire = frame(Hexadecimal(body))
        assert expand(wire[1:-3]) == body
        assert feed(wire) == [Packet(wire[1:-3])]
