# SPDX-License-Identifier: Apache-2.0
"""Zicfilp: landing pads, on both engines (priv, Landing Pad; unpriv, Zicfilp for Landing Pad)."""

from __future__ import annotations

import pytest

from core.csr.machine import Mstatus
from core.csr.vs import Vsstatus
from core.features import DEFAULT_FEATURES, Feature
from core.isa.decode import encode
from core.trap.ret import do_mret, do_sret
from tests.support.engines import HIGHER, MODES, PAGE, RAM, SV39, Engines
from tests.unit.test_csr_support import ONES, bit, make_hart, read, where, written

WITH = DEFAULT_FEATURES | Feature.ZICFILP
NOP, ECALL, EBREAK, MRET = encode("addi"), encode("ecall"), encode("ebreak"), encode("mret")
LPAD = encode("lpad", imm=0)
JUMP = encode("jalr", rd=0, rs1=11, imm=0)
CODE, TARGET, HANDLER = RAM + 0x100, RAM + 0x200, RAM + 0x400
SOFTWARE_CHECK, LANDING_PAD = 18, 2
LPE, MLPE = 1 << 2, 1 << 10
MPELP, SPELP = 1 << 41, 1 << 23
ENABLES = {"M": "mseccfg", "HS": "menvcfg", "VS": "henvcfg", "U": "senvcfg", "VU": "senvcfg"}
EVERYWHERE = {"mseccfg": MLPE, "menvcfg": LPE, "henvcfg": LPE, "senvcfg": LPE}


@pytest.fixture(scope="module")
def engines() -> Engines:
    return Engines(WITH)


def jump(engines: Engines, *found: int, mode: str = "M", target: int = TARGET, word: int = JUMP, **slots: int) -> None:
    """A hart that is about to jump to `target`, where these instructions are, landing pads enforced everywhere."""
    engines.begin(mode, **{"mtvec": HANDLER, **EVERYWHERE, **slots})
    engines.code(HANDLER, [LPAD, MRET])
    engines.code(target, found)
    engines.code(CODE, [word])
    engines.each(lambda h: h.x.__setitem__(11, target))


def test_off_by_default_and_then_nothing_of_it_is_there() -> None:
    assert Feature.ZICFILP not in DEFAULT_FEATURES
    h = make_hart()
    for name, mask in (*EVERYWHERE.items(), ("mstatus", MPELP | SPELP), ("sstatus", SPELP), ("vsstatus", SPELP)):
        assert written(h, name, ONES) & mask == 0, name


def test_fields_with_it() -> None:
    """norm:mseccfg_mlpe_presence, norm:mseccfg_mlpe_rst, norm:sstatus_spelp, norm:vsstatus_spelp_op."""
    h = make_hart(features=WITH & ~Feature.SMMPM & ~Feature.SMEPMP)
    assert read(h, "mseccfg") == 0
    for name, mask in EVERYWHERE.items():
        assert (written(h, name, ONES) & mask, written(h, name, 0) & mask) == (mask, 0), name
    assert (bit("mstatus", "MPELP"), bit("mstatus", "SPELP"), bit("vsstatus", "SPELP")) == (MPELP, SPELP, SPELP)
    assert written(h, "mstatus", MPELP | SPELP) & (MPELP | SPELP) == MPELP | SPELP
    assert read(h, "sstatus") & (MPELP | SPELP) == SPELP
    assert written(h, "sstatus", 0) & SPELP == 0
    assert read(h, "mstatus") & (MPELP | SPELP) == MPELP
    assert (written(h, "vsstatus", SPELP) & SPELP, read(h, "sstatus") & SPELP) == (SPELP, 0)


def test_henvcfg_lpe_needs_nothing_of_menvcfg() -> None:
    """norm:henvcfg_lpe_op; unlike STCE and its like."""
    h = make_hart(features=WITH, menvcfg=0)
    assert written(h, "henvcfg", LPE) == LPE


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_has_its_own_enable(engines: Engines, mode: str) -> None:
    """norm:mseccfg_mlpe_set_op, norm:menvcfg_lpe_op_lead-in, norm:henvcfg_lpe_op, norm:senvcfg_lpe_Zicfilp."""
    own = ENABLES[mode]
    jump(engines, NOP, mode=mode, **{name: 0 for name in EVERYWHERE if name != own})
    assert engines.run(1).elp == 1
    h = engines.run(1)
    assert (h.mcause, h.mtval, h.mepc, h.elp) == (SOFTWARE_CHECK, LANDING_PAD, TARGET, 0)
    jump(engines, NOP, mode=mode, **{own: 0})
    assert engines.run(1).elp == 0
    h = engines.run(1)
    assert (h.mcause, h.pc) == (0, TARGET + 4)


