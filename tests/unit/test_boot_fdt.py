# SPDX-License-Identifier: Apache-2.0
"""Device trees: the blob read back by dtc, and its contents against the board."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess

import pytest

from core.boot.devicetree import Chosen, device_tree, isa_extensions, mmu_type
from core.boot.fdt import Node, Ref, Value, flatten, wide
from core.devices.board import Board, lines_of
from core.devices.config import Aia, BoardConfig
from core.devices.device import Services
from core.features import Feature
from core.hart import Hart

EXTENSIONS = ("I", "M", "A", "C", "H", "Zicsr", "Zifencei", "Zicntr", "S", "U", "Sstc", "Svadu", "Sv48", "Sv57")


def decompile(blob: bytes) -> tuple[str, str]:
    """The tree as source by dtc, and what dtc complained about. dtc is part of `device-tree-compiler`."""
    dtc = shutil.which("dtc")
    assert dtc, "dtc is missing: install device-tree-compiler"
    run = subprocess.run([dtc, "-I", "dtb", "-O", "dts"], input=blob, capture_output=True, check=True)
    return run.stdout.decode(), run.stderr.decode()


def node_of(source: str, name: str) -> dict[str, str]:
    """Properties of the first node called `name` in dtc's output; flags map to ""."""
    match = re.search(rf"\t{re.escape(name)} {{\n(.*?)\n\t*(?:}};|\n)", source, re.DOTALL)
    assert match, f"no node {name}"
    lines = [line.strip().rstrip(";") for line in match[1].splitlines()]
    return {key: value for key, _, value in (line.partition(" = ") for line in lines)}


def machine_tree(harts: int = 2, chosen: Chosen | None = None) -> str:
    board = Board(Services(harts=[Hart(i) for i in range(harts)]))
    source, complaints = decompile(flatten(device_tree(board, 0x8000_0000, 128 << 20, EXTENSIONS, chosen)))
    assert complaints == ""
    return source


@pytest.mark.parametrize("harts", [1, 5])
@pytest.mark.parametrize("aia", Aia)
def test_dtc_has_nothing_to_complain_about(aia: Aia, harts: int) -> None:
    board = Board(Services(harts=[Hart(i) for i in range(harts)]), lines_of(BoardConfig(aia=aia, virtio=("rng", "net"))))
    names = [str(feature.name) for feature in Feature]
    chosen = Chosen("console=ttyS0", (0x8400_0000, 0x8500_0000), b"seed")
    source, complaints = decompile(flatten(device_tree(board, 0x8000_0000, 1 << 30, names, chosen)))
    assert complaints == "" and source.count('device_type = "cpu"') == harts


def test_header_of_the_blob() -> None:
    blob = flatten(Node("", {"a": 1}), reserved=[(0x1000, 0x2000)], boot_hart=3)
    magic, total, structure, strings, reservations, version, last, boot, string_size, structure_size = struct.unpack(
        ">10I", blob[:40]
    )
    assert (magic, total, version, last, boot) == (0xD00DFEED, len(blob), 17, 16, 3)
    assert (reservations, structure, strings) == (40, 72, 72 + structure_size)
    assert struct.unpack_from(">4Q", blob, 40) == (0x1000, 0x2000, 0, 0)
    assert blob[strings:] == b"a\0"
    assert string_size == 2
    assert struct.unpack_from(">8I", blob, structure) == (1, 0, 3, 4, 0, 1, 2, 9)


def test_every_kind_of_value() -> None:
    mixed: list[int | Ref] = [Ref("there"), 9]
    properties: dict[str, Value] = {
        "empty": True,
        "left-out": False,
        "cell": 0xFFFF_FFFF,
        "text": "x",
        "list": ["one", "two"],
        "cells": [1, 2],
        "wide": wide(0x1_0000_0002, 3),
        "raw": b"\x01\x02\x03",
        "target": Ref("there"),
        "mixed": mixed,
    }
    source, _ = decompile(flatten(Node("", properties, [Node("unused", label="nobody"), Node("node", label="there")])))
    for line in (
        "empty;",
        "cell = <0xffffffff>;",
        'text = "x";',
        'list = "one\\0two";',
        "cells = <0x01 0x02>;",
        "wide = <0x01 0x02 0x00 0x03>;",
        "raw = [01 02 03];",
        "target = <0x01>;",
        "mixed = <0x01 0x09>;",
        "phandle = <0x01>;",
    ):
        assert line in source
    assert "left-out" not in source
    assert source.count("phandle") == 1


def test_labels_are_checked() -> None:
    with pytest.raises(ValueError, match="'gone', which no node has"):
        flatten(Node("", {"a": Ref("gone")}))
    with pytest.raises(ValueError, match="'twice' is given to two nodes"):
        flatten(Node("", {}, [Node("a", label="twice"), Node("b", label="twice")]))
    with pytest.raises(struct.error):
        flatten(Node("", {"a": 1 << 32}))


