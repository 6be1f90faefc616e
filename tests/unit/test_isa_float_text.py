# SPDX-License-Identifier: Apache-2.0
"""Floating-point instructions as text: rounding modes, register names, aliases, and Zfa, which binutils 2.40 does not know."""

from __future__ import annotations

import pytest

from core.isa.decode import encode
from core.isa.disassemble import FLOAT_NAMES, disassemble

RNE, RTZ, DYN = 0, 1, 7


@pytest.mark.parametrize(
    ("name", "operands", "text"),
    [
        ("fadd.s", {"rd": 10, "rs1": 11, "rs2": 0, "rm": DYN}, "fadd.s fa0,fa1,ft0"),
        ("fadd.d", {"rd": 10, "rs1": 11, "rs2": 0, "rm": RNE}, "fadd.d fa0,fa1,ft0,rne"),
        ("fadd.h", {"rd": 8, "rs1": 28, "rs2": 27, "rm": 5}, "fadd.h fs0,ft8,fs11,unknown"),
        ("fnmadd.d", {"rd": 1, "rs1": 2, "rs2": 3, "rs3": 4, "rm": RTZ}, "fnmadd.d ft1,ft2,ft3,ft4,rtz"),
        ("fcvt.l.d", {"rd": 10, "rs1": 10, "rm": RTZ}, "fcvt.l.d a0,fa0,rtz"),
        ("fcvt.d.lu", {"rd": 10, "rs1": 10, "rm": DYN}, "fcvt.d.lu fa0,a0"),
        ("fcvt.d.w", {"rd": 10, "rs1": 10, "rm": RNE}, "fcvt.d.w fa0,a0"),
        ("fcvt.d.w", {"rd": 10, "rs1": 10, "rm": DYN}, "fcvt.d.w fa0,a0,dyn"),
        ("fcvt.d.h", {"rd": 10, "rs1": 10, "rm": RTZ}, "fcvt.d.h fa0,fa0,rtz"),
        ("fsgnj.s", {"rd": 10, "rs1": 11, "rs2": 11}, "fmv.s fa0,fa1"),
        ("fsgnjn.d", {"rd": 10, "rs1": 11, "rs2": 11}, "fneg.d fa0,fa1"),
        ("fsgnjx.h", {"rd": 10, "rs1": 11, "rs2": 11}, "fabs.h fa0,fa1"),
        ("fsgnjx.h", {"rd": 10, "rs1": 11, "rs2": 12}, "fsgnjx.h fa0,fa1,fa2"),
        ("fld", {"rd": 10, "rs1": 2, "imm": -8}, "fld fa0,-8(sp)"),
        ("fsh", {"rs2": 10, "rs1": 2, "imm": 8}, "fsh fa0,8(sp)"),
        ("c.fldsp", {"rd": 31, "uimm": 8}, "fld ft11,8(sp)"),
        ("c.fsd", {"rs1": 8, "rs2": 9, "uimm": 16}, "fsd fs1,16(s0)"),
        ("csrrs", {"rd": 10, "csr": 3}, "frcsr a0"),
        ("csrrw", {"rd": 10, "csr": 2, "rs1": 11}, "fsrm a0,a1"),
        ("csrrw", {"csr": 1, "rs1": 11}, "fsflags a1"),
        ("csrrwi", {"rd": 10, "csr": 2, "uimm": 1}, "fsrmi a0,1"),
        ("fli.s", {"rd": 10, "value": 0}, "fli.s fa0,-0x1p+0"),
        ("fli.d", {"rd": 10, "value": 1}, "fli.d fa0,min"),
        ("fli.h", {"rd": 10, "value": 13}, "fli.h fa0,0x1.4p-1"),
        ("fli.h", {"rd": 10, "value": 31}, "fli.h fa0,nan"),
        ("fminm.s", {"rd": 10, "rs1": 11, "rs2": 12}, "fminm.s fa0,fa1,fa2"),
        ("fleq.d", {"rd": 10, "rs1": 11, "rs2": 12}, "fleq.d a0,fa1,fa2"),
        ("fround.d", {"rd": 10, "rs1": 11, "rm": RTZ}, "fround.d fa0,fa1,rtz"),
        ("froundnx.s", {"rd": 10, "rs1": 11, "rm": DYN}, "froundnx.s fa0,fa1"),
        ("fcvtmod.w.d", {"rd": 10, "rs1": 11}, "fcvtmod.w.d a0,fa1,rtz"),
    ],
)
def test_texts(name: str, operands: dict[str, int], text: str) -> None:
    assert disassemble(encode(name, **operands), 0) == text


def test_register_names() -> None:
    """unpriv, Assembly mnemonics for floating-point registers: ft, fs and fa, each counted from 0."""
    assert sorted(FLOAT_NAMES) == sorted(
        [f"ft{i}" for i in range(12)] + [f"fs{i}" for i in range(12)] + [f"fa{i}" for i in range(8)]
    )
    assert [FLOAT_NAMES.index(name) for name in ("ft0", "ft7", "fs0", "fs1", "fa0", "fs2", "ft8")] == [0, 7, 8, 9, 10, 18, 28]
