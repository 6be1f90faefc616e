# SPDX-License-Identifier: Apache-2.0
"""Register numbers as gdb counts them for RISC-V: x0 to x31, pc, f0 to f31, CSRs by address, then the virtual ones."""

from __future__ import annotations

from typing import Final

X_NAMES: Final = (
    *("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1"),
    *(f"a{n}" for n in range(8)),
    *(f"s{n}" for n in range(2, 12)),
    *(f"t{n}" for n in range(3, 7)),
)
"""ABI names of x0 to x31, as gdb's own description has them."""

F_NAMES: Final = (
    *(f"ft{n}" for n in range(8)),
    *("fs0", "fs1"),
    *(f"fa{n}" for n in range(8)),
    *(f"fs{n}" for n in range(2, 12)),
    *(f"ft{n}" for n in range(8, 12)),
)
"""ABI names of f0 to f31."""

RA: Final = 1
SP: Final = 2
FP: Final = 8
PC: Final = 32
F0: Final = 33
CSR0: Final = 65
PRIV: Final = CSR0 + 4096
VIRT: Final = PRIV + 1
MODE: Final = PRIV + 2
VMID: Final = PRIV + 3
ELP: Final = PRIV + 4


def csr_number(address: int) -> int:
    """Register number of the CSR at `address`."""
    return CSR0 + address