def test_devices_are_where_the_board_has_them() -> None:
    source = machine_tree()
    serial = node_of(source, "serial@10000000")
    assert serial["compatible"] == '"ns16550a"'
    assert serial["reg"] == "<0x00 0x10000000 0x00 0x100>"
    assert serial["interrupts"] == "<0x0a>"
    assert serial["clock-frequency"] in ("<0x384000>", '"\\08@"')  # dtc shows some numbers as text
    assert node_of(source, "rtc@101000")["interrupts"] == "<0x0b>"
    plic = node_of(source, "plic@c000000")
    assert plic["riscv,ndev"] == "<0x60>"
    assert plic["reg"] == "<0x00 0xc000000 0x00 0x600000>"
    assert serial["interrupt-parent"] == plic["phandle"]
    assert node_of(source, "memory@80000000")["reg"] == "<0x00 0x80000000 0x00 0x8000000>"
    finisher = node_of(source, "test@100000")
    assert finisher["compatible"] == '"sifive,test1\\0sifive,test0\\0syscon"'
    for name, value in (("poweroff", "<0x5555>"), ("reboot", "<0x7777>")):
        assert node_of(source, name) == {
            "compatible": f'"syscon-{name}"',
            "regmap": finisher["phandle"],
            "offset": "<0x00>",
            "value": value,
        }


def test_interrupts_of_every_hart_are_wired() -> None:
    source = machine_tree(harts=2)
    controllers = re.findall(r"cpu-intc\";\n\t*phandle = <(0x\w+)>", source)
    assert len(controllers) == 2
    first, second = controllers
    assert node_of(source, "plic@c000000")["interrupts-extended"] == f"<{first} 0x0b {first} 0x09 {second} 0x0b {second} 0x09>"
    assert node_of(source, "clint@2000000")["interrupts-extended"] == f"<{first} 0x03 {first} 0x07 {second} 0x03 {second} 0x07>"
    assert node_of(source, "core1")["cpu"] == node_of(source, "cpu@1")["phandle"]


def test_cpus() -> None:
    source = machine_tree(harts=1)
    cpu = node_of(source, "cpu@0")
    assert cpu["riscv,isa"] == '"rv64imach_zicntr_zicsr_zifencei_sstc_svadu"'
    assert cpu["riscv,isa-base"] == '"rv64i"'
    assert cpu["riscv,isa-extensions"] == '"i\\0m\\0a\\0c\\0h\\0zicntr\\0zicsr\\0zifencei\\0sstc\\0svadu"'
    assert cpu["mmu-type"] == '"riscv,sv57"'
    assert node_of(source, "cpus")["timebase-frequency"] == "<0x989680>"


def test_isa_extensions_in_canonical_order() -> None:
    names = {"Svinval", "D", "Zbb", "Xours", "Smepmp", "Zicsr", "F", "H", "I", "Zba", "Zfh", "Zacas", "V", "M", "sv39"}
    assert isa_extensions(names) == [
        "i", "m", "f", "d", "v", "h", "zicsr", "zacas", "zfh", "zba", "zbb", "smepmp", "svinval", "xours",
    ]  # fmt: skip
    assert [mmu_type(names), mmu_type({"SV48"}), mmu_type({"sv48", "sv57"})] == [
        "riscv,sv39",
        "riscv,sv48",
        "riscv,sv57",
    ]


def test_cache_block_sizes_come_with_their_extensions() -> None:
    board = Board(Services(harts=[Hart(0)]))
    source, _ = decompile(flatten(device_tree(board, 0x8000_0000, 1 << 20, ("I", "Zicboz", "Zicbop"))))
    assert node_of(source, "cpu@0")["riscv,cboz-block-size"] == "<0x40>"
    assert node_of(source, "cpu@0")["riscv,cbop-block-size"] == "<0x40>"
    assert "cbom-block-size" not in source


def test_chosen() -> None:
    assert node_of(machine_tree(), "chosen") == {"stdout-path": '"/soc/serial@10000000"'}
    chosen = node_of(machine_tree(chosen=Chosen("console=ttyS0 quiet", (0x8420_0000, 0x8421_86A0), bytes(8))), "chosen")
    assert chosen["bootargs"] == '"console=ttyS0 quiet"'
    assert chosen["linux,initrd-start"] == "<0x00 0x84200000>"
    assert chosen["linux,initrd-end"] == "<0x00 0x842186a0>"
    assert chosen["rng-seed"] == "<0x00 0x00>"


def test_the_same_machine_gives_the_same_blob() -> None:
    blobs = {flatten(device_tree(Board(Services(harts=[Hart(0)])), 0x8000_0000, 128 << 20, set(EXTENSIONS))) for _ in range(3)}
    assert len(blobs) == 1
