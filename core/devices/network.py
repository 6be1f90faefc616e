# SPDX-License-Identifier: Apache-2.0
"""What a network card of the machine can be connected to. Nothing here reaches a real network, and all is deterministic.

Sources: RFC 826 (ARP), RFC 791 (IPv4), RFC 792 (ICMP), RFC 768 (UDP), RFC 862 (echo), RFC 1350 (TFTP), RFC 2131 and
2132 (DHCP).
Addresses are those of QEMU's user-mode network: the gateway is 10.0.2.2, the guest is given 10.0.2.15.
"""

from __future__ import annotations

import struct
from typing import Protocol

BROADCAST = b"\xff" * 6
GATEWAY_MAC = bytes.fromhex("525400000202")
GATEWAY, GUEST, NETMASK, ANYBODY = bytes((10, 0, 2, 2)), bytes((10, 0, 2, 15)), bytes((255, 255, 255, 0)), b"\xff" * 4
ETHERNET_HEADER, IP_HEADER, UDP_HEADER = 14, 20, 8
IPV4, ARP = 0x0800, 0x0806
ICMP, UDP = 1, 17
ARP_REQUEST, ARP_REPLY = 1, 2
ECHO_REQUEST, ECHO_REPLY = 8, 0
ECHO_PORT, DHCP_SERVER, DHCP_CLIENT, TFTP_PORT = 7, 67, 68, 69
TFTP_READ, TFTP_NOT_FOUND = b"\0\1", b"\0\5\0\1File not found\0"
# RFC 2132: what of DHCP is used here
COOKIE = bytes.fromhex("63825363")
DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5
OPTION_NETMASK, OPTION_ROUTER, OPTION_LEASE, OPTION_TYPE, OPTION_SERVER, OPTION_END = 1, 3, 51, 53, 54, 255
LEASE = 86400
"""Seconds."""
DHCP_FIXED = 236
"""Bytes of a DHCP message before the cookie."""


class Network(Protocol):
    """The other end of the cable."""

    def reset(self) -> None:
        """The machine has been reset."""

    def exchange(self, frame: bytes) -> list[bytes]:
        """The card has sent an Ethernet frame (any bytes at all); the frames it receives in answer."""