def test_u_mode_without_s_mode() -> None:
    """norm:menvcfg_lpe_op_lead-in: then menvcfg.LPE is U-mode's."""
    engines = Engines(WITH & ~Feature.S & ~Feature.H)
    jump(engines, NOP, mode="U", henvcfg=0, senvcfg=0)
    assert engines.run(2).mcause == SOFTWARE_CHECK
    jump(engines, NOP, mode="U", menvcfg=0)
    assert engines.run(2).mcause == 0


@pytest.mark.parametrize("name", ["jalr", "c.jr", "c.jalr"])
def test_which_jumps_expect_a_landing_pad(engines: Engines, name: str) -> None:
    """norm:zicflip_lpad_expected, norm:zicflip_indirect_branch_lpad: all but those through x1, x5 and x7."""
    for rs1 in range(0 if name == "jalr" else 1, 32):
        for rd in (0, 1, 9) if name == "jalr" else (0,):
            operands = {"rd": rd, "rs1": rs1, "imm": 0} if name == "jalr" else {"rs1": rs1}
            jump(engines, NOP, word=encode(name, **operands))
            h = engines.run(1, **({f"x{rs1}": TARGET} if rs1 else {}))
            assert (h.elp, h.pc) == (int(rs1 not in (1, 5, 7)), TARGET if rs1 else 0), rs1
            if name == "jalr" and rd and rd != rs1:
                assert h.x[rd] == CODE + 4


def test_other_jumps_do_not(engines: Engines) -> None:
    for word in (encode("jal", rd=1, imm=8), encode("c.j", imm=8), encode("beq", imm=8)):
        jump(engines, word=word)
        assert (engines.run(1).elp, engines.hart.pc) == (0, CODE + 8)


@pytest.mark.parametrize(
    ("label", "x7", "fine"),
    [
        (0, ONES, True),
        (0x1000, 0x1000, True),
        (0x1000, 0xABCD_EF01_0000_1FFF, True),
        (0x8000_0000, 0x8000_0000, True),
        (0xFFFF_F000, 0xFFFF_F000, True),
        (0x1000, 0, False),
        (0x1000, 0x3000, False),
        (0x8000_0000, 0, False),
        (0x7FFF_F000, 0xFFFF_F000, False),
    ],
)
def test_labels(engines: Engines, label: int, x7: int, fine: bool) -> None:
    """norm:zicflip_lpad_imm_enc, norm:zicflip_lpad_label_exception: 0 or bits 31:12 of x7."""
    jump(engines, LPAD | label, NOP)
    h = engines.run(2, x7=x7)
    if fine:
        assert (h.pc, h.elp, h.mcause, h.x[7]) == (TARGET + 4, 0, 0, x7)
        assert engines.run(1).pc == TARGET + 8
    else:
        assert (h.mcause, h.mtval, h.mepc, h.pc, h.elp) == (SOFTWARE_CHECK, LANDING_PAD, TARGET, HANDLER, 0)
        assert h.mstatus & MPELP == MPELP, "as it was before the trap (norm:lpad_sw_exception)"


def test_a_landing_pad_reached_otherwise_does_nothing(engines: Engines) -> None:
    """norm:zicflip_lpad_enabled_instr_allowed, norm:zicflip_lpad_alignment_exception: only with ELP."""
    jump(engines, word=LPAD | 0x5000)
    before = engines.hart.snapshot()
    h = engines.run(1)
    assert h.pc == CODE + 4
    assert h.x.tolist() == before["x"]
    jump(engines)
    engines.code(CODE, [encode("c.nop"), LPAD | 0x5000])
    assert engines.run(2).pc == CODE + 6


@pytest.mark.parametrize("found", [NOP, 0, encode("c.nop"), encode("auipc", rd=1, imm=0), ECALL, EBREAK, JUMP, 0xFFFF_FFFF])
def test_what_is_no_landing_pad(engines: Engines, found: int) -> None:
    """norm:zicflip_elp_lpad_expected, norm:Zicfilp_exception_priority: before it is seen as illegal or anything else."""
    jump(engines, found, NOP)
    retired = engines.run(1).limit - engines.hart.left
    h = engines.run(1)
    assert (h.mcause, h.mtval, h.mepc, h.pc) == (SOFTWARE_CHECK, LANDING_PAD, TARGET, HANDLER)
    assert (h.mtval2, h.mtinst, h.mstatus & MPELP, h.elp) == (0, 0, MPELP, 0)
    assert (h.limit - h.left, h.trap_inst) == (retired, found), "it has not retired"


def test_alignment(engines: Engines) -> None:
    """norm:zicflip_lpad_alignment_exception."""
    jump(engines, LPAD, target=TARGET + 2)
    h = engines.run(2)
    assert (h.mcause, h.mtval, h.mepc) == (SOFTWARE_CHECK, LANDING_PAD, TARGET + 2)


