# SPDX-License-Identifier: Apache-2.0
"""The values that options take: sizes, addresses to listen on, CPU properties."""

from __future__ import annotations

import re

from cli.suggest import did_you_mean

UNITS = {"": 1 << 20, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
"""A size without a unit counts MiB, as QEMU's -m does."""

PAGE = 4096
DEFAULT_HOST = "127.0.0.1"


class BadValue(ValueError):
    """An option's value makes no sense; str() is the line for the user."""


def parse_size(text: str) -> int:
    """Bytes meant by `128M`, `1G`, `64K` (powers of 1024) or `128` (MiB): whole pages, at least one."""
    match = re.fullmatch(r"(\d+)\s*([kmg]?)(i?b)?", text.strip(), re.IGNORECASE)
    if match is None:
        raise BadValue(f"size {text!r} is not a number followed by K, M or G (for instance 128M)")
    size = int(match[1]) * UNITS[match[2].upper()]
    if size < PAGE or size % PAGE:
        raise BadValue(f"size {text!r} is {size} bytes; memory comes in whole pages of {PAGE} bytes")
    return size


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


def parse_count(text: str) -> int:
    """A positive count; `1000`, `1_000`, `0x10`, `5k`, `10M`, `1G` (powers of ten)."""
    match = re.fullmatch(r"(0x[0-9a-f]+|\d[\d_]*)([kmg]?)", text.strip(), re.IGNORECASE)
    scale = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
    value = int(match[1], 0 if match[1][:2].lower() == "0x" else 10) * scale[match[2].lower()] if match else 0
    if value <= 0:
        raise BadValue(f"{text!r} is not a count above zero")
    return value


TRUE = {"on", "true", "yes", "1"}
FALSE = {"off", "false", "no", "0"}
CPU_MODELS = ("rv64", "max")


FIXED = {
    "svade": "it is there with svadu=off; with svadu=on, --strict starts with A and D left to software (menvcfg.ADUE is 0)",
    "pmp": "the 16 PMP entries are always there",
    "i": "every RV64 hart has it",
}
"""Names that QEMU or the manual has and that are no choice of their own here, with the reason."""
RNMI_VECTORS = ("rnmi-interrupt-vector", "rnmi-exception-vector")
"""CPU properties that are addresses, by QEMU's names."""


def parse_cpu(text: str, known: list[str]) -> dict[str, int]:
    """Properties in `rv64,sstc=off,h=on` by name: what `--cpu` switches on or off, and RNMI_VECTORS. `known`: the names
    there are.

    A bare property, `+name` and `-name` are understood too. Raises BadValue naming the nearest known one.
    """
    model, *properties = [part.strip() for part in text.split(",")]
    if model not in CPU_MODELS:
        hint = did_you_mean(model, CPU_MODELS) or f"; known are {', '.join(CPU_MODELS)}"
        raise BadValue(f"no CPU model {model!r}{hint}")
    wanted: dict[str, int] = {}
    for part in properties:
        name, equals, value = part.partition("=")
        if name.strip().lower() in RNMI_VECTORS:
            wanted[name.strip().lower()] = _vector(name, value)
            continue
        on = True
        if equals and value.lower() not in TRUE | FALSE:
            raise BadValue(f"CPU property {name!r} is on or off, not {value!r}")
        if equals:
            on = value.lower() in TRUE
        elif name[:1] in ("+", "-"):
            name, on = name[1:], name[0] == "+"
        name = name.strip().lower()
        if name in FIXED and not (name in known and on):
            raise BadValue(f"CPU property {name!r} is no choice: {FIXED[name]}")
        if name not in known:
            known = [*known, *RNMI_VECTORS]
            hint = did_you_mean(name, known) or f"; known are {', '.join(known)}"
            raise BadValue(f"no CPU property {name!r}{hint}")
        wanted[name] = on
    return wanted


def _vector(name: str, text: str) -> int:
    """The address of a handler."""
    if not re.fullmatch(r"0x[0-9a-f]{1,16}|\d{1,19}", text.strip(), re.IGNORECASE):
        raise BadValue(f"CPU property {name!r} is an address such as 0x80001000, not {text!r}")
    value = int(text, 0)
    if value & 1:
        raise BadValue(f"CPU property {name!r} is {text}: instructions have even addresses")
    return value
