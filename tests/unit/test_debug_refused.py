# SPDX-License-Identifier: Apache-2.0
"""What is said of instructions that a guest is refused: the words, on a running machine. See test_debug_withheld."""

from __future__ import annotations

import pytest

from tests.support.debugged import ENGINES
from tests.unit.test_debug_explain import at_guest, hints, next_exit

pytestmark = pytest.mark.parametrize("engine", ENGINES)


@pytest.mark.parametrize(
    ("words", "setup", "said"),
    [
        ([0x6000_2573], {}, "hstatus is a hypervisor CSR: a guest that uses it is itself a hypervisor"),
        (
            [0x1050_0073],
            {"hstatus": 1 << 21},
            "hstatus.VTW is 1, which withholds wfi, for the hypervisor to emulate it (norm:hstatus_vtw_op)",
        ),
        ([0x1200_0073], {"hstatus": 1 << 20}, "hstatus.VTVM is 1, which withholds sfence.vma, for the hypervisor"),
        ([0x1800_2573], {"hstatus": 1 << 20}, "hstatus.VTVM is 1, which withholds satp, for the hypervisor"),
        ([0x1020_0073], {"hstatus": 1 << 22}, "hstatus.VTSR is 1, which withholds sret, for the hypervisor"),
        ([0xC010_2573], {"hcounteren": 0}, "hcounteren.TM is 0, which withholds time (norm:hcounteren_op)"),
        ([0xC050_2573], {"hcounteren": 0}, "hcounteren bit 5 is 0, which withholds hpmcounter5 (norm:hcounteren_op)"),
        (
            [0x14D0_2573],
            {"hcounteren": 0, "henvcfg": 0},
            "hcounteren.TM is 0 and henvcfg.STCE is 0, which withhold stimecmp (norm:hcounteren_acc, norm:henvcfg_stce)",
        ),
        ([0x14D0_2573], {"hcounteren": 2, "henvcfg": 0}, "henvcfg.STCE is 0, which withholds stimecmp (norm:henvcfg_stce)"),
        ([0x24D0_2573], {}, "vstimecmp is a hypervisor CSR: a guest that uses it is itself a hypervisor"),
        (
            [0x10A0_2573],
            {"hstateen0": 0},
            "hstateen0.ENVCFG is 0, which withholds senvcfg (norm:hstateen0_envcfg_op)",
        ),
        ([0x10C0_2573], {"hstateen0": 0}, "hstateen0.SE0 is 0, which withholds sstateen0 (norm:hstateen0_SE0_op)"),
        ([0x10D0_2573], {"hstateen1": 0}, "hstateen1.SE is 0, which withholds sstateen1 (norm:hstateen_bit_63_op)"),
        ([0x0045_200F], {"henvcfg": 0}, "henvcfg.CBZE is 0, which withholds cbo.zero (norm:henvcfg_cbze)"),
        ([0x0025_200F], {"henvcfg": 0}, "henvcfg.CBCFE is 0, which withholds cbo.flush (norm:henvcfg_cbcfe)"),
        ([0x0005_200F], {"henvcfg": 0}, "henvcfg.CBIE is 0, which withholds cbo.inval (norm:henvcfg_cbie)"),
        ([0x6220_0073], {}, "hfence.gvma is for HS-mode: a guest that uses it is itself a hypervisor, which must be emulated"),
        ([0x6C05_C573], {}, "hlv.d is for HS-mode: a guest that uses it is itself a hypervisor, which must be emulated"),
        ([0x3020_0073], {}, "mret is for M-mode; S-mode returns from its traps by sret (norm:xret_in_lower_mode)"),
        ([0x3000_2573], {}, "mstatus is for M-mode; S-mode has sstatus"),
        ([0xB000_2573], {}, "mcycle is for M-mode; S-mode has cycle"),
        ([0xF140_2573], {}, "mhartid is for M-mode"),
        ([0x0110_2573], {}, "ssp needs Zicfiss, which this hart does not have"),
        ([0x48C5_A52F], {}, "ssamoswap.w needs Zicfiss, which this hart does not have"),
        (
            [0x02B5_7553],
            {"vsstatus": 0, "sstatus": 3 << 13},
            "vsstatus.FS is Off, which withholds fadd.d (norm:H_illegalinst_xstatus_fs_vs)",
        ),
        (
            [0x02B5_7553],
            {"vsstatus": 3 << 13, "sstatus": 3 << 13, "frm": 5},
            "frm is 5, which is reserved (norm:roundingmode_rsv)",
        ),
        (
            [0x02B5_6553],
            {"vsstatus": 3 << 13, "sstatus": 3 << 13},
            "the rounding mode in the instruction is 6, which is reserved (norm:roundingmode_rsv)",
        ),
        ([0xC010_1073], {}, "time is read-only"),
        ([0x7C00_2573], {}, "there is no CSR 0x7c0"),
        ([0], {}, "the instruction is all zeros: execution has run into memory without code"),
        ([0xFFFF_FFFF], {}, "these bits are no instruction of this hart"),
    ],
    ids=lambda value: hex(value[0]) if isinstance(value, list) else "",
)
def test_refused_instructions(engine: str, words: list[int], setup: dict[str, int], said: str) -> None:
    d = at_guest("loop", engine)
    pc = d.read_register("pc")
    spa = d.translate(pc, access="x").spa
    assert spa is not None
    d.write_memory(spa, b"".join(word.to_bytes(4, "little") for word in words), space="spa")
    for name, value in setup.items():
        d.write_register(name, d.read_register(name) | value if value else 0)
    d.write_register("hedeleg", 0)
    (hint,) = hints(next_exit(d))
    assert hint.startswith(said)
