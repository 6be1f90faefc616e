# SPDX-License-Identifier: Apache-2.0
"""Random experiments with landing pads (Zicfilp): `python -m tests.support.experiments_landing FILE.elf`.

Those of tests.support.experiments, on a hart where they are enforced or not and expected or not; the instruction or what is
found where a jump goes is often one.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from core.isa.decode import encode
from core.trap.landing import LPAD
from tests.support import experiments
from tests.support.experiments import C_NOP, ECALL, FILL, Experiment

LABEL = 0xFFFF_F000
JUMPS = [encode("jalr", rd=rd, rs1=rs1, imm=imm) for rd, rs1, imm in ((0, 11, 0), (1, 11, 0), (10, 11, 4), (0, 7, 0))]
JUMPS += [encode("c.jr", rs1=11), encode("c.jalr", rs1=11)]


class Draw(experiments.Draw):
    """Draws experiments."""

    def draw(self) -> Experiment:
        """One experiment. M-mode's enable also counts for the jump by which the program enters M-mode's experiments."""
        rng, drawn = self.rng, super().draw()
        csrs = {"mseccfg": rng.choice((0, 1)) << 10} | drawn.csrs
        for name in ("menvcfg", "henvcfg", "senvcfg"):
            csrs[name] |= rng.choice((0, 1, 1)) << 2
        csrs["mstatus"] |= self.some((23, 41))
        csrs["vsstatus"] |= self.some((23,))
        label = rng.choice((rng.getrandbits(64), rng.getrandbits(64), drawn.address))
        labels = (0, label, label, rng.getrandbits(32), label ^ 1 << rng.randrange(12, 32))
        pads = [LPAD | other & LABEL for other in labels]
        pad = rng.choice(pads)
        instruction = rng.choice((drawn.instruction, rng.choice(pads), rng.choice(JUMPS), rng.choice(JUMPS)))
        # what a jump finds must not be half a landing pad, which may be any instruction
        aligned = drawn.address & 2 == 0
        fill = rng.choice((FILL, *[pad | ECALL << 32 if aligned else C_NOP | pad << 16 | C_NOP << 48] * 2))
        return replace(drawn, csrs=csrs, instruction=instruction, fill=fill, label=label)


def main(argv: list[str]) -> int:
    """Write the program."""
    return experiments.main(argv, Draw)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
