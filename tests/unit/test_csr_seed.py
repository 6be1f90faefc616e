# SPDX-License-Identifier: Apache-2.0
"""The entropy source, CSR seed (Zkr): who may access it and how, what it gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.boot.loader import Bios, BootConfig
from core.csr.registry import CSRS_BY_NAME, exists, read_csr, write_csr
from core.features import DEFAULT_FEATURES, Feature
from core.isa.decode import encode
from core.machine import Machine, MachineConfig
from core.trap.start import start_supervisor
from tests.support.engines import RAM, Engines
from tests.unit.test_csr_support import ILLEGAL, MODES, ONES, VIRTUAL, cause, enter, make_hart, read, write, written

WITH = DEFAULT_FEATURES | Feature.ZKR
SEED, SSEED, USEED = 0x015, 1 << 9, 1 << 8
ES16 = 2


@pytest.fixture(scope="module")
def engines() -> Engines:
    return Engines(WITH)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mseccfg", [0, SSEED, USEED, SSEED | USEED])
def test_who_may_access_it(mode: str, mseccfg: int) -> None:
    """norm:mseccfg_sseed_useed_op_tbl: with a write where the bits allow it, without one never."""
    h = make_hart(mode, features=WITH, mseccfg=mseccfg)
    s, u = bool(mseccfg & SSEED), bool(mseccfg & USEED)
    guest = VIRTUAL if s else ILLEGAL
    expected = {"M": 0, "HS": 0 if s else ILLEGAL, "U": 0 if u else ILLEGAL, "VS": guest, "VU": guest}
    assert cause(h, SEED, write=True) == expected[mode]
    assert cause(h, SEED) == ILLEGAL


def test_it_comes_with_zkr() -> None:
    """norm:mseccfg_sseed_useed_presence, norm:mseccfg_useed_rdonly0; mseccfg is there with Zkr alone."""
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.SMMPM | Feature.ZKR)
    assert written(h, "mseccfg", ONES) == SSEED | USEED and exists(h, CSRS_BY_NAME["seed"])
    h = make_hart(features=DEFAULT_FEATURES & ~Feature.ZKR)
    assert cause(h, SEED, write=True) == ILLEGAL and not exists(h, CSRS_BY_NAME["seed"])
    assert written(h, "mseccfg", ONES) & (SSEED | USEED) == 0


def test_a_supervisor_started_by_the_host_may_use_it() -> None:
    h = make_hart(features=WITH)
    start_supervisor(h)
    assert cause(enter(h, "HS"), SEED, write=True) == 0 and cause(enter(h, "U"), SEED, write=True) == ILLEGAL


def test_a_debugger_takes_nothing() -> None:
    h = make_hart(features=WITH)
    first = read_csr(h, "seed")
    assert first >> 30 == ES16 and first & 0x3FFF_0000 == 0
    write_csr(h, "seed", 5)
    assert read_csr(h, "seed") == first
    write(h, "seed", 0)
    assert read_csr(h, "seed") != first


def test_every_access_takes_sixteen_bits(engines: Engines) -> None:
    """csrrw, csrrs, csrrc and csrrwi alike; the value written does not matter. The same again after a reset."""
    code = [
        encode("csrrw", rd=10, rs1=0, csr=SEED),
        encode("csrrs", rd=11, rs1=5, csr=SEED),
        encode("csrrc", rd=12, rs1=5, csr=SEED),
        encode("csrrwi", rd=13, uimm=0, csr=SEED),
        encode("csrrw", rd=0, rs1=5, csr=SEED),
        encode("csrrsi", rd=14, uimm=1, csr=SEED),
    ]
    found = []
    for value in (0, ONES):
        engines.begin("M", mtvec=RAM + 0x800)
        engines.code(RAM, code)
        h = engines.run(6, x5=value)
        found.append([h.x[n] for n in range(10, 15)])
        assert h.mcause == 0 and len(set(found[-1])) == 5
        assert all(number >> 30 == ES16 and number & 0x3FFF_0000 == 0 for number in found[-1])
    assert found[0] == found[1]


def test_reading_without_a_write_traps_and_takes_nothing(engines: Engines) -> None:
    for word in (encode("csrrs", rd=10, rs1=0, csr=SEED), encode("csrrci", rd=10, uimm=0, csr=SEED)):
        engines.begin("M", mtvec=RAM + 0x800)
        engines.code(RAM, [word])
        before = engines.hart.entropy
        h = engines.run(1)
        assert (h.mcause, h.mtval, h.entropy) == (ILLEGAL, word, before)


def test_the_bits_follow_from_the_machines_seed(tmp_path: Path) -> None:
    """Harts differ, and so do machines with other seeds (BoardConfig.seed)."""
    image = tmp_path / "empty.bin"
    image.write_bytes(bytes(64))
    config = MachineConfig(BootConfig(image, bios=Bios.NONE), 4 << 20, harts=2, features=WITH, engine="reference")
    one, same = Machine(config), Machine(config)
    other = Machine(replace(config, board=replace(config.board, seed=1)))
    seeds = [[read_csr(hart, "seed") for hart in machine.harts] for machine in (one, same, other)]
    assert seeds[0] == seeds[1] and len({*seeds[0], *seeds[2]}) == 4


def test_the_bits_are_spread() -> None:
    h = make_hart(features=WITH)
    counts = [0] * 16
    for _ in range(2000):
        write(h, "seed", 0)
        value = read_csr(h, "seed")
        for bit in range(16):
            counts[bit] += value >> bit & 1
    assert all(850 < count < 1150 for count in counts)
    assert read(enter(h, "M"), "mseccfg") == 0
