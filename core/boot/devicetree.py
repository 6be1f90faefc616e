# SPDX-License-Identifier: Apache-2.0
"""The device tree of a machine, made from its board, harts and memory. Layout and names as on QEMU's virt machine.

Sources: Devicetree Specification v0.4; Linux bindings riscv/cpus.yaml, riscv/extensions.yaml,
interrupt-controller/riscv,cpu-intc.yaml.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.boot.fdt import Node, Ref, Value, wide
from core.devices.board import Board
from core.devices.device import TIMEBASE
from core.devices.uart16550 import Uart16550

SINGLE_LETTERS = "imafdqlcbkjtpvh"
"""Single-letter extensions in the order of the ISA string (unpriv, ISA Extension Naming Conventions)."""
CACHE_BLOCK = 64
"""Bytes of a cache block, for Zicbom, Zicbop and Zicboz."""
PAGING_MODES = ("sv57", "sv48", "sv39")
"""Names that are told by mmu-type and not as extensions, largest first."""


def isa_extensions(names: Collection[str]) -> list[str]:
    """Extension names in canonical order, lower case: single letters first, then Z by the letter that follows, S, X.

    Privilege modes ("s", "u") and paging modes ("sv39", ...) are no extensions of the ISA string and are left out.
    """
    lower = {name.lower() for name in names} - set(PAGING_MODES)
    single = [letter for letter in SINGLE_LETTERS if letter in lower]

    def order(name: str) -> tuple[int, int, str]:
        if name[0] == "z":
            return 0, SINGLE_LETTERS.find(name[1]) % 99, name
        return "sx".find(name[0]) % 99 + 1, 0, name

    return single + sorted((name for name in lower if len(name) > 1), key=order)


def mmu_type(names: Collection[str]) -> str:
    """mmu-type for the largest paging mode among `names`; Sv39 always exists."""
    lower = {name.lower() for name in names}
    return "riscv," + next((mode for mode in PAGING_MODES if mode in lower), "sv39")


@dataclass(frozen=True)
class Chosen:
    """What the boot loader tells the kernel: bootargs (command line), initrd (physical start and end), rng_seed
    (bytes)."""

    bootargs: str | None = None
    initrd: tuple[int, int] | None = None
    rng_seed: bytes | None = None


def _cpu(hart: int, names: Collection[str]) -> Node:
    extensions = isa_extensions(names)
    single = [name for name in extensions if len(name) == 1]
    longer = [name for name in extensions if len(name) > 1]
    controller: dict[str, Value] = {
        "#interrupt-cells": 1,
        "#address-cells": 0,
        "interrupt-controller": True,
        "compatible": "riscv,cpu-intc",
    }
    properties: dict[str, Value] = {
        "device_type": "cpu",
        "reg": hart,
        "status": "okay",
        "compatible": "riscv",
        "riscv,isa": "_".join(["rv64" + "".join(single), *longer]),
        "riscv,isa-base": "rv64i",
        "riscv,isa-extensions": extensions,
        "mmu-type": mmu_type(names),
    }
    for extension in ("zicbom", "zicbop", "zicboz"):
        if extension in extensions:
            properties[f"riscv,{extension.removeprefix('zi')}-block-size"] = CACHE_BLOCK
    intc = Node("interrupt-controller", controller, label=f"cpu{hart}_intc")
    return Node(f"cpu@{hart:x}", properties, [intc], label=f"cpu{hart}")


def _cpus(harts: int, names: Collection[str]) -> Node:
    cores = [Node(f"core{hart}", {"cpu": Ref(f"cpu{hart}")}) for hart in range(harts)]
    properties: dict[str, Value] = {"#address-cells": 1, "#size-cells": 0, "timebase-frequency": TIMEBASE}
    cpu_map = Node("cpu-map", children=[Node("cluster0", children=cores)])
    return Node("cpus", properties, [*(_cpu(hart, names) for hart in range(harts)), cpu_map])


def _chosen(board: Board, chosen: Chosen) -> Node:
    uart = board.find(Uart16550)
    properties: dict[str, Value] = {"stdout-path": f"/soc/{uart.nodes()[0].name}"}
    if chosen.bootargs:
        properties["bootargs"] = chosen.bootargs
    if chosen.initrd is not None:
        start, end = chosen.initrd
        properties["linux,initrd-start"], properties["linux,initrd-end"] = wide(start), wide(end)
    if chosen.rng_seed:
        properties["rng-seed"] = chosen.rng_seed
    return Node("chosen", properties)


def device_tree(board: Board, ram_base: int, ram_size: int, extensions: Collection[str], chosen: Chosen | None = None) -> Node:
    """The root of the machine's device tree.

    board: its devices, for as many harts as its services have; ram_base, ram_size: memory in bytes; extensions: what
    every hart has, by name (see `isa_extensions`); chosen: the boot loader's part.
    """
    memory: dict[str, Value] = {"device_type": "memory", "reg": wide(ram_base, ram_size)}
    soc: dict[str, Value] = {"#address-cells": 2, "#size-cells": 2, "compatible": "simple-bus", "ranges": True}
    root: dict[str, Value] = {
        "#address-cells": 2,
        "#size-cells": 2,
        "compatible": "riscv-virtio",
        "model": "hartline,virt",
    }
    return Node(
        "",
        root,
        [
            _chosen(board, chosen or Chosen()),
            Node(f"memory@{ram_base:x}", memory),
            _cpus(len(board.services.harts), extensions),
            *board.root_nodes(),
            Node("soc", soc, board.soc_nodes()),
        ],
    )
