# SPDX-License-Identifier: Apache-2.0
"""External interrupts for looking at: sources of the PLIC and of APLIC domains, interrupt files of the IMSICs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.csr.imsic import FILES, MACHINE, SUPERVISOR, WORDS, imsic_top
from core.devices.aplic import Aplic
from core.devices.aplic_domain import GUEST_MASK, GUEST_SHIFT, HART_SHIFT, IDENTITY_MASK, LEVELS, PRIORITIES, SOURCES
from core.devices.device import Device
from core.devices.plic import Plic
from core.hart import Hart


@dataclass(frozen=True)
class Source:
    """A wired source that is pending, being handled or enabled.

    controller: "PLIC", "APLIC M" or "APLIC S"; state: "pending", "being handled", "idle"; goes: to whom and how, each in
    words ("hart 0 S, priority 1").
    """

    controller: str
    number: int
    state: str
    goes: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """An interrupt file of a hart's IMSIC: its name ("M", "S", "guest 1"), whether it delivers, its threshold (0: none),
    identities pending and enabled, and the one that is taken first (0: none)."""

    name: str
    delivers: bool
    threshold: int
    pending: tuple[int, ...]
    enabled: tuple[int, ...]
    top: int


def controller_of(devices: Iterable[Device], h: Hart) -> str:
    """What drives the external interrupt lines of a hart: "IMSIC", "APLIC" or "PLIC"."""
    if h.imsic:
        return "IMSIC"
    return "APLIC" if any(isinstance(device, Aplic) for device in devices) else "PLIC"


def sources(devices: Iterable[Device]) -> list[Source]:
    """The wired sources with something to say."""
    found: list[Source] = []
    for device in devices:
        if isinstance(device, Plic):
            found += _plic(device)
        elif isinstance(device, Aplic):
            found += _aplic(device)
    return found


def _plic(plic: Plic) -> list[Source]:
    found = []
    for each in plic.sources():
        goes = []
        for context, threshold in each.contexts:
            name = f"hart {context // 2} {'S' if context & 1 else 'M'}, priority {each.priority}"
            goes.append(name if each.priority > threshold else f"{name}: not above threshold {threshold}")
        state = "pending" if each.pending else "being handled" if each.claimed else "idle"
        if state != "idle" or goes:
            found.append(Source("PLIC", each.number, state, tuple(goes)))
    return found


def _aplic(domain: Aplic) -> list[Source]:
    found = []
    for number in range(1, SOURCES + 1):
        bit = 1 << number
        if not (domain.pending | domain.enables) & bit:
            continue
        target = domain.targets[number]
        goes = f"hart {target >> HART_SHIFT} {domain.level}"
        if domain.msi:
            guest = target >> GUEST_SHIFT & GUEST_MASK
            goes += (f", guest file {guest}" if guest else "") + f", identity {target & IDENTITY_MASK}"
        else:
            goes += f", priority {target & PRIORITIES}"
            threshold = domain.idcs[target >> HART_SHIFT].threshold if target >> HART_SHIFT < len(domain.idcs) else 0
            if threshold and target & PRIORITIES >= threshold:
                goes += f": not below threshold {threshold}"
        if not domain.enabled:
            goes += ": domaincfg.IE is 0"
        state = "pending" if domain.pending & bit else "idle"
        kind = "level" if domain.modes[number] in LEVELS else "edge"
        name = f"APLIC {domain.level}"
        found.append(Source(name, number, f"{state} ({kind})", (goes,) if domain.enables & bit else ()))
    return found


def _identities(words: Iterable[int]) -> tuple[int, ...]:
    return tuple(64 * index + bit for index, word in enumerate(words) for bit in range(64) if word >> bit & 1)


def files(h: Hart) -> list[File]:
    """The interrupt files of a hart that are in use; none without an IMSIC."""
    found = []
    for number in range(FILES if h.imsic else 0):
        first = number * WORDS
        pending = _identities(int(h.imsic_eip[first + word]) for word in range(WORDS))
        enabled = _identities(int(h.imsic_eie[first + word]) for word in range(WORDS))
        delivers = h.imsic_delivery[number] == 1
        if delivers or pending or enabled:
            name = {MACHINE: "M", SUPERVISOR: "S"}.get(number, f"guest {number - SUPERVISOR}")
            found.append(File(name, delivers, int(h.imsic_threshold[number]), pending, enabled, imsic_top(h, number)))
    return found
