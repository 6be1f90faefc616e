# SPDX-License-Identifier: Apache-2.0
"""How instructions reach CSRs: does it exist, may this mode access it, which register is meant, what follows.

The tables are built from the registry: CSR_READ, CSR_BASE and CSR_WRITE have the functions, CSR_RULE says whether the
CSR exists and what besides the privilege in its address decides. V=1 renames the supervisor CSRs that have a vs* twin
(BANKED).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.csr.csr import Csr, Effect
from core.csr.registry import CSRS_BY_ADDRESS, CSRS_BY_NAME
from core.csr.stateen import state_rule
from core.features import Feature
from core.hart import Hart
from core.isa.intrinsics import Dispatch, Trap, end_slice, u64
from core.kernel import make_kernel
from core.mmu.tlb import flush_all, update_regime
from core.trap.catches import ON_READ, ON_WRITE, Caught, catch_csr
from core.trap.causes import Cause

CSR_READ = Dispatch("csr_read")
CSR_BASE = Dispatch("csr_base")
CSR_WRITE = Dispatch("csr_write")
CSR_RULE = Dispatch("csr_rule")
CSR_WRITE_RULE = Dispatch("csr_write_rule")
CSR_READ_RULE = Dispatch("csr_read_rule")

BANKED = {csr.address - 0x100: csr.address for csr in CSRS_BY_NAME.values() if csr.group == "VS"}
"""Supervisor CSR address -> address of the VS CSR that takes its place when V=1 (norm:H_vscsrs_sub)."""
if any(CSRS_BY_ADDRESS[address].privilege != 1 for address in BANKED):
    raise ValueError("a VS CSR has no supervisor CSR")


def no_csr(h: Hart) -> u64:
    """The rule of an address without a CSR (norm:Zicsr_illegal_mode has the others)."""
    return Cause.ILLEGAL_INSTRUCTION


def nothing(h: Hart) -> u64:
    """Reading what does not exist; `csr_check` came before."""
    return 0


def nowhere(h: Hart, value: u64) -> None:
    """Writing what does not exist; `csr_check` came before."""


def no_rule(h: Hart) -> u64:
    """The rule for writes, or accesses without a write, of most CSRs."""
    return 0


def csr_cause(h: Hart, address: u64, write: bool) -> u64:
    """0 when the current mode may access CSR `address`, else the cause of the trap (norm:H_cause_virtual_instruction).

    Illegal is what HS-mode could not do either, or what is not there: no such CSR, a write to a read-only one, machine
    CSRs, counters M-mode withholds. Of the rest, what V=1 may not do is a virtual instruction.
    """
    if write and address >> 10 == 3:
        return Cause.ILLEGAL_INSTRUCTION
    refused = u64(CSR_RULE(address, h))
    if write and refused == 0:
        refused = u64(CSR_WRITE_RULE(address, h))
    if not write and CSR_READ_RULE(address, h) != 0:
        refused = u64(CSR_READ_RULE(address, h))
    level = (address >> 8) & 3
    if h.mode == 3 or refused == Cause.ILLEGAL_INSTRUCTION:
        return refused
    if level == 3:
        return Cause.ILLEGAL_INSTRUCTION
    if h.v == 0:
        return Cause.ILLEGAL_INSTRUCTION if level > 0 and h.mode == 0 else refused
    return Cause.VIRTUAL_INSTRUCTION if level > h.mode else refused


def csr_check(h: Hart, address: u64, write: bool) -> None:
    """Raise the illegal- or virtual-instruction exception of a CSR access that is not allowed."""
    cause = csr_cause(h, address, write)
    if cause != 0:
        raise Trap(cause)


def csr_read(h: Hart, address: u64) -> u64:
    """The value an instruction reads from CSR `address`; `csr_check` came before."""
    value = u64(CSR_READ(banked(h, address), h))
    if h.catches & Caught.CSR != 0:
        catch_csr(h, banked(h, address), value, ON_READ)
    return value


def csr_base(h: Hart, address: u64) -> u64:
    """The value whose bits CSRRS and CSRRC set or clear before writing it back: what is read, but for mip.SEIP."""
    return u64(CSR_BASE(banked(h, address), h))


def csr_write(h: Hart, address: u64, value: u64) -> None:
    """Write `value` to CSR `address` as far as it is legal, with all that follows; `csr_check` came before."""
    if h.catches & Caught.CSR != 0:
        catch_csr(h, banked(h, address), value, ON_WRITE)
    CSR_WRITE(banked(h, address), h, value)


def _with_effects(csr: type[Csr]) -> Callable[..., Any]:
    """The kernel function that writes a CSR and acts on what that may change."""
    if not csr.effects:
        return csr.write
    calls = ["write(h, value)"]
    if csr.effects & Effect.PROTECTION:
        calls.append("flush_all(h)")
    if csr.effects & Effect.TRANSLATION:
        calls.append("update_regime(h)")
    if csr.effects & Effect.INTERRUPT:
        calls.append("end_slice(h)")
    name = f"{csr.name}_write_through"
    text = f"def {name}(h: Hart, value: u64) -> None:\n" + "".join(f"    {call}\n" for call in calls)
    names = {"flush_all": flush_all, "update_regime": update_regime, "end_slice": end_slice}
    return make_kernel(name, text, write=csr.write, **names)


def _rule(csr: type[Csr]) -> Callable[..., Any]:
    """The kernel function that says whether the CSR exists, and if so, applies the state enables and its rule."""
    rule, state = csr.rule, state_rule(csr.name)
    if state is not None:
        rule = _after(csr.name, state, rule)
    if csr.feature == Feature.ZICSR and rule is not None:
        return rule  # type: ignore[no-any-return]
    name = f"rule_of_{csr.ext.replace(' ', '_')}" if rule is None else f"{csr.name}_exists"
    if name not in _rules:
        test = f"h.features & {int(csr.feature):#x} != {int(csr.feature):#x}"
        then = "rule(h)" if rule is not None else "0"
        text = f"def {name}(h: Hart) -> u64:\n    return {int(Cause.ILLEGAL_INSTRUCTION)} if {test} else {then}\n"
        _rules[name] = make_kernel(name, text, **({} if rule is None else {"rule": rule}))
    return _rules[name]


def _after(name: str, state: Callable[..., Any], rule: Callable[..., Any] | None) -> Callable[..., Any]:
    """The kernel function that applies a second rule when the first has nothing against the access."""
    if rule is None:
        return state
    text = f"def {name}_rules(h: Hart) -> u64:\n    cause = state(h)\n    return cause if cause != 0 else rule(h)\n"
    return make_kernel(f"{name}_rules", text, state=state, rule=rule)


def _banked() -> Callable[..., Any]:
    """The kernel function banked(h, address), from BANKED."""
    test = " or ".join(f"address == {address:#x}" for address in BANKED)
    text = f"    if h.v != 0 and ({test}):\n        return u64(address + 0x100)\n    return address\n"
    return make_kernel("banked", "def banked(h: Hart, address: u64) -> u64:\n" + text)


banked = _banked()
_rules: dict[str, Callable[..., Any]] = {}
CSR_READ.default, CSR_BASE.default, CSR_WRITE.default, CSR_RULE.default = nothing, nothing, nowhere, no_csr
CSR_WRITE_RULE.default = CSR_READ_RULE.default = no_rule
for _address, _csr in CSRS_BY_ADDRESS.items():
    CSR_READ.table[_address] = _csr.read
    CSR_BASE.table[_address] = _csr.base or _csr.read
    CSR_WRITE.table[_address] = _with_effects(_csr)
    CSR_RULE.table[_address] = _rule(_csr)
    if _csr.write_rule is not None:
        CSR_WRITE_RULE.table[_address] = _csr.write_rule
    if _csr.read_rule is not None:
        CSR_READ_RULE.table[_address] = _csr.read_rule
