# SPDX-License-Identifier: Apache-2.0
"""Zicbom, Zicboz, Zicbop: who may execute them, what they need from translation and PMP, what they do; both engines."""

from __future__ import annotations

import itertools

import pytest

from core.hart import Hart
from core.isa.decode import encode
from core.mmu.tlb import flush_all
from core.mmu.watch import add_watch, hit_kind
from tests.support.engines import HIGHER, LEAF, MODES, PAGE, RAM, SV39, Engines

CODE, DATA = RAM + 0x1000, RAM + 0x2080
INVAL, CLEAN, FLUSH, ZERO = (encode(f"cbo.{name}", rs1=11) for name in ("inval", "clean", "flush", "zero"))
MANAGEMENT = pytest.mark.parametrize("word", [INVAL, CLEAN, FLUSH], ids=["inval", "clean", "flush"])
ALL = pytest.mark.parametrize("word", [INVAL, CLEAN, FLUSH, ZERO], ids=["inval", "clean", "flush", "zero"])
ENABLED = {"menvcfg": 0xF0, "henvcfg": 0xF0, "senvcfg": 0xF0}
ADUE = 1 << 61
ILLEGAL, VIRTUAL = 2, 22
V, R, W, X, U, A, D = 1, 2, 4, 8, 16, 64, 128
NOISE = bytes(range(1, 193))


@pytest.fixture(scope="module")
def engines() -> Engines:
    """Both engines."""
    return Engines()


def execute(engines: Engines, word: int, address: int, mode: str = "M", *, above: int = 0, **slots: int) -> Hart:
    """One instruction on an address, after a reset, NOISE around DATA."""
    engines.begin(mode, **slots)
    engines.write(DATA - 64, NOISE)
    engines.code(CODE, [word], above)
    return engines.run(x11=address)


def expected_cause(mode: str, menvcfg: int, henvcfg: int, senvcfg: int) -> int:
    """The manual's program text, with the enabling fields of one instruction."""
    if (mode != "M" and menvcfg == 0) or (mode == "U" and senvcfg == 0):
        return ILLEGAL
    if (mode == "VS" and henvcfg == 0) or (mode == "VU" and (henvcfg == 0 or senvcfg == 0)):
        return VIRTUAL
    return 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("word", "lsb", "values"), [(INVAL, 4, (0, 1, 3)), (CLEAN, 6, (0, 1)), (FLUSH, 6, (0, 1)), (ZERO, 7, (0, 1))]
)
def test_h067_environment_decides(engines: Engines, mode: str, word: int, lsb: int, values: tuple[int, ...]) -> None:
    """norm:cbo-inval, norm:cbo-clean_cbo-flush, norm:cbo-zero_basedon_xenvcfg-CBZE; henvcfg_cbie, henvcfg_cbcfe and
    henvcfg_cbze are the same from the hypervisor's side."""
    others = 0xF0 & ~(max(values) << lsb)
    for menvcfg, henvcfg, senvcfg in itertools.product(values, repeat=3):
        given = {"menvcfg": menvcfg, "henvcfg": henvcfg, "senvcfg": senvcfg}
        h = execute(engines, word, DATA, mode, **{name: others | value << lsb for name, value in given.items()})
        cause = expected_cause(mode, menvcfg, henvcfg, senvcfg)
        assert (h.mcause, h.mtval) == (cause, word if cause else 0), given
        done = word == ZERO and not cause
        assert engines.read(DATA) == (0 if done else int.from_bytes(NOISE[64:72], "little"))


@ALL
def test_the_right_to_execute_comes_first(engines: Engines, word: int) -> None:
    assert execute(engines, word, 0x40, "HS").mcause == ILLEGAL
    assert execute(engines, word, 0x40, "VS", menvcfg=0xF0).mcause == VIRTUAL
    h = execute(engines, word, 0x40, "HS", **ENABLED)
    assert (h.mcause, h.mtval) == (7, 0x40)  # nothing is there


