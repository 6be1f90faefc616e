# SPDX-License-Identifier: Apache-2.0
"""Firmware as distributions ship it: whether it gets to where it waits for a user, and how long that takes.

The images are those of Debian's packages opensbi and u-boot-qemu. No test depends on them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import BenchmarkError, Row, table

OPENSBI = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic")
UBOOT = Path("/usr/lib/u-boot")
PART, LIMIT = 2_000_000, 2_000_000_000
"""Units run between looks at the console, and at most."""
PROMPT = "=> "


@dataclass(frozen=True)
class Case:
    """A machine, and the texts that must appear one after the other; after `autoboot` a key is pressed."""

    name: str
    bios: str | Path
    program: Path | None
    texts: tuple[str, ...]
    harts: int = 1
    aia: str = "none"


S_MODE, M_MODE = UBOOT / "qemu-riscv64_smode" / "u-boot.bin", UBOOT / "qemu-riscv64" / "u-boot.bin"
UBOOT_TEXTS = ("U-Boot ", "autoboot", PROMPT)
CASES = (
    Case("fw_jump.elf", OPENSBI / "fw_jump.elf", None, ("OpenSBI v", "Boot HART MEDELEG")),
    Case("fw_jump.bin, 2 harts, U-Boot", OPENSBI / "fw_jump.bin", S_MODE, ("HART Count       : 2", *UBOOT_TEXTS), 2),
    Case("fw_dynamic.elf, U-Boot", OPENSBI / "fw_dynamic.elf", S_MODE, ("OpenSBI v", *UBOOT_TEXTS)),
    Case(
        "fw_dynamic.bin, 2 harts, aia=aplic-imsic, U-Boot",
        OPENSBI / "fw_dynamic.bin",
        S_MODE,
        ("aia-imsic", *UBOOT_TEXTS),
        2,
        "aplic-imsic",
    ),
    Case("U-Boot as firmware", M_MODE, None, UBOOT_TEXTS),
    Case("U-Boot on the built-in SBI", "builtin", S_MODE, UBOOT_TEXTS),
)


def boot(case: Case) -> str:
    """Boot; the first text that did not appear, "" when all did."""
    from core.boot.loader import Bios, BootConfig
    from core.devices.config import Aia, BoardConfig
    from core.machine import Machine, MachineConfig, Outcome

    for file in (case.bios, case.program):
        if isinstance(file, Path) and not file.exists():
            raise BenchmarkError(f"{file} is missing; install it with: apt-get install opensbi u-boot-qemu")
    seen = bytearray()
    bios = case.bios if isinstance(case.bios, Path) else Bios(case.bios)
    board = BoardConfig(aia=Aia(case.aia))
    machine = Machine(MachineConfig(BootConfig(case.program, bios), harts=case.harts, board=board), seen.extend)
    wanted = list(case.texts)
    for _ in range(0, LIMIT, PART):
        if machine.run(PART) is not Outcome.BUDGET:
            break
        while wanted and (found := seen.find(wanted[0].encode())) >= 0:
            del seen[: found + len(wanted[0])]
            if wanted.pop(0) == "autoboot":
                machine.console_input(b"\r")
        if not wanted:
            break
    return wanted[0] if wanted else ""


def run() -> str:
    """Boot everything and return the table."""
    rows = []
    for case in CASES:
        begin = time.perf_counter()
        missing = boot(case)
        taken = time.perf_counter() - begin
        figure = f"{taken:.1f} s" if not missing else f"nothing after {taken:.1f} s"
        rows.append(
            Row(case.name, figure, f"shows {case.texts[-1].strip()!r}" if not missing else f"shows {missing!r}", not missing)
        )
    return table("Firmware: to the end of OpenSBI's banner, or to U-Boot's prompt", rows)
