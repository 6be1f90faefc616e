# SPDX-License-Identifier: Apache-2.0
"""The host at the other end of the network card's cable."""

from __future__ import annotations

import random
import struct

from core.devices.network import Gateway, Loopback, checksum, ipv4, udp

CARD, GATEWAY_MAC, BROADCAST = bytes.fromhex("525400123456"), bytes.fromhex("525400000202"), b"\xff" * 6
GUEST, GATEWAY, FAR = bytes((10, 0, 2, 15)), bytes((10, 0, 2, 2)), bytes((192, 0, 2, 1))
COOKIE = bytes.fromhex("63825363")


def ethernet(kind: int, body: bytes, target: bytes = GATEWAY_MAC) -> bytes:
    return target + CARD + struct.pack(">H", kind) + body


def ask(frame: bytes) -> bytes:
    """The body of the one answer."""
    (answer,) = Gateway().exchange(frame)
    assert answer[:12] == CARD + GATEWAY_MAC
    assert answer[12:14] == frame[12:14]
    return answer[14:]


def arp(target: bytes) -> bytes:
    return struct.pack(">HHBBH", 1, 0x800, 6, 4, 1) + CARD + GUEST + bytes(6) + target


def test_internet_checksum() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D  # the example of RFC 1071
    assert checksum(b"\1") == 0xFEFF


def test_arp() -> None:
    answer = ask(ethernet(0x806, arp(GATEWAY), BROADCAST))
    assert answer == struct.pack(">HHBBH", 1, 0x800, 6, 4, 2) + GATEWAY_MAC + GATEWAY + CARD + GUEST
    assert Gateway().exchange(ethernet(0x806, arp(bytes((10, 0, 2, 3))), BROADCAST)) == []


def test_ping() -> None:
    body = struct.pack(">HH", 1, 2) + b"payload"
    message = bytes((8, 0)) + struct.pack(">H", checksum(bytes((8, 0, 0, 0)) + body)) + body
    for target in (GATEWAY, FAR):
        answer = ask(ethernet(0x800, ipv4(1, GUEST, target, message)))
        assert checksum(answer[:20]) == 0
        assert answer[9] == 1
        assert answer[12:20] == target + GUEST
        assert answer[20:22] == bytes((0, 0))
        assert checksum(answer[20:]) == 0
        assert answer[24:] == body
    damaged = message[:-1] + b"?"
    assert Gateway().exchange(ethernet(0x800, ipv4(1, GUEST, GATEWAY, damaged))) == []


def test_udp_echo() -> None:
    answer = ask(ethernet(0x800, udp((GUEST, 5000), (GATEWAY, 7), b"anybody?")))
    assert answer == udp((GATEWAY, 7), (GUEST, 5000), b"anybody?")
    assert Gateway().exchange(ethernet(0x800, udp((GUEST, 5000), (GATEWAY, 8), b"anybody?"))) == []
    damaged = bytearray(ethernet(0x800, udp((GUEST, 5000), (GATEWAY, 7), b"anybody?")))
    damaged[-1] ^= 1
    assert Gateway().exchange(bytes(damaged)) == []


def test_tftp_has_no_files() -> None:
    request = b"\0\1boot.scr\0octet\0"
    answer = ask(ethernet(0x800, udp((GUEST, 1234), (GATEWAY, 69), request)))
    assert answer == udp((GATEWAY, 69), (GUEST, 1234), b"\0\5\0\1File not found\0")
    assert Gateway().exchange(ethernet(0x800, udp((GUEST, 1234), (GATEWAY, 69), b"\0\2"))) == []


def dhcp(kind: int, *options: bytes) -> bytes:
    fixed = struct.pack(">BBBBIHH", 1, 1, 6, 0, 0x1234, 0, 0x8000) + bytes(16) + CARD + bytes(10) + bytes(192)
    message = fixed + COOKIE + b"".join(options) + bytes((53, 1, kind, 255))
    return ethernet(0x800, udp((bytes(4), 68), (b"\xff" * 4, 67), message), BROADCAST)


def test_dhcp() -> None:
    for asked, told in ((1, 2), (3, 5)):
        answer = ask(dhcp(asked, b"\0\0", bytes((12, 4)) + b"host"))
        assert answer[12:20] == GATEWAY + b"\xff" * 4
        assert struct.unpack(">HH", answer[20:24]) == (67, 68)
        message = answer[28:]
        assert struct.unpack(">BBBBI", message[:8]) == (2, 1, 6, 0, 0x1234)
        assert message[16:20] == GUEST  # yiaddr
        assert message[20:24] == GATEWAY
        assert message[28:34] == CARD
        assert message[236:240] == COOKIE
        options = message[240:]
        assert options[:3] == bytes((53, 1, told))
        assert bytes((1, 4, 255, 255, 255, 0)) in options
        assert bytes((3, 4)) + GATEWAY in options
    assert Gateway().exchange(dhcp(7)) == []  # release


def test_loopback() -> None:
    assert Loopback().exchange(b"anything") == [b"anything"]


def test_any_frame_at_all() -> None:
    """Cut and damaged frames get an answer or none, never an exception."""
    chance = random.Random(2)
    whole = [
        ethernet(0x806, arp(GATEWAY), BROADCAST),
        ethernet(0x800, ipv4(1, GUEST, GATEWAY, bytes((8, 0, 0xF7, 0xFF, 0, 0, 0, 0)))),
        ethernet(0x800, udp((GUEST, 5000), (GATEWAY, 7), b"x")),
        dhcp(1),
    ]
    assert all(len(Gateway().exchange(frame)) == 1 for frame in whole)
    for _ in range(3000):
        frame = bytearray(chance.choice(whole))
        del frame[chance.randrange(len(frame) + 1) :]
        for _ in range(chance.randrange(4)):
            if frame:
                frame[chance.randrange(len(frame))] = chance.choice((0, 1, 0xFF, chance.randrange(256)))
        assert len(Gateway().exchange(bytes(frame))) <= 1
