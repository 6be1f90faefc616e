# SPDX-License-Identifier: Apache-2.0
"""Explaining the last trap: who took it and why, what it wrote, the walk, and what software usually forgot."""

from __future__ import annotations

import pytest

from core.boot.symbols import Symbol, SymbolTable
from core.debug.target import HOST, Debugger, StopKind
from tests.support.debugged import CODE, ENGINES, OWNER, address, debugger, go, place

pytestmark = pytest.mark.parametrize("engine", ENGINES)
GUEST_1 = 2
SRET = 0x1020_0073


def at_guest(name: str, engine: str, *, strict: bool = False) -> Debugger:
    """Before the first instruction of the first guest."""
    d = debugger(name, engine, strict=strict)
    d.stop_on_new_world = True
    assert go(d).kind is StopKind.NEW_WORLD
    d.stop_on_new_world = False
    return d


def next_exit(d: Debugger, spec: str = "vmexit") -> list[str]:
    """Run to a VM exit; its explanation."""
    d.add_catch(spec, owner=OWNER, temporary=True)
    stop = go(d)
    assert stop.kind is StopKind.CATCH, stop
    return d.explain()


def hints(lines: list[str]) -> list[str]:
    """The lines under "what to look at"."""
    if "what to look at:" not in lines:
        return []
    rest = lines[lines.index("what to look at:") + 1 :]
    return [line.strip() for line in (rest[: rest.index("")] if "" in rest else rest)]


def leaf(d: Debugger, where: int, access: str = "x") -> tuple[int, int]:
    """Physical address and value of the last entry of a walk."""
    step = d.translate(where, access=access).steps[-1]
    return step.pte_spa, step.pte


def write_pte(d: Debugger, spa: int, pte: int) -> None:
    d.write_memory(spa, pte.to_bytes(8, "little"), space="spa")


def test_nothing_yet(engine: str) -> None:
    assert debugger("loop", engine).explain() == ["no trap has been taken since reset"]


def test_a_guest_page_fault_in_full(engine: str) -> None:
    d = debugger("hello", engine)
    root = 0x8020_8000
    assert next_exit(d, "vmexit load_guest_page_fault") == [
        "load guest-page fault (cause 21), no instruction executed since",
        "  in VS-mode of guest 1 (vmid 1), at 0x802051fe <load_unmapped>: ld a0,0(a0)",
        "  guest virtual address 0x40000000, guest physical address 0x40000000",
        "",
        "taken in HS-mode, because:",
        "  M-mode is the built-in SBI, which hands this down",
        "  it came from V=1, and hedeleg bit 21 is 0: HS-mode handles it, a VM exit (it never goes to the guest)",
        "",
        "it wrote:",
        "  sstatus  0x200000020 -> 0x200000100 (SPP 0 -> 1 S, SPIE 1 -> 0)",
        "  hstatus  0x200000100 -> 0x2000001c0 (SPV 0 -> 1, GVA 0 -> 1)",
        "  sepc     0x80205040 -> 0x802051fe",
        "  scause   0xa -> 0x15 (load guest-page fault)",
        "  stval    0x0 -> 0x40000000",
        "  htval    0x0 -> 0x10000000",
        "  htinst   0x0 -> 0x3501",
        f"  pc       0x802051fe -> the handler, stvec = {d.read_register('stvec'):#x}",
        "",
        "the translation of this load at 0x40000000, as VS-mode, replayed in memory as it is now:",
        f"  G  level 2: entry at {root + 8:#x}: 0x0  --------  V=0: not valid  <-- fails",
        f"  fault: load guest-page fault: V=0: not valid, in the G-stage entry at {root + 8:#x} "
        "(priv, Virtual Address Translation Process, step 3)",
        "",
        "what to look at:",
        "  the G-stage maps nothing at GPA 0x40000000: if a device is to be there, emulate the access; "
        "if it is the guest's memory, a mapping is missing",
    ]