@pytest.mark.parametrize("offset", [0, 1, 7, 31, 63])
def test_zero_clears_the_block_around_an_address(engines: Engines, offset: int) -> None:
    """norm:cbo-zero_op, norm:cbo-zero_unaligned, norm:no_addr_misaligned_excep."""
    h = execute(engines, ZERO, DATA + offset)
    assert (h.mcause, h.pc) == (0, CODE + 4)
    assert engines.machines[0].ram.read_bytes(DATA - 64, 192) == NOISE[:64] + bytes(64) + NOISE[128:]


@MANAGEMENT
@pytest.mark.parametrize("offset", [0, 1, 63])
def test_management_changes_nothing(engines: Engines, word: int, offset: int) -> None:
    h = execute(engines, word, DATA + offset)
    assert (h.mcause, h.pc) == (0, CODE + 4)
    assert engines.machines[0].ram.read_bytes(DATA - 64, 192) == NOISE


@ALL
@pytest.mark.parametrize("mode", ["HS", "U", "VS", "VU"])
@pytest.mark.parametrize("mxr", [0, 1])
def test_permissions_of_a_page(engines: Engines, word: int, mode: str, mxr: int) -> None:
    """norm:cbm_access, norm:cbz_access, norm:cbm_unperm_fault, norm:cbz_unperm_fault: store page faults, also without R."""
    user = U if mode in ("U", "VU") else 0
    guest = mode in ("VS", "VU")
    status = {"vsstatus" if guest else "mstatus": mxr << 19}
    for rights in (0, R, X, R | X, R | W, R | W | X):
        if rights == 0:
            rights = W  # a leaf that is reserved
        slots = ENABLED | {"vsatp" if guest else "satp": SV39} | status
        engines.begin(mode, **slots)
        engines.map(DATA, V | rights | user | A | D)
        engines.code(CODE, [word], 0 if user else HIGHER)
        h = engines.run(x11=PAGE + 0x81)
        readable = rights & R or (mxr and rights & X)
        allowed = rights & R and rights & W if word == ZERO else rights != W and readable
        assert (h.mcause, h.mtval) == ((0, 0) if allowed else (15, PAGE + 0x81)), f"{rights:#x}"
        assert h.mstatus >> 38 & 1 == (guest and not allowed)


@ALL
def test_user_pages(engines: Engines, word: int) -> None:
    """SUM acts as on loads and stores."""
    for mode, bits, sum_bit, cause in (("HS", U, 0, 15), ("HS", U, 1 << 18, 0), ("U", 0, 1 << 18, 15)):
        engines.begin(mode, **ENABLED, satp=SV39, mstatus=sum_bit)
        engines.map(DATA, V | R | W | A | D | bits)
        engines.code(CODE, [word], HIGHER if mode == "HS" else 0)
        assert engines.run(x11=PAGE).mcause == cause


@ALL
@pytest.mark.parametrize("hardware", [False, True])
def test_accessed_and_dirty(engines: Engines, word: int, hardware: bool) -> None:
    """norm:cbm_unperm_translate, norm:cbz_unperm_translate: management has no need of D."""
    for bits in (0, A, A | D):
        engines.begin("HS", **(ENABLED | {"menvcfg": 0xF0 | (ADUE if hardware else 0)}), satp=SV39)
        engines.map(DATA, V | R | W | bits)
        engines.code(CODE, [word], HIGHER)
        h = engines.run(x11=PAGE)
        needed = A | D if word == ZERO else A
        fine = hardware or bits & needed == needed
        assert h.mcause == (0 if fine else 15)
        assert engines.read(LEAF) & (A | D) == (bits | needed if fine else bits)


@ALL
def test_guest_pages(engines: Engines, word: int) -> None:
    """Store guest-page faults, with the address in rs1 and the guest physical one (norm:cbm_unperm_fault)."""
    for rights, zero_cause, other_cause in ((R | W, 0, 0), (R, 23, 0), (X, 23, 23), (0, 23, 23)):
        engines.begin("VS", **ENABLED, hgatp=SV39, strict=0)
        engines.map(DATA, (V | U | A | D | rights) if rights else 0)
        engines.code(CODE, [word])
        h = engines.run(x11=PAGE + 0x8F)
        cause = zero_cause if word == ZERO else other_cause
        assert h.mcause == cause
        if cause:
            assert (h.mtval, h.mtval2 << 2, h.mstatus >> 38 & 1) == (PAGE + 0x8F, PAGE + 0x8C, 1)
            assert h.mtinst == word & 0xFFF0_7FFF  # norm:h_trans_cache


