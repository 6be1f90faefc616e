# SPDX-License-Identifier: Apache-2.0
"""Catches: each kind of event, where the machine then stands, what the stop says, and how they are narrowed."""

from __future__ import annotations

import re

import pytest

from core.debug.specs import FORMS, PARSERS, parse
from core.debug.target import GUESTS, HOST, DebugError, Debugger, Stop, StopKind
from tests.support.debugged import CODE, ENGINES, OWNER, address, debugger, go, place

pytestmark = pytest.mark.parametrize("engine", ENGINES)
GUEST_1, GUEST_2 = 2, 3


def all_stops(d: Debugger) -> list[Stop]:
    """Every stop until the machine switches itself off."""
    stops = []
    while (stop := go(d)).kind is StopKind.CATCH:
        stops.append(stop)
    assert stop.kind is StopKind.EXITED
    return stops


def caught(d: Debugger, spec: str, **narrowed: object) -> Stop:
    """The first stop at a catch, which is then removed."""
    catch = d.add_catch(spec, owner=OWNER, **narrowed)  # type: ignore[arg-type]
    stop = go(d)
    assert (stop.kind, stop.number, catch.hits) == (StopKind.CATCH, catch.number, 1), stop
    assert stop.text.startswith(f"catch {catch.number}: ")
    d.remove_breakpoint(catch.number)
    return stop


def words(stop: Stop) -> str:
    """The stop's text without its number."""
    return re.sub(r"^catch \d+: ", "", stop.text)


def test_vm_entry(engine: str) -> None:
    d = debugger("hello", engine)
    stop = caught(d, "vmentry")
    assert (stop.pc, stop.world, d.mode_name()) == (address(d, "guest_entry"), GUEST_1, "VS")
    assert words(stop) == ("VM entry of guest 1 (vmid 1) by the return at vm_enter+144, now in VS-mode at guest_entry")


def test_vm_exit_of_any_and_of_some_causes(engine: str) -> None:
    d = debugger("hello", engine)
    stop = caught(d, "vmexit")
    assert (stop.pc, stop.world, d.mode_name()) == (address(d, "trap_vector"), GUEST_1, "HS")
    stop = caught(d, "vmexit load_guest_page_fault 22")
    assert words(stop) == "VM exit of guest 1 (vmid 1): load guest-page fault, GPA 0x40000000, at load_unmapped"
    assert d.read_register("htval") << 2 == 0x4000_0000


def test_vm_exits_by_interrupt_of_one_guest(engine: str) -> None:
    d = debugger("twins", engine)
    d.add_catch("vmexit sti", owner=OWNER, world=GUEST_2)
    stops = all_stops(d)
    assert len(stops) >= 3 and {stop.world for stop in stops} == {GUEST_2}
    assert words(stops[0]).startswith("VM exit of guest 2 (vmid 2): supervisor timer interrupt, at ")


def test_entries_and_exits_balance(engine: str) -> None:
    d = debugger("twins", engine)
    entries, exits = (d.add_catch(what, owner=OWNER, ignore=10**9) for what in ("vmentry", "vmexit"))
    assert go(d).kind is StopKind.EXITED
    host, *guests = d.worlds()
    assert entries.hits == exits.hits == host.entries == sum(guest.entries for guest in guests)


def test_trap_within_a_guest(engine: str) -> None:
    """The guest's own system call: VU to VS, no exit."""
    d = debugger("twins", engine)
    stop = caught(d, "trap 8", world=GUEST_1)
    assert (d.mode_name(), stop.world, stop.pc) == ("VS", GUEST_1, address(d, "kernel_trap_vector", GUEST_1))
    assert re.fullmatch(
        r"environment call from U-mode or VU-mode in VU-mode of guest 1 \(vmid 1\), at \w+(\+\d+)?, taken in VS-mode",
        words(stop),
    )
    assert d.read_register("vscause") == 8


def test_trap_of_the_host(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, [0])
    d.write_register("stvec", CODE + 0x100)
    stop = caught(d, "trap illegal_instruction", world=HOST)
    assert (stop.pc, stop.world) == (CODE + 0x100, HOST)
    assert words(stop) == f"illegal instruction in HS-mode of host, at {CODE:#x}, taken in HS-mode"