def test_the_fetch_faults_first(engines: Engines) -> None:
    """norm:Zicfilp_exception_priority, norm:Zicfilp_forward_trap_async_exception; the second half too. SPELP keeps ELP."""
    for offset in (0, 0xFFE):
        target = PAGE + offset
        engines.begin("VS", vsatp=SV39, hgatp=SV39, mtvec=HANDLER, **EVERYWHERE)
        engines.map(TARGET & ~0xFFF, 0xCF if offset else 0)
        engines.write((TARGET & ~0xFFF) + 0xFFE, (LPAD & 0xFFFF).to_bytes(2, "little"))
        engines.code(CODE, [JUMP], HIGHER)
        engines.each(lambda h: h.__setattr__("medeleg", 1 << 12))
        engines.each(lambda h: h.__setattr__("stvec", HANDLER))
        h = engines.run(2, x11=target)
        assert (h.scause, h.sepc, h.stval) == (12, target, PAGE + 0x1000 if offset else PAGE)
        assert (h.mode, h.v, h.mstatus & SPELP, h.elp) == (1, 0, SPELP, 0)


@pytest.mark.parametrize("units", [(4,), (1, 1, 1, 1), (2, 2), (1, 3)])
def test_where_slices_end_makes_no_difference(engines: Engines, units: tuple[int, ...]) -> None:
    jump(engines, LPAD | 0x2000, NOP, NOP)
    for count in units:
        h = engines.run(count, x7=0x2000)
    assert (h.pc, h.elp, h.mcause) == (TARGET + 12, 0, 0)


@pytest.mark.parametrize("target", ["M", "HS", "VS"])
def test_who_takes_it_keeps_elp(engines: Engines, target: str) -> None:
    """norm:Zicfilp_pelp_trap, norm:cfi_mstatus_mpelp_op, norm:cfi_mstatus_spelp_op, norm:vsstatus_spelp_op2."""
    chosen = 1 << SOFTWARE_CHECK
    deleg = {"medeleg": chosen if target != "M" else 0, "hedeleg": chosen if target == "VS" else 0}
    jump(engines, NOP, mode="VU", stvec=HANDLER, vstvec=HANDLER, **deleg)
    h = engines.run(2)
    assert (where(h), h.elp, h.pc) == (target, 0, HANDLER)
    kept = (h.mstatus & MPELP, h.mstatus & SPELP, h.vsstatus & SPELP)
    assert kept == tuple(mask if mode == target else 0 for mode, mask in (("M", MPELP), ("HS", SPELP), ("VS", SPELP)))
    cause, value = {"M": ("mcause", "mtval"), "HS": ("scause", "stval"), "VS": ("vscause", "vstval")}[target]
    assert (getattr(h, cause), getattr(h, value)) == (SOFTWARE_CHECK, LANDING_PAD)


def test_a_trap_without_elp_clears_the_old_one(engines: Engines) -> None:
    """norm:Zicfilp_pelp_trap: xPELP is set to ELP, which is 0."""
    for mode, cause in (("HS", 9), ("VS", 10)):
        jump(engines, mode=mode, word=ECALL, mstatus=MPELP | SPELP, vsstatus=SPELP)
        h = engines.run(1)
        assert (h.mcause, h.mstatus & (MPELP | SPELP), h.vsstatus & SPELP) == (cause, SPELP, SPELP)
        jump(engines, mode=mode, word=EBREAK, mstatus=MPELP | SPELP, vsstatus=SPELP, medeleg=8, hedeleg=8)
        h = engines.run(1)
        assert (h.mstatus & MPELP, h.mstatus & SPELP, h.vsstatus & SPELP) == (
            (MPELP, 0, SPELP) if mode == "HS" else (MPELP, SPELP, 0)
        )


