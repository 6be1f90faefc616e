# SPDX-License-Identifier: Apache-2.0
"""Random page tables of both stages: the walker, the explaining walk and a model written apart from both must agree.

The model follows priv, Virtual Address Translation Process word by word, recursively, on arbitrary-precision integers.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass

import pytest

from core.debug.walk import View, debug_translate, explain
from core.isa.intrinsics import Trap
from core.mmu.modes import Access
from core.mmu.regime import regime_of
from core.mmu.walk import translate
from tests.unit.test_mmu_support import (
    ADUE,
    LEVELS,
    MXR,
    PBMTE,
    RAM,
    SUM,
    SV39,
    SV48,
    SV57,
    A,
    Bench,
    D,
    R,
    U,
    V,
    W,
    X,
)

CAUSES = {"page": (13, 15, 12, 13, 15, 15, 15), "guest": (21, 23, 20, 21, 23, 23, 23), "access": (5, 7, 1, 5, 7, 7, 7)}
"""Cause by kind of fault, then by Access."""
GUEST_RAM = 0x4000_0000
SSE = 8
SHADOWS = (Access.SHADOW_READ, Access.SHADOW_WRITE)


class Fault(Exception):
    """A fault of the model: its kind, guest physical address and TrapInfo bits 1 and 2."""

    def __init__(self, kind: str, gpa: int = 0, implicit: int = 0) -> None:
        super().__init__(kind)
        self.kind, self.gpa, self.implicit = kind, gpa, implicit


@dataclass
class Model:
    """The naive machine. memory: all of RAM; written: what it has stored, by physical address."""

    memory: bytes
    satp: int
    vsatp: int
    hgatp: int
    mode: int
    v: int
    sum_bit: bool
    mxr: bool
    vs_sum: bool
    vs_mxr: bool
    adue: bool
    vs_adue: bool
    access: int
    written: dict[int, int]
    pbmt: bool
    vs_pbmt: bool
    sse: bool
    vs_sse: bool

    def run(self, va: int) -> int:
        if self.access in SHADOWS and (self.mode == 3 or (self.vsatp if self.v else self.satp) == 0):
            raise Fault("access")
        if self.v:
            return self.stage("G", self.stage("VS", va, self.access, 0), self.access, 0)
        return va if self.mode == 3 else self.stage("S", va, self.access, 0)

    def fault(self, stage: str, address: int, implicit: int) -> Fault:
        return Fault("guest", address, implicit) if stage == "G" else Fault("page")

    def physical(self, stage: str, pte_address: int, kind: int) -> int:
        if stage == "VS":
            return self.stage("G", pte_address, kind, 4 if kind == Access.WRITE else 2)
        return pte_address

    def read(self, spa: int) -> int:
        if spa not in range(RAM, RAM + len(self.memory) - 7):
            raise Fault("access")
        return self.written.get(spa, int.from_bytes(self.memory[spa - RAM : spa - RAM + 8], "little"))

    def stage(self, stage: str, address: int, kind: int, implicit: int) -> int:
        atp = {"S": self.satp, "VS": self.vsatp, "G": self.hgatp}[stage]
        if atp // 2**60 == 0:
            return address
        levels = LEVELS[atp // 2**60]
        width = 12 + 9 * levels
        if stage == "G":
            if address >= 2 ** (width + 2):
                raise self.fault(stage, address, implicit)
        elif address not in range(2 ** (width - 1)) and address not in range(2**64 - 2 ** (width - 1), 2**64):
            raise self.fault(stage, address, implicit)
        table = atp % 2**44 * 4096
        i = levels - 1
        while True:
            vpn = address // 2 ** (12 + 9 * i) % (2**11 if stage == "G" and i == levels - 1 else 2**9)
            spa = self.physical(stage, table + vpn * 8, Access.READ)
            pte = self.read(spa)
            bits = [pte // 2**n % 2 for n in range(64)]
            valid, r, w, x, u, _, a, d = bits[:8]
            typed = self.vs_pbmt and self.pbmt if stage == "VS" else self.pbmt
            shadow = {"S": self.sse, "VS": self.sse and self.vs_sse, "G": False}[stage] and w and not r and not x
            if not valid or (w and not r and not shadow) or any(bits[54:61]) or (any(bits[61:63]) and not typed):
                raise self.fault(stage, address, implicit)
            ppn = pte // 2**10 % 2**44
            if not r and not x and not w:
                if i == 0 or a or d or u or any(bits[61:]):
                    raise self.fault(stage, address, implicit)
                i, table = i - 1, ppn * 4096
                continue
            if ppn % 2 ** (9 * i):
                raise self.fault(stage, address, implicit)
            if all(bits[61:63]) or (bits[63] and (i > 0 or ppn % 16 != 8)):
                raise self.fault(stage, address, implicit)
            if not self.user_ok(stage, kind, u):
                raise self.fault(stage, address, implicit)
            if stage != "G" and self.clashes(kind, bool(shadow), r, w, x):
                raise Fault("access")
            if not self.permitted(stage, kind, implicit, bool(shadow), r, w, x):
                raise self.fault(stage, address, implicit)
            writes = kind in (Access.WRITE, Access.SHADOW_WRITE)
            if not a or (writes and not d):
                if not (self.vs_adue and self.adue if stage == "VS" else self.adue):
                    raise self.fault(stage, address, implicit)
                spa = self.physical(stage, table + vpn * 8, Access.WRITE)
                if self.read(spa) != pte:
                    continue
                self.written[spa] = pte | A | (D if writes else 0)
            size = 2 ** (12 + 9 * i)
            if bits[63]:
                return int(ppn // 16 * 16 * 4096 + address % 0x10000)
            return int(ppn * 4096 + address % size)

    def user_ok(self, stage: str, kind: int, u: int) -> bool:
        if stage == "G" or self.mode == 0:
            return bool(u)
        return not u or ((self.vs_sum if stage == "VS" else self.sum_bit) and kind != Access.FETCH)

    def clashes(self, kind: int, shadow: bool, r: int, w: int, x: int) -> bool:
        """Step 7: shadow-stack pages and other accesses, shadow-stack accesses and other pages."""
        if kind in SHADOWS:
            return not shadow and (r, w, x) != (1, 0, 0)
        return shadow and kind in (Access.WRITE, Access.FETCH, Access.MANAGE)

    def permitted(self, stage: str, kind: int, implicit: int, shadow: bool, r: int, w: int, x: int) -> bool:
        mxr = self.mxr and not implicit if stage == "G" else self.mxr or (stage == "VS" and self.vs_mxr)
        readable = r or shadow or (mxr and x)
        push = r and w if stage == "G" else shadow
        return bool((readable, w, x, x, readable, push, push)[kind])


class Tables(Bench):
    """Page tables of three stages: mostly sound, then damaged here and there."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.rng = rng
        self.next_table = RAM + 0x1000
        self.h.ram_size = 0x8_0000
        self.slots: list[int] = []
        self.addresses: list[int] = []
        pick = rng.choice
        modes = [0, SV39, SV39, SV48, SV57]
        smode, vmode, gmode = pick(modes), pick(modes), pick(modes)
        sroot, vroot, groot = self.new_table(), self.new_table(), self.new_table(4)
        offset = GUEST_RAM - RAM if gmode else 0
        for _ in range(4):
            va = self.random_va()
            self.addresses.append(va)
            if smode:
                self.leaf(sroot, smode, va, self.page(), 0.3)
            if vmode:
                self.leaf(vroot + offset, vmode, va, self.page() + offset, 0.3, offset)
        if gmode:
            for page in range(RAM, self.next_table, 0x1000):
                self.leaf(groot, gmode, page + offset, page, 0.97, stage="G")
        for _ in range(rng.randrange(4)):
            slot = pick(self.slots or [RAM])
            self.put(slot, self.word(slot) ^ 1 << pick([*range(8), *range(8), rng.randrange(64), 61, 62]))
            if rng.random() < 0.3:
                self.put(slot, self.word(slot) & ~(15 << 10) | 1 << 63 | pick([8, 8, 8, 4, 0]) << 10)
        self.set(
            satp=self.satp(smode, sroot) if smode else 0,
            vsatp=self.satp(vmode, vroot + offset) if vmode else 0,
            hgatp=self.satp(gmode, groot) if gmode else 0,
            mstatus=pick([0, 0, SUM]) | pick([0, 0, MXR]),
            vsstatus=pick([0, 0, SUM]) | pick([0, 0, MXR]),
            menvcfg=pick([0, ADUE, ADUE]) | pick([0, PBMTE]) | pick([0, SSE, SSE]),
            henvcfg=pick([0, ADUE, ADUE]) | pick([0, PBMTE]) | pick([0, SSE, SSE]),
        )

    def random_va(self) -> int:
        return self.rng.choice([0x12345 << 12, 0x1_0000_0000, 0x30_1234_5000 & (1 << 38) - 1, (1 << 64) - 0x20_0000])

    def page(self) -> int:
        return RAM + self.rng.randrange(0x60) * 0x1000

    def leaf(self, root: int, mode: int, va: int, target: int, user: float, offset: int = 0, stage: str = "S") -> None:
        """A mapping with random bits, sometimes a superpage. A leaf that is already in the way is kept."""
        rng = self.rng
        level = rng.choice([0] * 8 + [1, 1, 2]) if stage != "G" else rng.choice([0] * 30 + [1])
        if rng.random() < 0.9:
            target = target >> (12 + 9 * level) << (12 + 9 * level)
        bits = V | (rng.choice([R, X, R | X, R | W, R | W | X, R | W | X, W, W]) if rng.random() < 0.95 else rng.randrange(16))
        bits |= (U if rng.random() < user else 0) | (0 if rng.random() < 0.15 else A) | (0 if rng.random() < 0.3 else D)
        if stage == "G":
            bits |= R | (W if rng.random() < 0.9 else 0)
        with contextlib.suppress(ValueError, IndexError):  # where a superpage made before is in the way
            self.slots.append(self.map(root, mode, va, target, bits, level, offset=offset, stage=stage))

    def model(self, mode: int, v: int, access: int) -> Model:
        h = self.h
        memory = bytes(self.machine.ram_view[: h.ram_size])
        return Model(
            memory, h.satp, h.vsatp, h.hgatp, mode, v,
            h.mstatus & SUM != 0, h.mstatus & MXR != 0, h.vsstatus & SUM != 0, h.vsstatus & MXR != 0,
            h.menvcfg & ADUE != 0, h.henvcfg & ADUE != 0, access, {}, h.menvcfg & PBMTE != 0, h.henvcfg & PBMTE != 0,
            h.menvcfg & SSE != 0, h.henvcfg & SSE != 0,
        )  # fmt: skip