def test_interrupt(engine: str) -> None:
    """A timer interrupt of HS-mode, taken in the host (a world filter for guests passes it over)."""
    d = debugger("loop", engine)
    place(d, [0x0000_006F])
    d.write_register("stvec", CODE + 0x100)
    for name, value in (("sie", 1 << 5), ("stimecmp", d.read_register("time") + 20), ("sstatus", 2)):
        d.write_register(name, value)
    other = d.add_catch("interrupt 5", owner=OWNER, world=GUESTS)
    stop = caught(d, "interrupt sti")
    assert (stop.pc, d.read_register("sepc"), other.hits) == (CODE + 0x100, CODE, 0)
    assert words(stop) == f"supervisor timer interrupt in HS-mode of host, at {CODE:#x}, taken in HS-mode"


def test_virtual_interrupt(engine: str) -> None:
    """VSTI is delivered under the number that VS-mode knows, and caught under its own."""
    d = debugger("twins", engine)
    stop = caught(d, "interrupt vsti")
    assert (stop.world, d.read_register("vscause")) == (GUEST_1, 1 << 63 | 5)
    assert words(stop).startswith("virtual supervisor timer interrupt in V")


def test_changes_of_mode(engine: str) -> None:
    d = debugger("twins", engine)
    assert words(caught(d, "mode HS VS")) == "mode HS to VS, from vm_enter+144 to guest_entry"
    stop = caught(d, "mode VS VU")
    assert (d.mode_name(), stop.world, stop.pc) == ("VU", GUEST_1, address(d, "user_entry", GUEST_1))
    caught(d, "mode vu vs")
    assert d.mode_name() == "VS"
    stop = caught(d, "mode any hs", world=GUEST_1)
    assert (d.mode_name(), stop.world) == ("HS", GUEST_1)
    d.add_catch("mode hs hs", owner=OWNER)
    assert go(d).kind is StopKind.EXITED


def test_csr_accesses(engine: str) -> None:
    """csrrwi, csrrs, csrrw with x0: reads, writes and what the CSR made of them."""
    d = debugger("loop", engine)
    code = [
        0x1400_52F3,  # csrrwi t0, sscratch, 0
        0x1400_2373,  # csrr t1, sscratch
        0x1402_9073,  # csrw sscratch, t0
        0x6803_9073,  # csrw hgatp, t2
        0x2807_2073,  # csrs vsatp, a4 (as csrrs x0)
    ]
    place(d, code)
    d.write_register("sscratch", 0x55)
    stop = caught(d, "csr sscratch")
    assert (stop.pc, words(stop)) == (CODE + 4, f"sscratch read: 0x55, sscratch written: 0x0 at {CODE:#x}")
    d.write_register("pc", CODE)
    d.write_register("sscratch", 0x55)
    assert caught(d, "csr SSCRATCH write 0x55").pc == CODE + 12
    d.write_register("pc", CODE)
    d.write_register("sscratch", 0)
    assert words(caught(d, "csr sscratch read")) == f"sscratch read: 0x0 at {CODE:#x}"
    assert words(caught(d, "csr sscratch read 0")) == f"sscratch read: 0x0 at {CODE + 4:#x}"
    d.write_register("t2", 8 << 60 | 1 << 58 | 0x80200)  # bit 58 does not exist
    stop = caught(d, "csr hgatp write")
    assert (
        words(stop) == f"hgatp written: {8 << 60 | 1 << 58 | 0x80200:#x}, which became {8 << 60 | 0x80200:#x} at {CODE + 12:#x}"
    )


def test_csr_by_its_own_name(engine: str) -> None:
    """The guest's satp is vsatp; satp stays the host's."""
    d = debugger("twins", engine)
    d.add_catch("csr satp", owner=OWNER)
    stop = caught(d, "csr vsatp write", world=GUEST_1)
    assert (d.mode_name(), stop.world) == ("VS", GUEST_1)
    assert re.fullmatch(r"vsatp written: 0x8\w{15} at kernel_main\+\d+", words(stop))
    assert d.read_register("vsatp") >> 60 == 8


def test_refused_csr_accesses_are_not_caught(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, [0x3000_2373])  # csrr t1, mstatus
    d.write_register("stvec", CODE)
    catch = d.add_catch("csr mstatus", owner=OWNER)
    go(d, steps=3)
    assert catch.hits == 0


def test_sbi_calls_of_the_host(engine: str) -> None:
    """Served at once by the built-in SBI: the machine stands behind the ecall, with its result."""
    d = debugger("loop", engine)
    place(d, [0x0000_0073, 0x0000_0013])
    for name, value in (("a7", 0x10), ("a6", 3), ("a0", 0x10), ("a1", 77)):
        d.write_register(name, value)
    other = d.add_catch("sbi 0x10 1", owner=OWNER)
    stop = caught(d, "sbi base 3")
    assert (stop.pc, stop.world, d.read_register("a1"), other.hits) == (CODE + 4, HOST, 1, 0)
    assert words(stop) == f"SBI call BASE probe_extension by host at {CODE:#x}"