class Loopback:
    """A plug that sends every frame back."""

    def reset(self) -> None:
        """Nothing is kept."""

    def exchange(self, frame: bytes) -> list[bytes]:
        """The same frame."""
        return [frame]


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071); 0 over data that contains its correct checksum."""
    padded = data + bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(protocol: int, source: bytes, target: bytes, payload: bytes) -> bytes:
    """An IPv4 packet."""
    head = struct.pack(">BBHHHBBH", 0x45, 0, IP_HEADER + len(payload), 0, 0, 64, protocol, 0) + source + target
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def udp(source: tuple[bytes, int], target: tuple[bytes, int], payload: bytes) -> bytes:
    """An IPv4 packet with a UDP datagram; source and target are (address, port)."""
    length = UDP_HEADER + len(payload)
    datagram = struct.pack(">HHHH", source[1], target[1], length, 0) + payload
    pseudo = source[0] + target[0] + struct.pack(">BBH", 0, UDP, length)
    summed = checksum(pseudo + datagram) or 0xFFFF
    return ipv4(UDP, source[0], target[0], datagram[:6] + struct.pack(">H", summed) + payload)


class Gateway:
    """A host at 10.0.2.2 that answers ARP, ping (for every address routed through it), UDP echo and DHCP, and has no files
    for TFTP."""

    def reset(self) -> None:
        """Nothing is kept."""

    def exchange(self, frame: bytes) -> list[bytes]:
        """Answers to one frame; what is damaged or not for the gateway gets none."""
        if len(frame) < ETHERNET_HEADER or frame[:6] not in (GATEWAY_MAC, BROADCAST):
            return []
        sender, kind = frame[6:12], int.from_bytes(frame[12:14], "big")
        body = frame[ETHERNET_HEADER:]
        serve = {ARP: self._arp, IPV4: self._ip}.get(kind)
        answer = serve(body) if serve else None
        return [] if answer is None else [sender + GATEWAY_MAC + frame[12:14] + answer]

    def _arp(self, body: bytes) -> bytes | None:
        """RFC 826: somebody asks for the gateway's address."""
        if len(body) < 28 or struct.unpack(">HHBBH", body[:8]) != (1, IPV4, 6, 4, ARP_REQUEST):
            return None
        sender, sender_ip, target_ip = body[8:14], body[14:18], body[24:28]
        if target_ip != GATEWAY:
            return None
        return struct.pack(">HHBBH", 1, IPV4, 6, 4, ARP_REPLY) + GATEWAY_MAC + GATEWAY + sender + sender_ip

    def _ip(self, body: bytes) -> bytes | None:
        if len(body) < IP_HEADER or body[0] >> 4 != 4:
            return None
        head, total = 4 * (body[0] & 15), int.from_bytes(body[2:4], "big")
        if head < IP_HEADER or not head <= total <= len(body) or checksum(body[:head]):
            return None
        if int.from_bytes(body[6:8], "big") & 0x3FFF:  # a fragment
            return None
        source, target, payload = body[12:16], body[16:20], body[head:total]
        if body[9] == ICMP:
            return self._icmp(source, target, payload)
        return self._udp(source, target, payload) if body[9] == UDP else None

    def _icmp(self, source: bytes, target: bytes, message: bytes) -> bytes | None:
        """RFC 792, echo."""
        if len(message) < 8 or message[:2] != bytes((ECHO_REQUEST, 0)) or checksum(message) or target == ANYBODY:
            return None
        reply = bytes((ECHO_REPLY, 0, 0, 0)) + message[4:]
        return ipv4(ICMP, target, source, reply[:2] + struct.pack(">H", checksum(reply)) + reply[4:])

    def _udp(self, source: bytes, target: bytes, datagram: bytes) -> bytes | None:
        if len(datagram) < UDP_HEADER:
            return None
        source_port, port, length, summed = struct.unpack(">HHHH", datagram[:8])
        if not UDP_HEADER <= length <= len(datagram):
            return None
        pseudo = source + target + struct.pack(">BBH", 0, UDP, length)
        if summed and checksum(pseudo + datagram[:length]):
            return None
        payload = datagram[UDP_HEADER:length]
        if port == DHCP_SERVER and target in (ANYBODY, GATEWAY):
            return self._dhcp(payload)
        if port == ECHO_PORT and target == GATEWAY:
            return udp((target, port), (source, source_port), payload)
        if port == TFTP_PORT and target == GATEWAY and payload[:2] == TFTP_READ:
            return udp((target, port), (source, source_port), TFTP_NOT_FOUND)
        return None

    def _dhcp(self, message: bytes) -> bytes | None:
        """RFC 2131: the same address for whoever asks."""
        if len(message) < DHCP_FIXED + 4 or message[0] != 1 or message[DHCP_FIXED : DHCP_FIXED + 4] != COOKIE:
            return None
        kind = {DISCOVER: OFFER, REQUEST: ACK}.get(_message_type(message[DHCP_FIXED + 4 :]))
        if kind is None:
            return None
        head = bytes((2,)) + message[1:12] + bytes(4) + GUEST + GATEWAY + bytes(4) + message[28:44] + bytes(192)
        options = b"".join(
            bytes((code, len(value))) + value
            for code, value in (
                (OPTION_TYPE, bytes((kind,))),
                (OPTION_SERVER, GATEWAY),
                (OPTION_LEASE, LEASE.to_bytes(4, "big")),
                (OPTION_NETMASK, NETMASK),
                (OPTION_ROUTER, GATEWAY),
            )
        )
        return udp((GATEWAY, DHCP_SERVER), (ANYBODY, DHCP_CLIENT), head + COOKIE + options + bytes((OPTION_END,)))


def _message_type(options: bytes) -> int:
    """The DHCP message type among options, 0 when there is none."""
    at = 0
    while at < len(options) and options[at] != OPTION_END:
        if options[at] == 0:  # padding
            at += 1
            continue
        if at + 2 > len(options):
            break
        length = options[at + 1]
        if options[at] == OPTION_TYPE and length == 1 and at + 2 < len(options):
            return options[at + 2]
        at += 2 + length
    return 0
