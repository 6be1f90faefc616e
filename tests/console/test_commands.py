# SPDX-License-Identifier: Apache-2.0
"""What the console's commands say about a real machine."""

from __future__ import annotations

import re

import pytest

from cli.context import Context
from cli.registry import execute, load_commands
from core.debug.target import Debugger, StopKind
from tests.console.driver import Typist, ask


def test_mode_at_reset(hello: Debugger) -> None:
    lines = ask(hello, "mode")
    assert lines[0] == "hart 0: HS-mode (hypervisor-extended supervisor mode, V=0), world: host"
    assert lines[1] == "  pc           0x80200000 <_start>"
    assert "  retired      0 instructions" in lines


def test_mode_in_the_guest(in_guest: Debugger) -> None:
    lines = ask(in_guest, "mode")
    assert lines[0] == "hart 0: VS-mode (virtual supervisor mode, V=1), world: guest 1 (vmid 1)"
    assert "  VS-stage     vsatp: MODE=Bare" in lines
    assert any(line.startswith("  G-stage      hgatp: MODE=Sv39x4 VMID=1 PPN=0x8") for line in lines)


def test_mode_says_where_sret_would_go(hello: Debugger) -> None:
    for line in ("csr hstatus.SPV = 1", "csr sstatus.SPP = 1", "csr sepc = guest_entry"):
        ask(hello, line)
    assert "  sret         would go to VS-mode at 0x80205000 <guest_entry>" in ask(hello, "mode")


def test_csr_decodes_fields(hello: Debugger) -> None:
    lines = ask(hello, "csr hstatus")
    assert lines[0] == "hstatus = 0x200000000   Hypervisor Status (CSR 0x600)"
    assert "  33:32  VSXL   2  RO    XLEN in VS-mode: 64" in lines
    assert "     22  VTSR   0        trap SRET in VS-mode: no" in lines
    assert lines[-1] == "  norm:hstatus_sz_acc_op"


def test_csr_fits_narrow_terminals(hello: Debugger) -> None:
    assert all(len(line) <= 50 for line in ask(hello, "csr hstatus", width=50)[1:-1])
    assert all(len(line) <= 50 for line in ask(hello, "csr", width=50))


def test_csr_lists_by_group(hello: Debugger) -> None:
    lines = ask(hello, "csr")
    assert {"supervisor:", "hypervisor:", "machine:", "VS:"} <= set(lines)
    vs = ask(hello, "csr vs")
    assert vs[0] == "VS:"
    assert any(line.startswith("  vsstatus    0x200000000 ") and "UXL=64" in line for line in vs)
    zero = " ".join(vs).partition("zero:")[2]
    assert "vsatp" in zero.split()


def test_csr_patterns(hello: Debugger) -> None:
    lines = ask(hello, "csr hg*")
    assert lines == ["hypervisor:", "  zero: hgeie hgatp hgeip"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("csr hstatus.VTSR = 1", "hstatus.VTSR = 1"),
        ("csr hstatus.vtsr=1", "hstatus.VTSR = 1"),
        ("csr hedeleg = 0xffffffffffffffff", "legalized"),
        ("csr hgatp.MODE=Sv48x4", "hgatp.MODE = 9"),
        ("csr hgatp.mode = sv48x4", "hgatp.MODE = 9"),
        ("csr hgatp.MODE = 1 + 7", "hgatp.MODE = 8"),
        ("csr hgatp.MODE = Sv48", "'Sv48' is no value of hgatp.MODE; it takes numbers and Bare, Sv39x4, Sv48x4, Sv57x4"),
        ("csr hgatp = Sv48x4", "no symbol or register 'Sv48x4'"),
        ("csr scause = load_page_fault", "scause = 0xd   load page fault"),
        ("csr scause = STI", "scause = 0x8000000000000005   supervisor timer interrupt"),
        ("csr vscause = 5", "vscause = 0x5   load access fault"),
        ("csr scause.CODE = load-guest-page-fault", "scause.CODE = 21"),
        ("set $scause = sti", "scause = 0x8000000000000005   supervisor timer interrupt"),
        ("csr scause = load_pge_fault", "no symbol or register 'load_pge_fault'"),
        ("csr hgatp = 1 << 70", "a shift by 70 in '1<<70': values have 64 bits"),
        ("catch csr scause read load_guest_page_fault", ": csr scause read load_guest_page_fault"),
        ("catch csr scause.CODE write ecall_vs", ": csr scause.CODE write ecall_vs"),
        ("catch csr scause read lode", "'lode' is no value"),
        ("csr hstatus.VSXL = 64", "0x40 does not fit into hstatus.VSXL, which has 2 bits"),
        ("csr hstatus.VSXL = 1", "hstatus.VSXL = 2   (1 was written: ro field)"),
        ("csr hstatus.SPV = 2", "0x2 does not fit into hstatus.SPV, which has 1 bit"),
        ("csr hstatus.SPW = 1", "hstatus has no field 'SPW'; did you mean SPV?"),
        ("csr hstatsu = 1", "no CSR 'hstatsu'; did you mean hstatus?"),
        ("csr hstatsu", "no CSR or group 'hstatsu'; did you mean hstatus?"),
        ("csr time = 1", "time is read-only"),
        ("csr = 1", "csr: write to which one? csr NAME = VALUE"),
        ("set $a0 = guest_entry", "a0 = 0x80205000"),
        ("set hstatus.SPV = 1", "hstatus.SPV = 1"),
        ("set $a8 = 1", "no register 'a8'"),
        ("set $a0", "set: which value? set $a0 = 1"),
    ],
)
def test_writes_and_their_errors(hello: Debugger, line: str, answer: str) -> None:
    lines = ask(hello, line)
    assert len(lines) == 1
    assert answer in lines[0]