def test_an_interrupt_between_jump_and_landing_pad(engines: Engines) -> None:
    """norm:Zicfilp_forward_trap_async_interrupt, norm:Zicfilp_pelp_trap_return; the landing pad is checked afterwards."""
    for found, label, cause in ((LPAD, 0, 0), (LPAD | 0x1000, 0x1000, 0), (LPAD | 0x1000, 0, SOFTWARE_CHECK), (NOP, 0, 18)):
        jump(engines, found, NOP, mode="U", mie=1 << 3)
        assert engines.run(1, x7=label).elp == 1
        engines.each(lambda h: setattr(h, "irq_lines", 1 << 3))
        h = engines.run(1)
        assert (h.mcause, h.mepc, h.mstatus & MPELP, h.elp) == (1 << 63 | 3, TARGET, MPELP, 0)
        engines.each(lambda h: setattr(h, "irq_lines", 0))
        h = engines.run(2)
        assert (h.pc, h.elp, h.elp_jump, h.mstatus & MPELP) == (TARGET, 1, 0, 0)
        engines.each(lambda h: setattr(h, "mcause", 0))
        h = engines.run(1)
        assert (h.mcause, h.pc) == (cause, HANDLER if cause else TARGET + 4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("pelp", [0, 1])
@pytest.mark.parametrize("enabled", [False, True])
def test_mret(mode: str, pelp: int, enabled: bool) -> None:
    """norm:Zicfilp_pelp_trap_return: xPELP if the new mode must have landing pads; xPELP := 0."""
    h = make_hart(features=WITH, elp_jump=5)
    for name, value in EVERYWHERE.items():
        setattr(h, name, value if (name == ENABLES[mode]) == enabled else 0)
    priv, v = MODES[mode]
    h.mstatus |= priv << 11 | v << 39 | MPELP * pelp | SPELP
    do_mret(h)
    assert (where(h), h.elp, h.mstatus & (MPELP | SPELP), h.elp_jump) == (mode, pelp & enabled, SPELP, 0)


@pytest.mark.parametrize("start", ["M", "HS", "VS"])
@pytest.mark.parametrize("pelp", [0, 1])
@pytest.mark.parametrize("mode", ["HS", "U", "VS", "VU"])
def test_sret(start: str, pelp: int, mode: str) -> None:
    """norm:Zicfilp_pelp_trap_return; with V=1 vsstatus.SPELP."""
    if start == "VS" and mode in ("HS", "U"):
        return
    for enabled in (False, True):
        h = make_hart(start, features=WITH)
        setattr(h, ENABLES[mode], LPE if enabled else 0)
        priv, v = MODES[mode]
        guest = start == "VS"
        h.mstatus |= MPELP | (SPELP * pelp | priv << 8 if not guest else SPELP)
        h.vsstatus |= SPELP * pelp | priv << 8 if guest else SPELP
        h.hstatus |= v << 7
        do_sret(h)
        assert (where(h), h.elp) == (mode, pelp & enabled)
        assert h.mstatus & (MPELP | SPELP) == MPELP | (SPELP if guest else 0)
        assert h.vsstatus & SPELP == (0 if guest else SPELP)


def test_a_double_trap_keeps_it_in_m_mode(engines: Engines) -> None:
    """The software check of HS-mode that is not ready for it."""
    jump(engines, NOP, mode="HS", medeleg=1 << 18, menvcfg=LPE | 1 << 59, mstatus=1 << 24)
    h = engines.run(2)
    assert (h.mcause, h.mtval, h.mtval2, h.mstatus & MPELP, h.mstatus & SPELP) == (16, LANDING_PAD, 18, MPELP, 0)


def test_a_critical_error_leaves_elp() -> None:
    """norm:trap_unexp_hndl_no_rnmi: nothing changes."""
    engines = Engines(WITH | Feature.SMDBLTRP)
    jump(engines, NOP)
    h = engines.run(5)
    assert (h.critical, h.elp, h.pc, h.mcause) == (1, 1, TARGET, 0)


def test_reset_clears_it(engines: Engines) -> None:
    """unpriv, Landing Pad Enforcement: NO_LP_EXPECTED upon reset."""
    jump(engines, NOP)
    assert engines.run(1).elp == 1
    engines.begin("M")
    assert (engines.hart.elp, engines.hart.elp_jump) == (0, 0)


def test_csrs_by_instructions(engines: Engines) -> None:
    """What M-mode writes holds for the very next jump, and for a guest that reads its own sstatus."""
    jump(engines, NOP, mseccfg=0)
    engines.code(CODE, [encode("csrrs", rd=0, rs1=12, csr=0x747), JUMP])
    assert engines.run(2, x12=MLPE).elp == 1
    jump(engines, mode="VS", vsstatus=SPELP, word=encode("csrrs", rd=12, rs1=0, csr=0x100))
    assert engines.run(1).x[12] & SPELP == SPELP


def test_code_that_changes(engines: Engines) -> None:
    """A landing pad is overwritten, and comes back."""
    for found, cause in ((LPAD, 0), (NOP, 18), (LPAD, 0)):
        jump(engines, found, NOP)
        assert engines.run(3).mcause == cause


def test_without_the_extension_nothing_happens() -> None:
    plain = Engines()
    jump(plain, LPAD | 0x5000, NOP)
    before = plain.hart.snapshot()
    h = plain.run(2)
    assert (h.pc, h.elp, h.mcause, h.x.tolist()) == (TARGET + 4, 0, 0, before["x"])
    jump(plain, NOP)
    assert (plain.run(2).pc, plain.hart.mcause) == (TARGET + 4, 0)


def test_fields_have_words() -> None:
    """norm:mstatus_spelp_mpelp_enc_lead-in."""
    fields = Mstatus.MPELP, Mstatus.SPELP, Vsstatus.SPELP
    assert [f.words(value) for f in fields for value in (0, 1)] == ["NO_LP_EXPECTED", "LP_EXPECTED"] * 3
