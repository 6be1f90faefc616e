# SPDX-License-Identifier: Apache-2.0
"""What can be put into the board's virtio slots, by name."""

from __future__ import annotations

from collections.abc import Callable

from core.boot.errors import BootError
from core.devices.config import BoardConfig
from core.devices.disk import Disk
from core.devices.network import Gateway, Loopback
from core.devices.virtio_block import VirtioBlock
from core.devices.virtio_console import VirtioConsole
from core.devices.virtio_function import VirtioFunction
from core.devices.virtio_net import VirtioNet
from core.devices.virtio_rng import VirtioRng

SLOTS = 8
"""Slots of the virt board."""
KINDS: dict[str, Callable[[BoardConfig], VirtioFunction]] = {
    "console": lambda config: VirtioConsole(),
    "rng": lambda config: VirtioRng(config.seed),
    "net": lambda config: VirtioNet(Gateway()),
    "net-loopback": lambda config: VirtioNet(Loopback()),
}
"""By name: how to make one. Disks come from `BoardConfig.drives`."""


def functions(config: BoardConfig) -> list[VirtioFunction | None]:
    """What sits in each slot. Raises BootError (one line) when something is not to be had."""
    made: list[VirtioFunction | None] = []
    for index, drive in enumerate(config.drives):
        made.append(VirtioBlock(Disk(drive), f"hartline-{index}"))
    for name in config.virtio:
        if name not in KINDS:
            raise BootError(f"no virtio device {name!r}; there are {', '.join(KINDS)}, and drives")
        made.append(KINDS[name](config))
    if len(made) > SLOTS:
        raise BootError(f"{len(made)} virtio devices, but the board has {SLOTS} slots")
    return made + [None] * (SLOTS - len(made))
