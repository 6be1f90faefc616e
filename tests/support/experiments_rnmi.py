# SPDX-License-Identifier: Apache-2.0
"""Random experiments with MNRET and the CSRs of Smrnmi: `python -m tests.support.experiments_rnmi FILE.elf`.

Those of tests.support.experiments; the instruction is often MNRET, or one that reads or writes these CSRs. The first
experiment of a program is made with NMIE=0, the state after reset: an instruction of M-mode that cannot trap, then MNRET.
After that NMIE is 1, as software cannot clear it.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace

from core.csr.registry import CSRS_BY_NAME
from core.isa.decode import encode
from tests.support import experiments
from tests.support.experiments import CODE, DATA, M64, MODES, OF_RNMIS, RAM, USER, Experiment

MNRET = encode("mnret")
NMIE = 8
PLACES = [CSRS_BY_NAME[name].address for name in OF_RNMIS]
ACCESSES = [encode(name, rd=10, rs1=12, csr=csr) for name in ("csrrw", "csrrs", "csrrc") for csr in PLACES]
HARMLESS = [encode(name, rd=10, rs1=11, imm=0) for name in ("ld", "lw", "lbu")]
HARMLESS += [encode(name, rs1=11, rs2=12, imm=0) for name in ("sd", "sw", "sb")]
HARMLESS.append(encode("amoadd.d", rd=10, rs1=11, rs2=12))
PENDING = 1 << 1 | 1 << 5 | 1 << 9
"""Supervisor interrupts that software can make pending."""


class Draw(experiments.Draw):
    """Draws experiments."""

    def __init__(self, rng: random.Random, recent: bool) -> None:
        super().__init__(rng, recent)
        self.first = True

    def draw(self) -> Experiment:
        """One experiment."""
        rng, drawn = self.rng, super().draw()
        mode, v = MODES[rng.choice(tuple(MODES))]
        mnstatus = mode << 11 | v << 7
        back = CODE - RAM + USER if mode == 0 and rng.random() < 0.7 else CODE
        csrs = {  # mstatus stays the last, so that MPRV does not act before
            "mip": 0,
            "mnscratch": rng.getrandbits(64),
            "mncause": rng.choice((0, M64, rng.getrandbits(64))),
            "mnepc": back + rng.choice((4, 4, 8)),
            "mnstatus": mnstatus | NMIE | (rng.getrandbits(64) & 0xF000_0261),
        } | drawn.csrs
        if self.first:
            self.first = False
            csrs["mnstatus"] &= ~NMIE
            csrs["mnepc"] = back + 8
            csrs["mstatus"] |= rng.choice((0, 8)) | rng.choice((0, 1, 1)) << 17
            csrs |= {"mip": rng.getrandbits(64) & PENDING, "mie": PENDING | 0x444}
            instruction = rng.choice((*HARMLESS, *HARMLESS, *ACCESSES))
            where = DATA + rng.choice((0, 8, 0xFF8, 0x1000))
            return replace(drawn, csrs=csrs, instruction=instruction, address=where, machine=True, next=MNRET)
        instruction = rng.choice((drawn.instruction, MNRET, MNRET, rng.choice(ACCESSES)))
        machine = instruction != drawn.instruction and rng.random() < 0.7
        if machine:
            csrs["mstatus"] |= rng.choice((0, 1)) << 17
        return replace(drawn, csrs=csrs, instruction=instruction, machine=machine or drawn.machine)


def main(argv: list[str]) -> int:
    """Write the program."""
    return experiments.main(argv, Draw)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
