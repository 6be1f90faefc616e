# SPDX-License-Identifier: Apache-2.0
"""Random experiments with shadow stacks (Zicfiss): `python -m tests.support.experiments_shadow FILE.elf`.

Those of tests.support.experiments, on a hart where shadow stacks are active or not, often with shadow-stack pages and their
instructions. What a pop finds is what x1 (zero here) or x5 (the value last written to mstatus) holds, or neither.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from core.csr.registry import CSRS_BY_NAME
from core.isa.decode import encode
from tests.support import experiments
from tests.support.experiments import DATA, FILL, M64, Experiment, R, V, W, X

SSP = CSRS_BY_NAME["ssp"].address
PUSHES = [encode("sspush", rs2=1), encode("sspush", rs2=5), encode("c.sspush")]
POPS = [encode("sspopchk", rs1=1), encode("sspopchk", rs1=5), encode("c.sspopchk")]
SWAPS = [encode(f"ssamoswap.{width}", rd=10, rs1=11, rs2=12) for width in "wd"]
OTHERS = [encode("ssrdp", rd=10), encode("csrrs", rd=10, rs1=0, csr=SSP), encode("csrrs", rd=10, rs1=12, csr=SSP)]
OTHERS += [encode("csrrs", rd=0, rs1=12, csr=CSRS_BY_NAME[name].address) for name in ("senvcfg", "henvcfg")]
OTHERS += [encode("csrrs", rd=10, rs1=0, csr=CSRS_BY_NAME[name].address) for name in ("senvcfg", "henvcfg")]
OTHERS += [0xCDC0_4073, 0xCE20_4573, encode("mop.r", rd=10, rs1=1, n=27), encode("mop.rr", rd=10, rs1=1, rs2=5, n=7)]


class Draw(experiments.Draw):
    """Draws experiments."""

    def leaf(self, page: int, user: bool | None) -> int:
        """A leaf, often of a shadow-stack page."""
        entry = super().leaf(page, user)
        return entry & ~(R | X) | V | W if self.rng.random() < 0.5 else entry

    def entries(self, user: bool, second: bool) -> tuple[int, ...]:
        """Values for SLOTS; those of the G-stage seldom look like shadow-stack pages."""
        return tuple(
            entry | R if index > 2 and entry & (R | W | X) == W and self.rng.random() < 0.8 else entry
            for index, entry in enumerate(super().entries(user, second))
        )

    def draw(self) -> Experiment:
        """One experiment. Addresses are often those of DATA where nothing is translated."""
        rng, drawn = self.rng, super().draw()
        instruction = rng.choice(
            (drawn.instruction, *(rng.choice(kind) for kind in (PUSHES, PUSHES, POPS, POPS, SWAPS, OTHERS)))
        )
        below = 8 if instruction in PUSHES else 0
        csrs = {"ssp": rng.choice((*[drawn.address + below] * 9, drawn.address, DATA)) & M64} | drawn.csrs
        for name in ("menvcfg", "henvcfg", "senvcfg"):
            csrs[name] |= rng.choice((0, 1, 1, 1)) << 3
        fill = rng.choice((0, 0, csrs["mstatus"], csrs["mstatus"], FILL)) if instruction in POPS else FILL
        return replace(drawn, csrs=csrs, instruction=instruction, fill=fill)


def main(argv: list[str]) -> int:
    """Write the program."""
    return experiments.main(argv, Draw)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
