# SPDX-License-Identifier: Apache-2.0
"""PLIC: gateways, priorities, thresholds, claim order, completion, contexts of several harts."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from core.devices.device import Services
from core.devices.plic import SOURCES, Plic
from core.hart import Hart
from core.memory.bus import BusError

PENDING, ENABLE, THRESHOLD, CLAIM = 0x1000, 0x2000, 0x20_0000, 0x20_0004


@dataclass
class Rig:
    """A PLIC for some harts and the present level of each of its outputs."""

    harts: int = 1
    out: dict[tuple[int, str], bool] = field(default_factory=dict)
    edges: int = 0

    def __post_init__(self) -> None:
        services = Services(harts=[Hart(i) for i in range(self.harts)], set_external=self.drive)
        self.plic = Plic(services, 0x0C00_0000)
        self.edges = 0

    def drive(self, hart: int, mode: str, level: bool) -> None:
        self.out[hart, mode] = level
        self.edges += 1

    def get(self, offset: int) -> int:
        return self.plic.read(offset, 4)

    def put(self, offset: int, value: int) -> None:
        self.plic.write(offset, 4, value)

    def enable(self, context: int, *sources: int) -> None:
        for source in sources:
            at = ENABLE + 0x80 * context + 4 * (source // 32)
            self.put(at, self.get(at) | 1 << (source % 32))

    def claim(self, context: int) -> int:
        return self.get(CLAIM + 0x1000 * context)

    def complete(self, context: int, source: int) -> None:
        self.put(CLAIM + 0x1000 * context, source)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_an_interrupt_from_line_to_completion(rig: Rig) -> None:
    rig.put(4 * 10, 1)
    rig.enable(1, 10)
    assert rig.out == {(0, "M"): False, (0, "S"): False}
    rig.plic.set_level(10, True)
    assert rig.out == {(0, "M"): False, (0, "S"): True}
    assert rig.get(PENDING) == 1 << 10
    assert rig.claim(1) == 10
    assert rig.get(PENDING) == 0
    assert rig.out[0, "S"] is False
    assert rig.claim(1) == 0
    rig.plic.set_level(10, False)
    rig.complete(1, 10)
    assert rig.get(PENDING) == 0
    assert rig.out[0, "S"] is False


def test_a_line_still_high_at_completion_asks_again(rig: Rig) -> None:
    rig.put(4 * 10, 1)
    rig.enable(1, 10)
    rig.plic.set_level(10, True)
    assert rig.claim(1) == 10
    rig.complete(1, 10)
    assert rig.out[0, "S"] is True
    assert rig.claim(1) == 10


def test_edges_while_in_service_wait_for_completion(rig: Rig) -> None:
    rig.put(4 * 3, 1)
    rig.enable(0, 3)
    rig.plic.set_level(3, True)
    assert rig.claim(0) == 3
    rig.plic.set_level(3, False)
    rig.plic.set_level(3, True)
    assert rig.get(PENDING) == 0
    rig.complete(0, 3)
    assert rig.get(PENDING) == 8


def test_a_request_once_forwarded_is_not_retracted(rig: Rig) -> None:
    rig.put(4 * 5, 1)
    rig.enable(1, 5)
    rig.plic.set_level(5, True)
    rig.plic.set_level(5, False)
    assert rig.out[0, "S"] is True
    assert rig.claim(1) == 5


def test_claim_order_is_priority_then_lowest_id(rig: Rig) -> None:
    for source, priority in ((2, 1), (7, 5), (40, 5), (90, 6), (1, 0)):
        rig.put(4 * source, priority)
        rig.enable(1, source)
        rig.plic.set_level(source, True)
    assert [rig.claim(1) for _ in range(5)] == [90, 7, 40, 2, 0]  # priority 0 never interrupts
    assert rig.get(PENDING) == 1 << 1


def test_threshold_masks_the_notification_but_not_the_claim(rig: Rig) -> None:
    rig.put(4 * 10, 3)
    rig.enable(1, 10)
    rig.plic.set_level(10, True)
    for threshold, level in ((2, True), (3, False), (7, False), (0, True), (3, False)):
        rig.put(THRESHOLD + 0x1000, threshold)
        assert rig.out[0, "S"] is level, threshold
    assert rig.claim(1) == 10


def test_disabled_sources_are_pending_but_not_claimed(rig: Rig) -> None:
    rig.put(4 * 10, 1)
    rig.plic.set_level(10, True)
    assert rig.get(PENDING) == 1 << 10
    assert rig.claim(1) == 0
    rig.enable(1, 10)
    assert rig.out[0, "S"] is True


def test_completion_for_a_source_not_enabled_is_ignored(rig: Rig) -> None:
    rig.put(4 * 10, 1)
    rig.enable(1, 10)
    rig.plic.set_level(10, True)
    assert rig.claim(1) == 10
    rig.complete(0, 10)  # context 0 has not enabled it
    rig.complete(1, 0)
    rig.complete(1, 1000)
    assert rig.get(PENDING) == 0
    rig.complete(1, 10)
    assert rig.get(PENDING) == 1 << 10


def test_contexts_of_two_harts() -> None:
    rig = Rig(harts=2)
    rig.put(4 * 10, 1)
    for context in (0, 1, 3):
        rig.enable(context, 10)
    rig.plic.set_level(10, True)
    assert rig.out == {(0, "M"): True, (0, "S"): True, (1, "M"): False, (1, "S"): True}
    assert rig.claim(3) == 10
    assert rig.claim(1) == 0  # one claim gets it
    assert not any(rig.out.values())


def test_registers_hold_what_exists(rig: Rig) -> None:
    rig.put(4 * 10, 0xFFFF_FFFF)
    assert rig.get(4 * 10) == 7
    rig.put(0, 7)
    rig.put(4 * (SOURCES + 1), 7)
    assert rig.get(0) == rig.get(4 * (SOURCES + 1)) == 0
    for word in range(32):
        rig.put(ENABLE + 4 * word, 0xFFFF_FFFF)
    assert [rig.get(ENABLE + 4 * word) for word in range(5)] == [0xFFFF_FFFE, 0xFFFF_FFFF, 0xFFFF_FFFF, 1, 0]
    rig.put(THRESHOLD, 0xFFFF_FFF9)
    assert rig.get(THRESHOLD) == 1
    rig.put(PENDING, 0xFFFF_FFFF)
    assert rig.get(PENDING) == 0
    rig.put(ENABLE + 0x80 * 2, 2)  # a context that does not exist here
    assert rig.get(ENABLE + 0x80 * 2) == rig.get(THRESHOLD + 0x2000) == rig.claim(2) == 0


@pytest.mark.parametrize("size", [1, 2, 8])
def test_only_32_bit_accesses(rig: Rig, size: int) -> None:
    with pytest.raises(BusError, match="pending"):
        rig.plic.read(PENDING, size)


def test_outputs_are_driven_only_when_they_change(rig: Rig) -> None:
    rig.put(4 * 10, 1)
    rig.enable(1, 10)
    for _ in range(3):
        rig.plic.set_level(10, True)
    rig.put(4 * 10, 2)
    assert rig.edges == 1


def test_peek_does_not_claim(rig: Rig) -> None:
    rig.put(4 * 10, 1)
    rig.enable(1, 10)
    rig.plic.set_level(10, True)
    assert rig.plic.peek(CLAIM + 0x1000, 4) == rig.plic.peek(CLAIM + 0x1000, 4) == 10
    assert rig.claim(1) == 10


def test_reset_lowers_everything(rig: Rig) -> None:
    rig.put(4 * 10, 1)
    rig.enable(1, 10)
    rig.plic.set_level(10, True)
    rig.plic.reset()
    assert rig.out == {(0, "M"): False, (0, "S"): False}
    assert rig.get(PENDING) == rig.get(4 * 10) == rig.get(ENABLE + 0x80) == 0


@pytest.mark.parametrize("irq", [0, SOURCES + 1])
def test_lines_that_do_not_exist(rig: Rig, irq: int) -> None:
    with pytest.raises(ValueError, match=f"no source {irq}"):
        rig.plic.set_level(irq, True)