def test_sbi_calls_of_a_guest(engine: str) -> None:
    d = debugger("twins", engine)
    stop = caught(d, "sbi time", world=GUEST_2)
    assert (stop.world, d.mode_name()) == (GUEST_2, "HS")
    assert words(stop) == "SBI call TIME set_timer by guest 2 (vmid 2) at sbi_set_timer+20"


@pytest.mark.parametrize(
    ("spec", "eid", "fid"),
    [
        ("sbi dbcn console_write", 0x4442434E, 0),
        ("sbi HSM HART_STOP", 0x48534D, 1),
        ("sbi 0x10 probe_extension", 0x10, 3),
        ("sbi console_putchar", 1, None),
        ("sbi legacy console_putchar", 1, None),
        ("sbi 1 5", 1, None),  # legacy calls ignore the FID (SBI 2.0, Legacy Extensions)
        ("sbi 0x80000001 0xffffffff", 0xFFFFFFFF80000001, (1 << 64) - 1),  # signed 32-bit integers
    ],
)
def test_sbi_functions_by_name(engine: str, spec: str, eid: int, fid: int | None) -> None:
    found = parse(spec)
    assert (found.eid, found.fid, found.text) == (eid, fid, spec)


def test_a_call_stops_by_the_name_it_is_told_with(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, [0x0000_0073, 0x0000_0013])
    for name, value in (("a7", 0x10), ("a6", 3), ("a0", 0x10)):
        d.write_register(name, value)
    other = d.add_catch("sbi base get_impl_id", owner=OWNER)
    assert words(caught(d, "sbi base probe_extension")) == f"SBI call BASE probe_extension by host at {CODE:#x}"
    assert other.hits == 0


def test_values_of_a_field(engine: str) -> None:
    """The rest of the CSR does not count, and values have their names."""
    d = debugger("loop", engine)
    place(d, [0x6803_9073, 0x6803_1073, 0x6800_22F3])  # csrw hgatp, t2; csrw hgatp, t1; csrr t0, hgatp
    d.write_register("t2", 9 << 60 | 0x80200)
    d.write_register("t1", 8 << 60 | 1 << 44 | 0x80300)
    stop = caught(d, "csr hgatp.MODE write Sv39x4")
    assert words(stop) == f"hgatp written: {8 << 60 | 1 << 44 | 0x80300:#x} at {CODE + 4:#x}"
    assert words(caught(d, "csr HGATP.vmid 1")) == f"hgatp read: {8 << 60 | 1 << 44 | 0x80300:#x} at {CODE + 8:#x}"


def test_guest_ebreak(engine: str) -> None:
    d = debugger("loop", engine)
    d.stop_on_new_world = True
    pc = go(d).pc
    spa = d.translate(pc, access="x").spa
    assert spa is not None
    d.write_memory(spa, bytes.fromhex("02900290"), space="spa")  # c.ebreak twice
    stop = caught(d, "guest-ebreak")
    assert (d.mode_name(), d.read_register("scause"), d.read_register("sepc"), stop.world) == ("HS", 3, pc, GUEST_1)
    assert words(stop) == f"VM exit of guest 1 (vmid 1): breakpoint, at {d.place(pc)}"


def test_an_ebreak_of_the_host_is_no_guests(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, [0x0010_0073])
    d.write_register("stvec", CODE)
    catch = d.add_catch("guest-ebreak", owner=OWNER)
    go(d, steps=3)
    assert catch.hits == 0 and d.read_register("scause") == 3


def test_gpa_that_is_not_mapped(engine: str) -> None:
    """The accesses of mmio's guest to its device fault."""
    d = debugger("mmio", engine)
    assert d.add_catch("gpa 0x10001000 0x10001fff", owner=OWNER).text == "gpa 0x10001000 to 0x10001fff"
    stops = all_stops(d)
    assert len(stops) == 30 and {stop.world for stop in stops} == {GUEST_1}
    assert words(stops[0]) == "VM exit of guest 1 (vmid 1): store/AMO guest-page fault, GPA 0x10001000, at uncompressed+42"
    d.reset()
    d.remove_breakpoint(1)
    d.add_catch("gpa 0x10001040", owner=OWNER)
    assert all_stops(d) == []


def test_gpa_that_is_mapped(engine: str) -> None:
    d = debugger("twins", engine)
    gpa = address(d, "ticks", GUEST_1)
    stop = caught(d, f"gpa {gpa:#x}", world=GUEST_2)
    assert (stop.world, stop.kind) == (GUEST_2, StopKind.CATCH)
    assert re.fullmatch(rf"GPA {gpa:#x}: (read|written) at virtual address {gpa:#x}, now at \w+(\+\d+)?", words(stop))


