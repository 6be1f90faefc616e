# SPDX-License-Identifier: Apache-2.0
"""External interrupts as the console shows them: PLIC, APLIC with and without messages, IMSIC."""

from __future__ import annotations

import pytest

from cli.context import Context
from cli.launch import Options
from cli.registry import run_command
from core.debug.external import File, Source, controller_of, files, sources
from core.debug.target import Debugger
from core.devices.config import Aia, BoardConfig
from examples import elf

PLIC, APLIC_S, IMSIC_S = 0xC00_0000, 0xD00_0000, 0x2800_0000
UART = 10
DOMAINCFG, SOURCECFG, SETIPNUM, SETIENUM, TARGET = 0, 4, 0x1CDC, 0x1EDC, 0x3004
IDELIVERY, ITHRESHOLD = 0x4000, 0x4008


def machine(aia: Aia = Aia.NONE) -> Debugger:
    board = BoardConfig(aia=aia)
    return Options(file=elf("hello"), engine="reference", memory=16 << 20, harts=2, board=board).make()


def write(debugger: Debugger, address: int, value: int) -> None:
    debugger.write_memory(address, value.to_bytes(4, "little"), space="spa")


def irq(debugger: Debugger, width: int = 100) -> str:
    return "\n".join(run_command("irq", Context(debugger, width=width)))


def test_the_plic() -> None:
    d = machine()
    assert sources(d.machine.board.devices) == []
    write(d, PLIC + 4 * UART, 3)
    write(d, PLIC + 0x2000 + 0x80 * 1, 1 << UART)  # hart 0 S
    write(d, PLIC + 0x2000 + 0x80 * 3, 1 << UART)  # hart 1 S
    write(d, PLIC + 0x20_0000 + 0x1000 * 3, 5)
    goes = ("hart 0 S, priority 3", "hart 1 S, priority 3: not above threshold 5")
    assert sources(d.machine.board.devices) == [Source("PLIC", UART, "idle", goes)]
    (controller,) = [each for each in d.machine.board.devices if type(each).__name__ == "Plic"]
    controller.set_level(UART, True)  # type: ignore[attr-defined]
    assert sources(d.machine.board.devices)[0].state == "pending"
    assert controller_of(d.machine.board.devices, d.machine.harts[0]) == "PLIC"
    shown = irq(d)
    assert " 9  SEI   -        HS       PLIC; not taken: sie.SEIE is 0" in shown
    assert "PLIC source 10: pending, for hart 0 S, priority 3; hart 1 S, priority 3: not above threshold 5" in shown
    assert controller.read(0x20_0004 + 0x1000, 4) == UART  # the claim of hart 0 S
    assert sources(d.machine.board.devices)[0].state == "being handled"


def test_an_aplic_that_delivers_directly() -> None:
    d = machine(Aia.APLIC)
    write(d, APLIC_S + SOURCECFG + 4 * (UART - 1), 4)  # edge
    write(d, APLIC_S + TARGET + 4 * (UART - 1), 1 << 18 | 3)
    write(d, APLIC_S + SETIENUM, UART)
    write(d, APLIC_S + SETIPNUM, UART)
    goes = "hart 1 S, priority 3: domaincfg.IE is 0"
    assert sources(d.machine.board.devices) == [Source("APLIC S", UART, "pending (edge)", (goes,))]
    write(d, APLIC_S + DOMAINCFG, 1 << 8)
    write(d, APLIC_S + ITHRESHOLD + 32, 2)
    assert sources(d.machine.board.devices)[0].goes == ("hart 1 S, priority 3: not below threshold 2",)
    write(d, APLIC_S + ITHRESHOLD + 32, 0)
    write(d, APLIC_S + IDELIVERY + 32, 1)
    context = Context(d, hart=1, width=100)
    assert " 9  SEI   -        HS       APLIC; not taken: sie.SEIE is 0" in "\n".join(run_command("irq", context))


def test_messages_and_interrupt_files() -> None:
    d = machine(Aia.APLIC_IMSIC)
    h = d.machine.harts[0]
    assert files(h) == [] and controller_of(d.machine.board.devices, h) == "IMSIC"
    write(d, APLIC_S + SOURCECFG + 4 * (UART - 1), 6)  # level
    write(d, APLIC_S + TARGET + 4 * (UART - 1), 2 << 12 | 70)
    write(d, APLIC_S + SETIENUM, UART)
    goes = "hart 0 S, guest file 2, identity 70: domaincfg.IE is 0"
    assert sources(d.machine.board.devices) == [Source("APLIC S", UART, "idle (level)", (goes,))]
    write(d, IMSIC_S, 5)
    write(d, IMSIC_S + 2 * 0x1000, 70)
    assert [(each.name, each.pending) for each in files(h)] == [("S", (5,)), ("guest 2", (70,))]
    for number, value in ((0x70, 1), (0xC0, 1 << 5), (0x72, 6)):  # eidelivery, eie0, eithreshold
        d.write_register("siselect", number)
        d.write_register("sireg", value)
    assert files(h)[0] == File("S", True, 6, (5,), (5,), 5)
    d.write_register("hstatus", d.read_register("hstatus") | 2 << 12)
    shown = irq(d)
    assert " 9  SEI   -        HS       IMSIC; not taken: sie.SEIE is 0" in shown
    assert "IMSIC S file: pending 5, enabled 5, only below 6 (eithreshold); first 5" in shown
    assert "IMSIC guest 2 file: pending 70, enabled none, eidelivery is 0" in shown
    assert "guest external: hgeip 0x0, hgeie 0x0; hstatus.VGEIN chooses guest file 2 for VSEIP" in shown


@pytest.mark.parametrize("aia", Aia)
@pytest.mark.parametrize("width", [40, 80])
def test_it_fits_the_terminal(aia: Aia, width: int) -> None:
    assert all(len(line) <= width for line in irq(machine(aia), width).splitlines())
