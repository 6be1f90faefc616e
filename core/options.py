# SPDX-License-Identifier: Apache-2.0
"""What a machine's options may be, as the command line and the API take them: sizes, properties of the CPU."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from core.errors import BadValue
from core.features import DEFAULT_FEATURES, Feature
from core.suggest import did_you_mean

ENGINES = ("native", "reference")
"""What can execute instructions."""
MOST_HARTS = 64
"""Most harts that a machine may have."""
UNITS = {"": 1 << 20, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
"""A size without a unit counts MiB, as QEMU's -m does."""

PAGE = 4096


def parse_size(text: str) -> int:
    """Bytes meant by `128M`, `1G`, `64K` (powers of 1024) or `128` (MiB): whole pages, at least one."""
    match = re.fullmatch(r"(\d+)\s*([kmg]?)(i?b)?", text.strip(), re.IGNORECASE)
    if match is None:
        raise BadValue(f"size {text!r} is not a number followed by K, M or G (for instance 128M)")
    size = int(match[1]) * UNITS[match[2].upper()]
    if size < PAGE or size % PAGE:
        raise BadValue(f"size {text!r} is {size} bytes; memory comes in whole pages of {PAGE} bytes")
    return size


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


CPU_PROPERTIES = tuple(str(feature.name).lower() for feature in Feature)
"""The names that can be on or off: the extensions and choices of core.features."""


def parse_cpu(text: str, known: Sequence[str] = CPU_PROPERTIES) -> dict[str, int]:
    """Properties in `rv64,sstc=off,h=on` by name: what `--cpu` switches on or off, and RNMI_VECTORS. `known`: the names
    that can be on or off.

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
            names = [*known, *RNMI_VECTORS]
            hint = did_you_mean(name, names) or f"; known are {', '.join(names)}"
            raise BadValue(f"no CPU property {name!r}{hint}")
        wanted[name] = on
    return wanted


def _vector(name: str, text: str) -> int:
    """The address of a handler."""
    known = re.fullmatch(r"0x[0-9a-f]{1,16}|0|[1-9]\d{0,19}", text.strip(), re.IGNORECASE)
    value = int(text, 0) if known else -1
    if not 0 <= value < 1 << 64:
        raise BadValue(f"CPU property {name!r} is an address such as 0x80001000, not {text!r}")
    if value & 1:
        raise BadValue(f"CPU property {name!r} is {text}: instructions have even addresses")
    return value


def features_with(properties: Mapping[str, int]) -> Feature:
    """What the harts have: the default ones, with CPU_PROPERTIES on or off."""
    features = DEFAULT_FEATURES
    for name, on in properties.items():
        if name not in RNMI_VECTORS:
            features = features | Feature[name.upper()] if on else features & ~Feature[name.upper()]
    return features


def vectors_in(properties: Mapping[str, int]) -> tuple[int, int]:
    """The values of RNMI_VECTORS, 0 where there is none."""
    interrupts, exceptions = (properties.get(name, 0) for name in RNMI_VECTORS)
    return interrupts, exceptions
