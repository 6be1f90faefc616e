# SPDX-License-Identifier: Apache-2.0
"""Packet declarations: names, argument templates, and what registration refuses."""

from __future__ import annotations

from typing import Any

import pytest

import gdbstub  # noqa: F401  (declares the packets)
from gdbstub.grammar import PACKETS, Grammar, MalformedPacket, packet, parse_thread, split
from gdbstub.interface import ALL, ANY, ThreadId


@pytest.mark.parametrize(
    ("body", "name", "arguments"),
    [
        (b"", b"", b""),
        (b"?", b"?", b""),
        (b"m80000000,4", b"m", b"80000000,4"),
        (b"Hg0", b"H", b"g0"),
        (b"vCont?", b"vCont?", b""),
        (b"vCont;c", b"vCont", b";c"),
        (b"qSupported:a+;b+", b"qSupported", b":a+;b+"),
        (b"qC", b"qC", b""),
        (b"qCRC:0,4", b"qCRC", b":0,4"),
        (b"qThreadExtraInfo,p1.1", b"qThreadExtraInfo", b",p1.1"),
        (b"QStartNoAckMode", b"QStartNoAckMode", b""),
        (b"!", b"!", b""),
    ],
)
def test_split(body: bytes, name: bytes, arguments: bytes) -> None:
    assert split(body) == (name, arguments)


@pytest.mark.parametrize(
    ("template", "arguments", "operands"),
    [
        ("{address:hex},{length:hex}", b"80000000,4", {"address": 0x80000000, "length": 4}),
        ("{address:hex}", b"ffffffffffffffff", {"address": 2**64 - 1}),
        ("[{address:hex}]", b"", {"address": None}),
        ("[;{address:hex}]", b";10", {"address": 16}),
        ("{number:hex}={data:bytes}", b"a=0102ff", {"number": 10, "data": b"\x01\x02\xff"}),
        ("{length:hex}:{data:binary}", b"3:\n:\xff", {"length": 3, "data": b"\n:\xff"}),
        (
            ":{kind:word}:{annex:word}:{at:hex}",
            b":features:target.xml:0",
            {"kind": "features", "annex": "target.xml", "at": 0},
        ),
        ("{thread:thread}", b"p2.-1", {"thread": ThreadId(2, ALL)}),
        ("", b"", {}),
    ],
)
def test_grammar(template: str, arguments: bytes, operands: dict[str, Any]) -> None:
    assert Grammar(template).parse(arguments) == operands


@pytest.mark.parametrize(
    ("template", "arguments"),
    [
        ("{address:hex},{length:hex}", b"80000000"),
        ("{address:hex},{length:hex}", b"80000000,4,"),
        ("{address:hex}", b"-1"),
        ("{address:hex}", b"0x10"),
        ("{address:hex}", b"10000000000000000"),
        ("{data:bytes}", b"123"),
        ("{data:bytes}", b"zz"),
        ("{thread:thread}", b"p"),
        ("{thread:thread}", b"p1."),
        ("{thread:thread}", b"-2"),
        ("", b"x"),
    ],
)
def test_malformed_arguments(template: str, arguments: bytes) -> None:
    with pytest.raises(MalformedPacket, match="arguments do not have the form"):
        Grammar(template).parse(arguments)


@pytest.mark.parametrize(
    ("text", "thread"),
    [
        (b"1", ThreadId(1, 1)),
        (b"1f", ThreadId(1, 31)),
        (b"0", ThreadId(ALL, ANY)),
        (b"-1", ThreadId(ALL, ALL)),
        (b"p2", ThreadId(2, ALL)),
        (b"p1.2", ThreadId(1, 2)),
        (b"p0.0", ThreadId(ANY, ANY)),
        (b"p-1.-1", ThreadId(ALL, ALL)),
    ],
)
def test_thread_ids(text: bytes, thread: ThreadId) -> None:
    assert parse_thread(text) == thread


def test_selection() -> None:
    assert ThreadId(1, ALL).matches(ThreadId(1, 7))
    assert ThreadId(ANY, 7).matches(ThreadId(2, 7))
    assert not ThreadId(2, ALL).matches(ThreadId(1, 7))
    assert not ThreadId(1, 6).matches(ThreadId(1, 7))


def test_contradictory_declarations_are_refused() -> None:
    with pytest.raises(ValueError, match=r"operands \['a'\] but parameters \['b'\]"):
        packet("j", "{a:hex}")(lambda session, b: b"")
    with pytest.raises(ValueError, match="packet m declared twice"):
        packet("m", "{a:hex}")(lambda session, a: b"")
    with pytest.raises(ValueError, match="can never arrive"):
        packet("jThreads")(lambda session: b"")
    assert b"j" not in PACKETS


def test_every_packet_says_what_it_does() -> None:
    assert {b"?", b"g", b"G", b"p", b"P", b"m", b"M", b"X", b"x", b"c", b"s", b"vCont", b"Z", b"z", b"qRcmd"} <= set(PACKETS)
    assert [name for name, declaration in PACKETS.items() if not declaration.doc] == []