@ALL
@pytest.mark.parametrize("offset", [0, 40])
def test_pmp(engines: Engines, word: int, offset: int) -> None:
    """Store access faults, also where read permission is what is missing (norm:cbm_unperm_fault); the whole block counts."""

    def protect(h: Hart, entry: int, config: int) -> None:
        h.pmpaddr[0], h.pmpcfg[0] = entry, config
        h.pmpaddr[1], h.pmpcfg[1] = (1 << 54) - 1, 0x1F
        flush_all(h)

    napot, half = DATA >> 2 | 7, DATA >> 2 | 3
    for entry, config, zero_cause, other_cause in (
        (napot, 0x1B, 0, 0),
        (napot, 0x19, 7, 0),
        (napot, 0x1C, 7, 7),
        (napot, 0x18, 7, 7),
        (half, 0x1F, 7, 7),
    ):
        engines.begin("HS", **ENABLED)
        engines.each(lambda h, entry=entry, config=config: protect(h, entry, config))  # type: ignore[misc]
        engines.code(CODE, [word])
        h = engines.run(x11=DATA + offset)
        cause = zero_cause if word == ZERO else other_cause
        assert (h.mcause, h.mtval) == (cause, DATA + offset if cause else 0), f"{config:#x}"


def test_devices(engines: Engines) -> None:
    """Management is allowed where a load is; zeros are for memory only (norm:cbm_access, norm:cbz_access)."""
    for word in (INVAL, CLEAN, FLUSH):
        assert execute(engines, word, 0x1000_0000).mcause == 0
        assert execute(engines, word, 0x4000_0000).mcause == 7
    assert execute(engines, ZERO, 0x1000_0000).mcause == 7
    end = engines.machines[0].ram.end
    assert execute(engines, ZERO, end - 1).mcause == 0
    assert execute(engines, ZERO, end).mcause == 7


@ALL
def test_mprv(engines: Engines, word: int) -> None:
    """As a load or store, so with the privilege in MPP when MPRV is set."""
    for mpp, cause in ((1, 15), (3, 7)):
        assert execute(engines, word, PAGE, mstatus=1 << 17 | mpp << 11, satp=SV39).mcause == cause


def test_zeroed_code_is_no_longer_executed(engines: Engines) -> None:
    """The native engine has the block decoded; afterwards the bits are illegal."""
    nop, back = encode("addi"), encode("jalr", rs1=1)
    engines.begin()
    engines.code(DATA, [nop, nop, back])
    engines.code(CODE, [encode("jalr", rd=1, rs1=11), ZERO, encode("jalr", rd=1, rs1=11)])
    h = engines.run(4, x11=DATA)
    assert (h.pc, h.mcause) == (CODE + 4, 0)
    h = engines.run(3)
    assert (h.mcause, h.mepc, h.mtval) == (2, DATA, 0)


@pytest.mark.parametrize("at", [0, 8, 63])
def test_watchpoints_see_the_whole_block(engines: Engines, at: int) -> None:
    engines.begin()
    engines.each(lambda h: add_watch(h, DATA + at, 1, hit_kind(write=True)))
    engines.code(CODE, [FLUSH, ZERO])
    assert engines.run(x11=DATA + 20).watch_hit == 0
    h = engines.run()
    assert (h.watch_hit, h.watch_va, h.watch_write, h.pc) == (1, DATA, 1, CODE + 8)
    for machine in engines.machines:
        machine.harts[0].watch_hit = machine.harts[0].watch_count = 0


@pytest.mark.parametrize("kind", [0, 1, 3])
@pytest.mark.parametrize("mode", MODES)
def test_prefetches_never_trap(engines: Engines, kind: int, mode: str) -> None:
    """norm:cbp_unperm_noexcep: whatever the address and the environment."""
    h = execute(engines, encode("ori", rs1=11, imm=-64 + kind), 0x40, mode)
    assert (h.mcause, h.pc, h.x[11]) == (0, CODE + 4, 0x40)