def test_what_the_trap_wrote_is_told_after_the_handler_has_gone_on(engine: str) -> None:
    d = debugger("hello", engine)
    fresh = next_exit(d, "vmexit load_guest_page_fault")
    go(d, steps=100)
    later = d.explain()
    assert later[0] == "load guest-page fault (cause 21), 100 instructions ago"
    assert [line.partition(";")[0] for line in later[1:]] == [line.partition(";")[0] for line in fresh[1:]]
    d.write_register("sepc", 0x1234)
    assert "  sepc     0x80205040 -> 0x802051fe; by now 0x1234" in d.explain()


def test_a_trap_of_the_guest_itself(engine: str) -> None:
    d = debugger("twins", engine)
    d.add_catch("trap 8", owner=OWNER)
    go(d)
    lines = d.explain()
    assert lines[0].startswith("environment call from U-mode or VU-mode (cause 8)")
    assert "  it came from V=1, and hedeleg bit 8 is 1: the guest itself handles it" in lines
    written = [line.split()[0] for line in lines[lines.index("it wrote:") + 1 :]]
    assert written == ["vsstatus", "vsepc", "vscause", "vstval", "pc"]


def test_an_interrupt(engine: str) -> None:
    d = debugger("twins", engine)
    lines = next_exit(d, "vmexit sti")
    assert lines[0] == "supervisor timer interrupt (interrupt 5), no instruction executed since"
    assert "  mideleg bit 5 is 1: not M-mode" in lines
    assert "  it came from V=1, and hideleg bit 5 is 0: HS-mode handles it, a VM exit" in lines
    assert "  scause   0xa -> 0x8000000000000005 (supervisor timer interrupt)" in lines


def test_a_sbi_call_is_named(engine: str) -> None:
    assert "  the guest calls its SBI: BASE probe_extension" in next_exit(debugger("twins", engine))


def test_a_trap_of_the_host(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, [0x0000_3503, 0x0000_0013])  # ld a0, 0(zero)
    d.write_register("stvec", CODE + 4)
    go(d, steps=1)
    lines = d.explain()
    assert lines[1] == f"  in HS-mode of host, at {CODE:#x}: ld a0,0(zero)"
    assert "  it came from V=0: HS-mode handles it" in lines
    assert hints(lines) == ["physical address 0x0 is not RAM: RAM is 0x80000000 to 0x81ffffff"]


def test_a_trap_to_m_mode(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, [0])
    hart = d.machine.harts[0]
    hart.builtin_sbi = 0
    d.write_register("medeleg", 0)
    d.write_register("mtvec", CODE + 0x80)
    go(d, steps=1)
    lines = d.explain()
    assert lines[3:6] == ["taken in M-mode, because:", "  medeleg bit 2 is 0: M-mode handles it", ""]
    assert [line.split()[0] for line in lines[lines.index("it wrote:") + 1 :][:7]] == [
        *("mstatus", "mepc", "mcause", "mtval", "mtval2", "mtinst", "pc")
    ]
    assert "MPP 0 -> 1 S" in lines[lines.index("it wrote:") + 1]
    d.write_memory(CODE + 0x80, bytes(4), space="spa")
    go(d, steps=1)
    assert "  a trap in M-mode stays in M-mode" in d.explain()


# -- what software forgot ---------------------------------------------------------------------------------------------


def test_no_user_bit_in_the_gstage(engine: str) -> None:
    d = at_guest("hello", engine)
    spa, pte = leaf(d, d.read_register("pc"))
    write_pte(d, spa, pte & ~0x10)
    (hint,) = hints(next_exit(d))
    assert hint == (
        f"set U in the G-stage entry at {spa:#x}, as in every G-stage leaf: the G-stage checks all accesses of a guest as if "
        "made in U-mode (norm:H_vm_gpapriv)"
    )


def test_no_execute_bit(engine: str) -> None:
    d = at_guest("hello", engine)
    spa, pte = leaf(d, d.read_register("pc"))
    write_pte(d, spa, pte & ~8)
    assert hints(next_exit(d)) == [f"set X in the G-stage entry at {spa:#x}: instructions are fetched from there"]