def outcome_of_model(model: Model, va: int) -> tuple[int, ...]:
    """(spa,) or (cause, tval, gpa, info)."""
    try:
        return (model.run(va),)
    except Fault as fault:
        cause = CAUSES[fault.kind][model.access]
        info = model.v | (8 | fault.implicit if fault.kind == "guest" else 0)
        return (cause, va, fault.gpa, info)


def outcome_of_walker(bench: Bench, va: int, access: int, regime: int) -> tuple[int, ...]:
    """(spa,) or (cause, tval, gpa, info)."""
    try:
        return (translate(bench.h, va, access, regime, 0),)
    except Trap as trap:
        return (trap.cause, trap.tval, trap.gpa, int(trap.info))


def outcome_of_explanation(view: View, va: int, access: Access) -> tuple[int, ...]:
    """(spa,) or (cause, tval, gpa, info)."""
    walk = explain(view, va, access)
    if walk.spa is not None:
        assert walk.fault is None and all(step.ok for step in walk.steps)
        return (walk.spa,)
    assert walk.cause is not None and walk.fault and walk.rule and walk.rule in walk.fault
    implicit = {None: 0, "read": 2, "write": 4}[walk.implicit]
    return (walk.cause, va, walk.fault_gpa or 0, int(view.v) | (8 | implicit if walk.fault_gpa is not None else 0))


