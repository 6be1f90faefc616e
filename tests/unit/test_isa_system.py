# SPDX-License-Identifier: Apache-2.0
"""CSR and privileged instructions: what they ask of core/csr, core/trap and core/mmu, and in which order.

The parts they call are replaced by recorders; what those decide has tests of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.hart import Hart
from core.isa import hypervisor, privileged, svinval, zicsr
from core.isa.decode import decode, encode
from core.isa.intrinsics import Trap
from core.mmu import fence
from core.trap.causes import Cause

ONES = 0xFFFF_FFFF_FFFF_FFFF
OLD = 0xF0
CSR = 0x340
READ_ONLY = 0xC00

Log = list[tuple[Any, ...]]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    """Calls in order. csr_check refuses to write READ_ONLY; every require_* refuses V=1."""
    log: Log = []

    def record(name: str, result: int | None = None) -> Callable[..., int | None]:
        def call(h: Hart, *arguments: Any) -> int | None:
            log.append((name, *arguments))
            if name == "csr_check" and arguments == (READ_ONLY, True):
                raise Trap(Cause.ILLEGAL_INSTRUCTION)
            if name.startswith("require") and h.v:
                raise Trap(Cause.VIRTUAL_INSTRUCTION)
            return result

        return call

    for name, result in (("csr_check", None), ("csr_read", OLD), ("csr_base", OLD), ("csr_write", None)):
        monkeypatch.setattr(zicsr, name, record(name, result))
    for name in ("do_mret", "do_sret", "require_wfi", "require_sfence", "recheck"):
        monkeypatch.setattr(privileged, name, record(name))
    for name in ("require_hfence_vvma", "require_hfence_gvma"):
        monkeypatch.setattr(hypervisor, name, record(name))
        monkeypatch.setattr(svinval, name, record(name))
    for name in ("require_sfence", "require_sfence_inval"):
        monkeypatch.setattr(svinval, name, record(name))
    for name in ("sfence_vma", "hfence_vvma", "hfence_gvma"):
        monkeypatch.setattr(fence, name, record(name))
    return log


def run(word: int, h: Hart | None = None, **x: int) -> Hart:
    """Execute one instruction; `x` gives registers by number, e.g. x11=5."""
    h = h or Hart()
    for name, value in x.items():
        h.x[int(name[1:])] = value
    found = decode(word)
    found.function(h, *found.args)
    h.x[0] = 0
    return h


def calls(log: Log) -> Log:
    """The log without the reads that only serve to write."""
    return [entry for entry in log if entry[0] != "csr_base"]


@pytest.mark.parametrize(
    ("word", "new"),
    [
        (encode("csrrw", rd=10, csr=CSR, rs1=11), 0x33),
        (encode("csrrs", rd=10, csr=CSR, rs1=11), 0xF3),
        (encode("csrrc", rd=10, csr=CSR, rs1=11), 0xC0),
        (encode("csrrwi", rd=10, csr=CSR, uimm=0x13), 0x13),
        (encode("csrrsi", rd=10, csr=CSR, uimm=0x13), 0xF3),
        (encode("csrrci", rd=10, csr=CSR, uimm=0x13), 0xE0),
    ],
)
def test_read_and_write(log: Log, word: int, new: int) -> None:
    assert run(word, x11=0x33).x[10] == OLD
    assert calls(log) == [("csr_check", CSR, True), ("csr_read", CSR), ("csr_write", CSR, new)]


@pytest.mark.parametrize("name", ["csrrs", "csrrc", "csrrsi", "csrrci"])
def test_h038_no_source_is_no_write(log: Log, name: str) -> None:
    """rs1=x0 or uimm=0 reads only, with the rule for reading (norm:csrrs_csrrc_rs1_x0)."""
    assert run(encode(name, rd=10, csr=READ_ONLY)).x[10] == OLD
    assert log == [("csr_check", READ_ONLY, False), ("csr_read", READ_ONLY)]


def test_a_register_that_holds_zero_is_a_write(log: Log) -> None:
    with pytest.raises(Trap):
        run(encode("csrrs", rd=10, csr=READ_ONLY, rs1=11), x11=0)
    run(encode("csrrs", rd=10, csr=CSR, rs1=11), x11=0)
    assert calls(log)[-1] == ("csr_write", CSR, OLD)


@pytest.mark.parametrize(
    ("word", "new"),
    [
        (encode("csrrw", rd=0, csr=CSR, rs1=11), 0x33),
        (encode("csrrw", rd=0, csr=CSR, rs1=0), 0),
        (encode("csrrwi", rd=0, csr=CSR, uimm=31), 31),
        (encode("csrrwi", rd=0, csr=CSR, uimm=0), 0),
    ],
)
def test_write_without_destination_does_not_read(log: Log, word: int, new: int) -> None:
    """norm:csrrw_op, norm:csrrwi_rd_x0; a write of x0 is a write (norm:csrrw_rs1_x0)."""
    run(word, x11=0x33)
    assert log == [("csr_check", CSR, True), ("csr_write", CSR, new)]


@pytest.mark.parametrize("name", ["csrrs", "csrrc"])
def test_set_and_clear_without_destination_still_read(log: Log, name: str) -> None:
    run(encode(name, rd=0, csr=CSR, rs1=11), x11=1)
    assert ("csr_read", CSR) in log


def test_source_is_read_before_the_destination_is_written(log: Log) -> None:
    assert run(encode("csrrw", rd=11, csr=CSR, rs1=11), x11=0x55).x[11] == OLD
    assert log[-1] == ("csr_write", CSR, 0x55)


@pytest.mark.parametrize("name", ["csrrw", "csrrs", "csrrc"])
def test_a_refused_access_changes_nothing(log: Log, name: str) -> None:
    h = Hart()
    with pytest.raises(Trap):
        run(encode(name, rd=10, csr=READ_ONLY, rs1=11), h, x10=77, x11=1)
    assert h.x[10] == 77
    assert log == [("csr_check", READ_ONLY, True)]


def test_csrrc_clears_in_all_64_bits(log: Log) -> None:
    run(encode("csrrc", rd=0, csr=CSR, rs1=11), x11=ONES)
    assert log[-1] == ("csr_write", CSR, 0)


def test_returns(log: Log) -> None:
    run(encode("mret"))
    run(encode("sret"))
    assert log == [("do_mret",), ("do_sret",)]


def test_wfi_waits_only_if_allowed(log: Log) -> None:
    h = run(encode("wfi"))
    assert h.wfi == 1
    assert log == [("require_wfi",), ("recheck",)]
    h = Hart()
    h.v = 1
    with pytest.raises(Trap):
        run(encode("wfi"), h)
    assert h.wfi == 0


@pytest.mark.parametrize(
    ("name", "rule", "call"),
    [
        ("sfence.vma", "require_sfence", "sfence_vma"),
        ("hfence.vvma", "require_hfence_vvma", "hfence_vvma"),
        ("hfence.gvma", "require_hfence_gvma", "hfence_gvma"),
        ("sinval.vma", "require_sfence", "sfence_vma"),
        ("hinval.vvma", "require_hfence_vvma", "hfence_vvma"),
        ("hinval.gvma", "require_hfence_gvma", "hfence_gvma"),
    ],
)
def test_fences_name_their_operands_by_register_not_by_value(log: Log, name: str, rule: str, call: str) -> None:
    run(encode(name, rs1=11, rs2=12), x11=0x5000, x12=0)
    run(encode(name, rs1=11), x11=0, x12=3)
    run(encode(name, rs2=12), x12=3)
    run(encode(name))
    assert log[::2] == [(rule,)] * 4
    assert log[1::2] == [
        (call, 0x5000, 0, True, True),
        (call, 0, 0, True, False),
        (call, 0, 3, False, True),
        (call, 0, 0, False, False),
    ]
    h = Hart()
    h.v = 1
    log.clear()
    with pytest.raises(Trap):
        run(encode(name), h)
    assert log == [(rule,)]


def test_outer_parts_of_a_split_fence_only_ask_for_permission(log: Log) -> None:
    run(encode("sfence.w.inval"))
    run(encode("sfence.inval.ir"))
    assert log == [("require_sfence_inval",)] * 2