def test_registers_by_their_numbers(hello: Debugger) -> None:
    """As gdb names them: x0 to x31, the ABI names of f0 to f31, csr and a decimal address; CSRs by their address."""
    assert ask(hello, "set $x5 = 0x123") == ["t0 = 0x123"]
    assert hello.read_register("t0") == 0x123
    assert ask(hello, "print/x $x5 + X5") == ["0x246"]
    assert ask(hello, "print/x x8 == fp") == ["0x1"]
    assert ask(hello, "set x0 = 1") == ["zero is always 0"]
    assert ask(hello, "set $fa0 = 7") == ["f10 = 0x7"]
    assert ask(hello, "set $csr576 = 0x42") == ["vsscratch = 0x42"]
    assert ask(hello, "print/x $csr1536.VSXL") == ["0x2"]
    assert ask(hello, "csr 0x600 = 1 << 22")[0].startswith("hstatus = 0x200400000   ")
    assert ask(hello, "csr 1536.vtsr") == ["hstatus.VTSR = 1   trap SRET in VS-mode: yes"]
    assert ask(hello, "csr 0x680") == ask(hello, "csr hgatp") == ask(hello, "info 0x680")
    assert ask(hello, "info x5") == ask(hello, "info t0")
    assert ask(hello, "catch csr 0x680 write") == ["catch 1: csr hgatp write"]
    for line, answer in (
        ("csr 0x7c0", "no CSR or group '0x7c0'"),
        ("csr 0x7c0 = 1", "no CSR '0x7c0'"),
        ("catch csr 0x7c0", "there is no CSR '0x7c0'"),
        ("print $x32", "no register '$x32'"),
        ("set x32 = 1", "no register 'x32'"),
        ("set 0x5 = 1", "no register '0x5'"),
    ):
        lines = ask(hello, line)
        assert len(lines) == 1 and lines[0].startswith(answer), lines


def test_translate_shows_every_step(in_guest: Debugger) -> None:
    lines = ask(in_guest, "translate guest_entry x")
    assert lines[0] == "fetch at GVA 0x80205000 <guest_entry>, as VS-mode"
    steps = [line for line in lines if "PTE" in line]
    assert [line.split(":")[0].strip() for line in steps] == ["G level 2", "G level 1", "G level 0"]
    assert steps[2].endswith("DA-UX-RV")
    assert lines[-2:] == ["GPA 0x80205000", "SPA 0x80205000"]


def test_translate_names_the_failing_bit(in_guest: Debugger) -> None:
    lines = ask(in_guest, "translate 0x40000000")
    assert any(line.endswith("<-- fails") for line in lines)
    assert "    G level 2" in lines[4]
    assert lines[-2].startswith("fault: cause 21, load guest-page fault: V=0")


def test_translate_through_named_spaces(in_guest: Debugger) -> None:
    assert ask(in_guest, "translate guest_entry --space hva")[0] == "load at HVA 0x80205000 <guest_entry>, as HS-mode"
    assert ask(in_guest, "translate guest_entry w --space=gpa")[0] == "store at GPA 0x80205000"