def test_accessed_bit_left_to_software(engine: str) -> None:
    d = at_guest("hello", engine, strict=True)
    spa, pte = leaf(d, d.read_register("pc"))
    write_pte(d, spa, pte & ~0xC0)
    (hint,) = hints(next_exit(d))
    assert hint.startswith(f"set A in the entry at {spa:#x} when making it, or handle this fault") and "menvcfg.ADUE" in hint


def test_unaligned_root(engine: str) -> None:
    """The hypervisor has its root at 0x81001000; hgatp can only say 0x81000000."""
    d = at_guest("hello", engine, strict=True)
    root = (d.read_register("hgatp") & ((1 << 44) - 1)) << 12
    d.write_memory(0x8100_1000, d.read_memory(root, 0x4000, space="spa"), space="spa")
    d.write_register("hgatp", d.read_register("hgatp") >> 44 << 44 | 0x81001)
    assert d.read_register("hgatp") & 3 == 0
    assert hints(next_exit(d))[0] == (
        "the root table seems to be at 0x81001000; it has 16 KiB and must be aligned to that: hgatp.PPN[1:0] are read as zero "
        "(norm:hgatp_ppn_op)"
    )


def test_gstage_left_bare(engine: str) -> None:
    d = at_guest("enter", engine)
    d.write_register("hgatp", 0)
    found = hints(next_exit(d))
    assert found[0].startswith("hgatp.MODE is Bare: guest physical addresses are used as physical ones.")
    assert found[1].startswith("physical address 0x1234abcc is not RAM, and instructions are fetched from RAM only")


def test_wrong_mode_before_hlv(engine: str) -> None:
    """HLV of a kernel page with SPVP=0, and of a user page with SPVP=1."""
    d = debugger("twins", engine)
    d.add_catch("trap 8", owner=OWNER, world=GUEST_1, temporary=True)
    go(d)
    kernel, user = d.read_register("pc"), d.read_register("vsepc")
    next_exit(d)
    for spvp, where, said in ((0, kernel, "hstatus.SPVP is 0: HLV and HSV act as VU-mode"), (1, user, "hstatus.SPVP is 1")):
        place(d, [0x6C05_C573])  # hlv.d a0, (a1)
        d.write_register("a1", where & ~7)
        d.write_register("stvec", CODE + 0x100)
        d.write_register("hstatus", d.read_register("hstatus") & ~0x100 | spvp << 8)
        go(d, steps=1)
        assert d.read_register("scause") == 13
        lines = d.explain()
        assert f", as {'VS' if spvp else 'VU'}-mode, replayed" in "".join(lines)
        assert hints(lines)[0].startswith(said)


def test_guest_entered_in_user_mode(engine: str) -> None:
    d = debugger("hello", engine)
    d.add_breakpoint(address(d, "vm_enter") + 144, owner=OWNER, temporary=True)
    go(d)
    d.write_register("sstatus", d.read_register("sstatus") & ~0x100)
    found = hints(next_exit(d))
    assert any(hint.startswith("the guest has been entered in VU-mode only: SRET with hstatus.SPV=1 goes") for hint in found)
    assert any(hint.startswith("hedeleg bit 8 is 0: unless the hypervisor means to handle") for hint in found)


def test_not_delegated_interrupt(engine: str) -> None:
    d = at_guest("loop", engine)
    d.write_register("hideleg", 0)
    d.write_register("hie", 4)
    d.write_register("hvip", 4)
    (hint,) = hints(next_exit(d))
    assert hint == "hideleg bit 2 is 0: set it for the guest to get its own interrupt (norm:hideleg_op)"


def test_handler_two_bytes_off(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, [0])
    d.symbols = SymbolTable([Symbol("handler", CODE + 0x102, 8, end=CODE + 0x10A)])
    d.write_register("stvec", CODE + 0x102)
    go(d, steps=1)
    assert hints(d.explain())[0] == (
        "stvec points 2 bytes before handler: bits 1:0 are its MODE, so a handler must be aligned to 4 bytes "
        "(norm:mtvec_base_align_4B)"
    )


