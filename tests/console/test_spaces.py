# SPDX-License-Identifier: Apache-2.0
"""Views of memory and walks by kind of address, world and mode: whose they are, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.debug.target import Debugger
from examples import elf
from tests.console.driver import ask, machine

USER = 0x10000
"""user_entry of the guests, a user page."""


@pytest.fixture(scope="module")
def in_user() -> Iterator[Debugger]:
    """twins where guest 1 is in VU-mode for the first time, with the guests' symbols."""
    debugger = machine("twins")
    debugger.set_symbols("guest:*", elf("twins-guest"))
    debugger.add_catch("mode VS VU", owner="test", temporary=True)
    debugger.resume()
    stop = debugger.wait(60)
    assert stop is not None and stop.pc == USER
    yield debugger
    debugger.close()


def test_code_by_every_kind_of_address(in_user: Debugger) -> None:
    walk = in_user.translate(USER)
    for command in (f"xv/2i {USER}", f"x/2i {USER} --world guest", f"xv/2i {USER} --world guest1", f"x/2i {USER}"):
        assert ask(in_user, command) == [
            "=> 0x10000 <user_entry>               00000097  auipc ra,0x0",
            "   0x10004 <user_entry+4>             026080e7  jalr 38(ra)",
        ]
    for command, address in (("xg", walk.gpa), ("xp", walk.spa)):  # no program has these addresses, pc is none of them
        assert address is not None
        lines = ask(in_user, f"{command}/2i {address:#x}")
        assert [line.split(maxsplit=1) for line in lines] == [
            [f"{address:#x}", "00000097  auipc ra,0x0"],
            [f"{address + 4:#x}", "026080e7  jalr 38(ra)"],
        ]
    assert ask(in_user, "x/1i main --space hva")[0].split() == ask(in_user, "x/1i main --world host")[0].split()
    assert ask(in_user, "x/1i main --space hva")[0].split()[1] == "<main>"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("xg/2x 0 --world guest1", "guest physical address 0x0 is not mapped; `translate 0x0 --space gpa` says why"),
        ("xv/2x 0", "guest virtual address 0x0 is not mapped; `translate 0x0 --space gva` says why"),
        ("xp/2x 0", "cannot read 0x0: nothing answers"),
        ("xp/4gx 0x80fffff0", "cannot read 0x81000000: nothing answers"),
        ("xv/4gx 0x10000 --world host", "the host has no guest virtual addresses; its own are hva"),
        ("xv/4i 0x10000 --world host", "the host has no guest virtual addresses; its own are hva"),
        ("xg/4gx 0x80200000 --world host", "the host has no guest physical addresses; its own are hva"),
        (
            "x main --space hva --world guest1",
            "guest 1 (vmid 1) has no hypervisor virtual addresses; its own are gva and gpa",
        ),
        ("walk 0x10000 --mode HS --world guest1", "guest 1 (vmid 1) has no HS-mode"),
        ("walk 0x10000 --mode VU --world host", "host has no VU-mode"),
        ("translate 0x10000 --space gpa --mode VS", "VS-mode accesses no guest physical address"),
        ("translate main --space hva --mode VU", "VU-mode accesses no hypervisor virtual address"),
        ("translate main --mode M", "translate: 'M' is none of HS, U, VS, VU; usage: "),
    ],
)
def test_what_is_not_there_is_one_line(in_user: Debugger, line: str, answer: str) -> None:
    lines = ask(in_user, line)
    assert len(lines) == 1
    assert lines[0].startswith(answer)


@pytest.mark.parametrize(
    ("line", "head", "last"),
    [
        (f"walk {USER}", "load at GVA 0x10000 <user_entry>, as VU-mode", "SPA 0x8020c000"),
        (f"walk {USER} --mode VU --access x", "fetch at GVA 0x10000 <user_entry>, as VU-mode", "SPA 0x8020c000"),
        (f"walk {USER} --mode VS", "load at GVA 0x10000 <user_entry>, as VS-mode", "norm:mstatus_sum_op)"),
        (f"walk {USER} --mode VS --world guest", "load at GVA 0x10000 <user_entry>, as VS-mode", "norm:mstatus_sum_op)"),
        ("walk main --world host", "load at HVA 0x80200efa <main>, as HS-mode", "SPA 0x80200efa"),
        ("walk main --mode U --access w", "store at HVA 0x80200efa, as U-mode", "SPA 0x80200efa"),
        ("translate 0x80203000 --space gpa", "load at GPA 0x80203000", "SPA 0x8020c000"),
    ],
)
def test_walks_say_who_makes_the_access(in_user: Debugger, line: str, head: str, last: str) -> None:
    lines = ask(in_user, line)
    assert lines[0] == head
    assert lines[-1].endswith(last)


def test_a_walk_of_a_hart_in_m_mode() -> None:
    """MPRV lends loads and stores another mode (norm:mstatus_mprv_inst_xlat_op)."""
    debugger = machine()
    try:
        debugger.write_register("mode", 3)
        assert ask(debugger, "translate main")[:2] == [
            "load at HVA 0x80200ffe <main>, as M-mode",
            "  M-mode does not translate (unless mstatus.MPRV says so)",
        ]
        ask(debugger, "csr mstatus.MPP = S")
        ask(debugger, "csr mstatus.MPRV = 1")
        assert ask(debugger, "translate main")[:2] == ["load at HVA 0x80200ffe <main>, as HS-mode", "  satp: MODE=Bare"]
        assert ask(debugger, "translate main x")[0] == "fetch at HVA 0x80200ffe <main>, as M-mode"
        assert ask(debugger, "translate main x --mode U")[0] == "fetch at HVA 0x80200ffe <main>, as U-mode"
    finally:
        debugger.close()


def test_points_name_the_world_of_a_borrowed_symbol() -> None:
    """A name out of another world's program says so, and an address that means something in each is told to be of any."""
    debugger = machine("twins")
    try:
        debugger.add_catch("mode VS VU", owner="test", temporary=True)
        debugger.resume()
        debugger.wait(60)
        run, main = (f"{debugger.symbols.address_of(name):#x}" for name in ("vcpu_run", "main"))
        assert ask(debugger, "break vcpu_run") == [f"breakpoint 2 at {run} <vcpu_run of host>"]
        assert ask(debugger, "watch main") == [f"write watchpoint 3 on 8 bytes at {main} <main of host>"]
        debugger.set_symbols("guest:*", elf("twins-guest"))
        assert ask(debugger, "break user_main once")[0].endswith(" <user_main>, in any world")
        assert ask(debugger, "watch user_main 4 --world guest1")[0].endswith(" <user_main>, in guest 1 (vmid 1)")
        assert " <user_main>, in any world, once " in ask(debugger, "break")[3]
        assert ask(debugger, "watch 0x80206000 8 --space spa") == ["write watchpoint 6 on 8 bytes at SPA 0x80206000"]
    finally:
        debugger.close()