def test_fences(engine: str) -> None:
    d = debugger("twins", engine)
    stop = caught(d, "fence")
    assert stop.world == HOST and words(stop).startswith("hfence.gvma at ")
    stop = caught(d, "fence", world=GUEST_1)
    assert re.fullmatch(r"sfence.vma at kernel_main\+\d+", words(stop))


def test_ignore_hits_and_condition(engine: str) -> None:
    d = debugger("twins", engine)
    d.add_catch("vmentry", owner=OWNER, ignore=4, condition=lambda d, hart: d.current_world(hart).number == GUEST_2)
    go(d)
    guest = d.worlds()[2]
    assert (d.stop.world, guest.entries, d.breakpoints()[0].hits) == (GUEST_2, 5, 5)


def test_temporary_and_hart(engine: str) -> None:
    d = debugger("hello", engine)
    other = d.add_catch("vmexit", owner=OWNER, hart=1)
    d.add_catch("vmexit", owner=OWNER, temporary=True, hart=0)
    assert go(d).number == 2
    assert [point.number for point in d.breakpoints()] == [1] and go(d).kind is StopKind.EXITED
    assert other.hits == 0


def test_several_at_once(engine: str) -> None:
    d = debugger("hello", engine)
    numbers = [d.add_catch(spec, owner=OWNER).number for spec in ("vmexit 10", "mode VS HS", "sbi 0x4442434e", "trap 10")]
    stop = go(d)
    assert set(stop.numbers) <= set(numbers) and {1, 2, 4} <= set(stop.numbers)


def test_steps_end_at_catches(engine: str) -> None:
    d = debugger("hello", engine)
    d.add_catch("vmentry", owner=OWNER)
    d.resume(steps=10**6)
    stop = d.wait(60)
    assert stop is not None and stop.kind is StopKind.CATCH and d.mode_name() == "VS"


def test_they_are_listed_with_breakpoints(engine: str) -> None:
    d = debugger("loop", engine)
    d.add_breakpoint(0x8020_0000, owner=OWNER)
    catch = d.add_catch("csr  hgatp   write", owner=OWNER, ignore=1)
    assert d.breakpoints()[1] is catch
    assert (catch.number, catch.kind, catch.text, catch.owner) == (2, "catch", "csr hgatp write", OWNER)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("", "catch what?; possible: vmentry, vmexit"),
        ("vmexits", "cannot catch 'vmexits'; possible: "),
        ("vmentry 3", "the form is: catch vmentry"),
        ("vmexit lost", "'lost' is no cause: give its number or a name"),
        ("vmexit 64", "64 is no cause"),
        ("trap", "the form is: catch trap CAUSE..."),
        ("interrupt 99", "99 is no interrupt"),
        ("mode HS", "the form is: catch mode FROM TO"),
        ("mode HS VM", "'VM' is no mode; there are M, HS"),
        ("csr nothing", "there is no CSR 'nothing'"),
        ("csr satp write 1 2", "the form is: catch csr"),
        ("csr hstatus.SPW 1", "hstatus has no field 'SPW'; it has "),
        ("csr hstatus.SPV write", "a field needs a VALUE: catch csr hstatus.SPV write 1; "),
        ("csr hstatus.SPV 2", "2 does not fit into hstatus.SPV, which has 1 bit"),
        ("csr hgatp.MODE Sv48", "'Sv48' is no value of hgatp.MODE; it has Bare, Sv39x4, Sv48x4, Sv57x4"),
        ("sbi lost", "'lost' is no SBI extension"),
        ("sbi dbcn lost", "'lost' is no function of dbcn: give its number or one of console_write, console_read, "),
        ("sbi 0x100000000", "0x100000000 is too much: numbers of SBI extensions and functions have 32 bits"),
        ("sbi time 0xffffffffff", "0xffffffffff is too much"),
        ("sbi 0x10 -1", "-1 is no 64-bit function"),
        ("gpa 8 4", "the last address of the range, 0x4, is below the first, 0x8"),
        ("gpa -1", "-1 is no 64-bit guest physical address"),
        ("fence all", "the form is: catch fence"),
    ],
)
def test_what_cannot_be_caught(engine: str, spec: str, problem: str) -> None:
    with pytest.raises(DebugError, match=re.escape(problem)):
        parse(spec)


def test_every_form_has_a_parser(engine: str) -> None:
    assert FORMS.keys() == PARSERS.keys()