def test_x_reads_memory(in_guest: Debugger) -> None:
    assert ask(in_guest, "x/2i $pc") == [
        "=> 0x80205000 <guest_entry>           00002117  auipc sp,0x2",
        "   0x80205004 <guest_entry+4>         80010113  addi sp,sp,-2048",
    ]
    assert ask(in_guest, "x/wx $pc") == ["0x80205000 <guest_entry>:  0x00002117"]
    assert ask(in_guest, "x/wx 0x80205000 --space spa") == ["0x80205000 <guest_entry>:  0x00002117"]
    assert ask(in_guest, "x 0x40000000") == ["address 0x40000000 is not mapped; `translate 0x40000000` says why"]
    assert ask(in_guest, "x") == ["x: ADDR is missing; there is no last one to go on from"]


def test_x_goes_on_where_it_ended(in_guest: Debugger) -> None:
    shown = Typist(in_guest).lines("x/2wx guest_entry", "x", "x/2hx")
    assert shown.splitlines() == [
        "0x80205000 <guest_entry>:  0x00002117  0x80010113",
        "0x80205008 <guest_entry+8>:  0x00000097",
        "0x8020500c <guest_entry+12>:  0x80e7  0x0fc0",
    ]


def test_poke_writes_what_x_reads(hello: Debugger) -> None:
    ask(hello, "poke 0x80400000 0x11223344 --size 4")
    assert ask(hello, "x/gx 0x80400000")[0].endswith("0x0000000011223344")


def test_print(in_guest: Debugger) -> None:
    assert ask(in_guest, "p $pc + 4") == ["0x80205004 = 2149601284 <guest_entry+4>"]
    assert ask(in_guest, "p/t $hgatp.MODE")[0].endswith("1000")
    assert ask(in_guest, "p -1") == ["0xffffffffffffffff = -1"]


def test_breakpoints(hello: Debugger) -> None:
    assert ask(hello, "b guest_entry") == ["breakpoint 1 at 0x80205000 <guest_entry>"]
    assert ask(hello, "watch $sp 4")[0].startswith("write watchpoint 2 on 4 bytes at ")
    table = ask(hello, "info b")
    assert table[1].split() == ["1", "breakpoint", "0x80205000", "<guest_entry>", "0", "console"]
    assert ask(hello, "delete 7") == ["no breakpoint 7; 'break' lists them"]
    assert ask(hello, "delete") == ["removed 2 breakpoints"]
    assert ask(hello, "break") == ["no breakpoints; 'break ADDR' sets one"]


def test_delete_leaves_those_of_gdb(hello: Debugger) -> None:
    hello.add_breakpoint(0x80200000, owner="gdb")
    ask(hello, "b guest_entry")
    assert ask(hello, "catch vmexit", front="monitor") == ["catch 3: vmexit"]
    assert ask(hello, "d") == ["removed 1 breakpoint"]
    assert ask(hello, "d 1") == ["breakpoint 1 is gdb's own: delete it there ('info breakpoints' has its number)"]
    assert ask(hello, "d", front="monitor") == ["removed 1 breakpoint"]
    assert [point.owner for point in hello.breakpoints()] == ["gdb"]


def test_a_trap_stop_explains_the_trap(hello: Debugger) -> None:
    shown = Typist(hello).lines("tbreak load_unmapped", "continue", "tbreak trap_vector", "continue")
    assert "VS-mode, guest 1 (vmid 1): breakpoint 1 at load_unmapped" in shown
    assert "trap: load guest-page fault (scause: cause 21)" in shown
    assert "  from VS-mode at " in shown
    assert "  guest physical address 0x40000000 (htval << 2)" in shown
    assert "hstatus: SPV SPVP GVA" in shown


def test_step_crosses_into_the_guest_and_back(in_guest: Debugger) -> None:
    typist = Typist(in_guest)
    assert "VS-mode, guest 1 (vmid 1): stepped to guest_entry+8" in typist.lines("step 2")
    typist.lines("tbreak trap_vector", "continue")
    assert "stepped to trap_vector+4" in typist.lines("si")


