# SPDX-License-Identifier: Apache-2.0
"""The values that options take: addresses to listen on, counts. Those of the machine itself are in core.options."""

from __future__ import annotations

import re

from core.errors import BadValue
from core.options import MOST_HARTS

DEFAULT_HOST = "127.0.0.1"


def parse_listen(text: str) -> tuple[str, int]:
    """(host, port) meant by `PORT`, `HOST:PORT` or `[::1]:PORT`; without a host, loopback. Port 0: any free one."""
    host, colon, port = text.rpartition(":")
    if not colon:
        host, port = "", text
    if not re.fullmatch(r"\d{1,5}", port) or int(port) > 65535:
        raise BadValue(f"{text!r} is not [HOST:]PORT with a port from 0 to 65535 (for instance 1234)")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    return host or DEFAULT_HOST, int(port)


def parse_address(text: str) -> int:
    """An address of 64 bits; `0x80200000` or decimal."""
    known = re.fullmatch(r"0x[0-9a-f]{1,16}|\d{1,20}", text.strip(), re.IGNORECASE)
    value = int(text, 16 if text.strip()[:2].lower() == "0x" else 10) if known else 1 << 64
    if value >> 64:
        raise BadValue(f"{text!r} is not an address such as 0x80200000")
    return value


def parse_count(text: str) -> int:
    """A positive count; `1000`, `1_000`, `0x10`, `5k`, `10M`, `1G` (powers of ten)."""
    match = re.fullmatch(r"(0x[0-9a-f]+|\d[\d_]*)([kmg]?)", text.strip(), re.IGNORECASE)
    scale = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
    value = int(match[1], 0 if match[1][:2].lower() == "0x" else 10) * scale[match[2].lower()] if match else 0
    if value <= 0:
        raise BadValue(f"{text!r} is not a count above zero")
    return value


def parse_harts(text: str) -> int:
    """A number of harts that a machine may have. Raises BadValue."""
    harts = parse_count(text)
    if harts > MOST_HARTS:
        raise BadValue(f"{harts} harts are too many; at most {MOST_HARTS}")
    return harts
