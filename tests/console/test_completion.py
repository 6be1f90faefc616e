# SPDX-License-Identifier: Apache-2.0
"""What Tab offers, with its meaning."""

from __future__ import annotations

import pytest

from cli.completion import candidates
from cli.context import Context
from core.debug.target import Debugger


def offered(debugger: Debugger, line: str) -> dict[str, str]:
    """What the line's end would become, with the meaning."""
    return {c.text: c.meaning for c in candidates(line, Context(debugger))}


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("tr", ["translate", "trap"]),
        ("  dis", ["disassemble"]),
        ("break guest_s", ["guest_sbi_call", "guest_shutdown", "guest_stack_top"]),
        ("break *guest_sh", ["guest_shutdown"]),
        ("p $sp + guest_sh", ["guest_shutdown"]),
        ("b _shut", ["guest_shutdown", "sbi_shutdown"]),
        ("x/4gx $hga", ["$hgatp"]),
        ("x/4gx $hgatp.V", ["$hgatp.VMID"]),
        ("csr hstatu", ["hstatus"]),
        ("csr hstatus.vt", ["hstatus.VTSR", "hstatus.VTW", "hstatus.VTVM"]),
        ("csr sepc = guest_e", ["guest_entry"]),
        ("set $hstatu", ["$hstatus"]),
        ("translate guest_entry ", ["r", "w", "x", "ss"]),
        ("translate guest_entry --s", ["--space"]),
        ("translate guest_entry --space ", ["gva", "gpa", "hva"]),
        ("translate --space gpa guest_e", ["guest_entry"]),
        ("help dis", ["disassemble"]),
        ("info reg", ["registers"]),
        ("until e", ["entry", "exit"]),
        ("until guest_sh", ["guest_shutdown"]),
        ("until exit load_g", ["load_guest_page_fault"]),
        ("until exit vst", ["vsti"]),
        ("catch vm", ["vmentry", "vmexit"]),
        ("catch vmexit virt", ["virtual_instruction"]),
        ("catch mode V", ["VS", "VU"]),
        ("catch csr hga", ["hgatp"]),
        ("catch csr hgatp w", ["write"]),
        ("catch sbi hs", ["hsm"]),
        ("catch interrupt st", ["sti"]),
        ("break main in h", ["host"]),
        ("break main if $hga", ["$hgatp"]),
        ("foo ", []),
        ("x 0x8", []),
        ("translate guest_entry r ", []),
    ],
)
def test_candidates(hello: Debugger, line: str, texts: list[str]) -> None:
    assert list(offered(hello, line)) == texts


def test_meanings_stand_beside(hello: Debugger) -> None:
    assert offered(hello, "csr hgat")["hgatp"] == "Hypervisor Guest Address Translation and Protection"
    assert offered(hello, "csr hstatus.VTS")["hstatus.VTSR"] == "trap SRET in VS-mode"
    assert offered(hello, "tran")["translate"].startswith("walk the page tables")
    assert offered(hello, "break guest_en")["guest_entry"] == "0x80205000"


def test_groups_are_offered_too(hello: Debugger) -> None:
    assert offered(hello, "csr hyp") == {"hypervisor": "all CSRs of this group"}


def test_breakpoints_are_offered_by_number(hello: Debugger) -> None:
    hello.add_breakpoint(0x80205000, owner="console")
    assert offered(hello, "delete ") == {"1": "guest_entry"}


def test_an_empty_line_offers_all_commands(hello: Debugger) -> None:
    assert {"mode", "csr", "translate", "quit"} <= set(offered(hello, ""))


def test_a_running_machine_is_no_obstacle(hello: Debugger) -> None:
    hello.running = True
    try:
        assert list(offered(hello, "break guest_sh")) == ["guest_shutdown"]
        assert list(offered(hello, "csr hgatp.VM")) == ["hgatp.VMID"]
    finally:
        hello.running = False


def test_members_are_offered_with_their_types(hello: Debugger) -> None:
    point = hello.add_breakpoint(0x80200374, owner="test")  # vcpu_run
    hello.resume()
    hello.wait(60)
    hello.remove_breakpoint(point.number)
    assert offered(hello, "p vcpu->guest_p") == {"guest_physical": "struct address_space"}
    assert list(offered(hello, "p vcpu->guest_physical.")) == ["scheme", "root"]
    assert offered(hello, "p vcpu->nothing.") == offered(hello, "p nothing->") == {}


def test_guests_are_offered_once_they_are_known(in_guest: Debugger) -> None:
    assert offered(in_guest, "break main in gu") == {"guest1": "guest 1 (vmid 1): running", "guests": "every guest"}