@pytest.mark.parametrize("seed", range(60))
def test_random_page_tables(seed: int) -> None:
    rng = random.Random(seed)
    seen: set[int] = set()
    for _ in range(4):
        bench = Tables(rng)
        for _ in range(12):
            va = rng.choice(bench.addresses) + rng.choice([0, 8, 0x123, 0x1000, -8]) & (1 << 64) - 1
            va ^= rng.choice([0] * 12 + [1 << rng.randrange(64)])
            access = rng.choice(list(Access))
            mode, v = rng.choice([(0, 0), (1, 0), (3, 0), (0, 1), (1, 1), (1, 1), (1, 1)])
            model = bench.model(mode, v, access)
            regime = regime_of(bench.h, mode, v)
            before = bytes(bench.machine.ram_view[: bench.h.ram_size])
            explained = outcome_of_explanation(View.of(bench.h, regime), va, access)
            assert bytes(bench.machine.ram_view[: bench.h.ram_size]) == before
            expected = outcome_of_model(model, va)
            assert outcome_of_walker(bench, va, access, regime) == expected
            assert explained == expected
            if len(expected) == 1:
                assert debug_translate(View.of(bench.h, regime), va) == expected[0]
            after = bytearray(before)
            for spa, value in model.written.items():
                after[spa - RAM : spa - RAM + 8] = value.to_bytes(8, "little")
            assert bytes(bench.machine.ram_view[: bench.h.ram_size]) == bytes(after)
            seen.add(0 if len(expected) == 1 else expected[0])
    assert 0 in seen and len(seen) >= 3
