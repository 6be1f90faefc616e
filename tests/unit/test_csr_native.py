# SPDX-License-Identifier: Apache-2.0
"""CSR accesses, traps and returns mean the same compiled as in Python: random harts, every slot compared."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable

import pytest
from llvmlite import binding

from core.csr.access import csr_base, csr_cause, csr_read, csr_write
from core.csr.registry import CSRS_BY_ADDRESS, write_csr
from core.engine import primitives
from core.engine.build import export
from core.engine.lower import Program
from core.engine.native import target_machine
from core.features import DEFAULT_FEATURES, Feature
from core.hart import LAYOUT, Hart
from core.isa.intrinsics import Trap, u64
from core.trap.entry import take_trap
from core.trap.interrupts import next_deadline, pending_interrupt, take_interrupt, wakes
from core.trap.ret import do_mret, do_sret
from core.trap.rules import require_guest_access, require_hfence_gvma, require_sfence, require_sfence_inval, require_wfi
from tests.unit.test_csr_support import ALL, MODES, ONES, enter, make_hart

SEED = 20240607


def probe_cause(h: Hart) -> None:
    """csr_cause(address in x1, write if x2 is not 0) to x3."""
    h.x[3] = csr_cause(h, h.x[1], h.x[2] != 0)


def probe_read(h: Hart) -> None:
    """CSR x1 to x3, what CSRRS would modify to x4."""
    h.x[3] = csr_read(h, h.x[1])
    h.x[4] = csr_base(h, h.x[1])


def probe_write(h: Hart) -> None:
    """x2 to CSR x1."""
    csr_write(h, h.x[1], h.x[2])


def probe_trap(h: Hart) -> None:
    """The exception in h.trap_*."""
    take_trap(h)


def probe_interrupt(h: Hart) -> None:
    """What is pending, what wakes, what comes next; then the interrupt."""
    h.x[3] = pending_interrupt(h)
    h.x[4] = u64(wakes(h))
    h.x[5] = next_deadline(h)
    h.x[6] = u64(take_interrupt(h))


PROBES: dict[str, Callable[[Hart], None]] = {
    function.__name__: function
    for function in (
        probe_cause,
        probe_read,
        probe_write,
        probe_trap,
        probe_interrupt,
        do_mret,
        do_sret,
        require_wfi,
        require_sfence,
        require_sfence_inval,
        require_hfence_gvma,
        require_guest_access,
    )
}


@pytest.fixture(scope="module")
def native() -> Callable[[str, Hart], None]:
    """The probes compiled: native(name, hart)."""
    program = Program("probes")
    primitives.install(program)
    for name, function in PROBES.items():
        export(program, name, function)
    machine = target_machine(opt=0)
    module = binding.parse_assembly(str(program.module))
    module.verify()
    engine = binding.create_mcjit_compiler(module, machine, use_lmm=True)
    engine.finalize_object()
    run = {name: ctypes.CFUNCTYPE(None, ctypes.c_void_p)(engine.get_function_address(name)) for name in PROBES}

    def call(name: str, h: Hart) -> None:
        assert engine
        run[name](h.address)

    return call


def some(r: random.Random) -> int:
    """A number: few bits, many bits, or all random."""
    return r.choice((0, (1 << 64) - 1, 1 << r.randrange(64), r.getrandbits(64), r.getrandbits(64) & r.getrandbits(64)))


def random_hart(r: random.Random) -> Hart:
    """A hart with legal, random CSRs in a random mode; no warnings left to give."""
    features = r.choice((DEFAULT_FEATURES, ALL, DEFAULT_FEATURES & ~Feature.H, DEFAULT_FEATURES & ~Feature.SSTC))
    h = make_hart(features=features, strict=r.random() < 0.5)
    h.warned = (1 << 64) - 1
    h.geilen = r.choice((0, 0, 5, 63))
    for name in r.sample([csr.name for csr in CSRS_BY_ADDRESS.values() if not csr.read_only and csr.name != "misa"], 60):
        write_csr(h, name, some(r))
    h.mideleg |= r.choice((0, 0x222))
    h.irq_lines, h.hgeip = some(r) & 0xA08, some(r)
    h.imsic = r.choice((0, 1))
    for slot, most in ((h.imsic_eip, ONES), (h.imsic_eie, ONES), (h.imsic_delivery, 1), (h.imsic_threshold, 255)):
        for index in range(len(slot)):
            slot[index] = some(r) & most
    for name in ("miselect", "siselect", "vsiselect"):
        setattr(h, name, r.choice((0x30, 0x32, 0x70, 0x72, 0x80, 0x86, 0xC0, 0xC6, r.getrandbits(9))))
    h.limit, h.left, h.budget = 1000, r.choice((1, 2, 500)), 10
    h.idle, h.mtimecmp = r.choice((0, 12345)), r.choice((0, 1000, (1 << 64) - 1))
    h.builtin_sbi = int(r.random() < 0.2)
    h.ebreak_tval_zero, h.tinst_zero = int(r.random() < 0.5), int(r.random() < 0.3)
    mode = r.choice(list(MODES)) if features & Feature.H else r.choice(("M", "HS", "U"))
    return enter(h, mode)


def copy_of(h: Hart) -> Hart:
    """The same state in another buffer."""
    twin = Hart()
    ctypes.memmove(twin.buffer, h.buffer, len(h.buffer))
    twin.machine = h.machine
    return twin


def compare(native: Callable[[str, Hart], None], name: str, h: Hart) -> None:
    """Run a probe both ways."""
    twin = copy_of(h)
    native(name, twin)
    try:
        PROBES[name](h)
    except Trap as trap:
        trap.put(h)
    if h.buffer.raw != twin.buffer.raw:
        slots = {slot: (getattr(h, slot), getattr(twin, slot)) for slot in LAYOUT.slots}
        raise AssertionError(f"{name}: python, native: { {slot: pair for slot, pair in slots.items() if pair[0] != pair[1]} }")


@pytest.mark.parametrize("part", range(8))
def test_every_csr_access(native: Callable[[str, Hart], None], part: int) -> None:
    r = random.Random(SEED + part)
    for _ in range(6):
        h = random_hart(r)
        for address in [*CSRS_BY_ADDRESS, 0x7C0, 0x6FF]:
            h.x[1], h.x[2] = address, some(r)
            compare(native, "probe_cause", copy_of(h))
            compare(native, "probe_read", copy_of(h))
            compare(native, "probe_write", copy_of(h))


@pytest.mark.parametrize("part", range(8))
def test_traps_and_returns(native: Callable[[str, Hart], None], part: int) -> None:
    r = random.Random(SEED + 100 + part)
    instructions = (0x9002, 0x0010_0073, 0x0285_B503, 0x02A5_B423, 0x06B6_352F, 0x6815_C573, 0x41C8, 0xE42A, 0, 0xFFFF_FFFF)
    for _ in range(120):
        h = random_hart(r)
        h.pc, h.npc, h.inst = some(r), some(r), r.choice(instructions)
        h.trap_cause, h.trap_tval, h.trap_gpa = r.randrange(24), some(r), some(r)
        h.trap_info = r.getrandbits(4) | r.getrandbits(3) << 8
        for name in list(PROBES)[3:]:
            compare(native, name, copy_of(h))