def test_a_short_handler_before_another_symbol(engine: str) -> None:
    """The vector is where it should be."""
    d = debugger("loop", engine)
    place(d, [0])
    d.symbols = SymbolTable(
        [Symbol("handler", CODE + 0x100, 2, end=CODE + 0x102), Symbol("next", CODE + 0x102, 0, end=CODE + 0x102)]
    )
    d.write_register("stvec", CODE + 0x100)
    d.write_memory(CODE + 0x100, b"\x01\x00\x01\x00", space="spa")
    go(d, steps=2)
    assert d.explain()[0] == "illegal instruction (cause 2), 1 instruction ago"
    assert not any("points 2 bytes before" in hint for hint in hints(d.explain()))


def test_no_handler(engine: str) -> None:
    d = debugger("loop", engine)
    place(d, [0])
    d.write_register("stvec", 0)
    go(d, steps=2)
    found = hints(d.explain())
    assert found[0] == "stvec is 0x0: the address of the trap handler has not been set before the first trap"
    assert found[1].startswith("this is the trap handler's own first instruction (stvec): it cannot be fetched from there")
    assert found[2].startswith("physical address 0x0 is not RAM, and instructions are fetched from RAM only")
    d.write_register("satp", 8 << 60 | 0x80500)  # an empty table
    go(d, steps=1)
    assert "this is the trap handler's own first instruction (stvec): it is not mapped executable" in hints(d.explain())


def test_sepc_not_advanced(engine: str) -> None:
    d = at_guest("hello", engine)
    d.write_memory(CODE, SRET.to_bytes(4, "little"), space="spa")
    d.write_register("stvec", CODE)
    d.add_breakpoint(CODE, owner=OWNER, ignore=500)
    go(d)
    assert (
        "this exit has happened 501 times in a row: after emulating an instruction, add 4 to sepc before the return"
        in hints(d.explain())
    )
    assert d.explain()[-1] == d.trap_loop()


def test_htinst_is_zero_or_tells_of_a_page_table(engine: str) -> None:
    d = debugger("hello", engine, strict=True)
    found = hints(next_exit(d, "vmexit load_guest_page_fault"))
    assert found[-1] == (
        "htinst is 0, as it may always be: to emulate the access, read the instruction at sepc by HLVX (norm:H_trap_xtinst)"
    )
    d = at_guest("twins", engine)
    d.add_catch("csr vsatp write", owner=OWNER, temporary=True)
    go(d)
    table = (d.read_register("vsatp") & ((1 << 44) - 1)) << 12
    d.write_register("vsatp", d.read_register("vsatp") & ~((1 << 44) - 1) | 0x1000)
    found = hints(next_exit(d))
    assert table and found[0].startswith("the walker could not read the guest's page table at GPA 0x1")
    d.add_catch("vmexit", owner=OWNER)


def test_changed_tables_without_a_fence(engine: str) -> None:
    d = at_guest("hello", engine)
    spa, pte = leaf(d, d.read_register("pc"))
    write_pte(d, spa, 0)
    next_exit(d)
    write_pte(d, spa, pte)
    (hint,) = hints(d.explain())
    assert hint == "the walk succeeds now: the tables were changed since, or before it without HFENCE.GVMA or HFENCE.VVMA"


def test_user_page_in_supervisor_mode(engine: str) -> None:
    d = debugger("twins", engine)
    d.add_catch("trap 8", owner=OWNER, world=GUEST_1, temporary=True)
    go(d)
    user = d.read_register("vsepc")
    d.write_register("vsstatus", d.read_register("vsstatus") & ~(1 << 18))
    code = d.read_register("pc")
    spa = d.translate(code, access="x").spa
    assert spa is not None
    d.write_memory(spa, (0x0005_B503).to_bytes(4, "little"), space="spa")  # ld a0, 0(a1)
    d.write_register("a1", user & ~7)
    go(d, steps=1)
    assert d.read_register("vscause") == 13
    assert hints(d.explain()) == ["U=1 in this entry: S-mode needs vsstatus.SUM=1 to access user pages (norm:mstatus_sum_op)"]


def test_the_hypervisor_as_the_world_of_a_trap(engine: str) -> None:
    d = debugger("hello", engine)
    assert next_exit(d) and d.current_world().number == HOST
