# SPDX-License-Identifier: Apache-2.0
"""Random streams of unprivileged instructions, as a program for any simulator: `python -m tests.support.streams FILE.elf`.

Blocks of instructions that compute, load, store and AMO begin with random registers; behind each block all registers, fcsr
and the number and causes of traps are logged. The log is the memory from begin_signature to end_signature.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from core.isa.decode import decode, encode
from core.isa.encoding import Compressed
from tests.support.bare_metal import assemble
from tests.support.programs import MASK, Writer, records

LENGTH = 24
"""Instructions of a block."""
LOG, RECORD, BASE = 8, 9, 10
"""Registers that instructions leave alone: of the log, of the next block's registers, of the data."""
FIRST = 4
"""Words of a block's log before its registers: two that the handler needs, traps, their causes."""
NAMES = ("scratch", "scratch", "traps", "causes", *(f"x{n}" for n in range(32)), *(f"f{n}" for n in range(32)), "fcsr", "data")
LEFT_OUT = ("lr.", "sc.", "amocas.q")
"""Whether SC succeeds is the simulator's choice."""


class Stream(Writer):
    """Draws blocks."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng, 1, False)
        self.known = {
            kind: [r for r in records(kind) if not r.name.startswith(LEFT_OUT)] for kind in ("compute", "float", "atomic")
        }
        self.known |= {kind: [r for r in records(kind) if not isinstance(r, Compressed)] for kind in ("load", "store")}
        self.known["guest"] = [r for r in records("guest") if r.name.startswith("mop.")]

    def one(self) -> int:
        """An instruction that changes none of the three registers and accesses only the data."""
        while True:
            kind = self.rng.choices(list(self.known), (10, 10, 3, 3, 3, 1))[0]
            record = self.rng.choice(self.known[kind])
            word = int.from_bytes(self.instruction(record), "little")
            if kind in ("load", "store", "atomic"):
                word = word & ~(31 << 15) | BASE << 15
            found = decode(word)
            if found.instruction is None or found.operands.get("rd") in (LOG, RECORD, BASE, LOG - 1, BASE + 1):
                continue
            return word


def source(seed: str, blocks: int) -> str:
    """The program in assembly."""
    stream = Stream(random.Random(seed))
    lines = ["la t0, handler", "csrw mtvec, t0", "li t0, 0x6000", "csrs mstatus, t0", f"la x{LOG}, begin_signature"]
    lines += [f"la x{RECORD}, values"]
    values: list[int] = []
    for _ in range(blocks):
        values += [stream.integer() for _ in range(32)] + [stream.number() for _ in range(32)]
        values.append(stream.rng.randrange(5) << 5)
        lines += [f"ld t0, 512(x{RECORD})", "csrw fcsr, t0"]
        lines += [f".word {encode('fld', rd=n, rs1=RECORD, imm=256 + 8 * n):#x}" for n in range(32)]
        lines += [f"ld x{n}, {8 * n}(x{RECORD})" for n in range(1, 32) if n not in (LOG, RECORD, BASE)]
        lines += [f"addi x{RECORD}, x{RECORD}, 520", f"la x{BASE}, data", ".balign 4"]
        for _ in range(LENGTH):
            word = stream.one()
            lines.append(f".word {word:#x}" if word & 3 == 3 else f".half {word:#x}, 1")
        lines += [f"sd x{n}, {8 * (FIRST + n)}(x{LOG})" for n in range(32) if n not in (LOG, RECORD, BASE)]
        lines += [f".word {encode('fsd', rs2=n, rs1=LOG, imm=8 * (FIRST + 32 + n)):#x}" for n in range(32)]
        lines += ["csrr t0, fcsr", f"sd t0, {8 * (FIRST + 64)}(x{LOG})", "ld t0, (a0)", f"sd t0, {8 * (FIRST + 65)}(x{LOG})"]
        lines += [f"addi x{LOG}, x{LOG}, {8 * len(NAMES)}"]
    lines += ["la t0, tohost", "li t1, 1", "sd t1, (t0)", "j .", ".balign 4", "handler:"]
    lines += [f"sd t0, (x{LOG})", f"sd t1, 8(x{LOG})", f"ld t0, 16(x{LOG})", "addi t0, t0, 1", f"sd t0, 16(x{LOG})"]
    lines += ["csrr t1, mcause", f"ld t0, 24(x{LOG})", "slli t0, t0, 5", "add t0, t0, t1", f"sd t0, 24(x{LOG})"]
    lines += ["csrr t0, mepc", "addi t0, t0, 4", "csrw mepc, t0", f"ld t0, (x{LOG})", f"ld t1, 8(x{LOG})", "mret"]
    lines += [
        ".data",
        ".globl tohost, begin_signature, end_signature",
        ".balign 64",
        "tohost: .dword 0",
        "fromhost: .dword 0",
        "values:",
    ]
    lines += [f".dword {', '.join(f'{value & MASK:#x}' for value in values[i : i + 8])}" for i in range(0, len(values), 8)]
    lines += [".balign 4096", ".space 2048", "data: .space 4096", ".balign 64", "begin_signature:"]
    lines += [f".space {8 * len(NAMES) * blocks}", "end_signature:"]
    return "\n".join(lines) + "\n"


def build(folder: Path, seed: str, blocks: int) -> Path:
    """The program of so many blocks."""
    return assemble(folder, source(seed, blocks))


def main(argv: list[str]) -> int:
    """Write the program."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.streams", description=__doc__)
    parser.add_argument("program", type=Path, metavar="FILE.elf")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--blocks", type=int, default=500)
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(build(Path(folder), chosen.seed, chosen.blocks), chosen.program)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
