# SPDX-License-Identifier: Apache-2.0
"""Which of several exceptions an instruction raises, and what is left of debugging without Debug Mode; both engines.

Two-stage translation with Sv39 and Sv39x4: the guest maps PAGE, the hypervisor maps what lies in RAM and nothing else.
"""

from __future__ import annotations

import pytest

from core.csr.registry import write_csr
from core.hart import Hart
from core.isa.decode import encode
from tests.support.engines import HIGHER, MODES, PAGE, RAM, SV39, TABLES, Engines

CODE, DATA = RAM + 0x1000, RAM + 0x2000
UNMAPPED = 0x5000_0000
"""A guest physical address that the G-stage does not map."""
V, R, W, X, AD = 1, 2, 4, 8, 0xC0
RWX = R | W | X
ILLEGAL, VIRTUAL = 2, 22
LOAD, STORE = encode("ld", rd=12, rs1=11, imm=0), encode("sd", rs2=12, rs1=11, imm=0)
AMO = encode("amoadd.d", rd=12, rs1=11, rs2=13)
LR, SC = encode("lr.d", rd=12, rs1=11), encode("sc.d", rd=12, rs1=11, rs2=13)
JUMP = encode("jalr", rd=0, rs1=11, imm=0)
HLV, FLD = encode("hlv.d", rd=12, rs1=11), encode("fld", rd=1, rs1=11, imm=0)
EBREAK, ECALL, WFI, NOTHING = encode("ebreak"), encode("ecall"), encode("wfi"), 0


@pytest.fixture(scope="module")
def engines() -> Engines:
    """Both engines."""
    return Engines()


def guest(
    engines: Engines, word: int, target: int, bits: int, *, shut: int = 0, offset: int = 0, found: int = 0, **slots: int
) -> Hart:
    """An instruction of VS-mode on PAGE, which its leaf with these bits maps to `target`; traps go to M-mode.

    shut: a physical page that the PMP forbids; found: the instruction at DATA.
    """
    engines.begin("VS", vsatp=SV39, hgatp=SV39, **slots)
    engines.map(target, bits)
    engines.code(CODE, [word], HIGHER)
    engines.write(DATA, found.to_bytes(4, "little"))
    if shut:
        engines.each(lambda h: write_csr(h, "pmpaddr1", (1 << 54) - 1))
        engines.each(lambda h: write_csr(h, "pmpaddr0", shut >> 2 | 0x1FF))
        engines.each(lambda h: write_csr(h, "pmpcfg0", 0x1F18))
    return engines.run(2 if word == JUMP else 1, x11=PAGE + offset)


@pytest.mark.parametrize("word", [LOAD, STORE, LR, SC, AMO])
@pytest.mark.parametrize(
    ("bits", "target", "shut", "load", "store"),
    [
        (0, UNMAPPED, 0, 13, 15),  # the VS-stage comes first: what is not mapped has no guest physical address
        (V | X | AD, UNMAPPED, 0, 13, 15),  # its permissions, too
        (V | RWX | AD, UNMAPPED, DATA, 21, 23),  # then the G-stage
        (V | RWX | AD, DATA, DATA, 5, 7),  # then the PMP
        (V | X | AD, DATA, DATA, 13, 15),
        (0, UNMAPPED, TABLES[1], 5, 7),  # the PMP may stop the walk before anything is known of the page
    ],
)
def test_h016_translation_faults_in_the_order_of_the_walk(
    engines: Engines, word: int, bits: int, target: int, shut: int, load: int, store: int
) -> None:
    """norm:H_exception_priority: the first encountered page, guest-page or access fault."""
    h = guest(engines, word, target, bits, shut=shut)
    assert (h.mcause, h.mtval) == (load if word in (LOAD, LR) else store, PAGE)


@pytest.mark.parametrize(
    ("bits", "target", "shut", "cause"),
    [
        (V | R | W | AD, UNMAPPED, DATA, 12),
        (V | RWX | AD, UNMAPPED, DATA, 20),
        (V | RWX | AD, DATA, DATA, 1),
        (V | RWX | AD, DATA, 0, 0),
    ],
)
@pytest.mark.parametrize(("found", "otherwise"), [(NOTHING, ILLEGAL), (HLV, VIRTUAL), (ECALL, 10), (EBREAK, 3)])
def test_h016_an_instruction_must_be_fetched_to_raise_its_own_exception(
    engines: Engines, found: int, otherwise: int, bits: int, target: int, shut: int, cause: int
) -> None:
    """norm:H_exception_priority: fetch faults before illegal and virtual instruction, ecall and ebreak."""
    h = guest(engines, JUMP, target, bits, shut=shut, found=found)
    assert h.mcause == (cause or otherwise)
    assert h.mepc == PAGE


@pytest.mark.parametrize(
    ("word", "slots", "cause"),
    [
        (HLV, {}, VIRTUAL),
        (FLD, {"mstatus": 0, "vsstatus": 0x6000}, ILLEGAL),
        (encode("hfence.gvma", rs1=11, rs2=12), {}, VIRTUAL),
        (encode("sfence.vma", rs1=11, rs2=12), {"hstatus": 1 << 20}, VIRTUAL),
    ],
)
def test_h016_what_may_not_be_executed_accesses_nothing(engines: Engines, word: int, slots: dict[str, int], cause: int) -> None:
    """norm:H_exception_priority: illegal and virtual instruction before all faults of the access."""
    assert guest(engines, word, UNMAPPED, 0, **slots).mcause == cause


@pytest.mark.parametrize(("word", "cause"), [(LR, 4), (SC, 6), (AMO, 6)])
@pytest.mark.parametrize(("bits", "target"), [(0, UNMAPPED), (V | RWX | AD, UNMAPPED), (V | RWX | AD, DATA)])
def test_h016_misaligned_atomics_fault_before_translation(
    engines: Engines, word: int, cause: int, bits: int, target: int
) -> None:
    """norm:H_exception_priority leaves it open whether a misaligned address is noticed before or behind translation."""
    h = guest(engines, word, target, bits, offset=4)
    assert (h.mcause, h.mtval, h.mtval2) == (cause, PAGE + 4, 0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("csr", range(0x7B0, 0x7C0))
def test_h112_csrs_of_debug_mode_are_hidden(engines: Engines, mode: str, csr: int) -> None:
    """norm:Zicsr_debug_illegal: no dcsr, so no dcsr.V, ebreakvs and ebreakvu; illegal also from guests, never virtual."""
    word = encode("csrrs", rd=12, rs1=0, csr=csr)
    engines.begin(mode)
    engines.code(CODE, [word])
    h = engines.run()
    assert (h.mcause, h.mtval) == (ILLEGAL, word)


def test_h112_there_is_no_trigger_that_could_fire_in_a_guest(engines: Engines) -> None:
    """Debug Specification, Enumeration: tdata1 stays of type 0, so its vs and vu bits do not stick."""
    engines.begin("M")
    engines.code(CODE, [encode("csrrw", rd=12, rs1=11, csr=0x7A1), encode("csrrs", rd=13, rs1=0, csr=0x7A1)])
    h = engines.run(2, x11=6 << 60 | 3 << 23 | 0x7F)
    assert (h.mcause, h.x[13] >> 60, h.x[13] >> 23 & 3) == (0, 0, 0)
