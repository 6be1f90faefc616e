# SPDX-License-Identifier: Apache-2.0
"""Random experiments with privileged state, as a program for any simulator: `python -m tests.support.experiments FILE.elf`.

An experiment writes page-table entries and CSRs, goes to some mode, executes one instruction there, and has all trap CSRs,
the entries and the data logged when M-mode is reached again, through handlers in HS- and VS-mode where traps are delegated.
The log is the memory from begin_signature to end_signature; `describe` tells which of its words is what.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.csr.registry import CSRS_BY_NAME
from core.isa.decode import encode
from core.isa.disassemble import disassemble
from tests.support.bare_metal import assemble

M64 = (1 << 64) - 1
RAM = 0x8000_0000
DATA = 0x8018_0000
"""Two pages, in the superpage of the program."""
TABLES = 0x8020_0000
ROOT, ROOT48, ROOT57, UPPER, RAM_UPPER, LOWER = (TABLES + 0x1000 * page for page in range(6))
G_ROOT, G_ROOT48, G_ROOT57 = (TABLES + 0x1_0000 + 0x4000 * page for page in range(3))
G_UPPER, G_RAM_UPPER, G_LOWER, G_BARE = (TABLES + 0x2_0000 + 0x1000 * page for page in range(4))
USER = 0x4000_0000
"""Where the program is for U-mode."""
TEST, GUEST = 0x5000_0000, 0x6000_0000
"""Virtual address of the two pages experimented with; guest physical address of what the G-stage may map there."""
V, R, W, X, U, G, A, D = (1 << bit for bit in range(8))
SLOTS = (LOWER, LOWER + 8, UPPER + 8 * 128, G_LOWER, G_LOWER + 8, G_LOWER + 16, G_BARE, G_BARE + 8)
"""Page-table entries that experiments change: leaves of TEST, the pointer to them, leaves of GUEST, of TEST as a guest
physical address."""
ECALL, C_NOP = 0x73, 1
FILL = ECALL | ECALL << 32
"""What the data is full of before the instruction."""
FS = 3 << 13
KEPT = ("stvec", "satp", "vsatp", "hgatp", "hgeie")
"""CSRs that instructions do not write: without a handler there is no way back."""
POISON = 0x5A5A_5A5A_5A5A_0000
WRITTEN = (
    "mstateen0 hstateen0 sstateen0 menvcfg henvcfg senvcfg mcounteren hcounteren scounteren medeleg mideleg hedeleg "
    "hideleg hvip mie hie satp vsatp hgatp vsstatus hstatus sepc vsepc scause "
    "stval htval htinst vscause vstval mtval2 mtinst mtval mepc mstatus"
).split()
"""CSRs that every experiment writes, in this order; without those of state enables, where they are not used."""
LOGGED = (
    "mstatus mcause mepc mtval mtval2 mtinst hstatus vsstatus scause sepc stval htval htinst vscause vsepc vstval hvip "
    "satp vsatp hgatp menvcfg henvcfg"
).split()
ENDS = tuple(DATA + page + offset for page in (0, 0x1000) for offset in (*range(0, 32, 8), *range(0xFE0, 0x1000, 8)))
"""Doublewords of the data that are logged."""
NAMES = (*LOGGED, "a0", "f1", *(f"entry {slot:#x}" for slot in SLOTS), *(f"data {place:#x}" for place in ENDS))
OF_RNMIS = ("mnscratch", "mnepc", "mncause", "mnstatus")
OF_SOME = (*OF_RNMIS, "ssp")
"""CSRs that are logged where experiments write them."""
CODE = TABLES - 0x1000
"""The instruction, then an ecall."""
MODES = {"M": (3, 0), "HS": (1, 0), "U": (0, 0), "VS": (1, 1), "VU": (0, 1)}


@dataclass(frozen=True)
class Experiment:
    """Values for WRITTEN and SLOTS, the instruction, a1 (an address), a2, whether it is executed in M-mode, the doublewords
    of the data, x7, and the instruction behind the first."""

    csrs: dict[str, int]
    entries: tuple[int, ...]
    instruction: int
    address: int
    value: int
    machine: bool
    fill: int = FILL
    label: int = 0
    next: int = ECALL

    def words(self) -> Iterator[int]:
        """The record the program reads."""
        yield from self.csrs.values()
        yield from self.entries
        yield self.instruction | self.next << 32 | (0 if self.instruction & 3 == 3 else C_NOP << 16)
        yield from (self.address, self.value, self.machine, self.fill, self.label)


def instructions() -> dict[str, list[int]]:
    """What is tried, by kind; operands are a0 (result), a1 (address) and a2."""
    d = {"rd": 10, "rs1": 11}
    loads = [encode(name, **d, imm=0) for name in ("ld", "lw", "lwu", "lh", "lb")]
    stores = [encode(name, rs2=12, rs1=11, imm=0) for name in ("sd", "sw", "sh", "sb")]
    atomics = [encode(name, **d, rs2=12) for name in ("amoadd.d", "amoswap.w", "sc.d")] + [encode("lr.d", **d)]
    guest = [encode(name, **d) for name in ("hlv.d", "hlv.w", "hlv.bu", "hlvx.wu", "hlvx.hu")]
    guest += [encode(name, rs1=11, rs2=12) for name in ("hsv.d", "hsv.w", "hsv.b")]
    fences = [encode(name, rs1=11, rs2=12) for name in ("sfence.vma", "hfence.vvma", "hfence.gvma")]
    others = [encode("sret"), encode("mret"), ECALL, encode("ebreak"), 0xFFFF_FFFF, *fences]
    names = (
        "sstatus sie sip stvec sscratch scounteren senvcfg satp hstatus hedeleg hideleg hie hip hvip hgatp htval htinst "
        "hcounteren henvcfg vsstatus vsie vsip vsatp vscause cycle instret medeleg mie fflags hgeip hgeie"
    ).split()
    reads = [
        encode("csrrs", rd=10, rs1=0, csr=CSRS_BY_NAME[name].address) for name in names if name not in ("cycle", "instret")
    ]
    counters = [encode("csrrs", rd=0, rs1=0, csr=address) for address in (0xC00, 0xC02)]
    writes = [encode("csrrs", rd=0, rs1=12, csr=CSRS_BY_NAME[name].address) for name in names if name not in KEPT]
    return {
        "load": loads, "store": stores, "atomic": atomics, "guest": guest, "other": others, "csr": reads + counters + writes,
        "jump": [encode("jalr", rd=0, rs1=11, imm=0)], "compressed": [0x4188, 0x6188, 0xE190],
        "block": [encode(f"cbo.{name}", rs1=11) for name in ("inval", "clean", "flush", "zero")],
        "float": [encode("fld", rd=1, rs1=11, imm=0), encode("fsw", rs2=1, rs1=11, imm=0), 0x0210_F0D3],
    }  # fmt: skip


class Draw:
    """Draws experiments. recent: with Svadu, Svpbmt, pointer masking, state enables, cache blocks and floating point."""

    def __init__(self, rng: random.Random, recent: bool) -> None:
        self.rng, self.recent = rng, recent
        self.kinds = instructions()
        if not recent:
            self.kinds |= {"block": self.kinds["load"], "float": self.kinds["store"]}

    def leaf(self, page: int, user: bool | None) -> int:
        """A leaf for a physical page, mostly good."""
        rng = self.rng
        flags = V | R | W | X | A | D
        if rng.random() < 0.5:
            flags ^= rng.choice((V, R, W, X, W | X, R | W, A, D, A | D, R | W | X))
        if rng.random() < 0.1:
            flags |= rng.choice((G, 1 << 8, 1 << 54, 1 << 60, 1 << 61 if self.recent else 0))
        if user is None or rng.random() < 0.15:
            user = rng.random() < 0.5
        return page >> 12 << 10 | flags | (U if user else 0)

    def entries(self, user: bool, second: bool) -> tuple[int, ...]:
        """Values for SLOTS."""
        rng = self.rng
        pages = [GUEST + 0x1000 * page if second and rng.random() < 0.8 else DATA + 0x1000 * page for page in (0, 1)]
        lower = GUEST + 0x2000 if second and rng.random() < 0.3 else LOWER
        first = [self.leaf(page, user) for page in pages]
        through = [self.leaf(page, True) for page in (DATA, DATA + 0x1000, LOWER, DATA, DATA + 0x1000)]
        if rng.random() < 0.05:
            through[0] = self.leaf(DATA, True) ^ rng.choice((1 << 10, 1 << 40, 1 << 53))
        pointer = lower >> 12 << 10 | V
        if rng.random() < 0.05:
            pointer ^= rng.choice((V, U, A, D, R, X, 1 << 61))
        return (*first, pointer, *through)

    def some(self, bits: Iterable[int]) -> int:
        """Each of these bits or not."""
        return sum(self.rng.choice((0, 1 << bit)) for bit in bits)

    def more(self, csrs: dict[str, int]) -> None:
        """Settings of extensions that came later."""
        rng = self.rng
        for name in ("menvcfg", "henvcfg", "senvcfg"):
            csrs[name] |= rng.choice((0, 0, 2, 3)) << 32 | rng.choice((0, 1, 3, 3)) << 4 | self.some((6, 7))
        csrs["menvcfg"] |= rng.choice((0, 1)) << 62
        csrs["henvcfg"] |= rng.choice((0, 1)) << 62
        csrs["hstatus"] |= rng.choice((0, 0, 2, 3)) << 48
        for name in ("mstateen0", "hstateen0"):
            csrs[name] = rng.choice((M64, M64, M64, self.some((62, 63))))

    def draw(self) -> Experiment:
        """One experiment."""
        rng = self.rng
        name = rng.choice(("M", "HS", "U", "VS", "VS", "VU", "VU"))
        mode, v = MODES[name]
        kind = rng.choice(
            ("load", "store", "atomic", "guest", "guest", "other", "csr", "csr", "jump", "compressed", "block", "float")
        )
        instruction = rng.choice(self.kinds[kind])
        seen_by_user = rng.random() < 0.5 if kind == "guest" or mode == 3 else mode == 0

        def table(*roots: int) -> int:
            scheme = rng.choice((0, 1, 1, 1, 1, 1, 2, 3))
            return 0 if scheme == 0 else (7 + scheme) << 60 | rng.randrange(3) << 44 | roots[scheme - 1] >> 12

        satp, vsatp = table(ROOT, ROOT48, ROOT57), table(ROOT, ROOT48, ROOT57)
        hgatp = table(G_ROOT, G_ROOT48, G_ROOT57)
        paged = mode != 3 and (vsatp if v else satp) != 0
        low = mode == 0 and (paged or (v and hgatp and rng.random() < 0.5))
        pc = CODE - RAM + USER if low else CODE
        offset = rng.choice((0, 0, 8, 4, 2, 1, 0xFF8, 0xFFC, 0xFFE, 0xFFF, 0x1000))
        where = TEST if rng.random() < 0.85 else rng.choice((GUEST, DATA, 0x4000_0000_0000, 1 << 41, TEST | 1 << 63))
        counters = rng.choice((0, 2, 5, 7))
        aduse = 1 << 61 if not self.recent or rng.random() < 0.7 else 0
        delegated = rng.choice((0, M64, rng.getrandbits(64))) & ~(1 << 9 | 1 << 10 | 1 << 11)
        csrs = dict.fromkeys((name for name in WRITTEN if self.recent or "stateen" not in name), 0)
        csrs |= {csr: POISON + 8 * number for number, csr in enumerate(WRITTEN) if csr.endswith(("tval", "tval2", "tinst"))}
        csrs |= {
            "menvcfg": aduse, "henvcfg": rng.choice((aduse, aduse, 0 if self.recent else aduse)),
            "mcounteren": rng.choice((7, counters)), "hcounteren": rng.choice((7, 0, 5)), "scounteren": rng.choice((7, 0, 5)),
            "medeleg": delegated, "hedeleg": rng.choice((0, M64, rng.getrandbits(64))),
            "hideleg": rng.choice((0, 0x444)), "hvip": rng.choice((0, 0, 0, self.some((2, 6, 10)))),
            "hie": self.some((2, 6, 10)), "satp": satp, "vsatp": vsatp, "hgatp": hgatp,
            "vsstatus": self.some((1, 5, 8, 18, 19)) | rng.choice((0, 3)) << 13,
            "hstatus": self.some((6, 7, 8, 9, 20, 21, 22)),
            "mstatus": mode << 11 | v << 39 | self.some((1, 5, 8, 18, 19, 20, 21, 22, 38)) | rng.choice((0, 3)) << 13,
            "sepc": pc + 4, "vsepc": pc + 4, "mepc": pc,
        }  # fmt: skip
        if mode == 3:  # entered by a jump, so that MPRV acts as given
            other, v = MODES[rng.choice(("U", "HS", "VS", "VU"))]
            csrs["mstatus"] = csrs["mstatus"] & ~(3 << 11) | other << 11 | v << 39 | rng.choice((0, 1, 1)) << 17
        where += offset
        if self.recent:
            where ^= rng.choice((0, 0, 1 << 63, 0x7F << 57, 0xAB << 56))
            self.more(csrs)
        return Experiment(
            csrs,
            self.entries(seen_by_user, hgatp != 0),
            instruction,
            where & M64,
            rng.choice((rng.getrandbits(64), 0, M64)),
            mode == 3,
        )


def names(experiment: Experiment) -> tuple[str, ...]:
    """What the words of the log of one are."""
    return (*NAMES, *(name for name in OF_SOME if name in experiment.csrs))


def fixed_tables() -> dict[int, int]:
    """Entries that stay: address -> value."""

    def pointer(page: int) -> int:
        return page >> 12 << 10 | V

    whole = V | R | W | X | A | D
    return {
        ROOT48: pointer(ROOT), ROOT57: pointer(ROOT48), G_ROOT48: pointer(G_ROOT), G_ROOT57: pointer(G_ROOT48),
        ROOT + 8: pointer(UPPER), ROOT + 16: pointer(RAM_UPPER),
        G_ROOT + 8: pointer(G_UPPER), G_ROOT + 16: pointer(G_RAM_UPPER),
        UPPER: RAM >> 2 | whole | U, RAM_UPPER: RAM >> 2 | whole, G_UPPER + 8 * 256: pointer(G_LOWER),
        G_UPPER + 8 * 128: pointer(G_BARE), G_UPPER: RAM >> 2 | whole | U,
        G_RAM_UPPER: RAM >> 2 | whole | U, G_RAM_UPPER + 8: TABLES >> 2 | whole | U,
    }  # fmt: skip


def source(experiments: list[Experiment]) -> str:
    """The program in assembly."""
    size = len(list(experiments[0].words()))
    written, logged = list(experiments[0].csrs), names(experiments[0])
    lines = [".option norelax", "la t0, m_handler", "csrw mtvec, t0", "la t0, s_handler", "csrw stvec, t0", f"csrw {0x205}, t0"]
    lines += ["li t0, -1", "csrw pmpaddr0, t0", "li t0, 0x1f", "csrw pmpcfg0, t0", "la s0, records", "la s1, begin_signature"]
    lines += [f"li s2, {FILL}"]
    for place, entry in fixed_tables().items():
        lines += [f"li t0, {place:#x}", f"li t1, {entry:#x}", "sd t1, (t0)"]
    lines += [f"li t0, {DATA:#x}", "li t1, 1024", "1: sd s2, (t0)", "addi t0, t0, 8", "addi t1, t1, -1", "bnez t1, 1b"]
    lines += [f"li t0, {FS:#x}", "csrs mstatus, t0", "next:", "la t0, records_end", "bgeu s0, t0, done"]
    for index, slot in enumerate(SLOTS):
        lines += [f"ld t0, {8 * (len(written) + index)}(s0)", f"li t1, {slot:#x}", "sd t0, (t1)"]
    rest = 8 * (len(written) + len(SLOTS))
    lines += [f"ld t0, {rest}(s0)", f"li t1, {CODE:#x}", "sd t0, (t1)", f"ld a1, {rest + 8}(s0)", f"ld a2, {rest + 16}(s0)"]
    lines += [f"ld t4, {rest + 24}(s0)", f"li t3, {CODE:#x}", f"ld s2, {rest + 32}(s0)", f"ld t2, {rest + 40}(s0)"]
    for place in ENDS:
        lines += [f"li t1, {place:#x}", "sd s2, (t1)"]
    lines += ["li a0, 0x777", "sc.w t1, zero, (s1)", f".word {encode('fmv.d.x', rd=1, rs1=12):#x}"]
    for index, name in enumerate(written):
        lines += [f"ld t0, {8 * index}(s0)", f"csrw {CSRS_BY_NAME[name].address:#x}, t0"]
    lines += ["fence.i", "sfence.vma", f".word {encode('hfence.vvma'):#x}, {encode('hfence.gvma'):#x}"]
    lines += ["bnez t4, 1f", "mret", "1: jr t3"]
    lines += [".balign 4", "m_handler:", "csrr t0, mstatus", "li t1, 0x20000", "csrc mstatus, t1"]
    lines += [f"li t1, {FS:#x}", "csrs mstatus, t1", f".word {encode('fmv.x.d', rd=7, rs1=1):#x}"]
    for index, name in enumerate(logged):
        if name in (*LOGGED, *OF_SOME):
            fetch = [] if name == "mstatus" else [f"csrr t0, {CSRS_BY_NAME[name].address:#x}"]
        elif name in ("a0", "f1"):
            fetch = [f"mv t0, {'a0' if name == 'a0' else 't2'}"]
        else:
            fetch = [f"li t0, {name.split()[1]}", "ld t0, (t0)"]
        lines += [*fetch, f"sd t0, {8 * index}(s1)"]
    lines += [f"addi s1, s1, {8 * len(logged)}", f"addi s0, s0, {8 * size}", "j next"]
    lines += ["done: la t0, tohost", "li t1, 1", "sd t1, (t0)", ".globl wait", "wait: j wait"]
    lines += [".balign 4", "s_handler: ecall", "j s_handler"]
    lines += [".data", ".globl tohost, begin_signature, end_signature", ".balign 64", "tohost: .dword 0", "fromhost: .dword 0"]
    lines += ["records:"]
    lines += [f".dword {', '.join(f'{word:#x}' for word in experiment.words())}" for experiment in experiments]
    lines += [
        "records_end:",
        ".balign 64",
        "begin_signature:",
        f".space {8 * len(logged) * len(experiments)}",
        "end_signature:",
    ]
    return "\n".join(lines) + "\n"


def experiments(seed: str, count: int, recent: bool = True, kind: type[Draw] = Draw) -> list[Experiment]:
    """So many experiments; the seed says all."""
    draw = kind(random.Random(seed), recent)
    return [draw.draw() for _ in range(count)]


def build(folder: Path, seed: str, count: int, recent: bool = True, kind: type[Draw] = Draw) -> Path:
    """The program of these experiments."""
    return assemble(folder, source(experiments(seed, count, recent, kind)))


def describe(experiment: Experiment) -> list[str]:
    """An experiment in lines."""
    text = disassemble(experiment.instruction, CODE)
    text += f"  x7 {experiment.label:#x} fill {experiment.fill:#x}" if experiment.label else ""
    lines = [f"{text}  a1 {experiment.address:#x} a2 {experiment.value:#x}" + (" in M-mode" if experiment.machine else "")]
    lines += [f"{name} {value:#x}" for name, value in experiment.csrs.items() if value and value & ~0xFFF != POISON]
    return lines + [f"entry {slot:#x}: {value:#x}" for slot, value in zip(SLOTS, experiment.entries, strict=True)]


def main(argv: list[str], kind: type[Draw] = Draw) -> int:
    """Write the program, or tell what differs in two signatures of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.experiments", description=__doc__)
    parser.add_argument("program", type=Path, metavar="FILE.elf")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", type=int, default=1000, help="experiments, at most 1500 (1000)")
    parser.add_argument("--plain", action="store_true", help="for simulators without Svadu, Svpbmt, pointer masking ...")
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        made = build(Path(folder), chosen.seed, min(chosen.count, 1500), not chosen.plain, kind)
        shutil.copy(made, chosen.program)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