def test_to_the_end_and_reset(hello: Debugger) -> None:
    typist = Typist(hello)
    shown = typist.lines("c")
    assert "uart| Hello from VS-mode\n" in shown
    assert shown.rstrip().endswith("the machine switched itself off with status 0")
    assert "`reset` starts it again" in typist.lines("c")
    assert "the machine was reset" in typist.lines("reset")
    assert hello.read_register("pc") == 0x80200000


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("foo", "unknown command 'foo'; 'help' lists all"),
        ("trnslate 0", "unknown command 'trnslate'; did you mean translate? 'help' lists all"),
        ("s t e p", "step: 'e' is too much; usage: step [N]"),
        ("translate", "translate: ADDR is missing; usage: translate ADDR [r|w|x|ss] [--space gva|gpa|hva]"),
        ("x/q 0", "/q: no format letter 'q'; there are xduotacfsiz and sizes b h w g"),
        ("break nowhere", "no symbol or register 'nowhere'"),
        ("hart 3", "no hart 3; there is hart 0 only"),
        ("gdb", "no gdb server runs; start hartline with --gdb 1234"),
        ("map --fast", "map: no option --fast; usage: map [WORLD]"),
        ("mode/x", "mode: it takes no /x; usage: mode"),
        ("worlds merged", "`worlds merged` is about gdb's inferiors: type `monitor worlds merged` there"),
        ("symbols zzz*", "no symbol matches 'zzz*'"),
        ("info nonsense", "info shows breakpoints, "),
        ("help nonsense", "unknown command 'nonsense'; 'help' lists all"),
        ("d 9", "no breakpoint 9; 'break' lists them"),
        ("\x1b[A\x00\xff", "unknown command"),
        ("= = =", "unknown command"),
        ("/x", "unknown command"),
        ("'", "unknown command"),
    ],
)
def test_nonsense_gets_one_line(hello: Debugger, line: str, answer: str) -> None:
    lines = ask(hello, line)
    assert len(lines) == 1
    assert answer in lines[0]


def test_what_is_cut_says_so(hello: Debugger) -> None:
    lines = ask(hello, "dump 0x80200000 70000")
    assert len(lines) == 4097
    assert lines[-2].startswith("0x8020fff0  ")
    assert lines[-1] == "... 65,536 bytes at most; `dump 0x80210000 4464` goes on"
    assert len(ask(hello, "dump 0x80200000 65536")) == 4096
    lines = ask(hello, "disassemble main 99999999")
    assert len(lines) == 1001
    address = re.fullmatch(r"... 1000 instructions at most; `disassemble (0x[0-9a-f]+)` goes on", lines[-1])
    assert address and int(address[1], 16) > int(lines[-2].split()[0], 16)
    hello.write_memory(0x8040_0000, b"ab" * 200 + b"\0", space="spa")
    assert ask(hello, "x/2s 0x80400000") == [f'0x80400000:  "{"ab" * 128}"...', f'0x80400100:  "{"ab" * 72}"']


def test_unambiguous_beginnings(hello: Debugger) -> None:
    assert ask(hello, "disas guest_entry 1") == ask(hello, "disassemble guest_entry 1")
    assert ask(hello, "tran guest_entry") == ask(hello, "translate guest_entry")
    assert ask(hello, "re") == ["'re' could be regs or reset"]


def test_monitor_refuses_what_would_move_the_machine(hello: Debugger) -> None:
    assert ask(hello, "step", front="monitor") == ["'step' is for the console; in gdb use gdb's own command"]
    assert ask(hello, "csr hgatp", front="monitor") == ask(hello, "csr hgatp")


def test_help_covers_every_command(hello: Debugger) -> None:
    listing = "\n".join(ask(hello, "help"))
    for name, command in load_commands().items():
        assert f"  {name} " in listing
        explained = ask(hello, f"help {name}")
        assert explained[0] == command.usage_text
        assert explained[-1] == f"  Example: {command.example}"


def test_every_example_works(in_guest: Debugger) -> None:
    """The examples in the help are commands that run on the bundled hypervisor."""
    context = Context(in_guest, gdb_address=("127.0.0.1", 1234))
    for line in ("break guest_main", "break guest_shutdown", "continue"):
        list(execute(line, context))
    for command in load_commands().values():
        if in_guest.stop.kind is StopKind.RESET:
            list(execute("continue", context))
        if not in_guest.read_register("sp"):
            in_guest.write_register("sp", 0x80206800)
        if command.name not in (
            "hart",
            "finish",
            "until",
            "next",
            "into",
            "locals",
            "layout",
        ):  # a second hart; moves tested elsewhere
            list(execute(command.example, context))


def test_what_cannot_run_leaves_no_breakpoint(hello: Debugger) -> None:
    typist = Typist(hello)
    typist.lines("continue")
    for line in ("until main", "until exit", "until VS", "finish", "next"):
        assert "the machine is switched off" in typist.lines(line)
    assert hello.breakpoints() == []
